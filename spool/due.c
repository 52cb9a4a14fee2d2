/*
 * due - the time index: what is due is found by its time, never by its place
 * in a queue.
 *
 * The index is divided by bucket, as every key is; the oldest entry of all is
 * the least of the buckets' heads.
 */
#include "spool/spool_priv.h"

#include <string.h>

static struct due
due_make(int64_t at_ms, enum due_kind kind, uint32_t number,
    const struct id *id, const char *owner)
{
	struct due due = {
	    .at_ms = at_ms, .kind = kind, .number = number, .id = *id};
	WORD_COPY(due.owner, owner);
	return due;
}

void
due_put(struct spool_group *group, int64_t at_ms, enum due_kind kind,
    uint32_t number, const struct id *id, const char *owner, struct span value)
{
	struct due due = due_make(at_ms, kind, number, id, owner);
	txn_put(&group->txn, DB_DUE, key_due(&due), value);
}

void
due_del(struct spool_group *group, int64_t at_ms, enum due_kind kind,
    uint32_t number, const struct id *id, const char *owner)
{
	struct due due = due_make(at_ms, kind, number, id, owner);
	(void)txn_del(&group->txn, DB_DUE, key_due(&due));
}

/* The oldest entry; false when there is none. */
static bool
due_head(struct txn *txn, struct due *out, struct key *at)
{
	bool found = false;
	for (uint8_t bucket = 0; bucket < BUCKETS; bucket++) {
		struct key prefix = {.at = {bucket}, .size = 1};
		struct key key;
		struct due due;
		if (!txn_first(txn, DB_DUE, prefix, &key))
			continue;
		if (!key_read_due(key_span(&key), &due)) {
			txn_damaged(txn, DB_DUE);
			return false;
		}
		if (found && due.at_ms >= out->at_ms)
			continue;
		*out = due;
		*at = key;
		found = true;
	}
	return found && txn->rc == 0;
}

int
spool_due_next(struct spool *spool, int64_t *at_ms, struct why *why)
{
	struct txn txn;
	struct due due;
	struct key key;
	*at_ms = INT64_MAX;
	int ret = txn_begin(&txn, &spool->store, false, why);
	if (ret != 0)
		return ret;
	if (due_head(&txn, &due, &key))
		*at_ms = due.at_ms;
	ret = txn_why(&txn, why);
	txn_abort(&txn);
	return ret;
}

/* 0, DUE_MORE, or the txn's failure. */
static int
due_fire(struct spool_group *group, const struct due *due, struct key key)
{
	struct span value;
	uint8_t fingerprint[SPOOL_HASH_SIZE];
	switch (due->kind) {
	case DUE_ALARM:
		return due_alarm(group, due);
	case DUE_RECHECK:
		return due_recheck(group, due);
	case DUE_EXPIRE:
		return due_expire(group, due);
	case DUE_PURGE:
		return due_purge(group, due);
	case DUE_FORGET:
		return due_forget(group, due);
	case DUE_SWEEP:
		return due_sweep(group, due);
	case DUE_CERTIFICATE:
		if (!txn_get(&group->txn, DB_DUE, key, &value) ||
		    value.size != sizeof fingerprint) {
			txn_damaged(&group->txn, DB_DUE);
			return group->txn.rc;
		}
		memcpy(fingerprint, value.at, sizeof fingerprint);
		return due_certificate(group, due, fingerprint);
	default:
		txn_damaged(&group->txn, DB_DUE);
		return group->txn.rc;
	}
}

int
spool_due(struct spool_group *group, size_t max, size_t *fired, struct why *why)
{
	struct due due;
	struct key key;
	*fired = 0;
	while (*fired < max && due_head(&group->txn, &due, &key) &&
	       due.at_ms < group->now_ms) {
		int more = due_fire(group, &due, key);
		if (group->txn.rc != 0)
			break;
		if (more == DUE_MORE) {
			*fired = max; /* it is due still: come again */
			break;
		}
		(void)txn_del(&group->txn, DB_DUE, key);
		(*fired)++;
	}
	return group_why(group, why);
}

