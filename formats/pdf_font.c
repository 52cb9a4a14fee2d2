/*
 * Fonts in the file (ISO 32000-1, 9.7): Type 0 with Identity-H, the subset's
 * glyph n being CID n, and a ToUnicode map that gives each CID its own text.
 */
#include "formats/pdf_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Parts of composite glyphs need numbers behind those of the CIDs. */
#define CIDS_MAX 55000

static void
add_hex(struct buf *out, uint32_t code_point)
{
	uint32_t low = code_point;
	if (code_point > 0xFFFF) {
		buf_printf(out, "%04X", 0xD800 | (code_point - 0x10000) >> 10);
		low = 0xDC00 | ((code_point - 0x10000) & 0x3FF);
	}
	static const char digits[] = "0123456789ABCDEF";
	char text[4] = {digits[low >> 12 & 15], digits[low >> 8 & 15],
	    digits[low >> 4 & 15], digits[low & 15]};
	buf_add(out, text, sizeof text);
}

static void
write_unicode(struct pdf *pdf, const struct font *font, uint32_t number)
{
	struct buf *map = &pdf->scratch;
	buf_reset(map);
	buf_add_text(map,
	    "/CIDInit/ProcSet findresource begin 12 dict begin begincmap"
	    "/CIDSystemInfo<</Registry(Adobe)/Ordering(UCS)/Supplement 0>>def"
	    "/CMapName/Adobe-Identity-UCS def/CMapType 2 def\n"
	    "1 begincodespacerange<0000><FFFF>endcodespacerange\n");
	for (uint32_t i = 0; i < font->used_count; i++) {
		const struct font_sign *sign = &font->signs[font->used[i]];
		uint32_t left = font->used_count - i;
		if (i % 100 == 0) {
			pdf_add_int(map, left < 100 ? left : 100);
			buf_add_text(map, " beginbfchar\n");
		}
		buf_add_byte(map, '<');
		add_hex(map, i + 1);
		buf_add_text(map, "><");
		for (uint32_t j = 0; j < sign->count; j++)
			add_hex(map, font->texts[sign->text + j]);
		buf_add_text(map, ">\n");
		if (i % 100 == 99 || left == 1)
			buf_add_text(map, "endbfchar\n");
	}
	buf_add_text(map,
	    "endcmap CMapName currentdict/CMap defineresource pop end end");
	pdf_stream(&pdf->objects, number, "", buf_span(map), PDF_DEFLATE);
}

/* The subset; its tag (six letters, 9.6.4) comes from its bytes. */
static void
write_file(
    struct pdf *pdf, const struct font *font, uint32_t number, char tag[8])
{
	struct buf *file = &pdf->scratch;
	char dictionary[40];
	buf_reset(file);
	font_subset(font, file);
	if (!buf_ok(file)) {
		pdf_fail(pdf, WHY_NOMEM, "no memory for a font");
		buf_reset(file);
	}
	uint64_t hash = pdf_hash(buf_span(file), 3);
	for (size_t i = 0; i < 6; i++, hash /= 26)
		tag[i] = (char)('A' + hash % 26);
	tag[6] = '+';
	tag[7] = '\0';
	snprintf(dictionary, sizeof dictionary, "/Length1 %zu", file->size);
	pdf_stream(
	    &pdf->objects, number, dictionary, buf_span(file), PDF_DEFLATE);
}

static void
write_widths(struct buf *out, const struct font *font)
{
	buf_add_text(out, "/CIDToGIDMap/Identity/DW 0/W[1[");
	for (uint32_t i = 0; i < font->used_count; i++) {
		pdf_add_int(out, font->signs[font->used[i]].width);
		buf_add_byte(out, ' ');
	}
	buf_add_text(out, "]]>>");
}

/* Write the font with the CIDs given so far and forget them. */
static void
write_font(struct pdf *pdf, struct font *font)
{
	struct pdf_objects *objects = &pdf->objects;
	uint32_t top = pdf_object_new(objects);
	uint32_t descendant = pdf_object_new(objects);
	uint32_t descriptor = pdf_object_new(objects);
	uint32_t file = pdf_object_new(objects);
	uint32_t unicode = pdf_object_new(objects);
	char tag[8];
	write_file(pdf, font, file, tag);
	write_unicode(pdf, font, unicode);
	struct buf *out = pdf_object_begin(objects, top);
	buf_printf(out,
	    "<</Type/Font/Subtype/Type0/BaseFont/%s%s/Encoding/Identity-H"
	    "/DescendantFonts[%u 0 R]/ToUnicode %u 0 R>>",
	    tag, font->name, descendant, unicode);
	pdf_object_end(objects);
	out = pdf_object_begin(objects, descendant);
	buf_printf(out,
	    "<</Type/Font/Subtype/CIDFontType2/BaseFont/%s%s/CIDSystemInfo"
	    "<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
	    "/FontDescriptor %u 0 R",
	    tag, font->name, descriptor);
	write_widths(out, font);
	pdf_object_end(objects);
	out = pdf_object_begin(objects, descriptor);
	buf_printf(out,
	    "<</Type/FontDescriptor/FontName/%s%s/Flags 4"
	    "/FontBBox[%d %d %d %d]/ItalicAngle %d/Ascent %d/Descent %d"
	    "/CapHeight %d/StemV %d/FontFile2 %u 0 R>>",
	    tag, font->name, font->box[0], font->box[1], font->box[2],
	    font->box[3], font->italic_angle, font->ascent, font->descent,
	    font->cap_height, font->stem, file);
	pdf_object_end(objects);
	buf_printf(&pdf->font_names, "/F%u %u 0 R", font->number, top);
	for (uint32_t i = 0; i < font->used_count; i++)
		font->cids[font->used[i]] = 0;
	font->used_count = 0;
	font->number = 0;
}

uint16_t
pdf_cid(struct pdf *pdf, struct font *font, uint32_t sign)
{
	if (font->cids[sign] != 0)
		return font->cids[sign];
	if (font->used_count == CIDS_MAX)
		write_font(pdf, font);
	uint32_t *used = pdf_grow(pdf, font->used, font->used_count,
	    &font->used_capacity, sizeof *used);
	if (used == NULL)
		return 0;
	font->used = used;
	if (font->number == 0)
		font->number = ++pdf->font_count;
	used[font->used_count++] = sign;
	font->cids[sign] = (uint16_t)font->used_count;
	return font->cids[sign];
}

void
pdf_fonts_write(struct pdf *pdf)
{
	struct font *font;
	for (size_t i = 0; (font = font_set_at(pdf->fonts->set, i)) != NULL;
	     i++)
		if (font->used_count > 0)
			write_font(pdf, font);
}

void
pdf_fonts_reset(struct pdf_fonts *fonts)
{
	struct font *font;
	for (size_t i = 0; (font = font_set_at(fonts->set, i)) != NULL; i++) {
		for (uint32_t j = 0; j < font->used_count; j++)
			font->cids[font->used[j]] = 0;
		font->used_count = 0;
		font->number = 0;
	}
}
