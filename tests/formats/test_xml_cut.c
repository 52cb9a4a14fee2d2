/*
 * What a profile's rules take out of an XML payload: cutting the text is
 * cutting the tree, and a letter is rendered without what may not pass.
 */
#include "formats/json.h"
#include "formats/minimise.h"
#include "formats/pdf.h"
#include "formats/profile.h"
#include "formats/render.h"
#include "formats/schema_fields.h"
#include "formats/xml.h"
#include "formats/xml_fields.h"
#include "tests/support/json_mutate.h"

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

static int
start(void **state)
{
	struct why why = {0};

	(void)state;
	limits_init(&limits);
	if (profile_load(
		"formats/profiles/arkivbrev", &limits, &profile, &why) < 0)
		fail_msg("%s", why.text);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
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
}

static const char *const *
lists(void)
{
	return (const char *const *)profile->lists;
}

static int
cut(const char *text, const json_t *cuts, struct buf *out)
{
	struct xml_bounds bounds = xml_bounds_of(&limits);
	struct why why = {0};

	return xml_text_cut(span_text(text), &bounds, lists(), cuts, out, &why);
}

static void
what_is_cut_takes_its_octets_and_nothing_else(void **state)
{
	static const struct {
		const char *text, *cuts, *left;
	} cases[] = {{"<a> <b>1</b> <c/> </a>", "/b", "<a>  <c/> </a>"},
	    {"<a><b/><c  x = '>'  y=\"z\" /></a>", "/c/@x",
		"<a><b/><c  y=\"z\" /></a>"},
	    {"<a x='1'/>", "/@x", "<a/>"},
	    {"<a><b/><b>2</b></a>", "/b/0", "<a><b>2</b></a>"},
	    {"<a><b/><b>2</b></a>", "/b", "<a></a>"},
	    {"<a><b>1</b><b>2</b><b>3</b></a>", "/b/0 /b/2", "<a><b>2</b></a>"},
	    {"<a><b><c x='1'/><d/></b></a>", "/b/c/@x /b/c /b/d",
		"<a><b></b></a>"},
	    {"<a><b><c/></b></a>", "/b /b/c", "<a></a>"},
	    {"<a><![CDATA[<b>'\"]]><b>]</b></a>", "/b",
		"<a><![CDATA[<b>'\"]]></a>"},
	    {"<?xml version='1.0'?>\n<a>\n<b\n>x</b\n></a>\n", "/b",
		"<?xml version='1.0'?>\n<a>\n</a>\n"},
	    {"<p:a xmlns:p='u' xmlns:q='v'><q:b/><p:b q:x='1' p:x='2'/></p:a>",
		"/{v}b /b/@{v}x",
		"<p:a xmlns:p='u' xmlns:q='v'><p:b p:x='2'/></p:a>"},
	    {"<a xmlns='u'><b xmlns=''/><b/></a>", "/{}b",
		"<a xmlns='u'><b/></a>"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *words = strdup(cases[i].cuts), *rest = words, *word;
		json_t *cuts = json_object();
		struct buf out;

		while ((word = strsep(&rest, " ")) != NULL)
			json_object_set_new(cuts, word, json_true());
		buf_init(&out, 1 << 16);
		assert_int_equal(cut(cases[i].text, cuts, &out), 0);
		assert_string_equal(buf_text(&out), cases[i].left);
		json_decref(cuts);
		buf_clear(&out);
		free(words);
	}
}

static void
what_cannot_be_cut_is_an_error_not_left_in(void **state)
{
	static const char *const pointers[] = {
	    "", "/#text", "/none", "/b/1", "/b/@none", "/b/#text"};

	(void)state;
	for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
		json_t *cuts = json_object();
		struct buf out;

		json_object_set_new(cuts, pointers[i], json_true());
		buf_init(&out, 1 << 16);
		assert_int_equal(
		    cut("<a>t<b x='1'>u</b></a>", cuts, &out), WHY_INVALID);
		json_decref(cuts);
		buf_clear(&out);
	}
}

/* ---- cutting the text is cutting the tree ---- */

/* Cut here and there; texts beside attributes stay. */
static void
cut_some(json_t *value, struct buf *pointer, json_t *cuts)
{
	size_t back = pointer->size, i;
	const char *name;
	json_t *one;
	void *next;

	json_object_foreach_safe(value, next, name, one)
	{
		if (strcmp(name, "#text") == 0)
			continue;
		json_pointer_add(pointer, name);
		if (json_mutate_pick(8) == 0) {
			json_object_set_new(
			    cuts, buf_text(pointer), json_true());
			json_object_del(value, name);
		} else {
			cut_some(one, pointer, cuts);
		}
		pointer->size = back;
	}
	for (i = json_array_size(value); i-- > 0;) {
		json_pointer_add_index(pointer, i);
		if (json_mutate_pick(8) == 0) {
			json_object_set_new(
			    cuts, buf_text(pointer), json_true());
			json_array_remove(value, i);
		} else {
			cut_some(json_array_get(value, i), pointer, cuts);
		}
		pointer->size = back;
	}
}

