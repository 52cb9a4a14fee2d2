/*
 * The shipped message types beside digisos-soknad: our examples, valid and
 * invalid, with the right pointers; documents in each language; the status back
 * to the citizen gets the same verdict from our schema as from NAV's.
 */
#include "base/limits.h"
#include "formats/document.h"
#include "formats/json.h"
#include "formats/present.h"
#include "formats/profile.h"
#include "formats/render.h"
#include "formats/schema.h"
#include "tests/support/json_mutate.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OWN "tests/formats/fixtures/"
#define NAV "../shared/data/digisos/json/digisos/soker/"
#define MUTATIONS 4000

static struct limits limits;
static struct profile_set types;

static int
start(void **state)
{
	struct why why = {0};

	(void)state;
	limits_init(&limits);
	if (profile_set_load("formats/profiles", &limits, &types, &why) < 0)
		fail_msg("%s", why.text);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	profile_set_clear(&types);
	return 0;
}

static json_t *
read_json(const char *path)
{
	json_error_t error;
	json_t *value = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

	if (value == NULL)
		fail_msg("%s: %s", path, error.text);
	return value;
}

/* The pointers of all findings as the names of an object. */
static json_t *
pointers_of(const struct schema *schema, const json_t *value)
{
	json_t *pointers = json_object();
	struct findings findings;
	struct why why = {0};
	int ret;

	findings_init(&findings, 10000);
	ret = schema_check(schema, value, "payload", &findings, &why);
	assert_true(ret == 0 || ret == WHY_INVALID);
	assert_true((ret == 0) == findings_none(&findings));
	for (size_t i = 0; i < findings.count; i++)
		json_object_set_new(
		    pointers, findings.at[i].pointer, json_true());
	findings_clear(&findings);
	return pointers;
}

/* Each example of a type that begins so. */
static size_t
each_example(const char *type, const char *prefix,
    void (*call)(const struct profile *profile, const char *path))
{
	const struct profile *profile = profile_set_find(&types, type);
	struct dirent **names;
	char folder[256], path[600];
	size_t called = 0;
	int count;

	assert_non_null(profile);
	snprintf(folder, sizeof(folder), OWN "%s", type);
	count = scandir(folder, &names, NULL, alphasort);
	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		if (names[i]->d_name[0] != '.' &&
		    strncmp(names[i]->d_name, prefix, strlen(prefix)) == 0) {
			snprintf(path, sizeof(path), "%s/%s", folder,
			    names[i]->d_name);
			call(profile, path);
			called++;
		}
		free(names[i]);
	}
	free(names);
	return called;
}

static const char *const own_types[] = {
    "digisos-ettersendelse", "digisos-soker", "bekymringsmelding"};

static void
expect_valid(const struct profile *profile, const char *path)
{
	json_t *value = read_json(path);
	json_t *pointers = pointers_of(profile->schema, value);

	if (json_object_size(pointers) > 0)
		fail_msg("%s: %s", path, json_dumps(pointers, 0));
	json_decref(pointers);
	json_decref(value);
}

static void
valid_examples_are_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_true(
		    each_example(own_types[i], "gyldig-", expect_valid) >= 2);
}

static void
invalid_examples_are_refused_at_the_right_pointers(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const struct profile *profile =
		    profile_set_find(&types, own_types[i]);
		const char *name;
		char path[600];
		json_t *list, *expected, *one;
		size_t n;

		snprintf(
		    path, sizeof(path), OWN "%s/ugyldig.json", own_types[i]);
		list = read_json(path);
		assert_true(json_object_size(list) >= 4);
		json_object_foreach(list, name, expected)
		{
			json_t *value, *found, *wanted = json_object();

			snprintf(path, sizeof(path), OWN "%s/%s", own_types[i],
			    name);
			value = read_json(path);
			found = pointers_of(profile->schema, value);
			json_array_foreach(expected, n, one)
			    json_object_set_new(
				wanted, json_string_value(one), json_true());
			if (!json_equal(found, wanted))
				fail_msg("%s: %s", path, json_dumps(found, 0));
			json_decref(wanted);
			json_decref(found);
			json_decref(value);
		}
		json_decref(list);
	}
}

