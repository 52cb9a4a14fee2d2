/*
 * store - see store.h.
 */
#include "spool/store.h"

#include <errno.h>
#include <string.h>

#define READERS_MAX 126

const char *const db_names[DB_COUNT] = {
#define X(name, text) text,
    DBS(X)
#undef X
};

/* Not an error of LMDB's: a record of ours does not decode. */
#define RC_DAMAGED (-1)
#define RC_NOMEM ENOMEM

int
why_from_mdb(struct why *why, int rc, const char *what)
{
	switch (rc) {
	case 0:
		return 0;
	case MDB_MAP_FULL:
		return why_set(
		    why, WHY_FULL, "%s: the store is full (map_bytes)", what);
	case ENOSPC:
	case EIO: /* how a short write for want of room looks, too */
	case EDQUOT:
		return why_set(why, WHY_FULL,
		    "%s: the file system is full, or the disk refused", what);
	case ENOMEM:
		return why_set(why, WHY_NOMEM, "%s: no memory", what);
	case MDB_NOTFOUND:
		return why_set(why, WHY_NOT_FOUND, "%s: not there", what);
	case MDB_PANIC:
		return why_set(why, WHY_DOUBT,
		    "%s: an earlier write to the disk failed", what);
	case MDB_READERS_FULL:
		return why_set(why, WHY_BUSY, "%s: too many readers", what);
	case MDB_VERSION_MISMATCH:
	case MDB_INVALID:
		return why_set(
		    why, WHY_UNSUPPORTED, "%s: not a store of ours", what);
	case RC_DAMAGED:
		return why_set(why, WHY_MALFORMED,
		    "%s: a record is not what it should be; run \"budstikke "
		    "spool check\"",
		    what);
	default:
		return why_set(
		    why, WHY_SYSTEM, "%s: %s", what, mdb_strerror(rc));
	}
}

struct key
key_state(void)
{
	return (struct key){.at = "state", .size = 5};
}

/* ---- open ---- */

static int
store_dbs(struct store *store, bool create, struct why *why)
{
	MDB_txn *txn = NULL;
	int rc = mdb_txn_begin(store->env, NULL, create ? 0 : MDB_RDONLY, &txn);
	for (size_t i = 0; rc == 0 && i < DB_COUNT; i++)
		rc = mdb_dbi_open(
		    txn, db_names[i], create ? MDB_CREATE : 0, &store->dbi[i]);
	if (rc == 0)
		rc = mdb_txn_commit(txn);
	else if (txn != NULL)
		mdb_txn_abort(txn);
	return why_from_mdb(why, rc, "open the databases");
}

int
store_version(const struct store *store, int *version, struct why *why)
{
	struct txn txn;
	struct span value = SPAN_NONE;
	int ret = txn_begin(&txn, store, false, why);
	if (ret != 0)
		return ret;
	bool there = txn_get(&txn, DB_META, key_state(), &value);
	*version = record_version(value);
	ret = txn_why(&txn, why);
	txn_abort(&txn);
	if (ret == 0 && !there)
		return why_set(
		    why, WHY_NOT_FOUND, "there is no store in the directory");
	return ret;
}

static int
store_format(const struct store *store, struct why *why)
{
	int version;
	int ret = store_version(store, &version, why);
	if (ret != 0)
		return ret;
	if (version < SPOOL_FORMAT)
		return why_set(why, WHY_UNSUPPORTED,
		    "the store has format %d, this program writes %d: run "
		    "\"budstikke spool upgrade\"",
		    version, SPOOL_FORMAT);
	if (version > SPOOL_FORMAT)
		return why_set(why, WHY_UNSUPPORTED,
		    "the store has format %d, this program knows up to %d",
		    version, SPOOL_FORMAT);
	return 0;
}

static int
store_create(struct store *store, int64_t now_ms, struct why *why)
{
	struct txn txn;
	struct buf scratch;
	int ret = txn_begin(&txn, store, true, why);
	if (ret != 0)
		return ret;
	buf_init(&scratch, 1024);
	txn.scratch = &scratch;
	if (!txn_has(&txn, DB_META, key_state())) {
		struct meta_record meta = {
		    .position = {1, 0}, .created_ms = now_ms};
		txn_put_meta(&txn, DB_META, key_state(), &meta);
	}
	ret = txn_why(&txn, why);
	if (ret != 0)
		txn_abort(&txn);
	else
		ret = why_from_mdb(
		    why, mdb_txn_commit(txn.mdb), "create the store");
	buf_clear(&scratch);
	return ret;
}

