/*
 * The table of routes, the list of problems and the OpenAPI document say the
 * same.
 */
#include "relay/net.h"
#include "relay/openapi.h"
#include "relay/problem.h"
#include "relay/routes.h"

#include <ctype.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static json_t *
document(void)
{
	struct span text = openapi_document();
	json_t *found = json_loadb(
	    (const char *)text.at, text.size, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(found);
	return found;
}

/* "/a/{name}/b" as the table writes it: "/a/{}/b". */
static void
pattern_of(const char *path, char pattern[128])
{
	size_t size = 0;

	for (; *path && size < 127; path++) {
		pattern[size++] = *path;
		if (*path != '{')
			continue;
		if (strcmp(path, "{path}") == 0) /* all that is left */
			pattern[size++] = '*';
		while (path[1] != '}')
			path++;
	}
	pattern[size] = 0;
}

static bool
in_table(const char *pattern, const char *method)
{
	for (const struct route *r = routes_table; r->pattern; r++)
		if (strcmp(r->pattern, pattern) == 0 &&
		    strcasecmp(http_verb_text(r->verb), method) == 0)
			return true;
	return false;
}

static void
every_operation_of_the_document_has_a_route_and_the_other_way(void **state)
{
	(void)state;
	json_t *whole = document();
	const char *path;
	json_t *item;
	size_t operations = 0;
	size_t routes = 0;

	json_object_foreach(json_object_get(whole, "paths"), path, item)
	{
		const char *method;
		json_t *operation;
		char pattern[128];

		pattern_of(path, pattern);
		json_object_foreach(item, method, operation)
		{
			if (strcmp(method, "parameters") == 0)
				continue;
			operations++;
			if (!in_table(pattern, method))
				fail_msg("no route: %s %s", method, path);
		}
	}
	for (const struct route *r = routes_table; r->pattern; r++)
		routes++;
	assert_int_equal(routes, operations);
	json_decref(whole);
}

/* The names of the query parameters among these, a space between. */
static void
query_names(json_t *whole, json_t *parameters, char names[128])
{
	json_t *item;
	size_t i;

	json_array_foreach(parameters, i, item)
	{
		const char *to =
		    json_string_value(json_object_get(item, "$ref"));
		json_t *found = json_object_get(
		    json_object_get(
			json_object_get(whole, "components"), "parameters"),
		    strrchr(to, '/') + 1);
		const char *name =
		    json_string_value(json_object_get(found, "name"));
		if (strcmp(json_string_value(json_object_get(found, "in")),
			"query") != 0)
			continue;
		if (*names)
			strcat(names, " ");
		strcat(names, name);
	}
}

static void
each_route_knows_the_query_parameters_of_the_document(void **state)
{
	(void)state;
	json_t *whole = document();
	const char *path;
	json_t *item;

	json_object_foreach(json_object_get(whole, "paths"), path, item)
	{
		char pattern[128];

		pattern_of(path, pattern);
		for (const struct route *r = routes_table; r->pattern; r++) {
			char method[8] = "";
			char names[128] = "";
			if (strcmp(r->pattern, pattern) != 0)
				continue;
			for (size_t i = 0; http_verb_text(r->verb)[i]; i++)
				method[i] =
				    (char)tolower(http_verb_text(r->verb)[i]);
			query_names(whole,
			    json_object_get(
				json_object_get(item, method), "parameters"),
			    names);
			assert_string_equal(r->query, names);
		}
	}
	json_decref(whole);
}

static void
only_the_document_and_checkpoints_need_no_caller(void **state)
{
	(void)state;
	for (const struct route *r = routes_table; r->pattern; r++)
		if (strcmp(r->pattern, "/v1/openapi.json") != 0 &&
		    strcmp(r->pattern, "/v1/log") != 0 &&
		    strcmp(r->pattern, "/v1/log/{}/checkpoint") != 0)
			assert_int_not_equal(r->act, ACT_NONE);
}

static void
the_problem_codes_are_those_of_the_document(void **state)
{
	(void)state;
	json_t *whole = document();
	json_t *codes = json_object_get(whole, "components");
	static const char *const way[] = {
	    "schemas", "Problem", "properties", "code", "enum"};

	for (size_t i = 0; i < 5; i++)
		codes = json_object_get(codes, way[i]);
	assert_int_equal(json_array_size(codes), PROBLEM_CODES);
	for (int code = 0; code < PROBLEM_CODES; code++) {
		const char *text = problem_code_text((enum problem_code)code);
		bool found = false;
		json_t *item;
		size_t i;

		json_array_foreach(codes, i, item) found =
		    found || strcmp(json_string_value(item), text) == 0;
		if (!found)
			fail_msg("not documented: %s", text);
		unsigned status = problem_code_status((enum problem_code)code);
		assert_true(status >= 400 && status < 600);
	}
	json_decref(whole);
}

static void
a_failure_gets_the_status_that_tells_whether_to_repeat(void **state)
{
	(void)state;
	static const int codes[] = {WHY_NOMEM, WHY_SYSTEM, WHY_BUSY, WHY_GONE,
	    WHY_FULL, WHY_DOUBT, WHY_MALFORMED, WHY_TOO_LARGE, WHY_INVALID,
	    WHY_UNSUPPORTED, WHY_NOT_FOUND, WHY_EXISTS, WHY_STATE, WHY_DENIED,
	    WHY_CRYPTO, WHY_BUG};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		unsigned status = problem_code_status(problem_of_why(codes[i]));
		bool again = status == 429 || status == 503 || status == 507;
		assert_int_equal(again, why_is_temporary(codes[i]));
	}
}

static void
cursors_carry_epoch_and_sequence(void **state)
{
	(void)state;
	struct spool_position at = {3, UINT64_C(18446744073709551615)};
	struct spool_position back;
	char text[CURSOR_SIZE];
	static const char *const bad[] = {".", "1", "1.", ".1", "1.2.3", "-1.2",
	    "4294967296.1", "1.18446744073709551616", "1.2 ", "a.b"};

	cursor_build(text, at);
	assert_string_equal(text, "3.18446744073709551615");
	assert_true(cursor_parse(text, &back));
	assert_int_equal(back.epoch, 3);
	assert_true(back.sequence == at.sequence);
	assert_true(cursor_parse("", &back) && back.sequence == 0);
	assert_true(cursor_parse(NULL, &back) && back.epoch == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (cursor_parse(bad[i], &back))
			fail_msg("taken for a cursor: %s", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		every_operation_of_the_document_has_a_route_and_the_other_way),
	    cmocka_unit_test(
		each_route_knows_the_query_parameters_of_the_document),
	    cmocka_unit_test(only_the_document_and_checkpoints_need_no_caller),
	    cmocka_unit_test(the_problem_codes_are_those_of_the_document),
	    cmocka_unit_test(
		a_failure_gets_the_status_that_tells_whether_to_repeat),
	    cmocka_unit_test(cursors_carry_epoch_and_sequence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
