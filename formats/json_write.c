#include "formats/json_write.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Has a byte of the eight that is below least (RFC 8259 section 7, controls),
 * or the one sought. May say yes to bytes over 0x7F. */
static uint64_t
below(uint64_t eight, uint8_t least)
{
	return (eight - EACH(least)) & ~eight & EACH(0x80);
}

static uint64_t
has(uint64_t eight, uint8_t byte)
{
	return below(eight ^ EACH(byte), 1);
}

/* How many bytes from at stand for themselves; ASCII only. */
static size_t
plain_run(const uint8_t *at, size_t size)
{
	size_t i = 0;
	for (; size - i >= 8; i += 8) {
		uint64_t eight;
		memcpy(&eight, at + i, sizeof eight);
		if (((eight & EACH(0x80)) | below(eight, 0x20) |
			has(eight, '"') | has(eight, '\\')) != 0)
			break;
	}
	while (i < size && at[i] >= 0x20 && at[i] < 0x80 && at[i] != '"' &&
	       at[i] != '\\')
		i++;
	return i;
}

static void
escape(struct buf *out, uint8_t byte)
{
	static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	char text[8];
	for (size_t i = 0; shorts[i] != '\0'; i += 2)
		if ((uint8_t)shorts[i] == byte) {
			buf_add_byte(out, '\\');
			buf_add_byte(out, (uint8_t)shorts[i + 1]);
			return;
		}
	(void)snprintf(text, sizeof text, "\\u%04X", (unsigned)byte);
	buf_add_text(out, text);
}

static void
string_add(struct buf *out, struct span text)
{
	bool ascii = true;
	buf_add_byte(out, '"');
	for (size_t i = 0; i < text.size;) {
		size_t run = plain_run(text.at + i, text.size - i);
		buf_add(out, text.at + i, run);
		i += run;
		if (i == text.size)
			break;
		uint8_t byte = text.at[i++];
		if (byte >= 0x80) {
			ascii = false;
			buf_add_byte(out, byte);
		} else {
			escape(out, byte);
		}
	}
	buf_add_byte(out, '"');
	if (!ascii && !utf8_valid(text))
		out->failed = true;
}

/* What stands before a value: a comma behind another one, and its name. */
static void
begin(struct buf *out, const char *name)
{
	uint8_t last = out->size > 0 ? out->at[out->size - 1] : '[';
	if (last != '{' && last != '[')
		buf_add_byte(out, ',');
	if (name == NULL)
		return;
	buf_add_byte(out, '"');
	buf_add_text(out, name);
	buf_add(out, "\":", 2);
}

void
json_write_object(struct buf *out, const char *name)
{
	begin(out, name);
	buf_add_byte(out, '{');
}

void
json_write_object_end(struct buf *out)
{
	buf_add_byte(out, '}');
}

void
json_write_array(struct buf *out, const char *name)
{
	begin(out, name);
	buf_add_byte(out, '[');
}

void
json_write_array_end(struct buf *out)
{
	buf_add_byte(out, ']');
}

void
json_write_span(struct buf *out, const char *name, struct span text)
{
	begin(out, name);
	string_add(out, text);
}

void
json_write_text(struct buf *out, const char *name, const char *text)
{
	json_write_span(out, name, span_text(text));
}

void
json_write_number(struct buf *out, const char *name, int64_t value)
{
	char text[24];
	begin(out, name);
	(void)snprintf(text, sizeof text, "%" PRId64, value);
	buf_add_text(out, text);
}

void
json_write_bool(struct buf *out, const char *name, bool value)
{
	begin(out, name);
	buf_add_text(out, value ? "true" : "false");
}
