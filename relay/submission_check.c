/*
 * The envelope against everything that is known before the first byte of
 * content: who asks, whether the key was used, what the message type allows,
 * and whether every recipient can take it. What cannot be delivered is refused
 * at the door.
 */
#include "relay/submission_priv.h"

#include "base/clock.h"
#include "base/text.h"
#include "relay/fair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
refused(struct submission *s, struct problem *take_problem)
{
	submission_refuse(s, take_problem, 0);
	return false;
}

/* ---- type and parts ---- */

static bool
check_type(struct submission *s)
{
	const struct profile_set *profiles = &s->net->uploads->profiles;
	s->profile = profile_set_find(profiles, s->envelope.type);
	if (s->profile == NULL) {
		struct problem *problem = problem_new(PROBLEM_TYPE_UNKNOWN);
		struct buf known;
		buf_init(&known, 128);
		for (size_t i = 0; i < profiles->count; i++)
			buf_printf(&known, "%s%s", i > 0 ? ", " : "",
			    profiles->at[i]->name);
		if (problem != NULL)
			problem_error(problem, ENVELOPE_PART, "/type",
			    "one of: %s",
			    buf_ok(&known) ? buf_text(&known)
					   : "the relay's message types");
		buf_clear(&known);
		return refused(s, problem);
	}
	const struct resource sent = {.type = s->profile->name};
	enum denial denial;
	enum act act = strcmp(s->profile->name, SPOOL_TYPE_PROBE) == 0
			   ? ACT_PROBE
			   : ACT_SEND;
	if (authority_decide(s->caller, act, &sent, &denial) == 0) {
		net_denied(NULL, s->caller, denial, s->profile->name);
		struct problem *problem = problem_new(PROBLEM_TYPE_DENIED);
		if (problem != NULL)
			problem_error(problem, ENVELOPE_PART, "/type",
			    "a type that the caller may send");
		return refused(s, problem);
	}
	return true;
}

bool
submission_part_is_payload(const struct submission *s, size_t index)
{
	return index == 0 && s->profile->payload != PROFILE_PAYLOAD_NONE;
}

static void
part_error(struct problem *problem, size_t index, const char *member,
    const char *expected)
{
	char pointer[64];
	(void)snprintf(pointer, sizeof pointer, "/parts/%zu%s", index, member);
	problem_error(problem, ENVELOPE_PART, pointer, "%s", expected);
}

static void
check_payload_part(struct submission *s, struct problem *problem)
{
	const struct envelope_part *part = &s->envelope.parts[0];
	if (strcmp(part->media_type, s->profile->media_type) != 0)
		part_error(problem, 0, "/mediaType", s->profile->media_type);
	if (profile_structured(s->profile) &&
	    part->size > s->net->limits->payload_bytes)
		part_error(
		    problem, 0, "/size", "at most the limit payload_bytes");
}

static void
check_attachment_part(
    struct submission *s, size_t index, struct problem *problem)
{
	const struct envelope_part *part = &s->envelope.parts[index];
	const struct profile_attachments *rule = &s->profile->attachments;
	if (part->filename == NULL) {
		part_error(problem, index, "/filename",
		    "a file name, as every attachment has");
		return;
	}
	if (rule->list_name != NULL &&
	    strcmp(part->filename, rule->list_name) == 0) {
		if (index > (s->profile->payload != PROFILE_PAYLOAD_NONE))
			part_error(problem, index, "",
			    "the attachment list right behind the payload");
		if (part->size > s->net->limits->payload_bytes)
			part_error(problem, index, "/size",
			    "at most the limit payload_bytes");
		s->list_index = index;
		return;
	}
	if (!profile_media_type_allowed(s->profile, part->media_type))
		part_error(problem, index, "/mediaType",
		    "a media type that the message type allows");
	if (part->size > rule->bytes_max)
		part_error(problem, index, "/size",
		    "at most what the message type allows");
}

static bool
check_parts(struct submission *s)
{
	const struct profile *profile = s->profile;
	bool payload = profile->payload != PROFILE_PAYLOAD_NONE;
	struct problem *problem = problem_new(PROBLEM_ENVELOPE);
	if (problem == NULL)
		return refused(s, NULL);
	s->list_index = s->envelope.parts_count;
	if (payload && s->envelope.parts_count == 0)
		problem_error(problem, ENVELOPE_PART, "/parts",
		    "the payload as the first part");
	for (size_t i = 0; i < s->envelope.parts_count; i++) {
		if (s->envelope.parts[i].size > s->net->limits->part_bytes)
			part_error(problem, i, "/size",
			    "at most the limit part_bytes");
		if (submission_part_is_payload(s, i))
			check_payload_part(s, problem);
		else
			check_attachment_part(s, i, problem);
	}
	bool listed = s->list_index < s->envelope.parts_count;
	size_t attachments = s->envelope.parts_count - payload - listed;
	if (s->envelope.parts_count > 0 &&
	    attachments > profile->attachments.count_max)
		problem_error(problem, ENVELOPE_PART, "/parts",
		    "at most %zu attachments", profile->attachments.count_max);
	if (attachments > 0 && profile->attachments.list_required && !listed)
		problem_error(problem, ENVELOPE_PART, "/parts",
		    "%s, needed when there are attachments",
		    profile->attachments.list_name);
	if (s->envelope.bytes > s->net->limits->message_bytes)
		problem_error(problem, ENVELOPE_PART, "/parts",
		    "at most the limit message_bytes in all");
	if (problem_errors(problem) > 0)
		return refused(s, problem);
	problem_free(problem);
	return true;
}

