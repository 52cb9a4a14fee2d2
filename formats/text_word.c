/* The cache of shaped words; see text_word.h. Shaping is in text_shape.c. */
#include "formats/text_word.h"

#include "formats/text_shape.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 4096
#define BLOCK_SIZE (64u << 10)

/* Memory for words: taken piece by piece, given back as a whole. */
struct block {
	struct block *next;
	size_t size, used;
	max_align_t at[];
};

struct words {
	struct word *slots[SLOTS];
	struct shaper shaper;
	struct block *blocks;      /* forgotten by words_forget() */
	struct block *kept_blocks; /* not */
	size_t bytes, max_bytes;
	struct glyph spaces[FONT_STYLES];
	bool keeping; /* what comes now is never forgotten */
	bool dirty;   /* there is something to forget */
};

/* Spaces are in every text: their signs are never forgotten. */
static bool
keep_spaces(struct words *words)
{
	static const uint32_t space = ' ';
	for (int style = 0; style < FONT_STYLES; style++) {
		struct font *font =
		    font_set_first(words->shaper.fonts, (enum font_style)style);
		uint32_t glyph = font_glyph(font, space);
		uint32_t sign = font_sign(font, glyph, &space, 1);
		if (sign == UINT32_MAX)
			return false;
		font_signs_keep(font);
		words->spaces[style] = (struct glyph){
		    .sign = sign, .advance = (int16_t)font_width(font, glyph)};
	}
	return true;
}

int
words_open(struct font_set *fonts, size_t max_bytes, struct words **out,
    struct why *why)
{
	struct words *words = calloc(1, sizeof *words);
	if (words == NULL)
		return why_set(why, WHY_NOMEM, "no memory for the word cache");
	words->max_bytes = max_bytes;
	words->shaper.fonts = fonts;
	words->shaper.buffer = hb_buffer_create();
	*out = words;
	if (!keep_spaces(words))
		return why_set(why, WHY_NOMEM, "no memory for the word cache");
	return 0;
}

static void
free_blocks(struct block *block)
{
	while (block != NULL) {
		struct block *next = block->next;
		explicit_bzero(block->at, block->used);
		free(block);
		block = next;
	}
}

void
words_close(struct words *words)
{
	if (words == NULL)
		return;
	free_blocks(words->blocks);
	free_blocks(words->kept_blocks);
	hb_buffer_destroy(words->shaper.buffer);
	free(words);
}

static void *
take(struct words *words, size_t size)
{
	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	struct block *block = words->blocks;
	if (block == NULL || block->size - block->used < size) {
		size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
		block = malloc(sizeof *block + room);
		if (block == NULL)
			return NULL;
		block->next = words->blocks;
		block->size = room;
		block->used = 0;
		words->blocks = block;
	}
	void *at = (char *)block->at + block->used;
	block->used += size;
	words->bytes += size;
	return at;
}

static uint32_t
hash_of(const uint32_t *text, size_t count, uint32_t seed)
{
	uint64_t hash = seed * UINT64_C(0x9E3779B97F4A7C15);
	for (size_t i = 0; i < count; i++)
		hash = (hash ^ text[i]) * UINT64_C(1099511628211);
	return (uint32_t)(hash ^ hash >> 32);
}

static struct word *
store(struct words *words, const struct word *shaped)
{
	const struct shaper *shaper = &words->shaper;
	size_t runs = shaper->run_count * sizeof *shaped->runs;
	size_t glyphs = shaper->glyph_count * sizeof *shaped->glyphs;
	size_t text = shaped->count * sizeof *shaped->text;
	size_t missed = shaper->missing > 0 ? shaped->count : 0;
	char *at =
	    take(words, sizeof(struct word) + runs + glyphs + text + missed);
	if (at == NULL)
		return NULL;
	struct word *word = (struct word *)(void *)at;
	*word = *shaped;
	word->kept = words->keeping;
	at += sizeof *word;
	word->runs = memcpy(at, shaper->runs, runs);
	at += runs;
	word->glyphs = memcpy(at, shaper->glyphs, glyphs);
	at += glyphs;
	word->text = memcpy(at, shaped->text, text);
	at += text;
	if (missed > 0)
		word->missed = memcpy(at, shaper->missed, missed);
	word->runs_count = (uint16_t)shaper->run_count;
	word->missing = (uint16_t)shaper->missing;
	word->width = shaper->width;
	return word;
}

