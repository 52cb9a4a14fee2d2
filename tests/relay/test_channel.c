#include "relay/channel.h"

#include "base/clock.h"
#include "base/id.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include <cmocka.h>

#define BODY_MAX (8 * 1024 * 1024)

/* Two channels, a and b, in one loop. b answers what a asks. */
struct world {
	struct event_base *base;
	struct channel *a;
	struct channel *b;
	int raw; /* when b is no channel: its bare descriptor */
	int answers;
	int code;
	struct buf answer;
	int lost;
	int lost_code;
	int taken;
	int requests;
	struct buf request;
	uint64_t request_id;
	bool free_in_hook;
	bool silent; /* b does not answer */
};

static void
on_request(struct channel *c, const struct wire_frame *frame, void *arg)
{
	struct world *w = arg;
	w->requests++;
	w->request_id = frame->request;
	buf_reset(&w->request);
	buf_add_span(&w->request, frame->body);
	if (w->free_in_hook) {
		channel_free(c);
		w->b = NULL;
		return;
	}
	if (w->silent || frame->request == 0 || (frame->flags & WIRE_MORE) != 0)
		return;
	struct why why;
	switch (frame->type) {
	case 1: /* echo */
		assert_int_equal(
		    channel_answer(c, frame->request, 1, 0, frame->body), 0);
		break;
	case 2: /* in three frames */
		for (int i = 0; i < 3; i++)
			assert_int_equal(
			    channel_answer(c, frame->request, 2,
				i < 2 ? WIRE_MORE : 0, span_of("abc" + i, 1)),
			    0);
		break;
	default:
		(void)why_set(&why, WHY_NOT_FOUND, "no such thing");
		assert_int_equal(channel_refuse(c, frame->request, &why), 0);
	}
}

static void
on_taken(struct channel *c, void *arg)
{
	struct world *w = arg;
	(void)c;
	w->taken++;
}

static void
on_lost(struct channel *c, const struct why *why, void *arg)
{
	struct world *w = arg;
	w->lost++;
	w->lost_code = why->code;
	assert_true(channel_is_dead(c));
}

static void
on_answer(
    void *arg, int code, const struct wire_frame *frame, const struct why *why)
{
	struct world *w = arg;
	w->answers++;
	w->code = code;
	if (code == 0)
		buf_add_span(&w->answer, frame->body);
	else
		assert_non_null(why);
}

static const struct channel_hooks hooks = {on_request, on_taken, on_lost};

static int
setup(void **state, bool raw)
{
	struct world *w = calloc(1, sizeof *w);
	int ends[2];
	assert_non_null(w);
	(void)signal(SIGPIPE, SIG_IGN);
	buf_init(&w->answer, BODY_MAX);
	buf_init(&w->request, BODY_MAX);
	w->base = event_base_new();
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	w->a = channel_new(w->base, ends[0], BODY_MAX, &hooks, w);
	w->raw = -1;
	if (raw)
		w->raw = ends[1];
	else
		w->b = channel_new(w->base, ends[1], BODY_MAX, &hooks, w);
	*state = w;
	return 0;
}

static int
setup_pair(void **state)
{
	return setup(state, false);
}

static int
setup_raw(void **state)
{
	return setup(state, true);
}

static int
teardown(void **state)
{
	struct world *w = *state;
	channel_free(w->a);
	channel_free(w->b);
	if (w->raw >= 0)
		(void)close(w->raw);
	event_base_free(w->base);
	buf_clear(&w->answer);
	buf_clear(&w->request);
	free(w);
	return 0;
}

/* Run until *counter reaches want, at most five seconds. */
static void
run_until(struct world *w, const int *counter, int want)
{
	int64_t end = clock_mono_ms() + 5000;
	while (*counter < want && clock_mono_ms() < end) {
		static const struct timeval some = {0, 10000};
		(void)event_base_loopexit(w->base, &some);
		(void)event_base_loop(w->base, EVLOOP_ONCE);
	}
	assert_int_equal(*counter, want);
}

static void
run_some(struct world *w)
{
	static const struct timeval some = {0, 50000};
	(void)event_base_loopexit(w->base, &some);
	(void)event_base_dispatch(w->base);
}

static void
an_ask_is_answered(void **state)
{
	struct world *w = *state;
	assert_int_equal(
	    channel_ask(w->a, 1, 0, span_text("hello"), on_answer, w, NULL), 0);
	assert_int_equal(channel_asks(w->a), 1);
	run_until(w, &w->answers, 1);
	assert_int_equal(w->code, 0);
	assert_true(span_is(buf_span(&w->answer), "hello"));
	assert_int_equal(channel_asks(w->a), 0);
}

