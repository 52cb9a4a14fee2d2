/*
 * profile_shown - does a presentation show what its schema knows?
 */
#pragma once

#include "base/why.h"
#include "formats/findings.h"

struct presentation;
struct schema;
struct schema_fields;

/*
 * Findings: a scalar that the schema knows, that no element shows and that is
 * not listed as technical (part and pointer are those of the schema); a pointer
 * of the presentation, or of its list of the technical, that leads to nothing
 * the schema knows (part is file). WHY_INVALID when there are findings,
 * WHY_NOMEM.
 */
int profile_shown_check(const struct schema *schema,
    const struct presentation *shown, const char *file,
    struct findings *findings, struct why *why);

/* The same of fields that are known already. */
int profile_shown_fields(const struct schema_fields *fields,
    const struct presentation *shown, const char *file,
    struct findings *findings, struct why *why);
