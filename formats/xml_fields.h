/*
 * xml_fields - which places of a value a schema of XML knows, by the mapping of
 * xml_value_build(); for holding a presentation against it.
 */
#pragma once

#include "formats/schema_fields.h"
#include "formats/xml.h"

/*
 * text is a schema that xml_schema_compile() took. lists as for
 * xml_value_build(), never NULL. Findings, with file as their part: an element
 * that may stand more than once and is not in lists; a text that may also be an
 * object, for all its attributes may be missing. With profile.json as their
 * part: a path in lists that leads to no element. *fields is the caller's in
 * every case (schema_fields_clear()). WHY_INVALID when there are findings,
 * WHY_NOMEM.
 */
int xml_fields_find(struct span text, const char *file,
    const char *const *lists, struct findings *findings,
    struct schema_fields *fields, struct why *why);
