/*
 * schema_check_priv - what schema_check.c and schema_combine.c share.
 */
#pragma once

#include "base/buf.h"
#include "formats/schema_priv.h"

struct checker {
	const struct schema *schema;
	const char *part;
	struct findings *findings;
	struct buf pointer;
	uint64_t steps;
	unsigned calls;
	unsigned quiet; /* only trying out: no findings */
	bool gave_up;   /* a pattern was too much work: never valid then */
	int fatal;
	struct why *why;
};

/* False when value breaks a rule, or the work was given up. */
bool schema_node_check(
    struct checker *checker, const struct node *node, const json_t *value);
/* Whether it fits, leaving no findings. */
bool schema_node_fits(
    struct checker *checker, const struct node *node, const json_t *value);
/* Record a broken rule at the current pointer. Always false. */
bool schema_node_wrong(struct checker *checker, const struct node *node,
    const char *keyword, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* allOf, anyOf, oneOf, not, if. */
bool schema_node_combined(
    struct checker *checker, const struct node *node, const json_t *value);
