/*
 * font - the pinned TrueType fonts: mapped files, their figures, and which
 * font has which character. All lengths are in 1/1000 of the type size.
 *
 * Private to the PDF writer. No font is searched for: the list is in
 * font_set.c, so the same text gives the same glyphs on every machine with the
 * same font package.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

#include <harfbuzz/hb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FONT_MISSING UINT32_C(0xFFFD) /* drawn for what no font has */

enum font_style { FONT_REGULAR, FONT_BOLD, FONT_ITALIC, FONT_BOLD_ITALIC };
#define FONT_STYLES 4

/* A table of the file: its place and size. */
struct font_table {
	uint32_t at, size;
};

/* A glyph that stands for a text: what a PDF calls a CID, before a document
 * gives it a number. The same glyph with another text is another one, so that
 * text extraction is always exact. */
struct font_sign {
	uint32_t glyph;
	uint32_t hash;
	uint32_t text;  /* index into font.texts */
	uint16_t count; /* code points there, 1 at least */
	uint16_t width; /* advance in the file's hmtx */
};

struct font {
	const uint8_t *at; /* the mapped file */
	size_t size;
	hb_font_t *shaper;
	char name[64]; /* PostScript name */
	uint32_t units;
	int ascent, descent, cap_height, italic_angle, stem;
	int box[4];
	struct font_table glyf, head, hhea, hmtx, loca, maxp;
	uint32_t glyphs, metrics;
	bool long_loca;

	/* signs met so far; kept ones come first */
	struct font_sign *signs;
	uint32_t *texts;
	uint32_t *slots; /* hash table of sign + 1 */
	uint32_t sign_count, sign_capacity, sign_kept;
	uint32_t text_count, text_capacity, text_kept;
	uint32_t slot_count; /* a power of two */

	/* the document being written: CIDs given, in order of appearance */
	uint16_t *cids; /* by sign, 0 none; as long as sign_capacity */
	uint32_t *used; /* sign of CID i + 1 */
	uint32_t used_count, used_capacity;
	uint32_t number; /* resource /F number, 0 none */
};

/* Map a file. WHY_NOT_FOUND, WHY_SYSTEM, WHY_MALFORMED. */
int font_open(struct font *font, const char *path, struct why *why);
void font_close(struct font *font);

/* Glyph of a code point, 0 when the font has none. */
uint32_t font_glyph(const struct font *font, uint32_t code_point);
uint32_t font_advance(const struct font *font, uint32_t glyph); /* units */
uint16_t font_width(const struct font *font, uint32_t glyph);   /* 1/1000 */

/* The sign of a glyph with a text (count >= 1); UINT32_MAX without memory. */
uint32_t font_sign(
    struct font *font, uint32_t glyph, const uint32_t *text, uint32_t count);
void font_signs_keep(struct font *font);   /* all so far survive forget */
void font_signs_forget(struct font *font); /* all that are not kept */

/*
 * Append a TrueType file whose glyph n is that of CID n, for the CIDs given so
 * far; 0 is an empty .notdef. Composite glyphs' parts follow behind.
 */
void font_subset(const struct font *font, struct buf *out);

/* ---- the set ---- */

struct font_set;

int font_set_open(const char *dir, struct font_set **out, struct why *why);
void font_set_close(struct font_set *set);
size_t font_set_absent(const struct font_set *set);

/* The font of the first rank, which every text without special wishes has. */
struct font *font_set_first(struct font_set *set, enum font_style style);

/* The font for a code point: previous (may be NULL) where marks and joiners
 * stay with it, else the first in rank that has it; NULL when none has. */
struct font *font_set_pick(struct font_set *set, uint32_t code_point,
    enum font_style style, struct font *previous);

/* All fonts, for going through them: i from 0 on until NULL. */
struct font *font_set_at(struct font_set *set, size_t i);
