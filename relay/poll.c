#include "relay/poll.h"

#include "base/clock.h"
#include "relay/fair.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define LOOK_AGAIN_S 5 /* a wake is a hint: spool may have died in between */

struct poll {
	TAILQ_ENTRY(poll) links;
	struct net *net;
	const struct caller *caller;
	char organisation[SPOOL_ORG_SIZE];
	int64_t until_ms; /* monotonic */
	poll_try_fn *try;
	void *arg;
	uint64_t round; /* the last in which it was tried */
};

struct polls {
	TAILQ_HEAD(, poll) list;
	size_t count;
	struct event *tick;
	uint64_t round;
	int64_t looked_ms;
};

struct poll *
poll_new(struct net *net, const struct caller *caller, const char *organisation,
    int64_t wait_ms, poll_try_fn *try, void *arg)
{
	struct poll *poll;

	if (strlen(organisation) >= SPOOL_ORG_SIZE ||
	    !fair_poll_begin(net->fair, caller))
		return NULL;
	poll = calloc(1, sizeof(*poll));
	if (!poll) {
		fair_poll_end(net->fair, caller);
		return NULL;
	}
	poll->net = net;
	poll->caller = caller;
	memcpy(poll->organisation, organisation, strlen(organisation));
	poll->until_ms = clock_mono_ms() + wait_ms;
	poll->try = try;
	poll->arg = arg;
	TAILQ_INSERT_TAIL(&net->polls->list, poll, links);
	net->polls->count++;
	return poll;
}

void
poll_free(struct poll *poll)
{
	if (!poll)
		return;
	fair_poll_end(poll->net->fair, poll->caller);
	TAILQ_REMOVE(&poll->net->polls->list, poll, links);
	poll->net->polls->count--;
	free(poll);
}

static bool
concerns(const struct poll *poll, const struct spool_wake *wake)
{
	if (wake->all || poll->organisation[0] == 0)
		return true;
	for (size_t i = 0; i < wake->count; i++)
		if (strcmp(poll->organisation, wake->at[i]) == 0)
			return true;
	return false;
}

/* Try those that a wake concerns (NULL: none), whose time is up, or all. An
 * answer frees its poll, so each is looked at once a round. */
static void
polls_try(struct net *net, const struct spool_wake *wake, bool all, bool last)
{
	struct polls *polls = net->polls;
	uint64_t round = ++polls->round;
	int64_t now = clock_mono_ms();
	struct poll *poll;
	struct poll *next;

	for (poll = TAILQ_FIRST(&polls->list); poll; poll = next) {
		next = TAILQ_NEXT(poll, links);
		bool over = last || poll->until_ms <= now;
		if (poll->round == round ||
		    (!over && !all && !(wake && concerns(poll, wake))))
			continue;
		poll->round = round;
		(void)poll->try(poll->arg, over);
	}
}

void
polls_wake(struct net *net, const struct spool_wake *wake)
{
	polls_try(net, wake, false, false);
}

void
polls_end(struct net *net)
{
	polls_try(net, NULL, true, true);
}

size_t
polls_count(const struct net *net)
{
	return net->polls->count;
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct net *net = arg;
	int64_t now = clock_mono_ms();
	bool all = now - net->polls->looked_ms >= LOOK_AGAIN_S * 1000;

	(void)fd;
	(void)what;
	if (all)
		net->polls->looked_ms = now;
	polls_try(net, NULL, all, false);
}

int
polls_open(struct net *net, struct why *why)
{
	struct timeval often = {0, 250000};

	net->polls = calloc(1, sizeof(*net->polls));
	if (!net->polls)
		return why_set(why, WHY_NOMEM, "no memory for polls");
	TAILQ_INIT(&net->polls->list);
	net->polls->tick = event_new(net->base, -1, EV_PERSIST, on_tick, net);
	if (!net->polls->tick || event_add(net->polls->tick, &often) != 0)
		return why_set(why, WHY_NOMEM, "no memory for polls");
	return 0;
}

void
polls_close(struct net *net)
{
	if (!net->polls)
		return;
	if (net->polls->tick)
		event_free(net->polls->tick);
	free(net->polls);
	net->polls = NULL;
}
