/*
 * XML Schema beside RELAX NG: the shipped letter's schema, said again in XML
 * Schema, gives the same verdict on thousands of changed letters and knows the
 * same places.
 */
#include "formats/profile.h"
#include "formats/schema_fields.h"
#include "formats/xml.h"
#include "formats/xml_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OWN "tests/formats/fixtures/arkivbrev"
#define CHANGES 4000
#define LINES_MAX 200

static struct limits limits;
static struct profile *profile;
static struct xml_schema *xsd;
static struct buf rng_text, xsd_text;

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

static int
compile(const char *text, struct findings *findings, struct xml_schema **out)
{
	struct why why = {0};

	findings_init(findings, 20);
	return xml_schema_compile(
	    span_text(text), "x.xsd", findings, out, &why);
}

static int
start(void **state)
{
	struct findings findings;
	struct why why = {0};

	(void)state;
	limits_init(&limits);
	read_file("formats/profiles/arkivbrev/arkivbrev.rng", &rng_text);
	read_file(OWN "/arkivbrev.xsd", &xsd_text);
	if (profile_load(
		"formats/profiles/arkivbrev", &limits, &profile, &why) < 0)
		fail_msg("%s", why.text);
	if (compile(buf_text(&xsd_text), &findings, &xsd) < 0)
		fail_msg("%s", findings.at[0].expected);
	findings_clear(&findings);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	xml_schema_free(xsd);
	profile_free(profile);
	buf_clear(&rng_text);
	buf_clear(&xsd_text);
	return 0;
}

/* The verdict of a schema; WHY_MALFORMED for what is no XML. */
static int
verdict(const struct xml_schema *schema, struct span text,
    struct findings *findings)
{
	struct xml_bounds bounds = xml_bounds_of(&limits);
	struct xml_document *document;
	struct why why = {0};
	int ret = xml_text_read(text, &bounds, &document, &why);

	findings_init(findings, 20);
	if (ret < 0)
		return WHY_MALFORMED;
	ret = xml_schema_check(schema, document, "payload", findings, &why);
	assert_true((ret == 0) == findings_none(findings));
	xml_document_free(document);
	return ret;
}

/* ---- the same verdict ---- */

static uint32_t
pick(uint32_t *seed, uint32_t below)
{
	*seed = *seed * UINT32_C(1664525) + UINT32_C(1013904223);
	return (*seed >> 8) % below;
}

/* A line left out, said twice, or one that changes places with another; or a
 * byte within one. */
static void
change(struct buf *letter, uint32_t *seed, struct buf *out)
{
	char *copy = strdup(buf_text(letter)), *rest = copy;
	char *lines[LINES_MAX];
	uint32_t count = 0;

	while (
	    count < LINES_MAX && (lines[count] = strsep(&rest, "\n")) != NULL)
		count++;
	uint32_t one = 2 + pick(seed, count - 2),
		 two = 2 + pick(seed, count - 2);
	uint32_t kind = pick(seed, 4);
	char *kept = lines[one];
	if (kind == 0)
		lines[one] = lines[two], lines[two] = kept;
	if (kind == 1 && kept[0] != '\0')
		kept[pick(seed, (uint32_t)strlen(kept))] =
		    "0aZ-/ "[pick(seed, 6)];
	for (uint32_t i = 0; i < count; i++) {
		if (i == one && kind == 2)
			continue;
		buf_printf(out, "%s\n", lines[i]);
		if (i == one && kind == 3)
			buf_printf(out, "%s\n", lines[i]);
	}
	free(copy);
}

