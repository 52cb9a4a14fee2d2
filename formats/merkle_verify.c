/*
 * merkle_verify - proofs of strangers, as RFC 9162 says to read them.
 */
#include "formats/merkle_priv.h"

/* Up over the nodes that are the only child. */
static void
rise_alone(uint64_t *index, uint64_t *last)
{
	while (*index % 2 == 0 && *index != 0) {
		*index /= 2;
		*last /= 2;
	}
}

bool
merkle_inclusion_verify(merkle_sha256 *sha256, uint64_t index, uint64_t size,
    const struct merkle_hash *leaf, const struct merkle_proof *proof,
    const struct merkle_hash *root)
{
	struct merkle_hash node = *leaf;

	if (index >= size || size > MERKLE_SIZE_MAX)
		return false;
	uint64_t last = size - 1;
	for (size_t i = 0; i < proof->count; i++) {
		const struct merkle_hash *next = &proof->at[i];
		bool is_right = index % 2 == 1 || index == last;
		if (last == 0)
			return false; /* longer than the tree is high */
		if (!merkle_parent(sha256, is_right ? next : &node,
			is_right ? &node : next, &node))
			return false;
		if (is_right)
			rise_alone(&index, &last);
		index /= 2;
		last /= 2;
	}
	return last == 0 && merkle_equal(&node, root);
}

/* first and second: the roots of the old and the new tree, as the proof makes
 * them from the node where both begin. */
static bool
roots_make(merkle_sha256 *sha256, uint64_t index, uint64_t last,
    const struct merkle_hash *proof, size_t count, struct merkle_hash *first,
    struct merkle_hash *second)
{
	for (size_t i = 0; i < count; i++) {
		if (last == 0)
			return false;
		if (index % 2 == 1 || index == last) {
			if (!merkle_parent(sha256, &proof[i], first, first) ||
			    !merkle_parent(sha256, &proof[i], second, second))
				return false;
			rise_alone(&index, &last);
		} else if (!merkle_parent(sha256, second, &proof[i], second)) {
			return false;
		}
		index /= 2;
		last /= 2;
	}
	return last == 0;
}

bool
merkle_consistency_verify(merkle_sha256 *sha256, uint64_t old_size,
    const struct merkle_hash *old_root, uint64_t size,
    const struct merkle_hash *root, const struct merkle_proof *proof)
{
	if (old_size == 0 || old_size > size || size > MERKLE_SIZE_MAX)
		return false;
	if (old_size == size)
		return proof->count == 0 && merkle_equal(old_root, root);
	uint64_t index = old_size - 1, last = size - 1;
	while (index % 2 == 1) {
		index /= 2;
		last /= 2;
	}
	/* a whole node: it is the old root, and the proof begins after it */
	size_t used = index == 0 ? 0 : 1;
	if (proof->count < used)
		return false;
	struct merkle_hash first = used == 0 ? *old_root : proof->at[0];
	struct merkle_hash second = first;
	return roots_make(sha256, index, last, proof->at + used,
		   proof->count - used, &first, &second) &&
	       merkle_equal(&first, old_root) && merkle_equal(&second, root);
}
