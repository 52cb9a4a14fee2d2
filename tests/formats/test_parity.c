/*
 * Parity: whatever a valid payload holds stands in the document, whatever is
 * changed in it changes the document, and a presentation that forgets a field
 * of its schema is refused.
 */
#include "base/text.h"
#include "formats/document.h"
#include "formats/json.h"
#include "formats/pdf.h"
#include "formats/present_priv.h"
#include "formats/profile.h"
#include "formats/profile_shown.h"
#include "formats/render.h"
#include "formats/xhtml.h"
#include "tests/support/json_generate.h"
#include "tests/support/pdf_rules.h"
#include "tests/support/xhtml_rules.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OWN "tests/formats/fixtures/digisos"

static struct limits limits;
static struct profile *profile;
static struct pdf_fonts *fonts;

static const struct render_context context = {
    .message = "0190b6f0-7c1a-7abc-8def-0123456789ab",
    .sender = "889640782",
    .received_ms = INT64_C(1795200330250)};

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

/* ---- texts ---- */

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

static struct document *
present(const json_t *payload, struct buf *text)
{
	struct document *document;
	struct why why = {0};
	size_t unknown;

	if (presentation_document(profile->shown, payload, &context, &limits,
		&document, &unknown, &why) < 0)
		fail_msg("%s", why.text);
	buf_reset(text);
	document_plain_text(document, text);
	return document;
}

static void
expect(const struct buf *squeezed, const char *text, const char *pointer,
    uint64_t seed)
{
	struct buf wanted;

	buf_init(&wanted, 1 << 20);
	squeeze(text, &wanted);
	if (wanted.size > 0 &&
	    strstr((const char *)squeezed->at, buf_text(&wanted)) == NULL)
		fail_msg("%s (%s) is not in document %llu", pointer, text,
		    (unsigned long long)seed);
	buf_clear(&wanted);
}

/* ---- each value ---- */

/* A string that json_generate() made up: others are codes or have a form. */
static bool
is_free(const char *text)
{
	return text[0] == 'm' && text[1] >= '1' && text[1] <= '9';
}

static void
expect_scalar(const struct buf *squeezed, const json_t *value,
    const char *pointer, uint64_t seed)
{
	char text[64];

	if (json_is_string(value) && is_free(json_string_value(value)) &&
	    strstr(pointer, "/kompatibilitet/") == NULL)
		expect(squeezed, json_string_value(value), pointer, seed);
	if (json_is_integer(value)) {
		long long number = json_integer_value(value);

		snprintf(
		    text, sizeof(text), "%lld", number < 0 ? -number : number);
		expect(squeezed, text, pointer, seed);
	}
	if (json_is_real(value)) {
		snprintf(
		    text, sizeof(text), "%.15g", fabs(json_real_value(value)));
		if (strchr(text, '.') != NULL)
			*strchr(text, '.') = ',';
		expect(squeezed, text, pointer, seed);
	}
}

/* Another value of the same kind. */
static json_t *
other_value(const json_t *value)
{
	char text[4096];

	switch (json_typeof(value)) {
	case JSON_TRUE:
		return json_false();
	case JSON_FALSE:
		return json_true();
	case JSON_INTEGER:
		return json_integer(json_integer_value(value) + 1);
	case JSON_REAL:
		return json_real(json_real_value(value) + 1);
	case JSON_STRING:
		snprintf(text, sizeof(text), "%sq", json_string_value(value));
		return json_string(text);
	case JSON_NULL:
	case JSON_OBJECT:
	case JSON_ARRAY:
		break;
	}
	return json_string("annet");
}

struct look {
	const json_t *payload;
	const struct buf *text;     /* of the document */
	const struct buf *squeezed; /* the same */
	struct buf pointer;
	uint64_t seed;
	size_t count;
};

/* Changing the value changes the document. */
static void
expect_change(struct look *look, const json_t *value)
{
	json_t *copy = json_deep_copy(look->payload);
	const char *pointer = buf_text(&look->pointer);
	char above[512];
	struct buf text;

	buf_init(&text, 1 << 22);
	snprintf(above, sizeof(above), "%.*s",
	    (int)(strrchr(pointer, '/') - pointer), pointer);
	json_t *holder = (json_t *)(uintptr_t)json_pointer_get(copy, above);
	const char *name = strrchr(pointer, '/') + 1;
	if (json_is_array(holder))
		json_array_set_new(
		    holder, (size_t)atoi(name), other_value(value));
	else
		json_object_set_new(holder, name, other_value(value));
	document_free(present(copy, &text));
	if (strcmp(buf_text(&text), (const char *)look->text->at) == 0)
		fail_msg("%s can change and nobody sees it (%llu)", pointer,
		    (unsigned long long)look->seed);
	buf_clear(&text);
	json_decref(copy);
}

