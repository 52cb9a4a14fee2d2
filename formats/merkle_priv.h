/*
 * merkle_priv - what growing, proving and verifying share.
 */
#pragma once

#include "formats/merkle.h"

/* parent may be one of the two. */
bool merkle_parent(merkle_sha256 *sha256, const struct merkle_hash *left,
    const struct merkle_hash *right, struct merkle_hash *parent);
bool merkle_equal(const struct merkle_hash *a, const struct merkle_hash *b);
