/*
 * backup - a copy of the store as it is at one commit, while it is in use; and
 * back again, as a new epoch.
 */
#include "spool/view_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096
#define RECORD_MAX (4 * MIB)
/* Deliveries told to wait anew in one transaction. */
#define RESTORE_BATCH 1000

static int
path_join(
    char path[PATH_SIZE], const char *dir, const char *name, struct why *why)
{
	int length = snprintf(path, PATH_SIZE, "%s/%s", dir, name);
	if (length < 0 || length >= PATH_SIZE)
		return why_set(why, WHY_INVALID, "the path is too long");
	return 0;
}

/* Make dir, or take an empty one. */
static int
dir_fresh(const char *dir, struct why *why)
{
	if (mkdir(dir, 0750) == 0)
		return 0;
	if (errno != EEXIST)
		return why_errno(why, "make the directory");
	DIR *open = opendir(dir);
	if (open == NULL)
		return why_errno(why, "look into the directory");
	int count = 0;
	for (const struct dirent *at; (at = readdir(open)) != NULL;)
		if (strcmp(at->d_name, ".") != 0 &&
		    strcmp(at->d_name, "..") != 0)
			count++;
	closedir(open);
	if (count > 0)
		return why_set(
		    why, WHY_EXISTS, "the directory exists and is not empty");
	return 0;
}

/* Make a file or directory durable. */
static int
sync_path(const char *path, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return why_errno(why, "open to flush");
	int ret = fsync(fd) == 0 ? 0 : why_errno(why, "flush");
	close(fd);
	return ret;
}

static int
sync_store(const char *dir, struct why *why)
{
	char path[PATH_SIZE];
	int ret = path_join(path, dir, "data.mdb", why);
	if (ret == 0)
		ret = sync_path(path, why);
	if (ret == 0)
		ret = sync_path(dir, why);
	return ret;
}

int
spool_backup(struct spool_view *view, const char *dir, struct why *why)
{
	char path[PATH_SIZE];
	if (view->open)
		return why_set(
		    why, WHY_BUG, "a backup makes its own transaction");
	int ret = path_join(path, dir, "data.mdb", why);
	if (ret == 0)
		ret = dir_fresh(dir, why);
	if (ret != 0)
		return ret;
	/* compacted: without free pages, so without what they still hold */
	int rc = mdb_env_copy2(view->store->env, dir, MDB_CP_COMPACT);
	if (rc != 0)
		ret = why_from_mdb(why, rc, "copy the store");
	if (ret == 0)
		ret = sync_store(dir, why);
	if (ret != 0)
		(void)unlink(path); /* half a backup is none */
	return ret;
}

/* ---- restore ---- */

static int
copy_file(const char *from, const char *to, struct why *why)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return errno == ENOENT ? why_set(why, WHY_NOT_FOUND,
					     "there is no backup there")
				       : why_errno(why, "open the backup");
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	int ret = out < 0 ? why_errno(why, "make the store's file") : 0;
	while (ret == 0) {
		ssize_t n = sendfile(out, in, NULL, 1 << 30);
		if (n < 0)
			ret = errno == ENOSPC
				  ? why_set(why, WHY_FULL,
					"the file system is full")
				  : why_errno(why, "copy the backup");
		if (n <= 0)
			break;
	}
	if (out >= 0)
		close(out);
	close(in);
	return ret;
}

struct restoring {
	struct store store;
	struct txn txn;
	struct buf scratch;
	struct meta_record meta;
	int64_t now_ms;
};

