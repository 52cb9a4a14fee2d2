/*
 * Rendering: every value of a payload stands in the document, the same bytes
 * come twice, hostile payloads are refused with a finding.
 */
#include "base/text.h"
#include "formats/document.h"
#include "formats/json.h"
#include "formats/pdf.h"
#include "formats/present.h"
#include "formats/profile.h"
#include "formats/render.h"
#include "tests/support/json_mutate.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OWN "tests/formats/fixtures/digisos"
#define NAV "../shared/data/digisos/examples"

static struct limits limits;
static struct profile *profile;
static struct pdf_fonts *fonts;

static const struct render_file files[] = {
    {"lonn-1a2b3c4d.pdf", 123456}, {"bilde-2b3c4d5e.jpg", 999}};
static const struct render_context context = {
    .message = "0190b6f0-7c1a-7abc-8def-0123456789ab",
    .sender = "889640782",
    .sender_name = "Nav",
    .recipient = "958935420",
    .recipient_name = "Oslo kommune",
    .reference = "SOKNAD-42",
    .received_ms = INT64_C(1795200330250),
    .files = files,
    .files_count = 2};

static int
start(void **state)
{
	struct why why = {0};

	(void)state;
	limits_init(&limits);
	if (profile_load("formats/profiles/digisos-soknad", &limits, &profile,
		&why) < 0 ||
	    pdf_fonts_open(NULL, &limits, &fonts, &why) < 0)
		fail_msg("%s", why.text);
	render_words_keep(profile, fonts);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	pdf_fonts_close(fonts);
	profile_free(profile);
	return 0;
}

/* ---- parity ---- */

/* Text without white space, so that line breaks do not matter. */
static void
squeeze(const char *text, struct buf *out)
{
	for (; *text != '\0'; text++) {
		if (strncmp(text, "\xc2\xa0", 2) == 0)
			text++;
		else if (strchr(" \n\r\t", *text) == NULL)
			buf_add_byte(out, (uint8_t)*text);
	}
}

static void
expect_text(struct buf *document, const char *text, const char *pointer)
{
	struct buf wanted;

	buf_init(&wanted, 1 << 20);
	squeeze(text, &wanted);
	if (strstr(buf_text(document), buf_text(&wanted)) == NULL)
		fail_msg("%s is not in the document", pointer);
	buf_clear(&wanted);
}

/* A form of the value that shows it: its own, or what its pointer asks for. */
static void
expect_scalar(struct buf *document, const json_t *value, const char *pointer)
{
	const char *text = json_string_value(value);
	char form[64];

	if (text == NULL || text[0] == '\0')
		return; /* numbers and yes or no: see the forms' own test */
	if (strlen(text) == 10 && text[4] == '-' && text[7] == '-' &&
	    strcmp(text, "2017-13-01") != 0) {
		snprintf(form, sizeof(form), "%.2s.%.2s.%.4s", text + 8,
		    text + 5, text);
		text = form;
	}
	if (strchr(text, 'Z') && strlen(text) > 20 && text[10] == 'T') {
		snprintf(form, sizeof(form), "%.2s.%.2s.%.4s kl.", text + 8,
		    text + 5, text);
		text = form;
	}
	if (strstr(pointer, "/kilde") || strstr(pointer, "/type") ||
	    strstr(pointer, "tatus") || strstr(pointer, "grad") ||
	    strstr(pointer, "Grad") || strstr(pointer, "botype") ||
	    strstr(pointer, "soknadstype") || strstr(pointer, "/landkode") ||
	    strstr(pointer, "statsborgerskap") || strstr(pointer, "Valg") ||
	    strstr(pointer, "stillingstype") || strstr(pointer, "bidrag") ||
	    strstr(pointer, "/mottaker") || strstr(pointer, "kompatibilitet"))
		return; /* codes have labels */
	expect_text(document, text, pointer);
}

static void
expect_all(struct buf *document, const json_t *value, struct buf *pointer)
{
	size_t back = pointer->size, i;
	const char *name;
	json_t *member;

	if (!json_is_object(value) && !json_is_array(value))
		expect_scalar(document, value, buf_text(pointer));
	json_object_foreach((json_t *)(uintptr_t)value, name, member)
	{
		json_pointer_add(pointer, name);
		expect_all(document, member, pointer);
		pointer->size = back;
	}
	json_array_foreach(value, i, member)
	{
		json_pointer_add_index(pointer, i);
		expect_all(document, member, pointer);
		pointer->size = back;
	}
}

