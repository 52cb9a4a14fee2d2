/*
 * xml_fields - a walk over the patterns of a RELAX NG schema; see xml_fields.h.
 *
 * It is no validator: where it cannot tell (wildcards, schemas that refer to
 * themselves) it says that anything may stand there.
 */
#include "formats/xml_fields.h"

#include "formats/json.h"
#include "formats/xml_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64
#define STEPS_MAX 100000 /* a schema can say much in few words */

struct walk {
	struct schema_fields *fields;
	const xmlNode *grammar; /* NULL: the schema is one pattern */
	const char *file;
	const char *const *lists;
	struct findings *findings;
	struct buf pointer; /* of the value, with stars */
	struct buf names;   /* as in lists */
	char *ns;           /* of the root element; "" for none */
	bool *used;         /* of lists */
	int depth;
	int steps;
	bool failed; /* no memory */
};

/* How a pattern stands in its element. */
struct place {
	bool repeated; /* may stand more than once */
	bool optional; /* may be missing */
};

/* What an element may hold. */
struct content {
	bool text;
	bool object; /* attributes or elements */
	bool always; /* and one of them always */
};

static void pattern(struct walk *walk, const xmlNode *node, struct place place,
    struct content *content);

static unsigned
line_of(const xmlNode *node)
{
	return (unsigned)xmlGetLineNo((xmlNodePtr)(uintptr_t)node);
}

static bool
is(const xmlNode *node, const char *name)
{
	return strcmp((const char *)node->name, name) == 0;
}

/* ---- fields ---- */

static void
field_add(struct walk *walk, const xmlNode *node, bool scalar, bool open)
{
	struct schema_fields *fields = walk->fields;
	const char *at = buf_text(&walk->pointer);
	json_t *own = at ? json_string(at) : NULL;
	struct schema_field *more;

	if (own == NULL || json_array_append_new(fields->own, own) != 0) {
		walk->failed = true;
		return;
	}
	more =
	    reallocarray(fields->at, fields->count + 1, sizeof(fields->at[0]));
	if (more == NULL) {
		walk->failed = true;
		return;
	}
	fields->at = more;
	more[fields->count++] =
	    (struct schema_field){.at = json_string_value(own),
		.part = walk->file,
		.rule = "",
		.line = line_of(node),
		.scalar = scalar,
		.open = open};
}

/* A step down; back to size when it has been looked at. */
static size_t
step(struct walk *walk, const char *name)
{
	size_t back = walk->pointer.size;

	json_pointer_add(&walk->pointer, name);
	return back;
}

/* ---- names ---- */

static char *
attribute_of(const xmlNode *node, const char *name)
{
	xmlChar *text = xmlGetNoNsProp(
	    (xmlNodePtr)(uintptr_t)node, (const xmlChar *)(uintptr_t)name);
	char *copy = text ? strdup((const char *)text) : NULL;

	xmlFree(text);
	return copy;
}

/* The attribute ns of a pattern or of the nearest around it. */
static char *
namespace_of(const xmlNode *node)
{
	for (; node && node->type == XML_ELEMENT_NODE; node = node->parent) {
		char *ns = attribute_of(node, "ns");

		if (ns != NULL)
			return ns;
	}
	return strdup("");
}

/* "name" or "{ns}name"; false for a wildcard. */
static bool
name_of(struct walk *walk, const xmlNode *node, bool attribute, struct buf *out)
{
	char *name = attribute_of(node, "name");
	char *ns = attribute ? attribute_of(node, "ns") : namespace_of(node);
	bool found = name != NULL;

	if (ns == NULL)
		ns = strdup("");
	if (ns == NULL)
		walk->failed = true;
	if (attribute)
		buf_add_byte(out, '@');
	if (found && strncmp(name, "xml:", 4) == 0)
		buf_printf(out, "{%s}%s", XML_XML_NAMESPACE, name + 4);
	else if (found && ns != NULL &&
		 (attribute ? ns[0] != '\0'
			    : walk->ns && strcmp(ns, walk->ns) != 0))
		buf_printf(out, "{%s}%s", ns, name);
	else if (found)
		buf_add_text(out, name);
	free(name);
	free(ns);
	return found;
}

/* ---- patterns ---- */

static void
children(struct walk *walk, const xmlNode *node, struct place place,
    struct content *content)
{
	for (const xmlNode *one = node->children; one; one = one->next)
		if (one->type == XML_ELEMENT_NODE)
			pattern(walk, one, place, content);
}

static void
attribute(struct walk *walk, const xmlNode *node, struct place place,
    struct content *content)
{
	struct buf name;
	size_t back;

	content->object = true;
	content->always |= !place.optional;
	buf_init(&name, 64 * KIB);
	if (name_of(walk, node, true, &name) && buf_text(&name) != NULL) {
		back = step(walk, buf_text(&name));
		field_add(walk, node, true, false);
		walk->pointer.size = back;
	} else {
		field_add(walk, node, false, true);
	}
	buf_clear(&name);
}

static bool
is_listed(struct walk *walk)
{
	const char *names = buf_text(&walk->names);

	for (size_t i = 0; names && walk->lists[i]; i++) {
		if (strcmp(walk->lists[i], names) != 0)
			continue;
		walk->used[i] = true;
		return true;
	}
	return false;
}

