/*
 * Tables. The cells of a row begin at the same place and flow down side by
 * side, over pages when they must; the row goes on below the longest.
 */
#include "formats/pdf_priv.h"

#define SIZE 10400
#define LEADING 15000
#define PAD 3200 /* above and below a row's text */
#define GUTTER 11000
#define AFTER 9000
#define TRAIL 6000  /* less than any block leaves below itself */
#define LETTER 6100 /* wider than most letters and all digits */

static struct pdf_set
cell_set(int32_t x, int32_t width, enum pdf_colour colour, int32_t element)
{
	return (struct pdf_set){.x = x,
	    .width = width,
	    .size = SIZE,
	    .leading = LEADING,
	    .colour = colour,
	    .element = element};
}

static void
take_lower(struct pdf_cursor *lowest, const struct pdf_cursor *other)
{
	if (other->page > lowest->page ||
	    (other->page == lowest->page && other->y < lowest->y))
		*lowest = *other;
}

/* A row is kept whole when it takes less than a third of a page. */
static void
need_row(struct pdf *pdf, struct pdf_cursor *cursor, size_t lines)
{
	int32_t most = (PDF_TOP - PDF_BOTTOM) / 3 / LEADING;
	int32_t wanted = lines < (size_t)most ? (int32_t)lines : 3;
	if (wanted < 1)
		wanted = 1;
	pdf_page_need(pdf, cursor, wanted * LEADING + 2 * PAD);
}

static void
end_row(
    struct pdf *pdf, const struct pdf_place_in *in, struct pdf_cursor *cursor)
{
	if (!pdf_going(pdf))
		return;
	cursor->y -= PAD;
	pdf_rule(
	    pdf, cursor->page, in->x, cursor->y, in->width, 500, PDF_LABEL);
	if (in->outer)
		pdf_pages_finish(pdf, cursor->page);
}

/* A cell's content from start on; returns where it ends in *end. */
static void
set_cell(struct pdf *pdf, cmark_node *cell, const struct pdf_place_in *in,
    const struct pdf_cursor *start, struct pdf_cursor *end)
{
	struct pdf_cursor at = *start;
	cmark_node *lone = document_node_lone_paragraph(cell);
	if (lone != NULL) {
		struct pdf_set set =
		    cell_set(in->x, in->width, PDF_INK, in->element);
		pdf_paragraph(pdf, lone, FONT_REGULAR, &set, in, &at);
	} else {
		pdf_blocks(pdf, cell, in, &at);
		/* the distance to a next block that is not there */
		if (at.page != start->page || at.y + TRAIL < start->y)
			at.y += TRAIL;
	}
	take_lower(end, &at);
}

/* Lines of a cell that is one paragraph; 3 for others and long ones. */
static size_t
cell_lines(struct pdf *pdf, cmark_node *cell, const struct pdf_place_in *in)
{
	cmark_node *lone = document_node_lone_paragraph(cell);
	if (lone == NULL)
		return cmark_node_first_child(cell) == NULL ? 1 : 3;
	struct pdf_slot *slot = pdf_slot_take(pdf);
	struct pdf_set set = cell_set(in->x, in->width, PDF_INK, in->element);
	pdf_text_gather(
	    pdf, &slot->text, lone, FONT_REGULAR, in->language, in->direction);
	pdf_lay(pdf, slot, &set);
	size_t lines = slot->layout.line_count;
	pdf_slot_give(pdf, slot);
	return lines;
}

/* Name and value, both one text: laid out once, drawn side by side. */
static void
set_plain_row(struct pdf *pdf, cmark_node *head, cmark_node *value,
    const struct pdf_place_in *name_in, const struct pdf_place_in *value_in,
    struct pdf_cursor *cursor)
{
	struct pdf_slot *name = pdf_slot_take(pdf);
	struct pdf_slot *text = pdf_slot_take(pdf);
	struct pdf_set name_set =
	    cell_set(name_in->x, name_in->width, PDF_LABEL, name_in->element);
	struct pdf_set set =
	    cell_set(value_in->x, value_in->width, PDF_INK, value_in->element);
	pdf_text_gather(pdf, &name->text, head, FONT_REGULAR, name_in->language,
	    name_in->direction);
	pdf_lay(pdf, name, &name_set);
	pdf_text_gather(pdf, &text->text, value, FONT_REGULAR,
	    value_in->language, value_in->direction);
	pdf_lay(pdf, text, &set);
	size_t lines = name->layout.line_count;
	if (text->layout.line_count > lines)
		lines = text->layout.line_count;
	need_row(pdf, cursor, lines);
	cursor->y -= PAD;
	struct pdf_cursor at = *cursor;
	struct pdf_cursor end = *cursor;
	pdf_flow(pdf, name, &name_set, &at);
	take_lower(&end, &at);
	at = *cursor;
	pdf_flow(pdf, text, &set, &at);
	take_lower(&end, &at);
	pdf_slot_give(pdf, text);
	pdf_slot_give(pdf, name);
	*cursor = end;
}

