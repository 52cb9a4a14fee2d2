/*
 * present_value - the forms that values take in a document: dates, times, money
 * as Norwegians write them. A value that does not fit its form is shown as it
 * stands, so nothing is lost.
 */
#include "base/clock.h"
#include "base/text.h"
#include "formats/json.h"
#include "formats/present_priv.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NBSP "\xc2\xa0"
#define MINUS "\xe2\x88\x92"
#define TEXT_MAX (64 * MIB)

void
present_text_init(struct buf *text)
{
	buf_init(text, TEXT_MAX);
}

const char *
present_word(const struct presentation *spec, const char *name)
{
	const char *word =
	    json_string_value(json_object_get(spec->words, name));

	return word ? word : name;
}

const json_t *
present_get(const struct presenter *presenter, const char *at)
{
	return json_pointer_get(presenter->top, at);
}

void
present_mark(struct presenter *presenter, const char *at)
{
	size_t back = presenter->base.size;
	const char *pointer;

	buf_add_text(&presenter->base, at);
	pointer = buf_text(&presenter->base);
	if (pointer == NULL || json_object_set_new_nocheck(
				   presenter->shown, pointer, json_true()) != 0)
		presenter->failed = true;
	else
		presenter->base.size = back;
}

/* ---- numbers ---- */

/* The shortest digits that mean the same number; never with an exponent when
 * that can be helped. */
static void
number_text(const json_t *value, char *text, size_t size)
{
	double real;

	if (json_is_integer(value)) {
		snprintf(text, size, "%" JSON_INTEGER_FORMAT,
		    json_integer_value(value));
		return;
	}
	real = json_real_value(value) + 0.0;
	for (int precision = 15; precision <= 17; precision++) {
		snprintf(text, size, "%.*g", precision, real);
		if (strtod(text, NULL) == real)
			return;
	}
}

/* Norwegian: thousands apart, decimal comma, a real minus. */
static void
number_add(const json_t *value, bool grouped, struct buf *out)
{
	char text[48];
	const char *at = text;
	size_t whole;

	number_text(value, text, sizeof(text));
	if (strchr(text, 'e') != NULL) {
		buf_add_text(out, text);
		return;
	}
	if (*at == '-') {
		buf_add_text(out, MINUS);
		at++;
	}
	whole = strspn(at, "0123456789");
	for (size_t i = 0; i < whole; i++) {
		if (grouped && i > 0 && (whole - i) % 3 == 0)
			buf_add_text(out, NBSP);
		buf_add_byte(out, (uint8_t)at[i]);
	}
	if (at[whole] == '.') {
		buf_add_byte(out, ',');
		buf_add_text(out, at + whole + 1);
		if (grouped && strlen(at + whole + 1) == 1)
			buf_add_byte(out, '0');
	}
}

/* ---- days and times ---- */

/* Text of the shape of model, where 0 stands for any digit. */
static bool
has_shape(const char *text, const char *model)
{
	for (; *model != '\0'; text++, model++) {
		if (*model == '0' ? !isdigit((unsigned char)*text)
				  : *text != *model)
			return false;
	}
	return true;
}

static int
digits(const char *text, size_t count)
{
	int value = 0;

	while (count-- > 0)
		value = value * 10 + (*text++ - '0');
	return value;
}

static bool
date_add(const char *text, struct buf *out)
{
	static const int days[] = {
	    31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int month, day;

	if (!has_shape(text, "0000-00-00") || text[10] != '\0')
		return false;
	month = digits(text + 5, 2);
	day = digits(text + 8, 2);
	if (month < 1 || month > 12 || day < 1 || day > days[month - 1])
		return false;
	buf_printf(out, "%.2s.%.2s.%.4s", text + 8, text + 5, text);
	return true;
}

/* The last Sunday of a 31-day month, 01:00 UTC, ms since 1970. */
static int64_t
last_sunday(int64_t month_end_days)
{
	/* 1970-01-01 was a Thursday */
	return (month_end_days - (month_end_days + 4) % 7) * CLOCK_DAY_MS +
	       CLOCK_HOUR_MS;
}

/* Days from 1970-01-01 to the 31st of March or October. */
static int64_t
days_to(int year, int month)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + 30;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	       of_year - 719468;
}

