/*
 * The request reader: each row of the framing table, whole and byte by byte.
 */
#include "relay/http_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct http_reader_limits limits = {
    .request_line_bytes = 512, .header_bytes = 1024, .header_fields = 10};

/* Read the bytes in pieces of the size given; write down what happened. Body
 * bytes are written as they are, so that the split does not show. */
static void
story(struct span bytes, size_t piece, struct buf *out)
{
	struct http_reader reader;
	struct span body;
	size_t used;

	http_reader_init(&reader, &limits);
	buf_reset(out);
	for (size_t at = 0; at <= bytes.size;) {
		size_t size = bytes.size - at < piece ? bytes.size - at : piece;
		/* a copy of its own, so that reading past it is seen */
		uint8_t *copy = malloc(size ? size : 1);
		assert_non_null(copy);
		if (size)
			memcpy(copy, bytes.at + at, size);
		enum http_event event = http_reader_feed(
		    &reader, span_of(copy, size), &used, &body);
		assert_true(used <= size);
		at += used;
		bool stop = false;
		switch (event) {
		case HTTP_EVENT_MORE:
			assert_int_equal(used, size);
			stop = at == bytes.size;
			break;
		case HTTP_EVENT_HEAD:
			buf_printf(out, "%s %s%s\n",
			    http_verb_text(reader.head.verb), reader.head.path,
			    reader.head.keep_alive ? "" : " close");
			break;
		case HTTP_EVENT_BODY:
			buf_add_span(out, body);
			break;
		case HTTP_EVENT_END:
			buf_add_text(out, ".\n");
			http_reader_next(&reader);
			break;
		case HTTP_EVENT_REFUSED:
			buf_printf(
			    out, "%u %s\n", reader.status, reader.reason);
			stop = true;
			break;
		}
		free(copy);
		if (stop)
			break;
	}
	if (reader.state == HTTP_READER_HEAD ||
	    reader.state == HTTP_READER_BODY)
		buf_add_text(out, "unfinished\n");
	http_reader_clear(&reader);
}

static void
expect_span(struct span bytes, const char *want)
{
	static const size_t pieces[] = {1 << 20, 1, 2, 3, 7};
	struct buf out;

	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		story(bytes, pieces[i], &out);
		assert_string_equal(buf_text(&out), want);
	}
	buf_clear(&out);
}

static void
expect(const char *bytes, const char *want)
{
	expect_span(span_text(bytes), want);
}

/* A POST with these fields and body bytes. */
static void
expect_post(const char *fields, const char *body, const char *want)
{
	struct buf text;

	buf_init(&text, 1 << 16);
	buf_printf(
	    &text, "POST /a HTTP/1.1\r\nHost: h\r\n%s\r\n%s", fields, body);
	expect(buf_text(&text), want);
	buf_clear(&text);
}

#define LENGTH_WRONG "400 Content-Length is not a size\n"
#define TWICE "400 header field given twice that may stand once\n"

static void
content_length_that_is_no_number_is_refused(void **state)
{
	(void)state;
	expect_post("Content-Length: abc\r\n", "abc", LENGTH_WRONG);
	expect_post("Content-Length: -5\r\n", "abc", LENGTH_WRONG);
	expect_post("Content-Length: +3\r\n", "abc", LENGTH_WRONG);
	expect_post("Content-Length: 3 3\r\n", "abc", LENGTH_WRONG);
	expect_post("Content-Length: 3, 3\r\n", "abc", LENGTH_WRONG);
	expect_post("Content-Length: 0x3\r\n", "abc", LENGTH_WRONG);
	expect_post("Content-Length:\r\n", "abc", LENGTH_WRONG);
}

static void
content_length_over_2_63_is_refused(void **state)
{
	(void)state;
	static const char *const sizes[] = {"18446744073709551616",
	    "18446744073709551619", "9223372036854775808",
	    "99999999999999999999999999"};
	for (size_t i = 0; i < 4; i++) {
		char field[80];
		snprintf(
		    field, sizeof(field), "Content-Length: %s\r\n", sizes[i]);
		expect_post(field, "abc", LENGTH_WRONG);
	}
	expect_post("Content-Length: 9223372036854775807\r\n", "abc",
	    "POST /a\nabcunfinished\n");
}

static void
two_content_lengths_are_refused_equal_or_not(void **state)
{
	(void)state;
	expect_post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc", TWICE);
	expect_post("Content-Length: 3\r\ncontent-length: 4\r\n", "abc", TWICE);
}

static void
transfer_encoding_with_content_length_is_refused(void **state)
{
	(void)state;
	const char *want =
	    "400 Content-Length and Transfer-Encoding together\n";
	expect_post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
	    "0\r\n\r\n", want);
	expect_post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
	    "0\r\n\r\n", want);
}

