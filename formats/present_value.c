/*
 * present_value - the texts of values: codes, forms, pieces and lines. A value
 * that does not fit its form is shown as it stands, so nothing is lost.
 */
#include "formats/json.h"
#include "formats/present_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NBSP PRESENT_NBSP
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
	else if (strcmp(form, "date") == 0 &&
		 present_date(spec->manner, text, out))
		return;
	else if (strcmp(form, "time") == 0 &&
		 present_time(spec->manner, text, out))
		return;
	else if (strcmp(form, "account") == 0 && strlen(text) == 11 &&
		 present_has_shape(text, "00000000000"))
		buf_printf(out, "%.4s" NBSP "%.2s" NBSP "%s", text, text + 4,
		    text + 6);
	else
		buf_add_text(out, text);
}

static void
formed_number_add(const struct manner *manner, const json_t *value,
    const char *form, struct buf *out)
{
	bool money = strcmp(form, "money") == 0;

	if (money && manner->money_before != NULL)
		buf_add_text(out, manner->money_before);
	present_number(
	    manner, value, money || strcmp(form, "number") == 0, out);
	if (money && manner->money_after != NULL)
		buf_add_text(out, manner->money_after);
	if (strcmp(form, "percent") == 0)
		buf_add_text(out, manner->percent);
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
		formed_number_add(spec->manner, value, form, out);
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
