/* Deadlines, alarms, their outbox; certificates that end. */
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
	house_close(house);
	free(house);
	return 0;
}

#define HOUSE struct house *house = *state
#define OSLO HOUSE_OSLO
#define MINUTE INT64_C(60000)

/* Warns after a minute, is critical after an hour. */
static struct house_message
watched(struct house *house)
{
	struct house_message message;
	house_message(house, &message);
	message.deadline_count = 2;
	message.deadlines[0] = (struct spool_deadline){
	    MINUTE, SPOOL_DEADLINE_FETCH, SPOOL_WARNING};
	message.deadlines[1] = (struct spool_deadline){
	    60 * MINUTE, SPOOL_DEADLINE_CONFIRM, SPOOL_CRITICAL};
	house_accept(house, &message, OSLO, NULL);
	return message;
}

static void
poll(struct house *house)
{
	house_begin(house);
	assert_int_equal(spool_polled(house->group, OSLO, NULL), 0);
	assert_int_equal(house_commit(house), 0);
}

static void
later(struct house *house, int64_t ms)
{
	house->now_ms += ms;
	house_due(house);
}

static uint64_t
count(struct house *house, enum spool_cause cause)
{
	return house_alarm(house, OSLO, cause).count;
}

static size_t
notices(struct house *house, struct spool_notice *out, size_t max)
{
	size_t got;
	house_begin(house);
	assert_int_equal(
	    spool_outbox_claim(house->group, MINUTE, out, max, &got, NULL), 0);
	assert_int_equal(house_commit(house), 0);
	return got;
}

static void
the_three_causes_are_told_apart_by_the_state(void **state)
{
	HOUSE;
	struct house_message message = watched(house);
	later(house, MINUTE);
	assert_int_equal(count(house, SPOOL_CAUSE_NEVER_POLLED), 0);
	later(house, 1); /* due is what lies before now */
	assert_int_equal(count(house, SPOOL_CAUSE_NEVER_POLLED), 1);
	poll(house);
	assert_int_equal(count(house, SPOOL_CAUSE_NEVER_POLLED), 0);
	house_clean(house);
	later(house, 11 * MINUTE); /* looked at again: still not fetched */
	assert_int_equal(count(house, SPOOL_CAUSE_NOT_FETCHED), 1);
	house_fetch(house, &message.id, OSLO, message.size);
	assert_int_equal(count(house, SPOOL_CAUSE_NOT_FETCHED), 0);
	house_clean(house);
	later(house, 49 * MINUTE);
	assert_int_equal(count(house, SPOOL_CAUSE_NOT_CONFIRMED), 1);
	struct spool_verdict_done done;
	assert_int_equal(house_imported(house, &message.id, OSLO, &done), 0);
	assert_int_equal(count(house, SPOOL_CAUSE_NOT_CONFIRMED), 0);
}

static void
a_fetched_delivery_does_not_raise_the_fetch_stage(void **state)
{
	HOUSE;
	struct house_message message = watched(house);
	house_fetch(house, &message.id, OSLO, message.size);
	later(house, 2 * MINUTE);
	assert_int_equal(count(house, SPOOL_CAUSE_NOT_CONFIRMED), 0);
	assert_int_equal(count(house, SPOOL_CAUSE_NOT_FETCHED), 0);
}

