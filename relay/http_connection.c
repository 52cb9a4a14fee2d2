/*
 * One connection: from the handshake through its requests to the close.
 *
 * SECURITY: the first to touch what comes from the network. The bytes are
 * judged by http_parse.c; here are the deadlines and bounds.
 */
#include "base/clock.h"
#include "relay/http_priv.h"

#include <assert.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const struct http_calls no_calls;

static void gate_update(struct http_request *request);

static void
connection_free(struct http_request *request)
{
	SSL *ssl = bufferevent_openssl_get_ssl(request->stream);

	if (ssl && request->phase != PHASE_HANDSHAKE) {
		/* say goodbye, do not wait for theirs */
		SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN);
		SSL_shutdown(ssl);
		ERR_clear_error();
	}
	bufferevent_free(request->stream);
	http_reader_clear(&request->reader);
	buf_clear(&request->fields);
	free(request);
}

static void
enter(struct http_request *request)
{
	request->depth++;
}

static void
leave(struct http_request *request)
{
	assert(request->depth > 0);
	if (--request->depth > 0)
		return;
	if (request->dead) {
		connection_free(request);
		return;
	}
	deadline_update(request);
	gate_update(request);
}

/* The handler's last call, and the record. */
static void
request_over(struct http_request *request, bool whole)
{
	const struct http_app *app = request->listening->config.app;
	struct http_record record = {
	    .kind = request->listening->config.kind,
	    .verb = request->reader.head.verb,
	    .route = request->route,
	    .status = request->status,
	    .whole = whole,
	    .bytes_in = request->bytes_in,
	    .bytes_out = request->bytes_out,
	    .ms = clock_mono_ms() - request->started_ms,
	    .tag = request->tag,
	};

	if (!request->running)
		return;
	request->running = false;
	void (*last)(struct http_request *, void *) =
	    whole ? request->calls->on_answered : request->calls->on_abort;
	if (last)
		last(request, request->calls_arg);
	if (app->on_finished)
		app->on_finished(&record, request->listening->config.arg);
}

void
connection_close(struct http_request *request)
{
	if (request->dead)
		return;
	request->dead = true;
	enter(request);
	request_over(request, false);
	server_left(request);
	event_del(&request->timer);
	event_del(&request->kick);
	bufferevent_setcb(request->stream, NULL, NULL, NULL, NULL);
	leave(request);
}

void
connection_kick(struct http_request *request)
{
	event_active(&request->kick, EV_TIMEOUT, 0);
}

/* ---- refusals ---- */

static void
refuse(struct http_request *request, unsigned status, const char *reason)
{
	bool answered = request->answered;

	request_over(request, false);
	if (request->dead)
		return;
	if (answered) { /* too late for another answer */
		connection_close(request);
		return;
	}
	answer_refusal(request, status, reason);
	request_phase(request, PHASE_REQUEST);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct http_request *request = arg;

	(void)fd;
	(void)what;
	enter(request);
	if (request->phase == PHASE_HEAD)
		refuse(request, 408, "header_seconds");
	else if (request->phase == PHASE_REQUEST &&
		 request_sent(request) != request->sent_before)
		; /* slow, but it goes on: deadline_update() sets it anew */
	else if (request->phase == PHASE_REQUEST && request_waits(request) &&
		 request_unsent(request) == 0)
		refuse(request, 408, "body_stall_seconds");
	else
		connection_close(request);
	leave(request);
}

/* ---- reading ---- */

static int
proxy_digest(struct http_request *request)
{
	const char *name = request->listening->config.certificate_header;
	const struct http_head *head = &request->reader.head;
	const char *value = NULL;

	if (!name)
		return 0;
	for (size_t i = 0; i < head->fields_count; i++) {
		if (strcmp(head->fields[i].name, name) != 0)
			continue;
		if (value) /* one from the proxy, one from a stranger? */
			return -1;
		value = head->fields[i].value;
	}
	if (!value || *value == 0)
		return 0;
	request->has_digest = true;
	return tls_header_digest(span_text(value), request->digest, NULL);
}

static void
request_begin(struct http_request *request)
{
	const struct http_listener *config = &request->listening->config;
	struct span body;
	size_t used;

	request_phase(request, PHASE_REQUEST);
	request->fresh = false;
	request->calls = &no_calls;
	request->calls_arg = NULL;
	request->route = NULL;
	request->tag = NULL;
	request->has_digest = request->session_digest;
	request->body_taken = false;
	request->body_paused = false;
	request->body_ended = false;
	request->end_told = false;
	request->over = false;
	request->body_got = 0;
	request->started_ms = clock_mono_ms();
	answer_reset(request);
	if (!request->reader.head.keep_alive || request->server->draining)
		request->close_after = true;
	if (config->kind == HTTP_UNIX && proxy_digest(request) < 0) {
		refuse(request, 400, "certificate header");
		return;
	}
	if (!request->reader.head.chunked && request->reader.head.length == 0)
		request->body_ended =
		    http_reader_feed(&request->reader, SPAN_NONE, &used,
			&body) == HTTP_EVENT_END;
	request->running = true;
	config->app->on_request(request, config->arg);
}

