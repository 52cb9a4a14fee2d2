/*
 * The courier role: everything outbound. Today: notices to webhooks, and the
 * keys of the token issuer (courier_fetch.c).
 *
 * A notice is posted to every webhook of the configuration; it is told when
 * each has answered 2xx, and refused otherwise: spool then asks again later,
 * with the same CloudEvent id, so a receiver that had it already can know.
 *
 * SECURITY: talks to the world, so has no store and no key. Where it may go is
 * in courier_rules.c.
 */
#include "base/clock.h"
#include "base/log.h"
#include "relay/courier_priv.h"
#include "relay/courier_wire.h"
#include "relay/role.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <curl/curl.h>
#include <event2/event.h>

#define ANSWER_MAX (64u << 10) /* of a webhook's answer, thrown away */

/* One notice on its way to all webhooks. */
struct notice {
	struct courier *courier;
	struct role_peer *peer; /* NULL: spool left, nobody waits */
	uint64_t request;
	char *body;
	size_t out;     /* posts under way */
	struct why why; /* the first failure */
	struct notice *next;
};

struct post {
	struct transfer transfer;
	struct notice *notice;
	CURL *easy;
	LIST_ENTRY(post) among;
	size_t got;
	char error[CURL_ERROR_SIZE];
};

static struct notice *notices;

static void post_done(struct transfer *transfer, CURLcode result, long status);

/* ---- one post ---- */

static size_t
on_answer(char *at, size_t size, size_t count, void *arg)
{
	struct post *post = arg;
	(void)at;
	post->got += size * count;
	/* nobody reads it: too much of it ends the transfer */
	return post->got > ANSWER_MAX ? 0 : size * count;
}

static bool
post_set(struct post *post, const char *url)
{
	struct courier *courier = post->notice->courier;
	const struct conf *conf = courier->role->conf;
	CURL *easy = post->easy;
	return courier_rules_set(easy, url, conf->webhook_allow_private,
		   (long)conf->limits.notice_seconds) &&
	       curl_easy_setopt(easy, CURLOPT_HTTPHEADER, courier->headers) ==
		   CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_POSTFIELDS, post->notice->body) ==
		   CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer) ==
		   CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, post) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, post->error) ==
		   CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PRIVATE, post) == CURLE_OK;
}

static void
notice_failed(struct notice *notice, const char *error)
{
	/* the first failure is told */
	if (notice->why.code == 0)
		(void)why_set(&notice->why, WHY_GONE, "a webhook: %s", error);
}

static void
notice_answered(struct notice *notice, long status)
{
	char text[64];
	if (status >= 200 && status <= 299)
		return;
	(void)snprintf(text, sizeof text, "answered %ld, expected 2xx", status);
	notice_failed(notice, text);
}

static void
post_begin(struct notice *notice, const char *url)
{
	struct post *post = calloc(1, sizeof *post);
	if (post == NULL) {
		notice_failed(notice, "no memory");
		return;
	}
	post->transfer.done = post_done;
	post->notice = notice;
	post->easy = curl_easy_init();
	if (post->easy != NULL && post_set(post, url) &&
	    curl_multi_add_handle(notice->courier->multi, post->easy) ==
		CURLM_OK) {
		LIST_INSERT_HEAD(&notice->courier->posts, post, among);
		notice->out++;
		return;
	}
	notice_failed(notice, "cannot be begun");
	curl_easy_cleanup(post->easy);
	free(post);
}

static void
post_end(struct courier *courier, struct post *take_post)
{
	LIST_REMOVE(take_post, among);
	(void)curl_multi_remove_handle(courier->multi, take_post->easy);
	curl_easy_cleanup(take_post->easy);
	free(take_post);
}

/* ---- notices ---- */

static void
notice_end(struct notice *take_notice)
{
	struct courier *courier = take_notice->courier;
	struct channel *channel =
	    take_notice->peer == NULL ? NULL : take_notice->peer->channel;
	if (channel != NULL && take_notice->why.code != 0)
		(void)channel_refuse(
		    channel, take_notice->request, &take_notice->why);
	else if (channel != NULL)
		(void)channel_answer(
		    channel, take_notice->request, COURIER_TOLD, 0, SPAN_NONE);
	for (struct notice **at = &notices; *at != NULL; at = &(*at)->next)
		if (*at == take_notice) {
			*at = take_notice->next;
			break;
		}
	free(take_notice->body);
	free(take_notice);
	courier->notices--;
	if (courier->leaving && courier->notices == 0)
		role_leave(courier->role);
}

static void
notice_begin(struct courier *courier, struct role_peer *peer,
    const struct wire_frame *frame)
{
	const struct conf_list *webhooks = &courier->role->conf->webhook;
	struct why why;
	struct notice *notice = calloc(1, sizeof *notice);
	char *body = strndup((const char *)frame->body.at, frame->body.size);
	if (notice == NULL || body == NULL ||
	    frame->body.size > COURIER_NOTICE_BYTES) {
		free(notice);
		free(body);
		(void)why_set(&why, WHY_NOMEM, "notice");
		(void)channel_refuse(peer->channel, frame->request, &why);
		return;
	}
	*notice = (struct notice){.courier = courier,
	    .peer = peer,
	    .request = frame->request,
	    .body = body,
	    .next = notices};
	notices = notice;
	courier->notices++;
	for (size_t i = 0; i < webhooks->count; i++)
		post_begin(notice, webhooks->at[i]);
	/* no webhook is configured: the log and the API are all there is */
	if (notice->out == 0)
		notice_end(notice);
}

