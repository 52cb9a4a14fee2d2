#include "base/id.h"
#include "formats/sniff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

struct seen {
	enum sniff_type type;
	unsigned reasons;
};

static struct seen
sniff_in_pieces(struct span bytes, size_t step)
{
	struct sniff *sniff;
	struct seen seen;
	assert_int_equal(sniff_new(&sniff, NULL), 0);
	while (bytes.size > 0) {
		size_t size = bytes.size < step ? bytes.size : step;
		assert_int_equal(
		    sniff_push(sniff, span_of(bytes.at, size), NULL), 0);
		bytes.at += size;
		bytes.size -= size;
	}
	assert_int_equal(
	    sniff_finish(sniff, &seen.type, &seen.reasons, NULL), 0);
	sniff_free(sniff);
	return seen;
}

/* The same whatever the pieces. */
static struct seen
sniff_all(struct span bytes)
{
	static const size_t steps[] = {1, 2, 3, 7, 64, 1031, 1033};
	struct seen seen = sniff_in_pieces(bytes, SIZE_MAX);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		struct seen again = sniff_in_pieces(bytes, steps[i]);
		assert_int_equal(again.type, seen.type);
		assert_int_equal(again.reasons, seen.reasons);
	}
	return seen;
}

#define BYTES(text) span_of(text, sizeof(text) - 1)

static void
assert_type(struct span bytes, enum sniff_type type)
{
	assert_int_equal(sniff_all(bytes).type, type);
}

static void
types_are_told_by_their_first_bytes(void **state)
{
	(void)state;
	assert_type(BYTES("%PDF-1.4\n%%EOF"), SNIFF_PDF);
	assert_type(BYTES("\xFF\xD8\xFF\xE0 jfif"), SNIFF_JPEG);
	assert_type(BYTES("\x89PNG\r\n\x1A\n"), SNIFF_PNG);
	assert_type(BYTES("II*\0abc"), SNIFF_TIFF);
	assert_type(BYTES("RIFF\0\0\0\0WEBPVP8 "), SNIFF_WEBP);
	assert_type(BYTES("\0\0\0\x18"
			  "ftypheic"),
	    SNIFF_HEIF);
	assert_type(BYTES("{\\rtf1 a}"), SNIFF_RTF);
	assert_type(BYTES("  <!DOCTYPE html><p>"), SNIFF_HTML);
	assert_type(BYTES("\xEF\xBB\xBF<?xml version='1.0'?>"), SNIFF_XML);
	assert_type(BYTES("#!/bin/sh\n"), SNIFF_PROGRAM);
	assert_type(BYTES("\x7F"
			  "ELF\2"),
	    SNIFF_PROGRAM);
	assert_type(BYTES("Rar!\x1A\7"), SNIFF_ARCHIVE);
	assert_type(BYTES("{\"a\": \"blåbær\"}\r\n"), SNIFF_TEXT);
	assert_type(BYTES("bl\xE5 b\xE6r"), SNIFF_UNKNOWN);
	assert_type(BYTES("text with a \0 in it"), SNIFF_UNKNOWN);
	assert_type(BYTES("text that is cut \xC3"), SNIFF_UNKNOWN);
	assert_type(BYTES("% a text that Tika calls matlab\n"), SNIFF_TEXT);
}

static void
zips_are_told_apart_by_their_first_entry(void **state)
{
	(void)state;
	char head[200] = "PK\3\4\x14";
	memcpy(head + 30, "a.txt", 5);
	assert_type(span_of(head, sizeof head), SNIFF_ZIP);
	memcpy(head + 30, "[Content_Types].xml", 19);
	assert_type(span_of(head, sizeof head), SNIFF_OOXML);
	memcpy(head + 150, "word/vbaProject.bin", 19);
	assert_int_equal(
	    sniff_all(span_of(head, sizeof head)).reasons, SNIFF_ACTIVE);
	memset(head + 150, 0, 50);
	head[6] = 1;
	assert_int_equal(
	    sniff_all(span_of(head, sizeof head)).reasons, SNIFF_ENCRYPTED);
	memcpy(
	    head + 30, "mimetypeapplication/vnd.oasis.opendocument.text", 47);
	assert_type(span_of(head, sizeof head), SNIFF_ODF);
}

