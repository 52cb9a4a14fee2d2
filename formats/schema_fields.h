/*
 * schema_fields - which places of a value a schema knows: each as a JSON
 * pointer in which a star stands for any element of an array, and any member
 * that has no name of its own.
 */
#pragma once

#include "formats/schema.h"

#include <stdbool.h>

struct schema_field {
	const char *at;   /* with stars */
	const char *part; /* the schema's text, */
	const char *rule; /* and the pointer of the field in it, */
	unsigned line;    /* or, where this is not 0, the kind of schema */
	bool scalar;      /* a text, number, truth value or null may be there */
	bool open;        /* nothing is said of what is below */
};

struct schema_fields {
	struct schema_field *at;
	size_t count;
	json_t *own; /* holds the texts */
};

/*
 * All of them, in the schema's order; a schema that refers to itself is
 * followed once around. WHY_NOMEM. Texts are lent while fields and schema live.
 */
int schema_fields_find(
    const struct schema *schema, struct schema_fields *fields, struct why *why);
void schema_fields_clear(struct schema_fields *fields);

/*
 * Whether a value can be at this pointer (which may have stars): a field, or
 * below one that is open.
 */
bool schema_fields_know(const struct schema_fields *fields, const char *at);

/* Whether pattern names pointer: a star names any one step. */
bool schema_pointer_fits(const char *pattern, const char *pointer);
