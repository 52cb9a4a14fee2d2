/*
 * stats - how much is there, and how much room is left.
 */
#include "spool/view_priv.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

static void
counts_add(struct spool_counts *sum, const struct spool_counts *one)
{
	sum->accepted += one->accepted;
	for (size_t i = 0; i < SPOOL_STATES; i++)
		sum->now[i] += one->now[i];
	sum->unproven += one->unproven;
	sum->waiting_bytes += one->waiting_bytes;
}

static void
stats_parties(struct spool_view *view, struct spool_stats *out)
{
	struct span key;
	struct span value;
	struct scan scan = scan_open(&view->txn, DB_PARTY, KEY_NONE, KEY_NONE);
	while (scan_next(&scan, &key, &value)) {
		struct party_record party;
		if (record_read_party(value, &party))
			counts_add(&out->counts, &party.counts);
		else
			txn_damaged(&view->txn, DB_PARTY);
	}
	scan_close(&scan);
}

static void
stats_alarms(struct spool_view *view, struct spool_stats *out)
{
	struct span key;
	struct span value;
	struct scan scan = scan_open(&view->txn, DB_ALARM, KEY_NONE, KEY_NONE);
	while (scan_next(&scan, &key, &value)) {
		struct alarm_record alarm;
		if (!record_read_alarm(value, &alarm))
			txn_damaged(&view->txn, DB_ALARM);
		else if (alarm.state == SPOOL_FIRING)
			out->alarms_firing++;
	}
	scan_close(&scan);
}

/* The mailboxes' heads are the oldest that wait in each; after a restore the
 * order of a list is that of its ids, which are times too. */
static void
stats_oldest(struct spool_view *view, struct spool_stats *out)
{
	struct span key;
	struct scan scan = scan_open(&view->txn, DB_PARTY, KEY_NONE, KEY_NONE);
	while (scan_next(&scan, &key, NULL)) {
		char org[SPOOL_ORG_SIZE];
		size_t count = 0;
		struct spool_delivery head;
		struct spool_position next;
		if (!key_read_org(key, org) ||
		    spool_view_list(view, org, (struct spool_position){0, 0},
			&head, 1, &count, &next, NULL) != 0)
			break;
		if (count == 1 &&
		    (out->oldest_waiting_ms == 0 ||
			head.accepted_ms < out->oldest_waiting_ms))
			out->oldest_waiting_ms = head.accepted_ms;
	}
	scan_close(&scan);
}

static int
stats_room(struct spool_view *view, struct spool_stats *out, struct why *why)
{
	MDB_envinfo info;
	MDB_stat stat;
	int fd = -1;
	struct stat file;
	struct statvfs disk;
	int rc = mdb_env_info(view->store->env, &info);
	if (rc == 0)
		rc = mdb_env_stat(view->store->env, &stat);
	if (rc == 0)
		rc = mdb_env_get_fd(view->store->env, &fd);
	if (rc != 0)
		return why_from_mdb(why, rc, "look at the store's size");
	if (fstat(fd, &file) != 0 || fstatvfs(fd, &disk) != 0)
		return why_errno(why, "look at the store's file");
	out->map_bytes = info.me_mapsize;
	out->file_bytes = (uint64_t)file.st_size;
	out->readers = info.me_numreaders;
	out->disk_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
	uint64_t blocks = (uint64_t)file.st_blocks * 512;
	if (blocks > out->file_bytes)
		out->reserve_bytes = blocks - out->file_bytes;
	uint64_t used = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
	out->free_bytes = txn_recycled(&view->txn) +
			  (info.me_mapsize > used ? info.me_mapsize - used : 0);
	return 0;
}

int
spool_view_stats(
    struct spool_view *view, struct spool_stats *out, struct why *why)
{
	memset(out, 0, sizeof *out);
	int ret = spool_view_position(view, &out->position, why);
	if (ret != 0)
		return ret;
	struct txn *txn = &view->txn;
	out->messages = txn_count(txn, DB_MESSAGE);
	out->deliveries = txn_count(txn, DB_DELIVERY);
	out->mailboxes = txn_count(txn, DB_PARTY);
	out->certificates = txn_count(txn, DB_CERTIFICATE);
	out->evidence = txn_count(txn, DB_EVIDENCE);
	out->deadlines = txn_count(txn, DB_DUE);
	out->notices = txn_count(txn, DB_OUTBOX);
	out->staged = txn_count(txn, DB_STAGED);
	stats_parties(view, out);
	stats_alarms(view, out);
	stats_oldest(view, out);
	ret = txn_why(txn, why);
	return ret != 0 ? ret : stats_room(view, out, why);
}