static void
an_encrypted_office_file_is_seen(void **state)
{
	(void)state;
	uint8_t file[3000] = {0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1};
	assert_int_equal(sniff_all(span_of(file, sizeof file)).reasons, 0);
	const char *name = "EncryptedPackage";
	for (size_t i = 0; name[i] != '\0'; i++)
		file[2000 + 2 * i] = (uint8_t)name[i];
	struct seen seen = sniff_all(span_of(file, sizeof file));
	assert_int_equal(seen.type, SNIFF_OLE);
	assert_int_equal(seen.reasons, SNIFF_ENCRYPTED);
}

static void
an_empty_file_is_refused(void **state)
{
	(void)state;
	struct seen seen = sniff_all(SPAN_NONE);
	assert_int_equal(seen.type, SNIFF_UNKNOWN);
	assert_int_equal(seen.reasons, SNIFF_EMPTY);
}

static void
declared_media_types_fit_or_do_not(void **state)
{
	(void)state;
	assert_true(sniff_type_is(SNIFF_PDF, "application/pdf"));
	assert_true(sniff_type_is(SNIFF_PDF, "Application/PDF; a=b"));
	assert_false(sniff_type_is(SNIFF_JPEG, "application/pdf"));
	assert_false(sniff_type_is(SNIFF_PDF, "application/pdfx"));
	assert_true(sniff_type_is(SNIFF_TEXT, "application/geo+json"));
	assert_false(sniff_type_is(SNIFF_XML, "image/svg+xml"));
	assert_true(sniff_type_is(SNIFF_OOXML,
	    "application/vnd.openxmlformats-officedocument."
	    "wordprocessingml.document"));
	assert_true(sniff_type_is(SNIFF_UNKNOWN, "application/octet-stream"));
	assert_false(sniff_type_is(SNIFF_PDF, "application/octet-stream"));
	assert_false(
	    sniff_type_is(SNIFF_PROGRAM, "application/octet-stream"));
}

static unsigned
pdf_reasons(const char *middle)
{
	struct buf pdf;
	buf_init(&pdf, 1 << 20);
	buf_printf(&pdf,
	    "%%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
	    "%s\nxref\n0 1\ntrailer\n<< /Root 1 0 R >>\n%%%%EOF\n",
	    middle);
	struct seen seen = sniff_all(buf_span(&pdf));
	assert_int_equal(seen.type, SNIFF_PDF);
	buf_clear(&pdf);
	return seen.reasons;
}

static void
a_plain_pdf_has_nothing_against_it(void **state)
{
	(void)state;
	assert_int_equal(pdf_reasons(""), 0);
	assert_int_equal(
	    pdf_reasons("3 0 obj <</OpenAction [1 0 R /XYZ null null 0] "
			"/URI (http://x) /JSX 1 /Launcher 1 /AAA 2 "
			"/EncryptMetadata true>> endobj"),
	    0);
}

static void
junk_before_the_header_is_borne_up_to_1024_bytes(void **state)
{
	(void)state;
	char file[2100];
	memset(file, '\n', sizeof file);
	memcpy(file + 1024, "%PDF-1.4", 8);
	memcpy(file + 2000, "%%EOF", 5);
	assert_type(span_of(file, sizeof file), SNIFF_PDF);
	memset(file, '\n', 1100);
	memcpy(file + 1025, "%PDF-1.4", 8);
	assert_type(span_of(file, sizeof file), SNIFF_TEXT);
}

static void
an_encrypted_pdf_is_seen(void **state)
{
	(void)state;
	assert_int_equal(pdf_reasons("<< /Encrypt 5 0 R >>"), SNIFF_ENCRYPTED);
	assert_int_equal(
	    pdf_reasons("<</#45ncryp#74<</V 1>>>>"), SNIFF_ENCRYPTED);
}

