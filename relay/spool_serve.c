/*
 * The spool role: the only writer of the store.
 *
 * A group is open while requests keep coming; when none is left to read it is
 * signed by keys in one batch, committed with one flush, and all are answered.
 * While it commits the next requests gather in the sockets: the busier, the
 * larger the groups. What nobody waits for opens no group of its own at once:
 * it goes with the next, in the order in which it came.
 *
 * SECURITY: reads requests of net, which reads the world: they are parsed as
 * hostile. Has the spool directory; no network, no private key.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "keys/log_hash.h"
#include "relay/evidence.h"
#include "relay/keys_wire.h"
#include "relay/spool_role.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#define JWS_MAX (64u << 10)
/* So long "fetched" may wait for a group: the receipt mostly comes before. */
#define ASIDE_MS 10

/* The store is of no more use in this process: the parent starts a new one. */
static void
give_up(struct spool_role *sr, const struct why *why)
{
	log_event(LOG_ERROR, "spool.dead", LOGS("error", why->text));
	sr->role->draining = true;
	_Exit(1);
}

/* What was put aside comes before what the group was opened for. */
static void
aside_apply(struct spool_role *sr)
{
	for (size_t i = 0; i < sr->pending_count; i++) {
		struct spool_pending *pending = &sr->pending[i];
		if (!pending->aside)
			continue;
		pending->aside = false;
		spool_apply(sr, pending, buf_span(&pending->body));
	}
	(void)evtimer_del(sr->aside);
}

int
spool_role_group(struct spool_role *sr, struct why *why)
{
	if (sr->group != NULL)
		return 0;
	int code =
	    spool_group_begin(sr->spool, clock_wall_ms(), &sr->group, why);
	if (code != 0) {
		if (spool_is_dead(sr->spool))
			give_up(sr, why);
		return code;
	}
	sr->group_bytes = 0;
	spool_care_group(sr);
	aside_apply(sr);
	return 0;
}

/* ---- evidence ---- */

/* Payloads of all drafts, one after the other, and where each ends. */
static int
drafts_build(
    struct spool_role *sr, struct buf *payloads, size_t *ends, struct why *why)
{
	const struct evidence_issuer issuer = {
	    .name = sr->role->conf->name,
	    .organisation = sr->role->conf->organisation,
	};
	size_t count = spool_group_drafts(sr->group);
	for (size_t i = 0; i < count; i++) {
		int code = evidence_build(
		    payloads, spool_group_draft(sr->group, i), &issuer, why);
		if (code != 0)
			return code;
		ends[i] = payloads->size;
	}
	return 0;
}

static int
signed_attach(struct spool_role *sr, struct span answer, struct span *items,
    struct why *why)
{
	size_t count = spool_group_drafts(sr->group);
	size_t got;
	struct span result;
	int code = keys_wire_answer_parse(answer, &result, why);
	if (code == 0)
		code = keys_wire_list_parse(result, items, count, &got, why);
	if (code == 0 && got != count)
		code = why_set(
		    why, WHY_MALFORMED, "keys signed %zu of %zu", got, count);
	for (size_t i = 0; code == 0 && i < count; i++)
		code = spool_group_sign(sr->group, i, items[i], why);
	return code;
}

static int
group_sign(struct spool_role *sr, struct why *why)
{
	size_t count = spool_group_drafts(sr->group);
	if (count == 0)
		return 0;
	struct buf payloads;
	struct buf request;
	struct buf answer;
	buf_init(&payloads, KEYS_BODY_BYTES);
	buf_init(&request, KEYS_BODY_BYTES);
	buf_init(&answer, KEYS_BODY_BYTES);
	size_t *ends = calloc(count, sizeof *ends);
	struct span *items = calloc(count, sizeof *items);
	int code = ends == NULL || items == NULL
		       ? why_set(why, WHY_NOMEM, "evidence of a group")
		       : drafts_build(sr, &payloads, ends, why);
	for (size_t i = 0; code == 0 && i < count; i++) {
		size_t from = i == 0 ? 0 : ends[i - 1];
		items[i] = span_of(payloads.at + from, ends[i] - from);
	}
	if (code == 0)
		code = keys_wire_list_build(items, count, &request, why);
	if (code == 0)
		code = role_ask_wait(sr->role, ROLE_KEYS, KEYS_SIGN,
		    buf_span(&request),
		    (int64_t)sr->role->conf->limits.role_wait_ms, &answer, why);
	if (code == 0)
		code = signed_attach(sr, buf_span(&answer), items, why);
	free(items);
	free(ends);
	buf_clear(&payloads);
	buf_clear(&request);
	buf_clear(&answer);
	return code;
}

