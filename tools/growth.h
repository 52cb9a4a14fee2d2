/*
 * growth - did a log only ever grow? See formats/log_growth.h.
 *
 * SECURITY: growth_verify() reads hostile bytes.
 */
#pragma once

#include "tools/log_trust.h"

#include <stdint.h>

struct growth {
	uint64_t from;
	uint64_t to;
};

/* Both checkpoints' signatures, one origin, and the proof. All codes but
 * WHY_NOMEM: not to be believed. */
int growth_verify(struct span text, const struct log_trust *trust,
    struct growth *growth, struct why *why);
