/*
 * token - private keys that stay in a PKCS#11 token: a hardware module, or
 * SoftHSM. Reached through the engine of libp11, for Debian 12 has no PKCS#11
 * provider of OpenSSL 3.
 *
 * A key is named by a URI of RFC 7512, as
 * "pkcs11:token=relay;object=evidence;type=private;pin-value=1234".
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "keys/private_key.h"

#include <stdbool.h>

/* Load the module, a shared library, once per process: before the first key of
 * it, and before a jail. WHY_NOT_FOUND, WHY_CRYPTO. */
int token_open(const char *module, struct why *why);

bool token_uri_is(struct span text); /* begins with "pkcs11:" */

/*
 * A key by its URI, which may hold the PIN: no error repeats it. White space
 * may follow. WHY_INVALID when it names no object or id, WHY_STATE when no
 * module was loaded, WHY_NOT_FOUND when the token does not give the key.
 */
int token_key(struct span uri, struct private_key **out, struct why *why);
