/*
 * open_value - containers and small values of BER, as they come.
 *
 * SECURITY: reads hostile bytes. A container's end is checked against those
 * around it, and a value's against its holder's.
 */
#include "keys/open_stage_priv.h"

#include <inttypes.h>

int
open_malformed(const struct opening *opening, const char *what, struct why *why)
{
	return why_set(why, WHY_MALFORMED, "CMS: %s at byte %" PRIu64, what,
	    opening->position);
}

uint64_t
open_limit(const struct opening *opening)
{
	return opening->depth == 0 ? UINT64_MAX
				   : opening->frames[opening->depth - 1].limit;
}

int
open_enter(struct opening *opening, struct span view, uint8_t tag, size_t *used,
    const char *what, struct why *why)
{
	struct ber_head head;
	int ret = ber_head_read(view, &head);
	if (ret == 0)
		return STEP_MORE;
	if (ret < 0 || head.tag != tag)
		return open_malformed(opening, what, why);
	if (opening->depth == OPEN_DEPTH_MAX)
		return open_malformed(opening, "nesting too deep", why);
	uint64_t start = opening->position + head.size;
	uint64_t limit = open_limit(opening);
	if (start > limit || (!head.indefinite && head.length > limit - start))
		return open_malformed(
		    opening, "value longer than its holder", why);
	opening->frames[opening->depth++] = (struct frame){
	    head.indefinite, head.indefinite ? limit : start + head.length};
	*used = head.size;
	return STEP_ON;
}

int
open_enter_to(struct opening *opening, struct span view, uint8_t tag,
    size_t *used, const char *what, enum stage next, struct why *why)
{
	int ret = open_enter(opening, view, tag, used, what, why);
	if (ret == STEP_ON)
		opening->stage = next;
	return ret;
}

int
open_leave(struct opening *opening, struct span view, size_t *used, bool *ended,
    struct why *why)
{
	const struct frame *frame = &opening->frames[opening->depth - 1];
	*ended = false;
	if (!frame->indefinite) {
		*ended = opening->position == frame->limit;
	} else {
		if (view.size == 0 || (view.size == 1 && view.at[0] == 0))
			return STEP_MORE;
		*ended = view.at[0] == 0 && view.at[1] == 0;
		if (*ended && frame->limit - opening->position < 2)
			return open_malformed(
			    opening, "value longer than its holder", why);
		if (*ended)
			*used = 2;
	}
	if (*ended)
		opening->depth--;
	return STEP_ON;
}

int
open_must_leave(struct opening *opening, struct span view, size_t *used,
    enum stage next, struct why *why)
{
	bool ended;
	int ret = open_leave(opening, view, used, &ended, why);
	if (ret != STEP_ON)
		return ret;
	if (!ended)
		return open_malformed(
		    opening, "something after the last field", why);
	opening->stage = next;
	return STEP_ON;
}

int
open_value(struct opening *opening, struct span view, size_t max,
    struct span *whole, const char *what, struct why *why)
{
	size_t size = 0;
	int ret = ber_value_size(view, max, &size);
	if (ret == 0)
		return STEP_MORE;
	if (ret == -2)
		return why_set(
		    why, WHY_TOO_LARGE, "CMS: %s is over %zu bytes", what, max);
	if (ret < 0)
		return open_malformed(opening, what, why);
	if (size > open_limit(opening) - opening->position)
		return open_malformed(
		    opening, "value longer than its holder", why);
	*whole = span_of(view.at, size);
	return STEP_ON;
}