static void
set_row(struct pdf *pdf, cmark_node *row, int32_t table,
    const struct pdf_place_in *in, struct pdf_cursor *cursor)
{
	cmark_node *head = cmark_node_first_child(row);
	cmark_node *cell = cmark_node_next(head);
	int32_t element = pdf_element(pdf, table, "TR", NULL, NULL);
	int32_t share = in->width * 36 / 100;
	bool mirrored = in->direction == 2;
	struct pdf_place_in name_in = *in;
	struct pdf_place_in value_in = *in;
	name_in.width = share - GUTTER;
	value_in.width = in->width - share;
	if (mirrored)
		name_in.x = in->x + in->width - name_in.width;
	else
		value_in.x = in->x + share;
	name_in.outer = false;
	value_in.outer = false;
	name_in.element =
	    pdf_element(pdf, element, "TH", "/O/Table/Scope/Row", NULL);
	value_in.element = pdf_element(pdf, element, "TD", NULL, NULL);
	cmark_node *lone = document_node_lone_paragraph(cell);
	if (lone != NULL) {
		set_plain_row(pdf, head, lone, &name_in, &value_in, cursor);
		end_row(pdf, in, cursor);
		return;
	}
	need_row(pdf, cursor, cmark_node_first_child(cell) == NULL ? 1 : 3);
	cursor->y -= PAD;
	struct pdf_cursor start = *cursor;
	struct pdf_cursor at = *cursor;
	struct pdf_set set =
	    cell_set(name_in.x, name_in.width, PDF_LABEL, name_in.element);
	pdf_paragraph(pdf, head, FONT_REGULAR, &set, &name_in, &at);
	take_lower(cursor, &at);
	set_cell(pdf, cell, &value_in, &start, cursor);
	end_row(pdf, in, cursor);
}

void
pdf_table(struct pdf *pdf, cmark_node *table, const struct pdf_place_in *in,
    struct pdf_cursor *cursor)
{
	if (cmark_node_first_child(table) == NULL)
		return;
	int32_t element = pdf_element(pdf, in->element, "Table", NULL, NULL);
	for (cmark_node *row = cmark_node_first_child(table);
	     row != NULL && pdf_going(pdf); row = cmark_node_next(row))
		set_row(pdf, row, element, in, cursor);
	cursor->y -= AFTER;
}

/* ---- tables with column headers ---- */

struct pdf_grid_under_way {
	cmark_node *head;
	const struct pdf_place_in *in;
	size_t columns;
	bool repeat; /* a head that takes half a page is not */
	int32_t x[DOCUMENT_COLUMNS_MAX], width[DOCUMENT_COLUMNS_MAX];
};

/* What each column wants: room for its longest text, as far as 50 rows tell.
 */
static void
wanted_widths(const struct pdf_grid_under_way *grid, int32_t *wanted)
{
	cmark_node *row = grid->head;
	for (size_t i = 0; i < 50 && row != NULL;
	     i++, row = cmark_node_next(row)) {
		cmark_node *cell = cmark_node_first_child(row);
		for (size_t column = 0; cell != NULL && column < grid->columns;
		     column++, cell = cmark_node_next(cell)) {
			int32_t letters =
			    (int32_t)document_node_text_size(cell, 80);
			int32_t width = letters * LETTER + GUTTER;
			if (width > wanted[column])
				wanted[column] = width;
		}
	}
}

/* Columns that want no more than a fair share get it; the others share what is
 * left alike. What nobody wants goes to all. */
static void
share_width(struct pdf_grid_under_way *grid)
{
	int32_t wanted[DOCUMENT_COLUMNS_MAX] = {0};
	bool given[DOCUMENT_COLUMNS_MAX] = {false};
	int32_t left = grid->in->width;
	int32_t open = (int32_t)grid->columns;
	wanted_widths(grid, wanted);
	for (bool more = true; more && open > 0;) {
		int32_t fair = left / open;
		more = false;
		for (size_t i = 0; i < grid->columns && !more; i++) {
			if (given[i] || wanted[i] > fair)
				continue;
			given[i] = true;
			more = true;
			left -= wanted[i];
			open--;
		}
	}
	/* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): a grid has a column */
	int32_t extra = open == 0 ? left / (int32_t)grid->columns : 0;
	int32_t x = grid->in->x;
	bool mirrored = grid->in->direction == 2;
	for (size_t i = 0; i < grid->columns; i++) {
		size_t column = mirrored ? grid->columns - 1 - i : i;
		int32_t share =
		    given[column] ? wanted[column] + extra : left / open;
		grid->x[column] = x;
		grid->width[column] = share - GUTTER;
		x += share;
	}
	if (!mirrored)
		grid->width[grid->columns - 1] += GUTTER;
}