/* ---- the key ---- */

/* Accepted before: the first receipt again, whatever became of recipients. */
static bool
repeated(struct submission *s, const struct spool_known *known)
{
	struct spool_evidence evidence;
	struct why why = {0};
	int code =
	    spool_view_evidence(s->net->view, known->evidence, &evidence, &why);
	if (code != 0) {
		submission_fail(s, &why);
		return false;
	}
	s->first = known->message;
	s->repeated = true;
	buf_add_span(&s->jws, evidence.jws);
	s->state = SUBMISSION_ACCEPTED;
	return false;
}

static bool
check_key(struct submission *s)
{
	struct spool_known known;
	struct why why = {0};
	if (!s->has_key)
		return true; /* a dry run */
	struct submission *other;
	LIST_FOREACH (other, &s->net->uploads->running, entry)
		if (other != s && other->state != SUBMISSION_REFUSED &&
		    other->state != SUBMISSION_ACCEPTED &&
		    submission_key_is(other, s->caller, s->key, NULL)) {
			bool same = memcmp(other->fingerprint, s->fingerprint,
					sizeof s->fingerprint) == 0;
			return refused(
			    s, problem_new(same ? PROBLEM_KEY_RUNNING
						: PROBLEM_KEY_CONFLICT));
		}
	int code = spool_view_known(
	    s->net->view, s->caller->organisation, s->key, &known, &why);
	if (code == WHY_NOT_FOUND)
		return true;
	if (code != 0) {
		submission_fail(s, &why);
		return false;
	}
	if (memcmp(known.fingerprint, s->fingerprint,
		sizeof known.fingerprint) != 0)
		return refused(s, problem_new(PROBLEM_KEY_CONFLICT));
	return repeated(s, &known);
}

/* ---- recipients ---- */

static void
types_list(const struct spool_mailbox *mailbox, struct buf *out)
{
	for (size_t i = 0; i < mailbox->type_count; i++)
		buf_printf(out, "%s%s", i > 0 ? ", " : "", mailbox->types[i]);
	if (mailbox->type_count == 0)
		buf_add_text(out, "none");
}

/* Why a recipient cannot have the message; expected NULL: it can. */
struct refusal {
	enum problem_code code;
	const char *expected;
};

#define TAKES ((struct refusal){PROBLEM_RECIPIENT, NULL})
#define REFUSES(code, expected) ((struct refusal){PROBLEM_##code, (expected)})

static const char *
types_expected(const struct spool_mailbox *mailbox)
{
	static char expected[1024];
	struct buf types;
	buf_init(&types, 900);
	types_list(mailbox, &types);
	(void)snprintf(expected, sizeof expected,
	    "a type that the mailbox has opened: %s",
	    buf_ok(&types) ? buf_text(&types) : "too many to list");
	buf_clear(&types);
	return expected;
}

static struct refusal
mailbox_refuses(
    struct submission *s, const char *recipient, struct content *content)
{
	static struct spool_mailbox mailbox;
	const char *type = s->profile->name;
	int code = spool_view_mailbox(s->net->view, recipient, &mailbox, NULL);
	if (code != 0 && code != WHY_NOT_FOUND)
		return REFUSES(
		    RECIPIENT, "a mailbox that can be read just now");
	if (code == 0 && spool_mailbox_takes(&mailbox, type))
		content->form = mailbox.form;
	else if (code == 0 && mailbox.state == SPOOL_MAILBOX_OPEN)
		return REFUSES(TYPE_CLOSED, types_expected(&mailbox));
	else if (strcmp(type, SPOOL_TYPE_PROBE) == 0)
		return REFUSES(RECIPIENT,
		    "an organisation with a mailbox that is proving or open");
	else
		return REFUSES(
		    RECIPIENT, "an organisation with an open mailbox");
	if (mailbox.form != SPOOL_FORM_ZIP && mailbox.form != SPOOL_FORM_ASICE)
		return REFUSES(RECIPIENT,
		    "a mailbox whose package form the relay can make: zip or "
		    "asice");
	return TAKES;
}

