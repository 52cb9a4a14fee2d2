/* Every line of the truth table in spool(5), and the races in both orders. */
#include "tests/support/spool_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int
setup(void **state)
{
	struct house *house = calloc(1, sizeof *house);
	if (house == NULL)
		return -1;
	house_open(house, 0);
	*state = house;
	return 0;
}

static int
teardown(void **state)
{
	struct house *house = *state;
	house_clean(house);
	house_reopen(house); /* and once more as a new process sees it */
	house_clean(house);
	house_close(house);
	free(house);
	return 0;
}

#define HOUSE struct house *house = *state
#define OSLO HOUSE_OSLO
#define BERGEN HOUSE_BERGEN

static struct house_message
accepted(struct house *house)
{
	struct house_message message;
	house_message(house, &message);
	house_accept(house, &message, OSLO, NULL);
	return message;
}

static size_t
listed(struct house *house, const char *recipient)
{
	struct spool_delivery out[8];
	struct spool_position next;
	size_t count = 0;
	assert_int_equal(spool_view_begin(house->view, NULL), 0);
	assert_int_equal(
	    spool_view_list(house->view, recipient,
		(struct spool_position){0, 0}, out, 8, &count, &next, NULL),
	    0);
	spool_view_end(house->view);
	return count;
}

static int
recall(struct house *house, const struct id *id, enum spool_state *after)
{
	house_begin(house);
	int ret = spool_recall(house->group, id, OSLO, after, &house->why);
	assert_int_equal(house_commit(house), 0);
	return ret;
}

/* ---- acceptance ---- */

static void
an_accepted_message_is_listed_with_its_content_and_evidence(void **state)
{
	HOUSE;
	struct house_message message;
	house_message(house, &message);
	message.size = 3 * SPOOL_CHUNK_SIZE + 17;
	house_accept(house, &message, OSLO, BERGEN);
	assert_int_equal(listed(house, OSLO), 1);
	assert_int_equal(listed(house, BERGEN), 1);
	assert_int_equal(spool_view_begin(house->view, NULL), 0);
	uint64_t at = 0;
	for (;;) {
		uint8_t bytes[50000];
		size_t got;
		assert_int_equal(
		    spool_view_content(house->view, &message.id, BERGEN, at,
			bytes, sizeof bytes, &got, &house->why),
		    0);
		for (size_t i = 0; i < got; i++)
			if (bytes[i] != house_byte(&message.id, at + i))
				fail_msg("byte %zu differs", (size_t)at + i);
		at += got;
		if (got == 0)
			break;
	}
	assert_int_equal(at, message.size);
	struct spool_evidence evidence[4];
	struct spool_position next;
	size_t count;
	assert_int_equal(spool_view_trail(house->view, &message.id,
			     (struct spool_position){0, 0}, evidence, 4, &count,
			     &next, NULL),
	    0);
	assert_int_equal(count, 1);
	assert_int_equal(evidence[0].level, SPOOL_LEVEL_ACCEPTED);
	assert_true(span_is(evidence[0].jws, "jws 1 1"));
	spool_view_end(house->view);
}

static void
the_same_key_gives_the_first_receipt_and_other_content_a_conflict(void **state)
{
	HOUSE;
	struct spool_accepted out;
	struct house_message message = accepted(house);
	struct house_message again = message;
	again.id = id_new(house->now_ms);
	house_begin(house);
	assert_int_equal(house_accept_in(house, &again, OSLO, NULL, &out), 0);
	assert_true(out.repeated);
	assert_true(id_equal(&out.message, &message.id));
	assert_int_equal(out.evidence.sequence, 1);
	struct buf jws;
	buf_init(&jws, 100);
	assert_int_equal(
	    spool_group_evidence(house->group, out.evidence, &jws, NULL), 0);
	assert_true(span_is(buf_span(&jws), "jws 1 1"));
	buf_clear(&jws);
	again.fingerprint[20] ^= 1;
	assert_int_equal(
	    house_accept_in(house, &again, OSLO, NULL, &out), WHY_EXISTS);
	assert_false(spool_group_changed(house->group));
	assert_int_equal(house_commit(house), 0);
	assert_int_equal(listed(house, OSLO), 1);
}

