/* text_shape - one word through HarfBuzz: fonts picked, glyphs with the text
 * that each stands for. Private to text_word.c. */
#pragma once

#include "formats/text_word.h"

/* HarfBuzz stops a text that grows when it is twice as long as this. */
#define SHAPED_MAX 8192
/* Text of a glyph that stands for nothing. No text of a document holds it. */
#define SHAPED_NOTHING UINT32_C(0x200B)

struct shaper {
	struct font_set *fonts;
	hb_buffer_t *buffer;
	struct word_run runs[WORD_MAX];
	struct glyph glyphs[SHAPED_MAX];
	uint32_t text[WORD_MAX]; /* what is drawn: U+FFFD for the missing */
	bool missed[WORD_MAX];   /* no font has it */
	uint32_t run_count, glyph_count, missing;
	int32_t width;
};

/* Shape word->text into runs, glyphs, missing and width. False without memory.
 */
bool shaper_shape(struct shaper *shaper, const struct word *word);
void shaper_wipe(struct shaper *shaper);