static ssize_t
waiting_at(int fd, uint8_t *bytes, size_t size)
{
	return recv(fd, bytes, size, MSG_PEEK | MSG_DONTWAIT);
}

static void
small_asks_that_are_gathered_go_together_at_the_end_of_the_turn(void **state)
{
	struct world *w = *state;
	static uint8_t large[64 << 10];
	static uint8_t got[sizeof large + 1024];
	const size_t one = WIRE_HEAD_SIZE + 5;
	const struct span first = span_text("first");
	const struct span other = span_text("other");

	assert_int_equal(channel_ask(w->a, 1, 0, first, on_answer, w, NULL), 0);
	assert_int_equal(waiting_at(w->raw, got, sizeof got), (ssize_t)one);
	channel_gather(w->a);
	assert_int_equal(channel_ask(w->a, 1, 0, first, on_answer, w, NULL), 0);
	assert_int_equal(channel_ask(w->a, 1, 0, other, on_answer, w, NULL), 0);
	assert_int_equal(waiting_at(w->raw, got, sizeof got), (ssize_t)one);
	(void)event_base_loop(w->base, EVLOOP_NONBLOCK);
	assert_int_equal(
	    waiting_at(w->raw, got, sizeof got), (ssize_t)(3 * one));
	/* a large one takes along what waits, before it */
	assert_int_equal(channel_ask(w->a, 1, 0, other, on_answer, w, NULL), 0);
	assert_int_equal(channel_ask(w->a, 1, 0, span_of(large, sizeof large),
			     on_answer, w, NULL),
	    0);
	assert_true(waiting_at(w->raw, got, sizeof got) > (ssize_t)(4 * one));
	assert_memory_equal(got + 3 * one + WIRE_HEAD_SIZE, "other", 5);
}

static void
both_sides_may_ask_at_once(void **state)
{
	struct world *w = *state;
	for (int i = 0; i < 500; i++) {
		assert_int_equal(
		    channel_ask(w->a, 1, 0, span_text("x"), on_answer, w, NULL),
		    0);
		assert_int_equal(
		    channel_ask(w->b, 1, 0, span_text("y"), on_answer, w, NULL),
		    0);
	}
	run_until(w, &w->answers, 1000);
	assert_int_equal(w->answer.size, 1000);
}

static void
an_answer_may_come_in_several_frames(void **state)
{
	struct world *w = *state;
	assert_int_equal(
	    channel_ask(w->a, 2, 0, SPAN_NONE, on_answer, w, NULL), 0);
	run_until(w, &w->answers, 3);
	assert_true(span_is(buf_span(&w->answer), "abc"));
	assert_int_equal(channel_asks(w->a), 0);
}

static void
a_request_may_have_further_frames(void **state)
{
	struct world *w = *state;
	uint64_t id;
	assert_int_equal(
	    channel_ask(w->a, 1, WIRE_MORE, span_text("1"), on_answer, w, &id),
	    0);
	assert_int_equal(
	    channel_more(w->a, id, 1, WIRE_MORE, span_text("2")), 0);
	assert_int_equal(channel_more(w->a, id, 1, 0, span_text("3")), 0);
	run_until(w, &w->answers, 1);
	assert_int_equal(w->requests, 3);
	assert_true(span_is(buf_span(&w->answer), "3"));
	assert_int_equal(channel_more(w->a, id, 1, 0, SPAN_NONE), WHY_STATE);
}

static void
a_refusal_carries_its_code(void **state)
{
	struct world *w = *state;
	assert_int_equal(
	    channel_ask(w->a, 9, 0, SPAN_NONE, on_answer, w, NULL), 0);
	run_until(w, &w->answers, 1);
	assert_int_equal(w->code, WHY_NOT_FOUND);
}

static void
a_cancelled_ask_hears_nothing(void **state)
{
	struct world *w = *state;
	uint64_t id;
	assert_int_equal(
	    channel_ask(w->a, 2, 0, SPAN_NONE, on_answer, w, &id), 0);
	channel_cancel(w->a, id);
	run_some(w);
	assert_int_equal(w->answers, 0);
	assert_int_equal(w->lost, 0);
	assert_int_equal(channel_asks(w->a), 0);
}

static void
large_bodies_cross_whole_and_unsent_bytes_are_told(void **state)
{
	struct world *w = *state;
	uint8_t *large = malloc(BODY_MAX);
	assert_non_null(large);
	random_fill(large, BODY_MAX);
	assert_int_equal(channel_ask(w->a, 1, 0, span_of(large, BODY_MAX),
			     on_answer, w, NULL),
	    0);
	assert_true(channel_unsent(w->a) > CHANNEL_HIGH_MARK);
	run_until(w, &w->answers, 1);
	assert_true(span_equal(buf_span(&w->answer), span_of(large, BODY_MAX)));
	assert_int_equal(channel_unsent(w->a), 0);
	assert_true(w->taken >= 1);
	assert_int_equal(channel_ask(w->a, 1, 0, span_of(large, BODY_MAX + 1),
			     on_answer, w, NULL),
	    WHY_TOO_LARGE);
	free(large);
}

