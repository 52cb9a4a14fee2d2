/*
 * spool_log - checkpoints: what the log is now, signed by keys, told to net.
 *
 * Not in the way of anything: a group that has grown the tree is answered at
 * once, its checkpoint follows within CHECKPOINT_MS; one that cannot be signed
 * is tried again then. Logs of epochs before this one do not grow any more:
 * their last checkpoints are signed once, after the start. Ed25519 has no
 * randomness, so that the same tree always has the same checkpoint.
 */
#include "base/log.h"
#include "keys/log_hash.h"
#include "keys/log_signer.h"
#include "relay/keys_wire.h"
#include "relay/spool_role.h"
#include "spool/spool_view.h"

#include <event2/event.h>
#include <stdlib.h>

#define CHECKPOINT_MS 1000
/* Not longer, whoever is away: receipts of others wait in the meantime. */
#define KEYS_WAIT_MS 200
#define ANSWER_BYTES (256u << 10)

/* The newest checkpoint of one epoch, as it is told. */
struct log_told {
	uint32_t epoch;
	uint64_t size;
	struct buf body;
};

struct spool_log {
	struct spool_view *view;
	struct event *timer;
	struct log_told told[SPOOL_LOGS_MAX];
	size_t count;
	bool failing; /* told of once */
};

/* ---- the trees ---- */

/* A tree that has ended: as many leaves as its epoch has evidence. */
static int
tree_ended(struct spool_view *view, uint32_t epoch, struct log_head *head,
    struct why *why)
{
	struct spool_nodes at = {view, epoch};
	const struct merkle_nodes nodes = {log_sha256, spool_view_node, &at};

	head->epoch = epoch;
	int code = spool_view_epoch(view, epoch, &head->size, why);
	if (code == 0 && !merkle_root_at(&nodes, head->size, &head->root))
		code = why_set(why, WHY_MALFORMED, "nodes of epoch %u", epoch);
	return code;
}

static int
tree_growing(struct spool_view *view, struct log_head *head, struct why *why)
{
	struct spool_tree tree;
	int code = spool_view_tree(view, &tree, why);

	if (code != 0)
		return code;
	head->epoch = tree.epoch;
	head->size = tree.frontier.size;
	if (!merkle_root(&tree.frontier, log_sha256, &head->root))
		return why_set(why, WHY_CRYPTO, "the root of the log");
	return 0;
}

/* ---- signing ---- */

static struct log_told *
told_of(struct spool_log *log, uint32_t epoch)
{
	for (size_t i = 0; i < log->count; i++)
		if (log->told[i].epoch == epoch)
			return &log->told[i];
	return NULL;
}

static void
tell(const struct log_told *told, const struct role_peer *peer)
{
	if (peer->kind == ROLE_NET && peer->channel != NULL)
		(void)channel_tell(peer->channel, SPOOL_WIRE_CHECKPOINT,
		    buf_span(&told->body));
}

static int
sign(struct spool_role *sr, const struct log_head *head, struct buf *body,
    struct why *why)
{
	struct spool_checkpoint checkpoint = {.epoch = head->epoch};
	struct buf request;
	struct buf answer;
	struct span result;
	struct span both[2];
	size_t count = 0;

	buf_init(&request, 64);
	buf_init(&answer, ANSWER_BYTES);
	buf_add_u32(&request, head->epoch);
	buf_add_u64(&request, head->size);
	buf_add(&request, head->root.at, sizeof(head->root.at));
	int code = role_ask_wait(sr->role, ROLE_KEYS, KEYS_CHECKPOINT,
	    buf_span(&request), KEYS_WAIT_MS, &answer, why);
	if (code == 0)
		code = keys_wire_answer_parse(buf_span(&answer), &result, why);
	if (code == 0)
		code = keys_wire_list_parse(result, both, 2, &count, why);
	if (code == 0 && count != 2)
		code = why_set(why, WHY_MALFORMED, "a checkpoint of keys");
	if (code == 0) {
		checkpoint.note = both[0];
		checkpoint.key = both[1];
		spool_checkpoint_build(body, &checkpoint);
		if (!buf_ok(body))
			code = why_set(why, WHY_NOMEM, "a checkpoint");
	}
	buf_clear(&request);
	buf_clear(&answer);
	return code;
}

