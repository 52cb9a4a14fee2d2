/*
 * Where a document's pages end: what stands together stays together, what goes
 * on says of what it is a part, and no page is made for next to nothing.
 */
#include "base/limits.h"
#include "tests/support/pdf_check.h"
#include "tests/support/pdf_rules.h"

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

static void
pages_of(struct document *take_document, struct buf *text)
{
	struct buf pdf;
	pdf_check(take_document, &pdf);
	buf_reset(text);
	assert_true(pdf_rules_pages(buf_span(&pdf), text));
	buf_clear(&pdf);
}

/* The page, from 1 on, that a text stands on. */
static int
page_with(struct buf *pages, const char *text)
{
	const char *at = strstr(buf_text(pages), text);
	int page = 1;
	assert_non_null(at);
	for (const char *step = buf_text(pages); step < at; step++)
		page += *step == '\f';
	return page;
}

static void
add_lines(struct document *document, int count)
{
	for (int i = 0; i < count; i++)
		document_paragraph(
		    document, document_root(document), span_text("linje"));
}

static void
headings_and_a_table_s_first_and_last_rows_never_stand_alone(void **state)
{
	(void)state;
	struct buf pages;
	buf_init(&pages, 1 << 20);
	for (int i = 0; i < 34; i++) {
		struct document *document = new_document();
		struct document_node *root = document_root(document);
		const struct span heads[] = {
		    span_text("Hode"), span_text("B"), span_text("C")};
		const struct span cells[] = {span_text("forste ramme"),
		    span_text("to ord"), span_text("x")};
		const struct span last[] = {span_text("siste ramme"),
		    span_text("1"), span_text("y\nz")};
		add_lines(document, i);
		document_heading(document, root, 1, span_text("Overskrift A"));
		document_heading(document, root, 2, span_text("Overskrift B"));
		struct document_node *grid =
		    document_grid(document, root, heads, 3);
		document_grid_row(document, grid, cells, 3);
		document_grid_row(document, grid, last, 3);
		add_lines(document, 33 - i);
		document_heading(document, root, 2, span_text("Overskrift C"));
		struct document_node *table = document_table(document, root);
		document_row(document, table, span_text("N1"), span_text("1"));
		document_row(document, table, span_text("N2"),
		    span_text("en\nto\n\ntre"));
		document_row(document, table, span_text("N3"), span_text("3"));
		document_row(document, table, span_text("N4"), span_text("4"));
		pages_of(document, &pages);
		assert_int_equal(page_with(&pages, "Overskrift A"),
		    page_with(&pages, "Overskrift B"));
		assert_int_equal(page_with(&pages, "Overskrift B"),
		    page_with(&pages, "forste ramme"));
		assert_int_equal(page_with(&pages, "forste ramme"),
		    page_with(&pages, "siste ramme"));
		assert_int_equal(
		    page_with(&pages, "Overskrift C"), page_with(&pages, "N2"));
		assert_int_equal(
		    page_with(&pages, "N3"), page_with(&pages, "N4"));
	}
	buf_clear(&pages);
}

/* A person or a payment: a heading, rows, and under a further heading a grid.
 */
static void
add_record(struct document *document, const char *name, int rows)
{
	struct document_node *root = document_root(document);
	const struct span heads[] = {span_text("Del"), span_text("Sum")};
	const struct span cells[] = {span_text("slutt paa"), span_text(name)};
	document_heading(document, root, 3, span_text(name));
	struct document_node *table = document_table(document, root);
	for (int i = 0; i < rows; i++)
		document_row(
		    document, table, span_text("Adresse"), span_text("A\nB"));
	document_heading(document, root, 4, span_text("Deler"));
	document_grid_row(
	    document, document_grid(document, root, heads, 2), cells, 2);
}

static void
a_record_of_less_than_half_a_page_is_not_parted(void **state)
{
	(void)state;
	struct buf pages;
	buf_init(&pages, 1 << 20);
	for (int i = 0; i < 34; i++) {
		struct document *document = new_document();
		struct document_node *root = document_root(document);
		document_heading(document, root, 1, span_text("Tittel"));
		add_lines(document, i);
		document_heading(document, root, 2, span_text("Barn"));
		add_record(document, "Person A", 4);
		add_record(document, "Person B", 5);
		pages_of(document, &pages);
		assert_int_equal(page_with(&pages, "Barn"),
		    page_with(&pages, "slutt paa\nPerson A"));
		assert_int_equal(page_with(&pages, "Person B"),
		    page_with(&pages, "slutt paa\nPerson B"));
	}
	buf_clear(&pages);
}

