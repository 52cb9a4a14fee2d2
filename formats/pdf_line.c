/*
 * One line of text on a page.
 *
 * Glyphs go out in logical order, also right-to-left ones, each placed where it
 * is seen: readers that take the text as it comes then read it as it is
 * written. Marks for links and struck text are opened and closed on the way.
 */
#include "formats/pdf_priv.h"

#include "formats/text_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 480

struct pen {
	struct pdf *pdf;
	const struct pdf_text *text;
	const struct pdf_set *set;
	struct buf *out;
	struct pdf_state *state; /* of the page */
	uint32_t page;
	int32_t y;
	int owed;     /* TJ number before the next glyph */
	bool placed;  /* on this line */
	bool in_list; /* of a TJ */
	bool in_string;
	size_t size; /* of room */
	char room[ROOM + 32];
};

static const char *const COLOURS[] = {
    [PDF_INK] = "0.11 0.11 0.11 rg\n",
    [PDF_TITLE] = "0.086 0.196 0.31 rg\n",
    [PDF_LABEL] = "0.255 0.294 0.337 rg\n",
    [PDF_QUIET] = "0.33 0.36 0.4 rg\n",
    [PDF_LINK] = "0.043 0.29 0.56 rg\n",
};

static void
flush(struct pen *pen)
{
	buf_add(pen->out, pen->room, pen->size);
	pen->size = 0;
}

static void
put(struct pen *pen, const char *text)
{
	size_t size = strlen(text);
	if (pen->size + size > ROOM)
		flush(pen);
	memcpy(pen->room + pen->size, text, size);
	pen->size += size;
}

static void
put_byte(struct pen *pen, uint8_t byte)
{
	if (byte == '(' || byte == ')' || byte == '\\')
		pen->room[pen->size++] = '\\';
	if (byte == '\r') { /* a bare one would be read as a line feed */
		pen->room[pen->size++] = '\\';
		byte = 'r';
	}
	pen->room[pen->size++] = (char)byte;
}

