/*
 * schema_keyword - the keywords of one schema become the fields of a node.
 */
#include "formats/schema_compile_priv.h"

#include <stdlib.h>
#include <string.h>

static void *
room(struct compiler *compiler, size_t count, size_t size)
{
	void *at = calloc(count ? count : 1, size);

	if (at == NULL)
		schema_compile_no_memory(compiler);
	return at;
}

/* ---- kinds of keyword ---- */

static size_t
take_count(struct compiler *compiler, const struct node *node,
    const char *keyword, size_t absent)
{
	const json_t *value = json_object_get(node->text, keyword);

	if (value == NULL)
		return absent;
	if (!json_is_number(value) ||
	    !(schema_value_types(value) & SCHEMA_INTEGER) ||
	    json_number_value(value) < 0) {
		schema_fault(compiler, node, keyword,
		    "must be an integer that is not negative");
		return absent;
	}
	return json_number_value(value) >= 0x1p53
		   ? SIZE_MAX
		   : (size_t)json_number_value(value);
}

static const json_t *
take_number(
    struct compiler *compiler, const struct node *node, const char *keyword)
{
	const json_t *value = json_object_get(node->text, keyword);

	if (value != NULL && !json_is_number(value)) {
		schema_fault(compiler, node, keyword, "must be a number");
		return NULL;
	}
	return value;
}

static struct node *
take_schema(
    struct compiler *compiler, const struct node *node, const char *keyword)
{
	json_t *value = json_object_get(node->text, keyword);

	if (value == NULL)
		return NULL;
	if (!schema_is_schema(node, keyword, value)) {
		schema_fault(compiler, node, keyword, "must be a schema");
		return NULL;
	}
	return schema_node_build(compiler, value, node);
}

static void
take_schemas(struct compiler *compiler, const struct node *node,
    const char *keyword, bool may_be_empty, struct node_list *list)
{
	const json_t *value = json_object_get(node->text, keyword);
	json_t *entry;
	size_t i;

	if (value == NULL)
		return;
	if (!json_is_array(value) ||
	    (json_array_size(value) == 0 && !may_be_empty)) {
		schema_fault(
		    compiler, node, keyword, "must be a list of schemas");
		return;
	}
	list->at = room(compiler, json_array_size(value), sizeof(list->at[0]));
	json_array_foreach(value, i, entry)
	{
		if (compiler->fatal)
			return;
		if (!schema_is_schema(node, keyword, entry)) {
			schema_fault(compiler, node, keyword,
			    "must be a list of schemas");
			return;
		}
		list->at[i] = schema_node_build(compiler, entry, node);
		list->count = i + 1;
	}
}

static bool
is_names(const json_t *value)
{
	json_t *entry;
	size_t i;

	if (!json_is_array(value))
		return false;
	json_array_foreach(value, i, entry)
	{
		if (!json_is_string(entry))
			return false;
	}
	return true;
}

/* Lists of names may be empty since draft-06. */
static bool
may_be_empty(const struct node *node, const json_t *names)
{
	return node->draft > SCHEMA_DRAFT_04 || json_array_size(names) > 0;
}

static struct schema_pattern *
take_pattern(struct compiler *compiler, const struct node *node,
    const char *keyword, const char *text, size_t size)
{
	const char *reason;
	struct schema_pattern *pattern =
	    schema_pattern_new(text, size, &reason);

	if (pattern == NULL)
		schema_fault(compiler, node, keyword, reason);
	return pattern;
}

/* ---- keywords by what they look at ---- */

static unsigned
type_named(const char *name)
{
	static const struct {
		const char *name;
		enum schema_type type;
	} types[] = {{"null", SCHEMA_NULL}, {"boolean", SCHEMA_BOOLEAN},
	    {"integer", SCHEMA_INTEGER}, {"number", SCHEMA_NUMBER},
	    {"string", SCHEMA_STRING}, {"array", SCHEMA_ARRAY},
	    {"object", SCHEMA_OBJECT}};

	for (size_t i = 0; name && i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i].name, name) == 0)
			return types[i].type;
	}
	return 0;
}

