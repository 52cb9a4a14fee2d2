/*
 * profile_shown - a presentation held against the fields of its schema: what is
 * known must be shown, and what is shown must be known.
 */
#include "formats/profile_shown.h"

#include "formats/json.h"
#include "formats/present_priv.h"
#include "formats/schema_fields.h"

#include <string.h>

struct shower {
	const struct schema_fields *fields;
	const char *file;
	struct findings *findings;
	struct buf base;  /* where pointers of the payload start, with stars */
	struct buf place; /* in the presentation */
	json_t *shown;    /* patterns as names */
};

static size_t
go(struct shower *shower, const char *name)
{
	size_t back = shower->place.size;

	json_pointer_add(&shower->place, name);
	return back;
}

/* A pointer of the presentation: is it known? shown: its value stands in the
 * document. */
static void
point(struct shower *shower, const char *at, bool shown)
{
	size_t back = shower->base.size;
	const char *whole;

	buf_add_text(&shower->base, at);
	whole = buf_text(&shower->base);
	if (whole != NULL && !schema_fields_know(shower->fields, whole))
		findings_add(shower->findings, shower->file,
		    buf_text(&shower->place), "pointer",
		    "a pointer to something that the schema knows");
	else if (whole != NULL && shown)
		json_object_set_new(shower->shown, whole, json_true());
	shower->base.size = back;
}

static void
point_member(
    struct shower *shower, const json_t *spec, const char *name, bool shown)
{
	const char *at = json_string_value(json_object_get(spec, name));
	size_t back;

	if (at == NULL)
		return;
	back = go(shower, name);
	point(shower, at, shown);
	shower->place.size = back;
}

static void
piece(struct shower *shower, const json_t *spec)
{
	if (json_is_string(spec))
		point(shower, json_string_value(spec), true);
	else
		point_member(shower, spec, "at", true);
}

/* "at" or "lines", and "note" */
static void
value(struct shower *shower, const json_t *spec)
{
	const json_t *lines = json_object_get(spec, "lines");
	const json_t *line, *one;
	size_t back, inner, i, j;
	char number[24];

	point_member(shower, spec, "at", true);
	back = go(shower, "note");
	piece(shower, json_object_get(spec, "note"));
	shower->place.size = back;
	json_array_foreach(lines, i, line)
	{
		back = go(shower, "lines");
		snprintf(number, sizeof(number), "%zu", i);
		go(shower, number);
		json_array_foreach(line, j, one)
		{
			snprintf(number, sizeof(number), "%zu", j);
			inner = go(shower, number);
			piece(shower, one);
			shower->place.size = inner;
		}
		shower->place.size = back;
	}
}

static void content(struct shower *shower, const json_t *list);

/* What an element shows of the value at its own "at". */
static void
element_below(struct shower *shower, const json_t *spec)
{
	const json_t *columns = json_object_get(spec, "columns");
	const json_t *one;
	size_t back, i;
	char number[24];

	if (json_object_get(spec, "markdown") != NULL) {
		point_member(shower, spec, "text", true);
		point_member(shower, spec, "from", false);
		point_member(shower, spec, "to", false);
		return;
	}
	back = go(shower, "title");
	value(shower, json_object_get(spec, "title"));
	shower->place.size = back;
	json_array_foreach(columns, i, one)
	{
		back = go(shower, "columns");
		snprintf(number, sizeof(number), "%zu", i);
		go(shower, number);
		value(shower, one);
		shower->place.size = back;
	}
	back = go(shower, "content");
	content(shower, json_object_get(spec, "content"));
	shower->place.size = back;
}

