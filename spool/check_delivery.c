/*
 * check_delivery - is each delivery's and message's row of the truth table
 * what the store has.
 */
#include "spool/check_priv.h"

#include <string.h>

struct looked { /* at one delivery */
	struct id id;
	char recipient[SPOOL_ORG_SIZE];
	struct delivery_record record;
};

static bool
same_place(struct spool_position a, struct spool_position b)
{
	return a.epoch == b.epoch && a.sequence == b.sequence;
}

static bool
is_listed(struct check *check, const struct looked *at)
{
	struct span value;
	return txn_get(check->txn, DB_MAILBOX,
		   key_org_position(at->recipient, at->record.listed),
		   &value) &&
	       value.size == ID_SIZE &&
	       memcmp(value.at, at->id.at, ID_SIZE) == 0;
}

static void
check_waiting(struct check *check, const struct looked *at)
{
	const struct delivery_record *record = &at->record;
	check->listed++;
	if (!is_listed(check, at))
		check_tell_id(
		    check, &at->id, "waits, but is not in its mailbox's list");
	if (!check_due(check, record->expires_ms, DUE_EXPIRE, 0, &at->id,
		at->recipient))
		check_tell_id(
		    check, &at->id, "waits, but its expiry is not due");
	if (record->recheck_ms != 0 &&
	    !check_due(check, record->recheck_ms, DUE_RECHECK, 0, &at->id,
		at->recipient))
		check_tell_id(
		    check, &at->id, "states a second look that is not due");
	for (size_t i = 0; i < record->stage_count; i++)
		if (!record->stages[i].fired &&
		    !check_due(check, record->stages[i].at_ms, DUE_ALARM,
			(uint32_t)i, &at->id, at->recipient))
			check_tell_id(check, &at->id,
			    "has an alarm stage that is not due");
	if (record->final_ms != 0 || record->purge_ms != 0 ||
	    record->outcome.epoch != 0 ||
	    (record->flags & SPOOL_FLAG_PURGED) != 0)
		check_tell_id(
		    check, &at->id, "waits, but has traces of an outcome");
	if (record->state == SPOOL_FETCHED &&
	    (record->fetched_ms == 0 || record->handed_out_ms == 0))
		check_tell_id(
		    check, &at->id, "is fetched without a hand-out or a time");
	if ((record->handed_out_ms != 0) !=
	    ((record->flags & SPOOL_FLAG_HANDED_OUT) != 0))
		check_tell_id(
		    check, &at->id, "hand-out and its flag do not agree");
}

static void
check_final(struct check *check, const struct looked *at, bool purge_due)
{
	const struct delivery_record *record = &at->record;
	bool purged = (record->flags & SPOOL_FLAG_PURGED) != 0;
	if (is_listed(check, at))
		check_tell_id(
		    check, &at->id, "is final, but stands in its mailbox");
	if (record->final_ms == 0 || record->purge_ms == 0)
		check_tell_id(check, &at->id, "is final without a time");
	if (!purge_due && !purged)
		check_tell_id(
		    check, &at->id, "is final, but its purge is not due");
	if (!check_evidence(check, record->outcome, &at->id))
		check_tell_id(
		    check, &at->id, "has an outcome without evidence");
	if (record->recheck_ms != 0)
		check_tell_id(check, &at->id, "is final, but is watched");
	for (size_t i = 0; i < record->stage_count; i++)
		if (!record->stages[i].fired)
			check_tell_id(check, &at->id,
			    "is final with an alarm stage left");
}

static void
check_bytes(struct check *check, const struct looked *at, bool purge_due)
{
	const struct delivery_record *record = &at->record;
	uint64_t size = check_content(
	    check, at->recipient, &record->upload, record->content);
	bool purged = (record->flags & SPOOL_FLAG_PURGED) != 0;
	if (purged && purge_due)
		return; /* a part of it is erased */
	if (size == UINT64_MAX) {
		check_tell_id(check, &at->id, "has a gap in its content");
		return;
	}
	if (!purged && size != record->size)
		check_tell_id(
		    check, &at->id, "has not the content that it states");
	if (purged && size != 0)
		check_tell_id(check, &at->id, "is purged, but has content");
}

static void
check_members(struct check *check, const struct looked *at)
{
	for (unsigned cause = SPOOL_CAUSE_NEVER_POLLED;
	     cause <= SPOOL_CAUSE_NOT_CONFIRMED; cause++) {
		bool bit = (at->record.alarms & UINT32_C(1) << cause) != 0;
		if (bit != txn_has(check->txn, DB_MEMBER,
			       key_member(at->recipient,
				   (enum spool_cause)cause, &at->id)))
			check_tell_id(check, &at->id,
			    "does not agree with an alarm's members");
	}
}

