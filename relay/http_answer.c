/*
 * What handlers ask and answer.
 */
#include "base/clock.h"
#include "relay/http_priv.h"

#include <assert.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	unsigned status;
	const char *phrase;
} phrases[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

static const char *
phrase(unsigned status)
{
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Status";
}

/* ---- what was asked ---- */

const struct http_head *
http_head(const struct http_request *request)
{
	return &request->reader.head;
}

const char *
http_field(const struct http_request *request, const char *name)
{
	return http_head_field(&request->reader.head, name);
}

const char *
http_query(const struct http_request *request, const char *name)
{
	return http_head_query(&request->reader.head, name);
}

enum http_kind
http_kind(const struct http_request *request)
{
	return request->listening->config.kind;
}

const uint8_t *
http_digest(const struct http_request *request)
{
	return request->has_digest ? request->digest : NULL;
}

void
http_route_set(struct http_request *request, const char *route)
{
	request->route = route;
}

void
http_tag_set(struct http_request *request, void *tag)
{
	request->tag = tag;
}

const char *
http_route(const struct http_request *request)
{
	return request->route;
}

void
http_calls_set(
    struct http_request *request, const struct http_calls *calls, void *arg)
{
	static const struct http_calls none;

	assert(request->running);
	request->calls = calls ? calls : &none;
	request->calls_arg = arg;
}

void *
http_calls_arg(const struct http_request *request)
{
	return request->calls_arg;
}

/* ---- the body ---- */

void
http_body_take(struct http_request *request, uint64_t max)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const struct http_head *head = &request->reader.head;

	assert(request->running && !request->answered && !request->body_taken);
	request->body_taken = true;
	request->body_max = max;
	if (!head->chunked && head->length > max) {
		request->over = true;
	} else if (head->expect_continue && !request->body_ended &&
		   evbuffer_get_length(
		       bufferevent_get_input(request->stream)) == 0) {
		bufferevent_write(request->stream, go_on, sizeof(go_on) - 1);
		request->bytes_out += sizeof(go_on) - 1;
	}
	connection_kick(request);
}

void
http_body_pause(struct http_request *request)
{
	request->body_paused = true;
	event_del(&request->timer);
}

void
http_body_resume(struct http_request *request)
{
	if (!request->body_paused)
		return;
	request->body_paused = false;
	connection_kick(request);
}

/* ---- the answer ---- */

void
answer_reset(struct http_request *request)
{
	buf_reset(&request->fields);
	request->fields_bad = false;
	request->answered = false;
	request->broken = false;
	request->close_after = false;
	request->asked = false;
	request->answer_left = 0;
	request->status = 0;
}

void
http_field_add(
    struct http_request *request, const char *name, const char *value)
{
	for (const char *at = value; *at; at++)
		if ((uint8_t)*at < 0x20 || *at == 0x7f)
			request->fields_bad = true;
	buf_printf(&request->fields, "%s: %s\r\n", name, value);
}

/* An unread body that is here already need not cost the connection. */
static void
body_skip(struct http_request *request)
{
	struct http_reader *reader = &request->reader;
	struct evbuffer *input = bufferevent_get_input(request->stream);
	struct span body;
	size_t used;

	if (reader->state != HTTP_READER_BODY || reader->head.chunked ||
	    request->in_body || request->body_taken ||
	    evbuffer_get_length(input) < reader->left)
		return;
	evbuffer_drain(input, (size_t)reader->left);
	request->bytes_in += reader->left;
	reader->left = 0;
	request->body_ended =
	    http_reader_feed(reader, SPAN_NONE, &used, &body) == HTTP_EVENT_END;
}

static bool
has_no_content(unsigned status)
{
	return status == 204 || status == 304;
}

static void
head_build(struct http_request *request, struct buf *out, uint64_t length,
    const char *content_type)
{
	buf_printf(out, "HTTP/1.1 %u %s\r\nDate: %s\r\n", request->status,
	    phrase(request->status), server_date(request->server));
	if (!has_no_content(request->status))
		buf_printf(out, "Content-Length: %llu\r\n",
		    (unsigned long long)length);
	if (content_type)
		buf_printf(out, "Content-Type: %s\r\n", content_type);
	if (request->close_after)
		buf_add_text(out, "Connection: close\r\n");
	else if (request->reader.head.http10)
		buf_add_text(out, "Connection: keep-alive\r\n");
	buf_add_span(out, buf_span(&request->fields));
	buf_add_text(out, "\r\n");
}

