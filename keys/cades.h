/*
 * cades - detached signatures of level CAdES-B-B (ETSI EN 319 122-1 section 6):
 * a CMS SignedData (RFC 5652) of one signer, with signing-time and
 * signing-certificate-v2 (RFC 5035) among the signed attributes.
 *
 * SECURITY: cades_verify() reads hostile bytes, at most CADES_BYTES_MAX.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "keys/certificate.h"
#include "keys/private_key.h"

#include <stddef.h>
#include <stdint.h>

#define CADES_BYTES_MAX (64u << 10)
#define CADES_CHAIN_MAX 4 /* certificates in a signature */

struct cades_signer;

/* chain[0] is the key's certificate, the others lead towards the anchor. The
 * key is lent and must outlive the signer. */
int cades_signer_new(const struct private_key *key,
    const struct certificate *const *chain, size_t count,
    struct cades_signer **out, struct why *why);
void cades_signer_free(struct cades_signer *signer); /* NULL is fine */

/* Append the signature of the content, as DER, to out. */
int cades_sign(const struct cades_signer *signer, struct span content,
    struct buf *out, struct why *why);

struct cades {
	struct certificate *certificate; /* of the signer */
	int64_t signed_ms;               /* as the signer says */
};

/*
 * Verify a signature of the content: exactly one signer, SHA-256 or better, a
 * signing-certificate-v2 that names the certificate which verifies it, and a
 * chain that led to an anchor at signing-time. On 0 cades_clear() *out.
 * WHY_MALFORMED, WHY_TOO_LARGE, WHY_UNSUPPORTED, WHY_CRYPTO (the signature is
 * wrong), WHY_INVALID (the certificate is not for signing), WHY_DENIED (the
 * signer is not trusted).
 */
int cades_verify(struct span der, struct span content,
    const struct anchors *anchors, struct cades *out, struct why *why);
void cades_clear(struct cades *cades);
