#include "relay/evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static const struct evidence_issuer issuer = {"relay", "974760673"};

static struct spool_draft
draft(enum spool_level level)
{
	struct spool_draft d = {
	    .id = id_new(1000),
	    .position = {3, 42},
	    .time_ms = 1000,
	    .level = level,
	    .has_message = true,
	    .message = id_new(900),
	    .type = "document",
	    .version = "1",
	    .sender = "971526920",
	    .recipient = "974760673",
	    .submitted_ms = 500,
	    .accepted_ms = 600,
	    .state = SPOOL_FETCHED,
	    .reason_text = "",
	    .reference = "",
	};
	return d;
}

static json_t *
built(const struct spool_draft *d)
{
	struct buf out;
	buf_init(&out, EVIDENCE_BYTES_MAX);
	assert_int_equal(evidence_build(&out, d, &issuer, NULL), 0);
	json_t *object = json_loads(buf_text(&out), 0, NULL);
	assert_non_null(object);
	buf_clear(&out);
	return object;
}

static const char *
text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void
evidence_names_event_place_and_issuer(void **state)
{
	(void)state;
	struct spool_draft d = draft(SPOOL_LEVEL_FETCHED);
	json_t *object = built(&d);
	assert_string_equal(text(object, "event"),
	    "http://uri.etsi.org/19522/Event/ContentHandover");
	assert_int_equal(
	    json_integer_value(json_object_get(object, "epoch")), 3);
	assert_int_equal(
	    json_integer_value(json_object_get(object, "sequence")), 42);
	assert_string_equal(
	    text(json_object_get(object, "issuer"), "organisation"),
	    "974760673");
	assert_string_equal(
	    text(object, "accepted"), "1970-01-01T00:00:00.600Z");
	assert_null(json_object_get(object, "proof"));
	json_decref(object);
}

static void
a_receipt_keeps_proof_and_the_recipients_word_apart(void **state)
{
	(void)state;
	struct spool_draft d = draft(SPOOL_LEVEL_IMPORTED);
	json_t *object = built(&d);
	assert_true(json_is_false(json_object_get(object, "proven")));
	assert_non_null(strstr(text(object, "meaning"), "no proof"));
	json_decref(object);
	d.proven = true;
	d.reference = "2026/17";
	memset(d.proof, 'a', sizeof d.proof - 1);
	object = built(&d);
	assert_true(json_is_true(json_object_get(object, "proven")));
	assert_string_equal(text(object, "reference"), "2026/17");
	assert_int_equal(strlen(text(object, "proof")), 64);
	assert_non_null(strstr(text(object, "meaning"), "states that"));
	json_decref(object);
}

static void
an_expiry_has_the_class_of_a_delivery_time_that_ran_out(void **state)
{
	(void)state;
	struct spool_draft d = draft(SPOOL_LEVEL_EXPIRED);
	json_t *object = built(&d);
	assert_string_equal(
	    text(json_object_get(object, "reason"), "class"), "5.4.7");
	json_decref(object);
}

static void
every_level_has_an_event_of_its_own(void **state)
{
	(void)state;
	for (int a = SPOOL_LEVEL_ACCEPTED; a <= SPOOL_LEVEL_RESTORED; a++)
		for (int b = SPOOL_LEVEL_ACCEPTED; b < a; b++)
			assert_string_not_equal(
			    evidence_event((enum spool_level)a),
			    evidence_event((enum spool_level)b));
}

static void
evidence_over_its_limit_is_refused_not_cut(void **state)
{
	(void)state;
	static char reference[EVIDENCE_BYTES_MAX + 1];
	struct buf out;
	struct spool_draft d = draft(SPOOL_LEVEL_IMPORTED);
	memset(reference, 'x', sizeof reference - 1);
	d.reference = reference;
	buf_init(&out, 1u << 20);
	assert_int_equal(
	    evidence_build(&out, &d, &issuer, NULL), WHY_TOO_LARGE);
	assert_int_equal(out.size, 0);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(evidence_names_event_place_and_issuer),
	    cmocka_unit_test(
		a_receipt_keeps_proof_and_the_recipients_word_apart),
	    cmocka_unit_test(
		an_expiry_has_the_class_of_a_delivery_time_that_ran_out),
	    cmocka_unit_test(every_level_has_an_event_of_its_own),
	    cmocka_unit_test(evidence_over_its_limit_is_refused_not_cut),
	};
	return cmocka_run_group_tests_name(
	    "relay: evidence", tests, NULL, NULL);
}