static void
many_messages_are_one_alarm_that_grows_escalates_and_clears(void **state)
{
	HOUSE;
	struct spool_notice out[10];
	struct house_message message[3];
	struct spool_verdict_done done;
	int64_t first = house->now_ms;
	for (size_t i = 0; i < 3; i++) {
		message[i] = watched(house);
		house->now_ms += 1000;
	}
	later(house, 2 * MINUTE);
	struct spool_alarm alarm =
	    house_alarm(house, OSLO, SPOOL_CAUSE_NEVER_POLLED);
	assert_int_equal(alarm.count, 3);
	assert_int_equal(alarm.oldest_ms, first);
	assert_int_equal(alarm.severity, SPOOL_WARNING);
	assert_int_equal(notices(house, out, 10), 1);
	assert_int_equal(out[0].event, SPOOL_NOTICE_RAISED);
	later(house, 60 * MINUTE);
	assert_int_equal(
	    house_alarm(house, OSLO, SPOOL_CAUSE_NEVER_POLLED).severity,
	    SPOOL_CRITICAL);
	assert_int_equal(house_imported(house, &message[0].id, OSLO, &done), 0);
	alarm = house_alarm(house, OSLO, SPOOL_CAUSE_NEVER_POLLED);
	assert_int_equal(alarm.count, 2);
	assert_int_equal(alarm.oldest_ms, first + 1000);
	for (size_t i = 1; i < 3; i++)
		assert_int_equal(
		    house_imported(house, &message[i].id, OSLO, &done), 0);
	assert_int_equal(count(house, SPOOL_CAUSE_NEVER_POLLED), 0);
	size_t got = notices(house, out, 10);
	assert_int_equal(got, 3); /* the raise again: its lease is over */
	assert_int_equal(out[got - 1].event, SPOOL_NOTICE_RESOLVED);
	bool escalated = false;
	for (size_t i = 0; i < got; i++)
		escalated |= out[i].event == SPOOL_NOTICE_ESCALATED;
	assert_true(escalated);
}

static void
a_notice_comes_again_until_it_is_done(void **state)
{
	HOUSE;
	struct spool_notice out[4];
	struct spool_notice old;
	struct id member = id_new(house->now_ms);
	house_begin(house);
	assert_int_equal(spool_alarm_raise(house->group, "", SPOOL_CAUSE_FAULT,
			     SPOOL_SERIOUS, &member, house->now_ms, NULL),
	    0);
	assert_int_equal(house_commit(house), 0);
	assert_int_equal(notices(house, out, 4), 1);
	old = out[0];
	assert_int_equal(notices(house, out, 4), 0); /* leased */
	house->now_ms += MINUTE;
	assert_int_equal(notices(house, out, 4), 1);
	assert_int_equal(out[0].tries, 2);
	house_begin(house);
	assert_int_equal(
	    spool_outbox_retry(house->group, &old, house->now_ms, NULL),
	    WHY_NOT_FOUND); /* it was claimed again since */
	assert_int_equal(spool_outbox_retry(house->group, &out[0],
			     house->now_ms + 5 * MINUTE, NULL),
	    0);
	assert_int_equal(house_commit(house), 0);
	int64_t at;
	assert_int_equal(spool_outbox_next(house->spool, &at, NULL), 0);
	assert_int_equal(at, house->now_ms + 5 * MINUTE);
	house->now_ms = at;
	assert_int_equal(notices(house, out, 4), 1);
	house_begin(house);
	assert_int_equal(spool_outbox_done(house->group, &out[0], NULL), 0);
	assert_int_equal(house_commit(house), 0);
	assert_int_equal(spool_outbox_next(house->spool, &at, NULL), 0);
	assert_true(at == INT64_MAX);
}

static void
only_an_alarm_that_needs_closing_can_be_closed(void **state)
{
	HOUSE;
	struct id member = id_new(house->now_ms);
	watched(house);
	later(house, 2 * MINUTE);
	struct spool_alarm alarm =
	    house_alarm(house, OSLO, SPOOL_CAUSE_NEVER_POLLED);
	house_begin(house);
	assert_int_equal(
	    spool_alarm_close(house->group, &alarm.id, NULL), WHY_STATE);
	assert_int_equal(
	    spool_alarm_close(house->group, &member, NULL), WHY_NOT_FOUND);
	assert_int_equal(spool_alarm_raise(house->group, "", SPOOL_CAUSE_FAULT,
			     SPOOL_SERIOUS, &member, house->now_ms, NULL),
	    0);
	assert_int_equal(house_commit(house), 0);
	alarm = house_alarm(house, "", SPOOL_CAUSE_FAULT);
	house_begin(house);
	assert_int_equal(spool_alarm_close(house->group, &alarm.id, NULL), 0);
	assert_int_equal(spool_alarm_close(house->group, &alarm.id, NULL), 0);
	/* the member's own end comes too late and does no harm */
	assert_int_equal(spool_alarm_clear(house->group, "", SPOOL_CAUSE_FAULT,
			     &member, NULL),
	    0);
	assert_int_equal(house_commit(house), 0);
	assert_int_equal(house_alarm(house, "", SPOOL_CAUSE_FAULT).count, 0);
}

