/*
 * seal - put bytes into CMS for one recipient, streaming, in bounded memory.
 *
 *   cms-cbc-oaep   EnvelopedData, AES-256-CBC, RSAES-OAEP SHA-256: what
 *                  municipal systems open today; no integrity of its own
 *   cms-gcm-oaep   AuthEnvelopedData, AES-256-GCM, RSAES-OAEP SHA-256
 *   cms-cbc-ecdh   EnvelopedData, AES-256-CBC, ECDH (P-256: SHA-256 KDF,
 *                  P-384: SHA-384 KDF), AES-256 key wrap
 *   cms-gcm-ecdh   AuthEnvelopedData, AES-256-GCM, ECDH as above
 *
 * Always exactly one recipient, named by issuer and serial number (RFC 5652,
 * 5083, 5084, 5753, 8017). The result is BER of indefinite length.
 */
#pragma once

#include "base/sink.h"
#include "keys/certificate.h"

#include <stdint.h>

/* A good size to write at a time. The sink is given pieces of a few KiB. */
#define SEAL_PIECE_BYTES (64u << 10)

/* The numbers are stored: never reuse one. */
enum seal_suite {
	SEAL_CMS_CBC_OAEP = 1,
	SEAL_CMS_GCM_OAEP = 2,
	SEAL_CMS_CBC_ECDH = 3,
	SEAL_CMS_GCM_ECDH = 4
};

/* "cms-cbc-oaep" ...; NULL for a number that is no suite. */
const char *seal_suite_name(enum seal_suite suite);
/* 0 and *suite, or WHY_INVALID. */
int seal_suite_parse(const char *name, enum seal_suite *suite, struct why *why);
/* The suite a certificate gets when its owner says nothing. */
enum seal_suite seal_suite_default(const struct certificate *certificate);
/* WHY_INVALID when the suite does not go with the certificate's key. */
int seal_suite_check(enum seal_suite suite,
    const struct certificate *certificate, struct why *why);

struct seal;

/*
 * Begin. The certificate must outlive the seal (keep parsed certificates: the
 * parsing costs as much as the sealing of 10 KiB); the sink is copied. Neither
 * time, purpose nor trust is looked at: that is registration's work.
 */
int seal_new(const struct certificate *certificate, enum seal_suite suite,
    const struct sink *sink, struct seal **out, struct why *why);

/* Any size. After a failure only seal_free() may follow. */
int seal_write(struct seal *seal, struct span bytes, struct why *why);

/* Writes the end; then the message is whole. WHY_INVALID when nothing was
 * written before: no message is empty. */
int seal_finish(struct seal *seal, struct why *why);
void seal_free(struct seal *seal); /* NULL is fine */

/* Bytes that the sink has been given so far. */
uint64_t seal_size(const struct seal *seal);
