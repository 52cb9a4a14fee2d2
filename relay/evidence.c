#include "relay/evidence.h"

#include "base/text.h"

#include <stdlib.h>

#include <jansson.h>

#define ETSI "http://uri.etsi.org/19522/Event/"
#define OWN "urn:budstikke:event:"

const char *
evidence_event(enum spool_level level)
{
	switch (level) {
	case SPOOL_LEVEL_ACCEPTED:
		return ETSI "SubmissionAcceptance";
	case SPOOL_LEVEL_FETCHED:
		return ETSI "ContentHandover";
	case SPOOL_LEVEL_IMPORTED:
		return ETSI "ConsignmentAcceptance";
	case SPOOL_LEVEL_OPENED:
		return ETSI "ContentAccessTracking";
	case SPOOL_LEVEL_REJECTED:
		return ETSI "ConsignmentRejection";
	case SPOOL_LEVEL_EXPIRED:
		return ETSI "ContentHandoverFailure";
	case SPOOL_LEVEL_RECALLED:
		return OWN "Recalled";
	case SPOOL_LEVEL_REFUSED:
		return OWN "TemporaryRejection";
	case SPOOL_LEVEL_LATE:
		return OWN "LateFact";
	case SPOOL_LEVEL_PURGED:
		return OWN "Purged";
	case SPOOL_LEVEL_EXTENDED:
		return OWN "DeadlineExtended";
	case SPOOL_LEVEL_RESTORED:
		return OWN "Restored";
	default:
		return OWN "Unknown";
	}
}

const char *
evidence_class(const struct spool_draft *draft)
{
	switch (draft->level) {
	case SPOOL_LEVEL_EXPIRED:
		return "5.4.7";
	case SPOOL_LEVEL_REJECTED:
		return "5.6.0";
	case SPOOL_LEVEL_REFUSED:
		return "4.6.0";
	case SPOOL_LEVEL_ACCEPTED:
	case SPOOL_LEVEL_FETCHED:
	case SPOOL_LEVEL_IMPORTED:
	case SPOOL_LEVEL_OPENED:
	case SPOOL_LEVEL_RECALLED:
	case SPOOL_LEVEL_LATE:
	case SPOOL_LEVEL_PURGED:
	case SPOOL_LEVEL_EXTENDED:
	case SPOOL_LEVEL_RESTORED:
	default:
		return "2.0.0";
	}
}

/* What the receipt means, in a sentence that keeps proof and word apart. */
static const char *
meaning(const struct spool_draft *draft)
{
	switch (draft->level) {
	case SPOOL_LEVEL_ACCEPTED:
		return "The relay has checked, sealed and durably stored the "
		       "message.";
	case SPOOL_LEVEL_FETCHED:
		return "Every byte of the sealed message was written out to "
		       "the recipient. Nothing is said of opening or storing.";
	case SPOOL_LEVEL_IMPORTED:
		if (!draft->proven)
			return "The recipient states that it has stored the "
			       "message. It gave no proof of having opened "
			       "it.";
		return draft->reference[0] != '\0'
			   ? "The recipient proved that it opened all of the "
			     "message, and states that it has stored it under "
			     "its "
			     "reference."
			   : "The recipient proved that it opened all of the "
			     "message, and states that it has stored it.";
	case SPOOL_LEVEL_OPENED:
		return "The recipient states that the message was opened.";
	case SPOOL_LEVEL_REJECTED:
		return "The recipient has rejected the message for good.";
	case SPOOL_LEVEL_EXPIRED:
		return "The message was not confirmed by its deadline.";
	case SPOOL_LEVEL_RECALLED:
		return "The sender recalled the message before any of it was "
		       "handed out.";
	case SPOOL_LEVEL_REFUSED:
		return "The recipient could not take the message now; it "
		       "still waits.";
	case SPOOL_LEVEL_LATE:
		return "This came after the final outcome, which stands.";
	case SPOOL_LEVEL_PURGED:
		return "The content was deleted.";
	case SPOOL_LEVEL_EXTENDED:
		return "The deadline was put off.";
	case SPOOL_LEVEL_RESTORED:
		return "The store was restored from a backup. Acceptances "
		       "after missingAfter may be missing.";
	default:
		return "";
	}
}

static void
put(json_t *object, const char *name, json_t *value)
{
	(void)json_object_set_new(object, name, value);
}

