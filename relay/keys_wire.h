/*
 * keys_wire - what spool and net say to the keys role, as bytes.
 *
 *   request          from    body                     answer
 *   KEYS_SIGN        spool   list of evidence         list of compact JWS, in
 *                            payloads                 the same order
 *   KEYS_METAKEYS    net     empty; once per process  the metadata keys as the
 *                                                     text of their file
 *   KEYS_PACKAGES    net     list of container        list of CAdES signatures,
 *                            manifests (asice.h)      in the same order
 *   KEYS_CHECKPOINT  spool   u32 epoch, u64 size,     list of two: the signed
 *                            hash root                checkpoint, and the log's
 *                                                     public key
 *
 * A list is u16 count, then each as u32 size and bytes. An answer begins with a
 * status octet: 0 and what is above, or 1 and a failure (wire_put_why()).
 *
 * SECURITY: both sides parse these as hostile.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "formats/package.h"

#include <stddef.h>

#define KEYS_SIGN_MAX 16384                       /* payloads in one request */
#define KEYS_SIGN_BYTES (128u << 10)              /* of one payload */
#define KEYS_PACKAGE_BYTES PACKAGE_MANIFEST_BYTES /* of one manifest */
#define KEYS_BODY_BYTES (64u << 20)               /* of a request or answer */

/* Frame types; the range 0x0400 belongs to keys. */
enum keys_wire_type {
	KEYS_SIGN = 0x0401,
	KEYS_METAKEYS = 0x0402,
	KEYS_PACKAGES = 0x0403,
	KEYS_CHECKPOINT = 0x0404,
};

/* Append the body of a list. WHY_TOO_LARGE over the limits above. */
int keys_wire_list_build(
    const struct span *items, size_t count, struct buf *out, struct why *why);

/* Read a list: items (room for max) point into body. */
int keys_wire_list_parse(struct span body, struct span *items, size_t max,
    size_t *count, struct why *why);

/* The answers' frame around a result or a failure. */
void keys_wire_ok_build(struct buf *out); /* the result is appended after it */
void keys_wire_failure_build(const struct why *failure, struct buf *out);

/* 0 and *result (inside body); or the failure that keys reported, in why. */
int keys_wire_answer_parse(
    struct span body, struct span *result, struct why *why);
