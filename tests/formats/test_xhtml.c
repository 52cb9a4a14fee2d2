#include "formats/document_priv.h"
#include "formats/xhtml.h"

#include "tests/support/pdf_rewrite.h"
#include "tests/support/sample_document.h"
#include "tests/support/xhtml_rules.h"

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
set_up(void **state)
{
	(void)state;
	limits_init(&limits);
	return 0;
}

/* The text between tags, references resolved, white space left out. */
static void
text_of(const char *markup, struct buf *text)
{
	static const struct {
		const char *name;
		char byte;
	} entities[] = {
	    {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}};
	while (*markup != '\0') {
		if (*markup == '<') {
			markup = strchr(markup, '>');
			assert_non_null(markup);
			markup++;
			continue;
		}
		char byte = *markup++;
		for (size_t i = 0; i < 4 && byte == '&'; i++) {
			size_t size = strlen(entities[i].name);
			if (strncmp(markup - 1, entities[i].name, size) == 0) {
				byte = entities[i].byte;
				markup += size - 1;
				break;
			}
		}
		if (byte != ' ' && byte != '\n')
			buf_add_byte(text, (uint8_t)byte);
	}
}

/* cmark writes the same tree by itself: both must say the same. */
static void
assert_says_what_cmark_says(struct document *document)
{
	struct buf out;
	struct buf ours;
	struct buf theirs;
	struct why why = {0};
	buf_init(&out, limits.document_bytes);
	buf_init(&ours, limits.document_bytes);
	buf_init(&theirs, limits.document_bytes);
	assert_int_equal(xhtml_build(document, &out, &why), 0);
	char *main = strstr(buf_text(&out), "<main>");
	char *end = strstr(main, "</main>");
	*end = '\0';
	text_of(main, &ours);
	char *html = cmark_render_html(document->root, CMARK_OPT_DEFAULT);
	text_of(html, &theirs);
	free(html);
	assert_string_equal(buf_text(&ours), buf_text(&theirs));
	buf_clear(&out);
	buf_clear(&ours);
	buf_clear(&theirs);
}

static void
assert_well_formed(struct document *document)
{
	struct buf out;
	struct why why = {0};
	buf_init(&out, limits.document_bytes);
	assert_int_equal(xhtml_build(document, &out, &why), 0);
	FILE *pipe = popen("xmllint --noout --nonet -", "w");
	assert_non_null(pipe);
	fwrite(out.at, 1, out.size, pipe);
	int status = pclose(pipe);
	if (status == 127 << 8 && getenv("CI") == NULL)
		print_message("xmllint is absent, not asked\n");
	else
		assert_int_equal(status, 0);
	buf_clear(&out);
}

static void
the_sample_is_well_formed_and_says_what_cmark_says(void **state)
{
	(void)state;
	struct document *document = sample_document(&limits);
	assert_well_formed(document);
	assert_says_what_cmark_says(document);
	document_free(document);
}

static void
hostile_text_stays_text(void **state)
{
	(void)state;
	static const char text[] =
	    "]]> <script>alert(1)</script> &lt; \" ' <!-- --> &#0; \x01 \x1B "
	    "\xEF\xBF\xBE \xED\xA0\x80 \xFF </td></main> <?x ?> %s";
	struct document_meta meta = {
	    .title = text, .language = "nb", .footer = text, .author = text};
	struct document *document = document_new(&meta, &limits);
	struct document_node *root = document_root(document);
	struct span span = span_text(text);
	document_heading(document, root, 1, span);
	document_row(document, document_table(document, root), span, span);
	document_grid(document, root, &span, 1);
	document_item(document, document_list(document, root, false), span);
	struct document_node *line = document_paragraph(document, root, span);
	document_link(
	    document, line, span_text("https://example.no/?a=b&c='d'"), span);
	document_styled(document, line, DOCUMENT_STRUCK, span);
	document_markdown(document, root, span);
	assert_well_formed(document);
	assert_says_what_cmark_says(document);
	struct buf out;
	struct why why;
	buf_init(&out, limits.document_bytes);
	assert_int_equal(xhtml_build(document, &out, &why), 0);
	assert_null(strstr(buf_text(&out), "<script"));
	assert_null(strstr(buf_text(&out), "<!--"));
	buf_clear(&out);
	document_free(document);
}