static void
put_time(json_t *object, const char *name, int64_t ms)
{
	char text[TIME_TEXT_SIZE];
	if (ms == 0)
		return;
	time_build(text, ms);
	put(object, name, json_string(text));
}

static void
put_text(json_t *object, const char *name, const char *text)
{
	if (text != NULL && text[0] != '\0')
		put(object, name, json_string(text));
}

static void
put_message(json_t *object, const struct spool_draft *draft)
{
	char id[ID_TEXT_SIZE];
	if (!draft->has_message)
		return;
	id_build(id, &draft->message);
	put(object, "message", json_string(id));
	put_text(object, "type", draft->type);
	put_text(object, "profileVersion", draft->version);
	put_text(object, "sender", draft->sender);
	put_text(object, "recipient", draft->recipient);
	if (draft->recipient_count > 0) {
		json_t *list = json_array();
		for (size_t i = 0; i < draft->recipient_count; i++)
			(void)json_array_append_new(
			    list, json_string(draft->recipients[i]));
		put(object, "recipients", list);
	}
	put_time(object, "submitted", draft->submitted_ms);
	put_time(object, "accepted", draft->accepted_ms);
	put_time(object, "expires", draft->expires_ms);
	if (draft->level == SPOOL_LEVEL_ACCEPTED) {
		char hex[2 * SPOOL_HASH_SIZE + 1];
		hex_build(hex, draft->fingerprint, SPOOL_HASH_SIZE);
		put(object, "fingerprint", json_string(hex));
	}
	if (draft->state != 0)
		put(object, "state",
		    json_string(spool_state_name(draft->state)));
	if ((draft->flags & SPOOL_FLAG_REDELIVERED) != 0)
		put(object, "redelivered", json_true());
}

static void
put_outcome(json_t *object, const struct spool_draft *draft)
{
	if (draft->level == SPOOL_LEVEL_IMPORTED) {
		put(object, "proven", json_boolean(draft->proven));
		put_text(object, "proof", draft->proof);
	}
	put_text(object, "reference", draft->reference);
	if (draft->level == SPOOL_LEVEL_LATE)
		put_text(object, "tried", spool_level_name(draft->tried));
	json_t *reason = json_object();
	put(reason, "class", json_string(evidence_class(draft)));
	put_text(reason, "code", draft->reason);
	put_text(reason, "text", draft->reason_text);
	put(object, "reason", reason);
}

static void
put_restored(json_t *object, const struct spool_draft *draft)
{
	if (draft->level != SPOOL_LEVEL_RESTORED)
		return;
	put(object, "previous",
	    json_pack("{s:I,s:I}", "epoch", (json_int_t)draft->previous.epoch,
		"sequence", (json_int_t)draft->previous.sequence));
	put_time(object, "missingAfter", draft->missing_after_ms);
}

int
evidence_build(struct buf *out, const struct spool_draft *draft,
    const struct evidence_issuer *issuer, struct why *why)
{
	char id[ID_TEXT_SIZE];
	json_t *object = json_object();
	json_t *by = json_object();
	if (object == NULL || by == NULL) {
		json_decref(object);
		json_decref(by);
		return why_set(why, WHY_NOMEM, "evidence");
	}
	id_build(id, &draft->id);
	put(object, "version", json_integer(1));
	put(object, "id", json_string(id));
	put(object, "event", json_string(evidence_event(draft->level)));
	put(object, "level", json_string(spool_level_name(draft->level)));
	put(object, "meaning", json_string(meaning(draft)));
	put_time(object, "time", draft->time_ms);
	put(object, "epoch", json_integer(draft->position.epoch));
	put(object, "sequence",
	    json_integer((json_int_t)draft->position.sequence));
	put_text(by, "name", issuer->name);
	put_text(by, "organisation", issuer->organisation);
	put(object, "issuer", by);
	put_message(object, draft);
	put_outcome(object, draft);
	put_restored(object, draft);
	char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(object);
	if (text == NULL)
		return why_set(why, WHY_NOMEM, "evidence");
	struct span bytes = span_text(text);
	int code = 0;
	if (bytes.size > EVIDENCE_BYTES_MAX)
		code = why_set(why, WHY_TOO_LARGE,
		    "evidence of %zu bytes, most %u", bytes.size,
		    EVIDENCE_BYTES_MAX);
	else
		buf_add_span(out, bytes);
	free(text);
	return code == 0 && !buf_ok(out) ? why_set(why, WHY_NOMEM, "evidence")
					 : code;
}
