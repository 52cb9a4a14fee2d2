#include "relay/spool_wire.h"

#include "formats/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct spool_accept
sample(struct spool_delivery_new deliveries[2], struct spool_deadline *deadline)
{
	*deadline = (struct spool_deadline){.at_ms = 5,
	    .kind = SPOOL_DEADLINE_FETCH,
	    .severity = SPOOL_SERIOUS};
	for (int i = 0; i < 2; i++)
		deliveries[i] = (struct spool_delivery_new){
		    .recipient = i == 0 ? "974760673" : "889640782",
		    .content = (uint32_t)i,
		    .rest = span_text("sealed"),
		    .size = 6,
		    .form = SPOOL_FORM_ZIP,
		    .suite = "cms-cbc-oaep",
		    .seal = 1,
		    .deadlines = deadline,
		    .deadline_count = (size_t)i,
		    .expires_ms = 77,
		    .grace_ms = 88,
		};
	return (struct spool_accept){
	    .message = id_new(1),
	    .upload = id_new(2),
	    .sender = "971526920",
	    .type = "document",
	    .version = "1",
	    .submitted_ms = -3,
	    .reference_required = true,
	    .missing_glyphs = "U+7533",
	    .metadata = span_text("blob"),
	    .minimised = "{\"rules\":[]}",
	    .deliveries = deliveries,
	    .delivery_count = 2,
	};
}

static void
an_acceptance_comes_back_as_it_was_sent(void **state)
{
	(void)state;
	struct spool_delivery_new deliveries[2];
	struct spool_deadline deadline;
	struct spool_accept sent = sample(deliveries, &deadline);
	struct spool_accept got;
	struct why why = {0};
	struct buf body;
	void *texts;
	buf_init(&body, 1u << 16);
	spool_wire_accept_build(&body, &sent);
	spool_wire_accept_rest_build(&body, &sent);
	assert_int_equal(
	    spool_wire_accept_parse(buf_span(&body), &got, &texts, &why), 0);
	assert_true(id_equal(&got.message, &sent.message));
	assert_string_equal(got.sender, "971526920");
	assert_int_equal(got.submitted_ms, -3);
	assert_true(got.reference_required);
	assert_string_equal(got.missing_glyphs, "U+7533");
	assert_true(span_is(got.metadata, "blob"));
	assert_string_equal(got.minimised, "{\"rules\":[]}");
	assert_int_equal(got.delivery_count, 2);
	assert_string_equal(got.deliveries[1].recipient, "889640782");
	assert_true(span_is(got.deliveries[1].rest, "sealed"));
	assert_int_equal(got.deliveries[0].deadline_count, 0);
	assert_int_equal(got.deliveries[1].deadline_count, 1);
	assert_int_equal(got.deliveries[1].deadlines[0].at_ms, 5);
	free(texts);
	buf_clear(&body);
}

static void
every_cut_of_a_request_is_refused(void **state)
{
	(void)state;
	struct spool_delivery_new deliveries[2];
	struct spool_deadline deadline;
	struct spool_accept sent = sample(deliveries, &deadline);
	struct spool_accept got;
	struct buf body;
	void *texts;
	buf_init(&body, 1u << 16);
	spool_wire_accept_build(&body, &sent);
	spool_wire_accept_rest_build(&body, &sent);
	for (size_t size = 0; size < body.size; size++) {
		/* a copy of its own, so that a read too far is seen */
		uint8_t *cut = malloc(size + 1);
		memcpy(cut, body.at, size);
		assert_int_not_equal(spool_wire_accept_parse(span_of(cut, size),
					 &got, &texts, NULL),
		    0);
		assert_null(texts);
		free(cut);
	}
	buf_add_byte(&body, 0);
	assert_int_not_equal(
	    spool_wire_accept_parse(buf_span(&body), &got, &texts, NULL), 0);
	buf_clear(&body);
}

static void
a_count_of_deliveries_never_sizes_more_than_was_sent(void **state)
{
	(void)state;
	struct spool_accept sent = {.sender = "1", .type = "", .version = ""};
	struct spool_accept got;
	struct buf body;
	void *texts;
	buf_init(&body, 1u << 16);
	spool_wire_accept_build(&body, &sent);
	spool_wire_accept_rest_build(&body, &sent);
	/* the count is the last word of a body without deliveries */
	memset(body.at + body.size - 4, 0xFF, 4);
	assert_int_equal(
	    spool_wire_accept_parse(buf_span(&body), &got, &texts, NULL),
	    WHY_MALFORMED);
	memset(body.at + body.size - 4, 0, 4);
	assert_int_equal(
	    spool_wire_accept_parse(buf_span(&body), &got, &texts, NULL),
	    WHY_MALFORMED);
	buf_clear(&body);
}