static int
evidence_collect(struct spool_role *sr, struct why *why)
{
	for (size_t i = 0; i < sr->pending_count; i++) {
		struct spool_pending *pending = &sr->pending[i];
		buf_clear(&pending->jws);
		if (!pending->has_evidence)
			continue;
		int code = spool_group_evidence(
		    sr->group, pending->evidence, &pending->jws, why);
		if (code != 0)
			return code;
		pending->answer.jws = buf_span(&pending->jws);
	}
	return 0;
}

static void
wakes_collect(struct spool_role *sr, struct spool_wake *wake)
{
	for (size_t i = 0; i < spool_group_drafts(sr->group); i++) {
		const struct spool_draft *draft =
		    spool_group_draft(sr->group, i);
		spool_wake_add(wake, draft->sender);
		spool_wake_add(wake, draft->recipient);
		for (size_t k = 0; k < draft->recipient_count; k++)
			spool_wake_add(wake, draft->recipients[k]);
		if (draft->level == SPOOL_LEVEL_RESTORED)
			wake->all = true;
	}
}

/* Sign and commit the open group. It is gone afterwards, whatever happened. */
static int
group_finish(struct spool_role *sr, struct spool_wake *wake, struct why *why)
{
	int code = 0;
	if (spool_group_broken(sr->group))
		code = why_set(why, WHY_FULL, "the store has no room");
	if (code == 0)
		code = group_sign(sr, why);
	if (code == 0)
		code = evidence_collect(sr, why);
	if (code == 0) {
		wakes_collect(sr, wake);
		code = spool_group_commit(sr->group, why);
	} else {
		spool_group_abort(sr->group);
	}
	sr->group = NULL;
	spool_care_group_ended(sr, code == 0);
	return code;
}

/* ---- answers ---- */

/* An audit event: only once it is durable. */
static void
log_gone(const struct spool_pending *pending)
{
	char hex[2 * SPOOL_HASH_SIZE + 1];
	if (!pending->gone.is_set || pending->answer.code != 0)
		return;
	hex_build(hex, pending->gone.fingerprint, SPOOL_HASH_SIZE);
	log_event(LOG_WARNING, "certificate.forgotten",
	    LOGS("mailbox", pending->gone.recipient), LOGS("certificate", hex));
}

static void
answer_all(struct spool_role *sr)
{
	for (size_t i = 0; i < sr->pending_count; i++) {
		struct spool_pending *pending = &sr->pending[i];
		struct buf body;
		buf_init(&body, JWS_MAX);
		log_gone(pending);
		spool_answer_build(&body, &pending->answer);
		if (pending->peer != NULL && pending->peer->channel != NULL)
			(void)channel_answer(pending->peer->channel,
			    pending->request, SPOOL_WIRE_ANSWER, 0,
			    buf_span(&body));
		buf_clear(&body);
		buf_clear(&pending->body);
		buf_clear(&pending->jws);
	}
	sr->pending_count = 0;
}

static void
wake_all(struct spool_role *sr, const struct spool_wake *wake)
{
	if (wake->count == 0 && !wake->all)
		return;
	struct buf body;
	buf_init(&body, sizeof *wake + 4 * SPOOL_WIRE_WAKE_MAX + 16);
	spool_wake_build(&body, wake);
	for (struct role_peer *p = sr->role->peers; p != NULL; p = p->next)
		if (p->kind == ROLE_NET && p->channel != NULL)
			(void)channel_tell(
			    p->channel, SPOOL_WIRE_WAKE, buf_span(&body));
	buf_clear(&body);
}

static void
refuse(struct spool_pending *pending, const struct why *why)
{
	pending->answer =
	    (struct spool_answer){.code = why->code, .refused = UINT32_MAX};
	memcpy(pending->answer.text, why->text, sizeof why->text);
	pending->has_evidence = false;
}

/* The store had no room: what brings content is refused, the rest gets the
 * reserve. */
static int
group_again(struct spool_role *sr, struct spool_wake *wake, struct why *why)
{
	struct why full = *why;
	sr->full = true;
	int code = spool_role_group(sr, why);
	for (size_t i = 0; i < sr->pending_count; i++) {
		struct spool_pending *pending = &sr->pending[i];
		if (spool_apply_is_content(pending->type) || code != 0)
			refuse(pending, &full);
		else
			spool_apply(sr, pending, buf_span(&pending->body));
	}
	return code != 0 ? code : group_finish(sr, wake, why);
}

