/*
 * xml_fields_xsd - a walk over the declarations of an XML Schema; see
 * xml_fields.h. Types that xsi:type may put in place of another, and members of
 * substitution groups, are not followed: their values are shown as unknown.
 */
#include "formats/xml_fields_priv.h"

#include <stdlib.h>
#include <string.h>

#define XSD "http://www.w3.org/2001/XMLSchema"

static void particles(struct walk *walk, const xmlNode *node,
    struct place place, struct content *content);
static void type_named(struct walk *walk, const xmlNode *node,
    const char *attribute, struct content *content);

/* ---- names ---- */

static bool
attribute_is(const xmlNode *node, const char *name, const char *value)
{
	char *text = fields_attribute(node, name);
	bool same = text != NULL && strcmp(text, value) == 0;

	free(text);
	return same;
}

/* The attribute without its prefix, the caller's. */
static char *
local_name(const xmlNode *node, const char *attribute)
{
	char *text = fields_attribute(node, attribute);
	char *colon = text ? strchr(text, ':') : NULL;

	if (colon != NULL)
		memmove(text, colon + 1, strlen(colon));
	return text;
}

/* Whether the name that an attribute has is one of XML Schema's own. */
static bool
is_builtin(const xmlNode *node, const char *attribute)
{
	char *text = fields_attribute(node, attribute);
	char *colon = text ? strchr(text, ':') : NULL;
	const xmlNs *ns;

	if (colon != NULL)
		*colon = '\0';
	ns = text == NULL ? NULL
			  : xmlSearchNs(node->doc, (xmlNodePtr)(uintptr_t)node,
				colon ? (const xmlChar *)text : NULL);
	free(text);
	return ns != NULL && strcmp((const char *)ns->href, XSD) == 0;
}

/* What stands at the top of the schema by this kind and name. */
static const xmlNode *
global(const xmlNode *top, const char *kind, const char *name)
{
	for (const xmlNode *one = top->children; name && one; one = one->next)
		if (fields_node_is(one, kind) &&
		    attribute_is(one, "name", name))
			return one;
	return NULL;
}

static const xmlNode *
referred(const struct walk *walk, const xmlNode *node, const char *kind)
{
	char *name = local_name(node, "ref");
	const xmlNode *found = global(walk->top, kind, name);

	free(name);
	return found;
}

/* The target namespace, or none where a local name has none; the caller's. */
static char *
namespace_of(const struct walk *walk, const xmlNode *node, const char *standard)
{
	bool qualified = node->parent == walk->top ||
			 attribute_is(node, "form", "qualified") ||
			 (attribute_is(walk->top, standard, "qualified") &&
			     !attribute_is(node, "form", "unqualified"));

	return qualified ? fields_attribute(walk->top, "targetNamespace")
			 : NULL;
}

/* ---- elements and attributes ---- */

static void
element_look(struct walk *walk, const xmlNode *node, struct content *content)
{
	static const struct place once;
	bool anything = true;

	for (const xmlNode *one = node->children; one; one = one->next) {
		if (fields_node_is(one, "complexType"))
			particles(walk, one, once, content);
		content->text |= fields_node_is(one, "simpleType");
		anything &= !fields_node_is(one, "complexType") &&
			    !fields_node_is(one, "simpleType");
	}
	if (xmlHasProp((xmlNodePtr)(uintptr_t)node, (const xmlChar *)"type"))
		type_named(walk, node, "type", content);
	else if (anything)
		fields_open(walk, node);
}

static struct place
place_of(const xmlNode *node, struct place around)
{
	char *most = fields_attribute(node, "maxOccurs");

	around.repeated |=
	    most != NULL && strcmp(most, "0") != 0 && strcmp(most, "1") != 0;
	around.optional |= attribute_is(node, "minOccurs", "0") ||
			   fields_node_is(node, "choice");
	free(most);
	return around;
}

static void
element(struct walk *walk, const xmlNode *node, struct place place,
    struct content *content)
{
	const xmlNode *meant =
	    xmlHasProp((xmlNodePtr)(uintptr_t)node, (const xmlChar *)"ref")
		? referred(walk, node, "element")
		: node;
	char *name = meant ? fields_attribute(meant, "name") : NULL;
	char *ns =
	    meant ? namespace_of(walk, meant, "elementFormDefault") : NULL;