/* ---- documents ---- */

static size_t unknown;

static char *
plain_text(
    const struct profile *profile, const char *path, const char *language)
{
	static const struct render_file files[] = {{"kontrakt.pdf", 4711}};
	struct render_context context = {.message = "m-1",
	    .sender = "889640782",
	    .sender_name = "Nav",
	    .language = language,
	    .received_ms = INT64_C(1763700000000),
	    .files = files,
	    .files_count = 1};
	json_t *payload = read_json(path);
	struct document *document;
	struct why why = {0};
	struct buf text;
	char *out;

	if (presentation_document(profile->shown, payload, &context, &limits,
		&document, &unknown, &why) < 0)
		fail_msg("%s", why.text);
	buf_init(&text, 1 << 20);
	document_plain_text(document, &text);
	out = strdup(buf_text(&text));
	buf_clear(&text);
	document_free(document);
	json_decref(payload);
	return out;
}

static void
expect_text(const char *type, const char *example, const char *language,
    const char *const *texts, const char *const *absent)
{
	char path[600];
	char *text;

	snprintf(path, sizeof(path), OWN "%s/%s",
	    strcmp(type, "digisos-soknad") == 0 ? "digisos" : type, example);
	text = plain_text(profile_set_find(&types, type), path, language);
	assert_non_null(text);
	for (; *texts != NULL; texts++) {
		if (strstr(text, *texts) == NULL)
			fail_msg("%s %s: no %s in\n%s", path,
			    language ? language : "", *texts, text);
	}
	for (; *absent != NULL; absent++) {
		if (strstr(text, *absent) != NULL)
			fail_msg("%s %s: %s in\n%s", path,
			    language ? language : "", *absent, text);
	}
	free(text);
}

#define TEXTS(...)                                                             \
	(const char *const[])                                                  \
	{                                                                      \
		__VA_ARGS__, NULL                                              \
	}
#define NOT_HERE "finnes ikke for denne meldingstypen"

static void
documents_are_in_the_language_that_was_asked_for(void **state)
{
	const char *type = "digisos-ettersendelse",
		   *one = "gyldig-to-krav.json";

	(void)state;
	expect_text(type, one, NULL,
	    TEXTS("Ettersendt dokumentasjon", "Hvorfor det er sendt",
		"Dokumentasjon som veilederen har bedt om", "dok-17",
		"lonnsslipp-november.pdf", "Sendt tidligere", "Avsender"),
	    TEXTS(NOT_HERE, "Kvifor", "Andre opplysninger"));
	expect_text(type, one, "nn-NO",
	    TEXTS("Ettersend dokumentasjon", "Kvifor det er sendt", "Avsendar"),
	    TEXTS(NOT_HERE, "Hvorfor"));
	expect_text(type, one, "EN",
	    TEXTS("Documentation sent later", "Why it was sent", "Sender"),
	    TEXTS(NOT_HERE, "Hvorfor"));
	expect_text(type, one, "se",
	    TEXTS("Maŋŋil sáddejuvvon duođaštusat", "Sáddejeaddji",
		"Čállosat Ohcejogas"),
	    TEXTS(NOT_HERE, "Avsender"));
	expect_text("bekymringsmelding", "gyldig-privat.json", "nn",
	    TEXTS("Uroa", "Barn meldinga gjeld", "20.11.2026 kl. 22.24.45"),
	    TEXTS(NOT_HERE, "Andre opplysningar"));
	expect_text("bekymringsmelding", "gyldig-offentlig.json", "en",
	    TEXTS("The concern", "Guardians", "Siden august 2026.",
		"20 November 2026 at 10:24:45.12", "Prøve skole",
		"org. no. 974600951"),
	    TEXTS(NOT_HERE, "Other information"));
	expect_text("digisos-soker", "gyldig-komplett.json", "en",
	    TEXTS("A decision was made", "Partly granted", "SvarUt",
		"file no. 2", "from 1 November 2026 to 31 January 2027", "U1"),
	    TEXTS(NOT_HERE, "Other information"));
}

