/*
 * minimise - rules looked for in one payload; see minimise.h.
 *
 * SECURITY: reads hostile values, which fit the schema. No value leaves: only
 * pointers do, without names that somebody invented.
 */
#include "formats/minimise.h"

#include "base/text.h"
#include "formats/json.h"
#include "formats/present_priv.h"
#include "formats/schema.h"
#include "formats/schema_fields.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define TOLD_MAX 1400 /* octets of all pointers in one report */

struct minimise {
	json_t *rules;
	struct schema_fields fields;
};

/* One payload under one rule. */
struct search {
	const struct minimise *minimise;
	const json_t *rule;
	const json_t *payload;
	struct buf pointer; /* of the value that is looked at */
	int today, first;   /* YYYYMMDD, of a rule about time */
	json_t *found;      /* pointers as names */
	size_t told;        /* octets of pointers in the report */
	bool failed;
};

/* ---- days ---- */

static int
days_in(int year, int month)
{
	static const int days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

int
minimise_months_before(int day, int months)
{
	int count = day / 10000 * 12 + day / 100 % 100 - 1 - months;
	int year = count / 12, month = count % 12 + 1;
	int last = days_in(year, month);

	day %= 100;
	return year * 10000 + month * 100 + (day < last ? day : last);
}

/* "2026-05-31..." as 20260531; 0 when it is no day. */
static int
day_of(const char *text)
{
	int numbers[3] = {0, 0, 0};
	int part = 0;

	if (text == NULL || strlen(text) < 10)
		return 0;
	for (int i = 0; i < 10; i++) {
		if (i == 4 || i == 7) {
			if (text[i] != '-')
				return 0;
			part++;
		} else if (!isdigit((unsigned char)text[i])) {
			return 0;
		} else {
			numbers[part] = numbers[part] * 10 + (text[i] - '0');
		}
	}
	if (numbers[0] < 1900 || numbers[1] < 1 || numbers[1] > 12 ||
	    numbers[2] < 1 || numbers[2] > days_in(numbers[0], numbers[1]))
		return 0;
	return numbers[0] * 10000 + numbers[1] * 100 + numbers[2];
}

static int
day_in_norway(int64_t wall_ms)
{
	char text[TIME_TEXT_SIZE];

	time_build(text, present_norwegian_ms(wall_ms));
	return day_of(text);
}

/* The day on which it was submitted: as the payload says, else as it came. */
static int
day_submitted(const json_t *payload, const char *pointer, int64_t received_ms)
{
	const char *text = json_string_value(
	    pointer ? json_pointer_get(payload, pointer) : NULL);
	size_t size = text ? strlen(text) : 0;
	int64_t wall_ms;
	char whole[24];
	int day = 0;

	if (size > 19 && text[size - 1] == 'Z') {
		snprintf(whole, sizeof(whole), "%.19sZ", text);
		if (time_parse(whole, &wall_ms))
			day = day_in_norway(wall_ms);
	} else {
		day = day_of(text);
	}
	return day ? day : day_in_norway(received_ms);
}

/* ---- looking ---- */

static void
found(struct search *search, const char *member)
{
	size_t back = search->pointer.size;
	const char *pointer;

	if (member != NULL)
		json_pointer_add(&search->pointer, member);
	pointer = buf_text(&search->pointer);
	if (pointer == NULL ||
	    json_object_set_new(search->found, pointer, json_true()) != 0)
		search->failed = true;
	search->pointer.size = back;
}

static bool
is_one_of(const json_t *value, const json_t *list)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		if (value != NULL && json_equal(one, value))
			return true;
	}
	return false;
}

/* Whether any value that a pointer with stars names is one of list. */
static bool
anywhere(const json_t *value, const char *path, const json_t *list)
{
	size_t size;
	const json_t *one;
	char name[256];
	size_t i;

	if (value == NULL || path[0] == '\0')
		return is_one_of(value, list);
	size = strcspn(path + 1, "/");
	if (size == 1 && path[1] == '*') {
		json_array_foreach(value, i, one)
		{
			if (anywhere(one, path + 2, list))
				return true;
		}
		return false;
	}
	snprintf(name, sizeof(name), "/%.*s", (int)size, path + 1);
	return anywhere(json_pointer_get(value, name), path + 1 + size, list);
}

/* All conditions of the rule hold for the value. */
static bool
is_meant(const struct search *search, const json_t *value)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(search->rule, "when"), i, one)
	{
		const json_t *list = json_object_get(one, "is");
		const char *at = present_text(one, "at");
		const char *all = present_text(one, "anywhere");

		if (at != NULL && !is_one_of(json_pointer_get(value, at), list))
			return false;
		if (all != NULL && !anywhere(search->payload, all, list))
			return false;
	}
	return true;
}

