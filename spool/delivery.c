/*
 * delivery - one message for one recipient: look-up, drafts, the way to its
 * outcome, the alarms it is in.
 */
#include "spool/spool_priv.h"

#include <string.h>

static const enum spool_cause watch_causes[] = {SPOOL_CAUSE_NEVER_POLLED,
    SPOOL_CAUSE_NOT_FETCHED, SPOOL_CAUSE_NOT_CONFIRMED};
#define WATCH_COUNT (sizeof watch_causes / sizeof watch_causes[0])

int
delivery_get(struct spool_group *group, const struct id *message,
    const char *recipient, struct delivery *out, struct why *why)
{
	int ret = org_check(recipient, why);
	if (ret != 0)
		return ret;
	out->message = *message;
	WORD_COPY(out->recipient, recipient);
	if (txn_get_delivery(&group->txn, DB_DELIVERY,
		key_org_id(recipient, message), &out->record))
		return 0;
	ret = group_why(group, why);
	return ret != 0
		   ? ret
		   : why_set(why, WHY_NOT_FOUND, "there is no such delivery");
}

void
delivery_put(struct spool_group *group, const struct delivery *delivery)
{
	txn_put_delivery(&group->txn, DB_DELIVERY,
	    key_org_id(delivery->recipient, &delivery->message),
	    &delivery->record);
}

struct spool_draft *
delivery_draft(struct spool_group *group, struct delivery *delivery,
    enum spool_level level)
{
	struct message_record message;
	if (!txn_get_message(&group->txn, DB_MESSAGE,
		key_id(&delivery->message), &message)) {
		txn_damaged(&group->txn, DB_MESSAGE);
		return NULL;
	}
	struct spool_draft *draft = group_draft(group, level);
	if (draft == NULL)
		return NULL;
	const struct delivery_record *record = &delivery->record;
	draft->has_message = true;
	draft->message = delivery->message;
	WORD_COPY(draft->type, record->type);
	WORD_COPY(draft->version, message.version);
	WORD_COPY(draft->sender, record->sender);
	WORD_COPY(draft->recipient, delivery->recipient);
	draft->submitted_ms = message.submitted_ms;
	draft->accepted_ms = message.accepted_ms;
	memcpy(draft->fingerprint, message.fingerprint, SPOOL_HASH_SIZE);
	draft->expires_ms = record->expires_ms;
	draft->state = record->state;
	draft->flags = record->flags;
	return draft;
}

/* ---- alarms ---- */

void
delivery_leave(struct spool_group *group, struct delivery *delivery,
    enum spool_cause cause)
{
	uint32_t bit = UINT32_C(1) << cause;
	if ((delivery->record.alarms & bit) == 0)
		return;
	alarm_remove(group, delivery->recipient, cause, &delivery->message);
	delivery->record.alarms &= ~bit;
}

void
delivery_join(struct spool_group *group, struct delivery *delivery,
    enum spool_cause cause, enum spool_severity severity)
{
	if (cause <= SPOOL_CAUSE_NOT_CONFIRMED)
		for (size_t i = 0; i < WATCH_COUNT; i++)
			if (watch_causes[i] != cause)
				delivery_leave(
				    group, delivery, watch_causes[i]);
	alarm_add(group, delivery->recipient, cause, severity,
	    &delivery->message, delivery->record.accepted_ms);
	delivery->record.alarms |= UINT32_C(1) << cause;
}

enum spool_cause
delivery_cause(struct spool_group *group, const struct delivery *delivery)
{
	struct party_record party;
	if (delivery->record.state == SPOOL_FETCHED)
		return SPOOL_CAUSE_NOT_CONFIRMED;
	if (!txn_get_party(
		&group->txn, DB_PARTY, key_org(delivery->recipient), &party)) {
		txn_damaged(&group->txn, DB_PARTY);
		return SPOOL_CAUSE_NOT_FETCHED;
	}
	return party.polled_ms >= delivery->record.accepted_ms
		   ? SPOOL_CAUSE_NOT_FETCHED
		   : SPOOL_CAUSE_NEVER_POLLED;
}

void
delivery_recheck(struct spool_group *group, struct delivery *delivery)
{
	struct delivery_record *record = &delivery->record;
	int64_t at = group->now_ms + group->spool->options.recheck_ms;
	if (record->recheck_ms != 0 || spool_state_final(record->state))
		return;
	for (size_t i = 0; i < record->stage_count; i++)
		if (!record->stages[i].fired && record->stages[i].at_ms <= at)
			return;
	record->recheck_ms = at;
	due_put(group, at, DUE_RECHECK, 0, &delivery->message,
	    delivery->recipient, SPAN_NONE);
}

/* ---- the outcome ---- */

/* Take everything out of the time index that only a waiting delivery has. */
static void
finish_dues(struct spool_group *group, struct delivery *delivery)
{
	struct delivery_record *record = &delivery->record;
	for (size_t i = 0; i < record->stage_count; i++) {
		if (!record->stages[i].fired)
			due_del(group, record->stages[i].at_ms, DUE_ALARM,
			    (uint32_t)i, &delivery->message,
			    delivery->recipient);
		record->stages[i].fired = true;
	}
	if (record->recheck_ms != 0)
		due_del(group, record->recheck_ms, DUE_RECHECK, 0,
		    &delivery->message, delivery->recipient);
	record->recheck_ms = 0;
	due_del(group, record->expires_ms, DUE_EXPIRE, 0, &delivery->message,
	    delivery->recipient);
}

struct spool_draft *
delivery_finish(struct spool_group *group, struct delivery *delivery,
    enum spool_state state, enum spool_level level, bool unproven)
{
	struct delivery_record *record = &delivery->record;
	enum spool_state from = record->state;
	finish_dues(group, delivery);
	txn_del(&group->txn, DB_MAILBOX,
	    key_org_position(delivery->recipient, record->listed));
	for (size_t i = 0; i < WATCH_COUNT; i++)
		delivery_leave(group, delivery, watch_causes[i]);
	delivery_leave(group, delivery, SPOOL_CAUSE_PROOF);
	if (state != SPOOL_REJECTED)
		delivery_leave(group, delivery, SPOOL_CAUSE_REJECTED);
	record->state = state;
	if (unproven)
		record->flags |= SPOOL_FLAG_UNPROVEN;
	record->final_ms = group->now_ms;
	record->purge_ms = group->now_ms + record->grace_ms;
	record->range_count = 0;
	due_put(group, record->purge_ms, DUE_PURGE, 0, &delivery->message,
	    delivery->recipient, SPAN_NONE);
	party_count(
	    group, delivery->recipient, from, state, unproven, record->size);
	sender_count(group, record->sender, false, record->size);
	struct spool_draft *draft = delivery_draft(group, delivery, level);
	if (draft == NULL)
		return NULL;
	record->evidence = draft->position;
	record->outcome = draft->position;
	return draft;
}