/* Norwegian time is an hour before UTC, two from the end of March to the end
 * of October (since 1996). */
int64_t
present_norwegian_ms(int64_t wall_ms)
{
	char text[TIME_TEXT_SIZE];
	int year;

	time_build(text, wall_ms);
	year = digits(text, 4);
	if (year >= 1996 && wall_ms >= last_sunday(days_to(year, 3)) &&
	    wall_ms < last_sunday(days_to(year, 10)))
		return wall_ms + 2 * CLOCK_HOUR_MS;
	return wall_ms + CLOCK_HOUR_MS;
}

static void
wall_time_add(int64_t ms, struct buf *out)
{
	char text[TIME_TEXT_SIZE];

	time_build(text, ms);
	buf_printf(out, "%.2s.%.2s.%.4s kl. %.2s.%.2s.%.2s", text + 8, text + 5,
	    text, text + 11, text + 14, text + 17);
}

void
present_time(int64_t wall_ms, struct buf *out)
{
	wall_time_add(present_norwegian_ms(wall_ms), out);
}

/* A time without a zone is what the clock showed: it stays. */
static bool
time_add(const char *text, struct buf *out)
{
	int64_t wall_ms;
	const char *fraction, *zone;
	char whole[24];
	size_t size;

	if (!has_shape(text, "0000-00-00T00:00:00"))
		return false;
	snprintf(whole, sizeof(whole), "%.19sZ", text);
	if (!time_parse(whole, &wall_ms))
		return false;
	fraction = text + 19;
	size = *fraction == '.' ? 1 + strspn(fraction + 1, "0123456789") : 0;
	zone = fraction + size;
	if (strcmp(zone, "Z") == 0)
		present_time(wall_ms, out);
	else if (*zone == '\0')
		wall_time_add(wall_ms, out);
	else
		return false;
	while (size > 1 && fraction[size - 1] == '0')
		size--;
	if (size > 1)
		buf_printf(out, ",%.*s", (int)size - 1, fraction + 1);
	return true;
}

/* ---- scalars ---- */

/* The list has some codes of many: another may be a word of its own. */
static bool
is_open(const struct presentation *spec, const char *codes)
{
	const json_t *name;
	size_t i;

	json_array_foreach(json_object_get(spec->spec, "openCodes"), i, name)
	{
		if (strcmp(json_string_value(name), codes) == 0)
			return true;
	}
	return false;
}

static void
code_add(const struct presentation *spec, const char *codes, const char *code,
    struct buf *out)
{
	const char *label = json_string_value(
	    json_object_get(json_object_get(spec->codes, codes), code));

	if (label != NULL || is_open(spec, codes))
		buf_add_text(out, label ? label : code);
	else
		buf_printf(
		    out, "%s (%s)", code, present_word(spec, "unknownCode"));
}

static void
string_add(const struct presentation *spec, const char *text, const char *form,
    struct buf *out)
{
	if (text[0] == '\0')
		buf_add_text(out, present_word(spec, "empty"));
	else if (strcmp(form, "date") == 0 && date_add(text, out))
		return;
	else if (strcmp(form, "time") == 0 && time_add(text, out))
		return;
	else if (strcmp(form, "account") == 0 && strlen(text) == 11 &&
		 has_shape(text, "00000000000"))
		buf_printf(out, "%.4s" NBSP "%.2s" NBSP "%s", text, text + 4,
		    text + 6);
	else
		buf_add_text(out, text);
}

