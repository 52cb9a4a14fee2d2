/*
 * wire - the messages between our own processes, as bytes; see wire.7.
 *
 * A frame is u32 length of the rest, u16 type, u16 flags, u64 request id and
 * the body; all numbers big-endian. A stream is frames and nothing between.
 * SECURITY: reads bytes of a process that may have been taken over; has no
 * descriptors, allocates nothing, and never trusts a length.
 */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_HEAD_SIZE 16

/* The bodies' hard end; a channel may be given a lower one. */
#define WIRE_BODY_MAX (UINT32_C(72) << 20)

/* flags */
#define WIRE_ANSWER 0x0001u /* answers the request of that id */
#define WIRE_FAILED                                                            \
	0x0002u            /* with WIRE_ANSWER: body is a why, wire_get_why() */
#define WIRE_MORE 0x0004u  /* more frames of this request or answer follow */
#define WIRE_FLAGS 0x0007u /* all that are known; others are malformed */

/* Request id 0 is a telling: nobody answers it. */
struct wire_frame {
	uint16_t type;
	uint16_t flags;
	uint64_t request;
	struct span body; /* points into what was parsed */
};

/*
 * Look for one frame at the start of in. 0 and *used > 0: *frame is whole and
 * took that many bytes. 0 and *used == 0: more bytes are needed. Negative:
 * WHY_TOO_LARGE (body over body_max: known from the length alone) or
 * WHY_MALFORMED; the stream is then of no more use.
 */
int wire_frame_parse(struct span in, size_t body_max, struct wire_frame *frame,
    size_t *used, struct why *why);

/* Bytes that the frame at the start of in still lacks, as far as its length is
 * there to be read: 0 when it is not. Not judged: wire_frame_parse() does. */
size_t wire_frame_left(struct span in);

/* Append a whole frame. */
void wire_frame_build(struct buf *out, const struct wire_frame *frame);

/* The head alone, for a body of that size that is sent after it. */
void wire_head_build(uint8_t head[WIRE_HEAD_SIZE], uint16_t type,
    uint16_t flags, uint64_t request, uint32_t body_size);

/*
 * Reading a body: a cursor that remembers its first failure. After it every
 * read gives 0 or nothing, and wire_end() says false. Spans point into the
 * body.
 */
struct wire_in {
	struct span rest;
	bool failed;
};

struct wire_in wire_open(struct span body);
uint8_t wire_u8(struct wire_in *in);
uint16_t wire_u16(struct wire_in *in);
uint32_t wire_u32(struct wire_in *in);
uint64_t wire_u64(struct wire_in *in);
int64_t wire_i64(struct wire_in *in);
bool wire_bool(struct wire_in *in); /* 0 or 1, all else fails */
struct id wire_id(struct wire_in *in);
/* size bytes without a length before them */
struct span wire_fixed(struct wire_in *in, size_t size);
/* u32 length and that many bytes */
struct span wire_bytes(struct wire_in *in);
/* as wire_bytes(), and fails when it is not UTF-8 or holds a NUL */
struct span wire_text(struct wire_in *in);
/* as wire_text(), into room bytes with an end mark; fails when it is longer */
void wire_chars(struct wire_in *in, char *text, size_t room);
/* a count of things of at least least_size bytes each: fails when the rest is
 * too short for so many, so that it may size an allocation */
uint32_t wire_count(struct wire_in *in, size_t least_size);
/* for a reader's own rules ("an enum out of range") */
void wire_fail(struct wire_in *in);
/* true when nothing failed and nothing is left over */
bool wire_end(const struct wire_in *in);

/* Building a body: buf_add_u16() and its like, and these. */
void wire_put_i64(struct buf *out, int64_t value);
void wire_put_bool(struct buf *out, bool value);
void wire_put_id(struct buf *out, const struct id *id);
void wire_put_bytes(struct buf *out, struct span bytes);
void wire_put_text(struct buf *out, const char *text); /* NULL is "" */

/* A failure as a body: the code and its sentence. */
void wire_put_why(struct buf *out, const struct why *why);
/* Returns the code, always negative: WHY_BUG when the body is not a why. */
int wire_get_why(struct span body, struct why *why);