static void
body_piece(struct http_request *request, struct span piece)
{
	request->body_got += piece.size;
	if (request->body_got > request->body_max) {
		refuse(request, 413, "body over its limit");
		return;
	}
	request->in_body = true;
	if (request->calls->on_body)
		request->calls->on_body(request, piece, request->calls_arg);
	request->in_body = false;
}

bool
connection_may_read(const struct http_request *request)
{
	if (request->dead || request->broken || request->over)
		return false;
	if (request->phase == PHASE_IDLE || request->phase == PHASE_HEAD)
		return true;
	return request->phase == PHASE_REQUEST && request_waits(request);
}

/*
 * Read ahead of the handler, but not without end. Not by the stream's high
 * watermark: a TLS stream that it suspends may keep decrypted bytes inside and
 * never tell of them.
 */
static void
gate_update(struct http_request *request)
{
	struct evbuffer *input = bufferevent_get_input(request->stream);
	bool want = (connection_may_read(request) && !request->in_lane) ||
		    request->phase == PHASE_LINGER ||
		    evbuffer_get_length(input) < HTTP_READ_MARK;

	if (want == request->reading || request->ended)
		return;
	request->reading = want;
	if (want)
		bufferevent_enable(request->stream, EV_READ);
	else
		bufferevent_disable(request->stream, EV_READ);
}

bool
connection_step(struct http_request *request, struct evbuffer *input,
    struct span in, size_t *used)
{
	struct span body;

	enum http_event event =
	    http_reader_feed(&request->reader, in, used, &body);
	request->bytes_in += *used;
	if (event == HTTP_EVENT_BODY)
		body_piece(request, body);
	if (input)
		evbuffer_drain(input, *used);
	switch (event) {
	case HTTP_EVENT_HEAD:
		request_begin(request);
		return true;
	case HTTP_EVENT_BODY:
		if (request->phase == PHASE_REQUEST && !request->dead)
			event_del(&request->timer); /* it moved */
		return true;
	case HTTP_EVENT_END:
		request->body_ended = true;
		return true;
	case HTTP_EVENT_REFUSED:
		refuse(request, request->reader.status, request->reader.reason);
		return false;
	case HTTP_EVENT_MORE:
		break;
	}
	if (request->phase == PHASE_IDLE &&
	    request->reader.state == HTTP_READER_HEAD)
		request_phase(request, PHASE_HEAD);
	else if (request->phase == PHASE_REQUEST && *used > 0)
		event_del(&request->timer);
	return *used > 0;
}

static void
input_read(struct http_request *request)
{
	struct evbuffer *input = bufferevent_get_input(request->stream);
	size_t used;
	bool more = true;

	while (more && connection_may_read(request)) {
		struct evbuffer_iovec first = {NULL, 0};
		struct span in = SPAN_NONE;

		if (evbuffer_peek(input, -1, NULL, &first, 1) > 0)
			in = span_of(first.iov_base, first.iov_len);
		more = connection_step(request, input, in, &used);
	}
}

static void
linger(struct http_request *request)
{
	struct evbuffer *input = bufferevent_get_input(request->stream);
	size_t size = evbuffer_get_length(input);

	evbuffer_drain(input, size);
	if (size >= request->linger_left)
		connection_close(request);
	else
		request->linger_left -= size;
}

static void
process(struct http_request *request)
{
	if (request->broken) {
		connection_close(request);
		return;
	}
	if (request->over && !request->answered) {
		refuse(request, 413, "body over its limit");
		return;
	}
	if (request->phase == PHASE_LINGER) {
		linger(request);
		return;
	}
	SSL *ssl = bufferevent_openssl_get_ssl(request->stream);
	if (!ssl || !body_is_large(request))
		input_read(request);
	if (ssl && body_is_large(request) && !body_read(request, ssl)) {
		connection_close(request);
		return;
	}
	if (!request->dead && request->running && request->body_taken &&
	    request->body_ended && !request->body_paused &&
	    !request->end_told && !request->answered) {
		request->end_told = true;
		if (request->calls->on_end)
			request->calls->on_end(request, request->calls_arg);
	}
}

/* ---- after the answer ---- */

static void
next_request(struct http_request *request)
{
	http_reader_next(&request->reader);
	buf_clear(&request->fields);
	request->bytes_in = 0;
	request->bytes_out = 0;
	request->answered = false;
	if (request->server->draining) {
		connection_close(request);
		return;
	}
	request_phase(request, PHASE_IDLE);
	bufferevent_setwatermark(request->stream, EV_WRITE, 0, 0);
	process(request); /* what was sent ahead */
}

