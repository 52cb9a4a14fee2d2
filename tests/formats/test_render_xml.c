/*
 * An XML letter becomes documents: each of its values stands in them, also one
 * that nobody expects, and what is wrong with it is told by element.
 */
#include "formats/pdf.h"
#include "formats/present.h"
#include "formats/render.h"
#include "formats/xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OWN "tests/formats/fixtures/arkivbrev"

static struct limits limits;
static struct profile *profile;
static struct pdf_fonts *fonts;
static const struct render_context context = {
    .message = "0199f3a2-5c1e-7d40-9a6b-3f2c1d0e9b8a",
    .sender = "889640782",
    .received_ms = INT64_C(1795200330250)};

static int
start(void **state)
{
	struct why why = {0};
	int ret;

	(void)state;
	limits_init(&limits);
	ret =
	    profile_load("formats/profiles/arkivbrev", &limits, &profile, &why);
	if (ret == 0)
		ret = pdf_fonts_open(NULL, &limits, &fonts, &why);
	if (ret < 0)
		print_error("%s\n", why.text);
	return ret;
}

static int
stop(void **state)
{
	(void)state;
	pdf_fonts_close(fonts);
	profile_free(profile);
	return 0;
}

static void
read_file(const char *path, struct buf *text)
{
	FILE *file = fopen(path, "r");
	char part[4096];
	size_t got;

	assert_non_null(file);
	buf_init(text, 1 << 20);
	while ((got = fread(part, 1, sizeof(part), file)) > 0)
		buf_add(text, part, got);
	fclose(file);
	assert_non_null(buf_text(text));
}

static json_t *
value_of(struct span text)
{
	struct xml_bounds bounds = xml_bounds_of(&limits);
	struct xml_document *document;
	struct why why = {0};
	json_t *value;

	assert_int_equal(xml_text_read(text, &bounds, &document, &why), 0);
	assert_int_equal(xml_value_build(document,
			     (const char *const *)profile->lists, &value, &why),
	    0);
	xml_document_free(document);
	return value;
}

static size_t
plain_text(const json_t *value, struct buf *text)
{
	struct document *document;
	struct why why = {0};
	size_t unknown;

	assert_int_equal(presentation_document(profile->shown, value, &context,
			     &limits, &document, &unknown, &why),
	    0);
	document_plain_text(document, text);
	assert_non_null(buf_text(text));
	document_free(document);
	return unknown;
}

/* Put mark in place of the n-th text; false when there is none. */
static bool
mark_put(json_t *value, size_t *n, const char *mark)
{
	const char *name;
	json_t *member;
	void *next;
	size_t i;

	json_object_foreach_safe(value, next, name, member)
	{
		if (json_is_string(member) && (*n)-- == 0) {
			/* its column heading says the only value that it has */
			if (strcmp(name, "@algoritme") != 0)
				json_object_set_new(
				    value, name, json_string(mark));
			return true;
		}
		if (!json_is_string(member) && mark_put(member, n, mark))
			return true;
	}
	json_array_foreach(value, i, member)
	{
		if (json_is_string(member) && (*n)-- == 0) {
			json_array_set_new(value, i, json_string(mark));
			return true;
		}
		if (!json_is_string(member) && mark_put(member, n, mark))
			return true;
	}
	return false;
}

static void
each_value_of_a_letter_stands_in_the_document(void **state)
{
	struct buf letter, text;
	json_t *whole;
	size_t count = 0;

	(void)state;
	read_file(OWN "/gyldig-vedtak.xml", &letter);
	whole = value_of(buf_span(&letter));
	for (;; count++) {
		json_t *value = json_deep_copy(whole);
		char mark[32];
		size_t n = count;
		bool more;

		snprintf(mark, sizeof(mark), "merke%zuslutt", count);
		more = mark_put(value, &n, mark);
		buf_init(&text, 1 << 20);
		assert_int_equal(plain_text(value, &text), 0);
		if (json_equal(value, whole))
			mark[0] = '\0';
		if (strstr(buf_text(&text), mark) == NULL)
			fail_msg("the text %zu is lost", count);
		buf_clear(&text);
		json_decref(value);
		if (!more)
			break;
	}
	assert_int_equal(count, 44);
	json_decref(whole);
	buf_clear(&letter);
}

