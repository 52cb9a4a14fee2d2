/*
 * The stream of requests: where a header ends, what is body, what is framing.
 *
 * SECURITY: reads hostile bytes, before anybody is known. No I/O; memory is
 * bounded by the limits given. Fuzzed by tests/fuzz/fuzz_http.c.
 */
#include "relay/http_parse.h"

#include "relay/http_head.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_MOST ((UINT64_C(1) << 63) - 1)
#define CHUNK_LINE_MOST 256 /* bytes of one chunk's line */

enum chunk_state {
	CHUNK_SIZE_FIRST,
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	TRAILER_START,
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	TRAILER_END_LF,
};

void
http_reader_init(
    struct http_reader *reader, const struct http_reader_limits *limits)
{
	memset(reader, 0, sizeof(*reader));
	reader->limits = *limits;
	buf_init(&reader->raw, limits->request_line_bytes +
				   limits->header_bytes +
				   2 * limits->header_fields + 16);
	buf_init(&reader->target, 2 * limits->request_line_bytes + 16);
}

void
http_reader_clear(struct http_reader *reader)
{
	buf_clear(&reader->raw);
	buf_clear(&reader->target);
	free(reader->pairs);
	reader->pairs = NULL;
	memset(&reader->head, 0, sizeof(reader->head));
}

void
http_reader_next(struct http_reader *reader)
{
	http_reader_clear(reader);
	reader->state = HTTP_READER_IDLE;
	reader->line_at = 0;
	reader->lines = 0;
	reader->left = 0;
	reader->framing = 0;
	reader->chunk_state = CHUNK_SIZE_FIRST;
	reader->last = 0;
	reader->skipped = false;
}

/* ---- the header, byte by byte ---- */

