#include "relay/role.h"

#include "base/clock.h"
#include "relay/pipe.h"
#include "relay/role_priv.h"

#include <pthread.h>
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

/* A role of libevent in this process; the test is its parent and its peers. */
struct world {
	struct conf conf;
	struct role *role;
	int control; /* the parent's end */
	uint32_t instances;
	int answers;
	int code;
	struct buf answer;
	int drains;
	int arrived;
	int left;
};

static struct world *now; /* hooks have no other way to it */

static void
on_arrived(struct role *role, struct role_peer *peer)
{
	(void)role;
	(void)peer;
	now->arrived++;
}

static void
on_left(struct role *role, struct role_peer *peer)
{
	(void)role;
	(void)peer;
	now->left++;
}

static void
on_drain(struct role *role)
{
	now->drains++;
	role_leave(role);
}

static const struct role_hooks hooks = {
    .arrived = on_arrived, .left = on_left, .drain = on_drain};

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

static int
setup_kind(void **state, enum role_kind kind, bool loop)
{
	struct world *w = calloc(1, sizeof *w);
	struct why why;
	int ends[2];
	assert_non_null(w);
	(void)signal(SIGPIPE, SIG_IGN);
	limits_init(&w->conf.limits);
	w->conf.limits.role_wait_ms = 400;
	buf_init(&w->answer, 1000);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	w->control = ends[0];
	w->role = role_new(kind, 0, 1, &w->conf, ends[1]);
	assert_non_null(w->role);
	w->role->hooks = &hooks;
	if (loop)
		assert_int_equal(role_base_new(w->role, &why), 0);
	now = w;
	*state = w;
	return 0;
}

static int
setup(void **state)
{
	(void)setup_kind(state, ROLE_NET, true);
	struct world *w = *state;
	struct why why;
	assert_int_equal(role_enter(w->role, &why), 0);
	return 0;
}

static int
setup_spool(void **state)
{
	(void)setup_kind(state, ROLE_SPOOL, true);
	struct world *w = *state;
	struct why why;
	role_block(w->role, ROLE_KEYS);
	assert_int_equal(role_enter(w->role, &why), 0);
	return 0;
}

static int
setup_worker(void **state)
{
	(void)setup_kind(state, ROLE_RENDER, false);
	struct world *w = *state;
	struct why why;
	assert_int_equal(role_enter(w->role, &why), 0);
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;
	role_free(w->role);
	(void)close(w->control);
	buf_clear(&w->answer);
	free(w);
	return 0;
}

/* What the parent does: a new peer. Returns the peer's end. */
static int
peer_send(struct world *w, enum role_kind kind, uint32_t *instance)
{
	int ends[2];
	struct buf body;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	buf_init(&body, 16);
	buf_add_byte(&body, (uint8_t)kind);
	buf_add_u32(&body, 0);
	buf_add_u32(&body, ++w->instances);
	if (instance != NULL)
		*instance = w->instances;
	assert_int_equal(
	    control_send(w->control, CONTROL_PEER, buf_span(&body), ends[0]),
	    0);
	buf_clear(&body);
	(void)close(ends[0]);
	return ends[1];
}

static void
retire_send(struct world *w, uint32_t instance)
{
	uint8_t body[4] = {0, 0, 0, (uint8_t)instance};
	assert_int_equal(
	    control_send(w->control, CONTROL_RETIRE, span_of(body, 4), -1), 0);
}

static void
run_until(struct world *w, const int *counter, int want)
{
	int64_t end = clock_mono_ms() + 5000;
	while (*counter < want && clock_mono_ms() < end) {
		static const struct timeval some = {0, 10000};
		(void)event_base_loopexit(w->role->base, &some);
		(void)event_base_loop(w->role->base, EVLOOP_ONCE);
	}
	assert_int_equal(*counter, want);
}

