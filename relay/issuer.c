/*
 * SECURITY: what courier answers is parsed as hostile (key_set.h); strangers
 * with made-up kids can't make us fetch more often than AGAIN_MS.
 */
#include "relay/issuer.h"

#include "base/clock.h"
#include "base/log.h"
#include "relay/courier_wire.h"
#include "relay/net.h"
#include "relay/tokens.h"

#include <event2/event.h>
#include <stdlib.h>

#define FRESH_MS (15 * CLOCK_MINUTE_MS)
#define AGAIN_MS (30 * CLOCK_SECOND_MS)
#define FIRST_AGAIN_MS (2 * CLOCK_SECOND_MS) /* while there are none at all */
#define OLD_MS CLOCK_DAY_MS

struct issuer {
	struct event *timer;
	bool is_asked;
	bool has_keys;
	int64_t asked_ms; /* monotonic */
	int64_t had_ms;
};

static void
wake_in(struct issuer *issuer, int64_t ms)
{
	struct timeval wait = {ms / 1000, ms % 1000 * 1000};

	(void)event_add(issuer->timer, &wait);
}

static void
fetched(struct net *net, struct span keys)
{
	struct issuer *issuer = net->issuer;
	struct why why = {0};
	size_t count = 0;

	if (tokens_keys_set(net->tokens, keys, &count, &why) < 0) {
		log_event(
		    LOG_WARNING, "issuer.failed", LOGS("error", why.text));
		return;
	}
	issuer->has_keys = true;
	issuer->had_ms = clock_mono_ms();
	log_event(LOG_INFO, "issuer.keys", LOGN("count", count));
}

static void
drop_old(struct net *net)
{
	struct issuer *issuer = net->issuer;

	if (!issuer->has_keys || clock_mono_ms() - issuer->had_ms < OLD_MS)
		return;
	issuer->has_keys = false;
	tokens_keys_drop(net->tokens);
	log_event(
	    LOG_ERROR, "issuer.failed", LOGS("error", "the keys are too old"));
}

static void
on_answer(
    void *arg, int code, const struct wire_frame *frame, const struct why *why)
{
	struct net *net = arg;
	struct issuer *issuer = net->issuer;
	int64_t had_ms = issuer->had_ms;

	issuer->is_asked = false;
	if (code < 0)
		log_event(
		    LOG_WARNING, "issuer.failed", LOGS("error", why->text));
	else if (frame->type == COURIER_KEYS)
		fetched(net, frame->body);
	drop_old(net);
	if (issuer->had_ms != had_ms)
		wake_in(issuer, FRESH_MS);
	else
		wake_in(issuer, issuer->has_keys ? AGAIN_MS : FIRST_AGAIN_MS);
}

static void
ask(struct net *net)
{
	struct issuer *issuer = net->issuer;

	if (issuer->is_asked)
		return;
	issuer->asked_ms = clock_mono_ms();
	issuer->is_asked = role_ask(net->role, ROLE_COURIER, COURIER_KEY_SET,
			       span_text(net->conf->token_issuer),
			       ROLE_ASK_ONCE, on_answer, net, NULL) == 0;
	if (!issuer->is_asked)
		wake_in(issuer, AGAIN_MS);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct net *net = arg;

	(void)fd;
	(void)what;
	if (!net->draining)
		ask(net);
}

bool
issuer_refetch(struct net *net)
{
	struct issuer *issuer = net->issuer;

	if (!issuer->is_asked && issuer->has_keys &&
	    clock_mono_ms() - issuer->asked_ms >= AGAIN_MS)
		ask(net);
	return issuer->is_asked || !issuer->has_keys;
}

int
issuer_open(struct net *net, struct why *why)
{
	if (net->conf->token_issuer[0] == '\0')
		return 0;
	net->tokens = tokens_new(net->conf, net->callers);
	net->issuer = calloc(1, sizeof(*net->issuer));
	if (net->issuer)
		net->issuer->timer = evtimer_new(net->base, on_timer, net);
	if (!net->tokens || !net->issuer || !net->issuer->timer)
		return why_set(why, WHY_NOMEM, "no memory for tokens");
	wake_in(net->issuer, 0);
	return 0;
}

void
issuer_close(struct net *net)
{
	if (net->issuer && net->issuer->timer)
		event_free(net->issuer->timer);
	free(net->issuer);
	tokens_free(net->tokens);
}
