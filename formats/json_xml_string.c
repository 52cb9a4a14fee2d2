/*
 * json_xml_string - strings of JSON, their texts, and what XML cannot hold.
 *
 * SECURITY: the way back reads hostile bytes: a body that ended its string
 * early would be other JSON.
 */
#include "formats/json_xml_priv.h"

#include "base/text.h"

#include <string.h>

#define BAD UINT32_MAX

/* XML 1.0, production Char. */
static bool
xml_holds(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' ||
	       (c >= 0x20 && c <= 0xD7FF) || (c >= 0xE000 && c <= 0xFFFD) ||
	       (c >= 0x10000 && c <= 0x10FFFF);
}

static uint32_t
hex4(struct span body, size_t at)
{
	uint32_t value = 0;

	if (at > body.size || body.size - at < 4)
		return BAD;
	for (size_t i = at; i < at + 4; i++) {
		uint8_t c = body.at[i];
		uint8_t digit = (uint8_t)(c >= '0' && c <= '9'   ? c - '0'
					  : c >= 'a' && c <= 'f' ? c - 'a' + 10
					  : c >= 'A' && c <= 'F' ? c - 'A' + 10
								 : 16);

		if (digit > 15)
			return BAD;
		value = value << 4 | digit;
	}
	return value;
}

/* *at stands behind "\u"; a pair of surrogates is one character. */
static uint32_t
unicode_take(struct span body, size_t *at)
{
	uint32_t high = hex4(body, *at), low;

	*at += 4;
	if (high == BAD || high < 0xD800 || high > 0xDFFF)
		return high;
	if (high > 0xDBFF || body.size - *at < 6 || body.at[*at] != '\\' ||
	    body.at[*at + 1] != 'u')
		return BAD;
	low = hex4(body, *at + 2);
	*at += 6;
	if (low < 0xDC00 || low > 0xDFFF)
		return BAD;
	return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

/* The next character of a body; BAD when it is none. */
static uint32_t
character_take(struct span body, size_t *at)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	uint8_t c = body.at[*at];

	if (c < 0x20 || c == '"')
		return BAD;
	if (c != '\\')
		return utf8_next(body, at);
	if (body.size - *at < 2)
		return BAD;
	c = body.at[*at + 1];
	*at += 2;
	if (c == 'u')
		return unicode_take(body, at);
	found = c ? strchr(from, c) : NULL;
	return found ? (uint32_t)(uint8_t)to[found - from] : BAD;
}

bool
json_xml_string_decode(struct span body, struct buf *out)
{
	for (size_t at = 0; at < body.size;) {
		uint32_t c = character_take(body, &at);

		if (c == BAD)
			return false;
		utf8_add(out, xml_holds(c) ? c : 0xFFFD);
	}
	return true;
}

/* How the plain body has a character; 0 bytes: as it is. */
static const char *
plain_escape(uint32_t c)
{
	switch (c) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		return NULL;
	}
}

bool
json_xml_string_plain(struct span body)
{
	for (size_t at = 0; at < body.size;) {
		size_t start = at;
		uint32_t c = character_take(body, &at);
		const char *escape = plain_escape(c);

		if (c == BAD || !xml_holds(c))
			return false;
		if (body.at[start] == '\\' &&
		    (escape == NULL ||
			!span_is(span_of(body.at + start, at - start), escape)))
			return false;
	}
	return true;
}

void
json_xml_body_hold(struct span body, struct buf *out)
{
	for (size_t at = 0; at < body.size;) {
		size_t start = at;
		uint32_t c = utf8_next(body, &at);

		if (c == 0xFFFE || c == 0xFFFF)
			buf_printf(out, "\\x%04X", (unsigned)c);
		else
			buf_add(out, body.at + start, at - start);
	}
}

bool
json_xml_body_read(struct span held, struct buf *out)
{
	for (size_t at = 0; at < held.size;) {
		if (held.at[at] != '\\' || held.size - at < 2) {
			buf_add_byte(out, held.at[at++]);
			continue;
		}
		if (held.at[at + 1] != 'x') {
			buf_add(out, held.at + at, 2);
			at += 2;
			continue;
		}
		if (held.size - at < 6 ||
		    (memcmp(held.at + at, "\\xFFFE", 6) != 0 &&
			memcmp(held.at + at, "\\xFFFF", 6) != 0))
			return false;
		utf8_add(out, held.at[at + 5] == 'E' ? 0xFFFE : 0xFFFF);
		at += 6;
	}
	return true;
}

void
json_xml_body_add(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.size; i++) {
		const char *escape = plain_escape(text.at[i]);

		if (escape != NULL)
			buf_add_text(out, escape);
		else
			buf_add_byte(out, text.at[i]);
	}
}
