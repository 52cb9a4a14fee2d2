/*
 * http_priv - shared by http_server.c, http_connection.c and http_answer.c.
 *
 * A connection serves one request at a time, so that struct http_request is
 * both: what stands under "of the request" is made new for each.
 */
#pragma once

#include "relay/http.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/queue.h>

#define HTTP_READ_MARK (64u << 10) /* bytes read ahead of the handler */
#define HTTP_SLAB (64u << 10)      /* of a large body, handed on at once */
#define HTTP_WRITE_MARK                                                        \
	(64u << 10)            /* under this a stream is asked for more        \
				*/
#define HTTP_PIECE (64u << 10) /* as much is asked for at once */
#define HTTP_PAST                                                              \
	(240u << 10) /* of an answer in one turn, when taken at once */
#define HTTP_FIELDS_MOST (16u << 10)
#define HTTP_ADDRESSES 1024 /* buckets */

struct listening {
	SLIST_ENTRY(listening) links;
	struct http_server *server;
	struct http_listener config;
	struct evconnlistener *evconn; /* NULL when adopted only */
	struct event retry;
};

/* Open connections of one address. */
struct address {
	SLIST_ENTRY(address) links;
	uint8_t key[16];
	uint64_t connections;
};

struct http_server {
	struct event_base *base;
	struct limits limits;
	struct http_reader_limits reader_limits;
	SLIST_HEAD(, listening) listenings;
	TAILQ_HEAD(, http_request) all;
	TAILQ_HEAD(idle_list, http_request) idle; /* oldest first */
	SLIST_HEAD(, address) addresses[HTTP_ADDRESSES];
	TAILQ_HEAD(, http_request) lane; /* that may wait, with work */
	struct event lane_turn;
	struct event lane_work;
	size_t connections;
	bool draining;
	void (*on_drained)(void *arg);
	void *drained_arg;
	struct event drained;
	int64_t date_at; /* second that date is of */
	char date[HTTP_DATE_SIZE];
};

enum phase {
	PHASE_HANDSHAKE, /* of TLS */
	PHASE_IDLE,      /* before the first byte of a request */
	PHASE_HEAD,      /* in the header */
	PHASE_REQUEST,   /* from the header's end to the answer's */
	PHASE_LINGER,    /* answered; reads on only so that it can be read */
};

struct http_request {
	TAILQ_ENTRY(http_request) links;
	TAILQ_ENTRY(http_request) idle_links;
	TAILQ_ENTRY(http_request) lane_links;
	struct http_server *server;
	struct listening *listening;
	struct address *address; /* NULL on a Unix socket */
	struct bufferevent *stream;
	struct event timer;
	struct event kick; /* go on, from the event loop */
	struct http_reader reader;
	enum phase phase;
	unsigned depth; /* calls on the stack that hold this */
	bool fresh;     /* no request yet */
	bool dead;
	bool is_idle; /* in server->idle */
	bool slow;    /* takes the slow lane */
	bool in_lane;
	bool reading; /* the stream takes bytes in */
	bool ended;   /* the client sends nothing more */
	bool session_digest;
	uint64_t sent_before; /* progress seen when the timer was set */
	uint64_t linger_left;

	/* of the request */
	const struct http_calls *calls;
	void *calls_arg;
	const char *route;
	void *tag;
	bool running; /* between on_request and its last call */
	bool has_digest;
	uint8_t digest[TLS_DIGEST_SIZE];
	bool body_taken;
	bool body_paused;
	bool body_ended; /* all of it was read */
	bool end_told;
	bool in_body; /* inside on_body */
	bool over;    /* the body is over body_max */
	uint64_t body_max;
	uint64_t body_got;
	bool answered;
	bool broken; /* http_answer_break() */
	bool close_after;
	bool asked;  /* on_room was called, nothing written since */
	size_t past; /* bytes that may yet go past the stream, this turn */
	bool fields_bad;
	uint64_t answer_left;
	struct buf fields;
	unsigned status;
	uint64_t bytes_in;
	uint64_t bytes_out; /* handed to the output buffer */
	int64_t started_ms;
};

/* http_connection.c */
int connection_new(struct listening *listening, int take_fd,
    struct address *address, struct why *why);
void connection_close(struct http_request *request);
void connection_kick(struct http_request *request);
/* Work on what has been read. */
void connection_read(struct http_request *request);

bool connection_may_read(const struct http_request *request);
/* One event of the reader; false when there is nothing more to read now. in is
 * the front of input, or when input is NULL, bytes of the caller's. */
bool connection_step(struct http_request *request, struct evbuffer *input,
    struct span in, size_t *used);

/* http_body.c */
bool body_is_large(const struct http_request *request);
/* Hand on what there is of it, in large pieces. False when it is known that the
 * client has gone. */
bool body_read(struct http_request *request, struct ssl_st *ssl);

/* http_deadline.c */
/* Bytes of the answer that the socket has not taken, and that it has. */
size_t request_unsent(const struct http_request *request);
uint64_t request_sent(const struct http_request *request);
/* The client owes bytes of the body. */
bool request_waits(const struct http_request *request);
void deadline_update(struct http_request *request);
void request_phase(struct http_request *request, enum phase phase);

/* http_lane.c */
void lane_open(struct http_server *server);
void lane_close(struct http_server *server);
/* false: it is not one of those that wait. */
bool lane_put(struct http_request *request);
void lane_leave(struct http_request *request);

/* http_answer.c */
/* The answer to what never became a request or broke off; closes after it. */
void answer_refusal(
    struct http_request *request, unsigned status, const char *reason);
void answer_reset(struct http_request *request);

/* http_server.c */
void server_left(struct http_request *request);
const char *server_date(struct http_server *server);
