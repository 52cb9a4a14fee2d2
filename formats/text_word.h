/*
 * text_word - pieces of text shaped by HarfBuzz, and the cache of them. Widths
 * are in 1/1000 of the type size. Private to the PDF writer.
 *
 * The cache holds words of messages, which is personal data: words_forget()
 * wipes all but those that a profile's labels brought.
 */
#pragma once

#include "formats/font.h"

/* Longer unbroken text is shaped in parts of at most so many code points. */
#define WORD_MAX 120

struct glyph {
	uint32_t sign;   /* in the run's font */
	int16_t advance; /* what HarfBuzz says, against the sign's width */
	int16_t x, y;    /* offset */
};

/* Glyphs of one font, in logical order. */
struct word_run {
	struct font *font;
	uint32_t first, count; /* in word.glyphs */
	int32_t width;
};

struct word {
	struct word *next;
	uint32_t hash;
	uint16_t count; /* code points */
	uint16_t runs_count;
	uint16_t missing; /* code points that no font has */
	uint8_t style;
	bool rtl, kept;
	hb_language_t language;
	int32_t width;
	const uint32_t *text;
	const bool *missed; /* which those are; NULL when none */
	struct glyph *glyphs;
	struct word_run *runs;
};

struct words;

/* max_bytes bounds what is remembered between two words_trim(). */
int words_open(struct font_set *fonts, size_t max_bytes, struct words **out,
    struct why *why);
void words_close(struct words *words);

/*
 * A shaped word, lent until the next words_trim() or words_forget(). text has
 * 1 to WORD_MAX code points. NULL without memory.
 */
const struct word *words_get(struct words *words, const uint32_t *text,
    size_t count, enum font_style style, bool rtl, hb_language_t language);

/* What each code point of a word adds to its width: word->count of them. */
void word_cluster_widths(const struct word *word, int32_t *widths);

/* Nobody holds a word now: drop them when there are more than max_bytes. */
void words_trim(struct words *words);
void words_forget(struct words *words);
/* Words got between these two are never forgotten. Begin forgets the others;
 * words_trim() must not be called between. */
void words_keep_begin(struct words *words);
void words_keep_end(struct words *words);

/* The space of the font of the first rank. */
struct glyph words_space(const struct words *words, enum font_style style);