static void
put_number(struct pen *pen, int number)
{
	if (pen->in_string)
		put(pen, ")");
	pen->in_string = false;
	char text[16];
	size_t at = sizeof text;
	unsigned int left =
	    number < 0 ? 0u - (unsigned int)number : (unsigned int)number;
	text[--at] = '\0';
	do {
		text[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (number < 0)
		text[--at] = '-';
	put(pen, text + at);
}

static void
end_list(struct pen *pen)
{
	if (pen->in_string)
		put(pen, ")");
	if (pen->in_list)
		put(pen, "]TJ\n");
	pen->in_string = false;
	pen->in_list = false;
}

static int64_t
hundredths(int64_t thousandths)
{
	return (thousandths + (thousandths < 0 ? -5 : 5)) / 10;
}

/* Put the pen at x on the line, in a text object of this element. */
static void
place(struct pen *pen, int32_t element, enum pdf_colour colour, int32_t x)
{
	struct pdf *pdf = pen->pdf;
	struct pdf_state *state = pen->state;
	end_list(pen);
	flush(pen);
	pdf_mark(pdf, pen->page, element);
	if (!state->text) {
		buf_add_text(pen->out, "BT\n");
		state->text = true;
		state->x100 = 0;
		state->y100 = 0;
	}
	pdf_colour(&pdf->pages[pen->page], COLOURS[colour]);
	int64_t x100 = hundredths(x);
	int64_t y100 = hundredths(pen->y);
	pdf_add_fixed(pen->out, (x100 - state->x100) * 10);
	buf_add_byte(pen->out, ' ');
	pdf_add_fixed(pen->out, (y100 - state->y100) * 10);
	buf_add_text(pen->out, " Td\n");
	state->x100 = x100;
	state->y100 = y100;
	pen->owed = 0;
	pen->placed = true;
}

/* Make the font current; its number in the document is given here. */
static void
use_font(struct pen *pen, struct font *font)
{
	struct pdf_state *state = pen->state;
	if (state->font == font && state->number == font->number &&
	    state->size == pen->set->size)
		return;
	end_list(pen);
	flush(pen);
	buf_add_text(pen->out, "/F");
	pdf_add_int(pen->out, font->number);
	buf_add_byte(pen->out, ' ');
	pdf_add_fixed(pen->out, pen->set->size);
	buf_add_text(pen->out, " Tf\n");
	state->font = font;
	state->number = font->number;
	state->size = pen->set->size;
}

static void
set_rise(struct pen *pen, int rise)
{
	int32_t here = (int32_t)((int64_t)rise * pen->set->size / 1000);
	if (pen->state->rise == here)
		return;
	end_list(pen);
	flush(pen);
	pdf_add_fixed(pen->out, here);
	buf_add_text(pen->out, " Ts\n");
	pen->state->rise = here;
}

static void
show(struct pen *pen, struct font *font, const struct glyph *glyph, int before)
{
	/* the CID first: a font that is full gets a new number with it */
	uint16_t cid = pdf_cid(pen->pdf, font, glyph->sign);
	use_font(pen, font);
	set_rise(pen, glyph->y);
	if (pen->size > ROOM - 32)
		flush(pen);
	if (!pen->in_list)
		put(pen, "[");
	pen->in_list = true;
	if (before != 0)
		put_number(pen, before);
	if (!pen->in_string)
		put(pen, "(");
	pen->in_string = true;
	put_byte(pen, (uint8_t)(cid >> 8));
	put_byte(pen, (uint8_t)cid);
}

/* The pen moves by the sign's width, the text wants the glyph's advance; what
 * is between goes before the next glyph. */
static void
show_forward(struct pen *pen, const struct word *word)
{
	for (size_t i = 0; i < word->runs_count; i++) {
		const struct word_run *run = &word->runs[i];
		for (uint32_t j = 0; j < run->count; j++) {
			const struct glyph *glyph =
			    &word->glyphs[run->first + j];
			show(pen, run->font, glyph, pen->owed - glyph->x);
			pen->owed = run->font->signs[glyph->sign].width -
				    glyph->advance + glyph->x;
		}
	}
}

/* The pen stands at the word's right end. */
static void
show_backward(struct pen *pen, const struct word *word)
{
	for (size_t i = 0; i < word->runs_count; i++) {
		const struct word_run *run = &word->runs[i];
		for (uint32_t j = 0; j < run->count; j++) {
			const struct glyph *glyph =
			    &word->glyphs[run->first + j];
			show(pen, run->font, glyph,
			    pen->owed + glyph->advance - glyph->x);
			pen->owed =
			    run->font->signs[glyph->sign].width + glyph->x;
		}
	}
}

static void
report_missing(struct pdf *pdf, const struct word *word)
{
	for (uint32_t i = 0; i < word->count; i++)
		if (word->missed[i])
			document_note(
			    pdf->notes, DOCUMENT_MISSING, word->text[i]);
}

/* The element that a run's text belongs to, made when it is first needed. */
static int32_t
element_of(struct pdf *pdf, struct pdf_run *run, int32_t around)
{
	if (around < 0 || (run->address == NULL && !run->struck))
		return around;
	if (run->element >= 0)
		return run->element;
	if (run->address != NULL)
		run->element = pdf_element(pdf, around, "Link", NULL, NULL);
	else
		run->element = pdf_element(pdf, around, "Span",
		    "/O/Layout/TextDecorationType/LineThrough", NULL);
	return run->element;
}

/* The extent of one run on the line: a link's box, a line through it. */
static void
decorate(struct pen *pen, const struct pdf_run *run, int32_t from, int32_t to)
{
	int32_t size = pen->set->size;
	if (pen->set->element < 0 || from >= to ||
	    (run->address == NULL && !run->struck))
		return;
	struct pdf_decoration line = {.page = pen->page,
	    .x = from,
	    .y = pen->y + (run->struck ? size * 27 / 100 : -size * 14 / 100),
	    .width = to - from,
	    .thickness = size / 18,
	    .colour = run->struck ? PDF_INK : PDF_LINK};
	pdf_decorate(pen->pdf, &line);
	if (run->address == NULL)
		return;
	const int32_t box[4] = {
	    from, pen->y - size / 4, to, pen->y + size * 9 / 10};
	pdf_annotate(pen->pdf, run->element, pen->page, box, run->address);
}

static void
draw_piece(
    struct pen *pen, const struct text_piece *piece, int32_t x, bool placed)
{
	struct pdf *pdf = pen->pdf;
	struct pdf_run *run = &pen->text->runs[piece->span];
	int32_t element = element_of(pdf, run, pen->set->element);
	enum pdf_colour colour =
	    run->address != NULL ? PDF_LINK : pen->set->colour;
	bool backward = piece->kind == TEXT_WORD && (piece->level & 1) != 0;
	if (backward)
		x += (int32_t)((int64_t)piece->width * pen->set->size / 1000);
	if (placed || !pen->placed || pdf->mark != element ||
	    pdf->mark_page != pen->page)
		place(pen, element, colour, x);
	if (piece->kind == TEXT_SPACE) {
		enum font_style style = pen->text->spans[piece->span].style;
		struct font *font = font_set_first(pdf->fonts->set, style);
		struct glyph space = words_space(pdf->fonts->words, style);
		show(pen, font, &space, pen->owed);
		pen->owed = 0;
		return;
	}
	if (piece->kind != TEXT_WORD)
		return;
	/* what is repeated on each page was reported where it stands */
	if (piece->word->missing > 0 && pdf->notes != NULL && element >= 0)
		report_missing(pdf, piece->word);
	if (backward)
		show_backward(pen, piece->word);
	else
		show_forward(pen, piece->word);
}

static bool
reserve_line(struct pdf *pdf, uint32_t count)
{
	if (count <= pdf->line_room)
		return true;
	uint32_t room = count * 2;
	int32_t *left = reallocarray(pdf->left, room, sizeof *left);
	if (left != NULL)
		pdf->left = left;
	uint32_t *order = reallocarray(pdf->order, room, sizeof *order);
	if (order != NULL)
		pdf->order = order;
	if (left == NULL || order == NULL) {
		pdf_fail(pdf, WHY_NOMEM, "no memory for a line");
		return false;
	}
	pdf->line_room = room;
	return true;
}

/* Each stretch of pieces of one run, for lines and boxes. */
static void
decorate_line(struct pen *pen, const struct text_layout *layout,
    const struct text_line *line, int32_t x)
{
	const struct text_piece *pieces = layout->pieces;
	int32_t size = pen->set->size;
	for (uint32_t i = line->first; i < line->end;) {
		uint32_t span = pieces[i].span;
		int32_t from = INT32_MAX;
		int32_t to = INT32_MIN;
		for (; i < line->end && pieces[i].span == span; i++) {
			if (pieces[i].kind != TEXT_WORD)
				continue;
			int64_t left = pen->pdf->left[i - line->first];
			int64_t right = left + pieces[i].width;
			int32_t a = x + (int32_t)(left * size / 1000);
			int32_t b = x + (int32_t)(right * size / 1000);
			from = a < from ? a : from;
			to = b > to ? b : to;
		}
		decorate(pen, &pen->text->runs[span], from, to);
	}
}

void
pdf_line(struct pdf *pdf, const struct pdf_text *text,
    const struct text_layout *layout, const struct text_line *line,
    const struct pdf_set *set, uint32_t page, int32_t y)
{
	uint32_t count = line->end - line->first;
	if (!pdf_going(pdf) || !reserve_line(pdf, count))
		return;
	text_line_place(layout, line, pdf->left, pdf->order);
	int32_t x = set->x;
	bool right =
	    set->align == PDF_START ? layout->right : set->align == PDF_RIGHT;
	if (layout->rtl && set->align != PDF_LEFT) {
		int64_t all = 0;
		for (uint32_t i = line->first; i < line->end; i++)
			all += layout->pieces[i].width;
		x += set->width - (int32_t)(all * set->size / 1000);
	} else if (right)
		x += set->width -
		     (int32_t)((int64_t)line->width * set->size / 1000);
	struct pen pen = {.pdf = pdf,
	    .text = text,
	    .set = set,
	    .out = &pdf->pages[page].content,
	    .state = &pdf->pages[page].state,
	    .page = page,
	    .y = y};
	for (uint32_t i = 0; i < count; i++) {
		const struct text_piece *piece =
		    &layout->pieces[line->first + i];
		int32_t left =
		    (int32_t)((int64_t)pdf->left[i] * set->size / 1000);
		draw_piece(&pen, piece, x + left, layout->bidi || i == 0);
	}
	end_list(&pen);
	flush(&pen);
	decorate_line(&pen, layout, line, x);
}