/* Cut anywhere: before, at and behind the end of the first piece. */
static void
a_body_in_two_pieces_arrives_as_one(void **state)
{
	struct world *w = *state;
	static const size_t cuts[] = {
	    0, 1, 28, 16384, 300001, BODY_MAX - 1, BODY_MAX};
	uint8_t *large = malloc(BODY_MAX);
	assert_non_null(large);
	random_fill(large, BODY_MAX);
	for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
		struct span head = span_of(large, cuts[i]);
		struct span bytes =
		    span_of(large + cuts[i], BODY_MAX - cuts[i]);
		struct span some =
		    span_of(bytes.at, bytes.size < 2 ? 0 : bytes.size - 2);
		buf_reset(&w->answer);
		assert_int_equal(
		    channel_ask_with(w->a, 1, head, bytes, on_answer, w, NULL),
		    0);
		/* the socket is full: this one waits behind it */
		assert_int_equal(
		    channel_tell_with(w->a, 7, span_text("he"), some), 0);
		run_until(w, &w->answers, (int)i + 1);
		run_until(w, &w->requests, 2 * (int)i + 2);
		assert_true(
		    span_equal(buf_span(&w->answer), span_of(large, BODY_MAX)));
		assert_int_equal(w->request.size, 2 + some.size);
		assert_memory_equal(w->request.at, "he", 2);
		assert_true(some.size == 0 ||
			    memcmp(w->request.at + 2, some.at, some.size) == 0);
	}
	free(large);
}

static void
a_paused_side_takes_nothing_until_it_resumes(void **state)
{
	struct world *w = *state;
	static uint8_t chunk[65536];
	channel_pause(w->b);
	for (int i = 0; i < 64; i++)
		assert_int_equal(
		    channel_tell(w->a, 1, span_of(chunk, sizeof chunk)), 0);
	run_some(w);
	assert_int_equal(w->requests, 0);
	/* the rest waits at the producer, who is told so */
	assert_true(channel_unsent(w->a) > 1024 * 1024);
	channel_resume(w->b);
	run_until(w, &w->requests, 64);
	assert_int_equal(channel_unsent(w->a), 0);
}

static void
a_lost_peer_fails_every_ask_and_is_told_once(void **state)
{
	struct world *w = *state;
	w->silent = true;
	for (int i = 0; i < 3; i++)
		assert_int_equal(
		    channel_ask(w->a, 1, 0, SPAN_NONE, on_answer, w, NULL), 0);
	run_until(w, &w->requests, 3);
	channel_free(w->b);
	w->b = NULL;
	run_until(w, &w->lost, 1);
	assert_int_equal(w->answers, 3);
	assert_int_equal(w->code, WHY_GONE);
	assert_int_equal(w->lost_code, WHY_GONE);
	assert_int_equal(
	    channel_ask(w->a, 1, 0, SPAN_NONE, on_answer, w, NULL), WHY_GONE);
	run_some(w);
	assert_int_equal(w->lost, 1);
}

static void
writing_to_the_dead_is_told_later_not_inside_the_call(void **state)
{
	struct world *w = *state;
	channel_free(w->b);
	w->b = NULL;
	assert_int_equal(
	    channel_ask(w->a, 1, 0, SPAN_NONE, on_answer, w, NULL), 0);
	assert_int_equal(w->answers, 0);
	assert_int_equal(w->lost, 0);
	run_until(w, &w->lost, 1);
	assert_int_equal(w->answers, 1);
	assert_int_equal(w->code, WHY_GONE);
}

static void
a_channel_may_be_freed_inside_its_hook(void **state)
{
	struct world *w = *state;
	w->free_in_hook = true;
	for (int i = 0; i < 5; i++)
		assert_int_equal(channel_tell(w->a, 1, span_text("x")), 0);
	run_until(w, &w->lost, 1);
	assert_int_equal(w->requests, 1);
}

static void
finishing_sends_the_rest_and_then_the_end(void **state)
{
	struct world *w = *state;
	static uint8_t large[1024 * 1024];
	assert_int_equal(
	    channel_tell(w->a, 1, span_of(large, sizeof large)), 0);
	channel_finish(w->a);
	run_until(w, &w->lost, 1);
	assert_int_equal(w->requests, 1);
	assert_int_equal(w->request.size, sizeof large);
}

