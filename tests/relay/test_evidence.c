#include "relay/evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
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
what_was_minimised_stands_in_acceptance_only(void **state)
{
	(void)state;
	for (int l = SPOOL_LEVEL_ACCEPTED; l <= SPOOL_LEVEL_FETCHED; l++) {
		struct spool_draft d = draft((enum spool_level)l);
		d.minimised = "{\"received\":\"00\",\"rules\":[{\"count\":2}]}";
		json_t *object = built(&d);
		const json_t *found = json_object_get(object, "minimised");
		if (l == SPOOL_LEVEL_ACCEPTED)
			assert_string_equal(text(found, "received"), "00");
		else
			assert_null(found);
		json_decref(object);
	}
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

/* ---- the manual ---- */

/* evidence.5 from SECTION to the next one, with its end mark; the caller's. */
static char *
manual_section(const char *section)
{
	static char page[64u << 10];
	FILE *file = fopen("relay/evidence.5", "r");
	assert_non_null(file);
	size_t size = fread(page, 1, sizeof page - 1, file);
	(void)fclose(file);
	page[size] = '\0';
	char *from = strstr(page, section);
	assert_non_null(from);
	char *to = strstr(from + 1, "\n.Sh ");
	return to == NULL ? strdup(from) : strndup(from, (size_t)(to - from));
}

/* A draft in which every member is set that its level can have. */
static struct spool_draft
full(enum spool_level level)
{
	static const char recipients[1][SPOOL_ORG_SIZE] = {"974760673"};
	struct spool_draft d = draft(level);
	d.expires_ms = 700;
	d.flags = SPOOL_FLAG_REDELIVERED;
	(void)strcpy(d.reason, "unreadable");
	d.reason_text = "in words";
	d.reference = "2026/17";
	d.proven = true;
	memset(d.proof, 'a', sizeof d.proof - 1);
	d.tried = SPOOL_LEVEL_REJECTED;
	d.previous = (struct spool_position){2, 9};
	d.missing_after_ms = 400;
	if (level == SPOOL_LEVEL_ACCEPTED) {
		d.recipients = recipients;
		d.recipient_count = 1;
		d.missing_glyphs = "U+7533";
	}
	d.minimised = "{}";
	return d;
}

static void
an_acceptance_names_the_characters_that_no_font_has(void **state)
{
	(void)state;
	struct spool_draft d = draft(SPOOL_LEVEL_ACCEPTED);
	json_t *object = built(&d);
	assert_null(json_object_get(object, "missingGlyphs"));
	json_decref(object);
	d.missing_glyphs = "U+7533 U+1F600 more";
	object = built(&d);
	json_t *list = json_object_get(object, "missingGlyphs");
	assert_int_equal(json_array_size(list), 3);
	assert_string_equal(
	    json_string_value(json_array_get(list, 1)), "U+1F600");
	json_decref(object);
	d.level = SPOOL_LEVEL_FETCHED;
	object = built(&d);
	assert_null(json_object_get(object, "missingGlyphs"));
	json_decref(object);
}

static void
evidence_is_compact_json_whatever_the_recipient_wrote(void **state)
{
	(void)state;
	for (int l = SPOOL_LEVEL_ACCEPTED; l <= SPOOL_LEVEL_RESTORED; l++) {
		struct spool_draft d = full((enum spool_level)l);
		struct buf out;
		d.reference = "a\"b\\c/\x01\b\t\n\v\f\r\x1f\x7f\xc3\xa6"
			      "\xf0\x9f\x93\xa8";
		d.reason_text = "\"";
		d.position.sequence = l == 1 ? UINT64_C(1) << 62 : 0;
		buf_init(&out, EVIDENCE_BYTES_MAX);
		assert_int_equal(evidence_build(&out, &d, &issuer, NULL), 0);
		json_t *object =
		    json_loads(buf_text(&out), JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(object);
		assert_string_equal(text(object, "reference"), d.reference);
		/* escaped as the encoder of another hand does it */
		char *again = json_dumps(object, JSON_COMPACT);
		assert_string_equal(buf_text(&out), again);
		free(again);
		json_decref(object);
		buf_clear(&out);
	}
}

static void
what_is_no_text_is_left_out(void **state)
{
	(void)state;
	struct spool_draft d = full(SPOOL_LEVEL_IMPORTED);
	d.reference = "\xff\xfe";
	json_t *object = built(&d);
	assert_null(json_object_get(object, "reference"));
	json_decref(object);
}

static void
the_manual_lists_every_member_and_no_other(void **state)
{
	(void)state;
	char *members = manual_section(".Sh MEMBERS");
	json_t *seen = json_object();
	for (int l = SPOOL_LEVEL_ACCEPTED; l <= SPOOL_LEVEL_RESTORED; l++) {
		struct spool_draft d = full((enum spool_level)l);
		json_t *object = built(&d);
		const char *name, *inner;
		json_t *value, *below;
		json_object_foreach(object, name, value)
		{
			(void)json_object_set_new(seen, name, json_true());
			json_object_foreach(value, inner, below)
			{
				char macro[64];
				(void)snprintf(
				    macro, sizeof macro, ".Li %s", inner);
				if (strstr(members, macro) == NULL)
					fail_msg("evidence.5: no %s", macro);
			}
		}
		json_decref(object);
	}
	size_t listed = 0;
	char *rest = members;
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		if (strncmp(line, ".It Li ", 7) != 0)
			continue;
		line += 7;
		for (char *name; (name = strsep(&line, " ,")) != NULL;) {
			if (*name == '\0')
				continue;
			listed++;
			if (json_object_get(seen, name) == NULL)
				fail_msg("evidence.5: nothing builds %s", name);
			(void)json_object_del(seen, name);
		}
	}
	assert_true(listed > 20);
	if (json_object_size(seen) > 0)
		fail_msg("evidence.5 does not list %s",
		    json_object_iter_key(json_object_iter(seen)));
	json_decref(seen);
	free(members);
}

static void
the_manual_lists_every_level_with_its_event_and_class(void **state)
{
	(void)state;
	char *levels = manual_section(".Sh LEVELS");
	for (int l = SPOOL_LEVEL_ACCEPTED; l <= SPOOL_LEVEL_RESTORED; l++) {
		struct spool_draft d = draft((enum spool_level)l);
		const char *event = evidence_event(d.level);
		bool etsi = strncmp(event, "http", 4) == 0;
		const char *name = strrchr(event, etsi ? '/' : ':') + 1;
		char row[256];
		(void)snprintf(row, sizeof row, "\n.It Li %s Ta %s %s Ta %s\n",
		    spool_level_name(d.level), etsi ? "ETSI" : "OWN", name,
		    evidence_class(&d));
		if (strstr(levels, row) == NULL)
			fail_msg("evidence.5 has no row%s", row);
	}
	free(levels);
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
	    cmocka_unit_test(what_was_minimised_stands_in_acceptance_only),
	    cmocka_unit_test(evidence_over_its_limit_is_refused_not_cut),
	    cmocka_unit_test(
		an_acceptance_names_the_characters_that_no_font_has),
	    cmocka_unit_test(
		evidence_is_compact_json_whatever_the_recipient_wrote),
	    cmocka_unit_test(what_is_no_text_is_left_out),
	    cmocka_unit_test(the_manual_lists_every_member_and_no_other),
	    cmocka_unit_test(
		the_manual_lists_every_level_with_its_event_and_class),
	};
	return cmocka_run_group_tests_name(
	    "relay: evidence", tests, NULL, NULL);
}
