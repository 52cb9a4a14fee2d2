/* tools: what a relay answers, and what that means for the caller */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tools/client_answer.h"
#include "tools/receipt.h"
#include "tools/say.h"

static int
judge(struct client_answer *answer, long status, const char *type,
    const char *body, struct why *why)
{
	char line[160];

	client_answer_init(answer);
	snprintf(line, sizeof(line), "Content-Type: %s\r\n", type);
	client_answer_header(answer, span_text(line));
	answer->status = status;
	buf_add_text(&answer->body, body);
	*why = (struct why){0};
	return client_answer_judge(answer, why);
}

static void
statuses_become_exit_codes(void **state)
{
	static const struct {
		long status;
		const char *code;
		int leave;
		bool passing;
	} rows[] = {
	    {400, "request-malformed", LEAVE_REFUSED, false},
	    {401, "credentials-unknown", LEAVE_REFUSED, false},
	    {403, "type-denied", LEAVE_REFUSED, false},
	    {404, "message-unknown", LEAVE_REFUSED, false},
	    {409, "idempotency-conflict", LEAVE_REFUSED, false},
	    {409, "idempotency-in-progress", LEAVE_TEMPORARY, true},
	    {409, "proof-wrong", LEAVE_PROOF, false},
	    {413, "too-large", LEAVE_REFUSED, false},
	    {422, "payload-invalid", LEAVE_REFUSED, false},
	    {429, "rate-limited", LEAVE_TEMPORARY, true},
	    {500, "internal", LEAVE_TEMPORARY, false},
	    {501, "not-offered", LEAVE_REFUSED, false},
	    {503, "temporarily-unavailable", LEAVE_TEMPORARY, true},
	    {507, "store-full", LEAVE_TEMPORARY, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct client_answer answer;
		char body[128];
		struct why why;
		int code;

		snprintf(body, sizeof(body), "{\"code\":\"%s\"}", rows[i].code);
		code = judge(&answer, rows[i].status,
		    "application/problem+json", body, &why);
		if (say_leave(code) != rows[i].leave ||
		    answer.passing != rows[i].passing ||
		    strcmp(answer.problem, rows[i].code) != 0)
			fail_msg("%ld %s: leave %d", rows[i].status,
			    rows[i].code, say_leave(code));
		client_answer_clear(&answer);
	}
}

static void
a_refusal_that_is_no_problem_is_still_a_refusal(void **state)
{
	static const char *const bodies[] = {"", "<html>", "{", "[]",
	    "{\"code\":7,\"title\":null}", "{\"code\":\"a\",\"code\":\"b\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct client_answer answer;
		struct why why;

		assert_int_equal(judge(&answer, 400, "application/problem+json",
				     bodies[i], &why),
		    WHY_INVALID);
		assert_int_equal(why.code, WHY_INVALID);
		client_answer_clear(&answer);
	}
}

static void
a_success_that_is_not_json_is_not_believed(void **state)
{
	struct client_answer answer;
	struct why why;

	(void)state;
	assert_int_equal(
	    judge(&answer, 200, "application/json", "{\"a\":1", &why),
	    WHY_MALFORMED);
	client_answer_clear(&answer);
	assert_int_equal(
	    judge(&answer, 200, "application/json; charset=utf-8", "{}", &why),
	    0);
	assert_true(json_is_object(answer.json));
	client_answer_clear(&answer);
}

static void
control_characters_of_the_relay_do_not_reach_the_terminal(void **state)
{
	struct client_answer answer;
	struct why why;

	(void)state;
	judge(&answer, 400, "application/problem+json",
	    "{\"title\":\"a\\u001b[2Jb\",\"code\":\"x\\u0007\"}", &why);
	assert_null(strchr(why.text, 0x1b));
	assert_null(strchr(why.text, 0x07));
	client_answer_clear(&answer);
}

static void
header_fields_are_read_strictly(void **state)
{
	struct client_answer answer;

	(void)state;
	client_answer_init(&answer);
	client_answer_header(&answer, span_text("HTTP/1.1 100 Continue\r\n"));
	client_answer_header(&answer, span_text("Retry-After: 7\r\n"));
	client_answer_header(&answer, span_text("HTTP/1.1 206 -\r\n"));
	assert_int_equal(answer.retry_after, -1);
	client_answer_header(&answer, span_text("ETAG:  \"a\"\r\n"));
	client_answer_header(&answer, span_text("Upload-Offset: 12x\r\n"));
	client_answer_header(
	    &answer, span_text("Content-Range: bytes 100-199/200\r\n"));
	client_answer_header(&answer, span_text("Retry-After: -1\r\n"));
	assert_string_equal(answer.etag, "\"a\"");
	assert_int_equal(answer.upload_offset, -1);
	assert_int_equal(answer.range_from, 100);
	assert_int_equal(answer.retry_after, -1);
	client_answer_clear(&answer);
}

static void
receipts_are_found_in_every_form_they_come_in(void **state)
{
	static const struct {
		const char *text;
		size_t count;
	} rows[] = {{"a.b.c\n", 1}, {"{\"id\":\"x\",\"receipt\":\"a.b.c\"}", 1},
	    {"{\"evidence\":\"a.b.c\",\"state\":\"imported\"}", 1},
	    {"{\"evidence\":[{\"id\":\"x\",\"evidence\":\"a.b.c\"},"
	     "{\"evidence\":\"d.e.f\"}]}",
		2},
	    {"{\"entries\":[{\"evidence\":\"a.b.c\"}],\"cursor\":\"1.2\"}", 1},
	    {"[\"a.b.c\",\"d.e.f\"]", 2}, {"{}", 0}, {"{\"evidence\":7}", 0},
	    {"", 0}, {"{\"receipt\":", 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *list = NULL;
		struct why why;
		int code = receipt_list(span_text(rows[i].text), &list, &why);

		if ((code == 0) != (rows[i].count > 0) ||
		    json_array_size(list) != rows[i].count)
			fail_msg("row %zu: %d", i, code);
		json_decref(list);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(statuses_become_exit_codes),
	    cmocka_unit_test(a_refusal_that_is_no_problem_is_still_a_refusal),
	    cmocka_unit_test(a_success_that_is_not_json_is_not_believed),
	    cmocka_unit_test(
		control_characters_of_the_relay_do_not_reach_the_terminal),
	    cmocka_unit_test(header_fields_are_read_strictly),
	    cmocka_unit_test(receipts_are_found_in_every_form_they_come_in),
	};

	return cmocka_run_group_tests_name("tools: answers", tests, NULL, NULL);
}
