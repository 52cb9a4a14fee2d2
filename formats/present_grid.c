/*
 * present_grid - lists as tables with column headers; columns that nobody has
 * a value for are left out.
 */
#include "formats/json.h"
#include "formats/present_priv.h"

#include <stdlib.h>
#include <string.h>

struct grid {
	const json_t *columns[DOCUMENT_COLUMNS_MAX]; /* those with a value */
	size_t count;
	struct document_node *node;
};

/* Whether anything of a column's value is there, without showing it. */
static bool
column_there(const json_t *column, const json_t *item)
{
	const json_t *lines = json_object_get(column, "lines");
	const json_t *line, *piece;
	size_t i, j;

	if (lines == NULL)
		return json_pointer_get(item, present_text(column, "at")) !=
		       NULL;
	json_array_foreach(lines, i, line)
	{
		json_array_foreach(line, j, piece)
		{
			const char *at = json_is_string(piece)
					     ? json_string_value(piece)
					     : present_text(piece, "at");

			if (json_pointer_get(item, at) != NULL)
				return true;
		}
	}
	return false;
}

static void
grid_columns(const json_t *spec, const json_t *items, struct grid *grid)
{
	const json_t *columns = json_object_get(spec, "columns");
	const json_t *column, *item;
	size_t i, j;

	json_array_foreach(columns, i, column)
	{
		bool there = false;

		json_array_foreach(items, j, item) there =
		    there || column_there(column, item);
		if (there && grid->count < DOCUMENT_COLUMNS_MAX)
			grid->columns[grid->count++] = column;
	}
}

static void
grid_row(struct presenter *presenter, struct grid *grid, const json_t *tests)
{
	const json_t *struck = present_struck(presenter, tests);
	bool is_struck[DOCUMENT_COLUMNS_MAX];
	struct buf texts[DOCUMENT_COLUMNS_MAX];
	struct span cells[DOCUMENT_COLUMNS_MAX];

	for (size_t i = 0; i < grid->count; i++) {
		present_text_init(&texts[i]);
		present_value(presenter, grid->columns[i], &texts[i]);
		cells[i] = buf_span(&texts[i]);
		is_struck[i] = present_is_struck(struck, grid->columns[i]);
		presenter->failed |= !buf_ok(&texts[i]);
	}
	document_grid_row_struck(
	    presenter->document, grid->node, cells, is_struck, grid->count);
	for (size_t i = 0; i < grid->count; i++)
		buf_wipe(&texts[i]);
}

/* Numbers stand under one another. */
static bool
column_is_numbers(const json_t *column)
{
	static const char *const forms[] = {"money", "number", "percent"};
	const char *form = present_text(column, "form");

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (form != NULL && strcmp(form, forms[i]) == 0)
			return true;
	}
	return false;
}

static void
grid_rows(struct presenter *presenter, struct grid *grid, const json_t *tests)
{
	struct span heads[DOCUMENT_COLUMNS_MAX];
	size_t size = presenter->base.size;
	const json_t *items = presenter->top;

	for (size_t i = 0; i < grid->count; i++)
		heads[i] = span_text(present_text(grid->columns[i], "head"));
	present_begin(presenter);
	grid->node = document_grid(
	    presenter->document, present_root(presenter), heads, grid->count);
	for (size_t i = 0; i < grid->count; i++) {
		if (column_is_numbers(grid->columns[i]))
			document_grid_numbers(
			    presenter->document, grid->node, i);
	}
	for (size_t i = 0; i < json_array_size(items); i++) {
		json_pointer_add_index(&presenter->base, i);
		presenter->top = json_array_get(items, i);
		grid_row(presenter, grid, tests);
		present_back(presenter, items, size);
	}
}

void
present_grid(struct presenter *presenter, const json_t *spec, int level)
{
	bool written;
	const char *name = present_text(spec, "grid");
	struct pending heading =
	    present_pending(presenter, level, name[0] ? name : NULL, &written);
	size_t size = presenter->base.size;
	struct grid grid = {0};
	const json_t *back;

	if (!present_go(presenter, present_text(spec, "at"), &back))
		return;
	grid_columns(spec, presenter->top, &grid);
	presenter->pending = &heading;
	if (grid.count > 0)
		grid_rows(presenter, &grid, json_object_get(spec, "struck"));
	presenter->pending = heading.above;
	present_back(presenter, back, size);
}
