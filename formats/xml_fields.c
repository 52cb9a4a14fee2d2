/*
 * xml_fields - what a walk over a schema tells of elements and attributes; see
 * xml_fields.h.
 *
 * The walks are no validators: where they cannot tell (wildcards, schemas that
 * refer to themselves) they say that anything may stand there.
 */
#include "formats/xml_fields_priv.h"

#include "formats/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned
line_of(const xmlNode *node)
{
	return (unsigned)xmlGetLineNo((xmlNodePtr)(uintptr_t)node);
}

bool
fields_node_is(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE &&
	       strcmp((const char *)node->name, name) == 0;
}

char *
fields_attribute(const xmlNode *node, const char *name)
{
	xmlChar *text = xmlGetNoNsProp(
	    (xmlNodePtr)(uintptr_t)node, (const xmlChar *)(uintptr_t)name);
	char *copy = text ? strdup((const char *)text) : NULL;

	xmlFree(text);
	return copy;
}

bool
fields_enter(struct walk *walk, const xmlNode *node)
{
	if (walk->failed)
		return false;
	if (walk->depth >= FIELDS_DEPTH_MAX ||
	    walk->steps >= FIELDS_STEPS_MAX) {
		if (walk->steps++ <= FIELDS_STEPS_MAX)
			fields_open(walk, node);
		return false;
	}
	walk->depth++;
	walk->steps++;
	return true;
}

void
fields_leave(struct walk *walk)
{
	walk->depth--;
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
		.rule = walk->rule,
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

void
fields_open(struct walk *walk, const xmlNode *node)
{
	field_add(walk, node, false, true);
}

/* As a value has it: "name", or "{ns}name" outside the namespace ns_here. */
static void
name_add(struct buf *out, const char *ns, const char *ns_here, const char *name)
{
	ns = ns ? ns : "";
	if (strcmp(ns, ns_here) != 0)
		buf_printf(out, "{%s}%s", ns, name);
	else
		buf_add_text(out, name);
}

/* ---- attributes and elements ---- */

void
fields_attribute_add(struct walk *walk, const xmlNode *node, const char *ns,
    const char *name, struct place place, struct content *content)
{
	size_t back;
	struct buf whole;

	content->object = true;
	content->always |= !place.optional;
	buf_init(&whole, 64 * KIB);
	buf_add_byte(&whole, '@');
	name_add(&whole, ns, "", name);
	if (buf_text(&whole) != NULL) {
		back = step(walk, buf_text(&whole));
		field_add(walk, node, true, false);
		walk->pointer.size = back;
	}
	buf_clear(&whole);
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
element_value(struct walk *walk, const xmlNode *node,
    void (*look)(
	struct walk *walk, const xmlNode *node, struct content *content))
{
	struct content content = {0};
	size_t back;

	look(walk, node, &content);
	field_add(walk, node, content.text && !content.object, false);
	if (!content.text || !content.object)
		return;
	back = step(walk, "#text");
	field_add(walk, node, true, false);
	walk->pointer.size = back;
	if (!content.always)
		findings_add(walk->findings, walk->file, "", walk->rule,
		    "line %u: an attribute or element that is always there: "
		    "else this is now a text, now \"#text\"",
		    line_of(node));
}

static void
list_check(struct walk *walk, const xmlNode *node, struct place place)
{
	bool listed = is_listed(walk);

	if (place.repeated && !listed)
		findings_add(walk->findings, walk->file, "", walk->rule,
		    "line %u: an entry under \"lists\" of profile.json, for "
		    "this element may stand more than once",
		    line_of(node));
	if (!listed)
		return;
	field_add(walk, node, false, false);
	step(walk, "*");
}

void
fields_element_add(struct walk *walk, const xmlNode *node, const char *ns,
    const char *name, struct place place, struct content *content,
    void (*look)(
	struct walk *walk, const xmlNode *node, struct content *content))
{
	size_t names = walk->names.size, back = walk->pointer.size;
	struct buf whole;

	if (walk->ns == NULL) { /* the root: its value is the top */
		walk->ns = strdup(ns ? ns : "");
		walk->failed |= walk->ns == NULL;
		element_value(walk, node, look);
		return;
	}
	content->object = true;
	content->always |= !place.optional;
	buf_init(&whole, 64 * KIB);
	name_add(&whole, ns, walk->ns, name);
	if (buf_text(&whole) != NULL) {
		buf_add_byte(&walk->names, '/');
		buf_add_span(&walk->names, buf_span(&whole));
		step(walk, buf_text(&whole));
		list_check(walk, node, place);
		element_value(walk, node, look);
	}
	walk->pointer.size = back;
	walk->names.size = names;
	buf_clear(&whole);
}

/* ---- the whole ---- */

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
	    .rule = "relaxng",
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
	walk.top = document->root;
	if (xml_is_xsd(document))
		walk.rule = "xsd";
	if (!walk.failed && xml_is_xsd(document))
		fields_of_xsd(&walk);
	else if (!walk.failed)
		fields_of_relaxng(&walk);
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
