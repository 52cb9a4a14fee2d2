/*
 * log_hash - SHA-256 for the tree of formats/merkle.h, and what a leaf of our
 * log is.
 */
#pragma once

#include "base/buf.h"
#include "formats/merkle.h"

#define LOG_SALT_SIZE 32

/* A merkle_sha256. */
bool log_sha256(
    const struct span *parts, size_t count, struct merkle_hash *out);

/*
 * The leaf of a piece of evidence, a compact JWS:
 *
 *   SHA-256(0x00 || SHA-256(salt || evidence))
 *
 * Without its salt, which is erased with the message, nobody can tell from the
 * leaf which evidence it stands for, not even by trying.
 */
bool log_leaf(const uint8_t salt[LOG_SALT_SIZE], struct span evidence,
    struct merkle_hash *leaf);
