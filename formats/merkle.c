/*
 * merkle - growing: like counting in binary, where a carry is a parent.
 */
#include "formats/merkle_priv.h"

#include <string.h>

#define NODE_MARK 1

static const uint8_t leaf_mark = 0;

bool
merkle_leaf(merkle_sha256 *sha256, struct span data, struct merkle_hash *leaf)
{
	const struct span parts[] = {span_of(&leaf_mark, 1), data};

	return sha256(parts, 2, leaf);
}

bool
merkle_parent(merkle_sha256 *sha256, const struct merkle_hash *left,
    const struct merkle_hash *right, struct merkle_hash *parent)
{
	/* one part: most of a tree's time is spent here */
	uint8_t bytes[1 + 2 * MERKLE_HASH_SIZE] = {NODE_MARK};
	const struct span part = span_of(bytes, sizeof bytes);

	memcpy(bytes + 1, left->at, MERKLE_HASH_SIZE);
	memcpy(bytes + 1 + MERKLE_HASH_SIZE, right->at, MERKLE_HASH_SIZE);
	return sha256(&part, 1, parent);
}

bool
merkle_equal(const struct merkle_hash *a, const struct merkle_hash *b)
{
	return memcmp(a->at, b->at, MERKLE_HASH_SIZE) == 0;
}

bool
merkle_append(struct merkle_frontier *frontier, merkle_sha256 *sha256,
    const struct merkle_hash *leaf, merkle_keep *keep, void *context)
{
	struct merkle_hash node = *leaf;
	uint64_t index = frontier->size;
	unsigned height = 0;

	if (frontier->size >= MERKLE_SIZE_MAX)
		return false;
	for (;; height++, index /= 2) {
		if (!keep(context, height, index, &node))
			return false;
		if (index % 2 == 0)
			break;
		if (!merkle_parent(sha256, &frontier->at[height], &node, &node))
			return false;
	}
	frontier->at[height] = node;
	frontier->size++;
	return true;
}

bool
merkle_root(const struct merkle_frontier *frontier, merkle_sha256 *sha256,
    struct merkle_hash *root)
{
	bool is_begun = false;

	if (frontier->size == 0)
		return sha256(NULL, 0, root);
	for (unsigned height = 0; height < MERKLE_HEIGHTS; height++) {
		if ((frontier->size >> height & 1) == 0)
			continue;
		if (!is_begun)
			*root = frontier->at[height];
		else if (!merkle_parent(
			     sha256, &frontier->at[height], root, root))
			return false;
		is_begun = true;
	}
	return true;
}