static void
a_rejection_stays_an_alarm_until_closed_or_purged(void **state)
{
	HOUSE;
	struct spool_verdict_done done;
	struct house_message message = watched(house);
	assert_int_equal(house_receipt(house, &message.id, OSLO,
			     SPOOL_VERDICT_REJECTED, &done),
	    0);
	assert_int_equal(count(house, SPOOL_CAUSE_REJECTED), 1);
	house_clean(house);
	later(house, 31 * HOUSE_DAY);
	assert_int_equal(count(house, SPOOL_CAUSE_REJECTED), 0);
}

static void
deadlines_fire_by_time_whatever_the_mailbox_and_order(void **state)
{
	HOUSE;
	/* accepted first, due last, and the other way round */
	struct house_message slow;
	struct house_message fast;
	house_message(house, &slow);
	slow.expires_in_ms = 10 * MINUTE;
	house_accept(house, &slow, OSLO, NULL);
	house_message(house, &fast);
	fast.expires_in_ms = MINUTE;
	house_accept(house, &fast, HOUSE_BERGEN, NULL);
	int64_t at;
	assert_int_equal(spool_due_next(house->spool, &at, NULL), 0);
	assert_int_equal(at, house->now_ms + MINUTE);
	house->now_ms += HOUSE_DAY;
	size_t fired;
	house_begin(house);
	assert_int_equal(spool_due(house->group, 1, &fired, NULL), 0);
	assert_int_equal(fired, 1);
	assert_true(
	    id_equal(&spool_group_draft(house->group, 0)->message, &fast.id));
	assert_int_equal(house_commit(house), 0);
	house_due(house);
	assert_int_equal(house_state(house, &slow.id, OSLO), SPOOL_EXPIRED);
}

/* ---- certificates ---- */

static struct spool_certificate_add
certificate(struct house *house, uint8_t name)
{
	struct spool_certificate_add add = {
	    .recipient = OSLO,
	    .fingerprint = {name},
	    .der = span_text("DER"),
	    .suite = "suite",
	    .policy = SPOOL_CHAINED,
	    .valid_from_ms = house->now_ms,
	    .valid_to_ms = house->now_ms + HOUSE_DAY,
	    .challenge_hash = {name, 1},
	    .challenge = span_text("sealed"),
	};
	return add;
}

static int
prove(struct house *house, uint8_t name, uint8_t answer)
{
	uint8_t fingerprint[SPOOL_HASH_SIZE] = {name};
	uint8_t hash[SPOOL_HASH_SIZE] = {name, answer};
	house_begin(house);
	int ret = spool_certificate_prove(
	    house->group, OSLO, fingerprint, hash, NULL);
	assert_int_equal(house_commit(house), 0);
	return ret;
}

static void
a_certificate_is_active_only_after_its_challenge_is_answered(void **state)
{
	HOUSE;
	struct spool_certificate_add add = certificate(house, 9);
	struct spool_certificate now;
	house_begin(house);
	assert_int_equal(
	    spool_certificate_add(house->group, &add, NULL, NULL), 0);
	assert_int_equal(house_commit(house), 0);
	house->now_ms += 1000;
	assert_int_equal(prove(house, 9, 2), WHY_CRYPTO);
	assert_int_equal(spool_view_begin(house->view, NULL), 0);
	assert_int_equal(
	    spool_view_certificate(house->view, OSLO, &now, NULL), 0);
	assert_int_not_equal(now.fingerprint[0], 9);
	spool_view_end(house->view);
	assert_int_equal(prove(house, 9, 1), 0);
	assert_int_equal(prove(house, 9, 1), 0);
	assert_int_equal(spool_view_begin(house->view, NULL), 0);
	assert_int_equal(
	    spool_view_certificate(house->view, OSLO, &now, NULL), 0);
	assert_int_equal(now.fingerprint[0], 9);
	spool_view_end(house->view);
	house_begin(house);
	assert_int_equal(
	    spool_certificate_add(house->group, &add, NULL, NULL), WHY_EXISTS);
	assert_int_equal(spool_certificate_suspend(
			     house->group, OSLO, add.fingerprint, NULL),
	    0);
	assert_int_equal(house_commit(house), 0);
	assert_int_equal(prove(house, 9, 1), WHY_STATE);
}