/* An element's own content, at the pointer that is its value. */
static void
element_value(struct walk *walk, const xmlNode *node)
{
	static const struct place once;
	struct content content = {0};
	size_t back;

	children(walk, node, once, &content);
	field_add(walk, node, content.text && !content.object, false);
	if (!content.text || !content.object)
		return;
	back = step(walk, "#text");
	field_add(walk, node, true, false);
	walk->pointer.size = back;
	if (!content.always)
		findings_add(walk->findings, walk->file, "", "relaxng",
		    "line %u: an attribute or element that is always there: "
		    "else this is now a text, now \"#text\"",
		    line_of(node));
}

static void
element(struct walk *walk, const xmlNode *node, struct place place,
    struct content *content)
{
	size_t names = walk->names.size, back = walk->pointer.size;
	struct buf name;
	bool listed;

	if (walk->ns == NULL) { /* the root: its value is the top */
		walk->ns = namespace_of(node);
		walk->failed |= walk->ns == NULL;
		element_value(walk, node);
		return;
	}
	content->object = true;
	content->always |= !place.optional;
	buf_init(&name, 64 * KIB);
	if (!name_of(walk, node, false, &name) || !buf_text(&name)) {
		field_add(walk, node, false, true);
		buf_clear(&name);
		return;
	}
	buf_add_byte(&walk->names, '/');
	buf_add_span(&walk->names, buf_span(&name));
	step(walk, buf_text(&name));
	listed = is_listed(walk);
	if (place.repeated && !listed)
		findings_add(walk->findings, walk->file, "", "relaxng",
		    "line %u: an entry under \"lists\" of profile.json, for "
		    "this element may stand more than once",
		    line_of(node));
	if (listed) {
		field_add(walk, node, false, false);
		step(walk, "*");
	}
	element_value(walk, node);
	walk->pointer.size = back;
	walk->names.size = names;
	buf_clear(&name);
}

/* All that the grammar defines by the name of a reference. */
static void
reference(struct walk *walk, const xmlNode *node, struct place place,
    struct content *content)
{
	char *name = attribute_of(node, "name");

	for (const xmlNode *one = walk->grammar ? walk->grammar->children
						: NULL;
	     name && one; one = one->next) {
		char *other;

		if (one->type != XML_ELEMENT_NODE || !is(one, "define"))
			continue;
		other = attribute_of(one, "name");
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

	if (walk->failed)
		return;
	if (walk->depth >= DEPTH_MAX || walk->steps >= STEPS_MAX) {
		if (walk->steps++ <= STEPS_MAX)
			field_add(walk, node, false, true);
		return;
	}
	walk->depth++;
	walk->steps++;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		content->text |= is(node, texts[i]);
	content->text |= is(node, "mixed");
	place.repeated |= is(node, "oneOrMore") || is(node, "zeroOrMore");
	place.optional |= is(node, "optional") || is(node, "zeroOrMore") ||
			  is(node, "choice");
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (is(node, groups[i]))
			children(walk, node, place, content);
	if (is(node, "element"))
		element(walk, node, place, content);
	else if (is(node, "attribute"))
		attribute(walk, node, place, content);
	else if (is(node, "ref"))
		reference(walk, node, place, content);
	else if (is(node, "grammar") || is(node, "parentRef"))
		field_add(walk, node, false, true);
	walk->depth--;
}

static void
schema_walk_start(struct walk *walk, const xmlNode *root)
{
	static const struct place once;
	struct content content = {0};

	if (!is(root, "grammar")) {
		pattern(walk, root, once, &content);
		return;
	}
	walk->grammar = root;
	for (const xmlNode *one = root->children; one; one = one->next)
		if (one->type == XML_ELEMENT_NODE && is(one, "start"))
			children(walk, one, once, &content);
}

static void
lists_check(const struct walk *walk)
{
	for (size_t i = 0; walk->lists[i]; i++) {
		char at[64];

		snprintf(at, sizeof(at), "/payload/lists/%zu", i);
		if (!walk->used[i])
			findings_add(walk->findings, "profile.json", at,
			    "pointer", "the path of an element of %s",
			    walk->file);
	}
}

int
xml_fields_find(struct span text, const char *file, const char *const *lists,
    struct findings *findings, struct schema_fields *fields, struct why *why)
{
	static const struct xml_bounds bounds = {
	    1 * MIB, 100, 100000, 64, true};
	struct walk walk = {.fields = fields,
	    .file = file,
	    .lists = lists,
	    .findings = findings};
	struct xml_document *document;
	size_t count = 0;
	int ret = xml_text_read(text, &bounds, &document, why);

	*fields = (struct schema_fields){.own = json_array()};
	if (ret < 0)
		return ret;
	buf_init(&walk.pointer, 64 * KIB);
	buf_init(&walk.names, 64 * KIB);
	while (lists[count] != NULL)
		count++;
	walk.used = calloc(count + 1, sizeof(walk.used[0]));
	walk.failed = fields->own == NULL || walk.used == NULL;
	if (!walk.failed)
		schema_walk_start(&walk, document->root);
	if (!walk.failed)
		lists_check(&walk);
	if (walk.failed)
		ret = why_set(why, WHY_NOMEM, "no memory for a schema");
	else
		ret = findings_verdict(findings, why);
	free(walk.ns);
	free(walk.used);
	buf_clear(&walk.pointer);
	buf_clear(&walk.names);
	xml_document_free(document);
	return ret;
}
