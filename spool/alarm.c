/*
 * alarm - one for each (mailbox, cause); its members; the outbox.
 */
#include "spool/spool_priv.h"

#include <string.h>

#define SINCE_SIZE 8

bool
spool_cause_closable(enum spool_cause cause)
{
	return cause == SPOOL_CAUSE_REJECTED || cause == SPOOL_CAUSE_PROOF ||
	       cause == SPOOL_CAUSE_FAULT || cause == SPOOL_CAUSE_RESTORED;
}

/* ---- notices ---- */

static void
notice_add(struct spool_group *group, enum spool_notice_event event,
    const char *mailbox, enum spool_cause cause,
    const struct alarm_record *alarm)
{
	struct notice_record notice = {
	    .event = event,
	    .time_ms = group->now_ms,
	    .cause = cause,
	    .alarm = *alarm,
	};
	WORD_COPY(notice.mailbox, mailbox);
	struct id id = id_new(group->now_ms);
	txn_put_notice(
	    &group->txn, DB_OUTBOX, key_notice(group->now_ms, &id), &notice);
}

/* ---- members ---- */

static bool
member_since(struct spool_group *group, struct key key, int64_t *since_ms)
{
	struct span value;
	if (!txn_get(&group->txn, DB_MEMBER, key, &value))
		return false;
	if (value.size != SINCE_SIZE) {
		txn_damaged(&group->txn, DB_MEMBER);
		return false;
	}
	uint64_t since = 0;
	for (size_t i = 0; i < SINCE_SIZE; i++)
		since = since << 8 | value.at[i];
	*since_ms = (int64_t)since;
	return true;
}

static void
member_put(struct spool_group *group, const char *mailbox,
    enum spool_cause cause, const struct id *member, int64_t since_ms)
{
	uint8_t since[SINCE_SIZE];
	for (size_t i = 0; i < SINCE_SIZE; i++)
		since[i] =
		    (uint8_t)((uint64_t)since_ms >> (8 * (SINCE_SIZE - 1 - i)));
	txn_put(&group->txn, DB_MEMBER, key_member(mailbox, cause, member),
	    span_of(since, sizeof since));
	txn_put(&group->txn, DB_OLDEST,
	    key_oldest(mailbox, cause, since_ms, member), SPAN_NONE);
}

/* since_ms of the oldest member, from the head of its index; 0 for none. */
static int64_t
member_oldest(
    struct spool_group *group, const char *mailbox, enum spool_cause cause)
{
	struct key first;
	struct key prefix = key_alarm(mailbox, cause);
	if (!txn_first(&group->txn, DB_OLDEST, prefix, &first))
		return 0;
	uint64_t since = 0;
	for (size_t i = 0; i < SINCE_SIZE; i++)
		since = since << 8 | first.at[prefix.size + i];
	return (int64_t)since;
}

void
alarm_add(struct spool_group *group, const char *mailbox,
    enum spool_cause cause, enum spool_severity severity,
    const struct id *member, int64_t since_ms)
{
	struct alarm_record alarm = {.state = SPOOL_RESOLVED};
	struct key key = key_alarm(mailbox, cause);
	(void)txn_get_alarm(&group->txn, DB_ALARM, key, &alarm);
	int64_t since;
	bool in =
	    alarm.state == SPOOL_FIRING &&
	    member_since(group, key_member(mailbox, cause, member), &since);
	if (!in)
		member_put(group, mailbox, cause, member, since_ms);
	if (alarm.state == SPOOL_RESOLVED) {
		alarm = (struct alarm_record){
		    .id = id_new(group->now_ms),
		    .severity = severity,
		    .state = SPOOL_FIRING,
		    .count = 1,
		    .oldest_ms = since_ms,
		    .raised_ms = group->now_ms,
		    .changed_ms = group->now_ms,
		};
		txn_put_alarm(&group->txn, DB_ALARM, key, &alarm);
		notice_add(group, SPOOL_NOTICE_RAISED, mailbox, cause, &alarm);
		crash_point("spool.alarm.raised");
		return;
	}
	bool worse = severity > alarm.severity;
	if (in && !worse)
		return;
	if (!in) {
		alarm.count++;
		if (since_ms < alarm.oldest_ms)
			alarm.oldest_ms = since_ms;
	}
	if (worse)
		alarm.severity = severity;
	alarm.changed_ms = group->now_ms;
	txn_put_alarm(&group->txn, DB_ALARM, key, &alarm);
	if (worse) {
		notice_add(
		    group, SPOOL_NOTICE_ESCALATED, mailbox, cause, &alarm);
		crash_point("spool.alarm.escalated");
	}
}

void
alarm_tell(struct spool_group *group, const char *mailbox,
    enum spool_cause cause, enum spool_severity severity,
    const struct id *member, int64_t since_ms)
{
	struct alarm_record alarm;
	struct key key = key_alarm(mailbox, cause);
	bool stood = txn_get_alarm(&group->txn, DB_ALARM, key, &alarm) &&
		     alarm.state == SPOOL_FIRING && alarm.severity >= severity;
	alarm_add(group, mailbox, cause, severity, member, since_ms);
	if (!stood || !txn_get_alarm(&group->txn, DB_ALARM, key, &alarm))
		return; /* alarm_add() has told it */
	alarm.changed_ms = group->now_ms;
	txn_put_alarm(&group->txn, DB_ALARM, key, &alarm);
	notice_add(group, SPOOL_NOTICE_ESCALATED, mailbox, cause, &alarm);
}

