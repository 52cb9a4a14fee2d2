/*
 * net - the role that speaks with the outside: HTTPS in, the API, and a view
 * of the store.
 *
 * SECURITY: the process that reads foreign bytes first. It has the TLS key and
 * the metadata keys, no other; it can read the store, not write it; it accepts
 * connections, and makes none.
 */
#include "relay/net.h"

#include "base/clock.h"
#include "base/log.h"
#include "keys/metakey.h"
#include "relay/admin.h"
#include "relay/fair.h"
#include "relay/issuer.h"
#include "relay/keys_wire.h"
#include "relay/log_heads.h"
#include "relay/metrics.h"
#include "relay/poll.h"
#include "relay/render_queue.h"
#include "relay/routes.h"
#include "relay/submission.h"
#include "relay/tls.h"

#include <ctype.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATH_BYTES 4096
#define HEADER_NAME_BYTES 128
#define CHECK_DRAINED_MS 50
#define CONSERVATION_BYTES (512u << 10)

/* What outlives net_serve() by nothing. */
struct net_role {
	struct net net;
	struct tls *tls;
	char certificate_header[HEADER_NAME_BYTES];
	struct event *drained;
	bool http_drained;
	bool admin_drained;
};

/* ---- opening, before the jail ---- */

static int
open_tls(struct net_role *nr, struct why *why)
{
	const struct conf *conf = nr->net.conf;
	char certificate[PATH_BYTES];
	char key[PATH_BYTES];
	struct tls_config config = {
	    .certificate_path = certificate,
	    .key_path = key,
	    .client_ca_path = *conf->client_ca ? conf->client_ca : NULL,
	    .allow_tls12 = strcmp(conf->tls_minimum, "1.2") == 0,
	};

	(void)snprintf(
	    certificate, sizeof(certificate), "%s/tls.crt", conf->keys);
	(void)snprintf(key, sizeof(key), "%s/tls.key", conf->keys);
	int code = tls_open(&config, &nr->tls, why);
	if (code == 0 && tls_expires_at(nr->tls) <= clock_wall_ms())
		log_event(LOG_WARNING, "tls.expired", LOGS("file", "tls.crt"));
	return code;
}

/* The keys role gives them once to each net process. */
static int
open_metakeys(struct net *net, struct why *why)
{
	struct buf answer;
	struct span text;

	buf_init(&answer, METAKEY_FILE_MAX + 1024);
	int code = role_ask_wait(net->role, ROLE_KEYS, KEYS_METAKEYS, SPAN_NONE,
	    (int64_t)net->limits->role_wait_ms, &answer, why);
	if (code == 0)
		code = keys_wire_answer_parse(buf_span(&answer), &text, why);
	if (code == 0)
		code = metakeys_parse(text, &net->metakeys, why);
	buf_wipe(&answer);
	return code;
}

static int
open_parts(struct net *net, struct why *why)
{
	net->fair = fair_new(callers_shares(net->callers), net->limits);
	net->metrics = metrics_new();
	net->http = http_new(net->base, net->limits);
	net->admin = http_new(net->base, net->limits);
	net->log_heads = log_heads_new();
	buf_init(&net->conservation, CONSERVATION_BYTES);
	if (!net->fair || !net->log_heads || !net->metrics || !net->http ||
	    !net->admin)
		return why_set(why, WHY_NOMEM, "no memory for net");
	int code = polls_open(net, why);
	if (code == 0)
		code = render_queue_open(net, why);
	if (code == 0)
		code = issuer_open(net, why);
	return code == 0 ? submissions_open(net, why) : code;
}

static int
open_all(struct net_role *nr, struct why *why)
{
	struct net *net = &nr->net;
	const char *name = net->conf->proxy_certificate_header;
	uint8_t some[16];

	if (strlen(name) >= HEADER_NAME_BYTES)
		return why_set(why, WHY_INVALID,
		    "proxy_certificate_header: too long a name");
	for (size_t i = 0; name[i]; i++) /* as header names are compared */
		nr->certificate_header[i] =
		    (char)tolower((unsigned char)name[i]);
	/* what libraries open at first use must be open before the jail */
	tzset();
	random_fill(some, sizeof(some));
	int code = callers_load(net->conf->callers, &net->callers, why);
	if (code == 0)
		code = open_tls(nr, why);
	if (code == 0)
		code = spool_view_open(net->conf->spool, &net->view, why);
	if (code == 0)
		code = role_base_new(net->role, why);
	if (code < 0)
		return code;
	net->base = net->role->base;
	code = open_parts(net, why);
	return code == 0 ? open_metakeys(net, why) : code;
}

/* ---- listening ---- */

static int
listen_one(
    struct net_role *nr, const struct role_listener *given, struct why *why)
{
	struct net *net = &nr->net;
	struct http_listener listener = {
	    .fd = given->fd, .app = &routes_app, .arg = net};

