#include "relay/render_queue.h"

#include "base/clock.h"
#include "base/log.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define DEADLY_DEATHS 2
#define DEADLY_MS CLOCK_HOUR_MS
#define DEADLY_MAX 64
#define DIGEST_SIZE 65

struct render_job {
	TAILQ_ENTRY(render_job) links; /* while it waits */
	struct net *net;
	size_t share;
	uint16_t type;
	char sha256[DIGEST_SIZE];
	struct buf body;
	channel_answer_fn *answered; /* NULL: cancelled */
	void *arg;
	bool running;
};

/* A payload of which a worker died. */
struct deadly {
	char sha256[DIGEST_SIZE]; /* "": free */
	unsigned deaths;
	int64_t last_ms; /* monotonic */
};

struct render_queue {
	TAILQ_HEAD(, render_job) waiting;
	struct event *nobody; /* pending while jobs wait for any worker */
	size_t running;
	uint64_t turns;
	struct deadly deadly[DEADLY_MAX];
	size_t shares;
	uint64_t served[]; /* by share: the turn in which it had its last */
};

static void on_answer(
    void *arg, int code, const struct wire_frame *frame, const struct why *why);
static void on_nobody(evutil_socket_t fd, short what, void *arg);

int
render_queue_open(struct net *net, struct why *why)
{
	size_t shares = callers_shares(net->callers);
	net->renders = calloc(
	    1, sizeof *net->renders + shares * sizeof *net->renders->served);
	if (net->renders == NULL)
		return why_set(why, WHY_NOMEM, "no memory for renderings");
	net->renders->shares = shares;
	TAILQ_INIT(&net->renders->waiting);
	net->renders->nobody = evtimer_new(net->base, on_nobody, net);
	return net->renders->nobody == NULL
		   ? why_set(why, WHY_NOMEM, "no memory for renderings")
		   : 0;
}

static void
job_free(struct render_job *job)
{
	buf_wipe(&job->body);
	free(job);
}

void
render_queue_close(struct net *net)
{
	struct render_job *job;
	if (net->renders == NULL)
		return;
	while ((job = TAILQ_FIRST(&net->renders->waiting)) != NULL) {
		TAILQ_REMOVE(&net->renders->waiting, job, links);
		job_free(job);
	}
	if (net->renders->nobody != NULL)
		event_free(net->renders->nobody);
	free(net->renders);
	net->renders = NULL;
}

/* ---- what workers died of ---- */

static bool
deadly_is_old(const struct deadly *deadly)
{
	return clock_mono_ms() - deadly->last_ms >= DEADLY_MS;
}

bool
render_queue_deadly(const struct net *net, const char *sha256)
{
	for (size_t i = 0; i < DEADLY_MAX; i++) {
		const struct deadly *at = &net->renders->deadly[i];
		if (strcmp(at->sha256, sha256) == 0)
			return at->deaths >= DEADLY_DEATHS &&
			       !deadly_is_old(at);
	}
	return false;
}

static void
deadly_note(struct render_queue *queue, const char *sha256)
{
	struct deadly *oldest = &queue->deadly[0];
	struct deadly *found = NULL;
	for (size_t i = 0; i < DEADLY_MAX && found == NULL; i++) {
		struct deadly *at = &queue->deadly[i];
		if (strcmp(at->sha256, sha256) == 0)
			found = at;
		else if (at->sha256[0] == '\0' ||
			 (oldest->sha256[0] != '\0' &&
			     at->last_ms < oldest->last_ms))
			oldest = at;
	}
	if (found == NULL || deadly_is_old(found)) {
		found = found == NULL ? oldest : found;
		*found = (struct deadly){.deaths = 0};
		memcpy(found->sha256, sha256, DIGEST_SIZE);
	}
	found->deaths++;
	found->last_ms = clock_mono_ms();
	if (found->deaths == DEADLY_DEATHS)
		log_event(LOG_ERROR, "render.deadly",
		    LOGN("deaths", found->deaths),
		    LOGN("refused_ms", DEADLY_MS));
}

/* ---- turns ---- */

static size_t
workers(const struct net *net)
{
	size_t count = 0;
	for (struct role_peer *p = net->role->peers; p != NULL; p = p->next)
		count += p->kind == ROLE_RENDER && !p->retired &&
			 p->channel != NULL && !channel_is_dead(p->channel);
	return count;
}