	if (name == NULL || attribute_is(meant, "abstract", "true"))
		fields_open(walk, node);
	else
		fields_element_add(walk, meant, ns, name, place_of(node, place),
		    content, element_look);
	free(name);
	free(ns);
}

static void
attribute(struct walk *walk, const xmlNode *node, struct content *content)
{
	const struct place place = {
	    .optional = !attribute_is(node, "use", "required")};
	const xmlNode *meant =
	    xmlHasProp((xmlNodePtr)(uintptr_t)node, (const xmlChar *)"ref")
		? referred(walk, node, "attribute")
		: node;
	char *name = meant ? fields_attribute(meant, "name") : NULL;
	char *ns =
	    meant ? namespace_of(walk, meant, "attributeFormDefault") : NULL;

	if (name == NULL)
		fields_open(walk, node);
	else if (!attribute_is(node, "use", "prohibited"))
		fields_attribute_add(walk, meant, ns, name, place, content);
	free(name);
	free(ns);
}

/* ---- types ---- */

/* The type that an attribute names: one of XML Schema's is text. */
static void
type_named(struct walk *walk, const xmlNode *node, const char *attribute,
    struct content *content)
{
	static const struct place once;
	char *name = local_name(node, attribute);
	const xmlNode *type = global(walk->top, "complexType", name);

	if (is_builtin(node, attribute)) {
		if (name != NULL && strcmp(name, "anyType") == 0)
			fields_open(walk, node);
		else
			content->text = true;
	} else if (type != NULL) {
		particles(walk, type, once, content);
	} else {
		content->text = true;
	}
	free(name);
}

static void
group(struct walk *walk, const xmlNode *node, const char *kind,
    struct place place, struct content *content)
{
	const xmlNode *meant = referred(walk, node, kind);

	if (meant != NULL)
		particles(walk, meant, place_of(node, place), content);
}

static void
particle(struct walk *walk, const xmlNode *node, struct place place,
    struct content *content)
{
	static const char *const holders[] = {"sequence", "choice", "all",
	    "simpleContent", "complexContent", "extension", "restriction"};

	for (size_t i = 0; i < sizeof(holders) / sizeof(holders[0]); i++)
		if (fields_node_is(node, holders[i]))
			particles(walk, node, place_of(node, place), content);
	/* what a restriction has of its base is said in it, but attributes */
	if (fields_node_is(node, "extension") ||
	    fields_node_is(node, "restriction"))
		type_named(walk, node, "base", content);
	else if (fields_node_is(node, "element"))
		element(walk, node, place, content);
	else if (fields_node_is(node, "attribute"))
		attribute(walk, node, content);
	else if (fields_node_is(node, "group"))
		group(walk, node, "group", place, content);
	else if (fields_node_is(node, "attributeGroup"))
		group(walk, node, "attributeGroup", place, content);
	else if (fields_node_is(node, "any") ||
		 fields_node_is(node, "anyAttribute"))
		fields_open(walk, node);
}

static void
particles(struct walk *walk, const xmlNode *node, struct place place,
    struct content *content)
{
	if (!fields_enter(walk, node))
		return;
	content->text |= attribute_is(node, "mixed", "true");
	for (const xmlNode *one = node->children; one; one = one->next)
		particle(walk, one, place, content);
	fields_leave(walk);
}

/* ---- the root ---- */

static bool
is_referred(const xmlNode *node, const char *name)
{
	for (const xmlNode *one = node->children; one; one = one->next) {
		char *ref = fields_node_is(one, "element")
				? local_name(one, "ref")
				: NULL;
		bool same = ref != NULL && strcmp(ref, name) == 0;

		free(ref);
		if (same || is_referred(one, name))
			return true;
	}
	return false;
}

const xmlNode *
xsd_root(const xmlNode *top)
{
	const xmlNode *root = NULL;

	for (const xmlNode *one = top->children; one; one = one->next) {
		char *name = fields_node_is(one, "element")
				 ? fields_attribute(one, "name")
				 : NULL;
		bool free_standing = name != NULL && !is_referred(top, name);

		free(name);
		if (!free_standing)
			continue;
		if (root != NULL)
			return NULL;
		root = one;
	}
	return root;
}

void
fields_of_xsd(struct walk *walk)
{
	static const struct place once;
	const xmlNode *root = xsd_root(walk->top);
	struct content content = {0};

	if (root != NULL)
		element(walk, root, once, &content);
}
