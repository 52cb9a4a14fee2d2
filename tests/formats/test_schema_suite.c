/*
 * The public JSON Schema test suite, read from ../shared (draft 6, and drafts 4
 * and 7 where the data holds them; skipped with a word when it is not there),
 * and cases of our own for what drafts 4 and 7 have otherwise. Prints the
 * counts, and each optional test as passed or not, with the reason.
 */
#include "base/limits.h"
#include "formats/schema.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SUITE "../shared/data/json-schema-test-suite"
#define OWN "tests/formats/fixtures/schema-drafts"

/* One draft as the suite names its folder. */
struct draft {
	const char *folder, *meta;
	unsigned required_min; /* fewer passed: the suite was not read whole */
};

static const struct draft drafts[] = {
    {"draft4", "http://json-schema.org/draft-04/schema", 0},
    {"draft6", "http://json-schema.org/draft-06/schema", 839},
    {"draft7", "http://json-schema.org/draft-07/schema", 0},
};

/* What is not passed, and why: by the beginning of the file's name. The
 * required tests have no entry. */
static const struct {
	const char *file, *reason;
} not_passed[] = {
    {"optional/format", "format is an annotation here, and not checked"},
    {"optional/content",
	"contentEncoding and contentMediaType are annotations here"},
    {"optional/bignum.json",
	"integers over 64 bits are refused when read, never rounded"},
    {"optional/float-overflow.json",
	"numbers over 64 bits are refused when read, never rounded"},
};

struct tally {
	unsigned passed, listed, failed;
};

static int
remote_load(void *context, const char *uri, json_t **out, struct why *why)
{
	char path[512];

	(void)context;
	if (strcmp(uri, drafts[1].meta) == 0)
		snprintf(path, sizeof(path),
		    "tests/formats/fixtures/draft-06.schema.json");
	else if (strncmp(uri, "http://own.example/", 19) == 0)
		snprintf(path, sizeof(path), OWN "/%s", uri + 19);
	else if (strncmp(uri, "http://localhost:1234/", 22) == 0)
		snprintf(path, sizeof(path), SUITE "/remotes/%s", uri + 22);
	else
		return why_set(why, WHY_NOT_FOUND, "no schema %s", uri);
	*out = json_load_file(path, JSON_DECODE_ANY, NULL);
	return *out ? 0 : why_set(why, WHY_NOT_FOUND, "no file %s", path);
}

static const char *
reason_of(const char *file)
{
	for (size_t i = 0; i < sizeof(not_passed) / sizeof(not_passed[0]);
	     i++) {
		if (strncmp(not_passed[i].file, file,
			strlen(not_passed[i].file)) == 0)
			return not_passed[i].reason;
	}
	return NULL;
}

/* One test of a group; readable is false for texts that the relay's reader
 * refuses. */
static void
run_case(const struct schema *schema, const json_t *test, bool readable,
    const char *file, const char *group, struct tally *tally)
{
	const char *what =
	    json_string_value(json_object_get(test, "description"));
	bool valid = json_is_true(json_object_get(test, "valid"));
	const char *reason = reason_of(file);
	struct findings findings;
	struct why why = {0};
	int ret = WHY_UNSUPPORTED;

	findings_init(&findings, 100);
	if (schema != NULL && readable)
		ret = schema_check(schema, json_object_get(test, "data"),
		    "data", &findings, &why);
	if (ret == (valid ? 0 : WHY_INVALID) &&
	    findings_none(&findings) == valid) {
		tally->passed++;
	} else if (reason != NULL) {
		tally->listed++;
		print_message(
		    "not passed: %s: %s: %s: %s\n", file, group, what, reason);
	} else {
		tally->failed++;
		print_message("NOT PASSED: %s: %s: %s: %s\n", file, group, what,
		    why.text);
	}
	findings_clear(&findings);
}