/* The value is one that the rule's pointer names. */
static void
look_at(struct search *search, const json_t *value)
{
	const json_t *only = json_object_get(search->rule, "only");
	const char *name;
	json_t *member;
	int day;

	if (!is_meant(search, value))
		return;
	if (json_is_true(json_object_get(search->rule, "never")))
		found(search, NULL);
	json_object_foreach((json_t *)(uintptr_t)value, name, member)
	{
		json_t *text = only ? json_string(name) : NULL;

		if (only != NULL && !is_one_of(text, only))
			found(search, name);
		json_decref(text);
	}
	if (json_object_get(search->rule, "months") == NULL)
		return;
	/* a payment without a day is not known to be recent, nor made */
	day = day_of(json_string_value(
	    json_object_get(value, present_text(search->rule, "date"))));
	if (day < search->first || day > search->today)
		found(search, NULL);
}

static void
walk(struct search *search, const json_t *value, const char *path)
{
	size_t back = search->pointer.size, i, size;
	const json_t *one;
	char name[256];

	if (value == NULL)
		return;
	if (path[0] == '\0') {
		look_at(search, value);
		return;
	}
	size = strcspn(path + 1, "/");
	if (size == 1 && path[1] == '*') {
		json_array_foreach(value, i, one)
		{
			json_pointer_add_index(&search->pointer, i);
			walk(search, one, path + 2);
			search->pointer.size = back;
		}
		return;
	}
	snprintf(name, sizeof(name), "/%.*s", (int)size, path + 1);
	buf_add_text(&search->pointer, name);
	walk(search, json_pointer_get(value, name), path + 1 + size);
	search->pointer.size = back;
}

/* ---- telling ---- */

/* The pointer with a star for a last name that no schema knows. */
static json_t *
told(const struct minimise *minimise, const char *pointer)
{
	const char *last = strrchr(pointer, '/');

	for (size_t i = 0; i < minimise->fields.count; i++) {
		if (schema_pointer_fits(minimise->fields.at[i].at, pointer))
			return json_string(pointer);
	}
	return json_sprintf("%.*s/*", (int)(last - pointer), pointer);
}

/* One more pointer, while all of the report has room. */
static void
tell(struct search *search, const char *pointer, json_t *pointers)
{
	json_t *text = told(search->minimise, pointer);
	size_t size = text ? json_dumpb(text, NULL, 0, JSON_ENCODE_ANY) : 0;

	if (text == NULL)
		search->failed = true;
	if (text != NULL && search->told + size < TOLD_MAX) {
		search->told += size + 1;
		json_array_append(pointers, text);
	}
	json_decref(text);
}

static void
report_rule(
    struct search *search, const char *effect, struct minimise_result *result)
{
	json_t *pointers = json_array(), *one = NULL;
	const char *pointer;
	json_t *value;

	if (json_object_size(search->found) > 0)
		one = json_pack("{s:s, s:s, s:I, s:O}", "name",
		    present_text(search->rule, "name"), "effect", effect,
		    "count", (json_int_t)json_object_size(search->found),
		    "pointers", pointers);
	json_object_foreach(search->found, pointer, value)
	{
		if (json_array_size(pointers) < MINIMISE_POINTERS)
			tell(search, pointer, pointers);
		if (strcmp(effect, "strip") == 0)
			json_object_set_new(result->cuts, pointer, json_true());
	}
	if (one != NULL && json_array_append_new(result->report, one) != 0)
		search->failed = true;
	result->count += json_object_size(search->found);
	json_decref(pointers);
}

static void
refuse_rule(struct search *search, const char *part, struct findings *findings)
{
	const char *name = present_text(search->rule, "name");
	const char *pointer;
	char rule[128];
	json_t *value;

	snprintf(rule, sizeof(rule), "minimisation %s", name);
	json_object_foreach(search->found, pointer, value)
	{
		json_t *text = told(search->minimise, pointer);

		findings_add(findings, part,
		    text ? json_string_value(text) : "", rule,
		    "nothing here: %.300s",
		    present_text(search->rule, "reason"));
		json_decref(text);
	}
}

static int
apply_rule(struct search *search, const char *part, int64_t received_ms,
    struct findings *findings, struct minimise_result *result)
{
	const char *effect = present_text(search->rule, "effect");
	const json_t *months = json_object_get(search->rule, "months");

	search->found = json_object();
	if (search->found == NULL)
		return WHY_NOMEM;
	if (months != NULL) {
		search->today = day_submitted(search->payload,
		    present_text(search->rule, "until"), received_ms);
		search->first = minimise_months_before(
		    search->today, (int)json_integer_value(months));
	}
	walk(search, search->payload, present_text(search->rule, "at"));
	report_rule(search, effect, result);
	if (strcmp(effect, "refuse") == 0)
		refuse_rule(search, part, findings);
	json_decref(search->found);
	return search->failed || !buf_ok(&search->pointer) ? WHY_NOMEM : 0;
}