#define NBSP "\xc2\xa0"

static void
days_and_amounts_are_written_as_each_language_does(void **state)
{
	(void)state;
	expect_text("digisos-soknad", "gyldig-familie.json", "nn",
	    TEXTS("18" NBSP "201,50" NBSP "kr", "20.11.2026 kl. 10.15.30",
		"80" NBSP "%", "5" NBSP "kB"),
	    TEXTS("NOK"));
	expect_text("digisos-soknad", "gyldig-familie.json", "en-GB",
	    TEXTS("NOK" NBSP "18,201.50", "NOK" NBSP "\u22125,419", "80%",
		"20 November 2026 at 10:15:30.25", "22 October 2026",
		"1 March 2019"),
	    TEXTS(NBSP "kr", "kl.", "20.11.2026"));
	expect_text("digisos-soknad", "gyldig-familie.json", "se",
	    TEXTS("Ohcan ekonomalaš sosiálaveahki birra",
		"18" NBSP "201,50" NBSP "ru", "20.11.2026 dii. 10.15.30,25",
		"Máksámušat"),
	    TEXTS(NBSP "kr", "kl.", "Utbetalinger", NOT_HERE));
}

/* NAV's own list is open: caseworkers ask for documents in their own words. */
static void
kinds_of_attachments_have_names_and_others_stay_words(void **state)
{
	(void)state;
	expect_text("digisos-ettersendelse", "gyldig-to-krav.json", "nb",
	    TEXTS("Lønnsslipp\n", "Husleiekontrakt\n", "Čállosat Ohcejogas\n"),
	    TEXTS("lonnslipp\n", "ukjent kode"));
	expect_text("digisos-ettersendelse", "gyldig-to-krav.json", "se",
	    TEXTS("Bálkáslihppa\n"), TEXTS("lonnslipp\n"));
	expect_text("digisos-ettersendelse", "gyldig-nye-felter.json", "nb",
	    TEXTS("ny-type\n", "NyStatus (ukjent kode)"),
	    TEXTS("ny-type (ukjent kode)"));
}

static void
a_language_that_is_not_there_is_announced(void **state)
{
	(void)state;
	expect_text("digisos-ettersendelse", "gyldig-to-krav.json", "uk",
	    TEXTS("Ettersendt dokumentasjon", NOT_HERE), TEXTS("Avsendar"));
	expect_text("digisos-soknad", "gyldig-ukrainsk.json", "uk",
	    TEXTS("Søknad om økonomisk sosialhjelp", NOT_HERE), TEXTS("NOK"));
	expect_text("digisos-soker", "gyldig-minimal.json", "se",
	    TEXTS("Status på søknad", NOT_HERE), TEXTS("Sáddejeaddji"));
	expect_text("bekymringsmelding", "gyldig-privat.json", "nbx",
	    TEXTS("Bekymringen", NOT_HERE), TEXTS("Uroa"));
}

static void
expect_all_shown(const struct profile *profile, const char *path)
{
	static const char *const languages[] = {"nb", "nn", "en", "se", "x-y"};

	for (size_t i = 0; i < 5; i++) {
		free(plain_text(profile, path, languages[i]));
		if (unknown != 0 && strstr(path, "nye-felter") == NULL)
			fail_msg(
			    "%s: %zu values that nothing names", path, unknown);
	}
	if (strstr(path, "nye-felter") != NULL)
		assert_int_equal(unknown, 2);
}

static void
examples_have_no_value_that_the_presentation_does_not_know(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		each_example(own_types[i], "gyldig-", expect_all_shown);
}

