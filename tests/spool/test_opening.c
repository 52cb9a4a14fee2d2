/* Every cell of the mailbox's truth table in spool(5), and what a probe does.
 */
#include "tests/support/spool_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NEW SPOOL_MAILBOX_NEW
#define OPEN SPOOL_MAILBOX_OPEN
#define PAUSED SPOOL_MAILBOX_PAUSED
#define CLOSED SPOOL_MAILBOX_CLOSED
#define PROVING SPOOL_MAILBOX_PROVING

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

static int
put(struct house *house, const char *recipient, enum spool_mailbox_state asked,
    bool without_probe)
{
	const char *types[] = {"document"};
	const struct spool_mailbox_put mailbox = {.recipient = recipient,
	    .state = asked,
	    .form = SPOOL_FORM_ZIP,
	    .types = types,
	    .type_count = 1,
	    .without_probe = without_probe};
	house_begin(house);
	int code = spool_mailbox_put(house->group, &mailbox, &house->why);
	assert_int_equal(house_commit(house), 0);
	return code;
}

/* 0: there is none. */
static unsigned
state_of(struct house *house, const char *recipient)
{
	static struct spool_mailbox mailbox;
	assert_int_equal(spool_view_begin(house->view, NULL), 0);
	int code = spool_view_mailbox(house->view, recipient, &mailbox, NULL);
	spool_view_end(house->view);
	return code == 0 ? mailbox.state : 0;
}

static void
each_state_follows_only_where_the_table_says_so(void **state)
{
	static const struct {
		unsigned from;                          /* 0: not here */
		unsigned becomes[SPOOL_MAILBOX_STATES]; /* 0: refused */
	} rows[] = {
	    {0, {0, [NEW] = NEW, [OPEN] = PROVING, [PROVING] = PROVING}},
	    {NEW, {0, [NEW] = NEW, [OPEN] = PROVING, [CLOSED] = CLOSED,
		      [PROVING] = PROVING}},
	    {PROVING, {0, [NEW] = NEW, [OPEN] = PROVING, [CLOSED] = CLOSED,
			  [PROVING] = PROVING}},
	    {OPEN, {0, [OPEN] = OPEN, [PAUSED] = PAUSED, [CLOSED] = CLOSED,
		       [PROVING] = PROVING}},
	    {PAUSED, {0, [OPEN] = OPEN, [PAUSED] = PAUSED, [CLOSED] = CLOSED,
			 [PROVING] = PROVING}},
	    {CLOSED, {0, [NEW] = NEW, [OPEN] = PROVING, [CLOSED] = CLOSED,
			 [PROVING] = PROVING}},
	};
	struct house *house = *state;
	unsigned number = 100000000;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (unsigned asked = NEW; asked < SPOOL_MAILBOX_STATES;
		     asked++) {
			char org[SPOOL_ORG_SIZE];
			unsigned want = rows[i].becomes[asked];
			(void)snprintf(org, sizeof org, "%u", number++);
			if (rows[i].from != 0)
				assert_int_equal(
				    put(house, org, rows[i].from, true), 0);
			assert_int_equal(put(house, org, asked, false),
			    want != 0 ? 0 : WHY_STATE);
			assert_int_equal(state_of(house, org),
			    want != 0 ? want : rows[i].from);
		}
	assert_int_equal(
	    put(house, HOUSE_OSLO, SPOOL_MAILBOX_STATES, false), WHY_INVALID);
	assert_int_equal(put(house, HOUSE_OSLO, 0, false), WHY_INVALID);
}

static int
tried(struct house *house, const char *type, struct house_message *message)
{
	struct spool_accepted out;
	house_message(house, message);
	message->type = type;
	house_begin(house);
	int code = house_accept_in(house, message, HOUSE_OSLO, NULL, &out);
	assert_int_equal(house_commit(house), 0);
	return code;
}

static void
proving_takes_probes_and_nothing_else(void **state)
{
	struct house *house = *state;
	struct house_message message;
	assert_int_equal(tried(house, SPOOL_TYPE_PROBE, &message), 0);
	assert_int_equal(put(house, HOUSE_OSLO, PROVING, false), 0);
	assert_int_equal(tried(house, "document", &message), WHY_STATE);
	assert_int_equal(tried(house, SPOOL_TYPE_PROBE, &message), 0);
	assert_int_equal(put(house, HOUSE_OSLO, CLOSED, false), 0);
	assert_int_equal(tried(house, SPOOL_TYPE_PROBE, &message), WHY_STATE);
	assert_int_equal(put(house, HOUSE_OSLO, NEW, false), 0);
	assert_int_equal(tried(house, SPOOL_TYPE_PROBE, &message), WHY_STATE);
}

static void
a_probe_imported_with_proof_opens_a_proving_mailbox(void **state)
{
	struct house *house = *state;
	struct house_message message;
	struct spool_verdict_done done;
	assert_int_equal(put(house, HOUSE_OSLO, PROVING, false), 0);
	assert_int_equal(tried(house, SPOOL_TYPE_PROBE, &message), 0);
	house_fetch(house, &message.id, HOUSE_OSLO, message.size);
	assert_int_equal(state_of(house, HOUSE_OSLO), PROVING);
	assert_int_equal(
	    house_imported(house, &message.id, HOUSE_OSLO, &done), 0);
	assert_int_equal(state_of(house, HOUSE_OSLO), OPEN);
	assert_int_equal(tried(house, "document", &message), 0);
}

static void
a_message_accepted_before_opens_nothing(void **state)
{
	struct house *house = *state;
	struct house_message message;
	struct spool_verdict_done done;
	assert_int_equal(tried(house, "document", &message), 0);
	assert_int_equal(put(house, HOUSE_OSLO, PROVING, false), 0);
	assert_int_equal(
	    house_imported(house, &message.id, HOUSE_OSLO, &done), 0);
	assert_int_equal(state_of(house, HOUSE_OSLO), PROVING);
}

static void
a_probe_proved_after_the_mailbox_was_closed_opens_nothing(void **state)
{
	struct house *house = *state;
	struct house_message message;
	struct spool_verdict_done done;
	assert_int_equal(tried(house, SPOOL_TYPE_PROBE, &message), 0);
	assert_int_equal(put(house, HOUSE_OSLO, CLOSED, false), 0);
	assert_int_equal(
	    house_imported(house, &message.id, HOUSE_OSLO, &done), 0);
	assert_int_equal(state_of(house, HOUSE_OSLO), CLOSED);
}

static void
a_probe_without_proof_opens_nothing(void **state)
{
	struct house *house = *state;
	struct house_message message;
	struct spool_verdict_done done;
	struct spool_receipt receipt = {.recipient = HOUSE_OSLO,
	    .verdict = SPOOL_VERDICT_IMPORTED,
	    .unproven = true};
	assert_int_equal(put(house, HOUSE_OSLO, PROVING, false), 0);
	assert_int_equal(tried(house, SPOOL_TYPE_PROBE, &message), 0);
	receipt.message = message.id;
	house_begin(house);
	assert_int_equal(
	    spool_receipt(house->group, &receipt, &done, &house->why), 0);
	assert_int_equal(house_commit(house), 0);
	assert_int_equal(state_of(house, HOUSE_OSLO), PROVING);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(each_state_follows_only_where_the_table_says_so),
	    T(proving_takes_probes_and_nothing_else),
	    T(a_probe_imported_with_proof_opens_a_proving_mailbox),
	    T(a_message_accepted_before_opens_nothing),
	    T(a_probe_proved_after_the_mailbox_was_closed_opens_nothing),
	    T(a_probe_without_proof_opens_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
