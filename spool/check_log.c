/*
 * check_log - the evidence: without a gap, its tree, and what names it.
 */
#include "spool/check_priv.h"

#include <string.h>

/* The log has no gap, and every index names only what is in it. */
void
check_log(struct check *check)
{
	struct span key;
	struct spool_position last = {0, 0};
	struct spool_position at;
	struct scan scan =
	    scan_open(check->txn, DB_EVIDENCE, KEY_NONE, KEY_NONE);
	while (scan_next(&scan, &key, NULL)) {
		if (!key_read_position(key, &at))
			continue;
		uint64_t want = at.epoch == last.epoch ? last.sequence + 1 : 1;
		if (at.sequence != want)
			check_tell(check,
			    "evidence: epoch %u goes from %llu to %llu",
			    at.epoch, (unsigned long long)last.sequence,
			    (unsigned long long)at.sequence);
		last = at;
	}
	scan_close(&scan);
	const struct spool_position *stated = &check->meta.position;
	bool fresh = stated->sequence == 0; /* an epoch without evidence */
	if (!fresh &&
	    (last.epoch != stated->epoch || last.sequence != stated->sequence))
		check_tell(check, "evidence: the log does not end where the "
				  "store says");
	if (fresh && last.epoch >= stated->epoch)
		check_tell(check, "evidence: the log goes on in an epoch that "
				  "has not begun");
}

/* ---- the tree ---- */

/* A record's leaf and nodes are those that its evidence makes there. */
static void
check_leaf(struct check *check, struct merkle_frontier *frontier,
    struct spool_position at, const struct evidence_record *record)
{
	struct merkle_hash leaf;
	struct merkle_hash made;
	struct tree_grown grown;
	memcpy(&leaf, record->nodes.at, sizeof leaf);
	if (record->is_salted &&
	    (!tree_leaf(check->sha256, record->salt, record->jws, &made) ||
		memcmp(&made, &leaf, sizeof leaf) != 0))
		check_tell(check, "evidence %u/%llu: is not what its leaf says",
		    at.epoch, (unsigned long long)at.sequence);
	if (!tree_grow(frontier, check->sha256, &leaf, &grown) ||
	    !span_equal(tree_nodes(&grown), record->nodes))
		check_tell(check,
		    "evidence %u/%llu: its nodes are not the "
		    "tree's",
		    at.epoch, (unsigned long long)at.sequence);
}

static bool
frontier_equal(const struct merkle_frontier *a, const struct merkle_frontier *b)
{
	if (a->size != b->size)
		return false;
	for (size_t i = 0; i < MERKLE_HEIGHTS; i++)
		if ((a->size >> i & 1) != 0 &&
		    memcmp(&a->at[i], &b->at[i], sizeof a->at[i]) != 0)
			return false;
	return true;
}

/* Every epoch's tree is made anew from its evidence. */
void
check_tree(struct check *check)
{
	struct span key;
	struct span value;
	struct spool_position at = {0, 0};
	struct evidence_record record;
	struct merkle_frontier tree = {.size = 0};
	const struct meta_record *meta = &check->meta;
	uint32_t epoch = 0;
	uint32_t stated =
	    meta->restored ? meta->previous.epoch : meta->position.epoch;
	struct scan scan =
	    scan_open(check->txn, DB_EVIDENCE, KEY_NONE, KEY_NONE);
	while (scan_next(&scan, &key, &value)) {
		if (!key_read_position(key, &at) ||
		    !record_read_evidence(value, &record))
			continue;
		if (at.epoch != epoch)
			tree = (struct merkle_frontier){.size = 0};
		epoch = at.epoch;
		check_leaf(check, &tree, at, &record);
	}
	scan_close(&scan);
	if (epoch != stated)
		tree = (struct merkle_frontier){.size = 0};
	if (!frontier_equal(&tree, &meta->tree))
		check_tell(check, "evidence: the tree does not end where the "
				  "store says");
}

/* ---- what names evidence ---- */

void
check_trail(struct check *check)
{
	struct span key;
	struct spool_position at;
	struct id message;
	struct scan scan = scan_open(check->txn, DB_TRAIL, KEY_NONE, KEY_NONE);
	while (scan_next(&scan, &key, NULL)) {
		if (!key_read_position(key, &at) ||
		    !key_read_tail_id(
			span_of(key.at, key.size - 12), &message) ||
		    !check_evidence(check, at, &message))
			check_tell(check, "trail: names evidence that is not "
					  "there, or another message's");
	}
	scan_close(&scan);
}

void
check_feed(struct check *check)
{
	struct span key;
	struct spool_position at;
	struct scan scan = scan_open(check->txn, DB_FEED, KEY_NONE, KEY_NONE);
	while (scan_next(&scan, &key, NULL))
		if (!key_read_position(key, &at) ||
		    !txn_has(check->txn, DB_EVIDENCE, key_position(at)))
			check_tell(
			    check, "feed: names evidence that is not there");
	scan_close(&scan);
}
