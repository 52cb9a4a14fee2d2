/*
 * Tables. The cells of a row begin at the same place and flow down side by
 * side, over pages when they must; the row goes on below the longest.
 */
#include "formats/pdf_priv.h"

#define SIZE 10400
#define LEADING PDF_ROW_LEADING
#define GUTTER 11000
#define TRAIL 6000 /* less than any block leaves below itself */

struct pdf_set
pdf_cell_set(int32_t x, int32_t width, enum pdf_colour colour, int32_t element)
{
	return (struct pdf_set){.x = x,
	    .width = width,
	    .size = SIZE,
	    .leading = LEADING,
	    .colour = colour,
	    .element = element};
}

void
pdf_take_lower(struct pdf_cursor *lowest, const struct pdf_cursor *other)
{
	if (other->page > lowest->page ||
	    (other->page == lowest->page && other->y < lowest->y))
		*lowest = *other;
}

/* A row is kept whole when it takes less than a third of a page. */
int32_t
pdf_row_need(const struct pdf *pdf, size_t lines)
{
	int32_t most = (PDF_TOP - PDF_BOTTOM) / 3 / LEADING;
	int32_t wanted = lines < (size_t)most ? (int32_t)lines : 3;
	if (wanted < 1)
		wanted = 1;
	return wanted * LEADING + 2 * pdf_gap(pdf, PDF_ROW_PAD);
}

void
pdf_row_end(
    struct pdf *pdf, const struct pdf_place_in *in, struct pdf_cursor *cursor)
{
	if (!pdf_going(pdf))
		return;
	cursor->y -= pdf_gap(pdf, PDF_ROW_PAD);
	pdf_rule(
	    pdf, cursor->page, in->x, cursor->y, in->width, 500, PDF_LABEL);
	if (in->outer)
		pdf_pages_finish(pdf, cursor->page);
}

/* A cell's content from start on; returns where it ends in *end. */
void
pdf_cell(struct pdf *pdf, cmark_node *cell, const struct pdf_place_in *in,
    const struct pdf_cursor *start, struct pdf_cursor *end)
{
	struct pdf_cursor at = *start;
	cmark_node *lone = document_node_lone_paragraph(cell);
	if (lone != NULL) {
		struct pdf_set set =
		    pdf_cell_set(in->x, in->width, PDF_INK, in->element);
		pdf_paragraph(pdf, lone, FONT_REGULAR, &set, in, &at);
	} else {
		int32_t trail = pdf_gap(pdf, TRAIL);
		pdf_blocks(pdf, cell, in, &at);
		/* the distance to a next block that is not there */
		if (at.page != start->page || at.y + trail < start->y)
			at.y += trail;
	}
	pdf_take_lower(end, &at);
}

static size_t
text_lines(struct pdf *pdf, cmark_node *node, const struct pdf_place_in *in)
{
	struct pdf_slot *slot = pdf_slot_take(pdf);
	struct pdf_set set =
	    pdf_cell_set(in->x, in->width, PDF_INK, PDF_ARTIFACT);
	pdf_text_gather(
	    pdf, &slot->text, node, FONT_REGULAR, in->language, in->direction);
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
	struct pdf_set name_set = pdf_cell_set(
	    name_in->x, name_in->width, PDF_LABEL, name_in->element);
	struct pdf_set set = pdf_cell_set(
	    value_in->x, value_in->width, PDF_INK, value_in->element);
	pdf_text_gather(pdf, &name->text, head, FONT_REGULAR, name_in->language,
	    name_in->direction);
	pdf_lay(pdf, name, &name_set);
	pdf_text_gather(pdf, &text->text, value, FONT_REGULAR,
	    value_in->language, value_in->direction);
	pdf_lay(pdf, text, &set);
	size_t lines = name->layout.line_count;
	if (text->layout.line_count > lines)
		lines = text->layout.line_count;
	pdf_page_need(pdf, cursor, pdf_row_need(pdf, lines));
	cursor->y -= pdf_gap(pdf, PDF_ROW_PAD);
	struct pdf_cursor at = *cursor;
	struct pdf_cursor end = *cursor;
	pdf_flow(pdf, name, &name_set, &at);
	pdf_take_lower(&end, &at);
	at = *cursor;
	pdf_flow(pdf, text, &set, &at);
	pdf_take_lower(&end, &at);
	pdf_slot_give(pdf, text);
	pdf_slot_give(pdf, name);
	*cursor = end;
}

/* The columns of names and values. */
static void
place_cells(const struct pdf_place_in *in, struct pdf_place_in *name,
    struct pdf_place_in *value)
{
	int32_t share = in->width * 36 / 100;
	*name = *in;
	*value = *in;
	name->width = share - GUTTER;
	value->width = in->width - share;
	if (in->direction == 2)
		name->x = in->x + in->width - name->width;
	else
		value->x = in->x + share;
	name->outer = false;
	value->outer = false;
}

