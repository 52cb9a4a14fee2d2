/*
 * The server: listeners, how many may connect, draining.
 */
#include "base/clock.h"
#include "relay/http_priv.h"

#include <assert.h>
#include <errno.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void
on_drained_event(evutil_socket_t fd, short what, void *arg)
{
	struct http_server *server = arg;

	(void)fd;
	(void)what;
	if (server->connections > 0 || !server->on_drained)
		return;
	void (*told)(void *) = server->on_drained;
	server->on_drained = NULL;
	told(server->drained_arg);
}

struct http_server *
http_new(struct event_base *base, const struct limits *limits)
{
	struct http_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->base = base;
	server->limits = *limits;
	server->reader_limits = (struct http_reader_limits){
	    .request_line_bytes = limits->request_line_bytes,
	    .header_bytes = limits->header_bytes,
	    .header_fields = limits->header_fields};
	SLIST_INIT(&server->listenings);
	TAILQ_INIT(&server->all);
	TAILQ_INIT(&server->idle);
	event_assign(&server->drained, base, -1, 0, on_drained_event, server);
	lane_open(server);
	return server;
}

/* ---- addresses ---- */

/* The part of an address that one customer holds: all of IPv4, /64 of IPv6. */
static bool
address_key(const struct sockaddr *from, uint8_t key[16])
{
	memset(key, 0, 16);
	if (from->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, from, sizeof(in));
		memcpy(key, &in.sin_addr, 4);
		key[15] = 4;
		return true;
	}
	if (from->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, from, sizeof(in6));
		memcpy(key, &in6.sin6_addr, 8);
		key[15] = 6;
		return true;
	}
	return false;
}

static size_t
address_bucket(const uint8_t key[16])
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < 16; i++)
		hash = (hash ^ key[i]) * 16777619u;
	return hash % HTTP_ADDRESSES;
}

/* Count one more connection of the address; NULL when it may have no more. */
static struct address *
address_enter(struct http_server *server, const uint8_t key[16])
{
	size_t bucket = address_bucket(key);
	struct address *address;

	SLIST_FOREACH(address, &server->addresses[bucket], links)
	{
		if (memcmp(address->key, key, 16) != 0)
			continue;
		if (address->connections >=
		    server->limits.connections_per_address)
			return NULL;
		address->connections++;
		return address;
	}
	address = calloc(1, sizeof(*address));
	if (!address)
		return NULL;
	memcpy(address->key, key, 16);
	address->connections = 1;
	SLIST_INSERT_HEAD(&server->addresses[bucket], address, links);
	return address;
}

static void
address_leave(struct http_server *server, struct address *address)
{
	if (!address || --address->connections > 0)
		return;
	SLIST_REMOVE(&server->addresses[address_bucket(address->key)], address,
	    address, links);
	free(address);
}

/* ---- accepting ---- */

static void
refused(const struct listening *listening, const char *reason)
{
	const struct http_app *app = listening->config.app;

	if (app->on_refused)
		app->on_refused(listening->config.kind, 0, reason, NULL,
		    listening->config.arg);
}

/* One more connection has room, if need be in the place of an idle one. */
static bool
make_room(struct http_server *server)
{
	struct http_request *oldest = TAILQ_FIRST(&server->idle);

	if (server->connections < server->limits.connections)
		return true;
	if (!oldest)
		return false;
	connection_close(oldest);
	return server->connections < server->limits.connections;
}

static void
on_accept(struct evconnlistener *evconn, evutil_socket_t fd,
    struct sockaddr *from, int size, void *arg)
{
	struct listening *listening = arg;
	struct http_server *server = listening->server;
	struct address *address = NULL;
	uint8_t key[16];

	(void)evconn;
	(void)size;
	if (!make_room(server)) {
		refused(listening, "connections");
		close(fd);
		return;
	}
	if (address_key(from, key)) {
		int on = 1;
		address = address_enter(server, key);
		if (!address) {
			refused(listening, "connections_per_address");
			close(fd);
			return;
		}
		/* without it small answers wait 40 ms for an ACK; failing,
		 * they still arrive */
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	if (connection_new(listening, fd, address, NULL) < 0) {
		address_leave(server, address);
		refused(listening, "memory");
	}
}

/* Out of descriptors or the like: stop accepting for a moment. */
static void
on_accept_error(struct evconnlistener *evconn, void *arg)
{
	struct listening *listening = arg;
	struct timeval moment = {0, 100000};

	evconnlistener_disable(evconn);
	event_add(&listening->retry, &moment);
	refused(listening, "accept");
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct listening *listening = arg;

	(void)fd;
	(void)what;
	if (listening->evconn)
		evconnlistener_enable(listening->evconn);
}

static struct listening *
listening_new(struct http_server *server, const struct http_listener *listener)
{
	struct listening *listening = calloc(1, sizeof(*listening));

	if (!listening)
		return NULL;
	listening->server = server;
	listening->config = *listener;
	evtimer_assign(&listening->retry, server->base, on_retry, listening);
	SLIST_INSERT_HEAD(&server->listenings, listening, links);
	return listening;
}

int
http_listen(struct http_server *server, const struct http_listener *listener,
    struct why *why)
{
	struct listening *listening = listening_new(server, listener);

