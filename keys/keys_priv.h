/*
 * keys_priv - what the files of this room share: OpenSSL's objects behind ours.
 */
#pragma once

#include "base/why.h"
#include "keys/certificate.h"
#include "keys/private_key.h"
#include "keys/secret.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

/* Lent. */
X509 *certificate_x509(const struct certificate *certificate);
EVP_PKEY *certificate_pkey(const struct certificate *certificate);
EVP_PKEY *private_key_pkey(const struct private_key *key);

/* certificate_check_chain() that says more. */
struct anchors_verdict {
	int64_t at_ms;      /* given */
	bool issuer_wanted; /* given */
	int error;          /* which X509_V_ERR_ it was; 0: none */
	X509 *issuer;       /* the caller's, when it is wanted and all holds */
};
int anchors_verify(const struct certificate *certificate,
    const struct anchors *anchors, const struct span *extra_der,
    size_t extra_count, struct anchors_verdict *verdict, struct why *why);

/* Takes the key over. Checks kind and size. */
int private_key_adopt(
    EVP_PKEY *take_pkey, struct private_key **out, struct why *why);

/* Which of our kinds, and how many bits; WHY_UNSUPPORTED, WHY_INVALID. */
int pkey_kind(EVP_PKEY *pkey, enum certificate_key *kind, unsigned *bits,
    struct why *why);

/* A file that only its owner (root or us) can read, as locked memory. */
int secret_load(
    const char *path, size_t max, struct secret *out, struct why *why);

/* The text of a PEM block "-----BEGIN label-----" at the front of *rest as
 * DER; *rest moves on behind it. False when there is none or it is not strict
 * (RFC 7468 section 3, lines of any length). */
bool pem_next(struct span *rest, const char *label, struct buf *der);

/* WHY_CRYPTO (or the code given) with OpenSSL's reason; empties its queue. */
int why_openssl(struct why *why, int code, const char *what);
