/*
 * upgrade - from an older format to the one that this program writes.
 *
 * A step from N to N+1 is one function in the table, run in one transaction
 * that ends with the version in the meta record; a fixture of format N is kept
 * in tests/spool.
 */
#include "spool/spool_priv.h"

#include <unistd.h>

struct upgrading {
	struct txn txn;
	merkle_sha256 *sha256;
};

/* ---- from 1 to 2: evidence has leaves ---- */

/* Evidence of a message that is purged, or forgotten, has no salt any more. */
static bool
is_told(struct txn *txn, const struct evidence_record *record)
{
	return !record->has_message ||
	       txn_has(txn, DB_METADATA, key_id(&record->message));
}

static bool
leaf_add(struct upgrading *up, struct spool_position at,
    struct merkle_frontier *tree)
{
	struct txn *txn = &up->txn;
	struct span value;
	struct evidence_record record;
	struct merkle_hash leaf;
	struct tree_grown grown;
	if (!txn_get(txn, DB_EVIDENCE, key_position(at), &value))
		return false;
	if (!record_read_evidence_1(value, &record)) {
		txn_damaged(txn, DB_EVIDENCE);
		return false;
	}
	random_fill(record.salt, sizeof record.salt);
	if (!tree_leaf(up->sha256, record.salt, record.jws, &leaf) ||
	    !tree_grow(tree, up->sha256, &leaf, &grown)) {
		txn_damaged(txn, DB_EVIDENCE);
		return false;
	}
	record.is_salted = is_told(txn, &record);
	record.nodes = tree_nodes(&grown);
	txn_put_evidence(txn, DB_EVIDENCE, key_position(at), &record);
	return true;
}

static void
from_1(struct upgrading *up)
{
	struct txn *txn = &up->txn;
	struct span value;
	struct meta_record meta;
	if (!txn_get(txn, DB_META, key_state(), &value) ||
	    !record_read_meta_1(value, &meta)) {
		txn_damaged(txn, DB_META);
		return;
	}
	uint32_t last =
	    meta.restored ? meta.previous.epoch : meta.position.epoch;
	for (uint32_t epoch = 1; epoch <= last; epoch++) {
		struct spool_position at = {epoch, 1};
		meta.tree = (struct merkle_frontier){.size = 0};
		while (leaf_add(up, at, &meta.tree))
			at.sequence++;
	}
	txn_put_meta(txn, DB_META, key_state(), &meta);
}

static void (*const steps[SPOOL_FORMAT + 1])(struct upgrading *up) = {
    [1] = from_1};

/* ---- all steps ---- */

static int
upgrade_once(
    struct store *store, int version, merkle_sha256 *sha256, struct why *why)
{
	struct upgrading up = {.sha256 = sha256};
	struct txn *txn = &up.txn;
	struct buf scratch;
	if (version < 0 || steps[version] == NULL)
		return why_set(why, WHY_UNSUPPORTED,
		    "the store has format %d: there is no way from it to %d",
		    version, SPOOL_FORMAT);
	int ret = txn_begin(txn, store, true, why);
	if (ret != 0)
		return ret;
	buf_init(&scratch, 4 * MIB);
	txn->scratch = &scratch;
	steps[version](&up);
	crash_point("upgrade.before");
	ret = txn_why(txn, why);
	if (ret != 0)
		txn_abort(txn);
	else
		ret = why_from_mdb(why, mdb_txn_commit(txn->mdb), "commit");
	crash_point("upgrade.after");
	buf_clear(&scratch);
	return ret;
}

static int
upgrade_store(struct store *store, merkle_sha256 *sha256, struct why *why)
{
	int version = -1;
	int ret = store_version(store, &version, why);
	if (ret == 0 && version > SPOOL_FORMAT)
		return why_set(why, WHY_UNSUPPORTED,
		    "the store has format %d, this program knows up to %d",
		    version, SPOOL_FORMAT);
	while (ret == 0 && version != SPOOL_FORMAT) {
		ret = upgrade_once(store, version, sha256, why);
		if (ret == 0)
			ret = store_version(store, &version, why);
	}
	return ret;
}

int
spool_upgrade(const char *dir, merkle_sha256 *sha256, struct why *why)
{
	struct store store;
	int lock = -1;
	int ret = lock_take(dir, &lock, why);
	if (ret != 0)
		return ret;
	ret = store_open_any(&store, dir, 0, 0, false, why);
	if (ret == 0) {
		ret = upgrade_store(&store, sha256, why);
		store_close(&store);
	}
	close(lock);
	return ret;
}
