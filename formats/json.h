/*
 * json - strict reading of JSON text (RFC 8259) that somebody else wrote.
 *
 * Size and depth are checked before the parser runs. Refused: duplicate names,
 * anything but UTF-8, U+0000 (raw or escaped), a byte order mark, trailing
 * bytes, numbers that do not fit. An error tells line and column, never
 * content.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

#include <jansson.h>

struct json_bounds {
	size_t bytes; /* limits.payload_bytes, json_body_bytes ... */
	size_t depth; /* limits.json_depth: nesting of arrays and objects */
};

/*
 * Bound the values of a text before it is read: each takes memory that a few
 * bytes make ("{}" some 140). Commas and opening brackets outside of strings
 * are counted. WHY_TOO_LARGE when there are more than max.
 */
int json_values_check(struct span text, size_t max, struct why *why);

/*
 * Read one JSON text; any kind of value may be at the top. On success *out is
 * the caller's (json_decref()). WHY_TOO_LARGE, WHY_MALFORMED or WHY_NOMEM.
 */
int json_text_read(struct span text, const struct json_bounds *bounds,
    json_t **out, struct why *why);

/* As above, and the top must be an object: else WHY_MALFORMED. */
int json_object_read(struct span text, const struct json_bounds *bounds,
    json_t **out, struct why *why);

/* Append value as JSON: no white space, names as they stand. */
void json_text_build(struct buf *out, const json_t *value);

/* Append "/" and one name or index, escaped (RFC 6901 section 3). */
void json_pointer_add(struct buf *out, const char *name);
void json_pointer_add_index(struct buf *out, size_t index);

/* The value behind a pointer; NULL when there is none. Lent. */
json_t *json_pointer_get(const json_t *value, const char *pointer);

/* Both from 1; columns are characters, a tab is one. */
struct json_place {
	unsigned line, column;
};

/*
 * Where in text the value behind pointer begins (of a member: its name); where
 * there is none, the nearest value around it. For messages about files that
 * json_text_read() has accepted.
 */
struct json_place json_pointer_place(struct span text, const char *pointer);
unsigned json_pointer_line(struct span text, const char *pointer);
