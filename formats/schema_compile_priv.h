/*
 * schema_compile_priv - what schema_compile.c and schema_keyword.c share.
 */
#pragma once

#include "formats/schema_priv.h"

struct compiler {
	struct schema *schema;
	struct findings *findings;
	struct why *why;
	int fatal; /* memory, or a reference that leads nowhere */
};

/* The schema breaks a rule at keyword. */
void schema_fault(struct compiler *compiler, const struct node *node,
    const char *keyword, const char *expected);
void schema_compile_no_memory(struct compiler *compiler);

/* true and false are schemas since draft-06; before, only the additional...
 * keywords took them. */
bool schema_is_schema(
    const struct node *node, const char *keyword, const json_t *value);

/* NULL only when compiler->fatal is set. above is the node it stands in. */
struct node *schema_node_build(
    struct compiler *compiler, json_t *text, const struct node *above);

/* All keywords but $ref. */
void schema_keywords_build(struct compiler *compiler, struct node *node);
