/*
 * pipe - the simple loop of render, scan and keys: read a frame, handle it,
 * write the answer; nothing else happens meanwhile.
 *
 * SECURITY: reads bytes of a role that may have been taken over; what breaks
 * the rules ends that pipe and nothing more.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "formats/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct role;
struct role_peer;
struct pipe;

struct pipe_hooks {
	/*
	 * One frame: a request, a further frame of one, or a telling. Answer
	 * with pipe_answer() or pipe_refuse(), now or at a later frame. The
	 * body is lent for the call.
	 */
	void (*frame)(struct role *role, struct role_peer *peer,
	    const struct wire_frame *frame);
	/* The peer is gone: forget what was begun for it. May be NULL. */
	void (*left)(struct role *role, struct role_peer *peer);
	/* Called at least every second. May be NULL. */
	void (*idle)(struct role *role);
	/* Frames are handled so fast that answers may wait for those that came
	 * with them: one write carries all. */
	bool gather;
	/* Frames are overwritten when they have been handled. */
	bool wipe;
};

/* Serve every peer until the parent says drain or ends. Call after
 * role_enter(), with no role_base_new(). 0. */
int pipe_serve(struct role *role, const struct pipe_hooks *hooks);

/* Write one answer frame whole; blocks while the other side is slow. A broken
 * pipe is found by the loop. flags: WIRE_MORE or 0. */
void pipe_answer(struct role_peer *peer, uint64_t request, uint16_t type,
    uint16_t flags, struct span body);
void pipe_refuse(
    struct role_peer *peer, uint64_t request, const struct why *why);

/* ---- for role.c ---- */

struct pipe *pipe_new(int take_fd, size_t body_max); /* NULL: no memory */
void pipe_free(struct pipe *pipe);
int pipe_fd(const struct pipe *pipe);
int pipe_fd_take(struct pipe *pipe); /* the pipe is freed, must hold no bytes */
/* Read what is there without waiting. WHY_GONE at the end of the stream. */
int pipe_fill(struct pipe *pipe, struct why *why);
/* The next whole frame in what was read: 1, 0 for none, negative. */
int pipe_next(struct pipe *pipe, struct wire_frame *frame, struct why *why);
/* Write a frame whole, waiting until deadline (monotonic ms, -1 for ever). */
int pipe_write(struct pipe *pipe, const struct wire_frame *frame,
    int64_t deadline_ms, struct why *why);
