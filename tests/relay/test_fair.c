/*
 * Shares and turns of organisations.
 */
#include "relay/fair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct limits limits;
static struct fair *fair;
static const struct caller noisy = {.share = 0};
static const struct caller quiet = {.share = 1};

static int
before(void **state)
{
	(void)state;
	limits_init(&limits);
	limits.requests_per_second = 5;
	limits.uploads_per_organisation = 8;
	limits.polls_per_organisation = 2;
	limits.turns_per_organisation = 2;
	fair = fair_new(2, &limits);
	assert_non_null(fair);
	return 0;
}

static int
after(void **state)
{
	(void)state;
	fair_free(fair);
	return 0;
}

static void
requests_over_the_share_are_refused_and_others_are_not(void **state)
{
	(void)state;
	unsigned retry_s = 0;

	for (int i = 0; i < 5; i++)
		assert_true(fair_request(fair, &noisy, &retry_s));
	assert_false(fair_request(fair, &noisy, &retry_s));
	assert_int_equal(retry_s, 1);
	assert_true(fair_request(fair, &quiet, &retry_s));
}

static void
polls_and_submissions_are_counted_for_each_organisation(void **state)
{
	(void)state;
	assert_true(fair_poll_begin(fair, &noisy));
	assert_true(fair_poll_begin(fair, &noisy));
	assert_false(fair_poll_begin(fair, &noisy));
	assert_true(fair_poll_begin(fair, &quiet));
	fair_poll_end(fair, &noisy);
	assert_true(fair_poll_begin(fair, &noisy));
	for (int i = 0; i < 8; i++)
		assert_true(fair_upload_begin(fair, &noisy));
	assert_false(fair_upload_begin(fair, &noisy));
	assert_true(fair_upload_begin(fair, &quiet));
}

/* The numbers of the turns that came, in their order. */
static int came[64];
static int came_count;
static int numbers[64];

static void
on_go(void *arg)
{
	came[came_count++] = *(int *)arg;
}

static struct fair_turn *
begin(const struct caller *caller, int number)
{
	bool now;

	numbers[number] = number;
	struct fair_turn *turn =
	    fair_turn_begin(fair, caller, on_go, &numbers[number], &now);
	if (turn && now)
		on_go(&numbers[number]);
	return turn;
}

static void
who_is_alone_waits_for_nothing(void **state)
{
	(void)state;
	struct fair_turn *turns[20];

	came_count = 0;
	for (int i = 0; i < 20; i++)
		turns[i] = begin(&noisy, i);
	assert_int_equal(came_count, 20);
	for (int i = 0; i < 20; i++)
		fair_turn_end(turns[i]);
}

static void
while_another_sends_turns_are_few_and_in_order(void **state)
{
	(void)state;
	struct fair_turn *turns[12];
	struct fair_turn *other = begin(&quiet, 40);

	came_count = 0;
	for (int i = 0; i < 10; i++)
		turns[i] = begin(&noisy, i);
	assert_int_equal(came_count, 2);
	/* as many wait as may: the next is refused */
	assert_null(begin(&noisy, 10));
	/* the other is not held up */
	struct fair_turn *second = begin(&quiet, 41);
	assert_int_equal(came[2], 41);
	/* one that gives up while it waits leaves the queue */
	fair_turn_end(turns[2]);
	assert_int_equal(came_count, 3);
	fair_turn_end(turns[0]);
	assert_int_equal(came[3], 3);
	fair_turn_end(turns[1]);
	assert_int_equal(came[4], 4);
	assert_int_equal(came_count, 5);
	for (int i = 3; i < 10; i++)
		fair_turn_end(turns[i]);
	assert_int_equal(came_count, 10);
	for (int i = 5; i < 10; i++)
		assert_int_equal(came[i], i);
	fair_turn_end(other);
	fair_turn_end(second);
}

static void
a_queue_empties_though_each_ends_at_once(void **state)
{
	(void)state;
	struct fair_turn *other = begin(&quiet, 40);
	struct fair_turn *turns[8];

	came_count = 0;
	for (int i = 0; i < 8; i++)
		turns[i] = begin(&noisy, i);
	for (int i = 0; i < 8; i++)
		fair_turn_end(turns[i]);
	assert_int_equal(came_count, 8);
	fair_turn_end(other);
	struct fair_turn *again = begin(&noisy, 9);
	assert_int_equal(came_count, 9);
	fair_turn_end(again);
	fair_turn_end(NULL);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, before, after)
	const struct CMUnitTest tests[] = {
	    TEST(requests_over_the_share_are_refused_and_others_are_not),
	    TEST(polls_and_submissions_are_counted_for_each_organisation),
	    TEST(who_is_alone_waits_for_nothing),
	    TEST(while_another_sends_turns_are_few_and_in_order),
	    TEST(a_queue_empties_though_each_ends_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
