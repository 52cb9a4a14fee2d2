/*
 * ask - questions that outlive the peer they were put to.
 */
#include "base/clock.h"
#include "relay/pipe.h"
#include "relay/role.h"
#include "relay/role_priv.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

struct role_ask {
	struct role_ask *next;
	struct role *role;
	enum role_kind kind;
	uint16_t type;
	int how;
	struct buf body;
	struct buf bytes; /* of the body too, behind it */
	channel_answer_fn *answered;
	void *arg;
	struct role_peer *peer; /* asked now; NULL while waiting for one */
	uint64_t request;
	int64_t deadline_ms; /* of the waiting, for a peer or for its answer */
};

static void
ask_free(struct role_ask *ask)
{
	struct role_ask **at = &ask->role->private->asks;
	while (*at != NULL && *at != ask)
		at = &(*at)->next;
	if (*at != NULL)
		*at = ask->next;
	buf_clear(&ask->body);
	buf_clear(&ask->bytes);
	free(ask);
}

static void
ask_fail(struct role_ask *ask, int code, const struct why *why)
{
	channel_answer_fn *answered = ask->answered;
	void *arg = ask->arg;
	ask_free(ask);
	answered(arg, code, NULL, why);
}

static void
ask_wait(struct role_ask *ask)
{
	ask->peer = NULL;
	ask->deadline_ms =
	    clock_mono_ms() + (int64_t)ask->role->conf->limits.role_wait_ms;
	role_tick_start(ask->role);
}

static void
on_answer(
    void *arg, int code, const struct wire_frame *frame, const struct why *why)
{
	struct role_ask *ask = arg;
	struct why broken;
	if (code < 0 && channel_is_dead(ask->peer->channel)) {
		if (ask->how == ROLE_ASK_AGAIN)
			ask_wait(ask);
		else
			ask_fail(ask, code, why);
		return;
	}
	if (code == 0 && (frame->flags & WIRE_MORE) != 0) {
		channel_cancel(ask->peer->channel, ask->request);
		code = why_set(&broken, WHY_MALFORMED,
		    "an answer of several frames where one was expected");
		why = &broken;
	}
	if (code < 0) {
		ask_fail(ask, code, why);
		return;
	}
	channel_answer_fn *answered = ask->answered;
	void *owner = ask->arg;
	ask_free(ask); /* the frame's bytes are the channel's, not the ask's */
	answered(owner, 0, frame, NULL);
}

/* Put a waiting ask to a peer, when there is one that takes it. */
static void
ask_submit(struct role_ask *ask)
{
	struct role_peer *peer = role_peer_pick(ask->role, ask->kind);
	if (peer == NULL)
		return;
	ask->peer = peer;
	if (channel_ask_with(peer->channel, ask->type, buf_span(&ask->body),
		buf_span(&ask->bytes), on_answer, ask, &ask->request) < 0)
		ask->peer = NULL;
	else if (ask->how == ROLE_ASK_AGAIN) {
		int waits = ask->kind == ROLE_SPOOL ? ROLE_SPOOL_WAITS : 1;
		ask->deadline_ms =
		    clock_mono_ms() +
		    waits * (int64_t)ask->role->conf->limits.role_wait_ms;
		role_tick_start(ask->role);
	}
}

void
role_asks_submit(struct role *role, enum role_kind kind)
{
	for (struct role_ask *a = role->private->asks; a != NULL; a = a->next)
		if (a->kind == kind && a->peer == NULL)
			ask_submit(a);
}

bool
role_asks_tick(struct role *role)
{
	struct why why;
	bool waiting = false;
	bool again = true;
	(void)why_set(&why, WHY_GONE, "no role that answers was there in time");
	/* an answer may add and remove asks: begin anew after each */
	while (again) {
		int64_t now = clock_mono_ms();
		again = false;
		waiting = false;
		for (struct role_ask *a = role->private->asks; a != NULL;
		     a = a->next) {
			if (a->peer != NULL && a->how != ROLE_ASK_AGAIN)
				continue;
			if (now >= a->deadline_ms) {
				if (a->peer != NULL)
					channel_cancel(
					    a->peer->channel, a->request);
				ask_fail(a, WHY_GONE, &why);
				again = true;
				break;
			}
			waiting = true;
		}
	}
	return waiting;
}

int
role_ask(struct role *role, enum role_kind kind, uint16_t type,
    struct span body, int how, channel_answer_fn *answered, void *arg,
    struct role_ask **out)
{
	struct buf copy;
	buf_init(&copy, body.size);
	buf_add_span(&copy, body);
	int code = role_ask_take(
	    role, kind, type, &copy, NULL, how, answered, arg, out);
	buf_clear(&copy);
	return code;
}

