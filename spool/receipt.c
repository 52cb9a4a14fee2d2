/*
 * receipt - what becomes of a delivery by what its recipient and sender do:
 * hand-out, fetched, receipts, recall, extension.
 */
#include "spool/spool_priv.h"

#include <string.h>

#define HAND_OUT_COALESCE_MS CLOCK_SECOND_MS
#define REFUSED_EVERY_MS (10 * CLOCK_MINUTE_MS)

/* A fact after the end: evidence once for each kind, never a new outcome. */
static struct spool_draft *
late_fact(struct spool_group *group, struct delivery *delivery, int late,
    enum spool_level tried)
{
	struct spool_draft *draft =
	    delivery_draft(group, delivery, SPOOL_LEVEL_LATE);
	if (draft == NULL)
		return NULL;
	draft->tried = tried;
	delivery->record.late[late] = draft->position;
	delivery_put(group, delivery);
	crash_point("spool.late");
	return draft;
}

/* ---- content leaves ---- */

static int
hand_out_late(
    struct spool_group *group, struct delivery *delivery, struct why *why)
{
	struct delivery_record *record = &delivery->record;
	if ((record->flags & SPOOL_FLAG_PURGED) != 0 ||
	    record->purge_ms <= group->now_ms)
		return why_set(why, WHY_NOT_FOUND, "the content is erased");
	if (record->late_content_ms != 0 &&
	    group->now_ms - record->late_content_ms < CLOCK_HOUR_MS)
		return 0;
	record->late_content_ms = group->now_ms;
	(void)late_fact(group, delivery, LATE_CONTENT, SPOOL_LEVEL_FETCHED);
	return group_why(group, why);
}

int
spool_hand_out(struct spool_group *group, const struct id *message,
    const char *recipient, struct why *why)
{
	struct delivery delivery;
	int ret = delivery_get(group, message, recipient, &delivery, why);
	if (ret != 0)
		return ret;
	struct delivery_record *record = &delivery.record;
	if (spool_state_final(record->state)) {
		ret = hand_out_late(group, &delivery, why);
		if (ret == 0 && record->state == SPOOL_RECALLED)
			ret = why_set(why, WHY_STATE,
			    "the sender has recalled the message");
		return ret;
	}
	if ((record->flags & SPOOL_FLAG_HANDED_OUT) != 0 &&
	    group->now_ms - record->handed_out_ms < HAND_OUT_COALESCE_MS)
		return 0;
	record->flags |= SPOOL_FLAG_HANDED_OUT;
	record->handed_out_ms = group->now_ms;
	delivery_put(group, &delivery);
	crash_point("spool.hand-out");
	return group_why(group, why);
}

/*
 * Join [from, to) with the ranges there are. When all places are taken by
 * ranges apart, the new one is forgotten: then the delivery is fetched later
 * than it might be, never before.
 */
static void
range_add(struct delivery_record *record, uint64_t from, uint64_t to)
{
	struct range all[RANGES_MAX + 1];
	size_t count = 0;
	bool placed = false;
	for (size_t i = 0; i < record->range_count; i++) {
		struct range at = record->ranges[i];
		if (at.to < from) {
			all[count++] = at;
		} else if (at.from > to) {
			if (!placed)
				all[count++] = (struct range){from, to};
			placed = true;
			all[count++] = at;
		} else {
			from = at.from < from ? at.from : from;
			to = at.to > to ? at.to : to;
		}
	}
	if (!placed)
		all[count++] = (struct range){from, to};
	if (count > RANGES_MAX)
		return;
	memcpy(record->ranges, all, count * sizeof all[0]);
	record->range_count = (uint8_t)count;
}

static bool
range_whole(const struct delivery_record *record)
{
	return record->range_count == 1 && record->ranges[0].from == 0 &&
	       record->ranges[0].to == record->size;
}

