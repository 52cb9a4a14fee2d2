/*
 * log_growth - that a log only ever grew, as one file: two checkpoints, and the
 * proof that the older is the beginning of the newer.
 *
 *   {"old": NOTE, "new": NOTE, "proof": [BASE64, ...]}
 *
 * SECURITY: log_growth_parse() reads hostile bytes. Nothing is proved before
 * the checkpoints' signatures and then the proof are checked.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "formats/merkle.h"

struct json_t;

#define LOG_GROWTH_BYTES_MAX (512u << 10)

/* Texts are lent by the file, until log_growth_clear(). */
struct log_growth {
	struct span old_note;
	struct span new_note;
	struct merkle_proof proof;
	struct json_t *json;
};

/* Exactly these three members. On failure nothing to clear. */
int log_growth_parse(
    struct span text, struct log_growth *growth, struct why *why);
void log_growth_clear(struct log_growth *growth);

/* Append the JSON. False: a text is not UTF-8, or no memory. */
bool log_growth_build(const struct log_growth *growth, struct buf *out);
/* Hashes in base64, as the API gives a proof, too. */
int log_growth_proof_read(
    const struct json_t *list, struct merkle_proof *proof, struct why *why);
