/*
 * The bodies between net and render: they come back as they went, and cut or
 * changed ones are refused, never read past.
 */
#include "relay/render_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct render_file files[] = {{"a.pdf", 5}, {"b.jpg", 1 << 20}};

static void
build_request(struct buf *body)
{
	struct render_request request = {.profile = "digisos-soknad",
	    .payload = span_text("{\"a\":1}"),
	    .context = {.message = "m",
		.sender = "889640782",
		.sender_name = NULL,
		.recipient = "958935420",
		.recipient_name = "Oslo",
		.reference = "ref",
		.language = "nn",
		.received_ms = -5,
		.files = files,
		.files_count = 2}};

	buf_init(body, 1 << 16);
	render_request_build(body, &request);
	assert_true(buf_ok(body));
}

static void
a_payload_request_comes_back_as_it_went(void **state)
{
	struct render_request request;
	struct why why;
	struct buf body;

	(void)state;
	build_request(&body);
	assert_int_equal(
	    render_request_parse(buf_span(&body), &request, &why), 0);
	assert_string_equal(request.profile, "digisos-soknad");
	assert_true(span_is(request.payload, "{\"a\":1}"));
	assert_string_equal(request.context.sender_name, "");
	assert_string_equal(request.context.recipient_name, "Oslo");
	assert_string_equal(request.context.language, "nn");
	assert_int_equal(request.context.received_ms, -5);
	assert_int_equal(request.context.files_count, 2);
	assert_string_equal(request.context.files[1].name, "b.jpg");
	assert_int_equal(request.context.files[1].size, 1 << 20);
	render_request_clear(&request);
	buf_clear(&body);
}

static void
a_list_request_comes_back_as_it_went(void **state)
{
	struct profile_file sent[] = {{"a.pdf", "00ff"}, {"b.pdf", ""}};
	struct render_list_request request = {.profile = "p",
	    .list = span_text("{}"),
	    .files = sent,
	    .files_count = 2};
	struct render_list_request back;
	struct why why;
	struct buf body;

	(void)state;
	buf_init(&body, 1 << 16);
	render_list_request_build(&body, &request);
	assert_int_equal(
	    render_list_request_parse(buf_span(&body), &back, &why), 0);
	assert_string_equal(back.profile, "p");
	assert_int_equal(back.files_count, 2);
	assert_string_equal(back.files[0].sha512, "00ff");
	assert_string_equal(back.files[1].name, "b.pdf");
	assert_true(span_is(back.list, "{}"));
	render_list_request_clear(&back);
	buf_clear(&body);
}

static void
documents_and_notes_come_back_as_they_went(void **state)
{
	struct render_done done = {.pdf = span_text("%PDF"),
	    .xhtml = span_text("<html/>"),
	    .xml = span_text("<null/>"),
	    .text = span_text("# T\n"),
	    .notes = {.dropped = 1,
		.missing = 3,
		.count = 1,
		.more = true,
		.seen = {{DOCUMENT_MISSING, 0x1F600, 3}}},
	    .unknown_count = 7,
	    .fell_back = true,
	    .stripped = span_text("{}"),
	    .minimised = span_text("[1]"),
	    .minimised_count = 3};
	struct render_done back;
	struct why why;
	struct buf body;

	(void)state;
	buf_init(&body, 1 << 16);
	render_done_build(&body, &done);
	assert_int_equal(render_done_parse(buf_span(&body), &back, &why), 0);
	assert_true(span_is(back.pdf, "%PDF"));
	assert_true(span_is(back.xhtml, "<html/>"));
	assert_true(span_is(back.xml, "<null/>"));
	assert_true(span_is(back.text, "# T\n"));
	assert_true(back.fell_back);
	assert_true(span_is(back.stripped, "{}"));
	assert_true(span_is(back.minimised, "[1]"));
	assert_int_equal(back.minimised_count, 3);
	assert_int_equal(back.notes.count, 1);
	assert_int_equal(back.notes.seen[0].code_point, 0x1F600);
	assert_int_equal(back.notes.missing, 3);
	assert_true(back.notes.more);
	assert_int_equal(back.unknown_count, 7);
	buf_clear(&body);
}