static void
plain_text(const json_t *payload, struct buf *out, size_t *unknown)
{
	struct document *document;
	struct why why = {0};
	struct buf text;

	if (presentation_document(profile->shown, payload, &context, &limits,
		&document, unknown, &why) < 0)
		fail_msg("%s", why.text);
	buf_init(&text, 16 << 20);
	document_plain_text(document, &text);
	squeeze(buf_text(&text), out);
	buf_clear(&text);
	document_free(document);
}

static void
expect_parity(const char *path, size_t expected_unknown)
{
	json_t *payload = json_load_file(path, 0, NULL);
	struct buf text, pointer;
	size_t unknown;

	assert_non_null(payload);
	buf_init(&text, 16 << 20);
	buf_init(&pointer, 4096);
	plain_text(payload, &text, &unknown);
	expect_all(&text, payload, &pointer);
	if (unknown != expected_unknown)
		fail_msg("%s: %zu unknown values", path, unknown);
	buf_clear(&text);
	buf_clear(&pointer);
	json_decref(payload);
}

static void
every_value_of_our_examples_stands_in_the_document(void **state)
{
	struct dirent **names;
	int count = scandir(OWN, &names, NULL, alphasort);
	char path[512];

	(void)state;
	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), OWN "/%s", names[i]->d_name);
		if (strncmp(names[i]->d_name, "gyldig-", 7) == 0)
			expect_parity(
			    path, strstr(path, "ukjente") != NULL ? 6 : 0);
		free(names[i]);
	}
	free(names);
}

static void
every_value_of_navs_examples_stands_in_the_document(void **state)
{
	char path[512];

	(void)state;
	if (access(NAV "/minimal.json", R_OK) != 0) {
		print_message("SKIP: NAV's files are not at " NAV "\n");
		skip();
	}
	expect_parity(NAV "/minimal.json", 0);
	expect_parity(NAV "/brukerdata.json", 0);
	/* "HarDeltBosted" with a capital is a name that nobody knows */
	expect_parity(NAV "/systemdata.json", 4);
	for (int i = 1; i <= 10; i++) {
		snprintf(path, sizeof(path), NAV "/current/%d.json", i);
		expect_parity(path, 0);
	}
}

static size_t
count_scalars(const json_t *value)
{
	const char *name;
	json_t *member;
	size_t i, count = 0;

	if (!json_is_object(value) && !json_is_array(value))
		return 1;
	json_object_foreach((json_t *)(uintptr_t)value, name, member) count +=
	    count_scalars(member);
	json_array_foreach(value, i, member) count += count_scalars(member);
	return count;
}

/* Texts put in where nothing expects them, in valid and invalid payloads. */
static void
a_value_put_in_anywhere_stands_in_the_document(void **state)
{
	json_t *whole = json_load_file(OWN "/gyldig-familie.json", 0, NULL);
	struct buf text;
	size_t unknown;

	(void)state;
	json_mutate_seed(4);
	for (int i = 0; i < 400; i++) {
		json_t *payload = json_deep_copy(whole);
		json_t *at = payload;
		char mark[32];

		for (int n = 0; n < 3; n++)
			json_mutate(payload);
		/* down a random way, then a mark in place of what is there */
		while (json_is_object(at) || json_is_array(at)) {
			size_t count = json_is_object(at) ? json_object_size(at)
							  : json_array_size(at);
			size_t place = json_mutate_pick(count + 1);
			void *iter = json_object_iter(at);
			json_t *below;

			snprintf(mark, sizeof(mark), "merke%dslutt", i);
			for (size_t n = 0; iter && n < place; n++)
				iter = json_object_iter_next(at, iter);
			below = json_is_object(at)
				    ? json_object_iter_value(iter)
				    : json_array_get(at, place);
			if (below && count_scalars(below) > 1) {
				at = below;
				continue;
			}
			if (json_is_array(at))
				json_array_append_new(at, json_string(mark));
			else
				json_object_set_new(at,
				    iter ? json_object_iter_key(iter) : "nytt",
				    json_string(mark));
			break;
		}
		buf_init(&text, 16 << 20);
		plain_text(payload, &text, &unknown);
		if (strstr(buf_text(&text), mark) == NULL) {
			char *dump = json_dumps(payload, 0);

			fail_msg("%s is lost: %s", mark, dump);
		}
		buf_clear(&text);
		json_decref(payload);
	}
	json_decref(whole);
}

