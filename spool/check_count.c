/*
 * check_count - are the counters what a recount gives.
 */
#include "spool/check_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void
recount(struct check *check, const char *org, struct spool_counts *out)
{
	struct span key;
	struct span value;
	struct delivery_record record;
	struct scan scan =
	    scan_open(check->txn, DB_DELIVERY, key_org(org), KEY_NONE);
	while (scan_next(&scan, &key, &value)) {
		if (!record_read_delivery(value, &record))
			continue;
		out->now[record.state]++;
		if (!spool_state_final(record.state))
			out->waiting_bytes += record.size;
		if ((record.flags & SPOOL_FLAG_UNPROVEN) != 0)
			out->unproven++;
	}
	scan_close(&scan);
}

static void
check_party(
    struct check *check, const char *org, const struct party_record *party)
{
	struct spool_counts live = {.accepted = 0};
	const struct spool_counts *counts = &party->counts;
	uint64_t sum = 0;
	recount(check, org, &live);
	for (size_t i = 1; i < SPOOL_STATES; i++) {
		sum += counts->now[i];
		if (counts->now[i] != live.now[i] + party->forgotten[i])
			check_tell(check,
			    "mailbox %s: counts %llu %s, there are %llu", org,
			    (unsigned long long)counts->now[i],
			    spool_state_name((enum spool_state)i),
			    (unsigned long long)(live.now[i] +
						 party->forgotten[i]));
	}
	if (sum != counts->accepted)
		check_tell(check,
		    "mailbox %s: accepted %llu, but its states add up to %llu",
		    org, (unsigned long long)counts->accepted,
		    (unsigned long long)sum);
	if (counts->unproven != live.unproven + party->forgotten_unproven)
		check_tell(check, "mailbox %s: miscounts unproven", org);
	if (counts->waiting_bytes != live.waiting_bytes)
		check_tell(check, "mailbox %s: miscounts waiting bytes", org);
}

void
check_parties(struct check *check)
{
	struct span key;
	struct span value;
	struct scan scan = scan_open(check->txn, DB_PARTY, KEY_NONE, KEY_NONE);
	while (scan_next(&scan, &key, &value)) {
		struct party_record party;
		char org[SPOOL_ORG_SIZE];
		if (key_read_org(key, org) && record_read_party(value, &party))
			check_party(check, org, &party);
	}
	scan_close(&scan);
}

/* ---- senders ---- */

struct share {
	char org[SPOOL_ORG_SIZE];
	struct sender_record stated;
	struct sender_record counted;
};

static int
share_order(const void *a, const void *b)
{
	return memcmp(a, b, SPOOL_ORG_SIZE);
}

static size_t
shares_read(struct check *check, struct share *shares, size_t max)
{
	struct span key;
	struct span value;
	size_t count = 0;
	struct scan scan = scan_open(check->txn, DB_SENDER, KEY_NONE, KEY_NONE);
	while (count < max && scan_next(&scan, &key, &value)) {
		memset(&shares[count], 0, sizeof shares[count]);
		if (key_read_org(key, shares[count].org) &&
		    record_read_sender(value, &shares[count].stated))
			count++;
	}
	scan_close(&scan);
	qsort(shares, count, sizeof *shares, share_order);
	return count;
}

static void
shares_count(struct check *check, struct share *shares, size_t count)
{
	struct span key;
	struct span value;
	struct delivery_record record;
	struct scan scan =
	    scan_open(check->txn, DB_DELIVERY, KEY_NONE, KEY_NONE);
	while (scan_next(&scan, &key, &value)) {
		if (!record_read_delivery(value, &record))
			continue;
		struct share *share = bsearch(
		    record.sender, shares, count, sizeof *shares, share_order);
		if (share == NULL) {
			check_tell(check, "a delivery of an unknown sender");
		} else if (!spool_state_final(record.state)) {
			share->counted.waiting++;
			share->counted.waiting_bytes += record.size;
		}
	}
	scan_close(&scan);
}

void
check_senders(struct check *check)
{
	size_t max = (size_t)txn_count(check->txn, DB_SENDER);
	struct share *shares = calloc(max + 1, sizeof *shares);
	if (shares == NULL) {
		check->txn->rc = ENOMEM;
		return;
	}
	size_t count = shares_read(check, shares, max);
	shares_count(check, shares, count);
	for (size_t i = 0; i < count; i++)
		if (shares[i].stated.waiting != shares[i].counted.waiting ||
		    shares[i].stated.waiting_bytes !=
			shares[i].counted.waiting_bytes)
			check_tell(check, "sender %s: miscounts what waits",
			    shares[i].org);
	free(shares);
}

/* ---- alarms ---- */

static uint64_t
count_prefix(struct check *check, enum db db, struct key prefix)
{
	struct span key;
	uint64_t count = 0;
	struct scan scan = scan_open(check->txn, db, prefix, KEY_NONE);
	while (scan_next(&scan, &key, NULL))
		count++;
	scan_close(&scan);
	return count;
}

static void
check_alarm(struct check *check, const char *mailbox, enum spool_cause cause,
    const struct alarm_record *alarm)
{
	struct key prefix = key_alarm(mailbox, cause);
	struct key first;
	uint64_t members = count_prefix(check, DB_MEMBER, prefix);
	if (members != alarm->count ||
	    count_prefix(check, DB_OLDEST, prefix) != members)
		check_tell(check, "alarm %s of %s: miscounts its members",
		    spool_cause_name(cause), mailbox);
	if ((members > 0) != (alarm->state == SPOOL_FIRING))
		check_tell(check, "alarm %s of %s: fires for nobody, or not",
		    spool_cause_name(cause), mailbox);
	if (members == 0 || !txn_first(check->txn, DB_OLDEST, prefix, &first))
		return;
	struct id none = {{0}};
	struct key oldest = key_oldest(mailbox, cause, alarm->oldest_ms, &none);
	if (memcmp(first.at, oldest.at, prefix.size + 8) != 0)
		check_tell(check, "alarm %s of %s: mistakes its oldest member",
		    spool_cause_name(cause), mailbox);
}

void
check_alarms(struct check *check)
{
	struct span key;
	struct span value;
	uint64_t members = 0;
	struct scan scan = scan_open(check->txn, DB_ALARM, KEY_NONE, KEY_NONE);
	while (scan_next(&scan, &key, &value)) {
		struct alarm_record alarm;
		char mailbox[SPOOL_ORG_SIZE];
		if (!key_read_org(key, mailbox) ||
		    !record_read_alarm(value, &alarm))
			continue;
		check_alarm(check, mailbox,
		    (enum spool_cause)key.at[key.size - 1], &alarm);
		members += alarm.count;
	}
	scan_close(&scan);
	if (members != txn_count(check->txn, DB_MEMBER) ||
	    members != txn_count(check->txn, DB_OLDEST))
		check_tell(check, "member: some belong to no alarm");
}