int
store_open_any(struct store *store, const char *dir, unsigned flags,
    uint64_t map_bytes, bool create, struct why *why)
{
	store->env = NULL;
	int rc = mdb_env_create(&store->env);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(store->env, DB_COUNT);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(store->env, READERS_MAX);
	if (rc == 0 && map_bytes != 0)
		rc = mdb_env_set_mapsize(store->env, (size_t)map_bytes);
	/* NOTLS: a reader belongs to a view, not to a thread */
	if (rc == 0)
		rc = mdb_env_open(store->env, dir, flags | MDB_NOTLS, 0640);
	int ret = rc == ENOENT ? why_set(why, WHY_NOT_FOUND,
				     "there is no store in the directory")
			       : why_from_mdb(why, rc, "open the store");
	if (ret == 0)
		ret = store_dbs(store, false, why);
	if (ret == WHY_NOT_FOUND && rc == 0 && create)
		ret = store_dbs(store, true, why);
	if (ret != 0)
		store_close(store);
	return ret;
}

int
store_open(struct store *store, const char *dir, unsigned flags,
    uint64_t map_bytes, int64_t create_ms, struct why *why)
{
	bool create = create_ms != 0;
	int ret = store_open_any(store, dir, flags, map_bytes, create, why);
	if (ret != 0)
		return ret;
	ret = store_format(store, why);
	if (ret == WHY_NOT_FOUND && create)
		ret = store_create(store, create_ms, why);
	if (ret != 0)
		store_close(store);
	return ret;
}

void
store_close(struct store *store)
{
	if (store->env != NULL)
		mdb_env_close(store->env);
	store->env = NULL;
}

/* ---- transactions ---- */

int
txn_begin(
    struct txn *txn, const struct store *store, bool writing, struct why *why)
{
	*txn = (struct txn){.store = store};
	int rc = mdb_txn_begin(
	    store->env, NULL, writing ? 0 : MDB_RDONLY, &txn->mdb);
	if (rc == MDB_MAP_RESIZED) {
		/* another process made the map larger: follow it */
		rc = mdb_env_set_mapsize(store->env, 0);
		if (rc == 0)
			rc = mdb_txn_begin(store->env, NULL,
			    writing ? 0 : MDB_RDONLY, &txn->mdb);
	}
	return why_from_mdb(why, rc, "begin a transaction");
}

void
txn_abort(struct txn *txn)
{
	if (txn->mdb != NULL)
		mdb_txn_abort(txn->mdb);
	txn->mdb = NULL;
}

int
txn_why(const struct txn *txn, struct why *why)
{
	return why_from_mdb(
	    why, txn->rc, txn->where == NULL ? "the store" : txn->where);
}

static void
txn_fail(struct txn *txn, enum db db, int rc)
{
	if (txn->rc != 0)
		return;
	txn->rc = rc;
	txn->where = db_names[db];
}

void
txn_damaged(struct txn *txn, enum db db)
{
	txn_fail(txn, db, RC_DAMAGED);
}

static MDB_val
val_of(const void *at, size_t size)
{
	union {
		const void *lent;
		void *given;
	} pointer = {.lent = at}; /* LMDB reads only, but is not const */
	return (MDB_val){.mv_size = size, .mv_data = pointer.given};
}

bool
txn_get(struct txn *txn, enum db db, struct key key, struct span *value)
{
	*value = SPAN_NONE;
	if (txn->rc != 0)
		return false;
	MDB_val k = val_of(key.at, key.size);
	MDB_val v;
	int rc = mdb_get(txn->mdb, txn->store->dbi[db], &k, &v);
	if (rc == MDB_NOTFOUND)
		return false;
	if (rc != 0) {
		txn_fail(txn, db, rc);
		return false;
	}
	*value = span_of(v.mv_data, v.mv_size);
	return true;
}

bool
txn_has(struct txn *txn, enum db db, struct key key)
{
	struct span value;
	return txn_get(txn, db, key, &value);
}

void
txn_put(struct txn *txn, enum db db, struct key key, struct span value)
{
	if (txn->rc != 0)
		return;
	MDB_val k = val_of(key.at, key.size);
	MDB_val v = val_of(value.at, value.size);
	txn->changed = true;
	int rc = mdb_put(txn->mdb, txn->store->dbi[db], &k, &v, 0);
	if (rc != 0)
		txn_fail(txn, db, rc);
}

uint8_t *
txn_room(struct txn *txn, enum db db, struct key key, size_t size)
{
	if (txn->rc != 0)
		return NULL;
	MDB_val k = val_of(key.at, key.size);
	MDB_val v = {.mv_size = size};
	txn->changed = true;
	int rc = mdb_put(txn->mdb, txn->store->dbi[db], &k, &v, MDB_RESERVE);
	if (rc != 0) {
		txn_fail(txn, db, rc);
		return NULL;
	}
	return v.mv_data;
}

bool
txn_del(struct txn *txn, enum db db, struct key key)
{
	if (txn->rc != 0)
		return false;
	MDB_val k = val_of(key.at, key.size);
	int rc = mdb_del(txn->mdb, txn->store->dbi[db], &k, NULL);
	if (rc != 0 && rc != MDB_NOTFOUND)
		txn_fail(txn, db, rc);
	if (rc == 0)
		txn->changed = true;
	return rc == 0;
}

