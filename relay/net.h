/*
 * net - what the handlers of one net process share.
 */
#pragma once

#include "base/limits.h"
#include "relay/authority.h"
#include "relay/callers.h"
#include "relay/http.h"
#include "relay/role.h"
#include "relay/spool_wire.h"
#include "spool/spool_view.h"

#include <stdbool.h>

struct fair;
struct issuer;
struct log_heads;
struct metakeys;
struct metrics;
struct polls;
struct profiles;
struct render_queue;
struct tokens;
struct uploads;

struct net {
	struct role *role;
	const struct conf *conf;
	const struct limits *limits; /* &conf->limits */
	struct event_base *base;
	struct http_server *http;  /* public listeners */
	struct http_server *admin; /* the admin listener */
	struct spool_view *view;   /* begin/end around each look; never across
				      a return to the event loop */
	struct callers *callers;
	struct tokens *tokens; /* NULL: no issuer is configured */
	struct issuer *issuer;
	struct fair *fair;
	struct polls *polls;
	struct metrics *metrics;
	struct metakeys *metakeys;
	struct log_heads *log_heads;
	struct buf conservation; /* the newest statement; empty: none yet */
	struct render_queue *renders;
	struct uploads *uploads; /* submission's own */
	bool draining;
};

/*
 * Ask spool, with waiting and asking again (ROLE_ASK_AGAIN). answered is
 * called exactly once, never from inside: code 0 and the answer (lent for the
 * call; answer->code is the operation's own), or the failure of asking.
 * The net lives until the event loop ends, so nothing need be cancelled: an
 * owner that goes sets itself aside with net_ask_cancel().
 */
struct net_ask;
typedef void net_answer_fn(void *arg, int code,
    const struct spool_answer *answer, const struct why *why);
int net_ask_spool(struct net *net, uint16_t type, struct span body,
    net_answer_fn *answered, void *arg, struct net_ask **out);
/* The same; on success body and bytes are taken away (see role_ask_take()). */
int net_ask_spool_take(struct net *net, uint16_t type, struct buf *body,
    struct buf *bytes, net_answer_fn *answered, void *arg,
    struct net_ask **out);
void net_ask_cancel(struct net_ask *ask); /* NULL is fine */

/* Answer with JSON, as jansson's (freed), or as text (formats/json_write.h;
 * cleared). What could not be built is answered 500. status 200 or 201. */
struct json_t;
void net_answer_json(
    struct http_request *request, unsigned status, struct json_t *take_json);
void net_answer_text(
    struct http_request *request, unsigned status, struct buf *take_text);

/* "EPOCH.SEQUENCE", as cursors are written. */
#define CURSOR_SIZE 32
void cursor_build(char text[CURSOR_SIZE], struct spool_position position);
/* NULL or "" is the start. */
bool cursor_parse(const char *text, struct spool_position *position);

/* Log access.denied: who, by which route (request NULL: not told), and why.
 * resource is an id, a mailbox or a message type; NULL: not told. */
void net_denied(const struct http_request *request, const struct caller *caller,
    enum denial denial, const char *resource);
/* The same, and answer 404 as if it were not there. message: the id of a
 * message or an upload, by the route; NULL for a mailbox. */
void net_deny(struct http_request *request, const struct caller *caller,
    enum denial denial, const char *message);
/* The roles by which the caller may; 0 after net_deny(). */
unsigned net_permit(struct http_request *request, const struct caller *caller,
    enum act act, const struct resource *resource, const char *message);
