/*
 * schema_compile - keywords to nodes. Each node is built once and then found
 * again, so a schema may refer to itself.
 */
#include "base/buf.h"
#include "formats/json.h"
#include "formats/schema_priv.h"

#include <stdlib.h>
#include <string.h>

struct compiler {
	struct schema *schema;
	struct findings *findings;
	struct why *why;
	int fatal; /* memory, or a reference that leads nowhere */
};

static struct node *node_build(
    struct compiler *compiler, json_t *text, const struct node *above);

/* The schema breaks a rule at keyword. */
static void
fault(struct compiler *compiler, const struct node *node, const char *keyword,
    const char *expected)
{
	struct buf pointer;

	buf_init(&pointer, 1 << 16);
	buf_add_text(&pointer, strchr(node->place, '#') + 1);
	if (keyword != NULL)
		json_pointer_add(&pointer, keyword);
	findings_add(compiler->findings, node->doc, buf_text(&pointer),
	    "schema", "%s", expected);
	buf_clear(&pointer);
}

static void
no_memory(struct compiler *compiler)
{
	compiler->fatal =
	    why_set(compiler->why, WHY_NOMEM, "no memory for a schema");
}

static void *
room(struct compiler *compiler, size_t count, size_t size)
{
	void *at = calloc(count ? count : 1, size);

	if (at == NULL)
		no_memory(compiler);
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
		fault(compiler, node, keyword,
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
		fault(compiler, node, keyword, "must be a number");
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
	if (!json_is_object(value) && !json_is_boolean(value)) {
		fault(compiler, node, keyword, "must be a schema");
		return NULL;
	}
	return node_build(compiler, value, node);
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
		fault(compiler, node, keyword, "must be a list of schemas");
		return;
	}
	list->at = room(compiler, json_array_size(value), sizeof(list->at[0]));
	json_array_foreach(value, i, entry)
	{
		if (compiler->fatal)
			return;
		if (!json_is_object(entry) && !json_is_boolean(entry)) {
			fault(compiler, node, keyword,
			    "must be a list of schemas");
			return;
		}
		list->at[i] = node_build(compiler, entry, node);
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

static struct schema_pattern *
take_pattern(struct compiler *compiler, const struct node *node,
    const char *keyword, const char *text, size_t size)
{
	const char *reason;
	struct schema_pattern *pattern =
	    schema_pattern_new(text, size, &reason);

	if (pattern == NULL)
		fault(compiler, node, keyword, reason);
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
		fault(compiler, node, "type",
		    "must be the name of a type, or a list of such names");
}

static void
build_values(struct compiler *compiler, struct node *node)
{
	const json_t *pattern = json_object_get(node->text, "pattern");

	build_type(compiler, node);
	node->constant = json_object_get(node->text, "const");
	node->choices = json_object_get(node->text, "enum");
	if (node->choices != NULL && json_array_size(node->choices) == 0) {
		fault(compiler, node, "enum", "must be a list of values");
		node->choices = NULL;
	}
	node->least = take_number(compiler, node, "minimum");
	node->above = take_number(compiler, node, "exclusiveMinimum");
	node->most = take_number(compiler, node, "maximum");
	node->below = take_number(compiler, node, "exclusiveMaximum");
	node->step = take_number(compiler, node, "multipleOf");
	if (node->step != NULL && !(json_number_value(node->step) > 0)) {
		fault(compiler, node, "multipleOf", "must be over 0");
		node->step = NULL;
	}
	node->length_min = take_count(compiler, node, "minLength", 0);
	node->length_max =
	    take_count(compiler, node, "maxLength", NODE_NO_BOUND);
	if (pattern != NULL && !json_is_string(pattern)) {
		fault(compiler, node, "pattern", "must be a text");
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
	node->contains = take_schema(compiler, node, "contains");
	node->items_min = take_count(compiler, node, "minItems", 0);
	node->items_max = take_count(compiler, node, "maxItems", NODE_NO_BOUND);
	node->unique = json_is_true(unique);
	if (unique != NULL && !json_is_boolean(unique))
		fault(compiler, node, "uniqueItems", "must be true or false");
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
		fault(compiler, node, "properties", "must be an object");
		return;
	}
	node->named = map;
	node->properties =
	    room(compiler, json_object_size(map), sizeof(node->properties[0]));
	json_object_foreach(map, name, value)
	{
		if (compiler->fatal)
			return;
		if (!json_is_object(value) && !json_is_boolean(value)) {
			fault(
			    compiler, node, "properties", "must hold schemas");
			return;
		}
		node->properties[node->properties_count].node =
		    node_build(compiler, value, node);
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
		fault(compiler, node, "patternProperties", "must be an object");
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
		if (!json_is_object(value) && !json_is_boolean(value)) {
			fault(compiler, node, "patternProperties",
			    "must hold schemas");
			return;
		}
		pattern->pattern = take_pattern(
		    compiler, node, "patternProperties", name, strlen(name));
		pattern->node = node_build(compiler, value, node);
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
		fault(compiler, node, "dependencies", "must be an object");
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
		if (is_names(value)) {
			one->names = value;
		} else if (json_is_object(value) || json_is_boolean(value)) {
			one->node = node_build(compiler, value, node);
		} else {
			fault(compiler, node, "dependencies",
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
	if (node->required != NULL && !is_names(node->required)) {
		fault(compiler, node, "required", "must be a list of names");
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
	if (!compiler->fatal)
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
}

static void
build_ref(struct compiler *compiler, struct node *node, const char *base)
{
	const char *ref =
	    json_string_value(json_object_get(node->text, "$ref"));
	json_t *text = NULL;
	int ret =
	    schema_ref_find(compiler->schema, base, ref, &text, compiler->why);

	if (ret == WHY_NOT_FOUND)
		fault(compiler, node, "$ref",
		    "must lead to a schema of this profile");
	if (ret < 0) {
		compiler->fatal = ret;
		return;
	}
	if (!json_is_object(text) && !json_is_boolean(text)) {
		fault(compiler, node, "$ref", "must lead to a schema");
		return;
	}
	node->ref = node_build(compiler, text, node);
}

/* ---- nodes ---- */

static struct node *
node_new(struct compiler *compiler, const json_t *text, const char *doc,
    const char *place)
{
	struct node *node = calloc(1, sizeof(*node));
	bool whole = strchr(place, '#') != NULL;

	if (node == NULL || asprintf(&node->place, "%s%s%s", whole ? "" : doc,
				whole ? "" : "#", place) < 0) {
		free(node);
		no_memory(compiler);
		return NULL;
	}
	node->text = text;
	node->doc = doc;
	node->length_max = NODE_NO_BOUND;
	node->items_max = NODE_NO_BOUND;
	node->members_max = NODE_NO_BOUND;
	node->next = compiler->schema->nodes;
	compiler->schema->nodes = node;
	return node;
}

/* NULL only when compiler->fatal is set. above is the node it stands in. */
static struct node *
node_build(struct compiler *compiler, json_t *text, const struct node *above)
{
	struct schema_spot *spot = schema_spot_get(compiler->schema, text);
	struct node *node;
	char *base;

	if (compiler->fatal)
		return NULL;
	if (spot == NULL) { /* true and false have no place of their own */
		node = node_new(compiler, text, above ? above->doc : "",
		    above ? above->place : "");
		if (node != NULL)
			node->never = json_is_false(text);
		return node;
	}
	if (spot->node != NULL)
		return spot->node;
	node = node_new(compiler, text, spot->doc, spot->pointer);
	base = strdup(spot->base);
	if (node == NULL || base == NULL) {
		free(base);
		no_memory(compiler);
		return NULL;
	}
	spot->node = node; /* before the parts: they may refer to it */
	if (json_is_string(json_object_get(text, "$ref"))) {
		build_ref(compiler, node, base);
	} else {
		build_values(compiler, node);
		build_array(compiler, node);
		if (!compiler->fatal)
			build_object(compiler, node);
		if (!compiler->fatal)
			build_combined(compiler, node);
	}
	free(base);
	return node;
}

/* A chain of nothing but references must end. */
static void
check_chains(struct compiler *compiler)
{
	for (struct node *node = compiler->schema->nodes; node;
	     node = node->next) {
		const struct node *slow = node, *fast = node;

		while (fast && fast->ref && fast->ref->ref) {
			slow = slow->ref;
			fast = fast->ref->ref;
			if (slow != fast)
				continue;
			fault(
			    compiler, node, "$ref", "must not lead in a ring");
			return;
		}
	}
}

static int
compile(struct compiler *compiler, const char *uri, json_t *text)
{
	struct schema *schema = compiler->schema;
	int ret;

	if (!json_is_object(text) && !json_is_boolean(text))
		return why_set(compiler->why, WHY_INVALID,
		    "%s: a schema must be an object", uri);
	schema->matcher = schema_matcher_new(&schema->limits);
	if (schema->matcher == NULL)
		return why_set(
		    compiler->why, WHY_NOMEM, "no memory for a schema");
	ret = schema_text_add(schema, uri, text, compiler->why);
	if (ret < 0)
		return ret;
	schema->root = node_build(compiler, text, NULL);
	if (!compiler->fatal)
		check_chains(compiler);
	if (compiler->fatal)
		return compiler->fatal;
	return findings_verdict(compiler->findings, compiler->why);
}

int
schema_compile(const char *uri, json_t *text,
    const struct schema_loader *loader, const struct limits *limits,
    struct findings *findings, struct schema **out, struct why *why)
{
	struct findings own;
	struct compiler compiler = {.findings = &own, .why = why};
	int ret;

	*out = NULL;
	findings_init(&own, (size_t)limits->findings);
	compiler.schema = calloc(1, sizeof(*compiler.schema));
	if (compiler.schema == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a schema");
	compiler.schema->loader = loader;
	compiler.schema->limits = *limits;
	ret = compile(&compiler, uri, text);
	compiler.schema->loader = NULL;
	for (size_t i = 0; findings != NULL && i < own.count; i++)
		findings_add(findings, own.at[i].part, own.at[i].pointer,
		    own.at[i].rule, "%s", own.at[i].expected);
	findings_clear(&own);
	if (ret < 0) {
		schema_free(compiler.schema);
		return ret;
	}
	*out = compiler.schema;
	return 0;
}

static void
node_free(struct node *node)
{
	schema_pattern_free(node->pattern);
	for (size_t i = 0; i < node->patterns_count; i++)
		schema_pattern_free(node->patterns[i].pattern);
	free(node->place);
	free(node->tuple.at);
	free(node->properties);
	free(node->patterns);
	free(node->dependencies);
	free(node->all.at);
	free(node->any.at);
	free(node->one.at);
	free(node);
}

void
schema_free(struct schema *schema)
{
	struct node *node;

	if (schema == NULL)
		return;
	while ((node = schema->nodes) != NULL) {
		schema->nodes = node->next;
		node_free(node);
	}
	schema_texts_free(schema);
	schema_matcher_free(schema->matcher);
	free(schema);
}
