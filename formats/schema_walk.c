/*
 * schema_walk - every scalar that a schema names, by its pointer. A member or
 * item that is described in several ways is told once for each.
 */
#include "formats/json.h"
#include "formats/schema_priv.h"

#include <string.h>

/* Deeper than any payload may be; a schema that refers to itself ends here. */
#define DEPTH_MAX 24

struct walk {
	schema_scalar_fn *scalar;
	void *context;
	struct buf pointer;
	const struct node *above[DEPTH_MAX];
	size_t depth;
	bool failed;
};

static void walk(struct walk *w, const struct node *node);

static void
step(struct walk *w, const char *name, const struct node *node)
{
	size_t back = w->pointer.size;

	json_pointer_add(&w->pointer, name);
	walk(w, node);
	w->pointer.size = back;
}

static void
walk_list(struct walk *w, const struct node_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		walk(w, list->at[i]);
}

/* The members and items of a node. */
static void
walk_parts(struct walk *w, const struct node *node)
{
	for (size_t i = 0; i < node->properties_count; i++)
		step(w, node->properties[i].name, node->properties[i].node);
	if (node->items != NULL)
		step(w, "*", node->items);
	for (size_t i = 0; i < node->tuple.count; i++)
		step(w, "*", node->tuple.at[i]);
}

/* What else says something about the same value. */
static void
walk_others(struct walk *w, const struct node *node)
{
	walk_list(w, &node->all);
	walk_list(w, &node->any);
	walk_list(w, &node->one);
	if (node->then != NULL)
		walk(w, node->then);
	if (node->otherwise != NULL)
		walk(w, node->otherwise);
	for (size_t i = 0; i < node->dependencies_count; i++)
		if (node->dependencies[i].node != NULL)
			walk(w, node->dependencies[i].node);
}

/* A value of its own: of a scalar type, or one that nothing is said about. */
static bool
is_scalar(const struct node *node)
{
	if (node->types != 0)
		return (node->types &
			   ~(unsigned)(SCHEMA_OBJECT | SCHEMA_ARRAY)) != 0;
	if (node->choices != NULL || node->constant != NULL ||
	    node->pattern != NULL)
		return true;
	return false;
}

static void
walk(struct walk *w, const struct node *node)
{
	while (node->ref != NULL)
		node = node->ref;
	for (size_t i = 0; i < w->depth; i++) {
		if (w->above[i] == node)
			return;
	}
	if (node->never || w->depth == DEPTH_MAX || w->failed)
		return;
	w->above[w->depth++] = node;
	if (is_scalar(node)) {
		const char *pointer = buf_text(&w->pointer);

		if (pointer == NULL)
			w->failed = true;
		else
			w->scalar(w->context, pointer);
	}
	walk_parts(w, node);
	walk_others(w, node);
	w->depth--;
}

int
schema_scalars(const struct schema *schema, schema_scalar_fn *scalar,
    void *context, struct why *why)
{
	struct walk w = {.scalar = scalar, .context = context};

	buf_init(&w.pointer, 64 * KIB);
	walk(&w, schema->root);
	buf_clear(&w.pointer);
	if (w.failed)
		return why_set(why, WHY_NOMEM, "no memory for a schema");
	return 0;
}