static void
any_coding_but_one_chunked_is_refused(void **state)
{
	(void)state;
	const char *want = "501 only the coding chunked is known\n";
	expect_post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n", want);
	expect_post(
	    "Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n", want);
	expect_post("Transfer-Encoding: identity\r\n", "", want);
	expect_post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n", want);
	expect_post("Transfer-Encoding:\r\n", "0\r\n\r\n", want);
	expect_post("Transfer-Encoding: chunked\r\n"
		    "Transfer-Encoding: identity\r\n",
	    "0\r\n\r\n", TWICE);
}

static void
a_space_before_the_colon_is_refused(void **state)
{
	(void)state;
	expect_post("Transfer-Encoding : chunked\r\nContent-Length: 3\r\n",
	    "abc", "400 header field name is malformed\n");
	expect_post(
	    "Bad Name: x\r\n", "", "400 header field name is malformed\n");
	expect_post(": x\r\n", "", "400 header field name is malformed\n");
	expect_post("x\r\n", "", "400 header field name is malformed\n");
}

static void
a_folded_line_is_refused(void **state)
{
	(void)state;
	const char *want = "400 line begins with white space\n";
	expect_post("Transfer-Encoding:\r\n chunked\r\nContent-Length: 3\r\n",
	    "abc", want);
	expect_post("X: a\r\n\tb\r\n", "", want);
	expect("GET / HTTP/1.1\r\n Host: h\r\n\r\n", want);
	expect(" GET / HTTP/1.1\r\n\r\n", want);
}

static void
chunk_sizes_that_lie_are_refused(void **state)
{
	(void)state;
	const char *te = "Transfer-Encoding: chunked\r\n";
	const char *hex = "POST /a\n400 chunk size is not hex\n";
	expect_post(te, "-1\r\nabc\r\n0\r\n\r\n", hex);
	expect_post(te, "xyz\r\nabc\r\n0\r\n\r\n", hex);
	expect_post(te, "0x3\r\nabc\r\n0\r\n\r\n", hex);
	expect_post(te, "\r\nabc\r\n0\r\n\r\n", hex);
	expect_post(te, "3 \r\nabc\r\n0\r\n\r\n", hex);
	expect_post(te, "10000000000000003\r\nabc\r\n0\r\n\r\n",
	    "POST /a\n413 chunk size over 2^63\n");
	expect_post(te, "2\r\nabc\r\n0\r\n\r\n",
	    "POST /a\nab400 chunk longer than its size\n");
}

static void
a_bare_line_feed_is_refused_everywhere(void **state)
{
	(void)state;
	const char *te = "Transfer-Encoding: chunked\r\n";
	expect("GET / HTTP/1.1\nHost: h\n\n", "400 bare LF\n");
	expect("\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "400 bare LF\n");
	expect("GET / HTTP/1.1\r\nHost: h\n\r\n", "400 bare LF\n");
	expect("GET / HTTP/1.1\r\nHost: h\r\n\n", "400 bare LF\n");
	expect("GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", "400 bare CR\n");
	expect_post(
	    te, "3\nabc\r\n0\r\n\r\n", "POST /a\n400 chunk size is not hex\n");
	expect_post(te, "3;x\nabc\r\n0\r\n\r\n",
	    "POST /a\n400 control byte in chunk extension\n");
	expect_post(te, "3\r\nabc\n0\r\n\r\n",
	    "POST /a\nabc400 chunk longer than its size\n");
	expect_post(
	    te, "0\r\nX: y\n\r\n", "POST /a\n400 control byte in trailer\n");
	expect_post(
	    te, "0\r\n\n", "POST /a\n400 trailer field name is malformed\n");
	expect_post(te, "3\rabc", "POST /a\n400 bare CR\n");
}

static void
nul_and_control_bytes_are_refused(void **state)
{
	(void)state;
	static const char nul[] =
	    "GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n";
	expect_span(
	    span_of(nul, sizeof(nul) - 1), "400 control byte in header\n");
	expect("GET / HTTP/1.1\r\nHost: h\r\nX: a\x01\r\n\r\n",
	    "400 control byte in header\n");
	expect("GET / HTTP/1.1\r\nHost: h\r\nX: a\x7f\r\n\r\n",
	    "400 control byte in header\n");
	expect("GET /\xc3\xa6 HTTP/1.1\r\nHost: h\r\n\r\n",
	    "400 control byte in header\n");
}

static void
exactly_one_host_is_required(void **state)
{
	(void)state;
	const char *want = "400 exactly one Host is required\n";
	expect("GET / HTTP/1.1\r\n\r\n", want);
	expect("GET / HTTP/1.0\r\n\r\n", want);
	expect("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", TWICE);
	expect("GET / HTTP/1.1\r\nHost:\r\n\r\n", want);
	expect("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", want);
	expect("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", want);
	expect("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET /\n.\n");
}

static void
transfer_encoding_in_http_1_0_is_refused(void **state)
{
	(void)state;
	expect("POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
	       "\r\n0\r\n\r\nGET /second HTTP/1.1\r\nHost: h\r\n\r\n",
	    "400 Transfer-Encoding in HTTP/1.0\n");
}

static void
a_truncated_body_has_no_end(void **state)
{
	(void)state;
	expect_post("Content-Length: 5\r\n", "abc", "POST /a\nabcunfinished\n");
	expect_post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n",
	    "POST /a\nabcunfinished\n");
	expect_post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r",
	    "POST /a\nabcunfinished\n");
}