#define X(name, version)                                                       \
	bool txn_get_##name(struct txn *txn, enum db db, struct key key,       \
	    struct name##_record *out)                                         \
	{                                                                      \
		struct span value;                                             \
		if (!txn_get(txn, db, key, &value))                            \
			return false;                                          \
		if (record_read_##name(value, out))                            \
			return true;                                           \
		txn_damaged(txn, db);                                          \
		return false;                                                  \
	}                                                                      \
	void txn_put_##name(struct txn *txn, enum db db, struct key key,       \
	    const struct name##_record *in)                                    \
	{                                                                      \
		if (txn->rc != 0)                                              \
			return;                                                \
		buf_reset(txn->scratch);                                       \
		record_build_##name(txn->scratch, in);                         \
		if (!buf_ok(txn->scratch))                                     \
			txn_fail(txn, db, RC_NOMEM);                           \
		txn_put(txn, db, key, buf_span(txn->scratch));                 \
	}
RECORDS(X)
#undef X

/* ---- scans ---- */

struct scan
scan_open(struct txn *txn, enum db db, struct key prefix, struct key from)
{
	struct scan scan = {
	    .txn = txn, .db = db, .prefix = prefix, .from = from};
	if (from.size == 0)
		scan.from = prefix;
	if (txn->rc != 0)
		return scan;
	int rc = mdb_cursor_open(txn->mdb, txn->store->dbi[db], &scan.cursor);
	if (rc != 0) {
		scan.cursor = NULL;
		txn_fail(txn, db, rc);
	}
	return scan;
}

bool
scan_next(struct scan *scan, struct span *key, struct span *value)
{
	if (scan->cursor == NULL || scan->txn->rc != 0)
		return false;
	MDB_val k = val_of(scan->from.at, scan->from.size);
	MDB_val v;
	MDB_cursor_op op = MDB_NEXT;
	if (!scan->started)
		op = scan->from.size == 0 ? MDB_FIRST : MDB_SET_RANGE;
	scan->started = true;
	int rc = mdb_cursor_get(scan->cursor, &k, &v, op);
	if (rc != 0) {
		if (rc != MDB_NOTFOUND)
			txn_fail(scan->txn, scan->db, rc);
		return false;
	}
	if (k.mv_size < scan->prefix.size ||
	    memcmp(k.mv_data, scan->prefix.at, scan->prefix.size) != 0)
		return false;
	*key = span_of(k.mv_data, k.mv_size);
	if (value != NULL)
		*value = span_of(v.mv_data, v.mv_size);
	return true;
}

void
scan_del(struct scan *scan)
{
	int rc = mdb_cursor_del(scan->cursor, 0);
	scan->txn->changed = true;
	if (rc != 0)
		txn_fail(scan->txn, scan->db, rc);
}

void
scan_close(struct scan *scan)
{
	if (scan->cursor != NULL)
		mdb_cursor_close(scan->cursor);
	scan->cursor = NULL;
}

bool
txn_first(struct txn *txn, enum db db, struct key prefix, struct key *first)
{
	struct span key;
	struct scan scan = scan_open(txn, db, prefix, KEY_NONE);
	bool found = scan_next(&scan, &key, NULL);
	if (found && key.size > KEY_MAX) {
		txn_damaged(txn, db);
		found = false;
	}
	if (found) {
		memcpy(first->at, key.at, key.size);
		first->size = key.size;
	}
	scan_close(&scan);
	return found;
}

uint64_t
txn_count(struct txn *txn, enum db db)
{
	MDB_stat stat;
	if (txn->rc != 0 || mdb_stat(txn->mdb, txn->store->dbi[db], &stat) != 0)
		return 0;
	return stat.ms_entries;
}

/* LMDB shows its free list to readers as database 0: each value begins with
 * the number of pages that it lists. */
uint64_t
txn_recycled(struct txn *txn)
{
	MDB_cursor *cursor = NULL;
	MDB_stat stat = {0}; /* a transaction that failed before has none */
	MDB_val key;
	MDB_val value;
	uint64_t pages = 0;
	int rc = txn->rc;
	if (rc == 0)
		rc = mdb_env_stat(txn->store->env, &stat);
	if (rc == 0)
		rc = mdb_cursor_open(txn->mdb, 0, &cursor);
	while (rc == 0) {
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
		size_t count = 0;
		if (rc == 0 && value.mv_size >= sizeof count)
			memcpy(&count, value.mv_data, sizeof count);
		pages += count;
	}
	if (cursor != NULL)
		mdb_cursor_close(cursor);
	if (rc != MDB_NOTFOUND) {
		txn_fail(txn, DB_META, rc);
		return 0;
	}
	return pages * stat.ms_psize;
}
