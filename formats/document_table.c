/* Tables and figures of the document tree; see document.h. */
#include "formats/document_priv.h"

#include <stdlib.h>
#include <string.h>

#define ALTERNATIVE_MAX 2000 /* bytes; what is longer belongs in the text */

static struct document_node *
add_custom(struct document *document, struct document_node *parent,
    enum document_kind kind)
{
	return document_add(document, parent, CMARK_NODE_CUSTOM_BLOCK, kind);
}

/* The facts of a holder that must be of this kind, NULL and stuck if not. */
static const struct document_facts *
holder(struct document *document, struct document_node *node,
    enum document_kind kind)
{
	if (document->error.code != 0 || node == NULL)
		return NULL;
	const struct document_facts *facts =
	    document_node_facts((cmark_node *)node);
	if (facts != NULL && facts->kind == kind)
		return facts;
	why_set(&document->error, WHY_BUG,
	    "a row of a document was added to what is not its table");
	return NULL;
}

struct document_node *
document_table(struct document *document, struct document_node *parent)
{
	return add_custom(document, parent, DOCUMENT_TABLE);
}

struct document_node *
document_row(struct document *document, struct document_node *table,
    struct span name, struct span value)
{
	if (holder(document, table, DOCUMENT_TABLE) == NULL)
		return NULL;
	struct document_node *row = add_custom(document, table, DOCUMENT_ROW);
	struct document_node *head =
	    add_custom(document, row, DOCUMENT_ROW_HEAD);
	document_text(document, head, name);
	struct document_node *cell = add_custom(document, row, DOCUMENT_CELL);
	document_free_text(document, cell, value);
	return cell;
}

struct document_node *
document_grid(struct document *document, struct document_node *parent,
    const struct span *heads, size_t count)
{
	if (document->error.code == 0 &&
	    (count == 0 || count > DOCUMENT_COLUMNS_MAX)) {
		why_set(&document->error, WHY_TOO_LARGE,
		    "a table with %zu columns, 1 to %d are possible", count,
		    DOCUMENT_COLUMNS_MAX);
		return NULL;
	}
	struct document_node *grid =
	    add_custom(document, parent, DOCUMENT_GRID);
	if (grid == NULL)
		return NULL;
	document->facts->columns = (uint32_t)count;
	struct document_node *row = add_custom(document, grid, DOCUMENT_ROW);
	for (size_t i = 0; i < count; i++)
		document_text(document,
		    add_custom(document, row, DOCUMENT_COLUMN_HEAD), heads[i]);
	return grid;
}

void
document_grid_row(struct document *document, struct document_node *grid,
    const struct span *cells, size_t count)
{
	document_grid_row_struck(document, grid, cells, NULL, count);
}

void
document_grid_row_struck(struct document *document, struct document_node *grid,
    const struct span *cells, const bool *struck, size_t count)
{
	const struct document_facts *facts =
	    holder(document, grid, DOCUMENT_GRID);
	if (facts == NULL)
		return;
	if (facts->columns != count) {
		why_set(&document->error, WHY_BUG,
		    "a row of %zu cells in a table of %u columns", count,
		    facts->columns);
		return;
	}
	struct document_node *row = add_custom(document, grid, DOCUMENT_ROW);
	for (size_t i = 0; i < count; i++) {
		struct document_node *cell =
		    add_custom(document, row, DOCUMENT_CELL);
		if (struck != NULL && struck[i])
			document_free_struck(document, cell, cells[i]);
		else
			document_free_text(document, cell, cells[i]);
	}
}

void
document_grid_numbers(
    struct document *document, struct document_node *grid, size_t column)
{
	const struct document_facts *facts =
	    holder(document, grid, DOCUMENT_GRID);
	if (facts == NULL)
		return;
	if (column >= facts->columns) {
		why_set(&document->error, WHY_BUG,
		    "column %zu of a table of %u", column, facts->columns);
		return;
	}
	((struct document_facts *)(uintptr_t)facts)->numbers |= UINT32_C(1)
								<< column;
}

static bool
picture_valid(const struct document_picture *picture)
{
	return picture->width >= 1 && picture->width <= 4096 &&
	       picture->height >= 1 && picture->height <= 4096 &&
	       picture->width_mm >= 1 && picture->width_mm <= 170 &&
	       picture->rgb.size ==
		   (size_t)picture->width * picture->height * 3;
}

void
document_figure(struct document *document, struct document_node *parent,
    const struct document_picture *picture, struct span alternative)
{
	if (document->error.code != 0 || parent == NULL)
		return;
	buf_reset(&document->scratch);
	document_filter(
	    &document->notes, alternative, false, &document->scratch);
	const char *text = buf_text(&document->scratch);
	if (text == NULL || strspn(text, " ") == strlen(text) ||
	    strlen(text) > ALTERNATIVE_MAX || !picture_valid(picture)) {
		why_set(&document->error, WHY_INVALID,
		    "a figure needs an alternative text of 1-%d bytes, 1-4096 "
		    "pixels each way and three bytes for each",
		    ALTERNATIVE_MAX);
		return;
	}
	if (add_custom(document, parent, DOCUMENT_FIGURE) == NULL)
		return;
	struct document_facts *facts = document->facts;
	uint8_t *rgb = malloc(picture->rgb.size);
	facts->alternative = strdup(text);
	facts->picture = *picture;
	facts->picture.rgb = span_of(rgb, picture->rgb.size);
	if (rgb == NULL || facts->alternative == NULL) {
		why_set(&document->error, WHY_NOMEM, "no memory for a figure");
		return;
	}
	memcpy(rgb, picture->rgb.at, picture->rgb.size);
}
