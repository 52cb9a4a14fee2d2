/*
 * digest - SHA-256 for what net does with every message.
 */
#pragma once

#include "base/buf.h"

#include <openssl/types.h>

#include <stdbool.h>
#include <stdint.h>

#define DIGEST_SHA256_SIZE 32

/* Fetched once: OpenSSL looks EVP_sha256() up anew at each use. NULL when that
 * failed: its users then fail. */
const EVP_MD *digest_sha256(void);

/* Of bytes that lie there whole. */
bool digest_make(struct span bytes, uint8_t digest[DIGEST_SHA256_SIZE]);