/* The head, tagged (its row an element) or repeated (PDF_ARTIFACT). */
static void
draw_head(struct pdf *pdf, const struct pdf_grid_under_way *grid,
    int32_t row_element, struct pdf_cursor *cursor)
{
	struct pdf_cursor start = *cursor;
	size_t column = 0;
	for (cmark_node *cell = cmark_node_first_child(grid->head);
	     cell != NULL; cell = cmark_node_next(cell), column++) {
		struct pdf_cursor at = start;
		int32_t element = PDF_ARTIFACT;
		if (row_element >= 0)
			element = pdf_element(pdf, row_element, "TH",
			    "/O/Table/Scope/Column", NULL);
		struct pdf_set set = cell_set(
		    grid->x[column], grid->width[column], PDF_TITLE, element);
		pdf_paragraph(pdf, cell, FONT_BOLD, &set, grid->in, &at);
		take_lower(cursor, &at);
	}
	if (!pdf_going(pdf))
		return;
	cursor->y -= PAD;
	pdf_rule(pdf, cursor->page, grid->in->x, cursor->y, grid->in->width,
	    900, PDF_TITLE);
}

void
pdf_grid_repeat(struct pdf *pdf, struct pdf_cursor *cursor)
{
	const struct pdf_grid_under_way *grid = pdf->grid;
	if (!grid->repeat)
		return;
	pdf->grid = NULL; /* a head never needs a head */
	draw_head(pdf, grid, PDF_ARTIFACT, cursor);
	pdf->grid = grid;
}

static void
set_grid_row(struct pdf *pdf, const struct pdf_grid_under_way *grid,
    cmark_node *row, int32_t table, struct pdf_cursor *cursor)
{
	int32_t element = pdf_element(pdf, table, "TR", NULL, NULL);
	struct pdf_place_in in = *grid->in;
	size_t lines = 1;
	size_t column = 0;
	in.outer = false;
	in.element = PDF_ARTIFACT;
	for (cmark_node *cell = cmark_node_first_child(row); cell != NULL;
	     cell = cmark_node_next(cell), column++) {
		in.width = grid->width[column];
		size_t these = cell_lines(pdf, cell, &in);
		lines = these > lines ? these : lines;
	}
	need_row(pdf, cursor, lines);
	cursor->y -= PAD;
	struct pdf_cursor start = *cursor;
	column = 0;
	for (cmark_node *cell = cmark_node_first_child(row); cell != NULL;
	     cell = cmark_node_next(cell), column++) {
		in.x = grid->x[column];
		in.width = grid->width[column];
		in.element = pdf_element(pdf, element, "TD", NULL, NULL);
		set_cell(pdf, cell, &in, &start, cursor);
	}
	if (lines == 1 && cursor->page == start.page && cursor->y == start.y)
		cursor->y -= LEADING; /* a row of empty cells */
	end_row(pdf, grid->in, cursor);
}

void
pdf_grid(struct pdf *pdf, cmark_node *table, const struct pdf_place_in *in,
    struct pdf_cursor *cursor)
{
	const struct pdf_grid_under_way *around = pdf->grid;
	struct pdf_grid_under_way grid = {.head = cmark_node_first_child(table),
	    .in = in,
	    .columns = document_node_facts(table)->columns};
	share_width(&grid);
	int32_t element = pdf_element(pdf, in->element, "Table", NULL, NULL);
	pdf_page_need(pdf, cursor, 4 * LEADING);
	pdf->grid = NULL;
	struct pdf_cursor start = *cursor;
	if (pdf_going(pdf))
		draw_head(pdf, &grid,
		    pdf_element(pdf, element, "TR", NULL, NULL), cursor);
	grid.repeat = cursor->page == start.page &&
		      start.y - cursor->y < (PDF_TOP - PDF_BOTTOM) / 4;
	pdf->grid = &grid;
	for (cmark_node *row = cmark_node_next(grid.head);
	     row != NULL && pdf_going(pdf); row = cmark_node_next(row))
		set_grid_row(pdf, &grid, row, element, cursor);
	pdf->grid = around;
	cursor->y -= AFTER;
}
