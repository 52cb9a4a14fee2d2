/*
 * role_priv - what role.c, pipe.c and the start of a role share.
 */
#pragma once

#include "relay/role.h"

/* The largest message on the control socket: the configuration. */
#define CONTROL_MAX (CONF_TEXT_MAX + 40 * KIB)

struct pending; /* a control message put off */

struct role_private {
	int control;
	struct event *control_event;
	struct event *pending_event;
	struct event *tick_event;
	struct pending *pending;
	struct role_ask *asks;
	uint32_t blocked;       /* ROLE_BIT()s of role_block() */
	uint64_t last_blocking; /* request ids of role_ask_wait() */
	size_t body_max;
	bool entered;
	bool started; /* CONTROL_START has come */
	bool leaving;
	bool put_off; /* in role_ask_wait(): hooks must not run */
	bool ticking;
	int64_t leave_at; /* monotonic: leave then, sent or not */
};

int role_control_fd(const struct role *role);

/*
 * Read one message of the parent and do it. The parent's end ends this
 * process: there is nobody to serve for.
 */
void role_control_read(struct role *role);

/* A message to the parent; its failure is the parent's end, found elsewhere. */
void role_control_send(struct role *role, uint16_t type, struct span body);

/* Take in a peer: the descriptor is consumed. */
void role_peer_take(struct role *role, enum role_kind kind, unsigned slot,
    uint32_t instance, int take_fd);
void role_peer_free(struct role_peer *peer);
/* Log that a peer broke the rules. */
void role_peer_broken(const struct role_peer *peer, const struct why *why);
/* Give every peer that may have one its channel. */
int role_peers_attach(struct role *role, struct why *why);

/* ask.c: waiting asks of a kind go to a new peer; a tick of the clock. */
void role_asks_submit(struct role *role, enum role_kind kind);
bool role_asks_tick(struct role *role); /* true while there are waiting ones */
void role_tick_start(struct role *role);

void role_asks_clear(struct role *role); /* without a word to anybody */

/* A role without a process around it. control may be -1. */
struct role *role_new(enum role_kind kind, unsigned slot, uint32_t instance,
    const struct conf *conf, int take_control);
void role_free(struct role *role);
size_t role_body_max(const struct conf *conf);

/* One control message with at most one descriptor; see wire.7. */
int control_send(int fd, uint16_t type, struct span body, int pass_fd);
/* 1 and the frame (in *buf), 0 at the end of the other side, negative. */
int control_receive(
    int fd, struct buf *buf, struct wire_frame *frame, int *pass_fd);
