/*
 * schema_resolve - the texts of a schema set: which addresses they give to
 * their parts, and what a $ref means.
 */
#include "base/buf.h"
#include "formats/json.h"
#include "formats/schema_priv.h"

#include <stdlib.h>
#include <string.h>

#define POINTER_MAX (1 << 16)

static int
no_memory(struct why *why)
{
	return why_set(why, WHY_NOMEM, "no memory for a schema");
}

static int
spot_add(struct schema *schema, const json_t *text, const char *base,
    const char *doc, const char *pointer, enum schema_draft draft)
{
	struct schema_spot *spot;

	if (schema->spots_count == schema->spots_room) {
		size_t room = schema->spots_room ? schema->spots_room * 2 : 64;
		struct schema_spot *spots =
		    reallocarray(schema->spots, room, sizeof(*spots));

		if (spots == NULL)
			return WHY_NOMEM;
		schema->spots = spots;
		schema->spots_room = room;
	}
	spot = &schema->spots[schema->spots_count];
	*spot = (struct schema_spot){
	    text, strdup(base), doc, strdup(pointer), draft, NULL};
	schema->spots_count++;
	return spot->base && spot->pointer ? 0 : WHY_NOMEM;
}

static struct schema_name *
name_get(const struct schema *schema, const char *uri)
{
	for (size_t i = 0; i < schema->names_count; i++) {
		if (strcmp(schema->names[i].uri, uri) == 0)
			return &schema->names[i];
	}
	return NULL;
}

/* The first to take an address keeps it. take_uri may be NULL (no memory). */
static int
name_add(struct schema *schema, char *take_uri, json_t *text)
{
	if (take_uri == NULL)
		return WHY_NOMEM;
	if (name_get(schema, take_uri) != NULL) {
		free(take_uri);
		return 0;
	}
	if (schema->names_count == schema->names_room) {
		size_t room = schema->names_room ? schema->names_room * 2 : 64;
		struct schema_name *names =
		    reallocarray(schema->names, room, sizeof(*names));

		if (names == NULL) {
			free(take_uri);
			return WHY_NOMEM;
		}
		schema->names = names;
		schema->names_room = room;
	}
	schema->names[schema->names_count++] =
	    (struct schema_name){take_uri, text};
	return 0;
}

static char *
join(const char *a, const char *b, const char *c)
{
	char *text = NULL;

	return asprintf(&text, "%s%s%s", a, b, c) < 0 ? NULL : text;
}

/* ---- walking a text ---- */

/* The text that is walked. */
struct walk {
	struct schema *schema;
	const char *doc; /* its address */
	enum schema_draft draft;
	struct buf *pointer; /* where in it */
};

static int walk_schema(struct walk *walk, json_t *text, const char *base);

static int
walk_member(struct walk *walk, json_t *text, const char *base, const char *name)
{
	size_t back = walk->pointer->size;
	int ret;

	json_pointer_add(walk->pointer, name);
	ret = walk_schema(walk, text, base);
	walk->pointer->size = back;
	return ret;
}

/* Every value of an object, or every element of an array, is a schema. */
static int
walk_all(struct walk *walk, json_t *text, const char *base, const char *keyword)
{
	size_t back = walk->pointer->size, i;
	const char *name;
	json_t *member;
	char number[24];
	int ret = 0;

	json_pointer_add(walk->pointer, keyword);
	json_object_foreach(text, name, member)
	{
		if (ret == 0)
			ret = walk_member(walk, member, base, name);
	}
	json_array_foreach(text, i, member)
	{
		snprintf(number, sizeof(number), "%zu", i);
		if (ret == 0)
			ret = walk_member(walk, member, base, number);
	}
	walk->pointer->size = back;
	return ret;
}

/* The address that $id gives: *base is the caller's when it was changed. */
static int
walk_id(struct schema *schema, json_t *text, const char *id, const char *base,
    char **changed)
{
	char *fragment = schema_uri_fragment(id);
	int ret = fragment ? 0 : WHY_NOMEM;

	if (ret == 0 && id[0] != '#') {
		*changed = schema_uri_resolve(base, id);
		ret = *changed ? name_add(schema, strdup(*changed), text)
			       : WHY_NOMEM;
		base = *changed;
	}
	if (ret == 0 && fragment[0] != '\0')
		ret = name_add(schema, join(base, "#", fragment), text);
	free(fragment);
	return ret;
}

