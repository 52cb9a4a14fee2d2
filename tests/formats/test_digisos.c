/*
 * Our schemas of digisos-soknad: our own examples, NAV's examples, and the same
 * verdict with the same pointers as NAV's schemas on thousands of mutations.
 * What is read from ../shared is skipped with a word when it is not there.
 */
#include "base/limits.h"
#include "formats/profile.h"
#include "formats/schema.h"
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
#define NAV "../shared/data/digisos"
#define MUTATIONS 4000
#define EXAMPLES_MAX 64

static struct limits limits;
static struct profile *profile;
static struct schema *nav_application, *nav_list;

static int
nav_load(void *context, const char *uri, json_t **out, struct why *why)
{
	char path[512];

	(void)context;
	snprintf(path, sizeof(path), NAV "/json/%s", uri);
	*out = json_load_file(path, 0, NULL);
	return *out ? 0 : why_set(why, WHY_NOT_FOUND, "no file %s", path);
}

static struct schema *
nav_compile(const char *uri)
{
	static const struct schema_loader loader = {nav_load, NULL};
	struct schema *schema = NULL;
	struct why why = {0};
	json_t *text = NULL;

	if (nav_load(NULL, uri, &text, &why) < 0)
		return NULL;
	if (schema_compile(uri, text, &loader, &limits, NULL, &schema, &why) <
	    0)
		fail_msg("%s", why.text);
	json_decref(text);
	return schema;
}

