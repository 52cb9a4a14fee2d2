/*
 * A document tree as a PDF file; see pdf.h.
 *
 * SECURITY: the texts are a sender's, filtered by the tree. No text gets into
 * the file's syntax: it becomes glyph numbers, hex digits, or escaped XML. No
 * file is opened after pdf_fonts_open().
 */
#include "formats/pdf_priv.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Chosen by measuring: see the bench; higher levels cost more than all else
 * together and save a twentieth of the bytes. */
#define DEFLATE_LEVEL 1

void
pdf_fail(struct pdf *pdf, int code, const char *text)
{
	if (pdf->code == 0)
		pdf->code = why_set(&pdf->why, code, "%s", text);
}

bool
pdf_going(const struct pdf *pdf)
{
	return pdf->code == 0;
}

void *
pdf_grow(
    struct pdf *pdf, void *at, uint32_t count, uint32_t *capacity, size_t size)
{
	if (pdf->code != 0)
		return NULL;
	if (count < *capacity)
		return at;
	uint32_t more = *capacity * 2 + 16;
	void *grown = reallocarray(at, more, size);
	if (grown == NULL) {
		pdf_fail(pdf, WHY_NOMEM, "no memory for a PDF");
		return NULL;
	}
	*capacity = more;
	return grown;
}

static int
prepare(struct pdf_fonts *fonts, const char *dir, const struct limits *limits,
    struct why *why)
{
	struct buf profile;
	tzset(); /* reads /etc/localtime, as the first use of a time would */
	int code = font_set_open(dir, &fonts->set, why);
	if (code != 0)
		return code;
	code = words_open(
	    fonts->set, limits->word_cache_bytes, &fonts->words, why);
	if (code != 0)
		return code;
	fonts->deflate = libdeflate_alloc_compressor(DEFLATE_LEVEL);
	fonts->slots = calloc(PDF_SLOTS, sizeof *fonts->slots);
	buf_init(&profile, 64 * KIB);
	buf_init(&fonts->profile, 64 * KIB);
	bool ok = fonts->deflate != NULL && fonts->slots != NULL &&
		  pdf_profile_build(&profile);
	if (ok)
		pdf_deflate(
		    fonts->deflate, buf_span(&profile), &fonts->profile);
	ok = ok && buf_ok(&fonts->profile);
	buf_clear(&profile);
	if (!ok)
		return why_set(why, WHY_NOMEM, "no memory for the PDF writer");
	return 0;
}

int
pdf_fonts_open(const char *dir, const struct limits *limits,
    struct pdf_fonts **out, struct why *why)
{
	struct pdf_fonts *fonts = calloc(1, sizeof *fonts);
	if (fonts == NULL)
		return why_set(why, WHY_NOMEM, "no memory for the PDF writer");
	int code =
	    prepare(fonts, dir == NULL ? PDF_FONTS_DIR : dir, limits, why);
	if (code != 0) {
		pdf_fonts_close(fonts);
		return code;
	}
	*out = fonts;
	return 0;
}

void
pdf_fonts_close(struct pdf_fonts *fonts)
{
	if (fonts == NULL)
		return;
	for (size_t i = 0; fonts->slots != NULL && i < PDF_SLOTS; i++) {
		pdf_text_clear(&fonts->slots[i].text);
		text_layout_clear(&fonts->slots[i].layout);
	}
	free(fonts->slots);
	words_close(fonts->words);
	font_set_close(fonts->set);
	libdeflate_free_compressor(fonts->deflate);
	buf_clear(&fonts->profile);
	free(fonts);
}

size_t
pdf_fonts_absent(const struct pdf_fonts *fonts)
{
	return font_set_absent(fonts->set);
}

void
pdf_caches_clear(struct pdf_fonts *fonts)
{
	words_forget(fonts->words);
	for (size_t i = 0; i < PDF_SLOTS; i++) {
		pdf_text_clear(&fonts->slots[i].text);
		text_layout_wipe(&fonts->slots[i].layout);
	}
}