static void
element(struct shower *shower, const json_t *spec)
{
	bool each = json_object_get(spec, "each") != NULL ||
		    json_object_get(spec, "grid") != NULL ||
		    json_object_get(spec, "markdown") != NULL;
	const char *at = json_string_value(json_object_get(spec, "at"));
	size_t back = shower->base.size;

	if (json_object_get(spec, "row") != NULL ||
	    (json_object_get(spec, "text") != NULL &&
		json_object_get(spec, "markdown") == NULL)) {
		value(shower, spec);
		return;
	}
	point_member(shower, spec, "at", false);
	buf_add_text(&shower->base, at ? at : "");
	if (each)
		buf_add_text(&shower->base, "/*");
	element_below(shower, spec);
	shower->base.size = back;
	/* of the whole payload */
	if (json_object_get(spec, "markdown") != NULL) {
		shower->base.size = 0;
		point_member(shower, spec, "version", false);
		shower->base.size = back;
	}
}

static void
content(struct shower *shower, const json_t *list)
{
	const json_t *one;
	size_t back, i;
	char number[24];

	json_array_foreach(list, i, one)
	{
		snprintf(number, sizeof(number), "%zu", i);
		back = go(shower, number);
		element(shower, one);
		shower->place.size = back;
	}
}

/* Shown itself, or as an element of a list of scalars that is shown. */
static bool
is_shown(const struct shower *shower, const char *at)
{
	size_t size = strlen(at);
	char list[2048];

	if (json_object_get(shower->shown, at) != NULL)
		return true;
	if (size < 2 || size >= sizeof(list) ||
	    strcmp(at + size - 2, "/*") != 0)
		return false;
	memcpy(list, at, size - 2);
	list[size - 2] = '\0';
	return json_object_get(shower->shown, list) != NULL;
}

static void
technical_check(struct shower *shower, const json_t *technical)
{
	const json_t *one;
	size_t back, i;
	char number[24];

	json_array_foreach(technical, i, one)
	{
		back = go(shower, "technical");
		snprintf(number, sizeof(number), "%zu", i);
		go(shower, number);
		point_member(shower, one, "at", false);
		shower->place.size = back;
	}
}

static void
unshown_add(const struct shower *shower, const struct schema_field *field)
{
	const char *at = field->at[0] ? field->at : "the payload";

	if (field->line == 0)
		findings_add(shower->findings, field->part, field->rule,
		    "unshown",
		    "a place in %s for %.200s, or an entry under "
		    "\"technical\" with a reason",
		    shower->file, at);
	else
		findings_add(shower->findings, field->part, "", field->rule,
		    "line %u: a place in %s for %.200s, or an entry under "
		    "\"technical\" with a reason",
		    field->line, shower->file, at);
}

int
profile_shown_fields(const struct schema_fields *fields,
    const struct presentation *shown, const char *file,
    struct findings *findings, struct why *why)
{
	const json_t *technical = json_object_get(shown->spec, "technical");
	struct shower shower = {.fields = fields,
	    .file = file,
	    .findings = findings,
	    .shown = json_object()};

	if (shower.shown == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a profile");
	buf_init(&shower.base, 64 * KIB);
	buf_init(&shower.place, 64 * KIB);
	go(&shower, "content");
	content(&shower, json_object_get(shown->spec, "content"));
	buf_reset(&shower.place);
	technical_check(&shower, technical);
	for (size_t i = 0; i < fields->count; i++) {
		const struct schema_field *one = &fields->at[i];

		if (one->scalar && !is_shown(&shower, one->at) &&
		    !present_is_technical(shown, one->at))
			unshown_add(&shower, one);
	}
	json_decref(shower.shown);
	buf_clear(&shower.base);
	buf_clear(&shower.place);
	return findings_verdict(findings, why);
}

int
profile_shown_check(const struct schema *schema,
    const struct presentation *shown, const char *file,
    struct findings *findings, struct why *why)
{
	struct schema_fields fields;
	int ret = schema_fields_find(schema, &fields, why);

	if (ret == 0)
		ret = profile_shown_fields(&fields, shown, file, findings, why);
	schema_fields_clear(&fields);
	return ret;
}
