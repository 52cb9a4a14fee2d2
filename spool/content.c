/*
 * content - sealed bytes in chunks: staged, accepted, erased.
 */
#include "spool/spool_priv.h"

#include <string.h>

/* What a small put costs besides its bytes: pages that it touches. */
#define STAGE_OVERHEAD 8192u

static uint64_t
chunk_count(uint64_t size)
{
	return (size + SPOOL_CHUNK_SIZE - 1) / SPOOL_CHUNK_SIZE;
}

/* The last chunk is not full: write it anew with more behind. Returns how many
 * of the bytes went there. */
static size_t
content_fill(
    struct spool_group *group, struct key key, size_t have, struct span bytes)
{
	uint8_t old[SPOOL_CHUNK_SIZE];
	struct span value;
	size_t more = SPOOL_CHUNK_SIZE - have;
	if (more > bytes.size)
		more = bytes.size;
	if (!txn_get(&group->txn, DB_CONTENT, key, &value) ||
	    value.size != have) {
		txn_damaged(&group->txn, DB_CONTENT);
		return bytes.size;
	}
	memcpy(old, value.at, have);
	uint8_t *room = txn_room(&group->txn, DB_CONTENT, key, have + more);
	if (room != NULL) {
		memcpy(room, old, have);
		memcpy(room + have, bytes.at, more);
	}
	return more;
}

void
content_add(struct spool_group *group, const char *recipient,
    const struct id *upload, uint32_t content, uint64_t size, struct span bytes)
{
	while (bytes.size > 0 && group->txn.rc == 0) {
		uint32_t chunk = (uint32_t)(size / SPOOL_CHUNK_SIZE);
		size_t have = (size_t)(size % SPOOL_CHUNK_SIZE);
		struct key key = key_content(recipient, upload, content, chunk);
		size_t more = bytes.size < SPOOL_CHUNK_SIZE ? bytes.size
							    : SPOOL_CHUNK_SIZE;
		if (have > 0) {
			more = content_fill(group, key, have, bytes);
		} else {
			uint8_t *room =
			    txn_room(&group->txn, DB_CONTENT, key, more);
			if (room != NULL)
				memcpy(room, bytes.at, more);
		}
		size += more;
		bytes.at += more;
		bytes.size -= more;
	}
}

bool
content_erase(struct spool_group *group, const char *recipient,
    const struct id *upload, uint32_t content, size_t max)
{
	struct span key;
	bool more = true;
	struct scan scan = scan_open(&group->txn, DB_CONTENT,
	    key_content(recipient, upload, content, UINT32_MAX), KEY_NONE);
	while (max > 0 && (more = scan_next(&scan, &key, NULL))) {
		scan_del(&scan);
		max--;
	}
	scan_close(&scan);
	return !more && group->txn.rc == 0;
}

/* ---- staging ---- */

static int64_t
sweep_time(const struct spool_group *group)
{
	return group->now_ms +
	       (int64_t)group->spool->options.limits.staged_hours *
		   CLOCK_HOUR_MS;
}