/* ---- a mailbox has certificates_per_mailbox and no more ---- */

enum { MANY = 256 }; /* the default */

static int
add_numbered(
    struct house *house, int number, struct spool_certificate_gone *gone)
{
	struct spool_certificate_add add = certificate(house, 77);
	add.fingerprint[1] = (uint8_t)(number >> 8);
	add.fingerprint[2] = (uint8_t)number;
	house->now_ms++;
	house_begin(house);
	int ret = spool_certificate_add(house->group, &add, gone, NULL);
	assert_int_equal(house_commit(house), 0);
	return ret;
}

static int
change_numbered(struct house *house, int number, bool ends)
{
	uint8_t fingerprint[SPOOL_HASH_SIZE] = {
	    77, (uint8_t)(number >> 8), (uint8_t)number};
	uint8_t answer[SPOOL_HASH_SIZE] = {77, 1};
	house_begin(house);
	int ret = ends ? spool_certificate_suspend(
			     house->group, OSLO, fingerprint, NULL)
		       : spool_certificate_prove(
			     house->group, OSLO, fingerprint, answer, NULL);
	assert_int_equal(house_commit(house), 0);
	return ret;
}

static size_t
certificates_of(struct house *house)
{
	static struct spool_certificate list[CERTIFICATES_MOST];
	size_t count;
	assert_int_equal(spool_view_begin(house->view, NULL), 0);
	assert_int_equal(spool_view_certificates(house->view, OSLO, list,
			     CERTIFICATES_MOST, &count, NULL),
	    0);
	spool_view_end(house->view);
	return count;
}

static void
certificates_without_end_fill_no_store(void **state)
{
	HOUSE;
	struct spool_certificate_gone gone;
	int first = (int)certificates_of(house);
	for (int i = first; i < MANY; i++) {
		assert_int_equal(add_numbered(house, i, &gone), 0);
		assert_false(gone.is_set);
	}
	for (int i = MANY; i < MANY + 50; i++) {
		assert_int_equal(add_numbered(house, i, &gone), 0);
		assert_true(gone.is_set);
		assert_string_equal(gone.recipient, OSLO);
		/* the one that has waited longest */
		assert_int_equal(gone.fingerprint[2], i - MANY + first);
	}
	assert_int_equal(certificates_of(house), MANY);
	assert_int_equal(change_numbered(house, MANY + 49, false), 0);
	house_clean(house);
}

static void
who_changes_keys_often_is_not_locked_out(void **state)
{
	HOUSE;
	struct spool_certificate_gone gone;
	int forgotten = 0;
	for (int i = 0; i < 2 * MANY; i++) {
		assert_int_equal(add_numbered(house, i, &gone), 0);
		assert_int_equal(change_numbered(house, i, false), 0);
		if (i > 0)
			assert_int_equal(
			    change_numbered(house, i - 1, true), 0);
		if (!gone.is_set)
			continue;
		/* of those that ended the one registered first */
		assert_int_equal(
		    gone.fingerprint[1] << 8 | gone.fingerprint[2], forgotten);
		assert_int_equal(
		    change_numbered(house, forgotten, true), WHY_NOT_FOUND);
		forgotten++;
	}
	assert_true(forgotten >= MANY);
	assert_int_equal(certificates_of(house), MANY);
	house_clean(house);
}

