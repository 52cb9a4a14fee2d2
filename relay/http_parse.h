/*
 * http_parse - one HTTP/1.1 request after the other out of a stream of bytes
 * (RFC 9110, RFC 9112), stricter than the RFC wherever two readers could
 * disagree. No I/O, no clock: bytes in, events out, any split of the bytes
 * gives the same events.
 *
 * Refused: a bare LF or CR, NUL or another control byte, folded lines, white
 * space before a colon, none or several Host, several Content-Length (equal
 * or not), Content-Length with Transfer-Encoding, any coding but one
 * "chunked", Transfer-Encoding in HTTP/1.0, sizes over 2^63-1, a repeated
 * field that decides something (http_parse.c has the list), targets with
 * "..", "%2F", "%00" or bytes that are not UTF-8.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_verb {
	HTTP_VERB_GET,
	HTTP_VERB_HEAD,
	HTTP_VERB_POST,
	HTTP_VERB_PUT,
	HTTP_VERB_PATCH,
	HTTP_VERB_DELETE,
	HTTP_VERB_OPTIONS,
};

const char *http_verb_text(enum http_verb verb); /* static, upper case */

/* A header field (name in lower case, value trimmed) or a decoded query pair.
 * NUL-terminated; neither holds a NUL. */
struct http_pair {
	const char *name;
	const char *value;
};

/* A whole request header. Owned by its reader, until the request's end. */
struct http_head {
	enum http_verb verb;
	const char *path; /* percent-decoded, begins with "/" */
	const struct http_pair *fields;
	size_t fields_count;
	const struct http_pair *query; /* in the order sent; no name twice */
	size_t query_count;
	bool http10;          /* HTTP/1.0, else HTTP/1.1 */
	bool keep_alive;      /* the client is ready for another request */
	bool expect_continue; /* waits for 100 before it sends the body */
	bool chunked;         /* the body's size is not known before its end */
	uint64_t length;      /* bytes of the body, when not chunked */
};

/* The value of the one field or pair of this name (lower case for fields);
 * NULL when there is none; the first when a field is repeated. */
const char *http_head_field(const struct http_head *head, const char *name);
const char *http_head_query(const struct http_head *head, const char *name);

struct http_reader_limits {
	size_t request_line_bytes;
	size_t header_bytes; /* fields of the header, or of a trailer */
	size_t header_fields;
};

enum http_reader_state {
	HTTP_READER_IDLE,    /* before the first byte of a request */
	HTTP_READER_HEAD,    /* in the header */
	HTTP_READER_BODY,    /* in the body, or its chunk lines and trailer */
	HTTP_READER_DONE,    /* after the end, until http_reader_next() */
	HTTP_READER_REFUSED, /* for good: the stream cannot be trusted */
};

struct http_reader {
	struct http_reader_limits limits;
	enum http_reader_state state;
	struct http_head head; /* from HTTP_EVENT_HEAD until the end */
	unsigned status;       /* when refused: 400, 413, 414, 431, 501, 505 */
	const char *reason;    /* when refused: static text, what was wrong */

	/* private */
	struct buf raw;
	struct buf target;
	struct http_pair *pairs;
	size_t line_at;
	size_t lines;
	uint64_t left;
	size_t framing;
	unsigned char chunk_state;
	unsigned char last;
	bool skipped;
};

enum http_event {
	HTTP_EVENT_MORE, /* all bytes taken, nothing to tell yet */
	HTTP_EVENT_HEAD, /* reader->head is there */
	HTTP_EVENT_BODY, /* *body: a piece of the body, inside the bytes given
			  */
	HTTP_EVENT_END,  /* the request is whole */
	HTTP_EVENT_REFUSED,
};

void http_reader_init(
    struct http_reader *reader, const struct http_reader_limits *limits);
void http_reader_clear(struct http_reader *reader);

/*
 * Read on. *used bytes of in were taken; the caller gives the rest again,
 * after it has dealt with the event. A request without a body gives HEAD and
 * then END (which may come for no bytes at all: call until MORE). After END
 * nothing is taken until http_reader_next().
 */
enum http_event http_reader_feed(struct http_reader *reader, struct span in,
    size_t *used, struct span *body);

/* Forget the request that ended; be ready for the next. Frees its memory. */
void http_reader_next(struct http_reader *reader);