static void
answer_written(struct http_request *request)
{
	request_over(request, true);
	if (request->dead)
		return;
	if (!request->close_after && request->body_ended) {
		next_request(request);
		return;
	}
	size_t ahead =
	    evbuffer_get_length(bufferevent_get_input(request->stream));
	if (request->body_ended && ahead == 0) {
		connection_close(request);
		return;
	}
	/* a close with unread bytes would take the answer back (RST) */
	request->linger_left = request->server->limits.linger_bytes;
	request_phase(request, PHASE_LINGER);
	linger(request);
}

/* Ask for more of the answer; false when none was given now. */
static bool
room_tell(struct http_request *request)
{
	uint64_t left = request->answer_left;

	if (request->asked || !request->running || !request->calls->on_room)
		return false;
	request->asked = true;
	request->calls->on_room(request,
	    left < HTTP_PIECE ? (size_t)left : HTTP_PIECE, request->calls_arg);
	return !request->dead && !request->broken && !request->asked;
}

static void
on_write(struct bufferevent *stream, void *arg)
{
	struct http_request *request = arg;

	(void)stream;
	enter(request);
	if (request->phase == PHASE_REQUEST && request->answered) {
		/* until the client takes no more, or others are to be served:
		 * what then waits in the stream calls again */
		bool more = request->answer_left > 0;
		request->past = HTTP_PAST;
		while (more)
			more = room_tell(request) && request->answer_left > 0 &&
			       request_unsent(request) == 0;
		request->past = 0;
		if (!request->dead && request->answer_left == 0 &&
		    request_unsent(request) == 0)
			answer_written(request);
	}
	leave(request);
}

void
connection_read(struct http_request *request)
{
	enter(request);
	process(request);
	leave(request);
}

static void
on_read(struct bufferevent *stream, void *arg)
{
	struct http_request *request = arg;

	(void)stream;
	if (lane_put(request))
		gate_update(request);
	else
		connection_read(request);
}

static void
on_kick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	on_read(NULL, arg);
}

static void
handshake_done(struct http_request *request)
{
	const SSL *ssl = bufferevent_openssl_get_ssl(request->stream);

	request->session_digest =
	    ssl && tls_session_digest(ssl, request->digest);
	request_phase(request, PHASE_IDLE);
}

static void
on_event(struct bufferevent *stream, short what, void *arg)
{
	struct http_request *request = arg;

	(void)stream;
	enter(request);
	ERR_clear_error();
	if (request->in_lane) { /* first what came before */
		lane_leave(request);
		process(request);
	}
	if (request->dead) {
		; /* by what it sent */
	} else if (what & BEV_EVENT_CONNECTED) {
		handshake_done(request);
	} else if ((what & BEV_EVENT_EOF) && request->answered &&
		   request->answer_left == 0 && request_unsent(request) > 0) {
		/* it may have closed its side only: let it have the answer */
		request->close_after = true;
	} else {
		connection_close(request);
	}
	leave(request);
}

/* ---- the beginning ---- */

static struct bufferevent *
stream_new(struct listening *listening, int take_fd)
{
	struct event_base *base = listening->server->base;
	int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
	struct bufferevent *stream;

	if (listening->config.kind != HTTP_TLS) {
		stream = bufferevent_socket_new(base, take_fd, options);
	} else {
		SSL *ssl = tls_session_new(listening->config.tls);
		stream = ssl ? bufferevent_openssl_socket_new(base, take_fd,
				   ssl, BUFFEREVENT_SSL_ACCEPTING, options)
			     : NULL;
		if (ssl && !stream)
			SSL_free(ssl);
		if (stream)
			bufferevent_openssl_set_allow_dirty_shutdown(stream, 1);
	}
	if (!stream)
		close(take_fd);
	return stream;
}

int
connection_new(struct listening *listening, int take_fd,
    struct address *address, struct why *why)
{
	struct http_server *server = listening->server;
	struct http_request *request = calloc(1, sizeof(*request));
	struct bufferevent *stream = NULL;

	if (request)
		stream = stream_new(listening, take_fd);
	else
		close(take_fd);
	if (!stream) {
		free(request);
		return why_set(why, WHY_NOMEM, "no memory for a connection");
	}
	request->server = server;
	request->listening = listening;
	request->address = address;
	request->stream = stream;
	request->fresh = true;
	request->calls = &no_calls;
	http_reader_init(&request->reader, &server->reader_limits);
	buf_init(&request->fields, HTTP_FIELDS_MOST);
	evtimer_assign(&request->timer, server->base, on_timer, request);
	event_assign(&request->kick, server->base, -1, 0, on_kick, request);
	TAILQ_INSERT_TAIL(&server->all, request, links);
	server->connections++;
	bufferevent_setcb(stream, on_read, on_write, on_event, request);
	bufferevent_set_max_single_read(stream, HTTP_READ_MARK);
	bufferevent_set_max_single_write(stream, 4 * HTTP_PIECE);
	request_phase(request,
	    listening->config.kind == HTTP_TLS ? PHASE_HANDSHAKE : PHASE_IDLE);
	request->reading = true;
	bufferevent_enable(stream, EV_READ | EV_WRITE);
	return 0;
}