static void
values_have_norwegian_forms(void **state)
{
	static const char *const expected[] = {"18\xc2\xa0"
					       "201,50\xc2\xa0kr",
	    "\xe2\x88\x92"
	    "5\xc2\xa0"
	    "419\xc2\xa0kr",
	    "80\xc2\xa0%",
	    "1234\xc2\xa0"
	    "56\xc2\xa0"
	    "78903",
	    "20.11.2026kl.10.15.30,25", "01.03.2019", "20.11.2026kl.19.45.30",
	    "1\xc2\xa0"
	    "181,03\xc2\xa0kr",
	    "Husbanken", "Innvilget", "Bekreftelserogsamtykker",
	    "999\xc2\xa0"
	    "byte",
	    "123\xc2\xa0kB"};
	json_t *payload = json_load_file(OWN "/gyldig-familie.json", 0, NULL);
	struct buf text;
	size_t unknown;

	(void)state;
	buf_init(&text, 16 << 20);
	plain_text(payload, &text, &unknown);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		expect_text(&text, expected[i], expected[i]);
	}
	buf_clear(&text);
	json_decref(payload);
}

static void
a_text_for_other_versions_is_not_shown(void **state)
{
	json_t *payload = json_load_file(OWN "/gyldig-kort.json", 0, NULL);
	struct buf text;
	size_t unknown;

	(void)state;
	buf_init(&text, 16 << 20);
	plain_text(payload, &text, &unknown);
	assert_non_null(strstr(buf_text(&text), "punkt\xc3\xa9n"));
	assert_null(strstr(buf_text(&text), "Skalikkevises"));
	buf_clear(&text);
	json_decref(payload);
}

/* ---- the whole step ---- */

