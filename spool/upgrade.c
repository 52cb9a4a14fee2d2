/*
 * upgrade - from an older format to the one that this program writes.
 *
 * Format 1 is the first that was ever written, so there is nothing to come
 * from yet: every other is refused by its number. A step from N to N+1 is one
 * function in the table, run in one transaction that ends with the version in
 * the meta record; a fixture of format N then goes to tests/spool.
 */
#include "spool/spool_priv.h"

#include <unistd.h>

static void (*const steps[SPOOL_FORMAT + 1])(struct txn *txn) = {NULL};

static int
upgrade_once(struct store *store, int version, struct why *why)
{
	struct txn txn;
	struct buf scratch;
	if (version < 0 || steps[version] == NULL)
		return why_set(why, WHY_UNSUPPORTED,
		    "the store has format %d: there is no way from it to %d",
		    version, SPOOL_FORMAT);
	int ret = txn_begin(&txn, store, true, why);
	if (ret != 0)
		return ret;
	buf_init(&scratch, 4 * MIB);
	txn.scratch = &scratch;
	steps[version](&txn);
	ret = txn_why(&txn, why);
	if (ret != 0)
		txn_abort(&txn);
	else
		ret = why_from_mdb(why, mdb_txn_commit(txn.mdb), "commit");
	buf_clear(&scratch);
	return ret;
}

static int
upgrade_store(struct store *store, struct why *why)
{
	int version = -1;
	int ret = store_version(store, &version, why);
	if (ret == 0 && version > SPOOL_FORMAT)
		return why_set(why, WHY_UNSUPPORTED,
		    "the store has format %d, this program knows up to %d",
		    version, SPOOL_FORMAT);
	while (ret == 0 && version != SPOOL_FORMAT) {
		ret = upgrade_once(store, version, why);
		if (ret == 0)
			ret = store_version(store, &version, why);
	}
	return ret;
}

int
spool_upgrade(const char *dir, struct why *why)
{
	struct store store;
	int lock = -1;
	int ret = lock_take(dir, &lock, why);
	if (ret != 0)
		return ret;
	ret = store_open_any(&store, dir, 0, 0, false, why);
	if (ret == 0) {
		ret = upgrade_store(&store, why);
		store_close(&store);
	}
	close(lock);
	return ret;
}