static void
fetched_now(struct spool_group *group, struct delivery *delivery)
{
	struct delivery_record *record = &delivery->record;
	record->state = SPOOL_FETCHED;
	record->fetched_ms = group->now_ms;
	record->range_count = 0;
	party_count(group, delivery->recipient, SPOOL_ACCEPTED, SPOOL_FETCHED,
	    false, record->size);
	uint32_t before = record->alarms;
	delivery_leave(group, delivery, SPOOL_CAUSE_NEVER_POLLED);
	delivery_leave(group, delivery, SPOOL_CAUSE_NOT_FETCHED);
	if (record->alarms != before)
		delivery_recheck(group, delivery);
	struct spool_draft *draft =
	    delivery_draft(group, delivery, SPOOL_LEVEL_FETCHED);
	if (draft != NULL)
		record->evidence = draft->position;
	crash_point("spool.fetched");
}

int
spool_fetched(struct spool_group *group, const struct id *message,
    const char *recipient, uint64_t from, uint64_t to, bool *fetched,
    struct why *why)
{
	struct delivery delivery;
	*fetched = false;
	int ret = delivery_get(group, message, recipient, &delivery, why);
	if (ret != 0)
		return ret;
	struct delivery_record *record = &delivery.record;
	if (from >= to || to > record->size)
		return why_set(
		    why, WHY_INVALID, "a range within the content is needed");
	if (record->state != SPOOL_ACCEPTED)
		return 0;
	if ((record->flags & SPOOL_FLAG_HANDED_OUT) == 0)
		return why_set(
		    why, WHY_STATE, "bytes left without a hand-out on record");
	range_add(record, from, to);
	*fetched = range_whole(record);
	if (*fetched)
		fetched_now(group, &delivery);
	delivery_put(group, &delivery);
	crash_point("spool.range");
	return group_why(group, why);
}

/* ---- receipts ---- */

static void
draft_words(struct spool_group *group, struct spool_draft *draft,
    const struct spool_receipt *receipt)
{
	if (draft == NULL)
		return;
	if (receipt->verdict == SPOOL_VERDICT_REJECTED) {
		WORD_COPY(draft->reason, receipt->reason);
		draft->reason_text = group_text(group, receipt->reason_text);
	}
	if (receipt->verdict == SPOOL_VERDICT_IMPORTED) {
		draft->reference = group_text(group, receipt->reference);
		draft->proven = !receipt->unproven;
		if (draft->proven)
			WORD_COPY(draft->proof, receipt->proof);
	}
}

static int
receipt_late(struct spool_group *group, struct delivery *delivery,
    const struct spool_receipt *receipt, int late, enum spool_level tried,
    struct spool_verdict_done *out, struct why *why)
{
	struct spool_position first = delivery->record.late[late];
	if (first.epoch != 0) {
		out->repeated = true;
		out->evidence = first;
	} else {
		struct spool_draft *draft =
		    late_fact(group, delivery, late, tried);
		if (draft == NULL)
			return group_why(group, why);
		draft_words(group, draft, receipt);
		out->evidence = draft->position;
	}
	if (group->txn.rc != 0)
		return group_why(group, why);
	return why_set(why, WHY_STATE, "the delivery has its outcome: %s",
	    spool_state_name(delivery->record.state));
}

static int
receipt_repeated(struct spool_position first, struct spool_verdict_done *out)
{
	out->repeated = true;
	out->evidence = first;
	return 0;
}

static int
receipt_proof_wrong(
    struct spool_group *group, struct delivery *delivery, struct why *why)
{
	if (!spool_state_final(delivery->record.state)) {
		delivery_join(
		    group, delivery, SPOOL_CAUSE_PROOF, SPOOL_SERIOUS);
		delivery_put(group, delivery);
		crash_point("spool.proof-wrong");
	}
	if (group->txn.rc != 0)
		return group_why(group, why);
	return why_set(why, WHY_CRYPTO, "proof: is not that of this package");
}

