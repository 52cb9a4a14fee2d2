/*
 * pdf - a document tree as a tagged PDF 1.7 file, written to the rules of
 * PDF/A-2a (ISO 19005-2) and PDF/UA-1 (ISO 14289-1) at once.
 *
 * The bytes depend on the tree, the fonts and this program only. No text makes
 * it fail and none is left out: a character that no pinned font has is drawn
 * as U+FFFD and reported.
 */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "base/why.h"

#include <stddef.h>

struct document;
struct document_notes;
struct pdf_fonts;

#define PDF_FONTS_DIR "/usr/share/fonts/truetype/noto"

/*
 * Map the pinned fonts from dir (NULL: PDF_FONTS_DIR) and get everything ready
 * that needs a file; afterwards no call here opens one, so this is done before
 * the jail. WHY_NOT_FOUND when a font of the first rank is absent (Debian
 * package fonts-noto-core), WHY_MALFORMED when a file is not a TrueType font.
 * *out is the caller's: pdf_fonts_close(). For one thread.
 */
int pdf_fonts_open(const char *dir, const struct limits *limits,
    struct pdf_fonts **out, struct why *why);
void pdf_fonts_close(struct pdf_fonts *fonts); /* NULL is fine */

/* Fonts that were looked for and not found (fewer scripts can be drawn). */
size_t pdf_fonts_absent(const struct pdf_fonts *fonts);

/*
 * Append the file to out (whose max bounds it). notes gets the characters that
 * no font has added (DOCUMENT_MISSING); it may be NULL. 0, or WHY_TOO_LARGE
 * (naming the limit), WHY_NOMEM, or the document's own stuck error.
 */
int pdf_build(struct pdf_fonts *fonts, const struct document *document,
    struct buf *out, struct document_notes *notes, struct why *why);

/*
 * Words that every document of a profile has (labels, headings): shaped once
 * and remembered through pdf_caches_clear(). text is a lent UTF-8 text in
 * Norwegian or English; more calls add to what is kept.
 */
void pdf_words_keep(struct pdf_fonts *fonts, struct span text);

/* Forget all words and texts of earlier documents: they are personal data.
 * Call it after each document. */
void pdf_caches_clear(struct pdf_fonts *fonts);
