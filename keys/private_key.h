/*
 * private_key - one RSA, P-256 or P-384 private key, in memory or in a token.
 *
 * Loaded before the jail; never written out but by private_key_pem(), which
 * only key generation uses.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "keys/certificate.h"

struct private_key;

/* PEM (PKCS#8 unencrypted, PKCS#1 or SEC1). Same key rules as a certificate's.
 * A key under a pass phrase: WHY_UNSUPPORTED. */
int private_key_parse(
    struct span pem, struct private_key **out, struct why *why);

/* Read a file, a key in PEM or the name of one in a token (keys/token.h): a
 * regular file that neither group nor world may read or write,
 * owned by root or the effective user; otherwise WHY_DENIED. */
int private_key_load(
    const char *path, struct private_key **out, struct why *why);
void private_key_free(struct private_key *key); /* NULL is fine */

enum certificate_key private_key_kind(const struct private_key *key);

/* WHY_INVALID when the certificate holds another key. */
int private_key_check_pair(const struct private_key *key,
    const struct certificate *certificate, struct why *why);

/* Append the key as unencrypted PKCS#8 PEM. The caller wipes the buf. */
int private_key_pem(
    const struct private_key *key, struct buf *out, struct why *why);