static void
build_type(struct compiler *compiler, struct node *node)
{
	const json_t *value = json_object_get(node->text, "type");
	unsigned type = type_named(json_string_value(value));
	size_t i;

	if (value == NULL)
		return;
	node->types = type;
	for (i = 0; i < json_array_size(value); i++) {
		type = type_named(json_string_value(json_array_get(value, i)));
		if (type == 0)
			break;
		node->types |= type;
	}
	if (type == 0 || i < json_array_size(value))
		schema_fault(compiler, node, "type",
		    "must be the name of a type, or a list of such names");
}

/* In draft-04 the bound itself is in minimum or maximum, and the exclusive...
 * keyword tells whether it is a value still allowed. */
static void
build_exclusive(struct compiler *compiler, struct node *node,
    const char *keyword, const json_t **bound, const json_t **exclusive)
{
	const json_t *value = json_object_get(node->text, keyword);

	if (value == NULL)
		return;
	if (!json_is_boolean(value)) {
		schema_fault(compiler, node, keyword,
		    "must be true or false in draft-04");
	} else if (*bound == NULL) {
		schema_fault(compiler, node, keyword,
		    "must stand beside its minimum or maximum");
	} else if (json_is_true(value)) {
		*exclusive = *bound;
		*bound = NULL;
	}
}

static void
build_values(struct compiler *compiler, struct node *node)
{
	const json_t *pattern = json_object_get(node->text, "pattern");

	build_type(compiler, node);
	if (node->draft > SCHEMA_DRAFT_04)
		node->constant = json_object_get(node->text, "const");
	node->choices = json_object_get(node->text, "enum");
	if (node->choices != NULL && json_array_size(node->choices) == 0) {
		schema_fault(
		    compiler, node, "enum", "must be a list of values");
		node->choices = NULL;
	}
	node->least = take_number(compiler, node, "minimum");
	node->most = take_number(compiler, node, "maximum");
	if (node->draft == SCHEMA_DRAFT_04) {
		build_exclusive(compiler, node, "exclusiveMinimum",
		    &node->least, &node->above);
		build_exclusive(compiler, node, "exclusiveMaximum", &node->most,
		    &node->below);
	} else {
		node->above = take_number(compiler, node, "exclusiveMinimum");
		node->below = take_number(compiler, node, "exclusiveMaximum");
	}
	node->step = take_number(compiler, node, "multipleOf");
	if (node->step != NULL && !(json_number_value(node->step) > 0)) {
		schema_fault(compiler, node, "multipleOf", "must be over 0");
		node->step = NULL;
	}
	node->length_min = take_count(compiler, node, "minLength", 0);
	node->length_max =
	    take_count(compiler, node, "maxLength", NODE_NO_BOUND);
	if (pattern != NULL && !json_is_string(pattern)) {
		schema_fault(compiler, node, "pattern", "must be a text");
	} else if (pattern != NULL) {
		node->pattern_text = json_string_value(pattern);
		node->pattern = take_pattern(compiler, node, "pattern",
		    node->pattern_text, json_string_length(pattern));
	}
}

static void
build_array(struct compiler *compiler, struct node *node)
{
	const json_t *unique = json_object_get(node->text, "uniqueItems");

	if (json_is_array(json_object_get(node->text, "items"))) {
		take_schemas(compiler, node, "items", true, &node->tuple);
		node->items_more =
		    take_schema(compiler, node, "additionalItems");
	} else {
		node->items = take_schema(compiler, node, "items");
	}
	if (node->draft > SCHEMA_DRAFT_04)
		node->contains = take_schema(compiler, node, "contains");
	node->items_min = take_count(compiler, node, "minItems", 0);
	node->items_max = take_count(compiler, node, "maxItems", NODE_NO_BOUND);
	node->unique = json_is_true(unique);
	if (unique != NULL && !json_is_boolean(unique))
		schema_fault(
		    compiler, node, "uniqueItems", "must be true or false");
}

static void
build_properties(struct compiler *compiler, struct node *node)
{
	json_t *map = json_object_get(node->text, "properties");
	const char *name;
	json_t *value;

	if (map == NULL)
		return;
	if (!json_is_object(map)) {
		schema_fault(compiler, node, "properties", "must be an object");
		return;
	}
	node->named = map;
	node->properties =
	    room(compiler, json_object_size(map), sizeof(node->properties[0]));
	json_object_foreach(map, name, value)
	{
		if (compiler->fatal)
			return;
		if (!schema_is_schema(node, "properties", value)) {
			schema_fault(
			    compiler, node, "properties", "must hold schemas");
			return;
		}
		node->properties[node->properties_count].node =
		    schema_node_build(compiler, value, node);
		node->properties[node->properties_count++].name = name;
	}
}

