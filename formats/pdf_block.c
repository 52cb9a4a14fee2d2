/* The walk over the document tree: each block set in its column and tagged. */
#include "formats/pdf_priv.h"

#include <stdio.h>

#define BODY_SIZE PDF_BODY_SIZE
#define BODY_LEADING PDF_BODY_LEADING
#define ITEM_GAP 2200
#define LIST_INDENT 17000
#define QUOTE_INDENT 16000

struct pdf_set
pdf_paragraph_set(const struct pdf_place_in *in, int32_t element)
{
	return (struct pdf_set){.x = in->x,
	    .width = in->width,
	    .size = BODY_SIZE,
	    .leading = BODY_LEADING,
	    .colour = PDF_INK,
	    .element = element};
}

static void
set_paragraph(struct pdf *pdf, cmark_node *node, int32_t element,
    const struct pdf_place_in *in, struct pdf_cursor *cursor)
{
	const struct pdf_set set = pdf_paragraph_set(in, element);
	pdf_paragraph(pdf, node, FONT_REGULAR, &set, in, cursor);
}

/* The mark of an item: a bullet or a number, at the side where its text
 * begins. */
static void
set_label(struct pdf *pdf, cmark_node *list, int number, int32_t element,
    const struct pdf_place_in *in, const struct pdf_cursor *at, bool rtl)
{
	char label[24] = "\xE2\x80\xA2";
	if (cmark_node_get_list_type(list) == CMARK_ORDERED_LIST)
		snprintf(label, sizeof label, "%d.", number);
	struct pdf_set set = {
	    .x = rtl ? in->x + in->width - LIST_INDENT : in->x,
	    .width = LIST_INDENT * 3,
	    .size = BODY_SIZE,
	    .leading = BODY_LEADING,
	    .colour = PDF_TITLE,
	    .element = element};
	if (rtl)
		set.width = LIST_INDENT;
	int32_t baseline =
	    at->y - (BODY_LEADING - BODY_SIZE) / 2 - BODY_SIZE * 4 / 5;
	pdf_single_line(pdf, span_text(label), &set, at->page, baseline, rtl);
}

/* Long numbers push the text of their list aside. */
static int32_t
list_indent(cmark_node *list)
{
	if (cmark_node_get_list_type(list) != CMARK_ORDERED_LIST)
		return LIST_INDENT;
	int32_t indent = LIST_INDENT;
	int last = cmark_node_get_list_start(list);
	for (cmark_node *item = cmark_node_first_child(list); item != NULL;
	     item = cmark_node_next(item))
		last = last < 999999999 ? last + 1 : last;
	for (; last > 10; last /= 10)
		indent += BODY_SIZE * 58 / 100;
	return indent;
}

static void
set_item(struct pdf *pdf, cmark_node *item, int number, int32_t list_element,
    const struct pdf_place_in *in, struct pdf_cursor *cursor)
{
	cmark_node *list = cmark_node_parent(item);
	bool rtl = in->direction == 2 ||
		   (in->direction == 0 && document_node_is_rtl(item));
	int32_t indent = list_indent(list);
	int32_t entry = pdf_element(pdf, list_element, "LI", NULL, NULL);
	int32_t label = pdf_element(pdf, entry, "Lbl", NULL, NULL);
	int32_t body = pdf_element(pdf, entry, "LBody", NULL, NULL);
	struct pdf_place_in inner = *in;
	inner.x = rtl ? in->x : in->x + indent;
	inner.width = in->width - indent;
	inner.element = body;
	pdf_page_need(pdf, cursor, 2 * BODY_LEADING);
	if (!pdf_going(pdf))
		return;
	set_label(pdf, list, number, label, in, cursor, rtl);
	cmark_node *lone = document_node_lone_paragraph(item);
	if (lone != NULL)
		set_paragraph(pdf, lone, body, &inner, cursor);
	else if (cmark_node_first_child(item) == NULL)
		cursor->y -= BODY_LEADING;
	else
		pdf_blocks(pdf, item, &inner, cursor);
	cursor->y -= pdf_gap(pdf, ITEM_GAP);
}

