/*
 * jws_priv - what signing and verifying share.
 */
#pragma once

#include "keys/jws.h"
#include "keys/keys_priv.h"

#include <stdbool.h>

struct jws_algorithm {
	const char *name;
	enum certificate_key key;
	const char *digest;
	bool pss;
	size_t half; /* octets of r and of s; 0 for RSA */
};

/* NULL when there is none of the name. */
const struct jws_algorithm *jws_algorithm_named(struct span name);
/* What a key of this kind signs with. */
const struct jws_algorithm *jws_algorithm_of(
    enum certificate_key key, bool rs256);

/* The padding of PS256 on a context of EVP_PKEY_sign_init() or
 * EVP_DigestVerifyInit(); nothing for the others. */
bool jws_padding_set(
    EVP_PKEY_CTX *context, const struct jws_algorithm *algorithm);