static void
an_answer_tells_the_operations_code_and_sentence(void **state)
{
	(void)state;
	struct spool_answer sent = {
	    .code = WHY_STATE,
	    .text = "handed out",
	    .state = SPOOL_FETCHED,
	    .refused = UINT32_MAX,
	    .jws = span_text("a.b.c"),
	};
	struct spool_answer got;
	struct buf body;
	buf_init(&body, 4096);
	spool_answer_build(&body, &sent);
	assert_int_equal(spool_answer_parse(buf_span(&body), &got, NULL), 0);
	assert_int_equal(got.code, WHY_STATE);
	assert_string_equal(got.text, "handed out");
	assert_int_equal(got.state, SPOOL_FETCHED);
	assert_true(span_is(got.jws, "a.b.c"));
	body.size--;
	assert_int_equal(
	    spool_answer_parse(buf_span(&body), &got, NULL), WHY_MALFORMED);
	buf_clear(&body);
}

static void
an_organisation_wakes_once_and_too_many_wake_all(void **state)
{
	(void)state;
	static struct spool_wake wake;
	static struct spool_wake got;
	struct buf body;
	buf_init(&body, 1u << 20);
	spool_wake_add(&wake, "974760673");
	spool_wake_add(&wake, "974760673");
	spool_wake_add(&wake, "");
	assert_int_equal(wake.count, 1);
	spool_wake_build(&body, &wake);
	assert_int_equal(spool_wake_parse(buf_span(&body), &got, NULL), 0);
	assert_int_equal(got.count, 1);
	assert_string_equal(got.at[0], "974760673");
	for (int i = 0; i <= SPOOL_WIRE_WAKE_MAX; i++) {
		char name[SPOOL_ORG_SIZE];
		(void)snprintf(name, sizeof name, "%09d", i);
		spool_wake_add(&wake, name);
	}
	assert_true(wake.all);
	buf_clear(&body);
}

static void
a_verdict_out_of_range_is_refused(void **state)
{
	(void)state;
	struct spool_receipt receipt = {
	    .recipient = "974760673", .verdict = (enum spool_verdict)9};
	static struct spool_wire_receipt got;
	struct buf body;
	buf_init(&body, 4096);
	spool_wire_receipt_build(&body, &receipt);
	assert_int_equal(spool_wire_receipt_parse(buf_span(&body), &got, NULL),
	    WHY_MALFORMED);
	buf_clear(&body);
}

static void
a_note_that_is_no_object_is_refused(void **state)
{
	(void)state;
	static const char *const notes[] = {
	    "[]", "{", "{}}", "{\"a\":1,\"a\":2}", "\"x\"", "{\"a\":\"\xff\"}"};
	static char large[SPOOL_NOTE_MAX + 20];
	struct spool_delivery_new deliveries[2];
	struct spool_deadline deadline;
	struct spool_accept sent = sample(deliveries, &deadline);
	(void)snprintf(large, sizeof large, "{\"a\":\"%0*d\"}",
	    (int)SPOOL_NOTE_MAX - 7, 0);
	for (size_t i = 0; i <= sizeof notes / sizeof notes[0]; i++) {
		struct spool_accept got;
		struct why why = {0};
		struct buf body;
		void *texts = NULL;
		sent.minimised =
		    i < sizeof notes / sizeof notes[0] ? notes[i] : large;
		buf_init(&body, 1u << 16);
		spool_wire_accept_build(&body, &sent);
		spool_wire_accept_rest_build(&body, &sent);
		assert_int_equal(spool_wire_accept_parse(
				     buf_span(&body), &got, &texts, &why),
		    WHY_MALFORMED);
		free(texts);
		buf_clear(&body);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_acceptance_comes_back_as_it_was_sent),
	    cmocka_unit_test(a_note_that_is_no_object_is_refused),
	    cmocka_unit_test(every_cut_of_a_request_is_refused),
	    cmocka_unit_test(
		a_count_of_deliveries_never_sizes_more_than_was_sent),
	    cmocka_unit_test(an_answer_tells_the_operations_code_and_sentence),
	    cmocka_unit_test(an_organisation_wakes_once_and_too_many_wake_all),
	    cmocka_unit_test(a_verdict_out_of_range_is_refused),
	};
	return cmocka_run_group_tests_name(
	    "relay: spool wire", tests, NULL, NULL);
}