static bool
byte_is_clean(const struct http_reader *reader, uint8_t byte)
{
	if (reader->lines == 0) /* the request line: visible ASCII and space */
		return byte >= 0x20 && byte < 0x7f;
	return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

static int
head_limits(struct http_reader *reader, size_t fields_size)
{
	if (reader->lines == 0) {
		if (reader->line_at > reader->limits.request_line_bytes)
			return http_reader_refuse(reader, 414,
			    "request line over request_line_bytes");
		return 0;
	}
	if (fields_size > reader->limits.header_bytes)
		return http_reader_refuse(
		    reader, 431, "header over header_bytes");
	if (reader->lines > reader->limits.header_fields)
		return http_reader_refuse(
		    reader, 431, "header over header_fields");
	return 0;
}

/* 1: the empty line's end; 0: go on; -1: refused. */
static int
head_byte(struct http_reader *reader, uint8_t byte)
{
	uint8_t last = reader->last;

	reader->last = byte;
	if (last == '\r') {
		if (byte != '\n')
			return http_reader_refuse(reader, 400, "bare CR");
		if (reader->line_at == 0)
			return 1;
		reader->lines++;
		reader->line_at = 0;
		return 0;
	}
	if (byte == '\r')
		return 0;
	if (byte == '\n')
		return http_reader_refuse(reader, 400, "bare LF");
	if (!byte_is_clean(reader, byte))
		return http_reader_refuse(
		    reader, 400, "control byte in header");
	if (reader->line_at == 0 && (byte == ' ' || byte == '\t'))
		return http_reader_refuse(
		    reader, 400, "line begins with white space");
	reader->line_at++;
	reader->framing += reader->lines > 0;
	return head_limits(reader, reader->framing);
}

static enum http_event
head_end(struct http_reader *reader)
{
	if (!buf_ok(&reader->raw)) {
		http_reader_refuse(reader, 431, "header too large");
		return HTTP_EVENT_REFUSED;
	}
	if (http_head_build(reader) < 0)
		return HTTP_EVENT_REFUSED;
	reader->state = HTTP_READER_BODY;
	reader->left = reader->head.length;
	reader->framing = 0;
	return HTTP_EVENT_HEAD;
}

static enum http_event
head_take(struct http_reader *reader, struct span in, size_t *used)
{
	size_t from = 0;

	for (size_t i = 0; i < in.size; i++) {
		int ended = head_byte(reader, in.at[i]);
		*used = i + 1;
		if (ended < 0)
			return HTTP_EVENT_REFUSED;
		if (!ended)
			continue;
		if (reader->lines == 0) {
			/* one empty line before a request is let through
			 * (RFC 9112 section 2.2) */
			if (reader->skipped) {
				http_reader_refuse(reader, 400, "empty lines");
				return HTTP_EVENT_REFUSED;
			}
			reader->skipped = true;
			reader->last = 0;
			buf_reset(&reader->raw);
			from = i + 1;
			continue;
		}
		buf_add(&reader->raw, in.at + from, i + 1 - from);
		return head_end(reader);
	}
	buf_add(&reader->raw, in.at + from, in.size - from);
	reader->state =
	    reader->raw.size > 0 ? HTTP_READER_HEAD : HTTP_READER_IDLE;
	return HTTP_EVENT_MORE;
}

/* ---- the body ---- */

static enum http_event
body_end(struct http_reader *reader)
{
	reader->state = HTTP_READER_DONE;
	return HTTP_EVENT_END;
}

static enum http_event
piece_take(
    struct http_reader *reader, struct span in, size_t *used, struct span *body)
{
	size_t size = in.size < reader->left ? in.size : (size_t)reader->left;

	*body = span_of(in.at, size);
	*used += size;
	reader->left -= size;
	return HTTP_EVENT_BODY;
}

static int
chunk_size_digit(struct http_reader *reader, uint8_t byte)
{
	unsigned digit;

	if (byte >= '0' && byte <= '9')
		digit = byte - (unsigned)'0';
	else if (byte >= 'a' && byte <= 'f')
		digit = byte - (unsigned)'a' + 10;
	else if (byte >= 'A' && byte <= 'F')
		digit = byte - (unsigned)'A' + 10;
	else
		return http_reader_refuse(reader, 400, "chunk size is not hex");
	if (reader->left > SIZE_MOST >> 4)
		return http_reader_refuse(reader, 413, "chunk size over 2^63");
	reader->left = reader->left << 4 | digit;
	reader->chunk_state = CHUNK_SIZE;
	return 0;
}

static int
chunk_line(struct http_reader *reader, uint8_t byte)
{
	if (++reader->framing > CHUNK_LINE_MOST)
		return http_reader_refuse(reader, 400, "chunk line too long");
	switch ((enum chunk_state)reader->chunk_state) {
	case CHUNK_SIZE_FIRST:
		return chunk_size_digit(reader, byte);
	case CHUNK_SIZE:
		if (byte == '\r')
			reader->chunk_state = CHUNK_SIZE_LF;
		else if (byte == ';')
			reader->chunk_state = CHUNK_EXTENSION;
		else
			return chunk_size_digit(reader, byte);
		return 0;
	case CHUNK_EXTENSION:
		if (byte == '\r')
			reader->chunk_state = CHUNK_SIZE_LF;
		else if (byte != '\t' && (byte < 0x20 || byte >= 0x7f))
			return http_reader_refuse(
			    reader, 400, "control byte in chunk extension");
		return 0;
	case CHUNK_SIZE_LF:
		if (byte != '\n')
			return http_reader_refuse(reader, 400, "bare CR");
		reader->framing = 0;
		reader->chunk_state =
		    reader->left > 0 ? CHUNK_DATA : TRAILER_START;
		return 0;
	case CHUNK_DATA_CR:
		if (byte != '\r')
			return http_reader_refuse(
			    reader, 400, "chunk longer than its size");
		reader->chunk_state = CHUNK_DATA_LF;
		return 0;
	case CHUNK_DATA_LF:
		if (byte != '\n')
			return http_reader_refuse(reader, 400, "bare CR");
		reader->framing = 0;
		reader->chunk_state = CHUNK_SIZE_FIRST;
		return 0;
	case CHUNK_DATA:
	case TRAILER_START:
	case TRAILER_NAME:
	case TRAILER_VALUE:
	case TRAILER_LF:
	case TRAILER_END_LF:
		break;
	}
	return http_reader_refuse(reader, 400, "chunk state");
}

/* Trailer fields are checked as header fields are, and thrown away: nothing
 * may be decided by them. 1 at the end. */
static int
trailer_byte(struct http_reader *reader, uint8_t byte)
{
	if (++reader->framing > reader->limits.header_bytes)
		return http_reader_refuse(
		    reader, 431, "trailer over header_bytes");
	switch ((enum chunk_state)reader->chunk_state) {
	case TRAILER_START:
		if (byte == '\r') {
			reader->chunk_state = TRAILER_END_LF;
			return 0;
		}
		reader->chunk_state = TRAILER_NAME;
		if (http_is_token(byte))
			return 0;
		return http_reader_refuse(
		    reader, 400, "trailer field name is malformed");
	case TRAILER_NAME:
		if (byte == ':')
			reader->chunk_state = TRAILER_VALUE;
		else if (!http_is_token(byte))
			return http_reader_refuse(
			    reader, 400, "trailer field name is malformed");
		return 0;
	case TRAILER_VALUE:
		if (byte == '\r')
			reader->chunk_state = TRAILER_LF;
		else if (byte != '\t' && (byte < 0x20 || byte == 0x7f))
			return http_reader_refuse(
			    reader, 400, "control byte in trailer");
		return 0;
	case TRAILER_LF:
	case TRAILER_END_LF:
		if (byte != '\n')
			return http_reader_refuse(reader, 400, "bare CR");
		if (reader->chunk_state == TRAILER_END_LF)
			return 1;
		reader->chunk_state = TRAILER_START;
		return 0;
	case CHUNK_SIZE_FIRST:
	case CHUNK_SIZE:
	case CHUNK_EXTENSION:
	case CHUNK_SIZE_LF:
	case CHUNK_DATA:
	case CHUNK_DATA_CR:
	case CHUNK_DATA_LF:
		break;
	}
	return http_reader_refuse(reader, 400, "trailer state");
}

static enum http_event
chunked_take(
    struct http_reader *reader, struct span in, size_t *used, struct span *body)
{
	while (*used < in.size) {
		if (reader->chunk_state == CHUNK_DATA) {
			struct span rest =
			    span_of(in.at + *used, in.size - *used);
			enum http_event event =
			    piece_take(reader, rest, used, body);
			if (reader->left == 0)
				reader->chunk_state = CHUNK_DATA_CR;
			return event;
		}
		uint8_t byte = in.at[(*used)++];
		int got = reader->chunk_state < TRAILER_START
			      ? chunk_line(reader, byte)
			      : trailer_byte(reader, byte);
		if (got < 0)
			return HTTP_EVENT_REFUSED;
		if (got > 0)
			return body_end(reader);
	}
	return HTTP_EVENT_MORE;
}

enum http_event
http_reader_feed(
    struct http_reader *reader, struct span in, size_t *used, struct span *body)
{
	*used = 0;
	*body = SPAN_NONE;
	switch (reader->state) {
	case HTTP_READER_IDLE:
	case HTTP_READER_HEAD:
		return head_take(reader, in, used);
	case HTTP_READER_BODY:
		if (reader->head.chunked)
			return chunked_take(reader, in, used, body);
		if (reader->left == 0)
			return body_end(reader);
		if (in.size == 0)
			return HTTP_EVENT_MORE;
		return piece_take(reader, in, used, body);
	case HTTP_READER_DONE:
		return HTTP_EVENT_MORE;
	case HTTP_READER_REFUSED:
		break;
	}
	return HTTP_EVENT_REFUSED;
}