/* The new epoch, and what its first evidence will say. */
static void
restore_epoch(struct restoring *restoring)
{
	struct txn *txn = &restoring->txn;
	struct meta_record *meta = &restoring->meta;
	struct evidence_record last;
	if (!txn_get_meta(txn, DB_META, key_state(), meta)) {
		txn_damaged(txn, DB_META);
		return;
	}
	/* a backup of a restored store that has not told it yet: the older
	 * place is the one that matters */
	if (!meta->restored) {
		meta->previous = meta->position;
		meta->taken_ms = meta->created_ms;
		if (txn_get_evidence(
			txn, DB_EVIDENCE, key_position(meta->position), &last))
			meta->taken_ms = last.time_ms;
	}
	meta->restored = true;
	meta->restored_ms = restoring->now_ms;
	meta->position.epoch++;
	meta->position.sequence = 0;
	txn_put_meta(txn, DB_META, key_state(), meta);
}

/* It is listed anew, behind the cursor of every reader of the old epoch. */
static void
restore_waiting(struct restoring *restoring, const char *recipient,
    const struct id *id, struct delivery_record *record)
{
	struct txn *txn = &restoring->txn;
	struct party_record party;
	struct key key = key_org(recipient);
	(void)txn_del(
	    txn, DB_MAILBOX, key_org_position(recipient, record->listed));
	if (!txn_get_party(txn, DB_PARTY, key, &party)) {
		txn_damaged(txn, DB_PARTY);
		return;
	}
	record->listed = (struct spool_position){
	    restoring->meta.position.epoch, party.next_sequence++};
	txn_put_party(txn, DB_PARTY, key, &party);
	record->flags |= SPOOL_FLAG_REDELIVERED;
	txn_put(txn, DB_MAILBOX, key_org_position(recipient, record->listed),
	    span_of(id->at, ID_SIZE));
	txn_put_delivery(txn, DB_DELIVERY, key_org_id(recipient, id), record);
}

/* Its grace was over before the restore: it must not come back. The evidence
 * of the purge follows when its deadline fires. */
static void
restore_purged(struct restoring *restoring, const char *recipient,
    const struct id *id, struct delivery_record *record)
{
	struct txn *txn = &restoring->txn;
	struct span key;
	struct scan scan = scan_open(txn, DB_CONTENT,
	    key_content(
		recipient, &record->upload, record->content, UINT32_MAX),
	    KEY_NONE);
	while (scan_next(&scan, &key, NULL))
		scan_del(&scan);
	scan_close(&scan);
	record->flags |= SPOOL_FLAG_PURGED;
	txn_put_delivery(txn, DB_DELIVERY, key_org_id(recipient, id), record);
}

static void
restore_delivery(
    struct restoring *restoring, const char *recipient, const struct id *id)
{
	struct delivery_record record;
	if (!txn_get_delivery(&restoring->txn, DB_DELIVERY,
		key_org_id(recipient, id), &record)) {
		txn_damaged(&restoring->txn, DB_DELIVERY);
		return;
	}
	if (!spool_state_final(record.state))
		restore_waiting(restoring, recipient, id, &record);
	else if (record.purge_ms <= restoring->now_ms &&
		 (record.flags & SPOOL_FLAG_PURGED) == 0)
		restore_purged(restoring, recipient, id, &record);
}

/* A page of deliveries after *from; false when that was the last. */
static bool
restore_page(struct restoring *restoring, struct key *from)
{
	struct key *keys = calloc(RESTORE_BATCH, sizeof *keys);
	if (keys == NULL) {
		restoring->txn.rc = ENOMEM;
		return false;
	}
	size_t count = 0;
	struct span key;
	struct scan scan =
	    scan_open(&restoring->txn, DB_DELIVERY, KEY_NONE, *from);
	while (count < RESTORE_BATCH && scan_next(&scan, &key, NULL)) {
		if (key.size > KEY_MAX ||
		    span_equal(key, span_of(from->at, from->size)))
			continue;
		memcpy(keys[count].at, key.at, key.size);
		keys[count++].size = key.size;
	}
	scan_close(&scan);
	for (size_t i = 0; i < count; i++) {
		char recipient[SPOOL_ORG_SIZE];
		struct id id;
		struct span at = key_span(&keys[i]);
		if (key_read_org(at, recipient) && key_read_tail_id(at, &id))
			restore_delivery(restoring, recipient, &id);
		else
			txn_damaged(&restoring->txn, DB_DELIVERY);
	}
	if (count > 0)
		*from = keys[count - 1];
	free(keys);
	return count == RESTORE_BATCH && restoring->txn.rc == 0;
}