/* One whole frame of the role, by the peer; waits for it. */
static struct wire_frame
frame_read(int fd, struct buf *bytes)
{
	struct wire_frame frame;
	struct why why;
	size_t used = 0;
	buf_init(bytes, 100000);
	while (used == 0) {
		uint8_t *room = buf_room(bytes, 4096);
		assert_non_null(room);
		ssize_t size = read(fd, room, 4096);
		assert_true(size > 0);
		buf_used(bytes, (size_t)size);
		assert_int_equal(wire_frame_parse(buf_span(bytes), 50000,
				     &frame, &used, &why),
		    0);
	}
	return frame;
}

static void
frame_write(
    int fd, uint16_t type, uint16_t flags, uint64_t request, const char *body)
{
	struct buf out;
	buf_init(&out, 10000);
	wire_frame_build(
	    &out, &(struct wire_frame){type, flags, request, span_text(body)});
	assert_int_equal(write(fd, out.at, out.size), (ssize_t)out.size);
	buf_clear(&out);
}

/* Read a request on the peer's side and answer it. */
static void
serve_one(int fd, const char *expect, const char *answer)
{
	struct buf bytes;
	struct wire_frame frame = frame_read(fd, &bytes);
	assert_true(span_is(frame.body, expect));
	frame_write(fd, frame.type, WIRE_ANSWER, frame.request, answer);
	buf_clear(&bytes);
}

static void
ask(struct world *w, int how)
{
	assert_int_equal(role_ask(w->role, ROLE_SPOOL, 7, span_text("q"), how,
			     on_answer, w, NULL),
	    0);
}

static void
an_ask_waits_for_a_peer_that_is_not_there_yet(void **state)
{
	struct world *w = *state;
	ask(w, ROLE_ASK_ONCE);
	assert_int_equal(w->answers, 0);
	int fd = peer_send(w, ROLE_SPOOL, NULL);
	run_until(w, &w->arrived, 1);
	serve_one(fd, "q", "a");
	run_until(w, &w->answers, 1);
	assert_true(span_is(buf_span(&w->answer), "a"));
	(void)close(fd);
}

static void
an_ask_that_waits_too_long_fails(void **state)
{
	struct world *w = *state;
	int64_t begin = clock_mono_ms();
	ask(w, ROLE_ASK_AGAIN);
	run_until(w, &w->answers, 1);
	assert_int_equal(w->code, WHY_GONE);
	assert_true(clock_mono_ms() - begin >= 400);
}

static void
a_lost_peer_s_asks_go_to_the_next_one(void **state)
{
	struct world *w = *state;
	int first = peer_send(w, ROLE_SPOOL, NULL);
	run_until(w, &w->arrived, 1);
	for (int i = 0; i < 20; i++)
		ask(w, ROLE_ASK_AGAIN);
	(void)close(first); /* died with them all in its hands */
	run_until(w, &w->left, 1);
	assert_int_equal(w->answers, 0);
	int second = peer_send(w, ROLE_SPOOL, NULL);
	run_until(w, &w->arrived, 2);
	/* all twenty come again, with ids of this channel */
	for (uint64_t id = 1; id <= 20; id++)
		frame_write(second, 7, WIRE_ANSWER, id, "a");
	run_until(w, &w->answers, 20);
	assert_int_equal(w->code, 0);
	(void)close(second);
}

static void
what_is_put_again_is_put_in_the_order_it_was_asked(void **state)
{
	struct world *w = *state;
	struct buf bytes;
	int first = peer_send(w, ROLE_SPOOL, NULL);
	run_until(w, &w->arrived, 1);
	assert_int_equal(role_ask(w->role, ROLE_SPOOL, 7, span_text("bytes"),
			     ROLE_ASK_AGAIN, on_answer, w, NULL),
	    0);
	assert_int_equal(role_ask(w->role, ROLE_SPOOL, 7, span_text("more"),
			     ROLE_ASK_AGAIN, on_answer, w, NULL),
	    0);
	(void)close(first);
	run_until(w, &w->left, 1);
	int second = peer_send(w, ROLE_SPOOL, NULL);
	run_until(w, &w->arrived, 2);
	assert_true(span_is(frame_read(second, &bytes).body, "bytes"));
	buf_clear(&bytes);
	(void)close(second);
}

