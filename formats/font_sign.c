/* Signs: glyphs with the text that they stand for, numbered per font. */
#include "formats/font.h"

#include <stdlib.h>
#include <string.h>

static uint32_t
hash_of(uint32_t glyph, const uint32_t *text, uint32_t count)
{
	uint32_t hash = glyph * UINT32_C(2654435761);
	for (uint32_t i = 0; i < count; i++)
		hash = (hash ^ text[i]) * UINT32_C(16777619);
	return hash ^ hash >> 15;
}

static void
insert(struct font *font, uint32_t sign)
{
	uint32_t mask = font->slot_count - 1;
	uint32_t slot = font->signs[sign].hash & mask;
	while (font->slots[slot] != 0)
		slot = (slot + 1) & mask;
	font->slots[slot] = sign + 1;
}

static void
insert_all(struct font *font)
{
	if (font->slot_count == 0)
		return;
	memset(font->slots, 0, font->slot_count * sizeof *font->slots);
	for (uint32_t i = 0; i < font->sign_count; i++)
		insert(font, i);
}

/* Room for one more sign; the table is at most half full. */
static bool
reserve_sign(struct font *font)
{
	if (font->sign_count < font->sign_capacity)
		return true;
	uint32_t capacity = font->sign_capacity * 2 + 128;
	struct font_sign *signs =
	    reallocarray(font->signs, capacity, sizeof *signs);
	if (signs != NULL)
		font->signs = signs;
	uint16_t *cids = reallocarray(font->cids, capacity, sizeof *cids);
	if (cids != NULL)
		font->cids = cids;
	uint32_t slot_count = 256;
	while (slot_count < 2 * capacity)
		slot_count *= 2;
	uint32_t *slots = reallocarray(font->slots, slot_count, sizeof *slots);
	if (slots != NULL)
		font->slots = slots;
	if (signs == NULL || cids == NULL || slots == NULL)
		return false;
	memset(cids + font->sign_capacity, 0,
	    (capacity - font->sign_capacity) * sizeof *cids);
	font->sign_capacity = capacity;
	font->slot_count = slot_count;
	insert_all(font);
	return true;
}

static bool
reserve_text(struct font *font, uint32_t count)
{
	if (font->text_count + count <= font->text_capacity)
		return true;
	uint32_t capacity = font->text_capacity * 2 + count + 128;
	uint32_t *texts = reallocarray(font->texts, capacity, sizeof *texts);
	if (texts == NULL)
		return false;
	font->texts = texts;
	font->text_capacity = capacity;
	return true;
}

uint32_t
font_sign(
    struct font *font, uint32_t glyph, const uint32_t *text, uint32_t count)
{
	uint32_t hash = hash_of(glyph, text, count);
	uint32_t mask = font->slot_count - 1;
	for (uint32_t slot = hash; font->slot_count > 0; slot++) {
		uint32_t found = font->slots[slot & mask];
		if (found == 0)
			break;
		const struct font_sign *sign = &font->signs[found - 1];
		if (sign->hash == hash && sign->glyph == glyph &&
		    sign->count == count &&
		    memcmp(font->texts + sign->text, text,
			count * sizeof *text) == 0)
			return found - 1;
	}
	if (!reserve_sign(font) || !reserve_text(font, count))
		return UINT32_MAX;
	uint32_t sign = font->sign_count++;
	font->signs[sign] = (struct font_sign){glyph, hash, font->text_count,
	    (uint16_t)count, font_width(font, glyph)};
	memcpy(font->texts + font->text_count, text, count * sizeof *text);
	font->text_count += count;
	insert(font, sign);
	return sign;
}

void
font_signs_keep(struct font *font)
{
	font->sign_kept = font->sign_count;
	font->text_kept = font->text_count;
}

void
font_signs_forget(struct font *font)
{
	if (font->sign_count == font->sign_kept)
		return;
	explicit_bzero(font->texts + font->text_kept,
	    (font->text_count - font->text_kept) * sizeof *font->texts);
	memset(font->cids, 0, font->sign_capacity * sizeof *font->cids);
	font->sign_count = font->sign_kept;
	font->text_count = font->text_kept;
	insert_all(font);
}
