#include "formats/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct buf
frame_of(uint16_t type, uint16_t flags, uint64_t request, const char *body)
{
	struct buf out;
	buf_init(&out, 1000);
	wire_frame_build(
	    &out, &(struct wire_frame){type, flags, request, span_text(body)});
	return out;
}

static void
a_frame_comes_back_whole_and_only_when_it_is_whole(void **state)
{
	(void)state;
	struct buf out = frame_of(
	    7, WIRE_ANSWER | WIRE_MORE, UINT64_C(0x0102030405060708), "hello");
	struct wire_frame frame;
	struct why why;
	size_t used;
	assert_int_equal(out.size, WIRE_HEAD_SIZE + 5);
	for (size_t cut = 0; cut < out.size; cut++) {
		assert_int_equal(wire_frame_parse(span_of(out.at, cut), 5,
				     &frame, &used, &why),
		    0);
		assert_int_equal(used, 0);
	}
	buf_add_text(&out, "next");
	assert_int_equal(
	    wire_frame_parse(buf_span(&out), 5, &frame, &used, &why), 0);
	assert_int_equal(used, WIRE_HEAD_SIZE + 5);
	assert_int_equal(frame.type, 7);
	assert_int_equal(frame.flags, WIRE_ANSWER | WIRE_MORE);
	assert_true(frame.request == UINT64_C(0x0102030405060708));
	assert_true(span_is(frame.body, "hello"));
	buf_clear(&out);
}

static void
a_body_over_the_max_is_refused_from_its_length_alone(void **state)
{
	(void)state;
	struct wire_frame frame;
	struct why why;
	size_t used;
	static const uint8_t six[4] = {0, 0, 0, 12 + 6};
	static const uint8_t huge[4] = {0xFF, 0xFF, 0xFF, 0xFF};
	assert_int_equal(
	    wire_frame_parse(span_of(six, 4), 6, &frame, &used, &why), 0);
	assert_int_equal(
	    wire_frame_parse(span_of(six, 4), 5, &frame, &used, &why),
	    WHY_TOO_LARGE);
	assert_int_equal(wire_frame_parse(span_of(huge, 4), WIRE_BODY_MAX,
			     &frame, &used, &why),
	    WHY_TOO_LARGE);
}

static void
a_length_shorter_than_a_head_is_malformed(void **state)
{
	(void)state;
	struct wire_frame frame;
	struct why why;
	size_t used;
	for (uint8_t n = 0; n < 12; n++) {
		uint8_t bytes[4] = {0, 0, 0, n};
		assert_int_equal(wire_frame_parse(span_of(bytes, 4), 100,
				     &frame, &used, &why),
		    WHY_MALFORMED);
	}
}

static void
flags_that_contradict_each_other_are_malformed(void **state)
{
	(void)state;
	static const struct {
		uint16_t flags;
		uint64_t request;
	} bad[] = {{0x0008, 1}, {0x8000, 1}, {WIRE_FAILED, 1},
	    {WIRE_FAILED | WIRE_ANSWER | WIRE_MORE, 1}, {WIRE_ANSWER, 0},
	    {WIRE_MORE, 0}};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct buf out = frame_of(1, bad[i].flags, bad[i].request, "");
		struct wire_frame frame;
		struct why why;
		size_t used;
		assert_int_equal(
		    wire_frame_parse(buf_span(&out), 9, &frame, &used, &why),
		    WHY_MALFORMED);
		buf_clear(&out);
	}
}

static void
what_was_put_is_read_back(void **state)
{
	(void)state;
	struct id id = {{1, 2, 3}};
	struct buf out;
	buf_init(&out, 1000);
	buf_add_byte(&out, 200);
	buf_add_u16(&out, 60000);
	buf_add_u32(&out, 4000000000u);
	buf_add_u64(&out, UINT64_MAX - 1);
	wire_put_i64(&out, -5);
	wire_put_bool(&out, true);
	wire_put_id(&out, &id);
	wire_put_bytes(&out, span_of("\0\1", 2));
	wire_put_text(&out, "blåbær");
	wire_put_text(&out, NULL);
	struct wire_in in = wire_open(buf_span(&out));
	assert_int_equal(wire_u8(&in), 200);
	assert_int_equal(wire_u16(&in), 60000);
	assert_true(wire_u32(&in) == 4000000000u);
	assert_true(wire_u64(&in) == UINT64_MAX - 1);
	assert_int_equal(wire_i64(&in), -5);
	assert_true(wire_bool(&in));
	struct id back = wire_id(&in);
	assert_true(id_equal(&id, &back));
	assert_true(span_equal(wire_bytes(&in), span_of("\0\1", 2)));
	char text[16];
	wire_chars(&in, text, sizeof text);
	assert_string_equal(text, "blåbær");
	assert_false(wire_end(&in));
	assert_int_equal(wire_text(&in).size, 0);
	assert_true(wire_end(&in));
	buf_clear(&out);
}

