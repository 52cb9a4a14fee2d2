#include "relay/refuse.h"

#include "relay/net.h"
#include "relay/problem.h"

#include <stdlib.h>

#include <event2/event.h>

struct refusal {
	struct http_request *request;
	struct problem *problem;
	unsigned retry_s;
	struct event *timer;
};

static void
refusal_free(struct refusal *refusal)
{
	if (refusal->timer != NULL)
		event_free(refusal->timer);
	problem_free(refusal->problem);
	free(refusal);
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	struct refusal *refusal = arg;
	struct problem *problem = refusal->problem;
	(void)fd;
	(void)what;
	refusal->problem = NULL;
	http_calls_set(refusal->request, NULL, NULL);
	problem_answer_later(refusal->request, problem, refusal->retry_s);
	refusal_free(refusal);
}

static void
on_abort(struct http_request *request, void *arg)
{
	(void)request;
	refusal_free(arg);
}

void
refuse_slowly(struct net *net, struct http_request *request,
    struct problem *take_problem, unsigned retry_s)
{
	static const struct http_calls calls = {.on_abort = on_abort};
	uint64_t ms = net->limits->refusal_ms;
	const struct timeval wait = {
	    (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
	struct refusal *refusal =
	    ms == 0 || net->draining ? NULL : calloc(1, sizeof *refusal);
	if (refusal != NULL)
		refusal->timer = evtimer_new(net->base, on_time, refusal);
	if (refusal == NULL || refusal->timer == NULL ||
	    evtimer_add(refusal->timer, &wait) < 0) {
		if (refusal != NULL)
			refusal_free(refusal);
		problem_answer_later(request, take_problem, retry_s);
		return;
	}
	refusal->request = request;
	refusal->problem = take_problem;
	refusal->retry_s = retry_s;
	http_calls_set(request, &calls, refusal);
}
