/*
 * Tables with column headers. A column is as wide as its longest word at the
 * least, so that words are not broken while there is room for them; the head
 * comes again, as decoration, on each page.
 */
#include "formats/pdf_priv.h"

#include "formats/text_line.h"

#define GUTTER 11000
#define NUMBER_GAP 8000  /* more: numbers end where the next text begins */
#define ROWS_MEASURED 50 /* more tell little, and cost */

struct pdf_grid_under_way {
	cmark_node *head;
	const struct pdf_place_in *in;
	size_t columns;
	uint32_t numbers; /* columns set at their end: one bit each */
	bool repeat;      /* a head that takes half a page is not */
	int32_t x[DOCUMENT_COLUMNS_MAX], width[DOCUMENT_COLUMNS_MAX];
};

/* The widths that a column wants: of its longest line, of its longest word. */
struct wish {
	int32_t line, word;
};

static bool
is_number(const struct pdf_grid_under_way *grid, size_t column)
{
	return (grid->numbers >> column & 1) != 0;
}

/* ---- widths ---- */

static void
measure_text(struct pdf *pdf, cmark_node *node, enum font_style style,
    const struct pdf_place_in *in, struct wish *wish)
{
	struct pdf_slot *slot = pdf_slot_take(pdf);
	struct pdf_set set =
	    pdf_cell_set(0, 4 * PDF_TEXT_WIDTH, PDF_INK, PDF_ARTIFACT);
	const struct text_layout *layout = &slot->layout;
	int32_t line = 0;
	pdf_text_gather(
	    pdf, &slot->text, node, style, in->language, in->direction);
	pdf_lay(pdf, slot, &set);
	for (size_t i = 0; i < layout->line_count; i++)
		if (layout->lines[i].width > line)
			line = layout->lines[i].width;
	int32_t word = text_longest_unit(layout);
	/* rounded up: a line of this width must hold the text */
	line = (int32_t)((int64_t)line * set.size / 1000) + 20;
	word = (int32_t)((int64_t)word * set.size / 1000) + 20;
	if (line > wish->line)
		wish->line = line;
	if (word > wish->word)
		wish->word = word;
	pdf_slot_give(pdf, slot);
}

static void
measure_row(struct pdf *pdf, const struct pdf_grid_under_way *grid,
    cmark_node *row, struct wish *wishes)
{
	cmark_node *cell = cmark_node_first_child(row);
	for (size_t i = 0; cell != NULL && i < grid->columns && pdf_going(pdf);
	     i++, cell = cmark_node_next(cell)) {
		if (row == grid->head) {
			measure_text(
			    pdf, cell, FONT_BOLD, grid->in, &wishes[i]);
			continue;
		}
		for (cmark_node *text = cmark_node_first_child(cell);
		     text != NULL; text = cmark_node_next(text))
			measure_text(
			    pdf, text, FONT_REGULAR, grid->in, &wishes[i]);
	}
}

/* Widths for the wishes: whole lines when all have room, else each its longest
 * word and a share of what is left, else less in proportion. */
static void
grant_widths(struct pdf_grid_under_way *grid, const struct wish *wishes)
{
	int32_t count = (int32_t)grid->columns;
	int64_t room = grid->in->width - (count - 1) * GUTTER;
	int64_t lines = 0;
	int64_t words = 0;
	int32_t word[DOCUMENT_COLUMNS_MAX] = {0};
	for (size_t i = 0; i < grid->columns; i++) {
		/* one endless word does not squeeze all others */
		word[i] = wishes[i].word < room * 45 / 100
			      ? wishes[i].word
			      : (int32_t)(room * 45 / 100);
		lines += wishes[i].line;
		words += word[i];
	}
	for (size_t i = 0; i < grid->columns; i++) {
		int64_t width;
		if (lines <= room)
			width = wishes[i].line + (room - lines) / count;
		else if (words <= room)
			width = word[i] + (room - words) *
					      (wishes[i].line - word[i]) /
					      (lines - words);
		else
			width = words > 0 ? room * word[i] / words : 0;
		grid->width[i] = (int32_t)width;
	}
}

static void
share_width(struct pdf *pdf, struct pdf_grid_under_way *grid)
{
	struct wish wishes[DOCUMENT_COLUMNS_MAX] = {{0, 0}};
	cmark_node *row = grid->head;
	for (size_t i = 0; i < ROWS_MEASURED && row != NULL; i++) {
		measure_row(pdf, grid, row, wishes);
		row = cmark_node_next(row);
	}
	for (size_t i = 0; i + 1 < grid->columns; i++) {
		if (!is_number(grid, i))
			continue;
		wishes[i].line += NUMBER_GAP;
		wishes[i].word += NUMBER_GAP;
	}
	grant_widths(grid, wishes);
	int32_t x = grid->in->x;
	bool mirrored = grid->in->direction == 2;
	for (size_t i = 0; i < grid->columns; i++) {
		size_t column = mirrored ? grid->columns - 1 - i : i;
		grid->x[column] = x;
		x += grid->width[column] + GUTTER;
	}
}

