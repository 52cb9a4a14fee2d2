/*
 * schema_compile - keywords to nodes. Each node is built once and then found
 * again, so a schema may refer to itself.
 */
#include "base/buf.h"
#include "formats/json.h"
#include "formats/schema_compile_priv.h"

#include <stdlib.h>
#include <string.h>

/* The schema breaks a rule at keyword. */
void
schema_fault(struct compiler *compiler, const struct node *node,
    const char *keyword, const char *expected)
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

void
schema_compile_no_memory(struct compiler *compiler)
{
	compiler->fatal =
	    why_set(compiler->why, WHY_NOMEM, "no memory for a schema");
}

bool
schema_is_schema(
    const struct node *node, const char *keyword, const json_t *value)
{
	if (json_is_boolean(value))
		return node->draft > SCHEMA_DRAFT_04 ||
		       strncmp(keyword, "additional", 10) == 0;
	return json_is_object(value);
}

static void
build_ref(struct compiler *compiler, struct node *node, const char *base)
{
	const char *ref =
	    json_string_value(json_object_get(node->text, "$ref"));
	json_t *text = NULL;
	int ret = schema_ref_find(
	    compiler->schema, base, ref, node->draft, &text, compiler->why);

	if (ret == WHY_NOT_FOUND)
		schema_fault(compiler, node, "$ref",
		    "must lead to a schema of this profile");
	if (ret < 0) {
		compiler->fatal = ret;
		return;
	}
	if (!schema_is_schema(node, "$ref", text)) {
		schema_fault(compiler, node, "$ref", "must lead to a schema");
		return;
	}
	node->ref = schema_node_build(compiler, text, node);
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
		schema_compile_no_memory(compiler);
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
struct node *
schema_node_build(
    struct compiler *compiler, json_t *text, const struct node *above)
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
		schema_compile_no_memory(compiler);
		return NULL;
	}
	node->draft = spot->draft;
	spot->node = node; /* before the parts: they may refer to it */
	if (json_is_string(json_object_get(text, "$ref"))) {
		build_ref(compiler, node, base);
	} else {
		schema_keywords_build(compiler, node);
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
			schema_fault(
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
	ret =
	    schema_text_add(schema, uri, text, SCHEMA_DRAFT_06, compiler->why);
	if (ret < 0)
		return ret;
	schema->root = schema_node_build(compiler, text, NULL);
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
