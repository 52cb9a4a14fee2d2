#include "relay/submission_priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "formats/json_write.h"
#include "keys/metakey.h"
#include "relay/conf.h"
#include "relay/digest.h"
#include "relay/render_queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#define POLL_MS 50      /* how often a missing scan role is looked for */
#define ANSWER_ROOM 512 /* of an answer besides the receipt */

/* ---- waiting and telling ---- */

void
submission_notify(struct submission *s)
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

/* ---- the end ---- */

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
		submission_stages_drop(s);
	submission_part_clear(s);
	submission_seal_clear(s);
	submission_notify(s);
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

/* Everything was given: when nothing is missing any more, accept. */
static void
conclude(struct submission *s)
{
	if (s->waiting != 0)
		return;
	if (s->sign_ask != NULL)
		return;
	/* while scan looks on */
	if (s->sealing && !submission_seal_finish(s))
		return;
	if (s->scans_out > 0)
		return;
	if ((s->list_index < s->envelope.parts_count ||
		s->profile->attachments.list_is_payload) &&
	    !s->list_checked) {
		submission_list_ask(s);
		return;
	}
	if (s->dry_run) {
		s->state = SUBMISSION_ACCEPTED;
		submission_notify(s);
		return;
	}
	if (s->stages_out == 0)
		submission_accept(s);
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
		submission_notify(s);
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

/* ---- what the owner sees ---- */

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

/* What was accepted just now waits; what was accepted before may have been
 * fetched since. */
static void
recipients_write(struct submission *s, struct buf *out)
{
	struct spool_delivery delivery;
	bool looked = s->repeated && spool_view_begin(s->net->view, NULL) == 0;
	json_write_array(out, "recipients");
	for (size_t i = 0; i < s->envelope.recipients_count; i++) {
		const char *recipient = s->envelope.recipients[i];
		const char *state = s->dry_run ? "valid" : "accepted";
		if (looked && spool_view_delivery(s->net->view, &s->first,
				  recipient, &delivery, NULL) == 0)
			state = spool_state_name(delivery.state);
		json_write_object(out, NULL);
		json_write_text(out, "recipient", recipient);
		json_write_text(out, "state", state);
		json_write_object_end(out);
	}
	json_write_array_end(out);
	if (looked)
		spool_view_end(s->net->view);
}

unsigned
submission_answer(struct submission *s, struct buf *out)
{
	char id[ID_TEXT_SIZE];
	(void)buf_room(out, ANSWER_ROOM + s->jws.size);
	json_write_object(out, NULL);
	if (s->dry_run) {
		json_write_text(out, "state", "valid");
		recipients_write(s, out);
		json_write_object(out, "notes");
		json_write_number(
		    out, "missingGlyphs", (int64_t)s->missing_glyphs);
		json_write_number(
		    out, "unknownValues", (int64_t)s->unknown_values);
		json_write_bool(out, "languageFallback", s->fell_back);
		json_write_number(
		    out, "minimised", (int64_t)s->minimised_count);
		json_write_object_end(out);
	} else {
		id_build(id, &s->first);
		json_write_text(out, "id", id);
		json_write_text(out, "state", "accepted");
		recipients_write(s, out);
		json_write_span(out, "receipt", buf_span(&s->jws));
	}
	json_write_object_end(out);
	return s->dry_run ? 200 : 201;
}

const char *
submission_location(const struct submission *s)
{
	static char location[64];
	char id[ID_TEXT_SIZE];
	id_build(id, &s->first);
	(void)snprintf(location, sizeof location, "/v1/messages/%s", id);
	return s->dry_run ? NULL : location;
}

struct problem *
submission_problem(struct submission *s, unsigned *retry_s)
{
	struct problem *problem = s->problem;
	s->problem = NULL;
	*retry_s = s->retry_s;
	return problem;
}

/* ---- life ---- */

static bool
prepare(struct submission *s, const struct submission_ask *ask)
{
	const struct limits *limits = s->net->limits;
	buf_init(&s->payload, limits->payload_bytes);
	buf_init(&s->list, limits->payload_bytes);
	buf_init(&s->pdf, WIRE_BODY_MAX);
	buf_init(&s->xhtml, WIRE_BODY_MAX);
	buf_init(&s->xml, WIRE_BODY_MAX);
	buf_init(&s->text, WIRE_BODY_MAX);
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
	       digest_make(ask->key, s->key);
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
		    digest_make(buf_span(&canonical), s->fingerprint);
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
		submission_stages_drop(s);
	submission_part_clear(s);
	submission_seal_clear(s);
	submission_kept_release(s);
	problem_free(s->problem);
	envelope_clear(&s->envelope);
	buf_wipe(&s->payload);
	buf_wipe(&s->list);
	buf_wipe(&s->pdf);
	buf_wipe(&s->xhtml);
	buf_wipe(&s->xml);
	buf_wipe(&s->text);
	buf_clear(&s->jws);
	buf_clear(&s->minimised);
	free(s->sha512);
	if (s->timer != NULL)
		event_free(s->timer);
	if (s->notify != NULL)
		event_free(s->notify);
	LIST_REMOVE(s, entry);
	s->net->uploads->count--;
	free(s);
}
