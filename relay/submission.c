#include "relay/submission_priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "keys/metakey.h"
#include "relay/conf.h"
#include "relay/render_queue.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <jansson.h>

#define ACCEPT_ROOM 1024 /* of its fields, and of each delivery's */
#define POLL_MS 50       /* how often a missing scan role is looked for */

/* ---- waiting and telling --------------------------------------------------
 */

static void
notify(struct submission *s)
{
	event_active(s->notify, EV_TIMEOUT, 0);
}

static void
on_notify(evutil_socket_t fd, short what, void *arg)
{
	struct submission *s = arg;
	(void)fd;
	(void)what;
	if (!s->orphan)
		s->changed(s->arg);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct submission *s = arg;
	(void)fd;
	(void)what;
	if ((s->waiting & WAIT_SCAN_PEER) != 0)
		submission_scan_again(s);
}

void
submission_wait(struct submission *s, unsigned for_what)
{
	s->waiting |= for_what;
	if (s->state == SUBMISSION_RUNNING)
		s->state = SUBMISSION_PAUSED;
	if ((for_what & WAIT_SCAN_PEER) != 0) {
		static const struct timeval soon = {0, POLL_MS * 1000};
		(void)evtimer_add(s->timer, &soon);
	}
}

void
submission_waited(struct submission *s, unsigned for_what)
{
	if ((s->waiting & for_what) == 0)
		return;
	s->waiting &= ~for_what;
	submission_proceed(s);
}

/* ---- the end --------------------------------------------------------------
 */

static void
on_dropped(void *arg, int code, const struct spool_answer *answer,
    const struct why *why)
{
	(void)arg;
	(void)code;
	(void)answer;
	(void)why;
}

static void
stages_drop(struct submission *s)
{
	for (size_t i = 0; i < s->contents_count; i++) {
		struct content *content = &s->contents[i];
		if (content->staged == 0)
			continue;
		struct spool_wire_stage stage = {
		    .upload = s->id, .content = (uint32_t)i};
		memcpy(stage.recipient, content->recipient,
		    sizeof stage.recipient);
		struct buf body;
		buf_init(&body, 256);
		spool_wire_stage_build(&body, &stage);
		/* what cannot be told is swept by spool after staged_hours */
		(void)net_ask_spool(s->net, SPOOL_WIRE_STAGE_DROP,
		    buf_span(&body), on_dropped, NULL, NULL);
		buf_clear(&body);
	}
}

void
submission_refuse(
    struct submission *s, struct problem *take_problem, unsigned retry_s)
{
	if (s->state == SUBMISSION_REFUSED || s->state == SUBMISSION_ACCEPTED) {
		problem_free(take_problem);
		return;
	}
	s->problem = take_problem;
	s->retry_s = retry_s;
	s->state = SUBMISSION_REFUSED;
	s->waiting = 0;
	if (!s->asked) /* else on_accepted() knows what becomes of it */
		stages_drop(s);
	submission_part_clear(s);
	submission_seal_clear(s);
	notify(s);
}

void
submission_fail(struct submission *s, const struct why *why)
{
	enum problem_code code = problem_of_why(why->code);
	struct problem *problem = problem_new(code);
	/* our own faults are told in the log, not to the sender */
	if (problem != NULL && problem_code_status(code) < 500)
		problem_error(problem, "", "", "%s", why->text);
	else
		log_event(LOG_ERROR, "submission.failed",
		    LOGS("code", why_name(why->code)),
		    LOGS("error", why->text));
	submission_refuse(s, problem, 1);
}

/* ---- acceptance -----------------------------------------------------------
 */