static void
changed_letters_get_the_same_verdict_from_both(void **state)
{
	static const char *const names[] = {
	    OWN "/gyldig-vedtak.xml", OWN "/gyldig-kort.xml"};
	unsigned refused = 0, taken = 0;
	uint32_t seed = 7;

	(void)state;
	for (unsigned i = 0; i < CHANGES; i++) {
		struct findings ours, theirs;
		struct buf letter, text;
		int a, b;

		read_file(names[i < 2 ? i : 0], &letter);
		buf_init(&text, 1 << 20);
		if (i < 2)
			buf_add_span(&text, buf_span(&letter));
		else
			change(&letter, &seed, &text);
		a = verdict(profile->xml_schema, buf_span(&text), &ours);
		b = verdict(xsd, buf_span(&text), &theirs);
		if (a != b)
			fail_msg("%d by RELAX NG, %d by XML Schema:\n%s", a, b,
			    buf_text(&text));
		refused += a == WHY_INVALID;
		taken += a == 0;
		assert_true(i >= 2 || a == 0);
		findings_clear(&ours);
		findings_clear(&theirs);
		buf_clear(&letter);
		buf_clear(&text);
	}
	print_message("%u taken, %u refused\n", taken, refused);
	assert_true(taken > CHANGES / 20 && refused > CHANGES / 20);
}

/* ---- findings ---- */

static void
a_finding_tells_element_and_line_and_never_the_value(void **state)
{
	static const struct {
		const char *from, *to, *pointer, *expected;
	} cases[] = {
	    {"2026-11-19", "hemmelig", "/arkivbrev/journalpost/dokumentetsDato",
		"line 17: a value that the schema allows"},
	    {"<journalposttype>U", "<journalposttype>hemmelig",
		"/arkivbrev/journalpost/journalposttype",
		"line 16: one of the values that the schema has here"},
	    {">945475056<", ">hemmelig<",
		"/arkivbrev/journalpost/korrespondansepart[2]/"
		"organisasjonsnummer",
		"line 35: a value that the schema allows"},
	    {" algoritme=\"SHA-256\"", "", "/arkivbrev/dokument/sjekksum",
		"line 67: the attributes that the schema has here"},
	    {"<mappe>", "<mappe id='hemmelig'>", "/arkivbrev/mappe",
		"line 7: the attributes that the schema has here"},
	    {"<hilsen>", "<ny>hemmelig</ny><hilsen>", "/arkivbrev/brev/ny",
		"line 53: the elements that the schema has here, in their "
		"order"},
	    {"arkivbrev:1", "arkivbrev:2", "/arkivbrev",
		"line 2: an element that the schema has here"}};
	struct buf good, text;

	(void)state;
	read_file(OWN "/gyldig-vedtak.xml", &good);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *at = strstr(buf_text(&good), cases[i].from);
		struct findings findings;

		assert_non_null(at);
		buf_init(&text, 1 << 20);
		buf_add(&text, good.at, (size_t)(at - buf_text(&good)));
		buf_add_text(&text, cases[i].to);
		buf_add_text(&text, at + strlen(cases[i].from));
		assert_int_equal(
		    verdict(xsd, buf_span(&text), &findings), WHY_INVALID);
		assert_string_equal(findings.at[0].pointer, cases[i].pointer);
		assert_string_equal(findings.at[0].expected, cases[i].expected);
		assert_string_equal(findings.at[0].rule, "xsd");
		for (size_t j = 0; j < findings.count; j++)
			assert_null(
			    strstr(findings.at[j].expected, "hemmelig"));
		findings_clear(&findings);
		buf_clear(&text);
	}
	buf_clear(&good);
}

/* Only the letter itself is one, not what stands at the top beside it; and what
 * a letter says of schemas is not followed. */
static void
a_payload_is_the_root_and_names_no_schema(void **state)
{
	static const char part[] =
	    "<dokument xmlns='urn:budstikke:arkivbrev:1'><tittel>t</tittel>"
	    "<filnavn>f</filnavn><format>a/b</format>"
	    "<filstoerrelse>1</filstoerrelse><sjekksum algoritme='SHA-256'>"
	    "0000000000000000000000000000000000000000000000000000000000000000"
	    "</sjekksum></dokument>";
	static const char other[] =
	    "<x xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' "
	    "xsi:noNamespaceSchemaLocation='" OWN "/arkivbrev.xsd'/>";
	struct findings findings;

	(void)state;
	assert_int_equal(verdict(xsd, span_text(part), &findings), WHY_INVALID);
	findings_clear(&findings);
	assert_int_equal(
	    verdict(xsd, span_text(other), &findings), WHY_INVALID);
	findings_clear(&findings);
}

/* ---- places ---- */