static int
start(void **state)
{
	struct why why = {0};

	(void)state;
	limits_init(&limits);
	if (profile_load(
		"formats/profiles/digisos-soknad", &limits, &profile, &why) < 0)
		fail_msg("%s", why.text);
	nav_application = nav_compile("soknad/soknad.json");
	nav_list = nav_compile("vedlegg/vedleggSpesifikasjon.json");
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	schema_free(nav_application);
	schema_free(nav_list);
	profile_free(profile);
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

static void
expect_pointers(const struct schema *schema, const char *path,
    const char *const *expected, size_t count)
{
	json_t *value = read_json(path);
	json_t *pointers = pointers_of(schema, value);

	for (size_t i = 0; i < count; i++) {
		if (json_object_get(pointers, expected[i]) == NULL)
			fail_msg("%s: nothing found at %s", path, expected[i]);
	}
	if (json_object_size(pointers) != count) {
		char *text = json_dumps(pointers, 0);

		fail_msg("%s: also found: %s", path, text);
	}
	json_decref(pointers);
	json_decref(value);
}

/* Call each file of a folder whose name begins so; returns how many. */
static size_t
each_file(
    const char *folder, const char *prefix, void (*call)(const char *path))
{
	struct dirent **names;
	int count = scandir(folder, &names, NULL, alphasort);
	size_t called = 0;
	char path[512];

	for (int i = 0; i < count; i++) {
		if (strncmp(names[i]->d_name, prefix, strlen(prefix)) == 0 &&
		    strstr(names[i]->d_name, ".json") != NULL) {
			snprintf(path, sizeof(path), "%s/%s", folder,
			    names[i]->d_name);
			call(path);
			called++;
		}
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	return called;
}

static void
expect_valid(const char *path)
{
	expect_pointers(profile->schema, path, NULL, 0);
}

static void
expect_valid_list(const char *path)
{
	expect_pointers(profile->attachments.list, path, NULL, 0);
}

static void
expect_older(const char *path)
{
	static const char *const both[] = {"/driftsinformasjon", "/mottaker"};

	expect_pointers(profile->schema, path, both, 2);
}

static void
our_own_valid_examples_are_accepted(void **state)
{
	(void)state;
	assert_true(each_file(OWN, "gyldig-", expect_valid) >= 6);
	assert_int_equal(
	    each_file(OWN, "vedlegg-gyldig", expect_valid_list), 1);
}

static void
our_own_invalid_examples_are_refused_at_the_right_pointers(void **state)
{
	json_t *list = read_json(OWN "/ugyldig.json");
	const char *name;
	json_t *pointers;

	(void)state;
	json_object_foreach(list, name, pointers)
	{
		const char *expected[8];
		size_t count = json_array_size(pointers);
		char path[512];

		assert_true(count > 0 && count <= 8);
		for (size_t i = 0; i < count; i++)
			expected[i] =
			    json_string_value(json_array_get(pointers, i));
		snprintf(path, sizeof(path), OWN "/%s", name);
		expect_pointers(profile->schema, path, expected, count);
	}
	assert_true(json_object_size(list) >= 6);
	json_decref(list);
}

static void
need_nav(void)
{
	if (nav_application != NULL)
		return;
	print_message("SKIP: NAV's files are not at " NAV "\n");
	skip();
}

static void
navs_valid_examples_are_accepted(void **state)
{
	(void)state;
	need_nav();
	expect_valid(NAV "/examples/minimal.json");
	expect_valid(NAV "/examples/systemdata.json");
	expect_valid(NAV "/examples/brukerdata.json");
	assert_int_equal(
	    each_file(NAV "/examples/current", "", expect_valid), 10);
	assert_int_equal(
	    each_file(NAV "/examples", "vedlegg-gyldig", expect_valid_list), 6);
}

static void
navs_older_examples_are_refused_with_exactly_the_two_pointers(void **state)
{
	(void)state;
	need_nav();
	assert_int_equal(
	    each_file(NAV "/examples/older-format", "", expect_older), 10);
}

static void
navs_invalid_examples_are_refused_at_the_right_pointers(void **state)
{
	static const char *const version[] = {"/driftsinformasjon", "/version"};
	static const char *const type[] = {"/vedlegg/0/hendelseType"};
	static const char *const files[] = {
	    "/vedlegg/0/filer/0", "/vedlegg/0/filer/1"};
	static const char *const entry[] = {"/vedlegg/0"};

	(void)state;
	need_nav();
	expect_pointers(profile->schema,
	    NAV "/examples/feil-minimal-mangler-version.json", version, 2);
	expect_pointers(profile->attachments.list,
	    NAV "/examples/vedlegg-ikkegyldig_ugyldigHendelseType.json", type,
	    1);
	expect_pointers(profile->attachments.list,
	    NAV "/examples/vedlegg-ikkegyldig_ugyldigfil.json", files, 2);
	expect_pointers(profile->attachments.list,
	    NAV "/examples/vedlegg-ikkegyldig_ugyldigvedlegg.json", entry, 1);
}

/* ---- mutations ---- */

static json_t *examples[EXAMPLES_MAX];
static size_t examples_count;

static void
example_take(const char *path)
{
	if (examples_count < EXAMPLES_MAX)
		examples[examples_count++] = read_json(path);
}

static void
compare(const struct schema *ours, const struct schema *navs,
    const json_t *value, unsigned *refused)
{
	json_t *own = pointers_of(ours, value);
	json_t *official = pointers_of(navs, value);

	*refused += json_object_size(official) > 0;
	if (!json_equal(own, official)) {
		char *a = json_dumps(own, JSON_SORT_KEYS);
		char *b = json_dumps(official, JSON_SORT_KEYS);
		char *c = json_dumps(value, 0);

		fail_msg("ours %s\nNAV's %s\non %s", a, b, c);
	}
	json_decref(own);
	json_decref(official);
}

static void
run_mutations(const struct schema *ours, const struct schema *navs)
{
	unsigned refused = 0;

	for (size_t i = 0; i < examples_count; i++)
		compare(ours, navs, examples[i], &refused);
	for (unsigned i = 0; i < MUTATIONS; i++) {
		json_t *value =
		    json_deep_copy(examples[json_mutate_pick(examples_count)]);
		size_t changes = 1 + json_mutate_pick(3);

		while (changes-- > 0)
			json_mutate(value);
		compare(ours, navs, value, &refused);
		json_decref(value);
	}
	print_message("%u mutations and %zu examples, %u of them refused\n",
	    MUTATIONS, examples_count, refused);
	assert_true(refused > MUTATIONS / 10);
	while (examples_count > 0)
		json_decref(examples[--examples_count]);
}

static void
applications_get_the_same_pointers_from_ours_and_from_navs_schema(void **state)
{
	(void)state;
	need_nav();
	json_mutate_seed(20261121);
	each_file(OWN, "gyldig-", example_take);
	each_file(OWN, "ugyldig-", example_take);
	each_file(NAV "/examples/current", "", example_take);
	each_file(NAV "/examples/older-format", "", example_take);
	example_take(NAV "/examples/minimal.json");
	example_take(NAV "/examples/systemdata.json");
	example_take(NAV "/examples/brukerdata.json");
	run_mutations(profile->schema, nav_application);
}

static void
attachment_lists_get_the_same_pointers_from_ours_and_from_navs_schema(
    void **state)
{
	(void)state;
	need_nav();
	json_mutate_seed(19);
	each_file(OWN, "vedlegg-", example_take);
	each_file(NAV "/examples", "vedlegg-", example_take);
	run_mutations(profile->attachments.list, nav_list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(our_own_valid_examples_are_accepted),
	    cmocka_unit_test(
		our_own_invalid_examples_are_refused_at_the_right_pointers),
	    cmocka_unit_test(navs_valid_examples_are_accepted),
	    cmocka_unit_test(
		navs_older_examples_are_refused_with_exactly_the_two_pointers),
	    cmocka_unit_test(
		navs_invalid_examples_are_refused_at_the_right_pointers),
	    cmocka_unit_test(
		applications_get_the_same_pointers_from_ours_and_from_navs_schema),
	    cmocka_unit_test(
		attachment_lists_get_the_same_pointers_from_ours_and_from_navs_schema),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
