/*
 * password - how a password stands in callers.conf, and whether one is it.
 *
 * A generated one as SALT:SHA256, hexadecimal both: it cannot be guessed, so a
 * fast digest protects it.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define PASSWORD_BYTES_LEAST 22 /* 128 bits in base64 */
#define PASSWORD_BYTES_MOST 256
#define PASSWORD_SALT_DIGITS 32

struct password {
	char salt[PASSWORD_SALT_DIGITS + 1]; /* as it is written */
	uint8_t digest[32];
};

bool password_parse(const char *text, struct password *out);

/* In constant time. stored NULL: false, and takes as long as with one, so that
 * nobody learns which logins there are. */
bool password_is(const struct password *stored, struct span shown);
