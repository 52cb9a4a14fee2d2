/*
 * buf - byte ranges and growing buffers with a hard end.
 *
 * A buf carries its error: after the first failure (over max, no memory) every
 * further call does nothing, and buf_ok() is checked once at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that somebody else owns. */
struct span {
	const uint8_t *at;
	size_t size;
};

#define SPAN_NONE ((struct span){NULL, 0})

struct span span_of(const void *at, size_t size);
struct span span_text(
    const char *text); /* without the end mark; NULL is empty */
bool span_equal(struct span a, struct span b);
bool span_is(struct span a, const char *text);

/* Bytes that the holder owns, at most max of them. */
struct buf {
	uint8_t *at;
	size_t size;     /* bytes in use */
	size_t capacity; /* bytes allocated */
	size_t max;      /* never grows over this */
	bool failed;     /* something did not fit, or there was no memory */
};

void buf_init(struct buf *buf, size_t max);
void buf_clear(
    struct buf *buf); /* frees the bytes; keeps max, forgets failure */
void buf_wipe(struct buf *buf);  /* overwrites, then clears: for secrets */
void buf_reset(struct buf *buf); /* size 0, no failure; keeps the allocation */

bool buf_ok(const struct buf *buf);
struct span buf_span(const struct buf *buf);

void buf_add(struct buf *buf, const void *at, size_t size);
void buf_add_span(struct buf *buf, struct span span);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_byte(struct buf *buf, uint8_t byte);
void buf_add_u16(struct buf *buf, uint16_t value); /* big-endian, as all here */
void buf_add_u32(struct buf *buf, uint32_t value);
void buf_add_u64(struct buf *buf, uint64_t value);
void buf_printf(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Room for size more bytes; returns where they go, or NULL (then failed).
 * buf_used() says how many were really written there. */
uint8_t *buf_room(struct buf *buf, size_t size);
void buf_used(struct buf *buf, size_t size);

/* Take size bytes (<= buf->size) away from the front. */
void buf_drop(struct buf *buf, size_t size);

/* The bytes as a C string (an end mark is put behind them, not counted), or
 * NULL after a failure. Valid until the next call that changes the buf. */
const char *buf_text(struct buf *buf);
