/*
 * xml - strict reading of XML 1.0 that somebody else wrote, its check by a
 * schema, and the value tree that a presentation walks.
 *
 * Size, nesting and counts are checked before the parser runs. Refused:
 * document type declarations (and so every entity but the five of XML itself),
 * processing instructions and comments (nobody would see what they say), any
 * encoding but UTF-8, XML 1.1. Nothing is ever fetched. An error tells line and
 * element, never content.
 *
 * For one thread. libxml2's memory is overwritten when it is freed.
 */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "base/why.h"
#include "formats/findings.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct xml_bounds {
	size_t bytes;
	size_t depth;      /* of elements */
	size_t nodes;      /* elements, attributes and texts together */
	size_t attributes; /* of one element, namespaces among them */
	bool comments;     /* comments and processing instructions, too */
};

/* Those of a payload. */
struct xml_bounds xml_bounds_of(const struct limits *limits);

struct xml_document;

/*
 * Have libxml2 ready: before a jail closes. Others call it themselves when
 * need be.
 */
void xml_start(void);

/*
 * On success *out is the caller's. WHY_TOO_LARGE, WHY_MALFORMED (the sentence
 * begins "line N: " where the line is known) or WHY_NOMEM.
 */
int xml_text_read(struct span text, const struct xml_bounds *bounds,
    struct xml_document **out, struct why *why);
void xml_document_free(struct xml_document *document); /* NULL is fine */

struct xml_schema;

/*
 * Compile RELAX NG in its XML syntax, or XML Schema; all of it stands in text,
 * for what leads to other files is refused. file is its name in findings. *out
 * is the caller's. WHY_INVALID with findings, WHY_NOMEM.
 */
int xml_schema_compile(struct span text, const char *file,
    struct findings *findings, struct xml_schema **out, struct why *why);
void xml_schema_free(struct xml_schema *schema); /* NULL is fine */

/*
 * Check the document. A finding's pointer is the path of elements, as
 * /brev/mottaker[2]/navn; its sentence begins "line N: ". Returns 0 when valid,
 * WHY_INVALID when findings were added, WHY_NOMEM.
 */
int xml_schema_check(const struct xml_schema *schema,
    struct xml_document *document, const char *part, struct findings *findings,
    struct why *why);

/*
 * The document as the values that a presentation names by JSON pointers, by the
 * rules of profile(5), "XML payloads". lists: paths of elements, as
 * "/mottaker", that are always arrays; it ends with NULL. *out is the caller's.
 * WHY_NOMEM.
 */
int xml_value_build(const struct xml_document *document,
    const char *const *lists, json_t **out, struct why *why);

/*
 * Append text to out without the elements and attributes at the pointers that
 * are the names of cuts, as xml_value_build() makes them. WHY_INVALID when one
 * leads nowhere, to the root or to a "#text"; what xml_text_read() says;
 * WHY_NOMEM.
 */
int xml_text_cut(struct span text, const struct xml_bounds *bounds,
    const char *const *lists, const json_t *cuts, struct buf *out,
    struct why *why);