static void
grid_begin(struct pdf *pdf, cmark_node *table, const struct pdf_place_in *in,
    struct pdf_grid_under_way *grid)
{
	const struct document_facts *facts = document_node_facts(table);
	*grid =
	    (struct pdf_grid_under_way){.head = cmark_node_first_child(table),
		.in = in,
		.columns = facts->columns,
		.numbers = facts->numbers};
	share_width(pdf, grid);
}

/* How a column's text is set: numbers end under one another. */
static struct pdf_set
column_set(const struct pdf_grid_under_way *grid, size_t column,
    enum pdf_colour colour, int32_t element)
{
	struct pdf_set set =
	    pdf_cell_set(grid->x[column], grid->width[column], colour, element);
	bool mirrored = grid->in->direction == 2;
	if (!is_number(grid, column))
		return set;
	set.align = mirrored ? PDF_LEFT : PDF_RIGHT;
	if (column + 1 < grid->columns) {
		set.width -= set.width > 2 * NUMBER_GAP ? NUMBER_GAP : 0;
		set.x += mirrored ? NUMBER_GAP : 0;
	}
	return set;
}

/* ---- rows ---- */

/* The texts of a row, laid out; those of more than one paragraph are not. */
struct laid_row {
	struct pdf_slot *slots[DOCUMENT_COLUMNS_MAX];
	size_t lines;
};

static void
row_lay(struct pdf *pdf, const struct pdf_grid_under_way *grid, cmark_node *row,
    struct laid_row *laid)
{
	bool is_head = row == grid->head;
	cmark_node *cell = cmark_node_first_child(row);
	*laid = (struct laid_row){.lines = 1};
	for (size_t i = 0; cell != NULL && i < grid->columns;
	     i++, cell = cmark_node_next(cell)) {
		cmark_node *text =
		    is_head ? cell : document_node_lone_paragraph(cell);
		size_t lines = cmark_node_first_child(cell) == NULL ? 1 : 3;
		if (text != NULL) {
			struct pdf_slot *slot = pdf_slot_take(pdf);
			struct pdf_set set =
			    column_set(grid, i, PDF_INK, PDF_ARTIFACT);
			pdf_text_gather(pdf, &slot->text, text,
			    is_head ? FONT_BOLD : FONT_REGULAR,
			    grid->in->language, grid->in->direction);
			pdf_lay(pdf, slot, &set);
			laid->slots[i] = slot;
			lines = slot->layout.line_count;
		}
		if (lines > laid->lines)
			laid->lines = lines;
	}
}

static void
row_release(struct pdf *pdf, struct laid_row *laid)
{
	for (size_t i = DOCUMENT_COLUMNS_MAX; i-- > 0;)
		if (laid->slots[i] != NULL)
			pdf_slot_give(pdf, laid->slots[i]);
}

static int32_t
row_height(
    struct pdf *pdf, const struct pdf_grid_under_way *grid, cmark_node *row)
{
	struct laid_row laid;
	if (row == NULL)
		return 0;
	row_lay(pdf, grid, row, &laid);
	row_release(pdf, &laid);
	return pdf_row_need(pdf, laid.lines);
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
		struct pdf_set set =
		    column_set(grid, column, PDF_TITLE, element);
		pdf_paragraph(pdf, cell, FONT_BOLD, &set, grid->in, &at);
		pdf_take_lower(cursor, &at);
	}
	if (!pdf_going(pdf))
		return;
	cursor->y -= pdf_gap(pdf, PDF_ROW_PAD);
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
draw_row(struct pdf *pdf, const struct pdf_grid_under_way *grid,
    cmark_node *row, int32_t element, const struct laid_row *laid,
    struct pdf_cursor *cursor)
{
	struct pdf_cursor start = *cursor;
	cmark_node *cell = cmark_node_first_child(row);
	for (size_t i = 0; cell != NULL && i < grid->columns;
	     i++, cell = cmark_node_next(cell)) {
		struct pdf_cursor at = start;
		struct pdf_place_in in = *grid->in;
		struct pdf_set set = column_set(grid, i, PDF_INK,
		    pdf_element(pdf, element, "TD", NULL, NULL));
		in.x = set.x;
		in.width = set.width;
		in.outer = false;
		in.element = set.element;
		if (laid->slots[i] != NULL)
			pdf_flow(pdf, laid->slots[i], &set, &at);
		else
			pdf_cell(pdf, cell, &in, &start, &at);
		pdf_take_lower(cursor, &at);
	}
	if (cursor->page == start.page && cursor->y == start.y)
		cursor->y -= PDF_ROW_LEADING; /* a row of empty cells */
}