/* What has lost all that was in it is white space in XML and empty here. */
static json_t *
plain(const json_t *value)
{
	json_t *copy, *one, *part;
	const char *name;
	size_t i;

	if (json_is_string(value)) {
		const char *text = json_string_value(value);

		return text[strspn(text, " \t\n")] == '\0' ? NULL
							   : json_string(text);
	}
	copy = json_is_array(value) ? json_array() : json_object();
	json_array_foreach(value, i, one)
	{
		part = plain(one);
		json_array_append_new(copy, part ? part : json_string(""));
	}
	json_object_foreach((json_t *)(uintptr_t)value, name, one)
	{
		part = plain(one);
		if (part != NULL)
			json_object_set_new(copy, name, part);
	}
	if (json_array_size(copy) + json_object_size(copy) == 0) {
		json_decref(copy);
		return NULL;
	}
	one = json_incref(json_object_get(copy, "#text"));
	if (one == NULL || json_object_size(copy) > 1) {
		json_decref(one);
		return copy;
	}
	json_decref(copy);
	return one;
}

static json_t *
value_of(struct span text)
{
	struct xml_bounds bounds = xml_bounds_of(&limits);
	struct xml_document *document;
	struct why why = {0};
	json_t *value;

	if (xml_text_read(text, &bounds, &document, &why) < 0)
		fail_msg("%s", why.text);
	assert_int_equal(xml_value_build(document, lists(), &value, &why), 0);
	xml_document_free(document);
	return value;
}

static void
cutting_the_text_is_cutting_the_tree(void **state)
{
	struct buf letter;

	(void)state;
	read_file(OWN "/gyldig-vedtak.xml", &letter);
	json_mutate_seed(5);
	for (unsigned n = 0; n < 2000; n++) {
		json_t *value = value_of(buf_span(&letter));
		json_t *cuts = json_object(), *back, *want, *have;
		struct buf pointer, out;

		buf_init(&pointer, 1 << 16);
		buf_init(&out, 1 << 20);
		cut_some(value, &pointer, cuts);
		assert_int_equal(cut(buf_text(&letter), cuts, &out), 0);
		back = value_of(buf_span(&out));
		want = plain(value);
		have = plain(back);
		if (!json_equal(want, have) && want != have)
			fail_msg(
			    "%s\nof %s", json_dumps(cuts, 0), buf_text(&out));
		json_decref(want);
		json_decref(have);
		json_decref(back);
		json_decref(value);
		json_decref(cuts);
		buf_clear(&pointer);
		buf_clear(&out);
	}
	buf_clear(&letter);
}

/* ---- a letter ---- */

static void
rules_set(const char *rules)
{
	json_t *list = json_loads(rules, 0, NULL);
	struct schema_fields fields;
	struct findings findings;
	struct why why = {0};
	struct buf schema;

	assert_non_null(list);
	read_file("formats/profiles/arkivbrev/arkivbrev.rng", &schema);
	findings_init(&findings, 10);
	assert_int_equal(xml_fields_find(buf_span(&schema), "s", lists(),
			     &findings, &fields, &why),
	    0);
	minimise_free(profile->minimise);
	if (minimise_new_fields(
		list, &fields, "p", &findings, &profile->minimise, &why) < 0)
		fail_msg("%s", findings.at[0].expected);
	findings_clear(&findings);
	json_decref(list);
	buf_clear(&schema);
}

static void
a_letter_is_rendered_without_what_may_not_pass(void **state)
{
	static const char rules[] =
	    "[{\"name\":\"copies\",\"effect\":\"strip\",\"reason\":\"r\","
	    "\"at\":\"/journalpost/korrespondansepart/*\",\"when\":[{\"at\":"
	    "\"/korrespondanseparttype\",\"is\":[\"mottaker\"]}],"
	    "\"only\":[\"korrespondanseparttype\",\"navn\"]}]";
	static const struct render_context context = {
	    .message = "m", .received_ms = INT64_C(1795200330250)};
	struct render_result result;
	struct pdf_fonts *fonts;
	struct findings findings;
	struct why why = {0};
	struct buf letter;

	(void)state;
	assert_int_equal(pdf_fonts_open(NULL, &limits, &fonts, &why), 0);
	rules_set(rules);
	read_file(OWN "/gyldig-vedtak.xml", &letter);
	assert_non_null(strstr(buf_text(&letter), "945475056"));
	findings_init(&findings, 10);
	render_result_init(&result, &limits);
	if (render_payload(profile, buf_span(&letter), &context, &limits, fonts,
		&findings, &result, &why) != 0)
		fail_msg("%s", why.text);
	assert_true(result.stripped.size > 0 && result.minimised_count > 0);
	assert_null(strstr(buf_text(&result.stripped), "945475056"));
	assert_null(strstr(buf_text(&result.xhtml), "945"));
	assert_null(strstr(buf_text(&result.minimised), "945475056"));
	assert_non_null(strstr(buf_text(&result.minimised),
	    "/journalpost/korrespondansepart/1/organisasjonsnummer"));
	render_result_clear(&result);
	findings_clear(&findings);
	buf_clear(&letter);
	pdf_fonts_close(fonts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_cut_takes_its_octets_and_nothing_else),
	    cmocka_unit_test(what_cannot_be_cut_is_an_error_not_left_in),
	    cmocka_unit_test(cutting_the_text_is_cutting_the_tree),
	    cmocka_unit_test(a_letter_is_rendered_without_what_may_not_pass),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
