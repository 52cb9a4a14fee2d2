/*
 * evidence - what the relay says happened, as the bytes that are signed.
 *
 * One piece of evidence is a JSON object; its members are listed in
 * evidence(5). Event names are those of ETSI EN 319 522 where it has one, else
 * of our own name space. Classes are as RFC 3463.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "spool/spool.h"

struct evidence_issuer {
	const char *name;
	const char *organisation; /* "" when not configured */
};

#define EVIDENCE_BYTES_MAX (16u << 10)

/* Append the payload for a draft. WHY_TOO_LARGE, WHY_NOMEM. */
int evidence_build(struct buf *out, const struct spool_draft *draft,
    const struct evidence_issuer *issuer, struct why *why);

/* The event's URI, and the enhanced status class; static. */
const char *evidence_event(enum spool_level level);
const char *evidence_class(const struct spool_draft *draft);
