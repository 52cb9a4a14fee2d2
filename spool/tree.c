/*
 * tree - the Merkle tree over an epoch's evidence; see spool(5), The log.
 *
 * Evidence N of an epoch is leaf N - 1 of that epoch's tree. Its record keeps
 * the leaf and each node above that it completes, so that what is read for a
 * proof is written where the evidence is written anyway: a commit has no page
 * more for it. The frontier stands in the meta record.
 */
#include "spool/spool_priv.h"

#include <string.h>

bool
tree_leaf(merkle_sha256 *sha256, const uint8_t salt[SPOOL_SALT_SIZE],
    struct span jws, struct merkle_hash *leaf)
{
	struct span parts[] = {span_of(salt, SPOOL_SALT_SIZE), jws};
	struct merkle_hash inner;
	return sha256(parts, 2, &inner) &&
	       merkle_leaf(sha256, span_of(inner.at, sizeof inner.at), leaf);
}

static bool
node_keep(void *context, unsigned height, uint64_t index,
    const struct merkle_hash *hash)
{
	struct tree_grown *grown = context;
	(void)index;
	if (height != grown->count || height >= MERKLE_HEIGHTS)
		return false;
	grown->at[grown->count++] = *hash;
	return true;
}

bool
tree_grow(struct merkle_frontier *frontier, merkle_sha256 *sha256,
    const struct merkle_hash *leaf, struct tree_grown *grown)
{
	grown->count = 0;
	return merkle_append(frontier, sha256, leaf, node_keep, grown);
}

struct span
tree_nodes(const struct tree_grown *grown)
{
	return span_of(grown->at, grown->count * sizeof grown->at[0]);
}

bool
tree_add(struct spool_group *group, struct evidence_record *record,
    struct tree_grown *grown)
{
	merkle_sha256 *sha256 = group->spool->options.sha256;
	struct merkle_hash leaf;
	random_fill(record->salt, sizeof record->salt);
	record->is_salted = true;
	if (!tree_leaf(sha256, record->salt, record->jws, &leaf) ||
	    !tree_grow(&group->meta.tree, sha256, &leaf, grown))
		return false;
	record->nodes = tree_nodes(grown);
	return true;
}

bool
tree_node(struct txn *txn, uint32_t epoch, unsigned height, uint64_t index,
    struct merkle_hash *hash)
{
	struct evidence_record record;
	if (height >= MERKLE_HEIGHTS ||
	    index >= (uint64_t)MERKLE_SIZE_MAX >> height)
		return false;
	/* the leaf that completes it is its last one */
	struct spool_position at = {epoch, (index + 1) << height};
	if (!txn_get_evidence(txn, DB_EVIDENCE, key_position(at), &record) ||
	    record.nodes.size < (height + 1) * sizeof *hash)
		return false;
	memcpy(hash, record.nodes.at + height * sizeof *hash, sizeof *hash);
	return true;
}

void
tree_forget_salts(struct spool_group *group, const struct id *message)
{
	struct span key;
	struct spool_position at;
	struct evidence_record record;
	struct scan scan =
	    scan_open(&group->txn, DB_TRAIL, key_id(message), KEY_NONE);
	while (scan_next(&scan, &key, NULL)) {
		if (!key_read_position(key, &at) ||
		    !txn_get_evidence(
			&group->txn, DB_EVIDENCE, key_position(at), &record)) {
			txn_damaged(&group->txn, DB_TRAIL);
			break;
		}
		if (!record.is_salted)
			continue;
		record.is_salted = false;
		memset(record.salt, 0, sizeof record.salt);
		txn_put_evidence(
		    &group->txn, DB_EVIDENCE, key_position(at), &record);
	}
	scan_close(&scan);
}
