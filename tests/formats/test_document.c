#include "formats/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct limits limits;
static const struct document_meta META = {
    .title = "Tittel", .language = "nb", .created_ms = 1};

static int
set_up(void **state)
{
	(void)state;
	limits_init(&limits);
	return 0;
}

/* The document's text, for comparing; frees the document. */
static void
assert_text(struct document *take_document, const char *want)
{
	struct buf text;
	struct why why = {0};
	buf_init(&text, 1 << 20);
	if (document_ok(take_document, &why) != 0)
		print_message("%s\n", why.text);
	assert_int_equal(document_ok(take_document, NULL), 0);
	document_plain_text(take_document, &text);
	assert_string_equal(text.size == 0 ? "" : buf_text(&text), want);
	buf_clear(&text);
	document_free(take_document);
}

static void
free_text_keeps_its_lines_and_paragraphs(void **state)
{
	(void)state;
	struct document *document = document_new(&META, &limits);
	document_free_text(document, document_root(document),
	    span_text("en\r\nto\rtre\n\n \nfire\xE2\x80\xA9"
		      "fem\xE2\x80\xA8seks\xC2\x85"));
	assert_text(document, "en\nto\ntre\nfire\nfem\nseks\n");
}

static void
characters_that_a_document_cannot_hold_are_counted(void **state)
{
	(void)state;
	static const char text[] = "a\0b\x1B\xEF\xBB\xBF"
				   "c\xC2\xAD\xE2\x80\xAE"
				   "d\xFF\xEE\x80\x80\xEF\xBF\xBD";
	struct document *document = document_new(&META, &limits);
	document_paragraph(
	    document, document_root(document), span_of(text, sizeof text - 1));
	const struct document_notes *notes = document_notes(document);
	assert_int_equal(notes->replaced, 4); /* NUL, ESC, FF, U+E000 */
	assert_int_equal(notes->dropped, 3);
	assert_int_equal(notes->seen[0].code_point, 0);
	assert_false(notes->more);
	assert_text(document, "a\xEF\xBF\xBD"
			      "b\xEF\xBF\xBD"
			      "cd\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\n");
}

static void
more_kinds_of_notes_than_there_is_room_for_are_said_to_be_more(void **state)
{
	(void)state;
	struct document_notes notes = {0};
	for (uint32_t i = 0; i < DOCUMENT_NOTES_MAX + 5; i++)
		document_note(&notes, DOCUMENT_MISSING, i);
	assert_int_equal(notes.count, DOCUMENT_NOTES_MAX);
	assert_int_equal(notes.missing, DOCUMENT_NOTES_MAX + 5);
	assert_true(notes.more);
}

static void
errors_stick_and_name_what_is_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *title, *language;
	} bad[] = {{"", "nb"}, {"  ", "nb"}, {"t", ""}, {"t", "n"},
	    {"t", "nb_NO"}, {"t", "nb-"}, {"t", "nb\"><"},
	    {"t", "abcdefgh-abcdefgh-abcdefgh-abcdefgh-a"}};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct document_meta meta = META;
		meta.title = bad[i].title;
		meta.language = bad[i].language;
		struct document *document = document_new(&meta, &limits);
		struct why why = {0};
		assert_null(document_heading(
		    document, document_root(document), 1, span_text("x")));
		assert_int_equal(document_ok(document, &why), WHY_INVALID);
		assert_true(why.text[0] != '\0');
		document_free(document);
	}
}

static void
limits_hold_at_and_over(void **state)
{
	(void)state;
	struct limits few = limits;
	few.document_nodes = 10; /* 5 paragraphs of a node and its text */
	for (int more = 0; more <= 1; more++) {
		struct document *document = document_new(&META, &few);
		struct why why = {0};
		for (int i = 0; i < 5 + more; i++)
			document_paragraph(
			    document, document_root(document), span_text("x"));
		assert_int_equal(
		    document_ok(document, &why), more ? WHY_TOO_LARGE : 0);
		if (more)
			assert_non_null(strstr(why.text, "document_nodes"));
		document_free(document);
	}
	few = limits;
	few.document_text_bytes = 20;
	for (int more = 0; more <= 1; more++) {
		struct document *document = document_new(&META, &few);
		for (int i = 0; i < 2 + more; i++)
			document_paragraph(document, document_root(document),
			    span_text("0123456789"));
		assert_int_equal(
		    document_ok(document, NULL), more ? WHY_TOO_LARGE : 0);
		document_free(document);
	}
	few = limits;
	few.markdown_bytes = 3;
	struct document *document = document_new(&META, &few);
	document_markdown(document, document_root(document), span_text("abc"));
	assert_int_equal(document_ok(document, NULL), 0);
	document_markdown(document, document_root(document), span_text("abcd"));
	assert_int_equal(document_ok(document, NULL), WHY_TOO_LARGE);
	document_free(document);
	document = document_new(&META, &limits);
	struct document_node *node = document_root(document);
	for (int i = 0; i < 100; i++)
		node = document_section(document, node, NULL, DOCUMENT_AUTO);
	assert_int_equal(document_ok(document, NULL), WHY_TOO_LARGE);
	document_free(document);
}

