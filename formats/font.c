/* One TrueType file; see font.h. The files are trusted (a package that the
 * administrator installed), yet every table is checked for lying inside. */
#include "formats/font.h"

#include <errno.h>
#include <fcntl.h>
#include <harfbuzz/hb-ot.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static uint32_t
u16_at(const struct font *font, size_t at)
{
	return (uint32_t)font->at[at] << 8 | font->at[at + 1];
}

static uint32_t
u32_at(const struct font *font, size_t at)
{
	return u16_at(font, at) << 16 | u16_at(font, at + 2);
}

static int
thousandths(const struct font *font, size_t at)
{
	int value = (int16_t)u16_at(font, at);
	return value * 1000 / (int)font->units;
}

/* OpenType "Organization of an OpenType font": 12 bytes, then 16 per table. */
static bool
find_table(const struct font *font, const char *tag, uint32_t least,
    struct font_table *table)
{
	uint32_t count = u16_at(font, 4);
	for (uint32_t i = 0; i < count; i++) {
		size_t entry = 12 + 16 * (size_t)i;
		if (entry + 16 > font->size)
			return false;
		if (memcmp(font->at + entry, tag, 4) != 0)
			continue;
		table->at = u32_at(font, entry + 8);
		table->size = u32_at(font, entry + 12);
		return table->at <= font->size &&
		       table->size <= font->size - table->at &&
		       table->size >= least;
	}
	return false;
}

static bool
read_figures(struct font *font)
{
	if (font->size < 12 || u32_at(font, 0) != 0x00010000 ||
	    !find_table(font, "head", 54, &font->head) ||
	    !find_table(font, "hhea", 36, &font->hhea) ||
	    !find_table(font, "maxp", 32, &font->maxp) ||
	    !find_table(font, "glyf", 0, &font->glyf))
		return false;
	font->units = u16_at(font, font->head.at + 18);
	font->glyphs = u16_at(font, font->maxp.at + 4);
	font->metrics = u16_at(font, font->hhea.at + 34);
	font->long_loca = u16_at(font, font->head.at + 50) != 0;
	if (font->units < 16 || font->glyphs == 0 || font->metrics == 0 ||
	    font->metrics > font->glyphs)
		return false;
	uint32_t loca = (font->glyphs + 1) * (font->long_loca ? 4 : 2);
	uint32_t hmtx = 2 * font->metrics + 2 * font->glyphs;
	if (!find_table(font, "loca", loca, &font->loca) ||
	    !find_table(font, "hmtx", hmtx, &font->hmtx))
		return false;
	for (size_t i = 0; i < 4; i++)
		font->box[i] = thousandths(font, font->head.at + 36 + 2 * i);
	font->ascent = thousandths(font, font->hhea.at + 4);
	font->descent = thousandths(font, font->hhea.at + 6);
	font->cap_height = 714;
	struct font_table os2;
	if (find_table(font, "OS/2", 90, &os2) && u16_at(font, os2.at) >= 2)
		font->cap_height = thousandths(font, os2.at + 88);
	return true;
}

static int
make_shaper(struct font *font, const char *path)
{
	hb_blob_t *blob = hb_blob_create((const char *)font->at,
	    (unsigned int)font->size, HB_MEMORY_MODE_READONLY, NULL, NULL);
	hb_face_t *face = hb_face_create(blob, 0);
	hb_blob_destroy(blob);
	hb_face_make_immutable(face);
	font->shaper = hb_font_create(face);
	hb_font_set_scale(font->shaper, 1000, 1000);
	hb_ot_font_set_funcs(font->shaper);
	unsigned int size = sizeof font->name;
	hb_ot_name_get_utf8(face, HB_OT_NAME_ID_POSTSCRIPT_NAME,
	    HB_LANGUAGE_INVALID, &size, font->name);
	hb_face_destroy(face);
	for (const char *at = font->name; *at != '\0'; at++)
		if (strchr(" ()<>[]{}/%#", *at) != NULL || *at < 0)
			return -1;
	font->italic_angle = strstr(path, "Italic") != NULL ? -12 : 0;
	font->stem = strstr(path, "Bold") != NULL ? 140 : 80;
	return font->name[0] == '\0' ? -1 : 0;
}

int
font_open(struct font *font, const char *path, struct why *why)
{
	struct stat stat;
	memset(font, 0, sizeof *font);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return why_set(why, WHY_NOT_FOUND, "no font %s", path);
	if (fd < 0 || fstat(fd, &stat) != 0) {
		int code = why_errno(why, "font %s", path);
		if (fd >= 0)
			close(fd);
		return code;
	}
	font->size = (size_t)stat.st_size;
	void *map = font->size == 0 || font->size > UINT32_MAX
			? MAP_FAILED
			: mmap(NULL, font->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (map == MAP_FAILED) {
		font->size = 0;
		return why_set(
		    why, WHY_MALFORMED, "font %s cannot be mapped", path);
	}
	font->at = map;
	if (!read_figures(font) || make_shaper(font, path) != 0) {
		font_close(font);
		return why_set(why, WHY_MALFORMED,
		    "font %s is not a TrueType font with outlines", path);
	}
	return 0;
}

void
font_close(struct font *font)
{
	hb_font_destroy(font->shaper);
	if (font->at != NULL)
		munmap((void *)(uintptr_t)font->at, font->size);
	free(font->signs);
	free(font->texts);
	free(font->slots);
	free(font->cids);
	free(font->used);
	memset(font, 0, sizeof *font);
}

uint32_t
font_glyph(const struct font *font, uint32_t code_point)
{
	hb_codepoint_t glyph = 0;
	if (!hb_font_get_nominal_glyph(font->shaper, code_point, &glyph))
		return 0;
	return glyph;
}

uint32_t
font_advance(const struct font *font, uint32_t glyph)
{
	if (glyph >= font->metrics)
		glyph = font->metrics - 1;
	return u16_at(font, font->hmtx.at + 4 * (size_t)glyph);
}

uint16_t
font_width(const struct font *font, uint32_t glyph)
{
	return (uint16_t)((font_advance(font, glyph) * 1000 + font->units / 2) /
			  font->units);
}