void
pdf_words_keep(struct pdf_fonts *fonts, struct span text)
{
	struct document document = {.language = "nb"};
	struct pdf pdf = {.fonts = fonts, .document = &document};
	struct pdf_slot *slot = pdf_slot_take(&pdf);
	static const enum font_style styles[] = {FONT_REGULAR, FONT_BOLD};
	words_keep_begin(fonts->words);
	for (size_t i = 0; i < 2; i++) {
		pdf_text_set(&pdf, &slot->text, text);
		if (pdf_going(&pdf)) {
			slot->text.spans[0].style = styles[i];
			text_layout(&slot->layout, fonts->words,
			    &slot->text.text, 0, INT32_MAX / 2);
		}
	}
	pdf_slot_give(&pdf, slot);
	words_keep_end(fonts->words);
}

static void
write_resources(struct pdf *pdf)
{
	struct buf *out =
	    pdf_object_begin(&pdf->objects, pdf->resources_object);
	buf_add_text(out, "<</Font<<");
	buf_add_span(out, buf_span(&pdf->font_names));
	buf_add_text(out, ">>");
	if (pdf->picture_count > 0) {
		buf_add_text(out, "/XObject<<");
		buf_add_span(out, buf_span(&pdf->picture_names));
		buf_add_text(out, ">>");
	}
	buf_add_text(out, ">>");
	pdf_object_end(&pdf->objects);
}

static uint32_t
write_catalog(struct pdf *pdf)
{
	struct pdf_objects *objects = &pdf->objects;
	uint32_t metadata = pdf_metadata_write(pdf);
	uint32_t outline = pdf_bookmarks_write(pdf);
	uint32_t profile = pdf_object_new(objects);
	pdf_stream(objects, profile, "/N 3", buf_span(&pdf->fonts->profile),
	    PDF_PACKED);
	uint32_t catalog = pdf_object_new(objects);
	struct buf *out = pdf_object_begin(objects, catalog);
	buf_printf(out,
	    "<</Type/Catalog/Pages %u 0 R/StructTreeRoot %u 0 R"
	    "/MarkInfo<</Marked true>>/Lang(%s)"
	    "/ViewerPreferences<</DisplayDocTitle true>>/Metadata %u 0 R"
	    "/OutputIntents[<</Type/OutputIntent/S/GTS_PDFA1"
	    "/OutputConditionIdentifier(sRGB)/Info(sRGB IEC61966-2.1)"
	    "/DestOutputProfile %u 0 R>>]",
	    pdf->pages_object, pdf->structure_object, pdf->document->language,
	    metadata, profile);
	if (outline != 0)
		buf_printf(out, "/Outlines %u 0 R", outline);
	buf_add_text(out, ">>");
	pdf_object_end(objects);
	return catalog;
}

static void
start(struct pdf *pdf, struct buf *out)
{
	pdf->mark = PDF_NO_MARK;
	pdf_fonts_reset(pdf->fonts);
	pdf->fonts->slots_taken = 0;
	pdf_objects_init(&pdf->objects, out, pdf->fonts->deflate);
	buf_init(&pdf->scratch, PDF_ROOM);
	buf_init(&pdf->font_names, PDF_ROOM);
	buf_init(&pdf->picture_names, PDF_ROOM);
	pdf->pages_object = pdf_object_new(&pdf->objects);
	pdf->resources_object = pdf_object_new(&pdf->objects);
	pdf->structure_object = pdf_object_new(&pdf->objects);
}

static void
finish(struct pdf *pdf)
{
	for (uint32_t i = 0; i < pdf->page_count; i++) {
		buf_wipe(&pdf->pages[i].content);
		free(pdf->pages[i].owners);
	}
	for (uint32_t i = 0; i < pdf->string_count; i++)
		free(pdf->strings[i]);
	free(pdf->strings);
	free(pdf->elements);
	free(pdf->kids);
	free(pdf->pages);
	free(pdf->annotations);
	free(pdf->bookmarks);
	free(pdf->decorations);
	free(pdf->left);
	free(pdf->order);
	buf_clear(&pdf->scratch);
	buf_clear(&pdf->font_names);
	buf_clear(&pdf->picture_names);
	pdf_objects_clear(&pdf->objects);
	pdf_fonts_reset(pdf->fonts);
	pdf->fonts->slots_taken = 0;
}

