/*
 * Headings: what must stand on one page with them, and what a page says that
 * goes on with what an earlier one began. Sizes follow one scale; the distance
 * above a heading belongs to it.
 */
#include "formats/pdf_priv.h"

#include "base/text.h"

#define TEXT_LINES 8    /* a text of more goes over the page's end */
#define TEXT_POINTS 700 /* code points, about as much */
#define MAIN_LEVEL 1    /* counted from 0: H1 and H2 */
#define MAIN_KEEP_MAX ((PDF_TOP - PDF_BOTTOM) / 3)

static const struct {
	const char *tag;
	int32_t size, leading, above, below;
} HEADINGS[] = {
    {"H1", 21000, 26500, 0, 14000},
    {"H2", 14500, 19000, 18000, 5000},
    {"H3", 11800, 16000, 13000, 3500},
    {"H4", 10600, 15000, 10000, 2500},
    {"H5", 10600, 15000, 9000, 2000},
    {"H6", 10600, 15000, 9000, 2000},
};

static struct pdf_set
heading_set(const struct pdf_place_in *in, size_t level)
{
	return (struct pdf_set){.x = in->x,
	    .width = in->width,
	    .size = HEADINGS[level].size,
	    .leading = HEADINGS[level].leading,
	    .colour = PDF_TITLE};
}

static size_t
heading_level(cmark_node *node)
{
	return (size_t)cmark_node_get_heading_level(node) - 1;
}

static bool
is_heading(cmark_node *node)
{
	return cmark_node_get_type(node) == CMARK_NODE_HEADING;
}

/* ---- what stays together ---- */

static struct pdf_slot *
lay_text(struct pdf *pdf, cmark_node *node, enum font_style style,
    const struct pdf_place_in *in, const struct pdf_set *set)
{
	struct pdf_slot *slot = pdf_slot_take(pdf);
	pdf_text_gather(
	    pdf, &slot->text, node, style, in->language, in->direction);
	pdf_lay(pdf, slot, set);
	return slot;
}

static size_t
line_count(struct pdf *pdf, cmark_node *node, const struct pdf_place_in *in,
    const struct pdf_set *set, enum font_style style)
{
	struct pdf_slot *slot = lay_text(pdf, node, style, in, set);
	size_t lines = slot->layout.line_count;
	pdf_slot_give(pdf, slot);
	return lines;
}

static int32_t
heading_height(struct pdf *pdf, cmark_node *node, const struct pdf_place_in *in)
{
	size_t level = heading_level(node);
	const struct pdf_set set = heading_set(in, level);
	size_t lines = line_count(pdf, node, in, &set, FONT_BOLD);
	if (lines > TEXT_LINES)
		return PDF_FLOWS;
	return pdf_gap(pdf, HEADINGS[level].above + HEADINGS[level].below) +
	       (int32_t)lines * set.leading;
}

static int32_t
paragraph_height(
    struct pdf *pdf, cmark_node *node, const struct pdf_place_in *in)
{
	const struct pdf_set set = pdf_paragraph_set(in, PDF_ARTIFACT);
	if (document_node_text_size(node, TEXT_POINTS) >= TEXT_POINTS)
		return PDF_FLOWS;
	size_t lines = line_count(pdf, node, in, &set, FONT_REGULAR);
	if (lines > TEXT_LINES)
		return PDF_FLOWS;
	return (int32_t)lines * set.leading + pdf_gap(pdf, PDF_PARAGRAPH_GAP);
}

/* An item stands in a narrower column; a line more or less does not matter. */
static int32_t
list_height(struct pdf *pdf, cmark_node *list, const struct pdf_place_in *in)
{
	int32_t height = pdf_gap(pdf, PDF_PARAGRAPH_GAP);
	cmark_node *item = cmark_node_first_child(list);
	for (; item != NULL && height < PDF_FLOWS;
	     item = cmark_node_next(item)) {
		cmark_node *lone = document_node_lone_paragraph(item);
		if (lone == NULL)
			return PDF_FLOWS;
		height += paragraph_height(pdf, lone, in);
	}
	return height;
}

