/*
 * http - a thin HTTP/1.1 server on libevent: TLS, Unix and plain listeners.
 *
 * One request at a time per connection. A request's handle lives from
 * on_request until exactly one of on_answered and on_abort, its last call.
 * Everything runs in the event loop's thread; a handler may answer at once,
 * take the body, or keep the handle and answer later.
 *
 * The server knows nothing of what it carries, and logs nothing of it.
 */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "base/why.h"
#include "relay/http_parse.h"
#include "relay/tls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct http_server;  /* listeners and their connections */
struct http_request; /* one request and its answer */

enum http_kind {
	HTTP_TLS,   /* callers known by the certificate of the session */
	HTTP_UNIX,  /* a proxy in front; certificate in a header field */
	HTTP_PLAIN, /* no certificate: the admin listener */
};

/* One finished request, for log and metrics. route is what http_route_set()
 * said, or NULL. status 0: the client left before an answer began. */
struct http_record {
	enum http_kind kind;
	enum http_verb verb;
	const char *route;
	unsigned status;
	bool whole; /* the answer was written out to its end */
	uint64_t bytes_in;
	uint64_t bytes_out;
	int64_t ms; /* from the header's end to the answer's */
	void *tag;  /* what http_tag_set() said, or NULL */
};

struct http_app {
	/* The header is there. To be answered, now or later. */
	void (*on_request)(struct http_request *request, void *arg);
	/* May be NULL. */
	void (*on_finished)(const struct http_record *record, void *arg);
	/*
	 * The server itself refuses: a stream that is no request, a body over
	 * its limit, a deadline (status and static reason; body may be filled
	 * with application/problem+json), or a connection (status 0, body
	 * NULL). May be NULL.
	 */
	void (*on_refused)(enum http_kind kind, unsigned status,
	    const char *reason, struct buf *body, void *arg);
};

struct http_listener {
	int fd; /* bound and listening, non-blocking; the server closes it */
	enum http_kind kind;
	struct tls *tls;                /* HTTP_TLS: lent until http_free() */
	const char *certificate_header; /* HTTP_UNIX: lower case or NULL; lent
					   until http_free() */
	const struct http_app *app;     /* lent until http_free() */
	void *arg;                      /* for the app's calls */
};

/* limits are copied. NULL without memory. */
struct http_server *http_new(
    struct event_base *base, const struct limits *limits);
int http_listen(struct http_server *server,
    const struct http_listener *listener, struct why *why);

/* Serve one connected socket as if accepted by a listener like this (its fd
 * is not used). Takes take_fd. For tests on socketpairs. */
int http_adopt(struct http_server *server, const struct http_listener *listener,
    int take_fd, struct why *why);

/*
 * Stop accepting, close what is idle, finish what runs (with "Connection:
 * close"). on_drained is called once, when the last connection has ended.
 */
void http_drain(
    struct http_server *server, void (*on_drained)(void *arg), void *arg);

/* Ends every connection at once (on_abort for running requests). */
void http_free(struct http_server *server);

size_t http_connections(const struct http_server *server);

/* ---- what was asked; all lent until the handle's last call ---- */

const struct http_head *http_head(const struct http_request *request);
const char *http_field(const struct http_request *request, const char *name);
const char *http_query(const struct http_request *request, const char *name);
enum http_kind http_kind(const struct http_request *request);

/* SHA-256 of the caller's certificate; NULL when it showed none. */
const uint8_t *http_digest(const struct http_request *request);

/* The route's name for the record; a static text. */
void http_route_set(struct http_request *request, const char *route);
const char *http_route(const struct http_request *request);

/* Something of the app's that comes back in the record, whoever answers. */
void http_tag_set(struct http_request *request, void *tag);

/* Whether its connection may wait for all others', from now on. */
void http_let_wait(struct http_request *request, bool slow);

/* ---- what the handler wants to hear ---- */

struct http_calls {
	/* A piece of the body, valid during the call. */
	void (*on_body)(
	    struct http_request *request, struct span piece, void *arg);
	/* The body is whole. Never called for a truncated one. */
	void (*on_end)(struct http_request *request, void *arg);
	/* A streamed answer has room: call http_answer_write() now or later
	 * (it is asked again only after something was written). */
	void (*on_room)(struct http_request *request, size_t room, void *arg);
	/* The answer was handed to the socket whole. Last call. */
	void (*on_answered)(struct http_request *request, void *arg);
	/* The client left, or the connection broke or timed out, before that.
	 * Last call. */
	void (*on_abort)(struct http_request *request, void *arg);
};

/* calls are lent until the last call; each may be NULL. NULL: hear nothing
 * more, not even the last call. */
void http_calls_set(
    struct http_request *request, const struct http_calls *calls, void *arg);
void *http_calls_arg(const struct http_request *request);

/*
 * Accept the body: reads on (and answers "100 Continue" where the client waits
 * for it), gives on_body and on_end, never before this function has returned.
 * A body over max bytes is answered 413 by the server and on_abort is called.
 * A request that is answered without it is refused early: the answer is sent,
 * then linger_bytes or linger_ms of the body are read and thrown away.
 */
void http_body_take(struct http_request *request, uint64_t max);
void http_body_pause(struct http_request *request);
void http_body_resume(struct http_request *request);

/* ---- the answer ---- */

/* A field of the answer; the server adds Date, Content-Length, Connection. A
 * value with a control byte makes the answer a 500. */
void http_field_add(
    struct http_request *request, const char *name, const char *value);

/* The whole answer; the bytes are copied. content_type may be NULL when body
 * is empty. HEAD gets the same header and no body. */
void http_answer(struct http_request *request, unsigned status,
    const char *content_type, struct span body);

/* An answer of length bytes that follow through http_answer_write(); the
 * server asks for them by on_room. HEAD, 204 and 304 need none. */
void http_answer_start(
    struct http_request *request, unsigned status, uint64_t length);
/* Copies. More than length announced is the program's fault (assert). */
void http_answer_write(struct http_request *request, struct span piece);
/* The bytes cannot be had after all: the connection is cut, so that the client
 * sees a short answer; on_abort is called. */
void http_answer_break(struct http_request *request);

/* An answer has begun (no other may). */
bool http_answered(const struct http_request *request);

/* "Tue, 24 Nov 2026 07:00:00 GMT" (RFC 9110 section 5.6.7). */
#define HTTP_DATE_SIZE 30
void http_date_build(char text[HTTP_DATE_SIZE], int64_t wall_ms);
