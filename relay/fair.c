#include "relay/fair.h"

#include "base/clock.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

/* Tokens are counted in thousandths, so that a millisecond is worth some. */
#define TOKEN UINT64_C(1000)

struct share {
	uint64_t tokens;
	int64_t filled_ms; /* monotonic */
	uint64_t uploads;
	uint64_t polls;
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
	for (size_t i = 0; i < shares; i++)
		fair->shares[i] = (struct share){
		    .tokens = limits->requests_per_second * TOKEN,
		    .filled_ms = clock_mono_ms(),
		};
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
