/* What the text looks like; that it is safe for any text is in test_texts.c. */
#include "formats/commonmark.h"
#include "formats/document.h"

#include "tests/support/commonmark_check.h"
#include "tests/support/sample_document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct limits limits;
static struct document *document;
static struct document_node *root;

static int
set_up(void **state)
{
	static const struct document_meta meta = {
	    .title = "T", .language = "nb"};
	(void)state;
	limits_init(&limits);
	document = document_new(&meta, &limits);
	root = document_root(document);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	document_free(document);
	return 0;
}

static void
assert_written(const char *want)
{
	struct buf out;
	struct why why = {0};
	buf_init(&out, limits.document_bytes);
	assert_int_equal(commonmark_build(document, &out, &why), 0);
	assert_string_equal(out.size == 0 ? "" : buf_text(&out), want);
	commonmark_check(document);
	buf_clear(&out);
}

static void
tables_are_lists_of_names_and_values(void **state)
{
	(void)state;
	const struct span heads[] = {span_text("Dato"), span_text("Beløp")};
	const struct span cells[] = {
	    span_text("21.11.2026"), span_text("12 500,00")};
	document_heading(document, root, 1, span_text("Søknad #1"));
	struct document_node *table = document_table(document, root);
	document_row(document, table, span_text("Navn"), span_text("Kari"));
	document_row(
	    document, table, span_text("Om"), span_text("en\nto\n\n1. mars"));
	document_row(document, table, span_text("Tomt"), SPAN_NONE);
	document_row(document, table, SPAN_NONE, span_text("bare verdi"));
	struct document_node *grid = document_grid(document, root, heads, 2);
	document_grid_row(document, grid, cells, 2);
	document_grid_row(document, grid, cells, 2);
	assert_written("# Søknad \\#1\n"
		       "\n"
		       "* **Navn:** Kari\n"
		       "* **Om:** en\\\n"
		       "  to\n"
		       "\n"
		       "  1\\. mars\n"
		       "* **Tomt:**\n"
		       "* bare verdi\n"
		       "\n"
		       "- * **Dato:** 21.11.2026\n"
		       "  * **Beløp:** 12 500,00\n"
		       "- * **Dato:** 21.11.2026\n"
		       "  * **Beløp:** 12 500,00\n");
}

static void
text_is_never_markup(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {{"~~~ kode", "\\~\\~\\~ kode\n"}, {"- a", "\\- a\n"},
	    {"1986. et år", "1986\\. et år\n"},
	    {"a 1. b - c + d", "a 1. b - c + d\n"}, {"=", "\\=\n"},
	    {"    kode", "kode\n"}, {"# h", "\\# h\n"},
	    {"<b>x</b> &lt;", "\\<b\\>x\\</b\\> \\&lt;\n"},
	    {"[a](b) ![c]", "\\[a\\](b) \\!\\[c\\]\n"},
	    {"*_`\\", "\\*\\_\\`\\\\\n"}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		document_paragraph(document, root, span_text(cases[i].text));
		assert_written(cases[i].want);
		tear_down(state);
		set_up(state);
	}
}

static void
lists_quotes_links_and_styles_keep_their_place(void **state)
{
	static const uint8_t rgb[3] = {0};
	const struct document_picture picture = {
	    .width = 1, .height = 1, .width_mm = 10, .rgb = span_of(rgb, 3)};
	(void)state;
	document_figure(document, root, &picture, span_text("Kommunevåpen"));
	document_markdown(document, root,
	    span_text("1. en\n   - to\n2. tre\n\n> sitat\n\n---\n\n"
		      "a **b** *c* `d` [e](https://a.no/x_y) \"**f**\""));
	struct document_node *line =
	    document_paragraph(document, root, SPAN_NONE);
	document_styled(document, line, DOCUMENT_STRUCK, span_text("gammel"));
	document_item(
	    document, document_list(document, root, false), span_text("x"));
	document_item(
	    document, document_list(document, root, false), SPAN_NONE);
	assert_written("Kommunevåpen\n"
		       "\n"
		       "1. en\n"
		       "\n"
		       "   * to\n"
		       "2. tre\n"
		       "\n"
		       "> sitat\n"
		       "\n"
		       "___\n"
		       "\n"
		       "a **b** *c* d [e](<https://a.no/x\\_y>) \"**f**\"\n"
		       "\n"
		       "~~gammel~~\n"
		       "\n"
		       "* x\n"
		       "\n"
		       "- \n");
}

/* A link right behind it would be a picture, which a reader may fetch. */
static void
an_exclamation_mark_before_a_link_makes_no_picture(void **state)
{
	(void)state;
	document_markdown(
	    document, root, span_text("\\![e](https://a.no/x.png)"));
	assert_written("\\![e](<https://a.no/x.png>)\n");
}

static void
the_sample_is_read_back_whole(void **state)
{
	(void)state;
	struct document *sample = sample_document(&limits);
	commonmark_check(sample);
	document_free(sample);
}

static void
a_file_over_its_room_is_refused(void **state)
{
	(void)state;
	struct buf out;
	struct why why = {0};
	document_paragraph(document, root, span_text("mer enn det er rom til"));
	buf_init(&out, 10);
	assert_int_equal(commonmark_build(document, &out, &why), WHY_TOO_LARGE);
	assert_non_null(strstr(why.text, "document_bytes"));
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		tables_are_lists_of_names_and_values, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		text_is_never_markup, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		lists_quotes_links_and_styles_keep_their_place, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(
		an_exclamation_mark_before_a_link_makes_no_picture, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(
		the_sample_is_read_back_whole, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_file_over_its_room_is_refused, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