static int
receipt_imported(struct spool_group *group, struct delivery *delivery,
    const struct spool_receipt *receipt, struct spool_verdict_done *out,
    struct why *why)
{
	struct delivery_record *record = &delivery->record;
	bool unproven = (record->flags & SPOOL_FLAG_UNPROVEN) != 0;
	if (!receipt->unproven && memcmp(receipt->proof_hash,
				      record->proof_hash, SPOOL_HASH_SIZE) != 0)
		return receipt_proof_wrong(group, delivery, why);
	if (record->state == SPOOL_IMPORTED && receipt->unproven == unproven)
		return receipt_repeated(record->outcome, out);
	if (spool_state_final(record->state))
		return receipt_late(group, delivery, receipt, LATE_IMPORTED,
		    SPOOL_LEVEL_IMPORTED, out, why);
	if ((record->flags & SPOOL_FLAG_REFERENCE) != 0 && !receipt->unproven &&
	    (receipt->reference == NULL || receipt->reference[0] == '\0'))
		return why_set(why, WHY_INVALID,
		    "reference: this type demands the archive's or case's "
		    "own");
	struct spool_draft *draft = delivery_finish(group, delivery,
	    SPOOL_IMPORTED, SPOOL_LEVEL_IMPORTED, receipt->unproven);
	draft_words(group, draft, receipt);
	delivery_put(group, delivery);
	if (!receipt->unproven)
		mailbox_proved(group, delivery->recipient, record->type);
	crash_point("spool.imported");
	out->evidence = record->outcome;
	return group_why(group, why);
}

/* Another reason so soon after the last one: who says one after the other
 * would fill the log, which has no end but the store's. */
static bool
refused_just_now(struct spool_group *group, struct spool_position at)
{
	struct evidence_record evidence;
	if (at.epoch == 0)
		return false;
	return !txn_get_evidence(&group->txn, DB_EVIDENCE, key_position(at),
		   &evidence) /* of this very group */
	       || group->now_ms - evidence.time_ms < REFUSED_EVERY_MS;
}

/* Not now: evidence and an alarm, once for each reason in a row. */
static int
receipt_refused(struct spool_group *group, struct delivery *delivery,
    const struct spool_receipt *receipt, struct spool_verdict_done *out,
    struct why *why)
{
	struct delivery_record *record = &delivery->record;
	const char *reason = receipt->reason == NULL ? "" : receipt->reason;
	if (record->refused.epoch != 0 &&
	    strcmp(record->refused_reason, reason) == 0)
		return receipt_repeated(record->refused, out);
	if (refused_just_now(group, record->refused)) {
		int ret = group_why(group, why);
		return ret != 0
			   ? ret
			   : why_set(why, WHY_BUSY,
				 "reason: another was recorded less than "
				 "%d minutes ago",
				 (int)(REFUSED_EVERY_MS / CLOCK_MINUTE_MS));
	}
	struct spool_draft *draft =
	    delivery_draft(group, delivery, SPOOL_LEVEL_REFUSED);
	if (draft == NULL)
		return group_why(group, why);
	draft_words(group, draft, receipt);
	record->refused = draft->position;
	WORD_COPY(record->refused_reason, reason);
	delivery_join(group, delivery, SPOOL_CAUSE_REJECTED, SPOOL_SERIOUS);
	delivery_put(group, delivery);
	crash_point("spool.refused");
	out->evidence = draft->position;
	return group_why(group, why);
}

static int
receipt_rejected(struct spool_group *group, struct delivery *delivery,
    const struct spool_receipt *receipt, struct spool_verdict_done *out,
    struct why *why)
{
	struct delivery_record *record = &delivery->record;
	if (record->state == SPOOL_REJECTED && receipt->permanent)
		return receipt_repeated(record->outcome, out);
	if (spool_state_final(record->state))
		return receipt_late(group, delivery, receipt, LATE_REJECTED,
		    SPOOL_LEVEL_REJECTED, out, why);
	if (!receipt->permanent)
		return receipt_refused(group, delivery, receipt, out, why);
	struct spool_draft *draft = delivery_finish(
	    group, delivery, SPOOL_REJECTED, SPOOL_LEVEL_REJECTED, false);
	draft_words(group, draft, receipt);
	delivery_join(group, delivery, SPOOL_CAUSE_REJECTED, SPOOL_SERIOUS);
	delivery_put(group, delivery);
	crash_point("spool.rejected");
	out->evidence = record->outcome;
	return group_why(group, why);
}

static int
receipt_opened(struct spool_group *group, struct delivery *delivery,
    const struct spool_receipt *receipt, struct spool_verdict_done *out,
    struct why *why)
{
	struct delivery_record *record = &delivery->record;
	if (record->opened.epoch != 0)
		return receipt_repeated(record->opened, out);
	if (record->state >= SPOOL_REJECTED)
		return receipt_late(group, delivery, receipt, LATE_OPENED,
		    SPOOL_LEVEL_OPENED, out, why);
	record->flags |= SPOOL_FLAG_OPENED;
	struct spool_draft *draft =
	    delivery_draft(group, delivery, SPOOL_LEVEL_OPENED);
	if (draft == NULL)
		return group_why(group, why);
	record->opened = draft->position;
	delivery_put(group, delivery);
	crash_point("spool.opened");
	out->evidence = draft->position;
	return group_why(group, why);
}