static void
build_refusal(struct buf *body, int code)
{
	struct findings findings;
	struct why refusal;

	findings_init(&findings, 2);
	for (int i = 0; i < 5; i++)
		findings_add(&findings, "payload", "/a/0", "type s.json#",
		    "a value of type %s", "text");
	why_set(&refusal, code, "not good");
	buf_init(body, 1 << 16);
	render_refused_build(body, &refusal, &findings);
	findings_clear(&findings);
}

static void
findings_come_back_as_they_went(void **state)
{
	struct findings findings;
	struct why refusal, why;
	struct buf body;

	(void)state;
	build_refusal(&body, WHY_INVALID);
	findings_init(&findings, 10);
	assert_int_equal(
	    render_refused_parse(buf_span(&body), &refusal, &findings, &why),
	    0);
	assert_int_equal(refusal.code, WHY_INVALID);
	assert_string_equal(refusal.text, "not good");
	assert_int_equal(findings.count, 2);
	assert_int_equal(findings.left_off, 3);
	assert_string_equal(findings.at[1].pointer, "/a/0");
	assert_string_equal(findings.at[1].expected, "a value of type text");
	findings_clear(&findings);
	buf_clear(&body);
}

static void
a_refusal_cannot_carry_a_code_that_is_none(void **state)
{
	static const int codes[] = {WHY_NOMEM, WHY_OK, WHY_DENIED, -4711};
	struct findings findings;
	struct why refusal, why;
	struct buf body;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		build_refusal(&body, codes[i]);
		findings_init(&findings, 10);
		assert_int_equal(render_refused_parse(buf_span(&body), &refusal,
				     &findings, &why),
		    WHY_MALFORMED);
		assert_true(refusal.code < 0);
		findings_clear(&findings);
		buf_clear(&body);
	}
}

/* Parse every way; the sanitizers watch. */
static int
parse_all(struct span body)
{
	struct render_list_request list;
	struct render_request request;
	struct render_done done;
	struct findings findings;
	struct why refusal, why;
	int good = 0;

	if (render_request_parse(body, &request, &why) == 0) {
		render_request_clear(&request);
		good++;
	}
	if (render_list_request_parse(body, &list, &why) == 0) {
		render_list_request_clear(&list);
		good++;
	}
	good += render_done_parse(body, &done, &why) == 0;
	findings_init(&findings, 10);
	good += render_refused_parse(body, &refusal, &findings, &why) == 0;
	findings_clear(&findings);
	return good;
}

static void
a_body_that_is_cut_or_changed_is_never_read_past(void **state)
{
	struct buf body;

	(void)state;
	build_request(&body);
	for (size_t size = 0; size < body.size; size++) {
		uint8_t *copy = malloc(size + 1);

		memcpy(copy, body.at, size);
		assert_int_equal(parse_all(span_of(copy, size)), 0);
		free(copy);
	}
	for (size_t i = 0; i < body.size; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			body.at[i] ^= (uint8_t)(1U << bit);
			parse_all(buf_span(&body));
			body.at[i] ^= (uint8_t)(1U << bit);
		}
	}
	assert_int_equal(parse_all(buf_span(&body)), 1);
	buf_clear(&body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_payload_request_comes_back_as_it_went),
	    cmocka_unit_test(a_list_request_comes_back_as_it_went),
	    cmocka_unit_test(documents_and_notes_come_back_as_they_went),
	    cmocka_unit_test(findings_come_back_as_they_went),
	    cmocka_unit_test(a_refusal_cannot_carry_a_code_that_is_none),
	    cmocka_unit_test(a_body_that_is_cut_or_changed_is_never_read_past),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