	assert(listener->kind != HTTP_TLS || listener->tls);
	if (!listening) {
		close(listener->fd);
		return why_set(why, WHY_NOMEM, "no memory for a listener");
	}
	listening->evconn =
	    evconnlistener_new(server->base, on_accept, listening,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, listener->fd);
	if (!listening->evconn)
		return why_set(why, WHY_SYSTEM, "a listener was not accepted");
	evconnlistener_set_error_cb(listening->evconn, on_accept_error);
	return 0;
}

int
http_adopt(struct http_server *server, const struct http_listener *listener,
    int take_fd, struct why *why)
{
	struct listening *listening;

	SLIST_FOREACH(listening, &server->listenings, links)
	{
		if (!listening->evconn &&
		    listening->config.app == listener->app &&
		    listening->config.arg == listener->arg &&
		    listening->config.kind == listener->kind)
			break;
	}
	if (!listening)
		listening = listening_new(server, listener);
	if (!listening) {
		close(take_fd);
		return why_set(why, WHY_NOMEM, "no memory for a listener");
	}
	return connection_new(listening, take_fd, NULL, why);
}

/* ---- the end ---- */

/* A connection is being freed: take it out of all lists. */
void
server_left(struct http_request *request)
{
	struct http_server *server = request->server;

	TAILQ_REMOVE(&server->all, request, links);
	if (request->is_idle)
		TAILQ_REMOVE(&server->idle, request, idle_links);
	lane_leave(request);
	address_leave(server, request->address);
	request->address = NULL;
	server->connections--;
	if (server->draining && server->connections == 0)
		event_active(&server->drained, EV_TIMEOUT, 0);
}

static void
listenings_close(struct http_server *server)
{
	struct listening *listening;

	SLIST_FOREACH(listening, &server->listenings, links)
	{
		if (listening->evconn)
			evconnlistener_free(listening->evconn);
		listening->evconn = NULL;
		event_del(&listening->retry);
	}
}

void
http_drain(struct http_server *server, void (*on_drained)(void *arg), void *arg)
{
	struct http_request *request;
	struct http_request *next;

	server->draining = true;
	server->on_drained = on_drained;
	server->drained_arg = arg;
	listenings_close(server);
	for (request = TAILQ_FIRST(&server->all); request; request = next) {
		next = TAILQ_NEXT(request, links);
		if (request->phase == PHASE_IDLE ||
		    request->phase == PHASE_HANDSHAKE)
			connection_close(request);
	}
	if (server->connections == 0)
		event_active(&server->drained, EV_TIMEOUT, 0);
}

void
http_free(struct http_server *server)
{
	struct listening *listening;

	if (!server)
		return;
	server->on_drained = NULL;
	listenings_close(server);
	while (!TAILQ_EMPTY(&server->all)) {
		struct http_request *request = TAILQ_FIRST(&server->all);
		assert(request->depth == 0); /* never from inside a handler */
		connection_close(request);
	}
	while ((listening = SLIST_FIRST(&server->listenings))) {
		SLIST_REMOVE_HEAD(&server->listenings, links);
		free(listening);
	}
	event_del(&server->drained);
	lane_close(server);
	free(server);
}

size_t
http_connections(const struct http_server *server)
{
	return server->connections;
}

/* ---- dates ---- */

void
http_date_build(char text[HTTP_DATE_SIZE], int64_t wall_ms)
{
	static const char *const days[] = {
	    "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May",
	    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t seconds = (time_t)(wall_ms / 1000);
	char full[64];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	snprintf(full, sizeof(full), "%s, %02d %s %04d %02d:%02d:%02d GMT",
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
	memcpy(text, full, HTTP_DATE_SIZE - 1);
	text[HTTP_DATE_SIZE - 1] = 0;
}

const char *
server_date(struct http_server *server)
{
	int64_t now = clock_wall_ms();

	if (now / 1000 != server->date_at) {
		http_date_build(server->date, now);
		server->date_at = now / 1000;
	}
	return server->date;
}
