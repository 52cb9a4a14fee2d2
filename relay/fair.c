#include "relay/fair.h"

#include "base/clock.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/queue.h>

/* Tokens are counted in thousandths, so that a millisecond is worth some. */
#define TOKEN UINT64_C(1000)
#define SENDING_MS 1000 /* who sent so lately counts as sending */

struct fair_turn {
	TAILQ_ENTRY(fair_turn) links; /* while it waits */
	struct fair *fair;
	struct share *share;
	fair_turn_fn *go;
	void *arg;
	bool waits;
};

struct share {
	uint64_t tokens;
	int64_t filled_ms; /* monotonic */
	uint64_t uploads;
	uint64_t polls;
	uint64_t turns; /* under way */
	uint64_t waiting;
	int64_t sent_ms; /* monotonic; when a turn was last begun or ended */
	TAILQ_HEAD(, fair_turn) queue;
};

struct fair {
	const struct limits *limits;
	size_t count;
	struct share shares[];
};

struct fair *
fair_new(size_t shares, const struct limits *limits)
{
	struct fair *fair =
	    calloc(1, sizeof *fair + shares * sizeof *fair->shares);
	if (fair == NULL)
		return NULL;
	fair->limits = limits;
	fair->count = shares;
	for (size_t i = 0; i < shares; i++) {
		struct share *share = &fair->shares[i];
		*share = (struct share){
		    .tokens = limits->requests_per_second * TOKEN,
		    .filled_ms = clock_mono_ms(),
		    .sent_ms = INT64_MIN / 2,
		};
		TAILQ_INIT(&share->queue);
	}
	return fair;
}

void
fair_free(struct fair *fair)
{
	free(fair);
}

static struct share *
share_of(struct fair *fair, const struct caller *caller)
{
	assert(caller->share < fair->count);
	return &fair->shares[caller->share];
}

static void
fill(struct share *share, uint64_t per_second)
{
	int64_t now = clock_mono_ms();
	uint64_t most = per_second * TOKEN;
	uint64_t ms = (uint64_t)(now - share->filled_ms);
	share->filled_ms = now;
	/* a second and more fills it, whatever the product would be */
	if (ms >= 1000 || share->tokens + ms * per_second > most)
		share->tokens = most;
	else
		share->tokens += ms * per_second;
}

bool
fair_request(struct fair *fair, const struct caller *caller, unsigned *retry_s)
{
	struct share *share = share_of(fair, caller);
	fill(share, fair->limits->requests_per_second);
	if (share->tokens >= TOKEN) {
		share->tokens -= TOKEN;
		return true;
	}
	if (retry_s != NULL)
		*retry_s = 1;
	return false;
}

bool
fair_upload_begin(struct fair *fair, const struct caller *caller)
{
	struct share *share = share_of(fair, caller);
	if (share->uploads >= fair->limits->uploads_per_organisation)
		return false;
	share->uploads++;
	return true;
}

void
fair_upload_end(struct fair *fair, const struct caller *caller)
{
	struct share *share = share_of(fair, caller);
	assert(share->uploads > 0);
	share->uploads--;
}

bool
fair_poll_begin(struct fair *fair, const struct caller *caller)
{
	struct share *share = share_of(fair, caller);
	if (share->polls >= fair->limits->polls_per_organisation)
		return false;
	share->polls++;
	return true;
}

void
fair_poll_end(struct fair *fair, const struct caller *caller)
{
	struct share *share = share_of(fair, caller);
	assert(share->polls > 0);
	share->polls--;
}

/* ---- turns ---- */

static bool
others_send(const struct fair *fair, const struct share *share, int64_t now)
{
	for (size_t i = 0; i < fair->count; i++) {
		const struct share *other = &fair->shares[i];
		if (other != share &&
		    (other->turns > 0 || now - other->sent_ms < SENDING_MS))
			return true;
	}
	return false;
}

static bool
has_turn(const struct fair *fair, const struct share *share, int64_t now)
{
	return share->turns < fair->limits->turns_per_organisation ||
	       !others_send(fair, share, now);
}

bool
fair_is_behind(struct fair *fair, const struct caller *caller)
{
	const struct share *share = share_of(fair, caller);
	return share->waiting > 0 || !has_turn(fair, share, clock_mono_ms());
}

struct fair_turn *
fair_turn_begin(struct fair *fair, const struct caller *caller,
    fair_turn_fn *go, void *arg, bool *now)
{
	struct share *share = share_of(fair, caller);
	int64_t time = clock_mono_ms();
	*now = share->waiting == 0 && has_turn(fair, share, time);
	if (!*now && share->waiting >= fair->limits->uploads_per_organisation)
		return NULL;
	struct fair_turn *turn = calloc(1, sizeof *turn);
	if (turn == NULL)
		return NULL;
	*turn = (struct fair_turn){
	    .fair = fair, .share = share, .go = go, .arg = arg, .waits = !*now};
	share->sent_ms = time;
	if (*now) {
		share->turns++;
	} else {
		TAILQ_INSERT_TAIL(&share->queue, turn, links);
		share->waiting++;
	}
	return turn;
}

void
fair_turn_end(struct fair_turn *turn)
{
	if (turn == NULL)
		return;
	struct fair *fair = turn->fair;
	struct share *share = turn->share;
	bool waited = turn->waits;
	if (waited) {
		TAILQ_REMOVE(&share->queue, turn, links);
		share->waiting--;
	} else {
		assert(share->turns > 0);
		share->turns--;
	}
	free(turn);
	if (waited)
		return;
	int64_t now = clock_mono_ms();
	share->sent_ms = now;
	/* somebody of its own is waiting only while turns are under way, so
	 * nobody is forgotten */
	while (share->waiting > 0 && has_turn(fair, share, now)) {
		struct fair_turn *next = TAILQ_FIRST(&share->queue);
		TAILQ_REMOVE(&share->queue, next, links);
		share->waiting--;
		share->turns++;
		next->waits = false;
		next->go(next->arg); /* may end it at once */
	}
}
