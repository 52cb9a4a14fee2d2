/*
 * room - how much is left in the map and the file system, and the reserve.
 *
 * The reserve is allocated behind the end of the store's file, so that nobody
 * else on the file system can take it. New content is refused while less than
 * the reserve and an eighth is left, so that a group that comes close to it
 * still ends above.
 *
 * A commit into bytes that were written before changes nothing about the file
 * but its data; one behind the end changes its size and extents, which are
 * flushed as well. So while the store grows in small steps, zeros are written
 * some way ahead.
 */
#include "spool/spool_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Count the free list anew after so many groups; counting walks over it. */
#define RECOUNT_GROUPS 8

/* Write so much ahead when less than a quarter of it is left, while a group
 * takes no more than a few small messages' worth: for a large one it would be
 * bytes written twice, and a flush of the file's size counts for little. */
#define AHEAD_BYTES (1u << 20)
#define AHEAD_GROWN (64u << 10)

struct room {
	uint64_t used; /* to the end of the last page used */
	uint64_t map;  /* behind it, to the end of the map */
	uint64_t file; /* behind it, allocated in the file */
	uint64_t disk; /* free in the file system */
	uint64_t end;  /* of the file */
};

static int
room_look(struct spool *spool, struct room *room, struct why *why)
{
	MDB_envinfo info;
	MDB_stat stat;
	int fd = -1;
	struct stat file;
	struct statvfs disk;
	int rc = mdb_env_info(spool->store.env, &info);
	if (rc == 0)
		rc = mdb_env_stat(spool->store.env, &stat);
	if (rc == 0)
		rc = mdb_env_get_fd(spool->store.env, &fd);
	if (rc != 0)
		return why_from_mdb(why, rc, "look at the store's size");
	if (fstat(fd, &file) != 0 || fstatvfs(fd, &disk) != 0)
		return why_errno(why, "look at the store's file");
	uint64_t used = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
	uint64_t blocks = (uint64_t)file.st_blocks * 512;
	room->used = used;
	room->map = info.me_mapsize > used ? info.me_mapsize - used : 0;
	room->file = blocks > used ? blocks - used : 0;
	room->end = (uint64_t)file.st_size;
	room->disk = (uint64_t)disk.f_bavail * disk.f_frsize;
	return 0;
}

static int
room_recycled(struct spool *spool, uint64_t *bytes, struct why *why)
{
	struct txn txn;
	int ret = txn_begin(&txn, &spool->store, false, why);
	if (ret != 0)
		return ret;
	*bytes = txn_recycled(&txn);
	ret = txn_why(&txn, why);
	txn_abort(&txn);
	return ret;
}

/* In vain when the disk is full: then commits do what they can. */
static void
room_ahead(struct spool *spool, const struct room *room)
{
	static uint8_t zeros[AHEAD_BYTES / 4];
	uint64_t grown = room->used - spool->used_before;
	int fd = -1;
	bool small = room->used > spool->used_before && grown < AHEAD_GROWN;
	spool->used_before = room->used;
	if (!small || room->end > room->used + AHEAD_BYTES / 4 ||
	    mdb_env_get_fd(spool->store.env, &fd) != 0)
		return;
	uint64_t at = room->end > room->used ? room->end : room->used;
	for (size_t i = 0; i < 4; i++, at += sizeof zeros)
		if (pwrite(fd, zeros, sizeof zeros, (off_t)at) !=
		    (ssize_t)sizeof zeros)
			break;
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

int
room_measure(struct spool *spool, uint64_t *room, struct why *why)
{
	struct room now = {0};
	*room = 0;
	int ret = room_look(spool, &now, why);
	if (ret != 0)
		return ret;
	if (now.end >
	    spool->refilled_at + spool->options.limits.reserve_bytes / 4) {
		spool_reserve_refill(spool);
		ret = room_look(spool, &now, why);
		if (ret != 0)
			return ret;
	}
	uint64_t reserve = spool->options.limits.reserve_bytes;
	uint64_t keep = reserve + reserve / 8;
	uint64_t fresh = least(now.map, now.file + now.disk);
	/* the free list matters only when the rest is nearly used */
	if (fresh >= 2 * keep + spool->options.limits.group_bytes) {
		room_ahead(spool, &now);
		*room = fresh - keep;
		spool->recycled_age = RECOUNT_GROUPS;
		return 0;
	}
	if (spool->recycled_age++ >= RECOUNT_GROUPS ||
	    fresh + spool->recycled < 2 * keep) {
		ret = room_recycled(spool, &spool->recycled, why);
		if (ret != 0)
			return ret;
		spool->recycled_age = 0;
	}
	uint64_t all = fresh + spool->recycled;
	*room = all > keep ? all - keep : 0;
	return 0;
}

void
spool_reserve_refill(struct spool *spool)
{
	int fd = -1;
	struct stat file;
	if (mdb_env_get_fd(spool->store.env, &fd) != 0 || fstat(fd, &file) != 0)
		return;
	/* In vain on a full file system, and where it is not supported: then
	 * room_measure() sees less behind the end and refuses new content
	 * sooner; spool_view_stats() tells. */
	(void)fallocate(fd, FALLOC_FL_KEEP_SIZE, file.st_size,
	    (off_t)spool->options.limits.reserve_bytes);
	spool->refilled_at = (uint64_t)file.st_size;
}

bool
spool_is_full(struct spool *spool)
{
	uint64_t room;
	return room_measure(spool, &room, NULL) != 0 ||
	       room < spool->options.limits.reserve_bytes / 8;
}
