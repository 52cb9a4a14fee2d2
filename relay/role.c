/*
 * role - the control socket and the peers of one role process.
 *
 * SECURITY: trusts its parent (the control socket) and nobody else; what peers
 * send is parsed by channel.c and pipe.c.
 */
#include "relay/role.h"

#include "base/clock.h"
#include "base/log.h"
#include "relay/jail.h"
#include "relay/pipe.h"
#include "relay/probe.h"
#include "relay/role_priv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

/* bodies: the largest is a rendered document, or a payload */
#define TURN_CALLS 4
#define BODY_LEAST (16 * MIB)
#define LEAVE_MS 2000
#define TICK_MS 50

struct pending {
	struct pending *next;
	struct buf bytes;
	struct wire_frame frame;
	int fd;
};

static void control_do(
    struct role *role, const struct wire_frame *frame, int take_fd);

/* ---- peers ---- */

static void
on_request(struct channel *channel, const struct wire_frame *frame, void *arg)
{
	struct role_peer *peer = arg;
	struct role *role = peer->role;
	if (role->hooks != NULL && role->hooks->request != NULL) {
		role->hooks->request(role, peer, frame);
	} else if (frame->request != 0) {
		struct why why;
		(void)why_set(
		    &why, WHY_UNSUPPORTED, "this role is asked nothing");
		(void)channel_refuse(channel, frame->request, &why);
	}
}

static void
on_taken(struct channel *channel, void *arg)
{
	struct role_peer *peer = arg;
	(void)channel;
	if (peer->role->hooks != NULL && peer->role->hooks->taken != NULL)
		peer->role->hooks->taken(peer->role, peer);
}

static void
peer_unlink(struct role *role, struct role_peer *peer)
{
	for (struct role_peer **at = &role->peers; *at != NULL;
	     at = &(*at)->next)
		if (*at == peer) {
			*at = peer->next;
			return;
		}
}

static void
peer_gone(struct role *role, struct role_peer *peer)
{
	peer_unlink(role, peer);
	if (role->hooks != NULL && role->hooks->left != NULL)
		role->hooks->left(role, peer);
	role_peer_free(peer);
}

static void
on_lost(struct channel *channel, const struct why *why, void *arg)
{
	struct role_peer *peer = arg;
	(void)channel;
	if (why->code != WHY_GONE && why->code != WHY_SYSTEM)
		role_peer_broken(peer, why);
	peer_gone(peer->role, peer);
}

static const struct channel_hooks channel_hooks = {
    on_request, on_taken, on_lost};

void
role_peer_broken(const struct role_peer *peer, const struct why *why)
{
	log_event(LOG_ERROR, "channel.broken",
	    LOGS("peer", role_name(peer->kind)),
	    LOGS("code", why_name(why->code)), LOGS("error", why->text));
}

void
role_peer_free(struct role_peer *peer)
{
	channel_free(peer->channel);
	pipe_free(peer->pipe);
	free(peer);
}

/* A whole group's evidence goes from spool to keys in one frame. */
static size_t
body_max(const struct role *role, enum role_kind peer)
{
	uint32_t pair = ROLE_BIT(role->kind) | ROLE_BIT(peer);
	return pair == (ROLE_BIT(ROLE_SPOOL) | ROLE_BIT(ROLE_KEYS))
		   ? WIRE_BODY_MAX
		   : role->private->body_max;
}

static bool
wants_channel(const struct role *role, enum role_kind kind)
{
	return role->base != NULL && role->private->entered &&
	       (role->private->blocked & ROLE_BIT(kind)) == 0;
}

/* From pipe to channel. False when there was no memory: the peer is gone. */
static bool
peer_attach(struct role *role, struct role_peer *peer)
{
	int fd = pipe_fd_take(peer->pipe);
	peer->pipe = NULL;
	peer->channel = channel_new(
	    role->base, fd, body_max(role, peer->kind), &channel_hooks, peer);
	if (peer->channel == NULL)
		return false;
	if (role->hooks != NULL && role->hooks->arrived != NULL)
		role->hooks->arrived(role, peer);
	role_asks_submit(role, peer->kind);
	return true;
}

