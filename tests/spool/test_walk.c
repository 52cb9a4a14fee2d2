/*
 * A random walk: thousands of random operations on a few mailboxes, beside a
 * model that knows only states and counts. BUDSTIKKE_WALK=STEPS and
 * BUDSTIKKE_SEED=NUMBER choose another walk.
 */
#include "tests/support/spool_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MESSAGES 400
#define DAY HOUSE_DAY

static const char *const mailboxes[] = {HOUSE_OSLO, HOUSE_BERGEN};

struct modelled {
	struct house_message message;
	bool there[2];
	enum spool_state state[2];
	bool handed_out[2];
};

struct model {
	struct modelled all[MESSAGES];
	size_t count;
	uint64_t accepted[2];
	uint64_t now[2][SPOOL_STATES];
};

static unsigned long seed;

static unsigned
dice(unsigned sides)
{
	seed = seed * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)(seed >> 33) % sides;
}

static void
become(struct model *model, struct modelled *at, size_t box,
    enum spool_state state)
{
	model->now[box][at->state[box]]--;
	model->now[box][state]++;
	at->state[box] = state;
}

static void
step_accept(struct house *house, struct model *model)
{
	if (model->count == MESSAGES)
		return;
	struct modelled *at = &model->all[model->count];
	struct spool_accepted out;
	house_message(house, &at->message);
	at->message.size = 1 + dice(dice(4) == 0 ? 200000 : 5000);
	at->message.expires_in_ms = (1 + (int64_t)dice(20)) * DAY;
	at->message.grace_ms = (1 + (int64_t)dice(5)) * DAY;
	at->message.deadline_count = dice(3);
	for (size_t i = 0; i < at->message.deadline_count; i++)
		at->message.deadlines[i] =
		    (struct spool_deadline){(int64_t)dice(10) * DAY,
			dice(2) == 0 ? SPOOL_DEADLINE_FETCH
				     : SPOOL_DEADLINE_CONFIRM,
			(enum spool_severity)(1 + dice(3))};
	bool both = dice(3) == 0;
	size_t first = dice(2);
	assert_int_equal(house_accept_in(house, &at->message, mailboxes[first],
			     both ? mailboxes[1 - first] : NULL, &out),
	    0);
	model->count++;
	for (size_t box = 0; box < 2; box++) {
		at->there[box] = both || box == first;
		if (!at->there[box])
			continue;
		at->state[box] = SPOOL_ACCEPTED;
		model->accepted[box]++;
		model->now[box][SPOOL_ACCEPTED]++;
	}
}

static void
step_receipt(
    struct house *house, struct model *model, struct modelled *at, size_t box)
{
	char proof[SPOOL_PROOF_SIZE];
	struct spool_verdict_done done;
	struct spool_receipt receipt = {
	    .message = at->message.id,
	    .recipient = mailboxes[box],
	    .verdict = (enum spool_verdict)(1 + dice(3)),
	    .reason = dice(2) == 0 ? "a" : "b",
	    .permanent = dice(2) == 0,
	    .unproven = dice(4) == 0,
	};
	house_proof(&at->message.id, proof, receipt.proof_hash);
	receipt.proof = proof;
	bool wrong = !receipt.unproven && dice(5) == 0;
	if (wrong)
		receipt.proof_hash[31] ^= 1;
	int ret = spool_receipt(house->group, &receipt, &done, &house->why);
	if (ret == WHY_NOT_FOUND)
		return; /* forgotten */
	enum spool_state before = at->state[box];
	enum spool_state after = before;
	if (!spool_state_final(before)) {
		if (receipt.verdict == SPOOL_VERDICT_IMPORTED && !wrong)
			after = SPOOL_IMPORTED;
		if (receipt.verdict == SPOOL_VERDICT_REJECTED &&
		    receipt.permanent)
			after = SPOOL_REJECTED;
	}
	assert_int_equal(done.state, after);
	if (after != before)
		become(model, at, box, after);
}

static void
step_recall(
    struct house *house, struct model *model, struct modelled *at, size_t box)
{
	enum spool_state after;
	int ret = spool_recall(
	    house->group, &at->message.id, mailboxes[box], &after, &house->why);
	if (ret == WHY_NOT_FOUND)
		return;
	bool may = !spool_state_final(at->state[box]) && !at->handed_out[box];
	bool again = at->state[box] == SPOOL_RECALLED;
	assert_int_equal(ret, may || again ? 0 : WHY_STATE);
	if (may)
		become(model, at, box, SPOOL_RECALLED);
}