static void
expect_all(struct look *look, const json_t *value)
{
	size_t back = look->pointer.size, i;
	const char *name;
	json_t *member;

	if (!json_is_object(value) && !json_is_array(value)) {
		const char *pointer = buf_text(&look->pointer);

		if (present_is_technical(profile->shown, pointer))
			return;
		expect_scalar(look->squeezed, value, pointer, look->seed);
		/* a text of one version may rightly be hidden */
		if (strstr(pointer, "/kompatibilitet/") == NULL &&
		    strcmp(pointer, "/version") != 0 &&
		    look->count++ % 7 == look->seed % 7)
			expect_change(look, value);
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)value, name, member)
	{
		json_pointer_add(&look->pointer, name);
		expect_all(look, member);
		look->pointer.size = back;
	}
	json_array_foreach(value, i, member)
	{
		json_pointer_add_index(&look->pointer, i);
		expect_all(look, member);
		look->pointer.size = back;
	}
}

/* The PDF and the XHTML hold the text of the tree, by the rules. */
static void
expect_documents(struct document *document, const struct buf *text)
{
	struct document_notes notes = {0};
	struct why why = {0};
	struct buf pdf, xhtml, report, drawn;
	char reason[200];

	buf_init(&pdf, limits.document_bytes);
	buf_init(&xhtml, limits.document_bytes);
	buf_init(&report, 1 << 20);
	buf_init(&drawn, 64 << 20);
	assert_int_equal(pdf_build(fonts, document, &pdf, &notes, &why), 0);
	assert_int_equal(xhtml_build(document, &xhtml, &why), 0);
	pdf_caches_clear(fonts);
	if (pdf_rules_check(buf_span(&pdf), &report, &drawn) > 0 ||
	    xhtml_rules_check(buf_span(&xhtml), &report) > 0)
		fail_msg("%s", buf_text(&report));
	if (!pdf_text_same(
		buf_span(text), buf_span(&drawn), notes.missing, reason))
		fail_msg("%s", reason);
	buf_clear(&pdf);
	buf_clear(&xhtml);
	buf_clear(&report);
	buf_clear(&drawn);
}

static void
expect_random_shown(uint64_t rounds)
{
	struct buf text, squeezed;

	buf_init(&text, 16 << 20);
	buf_init(&squeezed, 16 << 20);
	for (uint64_t seed = 1; seed <= rounds; seed++) {
		json_t *payload = json_generate(profile->schema, seed);
		struct document *document;
		struct look look = {.payload = payload,
		    .text = &text,
		    .squeezed = &squeezed,
		    .seed = seed};

		assert_non_null(payload);
		document = present(payload, &text);
		buf_reset(&squeezed);
		squeeze(buf_text(&text), &squeezed);
		(void)buf_text(&squeezed);
		buf_init(&look.pointer, 4096);
		expect_all(&look, payload);
		expect_documents(document, &text);
		buf_clear(&look.pointer);
		document_free(document);
		json_decref(payload);
	}
	buf_clear(&text);
	buf_clear(&squeezed);
}

static void
random_valid_payloads_are_shown_whole(void **state)
{
	const char *wish = getenv("BUDSTIKKE_RANDOM_PAYLOADS");

	(void)state;
	expect_random_shown(wish == NULL ? 40 : strtoull(wish, NULL, 10));
}

static void
so_are_those_of_the_other_message_types(void **state)
{
	static const char *const types[] = {"digisos-soknad-minimal",
	    "digisos-soker", "digisos-ettersendelse", "bekymringsmelding"};
	struct profile *first = profile;
	struct why why = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		char path[128];

		snprintf(path, sizeof(path), "formats/profiles/%s", types[i]);
		if (profile_load(path, &limits, &profile, &why) < 0)
			fail_msg("%s", why.text);
		expect_random_shown(20);
		profile_free(profile);
	}
	profile = first;
}

/* ---- our examples ---- */

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

/* What another program says of the bytes: 0 when it is content or absent. */
static void
judge(const char *program, struct span bytes)
{
	char path[] = "/tmp/test_parity.XXXXXX";
	char line[200];
	int fd = mkstemp(path), status;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.at, bytes.size), (ssize_t)bytes.size);
	close(fd);
	snprintf(line, sizeof(line), "%s %s >/dev/null 2>&1", program, path);
	status = system(line);
	unlink(path);
	if (status == 127 << 8 && getenv("CI") == NULL)
		print_message("%s is absent, not asked\n", program);
	else if (status != 0)
		fail_msg("%s finds a fault", program);
}

