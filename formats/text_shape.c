/*
 * Shaping; see text_shape.h.
 *
 * A cluster is some code points that became some glyphs. Each code point must
 * come out of the document again exactly once: with as many glyphs as code
 * points each glyph has one, with fewer the first has what is left over, with
 * more the rest stand for U+200B, which prints nothing.
 */
#include "formats/text_shape.h"

#include <assert.h>
#include <string.h>

/* Give each code point its font; those without one become U+FFFD. */
static void
pick_fonts(struct shaper *shaper, const struct word *word,
    struct font *fonts[WORD_MAX])
{
	struct font *previous = NULL;
	shaper->missing = 0;
	for (size_t i = 0; i < word->count; i++) {
		fonts[i] = NULL;
		shaper->text[i] = word->text[i];
		if (!shaper->missed[i])
			fonts[i] = font_set_pick(shaper->fonts, word->text[i],
			    (enum font_style)word->style, previous);
		if (fonts[i] == NULL) {
			shaper->missed[i] = true;
			shaper->missing++;
			shaper->text[i] = FONT_MISSING;
			fonts[i] = font_set_first(
			    shaper->fonts, (enum font_style)word->style);
		}
		previous = fonts[i];
	}
}

enum shaped { SHAPED, SHAPED_AGAIN, SHAPED_NOT };

/* One glyph and the code points that it has. */
static bool
add_glyph(struct shaper *shaper, struct font *font, const hb_glyph_info_t *info,
    const hb_glyph_position_t *position, const uint32_t *text, uint32_t count)
{
	static const uint32_t nothing = SHAPED_NOTHING;
	if (count == 0) {
		text = &nothing;
		count = 1;
	}
	uint32_t sign = font_sign(font, info->codepoint, text, count);
	if (sign == UINT32_MAX)
		return false;
	shaper->glyphs[shaper->glyph_count++] = (struct glyph){.sign = sign,
	    .advance = (int16_t)position->x_advance,
	    .x = (int16_t)position->x_offset,
	    .y = (int16_t)position->y_offset};
	return true;
}

/* glyphs [first, end) in logical order are one cluster, code points [from,
 * to). step is -1 where the buffer runs right to left. */
static bool
add_cluster(struct shaper *shaper, struct font *font, uint32_t first,
    uint32_t glyphs, int step, uint32_t from, uint32_t to)
{
	hb_glyph_info_t *info = hb_buffer_get_glyph_infos(shaper->buffer, NULL);
	hb_glyph_position_t *position =
	    hb_buffer_get_glyph_positions(shaper->buffer, NULL);
	uint32_t points = to - from;
	uint32_t at = first;
	for (uint32_t i = 0; i < glyphs; i++) {
		uint32_t count = from < to ? 1 : 0;
		if (i == 0 && points > glyphs)
			count = points - glyphs + 1;
		if (!add_glyph(shaper, font, &info[at], &position[at],
			shaper->text + from, count))
			return false;
		from += count;
		at += (uint32_t)step;
	}
	return true;
}

/* A glyph 0 although the font has the character: its code points count as
 * missing, the archive forbids .notdef (ISO 19005-2, 6.2.11.8). */
static bool
find_notdef(struct shaper *shaper, uint32_t to)
{
	uint32_t count;
	bool found = false;
	hb_glyph_info_t *info =
	    hb_buffer_get_glyph_infos(shaper->buffer, &count);
	for (uint32_t i = 0; i < count; i++) {
		if (info[i].codepoint != 0)
			continue;
		uint32_t end = to;
		for (uint32_t j = 0; j < count; j++)
			if (info[j].cluster > info[i].cluster &&
			    info[j].cluster < end)
				end = info[j].cluster;
		for (uint32_t at = info[i].cluster; at < end; at++)
			shaper->missed[at] = true;
		found = true;
	}
	return found;
}