static void
hostile_frames_end_the_channel(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		int code;
	} cases[] = {
	    /* a length shorter than a head */
	    {"\0\0\0\1", 4, WHY_MALFORMED},
	    /* a body over the most */
	    {"\0\x90\0\0\0\1\0\0\0\0\0\0\0\0\0\1", 16, WHY_TOO_LARGE},
	    /* an answer to what was not asked */
	    {"\0\0\0\x0c\0\1\0\1\0\0\0\0\0\0\0\x09", 16, WHY_MALFORMED},
	    /* a flag that is not known */
	    {"\0\0\0\x0c\0\1\x80\0\0\0\0\0\0\0\0\1", 16, WHY_MALFORMED},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		void *own;
		(void)setup_raw(&own);
		struct world *w = own;
		assert_int_equal(
		    channel_ask(w->a, 1, 0, SPAN_NONE, on_answer, w, NULL), 0);
		assert_int_equal(write(w->raw, cases[i].bytes, cases[i].size),
		    (ssize_t)cases[i].size);
		run_until(w, &w->lost, 1);
		assert_int_equal(w->lost_code, cases[i].code);
		assert_int_equal(w->answers, 1);
		assert_int_equal(w->code, WHY_GONE);
		(void)teardown(&own);
	}
}

static void
a_failure_that_is_no_failure_is_a_bug_of_the_peer(void **state)
{
	struct world *w = *state;
	/* id 1, ANSWER|FAILED, body "ok": code 0 */
	static const char bytes[] =
	    "\0\0\0\x14\0\1\0\3\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0";
	assert_int_equal(
	    channel_ask(w->a, 1, 0, SPAN_NONE, on_answer, w, NULL), 0);
	assert_int_equal(write(w->raw, bytes, 24), 24);
	run_until(w, &w->answers, 1);
	assert_int_equal(w->code, WHY_BUG);
}

static void
a_frame_may_trickle_in_byte_by_byte(void **state)
{
	struct world *w = *state;
	static const char bytes[] = "\0\0\0\x11\0\5\0\0\0\0\0\0\0\0\0\0hello";
	for (size_t i = 0; i < 21; i++) {
		assert_int_equal(w->requests, 0);
		assert_int_equal(write(w->raw, bytes + i, 1), 1);
		(void)event_base_loop(w->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
	run_until(w, &w->requests, 1);
	assert_true(span_is(buf_span(&w->request), "hello"));
}

static void
what_was_said_before_the_end_is_heard(void **state)
{
	struct world *w = *state;
	static const char answer[] = "\0\0\0\x0e\0\1\0\1\0\0\0\0\0\0\0\1ok";
	assert_int_equal(
	    channel_ask(w->a, 1, 0, SPAN_NONE, on_answer, w, NULL), 0);
	assert_int_equal(write(w->raw, answer, 18), 18);
	assert_int_equal(close(w->raw), 0);
	w->raw = -1;
	/* this write fails, and still the answer is there to be read */
	assert_int_equal(channel_tell(w->a, 1, SPAN_NONE), 0);
	run_until(w, &w->lost, 1);
	assert_int_equal(w->answers, 1);
	assert_int_equal(w->code, 0);
	assert_true(span_is(buf_span(&w->answer), "ok"));
}

#define PAIR(test) cmocka_unit_test_setup_teardown(test, setup_pair, teardown)
#define RAW(test) cmocka_unit_test_setup_teardown(test, setup_raw, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    PAIR(an_ask_is_answered),
	    RAW(small_asks_that_are_gathered_go_together_at_the_end_of_the_turn),
	    PAIR(both_sides_may_ask_at_once),
	    PAIR(an_answer_may_come_in_several_frames),
	    PAIR(a_request_may_have_further_frames),
	    PAIR(a_refusal_carries_its_code),
	    PAIR(a_cancelled_ask_hears_nothing),
	    PAIR(large_bodies_cross_whole_and_unsent_bytes_are_told),
	    PAIR(a_body_in_two_pieces_arrives_as_one),
	    PAIR(a_paused_side_takes_nothing_until_it_resumes),
	    PAIR(a_lost_peer_fails_every_ask_and_is_told_once),
	    PAIR(writing_to_the_dead_is_told_later_not_inside_the_call),
	    PAIR(a_channel_may_be_freed_inside_its_hook),
	    PAIR(finishing_sends_the_rest_and_then_the_end),
	    cmocka_unit_test(hostile_frames_end_the_channel),
	    RAW(a_failure_that_is_no_failure_is_a_bug_of_the_peer),
	    RAW(a_frame_may_trickle_in_byte_by_byte),
	    RAW(what_was_said_before_the_end_is_heard),
	};
	return cmocka_run_group_tests_name("relay: channel", tests, NULL, NULL);
}
