/* From text to pieces; see text_layout.h. Lines are in text_line.c. */
#include "formats/text_layout.h"

#include "formats/text_line.h"

#include <fribidi/fribidi.h>
#include <stdlib.h>
#include <string.h>
#include <unilbrk.h>

void
text_layout_clear(struct text_layout *layout)
{
	text_layout_wipe(layout);
	free(layout->pieces);
	free(layout->lines);
	free(layout->breaks);
	free(layout->types);
	free(layout->brackets);
	free(layout->levels);
	memset(layout, 0, sizeof *layout);
}

void
text_layout_wipe(struct text_layout *layout)
{
	layout->piece_count = 0;
	layout->line_count = 0;
}

static bool
reserve_room(struct text_layout *layout, size_t count)
{
	if (count <= layout->room)
		return true;
	size_t room = count < 1024 ? 1024 : count;
	free(layout->breaks);
	free(layout->types);
	free(layout->brackets);
	free(layout->levels);
	layout->breaks = malloc(room);
	layout->types = NULL; /* only for the few texts that need them */
	layout->brackets = NULL;
	layout->levels = NULL;
	layout->room = layout->breaks == NULL ? 0 : room;
	return layout->breaks != NULL;
}

/* Left-to-right scripts lie below U+0590, as do most texts here. */
static bool
needs_bidi(const struct text *text, size_t start, size_t end)
{
	for (size_t i = start; i < end; i++)
		if (text->at[i] >= 0x590 &&
		    (text->at[i] < 0x900 || text->at[i] >= 0x2000) &&
		    FRIBIDI_IS_RTL(fribidi_get_bidi_type(text->at[i])))
			return true;
	return false;
}

static bool
has_letters(const struct text *text)
{
	for (size_t i = 0; i < text->count; i++)
		if (FRIBIDI_IS_LETTER(fribidi_get_bidi_type(text->at[i])))
			return true;
	return false;
}

/* Directions by UAX #9; the paragraph's own comes from its beginning, also
 * for its later parts. */
static bool
find_levels(struct text_layout *layout, const struct text *text, size_t start,
    size_t end)
{
	size_t count = end - start;
	layout->bidi = needs_bidi(text, start, end);
	if (start == 0) {
		layout->rtl = text->direction == 2 && has_letters(text);
		layout->right = text->direction == 2 && !layout->rtl;
	}
	if (!layout->bidi && !layout->rtl)
		return true;
	layout->bidi = true;
	if (layout->types == NULL) {
		layout->types = malloc(layout->room * sizeof *layout->types);
		layout->brackets =
		    malloc(layout->room * sizeof *layout->brackets);
		layout->levels = malloc(layout->room);
	}
	if (layout->types == NULL || layout->brackets == NULL ||
	    layout->levels == NULL)
		return false;
	const FriBidiChar *at = text->at + start;
	int size = (int)count;
	fribidi_get_bidi_types(at, size, layout->types);
	fribidi_get_bracket_types(at, size, layout->types, layout->brackets);
	FriBidiParType base = FRIBIDI_PAR_LTR;
	if (text->direction == 0 && start == 0)
		base = FRIBIDI_PAR_ON;
	else if (layout->rtl)
		base = FRIBIDI_PAR_RTL;
	if (fribidi_get_par_embedding_levels_ex(layout->types, layout->brackets,
		size, &base, layout->levels) == 0)
		return false;
	layout->rtl = FRIBIDI_IS_RTL(base);
	return true;
}

static struct text_piece *
add_piece(struct text_layout *layout)
{
	if (layout->piece_count == layout->piece_capacity) {
		size_t capacity = layout->piece_capacity * 2 + 64;
		struct text_piece *pieces =
		    reallocarray(layout->pieces, capacity, sizeof *pieces);
		if (pieces == NULL)
			return NULL;
		layout->pieces = pieces;
		layout->piece_capacity = capacity;
	}
	return &layout->pieces[layout->piece_count++];
}

/* Marks and joiners are not parted from what they belong to. */
static bool
is_extender(uint32_t code_point)
{
	if (code_point < 0x300)
		return false;
	hb_unicode_general_category_t category = hb_unicode_general_category(
	    hb_unicode_funcs_get_default(), code_point);
	return category == HB_UNICODE_GENERAL_CATEGORY_NON_SPACING_MARK ||
	       category == HB_UNICODE_GENERAL_CATEGORY_ENCLOSING_MARK ||
	       category == HB_UNICODE_GENERAL_CATEGORY_SPACING_MARK ||
	       category == HB_UNICODE_GENERAL_CATEGORY_FORMAT;
}

/* What one call of text_layout() works on. */
struct work {
	struct text_layout *layout;
	struct words *words;
	const struct text *text;
	size_t start, end; /* of this part */
	size_t span;
	int32_t width; /* of a line */
};

static uint8_t
level_at(const struct work *work, size_t i)
{
	const struct text_layout *layout = work->layout;
	return layout->bidi ? (uint8_t)layout->levels[i - work->start] : 0;
}

static bool
breaks_at(const struct work *work, size_t i)
{
	char kind = work->layout->breaks[i - work->start];
	return kind == UC_BREAK_POSSIBLE || kind == UC_BREAK_MANDATORY;
}

static size_t
span_end(const struct work *work)
{
	return work->span + 1 < work->text->span_count
		   ? work->text->spans[work->span + 1].first
		   : SIZE_MAX;
}