static int
render(
    const char *text, struct findings *findings, struct render_result *result)
{
	struct why why = {0};

	findings_init(findings, 100);
	render_result_init(result, &limits);
	return render_payload(profile, span_text(text), &context, &limits,
	    fonts, findings, result, &why);
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

static void
the_same_payload_gives_the_same_bytes(void **state)
{
	struct render_result first, second;
	struct findings findings;
	struct buf text;

	(void)state;
	read_file(OWN "/gyldig-familie.json", &text);
	assert_int_equal(render(buf_text(&text), &findings, &first), 0);
	findings_clear(&findings);
	assert_int_equal(render(buf_text(&text), &findings, &second), 0);
	assert_true(span_equal(buf_span(&first.pdf), buf_span(&second.pdf)));
	assert_true(
	    span_equal(buf_span(&first.xhtml), buf_span(&second.xhtml)));
	assert_true(first.pdf.size > 1000 && first.xhtml.size > 1000);
	assert_memory_equal(first.pdf.at, "%PDF-", 5);
	assert_int_equal(first.notes.missing, 0);
	render_result_clear(&first);
	render_result_clear(&second);
	findings_clear(&findings);
	buf_clear(&text);
}

static void
bad_payloads_are_refused_with_a_finding_and_no_document(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *pointer;
	} cases[] = {{"", WHY_MALFORMED, ""}, {"{", WHY_MALFORMED, ""},
	    {"{\"version\":1,\"version\":2}", WHY_MALFORMED, ""},
	    {"[]", WHY_INVALID, ""}, {"\"tekst\"", WHY_INVALID, ""},
	    {"{\"version\":1}", WHY_INVALID, "/version"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct render_result result;
		struct findings findings;
		bool found = false;

		assert_int_equal(
		    render(cases[i].text, &findings, &result), cases[i].code);
		for (size_t j = 0; j < findings.count; j++) {
			assert_string_equal(findings.at[j].part, "payload");
			found |= strcmp(findings.at[j].pointer,
				     cases[i].pointer) == 0;
		}
		assert_true(found);
		assert_int_equal(result.pdf.size + result.xhtml.size, 0);
		findings_clear(&findings);
		render_result_clear(&result);
	}
}

static void
a_payload_too_deep_is_refused_before_it_is_parsed(void **state)
{
	struct render_result result;
	struct findings findings;
	char deep[300];

	(void)state;
	memset(deep, '[', 299);
	deep[299] = '\0';
	assert_int_equal(render(deep, &findings, &result), WHY_TOO_LARGE);
	assert_int_equal(findings.count, 1);
	findings_clear(&findings);
	render_result_clear(&result);
}

static void
markup_in_values_stays_text(void **state)
{
	struct render_result result;
	struct findings findings;
	json_t *payload = json_load_file(OWN "/gyldig-minimal.json", 0, NULL);
	char *text;

	(void)state;
	json_object_set_new(json_pointer_get(payload, "/data/begrunnelse"),
	    "hvaSokesOm",
	    json_string("</p><script>alert(1)</script> **fet** [x](http://x) "
			"&amp; \xe2\x80\xae\xe2\x80\xa8 # 1. ~~~"));
	text = json_dumps(payload, 0);
	assert_int_equal(render(text, &findings, &result), 0);
	assert_null(strstr(buf_text(&result.xhtml), "<script"));
	assert_non_null(strstr(buf_text(&result.xhtml), "&lt;script"));
	assert_non_null(strstr(buf_text(&result.xhtml), "**fet**"));
	assert_null(strstr(buf_text(&result.xhtml), "href=\"http://x\""));
	free(text);
	json_decref(payload);
	render_result_clear(&result);
	findings_clear(&findings);
}

static void
a_payload_that_is_no_json_kind_is_not_rendered(void **state)
{
	struct profile *document;
	struct render_result result;
	struct findings findings;
	struct why why = {0};

	(void)state;
	assert_int_equal(
	    profile_load("formats/profiles/document", &limits, &document, &why),
	    0);
	findings_init(&findings, 10);
	render_result_init(&result, &limits);
	assert_int_equal(
	    render_payload(document, span_text("%PDF-1.7"), &context, &limits,
		fonts, &findings, &result, &why),
	    WHY_UNSUPPORTED);
	render_result_clear(&result);
	profile_free(document);
}

/* {"a":["\",[{",[],[],...]}: with that many commas and brackets. */
static int
render_with_values(size_t count, struct findings *findings)
{
	struct limits tight = limits;
	struct render_result result;
	struct buf text;
	int ret;

	tight.json_values = 200;
	buf_init(&text, 4096);
	buf_add_text(&text, "{\"a\":[\"\\\",[{\"");
	for (size_t i = 2; i + 2 <= count; i += 2)
		buf_add_text(&text, ",[]");
	buf_add_text(&text, count % 2 == 0 ? "]}" : ",1]}");
	render_result_init(&result, &tight);
	ret = render_payload(profile, buf_span(&text), &context, &tight, fonts,
	    findings, &result, NULL);
	render_result_clear(&result);
	buf_clear(&text);
	return ret;
}

static void
a_payload_of_too_many_values_is_not_even_read(void **state)
{
	struct findings findings;

	(void)state;
	for (size_t count = 199; count <= 201; count++) {
		findings_init(&findings, 10);
		assert_int_equal(render_with_values(count, &findings),
		    count <= 200 ? WHY_INVALID : WHY_TOO_LARGE);
		assert_int_equal(
		    strcmp(findings.at[0].rule, "json") == 0, count > 200);
		findings_clear(&findings);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		every_value_of_our_examples_stands_in_the_document),
	    cmocka_unit_test(
		every_value_of_navs_examples_stands_in_the_document),
	    cmocka_unit_test(a_value_put_in_anywhere_stands_in_the_document),
	    cmocka_unit_test(values_have_norwegian_forms),
	    cmocka_unit_test(a_text_for_other_versions_is_not_shown),
	    cmocka_unit_test(the_same_payload_gives_the_same_bytes),
	    cmocka_unit_test(
		bad_payloads_are_refused_with_a_finding_and_no_document),
	    cmocka_unit_test(a_payload_too_deep_is_refused_before_it_is_parsed),
	    cmocka_unit_test(a_payload_of_too_many_values_is_not_even_read),
	    cmocka_unit_test(markup_in_values_stays_text),
	    cmocka_unit_test(a_payload_that_is_no_json_kind_is_not_rendered),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
