/*
 * xml_fields_relaxng - a walk over the patterns of a RELAX NG schema; see
 * xml_fields.h.
 */
#include "formats/xml_fields_priv.h"

#include <stdlib.h>
#include <string.h>

static void pattern(struct walk *walk, const xmlNode *node, struct place place,
    struct content *content);

/* The attribute ns of a pattern or of the nearest around it. */
static char *
namespace_of(const xmlNode *node)
{
	for (; node && node->type == XML_ELEMENT_NODE; node = node->parent) {
		char *ns = fields_attribute(node, "ns");

		if (ns != NULL)
			return ns;
	}
	return strdup("");
}

static void
children(struct walk *walk, const xmlNode *node, struct place place,
    struct content *content)
{
	for (const xmlNode *one = node->children; one; one = one->next)
		if (one->type == XML_ELEMENT_NODE)
			pattern(walk, one, place, content);
}

static void
element_look(struct walk *walk, const xmlNode *node, struct content *content)
{
	static const struct place once;

	children(walk, node, once, content);
}

/* The namespace that a name stands in; its prefix, which is only xml, goes. */
static char *
split(const xmlNode *node, bool attribute, const char **name)
{
	if (strncmp(*name, "xml:", 4) == 0) {
		*name += 4;
		return strdup((const char *)XML_XML_NAMESPACE);
	}
	return attribute ? fields_attribute(node, "ns") : namespace_of(node);
}

/* An element or attribute; without a name it is a wildcard. */
static void
named(struct walk *walk, const xmlNode *node, struct place place,
    struct content *content)
{
	bool attribute = fields_node_is(node, "attribute");
	char *text = fields_attribute(node, "name");
	const char *name = text;
	char *ns;

	if (text == NULL) {
		content->object = true;
		content->always |= !place.optional;
		fields_open(walk, node);
		return;
	}
	ns = split(node, attribute, &name);
	if (attribute)
		fields_attribute_add(walk, node, ns, name, place, content);
	else
		fields_element_add(
		    walk, node, ns, name, place, content, element_look);
	free(ns);
	free(text);
}

/* All that the grammar defines by the name of a reference. */
static void
reference(struct walk *walk, const xmlNode *node, struct place place,
    struct content *content)
{
	char *name = fields_attribute(node, "name");

	for (const xmlNode *one = walk->top->children; name && one;
	     one = one->next) {
		char *other;

		if (!fields_node_is(one, "define"))
			continue;
		other = fields_attribute(one, "name");
		if (other != NULL && strcmp(other, name) == 0)
			children(walk, one, place, content);
		free(other);
	}
	free(name);
}

static void
pattern(struct walk *walk, const xmlNode *node, struct place place,
    struct content *content)
{
	static const char *const texts[] = {"text", "data", "value", "list"};
	static const char *const groups[] = {"group", "interleave", "oneOrMore",
	    "optional", "zeroOrMore", "choice", "mixed"};

	if (!fields_enter(walk, node))
		return;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		content->text |= fields_node_is(node, texts[i]);
	content->text |= fields_node_is(node, "mixed");
	place.repeated |= fields_node_is(node, "oneOrMore") ||
			  fields_node_is(node, "zeroOrMore");
	place.optional |= fields_node_is(node, "optional") ||
			  fields_node_is(node, "zeroOrMore") ||
			  fields_node_is(node, "choice");
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (fields_node_is(node, groups[i]))
			children(walk, node, place, content);
	if (fields_node_is(node, "element") ||
	    fields_node_is(node, "attribute"))
		named(walk, node, place, content);
	else if (fields_node_is(node, "ref"))
		reference(walk, node, place, content);
	else if (fields_node_is(node, "grammar") ||
		 fields_node_is(node, "parentRef"))
		fields_open(walk, node);
	fields_leave(walk);
}

void
fields_of_relaxng(struct walk *walk)
{
	static const struct place once;
	struct content content = {0};

	if (!fields_node_is(walk->top, "grammar")) {
		pattern(walk, walk->top, once, &content);
		return;
	}
	for (const xmlNode *one = walk->top->children; one; one = one->next)
		if (fields_node_is(one, "start"))
			children(walk, one, once, &content);
}