/* What is repeated is no part of the document's text: another reader is asked
 * what stands on the page. */
static bool
second_page(struct document *take_document, struct buf *text)
{
	char path[] = "/tmp/test_pdf_pages.XXXXXX";
	char line[200];
	struct buf pdf;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	pdf_check(take_document, &pdf);
	assert_int_equal(write(fd, pdf.at, pdf.size), (ssize_t)pdf.size);
	close(fd);
	buf_clear(&pdf);
	snprintf(line, sizeof line, "pdftotext -f 2 -l 2 -layout %s -", path);
	FILE *pipe = popen(line, "r");
	assert_non_null(pipe);
	char room[4096];
	size_t size;
	while ((size = fread(room, 1, sizeof room, pipe)) > 0)
		buf_add(text, room, size);
	int status = pclose(pipe);
	unlink(path);
	if (status == 127 << 8 && getenv("CI") != NULL)
		fail_msg("missing tool: pdftotext");
	return status == 0;
}

static void
a_long_record_says_on_the_next_page_whose_it_is(void **state)
{
	(void)state;
	struct buf text;
	struct document *document = new_document();
	struct document_node *root = document_root(document);
	buf_init(&text, 1 << 20);
	document_heading(document, root, 1, span_text("Tittel"));
	document_heading(document, root, 2, span_text("Barn"));
	document_heading(document, root, 3, span_text("Person A"));
	struct document_node *table = document_table(document, root);
	for (int i = 0; i < 50; i++)
		document_row(
		    document, table, span_text("Rad"), span_text("Verdi"));
	if (second_page(document, &text))
		assert_non_null(
		    strstr(buf_text(&text), "Forts. Barn \u203A Person A"));
	else
		print_message("pdftotext is absent, not asked\n");
	buf_clear(&text);
}

static void
a_new_heading_at_the_top_of_a_page_goes_on_with_nothing(void **state)
{
	(void)state;
	struct buf text;
	struct document *document = new_document();
	struct document_node *root = document_root(document);
	buf_init(&text, 1 << 20);
	document_heading(document, root, 1, span_text("Tittel"));
	document_heading(document, root, 2, span_text("Barn"));
	add_record(document, "Person A", 6);
	add_record(document, "Person B", 6);
	if (second_page(document, &text)) {
		assert_non_null(strstr(buf_text(&text), "Person B"));
		assert_null(strstr(buf_text(&text), "Forts."));
	}
	buf_clear(&text);
}

static size_t
count_of(const char *text, const char *word)
{
	size_t count = 0;
	for (; (text = strstr(text, word)) != NULL; text++)
		count++;
	return count;
}

/* Two or three rows too many for the pages: they come nearer to each other. */
static void
no_page_is_made_for_the_last_rows(void **state)
{
	(void)state;
	struct buf pages;
	buf_init(&pages, 1 << 20);
	for (int rows = 60; rows < 100; rows++) {
		struct document *document = new_document();
		struct document_node *root = document_root(document);
		document_heading(document, root, 1, span_text("Tittel"));
		struct document_node *table = document_table(document, root);
		for (int i = 0; i < rows; i++)
			document_row(document, table, span_text("Rad"),
			    span_text("Verdi"));
		pages_of(document, &pages);
		const char *text = buf_text(&pages);
		const char *last = text;
		for (const char *at = text; *at != '\0'; at++)
			if (*at == '\f' && at[1] != '\0')
				last = at;
		assert_ptr_not_equal(last, text);
		assert_in_range(count_of(last, "Verdi"), 5, 40);
		assert_int_equal(count_of(text, "Verdi"), rows);
	}
	buf_clear(&pages);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		headings_and_a_table_s_first_and_last_rows_never_stand_alone),
	    cmocka_unit_test(a_record_of_less_than_half_a_page_is_not_parted),
	    cmocka_unit_test(a_long_record_says_on_the_next_page_whose_it_is),
	    cmocka_unit_test(
		a_new_heading_at_the_top_of_a_page_goes_on_with_nothing),
	    cmocka_unit_test(no_page_is_made_for_the_last_rows),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