/* ---- of a delivery ---- */

static bool
due_delivery(
    struct spool_group *group, const struct due *due, struct delivery *delivery)
{
	if (delivery_get(group, &due->id, due->owner, delivery, NULL) == 0)
		return true;
	txn_damaged(&group->txn, DB_DUE); /* a deadline of nobody */
	return false;
}

int
due_alarm(struct spool_group *group, const struct due *due)
{
	struct delivery delivery;
	if (!due_delivery(group, due, &delivery))
		return group->txn.rc;
	struct delivery_record *record = &delivery.record;
	if (due->number >= record->stage_count ||
	    spool_state_final(record->state)) {
		txn_damaged(&group->txn, DB_DUE);
		return group->txn.rc;
	}
	struct stage_record *stage = &record->stages[due->number];
	stage->fired = true;
	if (stage->kind == SPOOL_DEADLINE_CONFIRM ||
	    record->state == SPOOL_ACCEPTED)
		delivery_join(group, &delivery,
		    delivery_cause(group, &delivery), stage->severity);
	delivery_put(group, &delivery);
	crash_point("spool.due.alarm");
	return group->txn.rc;
}

/* A cause went away a while ago; the delivery waits still, so there may be
 * another. As severe as the stages that have fired and still apply. */
int
due_recheck(struct spool_group *group, const struct due *due)
{
	struct delivery delivery;
	if (!due_delivery(group, due, &delivery))
		return group->txn.rc;
	struct delivery_record *record = &delivery.record;
	unsigned severity = 0;
	record->recheck_ms = 0;
	for (size_t i = 0; i < record->stage_count; i++) {
		const struct stage_record *stage = &record->stages[i];
		if (stage->fired && stage->severity > severity &&
		    (stage->kind == SPOOL_DEADLINE_CONFIRM ||
			record->state == SPOOL_ACCEPTED))
			severity = stage->severity;
	}
	if (severity != 0)
		delivery_join(group, &delivery,
		    delivery_cause(group, &delivery),
		    (enum spool_severity)severity);
	delivery_put(group, &delivery);
	crash_point("spool.due.recheck");
	return group->txn.rc;
}

int
due_expire(struct spool_group *group, const struct due *due)
{
	struct delivery delivery;
	if (!due_delivery(group, due, &delivery))
		return group->txn.rc;
	struct delivery_record *record = &delivery.record;
	int64_t until =
	    record->handed_out_ms + group->spool->options.hand_out_ms;
	if ((record->flags & SPOOL_FLAG_HANDED_OUT) != 0 &&
	    (record->flags & SPOOL_FLAG_DEFERRED) == 0 && until > due->at_ms) {
		/* it is perhaps being read at this moment */
		record->flags |= SPOOL_FLAG_DEFERRED;
		record->expires_ms = until;
		due_put(group, until, DUE_EXPIRE, 0, &due->id, due->owner,
		    SPAN_NONE);
		delivery_put(group, &delivery);
		crash_point("spool.deferred");
		return group->txn.rc;
	}
	(void)delivery_finish(
	    group, &delivery, SPOOL_EXPIRED, SPOOL_LEVEL_EXPIRED, false);
	delivery_put(group, &delivery);
	crash_point("spool.expired");
	return group->txn.rc;
}

/* ---- purge ---- */

/* The last delivery's content is gone: so is the metadata; the key stays a
 * while longer. */