static void
the_same_key_twice_in_one_group_is_one_message(void **state)
{
	HOUSE;
	struct spool_accepted first;
	struct spool_accepted second;
	struct house_message message;
	house_message(house, &message);
	house_begin(house);
	assert_int_equal(
	    house_accept_in(house, &message, OSLO, NULL, &first), 0);
	assert_int_equal(
	    house_accept_in(house, &message, OSLO, NULL, &second), 0);
	assert_false(first.repeated);
	assert_true(second.repeated);
	assert_int_equal(house_commit(house), 0);
	assert_int_equal(listed(house, OSLO), 1);
}

static void
a_repeat_after_the_purge_still_gives_the_first_receipt(void **state)
{
	HOUSE;
	struct spool_accepted out;
	struct spool_verdict_done done;
	struct house_message message = accepted(house);
	assert_int_equal(house_imported(house, &message.id, OSLO, &done), 0);
	house->now_ms += 31 * HOUSE_DAY;
	house_due(house);
	house_begin(house);
	assert_int_equal(house_accept_in(house, &message, OSLO, NULL, &out), 0);
	assert_true(out.repeated);
	assert_int_equal(house_commit(house), 0);
	/* ninety days later the key is free */
	house->now_ms += 91 * HOUSE_DAY;
	house_due(house);
	house_begin(house);
	assert_int_equal(house_accept_in(house, &message, OSLO, NULL, &out), 0);
	assert_false(out.repeated);
	assert_int_equal(house_commit(house), 0);
}

static void
one_refused_recipient_refuses_the_whole_message(void **state)
{
	HOUSE;
	struct spool_accepted out;
	struct house_message message;
	house_message(house, &message);
	house_begin(house);
	assert_int_equal(
	    house_accept_in(house, &message, OSLO, "999999999", &out),
	    WHY_NOT_FOUND);
	assert_int_equal(out.refused, 1);
	assert_int_equal(
	    house_accept_in(house, &message, OSLO, OSLO, &out), WHY_INVALID);
	assert_false(spool_group_changed(house->group));
	assert_int_equal(spool_group_drafts(house->group), 0);
	assert_int_equal(house_commit(house), 0);
	assert_int_equal(listed(house, OSLO), 0);
}

static void
a_mailbox_that_is_paused_or_lacks_the_type_takes_nothing(void **state)
{
	HOUSE;
	struct spool_accepted out;
	struct house_message message;
	const char *types[] = {"other"};
	struct spool_mailbox_put put = {.recipient = OSLO,
	    .state = SPOOL_MAILBOX_PAUSED,
	    .without_probe = true,
	    .form = SPOOL_FORM_ZIP,
	    .types = types,
	    .type_count = 1};
	house_message(house, &message);
	house_begin(house);
	assert_int_equal(spool_mailbox_put(house->group, &put, NULL), 0);
	assert_int_equal(
	    house_accept_in(house, &message, OSLO, NULL, &out), WHY_STATE);
	put.state = SPOOL_MAILBOX_OPEN;
	assert_int_equal(spool_mailbox_put(house->group, &put, NULL), 0);
	assert_int_equal(
	    house_accept_in(house, &message, OSLO, NULL, &out), WHY_DENIED);
	assert_int_equal(house_commit(house), 0);
}

static void
a_sender_over_its_share_is_told_to_wait(void **state)
{
	HOUSE;
	struct spool_accepted out;
	struct spool_verdict_done done;
	house->options.limits.waiting_bytes = 2500;
	house_reopen(house);
	struct house_message message = accepted(house);
	accepted(house);
	struct house_message third;
	house_message(house, &third);
	house_begin(house);
	assert_int_equal(
	    house_accept_in(house, &third, OSLO, NULL, &out), WHY_BUSY);
	third.sender = "974760673"; /* another sender is not hindered */
	assert_int_equal(house_accept_in(house, &third, OSLO, NULL, &out), 0);
	assert_int_equal(house_commit(house), 0);
	assert_int_equal(house_imported(house, &message.id, OSLO, &done), 0);
	accepted(house);
}