/* The alarm of the highest class, which stands until somebody closes it. */
static void
restore_alarm(struct restoring *restoring)
{
	struct spool spool = {.store = restoring->store};
	struct spool_group group = {.spool = &spool,
	    .txn = restoring->txn,
	    .now_ms = restoring->now_ms};
	struct id member = id_new(restoring->now_ms);
	alarm_add(&group, "", SPOOL_CAUSE_RESTORED, SPOOL_CRITICAL, &member,
	    restoring->now_ms);
	restoring->txn.rc = group.txn.rc;
	restoring->txn.where = group.txn.where;
}

static int
restore_store(struct restoring *restoring, struct why *why)
{
	struct txn *txn = &restoring->txn;
	struct key from = KEY_NONE;
	int ret = txn_begin(txn, &restoring->store, true, why);
	if (ret != 0)
		return ret;
	txn->scratch = &restoring->scratch;
	restore_epoch(restoring);
	while (restore_page(restoring, &from))
		continue;
	restore_alarm(restoring);
	ret = txn_why(txn, why);
	if (ret != 0) {
		txn_abort(txn);
		return ret;
	}
	return why_from_mdb(why, mdb_txn_commit(txn->mdb), "commit");
}

/* Twice the backup, or the size it had: what its writer sets is taken when it
 * opens. */
static uint64_t
restore_map(const char *path)
{
	struct stat file;
	uint64_t size = 0;
	if (stat(path, &file) == 0)
		size = (uint64_t)file.st_size;
	return 2 * size + 64 * MIB;
}

static int
restore_within(struct restoring *restoring, const char *from, const char *part,
    struct why *why)
{
	char file[PATH_SIZE];
	int ret = path_join(file, part, "data.mdb", why);
	if (ret == 0)
		ret = copy_file(from, file, why);
	if (ret == 0)
		ret = store_open(
		    &restoring->store, part, 0, restore_map(file), 0, why);
	if (ret != 0)
		return ret;
	ret = restore_store(restoring, why);
	store_close(&restoring->store);
	return ret == 0 ? sync_store(part, why) : ret;
}

/* All is done in a directory within, and moved when it is whole: a restore that
 * was interrupted leaves no store that could be opened. */
int
spool_restore(
    const char *backup, const char *dir, int64_t now_ms, struct why *why)
{
	char from[PATH_SIZE];
	char to[PATH_SIZE];
	char part[PATH_SIZE];
	char done[PATH_SIZE];
	char lock[PATH_SIZE];
	struct restoring restoring = {.now_ms = now_ms};
	int ret = path_join(from, backup, "data.mdb", why);
	if (ret == 0)
		ret = path_join(to, dir, "data.mdb", why);
	if (ret == 0)
		ret = path_join(part, dir, "restoring", why);
	if (ret == 0)
		ret = path_join(done, part, "data.mdb", why);
	if (ret == 0)
		ret = path_join(lock, part, "lock.mdb", why);
	if (ret == 0)
		ret = dir_fresh(dir, why);
	if (ret != 0)
		return ret;
	if (mkdir(part, 0750) != 0)
		return why_errno(why, "make a directory within");
	buf_init(&restoring.scratch, RECORD_MAX);
	ret = restore_within(&restoring, from, part, why);
	if (ret == 0 && rename(done, to) != 0)
		ret = why_errno(why, "put the store in its place");
	(void)unlink(done); /* there only after a failure */
	(void)unlink(lock);
	(void)rmdir(part);
	if (ret == 0)
		ret = sync_store(dir, why);
	buf_clear(&restoring.scratch);
	return ret;
}
