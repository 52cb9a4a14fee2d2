#include "base/buf.h"
#include "base/id.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
base64url_refuses_what_is_not_canonical(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 100);
	assert_true(base64url_parse(&out, span_text("QUI")));
	assert_true(span_is(buf_span(&out), "AB"));
	buf_reset(&out);
	assert_false(base64url_parse(&out, span_text("QUJ")));
	assert_false(base64url_parse(&out, span_text("QUI=")));
	assert_false(base64url_parse(&out, span_text("Q")));
	assert_false(base64url_parse(&out, span_text("QU+I")));
	buf_clear(&out);
}

static void
base64_comes_back_the_same_at_every_length(void **state)
{
	(void)state;
	uint8_t bytes[64];
	random_fill(bytes, sizeof bytes);
	for (size_t n = 0; n <= sizeof bytes; n++) {
		struct buf text;
		struct buf back;
		buf_init(&text, 200);
		buf_init(&back, 200);
		base64_build(&text, span_of(bytes, n));
		assert_true(base64_parse(&back, buf_span(&text)));
		assert_true(span_equal(buf_span(&back), span_of(bytes, n)));
		buf_clear(&text);
		buf_clear(&back);
	}
}

static void
utf8_refuses_overlong_forms_surrogates_and_cut_sequences(void **state)
{
	(void)state;
	assert_true(utf8_valid(span_text("blåbær \xF0\x9F\x98\x80")));
	static const char *const bad[] = {"\xC0\x80", "\xE0\x80\x80",
	    "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF", "a\xC3", "\x80"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(utf8_valid(span_text(bad[i])));
}

static void
a_time_with_an_offset_is_the_same_instant(void **state)
{
	(void)state;
	int64_t a;
	int64_t b;
	char text[TIME_TEXT_SIZE];
	assert_true(time_parse("2026-03-29T02:30:00.5+02:00", &a));
	assert_true(time_parse("2026-03-29T00:30:00.500Z", &b));
	assert_int_equal(a, b);
	time_build(text, a);
	assert_string_equal(text, "2026-03-29T00:30:00.500Z");
	assert_false(time_parse("2026-02-29T00:00:00Z", &a));
	assert_false(time_parse("2026-02-28T24:00:00Z", &a));
	assert_false(time_parse("2026-02-28 23:00:00Z", &a));
	assert_false(time_parse("2026-02-28T23:00:00", &a));
	assert_false(time_parse("2026-02-28T23:00:00.Z", &a));
}

static void
an_organisation_number_needs_its_check_digit(void **state)
{
	(void)state;
	assert_true(orgnr_valid("974760673"));
	assert_false(orgnr_valid("974760674"));
	assert_false(orgnr_valid("123456785"));
	assert_false(orgnr_valid("97476067"));
	assert_false(orgnr_valid("97476067x"));
}

static void
ids_of_one_process_never_go_back(void **state)
{
	(void)state;
	struct id last = id_new(1000);
	for (int i = 0; i < 10000; i++) {
		struct id next = id_new(1000 - i);
		assert_true(memcmp(last.at, next.at, ID_SIZE) < 0);
		last = next;
	}
	char text[ID_TEXT_SIZE];
	struct id back;
	id_build(text, &last);
	assert_true(id_parse(text, &back));
	assert_true(id_equal(&last, &back));
}

static void
a_buffer_keeps_its_failure_until_it_is_reset(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 4);
	buf_add_text(&buf, "abc");
	buf_add_text(&buf, "de");
	buf_add_text(&buf, "f");
	assert_false(buf_ok(&buf));
	assert_null(buf_text(&buf));
	buf_reset(&buf);
	buf_add_text(&buf, "abcd");
	assert_string_equal(buf_text(&buf), "abcd");
	buf_clear(&buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(base64url_refuses_what_is_not_canonical),
	    cmocka_unit_test(base64_comes_back_the_same_at_every_length),
	    cmocka_unit_test(
		utf8_refuses_overlong_forms_surrogates_and_cut_sequences),
	    cmocka_unit_test(a_time_with_an_offset_is_the_same_instant),
	    cmocka_unit_test(an_organisation_number_needs_its_check_digit),
	    cmocka_unit_test(ids_of_one_process_never_go_back),
	    cmocka_unit_test(a_buffer_keeps_its_failure_until_it_is_reset),
	};
	return cmocka_run_group_tests_name("base: text", tests, NULL, NULL);
}