static bool
add_word(struct work *work, size_t from, size_t to, bool may_break)
{
	const struct text *text = work->text;
	uint8_t level = level_at(work, from);
	const struct word *word = words_get(work->words, text->at + from,
	    to - from, text->spans[work->span].style, (level & 1) != 0,
	    text->language);
	struct text_piece *piece =
	    word == NULL ? NULL : add_piece(work->layout);
	if (piece == NULL)
		return false;
	*piece = (struct text_piece){.word = word,
	    .at = (uint32_t)from,
	    .span = (uint32_t)work->span,
	    .width = word->width,
	    .kind = TEXT_WORD,
	    .level = level,
	    .may_break = may_break};
	return true;
}

/*
 * A word wider than a line is cut so that each part fits. Each part has one
 * code point and its marks at the least, however narrow the line is.
 */
static bool
add_wide_word(struct work *work, size_t from, size_t to, bool may_break)
{
	const struct text *text = work->text;
	uint8_t level = level_at(work, from);
	int32_t widths[WORD_MAX];
	const struct word *word = words_get(work->words, text->at + from,
	    to - from, text->spans[work->span].style, (level & 1) != 0,
	    text->language);
	if (word == NULL)
		return false;
	if (word->width <= work->width)
		return add_word(work, from, to, may_break);
	word_cluster_widths(word, widths);
	size_t part = from;
	int32_t sum = 0;
	for (size_t i = from; i < to; i++) {
		int32_t width = widths[i - from];
		if (i > part && sum + width > work->width &&
		    !is_extender(text->at[i])) {
			if (!add_word(work, part, i, may_break))
				return false;
			may_break = true;
			part = i;
			sum = 0;
		}
		sum += width;
	}
	return add_word(work, part, to, may_break);
}

/* Where the piece that begins at from ends: at a space, a change of level or
 * style, a possible line break, or when it is long enough. */
static size_t
word_end(const struct work *work, size_t from)
{
	const uint32_t *at = work->text->at;
	uint8_t level = level_at(work, from);
	size_t stop = span_end(work);
	size_t to = from + 1;
	for (; to < work->end && to < stop; to++) {
		if (at[to] == ' ' || at[to] == '\n' || breaks_at(work, to) ||
		    level_at(work, to) != level)
			break;
		if (to - from >= WORD_MAX ||
		    (to - from >= WORD_MAX - 20 && !is_extender(at[to])))
			break;
	}
	return to;
}

/* Any number of spaces is one. */
static size_t
add_space(struct work *work, size_t from)
{
	size_t to = from;
	while (to < work->end && work->text->at[to] == ' ')
		to++;
	struct text_piece *piece = add_piece(work->layout);
	if (piece == NULL)
		return 0;
	enum font_style style = work->text->spans[work->span].style;
	*piece = (struct text_piece){.at = (uint32_t)from,
	    .span = (uint32_t)work->span,
	    .width = words_space(work->words, style).advance,
	    .kind = TEXT_SPACE,
	    .level = level_at(work, from)};
	return to;
}

/* The piece at from; returns where the next begins, 0 without memory. */
static size_t
add_next(struct work *work, size_t from)
{
	uint32_t code_point = work->text->at[from];
	while (span_end(work) <= from)
		work->span++;
	if (code_point == ' ')
		return add_space(work, from);
	if (code_point == '\n') {
		struct text_piece *piece = add_piece(work->layout);
		if (piece == NULL)
			return 0;
		*piece = (struct text_piece){.at = (uint32_t)from,
		    .span = (uint32_t)work->span,
		    .kind = TEXT_BREAK,
		    .level = level_at(work, from)};
		return from + 1;
	}
	size_t to = word_end(work, from);
	bool may_break = breaks_at(work, from);
	return add_wide_word(work, from, to, may_break) ? to : 0;
}

/*
 * Letters and digits of Latin scripts parted by single spaces: a line can begin
 * after each space and nowhere else (UAX #14: AL, NU and SP only), which most
 * texts are and which costs less to see than to ask for. False for all others.
 */
static bool
plain_breaks(const uint32_t *at, size_t count, char *breaks)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t point = at[i];
		bool letter = (point >= 'a' && point <= 'z') ||
			      (point >= 'A' && point <= 'Z') ||
			      (point >= '0' && point <= '9') ||
			      (point >= 0xC0 && point <= 0x17F &&
				  point != 0xD7 && point != 0xF7);
		bool after_space = i == 0 || at[i - 1] == ' ';
		if (!letter && (point != ' ' || after_space))
			return false;
		breaks[i] = after_space && i > 0 ? UC_BREAK_POSSIBLE
						 : UC_BREAK_PROHIBITED;
	}
	return true;
}

bool
text_layout(struct text_layout *layout, struct words *words,
    const struct text *text, size_t start, int32_t width)
{
	size_t end = text->count;
	if (end - start > LAYOUT_MAX)
		end = start + LAYOUT_MAX;
	struct work work = {.layout = layout,
	    .words = words,
	    .text = text,
	    .start = start,
	    .end = end,
	    .width = width};
	layout->piece_count = 0;
	layout->line_count = 0;
	layout->next = end;
	if (start == end)
		return true;
	if (!reserve_room(layout, end - start) ||
	    !find_levels(layout, text, start, end))
		return false;
	if (!plain_breaks(text->at + start, end - start, layout->breaks))
		u32_possible_linebreaks(
		    text->at + start, end - start, "UTF-8", layout->breaks);
	for (size_t at = start; at < end;) {
		at = add_next(&work, at);
		if (at == 0)
			return false;
	}
	return text_break_lines(layout, width, end < text->count);
}
