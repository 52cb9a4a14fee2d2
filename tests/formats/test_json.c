#include "base/text.h"
#include "formats/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct json_bounds bounds = {4096, 16};

static int
read_text(const char *text, struct why *why)
{
	json_t *value = NULL;
	int ret = json_text_read(span_text(text), &bounds, &value, why);

	assert_true((ret == 0) == (value != NULL));
	json_decref(value);
	return ret;
}

static void
what_is_not_strict_json_is_refused_without_its_content(void **state)
{
	static const char *const texts[] = {"", " ", "{", "{\"hemmelig\":1,}",
	    "[1,]", "{'hemmelig':1}", "[hemmelig]", "{\"hemmelig\":1}x",
	    "{\"hemmelig\":1} {}", "[01]", "[+1]", "[.5]", "[NaN]",
	    "[Infinity]", "[1e999]", "[9223372036854775808]", "\"hemmelig",
	    "\"\\x\"", "\"\\ud800\"", "\"\\u0000hemmelig\"", "{\"a\\u0000\":1}",
	    "\xef\xbb\xbf{}", "[\"\xff\"]", "[\"\xc0\x80\"]",
	    "[\"\xed\xa0\x80\"]", "// hemmelig\n{}", "[\"a\nb\"]",
	    "{\"hemmelig\":1,\"hemmelig\":2}",
	    "{\"hemmelig\":1,\"h\\u0065mmelig\":2}"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct why why = {0};

		if (read_text(texts[i], &why) != WHY_MALFORMED)
			fail_msg("accepted: %s", texts[i]);
		assert_null(strstr(why.text, "hemmelig"));
		assert_true(why.text[0] != '\0');
	}
}

static void
a_nul_byte_is_refused_wherever_it_stands(void **state)
{
	static const char text[] = "{\"abc\": \"def\"}";
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++) {
		char copy[sizeof(text)];
		json_t *value = NULL;

		memcpy(copy, text, sizeof(text));
		copy[i] = '\0';
		assert_int_equal(json_text_read(span_of(copy, sizeof(text)),
				     &bounds, &value, &why),
		    WHY_MALFORMED);
		assert_null(value);
	}
}

static void
an_error_tells_line_and_column(void **state)
{
	struct why why = {0};

	(void)state;
	assert_int_equal(
	    read_text("{\n\"a\": 1,\n\"a\": 2}", &why), WHY_MALFORMED);
	assert_non_null(strstr(why.text, "line 3"));
	assert_int_equal(read_text("[1,\n  2\n]]", &why), WHY_MALFORMED);
	assert_non_null(strstr(why.text, "line 3, column 2"));
}

static void
depth_and_size_are_refused_over_the_limit_and_taken_at_it(void **state)
{
	char *text = malloc(200001);
	struct why why;
	json_t *value;

	(void)state;
	assert_non_null(text);
	for (int depth = 15; depth <= 17; depth++) {
		memset(text, '[', (size_t)depth);
		memset(text + depth, ']', (size_t)depth);
		text[2 * depth] = '\0';
		assert_int_equal(
		    read_text(text, &why), depth <= 16 ? 0 : WHY_TOO_LARGE);
	}
	memset(text, '[', 200000);
	assert_int_equal(
	    json_text_read(span_of(text, 4096), &bounds, &value, &why),
	    WHY_TOO_LARGE);
	memset(text, ' ', 4096);
	memcpy(text, "[]", 2);
	assert_int_equal(
	    json_text_read(span_of(text, 4096), &bounds, &value, &why), 0);
	json_decref(value);
	assert_int_equal(
	    json_text_read(span_of(text, 4097), &bounds, &value, &why),
	    WHY_TOO_LARGE);
	/* brackets in texts are not nesting */
	assert_int_equal(
	    read_text("\"[[[[[[[[[[[[[[[[[[[[[[\\\"[[[\"", &why), 0);
	free(text);
}

static void
an_object_reader_refuses_other_values(void **state)
{
	struct why why;
	json_t *value;

	(void)state;
	assert_int_equal(
	    json_object_read(span_text("[]"), &bounds, &value, &why),
	    WHY_MALFORMED);
	assert_null(value);
	assert_int_equal(
	    json_object_read(span_text("{}"), &bounds, &value, &why), 0);
	json_decref(value);
}

static void
pointers_lead_where_rfc_6901_says(void **state)
{
	json_t *value = json_loads(
	    "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"m~n\":8,\"01\":{}}",
	    0, NULL);
	struct buf out;

	(void)state;
	assert_ptr_equal(json_pointer_get(value, ""), value);
	assert_string_equal(
	    json_string_value(json_pointer_get(value, "/foo/1")), "baz");
	assert_int_equal(
	    json_integer_value(json_pointer_get(value, "/a~1b")), 1);
	assert_int_equal(
	    json_integer_value(json_pointer_get(value, "/m~0n")), 8);
	assert_int_equal(json_integer_value(json_pointer_get(value, "/")), 0);
	assert_non_null(json_pointer_get(value, "/01"));
	assert_null(json_pointer_get(value, "/foo/01"));
	assert_null(json_pointer_get(value, "/foo/2"));
	assert_null(json_pointer_get(value, "/foo/-"));
	assert_null(json_pointer_get(value, "foo"));
	assert_null(json_pointer_get(value, "/m~2n"));
	buf_init(&out, 100);
	json_pointer_add(&out, "a/b~c");
	json_pointer_add_index(&out, 7);
	assert_string_equal(buf_text(&out), "/a~1b~0c/7");
	buf_clear(&out);
	json_decref(value);
}

static void
a_pointer_has_the_line_of_its_value(void **state)
{
	struct span text =
	    span_text("{\n \"a\": [\n  1,\n  {\"b\": \"x\\\"]\",\n"
		      "   \"c\": [[], {}]},\n  3],\n"
		      " \"d\": true\n}\n");

	(void)state;
	assert_int_equal(json_pointer_line(text, ""), 1);
	assert_int_equal(json_pointer_line(text, "/a"), 2);
	assert_int_equal(json_pointer_line(text, "/a/0"), 3);
	assert_int_equal(json_pointer_line(text, "/a/1"), 4);
	assert_int_equal(json_pointer_line(text, "/a/1/b"), 4);
	assert_int_equal(json_pointer_line(text, "/a/1/c"), 5);
	assert_int_equal(json_pointer_line(text, "/a/1/c/1"), 5);
	assert_int_equal(json_pointer_line(text, "/a/2"), 6);
	assert_int_equal(json_pointer_line(text, "/d"), 7);
	/* what is not there: the nearest value around it */
	assert_int_equal(json_pointer_line(text, "/a/1/none"), 4);
	assert_int_equal(json_pointer_line(text, "/none"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		what_is_not_strict_json_is_refused_without_its_content),
	    cmocka_unit_test(a_nul_byte_is_refused_wherever_it_stands),
	    cmocka_unit_test(an_error_tells_line_and_column),
	    cmocka_unit_test(
		depth_and_size_are_refused_over_the_limit_and_taken_at_it),
	    cmocka_unit_test(an_object_reader_refuses_other_values),
	    cmocka_unit_test(pointers_lead_where_rfc_6901_says),
	    cmocka_unit_test(a_pointer_has_the_line_of_its_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
