/*
 * SECURITY: reads hostile bytes; holds one name, cut at SNIFF_NAME_MAX.
 */
#include "formats/sniff_priv.h"

#include <string.h>

static bool
is_delimiter(uint8_t c)
{
	switch (c) {
	case '\0':
	case '\t':
	case '\n':
	case '\f':
	case '\r':
	case ' ':
	case '(':
	case ')':
	case '<':
	case '>':
	case '[':
	case ']':
	case '{':
	case '}':
	case '/':
	case '%':
		return true;
	default:
		return false;
	}
}

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static void
put(struct sniff_names *names, char c)
{
	if (names->size < SNIFF_NAME_MAX)
		names->text[names->size] = c;
	if (names->size <= SNIFF_NAME_MAX)
		names->size++;
}

/* "#" and what followed were no escape after all: they stand for themselves. */
static void
escape_give_up(struct sniff_names *names)
{
	if (names->escape >= 1)
		put(names, '#');
	if (names->escape == 2)
		put(names, names->digits[0]);
	names->escape = 0;
}

static void
take(struct sniff_names *names, uint8_t c)
{
	if (names->escape > 0 && hex_value(c) >= 0) {
		if (names->escape++ == 1) {
			names->digits[0] = (char)c;
			return;
		}
		int high = hex_value((uint8_t)names->digits[0]);
		put(names, (char)(high << 4 | hex_value(c)));
		names->escape = 0;
		return;
	}
	escape_give_up(names);
	if (c == '#')
		names->escape = 1;
	else
		put(names, (char)c);
}

void
sniff_names_end(struct sniff_names *names)
{
	escape_give_up(names);
	names->open = false;
	names->text[names->size < SNIFF_NAME_MAX ? names->size
						 : SNIFF_NAME_MAX] = '\0';
	if (names->size > SNIFF_NAME_MAX)
		names->text[0] = '\0';
}

size_t
sniff_names_begin(struct sniff_names *names, const uint8_t *at, size_t size)
{
	names->open = true;
	names->size = 0;
	names->escape = 0;
	return sniff_names_go_on(names, at, size);
}

size_t
sniff_names_go_on(struct sniff_names *names, const uint8_t *at, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (is_delimiter(at[i])) {
			sniff_names_end(names);
			return i;
		}
		take(names, at[i]);
	}
	return size;
}