static void
run_group(const struct draft *draft, const char *file, const json_t *group,
    bool readable, struct tally *tally)
{
	static const struct schema_loader loader = {remote_load, NULL};
	const char *name =
	    json_string_value(json_object_get(group, "description"));
	json_t *text = json_object_get(group, "schema");
	struct schema *schema = NULL;
	unsigned passed = tally->passed;
	struct limits limits;
	struct why why = {0};
	const json_t *test;
	size_t i;

	limits_init(&limits);
	if (json_is_object(text) && json_object_get(text, "$schema") == NULL)
		json_object_set_new(text, "$schema", json_string(draft->meta));
	if (schema_compile("", text, &loader, &limits, NULL, &schema, &why) < 0)
		print_message("%s: %s: %s\n", file, name, why.text);
	json_array_foreach(json_object_get(group, "tests"), i, test)
	    run_case(schema, test, readable, file, name, tally);
	if (strncmp(file, "optional/", 9) == 0)
		print_message("passed %u of %zu: %s: %s\n",
		    tally->passed - passed,
		    json_array_size(json_object_get(group, "tests")), file,
		    name);
	schema_free(schema);
}

static void
run_file(const struct draft *draft, const char *path, const char *file,
    struct tally *tally)
{
	json_error_t error;
	json_t *groups = json_load_file(path, JSON_ALLOW_NUL, NULL);
	bool readable = groups != NULL;
	json_t *group;
	size_t i;

	/* to name its tests all the same */
	if (!readable)
		groups = json_load_file(
		    path, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
	if (groups == NULL)
		fail_msg("%s: %s", path, error.text);
	json_array_foreach(groups, i, group)
	    run_group(draft, file, group, readable, tally);
	json_decref(groups);
}

/* The files of one folder of a draft; false when it is not there. */
static bool
run_folder(const struct draft *draft, const char *folder, struct tally *tally)
{
	char path[512], file[512];
	struct dirent **names;
	int count;

	snprintf(
	    path, sizeof(path), SUITE "/tests/%s/%s", draft->folder, folder);
	count = scandir(path, &names, NULL, alphasort);
	for (int n = 0; n < count; n++) {
		const char *name = names[n]->d_name;

		if (strstr(name, ".json") != NULL) {
			snprintf(path, sizeof(path), SUITE "/tests/%s/%s%s",
			    draft->folder, folder, name);
			snprintf(file, sizeof(file), "%s%s", folder, name);
			run_file(draft, path, file, tally);
		}
		free(names[n]);
	}
	if (count >= 0)
		free(names);
	return count >= 0;
}

static void
all_required_tests_are_passed(void **state)
{
	unsigned read = 0;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct tally tally = {0};

		if (!run_folder(&drafts[i], "", &tally)) {
			print_message(
			    "%s is not at " SUITE "\n", drafts[i].folder);
			continue;
		}
		read++;
		print_message("%s: required: %u passed, %u not passed\n",
		    drafts[i].folder, tally.passed,
		    tally.failed + tally.listed);
		assert_int_equal(tally.failed + tally.listed, 0);
		assert_true(tally.passed >= drafts[i].required_min);
	}
	if (read == 0) {
		print_message("SKIP: the test suite is not at " SUITE "\n");
		skip();
	}
}

static void
optional_tests_are_passed_or_listed_with_a_reason(void **state)
{
	unsigned read = 0;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct tally tally = {0};

		if (!run_folder(&drafts[i], "optional/", &tally))
			continue;
		run_folder(&drafts[i], "optional/format/", &tally);
		read++;
		print_message("%s: optional: %u passed, %u not passed with a "
			      "reason, %u not passed\n",
		    drafts[i].folder, tally.passed, tally.listed, tally.failed);
		assert_int_equal(tally.failed, 0);
	}
	if (read == 0)
		skip();
}

/* Written by us, in the suite's form: they run without ../shared. */
static void
what_drafts_4_and_7_have_otherwise_is_so(void **state)
{
	struct tally tally = {0};

	(void)state;
	run_file(&drafts[0], OWN "/draft4.json", "own/draft4.json", &tally);
	run_file(&drafts[2], OWN "/draft7.json", "own/draft7.json", &tally);
	print_message(
	    "own: %u passed, %u not passed\n", tally.passed, tally.failed);
	assert_int_equal(tally.failed + tally.listed, 0);
	assert_true(tally.passed >= 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_required_tests_are_passed),
	    cmocka_unit_test(optional_tests_are_passed_or_listed_with_a_reason),
	    cmocka_unit_test(what_drafts_4_and_7_have_otherwise_is_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