static void
post_done(struct transfer *transfer, CURLcode result, long status)
{
	struct post *post = (struct post *)transfer;
	struct notice *notice = post->notice;
	if (result == CURLE_OK)
		notice_answered(notice, status);
	else
		notice_failed(notice, post->error[0] != '\0'
					  ? post->error
					  : curl_easy_strerror(result));
	post_end(notice->courier, post);
	if (--notice->out == 0)
		notice_end(notice);
}

static void
transfers_finish(struct courier *courier)
{
	CURLMsg *message;
	int left;
	while (
	    (message = curl_multi_info_read(courier->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		CURL *easy = message->easy_handle;
		CURLcode result = message->data.result;
		struct transfer *transfer = NULL;
		long status = 0;
		(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
		(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		transfer->done(transfer, result, status);
	}
}

/* ---- curl on the event loop ---- */

static void
drive(struct courier *courier, curl_socket_t fd, int flags)
{
	int running;
	(void)curl_multi_socket_action(courier->multi, fd, flags, &running);
	transfers_finish(courier);
}

static void
on_socket_event(evutil_socket_t fd, short what, void *arg)
{
	drive(arg, fd,
	    ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
		((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	drive(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *own)
{
	struct courier *courier = arg;
	struct event *event = own;
	(void)easy;
	if (event != NULL)
		event_free(event);
	(void)curl_multi_assign(courier->multi, fd, NULL);
	if (what == CURL_POLL_REMOVE)
		return 0;
	short wanted =
	    (short)(EV_PERSIST | ((what & CURL_POLL_IN) != 0 ? EV_READ : 0) |
		    ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0));
	event = event_new(
	    courier->role->base, fd, wanted, on_socket_event, courier);
	if (event == NULL || event_add(event, NULL) != 0) {
		if (event != NULL)
			event_free(event);
		return -1;
	}
	(void)curl_multi_assign(courier->multi, fd, event);
	return 0;
}

static int
on_timeout(CURLM *multi, long ms, void *arg)
{
	struct courier *courier = arg;
	(void)multi;
	if (ms < 0)
		return event_del(courier->timer);
	struct timeval wait = {ms / 1000, ms % 1000 * 1000};
	return event_add(courier->timer, &wait);
}

/* Posts still under way end here; who waits for them is told by the end of
 * the channel. The timer goes after curl, which still sets it. */
static void
courier_close(struct courier *courier)
{
	while (!LIST_EMPTY(&courier->posts))
		post_end(courier, LIST_FIRST(&courier->posts));
	courier_fetch_end(courier, NULL);
	while (notices != NULL) {
		struct notice *notice = notices;
		notices = notice->next;
		free(notice->body);
		free(notice);
	}
	if (courier->multi != NULL)
		(void)curl_multi_cleanup(courier->multi);
	if (courier->timer != NULL)
		event_free(courier->timer);
	curl_slist_free_all(courier->headers);
	curl_global_cleanup();
}

/* ---- the role ---- */

static void
on_request(
    struct role *role, struct role_peer *peer, const struct wire_frame *frame)
{
	struct why why;
	if (frame->request == 0)
		return;
	if (peer->kind == ROLE_SPOOL && frame->type == COURIER_NOTICE) {
		notice_begin(role->own, peer, frame);
		return;
	}
	if (peer->kind == ROLE_NET && frame->type == COURIER_KEY_SET) {
		courier_fetch_begin(role->own, peer, frame);
		return;
	}
	(void)why_set(&why, WHY_DENIED, "courier does not do this for %s",
	    role_name(peer->kind));
	(void)channel_refuse(peer->channel, frame->request, &why);
}

static void
on_left(struct role *role, struct role_peer *peer)
{
	courier_fetch_end(role->own, peer);
	for (struct notice *n = notices; n != NULL; n = n->next)
		if (n->peer == peer)
			n->peer = NULL;
}

static void
on_drain(struct role *role)
{
	struct courier *courier = role->own;
	courier->leaving = true;
	if (courier->notices == 0)
		role_leave(role);
}

static int
serve(struct courier *courier, struct why *why)
{
	struct role *role = courier->role;
	int code = role_base_new(role, why);
	if (code != 0)
		return code;
	courier->multi = curl_multi_init();
	courier->timer = evtimer_new(role->base, on_timer, courier);
	courier->headers = curl_slist_append(
	    NULL, "Content-Type: application/cloudevents+json");
	if (courier->multi == NULL || courier->timer == NULL ||
	    courier->headers == NULL)
		return why_set(why, WHY_NOMEM, "courier");
	(void)curl_multi_setopt(
	    courier->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	(void)curl_multi_setopt(courier->multi, CURLMOPT_SOCKETDATA, courier);
	(void)curl_multi_setopt(
	    courier->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
	(void)curl_multi_setopt(courier->multi, CURLMOPT_TIMERDATA, courier);
	code = role_enter(role, why);
	return code != 0 ? code : role_run(role);
}

int
courier_serve(struct role *role)
{
	static const struct role_hooks hooks = {
	    .request = on_request, .left = on_left, .drain = on_drain};
	struct why why = {0};
	struct courier courier = {.role = role};
	role->hooks = &hooks;
	role->own = &courier;
	int code;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
		code = serve(&courier, &why);
		courier_close(&courier);
	} else {
		code = why_set(&why, WHY_SYSTEM, "curl cannot start");
	}
	if (code != 0)
		log_event(LOG_ERROR, "role.failed", LOGS("error", why.text));
	return code;
}
