/*
 * The public JSON Schema test suite, draft 6, read from ../shared; skipped with
 * a word when it is not there. Prints the counts.
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
#define META "http://json-schema.org/draft-06/schema"

/* What is not passed, and why. The required tests have no entry. */
static const struct {
	const char *file, *group, *test, *reason;
} not_passed[] = {
    {"optional/ecmascript-regex.json", "ECMA 262 \\s matches whitespace", NULL,
	"\\s is ASCII here: UCP would also widen \\d and \\w, which "
	"are checked for numbers"},
    {"optional/ecmascript-regex.json",
	"ECMA 262 \\S matches everything but whitespace", NULL,
	"\\s is ASCII here: UCP would also widen \\d and \\w, which "
	"are checked for numbers"},
    {"optional/ecmascript-regex.json",
	"patterns always use unicode semantics with pattern", NULL,
	"PCRE2 knows \\p{L}, not the long name \\p{Letter}: refused when "
	"compiled"},
    {"optional/ecmascript-regex.json",
	"patterns always use unicode semantics with patternProperties", NULL,
	"PCRE2 knows \\p{L}, not the long name \\p{Letter}: refused when "
	"compiled"},
    {"optional/ecmascript-regex.json", "pattern with non-ASCII digits", NULL,
	"PCRE2 knows \\p{Nd}, not the long name \\p{digit}: refused when "
	"compiled"},
    {"optional/ecmascript-regex.json",
	"patternProperties with non-ASCII digits", NULL,
	"PCRE2 knows \\p{Nd}, not the long name \\p{digit}: refused when "
	"compiled"},
    {"optional/bignum.json", "", NULL,
	"integers over 64 bits are refused when read, never rounded"},
    {NULL, NULL, NULL, NULL},
};

struct tally {
	unsigned passed, listed, failed;
};

static int
remote_load(void *context, const char *uri, json_t **out, struct why *why)
{
	char path[512];

	(void)context;
	if (strcmp(uri, META) == 0)
		snprintf(path, sizeof(path),
		    "tests/formats/fixtures/draft-06.schema.json");
	else if (strncmp(uri, "http://localhost:1234/", 22) == 0)
		snprintf(path, sizeof(path), SUITE "/remotes/%s", uri + 22);
	else
		return why_set(why, WHY_NOT_FOUND, "no schema %s", uri);
	*out = json_load_file(path, JSON_DECODE_ANY, NULL);
	return *out ? 0 : why_set(why, WHY_NOT_FOUND, "no file %s", path);
}

static bool
is_listed(const char *file, const char *group, const char *test)
{
	for (size_t i = 0; not_passed[i].file; i++) {
		if (strcmp(not_passed[i].file, file) == 0 &&
		    strcmp(not_passed[i].group, group) == 0 &&
		    (!not_passed[i].test || !test ||
			strcmp(not_passed[i].test, test) == 0))
			return true;
	}
	return false;
}

static void
run_group(const char *file, const json_t *group, struct tally *tally)
{
	static const struct schema_loader loader = {remote_load, NULL};
	const char *name =
	    json_string_value(json_object_get(group, "description"));
	struct schema *schema = NULL;
	struct findings findings;
	struct limits limits;
	struct why why = {0};
	const json_t *test;
	size_t i;

	limits_init(&limits);
	findings_init(&findings, 100);
	schema_compile("", json_object_get(group, "schema"), &loader, &limits,
	    NULL, &schema, &why);
	json_array_foreach(json_object_get(group, "tests"), i, test)
	{
		const char *what =
		    json_string_value(json_object_get(test, "description"));
		bool valid = json_is_true(json_object_get(test, "valid"));
		int ret =
		    schema ? schema_check(schema, json_object_get(test, "data"),
				 "data", &findings, &why)
			   : WHY_UNSUPPORTED;

		if (ret == (valid ? 0 : WHY_INVALID)) {
			tally->passed++;
		} else if (is_listed(file, name, what)) {
			tally->listed++;
		} else {
			tally->failed++;
			print_message("not passed: %s: %s: %s: %s\n", file,
			    name, what, why.text);
		}
		if (valid && ret == 0 && !findings_none(&findings))
			tally->failed++;
		findings_clear(&findings);
	}
	schema_free(schema);
}

static void
run_folder(const char *folder, struct tally *tally)
{
	struct dirent **names;
	int count = scandir(folder, &names, NULL, alphasort);

	for (int n = 0; n < count; n++) {
		const char *name = names[n]->d_name;
		char path[512];
		json_t *file, *group;
		size_t i;

		snprintf(path, sizeof(path), "%s/%s", folder, name);
		if (strstr(name, ".json") != NULL) {
			file = json_load_file(path, JSON_ALLOW_NUL, NULL);
			if (file == NULL &&
			    is_listed(strstr(path, "draft6/") + 7, "", NULL))
				tally->listed++;
			else if (file == NULL)
				tally->failed++;
			json_array_foreach(file, i, group) run_group(
			    strstr(path, "draft6/") + 7, group, tally);
			json_decref(file);
		}
		free(names[n]);
	}
	if (count >= 0)
		free(names);
}

static void
all_required_tests_are_passed(void **state)
{
	struct tally tally = {0};

	(void)state;
	run_folder(SUITE "/tests/draft6", &tally);
	if (tally.passed + tally.failed + tally.listed == 0) {
		print_message("SKIP: the test suite is not at " SUITE "\n");
		skip();
	}
	print_message("required: %u passed, %u not passed\n", tally.passed,
	    tally.failed + tally.listed);
	assert_int_equal(tally.failed + tally.listed, 0);
}

static void
optional_tests_are_passed_or_listed_with_a_reason(void **state)
{
	struct tally tally = {0};

	(void)state;
	run_folder(SUITE "/tests/draft6/optional", &tally);
	if (tally.passed + tally.failed + tally.listed == 0)
		skip();
	print_message("optional: %u passed, %u not passed with a reason, %u "
		      "not passed\n",
	    tally.passed, tally.listed, tally.failed);
	for (size_t i = 0; not_passed[i].file; i++)
		print_message("not passed: %s: %s: %s\n", not_passed[i].file,
		    not_passed[i].group, not_passed[i].reason);
	assert_int_equal(tally.failed, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_required_tests_are_passed),
	    cmocka_unit_test(optional_tests_are_passed_or_listed_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
