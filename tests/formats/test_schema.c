/*
 * The validator beyond the public suite: hostile values and schemas, what
 * findings say, what is refused when it is compiled.
 */
#include "formats/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct limits limits;

static struct schema *
compile(const char *text, int expected, struct findings *findings)
{
	struct schema *schema = NULL;
	struct why why = {0};
	json_error_t error;
	json_t *value = json_loads(text, JSON_DECODE_ANY, &error);

	if (value == NULL)
		fail_msg("%s: %s", error.text, text);
	limits_init(&limits);
	assert_int_equal(schema_compile("s.json", value, NULL, &limits,
			     findings, &schema, &why),
	    expected);
	if (expected < 0)
		assert_true(why.text[0] != '\0');
	json_decref(value);
	return schema;
}

/* Check value by schema; findings stay for a look. */
static int
check(
    const char *schema_text, const char *value_text, struct findings *findings)
{
	struct schema *schema = compile(schema_text, 0, NULL);
	json_t *value = json_loads(value_text, JSON_DECODE_ANY, NULL);
	struct why why = {0};
	int ret;

	assert_non_null(value);
	findings_init(findings, 50);
	ret = schema_check(schema, value, "payload", findings, &why);
	json_decref(value);
	schema_free(schema);
	return ret;
}

static void
a_finding_says_pointer_rule_and_expectation_but_never_the_value(void **state)
{
	struct findings findings;

	(void)state;
	assert_int_equal(
	    check("{\"properties\":{\"a/b\":{\"items\":{\"$ref\":"
		  "\"#/definitions/x\"}}},\"definitions\":{\"x\":{\"type\":"
		  "\"string\",\"maxLength\":3}}}",
		"{\"a/b\":[\"ok\",\"hemmelig\",4711]}", &findings),
	    WHY_INVALID);
	assert_int_equal(findings.count, 2);
	assert_string_equal(findings.at[0].part, "payload");
	assert_string_equal(findings.at[0].pointer, "/a~1b/1");
	assert_string_equal(
	    findings.at[0].rule, "maxLength s.json#/definitions/x");
	assert_string_equal(findings.at[0].expected, "at most 3 characters");
	assert_string_equal(findings.at[1].pointer, "/a~1b/2");
	assert_string_equal(findings.at[1].rule, "type s.json#/definitions/x");
	for (size_t i = 0; i < findings.count; i++) {
		assert_null(strstr(findings.at[i].expected, "hemmelig"));
		assert_null(strstr(findings.at[i].expected, "4711"));
	}
	findings_clear(&findings);
}

static void
the_alternative_that_was_meant_is_the_one_reported(void **state)
{
	static const char schema[] =
	    "{\"oneOf\":[{\"properties\":{\"type\":{\"enum\":[\"a\"]},\"x\":{"
	    "\"type\":\"string\"}}},{\"properties\":{\"type\":{\"enum\":[\"b\"]"
	    "},\"y\":{\"type\":\"string\"}}}]}";
	struct findings findings;

	(void)state;
	assert_int_equal(
	    check(schema, "{\"type\":\"b\",\"y\":1}", &findings), WHY_INVALID);
	assert_int_equal(findings.count, 1);
	assert_string_equal(findings.at[0].pointer, "/y");
	findings_clear(&findings);
	assert_int_equal(
	    check(schema, "{\"type\":\"c\"}", &findings), WHY_INVALID);
	assert_int_equal(findings.count, 1);
	assert_string_equal(findings.at[0].pointer, "");
	assert_string_equal(findings.at[0].rule, "oneOf s.json#");
	findings_clear(&findings);
}

static void
findings_stop_at_their_limit_and_count_the_rest(void **state)
{
	struct findings findings;
	char text[2048] = "[0";

	(void)state;
	for (int i = 0; i < 199; i++)
		strcat(text, ",0");
	strcat(text, "]");
	assert_int_equal(
	    check("{\"items\":{\"type\":\"string\"}}", text, &findings),
	    WHY_INVALID);
	assert_int_equal(findings.count, 50);
	assert_int_equal(findings.left_off, 150);
	findings_clear(&findings);
}

static void
a_catastrophic_pattern_gives_up_with_a_finding(void **state)
{
	static const char *const patterns[] = {
	    "^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(.*a){20}$", "^(([a-z])+.)+$"};
	char value[402] = "\"";
	struct findings findings;

	(void)state;
	memset(value + 1, 'a', 390);
	strcat(value, "!\"");
	for (size_t i = 0; i < 5; i++) {
		char schema[100];

		snprintf(schema, sizeof(schema), "{\"pattern\":\"%s\"}",
		    patterns[i]);
		/* the last one is found at once */
		assert_int_equal(
		    check(schema, value, &findings), i < 4 ? WHY_INVALID : 0);
		findings_clear(&findings);
		if (i == 3)
			continue;
		snprintf(schema, sizeof(schema),
		    "{\"not\":{\"pattern\":\"%s\"}}", patterns[i]);
		assert_int_equal(check(schema, value, &findings), WHY_INVALID);
		findings_clear(&findings);
	}
}