int
role_ask_take(struct role *role, enum role_kind kind, uint16_t type,
    struct buf *body, struct buf *bytes, int how, channel_answer_fn *answered,
    void *arg, struct role_ask **out)
{
	size_t more = bytes != NULL ? bytes->size : 0;
	if (!buf_ok(body) || (bytes != NULL && !buf_ok(bytes)))
		return WHY_NOMEM;
	if (body->size + more > role->private->body_max)
		return WHY_TOO_LARGE;
	struct role_ask *ask = calloc(1, sizeof *ask);
	if (ask == NULL)
		return WHY_NOMEM;
	*ask = (struct role_ask){.role = role,
	    .kind = kind,
	    .type = type,
	    .how = how,
	    .answered = answered,
	    .arg = arg};
	ask->body = *body;
	buf_init(body, body->max);
	if (bytes != NULL) {
		ask->bytes = *bytes;
		buf_init(bytes, bytes->max);
	}
	/* at the end: what is put again is put in the order it was asked */
	struct role_ask **end = &role->private->asks;
	while (*end != NULL)
		end = &(*end)->next;
	*end = ask;
	ask_submit(ask);
	if (ask->peer == NULL)
		ask_wait(ask);
	else if (how == ROLE_ASK_ONCE) { /* never put again */
		buf_clear(&ask->body);
		buf_clear(&ask->bytes);
	}
	if (out != NULL)
		*out = ask;
	return 0;
}

void
role_ask_cancel(struct role_ask *ask)
{
	if (ask == NULL)
		return;
	if (ask->peer != NULL)
		channel_cancel(ask->peer->channel, ask->request);
	ask_free(ask);
}

void
role_asks_clear(struct role *role)
{
	while (role->private->asks != NULL)
		ask_free(role->private->asks);
}

/* ---- asking and waiting ---- */

static struct role_peer *
pipe_peer(struct role *role, enum role_kind kind)
{
	/* the newest is first, and a retired one only when nobody else is */
	struct role_peer *last = NULL;
	for (struct role_peer *p = role->peers; p != NULL; p = p->next) {
		if (p->kind != kind || p->pipe == NULL)
			continue;
		if (!p->retired)
			return p;
		if (last == NULL)
			last = p;
	}
	return last;
}

static void
pipe_peer_drop(struct role *role, struct role_peer *peer)
{
	for (struct role_peer **at = &role->peers; *at != NULL;
	     at = &(*at)->next)
		if (*at == peer) {
			*at = peer->next;
			role_peer_free(peer);
			return;
		}
}

/* Poll the control socket, and the peer when there is one. */
static void
wait_some(struct role *role, int fd, int64_t until_ms)
{
	int64_t left = until_ms - clock_mono_ms();
	struct pollfd fds[2] = {
	    {role->private->control, POLLIN, 0}, {fd, POLLIN, 0}};
	left = left < 0 ? 0 : left > 1000 ? 1000 : left;
	if (poll(fds, 2, (int)left) > 0 && fds[0].revents != 0)
		role_control_read(role);
}

/* 1: answered; 0: ask the next one; negative: the answer is a failure. */
static int
answer_await(struct role *role, struct role_peer *peer, uint64_t request,
    int64_t until_ms, struct buf *answer, struct why *why)
{
	while (clock_mono_ms() < until_ms) {
		struct wire_frame frame;
		struct why ended;
		int end = pipe_fill(peer->pipe, &ended);
		int got;
		while ((got = pipe_next(peer->pipe, &frame, why)) > 0) {
			if (frame.request != request ||
			    (frame.flags & WIRE_ANSWER) == 0)
				continue; /* of an ask that ran out of time */
			if ((frame.flags & WIRE_FAILED) != 0)
				return wire_get_why(frame.body, why);
			buf_add_span(answer, frame.body);
			if (!buf_ok(answer))
				return why_set(why, WHY_TOO_LARGE,
				    "an answer of %zu bytes, expected at "
				    "most %zu",
				    frame.body.size, answer->max);
			if ((frame.flags & WIRE_MORE) == 0)
				return 1;
		}
		if (got < 0)
			role_peer_broken(peer, why);
		if (end < 0 || got < 0) {
			pipe_peer_drop(role, peer);
			return 0;
		}
		wait_some(role, pipe_fd(peer->pipe), until_ms);
	}
	return why_set(why, WHY_GONE, "no answer in time");
}

int
role_ask_wait(struct role *role, enum role_kind kind, uint16_t type,
    struct span body, int64_t timeout_ms, struct buf *answer, struct why *why)
{
	int64_t until = clock_mono_ms() + timeout_ms;
	size_t before = answer->size;
	int code = 0;
	role->private->put_off = true;
	while (code == 0) {
		struct role_peer *peer = pipe_peer(role, kind);
		if (peer == NULL) {
			if (clock_mono_ms() >= until) {
				code = why_set(why, WHY_GONE,
				    "no %s to ask came in time",
				    role_name(kind));
				break;
			}
			wait_some(role, -1, until);
			continue;
		}
		uint64_t request = ++role->private->last_blocking;
		answer->size = before;
		code = pipe_write(peer->pipe,
		    &(struct wire_frame){type, 0, request, body}, until, why);
		if (code == WHY_TOO_LARGE)
			break;
		if (code < 0) {
			pipe_peer_drop(role, peer);
			code = 0;
			continue;
		}
		code = answer_await(role, peer, request, until, answer, why);
	}
	role->private->put_off = false;
	return code > 0 ? 0 : code;
}