static void
staged_content_counts_and_a_gap_or_a_wrong_size_is_refused(void **state)
{
	HOUSE;
	struct house_message message;
	struct spool_accepted out;
	uint64_t staged;
	house_message(house, &message);
	message.size = 200000;
	uint8_t *bytes = malloc(message.size);
	assert_non_null(bytes);
	for (uint64_t i = 0; i < message.size; i++)
		bytes[i] = house_byte(&message.id, i);
	house_begin(house);
	assert_int_equal(spool_stage(house->group, &message.id, 0, OSLO, 0,
			     span_of(bytes, 70000), &staged, NULL),
	    0);
	assert_int_equal(spool_stage(house->group, &message.id, 0, OSLO, 70001,
			     span_of(bytes, 10), &staged, NULL),
	    WHY_STATE);
	/* sent again, overlapping, changes only what is new */
	assert_int_equal(spool_stage(house->group, &message.id, 0, OSLO, 100,
			     span_of(bytes + 100, 100000), &staged, NULL),
	    0);
	assert_int_equal(staged, 100100);
	assert_int_equal(
	    house_accept_in(house, &message, OSLO, NULL, &out), WHY_MALFORMED);
	assert_int_equal(house_commit(house), 0);
	house_clean(house);
	/* the rest comes with the acceptance */
	house_begin(house);
	assert_int_equal(spool_stage(house->group, &message.id, 0, OSLO, 100100,
			     span_of(bytes + 100100, 99900), &staged, NULL),
	    0);
	assert_int_equal(staged, 200000);
	assert_int_equal(
	    spool_stage_drop(house->group, &message.id, 0, OSLO, NULL), 0);
	assert_int_equal(house_accept_in(house, &message, OSLO, NULL, &out), 0);
	assert_int_equal(house_commit(house), 0);
	free(bytes);
}

static void
content_that_nobody_accepts_is_swept(void **state)
{
	HOUSE;
	uint64_t staged;
	struct id upload = id_new(house->now_ms);
	uint8_t bytes[1000] = {1};
	struct spool_stats stats;
	house_begin(house);
	assert_int_equal(spool_stage(house->group, &upload, 3, OSLO, 0,
			     span_of(bytes, sizeof bytes), &staged, NULL),
	    0);
	assert_int_equal(house_commit(house), 0);
	house->now_ms += 27 * 3600 * 1000;
	house_due(house);
	assert_int_equal(spool_view_begin(house->view, NULL), 0);
	assert_int_equal(spool_view_stats(house->view, &stats, NULL), 0);
	spool_view_end(house->view);
	assert_int_equal(stats.staged, 0);
}

/* ---- the ways to an outcome ---- */

static void
fetched_when_the_ranges_cover_all_and_not_before(void **state)
{
	HOUSE;
	bool fetched;
	struct house_message message = accepted(house);
	house_begin(house);
	assert_int_equal(spool_fetched(house->group, &message.id, OSLO, 0, 10,
			     &fetched, NULL),
	    WHY_STATE); /* nothing was handed out */
	assert_int_equal(
	    spool_hand_out(house->group, &message.id, OSLO, NULL), 0);
	assert_int_equal(spool_fetched(house->group, &message.id, OSLO, 500,
			     1000, &fetched, NULL),
	    0);
	assert_false(fetched);
	assert_int_equal(spool_fetched(house->group, &message.id, OSLO, 0, 499,
			     &fetched, NULL),
	    0);
	assert_false(fetched);
	assert_int_equal(spool_fetched(house->group, &message.id, OSLO, 990,
			     1001, &fetched, NULL),
	    WHY_INVALID);
	assert_int_equal(spool_fetched(house->group, &message.id, OSLO, 400,
			     600, &fetched, NULL),
	    0);
	assert_true(fetched);
	assert_int_equal(house_commit(house), 0);
	assert_int_equal(house_state(house, &message.id, OSLO), SPOOL_FETCHED);
	assert_int_equal(listed(house, OSLO), 1);
}

static void
too_many_ranges_apart_never_make_it_fetched_early(void **state)
{
	HOUSE;
	bool fetched;
	struct house_message message = accepted(house);
	house_begin(house);
	assert_int_equal(
	    spool_hand_out(house->group, &message.id, OSLO, NULL), 0);
	for (uint64_t at = 0; at < 1000; at += 2) {
		assert_int_equal(spool_fetched(house->group, &message.id, OSLO,
				     at, at + 1, &fetched, NULL),
		    0);
		assert_false(fetched);
	}
	assert_int_equal(spool_fetched(house->group, &message.id, OSLO, 0, 1000,
			     &fetched, NULL),
	    0);
	assert_true(fetched);
	assert_int_equal(house_commit(house), 0);
}

