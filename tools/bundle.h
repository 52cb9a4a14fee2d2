/*
 * bundle - is what a receipt bundle says true? Without the relay, and without
 * believing it.
 */
#pragma once

#include "keys/certificate.h"
#include "tools/log_trust.h"
#include "tools/receipt.h"

/* Whom to believe: authorities of signers, and logs. */
struct bundle_trust {
	const struct anchors *anchors;
	const struct log_trust *logs;
};

/* Where in the log the evidence is. */
struct bundle_place {
	uint64_t index;
	uint64_t size; /* of the log, by the checkpoint */
};

/*
 * The receipt's signature, chain and time; the checkpoint's signature and
 * origin; that the receipt under its salt is that leaf of the checkpoint's
 * tree. On 0 receipt_clear(); on failure *receipt is empty. WHY_NOMEM and
 * WHY_SYSTEM say nothing about the bundle; all other codes: not to be believed.
 */
int bundle_verify(struct span text, const struct bundle_trust *trust,
    struct receipt *receipt, struct bundle_place *place, struct why *why);
