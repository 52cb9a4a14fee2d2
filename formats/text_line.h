/* text_line - pieces into lines, and their order on a line. */
#pragma once

#include "formats/text_layout.h"

/* Fill layout->lines. When more text follows, the last line is left to the
 * next part (layout->next), unless it is the only one. */
bool text_break_lines(struct text_layout *layout, int32_t width, bool more);

/* Where each piece of a line begins, from the line's left end: left[i] is for
 * piece line->first + i. order is room for as many numbers. */
void text_line_place(const struct text_layout *layout,
    const struct text_line *line, int32_t *left, uint32_t *order);

/* The width of the longest stretch that no line break may part. */
int32_t text_longest_unit(const struct text_layout *layout);