void
role_peer_take(struct role *role, enum role_kind kind, unsigned slot,
    uint32_t instance, int take_fd)
{
	struct role_peer *peer = calloc(1, sizeof *peer);
	struct pipe *pipe = pipe_new(take_fd, body_max(role, kind));
	if (peer == NULL || pipe == NULL) {
		free(peer);
		pipe_free(pipe);
		return; /* the other side sees the end and so does the parent */
	}
	*peer = (struct role_peer){.role = role,
	    .next = role->peers,
	    .kind = kind,
	    .slot = slot,
	    .instance = instance,
	    .pipe = pipe};
	role->peers = peer;
	if (wants_channel(role, kind) && !peer_attach(role, peer)) {
		peer_unlink(role, peer);
		role_peer_free(peer);
	}
}

int
role_peers_attach(struct role *role, struct why *why)
{
	for (struct role_peer *p = role->peers, *next; p != NULL; p = next) {
		next = p->next;
		if (wants_channel(role, p->kind) && p->channel == NULL &&
		    !peer_attach(role, p))
			return why_set(why, WHY_NOMEM, "a channel");
	}
	return 0;
}

struct role_peer *
role_peer_pick(struct role *role, enum role_kind kind)
{
	struct role_peer *best = NULL;
	for (struct role_peer *p = role->peers; p != NULL; p = p->next) {
		if (p->kind != kind || p->retired || p->channel == NULL ||
		    channel_is_dead(p->channel))
			continue;
		if (best == NULL ||
		    channel_asks(p->channel) < channel_asks(best->channel))
			best = p;
	}
	return best;
}

static void
peer_retire(struct role *role, uint32_t instance)
{
	for (struct role_peer *p = role->peers; p != NULL; p = p->next)
		if (p->instance == instance)
			p->retired = true;
	role_tick_start(role);
}

/* A retired worker that has answered everything is let go: its end of file
 * tells it that it may leave. Others take their leave themselves. */
static void
retired_sweep(struct role *role, bool *some)
{
	for (struct role_peer *p = role->peers, *next; p != NULL; p = next) {
		next = p->next;
		if (!p->retired || !role_spec(p->kind)->worker)
			continue;
		if (p->channel != NULL && (channel_asks(p->channel) > 0 ||
					      channel_unsent(p->channel) > 0))
			*some = true;
		else
			peer_gone(role, p);
	}
}

/* ---- the tick: waiting asks, retired peers, leaving ---- */

static bool
all_sent(const struct role *role)
{
	for (const struct role_peer *p = role->peers; p != NULL; p = p->next)
		if (p->channel != NULL && channel_unsent(p->channel) > 0)
			return false;
	return true;
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct role *role = arg;
	struct role_private *private = role->private;
	bool some = false;
	(void)fd;
	(void)what;
	private->ticking = false;
	if (role_asks_tick(role))
		some = true;
	retired_sweep(role, &some);
	if (private->leaving) {
		some = true;
		if (all_sent(role) || clock_mono_ms() >= private->leave_at)
			(void)event_base_loopbreak(role->base);
	}
	if (some)
		role_tick_start(role);
}

void
role_tick_start(struct role *role)
{
	static const struct timeval tick = {0, TICK_MS * 1000};
	if (role->private->ticking || role->private->tick_event == NULL)
		return;
	role->private->ticking = true;
	(void)event_add(role->private->tick_event, &tick);
}

void
role_leave(struct role *role)
{
	role->private->leaving = true;
	role->private->leave_at = clock_mono_ms() + LEAVE_MS;
	if (role->base != NULL && all_sent(role))
		(void)event_base_loopbreak(role->base);
	role_tick_start(role);
}

/* ---- the control socket ---- */

int
role_control_fd(const struct role *role)
{
	return role->private->control;
}

void
role_control_send(struct role *role, uint16_t type, struct span body)
{
	(void)control_send(role->private->control, type, body, -1);
}

static void
control_peer(struct role *role, const struct wire_frame *frame, int take_fd)
{
	struct wire_in in = wire_open(frame->body);
	uint8_t kind = wire_u8(&in);
	uint32_t slot = wire_u32(&in);
	uint32_t instance = wire_u32(&in);
	if (!wire_end(&in) || kind >= ROLE_KINDS || take_fd < 0) {
		if (take_fd >= 0)
			(void)close(take_fd);
		return;
	}
	role_peer_take(role, kind, slot, instance, take_fd);
}

