/*
 * schema_resolve - the texts of a schema set: which addresses they give to
 * their parts, and what a $ref means.
 */
#include "base/buf.h"
#include "formats/json.h"
#include "formats/schema_priv.h"

#include <stdlib.h>
#include <string.h>

#define DRAFT "http://json-schema.org/draft-06/schema"
#define POINTER_MAX (1 << 16)

static int
no_memory(struct why *why)
{
	return why_set(why, WHY_NOMEM, "no memory for a schema");
}

static int
spot_add(struct schema *schema, const json_t *text, const char *base,
    const char *doc, const char *pointer)
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
	    text, strdup(base), doc, strdup(pointer), NULL};
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

static int walk(struct schema *schema, json_t *text, const char *base,
    const char *doc, struct buf *pointer);

static int
walk_member(struct schema *schema, json_t *text, const char *base,
    const char *doc, struct buf *pointer, const char *name)
{
	size_t back = pointer->size;
	int ret;

	json_pointer_add(pointer, name);
	ret = walk(schema, text, base, doc, pointer);
	pointer->size = back;
	return ret;
}

/* Every value of an object, or every element of an array, is a schema. */
static int
walk_all(struct schema *schema, json_t *text, const char *base, const char *doc,
    struct buf *pointer, const char *keyword)
{
	size_t back = pointer->size, i;
	const char *name;
	json_t *member;
	char number[24];
	int ret = 0;

	json_pointer_add(pointer, keyword);
	json_object_foreach(text, name, member)
	{
		if (ret == 0)
			ret = walk_member(
			    schema, member, base, doc, pointer, name);
	}
	json_array_foreach(text, i, member)
	{
		snprintf(number, sizeof(number), "%zu", i);
		if (ret == 0)
			ret = walk_member(
			    schema, member, base, doc, pointer, number);
	}
	pointer->size = back;
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

static int
walk(struct schema *schema, json_t *text, const char *base, const char *doc,
    struct buf *pointer)
{
	static const char *const maps[] = {
	    "definitions", "properties", "patternProperties", "dependencies"};
	static const char *const lists[] = {"allOf", "anyOf", "oneOf"};
	static const char *const single[] = {"items", "additionalItems",
	    "additionalProperties", "contains", "propertyNames", "not"};
	const char *id = json_string_value(json_object_get(text, "$id"));
	char *changed = NULL;
	int ret = 0;

	if (!json_is_object(text) || schema_spot_get(schema, text) != NULL)
		return 0;
	if (id != NULL && !json_is_string(json_object_get(text, "$ref")))
		ret = walk_id(schema, text, id, base, &changed);
	if (changed != NULL)
		base = changed;
	if (ret == 0 && buf_text(pointer) == NULL)
		ret = WHY_NOMEM;
	if (ret == 0)
		ret = spot_add(schema, text, base, doc, buf_text(pointer));
	for (size_t i = 0; ret == 0 && i < 4; i++) {
		json_t *map = json_object_get(text, maps[i]);

		if (json_is_object(map))
			ret =
			    walk_all(schema, map, base, doc, pointer, maps[i]);
	}
	for (size_t i = 0; ret == 0 && i < 3; i++) {
		json_t *list = json_object_get(text, lists[i]);

		if (json_is_array(list))
			ret = walk_all(
			    schema, list, base, doc, pointer, lists[i]);
	}
	for (size_t i = 0; ret == 0 && i < 6; i++) {
		json_t *one = json_object_get(text, single[i]);

		if (json_is_array(one))
			ret = walk_all(
			    schema, one, base, doc, pointer, single[i]);
		else if (one != NULL)
			ret = walk_member(
			    schema, one, base, doc, pointer, single[i]);
	}
	free(changed);
	return ret;
}

static int
draft_check(const char *uri, const json_t *text, struct why *why)
{
	const char *draft = json_string_value(json_object_get(text, "$schema"));
	size_t size = draft ? strlen(draft) : 0;

	if (size > 0 && draft[size - 1] == '#')
		size--;
	if (draft == NULL ||
	    (size == strlen(DRAFT) && memcmp(draft, DRAFT, size) == 0))
		return 0;
	return why_set(why, WHY_UNSUPPORTED,
	    "%s: $schema must be " DRAFT "# or left out", uri);
}

int
schema_text_add(
    struct schema *schema, const char *uri, json_t *value, struct why *why)
{
	struct schema_text *text;
	struct buf pointer;
	int ret = draft_check(uri, value, why);

	if (ret < 0)
		return ret;
	text = calloc(1, sizeof(*text));
	if (text == NULL)
		return no_memory(why);
	text->value = json_incref(value);
	text->uri = strdup(uri);
	text->next = schema->texts;
	schema->texts = text;
	buf_init(&pointer, POINTER_MAX);
	ret = text->uri ? name_add(schema, strdup(uri), value) : WHY_NOMEM;
	if (ret == 0)
		ret = walk(schema, value, uri, text->uri, &pointer);
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
text_load(struct schema *schema, const char *uri, struct why *why)
{
	json_t *value = NULL;
	int ret;

	if (schema->loader == NULL)
		return why_set(
		    why, WHY_NOT_FOUND, "there is no schema %s", uri);
	ret = schema->loader->load(schema->loader->context, uri, &value, why);
	if (ret == 0)
		ret = schema_text_add(schema, uri, value, why);
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
	ret = walk(schema, *out, spot->base, spot->doc, &whole);
	buf_clear(&whole);
	return ret == 0 ? 0 : no_memory(why);
}

int
schema_ref_find(struct schema *schema, const char *base, const char *ref,
    json_t **out, struct why *why)
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
		ret = text_load(schema, uri, why);
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
