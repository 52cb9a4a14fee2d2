/*
 * spool_conservation - the account of all deliveries: at the start, and every
 * hour, signed by keys, told to net.
 *
 * It walks over all evidence there is, some pieces at a time, so that groups
 * hardly wait for it. The end of the log, and what waits, are seen in one
 * transaction. A difference is a critical alarm until an account holds again.
 */
#include "base/clock.h"
#include "base/log.h"
#include "keys/log_hash.h"
#include "relay/conservation.h"
#include "relay/keys_wire.h"
#include "relay/spool_role.h"
#include "spool/spool_view.h"

#include <event2/event.h>
#include <stdlib.h>

#define PAGE 64                         /* pieces between two groups */
#define PAUSE_MS 5                      /* from page to page */
#define RETRY_MS CLOCK_MINUTE_MS        /* after a failure */
#define EVERY_MS (60 * CLOCK_MINUTE_MS) /* from end to start */
#define ANSWER_BYTES (512u << 10)

struct spool_conservation {
	struct spool_view *view;
	struct event *timer;
	struct conservation account; /* of the walk that is under way */
	struct spool_position cursor;
	struct spool_evidence page[PAGE];
	struct buf statement; /* the newest, signed */
	bool walking;
	bool asked; /* for another, when this walk has ended */
};

static void
again_in(struct spool_conservation *own, int64_t ms)
{
	const struct timeval wait = {ms / 1000, ms % 1000 * 1000};

	(void)evtimer_add(own->timer, &wait);
}

static void
tell(const struct spool_conservation *own, const struct role_peer *peer)
{
	if (peer->kind == ROLE_NET && peer->channel != NULL &&
	    own->statement.size > 0)
		(void)channel_tell(peer->channel, SPOOL_WIRE_CONSERVATION,
		    buf_span(&own->statement));
}

/* ---- the walk ---- */

static int
waits_add(void *account, const char *recipient, struct why *why)
{
	return conservation_waits(account, recipient, why);
}

/* Where the log ends, and what waits, of one transaction. */
static int
end_read(struct spool_conservation *own, struct log_head *head, struct why *why)
{
	struct spool_tree tree;
	int code = spool_view_tree(own->view, &tree, why);

	if (code != 0)
		return code;
	head->epoch = tree.epoch;
	head->size = tree.frontier.size;
	if (!merkle_root(&tree.frontier, log_sha256, &head->root))
		return why_set(why, WHY_CRYPTO, "the root of the log");
	return spool_view_each_waiting(
	    own->view, waits_add, &own->account, why);
}

/* *ended: the account is whole, as of *head. */
static int
page_read(struct spool_conservation *own, struct log_head *head, bool *ended,
    struct why *why)
{
	size_t count = 0;
	int code = spool_view_feed(own->view, NULL, own->cursor, own->page,
	    PAGE, &count, &own->cursor, why);

	for (size_t i = 0; code == 0 && i < count; i++)
		code = conservation_add(&own->account, own->page[i].jws, why);
	*ended = code == 0 && count < PAGE;
	return *ended ? end_read(own, head, why) : code;
}

/* ---- the statement ---- */

static int
sign(struct spool_role *sr, struct span payload, struct buf *statement,
    struct why *why)
{
	struct buf request;
	struct buf answer;
	struct span result;
	struct span jws;
	size_t count = 0;

	buf_init(&request, KEYS_SIGN_BYTES + 64);
	buf_init(&answer, ANSWER_BYTES);
	int code = keys_wire_list_build(&payload, 1, &request, why);
	if (code == 0)
		code = role_ask_wait(sr->role, ROLE_KEYS, KEYS_SIGN,
		    buf_span(&request),
		    (int64_t)sr->role->conf->limits.role_wait_ms, &answer, why);
	if (code == 0)
		code = keys_wire_answer_parse(buf_span(&answer), &result, why);
	if (code == 0)
		code = keys_wire_list_parse(result, &jws, 1, &count, why);
	if (code == 0 && count != 1)
		code = why_set(why, WHY_MALFORMED, "a statement of keys");
	if (code == 0) {
		buf_reset(statement);
		buf_add_span(statement, jws);
		if (!buf_ok(statement)) {
			buf_reset(statement);
			code = why_set(why, WHY_NOMEM, "a statement");
		}
	}
	buf_clear(&request);
	buf_clear(&answer);
	return code;
}

