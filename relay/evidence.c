#include "relay/evidence.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

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

/* Members in the order in which they are put; each begins with the comma that
 * the one before it left out. */
static void
put_name(struct buf *out, const char *name)
{
	if (out->at[out->size - 1] != '{')
		buf_add_byte(out, ',');
	buf_add_byte(out, '"');
	buf_add_text(out, name);
	buf_add_text(out, "\":");
}

/* A string as RFC 8259 section 7 has it: only what must be escaped is. Some of
 * it the recipient wrote. */
static void
add_string(struct buf *out, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	static const char letters[] = "btn\0fr"; /* from 8 on */
	const char *from = text;
	buf_add_byte(out, '"');
	for (const char *at = text;; at++) {
		unsigned char c = (unsigned char)*at;
		if (c >= ' ' && c != '"' && c != '\\')
			continue;
		buf_add(out, from, (size_t)(at - from));
		from = at + 1;
		if (c == '\0')
			break;
		buf_add_byte(out, '\\');
		if (c >= ' ') {
			buf_add_byte(out, c);
		} else if (c >= '\b' && c <= '\r' && c != '\v') {
			buf_add_byte(out, (uint8_t)letters[c - '\b']);
		} else {
			buf_add_text(out, "u00");
			buf_add_byte(out, (uint8_t)digits[c >> 4]);
			buf_add_byte(out, (uint8_t)digits[c & 15]);
		}
	}
	buf_add_byte(out, '"');
}

static void
put_string(struct buf *out, const char *name, const char *text)
{
	put_name(out, name);
	add_string(out, text);
}

static void
put_number(struct buf *out, const char *name, uint64_t value)
{
	char text[24];
	size_t at = sizeof text;
	text[--at] = '\0';
	do
		text[--at] = (char)('0' + value % 10);
	while ((value /= 10) != 0);
	put_name(out, name);
	buf_add_text(out, text + at);
}

static void
put_true(struct buf *out, const char *name, bool value)
{
	put_name(out, name);
	buf_add_text(out, value ? "true" : "false");
}

static void
put_time(struct buf *out, const char *name, int64_t ms)
{
	char text[TIME_TEXT_SIZE];
	if (ms == 0)
		return;
	time_build(text, ms);
	put_string(out, name, text);
}

/* Left out when there is none, or when it is no text. */
static void
put_text(struct buf *out, const char *name, const char *text)
{
	if (text != NULL && text[0] != '\0' && utf8_valid(span_text(text)))
		put_string(out, name, text);
}

static void
put_recipients(struct buf *out, const struct spool_draft *draft)
{
	put_name(out, "recipients");
	for (size_t i = 0; i < draft->recipient_count; i++) {
		buf_add_byte(out, i == 0 ? '[' : ',');
		add_string(out, draft->recipients[i]);
	}
	buf_add_byte(out, ']');
}

/* "U+7533 U+1F600" as a list. */
static void
put_glyphs(struct buf *out, const char *glyphs)
{
	char one[16];
	bool first = true;
	if (glyphs == NULL || glyphs[0] == '\0')
		return;
	put_name(out, "missingGlyphs");
	while (*glyphs != '\0') {
		size_t size = strcspn(glyphs, " ");
		snprintf(one, sizeof one, "%.*s", (int)size, glyphs);
		buf_add_byte(out, first ? '[' : ',');
		add_string(out, one);
		first = false;
		glyphs += size;
		glyphs += strspn(glyphs, " ");
	}
	buf_add_byte(out, ']');
}