static void
good_requests_are_read_one_after_the_other(void **state)
{
	(void)state;
	expect("GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
	       "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
	       "POST /c HTTP/1.1\r\nHost: h\r\n"
	       "Transfer-Encoding: CHUNKED\r\n\r\n"
	       "2;ext=\"x\"\r\nde\r\n001\r\nf\r\n0\r\nDigest: x\r\n\r\n"
	       "\r\nGET /d HTTP/1.0\r\nHost: h\r\n\r\n"
	       "GET /e HTTP/1.0\r\nHost: h\r\nConnection: Keep-Alive\r\n\r\n"
	       "GET /f HTTP/1.1\r\nHost: h\r\nConnection: x, close\r\n\r\n",
	    "GET /a\n.\nPOST /b\nabc.\nPOST /c\ndef.\nGET /d close\n.\n"
	    "GET /e\n.\nGET /f close\n.\n");
	expect(
	    "\r\n\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n", "400 empty lines\n");
}

static void
an_upgrade_is_not_taken(void **state)
{
	(void)state;
	expect("GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
	       "Upgrade: h2c\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n",
	    "GET /a\n.\nGET /b\n.\n");
	expect("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n",
	    "501 method is not known\n");
	expect("PRI * HTTP/2.0\r\n\r\n", "505 only HTTP/1.0 and HTTP/1.1 are "
					 "spoken\n");
}

static void
a_target_is_decoded_or_refused(void **state)
{
	(void)state;
	const char *unclean = "400 request path is not clean\n";
	expect("GET /%C3%A6%20b HTTP/1.1\r\nHost: h\r\n\r\n",
	    "GET /\xc3\xa6 b\n.\n");
	expect("GET http://H/x HTTP/1.1\r\nHost: h\r\n\r\n", "GET /x\n.\n");
	expect("GET http://other/x HTTP/1.1\r\nHost: h\r\n\r\n",
	    "400 request target and Host differ\n");
	expect("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
	    "400 request target is not a path\n");
	static const char *const bad[] = {"/a/../b", "/..", "/a/.", "/%2e%2E/b",
	    "/a%2fb", "/a%5Cb", "/a%00b", "/a%0Ab", "/a%7fb", "/%", "/%4",
	    "/%g0", "/%c3", "/%ed%a0%80", "/%c0%af"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[100];
		snprintf(text, sizeof(text),
		    "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", bad[i]);
		expect(text, unclean);
	}
	expect("GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n",
	    "400 request target is not clean\n");
	expect("GET /a\\b HTTP/1.1\r\nHost: h\r\n\r\n",
	    "400 request target is not clean\n");
	expect("GET /a?x=%00 HTTP/1.1\r\nHost: h\r\n\r\n",
	    "400 query is not clean\n");
	expect("GET /a?x=1&x=2 HTTP/1.1\r\nHost: h\r\n\r\n",
	    "400 query parameter given twice\n");
	expect("GET /a?=2 HTTP/1.1\r\nHost: h\r\n\r\n",
	    "400 query is not clean\n");
}