static int32_t
cell_height(struct pdf *pdf, cmark_node *cell, const struct pdf_place_in *in)
{
	cmark_node *node = cmark_node_first_child(cell);
	int32_t height = node == NULL ? LEADING : 0;
	for (; node != NULL && height < PDF_FLOWS;
	     node = cmark_node_next(node)) {
		bool text = cmark_node_get_type(node) == CMARK_NODE_PARAGRAPH;
		size_t lines = text ? text_lines(pdf, node, in) : 3;
		height += (int32_t)lines * LEADING;
		if (cmark_node_next(node) != NULL)
			height += pdf_gap(pdf, PDF_PARAGRAPH_GAP);
	}
	return height;
}

static int32_t
row_height(struct pdf *pdf, cmark_node *row, const struct pdf_place_in *in)
{
	struct pdf_place_in name, value;
	cmark_node *head = cmark_node_first_child(row);
	place_cells(in, &name, &value);
	int32_t height = (int32_t)text_lines(pdf, head, &name) * LEADING;
	int32_t other = cell_height(pdf, cmark_node_next(head), &value);
	return (other > height ? other : height) +
	       2 * pdf_gap(pdf, PDF_ROW_PAD);
}

/* What of a row must stand together: all, when it takes less than a third of a
 * page. */
static int32_t
row_need(struct pdf *pdf, cmark_node *row, const struct pdf_place_in *in)
{
	int32_t height = row_height(pdf, row, in);
	return height < (PDF_TOP - PDF_BOTTOM) / 3 ? height
						   : pdf_row_need(pdf, 3);
}

int32_t
pdf_table_height(
    struct pdf *pdf, cmark_node *table, const struct pdf_place_in *in)
{
	int32_t height = pdf_gap(pdf, PDF_TABLE_AFTER);
	for (cmark_node *row = cmark_node_first_child(table);
	     row != NULL && height < PDF_FLOWS; row = cmark_node_next(row))
		height += row_height(pdf, row, in);
	return height;
}

/* A row and the next, when the first or the last would stand alone. */
int32_t
pdf_rows_need(struct pdf *pdf, cmark_node *row, const struct pdf_place_in *in)
{
	int32_t height = row_need(pdf, row, in);
	cmark_node *next = cmark_node_next(row);
	if (next != NULL &&
	    (cmark_node_previous(row) == NULL || cmark_node_next(next) == NULL))
		height += row_need(pdf, next, in);
	return height;
}

static void
set_row(struct pdf *pdf, cmark_node *row, int32_t table,
    const struct pdf_place_in *in, struct pdf_cursor *cursor)
{
	cmark_node *head = cmark_node_first_child(row);
	cmark_node *cell = cmark_node_next(head);
	int32_t element = pdf_element(pdf, table, "TR", NULL, NULL);
	struct pdf_place_in name_in, value_in;
	place_cells(in, &name_in, &value_in);
	if (pdf_page_is_low(cursor)) {
		int32_t need = pdf_rows_need(pdf, row, in);
		if (need < PDF_KEEP_MAX)
			pdf_page_need(pdf, cursor, need);
	}
	name_in.element =
	    pdf_element(pdf, element, "TH", "/O/Table/Scope/Row", NULL);
	value_in.element = pdf_element(pdf, element, "TD", NULL, NULL);
	cmark_node *lone = document_node_lone_paragraph(cell);
	if (lone != NULL) {
		set_plain_row(pdf, head, lone, &name_in, &value_in, cursor);
		pdf_row_end(pdf, in, cursor);
		return;
	}
	pdf_page_need(pdf, cursor,
	    pdf_row_need(pdf, cmark_node_first_child(cell) == NULL ? 1 : 3));
	cursor->y -= pdf_gap(pdf, PDF_ROW_PAD);
	struct pdf_cursor start = *cursor;
	struct pdf_cursor at = *cursor;
	struct pdf_set set =
	    pdf_cell_set(name_in.x, name_in.width, PDF_LABEL, name_in.element);
	pdf_paragraph(pdf, head, FONT_REGULAR, &set, &name_in, &at);
	pdf_take_lower(cursor, &at);
	pdf_cell(pdf, cell, &value_in, &start, cursor);
	pdf_row_end(pdf, in, cursor);
}

void
pdf_table(struct pdf *pdf, cmark_node *table, const struct pdf_place_in *in,
    struct pdf_cursor *cursor)
{
	if (cmark_node_first_child(table) == NULL)
		return;
	int32_t element = pdf_element(pdf, in->element, "Table", NULL, NULL);
	pdf->tables++;
	for (cmark_node *row = cmark_node_first_child(table);
	     row != NULL && pdf_going(pdf); row = cmark_node_next(row))
		set_row(pdf, row, element, in, cursor);
	pdf->tables--;
	cursor->y -= pdf_gap(pdf, PDF_TABLE_AFTER);
}
