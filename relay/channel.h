/*
 * channel - requests and answers over one stream between two roles (libevent).
 *
 * Both sides may ask. An answer comes as one frame, or as several of which all
 * but the last carry WIRE_MORE; a request may have further frames too
 * (channel_more()). Bytes that the other side does not take stay here:
 * channel_unsent() tells how many, and the one who produces them must stop
 * until hooks->taken is called.
 * SECURITY: reads bytes of a role that may have been taken over; a frame that
 * is too large, malformed or answers what was not asked ends the channel.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "formats/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct channel;
struct event_base;

struct channel_hooks {
	/* A request (request != 0, to be answered), a further frame of one, or
	 * a telling (request == 0). The body is lent for the call. */
	void (*request)(
	    struct channel *channel, const struct wire_frame *frame, void *arg);
	/* Unsent bytes fell under the low mark. May be NULL. */
	void (*taken)(struct channel *channel, void *arg);
	/* The other side is gone or broke the rules (why->code WHY_GONE or
	 * WHY_MALFORMED, WHY_TOO_LARGE). All asks have failed with WHY_GONE
	 * before. The hook frees the channel or leaves it dead. */
	void (*lost)(struct channel *channel, const struct why *why, void *arg);
};

/*
 * An answer: code 0 and the frame (more follow while it carries WIRE_MORE), or
 * a negative code, why, and frame NULL: the last call for this ask. The body
 * is lent for the call.
 */
typedef void channel_answer_fn(
    void *arg, int code, const struct wire_frame *frame, const struct why *why);

#define CHANNEL_LOW_MARK (UINT64_C(64) << 10)
/* Over this many unsent bytes a producer of streams should wait. */
#define CHANNEL_HIGH_MARK (UINT64_C(256) << 10)

/* Takes take_fd (made non-blocking, closed by channel_free()). NULL when there
 * is no memory (the descriptor is then closed). */
struct channel *channel_new(struct event_base *base, int take_fd,
    size_t body_max, const struct channel_hooks *hooks, void *arg);
/* No hook and no answer is called after this. Safe inside hooks. */
void channel_free(struct channel *channel);

/*
 * Ask. *request is the id, for channel_more() and channel_cancel(); may be
 * NULL. WHY_GONE when the channel is dead (answered is then never called).
 */
int channel_ask(struct channel *channel, uint16_t type, uint16_t flags,
    struct span body, channel_answer_fn *answered, void *arg,
    uint64_t *request);
/* The same, with no further frames, and the body in two pieces: large bytes
 * need not be copied to stand behind what goes before them. */
int channel_ask_with(struct channel *channel, uint16_t type, struct span body,
    struct span bytes, channel_answer_fn *answered, void *arg,
    uint64_t *request);
/* A further frame of an own ask. flags: WIRE_MORE or 0 for the last. */
int channel_more(struct channel *channel, uint64_t request, uint16_t type,
    uint16_t flags, struct span body);
/* Forget an ask: its answers are dropped when they come. */
void channel_cancel(struct channel *channel, uint64_t request);

/* Answer a request of the other side. flags: WIRE_MORE or 0. */
int channel_answer(struct channel *channel, uint64_t request, uint16_t type,
    uint16_t flags, struct span body);
/* Answer with a failure. */
int channel_refuse(
    struct channel *channel, uint64_t request, const struct why *why);
/* A telling: nobody answers. */
int channel_tell(struct channel *channel, uint16_t type, struct span body);
/* The same, with the body in two pieces. */
int channel_tell_with(struct channel *channel, uint16_t type, struct span body,
    struct span bytes);

/* From now on small asks and answers wait as small tellings do, until the event
 * loop has done what is at hand: under load one write carries several. Not for
 * a loop whose turn may block. */
void channel_gather(struct channel *channel);

/* What is sent between the two goes out at once with the last release, so that
 * the other process is woken once. Nest them; nothing may wait in between. */
void channel_hold(struct channel *channel);
void channel_release(struct channel *channel);

size_t channel_unsent(const struct channel *channel); /* bytes */
size_t channel_asks(const struct channel *channel);   /* unanswered own asks */
bool channel_is_dead(const struct channel *channel);
/* Stop and go on reading from the other side (back-pressure on it). */
void channel_pause(struct channel *channel);
void channel_resume(struct channel *channel);
/* Say that nothing more will be asked: the other side sees EOF once all is
 * sent. */
void channel_finish(struct channel *channel);
