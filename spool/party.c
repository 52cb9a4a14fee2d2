/*
 * party - mailboxes: settings and counters; senders: what they have waiting.
 */
#include "spool/spool_priv.h"

#include <string.h>

/* Get, change, put, with nothing between: what a get lends ends with the next
 * put. */
void
party_count(struct spool_group *group, const char *recipient,
    enum spool_state from, enum spool_state to, bool unproven, uint64_t bytes)
{
	struct party_record party;
	struct key key = key_org(recipient);
	if (!txn_get_party(&group->txn, DB_PARTY, key, &party)) {
		txn_damaged(&group->txn, DB_PARTY);
		return;
	}
	struct spool_counts *counts = &party.counts;
	if (from == 0) {
		counts->accepted++;
		counts->waiting_bytes += bytes;
		party.newest_ms = group->now_ms;
		party.next_sequence++;
	} else {
		counts->now[from]--;
	}
	counts->now[to]++;
	if (unproven)
		counts->unproven++;
	if (spool_state_final(to))
		counts->waiting_bytes -= bytes;
	txn_put_party(&group->txn, DB_PARTY, key, &party);
}

void
sender_count(
    struct spool_group *group, const char *sender, bool waits, uint64_t bytes)
{
	struct sender_record record = {.waiting = 0};
	struct key key = key_org(sender);
	(void)txn_get_sender(&group->txn, DB_SENDER, key, &record);
	record.waiting += waits ? 1 : (uint64_t)-1;
	record.waiting_bytes += waits ? bytes : (uint64_t)-bytes;
	txn_put_sender(&group->txn, DB_SENDER, key, &record);
}

static int
types_build(
    const struct spool_mailbox_put *put, struct buf *out, struct why *why)
{
	if (put->type_count > SPOOL_TYPES_MAX)
		return why_set(why, WHY_TOO_LARGE, "a mailbox opens %d types",
		    SPOOL_TYPES_MAX);
	for (size_t i = 0; i < put->type_count; i++) {
		size_t length = strlen(put->types[i]);
		if (length == 0 || length >= SPOOL_TYPE_SIZE)
			return why_set(why, WHY_INVALID,
			    "types[%zu]: a name of 1 to %d characters is "
			    "needed",
			    i, SPOOL_TYPE_SIZE - 1);
		buf_add_byte(out, (uint8_t)length);
		buf_add(out, put->types[i], length);
	}
	if (!buf_ok(out))
		return why_set(why, WHY_NOMEM, "no memory for the types");
	return 0;
}

int
spool_mailbox_put(struct spool_group *group,
    const struct spool_mailbox_put *put, struct why *why)
{
	struct party_record party = {.next_sequence = 1};
	struct key key;
	struct buf types;
	int ret = org_check(put->recipient, why);
	if (ret != 0)
		return ret;
	if (put->form < SPOOL_FORM_ZIP || put->form > SPOOL_FORM_SVARINN)
		return why_set(why, WHY_INVALID, "form: unknown");
	buf_init(&types, SPOOL_TYPES_MAX * SPOOL_TYPE_SIZE);
	ret = types_build(put, &types, why);
	if (ret != 0)
		goto out;
	key = key_org(put->recipient);
	if (!txn_get_party(&group->txn, DB_PARTY, key, &party))
		party.created_ms = group->now_ms;
	ret = mailbox_follow(&party.state, put->state, put->without_probe, why);
	if (ret != 0)
		goto out;
	party.form = put->form;
	party.stop_at_certificate_end = put->stop_at_certificate_end;
	party.type_count = (uint16_t)put->type_count;
	party.types = buf_span(&types);
	txn_put_party(&group->txn, DB_PARTY, key, &party);
	crash_point("spool.mailbox");
	ret = group_why(group, why);
out:
	buf_clear(&types);
	return ret;
}

/* ---- polled ---- */

/* Deliveries looked at in one poll; more are left to the next. */
#define POLL_MEMBERS 256
#define POLL_COALESCE_MS CLOCK_MINUTE_MS

/* The mailbox is polled after all: take its deliveries out of the alarm, and
 * look at each again later. */
static size_t
poll_members(struct spool_group *group, const char *recipient,
    struct id members[POLL_MEMBERS])
{
	size_t count = 0;
	struct span key;
	struct scan scan = scan_open(&group->txn, DB_MEMBER,
	    key_alarm(recipient, SPOOL_CAUSE_NEVER_POLLED), KEY_NONE);
	while (count < POLL_MEMBERS && scan_next(&scan, &key, NULL))
		if (key_read_tail_id(key, &members[count]))
			count++;
	scan_close(&scan);
	return count;
}

static void
poll_leave(struct spool_group *group, const char *recipient)
{
	struct id members[POLL_MEMBERS];
	size_t count = poll_members(group, recipient, members);
	for (size_t i = 0; i < count; i++) {
		struct delivery delivery;
		if (delivery_get(
			group, &members[i], recipient, &delivery, NULL) != 0) {
			alarm_remove(group, recipient, SPOOL_CAUSE_NEVER_POLLED,
			    &members[i]);
			continue;
		}
		delivery_leave(group, &delivery, SPOOL_CAUSE_NEVER_POLLED);
		delivery_recheck(group, &delivery);
		delivery_put(group, &delivery);
	}
}

int
spool_polled(struct spool_group *group, const char *recipient, struct why *why)
{
	struct party_record party;
	int ret = org_check(recipient, why);
	if (ret != 0)
		return ret;
	struct key key = key_org(recipient);
	if (!txn_get_party(&group->txn, DB_PARTY, key, &party)) {
		ret = group_why(group, why);
		return ret != 0 ? ret
				: why_set(why, WHY_NOT_FOUND,
				      "there is no such mailbox");
	}
	/* a poll is worth a write when it is the first after an acceptance,
	 * or a minute has gone by */
	if (party.polled_ms == 0 || party.polled_ms <= party.newest_ms ||
	    party.polled_ms + POLL_COALESCE_MS <= group->now_ms) {
		party.polled_ms = group->now_ms;
		txn_put_party(&group->txn, DB_PARTY, key, &party);
	}
	poll_leave(group, recipient);
	if (group->txn.changed)
		crash_point("spool.polled");
	return group_why(group, why);
}
