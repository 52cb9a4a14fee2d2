/*
 * metrics - what the net process counts, as Prometheus text (0.0.4).
 *
 * Labels come from closed lists (route names, status classes, states, causes):
 * never an id, an organisation or a person.
 */
#pragma once

#include "base/buf.h"
#include "relay/http.h"

#include <stdint.h>

struct net;
struct metrics;

/* NULL without memory. */
struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics); /* NULL is fine */

/* One finished request. */
void metrics_request(struct metrics *metrics, const struct http_record *record);
/* A stream refused before it was a request. */
void metrics_refused(struct metrics *metrics, unsigned status);

/* Append everything: requests, the store's counts from net->view, connections,
 * submissions under way. */
void metrics_build(struct net *net, struct buf *out);