static void
imported_is_final_and_repeats_harmlessly(void **state)
{
	HOUSE;
	struct spool_verdict_done first;
	struct spool_verdict_done second;
	struct house_message message = accepted(house);
	house_fetch(house, &message.id, OSLO, message.size);
	assert_int_equal(house_imported(house, &message.id, OSLO, &first), 0);
	assert_false(first.repeated);
	assert_int_equal(house_imported(house, &message.id, OSLO, &second), 0);
	assert_true(second.repeated);
	assert_int_equal(first.evidence.sequence, second.evidence.sequence);
	assert_int_equal(listed(house, OSLO), 0);
}

static void
a_wrong_proof_is_refused_alarms_and_the_delivery_waits_on(void **state)
{
	HOUSE;
	struct spool_verdict_done done;
	struct house_message message = accepted(house);
	char proof[SPOOL_PROOF_SIZE];
	struct spool_receipt receipt = {.message = message.id,
	    .recipient = OSLO,
	    .verdict = SPOOL_VERDICT_IMPORTED};
	house_proof(&message.id, proof, receipt.proof_hash);
	receipt.proof = proof;
	receipt.proof_hash[31] ^= 1;
	house_begin(house);
	assert_int_equal(
	    spool_receipt(house->group, &receipt, &done, NULL), WHY_CRYPTO);
	assert_int_equal(house_commit(house), 0);
	assert_int_equal(house_state(house, &message.id, OSLO), SPOOL_ACCEPTED);
	assert_int_equal(house_alarm(house, OSLO, SPOOL_CAUSE_PROOF).count, 1);
	house_clean(house);
	assert_int_equal(house_imported(house, &message.id, OSLO, &done), 0);
	assert_int_equal(house_alarm(house, OSLO, SPOOL_CAUSE_PROOF).count, 0);
}

static void
a_missing_reference_is_refused_where_it_is_required(void **state)
{
	HOUSE;
	struct spool_verdict_done done;
	struct house_message message;
	char proof[SPOOL_PROOF_SIZE];
	house_message(house, &message);
	message.reference = true;
	house_accept(house, &message, OSLO, NULL);
	struct spool_receipt receipt = {.message = message.id,
	    .recipient = OSLO,
	    .verdict = SPOOL_VERDICT_IMPORTED};
	house_proof(&message.id, proof, receipt.proof_hash);
	receipt.proof = proof;
	house_begin(house);
	assert_int_equal(
	    spool_receipt(house->group, &receipt, &done, NULL), WHY_INVALID);
	assert_false(spool_group_changed(house->group));
	receipt.reference = "2026/17";
	assert_int_equal(spool_receipt(house->group, &receipt, &done, NULL), 0);
	const struct spool_draft *draft = spool_group_draft(house->group, 0);
	assert_string_equal(draft->reference, "2026/17");
	assert_string_equal(draft->proof, proof);
	assert_true(draft->proven);
	assert_int_equal(house_commit(house), 0);
}

static void
unproven_is_counted_beside_imported(void **state)
{
	HOUSE;
	struct spool_verdict_done done;
	struct spool_mailbox mailbox;
	struct house_message message = accepted(house);
	struct spool_receipt receipt = {.message = message.id,
	    .recipient = OSLO,
	    .verdict = SPOOL_VERDICT_IMPORTED,
	    .unproven = true};
	house_begin(house);
	assert_int_equal(spool_receipt(house->group, &receipt, &done, NULL), 0);
	assert_false(spool_group_draft(house->group, 0)->proven);
	assert_string_equal(spool_group_draft(house->group, 0)->proof, "");
	assert_int_equal(house_commit(house), 0);
	assert_int_equal(spool_view_begin(house->view, NULL), 0);
	assert_int_equal(
	    spool_view_mailbox(house->view, OSLO, &mailbox, NULL), 0);
	spool_view_end(house->view);
	assert_int_equal(mailbox.counts.now[SPOOL_IMPORTED], 1);
	assert_int_equal(mailbox.counts.unproven, 1);
}