static void
check_delivery(struct check *check, const struct looked *at)
{
	const struct delivery_record *record = &at->record;
	bool purge_due = false;
	if (record->purge_ms != 0)
		purge_due = check_due(check, record->purge_ms, DUE_PURGE, 0,
		    &at->id, at->recipient);
	if (spool_state_final(record->state))
		check_final(check, at, purge_due);
	else
		check_waiting(check, at);
	check_bytes(check, at, purge_due);
	check_members(check, at);
	if (!check_evidence(check, record->evidence, &at->id))
		check_tell_id(check, &at->id, "has a state without evidence");
	if (!txn_has(check->txn, DB_MESSAGE, key_id(&at->id)))
		check_tell_id(
		    check, &at->id, "is a delivery without its message");
	if (!txn_has(check->txn, DB_PARTY, key_org(at->recipient)))
		check_tell_id(
		    check, &at->id, "is a delivery without its mailbox");
}

void
check_deliveries(struct check *check)
{
	struct span key;
	struct span value;
	struct looked at;
	struct scan scan =
	    scan_open(check->txn, DB_DELIVERY, KEY_NONE, KEY_NONE);
	while (scan_next(&scan, &key, &value))
		if (key_read_org(key, at.recipient) &&
		    key_read_tail_id(key, &at.id) &&
		    record_read_delivery(value, &at.record))
			check_delivery(check, &at);
	scan_close(&scan);
	if (txn_count(check->txn, DB_MAILBOX) != check->listed)
		check_tell(check, "mailbox: lists %llu deliveries, %llu wait",
		    (unsigned long long)txn_count(check->txn, DB_MAILBOX),
		    (unsigned long long)check->listed);
}

/* ---- messages ---- */

/* Deliveries of the message that are not purged to the end. */
static size_t
check_recipients(struct check *check, const struct id *id,
    const struct message_record *message)
{
	size_t unpurged = 0;
	for (size_t i = 0; i < message->count; i++) {
		struct delivery_record record;
		char recipient[SPOOL_ORG_SIZE];
		memcpy(recipient, message->recipients.at + i * SPOOL_ORG_SIZE,
		    SPOOL_ORG_SIZE);
		if (!txn_get_delivery(check->txn, DB_DELIVERY,
			key_org_id(recipient, id), &record)) {
			check_tell_id(check, id, "lacks one of its deliveries");
			continue;
		}
		struct due due = {
		    .at_ms = record.purge_ms, .kind = DUE_PURGE, .id = *id};
		WORD_COPY(due.owner, recipient);
		if (!spool_state_final(record.state) ||
		    txn_has(check->txn, DB_DUE, key_due(&due)))
			unpurged++;
	}
	return unpurged;
}

static void
check_message(struct check *check, const struct id *id,
    const struct message_record *message)
{
	struct known_record known;
	if (check_recipients(check, id, message) != message->unpurged)
		check_tell_id(
		    check, id, "miscounts its deliveries with content");
	if (txn_has(check->txn, DB_METADATA, key_id(id)) !=
	    (message->unpurged > 0))
		check_tell_id(check, id,
		    "has metadata when it should not, or the other way");
	if ((message->forget_ms != 0) != (message->unpurged == 0) ||
	    (message->forget_ms != 0 &&
		!check_due(check, message->forget_ms, DUE_FORGET, 0, id,
		    message->sender)))
		check_tell_id(check, id, "will not be forgotten in time");
	if (!txn_get_known(check->txn, DB_KNOWN,
		key_org_hash(message->sender, message->key), &known) ||
	    !id_equal(&known.message, id) ||
	    !same_place(known.evidence, message->evidence))
		check_tell_id(check, id, "lacks its idempotency key");
	if (!check_evidence(check, message->evidence, id))
		check_tell_id(check, id, "was accepted without evidence");
}

void
check_messages(struct check *check)
{
	struct span key;
	struct span value;
	struct id id;
	struct message_record message;
	uint64_t recipients = 0;
	struct scan scan =
	    scan_open(check->txn, DB_MESSAGE, KEY_NONE, KEY_NONE);
	while (scan_next(&scan, &key, &value))
		if (key_read_tail_id(key, &id) &&
		    record_read_message(value, &message)) {
			check_message(check, &id, &message);
			recipients += message.count;
		}
	scan_close(&scan);
	if (recipients != txn_count(check->txn, DB_DELIVERY))
		check_tell(check, "delivery: some belong to no message");
	if (txn_count(check->txn, DB_KNOWN) !=
	    txn_count(check->txn, DB_MESSAGE))
		check_tell(check, "idempotency: a key without its message");
}
