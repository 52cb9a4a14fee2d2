/*
 * issuer - net keeps the keys of the token issuer fresh: courier fetches them.
 *
 * At the start, every quarter of an hour, and when a token has a kid that is
 * not known, but then at most every half minute. Keys that could not be
 * renewed for a day are dropped: no token is good from then on.
 */
#pragma once

#include "base/why.h"

#include <stdbool.h>
#include <stdint.h>

struct issuer;
struct net;

/* Nothing when no issuer is configured. Before role_enter(). */
int issuer_open(struct net *net, struct why *why);
void issuer_close(struct net *net);

/* A token has an unknown kid. true: the keys are being fetched, or are about
 * to be; the same token may be good then. */
bool issuer_refetch(struct net *net);