static void
control_listen(struct role *role, const struct wire_frame *frame, int take_fd)
{
	struct wire_in in = wire_open(frame->body);
	uint8_t kind = wire_u8(&in);
	if (!wire_end(&in) || take_fd < 0 ||
	    role->listener_count == ROLE_LISTENERS_MAX) {
		if (take_fd >= 0)
			(void)close(take_fd);
		return;
	}
	role->listeners[role->listener_count++] =
	    (struct role_listener){kind, take_fd};
}

static void
drain(struct role *role)
{
	if (role->draining)
		return;
	role->draining = true;
	if (role->base == NULL)
		return; /* pipe_serve() sees to it */
	if (role->hooks != NULL && role->hooks->drain != NULL)
		role->hooks->drain(role);
	else
		role_leave(role);
}

/* Messages that call the role's own hooks. */
static void
control_do(struct role *role, const struct wire_frame *frame, int take_fd)
{
	struct wire_in in = wire_open(frame->body);
	switch (frame->type) {
	case CONTROL_PEER:
		control_peer(role, frame, take_fd);
		return;
	case CONTROL_LISTEN:
		control_listen(role, frame, take_fd);
		return;
	case CONTROL_START:
		role->private->started = true;
		break;
	case CONTROL_RETIRE:
		peer_retire(role, wire_u32(&in));
		break;
	case CONTROL_DRAIN:
		drain(role);
		break;
#ifdef TEST_HOOKS
	case CONTROL_PROBE:
		probe_answer(role);
		break;
#endif
	default:
		if (role->hooks != NULL && role->hooks->control != NULL)
			role->hooks->control(role, frame);
	}
	if (take_fd >= 0)
		(void)close(take_fd);
}

/* A new end to a peer that is asked with waiting cannot be put off. */
static bool
may_interrupt(const struct role *role, const struct wire_frame *frame)
{
	if (frame->type != CONTROL_PEER || frame->body.size == 0)
		return false;
	return !wants_channel(role, frame->body.at[0]);
}

static bool
put_off(struct role *role, struct buf *bytes, const struct wire_frame *frame,
    int fd)
{
	struct pending *pending = calloc(1, sizeof *pending);
	if (pending == NULL)
		return false;
	*pending = (struct pending){
	    .bytes = *bytes, .frame = *frame, .fd = fd}; /* bytes move */
	buf_init(bytes, bytes->max);
	struct pending **at = &role->private->pending;
	while (*at != NULL)
		at = &(*at)->next;
	*at = pending;
	if (role->private->pending_event != NULL)
		event_active(role->private->pending_event, 0, 0);
	return true;
}

static void
on_pending(evutil_socket_t fd, short what, void *arg)
{
	struct role *role = arg;
	(void)fd;
	(void)what;
	while (role->private->pending != NULL) {
		struct pending *pending = role->private->pending;
		role->private->pending = pending->next;
		control_do(role, &pending->frame, pending->fd);
		buf_clear(&pending->bytes);
		free(pending);
	}
}

void
role_control_read(struct role *role)
{
	struct buf bytes;
	struct wire_frame frame;
	int fd;
	buf_init(&bytes, CONTROL_MAX);
	int code = control_receive(role->private->control, &bytes, &frame, &fd);
	if (code == 0)
		_exit(0); /* the parent has ended */
	if (code > 0) {
		bool later =
		    role->private->put_off && !may_interrupt(role, &frame);
		if (!later || !put_off(role, &bytes, &frame, fd))
			control_do(role, &frame, fd);
	}
	buf_clear(&bytes);
}

static void
on_control(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	role_control_read(arg);
}

void
role_stuck(struct role *role, pid_t pid)
{
	struct buf body;
	buf_init(&body, 8);
	buf_add_u32(&body, (uint32_t)pid);
	role_control_send(role, CONTROL_STUCK, buf_span(&body));
	buf_clear(&body);
}

bool
role_deaths_parse(const struct wire_frame *frame, struct role_deaths *out)
{
	struct wire_in in = wire_open(frame->body);
	uint8_t kind = wire_u8(&in);
	out->count = wire_u32(&in);
	out->ended = wire_bool(&in);
	out->kind = kind;
	return frame->type == CONTROL_DEATHS && wire_end(&in) &&
	       kind < ROLE_KINDS;
}

