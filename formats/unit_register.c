/*
 * unit_register - see unit_register.h.
 */
#include "formats/unit_register.h"

#include "base/text.h"
#include "formats/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_DEPTH 16
#define JSON_VALUES 8000000

void
unit_list_clear(struct unit_list *list)
{
	free(list->at);
	*list = (struct unit_list){0};
}

/* ---- one unit ---- */

static const char *
text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static int
number_read(const json_t *object, const char *member,
    char number[UNIT_NUMBER_SIZE], struct why *why)
{
	const char *text = text_of(object, member);

	if (text == NULL || !orgnr_valid(text))
		return why_set(why, WHY_INVALID,
		    "%s: expected an organisation number", member);
	memcpy(number, text, UNIT_NUMBER_SIZE);
	return 0;
}

static int
unit_read(const json_t *object, struct unit *unit, struct why *why)
{
	const char *name = text_of(object, "navn");
	const char *form =
	    text_of(json_object_get(object, "organisasjonsform"), "kode");
	int code;

	*unit = (struct unit){0};
	code = number_read(object, "organisasjonsnummer", unit->number, why);
	if (code == 0 && json_object_get(object, "overordnetEnhet") != NULL)
		code =
		    number_read(object, "overordnetEnhet", unit->parent, why);
	if (code != 0)
		return code;
	if (strcmp(unit->number, unit->parent) == 0)
		return why_set(
		    why, WHY_INVALID, "%s is its own parent", unit->number);
	if (form != NULL && strlen(form) < sizeof(unit->form))
		memcpy(unit->form, form, strlen(form));
	snprintf(unit->name, sizeof(unit->name), "%s", name ? name : "");
	unit->is_gone = json_object_get(object, "slettedato") != NULL;
	return 0;
}

/* ---- a document ---- */

static struct unit *
unit_room(struct unit_list *list)
{
	if (list->count == list->room) {
		size_t room = list->room == 0 ? 64 : list->room * 2;
		struct unit *at = realloc(list->at, room * sizeof(*at));
		if (at == NULL)
			return NULL;
		list->at = at;
		list->room = room;
	}
	return &list->at[list->count];
}

static int
unit_add(struct unit_list *list, const json_t *object, struct why *why)
{
	struct unit *unit;
	int code;

	if (list->count == UNITS_MAX)
		return why_set(
		    why, WHY_TOO_LARGE, "more than %u units", UNITS_MAX);
	unit = unit_room(list);
	if (unit == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a unit");
	code = unit_read(object, unit, why);
	if (code == 0)
		list->count++;
	return code;
}

static const json_t *
units_of(const json_t *document)
{
	const json_t *page = json_object_get(document, "_embedded");
	const json_t *units = json_object_get(page, "enheter");

	if (json_is_array(document))
		return document;
	return units != NULL ? units : json_object_get(page, "underenheter");
}

static int
document_add(struct unit_list *list, const json_t *document, struct why *why)
{
	const json_t *units = units_of(document);
	const json_t *unit;
	size_t i;

	if (units == NULL)
		return unit_add(list, document, why);
	if (!json_is_array(units))
		return why_set(
		    why, WHY_MALFORMED, "expected an array of units");
	json_array_foreach(units, i, unit)
	{
		int code = unit_add(list, unit, why);
		if (code != 0)
			return code;
	}
	return 0;
}

int
unit_list_add(struct unit_list *list, struct span document, struct why *why)
{
	const struct json_bounds bounds = {UNIT_DOCUMENT_BYTES, JSON_DEPTH};
	json_t *value = NULL;
	size_t before = list->count;
	int code = json_values_check(document, JSON_VALUES, why);

	if (code == 0)
		code = json_text_read(document, &bounds, &value, why);
	if (code == 0)
		code = document_add(list, value, why);
	if (code != 0)
		list->count = before;
	json_decref(value);
	return code;
}

/* ---- all of them ---- */

static int
by_number(const void *left, const void *right)
{
	const struct unit *a = left;
	const struct unit *b = right;

	return strcmp(a->number, b->number);
}

static int
repeats_drop(struct unit_list *list, struct why *why)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct unit *last = kept > 0 ? &list->at[kept - 1] : NULL;
		if (last == NULL ||
		    strcmp(last->number, list->at[i].number) != 0)
			list->at[kept++] = list->at[i];
		else if (strcmp(last->parent, list->at[i].parent) != 0)
			return why_set(why, WHY_INVALID, "%s has two parents",
			    last->number);
	}
	list->count = kept;
	return 0;
}

const struct unit *
unit_list_find(const struct unit_list *list, const char *number)
{
	struct unit wanted = {0};

	if (list->count == 0 || strlen(number) != UNIT_NUMBER_SIZE - 1)
		return NULL;
	memcpy(wanted.number, number, UNIT_NUMBER_SIZE);
	return bsearch(
	    &wanted, list->at, list->count, sizeof(wanted), by_number);
}

/* From each unit upwards, over those not yet known to end: so each is walked
 * over once. walks[i]: by which walk unit i was reached, 0 for none. */
static int
circles_refuse(const struct unit_list *list, size_t *walks, struct why *why)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct unit *unit = &list->at[i];
		while (unit != NULL && walks[unit - list->at] == 0) {
			walks[unit - list->at] = i + 1;
			unit = unit->parent[0] == '\0'
				   ? NULL
				   : unit_list_find(list, unit->parent);
		}
		if (unit != NULL && walks[unit - list->at] == i + 1)
			return why_set(why, WHY_INVALID,
			    "%s belongs, over others, to itself", unit->number);
	}
	return 0;
}

int
unit_list_close(struct unit_list *list, struct why *why)
{
	size_t *walks = calloc(list->count + 1, sizeof(*walks));
	int code;

	if (walks == NULL)
		return why_set(why, WHY_NOMEM, "no memory for the units");
	if (list->count > 0)
		qsort(list->at, list->count, sizeof(*list->at), by_number);
	code = repeats_drop(list, why);
	if (code == 0)
		code = circles_refuse(list, walks, why);
	free(walks);
	return code;
}