static void
every_way_to_act_is_seen(void **state)
{
	(void)state;
	static const char *const ways[] = {
	    "<< /OpenAction << /S /JavaScript /JS (app.alert(1)) >> >>",
	    "<</S/JavaScript>>",
	    "<</S/J#61vaScr#69pt>>",
	    "<</JS 5 0 R>>",
	    "<</#4aS(x)>>",
	    "<< /AA << /O 1 0 R >> >>",
	    "<< /S /Launch /F (cmd.exe) >>",
	    "<< /Subtype /RichMedia >>",
	    "<< /Names << /EmbeddedFiles 3 0 R >> >>",
	    "<< /Type /EmbeddedFile >>",
	    "<< /Subtype /FileAttachment >>",
	    "<< /S /Rendition /OP 4 >>",
	    /* inside what pretends to be a stream */
	    "<< >> stream\n 3 0 obj <</S /JavaScript>> endobj endstream",
	    "% stream\n 3 0 obj <</S /JavaScript>> endobj",
	};
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		assert_int_equal(pdf_reasons(ways[i]), SNIFF_ACTIVE);
}

static void
short_names_do_not_count_inside_streams(void **state)
{
	(void)state;
	assert_int_equal(
	    pdf_reasons("<< >> stream\nxx/JS xx /AA xx\nendstream"), 0);
	assert_int_equal(
	    pdf_reasons("<< >> stream\nxx\nendstream /JS 1"), SNIFF_ACTIVE);
	assert_int_equal(pdf_reasons("(a mainstreamer) /JS 1"), SNIFF_ACTIVE);
}

/* A PDF whose only second object is a deflated stream with this dictionary. */
static unsigned
packed_reasons(const char *dictionary, struct span content, bool xref)
{
	struct buf pdf;
	size_t room = compressBound(content.size);
	uint8_t *packed = malloc(room);
	assert_int_equal(compress(packed, &room, content.at, content.size), 0);
	buf_init(&pdf, 10 << 20);
	buf_printf(
	    &pdf, "%%PDF-1.7\n2 0 obj\n<< %s >>\nstream\r\n", dictionary);
	buf_add(&pdf, packed, room);
	buf_add_text(&pdf, "\nendstream\nendobj\n");
	if (xref)
		buf_add_text(&pdf, "3 0 obj << /Type /XRef >>");
	buf_add_text(&pdf, "\n%%EOF\n");
	free(packed);
	struct seen seen = sniff_all(buf_span(&pdf));
	buf_clear(&pdf);
	return seen.reasons;
}

static void
object_streams_are_looked_into(void **state)
{
	(void)state;
	struct span bad =
	    BYTES("5 0 6 20 <</Type/Action>> <</S/JavaScript/JS(x)>>");
	struct span good = BYTES("5 0 6 20 <</Type/Font>> <</Subtype/Link>>");
	const char *plain = "/Type /ObjStm /N 2 /First 9 /Filter /FlateDecode";
	assert_int_equal(packed_reasons(plain, good, true), 0);
	assert_int_equal(packed_reasons(plain, bad, true), SNIFF_ACTIVE);
	/* no type, no filter, escapes */
	assert_int_equal(
	    packed_reasons("/N 2 /First 9", bad, true), SNIFF_ACTIVE);
	assert_int_equal(
	    packed_reasons("/Type /O#62jStm /N 2 /F#69rst 9", bad, true),
	    SNIFF_ACTIVE);
	/* short names count there */
	assert_int_equal(
	    packed_reasons(plain, BYTES("5 0 <</JS(x)>>"), true), SNIFF_ACTIVE);
	/* a page's content is not an object stream */
	assert_int_equal(packed_reasons("/Filter /FlateDecode", bad, true), 0);
}