static void
set_text(struct pdf *pdf, struct pdf_cursor *cursor)
{
	int32_t root =
	    pdf_element(pdf, -1, "Document", NULL, pdf->document->language);
	struct pdf_place_in in = {.x = PDF_MARGIN,
	    .width = PDF_TEXT_WIDTH,
	    .element = root,
	    .outer = true};
	pdf_page_next(pdf, cursor);
	pdf_blocks(pdf, pdf->document->root, &in, cursor);
}

static void
write_rest(struct pdf *pdf)
{
	if (!pdf_going(pdf))
		return;
	pdf_pages_write(pdf);
	pdf_fonts_write(pdf);
	write_resources(pdf);
	pdf_structure_write(pdf);
	pdf_objects_finish(&pdf->objects, write_catalog(pdf));
}

/* ---- distances ---- */

#define USUAL_SPACING 100
#define TIGHT_SPACING 68 /* percent; saves about a tenth of most pages */
#define TIGHT_SAVES ((PDF_TOP - PDF_BOTTOM) / 8) /* at the best */
#define LITTLE ((PDF_TOP - PDF_BOTTOM) / 4)
#define FEW_PAGES 12 /* among more an empty one hardly counts */

int32_t
pdf_gap(const struct pdf *pdf, int32_t distance)
{
	return distance * pdf->spacing / 100;
}

/* Little stands on the last page: it may fit on those before when all
 * distances are somewhat smaller. */
static bool
may_be_shorter(const struct pdf *pdf, const struct pdf_cursor *end)
{
	uint32_t before = pdf->page_count - 1;
	int32_t used = PDF_TOP - end->y;
	return pdf_going(pdf) && before > 0 && before < FEW_PAGES &&
	       used < LITTLE && used < (int32_t)before * TIGHT_SAVES;
}

/* Set the text again, with other distances. */
static void
set_again(struct pdf *pdf, int spacing, struct document_notes *notes,
    const struct document_notes *noted, struct pdf_cursor *end)
{
	struct pdf again = {.fonts = pdf->fonts,
	    .document = pdf->document,
	    .notes = notes,
	    .spacing = spacing};
	struct buf *out = pdf->objects.out;
	size_t begin = pdf->objects.start;
	finish(pdf);
	*pdf = again;
	out->size = begin;
	if (notes != NULL)
		*notes = *noted;
	*end = (struct pdf_cursor){0};
	start(pdf, out);
	set_text(pdf, end);
}

static void
set_well(struct pdf *pdf)
{
	struct document_notes noted = {0};
	struct document_notes *notes = pdf->notes;
	struct pdf_cursor end = {0};
	if (notes != NULL)
		noted = *notes;
	set_text(pdf, &end);
	if (!may_be_shorter(pdf, &end))
		return;
	uint32_t pages = pdf->page_count;
	set_again(pdf, TIGHT_SPACING, notes, &noted, &end);
	if (pdf_going(pdf) && pdf->page_count >= pages)
		set_again(pdf, USUAL_SPACING, notes, &noted, &end);
}

int
pdf_build(struct pdf_fonts *fonts, const struct document *document,
    struct buf *out, struct document_notes *notes, struct why *why)
{
	if (document_ok(document, why) != 0)
		return document->error.code;
	struct pdf pdf = {.fonts = fonts,
	    .document = document,
	    .notes = notes,
	    .spacing = USUAL_SPACING};
	start(&pdf, out);
	set_well(&pdf);
	write_rest(&pdf);
	if (!buf_ok(out) || !buf_ok(&pdf.font_names) ||
	    !buf_ok(&pdf.picture_names) || !buf_ok(&pdf.scratch))
		pdf_fail(&pdf, WHY_TOO_LARGE,
		    "PDF over limit document_bytes, or no memory");
	if (pdf.objects.failed)
		pdf_fail(&pdf, WHY_NOMEM, "no memory for a PDF");
	finish(&pdf);
	if (pdf.code != 0 && why != NULL)
		*why = pdf.why;
	return pdf.code;
}