static void
purge_message(struct spool_group *group, const struct delivery *delivery)
{
	struct message_record message;
	struct key key = key_id(&delivery->message);
	int64_t forget_ms = 0;
	if (!txn_get_message(&group->txn, DB_MESSAGE, key, &message) ||
	    message.unpurged == 0) {
		txn_damaged(&group->txn, DB_MESSAGE);
		return;
	}
	message.unpurged--;
	if (message.unpurged == 0) {
		forget_ms =
		    group->now_ms +
		    (int64_t)group->spool->options.limits.idempotency_days *
			CLOCK_DAY_MS;
		message.forget_ms = forget_ms;
	}
	txn_put_message(&group->txn, DB_MESSAGE, key, &message);
	if (forget_ms == 0)
		return;
	(void)txn_del(&group->txn, DB_METADATA, key);
	tree_forget_salts(group, &delivery->message);
	due_put(group, forget_ms, DUE_FORGET, 0, &delivery->message,
	    delivery->record.sender, SPAN_NONE);
}

int
due_purge(struct spool_group *group, const struct due *due)
{
	struct delivery delivery;
	if (!due_delivery(group, due, &delivery))
		return group->txn.rc;
	struct delivery_record *record = &delivery.record;
	record->flags |= SPOOL_FLAG_PURGED;
	if (!content_erase(group, delivery.recipient, &record->upload,
		record->content, group->spool->options.purge_chunks)) {
		delivery_put(group, &delivery);
		crash_point("spool.purging");
		return group->txn.rc != 0 ? group->txn.rc : DUE_MORE;
	}
	delivery_leave(group, &delivery, SPOOL_CAUSE_REJECTED);
	delivery_leave(group, &delivery, SPOOL_CAUSE_PROOF);
	(void)delivery_draft(group, &delivery, SPOOL_LEVEL_PURGED);
	delivery_put(group, &delivery);
	purge_message(group, &delivery);
	crash_point("spool.purged");
	return group->txn.rc;
}

/* ---- forgetting ---- */

static void
forget_delivery(
    struct spool_group *group, const struct id *message, const char *recipient)
{
	struct delivery delivery;
	struct party_record party;
	if (delivery_get(group, message, recipient, &delivery, NULL) != 0)
		return;
	struct key key = key_org(recipient);
	if (!txn_get_party(&group->txn, DB_PARTY, key, &party)) {
		txn_damaged(&group->txn, DB_PARTY);
		return;
	}
	party.forgotten[delivery.record.state]++;
	if ((delivery.record.flags & SPOOL_FLAG_UNPROVEN) != 0)
		party.forgotten_unproven++;
	txn_put_party(&group->txn, DB_PARTY, key, &party);
	(void)txn_del(&group->txn, DB_DELIVERY, key_org_id(recipient, message));
}

static void
forget_trail(struct spool_group *group, const struct id *message)
{
	struct span key;
	struct scan scan =
	    scan_open(&group->txn, DB_TRAIL, key_id(message), KEY_NONE);
	while (scan_next(&scan, &key, NULL))
		scan_del(&scan);
	scan_close(&scan);
}

/* The key may be used anew, so the message is no longer known; its evidence
 * stays in the log and the feeds. */
int
due_forget(struct spool_group *group, const struct due *due)
{
	struct message_record message;
	if (!txn_get_message(
		&group->txn, DB_MESSAGE, key_id(&due->id), &message)) {
		txn_damaged(&group->txn, DB_DUE);
		return group->txn.rc;
	}
	char(*recipients)[SPOOL_ORG_SIZE] =
	    group_alloc(group, message.recipients.size);
	if (recipients == NULL)
		return group->txn.rc;
	memcpy(recipients, message.recipients.at, message.recipients.size);
	for (size_t i = 0; i < message.count; i++)
		forget_delivery(group, &due->id, recipients[i]);
	tree_forget_salts(group, &due->id); /* of what came after the purge */
	forget_trail(group, &due->id);
	(void)txn_del(
	    &group->txn, DB_KNOWN, key_org_hash(message.sender, message.key));
	(void)txn_del(&group->txn, DB_MESSAGE, key_id(&due->id));
	crash_point("spool.forgotten");
	return group->txn.rc;
}