static void
object_streams_packed_in_another_way_are_refused(void **state)
{
	(void)state;
	struct span good = BYTES("5 0 6 20 <</Type/Font>> <</Subtype/Link>>");
	assert_int_equal(packed_reasons("/Type /ObjStm /N 2 /First 9 /Filter "
					"[/ASCIIHexDecode /FlateDecode]",
			     good, true),
	    SNIFF_UNCHECKABLE);
	assert_int_equal(packed_reasons("/Type /ObjStm /N 2 /First 9 "
					"/DecodeParms << /Predictor 12 >>",
			     good, true),
	    SNIFF_UNCHECKABLE);
	/* without a cross-reference stream nothing can point into it */
	assert_int_equal(packed_reasons("/First 9 0 R >> << /Filter /LZWDecode",
			     good, false),
	    0);
}

static void
an_object_stream_that_never_ends_is_refused(void **state)
{
	(void)state;
	size_t size = 40 << 20;
	uint8_t *spaces = malloc(size);
	memset(spaces, ' ', size);
	unsigned reasons = 0;
	struct buf pdf;
	size_t room = compressBound(size);
	uint8_t *packed = malloc(room);
	assert_int_equal(compress(packed, &room, spaces, size), 0);
	buf_init(&pdf, 10 << 20);
	buf_add_text(&pdf, "%PDF-1.7\n<< /Type /ObjStm /First 9 >>\nstream\n");
	buf_add(&pdf, packed, room);
	buf_add_text(&pdf, "\nendstream %%EOF");
	reasons = sniff_in_pieces(buf_span(&pdf), 65536).reasons;
	assert_int_equal(reasons, SNIFF_UNCHECKABLE);
	free(packed);
	free(spaces);
	buf_clear(&pdf);
}

static void
ten_object_streams_in_one_piece_are_fine(void **state)
{
	(void)state;
	struct buf pdf;
	uint8_t packed[200];
	buf_init(&pdf, 1 << 20);
	buf_add_text(&pdf, "%PDF-1.7\n");
	for (int i = 0; i < 10; i++) {
		uLongf room = sizeof packed;
		struct span content = BYTES("5 0 6 20 <</Type/Font>>");
		assert_int_equal(
		    compress(packed, &room, content.at, content.size), 0);
		buf_add_text(&pdf, "<< /Type /ObjStm /First 9 >>\nstream\n");
		buf_add(&pdf, packed, room);
		buf_add_text(&pdf, "\nendstream\n");
	}
	buf_add_text(&pdf, "%%EOF");
	assert_int_equal(sniff_all(buf_span(&pdf)).reasons, 0);
	buf_clear(&pdf);
}

static void
a_pdf_without_its_end_is_refused(void **state)
{
	(void)state;
	assert_int_equal(
	    sniff_all(BYTES("%PDF-1.4\n1 0 obj\n")).reasons, SNIFF_TRUNCATED);
	char file[3000];
	memset(file, '\n', sizeof file);
	memcpy(file, "%PDF-1.4", 8);
	memcpy(file + 3000 - 1024, "%%EOF", 5);
	assert_int_equal(sniff_all(span_of(file, sizeof file)).reasons, 0);
	memcpy(file + 3000 - 1024, "\n%%EO", 5);
	assert_int_equal(
	    sniff_all(span_of(file, sizeof file)).reasons, SNIFF_TRUNCATED);
}

static void
random_bytes_in_streams_are_not_taken_for_names(void **state)
{
	(void)state;
	size_t size = 16 << 20;
	uint8_t *file = malloc(size);
	random_fill(file, size);
	memcpy(file, "%PDF-1.4\n<< /Length 1 >>\nstream\n", 32);
	memcpy(file + size - 17, "\nendstream\n%%EOF\n", 17);
	struct seen seen = sniff_in_pieces(span_of(file, size), 256 << 10);
	assert_int_equal(seen.type, SNIFF_PDF);
	assert_int_equal(seen.reasons, 0);
	struct timespec a;
	struct timespec b;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	for (int i = 0; i < 20; i++)
		(void)sniff_in_pieces(span_of(file, 600 << 10), 256 << 10);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	print_message("600 KiB of PDF took %.3f ms\n",
	    ((double)(b.tv_sec - a.tv_sec) * 1e3 +
		(double)(b.tv_nsec - a.tv_nsec) / 1e6) /
		20);
	free(file);
}