static void
a_temporary_rejection_waits_on_and_a_permanent_one_is_final(void **state)
{
	HOUSE;
	struct spool_verdict_done done;
	struct house_message message = accepted(house);
	struct spool_receipt receipt = {.message = message.id,
	    .recipient = OSLO,
	    .verdict = SPOOL_VERDICT_REJECTED,
	    .reason = "archive-down"};
	house_begin(house);
	assert_int_equal(spool_receipt(house->group, &receipt, &done, NULL), 0);
	assert_int_equal(done.state, SPOOL_ACCEPTED);
	assert_int_equal(
	    spool_group_draft(house->group, 0)->level, SPOOL_LEVEL_REFUSED);
	assert_int_equal(spool_receipt(house->group, &receipt, &done, NULL), 0);
	assert_true(done.repeated);
	assert_int_equal(house_commit(house), 0);
	assert_int_equal(
	    house_alarm(house, OSLO, SPOOL_CAUSE_REJECTED).count, 1);
	house_clean(house);
	/* one reason after the other makes no evidence without end */
	receipt.reason = "disk-full";
	house_begin(house);
	assert_int_equal(
	    spool_receipt(house->group, &receipt, &done, NULL), WHY_BUSY);
	assert_int_equal(house_commit(house), 0);
	house->now_ms += 10 * 60 * 1000;
	house_begin(house);
	assert_int_equal(spool_receipt(house->group, &receipt, &done, NULL), 0);
	assert_false(done.repeated);
	receipt.reason = "archive-down";
	assert_int_equal(
	    spool_receipt(house->group, &receipt, &done, NULL), WHY_BUSY);
	assert_int_equal(house_commit(house), 0);
	receipt.permanent = true;
	house_begin(house);
	assert_int_equal(spool_receipt(house->group, &receipt, &done, NULL), 0);
	assert_int_equal(done.state, SPOOL_REJECTED);
	assert_int_equal(house_commit(house), 0);
	assert_int_equal(
	    house_imported(house, &message.id, OSLO, &done), WHY_STATE);
	assert_int_equal(done.state, SPOOL_REJECTED);
	uint64_t late = done.evidence.sequence;
	assert_int_equal(
	    house_imported(house, &message.id, OSLO, &done), WHY_STATE);
	assert_int_equal(done.evidence.sequence, late); /* told once */
}

static void
opened_is_evidence_and_not_an_outcome(void **state)
{
	HOUSE;
	struct spool_verdict_done done;
	struct house_message message = accepted(house);
	assert_int_equal(house_receipt(house, &message.id, OSLO,
			     SPOOL_VERDICT_OPENED, &done),
	    0);
	assert_int_equal(done.state, SPOOL_ACCEPTED);
	assert_int_equal(house_imported(house, &message.id, OSLO, &done), 0);
	assert_int_equal(house_receipt(house, &message.id, OSLO,
			     SPOOL_VERDICT_OPENED, &done),
	    0);
	assert_true(done.repeated);
}

/* ---- races ---- */

static void
a_recall_before_the_hand_out_wins(void **state)
{
	HOUSE;
	enum spool_state after;
	struct spool_verdict_done done;
	struct house_message message = accepted(house);
	assert_int_equal(recall(house, &message.id, &after), 0);
	assert_int_equal(recall(house, &message.id, &after), 0);
	assert_int_equal(after, SPOOL_RECALLED);
	assert_int_equal(listed(house, OSLO), 0);
	assert_int_equal(
	    house_imported(house, &message.id, OSLO, &done), WHY_STATE);
}

static void
a_recall_after_the_hand_out_is_too_late(void **state)
{
	HOUSE;
	enum spool_state after;
	struct house_message message = accepted(house);
	house_begin(house);
	assert_int_equal(
	    spool_hand_out(house->group, &message.id, OSLO, NULL), 0);
	/* in the very same group, asked after it */
	assert_int_equal(
	    spool_recall(house->group, &message.id, OSLO, &after, NULL),
	    WHY_STATE);
	assert_int_equal(house_commit(house), 0);
	assert_int_equal(recall(house, &message.id, &after), WHY_STATE);
	assert_int_equal(after, SPOOL_ACCEPTED);
}

