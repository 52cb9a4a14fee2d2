/*
 * conservation - the account of all deliveries, made from the evidence alone.
 *
 * For every mailbox, accepted = waiting + imported + rejected + expired +
 * recalled. All but waiting are counted in the signed bytes of the log's
 * evidence; waiting are the deliveries that the store really has. So a delivery
 * that was lost, or taken away with its counters, shows as a difference.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "keys/log_signer.h"
#include "spool/spool.h"

#include <stdbool.h>

struct conservation_line {
	char recipient[SPOOL_ORG_SIZE]; /* "" for all */
	uint64_t accepted;
	uint64_t waiting;
	uint64_t imported; /* unproven are among them */
	uint64_t unproven;
	uint64_t rejected;
	uint64_t expired;
	uint64_t recalled;
};

struct conservation {
	struct conservation_line *lines; /* by recipient */
	size_t count;
	size_t capacity;
	struct spool_position last; /* of the evidence counted */
	uint64_t gaps;              /* places in the log without evidence */
};

void conservation_clear(struct conservation *account);

/* One piece of evidence, in the order of the log; it speaks for itself: what it
 * says of its place is signed, too. WHY_MALFORMED, WHY_NOMEM. */
int conservation_add(
    struct conservation *account, struct span jws, struct why *why);
/* A delivery that the store has waiting. */
int conservation_waits(
    struct conservation *account, const char *recipient, struct why *why);

bool conservation_line_holds(const struct conservation_line *line);
/* All lines hold, and the log has evidence at each place up to its end. */
bool conservation_holds(
    const struct conservation *account, const struct log_head *head);

/* Append the statement's payload; see evidence(5). */
int conservation_build(struct buf *out, const struct conservation *account,
    const struct log_head *head, int64_t time_ms, struct why *why);