static void
step_fetch(
    struct house *house, struct model *model, struct modelled *at, size_t box)
{
	bool fetched;
	int ret = spool_hand_out(
	    house->group, &at->message.id, mailboxes[box], &house->why);
	if (ret == WHY_NOT_FOUND)
		return;
	bool taken_back = at->state[box] == SPOOL_RECALLED;
	assert_int_equal(ret, taken_back ? WHY_STATE : 0);
	if (spool_state_final(at->state[box]))
		return;
	at->handed_out[box] = true;
	uint64_t from = dice(3) == 0 ? dice((unsigned)at->message.size) : 0;
	assert_int_equal(
	    spool_fetched(house->group, &at->message.id, mailboxes[box], from,
		at->message.size, &fetched, &house->why),
	    0);
	if (fetched)
		become(model, at, box, SPOOL_FETCHED);
}

/* Deadlines are the engine's own affair: take what they did from it, but only
 * what the table allows. */
static void
step_due(struct house *house, struct model *model)
{
	for (size_t i = 0; i < model->count; i++) {
		struct modelled *at = &model->all[i];
		for (size_t box = 0; box < 2; box++) {
			if (!at->there[box])
				continue;
			enum spool_state state =
			    house_state(house, &at->message.id, mailboxes[box]);
			if (state == 0 || state == at->state[box])
				continue;
			assert_int_equal(state, SPOOL_EXPIRED);
			assert_false(spool_state_final(at->state[box]));
			become(model, at, box, state);
		}
	}
}

static void
step(struct house *house, struct model *model)
{
	unsigned what = dice(10);
	if (what < 3 || model->count == 0) {
		step_accept(house, model);
		return;
	}
	struct modelled *at = &model->all[dice((unsigned)model->count)];
	size_t box = dice(2);
	if (!at->there[box])
		return;
	if (what < 6)
		step_receipt(house, model, at, box);
	else if (what < 8)
		step_fetch(house, model, at, box);
	else if (what < 9)
		step_recall(house, model, at, box);
	else
		(void)spool_polled(house->group, mailboxes[box], NULL);
}

static void
compare(struct house *house, const struct model *model)
{
	for (size_t box = 0; box < 2; box++) {
		struct spool_mailbox mailbox;
		assert_int_equal(spool_view_begin(house->view, NULL), 0);
		assert_int_equal(spool_view_mailbox(house->view, mailboxes[box],
				     &mailbox, NULL),
		    0);
		spool_view_end(house->view);
		assert_int_equal(mailbox.counts.accepted, model->accepted[box]);
		for (size_t i = 1; i < SPOOL_STATES; i++)
			assert_int_equal(
			    mailbox.counts.now[i], model->now[box][i]);
	}
}

static void
a_random_walk_agrees_with_the_model_and_stays_clean(void **state)
{
	(void)state;
	struct house house;
	struct model *model = calloc(1, sizeof *model);
	assert_non_null(model);
	const char *steps = getenv("BUDSTIKKE_WALK");
	const char *start = getenv("BUDSTIKKE_SEED");
	unsigned long left = steps == NULL ? 6000 : strtoul(steps, NULL, 10);
	seed = start == NULL ? (unsigned long)id_new(1).at[15] + 1
			     : strtoul(start, NULL, 10);
	print_message("seed %lu, %lu steps\n", seed, left);
	house_open(&house, 512 * MIB);
	house.options.limits.idempotency_days = 10;
	house_reopen(&house);
	while (left > 0) {
		unsigned size = 1 + dice(20);
		bool abandon = dice(10) == 0;
		struct model before = *model;
		house_begin(&house);
		for (; size > 0 && left > 0; size--, left--)
			step(&house, model);
		if (abandon) { /* as a crash before the commit */
			spool_group_abort(house.group);
			house.group = NULL;
			*model = before;
		} else {
			assert_int_equal(house_commit(&house), 0);
		}
		house.now_ms += dice(DAY / 20);
		if (dice(5) == 0) {
			house_due(&house);
			step_due(&house, model);
		}
		if (dice(40) == 0) {
			compare(&house, model);
			house_clean(&house);
		}
	}
	house.now_ms += 200 * DAY;
	house_due(&house);
	step_due(&house, model);
	compare(&house, model);
	house_clean(&house);
	house_close(&house);
	free(model);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_random_walk_agrees_with_the_model_and_stays_clean),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
