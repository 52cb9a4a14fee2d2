/*
 * fair - what each organisation may use of the relay at once.
 *
 * Requests by a token bucket (limits.requests_per_second, a second's worth may
 * come at once), submissions under way, and long-polls. Every organisation in
 * callers.conf has shares of the same size: one that is noisy is refused with
 * 429 before its work costs the others anything. What is under its share, but
 * much, takes turns: see fair_turn_begin().
 *
 * What has been taken must be given back with the call of the same name.
 */
#pragma once

#include "base/limits.h"
#include "relay/callers.h"

#include <stdbool.h>
#include <stddef.h>

struct fair;

/* shares: callers_shares(). limits are lent. NULL without memory. */
struct fair *fair_new(size_t shares, const struct limits *limits);
void fair_free(struct fair *fair); /* NULL is fine */

/* One request now; false: refused, and *retry_s (may be NULL) is how long to
 * wait, at least 1. */
bool fair_request(
    struct fair *fair, const struct caller *caller, unsigned *retry_s);

bool fair_upload_begin(struct fair *fair, const struct caller *caller);
void fair_upload_end(struct fair *fair, const struct caller *caller);

bool fair_poll_begin(struct fair *fair, const struct caller *caller);
void fair_poll_end(struct fair *fair, const struct caller *caller);

/*
 * A small submission (its body comes at once, or hurts nobody but its own
 * organisation) takes a turn. While other organisations send too, one has at
 * most turns_per_organisation of them under way and the rest wait in their
 * order, so that who sends one message waits for few others' messages and not
 * for all of them; an organisation that is alone waits for nothing.
 */
/* Would its next submission have to wait? Then its connections may, too. */
bool fair_is_behind(struct fair *fair, const struct caller *caller);

struct fair_turn;
typedef void fair_turn_fn(void *arg);

/* *now: go on at once; otherwise go(arg) will be called, from within another
 * turn's end. NULL: refused, as many wait already as may be under way, or there
 * is no memory. */
struct fair_turn *fair_turn_begin(struct fair *fair,
    const struct caller *caller, fair_turn_fn *go, void *arg, bool *now);
/* Give it back, whether it came or not. NULL is fine. */
void fair_turn_end(struct fair_turn *turn);
