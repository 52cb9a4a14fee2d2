/*
 * log_trust - the logs that are believed: public keys as a relay publishes
 * them, one line for each of its logs.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "formats/checkpoint.h"
#include "keys/log_key.h"

#include <stddef.h>

#define LOG_TRUST_MOST 64

struct log_trust {
	struct log_public_key keys[LOG_TRUST_MOST];
	size_t count;
};

/* Lines of a file; empty ones and "#" lines are passed over. */
int log_trust_parse(struct span text, struct log_trust *trust, struct why *why);
int log_trust_read(const char *path, struct log_trust *trust, struct why *why);

/*
 * A checkpoint, when one of the logs has signed it under its own name; lent by
 * the note. WHY_CRYPTO and WHY_DENIED: not to be believed.
 */
int log_trust_checkpoint(const struct log_trust *trust, struct span note,
    struct checkpoint *checkpoint, struct why *why);
