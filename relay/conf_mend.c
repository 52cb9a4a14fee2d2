/*
 * conf_mend - libconfig 1.5 reads a number of more than 31 bits as one of 32
 * without a word, unless an L stands behind it. So it is put there.
 */
#include "relay/conf_priv.h"

#include <ctype.h>
#include <string.h>

#define SAFE_DIGITS 9 /* so many always fit in 31 bits */

static bool
is_word(uint8_t c)
{
	return isalnum(c) || c == '_' || c == '-' || c == '*';
}

/* Where the text or comment that begins at pos ends; pos when none does. */
static size_t
skip(struct span in, size_t pos)
{
	size_t at = pos;
	uint8_t c = in.at[at];
	uint8_t next = at + 1 < in.size ? in.at[at + 1] : 0;
	if (c == '"') {
		for (at++; at < in.size && in.at[at] != '"'; at++)
			if (in.at[at] == '\\')
				at++;
		return at < in.size ? at + 1 : in.size;
	}
	if (c == '#' || (c == '/' && next == '/')) {
		const uint8_t *end = memchr(in.at + at, '\n', in.size - at);
		return end == NULL ? in.size : (size_t)(end - in.at);
	}
	if (c == '/' && next == '*') {
		const uint8_t *end =
		    memmem(in.at + at + 2, in.size - at - 2, "*/", 2);
		return end == NULL ? in.size : (size_t)(end - in.at) + 2;
	}
	return pos;
}

int
conf_numbers_mend(struct buf *out, struct span in, struct why *why)
{
	int line = 1;
	for (size_t pos = 0; pos < in.size;) {
		size_t end = skip(in, pos);
		if (end == pos)
			for (end++; is_word(in.at[pos]) && end < in.size &&
				    is_word(in.at[end]);)
				end++;
		struct span word = span_of(in.at + pos, end - pos);
		size_t digits = 0;
		while (digits < word.size && isdigit(word.at[digits]))
			digits++;
		if (word.size > 1 && word.at[0] == '0' &&
		    (word.at[1] | 0x20) == 'x')
			return why_set(why, WHY_INVALID,
			    "%d: expected a decimal number", line);
		buf_add_span(out, word);
		if (digits > SAFE_DIGITS && digits == word.size)
			buf_add_byte(out, 'L');
		for (size_t i = 0; i < word.size; i++)
			line += word.at[i] == '\n';
		pos = end;
	}
	if (!buf_ok(out))
		return why_set(why, WHY_TOO_LARGE, "%d: too large", line);
	return 0;
}