static unsigned
qpdf_reasons(const char *folder, const char *arguments)
{
	static uint8_t bytes[1 << 20];
	char command[500];
	char path[100];
	(void)snprintf(command, sizeof command,
	    "cd %s && qpdf --warning-exit-0 in.pdf %s out.pdf 2>/dev/null",
	    folder, arguments);
	assert_int_equal(system(command), 0);
	(void)snprintf(path, sizeof path, "%s/out.pdf", folder);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	size_t size = fread(bytes, 1, sizeof bytes, file);
	assert_int_equal(fclose(file), 0);
	struct seen seen = sniff_all(span_of(bytes, size));
	assert_int_equal(seen.type, SNIFF_PDF);
	return seen.reasons;
}

static void
pdfs_that_qpdf_makes_are_judged_right(void **state)
{
	(void)state;
	char folder[] = "/tmp/test_sniff.XXXXXX";
	char path[100];
	if (system("command -v qpdf >/dev/null") != 0) {
		print_message("missing: qpdf\n");
		skip();
	}
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/in.pdf", folder);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_true(fputs("%PDF-1.4\n1 0 obj <</Type/Catalog/Pages 2 0 R"
			  "/Names<<>>/Other 4 0 R>> endobj\n"
			  "2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj\n"
			  "3 0 obj <</Type/Page/Parent 2 0 R/MediaBox"
			  "[0 0 99 99]>> endobj\n"
			  "4 0 obj <</S/GoTo/D[3 0 R/Fit]>> endobj\n"
			  "trailer <</Root 1 0 R>>\n%%EOF\n",
			file) >= 0);
	assert_int_equal(fclose(file), 0);
	const char *packed = "--object-streams=generate";
	const char *secret = "--object-streams=generate --encrypt '' b 256 --";
	assert_int_equal(qpdf_reasons(folder, "--qdf"), 0);
	assert_int_equal(qpdf_reasons(folder, packed), 0);
	assert_int_equal(qpdf_reasons(folder, secret), SNIFF_ENCRYPTED);
	assert_int_equal(qpdf_reasons(folder, "--add-attachment in.pdf -- "
					      "--object-streams=generate"),
	    SNIFF_ACTIVE);
	char command[100];
	(void)snprintf(command, sizeof command,
	    "sed -i 's,/S/GoTo/D,/S/Launch/D,' %s/in.pdf", folder);
	assert_int_equal(system(command), 0);
	assert_int_equal(qpdf_reasons(folder, packed), SNIFF_ACTIVE);
	(void)snprintf(command, sizeof command, "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(types_are_told_by_their_first_bytes),
	    cmocka_unit_test(zips_are_told_apart_by_their_first_entry),
	    cmocka_unit_test(an_encrypted_office_file_is_seen),
	    cmocka_unit_test(an_empty_file_is_refused),
	    cmocka_unit_test(declared_media_types_fit_or_do_not),
	    cmocka_unit_test(a_plain_pdf_has_nothing_against_it),
	    cmocka_unit_test(junk_before_the_header_is_borne_up_to_1024_bytes),
	    cmocka_unit_test(an_encrypted_pdf_is_seen),
	    cmocka_unit_test(every_way_to_act_is_seen),
	    cmocka_unit_test(short_names_do_not_count_inside_streams),
	    cmocka_unit_test(object_streams_are_looked_into),
	    cmocka_unit_test(object_streams_packed_in_another_way_are_refused),
	    cmocka_unit_test(an_object_stream_that_never_ends_is_refused),
	    cmocka_unit_test(ten_object_streams_in_one_piece_are_fine),
	    cmocka_unit_test(a_pdf_without_its_end_is_refused),
	    cmocka_unit_test(pdfs_that_qpdf_makes_are_judged_right),
	    cmocka_unit_test(random_bytes_in_streams_are_not_taken_for_names),
	};
	return cmocka_run_group_tests_name("formats: sniff", tests, NULL, NULL);
}