static void
put_message(struct buf *out, const struct spool_draft *draft)
{
	char id[ID_TEXT_SIZE];
	if (!draft->has_message)
		return;
	id_build(id, &draft->message);
	put_string(out, "message", id);
	put_text(out, "type", draft->type);
	put_text(out, "profileVersion", draft->version);
	put_text(out, "sender", draft->sender);
	put_text(out, "recipient", draft->recipient);
	if (draft->recipient_count > 0)
		put_recipients(out, draft);
	put_time(out, "submitted", draft->submitted_ms);
	put_time(out, "accepted", draft->accepted_ms);
	put_time(out, "expires", draft->expires_ms);
	if (draft->level == SPOOL_LEVEL_ACCEPTED) {
		char hex[2 * SPOOL_HASH_SIZE + 1];
		hex_build(hex, draft->fingerprint, SPOOL_HASH_SIZE);
		put_string(out, "fingerprint", hex);
		if (draft->minimised != NULL && draft->minimised[0] != '\0') {
			put_name(out, "minimised");
			buf_add_text(out, draft->minimised);
		}
		put_glyphs(out, draft->missing_glyphs);
	}
	if (draft->state != 0)
		put_string(out, "state", spool_state_name(draft->state));
	if ((draft->flags & SPOOL_FLAG_REDELIVERED) != 0)
		put_true(out, "redelivered", true);
}

static void
put_outcome(struct buf *out, const struct spool_draft *draft)
{
	if (draft->level == SPOOL_LEVEL_IMPORTED) {
		put_true(out, "proven", draft->proven);
		put_text(out, "proof", draft->proof);
	}
	put_text(out, "reference", draft->reference);
	if (draft->level == SPOOL_LEVEL_LATE)
		put_text(out, "tried", spool_level_name(draft->tried));
	put_name(out, "reason");
	buf_add_byte(out, '{');
	put_string(out, "class", evidence_class(draft));
	put_text(out, "code", draft->reason);
	put_text(out, "text", draft->reason_text);
	buf_add_byte(out, '}');
}

static void
put_restored(struct buf *out, const struct spool_draft *draft)
{
	char root[2 * MERKLE_HASH_SIZE + 1];
	if (draft->level != SPOOL_LEVEL_RESTORED)
		return;
	put_name(out, "previous");
	buf_add_byte(out, '{');
	put_number(out, "epoch", draft->previous.epoch);
	put_number(out, "sequence", draft->previous.sequence);
	hex_build(root, draft->previous_root.at, MERKLE_HASH_SIZE);
	put_string(out, "root", root);
	buf_add_byte(out, '}');
	put_time(out, "missingAfter", draft->missing_after_ms);
}

static void
put_issuer(struct buf *out, const struct evidence_issuer *issuer)
{
	put_name(out, "issuer");
	buf_add_byte(out, '{');
	put_text(out, "name", issuer->name);
	put_text(out, "organisation", issuer->organisation);
	buf_add_byte(out, '}');
}

int
evidence_build(struct buf *out, const struct spool_draft *draft,
    const struct evidence_issuer *issuer, struct why *why)
{
	char id[ID_TEXT_SIZE];
	size_t start = out->size;
	buf_add_byte(out, '{');
	if (!buf_ok(out))
		return why_set(why, WHY_NOMEM, "evidence");
	id_build(id, &draft->id);
	put_number(out, "version", 1);
	put_string(out, "id", id);
	put_string(out, "event", evidence_event(draft->level));
	put_string(out, "level", spool_level_name(draft->level));
	put_string(out, "meaning", meaning(draft));
	put_time(out, "time", draft->time_ms);
	put_number(out, "epoch", draft->position.epoch);
	put_number(out, "sequence", draft->position.sequence);
	put_issuer(out, issuer);
	put_message(out, draft);
	put_outcome(out, draft);
	put_restored(out, draft);
	buf_add_byte(out, '}');
	if (!buf_ok(out))
		return why_set(why, WHY_NOMEM, "evidence");
	size_t size = out->size - start;
	if (size <= EVIDENCE_BYTES_MAX)
		return 0;
	out->size = start;
	return why_set(why, WHY_TOO_LARGE, "evidence of %zu bytes, most %u",
	    size, EVIDENCE_BYTES_MAX);
}