/* The keywords that hold schemas, and the draft that each came with. */
enum holds { HOLDS_MAP, HOLDS_LIST, HOLDS_ONE };
static const struct {
	const char *keyword;
	enum holds holds;
	enum schema_draft since;
} keywords[] = {
    {"definitions", HOLDS_MAP, SCHEMA_DRAFT_04},
    {"properties", HOLDS_MAP, SCHEMA_DRAFT_04},
    {"patternProperties", HOLDS_MAP, SCHEMA_DRAFT_04},
    {"dependencies", HOLDS_MAP, SCHEMA_DRAFT_04},
    {"allOf", HOLDS_LIST, SCHEMA_DRAFT_04},
    {"anyOf", HOLDS_LIST, SCHEMA_DRAFT_04},
    {"oneOf", HOLDS_LIST, SCHEMA_DRAFT_04},
    {"items", HOLDS_ONE, SCHEMA_DRAFT_04},
    {"additionalItems", HOLDS_ONE, SCHEMA_DRAFT_04},
    {"additionalProperties", HOLDS_ONE, SCHEMA_DRAFT_04},
    {"not", HOLDS_ONE, SCHEMA_DRAFT_04},
    {"contains", HOLDS_ONE, SCHEMA_DRAFT_06},
    {"propertyNames", HOLDS_ONE, SCHEMA_DRAFT_06},
    {"if", HOLDS_ONE, SCHEMA_DRAFT_07},
    {"then", HOLDS_ONE, SCHEMA_DRAFT_07},
    {"else", HOLDS_ONE, SCHEMA_DRAFT_07},
};

static int
walk_keyword(struct walk *walk, json_t *value, const char *base,
    const char *keyword, enum holds holds)
{
	/* "items" may be one schema or a list */
	if (holds == HOLDS_ONE && !json_is_array(value))
		return walk_member(walk, value, base, keyword);
	if (holds == HOLDS_MAP ? json_is_object(value) : json_is_array(value))
		return walk_all(walk, value, base, keyword);
	return 0;
}

static int
walk_schema(struct walk *walk, json_t *text, const char *base)
{
	const char *id = json_string_value(json_object_get(
	    text, walk->draft == SCHEMA_DRAFT_04 ? "id" : "$id"));
	char *changed = NULL;
	int ret = 0;

	if (!json_is_object(text) ||
	    schema_spot_get(walk->schema, text) != NULL)
		return 0;
	if (id != NULL && !json_is_string(json_object_get(text, "$ref")))
		ret = walk_id(walk->schema, text, id, base, &changed);
	if (changed != NULL)
		base = changed;
	if (ret == 0 && buf_text(walk->pointer) == NULL)
		ret = WHY_NOMEM;
	if (ret == 0)
		ret = spot_add(walk->schema, text, base, walk->doc,
		    buf_text(walk->pointer), walk->draft);
	for (size_t i = 0;
	     ret == 0 && i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		json_t *value = json_object_get(text, keywords[i].keyword);

		if (value != NULL && walk->draft >= keywords[i].since)
			ret = walk_keyword(walk, value, base,
			    keywords[i].keyword, keywords[i].holds);
	}
	free(changed);
	return ret;
}

/* What $schema says; without it *draft stays. */
static int
draft_find(const char *uri, const json_t *text, enum schema_draft *draft,
    struct why *why)
{
	static const char *const names[] = {
	    [SCHEMA_DRAFT_04] = "http://json-schema.org/draft-04/schema",
	    [SCHEMA_DRAFT_06] = "http://json-schema.org/draft-06/schema",
	    [SCHEMA_DRAFT_07] = "http://json-schema.org/draft-07/schema"};
	const char *said = json_string_value(json_object_get(text, "$schema"));
	size_t size = said ? strlen(said) : 0;

	if (json_object_get(text, "$schema") == NULL)
		return 0;
	if (size > 0 && said[size - 1] == '#')
		size--;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (size == strlen(names[i]) &&
		    memcmp(said, names[i], size) == 0) {
			*draft = (enum schema_draft)i;
			return 0;
		}
	}
	return why_set(why, WHY_UNSUPPORTED,
	    "%s: $schema must be that of draft-04, draft-06 or draft-07", uri);
}

