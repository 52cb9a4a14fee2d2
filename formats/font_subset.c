/*
 * A TrueType file with just the glyphs of a document (OpenType chapters glyf,
 * loca, hmtx, head, hhea, maxp). Hinting programs are left out: nothing here
 * carries the tables that they would need, and no printer misses them.
 */
#include "formats/font.h"

#include <stdlib.h>
#include <string.h>

/* OpenType glyf: flags of a part of a composite glyph. */
#define PART_WORDS 0x0001
#define PART_SCALE 0x0008
#define PART_MORE 0x0020
#define PART_XY_SCALE 0x0040
#define PART_TWO_BY_TWO 0x0080
#define PART_PROGRAM 0x0100

#define GLYPHS_MAX 65535

struct subset {
	const struct font *font;
	uint32_t *glyphs; /* of the new file: old numbers */
	uint32_t count, capacity;
	uint16_t *number; /* old to new, 0 none; parts only */
	struct buf glyf, loca, hmtx;
};

static uint32_t
get_u16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t
get_u32(const uint8_t *at)
{
	return get_u16(at) << 16 | get_u16(at + 2);
}

static struct span
outline(const struct font *font, uint32_t glyph)
{
	const uint8_t *loca = font->at + font->loca.at;
	uint32_t from;
	uint32_t to;
	if (glyph >= font->glyphs)
		return SPAN_NONE;
	if (font->long_loca) {
		from = get_u32(loca + 4 * (size_t)glyph);
		to = get_u32(loca + 4 * (size_t)glyph + 4);
	} else {
		from = 2 * get_u16(loca + 2 * (size_t)glyph);
		to = 2 * get_u16(loca + 2 * (size_t)glyph + 2);
	}
	if (from >= to || to > font->glyf.size || to - from < 12)
		return SPAN_NONE;
	return span_of(font->at + font->glyf.at + from, to - from);
}

static bool
add_glyph(struct subset *subset, uint32_t glyph)
{
	if (subset->count == subset->capacity) {
		uint32_t capacity = subset->capacity * 2 + 256;
		uint32_t *glyphs = reallocarray(
		    subset->glyphs, capacity, sizeof *subset->glyphs);
		if (glyphs == NULL)
			return false;
		subset->glyphs = glyphs;
		subset->capacity = capacity;
	}
	subset->glyphs[subset->count++] = glyph;
	return true;
}

/* The new number of a part; it is added behind when it has none. */
static uint32_t
number_of_part(struct subset *subset, uint32_t glyph)
{
	if (glyph >= subset->font->glyphs)
		return 0;
	if (subset->number[glyph] == 0) {
		if (subset->count >= GLYPHS_MAX || !add_glyph(subset, glyph))
			return 0;
		subset->number[glyph] = (uint16_t)(subset->count - 1);
	}
	return subset->number[glyph];
}

/* Contours' ends, an empty program, then flags and coordinates as they are. */
static void
copy_simple(struct subset *subset, struct span from)
{
	size_t contours = get_u16(from.at);
	size_t program = 10 + 2 * contours;
	if (program + 2 > from.size)
		return;
	size_t rest = program + 2 + get_u16(from.at + program);
	if (rest > from.size)
		return;
	buf_add(&subset->glyf, from.at, program);
	buf_add_u16(&subset->glyf, 0);
	buf_add(&subset->glyf, from.at + rest, from.size - rest);
}

static void
copy_composite(struct subset *subset, struct span from)
{
	size_t at = 10;
	uint32_t flags = PART_MORE;
	buf_add(&subset->glyf, from.at, 10);
	while ((flags & PART_MORE) != 0 && at + 4 <= from.size) {
		flags = get_u16(from.at + at);
		uint32_t part = get_u16(from.at + at + 2);
		size_t size = flags & PART_WORDS ? 4 : 2;
		if (flags & PART_SCALE)
			size += 2;
		else if (flags & PART_XY_SCALE)
			size += 4;
		else if (flags & PART_TWO_BY_TWO)
			size += 8;
		if (at + 4 + size > from.size)
			return;
		buf_add_u16(
		    &subset->glyf, (uint16_t)(flags & ~(uint32_t)PART_PROGRAM));
		buf_add_u16(
		    &subset->glyf, (uint16_t)number_of_part(subset, part));
		buf_add(&subset->glyf, from.at + at + 4, size);
		at += 4 + size;
	}
}

