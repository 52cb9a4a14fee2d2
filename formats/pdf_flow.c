/* Paragraphs over pages: lines go down the column, and on to the next page
 * without leaving a single line behind or taking one along alone. */
#include "formats/pdf_priv.h"

#include <assert.h>
#include <stdlib.h>

struct pdf_slot *
pdf_slot_take(struct pdf *pdf)
{
	struct pdf_fonts *fonts = pdf->fonts;
	assert(fonts->slots_taken < PDF_SLOTS);
	if (fonts->slots_taken == 0)
		words_trim(fonts->words);
	return &fonts->slots[fonts->slots_taken++];
}

void
pdf_slot_give(struct pdf *pdf, struct pdf_slot *slot)
{
	pdf->fonts->slots_taken--;
	assert(slot == &pdf->fonts->slots[pdf->fonts->slots_taken]);
	text_layout_wipe(&slot->layout);
}

static void
lay_from(struct pdf *pdf, struct pdf_slot *slot, const struct pdf_set *set,
    size_t start)
{
	int32_t width = (int32_t)((int64_t)set->width * 1000 / set->size);
	if (!pdf_going(pdf))
		text_layout_wipe(&slot->layout);
	else if (!text_layout(&slot->layout, pdf->fonts->words,
		     &slot->text.text, start, width))
		pdf_fail(pdf, WHY_NOMEM, "no memory for a paragraph");
}

void
pdf_lay(struct pdf *pdf, struct pdf_slot *slot, const struct pdf_set *set)
{
	lay_from(pdf, slot, set, 0);
}

/* How many lines fit above the foot of the page. */
static size_t
room_for(const struct pdf_cursor *cursor, const struct pdf_set *set)
{
	if (cursor->y <= PDF_BOTTOM)
		return 0;
	return (size_t)((cursor->y - PDF_BOTTOM) / set->leading);
}

/* Break here? left lines of the part are still to come. */
static bool
wants_page(const struct pdf *pdf, const struct pdf_cursor *cursor,
    const struct pdf_set *set, size_t left, bool first)
{
	size_t room = room_for(cursor, set);
	if (cursor->y >= pdf->pages[cursor->page].top)
		return false; /* a fresh page takes a line whatever it needs */
	if (room == 0)
		return true;
	if (room == 1 && left == 2)
		return true;
	return first && room == 1 && left > 1;
}

static void
flow_lines(struct pdf *pdf, struct pdf_slot *slot, const struct pdf_set *set,
    struct pdf_cursor *cursor, bool first)
{
	struct text_layout *layout = &slot->layout;
	for (size_t i = 0; i < layout->line_count && pdf_going(pdf); i++) {
		size_t left = layout->line_count - i;
		if (wants_page(pdf, cursor, set, left, first && i == 0))
			pdf_page_next(pdf, cursor);
		if (!pdf_going(pdf))
			return;
		int32_t baseline = cursor->y - (set->leading - set->size) / 2 -
				   set->size * 4 / 5;
		pdf_line(pdf, &slot->text, layout, &layout->lines[i], set,
		    cursor->page, baseline);
		cursor->y -= set->leading;
	}
}

void
pdf_flow(struct pdf *pdf, struct pdf_slot *slot, const struct pdf_set *set,
    struct pdf_cursor *cursor)
{
	flow_lines(pdf, slot, set, cursor, true);
	while (pdf_going(pdf) && slot->layout.next < slot->text.text.count) {
		if (pdf->fonts->slots_taken == 1) {
			size_t next = slot->layout.next;
			text_layout_wipe(&slot->layout);
			words_trim(pdf->fonts->words);
			slot->layout.next = next;
		}
		lay_from(pdf, slot, set, slot->layout.next);
		flow_lines(pdf, slot, set, cursor, false);
	}
	pdf_mark_close(pdf);
}

void
pdf_paragraph(struct pdf *pdf, cmark_node *node, enum font_style style,
    const struct pdf_set *set, const struct pdf_place_in *in,
    struct pdf_cursor *cursor)
{
	struct pdf_slot *slot = pdf_slot_take(pdf);
	pdf_text_gather(
	    pdf, &slot->text, node, style, in->language, in->direction);
	pdf_lay(pdf, slot, set);
	pdf_flow(pdf, slot, set, cursor);
	pdf_slot_give(pdf, slot);
}

void
pdf_single_line(struct pdf *pdf, struct span plain, const struct pdf_set *set,
    uint32_t page, int32_t y, bool right)
{
	struct pdf_slot *slot = pdf_slot_take(pdf);
	struct pdf_set place = *set;
	pdf_text_set(pdf, &slot->text, plain);
	pdf_lay(pdf, slot, set);
	if (slot->layout.line_count > 0) {
		const struct text_line *line = &slot->layout.lines[0];
		if (right)
			place.x += set->width - (int32_t)((int64_t)line->width *
							  set->size / 1000);
		pdf_line(
		    pdf, &slot->text, &slot->layout, line, &place, page, y);
	}
	pdf_mark_close(pdf);
	pdf_slot_give(pdf, slot);
}
