/*
 * merkle - the tree of RFC 6962 section 2.1, as an algorithm over a SHA-256
 * that is given: this room has no cryptography.
 *
 *   leaf = SHA-256(0x00 || data)    node = SHA-256(0x01 || left || right)
 *
 * A node is named by its height (0: a leaf) and its index from the left, and
 * is complete when the tree has all 2^height leaves under it. A complete node
 * never changes. Whoever keeps a tree keeps its frontier, which is enough to
 * go on, and each complete node once, which is enough for every proof.
 *
 * SECURITY: the two merkle_*_verify() read what a stranger says.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MERKLE_HASH_SIZE 32
#define MERKLE_HEIGHTS 63 /* sizes are below 2^63 */
#define MERKLE_SIZE_MAX INT64_MAX
#define MERKLE_PROOF_MOST (MERKLE_HEIGHTS + 1)

struct merkle_hash {
	uint8_t at[MERKLE_HASH_SIZE];
};

/* SHA-256 of all parts, one after the other. */
typedef bool merkle_sha256(
    const struct span *parts, size_t count, struct merkle_hash *out);

/* ---- growing ---- */

/* The complete nodes that cover a tree, one for each bit of its size. All
 * zero is the empty tree. */
struct merkle_frontier {
	uint64_t size;
	struct merkle_hash at[MERKLE_HEIGHTS]; /* by height; only where the
						  size has that bit */
};

/* A node has become complete. False ends the call in hand. */
typedef bool merkle_keep(void *context, unsigned height, uint64_t index,
    const struct merkle_hash *hash);

bool merkle_leaf(
    merkle_sha256 *sha256, struct span data, struct merkle_hash *leaf);

/* Add one leaf; keep is told of it and of each node that it completes, from
 * below. On false the frontier is as before. */
bool merkle_append(struct merkle_frontier *frontier, merkle_sha256 *sha256,
    const struct merkle_hash *leaf, merkle_keep *keep, void *context);

bool merkle_root(const struct merkle_frontier *frontier, merkle_sha256 *sha256,
    struct merkle_hash *root);

/* ---- proofs, leaf to root ---- */

struct merkle_proof {
	size_t count;
	struct merkle_hash at[MERKLE_PROOF_MOST];
};

/* What merkle_keep was told. */
typedef bool merkle_read(
    void *context, unsigned height, uint64_t index, struct merkle_hash *hash);

/* Nodes that are kept, and how to work with them. */
struct merkle_nodes {
	merkle_sha256 *sha256;
	merkle_read *read;
	void *context;
};

/* That the leaf is in the tree of this size: RFC 6962 section 2.1.1. False:
 * no such leaf, or a node could not be read. */
bool merkle_inclusion(const struct merkle_nodes *nodes, uint64_t index,
    uint64_t size, struct merkle_proof *proof);

/* That the tree of the old size, not empty, is the beginning of the other:
 * RFC 6962 section 2.1.2. */
bool merkle_consistency(const struct merkle_nodes *nodes, uint64_t old_size,
    uint64_t size, struct merkle_proof *proof);

/* The root of an earlier size. */
bool merkle_root_at(
    const struct merkle_nodes *nodes, uint64_t size, struct merkle_hash *root);

/* RFC 9162 sections 2.1.3.2 and 2.1.4.2. */
bool merkle_inclusion_verify(merkle_sha256 *sha256, uint64_t index,
    uint64_t size, const struct merkle_hash *leaf,
    const struct merkle_proof *proof, const struct merkle_hash *root);
bool merkle_consistency_verify(merkle_sha256 *sha256, uint64_t old_size,
    const struct merkle_hash *old_root, uint64_t size,
    const struct merkle_hash *root, const struct merkle_proof *proof);