static void
what_is_recalled_is_not_handed_out(void **state)
{
	HOUSE;
	enum spool_state after;
	struct house_message message = accepted(house);
	house_begin(house);
	assert_int_equal(
	    spool_recall(house->group, &message.id, OSLO, &after, NULL), 0);
	/* in the very same group, asked after it; that it was asked for is
	 * recorded, once an hour */
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    spool_hand_out(house->group, &message.id, OSLO, NULL),
		    WHY_STATE);
	assert_int_equal(spool_group_drafts(house->group), 2);
	assert_int_equal(
	    spool_group_draft(house->group, 1)->level, SPOOL_LEVEL_LATE);
	assert_int_equal(house_commit(house), 0);
	house_begin(house);
	assert_int_equal(
	    spool_hand_out(house->group, &message.id, OSLO, NULL), WHY_STATE);
	assert_int_equal(house_commit(house), 0);
	assert_int_equal(house_state(house, &message.id, OSLO), SPOOL_RECALLED);
}

static void
a_confirmation_in_the_millisecond_of_the_expiry_is_in_time(void **state)
{
	HOUSE;
	struct spool_verdict_done done;
	struct house_message message = accepted(house);
	house->now_ms += message.expires_in_ms;
	house_due(house); /* due is what lies before now, not at it */
	assert_int_equal(house_imported(house, &message.id, OSLO, &done), 0);
	assert_int_equal(house_state(house, &message.id, OSLO), SPOOL_IMPORTED);
}

static void
a_confirmation_after_the_expiry_is_a_late_fact(void **state)
{
	HOUSE;
	struct spool_verdict_done done;
	struct house_message message = accepted(house);
	house->now_ms += message.expires_in_ms + 1;
	house_due(house);
	assert_int_equal(house_state(house, &message.id, OSLO), SPOOL_EXPIRED);
	assert_int_equal(
	    house_imported(house, &message.id, OSLO, &done), WHY_STATE);
	assert_int_equal(house_state(house, &message.id, OSLO), SPOOL_EXPIRED);
}

static void
a_confirmation_before_the_expiry_in_one_group_wins(void **state)
{
	HOUSE;
	size_t fired;
	char proof[SPOOL_PROOF_SIZE];
	struct spool_verdict_done done;
	struct house_message message = accepted(house);
	struct spool_receipt receipt = {.message = message.id,
	    .recipient = OSLO,
	    .verdict = SPOOL_VERDICT_IMPORTED};
	house_proof(&message.id, proof, receipt.proof_hash);
	receipt.proof = proof;
	house->now_ms += message.expires_in_ms + 1;
	house_begin(house);
	assert_int_equal(spool_receipt(house->group, &receipt, &done, NULL), 0);
	assert_int_equal(spool_due(house->group, 10, &fired, NULL), 0);
	assert_int_equal(fired, 0);
	assert_int_equal(house_commit(house), 0);
}

static void
a_young_hand_out_defers_the_expiry_once(void **state)
{
	HOUSE;
	struct house_message message = accepted(house);
	int64_t expires = house->now_ms + message.expires_in_ms;
	house->now_ms = expires - 60000;
	house_fetch(house, &message.id, OSLO, message.size);
	house->now_ms = expires + 1;
	house_due(house);
	assert_int_equal(house_state(house, &message.id, OSLO), SPOOL_FETCHED);
	/* another hand-out does not defer it again */
	house->now_ms = expires - 60000 + 600000 - 1000;
	house_fetch(house, &message.id, OSLO, message.size);
	house_due(house);
	assert_int_equal(house_state(house, &message.id, OSLO), SPOOL_FETCHED);
	house->now_ms = expires - 60000 + 600000 + 1;
	house_due(house);
	assert_int_equal(house_state(house, &message.id, OSLO), SPOOL_EXPIRED);
}

static void
an_old_hand_out_does_not_defer_the_expiry(void **state)
{
	HOUSE;
	struct house_message message = accepted(house);
	house_fetch(house, &message.id, OSLO, message.size);
	house->now_ms += message.expires_in_ms + 1;
	house_due(house);
	assert_int_equal(house_state(house, &message.id, OSLO), SPOOL_EXPIRED);
}

static void
an_extension_moves_the_expiry_and_never_undoes_it(void **state)
{
	HOUSE;
	struct house_message message = accepted(house);
	int64_t expires = house->now_ms + message.expires_in_ms;
	house_begin(house);
	assert_int_equal(
	    spool_extend(house->group, &message.id, OSLO, expires - 1, NULL),
	    WHY_INVALID);
	assert_int_equal(spool_extend(house->group, &message.id, OSLO,
			     expires + HOUSE_DAY, NULL),
	    0);
	assert_int_equal(house_commit(house), 0);
	house->now_ms = expires + 1;
	house_due(house);
	assert_int_equal(house_state(house, &message.id, OSLO), SPOOL_ACCEPTED);
	house->now_ms = expires + HOUSE_DAY + 1;
	house_due(house);
	assert_int_equal(house_state(house, &message.id, OSLO), SPOOL_EXPIRED);
	house_begin(house);
	assert_int_equal(spool_extend(house->group, &message.id, OSLO,
			     expires + 9 * HOUSE_DAY, NULL),
	    WHY_STATE);
	assert_int_equal(house_commit(house), 0);
}

