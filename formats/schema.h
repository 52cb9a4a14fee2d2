/*
 * schema - JSON Schema (draft-04, draft-06, draft-07), compiled once, checked
 * many times.
 *
 * A schema set is closed when it is compiled: every $ref is resolved then, by
 * the files that the loader gives, and never afterwards. $schema chooses the
 * draft of a text; without it, it is that of the text that refers to it, and
 * draft-06 for the first. Another draft is WHY_UNSUPPORTED. Keywords outside
 * the draft's vocabulary are ignored, as the specification says. "format",
 * "contentEncoding" and "contentMediaType" are annotations and not checked.
 * Patterns are ECMA 262 with its unicode flag, searched (not anchored) by PCRE2
 * with limits on steps, depth and memory; a text that exceeds them is refused
 * with a finding.
 */
#pragma once

#include "base/limits.h"
#include "base/why.h"
#include "formats/findings.h"

#include <jansson.h>

struct schema;

/*
 * Gives the schema text that lives at uri (resolved, without fragment; relative
 * when the root's address is). On success *out is the caller's.
 * WHY_NOT_FOUND when there is none.
 */
struct schema_loader {
	int (*load)(
	    void *context, const char *uri, json_t **out, struct why *why);
	void *context;
};

/*
 * Compile text, whose own address is uri (it may be a relative path: then so
 * are the others). loader may be NULL: nothing but text is known. text is only
 * read until the schema is freed, and kept by reference. limits is copied.
 * WHY_INVALID: not a schema; findings, when not NULL, tell where (part is the
 * address of the text, pointer the place in it). WHY_NOT_FOUND: a $ref that
 * leads nowhere. WHY_UNSUPPORTED: another draft. On success *out is the
 * caller's, freed by schema_free(). For one thread.
 */
int schema_compile(const char *uri, json_t *text,
    const struct schema_loader *loader, const struct limits *limits,
    struct findings *findings, struct schema **out, struct why *why);
void schema_free(struct schema *schema); /* NULL is fine */

/*
 * Check value; findings carry part, the pointer into value, and the rule as
 * "KEYWORD URI#POINTER". A missing member is reported at its own pointer.
 * Returns 0 when valid, WHY_INVALID when findings were added, WHY_TOO_LARGE
 * when limits.schema_steps was exceeded, WHY_NOMEM.
 */
int schema_check(const struct schema *schema, const json_t *value,
    const char *part, struct findings *findings, struct why *why);