void
present_scalar(const struct presentation *spec, const json_t *value,
    const char *form, const char *codes, struct buf *out)
{
	if (form == NULL)
		form = "text";
	switch (json_typeof(value)) {
	case JSON_STRING:
		if (codes != NULL && json_string_length(value) > 0)
			code_add(spec, codes, json_string_value(value), out);
		else
			string_add(spec, json_string_value(value), form, out);
		break;
	case JSON_INTEGER:
	case JSON_REAL:
		number_add(value,
		    strcmp(form, "money") == 0 || strcmp(form, "number") == 0,
		    out);
		if (strcmp(form, "money") == 0)
			buf_add_text(out, NBSP "kr");
		if (strcmp(form, "percent") == 0)
			buf_add_text(out, NBSP "%");
		break;
	case JSON_TRUE:
		buf_add_text(out, present_word(spec, "yes"));
		break;
	case JSON_FALSE:
		buf_add_text(out, present_word(spec, "no"));
		break;
	case JSON_NULL:
	case JSON_OBJECT:
	case JSON_ARRAY:
		buf_add_text(out, present_word(spec, "none"));
		break;
	}
}

/* ---- what an element names ---- */

/*
 * One piece of a line: a scalar, or a list of scalars. among: other pieces may
 * stand beside it, so an empty text says nothing.
 */
static bool
piece_add(struct presenter *presenter, const json_t *piece, bool among,
    const char *gap, struct buf *out)
{
	const char *at = json_is_string(piece) ? json_string_value(piece)
					       : present_text(piece, "at");
	const json_t *value = present_get(presenter, at);
	const char *before = present_text(piece, "before");
	const char *after = present_text(piece, "after");
	bool any = false;
	size_t i;

	if (value == NULL || json_is_object(value))
		return false;
	if (json_is_array(value)) {
		const json_t *entry;

		json_array_foreach(value, i, entry)
		{
			char pointer[512];
			json_t *one;

			snprintf(pointer, sizeof(pointer), "%s/%zu", at, i);
			one = json_pack("{s:s, s:O*, s:O*}", "at", pointer,
			    "form", json_object_get(piece, "form"), "codes",
			    json_object_get(piece, "codes"));
			if (one == NULL)
				presenter->failed = true;
			else if (!json_is_array(entry) &&
				 piece_add(presenter, one, among,
				     any ? "\n" : gap, out))
				any = true;
			json_decref(one);
		}
		return any;
	}
	present_mark(presenter, at);
	if (among && json_is_string(value) && json_string_length(value) == 0)
		return false;
	buf_add_text(out, gap);
	buf_add_text(out, before ? before : "");
	present_scalar(presenter->spec, value, present_text(piece, "form"),
	    present_text(piece, "codes"), out);
	buf_add_text(out, after ? after : "");
	return true;
}

bool
present_value(struct presenter *presenter, const json_t *spec, struct buf *out)
{
	const json_t *lines = json_object_get(spec, "lines");
	const json_t *line, *piece;
	bool any = false;
	size_t i, j;

	if (lines == NULL)
		return piece_add(presenter, spec, false, "", out);
	json_array_foreach(lines, i, line)
	{
		bool begun = false;

		json_array_foreach(line, j, piece)
		{
			if (piece_add(presenter, piece, true,
				begun ? " "
				: any ? "\n"
				      : "",
				out))
				begun = true;
		}
		any = any || begun;
	}
	return any;
}

/* ---- values that were overridden ---- */

const json_t *
present_struck(const struct presenter *presenter, const json_t *tests)
{
	const json_t *test;
	size_t i;

	if (tests == NULL)
		return presenter->struck;
	json_array_foreach(tests, i, test)
	{
		const json_t *value =
		    present_get(presenter, present_text(test, "at"));

		if (value == NULL ||
		    !json_equal(value, json_object_get(test, "is")))
			return presenter->struck;
	}
	return tests;
}

bool
present_is_struck(const json_t *tests, const json_t *spec)
{
	const char *at = present_text(spec, "at");
	const json_t *test;
	size_t i;

	if (tests == NULL)
		return false;
	json_array_foreach(tests, i, test)
	{
		if (at != NULL && strcmp(at, present_text(test, "at")) == 0)
			return false;
	}
	return true;
}
