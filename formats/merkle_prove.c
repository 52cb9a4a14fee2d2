/*
 * merkle_prove - proofs out of the nodes that are kept.
 *
 * Both walk from a leaf to the root of the tree of that size. Only the last
 * node of a height can be incomplete: it is made from the complete ones
 * below it, and where it is the only child it stands for its parent, too.
 */
#include "formats/merkle_priv.h"

/* Where the walk is: a node, and the last one of its height. */
struct place {
	unsigned height;
	uint64_t index, last;
};

static struct place
place_of(uint64_t index, uint64_t size)
{
	return (struct place){0, index, size - 1};
}

static void
place_rise(struct place *place)
{
	place->height++;
	place->index /= 2;
	place->last /= 2;
}

/* The root over the leaves from first on; first is where a node begins that is
 * at least as high as those leaves need. */
static bool
rest_root(const struct merkle_nodes *nodes, uint64_t first, uint64_t size,
    struct merkle_hash *root)
{
	uint64_t rest = size - first, end = size;
	bool is_begun = false;

	for (unsigned height = 0; rest >> height != 0; height++) {
		struct merkle_hash node;
		if ((rest >> height & 1) == 0)
			continue;
		end -= UINT64_C(1) << height;
		if (!nodes->read(nodes->context, height, end >> height, &node))
			return false;
		if (!is_begun)
			*root = node;
		else if (!merkle_parent(nodes->sha256, &node, root, root))
			return false;
		is_begun = true;
	}
	return is_begun;
}

static bool
node_add(const struct merkle_nodes *nodes, const struct place *place,
    uint64_t index, uint64_t size, struct merkle_proof *proof)
{
	uint64_t first = index << place->height;
	struct merkle_hash *hash = &proof->at[proof->count++];

	/* a proof is never longer than the tree is high, and one */
	if (size - first < UINT64_C(1) << place->height)
		return rest_root(nodes, first, size, hash);
	return nodes->read(nodes->context, place->height, index, hash);
}

/* The sibling of each node from here to the root, where it has one. */
static bool
siblings_add(const struct merkle_nodes *nodes, struct place place,
    uint64_t size, struct merkle_proof *proof)
{
	for (; place.last > 0; place_rise(&place)) {
		uint64_t sibling = place.index ^ 1;
		if (sibling <= place.last &&
		    !node_add(nodes, &place, sibling, size, proof))
			return false;
	}
	return true;
}

bool
merkle_inclusion(const struct merkle_nodes *nodes, uint64_t index,
    uint64_t size, struct merkle_proof *proof)
{
	proof->count = 0;
	if (index >= size || size > MERKLE_SIZE_MAX)
		return false;
	return siblings_add(nodes, place_of(index, size), size, proof);
}

bool
merkle_consistency(const struct merkle_nodes *nodes, uint64_t old_size,
    uint64_t size, struct merkle_proof *proof)
{
	proof->count = 0;
	if (old_size == 0 || old_size > size || size > MERKLE_SIZE_MAX)
		return false;
	if (old_size == size)
		return true;
	/* up to the highest complete node that ends the old tree */
	struct place place = place_of(old_size - 1, size);
	while (place.index % 2 == 1)
		place_rise(&place);
	/* where it is the old tree, its reader has it: the old root */
	if (place.index != 0 &&
	    !node_add(nodes, &place, place.index, size, proof))
		return false;
	return siblings_add(nodes, place, size, proof);
}

bool
merkle_root_at(
    const struct merkle_nodes *nodes, uint64_t size, struct merkle_hash *root)
{
	if (size > MERKLE_SIZE_MAX)
		return false;
	if (size == 0)
		return nodes->sha256(NULL, 0, root);
	return rest_root(nodes, 0, size, root);
}