static void
query_and_fields_are_found_by_name(void **state)
{
	(void)state;
	static const char text[] =
	    "GET /a?wait=10&cursor=1.2%2F3&flag&e= HTTP/1.1\r\n"
	    "Host: h\r\nACCEPT:  */* \t\r\nEmpty:\r\nX: 1\r\nx: 2\r\n\r\n";
	struct http_reader reader;
	struct span body;
	size_t used;

	http_reader_init(&reader, &limits);
	assert_int_equal(http_reader_feed(&reader,
			     span_of(text, sizeof(text) - 1), &used, &body),
	    HTTP_EVENT_HEAD);
	const struct http_head *head = &reader.head;
	assert_string_equal(http_head_query(head, "wait"), "10");
	assert_string_equal(http_head_query(head, "cursor"), "1.2/3");
	assert_string_equal(http_head_query(head, "flag"), "");
	assert_string_equal(http_head_query(head, "e"), "");
	assert_null(http_head_query(head, "Wait"));
	assert_string_equal(http_head_field(head, "accept"), "*/*");
	assert_string_equal(http_head_field(head, "empty"), "");
	assert_string_equal(http_head_field(head, "x"), "1");
	assert_null(http_head_field(head, "y"));
	assert_int_equal(head->fields_count, 5);
	http_reader_clear(&reader);
}

static void
fields_that_decide_may_not_be_repeated(void **state)
{
	(void)state;
	expect_post("Authorization: a\r\nAuthorization: b\r\n", "", TWICE);
	expect_post("Idempotency-Key: a\r\nIdempotency-Key: a\r\n", "", TWICE);
	expect_post("Range: a\r\nRange: a\r\n", "", TWICE);
	expect_post("Expect: 200-ok\r\n", "",
	    "417 only 100-continue may be expected\n");
}

/* fill is put between the parts count times */
static void
expect_long(const char *before, const char *fill, size_t count,
    const char *after, const char *want)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	buf_add_text(&text, before);
	for (size_t i = 0; i < count; i++)
		buf_add_text(&text, fill);
	buf_add_text(&text, after);
	expect_span(buf_span(&text), want);
	buf_clear(&text);
}

static void
limits_hold_at_and_over(void **state)
{
	(void)state;
	const char *line = "414 request line over request_line_bytes\n";
	const char *rest = " HTTP/1.1\r\nHost: h\r\n\r\n";
	/* "GET / HTTP/1.1" is 14 bytes */
	expect_long("GET /?", "a", 512 - 15, rest, "GET /\n.\n");
	expect_long("GET /?", "a", 513 - 15, rest, line);
	expect_long("GET /?", "a", 100000, rest, line);
	/* "Host: h" + "x: " is 10 bytes */
	rest = "\r\n\r\n";
	const char *start = "GET / HTTP/1.1\r\nHost: h\r\nx: ";
	expect_long(start, "a", 1024 - 10, rest, "GET /\n.\n");
	expect_long(
	    start, "a", 1025 - 10, rest, "431 header over header_bytes\n");
	start = "GET / HTTP/1.1\r\nHost: h\r\n";
	expect_long(start, "x: y\r\n", 9, "\r\n", "GET /\n.\n");
	expect_long(
	    start, "x: y\r\n", 10, "\r\n", "431 header over header_fields\n");
	start = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked"
		"\r\n\r\n";
	expect_long(start, "0", 254, "\r\n\r\n", "POST /\n.\n");
	expect_long(
	    start, "0", 255, "\r\n\r\n", "POST /\n400 chunk line too long\n");
	expect_long(start, "1;aaaaaa\r\nx\r\n", 100, "0\r\n\r\n",
	    "POST /\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.\n");
	start = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked"
		"\r\n\r\n0\r\n";
	expect_long(start, "x: y\r\n", 300, "\r\n",
	    "POST /\n431 trailer over header_bytes\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(content_length_that_is_no_number_is_refused),
	    cmocka_unit_test(content_length_over_2_63_is_refused),
	    cmocka_unit_test(two_content_lengths_are_refused_equal_or_not),
	    cmocka_unit_test(transfer_encoding_with_content_length_is_refused),
	    cmocka_unit_test(any_coding_but_one_chunked_is_refused),
	    cmocka_unit_test(a_space_before_the_colon_is_refused),
	    cmocka_unit_test(a_folded_line_is_refused),
	    cmocka_unit_test(chunk_sizes_that_lie_are_refused),
	    cmocka_unit_test(a_bare_line_feed_is_refused_everywhere),
	    cmocka_unit_test(nul_and_control_bytes_are_refused),
	    cmocka_unit_test(exactly_one_host_is_required),
	    cmocka_unit_test(transfer_encoding_in_http_1_0_is_refused),
	    cmocka_unit_test(a_truncated_body_has_no_end),
	    cmocka_unit_test(good_requests_are_read_one_after_the_other),
	    cmocka_unit_test(an_upgrade_is_not_taken),
	    cmocka_unit_test(a_target_is_decoded_or_refused),
	    cmocka_unit_test(query_and_fields_are_found_by_name),
	    cmocka_unit_test(fields_that_decide_may_not_be_repeated),
	    cmocka_unit_test(limits_hold_at_and_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
