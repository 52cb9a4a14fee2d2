/*
 * text_layout - a paragraph as lines of shaped pieces: bidirectional levels by
 * FriBidi (UAX #9), line breaks by libunistring (UAX #14), breaks inside words
 * only where a word is wider than the line. Widths are in 1/1000 of the type
 * size. Private to the PDF writer.
 */
#pragma once

#include "formats/text_word.h"

/* A paragraph of more code points is laid out in parts. */
#define LAYOUT_MAX 32768

/* From code point first on the text has this style; tag is the caller's. */
struct text_span {
	uint32_t first;
	enum font_style style;
	uint32_t tag;
};

/* The text of a paragraph. Line feeds are line breaks. The caller owns all. */
struct text {
	const uint32_t *at;
	size_t count;
	const struct text_span *spans; /* one at least, the first at 0 */
	size_t span_count;
	hb_language_t language;
	int direction; /* 0 as the first letter says, 1 LTR, 2 RTL: a text
			  without any letter (a telephone number) then is LTR
			  at the right end, or its groups would swap places */
};

enum text_piece_kind { TEXT_WORD, TEXT_SPACE, TEXT_BREAK };

struct text_piece {
	const struct word *word; /* of a TEXT_WORD */
	uint32_t at;             /* first code point in the text */
	uint32_t span;
	int32_t width;
	uint8_t kind, level;
	bool may_break; /* a line may begin here */
};

struct text_line {
	uint32_t first, end; /* pieces, with spaces at the end */
	int32_t width;       /* without them */
};

struct text_layout {
	struct text_piece *pieces;
	struct text_line *lines;
	size_t piece_count, piece_capacity;
	size_t line_count, line_capacity;
	size_t next; /* code point where the next part begins */
	bool rtl;    /* direction of the paragraph */
	bool right;  /* left-to-right, but set at the right end */
	bool bidi;   /* some piece runs right to left */
	/* working room */
	char *breaks;
	uint32_t *types, *brackets;
	signed char *levels;
	size_t room;
};

void text_layout_clear(struct text_layout *layout); /* frees; zeroed is empty */
void text_layout_wipe(struct text_layout *layout);  /* forgets, keeps memory */

/*
 * Lay out text from code point start on in lines of width. When layout->next
 * < text->count afterwards, the rest follows in a further call with that
 * start. False without memory. Words are lent by words.
 */
bool text_layout(struct text_layout *layout, struct words *words,
    const struct text *text, size_t start, int32_t width);