/* ---- entering and running ---- */

/*
 * What other roles say comes before what the world says: after TURN_CALLS calls
 * for the world the channels are looked at. Without this a turn works through
 * all connections that have something, and spool, which could have begun with
 * the first of them, and net wait for each other in turn.
 */
static struct event_base *
base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;
	if (config != NULL && event_config_set_max_dispatch_interval(
				  config, NULL, TURN_CALLS, 1) == 0)
		base = event_base_new_with_config(config);
	if (config != NULL)
		event_config_free(config);
	/* new events get the middle, that is the lower of the two */
	if (base != NULL && event_base_priority_init(base, 2) < 0) {
		event_base_free(base);
		return NULL;
	}
	return base;
}

int
role_base_new(struct role *role, struct why *why)
{
	struct role_private *private = role->private;
	role->base = base_new();
	if (role->base == NULL)
		return why_set(why, WHY_SYSTEM, "event base");
	private->pending_event = event_new(role->base, -1, 0, on_pending, role);
	private->tick_event = event_new(role->base, -1, 0, on_tick, role);
	if (private->control >= 0)
	private->control_event = event_new(role->base, private->control,
	    EV_READ | EV_PERSIST, on_control, role);
	if (private->pending_event == NULL || private->tick_event == NULL ||
	    (private->control >= 0 &&
		(private->control_event == NULL ||
		    event_add(private->control_event, NULL) < 0)))
		return why_set(why, WHY_NOMEM, "control events");
	return 0;
}

void
role_block(struct role *role, enum role_kind kind)
{
	role->private->blocked |= ROLE_BIT(kind);
}

int
role_enter(struct role *role, struct why *why)
{
	if (role->jailed) {
		int code = jail_enter(role, why);
		if (code < 0)
			return code;
	}
	role->private->entered = true;
	int code = role_peers_attach(role, why);
	if (code < 0)
		return code;
	if (role->private->control >= 0)
		role_control_send(role, CONTROL_READY, SPAN_NONE);
	if (role->private->pending != NULL && role->private->pending_event)
		event_active(role->private->pending_event, 0, 0);
	return 0;
}

int
role_run(struct role *role)
{
	if (!role->private->leaving || !all_sent(role))
		(void)event_base_dispatch(role->base);
	return 0;
}

size_t
role_body_max(const struct conf *conf)
{
	size_t payload = (size_t)(conf->limits.payload_bytes + MIB);
	size_t most = payload > BODY_LEAST ? payload : BODY_LEAST;
	return most > WIRE_BODY_MAX ? WIRE_BODY_MAX : most;
}

struct role *
role_new(enum role_kind kind, unsigned slot, uint32_t instance,
    const struct conf *conf, int take_control)
{
	struct role *role = calloc(1, sizeof *role);
	struct role_private *private = calloc(1, sizeof *private);
	if (role == NULL || private == NULL) {
		free(role);
		free(private);
		return NULL;
	}
	private->control = take_control;
	private->body_max = role_body_max(conf);
	*role = (struct role){.kind = kind,
	    .slot = slot,
	    .instance = instance,
	    .spec = role_spec_for(kind, conf),
	    .conf = conf,
	    .private = private};
	return role;
}

void
role_free(struct role *role)
{
	if (role == NULL)
		return;
	struct role_private *private = role->private;
	while (role->peers != NULL) {
		struct role_peer *peer = role->peers;
		role->peers = peer->next;
		role_peer_free(peer);
	}
	role_asks_clear(role);
	for (struct pending *p = private->pending, *next; p != NULL; p = next) {
		next = p->next;
		if (p->fd >= 0)
			(void)close(p->fd);
		buf_clear(&p->bytes);
		free(p);
	}
	if (private->control_event != NULL)
		event_free(private->control_event);
	if (private->pending_event != NULL)
		event_free(private->pending_event);
	if (private->tick_event != NULL)
		event_free(private->tick_event);
	if (private->control >= 0)
		(void)close(private->control);
	if (role->base != NULL)
		event_base_free(role->base);
	free(private);
	free(role);
}
