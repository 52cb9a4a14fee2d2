/*
 * store - the thin layer over LMDB; private to spool/.
 *
 * A txn carries its error: after the first failure every call does nothing and
 * finds nothing, and txn_why() is asked once at the end.
 */
#pragma once

#include "spool/record.h"

#include <lmdb.h>

/* X(name in code): the named databases */
#define DBS(X)                                                                 \
	X(META, "meta")                                                        \
	X(MESSAGE, "message")                                                  \
	X(METADATA, "metadata")                                                \
	X(DELIVERY, "delivery")                                                \
	X(MAILBOX, "mailbox")                                                  \
	X(CONTENT, "content")                                                  \
	X(STAGED, "staged")                                                    \
	X(KNOWN, "idempotency")                                                \
	X(DUE, "deadline")                                                     \
	X(EVIDENCE, "evidence")                                                \
	X(TRAIL, "trail")                                                      \
	X(FEED, "feed")                                                        \
	X(PARTY, "party")                                                      \
	X(SENDER, "sender")                                                    \
	X(CERTIFICATE, "certificate")                                          \
	X(ALARM, "alarm")                                                      \
	X(MEMBER, "member")                                                    \
	X(OLDEST, "oldest")                                                    \
	X(OUTBOX, "outbox")

enum db {
#define X(name, text) DB_##name,
	DBS(X)
#undef X
	    DB_COUNT
};

extern const char *const db_names[DB_COUNT];

struct store {
	MDB_env *env;
	MDB_dbi dbi[DB_COUNT];
};

/* Open dir's store. flags as mdb_env_open(); map_bytes 0: as the store says.
 * create makes the databases and the first meta record. */
int store_open(struct store *store, const char *dir, unsigned flags,
    uint64_t map_bytes, int64_t create_ms, struct why *why);
/* The same without looking at the format. */
int store_open_any(struct store *store, const char *dir, unsigned flags,
    uint64_t map_bytes, bool create, struct why *why);
/* The format that the store states; -1 for none. */
int store_version(const struct store *store, int *version, struct why *why);
void store_close(struct store *store);

/* Our error for LMDB's; what is what was being done. */
int why_from_mdb(struct why *why, int rc, const char *what);

struct txn {
	const struct store *store;
	MDB_txn *mdb;
	int rc;              /* the first failure; 0 while well */
	bool changed;        /* something was written */
	const char *where;   /* the database it was in */
	struct buf *scratch; /* for building records; NULL when reading */
};

int txn_begin(
    struct txn *txn, const struct store *store, bool writing, struct why *why);
void txn_abort(struct txn *txn);
int txn_why(const struct txn *txn, struct why *why); /* 0 while well */
/* A record of ours that does not decode. */
void txn_damaged(struct txn *txn, enum db db);

/* The value; false when there is none, or after a failure. Lent until the
 * transaction ends or writes. */
bool txn_get(struct txn *txn, enum db db, struct key key, struct span *value);
bool txn_has(struct txn *txn, enum db db, struct key key);
void txn_put(struct txn *txn, enum db db, struct key key, struct span value);
/* The key's value, size bytes, to be filled at once; NULL after a failure. */
uint8_t *txn_room(struct txn *txn, enum db db, struct key key, size_t size);
bool txn_del(struct txn *txn, enum db db, struct key key); /* was it there */

/* Typed: txn_get_NAME() and txn_put_NAME(). */
#define X(name, version)                                                       \
	bool txn_get_##name(struct txn *txn, enum db db, struct key key,       \
	    struct name##_record *out);                                        \
	void txn_put_##name(struct txn *txn, enum db db, struct key key,       \
	    const struct name##_record *in);
RECORDS(X)
#undef X

/*
 * Walk over the keys that begin with prefix, from the key from on (from has
 * size 0: from the first). No writing
 * to the same database while a scan is open, but scan_del().
 *
 *   struct scan scan = scan_open(txn, DB_X, prefix, from);
 *   while (scan_next(&scan, &key, &value)) ...
 *   scan_close(&scan);
 */
struct scan {
	struct txn *txn;
	enum db db;
	MDB_cursor *cursor;
	struct key prefix;
	struct key from;
	bool started;
};

struct scan scan_open(
    struct txn *txn, enum db db, struct key prefix, struct key from);
bool scan_next(struct scan *scan, struct span *key, struct span *value);
void scan_del(struct scan *scan); /* the entry just seen */
void scan_close(struct scan *scan);

/* The first key at or after from that begins with prefix, copied. */
bool txn_first(
    struct txn *txn, enum db db, struct key prefix, struct key *first);
/* Entries of a whole database. */
uint64_t txn_count(struct txn *txn, enum db db);

/* Bytes in pages that commits have freed; only in a reading transaction. */
uint64_t txn_recycled(struct txn *txn);

#define KEY_NONE ((struct key){.size = 0})
struct key key_state(void); /* meta's only key */
