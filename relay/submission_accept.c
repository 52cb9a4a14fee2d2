/*
 * The accept: all that a submission has become, put to spool in one request;
 * durable when it answers, for every recipient or none.
 */
#include "relay/submission_priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "formats/json_write.h"
#include "keys/metakey.h"
#include "relay/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCEPT_ROOM 1024  /* of its fields, and of each delivery's */
#define METADATA_ROOM 512 /* of what most messages have */

/* What is kept under the metadata key, and erased with the content. */
static void
metadata_write(const struct submission *s, struct buf *out)
{
	const struct envelope *envelope = &s->envelope;
	json_write_object(out, NULL);
	json_write_number(out, "version", 1);
	if (envelope->reference != NULL)
		json_write_text(out, "reference", envelope->reference);
	json_write_array(out, "parts");
	for (size_t i = 0; i < envelope->parts_count; i++) {
		const struct envelope_part *part = &envelope->parts[i];
		json_write_object(out, NULL);
		json_write_text(out, "name", part->name);
		if (part->filename != NULL)
			json_write_text(out, "filename", part->filename);
		json_write_text(out, "mediaType", part->media_type);
		json_write_number(out, "size", (int64_t)part->size);
		json_write_text(out, "sha256", part->sha256);
		json_write_object_end(out);
	}
	json_write_array_end(out);
	json_write_object_end(out);
}

static int
metadata_build(struct submission *s, struct buf *out, struct why *why)
{
	char id[ID_TEXT_SIZE];
	struct buf text;
	int code;
	id_build(id, &s->id);
	buf_init(&text, 4 * s->net->limits->envelope_bytes);
	(void)buf_room(&text, METADATA_ROOM);
	metadata_write(s, &text);
	if (buf_ok(&text))
		code = metakeys_seal(
		    s->net->metakeys, span_text(id), buf_span(&text), out, why);
	else
		code = why_set(why, WHY_NOMEM, "metadata");
	buf_wipe(&text);
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
log_accepted(const struct submission *s)
{
	char id[ID_TEXT_SIZE];
	id_build(id, &s->first);
	log_event(LOG_INFO,
	    s->repeated ? "message.repeated" : "message.accepted",
	    LOGS("message", id), LOGS("sender", s->caller->organisation),
	    LOGS("type", s->profile->name),
	    LOGN("recipients", s->contents_count),
	    LOGN("bytes", s->envelope.bytes),
	    LOGN("missing_glyphs", s->missing_glyphs),
	    LOGS("code_points", s->glyphs),
	    LOGN("unknown_values", s->unknown_values),
	    LOGN("language_fallback", s->fell_back),
	    LOGN("minimised", s->minimised_count),
	    LOGN("ms", clock_wall_ms() - s->began_ms));
	if (s->unknown_values > 0 && !s->repeated)
		log_event(LOG_WARNING, "message.unknown-values",
		    LOGS("message", id), LOGS("type", s->profile->name),
		    LOGN("values", s->unknown_values));
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
		submission_stages_drop(s);
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
	s->repeated = answer->repeated;
	buf_add_span(&s->jws, answer->jws);
	log_accepted(s);
	s->state = SUBMISSION_ACCEPTED;
	submission_notify(s);
}

/* About how many bytes it takes: room made at once need not be made anew. */
static size_t
accept_size(const struct submission *s, const struct buf *metadata)
{
	size_t size = ACCEPT_ROOM + metadata->size;
	for (size_t i = 0; i < s->contents_count; i++)
		size +=
		    ACCEPT_ROOM +
		    (s->contents_count > 1 ? s->contents[i].gathered.size : 0);
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
		    .missing_glyphs = s->glyphs,
		    .metadata = buf_span(&metadata),
		    .minimised = buf_text(&s->minimised),
		    .deliveries = deliveries,
		    .delivery_count = s->contents_count,
		};
		memcpy(accept.key, s->key, sizeof accept.key);
		memcpy(accept.fingerprint, s->fingerprint,
		    sizeof accept.fingerprint);
		(void)buf_room(body, accept_size(s, &metadata));
		spool_wire_accept_build(body, &accept);
		if (s->contents_count > 1) /* one alone goes as it is */
			spool_wire_accept_rest_build(body, &accept);
		if (!buf_ok(body))
			code = why_set(why, WHY_NOMEM, "accept");
	}
	buf_clear(&metadata);
	free(deliveries);
	return code;
}

void
submission_accept(struct submission *s)
{
	struct why why = {0};
	struct buf body;
	buf_init(&body, WIRE_BODY_MAX);
	int code = accept_build(s, &body, &why);
	if (code == 0)
		code = net_ask_spool_take(s->net, SPOOL_WIRE_ACCEPT, &body,
		    s->contents_count > 1 ? NULL : &s->contents[0].gathered,
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