static struct refusal
certificate_refuses(
    struct submission *s, const char *recipient, struct content *content)
{
	struct spool_certificate found;
	struct why why = {0};
	if (spool_view_certificate(s->net->view, recipient, &found, NULL) != 0)
		return REFUSES(
		    KEY_UNPROVED, "a recipient with an active certificate");
	int64_t now = clock_wall_ms();
	/* past its end a pinned certificate goes on unless the mailbox stops;
	 * the store has then moved it out of active */
	if (found.policy == SPOOL_CHAINED && found.valid_to_ms <= now)
		return REFUSES(KEY_EXPIRED,
		    "a recipient whose certificate has not expired");
	if (found.valid_from_ms > now)
		return REFUSES(KEY_UNPROVED,
		    "a recipient whose certificate is valid already");
	if (seal_suite_parse(found.suite, &content->suite, &why) != 0)
		return REFUSES(RECIPIENT,
		    "a recipient with a sealing suite that the relay has");
	memcpy(content->certificate, found.fingerprint,
	    sizeof content->certificate);
	content->sealer =
	    sealer_get(s->net, found.fingerprint, found.der, &why);
	if (content->sealer == NULL)
		return REFUSES(RECIPIENT,
		    "a recipient with a certificate that can be used");
	return TAKES;
}

/* All reasons in one answer; its code is theirs when they have the same. */
static void
refusal_add(
    struct problem *problem, size_t recipient, const struct refusal *refusal)
{
	char pointer[40];
	if (problem_errors(problem) == 0)
		problem_recode(problem, refusal->code);
	else if (problem_code_of(problem) != refusal->code)
		problem_recode(problem, PROBLEM_RECIPIENT);
	(void)snprintf(pointer, sizeof pointer, "/recipients/%zu", recipient);
	problem_error(problem, ENVELOPE_PART, pointer, "%s", refusal->expected);
}

static bool
check_recipients(struct submission *s)
{
	struct problem *problem = problem_new(PROBLEM_RECIPIENT);
	s->contents = calloc(s->envelope.recipients_count, sizeof *s->contents);
	if (problem == NULL || s->contents == NULL)
		return refused(s, problem);
	s->contents_count = s->envelope.recipients_count;
	for (size_t i = 0; i < s->contents_count; i++) {
		struct content *content = &s->contents[i];
		const char *recipient = s->envelope.recipients[i];
		content->s = s;
		buf_init(&content->gathered, WIRE_BODY_MAX);
		(void)snprintf(content->recipient, sizeof content->recipient,
		    "%s", recipient);
		struct refusal refusal = mailbox_refuses(s, recipient, content);
		if (refusal.expected == NULL)
			refusal = certificate_refuses(s, recipient, content);
		if (refusal.expected != NULL)
			refusal_add(problem, i, &refusal);
	}
	if (problem_errors(problem) > 0)
		return refused(s, problem);
	problem_free(problem);
	return true;
}

/* ---- the sender's share ---- */

static uint64_t
bytes_of(const struct submission *s)
{
	return s->envelope.bytes * s->envelope.recipients_count;
}

/* What waits, and what is on its way in: the bytes of one that is refused only
 * when it is whole would lie in the store until then. */
static bool
check_share(struct submission *s)
{
	uint64_t share = s->net->limits->waiting_bytes;
	uint64_t bytes = 0;
	uint64_t deliveries;
	struct why why = {0};
	struct submission *other;
	if (s->dry_run)
		return true;
	int code = spool_view_waiting(
	    s->net->view, s->caller->organisation, &bytes, &deliveries, &why);
	if (code != 0) {
		submission_fail(s, &why);
		return false;
	}
	LIST_FOREACH (other, &s->net->uploads->running, entry)
		if (!other->dry_run && other->state != SUBMISSION_REFUSED &&
		    other->state != SUBMISSION_ACCEPTED &&
		    strcmp(other->caller->organisation,
			s->caller->organisation) == 0)
			bytes += bytes_of(other);
	if (bytes <= share)
		return true;
	struct problem *problem = problem_new(PROBLEM_RATE);
	if (problem != NULL)
		problem_error(problem, ENVELOPE_PART, "/parts",
		    "at most the limit waiting_bytes, with all that waits or "
		    "is being sent");
	submission_refuse(s, problem, 60);
	return false;
}

/* ---- all of it ---- */

static bool
check_in_view(struct submission *s)
{
	/* the key first: what was accepted stays so, whatever has changed */
	return check_key(s) && check_type(s) && check_parts(s) &&
	       check_share(s) && check_recipients(s);
}

bool
submission_check(struct submission *s)
{
	struct why why = {0};
	if (spool_view_begin(s->net->view, &why) != 0) {
		submission_fail(s, &why);
		return false;
	}
	bool good = check_in_view(s);
	spool_view_end(s->net->view);
	if (!good)
		return false;
	if (s->profile->attachments.list_sha512 != NULL) {
		s->sha512 =
		    calloc(s->envelope.parts_count + 1, sizeof *s->sha512);
		if (s->sha512 == NULL)
			return refused(s, NULL);
	}
	return true;
}
