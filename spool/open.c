/*
 * open - the one writer: lock file, store, reserve, readers.
 */
#include "spool/spool_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PURGE_CHUNKS 2048    /* 128 MiB */
#define RECORD_MAX (4 * MIB) /* certificate and message records: far less */

void
spool_options_init(struct spool_options *options)
{
	*options = (struct spool_options){
	    .hand_out_ms = 10 * CLOCK_MINUTE_MS,
	    .recheck_ms = 10 * CLOCK_MINUTE_MS,
	    .purge_chunks = PURGE_CHUNKS,
	};
	limits_init(&options->limits);
}

int
org_check(const char *org, struct why *why)
{
	if (org == NULL || org[0] == '\0' || strlen(org) >= SPOOL_ORG_SIZE)
		return why_set(why, WHY_INVALID,
		    "an organisation of 1 to %d characters is needed",
		    SPOOL_ORG_SIZE - 1);
	return 0;
}

/* Hold dir/writer.lock, so that there is one writer, whatever it wants. */
int
lock_take(const char *dir, int *out, struct why *why)
{
	char path[4096];
	int length = snprintf(path, sizeof path, "%s/writer.lock", dir);
	if (length < 0 || (size_t)length >= sizeof path)
		return why_set(
		    why, WHY_INVALID, "the spool's path is too long");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0 && errno == ENOENT)
		return why_set(
		    why, WHY_NOT_FOUND, "there is no spool directory");
	if (fd < 0)
		return why_errno(why, "open the spool's lock file");
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		int ret = errno == EWOULDBLOCK
			      ? why_set(why, WHY_BUSY,
				    "another process writes this spool")
			      : why_errno(why, "lock the spool");
		close(fd);
		return ret;
	}
	*out = fd;
	return 0;
}

/* The names of new files are durable only when their directory is. */
static int
sync_dir(const char *dir, struct why *why)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return why_errno(why, "open the spool directory");
	int ret = fsync(fd) == 0 ? 0 : why_errno(why, "flush its names");
	close(fd);
	return ret;
}

/*
 * Put in order what a writer that was killed has left in LMDB's lock file:
 * slots of readers of its own, which would keep pages for ever; and, when it
 * died right behind the write that makes its commit true, the number of the
 * state before, which readers would get until the next commit. Whoever begins
 * to write finds the mutex without its owner, and LMDB then looks at the file.
 */
static int
spool_mend(struct spool *spool, struct why *why)
{
	struct txn txn;
	int dead = 0;
	(void)mdb_reader_check(spool->store.env, &dead);
	int ret = txn_begin(&txn, &spool->store, true, why);
	if (ret == 0)
		txn_abort(&txn);
	return ret;
}

int
spool_open(const char *dir, const struct spool_options *options,
    struct spool **out, struct why *why)
{
	*out = NULL;
	if (options->sha256 == NULL)
		return why_set(why, WHY_BUG, "the spool needs a SHA-256");
	struct spool *spool = calloc(1, sizeof *spool);
	if (spool == NULL)
		return why_set(why, WHY_NOMEM, "no memory for the spool");
	spool->options = *options;
	if (spool->options.hand_out_ms <= 0)
		spool->options.hand_out_ms = 10 * CLOCK_MINUTE_MS;
	if (spool->options.recheck_ms <= 0)
		spool->options.recheck_ms = 10 * CLOCK_MINUTE_MS;
	if (spool->options.purge_chunks == 0)
		spool->options.purge_chunks = PURGE_CHUNKS;
	spool->lock_fd = -1;
	buf_init(&spool->scratch, RECORD_MAX);
	int ret = lock_take(dir, &spool->lock_fd, why);
	if (ret == 0)
		ret =
		    store_open(&spool->store, dir, 0, options->limits.map_bytes,
			options->create ? clock_wall_ms() : 0, why);
	if (ret == 0)
		ret = spool_mend(spool, why);
	if (ret != 0) {
		spool_close(spool);
		return ret;
	}
	if (options->create && sync_dir(dir, why) != 0) {
		spool_close(spool);
		return WHY_SYSTEM;
	}
	spool_reserve_refill(spool);
	*out = spool;
	return 0;
}

void
spool_close(struct spool *spool)
{
	if (spool == NULL)
		return;
	store_close(&spool->store);
	buf_clear(&spool->scratch);
	if (spool->lock_fd >= 0)
		close(spool->lock_fd); /* after the store: it lets others in */
	free(spool);
}

bool
spool_is_dead(const struct spool *spool)
{
	return spool->dead;
}

/* ---- readers ---- */

struct reader_scan {
	struct spool *spool;
	struct reader_seen now[READERS_SEEN];
	size_t count;
	int64_t mono_ms;
	uintmax_t last; /* the newest commit */
};

static int
reader_line(const char *line, void *arg)
{
	struct reader_scan *scan = arg;
	struct reader_seen seen = {.since_ms = scan->mono_ms};
	/* "pid thread txnid"; txnid is "-" while it holds nothing. The heading
	 * does not scan either. */
	if (sscanf(line, "%d %jx %ju", &seen.pid, &seen.thread, &seen.txnid) !=
	    3)
		return 0;
	if (seen.txnid >= scan->last || scan->count == READERS_SEEN)
		return 0;
	struct spool *spool = scan->spool;
	for (size_t i = 0; i < spool->seen_count; i++)
		if (spool->seen[i].pid == seen.pid &&
		    spool->seen[i].thread == seen.thread &&
		    spool->seen[i].txnid == seen.txnid)
			seen.since_ms = spool->seen[i].since_ms;
	scan->now[scan->count++] = seen;
	return 0;
}

/* A reader that held an older state when it was first seen so, and still holds
 * that same state, has held it all the time between: a new transaction would
 * have taken a newer one. */
int
spool_readers(struct spool *spool, int64_t mono_ms,
    struct spool_reader *readers, size_t max, size_t *count, struct why *why)
{
	*count = 0;
	int dead = 0;
	MDB_envinfo info;
	int rc = mdb_reader_check(spool->store.env, &dead);
	if (rc == 0)
		rc = mdb_env_info(spool->store.env, &info);
	if (rc != 0)
		return why_from_mdb(why, rc, "look at the readers");
	struct reader_scan scan = {
	    .spool = spool, .mono_ms = mono_ms, .last = info.me_last_txnid};
	rc = mdb_reader_list(spool->store.env, reader_line, &scan);
	if (rc < 0)
		return why_set(why, WHY_SYSTEM, "list the readers");
	memcpy(spool->seen, scan.now, sizeof scan.now);
	spool->seen_count = scan.count;
	for (size_t i = 0; i < scan.count && *count < max; i++)
		readers[(*count)++] =
		    (struct spool_reader){.pid = scan.now[i].pid,
			.age_ms = mono_ms - scan.now[i].since_ms};
	return 0;
}