static void
every_cut_of_a_body_fails_and_stays_failed(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 100);
	buf_add_u32(&out, 9);
	wire_put_text(&out, "abc");
	wire_put_bool(&out, false);
	for (size_t cut = 0; cut < out.size; cut++) {
		/* exactly cut bytes of its own, so that ASan sees an overread
		 */
		uint8_t *copy = malloc(cut + 1);
		assert_non_null(copy);
		memcpy(copy, out.at, cut);
		struct wire_in in = wire_open(span_of(copy, cut));
		(void)wire_u32(&in);
		(void)wire_text(&in);
		(void)wire_bool(&in);
		assert_false(wire_end(&in));
		assert_int_equal(wire_u64(&in), 0);
		assert_null(wire_fixed(&in, 1).at);
		free(copy);
	}
	struct wire_in in = wire_open(buf_span(&out));
	(void)wire_u32(&in);
	assert_false(wire_end(&in)); /* trailing bytes */
	buf_clear(&out);
}

static void
hostile_lengths_counts_texts_and_booleans_fail(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t size;
	} texts[] = {{"\xFF\xFF\xFF\xFFx", 5}, {"\0\0\0\1\0", 5},
	    {"\0\0\0\2\xC3\x28", 6}, {"\0\0\0\4abcd", 8}};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct wire_in in =
		    wire_open(span_of(texts[i].bytes, texts[i].size));
		char text[4]; /* the last one is one byte too long for it */
		wire_chars(&in, text, sizeof text);
		assert_true(in.failed);
		assert_string_equal(text, "");
	}
	struct wire_in in = wire_open(span_of("\2", 1));
	assert_false(wire_bool(&in));
	assert_true(in.failed);
	in = wire_open(span_of("\0\0\0\3aabbcc", 10));
	assert_int_equal(wire_count(&in, 2), 3);
	in = wire_open(span_of("\0\0\0\3aabbc", 9));
	assert_int_equal(wire_count(&in, 2), 0);
	assert_true(in.failed);
}

static void
a_failure_crosses_with_its_code_and_sentence(void **state)
{
	(void)state;
	struct why sent;
	struct why got;
	struct buf out;
	buf_init(&out, 1000);
	(void)why_set(&sent, WHY_FULL, "no room");
	wire_put_why(&out, &sent);
	assert_int_equal(wire_get_why(buf_span(&out), &got), WHY_FULL);
	assert_string_equal(got.text, "no room");
	buf_reset(&out);
	/* a sentence cut inside a character still crosses */
	memset(sent.text, 'a', sizeof sent.text);
	sent.text[WHY_TEXT_MAX - 2] = (char)0xC3;
	sent.text[WHY_TEXT_MAX - 1] = '\0';
	wire_put_why(&out, &sent);
	assert_int_equal(wire_get_why(buf_span(&out), &got), WHY_FULL);
	buf_clear(&out);
	/* success, an unknown code, nothing at all */
	assert_int_equal(
	    wire_get_why(span_of("\0\0\0\0\0\0\0\0", 8), &got), WHY_BUG);
	assert_int_equal(
	    wire_get_why(span_of("\x80\0\0\0\0\0\0\0", 8), &got), WHY_BUG);
	assert_int_equal(wire_get_why(SPAN_NONE, &got), WHY_BUG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_frame_comes_back_whole_and_only_when_it_is_whole),
	    cmocka_unit_test(
		a_body_over_the_max_is_refused_from_its_length_alone),
	    cmocka_unit_test(a_length_shorter_than_a_head_is_malformed),
	    cmocka_unit_test(flags_that_contradict_each_other_are_malformed),
	    cmocka_unit_test(what_was_put_is_read_back),
	    cmocka_unit_test(every_cut_of_a_body_fails_and_stays_failed),
	    cmocka_unit_test(hostile_lengths_counts_texts_and_booleans_fail),
	    cmocka_unit_test(a_failure_crosses_with_its_code_and_sentence),
	};
	return cmocka_run_group_tests_name("formats: wire", tests, NULL, NULL);
}
