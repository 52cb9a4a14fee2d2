#include "formats/wire.h"

#include "base/text.h"

#include <string.h>

#define REST_MIN (WIRE_HEAD_SIZE - 4)

static uint64_t
number(const uint8_t *at, size_t size)
{
	uint64_t value = 0;
	for (size_t i = 0; i < size; i++)
		value = value << 8 | at[i];
	return value;
}

int
wire_frame_parse(struct span in, size_t body_max, struct wire_frame *frame,
    size_t *used, struct why *why)
{
	*used = 0;
	*frame = (struct wire_frame){0};
	if (in.size < 4)
		return 0;
	size_t rest = (size_t)number(in.at, 4);
	if (rest < REST_MIN)
		return why_set(why, WHY_MALFORMED,
		    "frame: length %zu, expected %d or more", rest, REST_MIN);
	if (rest - REST_MIN > body_max)
		return why_set(why, WHY_TOO_LARGE,
		    "frame: body of %zu bytes, expected at most %zu",
		    rest - REST_MIN, body_max);
	if (in.size < WIRE_HEAD_SIZE)
		return 0;
	uint16_t type = (uint16_t)number(in.at + 4, 2);
	uint16_t flags = (uint16_t)number(in.at + 6, 2);
	uint64_t request = number(in.at + 8, 8);
	if ((flags & ~WIRE_FLAGS) != 0)
		return why_set(why, WHY_MALFORMED,
		    "frame: flags 0x%04x are not known", flags);
	if ((flags & WIRE_FAILED) != 0 &&
	    ((flags & WIRE_ANSWER) == 0 || (flags & WIRE_MORE) != 0))
		return why_set(why, WHY_MALFORMED,
		    "frame: a failure must be the end of an answer");
	if (request == 0 && flags != 0)
		return why_set(
		    why, WHY_MALFORMED, "frame: flags without a request");
	if (in.size - 4 < rest)
		return 0;
	*frame = (struct wire_frame){type, flags, request,
	    span_of(in.at + WIRE_HEAD_SIZE, rest - REST_MIN)};
	*used = 4 + rest;
	return 0;
}

size_t
wire_frame_left(struct span in)
{
	size_t whole = in.size < 4 ? 0 : 4 + (size_t)number(in.at, 4);
	return whole > in.size ? whole - in.size : 0;
}

void
wire_head_build(uint8_t head[WIRE_HEAD_SIZE], uint16_t type, uint16_t flags,
    uint64_t request, uint32_t body_size)
{
	uint64_t first = ((uint64_t)body_size + REST_MIN) << 32 |
			 (uint64_t)type << 16 | flags;
	for (size_t i = 0; i < 8; i++) {
		head[i] = (uint8_t)(first >> (56 - 8 * i));
		head[8 + i] = (uint8_t)(request >> (56 - 8 * i));
	}
}

void
wire_frame_build(struct buf *out, const struct wire_frame *frame)
{
	uint8_t head[WIRE_HEAD_SIZE];
	if (frame->body.size > WIRE_BODY_MAX) {
		out->failed = true;
		return;
	}
	wire_head_build(head, frame->type, frame->flags, frame->request,
	    (uint32_t)frame->body.size);
	buf_add(out, head, sizeof head);
	buf_add_span(out, frame->body);
}

struct wire_in
wire_open(struct span body)
{
	return (struct wire_in){body, false};
}

void
wire_fail(struct wire_in *in)
{
	in->failed = true;
	in->rest = SPAN_NONE;
}

bool
wire_end(const struct wire_in *in)
{
	return !in->failed && in->rest.size == 0;
}

struct span
wire_fixed(struct wire_in *in, size_t size)
{
	if (in->failed || in->rest.size < size) {
		wire_fail(in);
		return SPAN_NONE;
	}
	struct span out = span_of(in->rest.at, size);
	if (size > 0)
		in->rest = span_of(in->rest.at + size, in->rest.size - size);
	return out;
}

static uint64_t
fixed_number(struct wire_in *in, size_t size)
{
	struct span bytes = wire_fixed(in, size);
	return bytes.at == NULL ? 0 : number(bytes.at, size);
}

uint8_t
wire_u8(struct wire_in *in)
{
	return (uint8_t)fixed_number(in, 1);
}

uint16_t
wire_u16(struct wire_in *in)
{
	return (uint16_t)fixed_number(in, 2);
}

uint32_t
wire_u32(struct wire_in *in)
{
	return (uint32_t)fixed_number(in, 4);
}

uint64_t
wire_u64(struct wire_in *in)
{
	return fixed_number(in, 8);
}

int64_t
wire_i64(struct wire_in *in)
{
	return (int64_t)fixed_number(in, 8);
}

bool
wire_bool(struct wire_in *in)
{
	uint8_t value = wire_u8(in);
	if (value > 1)
		wire_fail(in);
	return value == 1;
}

struct id
wire_id(struct wire_in *in)
{
	struct id id = {{0}};
	struct span bytes = wire_fixed(in, ID_SIZE);
	if (bytes.at != NULL)
		memcpy(id.at, bytes.at, ID_SIZE);
	return id;
}

struct span
wire_bytes(struct wire_in *in)
{
	return wire_fixed(in, wire_u32(in));
}

struct span
wire_text(struct wire_in *in)
{
	struct span text = wire_bytes(in);
	if (text.size == 0)
		return text;
	if (memchr(text.at, '\0', text.size) != NULL || !utf8_valid(text)) {
		wire_fail(in);
		return SPAN_NONE;
	}
	return text;
}

void
wire_chars(struct wire_in *in, char *text, size_t room)
{
	struct span span = wire_text(in);
	if (span.size >= room) {
		wire_fail(in);
		span = SPAN_NONE;
	}
	if (span.size > 0)
		memcpy(text, span.at, span.size);
	if (room > 0)
		text[span.size] = '\0';
}

uint32_t
wire_count(struct wire_in *in, size_t least_size)
{
	uint32_t count = wire_u32(in);
	if (least_size == 0 || count > in->rest.size / least_size) {
		if (count != 0)
			wire_fail(in);
		return 0;
	}
	return count;
}

void
wire_put_i64(struct buf *out, int64_t value)
{
	buf_add_u64(out, (uint64_t)value);
}

void
wire_put_bool(struct buf *out, bool value)
{
	buf_add_byte(out, value ? 1 : 0);
}

void
wire_put_id(struct buf *out, const struct id *id)
{
	buf_add(out, id->at, ID_SIZE);
}

void
wire_put_bytes(struct buf *out, struct span bytes)
{
	if (bytes.size > UINT32_MAX) {
		out->failed = true;
		return;
	}
	buf_add_u32(out, (uint32_t)bytes.size);
	buf_add_span(out, bytes);
}

void
wire_put_text(struct buf *out, const char *text)
{
	wire_put_bytes(out, span_text(text));
}

void
wire_put_why(struct buf *out, const struct why *why)
{
	buf_add_u32(out, (uint32_t)why->code);
	/* the sentence was cut at a size, perhaps inside a character */
	struct span text = span_text(why->text);
	while (text.size > 0 && !utf8_valid(text))
		text.size--;
	wire_put_bytes(out, text);
}

int
wire_get_why(struct span body, struct why *why)
{
	struct wire_in in = wire_open(body);
	struct why got;
	got.code = (int)wire_u32(&in);
	wire_chars(&in, got.text, sizeof got.text);
	if (!wire_end(&in) || got.code >= 0 || got.code < WHY_BUG)
		return why_set(
		    why, WHY_BUG, "a peer's failure is not well-formed");
	return why_set(why, got.code, "%s", got.text);
}
