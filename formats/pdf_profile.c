/*
 * The colour profile that the output intent names: sRGB (IEC 61966-2-1) as a
 * matrix profile of ICC.1:2001-04, built here so that no file is needed.
 */
#include "formats/pdf_priv.h"

#include <math.h>
#include <string.h>

#define CURVE_POINTS 1024

static void
add_tag(struct buf *out, const char *name, uint32_t at, uint32_t size)
{
	buf_add(out, name, 4);
	buf_add_u32(out, at);
	buf_add_u32(out, size);
}

/* XYZType with s15Fixed16 numbers. */
static void
add_xyz(struct buf *out, uint32_t x, uint32_t y, uint32_t z)
{
	buf_add(out, "XYZ \0\0\0\0", 8);
	buf_add_u32(out, x);
	buf_add_u32(out, y);
	buf_add_u32(out, z);
}

/* The transfer curve by IEC 61966-2-1; values in whole 1/65535, where the last
 * bit of pow() does not show. */
static void
add_curve(struct buf *out)
{
	buf_add(out, "curv\0\0\0\0", 8);
	buf_add_u32(out, CURVE_POINTS);
	for (int i = 0; i < CURVE_POINTS; i++) {
		double v = i / (double)(CURVE_POINTS - 1);
		double linear =
		    v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
		buf_add_u16(out, (uint16_t)(linear * 65535 + 0.5));
	}
}

static void
add_header(struct buf *out, uint32_t size)
{
	static const char rest[] = "mntrRGB XYZ "
				   "\x07\xEA\0\1\0\1\0\0\0\0\0\0" /* 2026 */
				   "acsp\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
				   "\0\0\0\0\0\0\0\0\0\0\0\0";
	buf_add_u32(out, size);
	buf_add_u32(out, 0);          /* preferred CMM: none */
	buf_add_u32(out, 0x02100000); /* version 2.1 */
	buf_add(out, rest, 12 + 12 + 40 - 8);
	buf_add_u32(out, 0xF6D6); /* D50 */
	buf_add_u32(out, 0x10000);
	buf_add_u32(out, 0xD32D);
	while (out->size < 128)
		buf_add_byte(out, 0);
}

/* textDescriptionType: ASCII, then empty Unicode and ScriptCode parts. */
static void
add_description(struct buf *out)
{
	size_t start = out->size;
	buf_add(out, "desc\0\0\0\0", 8);
	buf_add_u32(out, 5);
	buf_add(out, "sRGB", 5);
	while (out->size < start + 96)
		buf_add_byte(out, 0);
}

bool
pdf_profile_build(struct buf *out)
{
	enum {
		TAGS = 9,
		DESC = 128 + 4 + TAGS * 12,
		COPY = DESC + 96,
		WHITE = COPY + 24,
		RED = WHITE + 20,
		GREEN = RED + 20,
		BLUE = GREEN + 20,
		CURVE = BLUE + 20,
		CURVE_SIZE = 12 + 2 * CURVE_POINTS,
		END = CURVE + CURVE_SIZE
	};
	add_header(out, END);
	buf_add_u32(out, TAGS);
	add_tag(out, "desc", DESC, 96);
	add_tag(out, "cprt", COPY, 24);
	add_tag(out, "wtpt", WHITE, 20);
	add_tag(out, "rXYZ", RED, 20);
	add_tag(out, "gXYZ", GREEN, 20);
	add_tag(out, "bXYZ", BLUE, 20);
	add_tag(out, "rTRC", CURVE, CURVE_SIZE);
	add_tag(out, "gTRC", CURVE, CURVE_SIZE);
	add_tag(out, "bTRC", CURVE, CURVE_SIZE);
	add_description(out);
	buf_add(out, "text\0\0\0\0public domain\0\0\0", 24);
	add_xyz(out, 0xF351, 0x10000, 0x116CC); /* D65 */
	add_xyz(out, 0x6FA2, 0x38F5, 0x0390);   /* adapted to D50 */
	add_xyz(out, 0x6299, 0xB785, 0x18DA);
	add_xyz(out, 0x24A0, 0x0F84, 0xB6CF);
	add_curve(out);
	return buf_ok(out) && out->size == END;
}