static void
build_patterns(struct compiler *compiler, struct node *node)
{
	json_t *map = json_object_get(node->text, "patternProperties");
	const char *name;
	json_t *value;

	if (map == NULL)
		return;
	if (!json_is_object(map)) {
		schema_fault(
		    compiler, node, "patternProperties", "must be an object");
		return;
	}
	node->patterns =
	    room(compiler, json_object_size(map), sizeof(node->patterns[0]));
	json_object_foreach(map, name, value)
	{
		struct node_pattern *pattern =
		    &node->patterns[node->patterns_count];

		if (compiler->fatal)
			return;
		if (!schema_is_schema(node, "patternProperties", value)) {
			schema_fault(compiler, node, "patternProperties",
			    "must hold schemas");
			return;
		}
		pattern->pattern = take_pattern(
		    compiler, node, "patternProperties", name, strlen(name));
		pattern->node = schema_node_build(compiler, value, node);
		node->patterns_count += pattern->pattern != NULL;
	}
}

static void
build_dependencies(struct compiler *compiler, struct node *node)
{
	json_t *map = json_object_get(node->text, "dependencies");
	const char *name;
	json_t *value;

	if (map == NULL)
		return;
	if (!json_is_object(map)) {
		schema_fault(
		    compiler, node, "dependencies", "must be an object");
		return;
	}
	node->dependencies = room(
	    compiler, json_object_size(map), sizeof(node->dependencies[0]));
	json_object_foreach(map, name, value)
	{
		struct node_dependency *one =
		    &node->dependencies[node->dependencies_count];

		if (compiler->fatal)
			return;
		one->name = name;
		if (is_names(value) && may_be_empty(node, value)) {
			one->names = value;
		} else if (schema_is_schema(node, "dependencies", value)) {
			one->node = schema_node_build(compiler, value, node);
		} else {
			schema_fault(compiler, node, "dependencies",
			    "must hold schemas or lists of names");
			return;
		}
		node->dependencies_count++;
	}
}

static void
build_object(struct compiler *compiler, struct node *node)
{
	node->required = json_object_get(node->text, "required");
	if (node->required != NULL &&
	    (!is_names(node->required) ||
		!may_be_empty(node, node->required))) {
		schema_fault(
		    compiler, node, "required", "must be a list of names");
		node->required = NULL;
	}
	node->members_min = take_count(compiler, node, "minProperties", 0);
	node->members_max =
	    take_count(compiler, node, "maxProperties", NODE_NO_BOUND);
	build_properties(compiler, node);
	if (!compiler->fatal)
		build_patterns(compiler, node);
	if (!compiler->fatal)
		build_dependencies(compiler, node);
	if (!compiler->fatal)
		node->members_more =
		    take_schema(compiler, node, "additionalProperties");
	if (!compiler->fatal && node->draft > SCHEMA_DRAFT_04)
		node->names = take_schema(compiler, node, "propertyNames");
}

static void
build_combined(struct compiler *compiler, struct node *node)
{
	take_schemas(compiler, node, "allOf", false, &node->all);
	if (!compiler->fatal)
		take_schemas(compiler, node, "anyOf", false, &node->any);
	if (!compiler->fatal)
		take_schemas(compiler, node, "oneOf", false, &node->one);
	if (!compiler->fatal)
		node->not = take_schema(compiler, node, "not");
	if (node->draft < SCHEMA_DRAFT_07)
		return;
	if (!compiler->fatal)
		node->condition = take_schema(compiler, node, "if");
	if (!compiler->fatal)
		node->then = take_schema(compiler, node, "then");
	if (!compiler->fatal)
		node->otherwise = take_schema(compiler, node, "else");
}

void
schema_keywords_build(struct compiler *compiler, struct node *node)
{
	build_values(compiler, node);
	build_array(compiler, node);
	if (!compiler->fatal)
		build_object(compiler, node);
	if (!compiler->fatal)
		build_combined(compiler, node);
}
