/*
 * render_queue - payloads on their way to the render roles.
 *
 * Each worker has at most one payload at a time, and organisations take turns:
 * one that sends many, or slow ones, waits for itself. What a worker dies of is
 * then known: a payload that ended two is refused for an hour, by its digest.
 * What is cancelled before its turn costs render nothing.
 */
#pragma once

#include "relay/net.h"

#include <stdint.h>

struct render_job;
struct render_queue;

/* net->renders. */
int render_queue_open(struct net *net, struct why *why);
void render_queue_close(struct net *net);
/* A worker has come. */
void render_queue_turn(struct net *net);

/* True when what has this digest (lower-case hex SHA-256) ended two workers
 * within the hour. */
bool render_queue_deadly(const struct net *net, const char *sha256);

/*
 * Put a request to render when its turn comes. answered is called exactly once,
 * never from inside, as channel_answer_fn; not after render_queue_cancel().
 * Takes the bytes of take_body, also on an error.
 */
int render_queue_put(struct net *net, const struct caller *caller,
    uint16_t type, const char *sha256, struct buf *take_body,
    channel_answer_fn *answered, void *arg, struct render_job **out);
void render_queue_cancel(struct render_job *job); /* NULL is fine */
