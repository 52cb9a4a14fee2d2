/*
 * log_key_priv - what signing and verifying share.
 */
#pragma once

#include "keys/log_hash.h"
#include "keys/log_key.h"

#define LOG_KEY_ED25519 0x01 /* C2SP signed-note's type of signature */

/* WHY_MALFORMED when that is no name of a key. */
int log_public_key_fill(struct log_public_key *key, struct span name,
    const uint8_t at[LOG_KEY_SIZE], struct why *why);