/* The oldest job of the organisation whose turn was longest ago. */
static struct render_job *
next_job(struct render_queue *queue)
{
	struct render_job *best = NULL;
	struct render_job *job;
	TAILQ_FOREACH(job, &queue->waiting, links)
	if (best == NULL ||
	    queue->served[job->share] < queue->served[best->share])
		best = job;
	return best;
}

static int
job_run(struct render_job *job)
{
	struct render_queue *queue = job->net->renders;
	/* a payload that kills render must not be put to the next one */
	int code = role_ask(job->net->role, ROLE_RENDER, job->type,
	    buf_span(&job->body), ROLE_ASK_ONCE, on_answer, job, NULL);
	if (code != 0)
		return code;
	buf_wipe(&job->body);
	job->running = true;
	queue->running++;
	queue->served[job->share] = ++queue->turns;
	return 0;
}

static void
job_fail(struct render_job *job, int code, const char *what)
{
	struct why why;
	(void)why_set(&why, code, "%s", what);
	job->answered(job->arg, code, NULL, &why);
	job_free(job);
}

/* A job waits and no worker is there: not for ever. */
static void
wait_for_worker(struct net *net)
{
	int64_t ms = (int64_t)net->limits->role_wait_ms;
	const struct timeval wait = {ms / 1000, ms % 1000 * 1000};
	if (!evtimer_pending(net->renders->nobody, NULL))
		(void)evtimer_add(net->renders->nobody, &wait);
}

void
render_queue_turn(struct net *net)
{
	struct render_queue *queue = net->renders;
	struct render_job *job;
	if (queue == NULL)
		return; /* not yet open */
	while (
	    queue->running < workers(net) && (job = next_job(queue)) != NULL) {
		TAILQ_REMOVE(&queue->waiting, job, links);
		int code = job_run(job);
		if (code != 0)
			job_fail(job, code, "render");
	}
	if (!TAILQ_EMPTY(&queue->waiting) && workers(net) == 0)
		wait_for_worker(net);
}

static void
on_nobody(evutil_socket_t fd, short what, void *arg)
{
	struct net *net = arg;
	struct render_job *job;
	(void)fd;
	(void)what;
	while (workers(net) == 0 &&
	       (job = TAILQ_FIRST(&net->renders->waiting)) != NULL) {
		TAILQ_REMOVE(&net->renders->waiting, job, links);
		job_fail(job, WHY_GONE, "no render to ask came in time");
	}
}

static void
on_answer(
    void *arg, int code, const struct wire_frame *frame, const struct why *why)
{
	struct render_job *job = arg;
	struct net *net = job->net;
	net->renders->running--;
	if (code == WHY_GONE)
		deadly_note(net->renders, job->sha256);
	if (job->answered != NULL)
		job->answered(job->arg, code, frame, why);
	job_free(job);
	render_queue_turn(net);
}

int
render_queue_put(struct net *net, const struct caller *caller, uint16_t type,
    const char *sha256, struct buf *take_body, channel_answer_fn *answered,
    void *arg, struct render_job **out)
{
	struct render_queue *queue = net->renders;
	struct render_job *job =
	    buf_ok(take_body) ? calloc(1, sizeof *job) : NULL;
	if (job == NULL) {
		buf_wipe(take_body);
		return WHY_NOMEM;
	}
	*job = (struct render_job){
	    .net = net,
	    .share = caller->share,
	    .type = type,
	    .body = *take_body,
	    .answered = answered,
	    .arg = arg,
	};
	memcpy(job->sha256, sha256, strnlen(sha256, DIGEST_SIZE - 1));
	size_t idle = workers(net);
	if (queue->running < idle && TAILQ_EMPTY(&queue->waiting)) {
		int code = job_run(job);
		if (code != 0) {
			job_free(job);
			return code;
		}
	} else {
		TAILQ_INSERT_TAIL(&queue->waiting, job, links);
		if (idle == 0)
			wait_for_worker(net);
	}
	*out = job;
	return 0;
}

void
render_queue_cancel(struct render_job *job)
{
	if (job == NULL)
		return;
	if (job->running) {
		/* the worker is at it; its answer is awaited for the count */
		job->answered = NULL;
		return;
	}
	TAILQ_REMOVE(&job->net->renders->waiting, job, links);
	job_free(job);
}