/* All of a block, or PDF_FLOWS and more: it may be parted. */
static int32_t
block_height(struct pdf *pdf, cmark_node *node, const struct pdf_place_in *in)
{
	if (is_heading(node))
		return heading_height(pdf, node, in);
	if (cmark_node_get_type(node) == CMARK_NODE_PARAGRAPH)
		return paragraph_height(pdf, node, in);
	if (cmark_node_get_type(node) == CMARK_NODE_LIST)
		return list_height(pdf, node, in);
	if (document_node_kind(node) == DOCUMENT_GRID)
		return pdf_grid_height(pdf, node, in);
	if (document_node_kind(node) == DOCUMENT_TABLE)
		return pdf_table_height(pdf, node, in);
	return PDF_FLOWS;
}

/* What a block leaves below itself, for a next one. */
static int32_t
block_after(const struct pdf *pdf, cmark_node *node)
{
	bool text = cmark_node_get_type(node) == CMARK_NODE_PARAGRAPH;
	return pdf_gap(pdf, text ? PDF_PARAGRAPH_GAP : PDF_TABLE_AFTER);
}

/*
 * The part that a heading heads, without itself: up to the next of its level
 * or a higher one, which is *end. A main heading's is parted at the headings
 * in it and when it is long; a person's or a payment's is not.
 */
static int32_t
part_height(struct pdf *pdf, cmark_node *heading, const struct pdf_place_in *in,
    cmark_node **end)
{
	size_t level = heading_level(heading);
	int32_t most = level > MAIN_LEVEL ? PDF_FLOWS : MAIN_KEEP_MAX;
	int32_t height = 0;
	int32_t after = 0;
	cmark_node *node = cmark_node_next(heading);
	for (; node != NULL && height < most && pdf_going(pdf);
	     node = cmark_node_next(node)) {
		if (is_heading(node) && heading_level(node) <= level)
			break;
		if (is_heading(node) && level <= MAIN_LEVEL)
			return PDF_FLOWS;
		height += block_height(pdf, node, in);
		after = block_after(pdf, node);
	}
	*end = node;
	return height < most ? height - after : PDF_FLOWS;
}

/* How a block begins. */
static int32_t
block_need(struct pdf *pdf, cmark_node *node, const struct pdf_place_in *in)
{
	const struct pdf_set set = pdf_paragraph_set(in, PDF_ARTIFACT);
	if (cmark_node_get_type(node) == CMARK_NODE_PARAGRAPH) {
		size_t lines = line_count(pdf, node, in, &set, FONT_REGULAR);
		return (int32_t)(lines < 3 ? lines : 3) * set.leading;
	}
	if (document_node_kind(node) == DOCUMENT_GRID)
		return pdf_grid_need(pdf, node, in);
	if (document_node_kind(node) == DOCUMENT_TABLE &&
	    cmark_node_first_child(node) != NULL)
		return pdf_rows_need(pdf, cmark_node_first_child(node), in);
	return 3 * set.leading;
}

/* What must stand below a heading: its part, *whole, or how that begins. */
static int32_t
need_below(struct pdf *pdf, cmark_node *heading, const struct pdf_place_in *in,
    bool *whole, cmark_node **end)
{
	int32_t height = part_height(pdf, heading, in, end);
	bool inner;
	cmark_node *ignored;
	*whole = height < PDF_FLOWS;
	cmark_node *next = cmark_node_next(heading);
	if (*whole || next == NULL || !pdf_going(pdf))
		return height;
	if (is_heading(next))
		return heading_height(pdf, next, in) +
		       need_below(pdf, next, in, &inner, &ignored);
	return block_need(pdf, next, in);
}

/* Go to the next page when a heading of this height and what must stand below
 * it do not fit on this one. */
static void
keep_part(struct pdf *pdf, cmark_node *node, const struct pdf_place_in *in,
    int32_t height, struct pdf_cursor *cursor)
{
	if (pdf->whole && pdf->whole_end == node)
		pdf->whole = false;
	if (pdf->whole || cursor->y - PDF_BOTTOM > PDF_FLOWS + height) {
		pdf_page_need(pdf, cursor, height);
		return;
	}
	height += need_below(pdf, node, in, &pdf->whole, &pdf->whole_end);
	if (height < PDF_TOP - PDF_BOTTOM)
		pdf_page_need(pdf, cursor, height);
}