static void
render_example(const char *path)
{
	struct buf payload, report, drawn;
	struct findings findings;
	struct render_result result;
	struct why why = {0};

	read_file(path, &payload);
	buf_init(&report, 1 << 20);
	buf_init(&drawn, 64 << 20);
	findings_init(&findings, 10);
	render_result_init(&result, &limits);
	assert_int_equal(render_payload(profile, buf_span(&payload), &context,
			     &limits, fonts, &findings, &result, &why),
	    0);
	if (pdf_rules_check(buf_span(&result.pdf), &report, &drawn) > 0)
		fail_msg("%s: %s", path, buf_text(&report));
	judge("qpdf --check", buf_span(&result.pdf));
	judge("xmllint --noout --nonet", buf_span(&result.xhtml));
	render_result_clear(&result);
	findings_clear(&findings);
	buf_clear(&payload);
	buf_clear(&report);
	buf_clear(&drawn);
}

static void
our_examples_are_rendered_by_the_rules(void **state)
{
	struct dirent **names;
	int count = scandir(OWN, &names, NULL, alphasort);
	char path[512];

	(void)state;
	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), OWN "/%s", names[i]->d_name);
		if (strncmp(names[i]->d_name, "gyldig-", 7) == 0)
			render_example(path);
		free(names[i]);
	}
	free(names);
}

static void
overridden_values_are_struck_through(void **state)
{
	static const char *const wanted[] = {"<s>Renholdspr\xc3\xb8ven AS</s>",
	    "<s>20\xc2\xa0%</s>",
	    "<td>Pr\xc3\xb8"
	    "vebutikken AS</td>",
	    "<td>hentet fra register</td>", "<td>Ja</td>"};
	json_t *payload = json_load_file(OWN "/gyldig-familie.json", 0, NULL);
	struct document *document;
	struct why why = {0};
	struct buf text, xhtml;

	(void)state;
	buf_init(&text, 16 << 20);
	buf_init(&xhtml, limits.document_bytes);
	document = present(payload, &text);
	assert_int_equal(xhtml_build(document, &xhtml, &why), 0);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (strstr(buf_text(&xhtml), wanted[i]) == NULL)
			fail_msg("no %s", wanted[i]);
	}
	expect_documents(document, &text);
	document_free(document);
	buf_clear(&text);
	buf_clear(&xhtml);
	json_decref(payload);
}

/* ---- the profile's own faults ---- */

/* Take the n-th row or column out, wherever it is; false when there are
 * fewer. */
static bool
take_out(json_t *content, size_t *n)
{
	json_t *one;
	size_t i;

	json_array_foreach(content, i, one)
	{
		bool shows = json_object_get(one, "row") != NULL ||
			     json_object_get(one, "head") != NULL;

		if (shows && (*n)-- == 0) {
			json_array_remove(content, i);
			return true;
		}
		if (take_out(json_object_get(one, "content"), n) ||
		    take_out(json_object_get(one, "columns"), n))
			return true;
	}
	return false;
}

static void
a_presentation_that_forgets_a_field_is_refused(void **state)
{
	size_t refused = 0, all = 0;

	(void)state;
	for (size_t n = 0;; n++) {
		struct presentation forgetful = *profile->shown;
		struct findings findings;
		struct why why = {0};
		size_t left = n;

		forgetful.spec = json_deep_copy(profile->shown->spec);
		if (!take_out(
			json_object_get(forgetful.spec, "content"), &left)) {
			json_decref(forgetful.spec);
			break;
		}
		findings_init(&findings, 100);
		all++;
		if (profile_shown_check(profile->schema, &forgetful,
			"presentation.json", &findings, &why) == WHY_INVALID) {
			refused++;
			assert_string_equal(findings.at[0].rule, "unshown");
			assert_int_equal(findings.at[0].pointer[0], '/');
		}
		findings_clear(&findings);
		json_decref(forgetful.spec);
	}
	/* a few values stand in two places */
	assert_true(all > 100);
	assert_in_range(refused, all - 12, all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(random_valid_payloads_are_shown_whole),
	    cmocka_unit_test(so_are_those_of_the_other_message_types),
	    cmocka_unit_test(overridden_values_are_struck_through),
	    cmocka_unit_test(our_examples_are_rendered_by_the_rules),
	    cmocka_unit_test(a_presentation_that_forgets_a_field_is_refused),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