/* ---- after the end ---- */

static void
content_stays_for_the_grace_and_late_access_is_recorded(void **state)
{
	HOUSE;
	uint8_t bytes[10];
	size_t got;
	struct spool_verdict_done done;
	struct house_message message = accepted(house);
	assert_int_equal(house_imported(house, &message.id, OSLO, &done), 0);
	house->now_ms += 29 * HOUSE_DAY;
	house_due(house);
	house_begin(house);
	assert_int_equal(
	    spool_hand_out(house->group, &message.id, OSLO, NULL), 0);
	assert_int_equal(
	    spool_group_draft(house->group, 0)->level, SPOOL_LEVEL_LATE);
	assert_int_equal(
	    spool_hand_out(house->group, &message.id, OSLO, NULL), 0);
	assert_int_equal(spool_group_drafts(house->group), 1);
	assert_int_equal(house_commit(house), 0);
	assert_int_equal(spool_view_begin(house->view, NULL), 0);
	assert_int_equal(spool_view_content(house->view, &message.id, OSLO, 0,
			     bytes, sizeof bytes, &got, NULL),
	    0);
	assert_int_equal(got, 10);
	spool_view_end(house->view);
	house->now_ms += 2 * HOUSE_DAY;
	house_begin(house);
	assert_int_equal(spool_hand_out(house->group, &message.id, OSLO, NULL),
	    WHY_NOT_FOUND);
	assert_int_equal(house_commit(house), 0);
	house_due(house);
	assert_int_equal(spool_view_begin(house->view, NULL), 0);
	assert_int_equal(spool_view_content(house->view, &message.id, OSLO, 0,
			     bytes, sizeof bytes, &got, NULL),
	    WHY_NOT_FOUND);
	struct spool_message view;
	assert_int_equal(
	    spool_view_message(house->view, &message.id, &view, NULL), 0);
	assert_int_equal(view.metadata.size, 0);
	spool_view_end(house->view);
}

static void
a_big_purge_goes_in_steps(void **state)
{
	HOUSE;
	struct house_message message;
	struct spool_verdict_done done;
	size_t fired;
	house_message(house, &message);
	message.size = 2100 * (uint64_t)SPOOL_CHUNK_SIZE;
	message.grace_ms = 1000;
	house_accept(house, &message, OSLO, NULL);
	assert_int_equal(house_imported(house, &message.id, OSLO, &done), 0);
	house->now_ms += 2000;
	house_begin(house);
	assert_int_equal(spool_due(house->group, 100, &fired, NULL), 0);
	assert_int_equal(fired, 100); /* come again */
	assert_int_equal(spool_group_drafts(house->group), 0);
	assert_int_equal(house_commit(house), 0);
	house_clean(house);
	house_begin(house);
	assert_int_equal(spool_due(house->group, 100, &fired, NULL), 0);
	assert_int_equal(fired, 1);
	assert_int_equal(
	    spool_group_draft(house->group, 0)->level, SPOOL_LEVEL_PURGED);
	assert_int_equal(house_commit(house), 0);
}

static void
metadata_goes_with_the_last_delivery(void **state)
{
	HOUSE;
	struct house_message message;
	struct spool_verdict_done done;
	struct spool_message view;
	house_message(house, &message);
	house_accept(house, &message, OSLO, BERGEN);
	assert_int_equal(house_imported(house, &message.id, OSLO, &done), 0);
	house->now_ms += 31 * HOUSE_DAY; /* Bergen's has expired meanwhile */
	house_due(house);
	assert_int_equal(spool_view_begin(house->view, NULL), 0);
	assert_int_equal(
	    spool_view_message(house->view, &message.id, &view, NULL), 0);
	assert_true(span_is(view.metadata, "sealed metadata"));
	spool_view_end(house->view);
	house_clean(house);
	house->now_ms += 31 * HOUSE_DAY;
	house_due(house);
	house_clean(house);
	house->now_ms += 91 * HOUSE_DAY;
	house_due(house);
	assert_int_equal(house_state(house, &message.id, OSLO), 0);
}