static void
what_the_presentation_does_not_know_comes_last(void **state)
{
	static const char letter[] =
	    "<arkivbrev xmlns='urn:budstikke:arkivbrev:1' fremmed='en'>"
	    "<ny>to<b>tre</b>fire</ny><journalpost><tittel>fem</tittel>"
	    "<tittel>seks</tittel></journalpost><x xmlns='y'>sju</x>"
	    "</arkivbrev>";
	static const char *const words[] = {"en", "tofire", "tre", "fem",
	    "seks", "sju", "@fremmed", "ny \xe2\x80\xba #text", "{y}x"};
	json_t *value = value_of(span_text(letter));
	struct buf text;

	(void)state;
	buf_init(&text, 1 << 20);
	assert_int_equal(plain_text(value, &text), 4);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(buf_text(&text), words[i]) == NULL)
			fail_msg("%s is lost: %s", words[i], buf_text(&text));
	buf_clear(&text);
	json_decref(value);
}

static int
render(
    struct span text, struct findings *findings, struct render_result *result)
{
	struct why why = {0};

	findings_init(findings, 20);
	render_result_init(result, &limits);
	return render_payload(
	    profile, text, &context, &limits, fonts, findings, result, &why);
}

static void
the_same_letter_gives_the_same_bytes(void **state)
{
	struct render_result first, second;
	struct findings findings;
	struct buf letter;

	(void)state;
	read_file(OWN "/gyldig-vedtak.xml", &letter);
	assert_int_equal(render(buf_span(&letter), &findings, &first), 0);
	findings_clear(&findings);
	assert_int_equal(render(buf_span(&letter), &findings, &second), 0);
	findings_clear(&findings);
	assert_true(span_equal(buf_span(&first.pdf), buf_span(&second.pdf)));
	assert_true(
	    span_equal(buf_span(&first.xhtml), buf_span(&second.xhtml)));
	assert_memory_equal(first.pdf.at, "%PDF-", 5);
	assert_non_null(strstr(buf_text(&first.xhtml), "inntekt &lt; utg"));
	assert_int_equal(first.unknown_count, 0);
	assert_int_equal(first.notes.missing, 0);
	render_result_clear(&first);
	render_result_clear(&second);
	buf_clear(&letter);
}

static void
a_letter_has_the_labels_that_are_wanted(void **state)
{
	static const char *const words[][2] = {
	    {"nb", "Svarfrist"}, {"nn", "Datoen p"}, {"en", "Answer by"}};
	struct buf letter;

	(void)state;
	read_file(OWN "/gyldig-vedtak.xml", &letter);
	for (size_t i = 0; i < 3; i++) {
		struct render_context wish = context;
		struct render_result result;
		struct findings findings;
		struct why why = {0};

		wish.language = words[i][0];
		findings_init(&findings, 20);
		render_result_init(&result, &limits);
		assert_int_equal(
		    render_payload(profile, buf_span(&letter), &wish, &limits,
			fonts, &findings, &result, &why),
		    0);
		assert_non_null(strstr(buf_text(&result.xhtml), words[i][1]));
		assert_false(result.fell_back);
		assert_int_equal(result.unknown_count, 0);
		render_result_clear(&result);
		findings_clear(&findings);
	}
	buf_clear(&letter);
}

static void
a_bad_letter_is_refused_with_a_finding_and_no_document(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *pointer;
	} cases[] = {{"", WHY_MALFORMED, ""}, {"{}", WHY_MALFORMED, ""},
	    {"<arkivbrev>", WHY_MALFORMED, ""},
	    {"<!DOCTYPE x><x/>", WHY_MALFORMED, ""},
	    {"<arkivbrev/>", WHY_INVALID, "/arkivbrev"},
	    {"<x xmlns='urn:budstikke:arkivbrev:1'/>", WHY_INVALID, "/x"}};
	struct render_result result;
	struct findings findings;
	struct buf deep;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		    render(span_text(cases[i].text), &findings, &result),
		    cases[i].code);
		assert_true(findings.count > 0);
		assert_string_equal(findings.at[0].part, "payload");
		assert_string_equal(findings.at[0].pointer, cases[i].pointer);
		assert_int_equal(result.pdf.size + result.xhtml.size, 0);
		findings_clear(&findings);
		render_result_clear(&result);
	}
	buf_init(&deep, 1 << 20);
	for (int i = 0; i < 100; i++)
		buf_add_text(&deep, "<a>");
	assert_int_equal(
	    render(buf_span(&deep), &findings, &result), WHY_TOO_LARGE);
	assert_int_equal(findings.count, 1);
	findings_clear(&findings);
	render_result_clear(&result);
	buf_clear(&deep);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_value_of_a_letter_stands_in_the_document),
	    cmocka_unit_test(what_the_presentation_does_not_know_comes_last),
	    cmocka_unit_test(the_same_letter_gives_the_same_bytes),
	    cmocka_unit_test(a_letter_has_the_labels_that_are_wanted),
	    cmocka_unit_test(
		a_bad_letter_is_refused_with_a_finding_and_no_document),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