static void
a_schema_without_an_end_stops_at_a_limit(void **state)
{
	struct findings findings;
	char deep[3000] = "";

	(void)state;
	assert_int_equal(
	    check("{\"allOf\":[{\"$ref\":\"#\"}]}", "1", &findings),
	    WHY_TOO_LARGE);
	findings_clear(&findings);
	/* two ways at each level: 2^n steps without the limit */
	for (int i = 0; i < 60; i++)
		strcat(deep, "{\"a\":");
	strcat(deep, "1");
	for (int i = 0; i < 60; i++)
		strcat(deep, "}");
	assert_int_equal(
	    check(
		"{\"anyOf\":[{\"properties\":{\"a\":{\"$ref\":\"#\"}},"
		"\"required\":[\"b\"]},{\"properties\":{\"a\":{\"$ref\":\"#\"}"
		"},\"required\":[\"c\"]}]}",
		deep, &findings),
	    WHY_TOO_LARGE);
	findings_clear(&findings);
}

static void
many_unique_elements_are_compared_quickly(void **state)
{
	struct schema *schema = compile("{\"uniqueItems\":true}", 0, NULL);
	json_t *value = json_array();
	struct findings findings;
	struct why why;

	(void)state;
	for (json_int_t i = 0; i < 200000; i++)
		json_array_append_new(value, json_integer(i));
	findings_init(&findings, 10);
	assert_int_equal(schema_check(schema, value, "p", &findings, &why), 0);
	json_array_append_new(value, json_real(7.0));
	assert_int_equal(
	    schema_check(schema, value, "p", &findings, &why), WHY_INVALID);
	findings_clear(&findings);
	json_decref(value);
	schema_free(schema);
}

static void
numbers_are_compared_exactly(void **state)
{
	static const struct {
		const char *schema, *value;
		int expected;
	} cases[] = {
	    {"{\"maximum\":9007199254740993}", "9007199254740993", 0},
	    {"{\"maximum\":9007199254740992}", "9007199254740993", WHY_INVALID},
	    {"{\"exclusiveMaximum\":9223372036854775807}",
		"9223372036854775807", WHY_INVALID},
	    {"{\"maximum\":9223372036854775807}", "9.3e18", WHY_INVALID},
	    {"{\"const\":9007199254740992}", "9007199254740993", WHY_INVALID},
	    {"{\"const\":0}", "-0.0", 0},
	    {"{\"multipleOf\":0.01}", "19.99", 0},
	    {"{\"multipleOf\":0.01}", "19.999", WHY_INVALID},
	    {"{\"multipleOf\":0.1}", "1e300", 0},
	    {"{\"multipleOf\":3}", "-9223372036854775808", WHY_INVALID},
	    {"{\"multipleOf\":2}", "-9223372036854775808", 0},
	    {"{\"multipleOf\":1e300}", "1", WHY_INVALID},
	    {"{\"type\":\"integer\"}", "1.0", 0},
	    {"{\"type\":\"integer\"}", "1.5", WHY_INVALID},
	    {"{\"maxLength\":1}", "\"\xf0\x9f\x98\x80\"", 0},
	};
	struct findings findings;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (check(cases[i].schema, cases[i].value, &findings) !=
		    cases[i].expected)
			fail_msg("%s %s", cases[i].schema, cases[i].value);
		findings_clear(&findings);
	}
}

#define DRAFT_04 "{\"$schema\":\"http://json-schema.org/draft-04/schema#\","
#define DRAFT_07 "{\"$schema\":\"http://json-schema.org/draft-07/schema\","

