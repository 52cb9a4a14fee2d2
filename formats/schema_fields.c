/*
 * schema_fields - the nodes of a schema, walked as values lie in each other.
 */
#include "formats/schema_fields.h"

#include "formats/json.h"
#include "formats/schema_priv.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64
#define SCALARS                                                                \
	(SCHEMA_NULL | SCHEMA_BOOLEAN | SCHEMA_INTEGER | SCHEMA_NUMBER |       \
	    SCHEMA_STRING)

struct walk {
	json_t *fields; /* at -> {place, types, below, closed} */
	struct buf at;
	const struct node *path[DEPTH_MAX]; /* nodes that we are in */
	size_t depth;
	bool failed;
};

static void walk_node(struct walk *walk, const struct node *node);

static json_t *
field(struct walk *walk, const struct node *node)
{
	const char *at = buf_text(&walk->at);
	json_t *one = at ? json_object_get(walk->fields, at) : NULL;

	if (one != NULL)
		return one;
	one = json_pack("{s:s, s:s, s:i, s:b}", "part", node->doc, "rule",
	    strchr(node->place, '#') + 1, "types", 0, "below", 0);
	if (at == NULL || one == NULL ||
	    json_object_set_new(walk->fields, at, one) != 0) {
		walk->failed = true;
		return NULL;
	}
	return one;
}

static void
walk_below(struct walk *walk, const struct node *node, const char *name)
{
	size_t back = walk->at.size;

	if (node == NULL || node->never)
		return;
	if (strcmp(name, "*") == 0)
		buf_add_text(&walk->at, "/*");
	else
		json_pointer_add(&walk->at, name);
	walk_node(walk, node);
	walk->at.size = back;
}

static bool
walk_members(struct walk *walk, const struct node *node)
{
	for (size_t i = 0; i < node->properties_count; i++)
		walk_below(
		    walk, node->properties[i].node, node->properties[i].name);
	for (size_t i = 0; i < node->patterns_count; i++)
		walk_below(walk, node->patterns[i].node, "*");
	/* "additionalProperties": true says nothing more than its absence */
	if (node->members_more && json_is_object(node->members_more->text))
		walk_below(walk, node->members_more, "*");
	walk_below(walk, node->items, "*");
	for (size_t i = 0; i < node->tuple.count; i++)
		walk_below(walk, node->tuple.at[i], "*");
	walk_below(walk, node->items_more, "*");
	return node->properties_count > 0 || node->patterns_count > 0 ||
	       (node->members_more &&
		   json_is_object(node->members_more->text)) ||
	       node->items != NULL || node->tuple.count > 0;
}

static void
walk_list(struct walk *walk, const struct node_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		walk_node(walk, list->at[i]);
}

/* What is said of the value here, by this schema and those beside it. */
static void
walk_node(struct walk *walk, const struct node *node)
{
	json_t *here;

	while (node->ref != NULL)
		node = node->ref;
	for (size_t i = 0; i < walk->depth; i++) {
		if (walk->path[i] == node)
			return;
	}
	here = field(walk, node);
	if (here == NULL || walk->depth == DEPTH_MAX)
		return;
	walk->path[walk->depth++] = node;
	json_object_set_new(here, "types",
	    json_integer(json_integer_value(json_object_get(here, "types")) |
			 (json_int_t)node->types));
	if (walk_members(walk, node))
		json_object_set_new(here, "below", json_true());
	walk_list(walk, &node->all);
	walk_list(walk, &node->any);
	walk_list(walk, &node->one);
	if (node->then != NULL)
		walk_node(walk, node->then);
	if (node->otherwise != NULL)
		walk_node(walk, node->otherwise);
	for (size_t i = 0; i < node->dependencies_count; i++) {
		if (node->dependencies[i].node != NULL)
			walk_node(walk, node->dependencies[i].node);
	}
	walk->depth--;
}

int
schema_fields_find(
    const struct schema *schema, struct schema_fields *fields, struct why *why)
{
	struct walk walk = {.fields = json_object()};
	const char *at;
	json_t *one;

	*fields = (struct schema_fields){0};
	buf_init(&walk.at, 64 * KIB);
	if (walk.fields != NULL)
		walk_node(&walk, schema->root);
	fields->own = walk.fields;
	fields->at =
	    calloc(json_object_size(walk.fields) + 1, sizeof(fields->at[0]));
	if (walk.failed || !buf_ok(&walk.at) || !fields->own || !fields->at) {
		buf_clear(&walk.at);
		schema_fields_clear(fields);
		return why_set(why, WHY_NOMEM, "no memory for a schema");
	}
	json_object_foreach(fields->own, at, one)
	{
		unsigned types =
		    (unsigned)json_integer_value(json_object_get(one, "types"));
		bool below = json_is_true(json_object_get(one, "below"));

		fields->at[fields->count++] = (struct schema_field){.at = at,
		    .part = json_string_value(json_object_get(one, "part")),
		    .rule = json_string_value(json_object_get(one, "rule")),
		    .scalar = (types & SCALARS) != 0 || (types == 0 && !below),
		    .open = !below && (types & ~(unsigned)SCALARS) == types};
	}
	buf_clear(&walk.at);
	return 0;
}

void
schema_fields_clear(struct schema_fields *fields)
{
	json_decref(fields->own);
	free(fields->at);
	*fields = (struct schema_fields){0};
}

bool
schema_pointer_fits(const char *pattern, const char *pointer)
{
	while (*pattern != '\0') {
		if (*pattern == '*' && (pattern[1] == '/' || !pattern[1])) {
			pattern++;
			pointer += strcspn(pointer, "/");
		} else if (*pattern++ != *pointer++) {
			return false;
		}
	}
	return *pointer == '\0';
}

/* pointer is pattern or below it. */
static bool
is_below(const char *pattern, const char *pointer)
{
	char cut[2048];
	size_t steps = 0, size = 0;

	for (const char *c = pattern; *c != '\0'; c++)
		steps += *c == '/';
	while (size < sizeof(cut) - 1 && pointer[size] != '\0') {
		if (pointer[size] == '/' && steps-- == 0)
			break;
		cut[size] = pointer[size];
		size++;
	}
	cut[size] = '\0';
	return schema_pointer_fits(pattern, cut);
}

bool
schema_fields_know(const struct schema_fields *fields, const char *at)
{
	for (size_t i = 0; i < fields->count; i++) {
		const struct schema_field *one = &fields->at[i];

		if (schema_pointer_fits(one->at, at) ||
		    (one->open && is_below(one->at, at)))
			return true;
	}
	return false;
}