static void
language_direction_headers_and_pictures_are_told(void **state)
{
	(void)state;
	static const uint8_t rgb[3] = {1, 2, 3};
	const struct document_picture picture = {
	    .width = 1, .height = 1, .width_mm = 10, .rgb = span_of(rgb, 3)};
	const struct span heads[] = {span_text("A"), span_text("B")};
	static const char *const wanted[] = {
	    "<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"nb\"",
	    "<div lang=\"ar\" xml:lang=\"ar\" dir=\"rtl\">",
	    "<p><bdi dir=\"ltr\">+47 999 99</bdi></p>",
	    "<p dir=\"rtl\">שלום</p>", "<th scope=\"row\">navn</th>",
	    "<thead><tr><th scope=\"col\">A</th>", "<td>verdi</td>",
	    "alt=\"Våpen\" src=\"data:image/png;base64,iVBORw0KGgo",
	    "<title>T</title>", "default-src 'none'",
	    "<a href=\"mailto:a@b.no\">post</a>"};
	const struct document_meta meta = {.title = "T", .language = "nb"};
	struct document *document = document_new(&meta, &limits);
	struct document_node *root = document_root(document);
	document_figure(document, root, &picture, span_text("Våpen"));
	document_free_text(document,
	    document_section(document, root, "ar", DOCUMENT_RTL),
	    span_text("نص\n\n+47 999 99"));
	document_free_text(document, root, span_text("שלום"));
	document_row(document, document_table(document, root),
	    span_text("navn"), span_text("verdi"));
	document_grid(document, root, heads, 2);
	document_link(document, document_paragraph(document, root, SPAN_NONE),
	    span_text("mailto:a@b.no"), span_text("post"));
	struct buf out;
	struct why why;
	buf_init(&out, limits.document_bytes);
	assert_int_equal(xhtml_build(document, &out, &why), 0);
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		if (strstr(buf_text(&out), wanted[i]) == NULL)
			print_message("lacks %s\n", wanted[i]);
		assert_non_null(strstr(buf_text(&out), wanted[i]));
	}
	assert_well_formed(document);
	buf_clear(&out);
	document_free(document);
}

/* Words of a grid stay whole where they fit side by side, and only there. */
static void
assert_grid_is_roomy(const char *cell, const char *amount, bool roomy)
{
	const struct span heads[] = {span_text("Fra"), span_text("Sum")};
	const struct span cells[] = {span_text(cell), span_text(amount)};
	const struct document_meta meta = {.title = "T", .language = "nb"};
	struct document *document = document_new(&meta, &limits);
	struct document_node *grid =
	    document_grid(document, document_root(document), heads, 2);
	struct buf out;
	struct why why;
	document_grid_row(document, grid, cells, 2);
	document_grid_numbers(document, grid, 1);
	buf_init(&out, limits.document_bytes);
	assert_int_equal(xhtml_build(document, &out, &why), 0);
	assert_int_equal(strstr(buf_text(&out),
			     "<div class=\"g\" tabindex=\"0\"><table>") != NULL,
	    roomy);
	assert_well_formed(document);
	buf_clear(&out);
	document_free(document);
}

#define TEN "0123456789"
#define SEVENTY TEN TEN TEN TEN TEN TEN TEN

static void
words_of_a_grid_stay_whole_where_they_fit(void **state)
{
	(void)state;
	assert_grid_is_roomy("31.10.2026", "1 200 kr", true);
	assert_grid_is_roomy(SEVENTY " " SEVENTY "\n\n" SEVENTY, "1 kr", true);
	assert_grid_is_roomy(SEVENTY, "2345 kr8", true);
	assert_grid_is_roomy(SEVENTY, "2345 kr89", false);
	assert_grid_is_roomy(SEVENTY TEN, "1", false);
}

