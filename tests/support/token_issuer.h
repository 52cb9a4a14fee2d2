/*
 * token_issuer - an issuer of access tokens for tests: its keys, its JWKS, and
 * tokens with any header and claims.
 */
#pragma once

#include "base/buf.h"

#include <openssl/evp.h>

enum { ISSUER_RSA, ISSUER_PSS, ISSUER_EC, ISSUER_WEAK, ISSUER_KEYS };

struct token_issuer {
	EVP_PKEY *keys[ISSUER_KEYS]; /* kids rsa, pss, ec, weak */
};

void token_issuer_open(struct token_issuer *issuer);
void token_issuer_close(struct token_issuer *issuer);

/* {"keys": [...]} of all four. */
void token_issuer_jwks(const struct token_issuer *issuer, struct buf *out);

/* header.claims.signature; key -1: the signature is empty, -2: an HMAC by the
 * public key's PEM. pss: RSASSA-PSS. */
void token_issuer_sign(const struct token_issuer *issuer, int key,
    const char *header, const char *claims, struct buf *out);