static void
copy_metrics(struct subset *subset, uint32_t glyph)
{
	const struct font *font = subset->font;
	const uint8_t *hmtx = font->at + font->hmtx.at;
	size_t bearing = glyph < font->metrics
			     ? 4 * (size_t)glyph + 2
			     : 4 * (size_t)font->metrics +
				   2 * (size_t)(glyph - font->metrics);
	buf_add_u16(&subset->hmtx, (uint16_t)font_advance(font, glyph));
	buf_add(&subset->hmtx, hmtx + bearing, 2);
}

static void
copy_glyphs(struct subset *subset)
{
	for (uint32_t i = 0; i < subset->count; i++) {
		uint32_t glyph = subset->glyphs[i];
		struct span from = outline(subset->font, glyph);
		buf_add_u32(&subset->loca, (uint32_t)subset->glyf.size);
		copy_metrics(subset, glyph);
		/* .notdef is never shown, its box would be dead weight */
		if (from.size == 0 || i == 0)
			continue;
		if ((get_u16(from.at) & 0x8000) == 0)
			copy_simple(subset, from);
		else
			copy_composite(subset, from);
		while (subset->glyf.size % 4 != 0)
			buf_add_byte(&subset->glyf, 0);
	}
	buf_add_u32(&subset->loca, (uint32_t)subset->glyf.size);
}

static uint32_t
checksum(struct span table)
{
	uint32_t sum = 0;
	size_t i = 0;
	for (; i + 4 <= table.size; i += 4)
		sum += get_u32(table.at + i);
	for (size_t shift = 24; i < table.size; i++, shift -= 8)
		sum += (uint32_t)table.at[i] << shift;
	return sum;
}

static void
put_u16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void
write_file(struct subset *subset, struct buf *out)
{
	const struct font *font = subset->font;
	uint8_t head[54];
	uint8_t hhea[36];
	uint8_t maxp[32];
	memcpy(head, font->at + font->head.at, sizeof head);
	memcpy(hhea, font->at + font->hhea.at, sizeof hhea);
	memcpy(maxp, font->at + font->maxp.at, sizeof maxp);
	memset(head + 8, 0, 4); /* checkSumAdjustment: of no file in a PDF */
	put_u16(head + 50, 1);  /* indexToLocFormat: long */
	put_u16(hhea + 34, subset->count);
	put_u16(maxp + 4, subset->count);
	memset(maxp + 14, 0, 14); /* no programs: no zones, no storage */
	put_u16(maxp + 14, 2);
	const struct {
		const char *tag;
		struct span data;
	} tables[] = {{"glyf", buf_span(&subset->glyf)},
	    {"head", span_of(head, sizeof head)},
	    {"hhea", span_of(hhea, sizeof hhea)},
	    {"hmtx", buf_span(&subset->hmtx)},
	    {"loca", buf_span(&subset->loca)},
	    {"maxp", span_of(maxp, sizeof maxp)}};
	const size_t count = sizeof tables / sizeof *tables;
	size_t at = 12 + 16 * count;
	buf_add(out, "\0\1\0\0\0\6\0\100\0\2\0\40", 12);
	for (size_t i = 0; i < count; i++) {
		buf_add(out, tables[i].tag, 4);
		buf_add_u32(out, checksum(tables[i].data));
		buf_add_u32(out, (uint32_t)at);
		buf_add_u32(out, (uint32_t)tables[i].data.size);
		at += (tables[i].data.size + 3) / 4 * 4;
	}
	for (size_t i = 0; i < count; i++) {
		buf_add_span(out, tables[i].data);
		while (out->size % 4 != 0)
			buf_add_byte(out, 0);
	}
}

void
font_subset(const struct font *font, struct buf *out)
{
	struct subset subset = {.font = font};
	size_t most = (size_t)font->glyf.size * 4 + (GLYPHS_MAX + 1) * 4;
	buf_init(&subset.glyf, most);
	buf_init(&subset.loca, most);
	buf_init(&subset.hmtx, most);
	subset.number = calloc(font->glyphs, sizeof *subset.number);
	bool ok = subset.number != NULL && add_glyph(&subset, 0);
	for (uint32_t i = 0; ok && i < font->used_count; i++)
		ok = add_glyph(&subset, font->signs[font->used[i]].glyph);
	if (ok)
		copy_glyphs(&subset);
	if (ok && buf_ok(&subset.glyf) && buf_ok(&subset.loca) &&
	    buf_ok(&subset.hmtx))
		write_file(&subset, out);
	else
		buf_room(out, SIZE_MAX);
	buf_clear(&subset.glyf);
	buf_clear(&subset.loca);
	buf_clear(&subset.hmtx);
	free(subset.number);
	free(subset.glyphs);
}
