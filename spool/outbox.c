/*
 * outbox - notices that the courier has to bring, by the time of the next try.
 */
#include "spool/spool_priv.h"

static void
notice_of(struct spool_notice *out, int64_t at_ms, const struct id *id,
    const struct notice_record *record)
{
	*out = (struct spool_notice){
	    .id = *id,
	    .at_ms = at_ms,
	    .tries = record->tries,
	    .event = record->event,
	    .time_ms = record->time_ms,
	    .alarm =
		{
		    .id = record->alarm.id,
		    .cause = record->cause,
		    .severity = record->alarm.severity,
		    .state = record->alarm.state,
		    .count = record->alarm.count,
		    .oldest_ms = record->alarm.oldest_ms,
		    .raised_ms = record->alarm.raised_ms,
		    .changed_ms = record->alarm.changed_ms,
		},
	};
	WORD_COPY(out->alarm.mailbox, record->mailbox);
}

static int64_t
notice_time(struct key key)
{
	uint64_t at = 0;
	for (size_t i = 0; i < 8; i++)
		at = at << 8 | key.at[i];
	return (int64_t)at;
}

/* Move a notice to another time. */
static void
notice_move(struct spool_group *group, const struct id *id, int64_t from_ms,
    int64_t to_ms, const struct notice_record *record)
{
	txn_del(&group->txn, DB_OUTBOX, key_notice(from_ms, id));
	txn_put_notice(&group->txn, DB_OUTBOX, key_notice(to_ms, id), record);
}

int
spool_outbox_claim(struct spool_group *group, int64_t lease_ms,
    struct spool_notice *notices, size_t max, size_t *count, struct why *why)
{
	*count = 0;
	if (lease_ms <= 0)
		return why_set(why, WHY_INVALID, "a lease is needed");
	struct key first;
	while (*count < max &&
	       txn_first(&group->txn, DB_OUTBOX, KEY_NONE, &first)) {
		int64_t at = notice_time(first);
		struct id id;
		struct notice_record record;
		if (at > group->now_ms)
			break;
		if (!key_read_tail_id(key_span(&first), &id) ||
		    !txn_get_notice(&group->txn, DB_OUTBOX, first, &record))
			break;
		record.tries++;
		int64_t to = group->now_ms + lease_ms;
		notice_move(group, &id, at, to, &record);
		notice_of(&notices[(*count)++], to, &id, &record);
	}
	if (*count > 0)
		crash_point("spool.outbox.claim");
	return group_why(group, why);
}

int
spool_outbox_done(struct spool_group *group, const struct spool_notice *notice,
    struct why *why)
{
	txn_del(&group->txn, DB_OUTBOX, key_notice(notice->at_ms, &notice->id));
	crash_point("spool.outbox.done");
	return group_why(group, why);
}

int
spool_outbox_retry(struct spool_group *group, const struct spool_notice *notice,
    int64_t at_ms, struct why *why)
{
	struct notice_record record;
	if (at_ms < 0)
		return why_set(why, WHY_INVALID, "a time after 1970 is needed");
	if (txn_get_notice(&group->txn, DB_OUTBOX,
		key_notice(notice->at_ms, &notice->id), &record))
		notice_move(group, &notice->id, notice->at_ms, at_ms, &record);
	else if (group->txn.rc == 0)
		return why_set(why, WHY_NOT_FOUND,
		    "the notice is gone, or was claimed again");
	crash_point("spool.outbox.retry");
	return group_why(group, why);
}

int
spool_outbox_next(struct spool *spool, int64_t *at_ms, struct why *why)
{
	struct txn txn;
	struct key first;
	*at_ms = INT64_MAX;
	int ret = txn_begin(&txn, &spool->store, false, why);
	if (ret != 0)
		return ret;
	if (txn_first(&txn, DB_OUTBOX, KEY_NONE, &first))
		*at_ms = notice_time(first);
	ret = txn_why(&txn, why);
	txn_abort(&txn);
	return ret;
}