/* ---- groups ---- */

static void
a_group_without_all_signatures_leaves_nothing(void **state)
{
	HOUSE;
	struct house_message message;
	struct spool_accepted out;
	house_message(house, &message);
	struct spool_group *group = house_begin(house);
	assert_int_equal(house_accept_in(house, &message, OSLO, NULL, &out), 0);
	house->group = NULL;
	assert_int_equal(spool_group_commit(group, NULL), WHY_BUG);
	assert_int_equal(house_state(house, &message.id, OSLO), 0);
	accepted(house); /* takes the number that was not used */
}

static void
a_feed_shows_each_its_own_and_the_operator_all(void **state)
{
	HOUSE;
	struct spool_evidence out[10];
	struct spool_position next;
	struct spool_position start = {0, 0};
	size_t count;
	struct spool_verdict_done done;
	struct house_message message;
	house_message(house, &message);
	house_accept(house, &message, OSLO, BERGEN);
	assert_int_equal(house_imported(house, &message.id, OSLO, &done), 0);
	assert_int_equal(spool_view_begin(house->view, NULL), 0);
	assert_int_equal(spool_view_feed(house->view, HOUSE_SENDER, start, out,
			     10, &count, &next, NULL),
	    0);
	assert_int_equal(count, 2);
	assert_int_equal(out[1].level, SPOOL_LEVEL_IMPORTED);
	assert_string_equal(out[1].recipient, OSLO);
	assert_int_equal(spool_view_feed(house->view, HOUSE_SENDER, next, out,
			     10, &count, &next, NULL),
	    0);
	assert_int_equal(count, 0);
	assert_int_equal(spool_view_feed(house->view, BERGEN, start, out, 10,
			     &count, &next, NULL),
	    0);
	assert_int_equal(count, 1);
	assert_int_equal(spool_view_feed(house->view, NULL, start, out, 10,
			     &count, &next, NULL),
	    0);
	assert_int_equal(count, 2);
	spool_view_end(house->view);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(an_accepted_message_is_listed_with_its_content_and_evidence),
	    T(the_same_key_gives_the_first_receipt_and_other_content_a_conflict),
	    T(the_same_key_twice_in_one_group_is_one_message),
	    T(a_repeat_after_the_purge_still_gives_the_first_receipt),
	    T(one_refused_recipient_refuses_the_whole_message),
	    T(a_mailbox_that_is_paused_or_lacks_the_type_takes_nothing),
	    T(a_sender_over_its_share_is_told_to_wait),
	    T(staged_content_counts_and_a_gap_or_a_wrong_size_is_refused),
	    T(content_that_nobody_accepts_is_swept),
	    T(fetched_when_the_ranges_cover_all_and_not_before),
	    T(too_many_ranges_apart_never_make_it_fetched_early),
	    T(imported_is_final_and_repeats_harmlessly),
	    T(a_wrong_proof_is_refused_alarms_and_the_delivery_waits_on),
	    T(a_missing_reference_is_refused_where_it_is_required),
	    T(unproven_is_counted_beside_imported),
	    T(a_temporary_rejection_waits_on_and_a_permanent_one_is_final),
	    T(opened_is_evidence_and_not_an_outcome),
	    T(a_recall_before_the_hand_out_wins),
	    T(a_recall_after_the_hand_out_is_too_late),
	    T(what_is_recalled_is_not_handed_out),
	    T(a_confirmation_in_the_millisecond_of_the_expiry_is_in_time),
	    T(a_confirmation_after_the_expiry_is_a_late_fact),
	    T(a_confirmation_before_the_expiry_in_one_group_wins),
	    T(a_young_hand_out_defers_the_expiry_once),
	    T(an_old_hand_out_does_not_defer_the_expiry),
	    T(an_extension_moves_the_expiry_and_never_undoes_it),
	    T(content_stays_for_the_grace_and_late_access_is_recorded),
	    T(a_big_purge_goes_in_steps),
	    T(metadata_goes_with_the_last_delivery),
	    T(a_group_without_all_signatures_leaves_nothing),
	    T(a_feed_shows_each_its_own_and_the_operator_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
