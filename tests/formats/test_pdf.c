#include "formats/document.h"
#include "formats/pdf.h"

#include "tests/support/pdf_check.h"
#include "tests/support/pdf_rules.h"
#include "tests/support/sample_document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct limits limits;

static int
start(void **state)
{
	(void)state;
	limits_init(&limits);
	return pdf_check_start(&limits);
}

static int
stop(void **state)
{
	(void)state;
	pdf_check_stop();
	return 0;
}

static struct document *
new_document(void)
{
	return pdf_check_document(&limits);
}

/* Run a program on the PDF; the exit status, or -1 when it is not there, which
 * is a failure where CI=true. */
static int
run_on(
    struct span pdf, const char *program, const char *rest, struct buf *output)
{
	char path[] = "/tmp/test_pdf.XXXXXX";
	char line[200];
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, pdf.at, pdf.size), (ssize_t)pdf.size);
	close(fd);
	snprintf(line, sizeof line, "%s %s %s 2>&1", program, path, rest);
	FILE *pipe = popen(line, "r");
	assert_non_null(pipe);
	char room[4096];
	size_t size;
	while ((size = fread(room, 1, sizeof room, pipe)) > 0)
		buf_add(output, room, size);
	int status = pclose(pipe);
	unlink(path);
	if (status == 127 << 8 && getenv("CI") != NULL)
		fail_msg("missing tool: %s", program);
	return status == 127 << 8 ? -1 : status;
}

static void
the_sample_follows_every_rule(void **state)
{
	(void)state;
	struct buf pdf;
	pdf_check(sample_document(&limits), &pdf);
	assert_in_range(pdf.size, 20000, 60000);
	buf_clear(&pdf);
}

static void
qpdf_finds_no_fault_and_pdftotext_finds_the_words(void **state)
{
	(void)state;
	struct buf pdf;
	struct buf output;
	buf_init(&output, 1 << 20);
	pdf_check(sample_document(&limits), &pdf);
	int status = run_on(buf_span(&pdf), "qpdf --check", "", &output);
	if (status == -1)
		print_message("qpdf is absent, not asked\n");
	else if (status != 0)
		print_message("%s", buf_text(&output));
	assert_true(status <= 0);
	buf_reset(&output);
	status = run_on(buf_span(&pdf), "pdftotext", "-", &output);
	if (status == -1) {
		print_message("pdftotext is absent, not asked\n");
	} else {
		static const char *const words[] = {"Máhtte Áilu Ŋávdná",
		    "електроенергії", "المساعدة", "Side 1 av 3",
		    "<script>alert('x')</script>"};
		assert_int_equal(status, 0);
		for (size_t i = 0; i < sizeof words / sizeof *words; i++)

			assert_non_null(strstr(buf_text(&output), words[i]));
	}
	buf_clear(&output);
	buf_clear(&pdf);
}

/* Append the texts that stand in quotes, labels of lists left out. */
static void
add_quoted(char *listing, struct buf *text)
{
	bool label = false;
	for (char *line = strtok(listing, "\n"); line != NULL;
	     line = strtok(NULL, "\n")) {
		line += strspn(line, " ");
		char *end = strrchr(line, '"');
		if (*line != '"')
			label = strncmp(line, "Lbl", 3) == 0 ||
				(label && *line == '/');
		else if (!label && end > line)
			buf_add(text, line + 1, (size_t)(end - line - 1));
	}
}

/* A program that is not ours walks the tree, and finds the words in it. What it
 * has of right-to-left lines is in the order of the page: left out here. */