static void
what_is_no_schema_is_refused_where_it_is_wrong(void **state)
{
	static const struct {
		const char *schema, *pointer;
	} cases[] = {
	    {"{\"type\":\"text\"}", "/type"},
	    {"{\"type\":[\"string\",1]}", "/type"},
	    {"{\"minLength\":-1}", "/minLength"},
	    {"{\"properties\":{\"a\":{\"maxItems\":\"x\"}}}",
		"/properties/a/maxItems"},
	    {"{\"exclusiveMinimum\":true}", "/exclusiveMinimum"},
	    {"{\"pattern\":\"(\"}", "/pattern"},
	    {"{\"patternProperties\":{\"[\":{}}}", "/patternProperties"},
	    {"{\"allOf\":[]}", "/allOf"},
	    {"{\"not\":1}", "/not"},
	    {"{\"required\":[1]}", "/required"},
	    {"{\"dependencies\":{\"a\":1}}", "/dependencies"},
	    {"{\"multipleOf\":0}", "/multipleOf"},
	    {"{\"enum\":[]}", "/enum"},
	    {"{\"$ref\":\"#\"}", "/$ref"},
	    {DRAFT_04 "\"exclusiveMinimum\":1,\"minimum\":1}",
		"/exclusiveMinimum"},
	    {DRAFT_04 "\"exclusiveMaximum\":true}", "/exclusiveMaximum"},
	    {DRAFT_04 "\"required\":[]}", "/required"},
	    {DRAFT_04 "\"items\":true}", "/items"},
	    {DRAFT_04 "\"properties\":{\"a\":false}}", "/properties"},
	    {DRAFT_04 "\"dependencies\":{\"a\":[]}}", "/dependencies"},
	    {DRAFT_04 "\"anyOf\":[{},true]}", "/anyOf"},
	    {DRAFT_07 "\"if\":1}", "/if"},
	    {DRAFT_07 "\"then\":[]}", "/then"},
	    {DRAFT_07 "\"else\":\"x\"}", "/else"},
	    {"{\"definitions\":{\"a\":{\"$ref\":\"#/definitions/b\"},\"b\":{"
	     "\"$ref\":\"#/definitions/a\"}},\"not\":{\"$ref\":"
	     "\"#/definitions/a\"}}",
		NULL},
	};
	struct findings findings;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		findings_init(&findings, 10);
		assert_null(compile(cases[i].schema, WHY_INVALID, &findings));
		assert_int_equal(findings.count, 1);
		assert_string_equal(findings.at[0].part, "s.json");
		if (cases[i].pointer)
			assert_string_equal(
			    findings.at[0].pointer, cases[i].pointer);
		findings_clear(&findings);
	}
	compile("{\"$ref\":\"other.json\"}", WHY_NOT_FOUND, NULL);
	compile("{\"$ref\":\"#/none\"}", WHY_NOT_FOUND, NULL);
	compile("{\"$schema\":\"http://json-schema.org/draft-03/schema#\"}",
	    WHY_UNSUPPORTED, NULL);
	compile(
	    "{\"$schema\":\"https://json-schema.org/draft/2019-09/schema\"}",
	    WHY_UNSUPPORTED, NULL);
	compile("{\"$schema\":7}", WHY_UNSUPPORTED, NULL);
}

static void
what_only_pcre2_knows_is_no_pattern(void **state)
{
	static const char *const patterns[] = {"a++", "a*+", "a{2}+", "a+*",
	    "(?i)a", "(?>a)", "(?#x)", "(?R)", "(?1)", "(?P<n>a)", "(*UTF)a",
	    "(?<1>a)", "\\A", "\\Z", "\\z", "\\h", "\\R", "\\Qa\\E", "\\x1",
	    "\\u12", "\\u{110000}", "\\uD800", "\\p", "\\pL", "\\p{}",
	    "\\p{No such thing}", "\\p{None}", "\\01", "[\\B]", "a\\", "\\u{",
	    "\\p{", "[a", "a)", "*a", "\\g{1}", "\\K"};
	struct findings findings;

	(void)state;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		json_t *value = json_pack("{s:s}", "pattern", patterns[i]);
		char *schema = json_dumps(value, 0);

		print_message("%s\n", schema);
		findings_init(&findings, 10);
		assert_null(compile(schema, WHY_INVALID, &findings));
		assert_string_equal(findings.at[0].pointer, "/pattern");
		findings_clear(&findings);
		json_decref(value);
		free(schema);
	}
}

static void
long_names_are_cut_in_pointers(void **state)
{
	char value[4000] = "{\"";
	struct findings findings;

	(void)state;
	memset(value + 2, 'n', 3000);
	strcat(value, "\":1}");
	assert_int_equal(
	    check("{\"additionalProperties\":false}", value, &findings),
	    WHY_INVALID);
	assert_true(strlen(findings.at[0].pointer) < 200);
	findings_clear(&findings);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_finding_says_pointer_rule_and_expectation_but_never_the_value),
	    cmocka_unit_test(
		the_alternative_that_was_meant_is_the_one_reported),
	    cmocka_unit_test(findings_stop_at_their_limit_and_count_the_rest),
	    cmocka_unit_test(a_catastrophic_pattern_gives_up_with_a_finding),
	    cmocka_unit_test(a_schema_without_an_end_stops_at_a_limit),
	    cmocka_unit_test(many_unique_elements_are_compared_quickly),
	    cmocka_unit_test(numbers_are_compared_exactly),
	    cmocka_unit_test(what_is_no_schema_is_refused_where_it_is_wrong),
	    cmocka_unit_test(what_only_pcre2_knows_is_no_pattern),
	    cmocka_unit_test(long_names_are_cut_in_pointers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