static void
set_list(struct pdf *pdf, cmark_node *list, const struct pdf_place_in *in,
    struct pdf_cursor *cursor)
{
	bool ordered = cmark_node_get_list_type(list) == CMARK_ORDERED_LIST;
	int number = ordered ? cmark_node_get_list_start(list) : 0;
	int32_t element = pdf_element(pdf, in->element, "L",
	    ordered ? "/O/List/ListNumbering/Decimal"
		    : "/O/List/ListNumbering/Disc",
	    NULL);
	struct pdf_place_in inner = *in;
	/* deep lists in narrow cells: text needs some room to stand in */
	if (inner.width < 4 * LIST_INDENT) {
		inner.x -= 4 * LIST_INDENT - inner.width;
		inner.width = 4 * LIST_INDENT;
	}
	for (cmark_node *item = cmark_node_first_child(list);
	     item != NULL && pdf_going(pdf); item = cmark_node_next(item)) {
		set_item(pdf, item, number, element, &inner, cursor);
		number = number < 999999999 ? number + 1 : number;
		if (in->outer)
			pdf_pages_finish(pdf, cursor->page);
	}
	cursor->y -= pdf_gap(pdf, PDF_PARAGRAPH_GAP - ITEM_GAP);
}

static void
set_section(struct pdf *pdf, cmark_node *node, const struct pdf_place_in *in,
    struct pdf_cursor *cursor)
{
	const struct document_facts *facts = document_node_facts(node);
	struct pdf_place_in inner = *in;
	const char *language =
	    facts->language[0] == '\0' ? NULL : facts->language;
	if (language != NULL)
		inner.language = language;
	if (facts->direction == DOCUMENT_LTR)
		inner.direction = 1;
	else if (facts->direction == DOCUMENT_RTL)
		inner.direction = 2;
	inner.element = pdf_element(pdf, in->element, "Div", NULL, language);
	pdf_blocks(pdf, node, &inner, cursor);
}

static void
set_quote(struct pdf *pdf, cmark_node *node, const struct pdf_place_in *in,
    struct pdf_cursor *cursor)
{
	struct pdf_place_in inner = *in;
	if (in->width > 6 * QUOTE_INDENT) {
		inner.x += QUOTE_INDENT;
		inner.width -= 2 * QUOTE_INDENT;
	}
	inner.element = pdf_element(pdf, in->element, "BlockQuote", NULL, NULL);
	pdf_blocks(pdf, node, &inner, cursor);
}

static void
set_rule(
    struct pdf *pdf, const struct pdf_place_in *in, struct pdf_cursor *cursor)
{
	pdf_page_need(pdf, cursor, 2 * PDF_PARAGRAPH_GAP);
	if (!pdf_going(pdf))
		return;
	pdf_rule(pdf, cursor->page, in->x, cursor->y - PDF_PARAGRAPH_GAP,
	    in->width, 500, PDF_QUIET);
	cursor->y -= 3 * PDF_PARAGRAPH_GAP;
}

static void
set_custom(struct pdf *pdf, cmark_node *node, const struct pdf_place_in *in,
    struct pdf_cursor *cursor)
{
	const struct document_facts *facts = document_node_facts(node);
	if (facts->kind == DOCUMENT_TABLE)
		pdf_table(pdf, node, in, cursor);
	else if (facts->kind == DOCUMENT_GRID)
		pdf_grid(pdf, node, in, cursor);
	else if (facts->kind == DOCUMENT_SECTION)
		set_section(pdf, node, in, cursor);
	else if (facts->kind == DOCUMENT_FIGURE)
		pdf_figure(pdf, facts, in, cursor);
	else
		pdf_fail(pdf, WHY_BUG, "a part of a table outside one");
}

void
pdf_blocks(struct pdf *pdf, cmark_node *parent, const struct pdf_place_in *in,
    struct pdf_cursor *cursor)
{
	for (cmark_node *node = cmark_node_first_child(parent);
	     node != NULL && pdf_going(pdf); node = cmark_node_next(node)) {
		switch ((int)cmark_node_get_type(node)) {
		case CMARK_NODE_HEADING:
			pdf_heading(pdf, node, in, cursor);
			break;
		case CMARK_NODE_PARAGRAPH:
			set_paragraph(pdf, node,
			    pdf_element(pdf, in->element, "P", NULL, NULL), in,
			    cursor);
			cursor->y -= pdf_gap(pdf, PDF_PARAGRAPH_GAP);
			break;
		case CMARK_NODE_LIST:
			set_list(pdf, node, in, cursor);
			break;
		case CMARK_NODE_BLOCK_QUOTE:
			set_quote(pdf, node, in, cursor);
			break;
		case CMARK_NODE_THEMATIC_BREAK:
			set_rule(pdf, in, cursor);
			break;
		case CMARK_NODE_CUSTOM_BLOCK:
			set_custom(pdf, node, in, cursor);
			break;
		default:
			pdf_fail(pdf, WHY_BUG, "text outside a paragraph");
			break;
		}
		if (in->outer)
			pdf_pages_finish(pdf, cursor->page);
	}
	pdf->whole = false; /* what a heading was kept with ends here */
}