static void
poppler_reads_each_element_in_the_order_of_the_tree(void **state)
{
	(void)state;
	static const char source[] =
	    "Davvisámegiella: Áhčči, ŧ ŋ đ š ž č Ǯǯ Щиро дякую ґ є ї і "
	    "ff fi ﬁ ½ € → ☐ हिन्दी क्षत्रिय ไทย กำ தமிழ் கொ ትግርኛ e\u0301 "
	    "(paren) \\ <hex> & en lenger linje som går over flere enn en "
	    "linje på siden, for den er lang nok til det";
	struct document *document = new_document();
	struct document_node *root = document_root(document);
	struct span cells[] = {span_text("b c"), span_text(source)};
	document_heading(document, root, 1, span_text(source));
	document_free_text(document, root, span_text(source));
	document_row(document, document_table(document, root), span_text("a"),
	    span_text(source));
	document_grid_row(
	    document, document_grid(document, root, cells, 2), cells, 2);
	document_item(
	    document, document_list(document, root, true), span_text(source));
	document_markdown(document, root,
	    span_text("> **fet** *kursiv* [lenke](https://a.no) `kode`"));
	struct buf want, have, output, pdf;
	char reason[200];
	buf_init(&want, 1 << 20);
	buf_init(&have, 1 << 20);
	buf_init(&output, 1 << 20);
	document_plain_text(document, &want);
	pdf_check(document, &pdf);
	int status =
	    run_on(buf_span(&pdf), "pdfinfo -struct-text", "", &output);
	assert_int_equal(status, 0);
	add_quoted((char *)(uintptr_t)buf_text(&output), &have);
	if (!pdf_text_same(buf_span(&want), buf_span(&have), 0, reason))
		fail_msg("%s in %s", reason, buf_text(&have));
	buf_clear(&want);
	buf_clear(&have);
	buf_clear(&output);
	buf_clear(&pdf);
}

static void
an_empty_document_is_one_page(void **state)
{
	(void)state;
	pdf_check(new_document(), NULL);
}

static void
a_table_of_500_rows_goes_over_pages(void **state)
{
	(void)state;
	struct document *document = new_document();
	struct document_node *root = document_root(document);
	struct document_node *table = document_table(document, root);
	const struct span heads[] = {
	    span_text("Dato"), span_text("Beløp"), span_text("Mottaker")};
	for (int i = 0; i < 500; i++)
		document_row(document, table, span_text("Utbetaling"),
		    span_text("12 500 kroner\ntil utleier\n\nforfalt"));
	struct document_node *grid = document_grid(document, root, heads, 3);
	const struct span cells[] = {span_text("2026-11-21"),
	    span_text("12 500,00"), span_text("Utleier AS, Storgata 1")};
	for (int i = 0; i < 500; i++)
		document_grid_row(document, grid, cells, 3);
	pdf_check(document, NULL);
}

/* The rules find raised letters: what a mark needs must end with it. */
static void
a_raised_mark_at_the_end_of_a_line_raises_nothing_after_it(void **state)
{
	(void)state;
	struct document *document = new_document();
	struct document_node *root = document_root(document);
	document_free_text(document, root,
	    span_text("\u062D\u0633\u0627\u0628 "
		      "\u062C\u0627\u0631\u064D"));
	document_free_text(document, root, span_text("etter"));
	pdf_check(document, NULL);
}

/* Columns of lines, so that each stands for itself in the text. */
static void
a_grid_breaks_no_word_while_its_columns_have_room(void **state)
{
	(void)state;
	const struct span heads[] = {span_text("Arbeidsgiver"),
	    span_text("Fra"), span_text("Til"), span_text("Stilling"),
	    span_text("Stillingstype"), span_text("Kilde"),
	    span_text("Endret av soker")};
	const struct span cells[] = {span_text("Renholdsproven AS"),
	    span_text("31.10.2026"), span_text("31.10.2026"),
	    span_text("100 %"), span_text("variabel"),
	    span_text("hentet fra register"), span_text("Nei")};
	struct document *document = new_document();
	struct document_node *root = document_root(document);
	struct document_node *grid = document_grid(document, root, heads, 7);
	document_grid_numbers(document, grid, 3);
	document_grid_row(document, grid, cells, 7);
	struct buf pdf;
	pdf_check(document, &pdf);
	struct buf text;
	buf_init(&text, 1 << 20);
	int status = run_on(buf_span(&pdf), "pdftotext -layout", "-", &text);
	if (status == -1) {
		print_message("pdftotext is absent, not asked\n");
	} else {
		static const char *const words[] = {"Arbeidsgiver",
		    "Stillingstype", "Renholdsproven", "31.10.2026", "register",
		    "variabel", "100 %"};
		for (size_t i = 0; i < sizeof words / sizeof *words; i++)
			if (strstr(buf_text(&text), words[i]) == NULL)
				fail_msg("%s is broken", words[i]);
	}
	buf_clear(&text);
	buf_clear(&pdf);
}