static void
one_that_waits_for_its_proof_outlives_those_that_ended(void **state)
{
	HOUSE;
	struct spool_certificate_gone gone;
	int first = (int)certificates_of(house);
	for (int i = first; i < MANY; i++)
		assert_int_equal(add_numbered(house, i, &gone), 0);
	assert_int_equal(change_numbered(house, MANY - 1, true), 0);
	assert_int_equal(add_numbered(house, MANY, &gone), 0);
	assert_true(gone.is_set);
	assert_int_equal(gone.fingerprint[2], MANY - 1);
	assert_int_equal(change_numbered(house, first, false), 0);
	house_clean(house);
}

static void
no_certificate_in_use_makes_way(void **state)
{
	HOUSE;
	struct spool_certificate_gone gone;
	for (int i = (int)certificates_of(house); i < MANY; i++) {
		assert_int_equal(add_numbered(house, i, &gone), 0);
		assert_int_equal(change_numbered(house, i, false), 0);
	}
	assert_int_equal(add_numbered(house, MANY, &gone), WHY_STATE);
	assert_false(gone.is_set);
	assert_int_equal(change_numbered(house, MANY - 1, true), 0);
	assert_int_equal(add_numbered(house, MANY, &gone), 0);
	assert_true(gone.is_set);
	house_clean(house);
}

static void
a_certificate_that_ends_alarms_until_a_new_one_works(void **state)
{
	HOUSE;
	struct spool_certificate_add add = certificate(house, 9);
	house_begin(house);
	assert_int_equal(
	    spool_certificate_add(house->group, &add, NULL, NULL), 0);
	assert_int_equal(house_commit(house), 0);
	assert_int_equal(prove(house, 9, 1), 0);
	later(house, HOUSE_DAY + 1);
	struct spool_alarm alarm =
	    house_alarm(house, OSLO, SPOOL_CAUSE_CERTIFICATE);
	assert_int_equal(alarm.count, 1);
	assert_int_equal(alarm.severity, SPOOL_CRITICAL);
	assert_int_equal(prove(house, 9, 1), WHY_STATE);
	add = certificate(house, 10);
	house_begin(house);
	assert_int_equal(
	    spool_certificate_add(house->group, &add, NULL, NULL), 0);
	assert_int_equal(house_commit(house), 0);
	assert_int_equal(count(house, SPOOL_CAUSE_CERTIFICATE), 1);
	assert_int_equal(prove(house, 10, 1), 0);
	assert_int_equal(count(house, SPOOL_CAUSE_CERTIFICATE), 0);
}

/* Registered and proved, good for so many days. */
static void
works_for(struct house *house, uint8_t name, int64_t days)
{
	struct spool_certificate_add add = certificate(house, name);
	add.valid_to_ms = house->now_ms + days * HOUSE_DAY;
	house_begin(house);
	assert_int_equal(
	    spool_certificate_add(house->group, &add, NULL, NULL), 0);
	assert_int_equal(house_commit(house), 0);
	house->now_ms += 1000;
	assert_int_equal(prove(house, name, 1), 0);
}

static void
suspend(struct house *house, uint8_t name)
{
	uint8_t fingerprint[SPOOL_HASH_SIZE] = {name};
	house_begin(house);
	assert_int_equal(
	    spool_certificate_suspend(house->group, OSLO, fingerprint, NULL),
	    0);
	assert_int_equal(house_commit(house), 0);
}

