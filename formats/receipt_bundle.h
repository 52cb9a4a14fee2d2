/*
 * receipt_bundle - all that a stranger needs to check one piece of evidence, as
 * one file:
 *
 *   {"receipt": JWS, "proof": TEXT}
 *
 * The receipt carries its signer's certificates (x5c); the proof is a
 * formats/log_proof.h with the leaf's salt as its extra and the checkpoint
 * below it.
 *
 * SECURITY: receipt_bundle_parse() reads hostile bytes.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

struct json_t;

#define RECEIPT_BUNDLE_BYTES_MAX (1u << 20)

/* Texts are lent by the bundle, until receipt_bundle_clear(). */
struct receipt_bundle {
	struct span receipt;
	struct span proof;
	struct json_t *json;
};

/* Exactly these two members, both texts. On failure nothing to clear. */
int receipt_bundle_parse(
    struct span text, struct receipt_bundle *bundle, struct why *why);
void receipt_bundle_clear(struct receipt_bundle *bundle);

/* Append the JSON. False: a text is not UTF-8, or no memory. */
bool receipt_bundle_build(
    struct span receipt, struct span proof, struct buf *out);