static void
an_ask_that_must_not_be_put_twice_fails_with_its_peer(void **state)
{
	struct world *w = *state;
	int fd = peer_send(w, ROLE_SPOOL, NULL);
	run_until(w, &w->arrived, 1);
	ask(w, ROLE_ASK_ONCE);
	(void)close(fd);
	run_until(w, &w->answers, 1);
	assert_int_equal(w->code, WHY_GONE);
}

static void
a_refusal_of_the_peer_is_not_taken_for_its_loss(void **state)
{
	struct world *w = *state;
	int fd = peer_send(w, ROLE_SPOOL, NULL);
	run_until(w, &w->arrived, 1);
	ask(w, ROLE_ASK_AGAIN);
	struct buf bytes;
	struct wire_frame frame = frame_read(fd, &bytes);
	/* code WHY_GONE and an empty sentence, as spool answers unsigned */
	static const char body[] = "\xff\xff\xff\xfc\0\0\0\0";
	struct buf out;
	buf_init(&out, 100);
	wire_frame_build(
	    &out, &(struct wire_frame){0, WIRE_ANSWER | WIRE_FAILED,
		      frame.request, span_of(body, 8)});
	assert_int_equal(write(fd, out.at, out.size), (ssize_t)out.size);
	buf_clear(&out);
	buf_clear(&bytes);
	run_until(w, &w->answers, 1);
	assert_int_equal(w->code, WHY_GONE);
	(void)close(fd);
}

static void
a_retired_worker_is_asked_nothing_and_let_go_when_done(void **state)
{
	struct world *w = *state;
	uint32_t instance;
	int old = peer_send(w, ROLE_RENDER, &instance);
	run_until(w, &w->arrived, 1);
	assert_int_equal(role_ask(w->role, ROLE_RENDER, 1, span_text("old"),
			     ROLE_ASK_ONCE, on_answer, w, NULL),
	    0);
	int new = peer_send(w, ROLE_RENDER, NULL);
	run_until(w, &w->arrived, 2);
	retire_send(w, instance);
	static const struct timeval some = {0, 120000};
	(void)event_base_loopexit(w->role->base, &some);
	(void)event_base_dispatch(w->role->base);
	assert_int_equal(w->left, 0); /* it still works for us */
	assert_int_equal(role_ask(w->role, ROLE_RENDER, 1, span_text("new"),
			     ROLE_ASK_ONCE, on_answer, w, NULL),
	    0);
	serve_one(new, "new", "1");
	serve_one(old, "old", "2");
	run_until(w, &w->answers, 2);
	run_until(w, &w->left, 1);
	char byte;
	assert_int_equal(read(old, &byte, 1), 0);
	(void)close(old);
	(void)close(new);
}

static void
a_cancelled_ask_is_never_answered(void **state)
{
	struct world *w = *state;
	struct role_ask *first;
	struct role_ask *second;
	int fd = peer_send(w, ROLE_SPOOL, NULL);
	run_until(w, &w->arrived, 1);
	assert_int_equal(role_ask(w->role, ROLE_SPOOL, 7, span_text("q"),
			     ROLE_ASK_AGAIN, on_answer, w, &first),
	    0);
	assert_int_equal(role_ask(w->role, ROLE_SCAN, 7, span_text("q"),
			     ROLE_ASK_AGAIN, on_answer, w, &second),
	    0);
	role_ask_cancel(first);
	role_ask_cancel(second);
	serve_one(fd, "q", "a");
	ask(w, ROLE_ASK_AGAIN);
	serve_one(fd, "q", "b");
	run_until(w, &w->answers, 1);
	assert_true(span_is(buf_span(&w->answer), "b"));
	(void)close(fd);
}

static void
drain_calls_the_hook_once_and_the_loop_ends(void **state)
{
	struct world *w = *state;
	assert_int_equal(
	    control_send(w->control, CONTROL_DRAIN, SPAN_NONE, -1), 0);
	assert_int_equal(
	    control_send(w->control, CONTROL_DRAIN, SPAN_NONE, -1), 0);
	assert_int_equal(role_run(w->role), 0);
	assert_int_equal(w->drains, 1);
}

/* ---- asking and waiting ---- */