/* The answers of a group go out together. */
static void
hold_all(struct spool_role *sr, bool hold)
{
	for (struct role_peer *p = sr->role->peers; p != NULL; p = p->next) {
		if (p->channel == NULL)
			continue;
		if (hold)
			channel_hold(p->channel);
		else
			channel_release(p->channel);
	}
}

int
spool_role_flush(struct spool_role *sr)
{
	static struct spool_wake wake;
	struct why why = {0};
	if (sr->group == NULL)
		return 0;
	wake.count = 0;
	wake.all = false;
	int code = 0;
	if (spool_group_broken(sr->group) || spool_group_changed(sr->group) ||
	    sr->pending_count > 0)
		code = group_finish(sr, &wake, &why);
	else {
		spool_group_abort(sr->group);
		sr->group = NULL;
		spool_care_group_ended(sr, true); /* it changed nothing */
	}
	if (code == WHY_FULL) {
		wake.count = 0;
		code = group_again(sr, &wake, &why);
	}
	if (code == WHY_DOUBT || spool_is_dead(sr->spool))
		give_up(sr, &why);
	if (code != 0) {
		log_event(LOG_ERROR, "spool.commit-failed",
		    LOGS("code", why_name(code)), LOGS("error", why.text),
		    LOGN("requests", sr->pending_count));
		for (size_t i = 0; i < sr->pending_count; i++)
			refuse(&sr->pending[i], &why);
	}
	hold_all(sr, true);
	answer_all(sr);
	if (code == 0) {
		wake_all(sr, &wake);
		spool_log_grown(sr);
	}
	hold_all(sr, false);
	return code;
}

static void
on_flush(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)spool_role_flush(arg);
}

void
spool_role_flush_soon(struct spool_role *sr)
{
	static const struct timeval now = {0, 0};
	if (!evtimer_pending(sr->flush, NULL))
		(void)evtimer_add(sr->flush, &now);
}

static void
on_aside(evutil_socket_t fd, short what, void *arg)
{
	struct spool_role *sr = arg;
	struct why why = {0};
	(void)fd;
	(void)what;
	if (spool_role_group(sr, &why) == 0) {
		(void)spool_role_flush(sr);
		return;
	}
	for (size_t i = 0; i < sr->pending_count; i++)
		refuse(&sr->pending[i], &why);
	answer_all(sr);
}

/* ---- requests ---- */

static struct spool_pending *
pending_new(struct spool_role *sr)
{
	if (sr->pending_count == sr->pending_capacity) {
		size_t capacity = sr->pending_capacity * 2 + 16;
		struct spool_pending *at =
		    realloc(sr->pending, capacity * sizeof *at);
		if (at == NULL)
			return NULL;
		sr->pending = at;
		sr->pending_capacity = capacity;
	}
	struct spool_pending *pending = &sr->pending[sr->pending_count++];
	*pending = (struct spool_pending){.peer = NULL};
	buf_init(&pending->body, WIRE_BODY_MAX);
	buf_init(&pending->jws, JWS_MAX);
	return pending;
}

static void
on_telling(struct spool_role *sr, const struct wire_frame *frame)
{
	struct spool_wire_delivery polled;
	if (frame->type == SPOOL_WIRE_ACCOUNT)
		spool_conservation_ask(sr);
	if (frame->type != SPOOL_WIRE_POLLED ||
	    spool_wire_delivery_parse(frame->body, &polled, NULL) != 0)
		return;
	spool_care_polled(sr, polled.recipient);
}

/* Nobody waits for the answer, and no promise hangs on it: the bytes have left,
 * their hand-out is on record. */
static bool
aside_put(struct spool_role *sr, struct spool_pending *pending)
{
	static const struct timeval wait = {0, ASIDE_MS * 1000};
	if (pending->type != SPOOL_WIRE_FETCHED || sr->group != NULL ||
	    sr->role->draining ||
	    sr->pending_count >= sr->role->conf->limits.group_requests)
		return false;
	pending->aside = true;
	if (!evtimer_pending(sr->aside, NULL))
		(void)evtimer_add(sr->aside, &wait);
	return true;
}

