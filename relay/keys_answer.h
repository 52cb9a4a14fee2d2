/*
 * keys_answer - what the keys role answers to whom.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "keys/store.h"
#include "relay/roles.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Append the answer's body (keys_wire.h) to one request. given: has this
 * process had the metadata keys already? It is set when they are given.
 * WHY_DENIED when a role of that kind may not ask this, or not again;
 * WHY_MALFORMED, WHY_TOO_LARGE, WHY_CRYPTO, WHY_NOMEM.
 */
int keys_answer(const struct key_store *store, enum role_kind from, bool *given,
    uint16_t type, struct span body, struct buf *answer, struct why *why);