static void
a_row_in_what_is_no_table_is_a_bug_not_a_crash(void **state)
{
	(void)state;
	struct document *document = document_new(&META, &limits);
	assert_null(document_row(
	    document, document_root(document), span_text("a"), span_text("b")));
	assert_int_equal(document_ok(document, NULL), WHY_BUG);
	document_free(document);
	document = document_new(&META, &limits);
	const struct span cells[] = {span_text("a"), span_text("b")};
	document_grid_row(document,
	    document_grid(document, document_root(document), cells, 2), cells,
	    1);
	assert_int_equal(document_ok(document, NULL), WHY_BUG);
	document_free(document);
	document = document_new(&META, &limits);
	document_text(document, document_root(document), span_text("x"));
	assert_int_equal(document_ok(document, NULL), WHY_BUG);
	document_free(document);
}

static void
commonmark_loses_no_text_and_gains_no_power(void **state)
{
	(void)state;
	struct document *document = document_new(&META, &limits);
	document_markdown(document, document_root(document),
	    span_text("# T\n\na *b* `c` <i>d</i> [e](javascript:f) "
		      "![g](h.png \"i\")\n\n<script>\nj\n</script>\n\n- k\n"));
	assert_text(document,
	    "T\na b c <i>d</i> e (javascript:f) g (h.png) (i)\n"
	    "<script>\nj\n</script>\nk\n");
}

static void
deep_commonmark_is_made_flat(void **state)
{
	(void)state;
	char text[4001];
	memset(text, '>', 2000);
	strcpy(text + 2000, " inne **i**");
	struct document *document = document_new(&META, &limits);
	document_markdown(document, document_root(document), span_text(text));
	assert_text(document, "inne i\n");
	memset(text, 0, sizeof text);
	for (size_t i = 0; i < 500; i++)
		memcpy(text + i * 2, i % 2 ? "* " : "- ", 2);
	strcat(text, "inne");
	document = document_new(&META, &limits);
	document_markdown(document, document_root(document), span_text(text));
	assert_text(document, "inne\n");
	memset(text, 0, sizeof text);
	for (size_t i = 0; i < 500; i++)
		memcpy(text + i * 4, i % 2 ? "*a  " : "_b  ", 3);
	document = document_new(&META, &limits);
	document_markdown(document, document_root(document), span_text(text));
	assert_int_equal(document_ok(document, NULL), 0);
	document_free(document);
}

static void
an_unsafe_address_becomes_text(void **state)
{
	(void)state;
	static const char *const bad[] = {"javascript:x", "data:text/html,x",
	    "//example.no", "http:", "https://a b", "https://a\"b", "file:///x",
	    "https://\xC3\xB8.no", "vbscript:x", "java\nscript:x"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct document *document = document_new(&META, &limits);
		document_link(document,
		    document_paragraph(
			document, document_root(document), SPAN_NONE),
		    span_text(bad[i]), span_text("navn"));
		struct buf text;
		buf_init(&text, 1000);
		document_plain_text(document, &text);
		assert_memory_equal(text.at, "navn (", 6);
		buf_clear(&text);
		document_free(document);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(free_text_keeps_its_lines_and_paragraphs),
	    cmocka_unit_test(
		characters_that_a_document_cannot_hold_are_counted),
	    cmocka_unit_test(
		more_kinds_of_notes_than_there_is_room_for_are_said_to_be_more),
	    cmocka_unit_test(errors_stick_and_name_what_is_wrong),
	    cmocka_unit_test(limits_hold_at_and_over),
	    cmocka_unit_test(a_row_in_what_is_no_table_is_a_bug_not_a_crash),
	    cmocka_unit_test(commonmark_loses_no_text_and_gains_no_power),
	    cmocka_unit_test(deep_commonmark_is_made_flat),
	    cmocka_unit_test(an_unsafe_address_becomes_text),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