int
spool_stage(struct spool_group *group, const struct id *upload,
    uint32_t content, const char *recipient, uint64_t offset, struct span bytes,
    uint64_t *staged, struct why *why)
{
	*staged = 0;
	int ret = org_check(recipient, why);
	if (ret != 0)
		return ret;
	if (bytes.size == 0 || offset > INT64_MAX ||
	    chunk_count(offset + bytes.size) >= UINT32_MAX)
		return why_set(
		    why, WHY_INVALID, "nothing to stage, or far too much");
	struct key key = key_content(recipient, upload, content, UINT32_MAX);
	struct staged_record record = {.size = 0};
	bool known = txn_get_staged(&group->txn, DB_STAGED, key, &record);
	*staged = record.size;
	if (group->txn.rc != 0)
		return group_why(group, why);
	if (offset > record.size)
		return why_set(why, WHY_STATE,
		    "%llu bytes are staged, so none can be added at %llu",
		    (unsigned long long)record.size,
		    (unsigned long long)offset);
	if (offset + bytes.size <= record.size)
		return 0; /* sent again: it is there */
	bytes.at += record.size - offset;
	bytes.size -= (size_t)(record.size - offset);
	ret = group_take_room(group, bytes.size + STAGE_OVERHEAD, why);
	if (ret != 0)
		return ret;
	if (known)
		due_del(group, record.sweep_ms, DUE_SWEEP, content, upload,
		    recipient);
	content_add(group, recipient, upload, content, record.size, bytes);
	record.size += bytes.size;
	record.touched_ms = group->now_ms;
	record.sweep_ms = sweep_time(group);
	WORD_COPY(record.recipient, recipient);
	txn_put_staged(&group->txn, DB_STAGED, key, &record);
	due_put(group, record.sweep_ms, DUE_SWEEP, content, upload, recipient,
	    SPAN_NONE);
	crash_point("spool.stage");
	*staged = record.size;
	return group_why(group, why);
}

/* Erase at most max chunks of staged content, from its end, so that what is
 * left is still staged content; the record goes with the last. True when all
 * is gone. */
static bool
stage_erase(struct spool_group *group, const struct id *upload,
    uint32_t content, const char *recipient, struct staged_record *record,
    uint64_t max)
{
	struct key key = key_content(recipient, upload, content, UINT32_MAX);
	uint64_t count = chunk_count(record->size);
	for (; count > 0 && max > 0; count--, max--)
		if (!txn_del(&group->txn, DB_CONTENT,
			key_content(
			    recipient, upload, content, (uint32_t)(count - 1))))
			txn_damaged(&group->txn, DB_CONTENT);
	if (count > 0) {
		record->size = count * SPOOL_CHUNK_SIZE;
		txn_put_staged(&group->txn, DB_STAGED, key, record);
		return false;
	}
	(void)txn_del(&group->txn, DB_STAGED, key);
	due_del(group, record->sweep_ms, DUE_SWEEP, content, upload, recipient);
	return true;
}

/* As much as one step may; the sweep does the rest, now. */
static void
stage_erase_step(struct spool_group *group, const struct id *upload,
    uint32_t content, const char *recipient, struct staged_record *record)
{
	if (stage_erase(group, upload, content, recipient, record,
		group->spool->options.purge_chunks))
		return;
	due_del(group, record->sweep_ms, DUE_SWEEP, content, upload, recipient);
	record->sweep_ms = group->now_ms;
	txn_put_staged(&group->txn, DB_STAGED,
	    key_content(recipient, upload, content, UINT32_MAX), record);
	due_put(group, record->sweep_ms, DUE_SWEEP, content, upload, recipient,
	    SPAN_NONE);
}

int
spool_stage_drop(struct spool_group *group, const struct id *upload,
    uint32_t content, const char *recipient, struct why *why)
{
	int ret = org_check(recipient, why);
	if (ret != 0)
		return ret;
	struct staged_record record;
	if (txn_get_staged(&group->txn, DB_STAGED,
		key_content(recipient, upload, content, UINT32_MAX), &record))
		stage_erase_step(group, upload, content, recipient, &record);
	crash_point("spool.stage.drop");
	return group_why(group, why);
}

int
due_sweep(struct spool_group *group, const struct due *due)
{
	struct staged_record record;
	bool whole = true;
	if (txn_get_staged(&group->txn, DB_STAGED,
		key_content(due->owner, &due->id, due->number, UINT32_MAX),
		&record))
		whole = stage_erase(group, &due->id, due->number, due->owner,
		    &record, group->spool->options.purge_chunks);
	crash_point("spool.sweep");
	if (group->txn.rc != 0)
		return group->txn.rc;
	return whole ? 0 : DUE_MORE;
}
