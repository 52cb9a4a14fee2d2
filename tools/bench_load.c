#include "tools/bench_load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RECORD_BYTES 16384 /* of one TLS record: one write */
#define READ_BYTES (64u << 10)
#define HEAD_BYTES 16384
#define STALL_MS 20000 /* a relay that answers nothing so long hangs */

struct connection {
	SSL *ssl;
	int fd;
	bool busy;    /* an ask is out */
	bool writing; /* epoll looks for room, too */
	struct load_ask ask;
	size_t asked;      /* bytes of head and body that are in records */
	struct buf record; /* the one being written */
	struct buf head;   /* of the answer */
	bool in_body;
	uint64_t left; /* of the answer's body */
	struct load_answer answer;
	struct buf kept;
	double began; /* of the message */
	bool in_message;
};

struct load {
	SSL_CTX *context;
	int epoll;
	size_t count;
	size_t busy;
	struct connection *connections;
	double *times; /* ms, one for each message */
	size_t times_size;
	size_t times_room;
	uint8_t *scratch;
};

double
load_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int
tls_fail(struct why *why, const char *what)
{
	char text[160];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	return why_set(why, WHY_SYSTEM, "%s: %s", what, text);
}

/* ---- connect ---- */

static int
context_make(
    struct load *load, const struct load_target *target, struct why *why)
{
	load->context = SSL_CTX_new(TLS_client_method());
	if (load->context == NULL ||
	    SSL_CTX_set_min_proto_version(load->context, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_load_verify_locations(load->context, target->ca, NULL) != 1)
		return tls_fail(why, "prepare TLS");
	if (target->certificate != NULL &&
	    (SSL_CTX_use_certificate_file(
		 load->context, target->certificate, SSL_FILETYPE_PEM) != 1 ||
		SSL_CTX_use_PrivateKey_file(
		    load->context, target->key, SSL_FILETYPE_PEM) != 1))
		return tls_fail(why, "load the client's certificate");
	SSL_CTX_set_verify(load->context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(
	    load->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
			       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(load->context, 1);
	SSL_CTX_set_default_read_buffer_len(load->context, READ_BYTES);
	return 0;
}

static int
connection_open(
    struct load *load, struct connection *at, uint16_t port, struct why *why)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = at};
	int on = 1;

	buf_init(&at->record, RECORD_BYTES);
	buf_init(&at->head, HEAD_BYTES);
	buf_init(&at->kept, LOAD_KEPT_BYTES);
	at->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (at->fd < 0 ||
	    connect(at->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		return why_errno(why, "connect to port %u", (unsigned)port);
	(void)setsockopt(at->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	at->ssl = SSL_new(load->context);
	if (at->ssl == NULL || SSL_set_fd(at->ssl, at->fd) != 1 ||
	    SSL_connect(at->ssl) != 1)
		return tls_fail(why, "TLS handshake");
	if (fcntl(at->fd, F_SETFL, O_NONBLOCK) != 0 ||
	    epoll_ctl(load->epoll, EPOLL_CTL_ADD, at->fd, &event) != 0)
		return why_errno(why, "watch a connection");
	return 0;
}

int
load_open(const struct load_target *target, size_t connections,
    struct load **out, struct why *why)
{
	struct load *load = calloc(1, sizeof(*load));
	int code = 0;

	*out = NULL;
	if (load == NULL)
		return why_set(why, WHY_NOMEM, "load");
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	load->connections = calloc(connections, sizeof(*load->connections));
	load->scratch = malloc(READ_BYTES);
	if (load->epoll < 0 || load->connections == NULL ||
	    load->scratch == NULL)
		code = why_set(why, WHY_NOMEM, "load");
	else
		code = context_make(load, target, why);
	for (size_t i = 0; code == 0 && i < connections; i++) {
		load->connections[i].fd = -1;
		load->count = i + 1;
		code = connection_open(
		    load, &load->connections[i], target->port, why);
	}
	if (code != 0) {
		load_close(load);
		return code;
	}
	*out = load;
	return 0;
}

void
load_close(struct load *load)
{
	if (load == NULL)
		return;
	for (size_t i = 0; i < load->count; i++) {
		struct connection *at = &load->connections[i];

		SSL_free(at->ssl);
		if (at->fd >= 0)
			close(at->fd);
		buf_clear(&at->record);
		buf_clear(&at->head);
		buf_clear(&at->kept);
	}
	SSL_CTX_free(load->context);
	if (load->epoll >= 0)
		close(load->epoll);
	free(load->connections);
	free(load->times);
	free(load->scratch);
	free(load);
}

/* ---- writing ---- */

/* Head and body as whole records, so that a small request is one write. */
static void
record_fill(struct connection *at)
{
	const struct span *parts[] = {&at->ask.head, &at->ask.body};
	size_t from = at->asked;

	buf_reset(&at->record);
	for (size_t i = 0; i < 2; i++) {
		size_t room = RECORD_BYTES - at->record.size;
		size_t size = parts[i]->size;

		if (from >= size) {
			from -= size;
			continue;
		}
		size = size - from < room ? size - from : room;
		buf_add(&at->record, parts[i]->at + from, size);
		at->asked += size;
		from = 0;
	}
}

static int
watch(struct load *load, struct connection *at, bool writing, struct why *why)
{
	struct epoll_event event = {
	    .events = EPOLLIN | (writing ? EPOLLOUT : 0u), .data.ptr = at};

	if (at->writing == writing)
		return 0;
	at->writing = writing;
	return epoll_ctl(load->epoll, EPOLL_CTL_MOD, at->fd, &event) == 0
		   ? 0
		   : why_errno(why, "watch a connection");
}

static int
write_on(struct load *load, struct connection *at, struct why *why)
{
	size_t total = at->ask.head.size + at->ask.body.size;

	while (at->record.size > 0 || at->asked < total) {
		size_t wrote;

		if (at->record.size == 0)
			record_fill(at);
		if (SSL_write_ex(
			at->ssl, at->record.at, at->record.size, &wrote) != 1) {
			if (SSL_get_error(at->ssl, 0) != SSL_ERROR_WANT_WRITE)
				return tls_fail(why, "the relay hung up");
			return watch(load, at, true, why);
		}
		buf_drop(&at->record, wrote);
	}
	return watch(load, at, false, why);
}

/* ---- reading ---- */

static int
head_read(struct connection *at, struct why *why)
{
	char *text = (char *)(uintptr_t)buf_text(&at->head);
	char *end = text == NULL ? NULL : strstr(text, "\r\n\r\n");
	char *field;

	if (end == NULL)
		return at->head.size < HEAD_BYTES
			   ? 0
			   : why_set(why, WHY_MALFORMED, "answer's head");
	at->answer.status = (unsigned)atoi(text + strlen("HTTP/1.1 "));
	field = strcasestr(text, "\r\ncontent-length:");
	if (field == NULL || field > end)
		return why_set(why, WHY_MALFORMED,
		    "an answer %u without Content-Length", at->answer.status);
	at->left = strtoull(field + strlen("\r\ncontent-length:"), NULL, 10);
	at->answer.size = at->left;
	at->in_body = true;
	buf_reset(&at->kept);
	return 0;
}

static void
body_take(struct connection *at, const uint8_t *bytes, size_t size)
{
	size_t room = LOAD_KEPT_BYTES - at->kept.size;

	at->left -= size;
	buf_add(&at->kept, bytes, size < room ? size : room);
}

/* Bytes of the answer; true in *whole when it is all there. */
static int
answer_take(struct connection *at, const uint8_t *bytes, size_t size,
    bool *whole, struct why *why)
{
	int code = 0;

	if (!at->in_body) {
		size_t before = at->head.size;
		const uint8_t *end;

		buf_add(&at->head, bytes,
		    size < HEAD_BYTES - 1 - before ? size
						   : HEAD_BYTES - 1 - before);
		code = head_read(at, why);
		if (code != 0 || !at->in_body)
			return code;
		end = memmem(at->head.at, at->head.size, "\r\n\r\n", 4);
		size_t head = (size_t)(end - at->head.at) + 4 - before;
		bytes += head;
		size -= head;
	}
	if (size > at->left)
		return why_set(why, WHY_MALFORMED, "more than one answer");
	body_take(at, bytes, size);
	*whole = at->left == 0;
	return 0;
}

static int
times_add(struct load *load, double ms, struct why *why)
{
	if (load->times_size == load->times_room) {
		size_t room =
		    load->times_room == 0 ? 4096 : 2 * load->times_room;
		double *times =
		    realloc(load->times, room * sizeof(*load->times));

		if (times == NULL)
			return why_set(why, WHY_NOMEM, "times");
		load->times = times;
		load->times_room = room;
	}
	load->times[load->times_size++] = ms;
	return 0;
}

/* ---- running ---- */

struct running {
	struct load *load;
	const struct load_hooks *hooks;
	void *arg;
	double until;
	bool endless; /* until next() says no */
	double last;
};

static int
ask_next(struct running *running, struct connection *at, struct why *why)
{
	struct load *load = running->load;
	double now = load_now();

	if (!at->in_message && !running->endless && now >= running->until)
		return 0;
	if (!running->hooks->next(
		running->arg, (size_t)(at - load->connections), &at->ask))
		return 0;
	if (!at->in_message)
		at->began = now;
	at->in_message = true;
	at->busy = true;
	load->busy++;
	at->asked = 0;
	at->in_body = false;
	buf_reset(&at->head);
	return write_on(load, at, why);
}

static int
answer_done(struct running *running, struct connection *at, struct why *why)
{
	struct load *load = running->load;
	int code;

	at->answer.body = buf_span(&at->kept);
	at->busy = false;
	load->busy--;
	code = running->hooks->answered(
	    running->arg, (size_t)(at - load->connections), &at->answer, why);
	if (code < 0)
		return code;
	if (code > 0) {
		running->last = load_now();
		at->in_message = false;
		code = times_add(load, (running->last - at->began) * 1e3, why);
		if (code != 0)
			return code;
	}
	return ask_next(running, at, why);
}

static int
read_on(struct running *running, struct connection *at, struct why *why)
{
	struct load *load = running->load;
	size_t got;

	while (SSL_read_ex(at->ssl, load->scratch, READ_BYTES, &got) == 1) {
		bool whole = false;
		int code;

		if (!at->busy)
			return why_set(
			    why, WHY_MALFORMED, "an answer to nothing");
		code = answer_take(at, load->scratch, got, &whole, why);
		if (code == 0 && whole)
			code = answer_done(running, at, why);
		if (code != 0)
			return code;
	}
	switch (SSL_get_error(at->ssl, 0)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return why_set(why, WHY_GONE, "the relay hung up");
	default:
		return tls_fail(why, "read an answer");
	}
}

static int
events_take(struct running *running, struct why *why)
{
	struct epoll_event events[64];
	int count = epoll_wait(running->load->epoll, events, 64, STALL_MS);
	int code = 0;

	if (count == 0)
		return why_set(
		    why, WHY_GONE, "no answer for %d s", STALL_MS / 1000);
	if (count < 0 && errno != EINTR)
		return why_errno(why, "epoll_wait");
	for (int i = 0; code == 0 && i < count; i++) {
		struct connection *at = events[i].data.ptr;

		if ((events[i].events & EPOLLOUT) != 0)
			code = write_on(running->load, at, why);
		if (code == 0 && (events[i].events & ~(unsigned)EPOLLOUT) != 0)
			code = read_on(running, at, why);
	}
	return code;
}

static int
double_compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int
load_run(struct load *load, const struct load_hooks *hooks, void *arg,
    double seconds, struct load_result *result, struct why *why)
{
	double began = load_now();
	struct running running = {.load = load,
	    .hooks = hooks,
	    .arg = arg,
	    .until = began + seconds,
	    .endless = seconds <= 0,
	    .last = began};
	int code = 0;

	load->times_size = 0;
	for (size_t i = 0; code == 0 && i < load->count; i++)
		code = ask_next(&running, &load->connections[i], why);
	while (code == 0 && load->busy > 0)
		code = events_take(&running, why);
	if (code != 0)
		return code;
	if (load->times_size == 0)
		return why_set(why, WHY_STATE, "not one message was done");
	qsort(load->times, load->times_size, sizeof(*load->times),
	    double_compare);
	*result = (struct load_result){.messages = load->times_size,
	    .seconds = running.last - began,
	    .p50_ms = load->times[load->times_size / 2],
	    .p99_ms = load->times[load->times_size * 99 / 100]};
	return 0;
}

int
load_leave(struct load *load, const struct load_hooks *hooks, void *arg,
    struct why *why)
{
	struct running running = {
	    .load = load, .hooks = hooks, .arg = arg, .endless = true};
	int code = 0;

	for (size_t i = 0; code == 0 && i < load->count; i++)
		code = ask_next(&running, &load->connections[i], why);
	return code;
}