static void
inlines_links_figures_quotes_and_nested_lists_are_tagged(void **state)
{
	(void)state;
	static const uint8_t rgb[4 * 2 * 3] = {255, 0, 0, 0, 255, 0};
	const struct document_picture picture = {.width = 4,
	    .height = 2,
	    .width_mm = 40,
	    .rgb = span_of(rgb, sizeof rgb)};
	struct document *document = new_document();
	struct document_node *root = document_root(document);
	document_figure(document, root, &picture, span_text("Kommunevåpen"));
	struct document_node *text =
	    document_paragraph(document, root, span_text("Før "));
	document_styled(
	    document, text, DOCUMENT_STRUCK, span_text("gammel verdi"));
	document_text(document, text, span_text(" og "));
	document_styled(document, text, DOCUMENT_STRONG, span_text("fet"));
	document_styled(document, text, DOCUMENT_EMPHASIS, span_text("kursiv"));
	document_link(document, text,
	    span_text("https://example.no/a(b)?c=d&e=f"),
	    span_text("en lenke som er så lang at den må gå over en linje til "
		      "den neste og vel så det"));
	document_link(document, text, span_text("javascript:alert(1)"),
	    span_text("farlig"));
	document_markdown(document, root,
	    span_text("# Tittel\n\n1. en\n   - to\n     > sitat\n\n"
		      "[a](https://example.no 'navn') ![bilde](x.png) "
		      "<b>rå</b>\n\n<div>\nrå\n</div>\n\n```\nkode\n```\n\n"
		      "---\n\n[b](javascript:x)"));
	struct document_node *section =
	    document_section(document, root, "ar", DOCUMENT_RTL);
	struct document_node *cell =
	    document_row(document, document_table(document, section),
		span_text("الاسم"), span_text("محمد"));
	document_item(
	    document, document_list(document, cell, false), span_text("شقة 4"));
	document_link(document,
	    document_paragraph(document, section, span_text("رقم ")),
	    span_text("tel:+4799999999"), span_text("هاتف 99"));
	pdf_check(document, NULL);
}

static void
a_character_without_a_glyph_is_reported(void **state)
{
	(void)state;
	struct document *document = new_document();
	struct document_notes notes = {0};
	struct buf pdf;
	struct why why = {0};
	buf_init(&pdf, limits.document_bytes);
	document_free_text(document, document_root(document),
	    span_text("申 a 申 \xF0\x93\x8B\xB9"));
	for (int i = 0; i < 2; i++) { /* also when the words are cached */
		memset(&notes, 0, sizeof notes);
		buf_reset(&pdf);
		assert_int_equal(
		    pdf_build(pdf_check_fonts(), document, &pdf, &notes, &why),
		    0);
		assert_int_equal(notes.missing, 3);
		assert_int_equal(notes.seen[0].kind, DOCUMENT_MISSING);
		assert_int_equal(notes.seen[0].code_point, 0x7533);
		assert_int_equal(notes.seen[0].count, 2);
	}
	buf_clear(&pdf);
	document_free(document);
}

