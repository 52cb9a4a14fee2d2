/* Line breaking (greedy) and reordering (UAX #9 L1, L2); see text_line.h. */
#include "formats/text_line.h"

#include <stdlib.h>

static bool
add_line(
    struct text_layout *layout, uint32_t first, uint32_t end, int32_t width)
{
	if (layout->line_count == layout->line_capacity) {
		size_t capacity = layout->line_capacity * 2 + 16;
		struct text_line *lines =
		    reallocarray(layout->lines, capacity, sizeof *lines);
		if (lines == NULL)
			return false;
		layout->lines = lines;
		layout->line_capacity = capacity;
	}
	layout->lines[layout->line_count++] =
	    (struct text_line){first, end, width};
	return true;
}

/* The pieces from first on that may not be parted: end and width. It is not
 * followed further when it is wider than limit, nor over UNIT_MAX pieces: work
 * stays linear whatever the text. */
#define UNIT_MAX 256
static uint32_t
unit_end(const struct text_layout *layout, uint32_t first, int32_t limit,
    int32_t *width)
{
	uint32_t at = first;
	*width = 0;
	do {
		*width += layout->pieces[at].width;
		at++;
	} while (at < layout->piece_count && *width <= limit &&
		 at - first < UNIT_MAX &&
		 layout->pieces[at].kind == TEXT_WORD &&
		 !layout->pieces[at].may_break);
	return at;
}

/* One line from piece first on; returns where the next begins. */
static uint32_t
fill_line(const struct text_layout *layout, uint32_t first, int32_t width,
    int32_t *used)
{
	int32_t pending = 0; /* spaces since the last word */
	uint32_t at = first;
	*used = 0;
	while (at < layout->piece_count) {
		const struct text_piece *piece = &layout->pieces[at];
		if (piece->kind == TEXT_BREAK)
			return at + 1;
		if (piece->kind == TEXT_SPACE) {
			pending += piece->width;
			at++;
			continue;
		}
		int32_t unit;
		uint32_t end = unit_end(layout, at, width, &unit);
		if (*used + pending + unit <= width) {
			*used += pending + unit;
			pending = 0;
			at = end;
			continue;
		}
		if (*used > 0 && (piece->may_break || pending > 0))
			return at;
		/* wider than the line: as many of its pieces as fit */
		if (at > first && *used + pending + piece->width > width)
			return at;
		*used += pending + piece->width;
		pending = 0;
		at++;
	}
	return at;
}

bool
text_break_lines(struct text_layout *layout, int32_t width, bool more)
{
	uint32_t at = 0;
	while (at < layout->piece_count) {
		int32_t used;
		uint32_t end = fill_line(layout, at, width, &used);
		if (!add_line(layout, at, end, used))
			return false;
		at = end;
	}
	if (more && layout->line_count > 1) {
		layout->line_count--;
		layout->next =
		    layout->pieces[layout->lines[layout->line_count].first].at;
	}
	return true;
}

/* Spaces at the end of a line have the paragraph's level (L1). */
static uint8_t
level_on_line(
    const struct text_layout *layout, const struct text_line *line, uint32_t i)
{
	for (uint32_t at = i; at < line->end; at++)
		if (layout->pieces[at].kind == TEXT_WORD)
			return layout->pieces[i].level;
	return layout->rtl ? 1 : 0;
}

void
text_line_place(const struct text_layout *layout, const struct text_line *line,
    int32_t *left, uint32_t *order)
{
	uint32_t count = line->end - line->first;
	uint8_t high = 0;
	for (uint32_t i = 0; i < count; i++) {
		uint8_t level = layout->pieces[line->first + i].level;
		order[i] = i;
		if (level > high)
			high = level;
	}
	for (uint8_t level = high; level > 0; level--) {
		for (uint32_t i = 0; i < count;) {
			uint32_t j = i;
			while (
			    j < count && level_on_line(layout, line,
					     line->first + order[j]) >= level)
				j++;
			for (uint32_t a = i, b = j; a + 1 < b; a++) {
				b--;
				uint32_t swap = order[a];
				order[a] = order[b];
				order[b] = swap;
			}
			i = j > i ? j : i + 1;
		}
	}
	int32_t x = 0;
	for (uint32_t i = 0; i < count; i++) {
		left[order[i]] = x;
		x += layout->pieces[line->first + order[i]].width;
	}
}

int32_t
text_longest_unit(const struct text_layout *layout)
{
	int32_t longest = 0;
	int32_t unit = 0;
	for (size_t i = 0; i < layout->piece_count; i++) {
		const struct text_piece *piece = &layout->pieces[i];
		if (piece->kind != TEXT_WORD || piece->may_break)
			unit = 0;
		if (piece->kind == TEXT_WORD)
			unit += piece->width;
		if (unit > longest)
			longest = unit;
		if (unit > INT32_MAX / 2)
			unit = INT32_MAX / 2;
	}
	return longest;
}
