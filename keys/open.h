/*
 * open - take bytes out of CMS, incrementally, in bounded memory (the verb
 * "open"; its noun is `opening`).
 *
 * Own reader of BER and DER. Takes EnvelopedData with AES-CBC and
 * AuthEnvelopedData with AES-GCM (nonce 12, tag 16), key transport by
 * RSAES-OAEP with SHA-2, key agreement by ECDH over P-256 and P-384. The
 * recipient is found by issuer and serial number, never by trying keys.
 *
 * SECURITY: reads hostile bytes with the recipient's private key at hand.
 * What the sink is given is NOT AUTHENTICATED until opening_finish() returned
 * 0: write it to a temporary file and rename that afterwards. With CBC it is
 * not authenticated even then: the digests of the package must be checked.
 */
#pragma once

#include "base/sink.h"
#include "keys/certificate.h"
#include "keys/private_key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPEN_DEPTH_MAX 16                  /* nesting of BER values */
#define OPEN_RECIPIENT_BYTES (8u << 10)    /* one RecipientInfo */
#define OPEN_RECIPIENTS_BYTES (256u << 10) /* all of them */
#define OPEN_RECIPIENTS_MAX 256
#define OPEN_HEADER_BYTES (8u << 10) /* originator info, attributes: each */
#define OPEN_PIECE_BYTES (64u << 10) /* the sink is given at most this */

/* A key that may open, with the certificate that names it. Both are lent. */
struct open_key {
	const struct certificate *certificate;
	const struct private_key *key;
};

struct open_options {
	bool allow_pkcs1; /* PKCS#1 v1.5 key transport, for a peer configured so
			   */
	uint64_t max_bytes; /* of plaintext; 0: no limit */
};

struct opening;

/* keys[0..count) is copied (not what it points to). options may be NULL. */
int opening_new(const struct open_key *keys, size_t count,
    const struct open_options *options, const struct sink *sink,
    struct opening **out, struct why *why);

/*
 * The next bytes of the message, any size. WHY_MALFORMED (not such CMS),
 * WHY_UNSUPPORTED (CMS of a kind refused here), WHY_NOT_FOUND (no recipient is
 * ours), WHY_CRYPTO (the key does not come out), WHY_TOO_LARGE, the sink's.
 * After a failure only opening_free() may follow.
 */
int opening_write(struct opening *opening, struct span bytes, struct why *why);

/* The end: 0 only when the message is whole, and for GCM authentic. */
int opening_finish(struct opening *opening, struct why *why);
void opening_free(struct opening *opening); /* NULL is fine */

/* After opening_finish(): did the message carry its own authentication (GCM)?
 */
bool opening_authenticated(const struct opening *opening);