/* The last row of a table does not stand alone on a page. */
static void
keep_with_last(struct pdf *pdf, const struct pdf_grid_under_way *grid,
    cmark_node *row, struct pdf_cursor *cursor)
{
	cmark_node *next = cmark_node_next(row);
	if (next == NULL || cmark_node_next(next) != NULL ||
	    !pdf_page_is_low(cursor))
		return;
	int32_t height =
	    row_height(pdf, grid, row) + row_height(pdf, grid, next);
	if (height < PDF_KEEP_MAX)
		pdf_page_need(pdf, cursor, height);
}

static void
set_row(struct pdf *pdf, const struct pdf_grid_under_way *grid, cmark_node *row,
    int32_t table, struct pdf_cursor *cursor)
{
	int32_t element = pdf_element(pdf, table, "TR", NULL, NULL);
	struct laid_row laid;
	keep_with_last(pdf, grid, row, cursor);
	row_lay(pdf, grid, row, &laid);
	pdf_page_need(pdf, cursor, pdf_row_need(pdf, laid.lines));
	if (pdf_going(pdf)) {
		cursor->y -= pdf_gap(pdf, PDF_ROW_PAD);
		draw_row(pdf, grid, row, element, &laid, cursor);
	}
	row_release(pdf, &laid);
	pdf_row_end(pdf, grid->in, cursor);
}

/* ---- all ---- */

/* The head and the first row are not parted, nor this and the last. */
static int32_t
head_need(struct pdf *pdf, const struct pdf_grid_under_way *grid)
{
	cmark_node *first = cmark_node_next(grid->head);
	cmark_node *second = first == NULL ? NULL : cmark_node_next(first);
	int32_t height =
	    row_height(pdf, grid, grid->head) + row_height(pdf, grid, first);
	if (second != NULL && cmark_node_next(second) == NULL)
		height += row_height(pdf, grid, second);
	return height;
}

int32_t
pdf_grid_height(
    struct pdf *pdf, cmark_node *table, const struct pdf_place_in *in)
{
	struct pdf_grid_under_way grid;
	int32_t height = pdf_gap(pdf, PDF_TABLE_AFTER);
	grid_begin(pdf, table, in, &grid);
	for (cmark_node *row = grid.head; row != NULL && height < PDF_FLOWS;
	     row = cmark_node_next(row))
		height += row_height(pdf, &grid, row);
	return height;
}

int32_t
pdf_grid_need(struct pdf *pdf, cmark_node *table, const struct pdf_place_in *in)
{
	struct pdf_grid_under_way grid;
	grid_begin(pdf, table, in, &grid);
	return head_need(pdf, &grid);
}

void
pdf_grid(struct pdf *pdf, cmark_node *table, const struct pdf_place_in *in,
    struct pdf_cursor *cursor)
{
	const struct pdf_grid_under_way *around = pdf->grid;
	struct pdf_grid_under_way grid;
	grid_begin(pdf, table, in, &grid);
	int32_t element = pdf_element(pdf, in->element, "Table", NULL, NULL);
	int32_t need = pdf_page_is_low(cursor) ? head_need(pdf, &grid) : 0;
	if (need < PDF_KEEP_MAX)
		pdf_page_need(pdf, cursor, need);
	pdf->grid = NULL;
	struct pdf_cursor start = *cursor;
	cursor->y -= pdf_gap(pdf, PDF_ROW_PAD);
	if (pdf_going(pdf))
		draw_head(pdf, &grid,
		    pdf_element(pdf, element, "TR", NULL, NULL), cursor);
	grid.repeat = cursor->page == start.page &&
		      start.y - cursor->y < (PDF_TOP - PDF_BOTTOM) / 4;
	pdf->grid = &grid;
	pdf->tables++;
	for (cmark_node *row = cmark_node_next(grid.head);
	     row != NULL && pdf_going(pdf); row = cmark_node_next(row))
		set_row(pdf, &grid, row, element, cursor);
	pdf->tables--;
	pdf->grid = around;
	cursor->y -= pdf_gap(pdf, PDF_TABLE_AFTER);
}
