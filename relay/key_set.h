/*
 * key_set - the public keys of a token issuer (JWKS, RFC 7517), and whether
 * one of them signed.
 *
 * SECURITY: each key has one algorithm, from its own alg or by its kind (RSA:
 * RS256, P-256: ES256), and checks signatures of no other: what a token says of
 * itself never chooses. Keys of other kinds, for other uses or under 2048 bits
 * are left out; a set with a private key or a kid twice is refused whole.
 * Not for two threads: cjose counts references without locks.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "formats/access_token.h"

#define KEY_SET_BYTES (64u << 10)
#define KEY_SET_KEYS 32

struct key_set;

/* WHY_NOT_FOUND when no key of the set is of use. */
int key_set_parse(struct span text, struct key_set **out, struct why *why);
void key_set_free(struct key_set *set); /* NULL is fine */
size_t key_set_count(const struct key_set *set);

/* text is the whole token, as access_token_parse() took it. WHY_NOT_FOUND: no
 * key of this kid; WHY_CRYPTO: another algorithm than the key's, or not
 * signed by it. */
int key_set_verify(const struct key_set *set, enum token_alg alg,
    const char *kid, struct span text, struct why *why);