int
schema_text_add(struct schema *schema, const char *uri, json_t *value,
    enum schema_draft draft, struct why *why)
{
	struct schema_text *text;
	struct buf pointer;
	struct walk walk = {.schema = schema, .pointer = &pointer};
	int ret = draft_find(uri, value, &draft, why);

	if (ret < 0)
		return ret;
	text = calloc(1, sizeof(*text));
	if (text == NULL)
		return no_memory(why);
	text->value = json_incref(value);
	text->uri = strdup(uri);
	text->next = schema->texts;
	schema->texts = text;
	walk.doc = text->uri;
	walk.draft = draft;
	buf_init(&pointer, POINTER_MAX);
	ret = text->uri ? name_add(schema, strdup(uri), value) : WHY_NOMEM;
	if (ret == 0)
		ret = walk_schema(&walk, value, uri);
	buf_clear(&pointer);
	return ret == 0 ? 0 : no_memory(why);
}

struct schema_spot *
schema_spot_get(const struct schema *schema, const json_t *text)
{
	for (size_t i = 0; i < schema->spots_count; i++) {
		if (schema->spots[i].text == text)
			return &schema->spots[i];
	}
	return NULL;
}

void
schema_texts_free(struct schema *schema)
{
	struct schema_text *text;

	while ((text = schema->texts) != NULL) {
		schema->texts = text->next;
		json_decref(text->value);
		free(text->uri);
		free(text);
	}
	for (size_t i = 0; i < schema->spots_count; i++) {
		free(schema->spots[i].base);
		free(schema->spots[i].pointer);
	}
	for (size_t i = 0; i < schema->names_count; i++)
		free(schema->names[i].uri);
	free(schema->spots);
	free(schema->names);
}

/* ---- references ---- */

static int
text_load(struct schema *schema, const char *uri, enum schema_draft draft,
    struct why *why)
{
	json_t *value = NULL;
	int ret;

	if (schema->loader == NULL)
		return why_set(
		    why, WHY_NOT_FOUND, "there is no schema %s", uri);
	ret = schema->loader->load(schema->loader->context, uri, &value, why);
	if (ret == 0)
		ret = schema_text_add(schema, uri, value, draft, why);
	json_decref(value);
	return ret;
}

/* The part of a text that a JSON pointer means, taken in if it was not. */
static int
part_find(struct schema *schema, json_t *text, const char *pointer,
    json_t **out, struct why *why)
{
	const struct schema_spot *spot = schema_spot_get(schema, text);
	struct buf whole;
	struct walk walk = {.schema = schema, .pointer = &whole};
	int ret;

	*out = json_pointer_get(text, pointer);
	if (*out == NULL)
		return WHY_NOT_FOUND;
	if (!json_is_object(*out) || spot == NULL ||
	    schema_spot_get(schema, *out) != NULL)
		return 0;
	buf_init(&whole, POINTER_MAX);
	buf_add_text(&whole, spot->pointer);
	buf_add_text(&whole, pointer);
	walk.doc = spot->doc;
	walk.draft = spot->draft;
	ret = walk_schema(&walk, *out, spot->base);
	buf_clear(&whole);
	return ret == 0 ? 0 : no_memory(why);
}

int
schema_ref_find(struct schema *schema, const char *base, const char *ref,
    enum schema_draft draft, json_t **out, struct why *why)
{
	char *uri = schema_uri_resolve(base, ref);
	char *fragment = schema_uri_fragment(ref);
	char *whole = NULL;
	const struct schema_name *name;
	int ret = 0;

	*out = NULL;
	if (uri == NULL || fragment == NULL) {
		ret = no_memory(why);
		goto out;
	}
	if (name_get(schema, uri) == NULL)
		ret = text_load(schema, uri, draft, why);
	if (ret < 0)
		goto out;
	name = name_get(schema, uri);
	if (fragment[0] == '\0') {
		*out = name->text;
	} else if (fragment[0] == '/') {
		ret = part_find(schema, name->text, fragment, out, why);
	} else {
		whole = join(uri, "#", fragment);
		name = whole ? name_get(schema, whole) : NULL;
		*out = name ? name->text : NULL;
		ret = whole == NULL ? no_memory(why) : 0;
	}
	if (*out == NULL && (ret == 0 || ret == WHY_NOT_FOUND))
		ret = why_set(
		    why, WHY_NOT_FOUND, "%s has no part #%s", uri, fragment);
out:
	free(uri);
	free(fragment);
	free(whole);
	return ret;
}