struct keys_thread {
	struct world *w;
	int first;
	int second;
};

/* The first keys dies with the question; the parent brings another. */
static void *
keys_that_dies(void *arg)
{
	struct keys_thread *t = arg;
	struct buf bytes;
	(void)frame_read(t->first, &bytes);
	buf_clear(&bytes);
	/* what must not disturb the group under way is put off */
	assert_int_equal(
	    control_send(t->w->control, CONTROL_DRAIN, SPAN_NONE, -1), 0);
	(void)close(t->first);
	(void)usleep(100000);
	t->second = peer_send(t->w, ROLE_KEYS, NULL);
	serve_one(t->second, "sign", "signed");
	return NULL;
}

static void
a_waiting_ask_survives_the_death_of_keys(void **state)
{
	struct world *w = *state;
	struct keys_thread t = {.w = w};
	pthread_t thread;
	struct why why;
	t.first = peer_send(w, ROLE_KEYS, NULL);
	assert_int_equal(pthread_create(&thread, NULL, keys_that_dies, &t), 0);
	int code = role_ask_wait(
	    w->role, ROLE_KEYS, 3, span_text("sign"), 5000, &w->answer, &why);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(code, 0);
	assert_true(span_is(buf_span(&w->answer), "signed"));
	assert_int_equal(w->drains, 0);
	assert_int_equal(role_run(w->role), 0);
	assert_int_equal(w->drains, 1);
	(void)close(t.second);
}

static void
a_waiting_ask_fails_when_its_time_is_over(void **state)
{
	struct world *w = *state;
	struct why why;
	int64_t begin = clock_mono_ms();
	assert_int_equal(role_ask_wait(w->role, ROLE_KEYS, 3, span_text("sign"),
			     200, &w->answer, &why),
	    WHY_GONE);
	/* one that is there and says nothing */
	int fd = peer_send(w, ROLE_KEYS, NULL);
	assert_int_equal(role_ask_wait(w->role, ROLE_KEYS, 3, span_text("late"),
			     200, &w->answer, &why),
	    WHY_GONE);
	assert_true(clock_mono_ms() - begin >= 400);
	/* and whose late answer is not taken for that of the next question */
	serve_one(fd, "late", "too late");
	frame_write(fd, 3, WIRE_ANSWER, 2, "in time");
	assert_int_equal(role_ask_wait(w->role, ROLE_KEYS, 3, span_text("sign"),
			     200, &w->answer, &why),
	    0);
	assert_true(span_is(buf_span(&w->answer), "in time"));
	(void)close(fd);
}

static void
a_waiting_ask_drops_a_peer_that_breaks_the_rules(void **state)
{
	struct world *w = *state;
	struct why why;
	int fd = peer_send(w, ROLE_KEYS, NULL);
	assert_int_equal(write(fd, "\0\0\0\1x", 5), 5);
	assert_int_equal(role_ask_wait(w->role, ROLE_KEYS, 3, span_text("sign"),
			     300, &w->answer, &why),
	    WHY_GONE);
	assert_null(w->role->peers);
	(void)close(fd);
}

/* ---- the simple loop ---- */

static void
echo(struct role *role, struct role_peer *peer, const struct wire_frame *frame)
{
	(void)role;
	if (frame->type == 1) {
		pipe_answer(peer, frame->request, 1, 0, frame->body);
	} else {
		struct why why;
		(void)why_set(&why, WHY_UNSUPPORTED, "no");
		pipe_refuse(peer, frame->request, &why);
	}
}

static void *
worker(void *arg)
{
	static const struct pipe_hooks pipe_hooks = {
	    .frame = echo, .left = on_left};
	struct world *w = arg;
	(void)pipe_serve(w->role, &pipe_hooks);
	return NULL;
}