static void
what_a_type_promises_is_in_its_profile(void **state)
{
	const struct profile *worry =
	    profile_set_find(&types, "bekymringsmelding");
	const struct profile *later =
	    profile_set_find(&types, "digisos-ettersendelse");

	(void)state;
	/* a report of concern is delivered when it is stored, and proved */
	assert_true(worry->reference_required);
	assert_int_equal(worry->unproven, PROFILE_UNPROVEN_REFUSE);
	assert_int_equal(worry->expiry_s, 2 * 86400);
	assert_int_equal(worry->grace_s, 30 * 86400);
	assert_true(later->attachments.list_is_payload);
	assert_null(later->attachments.list_name);
	assert_non_null(later->attachments.list);
}

/* ---- the same as NAV's ---- */

static int
nav_load(void *context, const char *uri, json_t **out, struct why *why)
{
	char path[512];

	(void)context;
	snprintf(path, sizeof(path), "../shared/data/digisos/json/%s", uri);
	*out = json_load_file(path, 0, NULL);
	return *out ? 0 : why_set(why, WHY_NOT_FOUND, "no file %s", path);
}

static json_t *examples[64];
static size_t examples_count;

static void
example_take(const struct profile *profile, const char *path)
{
	(void)profile;
	if (strstr(path, "ugyldig.json") == NULL)
		examples[examples_count++] = read_json(path);
}

static void
the_status_gets_the_same_pointers_from_ours_and_from_navs_schema(void **state)
{
	static const struct schema_loader loader = {nav_load, NULL};
	const struct profile *profile =
	    profile_set_find(&types, "digisos-soker");
	const char *uri = "digisos/soker/digisos-soker.json";
	struct schema *navs = NULL;
	struct why why = {0};
	unsigned refused = 0;
	json_t *text = NULL;

	(void)state;
	if (nav_load(NULL, uri, &text, &why) < 0) {
		print_message("SKIP: NAV's files are not at " NAV "\n");
		skip();
	}
	if (schema_compile(uri, text, &loader, &limits, NULL, &navs, &why) < 0)
		fail_msg("%s", why.text);
	json_decref(text);
	json_mutate_seed(20261122);
	each_example("digisos-soker", "", example_take);
	for (unsigned i = 0; i < MUTATIONS; i++) {
		json_t *value =
		    json_deep_copy(examples[json_mutate_pick(examples_count)]);
		size_t changes = i < examples_count ? 0 : 1;
		json_t *own, *official;

		changes += changes ? json_mutate_pick(3) : 0;
		while (changes-- > 0)
			json_mutate(value);
		own = pointers_of(profile->schema, value);
		official = pointers_of(navs, value);
		refused += json_object_size(official) > 0;
		if (!json_equal(own, official))
			fail_msg("ours %s\nNAV's %s\non %s",
			    json_dumps(own, JSON_SORT_KEYS),
			    json_dumps(official, JSON_SORT_KEYS),
			    json_dumps(value, 0));
		json_decref(own);
		json_decref(official);
		json_decref(value);
	}
	print_message("%u mutations, %u of them refused\n", MUTATIONS, refused);
	assert_true(refused > MUTATIONS / 10);
	while (examples_count > 0)
		json_decref(examples[--examples_count]);
	schema_free(navs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(valid_examples_are_accepted),
	    cmocka_unit_test(
		invalid_examples_are_refused_at_the_right_pointers),
	    cmocka_unit_test(documents_are_in_the_language_that_was_asked_for),
	    cmocka_unit_test(
		days_and_amounts_are_written_as_each_language_does),
	    cmocka_unit_test(
		kinds_of_attachments_have_names_and_others_stay_words),
	    cmocka_unit_test(a_language_that_is_not_there_is_announced),
	    cmocka_unit_test(
		examples_have_no_value_that_the_presentation_does_not_know),
	    cmocka_unit_test(what_a_type_promises_is_in_its_profile),
	    cmocka_unit_test(
		the_status_gets_the_same_pointers_from_ours_and_from_navs_schema),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
