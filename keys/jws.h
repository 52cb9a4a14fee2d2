/*
 * jws - JSON Web Signature, compact form (RFC 7515, algorithms RFC 7518).
 *
 * ES256 (P-256), ES384 (P-384), PS256 (RSA; RS256 on request). The protected
 * header is {"alg","typ","x5t#S256","x5c"} in this order and is built once per
 * key; the payload is signed as the bytes given and never re-serialised.
 *
 * SECURITY: jws_verify() reads hostile bytes.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "keys/certificate.h"
#include "keys/private_key.h"

#include <stddef.h>
#include <stdint.h>

#define JWS_BYTES_MAX (256u << 10) /* one compact JWS */
#define JWS_HEADER_BYTES_MAX (64u << 10)
#define JWS_CHAIN_MAX 4 /* certificates in x5c */

#define JWS_EVIDENCE_TYPE "budstikke-evidence+jws"

struct jws_signer;

/* chain[0] is the key's certificate, the others lead towards the anchor (which
 * is left out); at most JWS_CHAIN_MAX. rs256: RSA keys sign RS256 instead of
 * PS256. The key is lent and must outlive the signer. */
int jws_signer_new(const struct private_key *key,
    const struct certificate *const *chain, size_t count, const char *type,
    bool rs256, struct jws_signer **out, struct why *why);
void jws_signer_free(struct jws_signer *signer);

/* Append the compact JWS over the payload to out. One call at a time: a signer
 * works in contexts of its own. */
int jws_sign(const struct jws_signer *signer, struct span payload,
    struct buf *out, struct why *why);

/* A verified JWS. */
struct jws {
	struct buf payload;              /* exactly the bytes signed */
	struct certificate *certificate; /* of the signer */
	char algorithm[8];
};

/*
 * Verify: strict form and header (no field unknown, none twice, `crit`
 * refused), algorithm that belongs to the certificate's key, signature, and a
 * chain from x5c to an anchor as it stood at the certificate's own time. type:
 * what `typ` must be. The time of the signature is not known here: read it from
 * the payload and ask jws_check_time(). On 0 jws_clear() *out; on failure *out
 * is empty. WHY_MALFORMED, WHY_TOO_LARGE, WHY_UNSUPPORTED, WHY_CRYPTO (the
 * signature is wrong), WHY_DENIED (the signer is not trusted).
 */
int jws_verify(struct span compact, const struct anchors *anchors,
    const char *type, struct jws *out, struct why *why);
void jws_clear(struct jws *jws);

/* WHY_INVALID when the signer's certificate was not in force then. */
int jws_check_time(const struct jws *jws, int64_t at_ms, struct why *why);
