/*
 * growth - did a log only ever grow? Two checkpoints and what proves that the
 * older is the beginning of the newer, as one file:
 *
 *   {"old": NOTE, "new": NOTE, "proof": [BASE64, ...]}
 *
 * SECURITY: growth_verify() reads hostile bytes.
 */
#pragma once

#include "tools/log_trust.h"

#include <jansson.h>
#include <stdint.h>

struct growth {
	uint64_t from;
	uint64_t to;
};

/* Is it one, by its members? */
bool growth_is(const json_t *value);
/* Both checkpoints' signatures, one origin, and the proof. All codes but
 * WHY_NOMEM: not to be believed. */
int growth_verify(const json_t *value, const struct log_trust *trust,
    struct growth *growth, struct why *why);