static int
receipt_check(const struct spool_receipt *receipt, struct why *why)
{
	char reason[SPOOL_WORD_SIZE];
	char proof[SPOOL_PROOF_SIZE];
	if (!WORD_COPY(reason, receipt->reason))
		return why_set(why, WHY_INVALID, "reason: too long");
	if (receipt->verdict == SPOOL_VERDICT_IMPORTED && !receipt->unproven &&
	    (!WORD_COPY(proof, receipt->proof) || strlen(proof) != 64))
		return why_set(
		    why, WHY_INVALID, "proof: 64 hex digits are needed");
	return 0;
}

int
spool_receipt(struct spool_group *group, const struct spool_receipt *receipt,
    struct spool_verdict_done *out, struct why *why)
{
	struct delivery delivery;
	*out = (struct spool_verdict_done){.repeated = false};
	int ret = receipt_check(receipt, why);
	if (ret == 0)
		ret = delivery_get(group, &receipt->message, receipt->recipient,
		    &delivery, why);
	if (ret != 0)
		return ret;
	switch (receipt->verdict) {
	case SPOOL_VERDICT_IMPORTED:
		ret = receipt_imported(group, &delivery, receipt, out, why);
		break;
	case SPOOL_VERDICT_REJECTED:
		ret = receipt_rejected(group, &delivery, receipt, out, why);
		break;
	case SPOOL_VERDICT_OPENED:
		ret = receipt_opened(group, &delivery, receipt, out, why);
		break;
	default:
		ret = why_set(why, WHY_INVALID, "status: unknown");
		break;
	}
	out->state = delivery.record.state;
	return ret;
}

/* ---- the sender and the operator ---- */

int
spool_recall(struct spool_group *group, const struct id *message,
    const char *recipient, enum spool_state *state, struct why *why)
{
	struct delivery delivery;
	*state = SPOOL_ACCEPTED;
	int ret = delivery_get(group, message, recipient, &delivery, why);
	if (ret != 0)
		return ret;
	*state = delivery.record.state;
	if (*state == SPOOL_RECALLED)
		return 0;
	if (spool_state_final(*state))
		return why_set(why, WHY_STATE,
		    "the delivery has its outcome: %s",
		    spool_state_name(*state));
	if ((delivery.record.flags & SPOOL_FLAG_HANDED_OUT) != 0)
		return why_set(
		    why, WHY_STATE, "the content was handed out already");
	(void)delivery_finish(
	    group, &delivery, SPOOL_RECALLED, SPOOL_LEVEL_RECALLED, false);
	delivery_put(group, &delivery);
	crash_point("spool.recalled");
	*state = SPOOL_RECALLED;
	return group_why(group, why);
}

int
spool_extend(struct spool_group *group, const struct id *message,
    const char *recipient, int64_t expires_ms, struct why *why)
{
	struct delivery delivery;
	int ret = delivery_get(group, message, recipient, &delivery, why);
	if (ret != 0)
		return ret;
	struct delivery_record *record = &delivery.record;
	if (spool_state_final(record->state))
		return why_set(why, WHY_STATE,
		    "the delivery has its outcome: %s",
		    spool_state_name(record->state));
	if (expires_ms == record->expires_ms)
		return 0; /* asked again */
	if (expires_ms < record->expires_ms || expires_ms <= group->now_ms)
		return why_set(why, WHY_INVALID,
		    "expires: a later time than now and than before is "
		    "needed");
	due_del(group, record->expires_ms, DUE_EXPIRE, 0, message, recipient);
	record->expires_ms = expires_ms;
	due_put(
	    group, expires_ms, DUE_EXPIRE, 0, message, recipient, SPAN_NONE);
	(void)delivery_draft(group, &delivery, SPOOL_LEVEL_EXTENDED);
	delivery_put(group, &delivery);
	crash_point("spool.extended");
	return group_why(group, why);
}
