#include "base/text.h"
#include "formats/json.h"
#include "formats/json_write.h"

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

/* Every byte at every place of the eight that are looked at together. */
static void
texts_are_written_as_the_tree_of_values_writes_them(void **state)
{
	static const char *const some[] = {"", "abc", "blåbær",
	    "\xf0\x9f\x98\x80", "\"", "\\\\\"", "a/b", "\x7f",
	    "\xc2\x80\xc2\xa0", "12345678\n", "\t2345678\r\b\f\x01\x1f"};
	struct buf ours;
	struct buf theirs;

	(void)state;
	buf_init(&ours, 4096);
	buf_init(&theirs, 4096);
	for (int i = 0; i < 127 * 17 + (int)(sizeof(some) / sizeof(*some));
	     i++) {
		char text[40] = "abcdefghijklmnopq";
		const char *at = text;

		if (i < 127 * 17)
			text[i / 127] = (char)(i % 127 + 1);
		else
			at = some[i - 127 * 17];
		json_t *value = json_string(at);

		assert_non_null(value);
		buf_reset(&ours);
		buf_reset(&theirs);
		json_text_build(&theirs, value);
		json_write_text(&ours, NULL, at);
		json_decref(value);
		assert_true(span_equal(buf_span(&ours), buf_span(&theirs)));
	}
	buf_clear(&ours);
	buf_clear(&theirs);
}

static void
values_stand_with_their_commas_and_names(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	json_write_object(&out, NULL);
	json_write_array(&out, "empty");
	json_write_array_end(&out);
	json_write_array(&out, "list");
	json_write_object(&out, NULL);
	json_write_object_end(&out);
	json_write_text(&out, NULL, "[");
	json_write_number(&out, NULL, INT64_MIN);
	json_write_object(&out, NULL);
	json_write_text(&out, "a", "{");
	json_write_span(&out, "b", SPAN_NONE);
	json_write_object_end(&out);
	json_write_array_end(&out);
	json_write_number(&out, "n", INT64_MAX);
	json_write_bool(&out, "yes", true);
	json_write_bool(&out, "no", false);
	json_write_object_end(&out);
	assert_string_equal(buf_text(&out),
	    "{\"empty\":[],\"list\":[{},\"[\",-9223372036854775808,"
	    "{\"a\":\"{\",\"b\":\"\"}],\"n\":9223372036854775807,"
	    "\"yes\":true,\"no\":false}");
	buf_clear(&out);
}

static void
text_that_is_not_utf8_is_not_written(void **state)
{
	static const char *const texts[] = {
	    "\xff", "abcdefgh\xc3", "\xed\xa0\x80", "\xc0\x80", "abc\x80"};
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		buf_reset(&out);
		json_write_text(&out, NULL, texts[i]);
		assert_false(buf_ok(&out));
	}
	buf_clear(&out);
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
	    cmocka_unit_test(
		texts_are_written_as_the_tree_of_values_writes_them),
	    cmocka_unit_test(values_stand_with_their_commas_and_names),
	    cmocka_unit_test(text_that_is_not_utf8_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