/* One event for each line that does not hold; organisations are no persons. */
static void
differences_log(const struct conservation *account, const struct log_head *head)
{
	for (size_t i = 0; i < account->count; i++) {
		const struct conservation_line *line = &account->lines[i];
		if (!conservation_line_holds(line))
			log_event(LOG_ERROR, "conservation.broken",
			    LOGS("mailbox", line->recipient),
			    LOGN("accepted", line->accepted),
			    LOGN("waiting", line->waiting),
			    LOGN("imported", line->imported),
			    LOGN("rejected", line->rejected),
			    LOGN("expired", line->expired),
			    LOGN("recalled", line->recalled));
	}
	if (!conservation_holds(account, head))
		log_event(LOG_ERROR, "conservation.differs",
		    LOGN("epoch", head->epoch), LOGN("size", head->size),
		    LOGN("gaps", account->gaps));
}

static int
publish(struct spool_role *sr, const struct log_head *head, struct why *why)
{
	struct spool_conservation *own = sr->conservation;
	struct buf payload;

	buf_init(&payload, KEYS_SIGN_BYTES);
	differences_log(&own->account, head);
	spool_care_conservation(sr, !conservation_holds(&own->account, head));
	int code = conservation_build(
	    &payload, &own->account, head, clock_wall_ms(), why);
	if (code == 0)
		code = sign(sr, buf_span(&payload), &own->statement, why);
	for (struct role_peer *p = sr->role->peers; code == 0 && p != NULL;
	     p = p->next)
		tell(own, p);
	buf_clear(&payload);
	return code;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct spool_role *sr = arg;
	struct spool_conservation *own = sr->conservation;
	struct log_head head;
	struct why why = {0};
	bool ended = false;

	(void)fd;
	(void)what;
	if (sr->group != NULL) { /* its transaction is this thread's only one */
		again_in(own, PAUSE_MS);
		return;
	}
	own->walking = true;
	int code = spool_view_begin(own->view, &why);
	if (code == 0)
		code = page_read(own, &head, &ended, &why);
	spool_view_end(own->view);
	if (code == 0 && !ended) {
		again_in(own, PAUSE_MS);
		return;
	}
	if (code == 0)
		code = publish(sr, &head, &why);
	if (code != 0)
		log_event(LOG_ERROR, "conservation.failed",
		    LOGS("code", why_name(code)), LOGS("error", why.text));
	conservation_clear(&own->account);
	own->cursor = (struct spool_position){.epoch = 0};
	own->walking = false;
	again_in(own, code != 0 ? RETRY_MS : own->asked ? PAUSE_MS : EVERY_MS);
	own->asked = false;
}

/* ---- the role's ---- */

int
spool_conservation_start(struct spool_role *sr, struct why *why)
{
	struct spool_conservation *own = calloc(1, sizeof(*own));

	sr->conservation = own;
	if (own == NULL)
		return why_set(why, WHY_NOMEM, "conservation");
	buf_init(&own->statement, ANSWER_BYTES);
	own->timer = evtimer_new(sr->role->base, on_timer, sr);
	if (own->timer == NULL)
		return why_set(why, WHY_NOMEM, "conservation");
	again_in(own, PAUSE_MS);
	return spool_view_share(sr->spool, &own->view, why);
}

void
spool_conservation_stop(struct spool_role *sr)
{
	struct spool_conservation *own = sr->conservation;

	if (own == NULL)
		return;
	if (own->timer != NULL)
		event_free(own->timer);
	conservation_clear(&own->account);
	buf_clear(&own->statement);
	spool_view_close(own->view);
	free(own);
	sr->conservation = NULL;
}

void
spool_conservation_ask(struct spool_role *sr)
{
	if (sr->conservation->walking)
		sr->conservation->asked = true;
	else
		again_in(sr->conservation, PAUSE_MS);
}

void
spool_conservation_arrived(struct spool_role *sr, struct role_peer *peer)
{
	tell(sr->conservation, peer);
}
