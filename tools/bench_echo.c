#include "tools/bench_echo.h"

#include "base/buf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define READ_BYTES (64u << 10)
#define RECORD_BYTES 16384
#define HEAD_BYTES 8192

struct peer {
	SSL *ssl;
	int fd;
	struct buf head;
	bool in_body;
	uint64_t left;   /* of the request's body */
	uint64_t wanted; /* bytes of the answer to it */
	uint64_t answer; /* bytes of the answer not yet written */
	struct buf record;
};

struct echo {
	SSL_CTX *context;
	int listener;
	int epoll;
	uint8_t *scratch;
	uint8_t *noise; /* RECORD_BYTES */
};

static void
peer_end(struct peer *peer)
{
	SSL_free(peer->ssl);
	close(peer->fd);
	buf_clear(&peer->head);
	buf_clear(&peer->record);
	free(peer);
}

static void
peer_accept(struct echo *echo)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	struct epoll_event event = {
	    .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = peer};
	int on = 1;

	if (peer == NULL)
		_exit(1);
	buf_init(&peer->head, HEAD_BYTES);
	buf_init(&peer->record, RECORD_BYTES);
	peer->fd = accept4(echo->listener, NULL, NULL, SOCK_CLOEXEC);
	peer->ssl = SSL_new(echo->context);
	(void)setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (peer->ssl == NULL || SSL_set_fd(peer->ssl, peer->fd) != 1 ||
	    SSL_accept(peer->ssl) != 1 ||
	    fcntl(peer->fd, F_SETFL, O_NONBLOCK) != 0 ||
	    epoll_ctl(echo->epoll, EPOLL_CTL_ADD, peer->fd, &event) != 0)
		peer_end(peer);
}

/* False: it hung up. */
static bool
peer_write(struct echo *echo, struct peer *peer)
{
	size_t wrote;

	while (peer->record.size > 0 || peer->answer > 0) {
		if (peer->record.size < RECORD_BYTES && peer->answer > 0) {
			size_t room = RECORD_BYTES - peer->record.size;

			if (room > peer->answer)
				room = (size_t)peer->answer;
			buf_add(&peer->record, echo->noise, room);
			peer->answer -= room;
		}
		if (SSL_write_ex(peer->ssl, peer->record.at, peer->record.size,
			&wrote) != 1)
			return SSL_get_error(peer->ssl, 0) ==
			       SSL_ERROR_WANT_WRITE;
		buf_drop(&peer->record, wrote);
	}
	return true;
}

static void
request_whole(struct peer *peer)
{
	buf_reset(&peer->head);
	peer->in_body = false;
	peer->answer = peer->wanted;
	buf_printf(&peer->record,
	    "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n",
	    (unsigned long long)peer->answer);
}

/* METHOD /BYTES-OF-THE-ANSWER */
static bool
head_take(struct peer *peer, const uint8_t **bytes, size_t *size)
{
	size_t before = peer->head.size;
	size_t room = HEAD_BYTES - 1 - before;
	const char *text;
	const char *end;
	const char *field;

	buf_add(&peer->head, *bytes, *size < room ? *size : room);
	text = buf_text(&peer->head);
	end = text == NULL ? NULL : strstr(text, "\r\n\r\n");
	if (end == NULL)
		return false;
	*bytes += (size_t)(end + 4 - text) - before;
	*size -= (size_t)(end + 4 - text) - before;
	field = strcasestr(text, "\r\ncontent-length:");
	peer->left =
	    field == NULL || field > end ? 0 : strtoull(field + 17, NULL, 10);
	peer->wanted = strtoull(strchr(text, '/') + 1, NULL, 10);
	peer->in_body = true;
	return true;
}

static bool
peer_read(struct echo *echo, struct peer *peer)
{
	size_t got;

	while (SSL_read_ex(peer->ssl, echo->scratch, READ_BYTES, &got) == 1) {
		const uint8_t *bytes = echo->scratch;

		if (!peer->in_body && !head_take(peer, &bytes, &got))
			continue;
		peer->left -= got < peer->left ? got : peer->left;
		if (peer->left > 0)
			continue;
		request_whole(peer);
		if (!peer_write(echo, peer))
			return false;
	}
	return SSL_get_error(peer->ssl, 0) == SSL_ERROR_WANT_READ;
}

static void
serve(struct echo *echo)
{
	struct epoll_event events[64];

	for (;;) {
		int count = epoll_wait(echo->epoll, events, 64, -1);

		for (int i = 0; i < count; i++) {
			struct peer *peer = events[i].data.ptr;

			if (peer == NULL)
				peer_accept(echo);
			else if (!peer_write(echo, peer) ||
				 !peer_read(echo, peer))
				peer_end(peer);
		}
	}
}

static int
prepare(struct echo *echo, struct bench_echo *out, const char *certificate,
    const char *key, struct why *why)
{
	struct sockaddr_in at = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
	socklen_t size = sizeof(at);

	echo->context = SSL_CTX_new(TLS_server_method());
	echo->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	echo->epoll = epoll_create1(EPOLL_CLOEXEC);
	echo->scratch = malloc(READ_BYTES);
	echo->noise = calloc(1, RECORD_BYTES);
	if (echo->context == NULL || echo->scratch == NULL ||
	    echo->noise == NULL ||
	    SSL_CTX_use_certificate_file(
		echo->context, certificate, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_use_PrivateKey_file(echo->context, key, SSL_FILETYPE_PEM) !=
		1)
		return why_set(why, WHY_SYSTEM, "prepare TLS");
	SSL_CTX_set_min_proto_version(echo->context, TLS1_3_VERSION);
	SSL_CTX_set_mode(
	    echo->context, SSL_MODE_ENABLE_PARTIAL_WRITE |
			       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(echo->context, 1);
	SSL_CTX_set_default_read_buffer_len(echo->context, READ_BYTES);
	if (bind(echo->listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(echo->listener, 64) != 0 ||
	    getsockname(echo->listener, (struct sockaddr *)&at, &size) != 0 ||
	    epoll_ctl(echo->epoll, EPOLL_CTL_ADD, echo->listener, &event) != 0)
		return why_errno(why, "listen");
	out->port = ntohs(at.sin_port);
	return 0;
}

int
bench_echo_start(struct bench_echo *out, const char *certificate,
    const char *key, struct why *why)
{
	struct echo echo = {.listener = -1, .epoll = -1};
	int code = prepare(&echo, out, certificate, key, why);

	out->pid = code == 0 ? fork() : 0;
	if (code == 0 && out->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(&echo);
	}
	if (code == 0 && out->pid < 0)
		code = why_errno(why, "fork");
	SSL_CTX_free(echo.context);
	if (echo.listener >= 0)
		close(echo.listener);
	if (echo.epoll >= 0)
		close(echo.epoll);
	free(echo.scratch);
	free(echo.noise);
	return code;
}

void
bench_echo_stop(struct bench_echo *echo)
{
	if (echo->pid <= 0)
		return;
	kill(echo->pid, SIGKILL);
	waitpid(echo->pid, NULL, 0);
	echo->pid = 0;
}
