/*
 * present_cover - whether a presentation shows all that a schema names, or
 * says why not.
 */
#include "formats/json.h"
#include "formats/present_priv.h"
#include "formats/schema.h"

#include <stdlib.h>
#include <string.h>

struct cover {
	const struct presentation *presentation;
	const char *file;
	struct findings *findings;
	json_t *shown; /* pointers with * for each item */
	struct buf base;
	bool failed;
};

static void
reach(struct cover *cover, const char *at)
{
	size_t back = cover->base.size;
	const char *pointer;

	buf_add_text(&cover->base, at);
	pointer = buf_text(&cover->base);
	if (pointer == NULL || json_object_set_new_nocheck(
				   cover->shown, pointer, json_true()) != 0)
		cover->failed = true;
	cover->base.size = back;
}

static void
reach_at(struct cover *cover, const json_t *spec, const char *name)
{
	const char *at = present_text(spec, name);

	if (at != NULL)
		reach(cover, at);
}

/* A value also shows the scalars of a list. */
static void
reach_value(struct cover *cover, const json_t *spec)
{
	const json_t *note = json_object_get(spec, "note");
	const json_t *line, *piece;
	size_t i, j;

	reach_at(cover, spec, "at");
	json_array_foreach(json_object_get(spec, "lines"), i, line)
	{
		json_array_foreach(line, j, piece)
		{
			if (json_is_string(piece))
				reach(cover, json_string_value(piece));
			else
				reach_at(cover, piece, "at");
		}
	}
	if (note != NULL)
		reach_value(cover, note);
}

static void reach_content(struct cover *cover, const json_t *content);

/* What an element shows below its own "at". */
static void
reach_below(struct cover *cover, const json_t *spec)
{
	const json_t *columns = json_object_get(spec, "columns");
	const json_t *column;
	size_t i;

	if (json_object_get(spec, "each") != NULL || columns != NULL ||
	    json_object_get(spec, "markdown") != NULL)
		buf_add_text(&cover->base, "/*");
	if (json_object_get(spec, "title") != NULL)
		reach_value(cover, json_object_get(spec, "title"));
	json_array_foreach(columns, i, column) reach_value(cover, column);
	if (json_object_get(spec, "markdown") != NULL) {
		reach_at(cover, spec, "text");
		return;
	}
	reach_content(cover, json_object_get(spec, "content"));
}

static void
reach_content(struct cover *cover, const json_t *content)
{
	const json_t *one;
	size_t i;

	json_array_foreach(content, i, one)
	{
		size_t back = cover->base.size;
		const char *at = present_text(one, "at");

		if (json_object_get(one, "row") != NULL ||
		    (json_object_get(one, "text") != NULL &&
			json_object_get(one, "markdown") == NULL)) {
			reach_value(cover, one);
			continue;
		}
		buf_add_text(&cover->base, at ? at : "");
		reach_below(cover, one);
		cover->base.size = back;
	}
}

static void
check_scalar(void *context, const char *pointer)
{
	struct cover *cover = context;
	size_t size = strlen(pointer);
	char above[1024];

	if (json_object_get(cover->shown, pointer) != NULL ||
	    present_is_technical(cover->presentation, pointer))
		return;
	/* a list of scalars is shown by the name of the list */
	if (size > 2 && size < sizeof(above) &&
	    strcmp(pointer + size - 2, "/*") == 0) {
		snprintf(above, sizeof(above), "%.*s", (int)size - 2, pointer);
		if (json_object_get(cover->shown, above) != NULL)
			return;
	}
	findings_add(cover->findings, cover->file, pointer, "unshown",
	    "an element that shows it, or a place among the technical: the "
	    "schema has it");
	/* once is enough */
	(void)json_object_set_new_nocheck(cover->shown, pointer, json_true());
}

int
presentation_covers(const struct presentation *presentation,
    const struct schema *schema, const char *file, struct findings *findings,
    struct why *why)
{
	struct cover cover = {.presentation = presentation,
	    .file = file,
	    .findings = findings,
	    .shown = json_object()};
	int ret;

	buf_init(&cover.base, 64 * KIB);
	if (cover.shown != NULL)
		reach_content(
		    &cover, json_object_get(presentation->spec, "content"));
	if (cover.shown == NULL || cover.failed)
		ret = why_set(why, WHY_NOMEM, "no memory for a presentation");
	else
		ret = schema_scalars(schema, check_scalar, &cover, why);
	buf_clear(&cover.base);
	json_decref(cover.shown);
	return ret < 0 ? ret : findings_verdict(findings, why);
}
