/*
 * http_site - a small site on relay/http.h in a thread of its own, and plain
 * blocking clients to provoke it with. For tests.
 *
 *   /hello          "hello\n"            /who      the certificate's digest
 *   /echo           takes up to 64 MiB, answers "SIZE SUM\n"
 *   /small          takes up to 100 bytes, as /echo
 *   /refuse         401 at once          /later    "later\n" after 50 ms
 *   /slow           as /echo, but rests 2 ms after each 64 KiB
 *   /stream?size=N  N bytes, byte i is 'a' + i % 23
 *   /break?size=N   promises N, gives half
 *   /never          no answer            /bad      a field with a line feed
 */
#pragma once

#include "relay/http.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/types.h>

struct ssl_st;

struct site_counts {
	atomic_int requests, ends, aborts, answered, finished, refused;
	atomic_int last_status; /* of the last record or refusal */
	atomic_int most_paused; /* bytes that came in while resting */
};

struct site {
	struct limits limits; /* change before site_start() */
	struct site_counts counts;
	const char *certificate_header;
	const char *client_ca;
	bool allow_tls12;
	bool tls;
	bool local; /* a Unix socket */
	/* private */
	char directory[64];
	int port;
	int command;
	unsigned long thread;
	int fds[3];
};

void site_init(struct site *site); /* default limits, plain TCP */
void site_start(struct site *site);
void site_drain(struct site *site); /* returns at once */
void site_stop(struct site *site);  /* after all has drained or not */
/* Waits until the counter has the value, at most 2 s. */
bool site_wait(atomic_int *counter, int value);

/* A client. */
struct client {
	int fd;
	struct ssl_st *ssl;
	void *context;
};
void client_open(struct client *client, struct site *site);
/* name: of a certificate made by the site's authority ("client"), or a
 * stranger's ("stranger"), or NULL. minimum: 0 or a TLS version. False when
 * the handshake fails. */
bool client_tls(
    struct client *client, struct site *site, const char *name, int maximum);
void client_close(struct client *client);
void client_write(struct client *client, const void *at, size_t size);
void client_say(struct client *client, const char *text);
/* Up to size bytes, until the end or 2 s of silence; what was read. */
ssize_t client_read(struct client *client, void *at, size_t size);
/* One whole answer (header and body) as text, the caller's; NULL at the end
 * of the stream. has_body: false after HEAD. */
char *client_answer(struct client *client, bool has_body);
/* True when the other side has closed, within ms. */
bool client_is_closed(struct client *client, int ms);
