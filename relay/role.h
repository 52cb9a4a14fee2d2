/*
 * role - what a role's serve function is given, and how it reaches others.
 *
 * Life of a role: the process reads its configuration, its peers and its
 * listening sockets from the control socket; then serve() opens its files,
 * calls role_enter() (drops the user, jails, says ready) and works. A peer
 * that dies is replaced: its channel is lost, and the parent hands over the
 * end of a new one.
 */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "base/why.h"
#include "formats/wire.h"
#include "relay/channel.h"
#include "relay/conf.h"
#include "relay/roles.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct event_base;
struct pipe;

enum role_listen { LISTEN_TLS, LISTEN_UNIX, LISTEN_ADMIN };

struct role_listener {
	enum role_listen kind;
	int fd; /* bound, listening, non-blocking; the role's to close */
};
#define ROLE_LISTENERS_MAX 4

/* One process at the other end. */
struct role_peer {
	struct role *role;
	struct role_peer *next;
	enum role_kind kind;
	unsigned slot;     /* 0.. of its kind */
	uint32_t instance; /* never used twice in one life of the parent */
	bool retired;      /* ask it nothing new: a newer one is there */
	struct channel *channel; /* NULL while blocking or not attached */
	struct pipe *pipe;       /* NULL when it has a channel */
	void *own;               /* for the role's use; NULL at arrival */
};

/* All may be NULL. */
struct role_hooks {
	/* A frame from a peer: a request (to be answered with
	 * channel_answer(peer->channel, ...)), or a telling. */
	void (*request)(struct role *role, struct role_peer *peer,
	    const struct wire_frame *frame);
	/* peer->channel's unsent bytes fell under the low mark. */
	void (*taken)(struct role *role, struct role_peer *peer);
	void (*arrived)(struct role *role, struct role_peer *peer);
	/* The peer is freed after the call. */
	void (*left)(struct role *role, struct role_peer *peer);
	/* Take no new work, finish what is there, then call role_leave().
	 * NULL: the role leaves at once. After drain_seconds it is killed. */
	void (*drain)(struct role *role);
	/* A message of the parent for this role alone (wire.7). */
	void (*control)(struct role *role, const struct wire_frame *frame);
};

/* types on the control socket, see wire.7 */
enum role_control {
	CONTROL_CONF = 1,   /* parent to role: configuration, start anew */
	CONTROL_PEER = 2,   /* parent to role, with a descriptor */
	CONTROL_LISTEN = 3, /* parent to role, with a descriptor */
	CONTROL_START = 4,  /* parent to role: all is there, serve */
	CONTROL_RETIRE = 5, /* parent to role: ask that peer nothing more */
	CONTROL_DRAIN = 6,  /* parent to role: finish and leave */
	CONTROL_DEATHS = 7, /* parent to spool: a role dies again and again */
	CONTROL_READY = 16, /* role to parent: serving */
	CONTROL_STUCK = 17, /* spool to parent: end the net of this pid */
	CONTROL_PROBE = 32, /* test builds: try what must fail, both ways */
};

struct role {
	enum role_kind kind;
	unsigned slot;
	uint32_t instance;
	const struct role_spec *spec;
	const struct conf *conf;
	struct event_base *base; /* NULL in roles that use pipe_serve() */
	const struct role_hooks *hooks;
	void *own; /* the role's state */
	bool draining;
	struct role_peer *peers;
	struct role_listener listeners[ROLE_LISTENERS_MAX];
	size_t listener_count;
	bool jailed; /* false: role_enter() makes no jail (tests) */
	struct role_private *private;
};

/*
 * An event base for role->base, with the control socket on it. Call before
 * role_enter() in every role that uses libevent.
 */
int role_base_new(struct role *role, struct why *why);

/*
 * From now on peers of that kind are asked with role_ask_wait() only and have
 * a pipe in place of a channel. Call before role_enter().
 */
void role_block(struct role *role, enum role_kind kind);

/*
 * All files are open: drop the user, put up the jail, attach channels to the
 * peers and tell the parent that this role serves. Whatever a library opens
 * lazily (time zone, OpenSSL's configuration, a generator) must have been used
 * once before. An error means the role must end. The working folder is then
 * the spool's for the role that may open files there (which must use relative
 * names: its user may have no way through the folders above), else /.
 */
int role_enter(struct role *role, struct why *why);

/* Run the event loop until role_leave() or the parent's end. 0. */
int role_run(struct role *role);
/* Leave: role_run() returns as soon as all channels' bytes are sent. */
void role_leave(struct role *role);

/* The least busy peer of a kind that is not retired, or NULL. */
struct role_peer *role_peer_pick(struct role *role, enum role_kind kind);

/* ---- asking with waiting and asking again ---- */

struct role_ask; /* one question under way */

#define ROLE_SPOOL_WAITS 2 /* spool itself may wait once for keys */

enum { ROLE_ASK_ONCE = 0, ROLE_ASK_AGAIN = 1 };

/*
 * Ask some peer of a kind. The body is copied. When no peer is there the ask
 * waits for one, at most limits.role_wait_ms, then fails with WHY_GONE. When
 * the peer is lost before its answer, an ask with ROLE_ASK_AGAIN is put to the
 * next one with the same body (the time starts anew), one without fails with
 * WHY_GONE. A peer that is there and does not answer an ask with ROLE_ASK_AGAIN
 * for as long is waited for no more, spool for ROLE_SPOOL_WAITS times as long:
 * WHY_GONE too.
 * answered is called exactly once, never from inside role_ask(); the answer
 * must be one frame. *ask may be kept for role_ask_cancel() until answered is
 * called; out may be NULL. Fails only for want of memory.
 */
int role_ask(struct role *role, enum role_kind kind, uint16_t type,
    struct span body, int how, channel_answer_fn *answered, void *arg,
    struct role_ask **out);
/* The same with a body that is not copied but taken away: empty afterwards, but
 * after a failure left as it was. bytes are the body's end, so that large ones
 * need not be copied behind the rest; NULL: the body is whole. */
int role_ask_take(struct role *role, enum role_kind kind, uint16_t type,
    struct buf *body, struct buf *bytes, int how, channel_answer_fn *answered,
    void *arg, struct role_ask **out);
void role_ask_cancel(struct role_ask *ask); /* NULL is fine */

/*
 * Ask and wait here, at most timeout_ms: for peers that role_block() names,
 * or before role_enter() for any. Survives the peer's death: the question is
 * put to the next one while time is left. 0 and the answer's body appended to
 * *answer; the other side's code; or WHY_GONE.
 */
int role_ask_wait(struct role *role, enum role_kind kind, uint16_t type,
    struct span body, int64_t timeout_ms, struct buf *answer, struct why *why);

/* spool only: the net process of this pid holds a reader for too long. The
 * parent ends it. */
void role_stuck(struct role *role, pid_t pid);

/* What CONTROL_DEATHS says. */
struct role_deaths {
	enum role_kind kind;
	uint32_t count; /* in the last ten seconds */
	bool ended;     /* it has stayed alive since: the all-clear */
};
bool role_deaths_parse(const struct wire_frame *frame, struct role_deaths *out);
