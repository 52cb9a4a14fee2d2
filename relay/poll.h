/*
 * poll - requests that wait for news (long-polls).
 *
 * A poll is tried again when spool tells of news for its organisation, every
 * few seconds in case that was not heard, and once more at its end.
 */
#pragma once

#include "relay/net.h"

#include <stdbool.h>
#include <stddef.h>

struct poll;

/* Look, and answer the request if there is something or when last. True when
 * the request was answered: the poll is then gone. Never called from inside
 * poll_new(). */
typedef bool poll_try_fn(void *arg, bool last);

/* net->polls. */
int polls_open(struct net *net, struct why *why);
void polls_close(struct net *net);
/* News of spool. */
void polls_wake(struct net *net, const struct spool_wake *wake);
/* Answer all of them now: the process is leaving. */
void polls_end(struct net *net);
size_t polls_count(const struct net *net);

/* organisation: whose news, copied; "" for everybody's. Takes a share of the
 * caller's polls: NULL when it is used up or there is no memory. */
struct poll *poll_new(struct net *net, const struct caller *caller,
    const char *organisation, int64_t wait_ms, poll_try_fn *try, void *arg);
void poll_free(struct poll *poll); /* NULL is fine */