static void
a_certificate_warns_at_each_of_five_days_before_its_end(void **state)
{
	HOUSE;
	static const struct {
		int64_t days;
		enum spool_severity severity;
	} steps[] = {{60, SPOOL_WARNING}, {30, SPOOL_WARNING},
	    {14, SPOOL_SERIOUS}, {7, SPOOL_SERIOUS}, {1, SPOOL_CRITICAL}};
	struct spool_notice told[4];
	int64_t end = house->now_ms + 90 * HOUSE_DAY;
	works_for(house, 9, 90);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		int64_t at = end - steps[i].days * HOUSE_DAY;
		later(house, at - house->now_ms);
		assert_int_equal(notices(house, told, 4), 0);
		later(house, 1);
		struct spool_alarm alarm =
		    house_alarm(house, OSLO, SPOOL_CAUSE_EXPIRING);
		assert_int_equal(alarm.count, 1);
		assert_int_equal(alarm.severity, steps[i].severity);
		assert_int_equal(notices(house, told, 4), 1);
		assert_int_equal(told[0].event,
		    i == 0 ? SPOOL_NOTICE_RAISED : SPOOL_NOTICE_ESCALATED);
		house_begin(house);
		assert_int_equal(
		    spool_outbox_done(house->group, &told[0], NULL), 0);
		assert_int_equal(house_commit(house), 0);
		house_clean(house);
	}
	later(house, HOUSE_DAY);
	assert_int_equal(count(house, SPOOL_CAUSE_EXPIRING), 0);
	assert_int_equal(count(house, SPOOL_CAUSE_CERTIFICATE), 1);
}

static void
the_warning_is_over_when_a_new_certificate_is_proved(void **state)
{
	HOUSE;
	works_for(house, 9, 90);
	later(house, 31 * HOUSE_DAY);
	assert_int_equal(count(house, SPOOL_CAUSE_EXPIRING), 1);
	works_for(house, 10, 365);
	assert_int_equal(count(house, SPOOL_CAUSE_EXPIRING), 0);
	/* both work until the old one ends, of which nobody need hear */
	later(house, 58 * HOUSE_DAY);
	assert_int_equal(count(house, SPOOL_CAUSE_EXPIRING), 0);
	later(house, 2 * HOUSE_DAY);
	assert_int_equal(count(house, SPOOL_CAUSE_CERTIFICATE), 0);
}

static void
only_a_certificate_in_use_warns(void **state)
{
	HOUSE;
	struct spool_certificate_add add = certificate(house, 9);
	add.valid_to_ms = house->now_ms + 90 * HOUSE_DAY;
	house_begin(house);
	assert_int_equal(
	    spool_certificate_add(house->group, &add, NULL, NULL), 0);
	assert_int_equal(house_commit(house), 0);
	works_for(house, 10, 90);
	suspend(house, 10);
	house_clean(house);
	later(house, 89 * HOUSE_DAY);
	assert_int_equal(count(house, SPOOL_CAUSE_EXPIRING), 0);
}

static void
a_certificate_suspended_warns_no_more(void **state)
{
	HOUSE;
	works_for(house, 9, 90);
	later(house, 31 * HOUSE_DAY);
	assert_int_equal(count(house, SPOOL_CAUSE_EXPIRING), 1);
	suspend(house, 9);
	assert_int_equal(count(house, SPOOL_CAUSE_EXPIRING), 0);
	later(house, 60 * HOUSE_DAY);
	assert_int_equal(count(house, SPOOL_CAUSE_CERTIFICATE), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(the_three_causes_are_told_apart_by_the_state),
	    T(a_fetched_delivery_does_not_raise_the_fetch_stage),
	    T(many_messages_are_one_alarm_that_grows_escalates_and_clears),
	    T(a_notice_comes_again_until_it_is_done),
	    T(only_an_alarm_that_needs_closing_can_be_closed),
	    T(a_rejection_stays_an_alarm_until_closed_or_purged),
	    T(deadlines_fire_by_time_whatever_the_mailbox_and_order),
	    T(a_certificate_is_active_only_after_its_challenge_is_answered),
	    T(certificates_without_end_fill_no_store),
	    T(who_changes_keys_often_is_not_locked_out),
	    T(one_that_waits_for_its_proof_outlives_those_that_ended),
	    T(no_certificate_in_use_makes_way),
	    T(a_certificate_that_ends_alarms_until_a_new_one_works),
	    T(a_certificate_warns_at_each_of_five_days_before_its_end),
	    T(the_warning_is_over_when_a_new_certificate_is_proved),
	    T(only_a_certificate_in_use_warns),
	    T(a_certificate_suspended_warns_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