/* HarfBuzz over one run; SHAPED_AGAIN when code points were marked missing. */
static enum shaped
run_buffer(struct shaper *shaper, const struct word *word, struct font *font,
    uint32_t from, uint32_t to)
{
	hb_buffer_t *buffer = shaper->buffer;
	hb_buffer_clear_contents(buffer);
	hb_buffer_add_utf32(
	    buffer, shaper->text, word->count, from, (int)(to - from));
	hb_buffer_set_direction(
	    buffer, word->rtl ? HB_DIRECTION_RTL : HB_DIRECTION_LTR);
	hb_buffer_set_language(buffer, word->language);
	hb_buffer_guess_segment_properties(buffer);
	hb_shape(font->shaper, buffer, NULL, 0);
	if (!hb_buffer_allocation_successful(buffer))
		return SHAPED_NOT;
	if (find_notdef(shaper, to))
		return SHAPED_AGAIN;
	uint32_t count = hb_buffer_get_length(buffer);
	if (count == 0 || shaper->glyph_count + count > SHAPED_MAX) {
		memset(shaper->missed, true, word->count);
		return SHAPED_AGAIN;
	}
	return SHAPED;
}

static enum shaped
shape_run(struct shaper *shaper, const struct word *word, struct font *font,
    uint32_t from, uint32_t to)
{
	enum shaped shaped = run_buffer(shaper, word, font, from, to);
	if (shaped != SHAPED)
		return shaped;
	uint32_t count;
	hb_glyph_info_t *info =
	    hb_buffer_get_glyph_infos(shaper->buffer, &count);
	hb_glyph_position_t *position =
	    hb_buffer_get_glyph_positions(shaper->buffer, NULL);
	struct word_run *run = &shaper->runs[shaper->run_count++];
	*run = (struct word_run){.font = font, .first = shaper->glyph_count};
	int step = word->rtl ? -1 : 1;
	uint32_t at = word->rtl ? count - 1 : 0;
	for (uint32_t left = count; left > 0;) {
		uint32_t cluster = info[at].cluster;
		uint32_t size = 1;
		while (size < left &&
		       info[at + (uint32_t)step * size].cluster == cluster)
			size++;
		left -= size;
		uint32_t end =
		    left > 0 ? info[at + (uint32_t)step * size].cluster : to;
		if (!add_cluster(shaper, font, at, size, step, cluster, end))
			return SHAPED_NOT;
		at += (uint32_t)step * size;
	}
	for (uint32_t i = 0; i < count; i++)
		run->width += position[i].x_advance;
	run->count = shaper->glyph_count - run->first;
	shaper->width += run->width;
	return SHAPED;
}

static enum shaped
shape_once(struct shaper *shaper, const struct word *word)
{
	struct font *fonts[WORD_MAX];
	pick_fonts(shaper, word, fonts);
	shaper->run_count = 0;
	shaper->glyph_count = 0;
	shaper->width = 0;
	for (uint32_t from = 0; from < word->count;) {
		uint32_t to = from + 1;
		while (to < word->count && fonts[to] == fonts[from])
			to++;
		enum shaped shaped =
		    shape_run(shaper, word, fonts[from], from, to);
		if (shaped != SHAPED)
			return shaped;
		from = to;
	}
	return SHAPED;
}

bool
shaper_shape(struct shaper *shaper, const struct word *word)
{
	assert(word->count > 0 && word->count <= WORD_MAX);
	memset(shaper->missed, 0, sizeof shaper->missed);
	enum shaped shaped = SHAPED_AGAIN;
	/* each time again marks one more code point as missing at least */
	for (size_t i = 0; i <= word->count && shaped == SHAPED_AGAIN; i++)
		shaped = shape_once(shaper, word);
	return shaped == SHAPED;
}

void
shaper_wipe(struct shaper *shaper)
{
	hb_buffer_clear_contents(shaper->buffer);
	explicit_bzero(shaper->text, sizeof shaper->text);
	explicit_bzero(shaper->glyphs, sizeof shaper->glyphs);
	shaper->glyph_count = 0;
	shaper->run_count = 0;
}