const struct word *
words_get(struct words *words, const uint32_t *text, size_t count,
    enum font_style style, bool rtl, hb_language_t language)
{
	uint32_t seed = (uint32_t)style << 1 | rtl;
	seed ^= (uint32_t)((uintptr_t)language >> 3) << 3;
	uint32_t hash = hash_of(text, count, seed);
	struct word **slot = &words->slots[hash % SLOTS];
	for (struct word *word = *slot; word != NULL; word = word->next)
		if (word->hash == hash && word->count == count &&
		    word->style == style && word->rtl == rtl &&
		    word->language == language &&
		    memcmp(word->text, text, count * sizeof *text) == 0)
			return word;
	struct word shaped = {.hash = hash,
	    .count = (uint16_t)count,
	    .style = (uint8_t)style,
	    .rtl = rtl,
	    .language = language,
	    .text = text};
	if (!shaper_shape(&words->shaper, &shaped))
		return NULL;
	struct word *word = store(words, &shaped);
	if (word == NULL)
		return NULL;
	word->next = *slot;
	*slot = word;
	words->dirty = true;
	return word;
}

/* Kept words came first, so they stand last in their chains. */
static void
drop_words(struct words *words)
{
	for (size_t i = 0; i < SLOTS; i++) {
		struct word *word = words->slots[i];
		while (word != NULL && !word->kept)
			word = word->next;
		words->slots[i] = word;
	}
	struct block *spare = words->blocks;
	if (spare != NULL && spare->size == BLOCK_SIZE) {
		free_blocks(spare->next);
		explicit_bzero(spare->at, spare->used);
		spare->next = NULL;
		spare->used = 0;
	} else {
		free_blocks(spare);
		words->blocks = NULL;
	}
	words->bytes = 0;
}

void
words_trim(struct words *words)
{
	if (words->bytes > words->max_bytes)
		drop_words(words);
}

void
words_forget(struct words *words)
{
	drop_words(words);
	struct font *font;
	for (size_t i = 0; (font = font_set_at(words->shaper.fonts, i)) != NULL;
	     i++)
		font_signs_forget(font);
	shaper_wipe(&words->shaper);
	words->dirty = false;
}

static void
swap_blocks(struct words *words)
{
	struct block *blocks = words->blocks;
	words->blocks = words->kept_blocks;
	words->kept_blocks = blocks;
}

void
words_keep_begin(struct words *words)
{
	if (words->dirty)
		words_forget(words);
	swap_blocks(words);
	words->keeping = true;
}

void
words_keep_end(struct words *words)
{
	swap_blocks(words);
	words->keeping = false;
	words->dirty = false;
	words->bytes = 0;
	struct font *font;
	for (size_t i = 0; (font = font_set_at(words->shaper.fonts, i)) != NULL;
	     i++)
		font_signs_keep(font);
}

void
word_cluster_widths(const struct word *word, int32_t *widths)
{
	size_t point = 0;
	memset(widths, 0, word->count * sizeof *widths);
	for (size_t i = 0; i < word->runs_count; i++) {
		const struct word_run *run = &word->runs[i];
		for (uint32_t j = 0; j < run->count; j++) {
			const struct glyph *glyph =
			    &word->glyphs[run->first + j];
			const struct font_sign *sign =
			    &run->font->signs[glyph->sign];
			bool more =
			    sign->count == 1 && point > 0 &&
			    run->font->texts[sign->text] == SHAPED_NOTHING;
			if (!more && point < word->count) {
				widths[point] += glyph->advance;
				point += sign->count;
			} else {
				widths[point - 1] += glyph->advance;
			}
		}
	}
}

struct glyph
words_space(const struct words *words, enum font_style style)
{
	return words->spaces[style];
}