/* Sign it where it is news, and tell every net. */
static int
publish(struct spool_role *sr, const struct log_head *head, struct why *why)
{
	struct spool_log *log = sr->log;
	struct log_told *told = told_of(log, head->epoch);
	struct buf body;

	if (told != NULL && told->size == head->size)
		return 0;
	if (told == NULL && log->count == SPOOL_LOGS_MAX)
		return why_set(
		    why, WHY_TOO_LARGE, "more than %d epochs", SPOOL_LOGS_MAX);
	buf_init(&body, ANSWER_BYTES);
	int code = sign(sr, head, &body, why);
	if (code != 0) {
		buf_clear(&body);
		return code;
	}
	if (told == NULL)
		told = &log->told[log->count++];
	buf_clear(&told->body);
	*told = (struct log_told){head->epoch, head->size, body};
	for (struct role_peer *p = sr->role->peers; p != NULL; p = p->next)
		tell(told, p);
	return 0;
}

/* The newest SPOOL_LOGS_MAX epochs: of the older ones only the store knows. */
static int
publish_ended(struct spool_role *sr, uint32_t newest, struct why *why)
{
	uint32_t first =
	    newest > SPOOL_LOGS_MAX ? newest - SPOOL_LOGS_MAX + 1 : 1;
	int code = 0;

	for (uint32_t epoch = first; code == 0 && epoch < newest; epoch++) {
		struct log_head head;
		if (told_of(sr->log, epoch) != NULL)
			continue;
		code = spool_view_begin(sr->log->view, why);
		if (code == 0)
			code = tree_ended(sr->log->view, epoch, &head, why);
		spool_view_end(sr->log->view);
		if (code == 0)
			code = publish(sr, &head, why);
	}
	return code;
}

static void
again_soon(struct spool_log *log)
{
	static const struct timeval soon = {
	    CHECKPOINT_MS / 1000, CHECKPOINT_MS % 1000 * 1000};

	if (!evtimer_pending(log->timer, NULL))
		(void)evtimer_add(log->timer, &soon);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct spool_role *sr = arg;
	struct spool_log *log = sr->log;
	struct log_head head;
	struct why why = {0};

	(void)fd;
	(void)what;
	if (sr->group != NULL) /* under load there always is one */
		(void)spool_role_flush(sr);
	int code = spool_view_begin(log->view, &why);
	if (code == 0)
		code = tree_growing(log->view, &head, &why);
	spool_view_end(log->view);
	if (code == 0)
		code = publish_ended(sr, head.epoch, &why);
	if (code == 0)
		code = publish(sr, &head, &why);
	if (code != 0) {
		if (!log->failing)
			log_event(LOG_WARNING, "log.checkpoint-failed",
			    LOGS("code", why_name(code)),
			    LOGS("error", why.text));
		again_soon(log);
	}
	log->failing = code != 0;
}

/* ---- the role's ---- */

int
spool_log_start(struct spool_role *sr, struct why *why)
{
	static const struct timeval now = {0, 0};

	sr->log = calloc(1, sizeof(*sr->log));
	if (sr->log == NULL)
		return why_set(why, WHY_NOMEM, "log");
	sr->log->timer = evtimer_new(sr->role->base, on_timer, sr);
	if (sr->log->timer == NULL || evtimer_add(sr->log->timer, &now) != 0)
		return why_set(why, WHY_NOMEM, "log");
	return spool_view_share(sr->spool, &sr->log->view, why);
}

void
spool_log_stop(struct spool_role *sr)
{
	struct spool_log *log = sr->log;

	if (log == NULL)
		return;
	if (log->timer != NULL)
		event_free(log->timer);
	for (size_t i = 0; i < log->count; i++)
		buf_clear(&log->told[i].body);
	spool_view_close(log->view);
	free(log);
	sr->log = NULL;
}

void
spool_log_grown(struct spool_role *sr)
{
	again_soon(sr->log);
}

void
spool_log_arrived(struct spool_role *sr, struct role_peer *peer)
{
	for (size_t i = 0; i < sr->log->count; i++)
		tell(&sr->log->told[i], peer);
}