int
minimise_apply(const struct minimise *minimise, const json_t *payload,
    int64_t received_ms, const char *part, struct findings *findings,
    struct minimise_result *result, struct why *why)
{
	struct search search = {.minimise = minimise, .payload = payload};
	const json_t *rule;
	size_t i;
	int ret = 0;

	*result = (struct minimise_result){
	    .cuts = json_object(), .report = json_array()};
	buf_init(&search.pointer, 64 * KIB);
	if (result->cuts == NULL || result->report == NULL)
		ret = WHY_NOMEM;
	json_array_foreach(minimise->rules, i, rule)
	{
		search.rule = rule;
		if (ret == 0)
			ret = apply_rule(
			    &search, part, received_ms, findings, result);
	}
	buf_wipe(&search.pointer);
	if (ret < 0)
		return why_set(why, ret, "no memory for a profile's rules");
	return findings_verdict(findings, why);
}

void
minimise_result_clear(struct minimise_result *result)
{
	json_decref(result->cuts);
	json_decref(result->report);
	*result = (struct minimise_result){0};
}

/* ---- reading ---- */

struct reader {
	const struct schema_fields *fields;
	const char *file;
	struct findings *findings;
	size_t rule;
};

static void
check_known(const struct reader *reader, const char *at, const char *below,
    const char *place)
{
	struct buf whole;

	buf_init(&whole, 4 * KIB);
	buf_add_text(&whole, at);
	buf_add_text(&whole, below);
	if (!buf_ok(&whole) ||
	    !schema_fields_know(reader->fields, buf_text(&whole)))
		findings_add(reader->findings, reader->file, place,
		    "minimisation",
		    "a pointer or member that the schema knows");
	buf_clear(&whole);
}

static void
check_member(const struct reader *reader, const char *at, const char *name,
    const char *place)
{
	struct buf below;

	buf_init(&below, 4 * KIB);
	json_pointer_add(&below, name);
	check_known(
	    reader, at, buf_text(&below) ? buf_text(&below) : "", place);
	buf_clear(&below);
}

static void
check_rule(const struct reader *reader, const json_t *rule)
{
	const char *at = present_text(rule, "at");
	const char *until = present_text(rule, "until");
	const char *date = present_text(rule, "date");
	const json_t *one;
	char place[80];
	size_t i;

	snprintf(place, sizeof(place), "/minimisation/%zu/at", reader->rule);
	check_known(reader, at, "", place);
	snprintf(place, sizeof(place), "/minimisation/%zu/until", reader->rule);
	if (until != NULL)
		check_known(reader, until, "", place);
	snprintf(place, sizeof(place), "/minimisation/%zu/date", reader->rule);
	if (date != NULL)
		check_member(reader, at, date, place);
	json_array_foreach(json_object_get(rule, "only"), i, one)
	{
		snprintf(place, sizeof(place), "/minimisation/%zu/only/%zu",
		    reader->rule, i);
		check_member(reader, at, json_string_value(one), place);
	}
	json_array_foreach(json_object_get(rule, "when"), i, one)
	{
		bool here = json_object_get(one, "at") != NULL;

		snprintf(place, sizeof(place), "/minimisation/%zu/when/%zu/%s",
		    reader->rule, i, here ? "at" : "anywhere");
		check_known(reader, here ? at : "",
		    present_text(one, here ? "at" : "anywhere"), place);
	}
}

int
minimise_new_fields(json_t *rules, struct schema_fields *take_fields,
    const char *file, struct findings *findings, struct minimise **out,
    struct why *why)
{
	struct minimise *minimise = calloc(1, sizeof(*minimise));
	struct reader reader = {.file = file, .findings = findings};
	const json_t *rule;

	*out = NULL;
	if (minimise == NULL) {
		schema_fields_clear(take_fields);
		return why_set(
		    why, WHY_NOMEM, "no memory for a profile's rules");
	}
	minimise->rules = json_incref(rules);
	minimise->fields = *take_fields;
	*take_fields = (struct schema_fields){0};
	reader.fields = &minimise->fields;
	json_array_foreach(rules, reader.rule, rule) check_rule(&reader, rule);
	*out = minimise;
	return findings_verdict(findings, why);
}

int
minimise_new(json_t *rules, const struct schema *schema, const char *file,
    struct findings *findings, struct minimise **out, struct why *why)
{
	struct schema_fields fields;
	int ret = schema_fields_find(schema, &fields, why);

	*out = NULL;
	if (ret < 0) {
		schema_fields_clear(&fields);
		return ret;
	}
	return minimise_new_fields(rules, &fields, file, findings, out, why);
}

void
minimise_free(struct minimise *minimise)
{
	if (minimise == NULL)
		return;
	schema_fields_clear(&minimise->fields);
	json_decref(minimise->rules);
	free(minimise);
}