void
pdf_heading(struct pdf *pdf, cmark_node *node, const struct pdf_place_in *in,
    struct pdf_cursor *cursor)
{
	size_t level = heading_level(node);
	bool fresh = cursor->y >= pdf->pages[cursor->page].top;
	int32_t below = pdf_gap(pdf, HEADINGS[level].below);
	if (in->outer)
		pdf->headed = 0;
	if (!fresh)
		cursor->y -= pdf_gap(pdf, HEADINGS[level].above);
	struct pdf_set set = heading_set(in, level);
	struct pdf_slot *slot = lay_text(pdf, node, FONT_BOLD, in, &set);
	size_t lines = slot->layout.line_count;
	if (lines <= TEXT_LINES)
		keep_part(pdf, node, in, (int32_t)lines * set.leading + below,
		    cursor);
	pdf_bookmark(pdf, node, cursor->page, cursor->y);
	set.element =
	    pdf_element(pdf, in->element, HEADINGS[level].tag, NULL, NULL);
	pdf_flow(pdf, slot, &set, cursor);
	pdf_slot_give(pdf, slot);
	if (level == 0)
		pdf_rule(pdf, cursor->page, in->x, cursor->y - 4500, in->width,
		    1100, PDF_TITLE);
	cursor->y -= below;
	if (!in->outer)
		return;
	pdf->heads[level] = node;
	pdf->headed = (int)level;
}

/* ---- what goes on ---- */

#define PATH_POINTS 84 /* code points; about a line */
#define GOES_ON_SIZE 9000
#define GOES_ON_HEIGHT 21000

static size_t
points_of(cmark_node *heading)
{
	struct buf text;
	size_t pos = 0, count = 0;
	buf_init(&text, PDF_ROOM);
	pdf_heading_text(heading, &text);
	for (; pos < text.size; count++)
		utf8_next(buf_span(&text), &pos);
	buf_wipe(&text);
	return count;
}

/* "Barn › Kari": the headings above, as many of the last as a line has room
 * for; not the title, which stands above each page anyway. */
static void
add_path(const struct pdf *pdf, struct buf *out)
{
	int first = pdf->headed;
	size_t points = points_of(pdf->heads[first]);
	while (first > 1) {
		points += 3 + points_of(pdf->heads[first - 1]);
		if (points > PATH_POINTS)
			break;
		first--;
	}
	for (int level = first; level <= pdf->headed; level++) {
		buf_add_text(out, level > first ? " \xE2\x80\xBA " : " ");
		pdf_heading_text(pdf->heads[level], out);
	}
}

/* "Continued" */
static const char *
going_on(const char *language)
{
	static const char *const words[][2] = {{"nb", "Forts."},
	    {"nn", "Forts."}, {"no", "Forts."}, {"en", "Continued:"},
	    {"se", "Joatkka:"}};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (pdf_language_is(language, words[i][0]))
			return words[i][1];
	return "\xE2\x80\xA6";
}

void
pdf_goes_on(struct pdf *pdf, struct pdf_cursor *cursor)
{
	/* a text tells by itself what it is about, a row of a table does not */
	if (pdf->headed < 1 || pdf->tables == 0)
		return;
	struct buf text;
	struct pdf_set set = {.x = PDF_MARGIN,
	    .width = PDF_TEXT_WIDTH,
	    .size = GOES_ON_SIZE,
	    .leading = GOES_ON_SIZE,
	    .colour = PDF_TITLE,
	    .element = PDF_ARTIFACT};
	buf_init(&text, PDF_ROOM);
	buf_add_text(&text, going_on(pdf->document->language));
	add_path(pdf, &text);
	if (buf_ok(&text))
		pdf_single_line(pdf, buf_span(&text), &set, cursor->page,
		    cursor->y - GOES_ON_SIZE, false);
	cursor->y -= GOES_ON_HEIGHT;
	buf_wipe(&text);
}