static void
fields_of(struct buf *text, struct schema_fields *fields)
{
	struct findings findings;
	struct why why = {0};

	findings_init(&findings, 20);
	if (xml_fields_find(buf_span(text), "x",
		(const char *const *)profile->lists, &findings, fields,
		&why) != 0)
		fail_msg("%s", findings.at[0].expected);
	findings_clear(&findings);
}

static json_t *
places_of(const struct schema_fields *fields)
{
	json_t *places = json_object();

	for (size_t i = 0; i < fields->count; i++)
		json_object_set_new(places, fields->at[i].at,
		    json_pack(
			"[b, b]", fields->at[i].scalar, fields->at[i].open));
	return places;
}

static void
both_know_the_same_places(void **state)
{
	struct schema_fields ours, theirs;
	json_t *a, *b;

	(void)state;
	fields_of(&rng_text, &ours);
	fields_of(&xsd_text, &theirs);
	a = places_of(&ours);
	b = places_of(&theirs);
	assert_true(json_object_size(a) > 40);
	if (!json_equal(a, b)) {
		char *left = json_dumps(a, JSON_SORT_KEYS);
		char *right = json_dumps(b, JSON_SORT_KEYS);

		fail_msg("RELAX NG %s\nXML Schema %s", left, right);
	}
	assert_string_equal(theirs.at[0].rule, "xsd");
	json_decref(a);
	json_decref(b);
	schema_fields_clear(&ours);
	schema_fields_clear(&theirs);
}

#define HEAD "<schema xmlns='http://www.w3.org/2001/XMLSchema'>\n"

static void
what_is_no_schema_of_one_root_and_one_file_is_refused(void **state)
{
	static const char alone[] =
	    "line 1: a schema of one file, without include, import, redefine "
	    "and externalRef";
	static const struct {
		const char *text, *expected;
	} cases[] = {
	    {HEAD "<nonsense/></schema>",
		"line 2: the element nonsense does not make an XML Schema"},
	    {HEAD "<element name='a' type='b'/></schema>",
		"line 2: the element element does not make an XML Schema"},
	    {HEAD "<include schemaLocation='/etc/passwd'/></schema>", alone},
	    {HEAD "<import namespace='u' schemaLocation='http://127.0.0.1/'/>"
		  "</schema>",
		alone},
	    {HEAD "<redefine schemaLocation='x'/></schema>", alone},
	    {HEAD "<element name='a'/><element name='b'/></schema>",
		"line 1: one element that no other refers to, for the payload "
		"to be"},
	    {HEAD "<simpleType name='a'><restriction base='string'/>"
		  "</simpleType></schema>",
		"line 1: one element that no other refers to, for the payload "
		"to be"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct xml_schema *none = NULL;
		struct findings findings;

		assert_int_equal(
		    compile(cases[i].text, &findings, &none), WHY_INVALID);
		assert_null(none);
		assert_string_equal(findings.at[0].expected, cases[i].expected);
		findings_clear(&findings);
	}
}

/* What the walk cannot follow is open: nothing there is called unknown. */
static void
where_anything_may_stand_the_place_is_open(void **state)
{
	static const char *const bodies[] = {
	    "<complexType><sequence><any/></sequence></complexType>",
	    "<complexType><anyAttribute/></complexType>", ""};
	static const char *const none[] = {NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct schema_fields fields;
		struct findings findings;
		struct why why = {0};
		char text[500];

		snprintf(text, sizeof(text),
		    HEAD "<element name='a'>%s</element></schema>", bodies[i]);
		findings_init(&findings, 5);
		assert_int_equal(xml_fields_find(span_text(text), "x", none,
				     &findings, &fields, &why),
		    0);
		assert_true(schema_fields_know(&fields, "/what/ever"));
		schema_fields_clear(&fields);
		findings_clear(&findings);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(changed_letters_get_the_same_verdict_from_both),
	    cmocka_unit_test(
		a_finding_tells_element_and_line_and_never_the_value),
	    cmocka_unit_test(a_payload_is_the_root_and_names_no_schema),
	    cmocka_unit_test(both_know_the_same_places),
	    cmocka_unit_test(
		what_is_no_schema_of_one_root_and_one_file_is_refused),
	    cmocka_unit_test(where_anything_may_stand_the_place_is_open),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
