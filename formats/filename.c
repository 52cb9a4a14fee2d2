/*
 * SECURITY: decides about hostile names; every rule here is one that a name
 * has been used to break out with.
 */
#include "formats/filename.h"

#include "base/text.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unicase.h>
#include <uninorm.h>

struct range {
	uint32_t first;
	uint32_t last;
	const char *what;
};

/* Code points that a name may not hold; ordered. U+200C and U+200D stay: some
 * languages cannot be written without them. */
static const struct range refused[] = {
    {0x00, 0x00, "NUL"},
    {0x01, 0x1F, "a control character"},
    {'"', '"', "a quotation mark"},
    {'*', '*', "an asterisk"},
    {'/', '/', "a slash"},
    {':', ':', "a colon"},
    {'<', '<', "a less-than sign"},
    {'>', '>', "a greater-than sign"},
    {'?', '?', "a question mark"},
    {'\\', '\\', "a backslash"},
    {'|', '|', "a vertical bar"},
    {0x7F, 0x9F, "a control character"},
    {0x061C, 0x061C, "a bidirectional control"},
    {0x200B, 0x200B, "an invisible character"},
    {0x200E, 0x200F, "a bidirectional control"},
    {0x2028, 0x2029, "a line separator"},
    {0x202A, 0x202E, "a bidirectional control"},
    {0x2060, 0x2064, "an invisible character"},
    {0x2066, 0x2069, "a bidirectional control"},
    {0x206A, 0x206F, "an invisible character"},
    {0xFDD0, 0xFDEF, "a code point that is no character"},
    {0xFEFF, 0xFEFF, "an invisible character"},
    {0xFFF9, 0xFFFB, "an invisible character"},
    {0xE0000, 0xE007F, "an invisible character"},
};

static const char *
code_point_refused(uint32_t c)
{
	if ((c & 0xFFFE) == 0xFFFE)
		return "a code point that is no character";
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (c >= refused[i].first && c <= refused[i].last)
			return refused[i].what;
	return NULL;
}

static bool
is_space(uint32_t c)
{
	return c == ' ' || c == 0xA0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200A) || c == 0x202F || c == 0x205F ||
	       c == 0x3000;
}

/* "1" to "9", "0", or one of the superscripts that Windows takes for them. */
static bool
is_device_digit(struct span s)
{
	return (s.size == 1 && s.at[0] >= '0' && s.at[0] <= '9') ||
	       span_is(s, "\u00B9") || span_is(s, "\u00B2") ||
	       span_is(s, "\u00B3");
}

/* Windows opens the device for NUL, nul.txt and "NUL .txt" alike. */
static bool
is_device(struct span name)
{
	static const char *const names[] = {
	    "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"};
	size_t size = 0;
	while (size < name.size && name.at[size] != '.')
		size++;
	while (size > 0 && name.at[size - 1] == ' ')
		size--;
	const char *base = (const char *)name.at;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i]) == size &&
		    strncasecmp(base, names[i], size) == 0)
			return true;
	return size > 3 &&
	       (strncasecmp(base, "COM", 3) == 0 ||
		   strncasecmp(base, "LPT", 3) == 0) &&
	       is_device_digit(span_of(name.at + 3, size - 3));
}

int
filename_check(struct span name, size_t bytes_max, struct why *why)
{
	if (name.size == 0)
		return why_set(why, WHY_INVALID, "a file name is empty");
	if (name.size > bytes_max)
		return why_set(why, WHY_TOO_LARGE,
		    "a file name has %zu bytes; filename_bytes is %zu",
		    name.size, bytes_max);
	if (!utf8_valid(name))
		return why_set(
		    why, WHY_INVALID, "a file name is not valid UTF-8");
	if (span_is(name, ".") || span_is(name, ".."))
		return why_set(why, WHY_INVALID,
		    "a file name is one or two dots, which is a folder");

	uint32_t first = 0;
	uint32_t last = 0;
	for (size_t pos = 0; pos < name.size;) {
		bool begins = pos == 0;
		last = utf8_next(name, &pos);
		if (begins)
			first = last;
		const char *what = code_point_refused(last);
		if (what != NULL)
			return why_set(
			    why, WHY_INVALID, "a file name holds %s", what);
	}
	if (is_space(first) || is_space(last))
		return why_set(why, WHY_INVALID,
		    "a file name begins or ends with a space");
	if (last == '.')
		return why_set(why, WHY_INVALID, "a file name ends with a dot");
	if (is_device(name))
		return why_set(why, WHY_INVALID,
		    "a file name is that of a Windows device");
	return 0;
}

/* A member of the set: size and folded bytes. */
struct folded {
	size_t size;
	uint8_t at[];
};

static int
folded_compare(const void *a, const void *b)
{
	const struct folded *x = a;
	const struct folded *y = b;
	size_t least = x->size < y->size ? x->size : y->size;
	int order = memcmp(x->at, y->at, least);
	if (order != 0)
		return order;
	return x->size < y->size ? -1 : x->size > y->size;
}

static struct folded *
folded_new(const uint8_t *bytes, size_t size)
{
	struct folded *folded = malloc(sizeof *folded + size);
	if (folded == NULL)
		return NULL;
	folded->size = size;
	memcpy(folded->at, bytes, size);
	return folded;
}

/* ASCII is composed already, and folds to its small letters. */
static bool
is_ascii(struct span name)
{
	for (size_t i = 0; i < name.size; i++)
		if (name.at[i] >= 0x80)
			return false;
	return true;
}

static struct folded *
fold_ascii(struct span name)
{
	struct folded *folded = folded_new(name.at, name.size);
	for (size_t i = 0; folded != NULL && i < name.size; i++)
		if (folded->at[i] >= 'A' && folded->at[i] <= 'Z')
			folded->at[i] = (uint8_t)(folded->at[i] + 'a' - 'A');
	return folded;
}

/* Case folded and composed, as the most forgiving file system would. */
static struct folded *
fold(struct span name)
{
	size_t size = 0;
	if (is_ascii(name))
		return fold_ascii(name);
	uint8_t *bytes =
	    u8_casefold(name.at, name.size, NULL, UNINORM_NFC, NULL, &size);
	if (bytes == NULL)
		return NULL;
	struct folded *folded = folded_new(bytes, size);
	free(bytes);
	return folded;
}

int
filename_set_add(struct filename_set *set, struct span name, struct why *why)
{
	struct folded *folded = fold(name);
	struct folded **found =
	    folded == NULL
		? NULL
		: (struct folded **)tsearch(folded, &set->root, folded_compare);
	if (found == NULL) {
		free(folded);
		return why_set(why, WHY_NOMEM, "no memory for a file name");
	}
	if (*found != folded) {
		free(folded);
		return why_set(why, WHY_EXISTS,
		    "two file names are the same but for case or form");
	}
	set->count++;
	return 0;
}

void
filename_set_clear(struct filename_set *set)
{
	tdestroy(set->root, free);
	*set = FILENAME_SET_NONE;
}