static void
limits_end_a_document_with_an_error_that_names_them(void **state)
{
	(void)state;
	struct document *document = new_document();
	struct buf pdf;
	struct why why = {0};
	buf_init(&pdf, 3000);
	document_free_text(
	    document, document_root(document), span_text("kort"));
	assert_int_equal(
	    pdf_build(pdf_check_fonts(), document, &pdf, NULL, &why),
	    WHY_TOO_LARGE);
	assert_non_null(strstr(why.text, "document_bytes"));
	buf_clear(&pdf);
	document_free(document);

	uint64_t pages = limits.document_pages;
	limits.document_pages = 2;
	document = new_document();
	limits.document_pages = pages;
	for (int i = 0; i < 200; i++)
		document_free_text(
		    document, document_root(document), span_text("linje"));
	buf_init(&pdf, limits.document_bytes);
	assert_int_equal(
	    pdf_build(pdf_check_fonts(), document, &pdf, NULL, &why),
	    WHY_TOO_LARGE);
	assert_non_null(strstr(why.text, "document_pages"));
	buf_clear(&pdf);
	document_free(document);
	pdf_check(sample_document(&limits), NULL); /* nothing is left behind */
}

static void
kept_words_change_no_byte(void **state)
{
	(void)state;
	struct buf before;
	struct buf after;
	pdf_check(sample_document(&limits), &before);
	for (int i = 0; i < 3; i++)
		pdf_words_keep(
		    pdf_check_fonts(), span_text("Søknad om Husleie"));
	pdf_words_keep(pdf_check_fonts(),
	    span_text("Navn Fødselsnummer Nettolønn siste måned"));
	pdf_check(sample_document(&limits), &after);
	pdf_caches_clear(pdf_check_fonts());
	assert_true(span_equal(buf_span(&before), buf_span(&after)));
	buf_clear(&before);
	buf_clear(&after);
}

static void
a_folder_without_the_first_font_is_an_error(void **state)
{
	(void)state;
	struct pdf_fonts *none = NULL;
	struct why why = {0};
	assert_int_equal(
	    pdf_fonts_open("/nowhere", &limits, &none, &why), WHY_NOT_FOUND);
	assert_null(none);
}

static void
broken_files_are_seen_by_the_rules(void **state)
{
	(void)state;
	struct buf pdf;
	struct buf report;
	struct buf text;
	buf_init(&report, 1 << 20);
	buf_init(&text, 1 << 20);
	pdf_check(sample_document(&limits), &pdf);
	static const char *const marks[] = {"<pdfaid:part>2", "endstream",
	    "/Type/XRef", "%%EOF", "/N 3", "x-default"};
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
		uint8_t *at =
		    memmem(pdf.at, pdf.size, marks[i], strlen(marks[i]));
		assert_non_null(at);
		uint8_t *last = at + strlen(marks[i]) - 1;
		(*last)++;
		assert_true(
		    pdf_rules_check(buf_span(&pdf), &report, &text) > 0);
		(*last)--;
	}
	buf_clear(&pdf);
	buf_clear(&report);
	buf_clear(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_sample_follows_every_rule),
	    cmocka_unit_test(qpdf_finds_no_fault_and_pdftotext_finds_the_words),
	    cmocka_unit_test(
		poppler_reads_each_element_in_the_order_of_the_tree),
	    cmocka_unit_test(an_empty_document_is_one_page),
	    cmocka_unit_test(a_table_of_500_rows_goes_over_pages),
	    cmocka_unit_test(
		a_raised_mark_at_the_end_of_a_line_raises_nothing_after_it),
	    cmocka_unit_test(a_grid_breaks_no_word_while_its_columns_have_room),
	    cmocka_unit_test(
		inlines_links_figures_quotes_and_nested_lists_are_tagged),
	    cmocka_unit_test(a_character_without_a_glyph_is_reported),
	    cmocka_unit_test(
		limits_end_a_document_with_an_error_that_names_them),
	    cmocka_unit_test(kept_words_change_no_byte),
	    cmocka_unit_test(a_folder_without_the_first_font_is_an_error),
	    cmocka_unit_test(broken_files_are_seen_by_the_rules),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