/* What is kept under the metadata key, and erased with the content. */
static int
metadata_build(struct submission *s, struct buf *out, struct why *why)
{
	json_t *parts = json_array();
	json_t *metadata = json_pack("{s:i,s:s*,s:o}", "version", 1,
	    "reference", s->envelope.reference, "parts", parts);
	for (size_t i = 0; i < s->envelope.parts_count; i++) {
		const struct envelope_part *part = &s->envelope.parts[i];
		(void)json_array_append_new(
		    parts, json_pack("{s:s,s:s*,s:s,s:I,s:s}", "name",
			       part->name, "filename", part->filename,
			       "mediaType", part->media_type, "size",
			       (json_int_t)part->size, "sha256", part->sha256));
	}
	char *text = metadata == NULL ? NULL
				      : json_dumps(metadata,
					    JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(metadata);
	if (text == NULL)
		return why_set(why, WHY_NOMEM, "metadata");
	char id[ID_TEXT_SIZE];
	id_build(id, &s->id);
	int code = metakeys_seal(
	    s->net->metakeys, span_text(id), span_text(text), out, why);
	OPENSSL_cleanse(text, strlen(text));
	free(text);
	return code;
}

static int64_t
overridden(uint64_t setting, int64_t profile_s)
{
	return setting != 0 ? (int64_t)setting : profile_s;
}

static enum spool_severity
severity_of(enum profile_severity severity)
{
	return severity == PROFILE_CRITICAL  ? SPOOL_CRITICAL
	       : severity == PROFILE_WARNING ? SPOOL_SERIOUS
					     : SPOOL_WARNING;
}

/* A setting in place of the profile's stages of one kind: one alarm, and one
 * escalation. */
static size_t
deadlines_set(const struct submission *s, int64_t accepted_ms, uint64_t seconds,
    enum spool_deadline_kind kind,
    struct spool_deadline out[SPOOL_DEADLINES_MAX], size_t count)
{
	int64_t at_ms = accepted_ms + (int64_t)seconds * CLOCK_SECOND_MS;
	out[count++] = (struct spool_deadline){at_ms, kind, SPOOL_SERIOUS};
	at_ms += (int64_t)s->net->conf->escalate_seconds * CLOCK_SECOND_MS;
	out[count++] = (struct spool_deadline){at_ms, kind, SPOOL_CRITICAL};
	return count;
}

static size_t
deadlines_fill(const struct submission *s, int64_t accepted_ms,
    struct spool_deadline out[SPOOL_DEADLINES_MAX])
{
	uint64_t fetch = s->net->conf->not_fetched_seconds;
	uint64_t confirm = s->net->conf->not_confirmed_seconds;
	size_t count = 0;
	if (fetch != 0)
		count = deadlines_set(
		    s, accepted_ms, fetch, SPOOL_DEADLINE_FETCH, out, count);
	if (confirm != 0)
		count = deadlines_set(s, accepted_ms, confirm,
		    SPOOL_DEADLINE_CONFIRM, out, count);
	for (size_t i = 0;
	     i < s->profile->deadlines_count && count < SPOOL_DEADLINES_MAX;
	     i++) {
		const struct profile_deadline *d = &s->profile->deadlines[i];
		bool fetching = d->stage == PROFILE_NOT_FETCHED;
		if ((fetching ? fetch : confirm) != 0)
			continue;
		out[count++] = (struct spool_deadline){
		    .at_ms = accepted_ms + d->after_s * CLOCK_SECOND_MS,
		    .kind = fetching ? SPOOL_DEADLINE_FETCH
				     : SPOOL_DEADLINE_CONFIRM,
		    .severity = severity_of(d->severity),
		};
	}
	return count;
}

static void
delivery_fill(const struct submission *s, size_t index, int64_t now_ms,
    const struct spool_deadline *deadlines, size_t count,
    struct spool_delivery_new *out)
{
	const struct content *content = &s->contents[index];
	const struct conf *conf = s->net->conf;
	*out = (struct spool_delivery_new){
	    .recipient = content->recipient,
	    .content = (uint32_t)index,
	    .rest = buf_span(&content->gathered),
	    .size = content->size,
	    .form = content->form,
	    .suite = seal_suite_name(content->suite),
	    .seal = 1,
	    .deadlines = deadlines,
	    .deadline_count = count,
	    .expires_ms = now_ms + overridden(conf->expire_seconds,
				       s->profile->expiry_s) *
				       CLOCK_SECOND_MS,
	    .grace_ms = overridden(conf->grace_seconds, s->profile->grace_s) *
			CLOCK_SECOND_MS,
	};
	memcpy(out->proof_hash, content->proof_hash, sizeof out->proof_hash);
	memcpy(out->certificate, content->certificate, sizeof out->certificate);
}

static void
accept_refused(struct submission *s, const struct spool_answer *answer)
{
	enum problem_code code;
	switch (answer->code) {
	case WHY_EXISTS:
		code = PROBLEM_KEY_CONFLICT;
		break;
	case WHY_NOT_FOUND:
	case WHY_STATE:
	case WHY_DENIED:
		/* it was open at the door, and changed since: the next try is
		 * told at the door what is wrong, or takes the new certificate
		 */
		code = PROBLEM_UNAVAILABLE;
		break;
	case WHY_FULL:
		code = PROBLEM_STORE_FULL;
		break;
	default:
		code = problem_of_why(answer->code);
		break;
	}
	struct problem *problem = problem_new(code);
	char pointer[32] = "";
	if (answer->refused < s->envelope.recipients_count)
		(void)snprintf(pointer, sizeof pointer, "/recipients/%u",
		    (unsigned)answer->refused);
	if (problem != NULL && problem_code_status(code) < 500)
		problem_error(
		    problem, ENVELOPE_PART, pointer, "%s", answer->text);
	submission_refuse(s, problem, code == PROBLEM_STORE_FULL ? 60 : 1);
}

static void
log_accepted(const struct submission *s, bool repeated)
{
	char id[ID_TEXT_SIZE];
	id_build(id, &s->first);
	log_event(LOG_INFO, repeated ? "message.repeated" : "message.accepted",
	    LOGS("message", id), LOGS("sender", s->caller->organisation),
	    LOGS("type", s->profile->name),
	    LOGN("recipients", s->contents_count),
	    LOGN("bytes", s->envelope.bytes),
	    LOGN("missing_glyphs", s->missing_glyphs),
	    LOGN("unknown_values", s->unknown_values),
	    LOGN("ms", clock_wall_ms() - s->began_ms));
}

static void
on_accepted(void *arg, int code, const struct spool_answer *answer,
    const struct why *why)
{
	struct submission *s = arg;
	s->accept_ask = NULL;
	/* What was accepted is staged no more: when the outcome is not known,
	 * spool finds nothing to drop, or what nobody will ask for. */
	if (code != 0 || answer->code != 0 || answer->repeated)
		stages_drop(s);
	if (s->orphan) {
		submission_free(s);
		return;
	}
	s->waiting &= ~(unsigned)WAIT_ACCEPT;
	if (code != 0) {
		submission_fail(s, why);
		return;
	}
	if (answer->code != 0) {
		accept_refused(s, answer);
		return;
	}
	s->first = answer->message;
	buf_add_span(&s->jws, answer->jws);
	log_accepted(s, answer->repeated);
	s->state = SUBMISSION_ACCEPTED;
	notify(s);
}

/* About how many bytes it takes: room made at once need not be made anew. */
static size_t
accept_size(const struct submission *s, const struct buf *metadata)
{
	size_t size = ACCEPT_ROOM + metadata->size;
	for (size_t i = 0; i < s->contents_count; i++)
		size += ACCEPT_ROOM + s->contents[i].gathered.size;
	return size;
}

static int
accept_build(struct submission *s, struct buf *body, struct why *why)
{
	struct spool_deadline deadlines[SPOOL_DEADLINES_MAX];
	struct buf metadata;
	int64_t now_ms = clock_wall_ms();
	size_t count = deadlines_fill(s, now_ms, deadlines);
	struct spool_delivery_new *deliveries =
	    calloc(s->contents_count, sizeof *deliveries);
	if (deliveries == NULL)
		return why_set(why, WHY_NOMEM, "accept");
	for (size_t i = 0; i < s->contents_count; i++)
		delivery_fill(s, i, now_ms, deadlines, count, &deliveries[i]);
	buf_init(&metadata, 4 * s->net->limits->envelope_bytes);
	int code = metadata_build(s, &metadata, why);
	if (code == 0) {
		struct spool_accept accept = {
		    .message = s->id,
		    .upload = s->id,
		    .sender = s->caller->organisation,
		    .type = s->profile->name,
		    .version = s->profile->version,
		    .submitted_ms = s->began_ms,
		    .reference_required = s->profile->reference_required,
		    .metadata = buf_span(&metadata),
		    .deliveries = deliveries,
		    .delivery_count = s->contents_count,
		};
		memcpy(accept.key, s->key, sizeof accept.key);
		memcpy(accept.fingerprint, s->fingerprint,
		    sizeof accept.fingerprint);
		(void)buf_room(body, accept_size(s, &metadata));
		spool_wire_accept_build(body, &accept);
		if (!buf_ok(body))
			code = why_set(why, WHY_NOMEM, "accept");
	}
	buf_clear(&metadata);
	free(deliveries);
	return code;
}

static void
accept_ask(struct submission *s)
{
	struct why why = {0};
	struct buf body;
	buf_init(&body, WIRE_BODY_MAX);
	int code = accept_build(s, &body, &why);
	if (code == 0)
		code = net_ask_spool_take(s->net, SPOOL_WIRE_ACCEPT, &body,
		    on_accepted, s, &s->accept_ask);
	buf_clear(&body);
	if (code != 0) {
		if (why.code == 0)
			(void)why_set(&why, code, "accept");
		submission_fail(s, &why);
		return;
	}
	s->waiting |= WAIT_ACCEPT;
	s->asked = true;
	for (size_t i = 0; i < s->contents_count; i++)
		buf_clear(&s->contents[i].gathered);
}

/* Everything was given: when nothing is missing any more, accept. */
static void
conclude(struct submission *s)
{
	if (s->waiting != 0 || s->scans_out > 0)
		return;
	if (s->list_index < s->envelope.parts_count && !s->list_checked) {
		submission_list_ask(s);
		return;
	}
	if (s->dry_run) {
		s->state = SUBMISSION_ACCEPTED;
		notify(s);
		return;
	}
	if (s->sealing && !submission_seal_finish(s))
		return;
	if (s->stages_out == 0)
		accept_ask(s);
}

void
submission_proceed(struct submission *s)
{
	if (s->state == SUBMISSION_REFUSED || s->state == SUBMISSION_ACCEPTED)
		return;
	if (s->ended) {
		conclude(s);
		return;
	}
	if (s->state == SUBMISSION_PAUSED && s->waiting == 0) {
		s->state = SUBMISSION_RUNNING;
		notify(s);
	}
}

void
submission_end(struct submission *s)
{
	if (s->state == SUBMISSION_REFUSED || s->state == SUBMISSION_ACCEPTED)
		return;
	if (s->part.open || s->part.index != s->envelope.parts_count) {
		struct problem *problem = problem_new(PROBLEM_PARTS);
		if (problem != NULL)
			problem_error(problem, ENVELOPE_PART, "/parts",
			    "all %zu parts, %zu came", s->envelope.parts_count,
			    s->part.index);
		submission_refuse(s, problem, 0);
		return;
	}
	s->ended = true;
	s->state = SUBMISSION_WAITING;
	submission_proceed(s);
}

/* ---- what the owner sees --------------------------------------------------
 */

enum submission_state
submission_state(const struct submission *s)
{
	return s->state;
}

const struct envelope *
submission_envelope(const struct submission *s)
{
	return &s->envelope;
}

const char *
submission_organisation(const struct submission *s)
{
	return s->caller->organisation;
}

bool
submission_key_is(const struct submission *s, const struct caller *caller,
    const uint8_t key[32], const uint8_t fingerprint[32])
{
	return s->has_key &&
	       strcmp(s->caller->organisation, caller->organisation) == 0 &&
	       memcmp(s->key, key, sizeof s->key) == 0 &&
	       (fingerprint == NULL || memcmp(s->fingerprint, fingerprint,
					   sizeof s->fingerprint) == 0);
}

struct submission *
submission_running(
    struct net *net, const struct caller *caller, const uint8_t key[32])
{
	struct submission *s;
	LIST_FOREACH (s, &net->uploads->running, entry)
		if (s->state != SUBMISSION_REFUSED &&
		    s->state != SUBMISSION_ACCEPTED &&
		    submission_key_is(s, caller, key, NULL))
			return s;
	return NULL;
}

static json_t *
recipients_json(struct submission *s)
{
	json_t *list = json_array();
	struct spool_delivery delivery;
	bool looked = !s->dry_run && spool_view_begin(s->net->view, NULL) == 0;
	for (size_t i = 0; i < s->envelope.recipients_count; i++) {
		const char *recipient = s->envelope.recipients[i];
		const char *state = s->dry_run ? "valid" : "accepted";
		if (looked && spool_view_delivery(s->net->view, &s->first,
				  recipient, &delivery, NULL) == 0)
			state = spool_state_name(delivery.state);
		(void)json_array_append_new(
		    list, json_pack("{s:s,s:s}", "recipient", recipient,
			      "state", state));
	}
	if (looked)
		spool_view_end(s->net->view);
	return list;
}

struct json_t *
submission_answer(struct submission *s, unsigned *status)
{
	char id[ID_TEXT_SIZE];
	if (s->dry_run) {
		*status = 200;
		return json_pack("{s:s,s:o,s:{s:I,s:I}}", "state", "valid",
		    "recipients", recipients_json(s), "notes", "missingGlyphs",
		    (json_int_t)s->missing_glyphs, "unknownValues",
		    (json_int_t)s->unknown_values);
	}
	*status = 201;
	id_build(id, &s->first);
	const char *receipt = buf_text(&s->jws);
	return json_pack("{s:s,s:s,s:o,s:s}", "id", id, "state", "accepted",
	    "recipients", recipients_json(s), "receipt",
	    receipt == NULL ? "" : receipt);
}

struct problem *
submission_problem(struct submission *s, unsigned *retry_s)
{
	struct problem *problem = s->problem;
	s->problem = NULL;
	*retry_s = s->retry_s;
	return problem;
}

/* ---- life -----------------------------------------------------------------
 */

static bool
prepare(struct submission *s, const struct submission_ask *ask)
{
	const struct limits *limits = s->net->limits;
	buf_init(&s->payload, limits->payload_bytes);
	buf_init(&s->list, limits->payload_bytes);
	buf_init(&s->pdf, WIRE_BODY_MAX);
	buf_init(&s->xhtml, WIRE_BODY_MAX);
	buf_init(&s->jws, WIRE_BODY_MAX);
	s->caller = ask->caller;
	s->changed = ask->changed;
	s->arg = ask->arg;
	s->dry_run = ask->dry_run;
	s->began_ms = clock_wall_ms();
	s->id = id_new(s->began_ms);
	s->has_key = ask->key.size > 0;
	s->timer = evtimer_new(s->net->base, on_timer, s);
	s->notify = event_new(s->net->base, -1, 0, on_notify, s);
	return s->timer != NULL && s->notify != NULL &&
	       EVP_Digest(ask->key.at, ask->key.size, s->key, NULL,
		   EVP_sha256(), NULL) == 1;
}

/* The envelope's own rules; then its fingerprint. */
static bool
envelope_read(struct submission *s, struct span text)
{
	struct findings findings;
	struct why why = {0};
	struct buf canonical;
	findings_init(&findings, s->net->limits->findings);
	int code =
	    envelope_parse(text, s->net->limits, &findings, &s->envelope, &why);
	if (code != 0) {
		struct problem *problem = problem_new(
		    code == WHY_NOMEM ? PROBLEM_UNAVAILABLE : PROBLEM_ENVELOPE);
		if (problem != NULL)
			problem_findings(problem, &findings);
		findings_clear(&findings);
		submission_refuse(s, problem, 0);
		return false;
	}
	findings_clear(&findings);
	buf_init(&canonical, 8 * s->net->limits->envelope_bytes);
	envelope_canonical_build(&canonical, &s->envelope);
	bool good = buf_ok(&canonical) &&
		    EVP_Digest(canonical.at, canonical.size, s->fingerprint,
			NULL, EVP_sha256(), NULL) == 1;
	buf_clear(&canonical);
	if (!good)
		submission_refuse(s, problem_new(PROBLEM_UNAVAILABLE), 1);
	return good;
}

struct submission *
submission_new(struct net *net, const struct submission_ask *ask)
{
	struct submission *s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	s->net = net;
	LIST_INSERT_HEAD(&net->uploads->running, s, entry);
	net->uploads->count++;
	if (!prepare(s, ask)) {
		submission_free(s);
		return NULL;
	}
	s->state = SUBMISSION_RUNNING;
	if (envelope_read(s, ask->envelope))
		(void)submission_check(s);
	return s;
}

void
submission_free(struct submission *s)
{
	if (s == NULL)
		return;
	if (s->accept_ask != NULL) {
		/* spool may be committing it: its answer frees us */
		s->orphan = true;
		return;
	}
	render_queue_cancel(s->render_job);
	if (s->state != SUBMISSION_ACCEPTED && s->state != SUBMISSION_REFUSED &&
	    !s->asked)
		stages_drop(s);
	submission_part_clear(s);
	submission_seal_clear(s);
	problem_free(s->problem);
	envelope_clear(&s->envelope);
	buf_wipe(&s->payload);
	buf_wipe(&s->list);
	buf_wipe(&s->pdf);
	buf_wipe(&s->xhtml);
	buf_clear(&s->jws);
	free(s->sha512);
	if (s->timer != NULL)
		event_free(s->timer);
	if (s->notify != NULL)
		event_free(s->notify);
	LIST_REMOVE(s, entry);
	s->net->uploads->count--;
	free(s);
}

size_t
submissions_count(const struct net *net)
{
	return net->uploads->count;
}