static void
on_request(
    struct role *role, struct role_peer *peer, const struct wire_frame *frame)
{
	struct spool_role *sr = role->own;
	struct why why = {0};
	if (peer->kind != ROLE_NET)
		return;
	if (frame->request == 0) {
		on_telling(sr, frame);
		return;
	}
	struct spool_pending *pending = pending_new(sr);
	if (pending == NULL) {
		(void)why_set(&why, WHY_NOMEM, "requests of a group");
		(void)channel_refuse(peer->channel, frame->request, &why);
		return;
	}
	pending->peer = peer;
	pending->request = frame->request;
	pending->type = frame->type;
	if (!spool_apply_is_content(frame->type))
		buf_add_span(&pending->body, frame->body);
	if (aside_put(sr, pending))
		return;
	if (spool_role_group(sr, &why) != 0) {
		(void)channel_refuse(peer->channel, frame->request, &why);
		buf_clear(&sr->pending[--sr->pending_count].body);
		return;
	}
	spool_apply(sr, pending, frame->body);
	sr->group_bytes += frame->body.size;
	if (spool_group_broken(sr->group) ||
	    sr->pending_count >= role->conf->limits.group_requests ||
	    sr->group_bytes >= role->conf->limits.group_bytes)
		(void)spool_role_flush(sr);
	else
		spool_role_flush_soon(sr);
}

static void
on_arrived(struct role *role, struct role_peer *peer)
{
	if (peer->kind == ROLE_NET) {
		spool_log_arrived(role->own, peer);
		spool_conservation_arrived(role->own, peer);
	}
}

static void
on_left(struct role *role, struct role_peer *peer)
{
	struct spool_role *sr = role->own;
	for (size_t i = 0; i < sr->pending_count; i++)
		if (sr->pending[i].peer == peer)
			sr->pending[i].peer = NULL;
}

static void
on_drain(struct role *role)
{
	struct spool_role *sr = role->own;
	if (sr->pending_count > 0)
		on_aside(-1, 0, sr); /* nothing waits for later now */
	(void)spool_role_flush(sr);
	role_leave(role);
}

static void
on_control(struct role *role, const struct wire_frame *frame)
{
	struct role_deaths deaths;
	if (frame->type == CONTROL_DEATHS && role_deaths_parse(frame, &deaths))
		spool_care_deaths(role->own, &deaths);
}

/* ---- the role ---- */

/* Dirty pages come and go with each commit: glibc must not give them back to
 * the kernel every time. */
static void
memory_keep(void)
{
	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_TRIM_THRESHOLD, 32 << 20);
	(void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
}

static int
serve(struct spool_role *sr, struct why *why)
{
	struct role *role = sr->role;
	struct spool_options options;
	spool_options_init(&options);
	options.sha256 = log_sha256;
	options.limits = role->conf->limits;
	options.hand_out_ms =
	    (int64_t)role->conf->handed_out_seconds * CLOCK_SECOND_MS;
	options.purge_chunks =
	    (size_t)(role->conf->limits.purge_bytes / SPOOL_CHUNK_SIZE + 1);
	int code = spool_open(role->conf->spool, &options, &sr->spool, why);
	if (code == 0)
		code = role_base_new(role, why);
	if (code != 0)
		return code;
	role_block(role, ROLE_KEYS);
	sr->flush = evtimer_new(role->base, on_flush, sr);
	sr->aside = evtimer_new(role->base, on_aside, sr);
	if (sr->flush == NULL || sr->aside == NULL)
		return why_set(why, WHY_NOMEM, "spool role");
	code = spool_care_start(sr, why);
	if (code == 0)
		code = spool_log_start(sr, why);
	if (code == 0)
		code = spool_conservation_start(sr, why);
	if (code == 0)
		code = role_enter(role, why);
	return code != 0 ? code : role_run(role);
}

int
spool_role_serve(struct role *role)
{
	static const struct role_hooks hooks = {
	    .request = on_request,
	    .arrived = on_arrived,
	    .left = on_left,
	    .drain = on_drain,
	    .control = on_control,
	};
	struct why why = {0};
	struct spool_role sr = {.role = role};
	memory_keep();
	role->hooks = &hooks;
	role->own = &sr;
	int code = serve(&sr, &why);
	if (code != 0)
		log_event(LOG_ERROR, "role.failed", LOGS("error", why.text));
	spool_care_stop(&sr);
	spool_log_stop(&sr);
	spool_conservation_stop(&sr);
	if (sr.flush != NULL)
		event_free(sr.flush);
	if (sr.aside != NULL)
		event_free(sr.aside);
	spool_group_abort(sr.group);
	spool_close(sr.spool);
	for (size_t i = 0; i < sr.pending_count; i++) {
		buf_clear(&sr.pending[i].body);
		buf_clear(&sr.pending[i].jws);
	}
	free(sr.pending);
	return code;
}