static void
alarm_resolve(struct spool_group *group, const char *mailbox,
    enum spool_cause cause, struct alarm_record *alarm)
{
	alarm->state = SPOOL_RESOLVED;
	alarm->count = 0;
	alarm->changed_ms = group->now_ms;
	notice_add(group, SPOOL_NOTICE_RESOLVED, mailbox, cause, alarm);
	crash_point("spool.alarm.resolved");
}

void
alarm_remove(struct spool_group *group, const char *mailbox,
    enum spool_cause cause, const struct id *member)
{
	struct alarm_record alarm;
	int64_t since;
	struct key key = key_alarm(mailbox, cause);
	struct key at = key_member(mailbox, cause, member);
	if (!member_since(group, at, &since) ||
	    !txn_get_alarm(&group->txn, DB_ALARM, key, &alarm))
		return;
	txn_del(&group->txn, DB_MEMBER, at);
	txn_del(
	    &group->txn, DB_OLDEST, key_oldest(mailbox, cause, since, member));
	alarm.count--;
	alarm.changed_ms = group->now_ms;
	if (alarm.count == 0)
		alarm_resolve(group, mailbox, cause, &alarm);
	else if (since == alarm.oldest_ms)
		alarm.oldest_ms = member_oldest(group, mailbox, cause);
	txn_put_alarm(&group->txn, DB_ALARM, key, &alarm);
}

/* ---- what the relay and the operator may do ---- */

static int
alarm_check(const char *mailbox, enum spool_cause cause, struct why *why)
{
	if (strlen(mailbox) >= SPOOL_ORG_SIZE ||
	    cause < SPOOL_CAUSE_NEVER_POLLED || cause > SPOOL_CAUSE_EXPIRING)
		return why_set(why, WHY_INVALID, "no such mailbox or cause");
	return 0;
}

int
spool_alarm_raise(struct spool_group *group, const char *mailbox,
    enum spool_cause cause, enum spool_severity severity,
    const struct id *member, int64_t since_ms, struct why *why)
{
	int ret = alarm_check(mailbox, cause, why);
	if (ret != 0)
		return ret;
	if (severity < SPOOL_WARNING || severity > SPOOL_CRITICAL ||
	    since_ms < 0)
		return why_set(why, WHY_INVALID, "no such severity or time");
	alarm_add(group, mailbox, cause, severity, member, since_ms);
	return group_why(group, why);
}

int
spool_alarm_clear(struct spool_group *group, const char *mailbox,
    enum spool_cause cause, const struct id *member, struct why *why)
{
	int ret = alarm_check(mailbox, cause, why);
	if (ret != 0)
		return ret;
	alarm_remove(group, mailbox, cause, member);
	return group_why(group, why);
}

/* Alarms are few: one for each mailbox and cause in trouble. */
static bool
alarm_find(struct spool_group *group, const struct id *id, char *mailbox,
    enum spool_cause *cause, struct alarm_record *alarm)
{
	struct span key;
	struct span value;
	bool found = false;
	struct scan scan = scan_open(&group->txn, DB_ALARM, KEY_NONE, KEY_NONE);
	while (!found && scan_next(&scan, &key, &value)) {
		if (!record_read_alarm(value, alarm) ||
		    !key_read_org(key, mailbox)) {
			txn_damaged(&group->txn, DB_ALARM);
			break;
		}
		*cause = (enum spool_cause)key.at[key.size - 1];
		found = id_equal(&alarm->id, id);
	}
	scan_close(&scan);
	return found;
}

static void
alarm_empty(
    struct spool_group *group, enum db db, const char *mailbox, int cause)
{
	struct span key;
	struct scan scan = scan_open(&group->txn, db,
	    key_alarm(mailbox, (enum spool_cause)cause), KEY_NONE);
	while (scan_next(&scan, &key, NULL))
		scan_del(&scan);
	scan_close(&scan);
}

int
spool_alarm_close(
    struct spool_group *group, const struct id *alarm, struct why *why)
{
	char mailbox[SPOOL_ORG_SIZE];
	enum spool_cause cause = SPOOL_CAUSE_FAULT;
	struct alarm_record record;
	if (!alarm_find(group, alarm, mailbox, &cause, &record)) {
		int ret = group_why(group, why);
		return ret != 0 ? ret
				: why_set(why, WHY_NOT_FOUND,
				      "there is no such alarm");
	}
	if (record.state == SPOOL_RESOLVED)
		return 0;
	if (!spool_cause_closable(cause))
		return why_set(why, WHY_STATE,
		    "an alarm of cause %s ends when its cause does",
		    spool_cause_name(cause));
	alarm_empty(group, DB_MEMBER, mailbox, (int)cause);
	alarm_empty(group, DB_OLDEST, mailbox, (int)cause);
	alarm_resolve(group, mailbox, cause, &record);
	txn_put_alarm(
	    &group->txn, DB_ALARM, key_alarm(mailbox, cause), &record);
	return group_why(group, why);
}
