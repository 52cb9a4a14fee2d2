#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct span
span_of(const void *at, size_t size)
{
	return (struct span){at, size};
}

struct span
span_text(const char *text)
{
	return text == NULL ? SPAN_NONE : span_of(text, strlen(text));
}

bool
span_equal(struct span a, struct span b)
{
	return a.size == b.size &&
	       (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

bool
span_is(struct span a, const char *text)
{
	return span_equal(a, span_text(text));
}

void
buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){.max = max};
}

void
buf_clear(struct buf *buf)
{
	free(buf->at);
	*buf = (struct buf){.max = buf->max};
}

void
buf_wipe(struct buf *buf)
{
	if (buf->at != NULL)
		explicit_bzero(buf->at, buf->capacity);
	buf_clear(buf);
}

void
buf_reset(struct buf *buf)
{
	buf->size = 0;
	buf->failed = false;
}

bool
buf_ok(const struct buf *buf)
{
	return !buf->failed;
}

struct span
buf_span(const struct buf *buf)
{
	return span_of(buf->at, buf->size);
}

/* One byte more than asked for is always there, for buf_text(). */
static bool
reserve(struct buf *buf, size_t size)
{
	if (buf->failed)
		return false;
	if (size > buf->max || buf->size > buf->max - size) {
		buf->failed = true;
		return false;
	}
	size_t need = buf->size + size + 1;
	if (need <= buf->capacity)
		return true;
	size_t capacity = buf->capacity < 64 ? 64 : buf->capacity * 2;
	if (capacity < need)
		capacity = need;
	if (capacity > buf->max + 1)
		capacity = buf->max + 1;
	uint8_t *at = realloc(buf->at, capacity);
	if (at == NULL) {
		buf->failed = true;
		return false;
	}
	buf->at = at;
	buf->capacity = capacity;
	return true;
}

void
buf_add(struct buf *buf, const void *at, size_t size)
{
	if (!reserve(buf, size) || size == 0)
		return;
	memcpy(buf->at + buf->size, at, size);
	buf->size += size;
}

void
buf_add_span(struct buf *buf, struct span span)
{
	buf_add(buf, span.at, span.size);
}

void
buf_add_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void
buf_add_byte(struct buf *buf, uint8_t byte)
{
	buf_add(buf, &byte, 1);
}

void
buf_add_u16(struct buf *buf, uint16_t value)
{
	uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
	buf_add(buf, bytes, sizeof bytes);
}

void
buf_add_u32(struct buf *buf, uint32_t value)
{
	buf_add_u16(buf, (uint16_t)(value >> 16));
	buf_add_u16(buf, (uint16_t)value);
}

void
buf_add_u64(struct buf *buf, uint64_t value)
{
	buf_add_u32(buf, (uint32_t)(value >> 32));
	buf_add_u32(buf, (uint32_t)value);
}

void
buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	va_list again;
	va_copy(again, args);
	int length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0)
		buf->failed = true;
	else if (reserve(buf, (size_t)length)) {
		(void)vsnprintf((char *)buf->at + buf->size, (size_t)length + 1,
		    format, again);
		buf->size += (size_t)length;
	}
	va_end(again);
}

uint8_t *
buf_room(struct buf *buf, size_t size)
{
	return reserve(buf, size) ? buf->at + buf->size : NULL;
}

void
buf_used(struct buf *buf, size_t size)
{
	assert(buf->size + size < buf->capacity || size == 0);
	buf->size += size;
}

void
buf_drop(struct buf *buf, size_t size)
{
	assert(size <= buf->size);
	if (size == 0)
		return;
	memmove(buf->at, buf->at + size, buf->size - size);
	buf->size -= size;
}

const char *
buf_text(struct buf *buf)
{
	if (!reserve(buf, 0))
		return NULL;
	buf->at[buf->size] = '\0';
	return (const char *)buf->at;
}
