/*
 * present_form - numbers, money, days and times as each language writes them.
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
#include <strings.h>

#define NBSP PRESENT_NBSP
#define MINUS "\xe2\x88\x92"

static const char *const english_months[] = {"January", "February", "March",
    "April", "May", "June", "July", "August", "September", "October",
    "November", "December"};

/* The first is for all languages that are not here. */
static const struct manner manners[] = {
    {.language = "nb",
	.thousands = NBSP,
	.decimal = ',',
	.money_after = NBSP "kr",
	.percent = NBSP "%",
	.clock = "kl.",
	.minutes = '.'},
    {.language = "se",
	.thousands = NBSP,
	.decimal = ',',
	.money_after = NBSP "ru",
	.percent = NBSP "%",
	.clock = "dii.",
	.minutes = '.'},
    {.language = "en",
	.thousands = ",",
	.decimal = '.',
	.money_before = "NOK" NBSP,
	.percent = "%",
	.clock = "at",
	.minutes = ':',
	.months = english_months},
};

const struct manner *
present_manner(const char *language)
{
	size_t size = strcspn(language, "-");

	for (size_t i = 0; i < sizeof(manners) / sizeof(manners[0]); i++) {
		if (strlen(manners[i].language) == size &&
		    strncasecmp(manners[i].language, language, size) == 0)
			return &manners[i];
	}
	return &manners[0];
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

void
present_number(const struct manner *manner, const json_t *value, bool grouped,
    struct buf *out)
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
			buf_add_text(out, manner->thousands);
		buf_add_byte(out, (uint8_t)at[i]);
	}
	if (at[whole] == '.') {
		buf_add_byte(out, (uint8_t)manner->decimal);
		buf_add_text(out, at + whole + 1);
		if (grouped && strlen(at + whole + 1) == 1)
			buf_add_byte(out, '0');
	}
}

/* ---- days and times ---- */

/* Text of the shape of model, where 0 stands for any digit. */
bool
present_has_shape(const char *text, const char *model)
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

/* text begins with a date that has been looked at. */
static void
day_add(const struct manner *manner, const char *text, struct buf *out)
{
	if (manner->months == NULL)
		buf_printf(out, "%.2s.%.2s.%.4s", text + 8, text + 5, text);
	else
		buf_printf(out, "%d %s %.4s", digits(text + 8, 2),
		    manner->months[digits(text + 5, 2) - 1], text);
}

bool
present_date(const struct manner *manner, const char *text, struct buf *out)
{
	static const int days[] = {
	    31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int month, day;

	if (!present_has_shape(text, "0000-00-00") || text[10] != '\0')
		return false;
	month = digits(text + 5, 2);
	day = digits(text + 8, 2);
	if (month < 1 || month > 12 || day < 1 || day > days[month - 1])
		return false;
	day_add(manner, text, out);
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
wall_time_add(const struct manner *manner, int64_t ms, struct buf *out)
{
	char text[TIME_TEXT_SIZE];

	time_build(text, ms);
	day_add(manner, text, out);
	buf_printf(out, " %s %.2s%c%.2s%c%.2s", manner->clock, text + 11,
	    manner->minutes, text + 14, manner->minutes, text + 17);
}

void
present_instant(const struct manner *manner, int64_t wall_ms, struct buf *out)
{
	wall_time_add(manner, present_norwegian_ms(wall_ms), out);
}

/* A time without a zone is what the clock showed: it stays. */
bool
present_time(const struct manner *manner, const char *text, struct buf *out)
{
	int64_t wall_ms;
	const char *fraction, *zone;
	char whole[24];
	size_t size;

	if (!present_has_shape(text, "0000-00-00T00:00:00"))
		return false;
	snprintf(whole, sizeof(whole), "%.19sZ", text);
	if (!time_parse(whole, &wall_ms))
		return false;
	fraction = text + 19;
	size = *fraction == '.' ? 1 + strspn(fraction + 1, "0123456789") : 0;
	zone = fraction + size;
	if (strcmp(zone, "Z") == 0)
		present_instant(manner, wall_ms, out);
	else if (*zone == '\0')
		wall_time_add(manner, wall_ms, out);
	else
		return false;
	while (size > 1 && fraction[size - 1] == '0')
		size--;
	if (size > 1)
		buf_printf(out, "%c%.*s", manner->decimal, (int)size - 1,
		    fraction + 1);
	return true;
}

/* ---- sizes of files ---- */

void
present_size(const struct manner *manner, uint64_t size, struct buf *out)
{
	if (size < 1000)
		buf_printf(out, "%u" NBSP "byte", (unsigned)size);
	else if (size < 1000000)
		buf_printf(
		    out, "%u" NBSP "kB", (unsigned)((size + 500) / 1000));
	else
		buf_printf(out, "%u%c%u" NBSP "MB",
		    (unsigned)((size + 50000) / 1000000), manner->decimal,
		    (unsigned)((size + 50000) / 100000 % 10));
}
