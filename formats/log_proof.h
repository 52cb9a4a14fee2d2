/*
 * log_proof - that something is in a log, as one text to keep (C2SP
 * tlog-proof):
 *
 *   c2sp.org/tlog-proof@v1
 *   extra BASE64          for us: the salt of the leaf
 *   index N
 *   BASE64                the inclusion proof, from the leaf's sibling up
 *   ...
 *   (empty line)
 *   the checkpoint, with its signatures
 *
 * SECURITY: log_proof_parse() reads hostile bytes. Nothing is proved before the
 * checkpoint's signature and then the proof are checked.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "formats/checkpoint.h"
#include "formats/merkle.h"
#include "formats/note.h"

#include <stdint.h>

#define LOG_PROOF_EXTRA_MAX 64
#define LOG_PROOF_BYTES_MAX (NOTE_BYTES_MAX + (8u << 10))

struct log_proof {
	uint8_t extra[LOG_PROOF_EXTRA_MAX];
	size_t extra_size; /* 0: none */
	uint64_t index;
	struct merkle_proof inclusion;
	struct span checkpoint_note; /* lent */
};

int log_proof_parse(
    struct span bytes, struct log_proof *proof, struct why *why);
void log_proof_build(const struct log_proof *proof, struct buf *out);