static void
a_worker_serves_all_peers_and_drops_only_the_one_that_lies(void **state)
{
	struct world *w = *state;
	pthread_t thread;
	struct buf bytes;
	char byte;
	int good = peer_send(w, ROLE_NET, NULL);
	int bad = peer_send(w, ROLE_NET, NULL);
	assert_int_equal(pthread_create(&thread, NULL, worker, w), 0);
	assert_int_equal(write(bad, "\0\0\0\1", 4), 4);
	assert_int_equal(read(bad, &byte, 1), 0);
	frame_write(good, 1, 0, 9, "hello");
	struct wire_frame frame = frame_read(good, &bytes);
	assert_int_equal(frame.request, 9);
	assert_int_equal(frame.flags, WIRE_ANSWER);
	assert_true(span_is(frame.body, "hello"));
	buf_clear(&bytes);
	frame_write(good, 2, 0, 10, "");
	frame = frame_read(good, &bytes);
	assert_int_equal(frame.flags, WIRE_ANSWER | WIRE_FAILED);
	buf_clear(&bytes);
	/* drained, it still serves until its last peer is gone */
	assert_int_equal(
	    control_send(w->control, CONTROL_DRAIN, SPAN_NONE, -1), 0);
	frame_write(good, 1, 0, 11, "more");
	frame = frame_read(good, &bytes);
	assert_true(span_is(frame.body, "more"));
	buf_clear(&bytes);
	(void)close(good);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(w->left, 2);
	(void)close(bad);
}

/* ---- the table ---- */

static void
who_talks_is_talked_to(void **state)
{
	(void)state;
	for (enum role_kind a = ROLE_NET; a < ROLE_KINDS; a++)
		for (enum role_kind b = ROLE_NET; b < ROLE_KINDS; b++)
			assert_int_equal(role_talks(a, b), role_talks(b, a));
	assert_false(role_talks(ROLE_SPOOL, ROLE_RENDER));
	assert_false(role_talks(ROLE_KEYS, ROLE_COURIER));
	assert_false(role_talks(ROLE_KEYS, ROLE_RENDER));
}

static void
rights_do_not_gather_in_one_role(void **state)
{
	(void)state;
	const struct role_spec *spec;
	for (size_t i = 0; (spec = role_spec_at(i)) != NULL; i++) {
		assert_ptr_equal(role_spec(spec->kind), spec);
		assert_ptr_equal(role_spec_named(spec->name), spec);
		/* who reaches out has no store; who has the store is alone */
		if (spec->network != NETWORK_NONE)
			assert_true(spec->files != FILES_SPOOL);
		if (spec->kind == ROLE_KEYS || spec->kind == ROLE_RENDER) {
			assert_int_equal(spec->files, FILES_NONE);
			assert_int_equal(spec->network, NETWORK_NONE);
		}
		if (i > 0)
			assert_true(role_spec_at(i - 1)->start <= spec->start);
	}
	assert_null(role_spec_named("parent"));
}

#define NET(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define OF_SPOOL(test)                                                         \
	cmocka_unit_test_setup_teardown(test, setup_spool, teardown)
#define OF_WORKER(test)                                                        \
	cmocka_unit_test_setup_teardown(test, setup_worker, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    NET(an_ask_waits_for_a_peer_that_is_not_there_yet),
	    NET(an_ask_that_waits_too_long_fails),
	    NET(a_lost_peer_s_asks_go_to_the_next_one),
	    NET(what_is_put_again_is_put_in_the_order_it_was_asked),
	    NET(an_ask_that_must_not_be_put_twice_fails_with_its_peer),
	    NET(a_refusal_of_the_peer_is_not_taken_for_its_loss),
	    NET(a_retired_worker_is_asked_nothing_and_let_go_when_done),
	    NET(a_cancelled_ask_is_never_answered),
	    NET(drain_calls_the_hook_once_and_the_loop_ends),
	    OF_SPOOL(a_waiting_ask_survives_the_death_of_keys),
	    OF_SPOOL(a_waiting_ask_fails_when_its_time_is_over),
	    OF_SPOOL(a_waiting_ask_drops_a_peer_that_breaks_the_rules),
	    OF_WORKER(
		a_worker_serves_all_peers_and_drops_only_the_one_that_lies),
	    cmocka_unit_test(who_talks_is_talked_to),
	    cmocka_unit_test(rights_do_not_gather_in_one_role),
	};
	return cmocka_run_group_tests_name("relay: role", tests, NULL, NULL);
}
