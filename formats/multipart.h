/*
 * multipart - multipart/form-data (RFC 7578, RFC 2046 section 5.1), as a push
 * parser: bytes are given as they come, parts are told by callbacks, and
 * nothing but the header of one part is ever held back.
 *
 * Strict: nothing stands before the first boundary or after the last but one
 * empty line; nested multiparts, transfer encodings that change bytes and
 * filename* (RFC 7578 section 4.2) are refused; other header fields are ignored
 * (section 4.8) but must be well formed; without the closing boundary a body is
 * not whole. In a quoted name \" and \\ stand for the second character; a
 * percent sign stands for itself, for nobody can tell "%22" of a browser from
 * "%22" of a name.
 *
 * SECURITY: reads hostile bytes; bounded by struct multipart_limits.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MULTIPART_BOUNDARY_MAX 70 /* RFC 2046 section 5.1.1 */

struct multipart_limits {
	uint64_t parts;        /* in the whole body */
	size_t header_bytes;   /* header fields of one part */
	size_t name_bytes;     /* of a part's name */
	size_t filename_bytes; /* of a file name */
	uint64_t total_bytes;  /* content of all parts */
};

/* A part that begins; lent during the callback. */
struct multipart_part {
	const char *name;       /* UTF-8, never empty */
	const char *filename;   /* NULL: none given. Unchecked but for UTF-8,
				 * controls and length: see filename.h */
	const char *media_type; /* as given; NULL: none given */
};

/* Each returns 0, or a negative code (why set) that multipart_push() hands on;
 * after that the parser is dead. data is lent and never empty. */
struct multipart_handler {
	int (*part_begin)(
	    void *context, const struct multipart_part *part, struct why *why);
	int (*part_data)(void *context, struct span data, struct why *why);
	int (*part_end)(void *context, struct why *why);
	void *context;
};

struct multipart;

/*
 * The boundary out of a Content-Type field's value, quoted or not. WHY_INVALID
 * when it is not multipart/form-data, WHY_MALFORMED when the boundary is
 * missing, given twice or not legal.
 */
int multipart_boundary_parse(struct span content_type,
    char boundary[MULTIPART_BOUNDARY_MAX + 1], struct why *why);

/* *out is the caller's, freed by multipart_free(). */
int multipart_new(const char *boundary, const struct multipart_limits *limits,
    const struct multipart_handler *handler, struct multipart **out,
    struct why *why);
void multipart_free(struct multipart *multipart); /* NULL is fine */

/*
 * Read on. *used says how many bytes were taken: all of them, unless a callback
 * called multipart_pause() or an error came. Bytes that were not taken are
 * given again after multipart_resume(). WHY_MALFORMED, WHY_TOO_LARGE,
 * WHY_UNSUPPORTED, WHY_NOMEM, or what a callback returned.
 */
int multipart_push(struct multipart *multipart, struct span bytes, size_t *used,
    struct why *why);

/* From a callback: take no further byte after this callback. */
void multipart_pause(struct multipart *multipart);
void multipart_resume(struct multipart *multipart);
bool multipart_is_paused(const struct multipart *multipart);

/* True when the closing boundary has been read. */
bool multipart_is_whole(const struct multipart *multipart);

/* The input has ended: 0 when the body was whole, else WHY_MALFORMED. */
int multipart_finish(struct multipart *multipart, struct why *why);