/* Marks the request as answered and writes the header, with the body behind it
 * in one piece, so that both leave in one write. */
static void
answer_begin(struct http_request *request, unsigned status, uint64_t length,
    const char *content_type, struct span body)
{
	struct buf out;

	request->answered = true;
	request->status = status;
	if (request->fields_bad || !buf_ok(&request->fields)) {
		buf_reset(&request->fields);
		request->status = 500;
		request->close_after = true;
		length = 0;
		body = SPAN_NONE;
	}
	body_skip(request);
	if (!request->body_ended || request->server->draining)
		request->close_after = true;
	buf_init(&out, HTTP_FIELDS_MOST + 1024 + body.size);
	head_build(request, &out, length, content_type);
	bool bare = request->reader.head.verb == HTTP_VERB_HEAD ||
		    has_no_content(request->status);
	if (!bare)
		buf_add_span(&out, body);
	request->answer_left = bare ? 0 : length - body.size;
	if (!buf_ok(&out) ||
	    bufferevent_write(request->stream, out.at, out.size) != 0) {
		request->broken = true;
		connection_kick(request);
	} else {
		request->bytes_out += out.size;
		if (request->depth == 0)
			connection_kick(request); /* to set the deadline */
	}
	buf_clear(&out);
}

void
http_answer(struct http_request *request, unsigned status,
    const char *content_type, struct span body)
{
	assert(request->running && !request->answered);
	answer_begin(request, status, body.size, content_type, body);
}

void
http_answer_start(
    struct http_request *request, unsigned status, uint64_t length)
{
	assert(request->running && !request->answered);
	bufferevent_setwatermark(request->stream, EV_WRITE, HTTP_WRITE_MARK, 0);
	answer_begin(request, status, length, NULL, SPAN_NONE);
	if (request->answer_left == 0)
		bufferevent_setwatermark(request->stream, EV_WRITE, 0, 0);
}

/*
 * Write to the session past libevent's buffer, while that is empty and a turn's
 * share (request->past) lasts: a copy fewer. Returns how many bytes went; the
 * rest is to go through the stream, which finds out what stopped it. A record
 * that was begun is at the rest's start, as SSL_write() demands.
 */
static size_t
write_past(struct http_request *request, struct span piece)
{
	SSL *ssl = bufferevent_openssl_get_ssl(request->stream);
	size_t most = piece.size < request->past ? piece.size : request->past;
	size_t sent = 0;
	int got = 1;

	if (!ssl || request_unsent(request) > 0)
		return 0;
	while (got > 0 && sent < most) {
		size_t size = most - sent < SSL3_RT_MAX_PLAIN_LENGTH
				  ? most - sent
				  : SSL3_RT_MAX_PLAIN_LENGTH;
		got = SSL_write(ssl, piece.at + sent, (int)size);
		if (got > 0)
			sent += (size_t)got;
	}
	ERR_clear_error();
	request->past -= sent;
	return sent;
}

void
http_answer_write(struct http_request *request, struct span piece)
{
	assert(request->answered && piece.size <= request->answer_left);
	if (piece.size == 0)
		return;
	size_t sent = write_past(request, piece);
	if (sent < piece.size && bufferevent_write(request->stream,
				     piece.at + sent, piece.size - sent) != 0) {
		http_answer_break(request);
		return;
	}
	request->asked = false;
	request->bytes_out += piece.size;
	request->answer_left -= piece.size;
	if (request->answer_left == 0)
		bufferevent_setwatermark(request->stream, EV_WRITE, 0, 0);
}

void
http_answer_break(struct http_request *request)
{
	request->broken = true;
	connection_kick(request);
}

bool
http_answered(const struct http_request *request)
{
	return request->answered;
}

void
answer_refusal(
    struct http_request *request, unsigned status, const char *reason)
{
	const struct http_listener *config = &request->listening->config;
	struct buf body;

	answer_reset(request);
	request->close_after = true;
	request->body_ended = false; /* whatever comes is not read */
	request->body_taken = true;
	buf_init(&body, 4096);
	if (config->app->on_refused)
		config->app->on_refused(
		    config->kind, status, reason, &body, config->arg);
	answer_begin(request, status, body.size,
	    body.size ? "application/problem+json" : NULL, buf_span(&body));
	buf_clear(&body);
}
