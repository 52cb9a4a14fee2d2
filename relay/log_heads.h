/*
 * log_heads - the newest checkpoints of the relay's logs, as spool told them.
 *
 * SECURITY: they come from another role, so they are parsed as hostile; net
 * cannot make one, as it has no key for it.
 */
#pragma once

#include "base/buf.h"
#include "formats/merkle.h"
#include "relay/spool_wire.h"

struct http_request;
struct log_heads;

struct log_head_told {
	uint32_t epoch;
	uint64_t size;
	struct merkle_hash root;
	char *origin;
	struct buf note; /* signed */
	struct buf key;  /* the line of its public key */
};

struct log_heads *log_heads_new(void); /* NULL without memory */
void log_heads_free(struct log_heads *heads);

/* A telling of spool's. One that is not newer than what is here is passed over;
 * what does not parse is logged. */
void log_heads_take(struct log_heads *heads, struct span body);

/* NULL: none yet, or no such epoch. Lent until the next telling. */
const struct log_head_told *log_heads_of(
    const struct log_heads *heads, uint32_t epoch);
/* By place, oldest epoch first; NULL behind the last. The last is this
 * epoch's. */
const struct log_head_told *log_heads_at(
    const struct log_heads *heads, size_t index);

/* Budstikke-Checkpoint: origin, size and root, for every answer. */
void log_heads_field_add(
    const struct log_heads *heads, struct http_request *request);