/* Each rule is broken once, in a file that is good but for that. */
static void
what_breaks_a_rule_of_accessibility_is_told(void **state)
{
	static const struct {
		const char *from, *to, *told;
	} breaches[] = {{"</html>", "", "not well-formed"},
	    {" lang=\"nb\"", "", "3.1.1"},
	    {"<div lang=\"ar\"", "<div lang=\"\"", "3.1.2"},
	    {"dir=\"rtl\"", "dir=\"up\"", "1.3.2"},
	    {"<title>T<", "<title> <", "2.4.2"},
	    {"<h1>A</h1>", "<h2>A</h2>", "1.3.1: a level"},
	    {"<li>", "<li></li><p>", "not well-formed"},
	    {"<ul>", "<ul><p/>", "1.3.1: a list"},
	    {"<tr><th scope=\"row\"", "<tr><p/><th scope=\"row\"",
		"1.3.1: a row"},
	    {"<th scope=\"row\">n</th>", "<td>n</td>", "1.3.1: cells"},
	    {"scope=\"col\"", "scope=\"x\"", "1.3.1: a header"},
	    {"<main>", "<main/><main>", "1.3.1: one main"},
	    {"alt=\"Våpen\"", "alt=\"\"", "1.1.1"},
	    {">post</a>", "> </a>", "2.4.4"},
	    {"href=\"mailto:a@b.no\"", "href=\"javascript:x\"", "2.4.4"},
	    {"initial-scale=1", "maximum-scale=1", "1.4.4"},
	    {"color:#1c1c1c", "color:#808080", "1.4.3"},
	    {"background:#fff", "background:#777", "1.4.3"},
	    {"<p>x</p>", "<p onclick=\"x\">x</p>", "an attribute that"},
	    {"tabindex=\"0\"", "tabindex=\"1\"", "2.4.3"},
	    {"<p>x</p>", "<script/>", "an element that"},
	    {"<p>x</p>", "<p style=\"color:red\">x</p>", "a style"},
	    {"<p>x</p>", "<!-- x -->", "what nobody reads"},
	    {"src=\"data:image", "src=\"//example.no", "from elsewhere"}};
	static const uint8_t rgb[3] = {1, 2, 3};
	const struct document_picture picture = {
	    .width = 1, .height = 1, .width_mm = 10, .rgb = span_of(rgb, 3)};
	const struct span heads[] = {span_text("A"), span_text("B")};
	const struct document_meta meta = {.title = "T", .language = "nb"};
	struct document *document = document_new(&meta, &limits);
	struct document_node *root = document_root(document);
	struct buf out, changed, report;
	struct why why;

	(void)state;
	document_heading(document, root, 1, span_text("A"));
	document_figure(document, root, &picture, span_text("Våpen"));
	document_row(document, document_table(document, root), span_text("n"),
	    span_text("v"));
	document_grid_row(
	    document, document_grid(document, root, heads, 2), heads, 2);
	document_item(
	    document, document_list(document, root, false), span_text("i"));
	document_paragraph(document, root, span_text("x"));
	document_link(document, document_paragraph(document, root, SPAN_NONE),
	    span_text("mailto:a@b.no"), span_text("post"));
	document_free_text(document,
	    document_section(document, root, "ar", DOCUMENT_RTL),
	    span_text("نص"));
	buf_init(&out, limits.document_bytes);
	buf_init(&changed, limits.document_bytes);
	buf_init(&report, 1 << 16);
	assert_int_equal(xhtml_build(document, &out, &why), 0);
	if (xhtml_rules_check(buf_span(&out), &report) > 0)
		fail_msg("%s", buf_text(&report));
	for (size_t i = 0; i < sizeof breaches / sizeof *breaches; i++) {
		buf_reset(&changed);
		buf_reset(&report);
		if (!span_change(buf_span(&out), breaches[i].from,
			breaches[i].to, &changed))
			fail_msg("no %s", breaches[i].from);
		if (xhtml_rules_check(buf_span(&changed), &report) == 0 ||
		    strstr(buf_text(&report), breaches[i].told) == NULL)
			fail_msg("%s for %s: %s", breaches[i].to,
			    breaches[i].from,
			    report.size > 0 ? buf_text(&report) : "unseen");
	}
	buf_clear(&out);
	buf_clear(&changed);
	buf_clear(&report);
	document_free(document);
}

static void
a_file_over_its_room_is_refused(void **state)
{
	(void)state;
	struct document *document = sample_document(&limits);
	struct buf out;
	struct why why = {0};
	buf_init(&out, 5000);
	assert_int_equal(xhtml_build(document, &out, &why), WHY_TOO_LARGE);
	buf_clear(&out);
	document_free(document);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		the_sample_is_well_formed_and_says_what_cmark_says),
	    cmocka_unit_test(hostile_text_stays_text),
	    cmocka_unit_test(language_direction_headers_and_pictures_are_told),
	    cmocka_unit_test(words_of_a_grid_stay_whole_where_they_fit),
	    cmocka_unit_test(what_breaks_a_rule_of_accessibility_is_told),
	    cmocka_unit_test(a_file_over_its_room_is_refused),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
