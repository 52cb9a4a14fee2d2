/*
 * trust - may this certificate stand for this organisation, for this use?
 *
 * One question, one answer with a name: what is refused says which fault it
 * was, so that an operator can tell a certificate of somebody else from one
 * that only came too early.
 *
 * `pinned`: the owner registered exactly this certificate. Its time, its key
 * usage and its critical extensions are looked at; its issuer and the
 * organisation it names are not, since whoever pinned it vouches for both.
 * `chained`: besides, it leads to an anchor and names the organisation.
 *
 * Revocation is a question of its own (revocation.h): it needs others' answers.
 */
#pragma once

#include "keys/certificate.h"

enum trust_fault {
	TRUST_HOLDS = 0,
	TRUST_NOT_YET_VALID,
	TRUST_EXPIRED,
	TRUST_WRONG_USAGE,         /* key usage or extended key usage */
	TRUST_CRITICAL_EXTENSION,  /* one that we do not know */
	TRUST_WEAK_SIGNATURE,      /* MD5, SHA-1, or a weak key in the chain */
	TRUST_BAD_SIGNATURE,       /* the issuer did not sign this */
	TRUST_UNKNOWN_ISSUER,      /* leads to no anchor */
	TRUST_ISSUER_NO_AUTHORITY, /* leads through one that may not issue */
	TRUST_NO_ORGANISATION,     /* names none where one is looked for */
	TRUST_OTHER_ORGANISATION,
	TRUST_CHAIN_BROKEN, /* anything else; the sentence says what */
};

struct trust_question {
	enum certificate_policy policy;
	enum certificate_purpose purpose;
	int64_t at_ms;
	const struct anchors *anchors; /* chained only */
	const char *organisation;      /* chained only; nine digits */
	const struct span *extra_der; /* came with it, hostile; NULL, 0: none */
	size_t extra_count;
};

/* 0, or WHY_DENIED with a sentence and the fault (WHY_NOMEM: no fault). */
int trust_check(const struct certificate *certificate,
    const struct trust_question *question, enum trust_fault *fault,
    struct why *why);

/* "wrong-usage", for logs and problems. Static; never NULL. */
const char *trust_fault_name(enum trust_fault fault);