	switch (given->kind) {
	case LISTEN_TLS:
		listener.kind = HTTP_TLS;
		listener.tls = nr->tls;
		return http_listen(net->http, &listener, why);
	case LISTEN_UNIX:
		listener.kind = HTTP_UNIX;
		if (*nr->certificate_header)
			listener.certificate_header = nr->certificate_header;
		return http_listen(net->http, &listener, why);
	case LISTEN_ADMIN:
		listener.kind = HTTP_PLAIN;
		listener.app = &admin_app;
		return http_listen(net->admin, &listener, why);
	}
	return why_set(why, WHY_BUG, "a listener of no known kind");
}

/* ---- the role's hooks ---- */

static void
conservation_take(struct net *net, struct span statement)
{
	buf_reset(&net->conservation);
	buf_add_span(&net->conservation, statement);
	if (!buf_ok(&net->conservation))
		buf_reset(&net->conservation);
}

static void
on_frame(
    struct role *role, struct role_peer *peer, const struct wire_frame *frame)
{
	struct net_role *nr = role->own;
	struct spool_wake wake;
	struct why why = {0};

	if (frame->request != 0) {
		(void)why_set(&why, WHY_UNSUPPORTED, "net answers nothing");
		(void)channel_refuse(peer->channel, frame->request, &why);
		return;
	}
	if (peer->kind == ROLE_SPOOL && frame->type == SPOOL_WIRE_WAKE &&
	    spool_wake_parse(frame->body, &wake, NULL) == 0)
		polls_wake(&nr->net, &wake);
	if (peer->kind == ROLE_SPOOL && frame->type == SPOOL_WIRE_CHECKPOINT)
		log_heads_take(nr->net.log_heads, frame->body);
	if (peer->kind == ROLE_SPOOL && frame->type == SPOOL_WIRE_CONSERVATION)
		conservation_take(&nr->net, frame->body);
}

static void
on_arrived(struct role *role, struct role_peer *peer)
{
	struct net_role *nr = role->own;

	/* spool is to begin while net is still at work on the others */
	if (peer->kind == ROLE_SCAN)
		channel_gather(peer->channel);
	if (peer->kind == ROLE_RENDER)
		render_queue_turn(&nr->net);
}

static void
on_taken(struct role *role, struct role_peer *peer)
{
	struct net_role *nr = role->own;

	submissions_peer_taken(&nr->net, peer);
}

static void
on_left(struct role *role, struct role_peer *peer)
{
	struct net_role *nr = role->own;

	submissions_peer_left(&nr->net, peer);
}

static void
leave_when_done(struct net_role *nr)
{
	struct timeval soon = {0, CHECK_DRAINED_MS * 1000};

	if (nr->http_drained && nr->admin_drained &&
	    submissions_count(&nr->net) == 0)
		role_leave(nr->net.role);
	else
		(void)event_add(nr->drained, &soon);
}

static void
on_check(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	leave_when_done(arg);
}

static void
on_http_drained(void *arg)
{
	struct net_role *nr = arg;

	nr->http_drained = true;
	/* the admin listener tells of the draining until the end of it */
	http_drain(nr->net.admin, NULL, NULL);
	nr->admin_drained = true;
}

static void
on_drain(struct role *role)
{
	struct net_role *nr = role->own;

	nr->net.draining = true;
	http_drain(nr->net.http, on_http_drained, nr);
	polls_end(&nr->net);
	leave_when_done(nr);
}

/* ---- the role ---- */

static int
serve(struct net_role *nr, struct why *why)
{
	struct role *role = nr->net.role;
	int code = open_all(nr, why);

	if (code == 0)
		nr->drained = evtimer_new(nr->net.base, on_check, nr);
	if (code == 0 && !nr->drained)
		code = why_set(why, WHY_NOMEM, "no memory for net");
	for (size_t i = 0; code == 0 && i < role->listener_count; i++)
		code = listen_one(nr, &role->listeners[i], why);
	if (code == 0)
		code = role_enter(role, why);
	return code < 0 ? code : role_run(role);
}

static void
close_all(struct net_role *nr)
{
	struct net *net = &nr->net;

	/* connections first: their handlers give back what they hold */
	http_free(net->http);
	http_free(net->admin);
	if (net->uploads)
		submissions_close(net);
	render_queue_close(net);
	polls_close(net);
	if (nr->drained)
		event_free(nr->drained);
	issuer_close(net);
	fair_free(net->fair);
	metrics_free(net->metrics);
	metakeys_free(net->metakeys);
	log_heads_free(net->log_heads);
	buf_clear(&net->conservation);
	spool_view_close(net->view);
	tls_close(nr->tls);
	callers_free(net->callers);
}

int
net_serve(struct role *role)
{
	static const struct role_hooks hooks = {
	    .request = on_frame,
	    .arrived = on_arrived,
	    .taken = on_taken,
	    .left = on_left,
	    .drain = on_drain,
	};
	struct net_role *nr = calloc(1, sizeof(*nr));
	struct why why = {0};

	if (!nr)
		return WHY_NOMEM;
	(void)signal(SIGPIPE, SIG_IGN);
	nr->net.role = role;
	nr->net.conf = role->conf;
	nr->net.limits = &role->conf->limits;
	role->hooks = &hooks;
	role->own = nr;
	int code = serve(nr, &why);
	if (code < 0)
		log_event(LOG_ERROR, "role.failed", LOGS("error", why.text));
	close_all(nr);
	free(nr);
	return code;
}
