/*
 * revocation - has the issuer taken a certificate back? By OCSP (RFC 6960), or
 * by the issuer's list, CRL (RFC 5280 section 5).
 *
 * Pure code: what to ask whom, and what an answer is worth. Who carries the
 * bytes, how long an answer is kept and what is done without one is not
 * decided here.
 *
 * SECURITY: answers are hostile; an answer counts only when the issuer, or a
 * responder to whom it gave id-kp-OCSPSigning, signed it for this certificate.
 * No answer is an answer by mistake: what cannot be read, is too old, or is of
 * another certificate is an error, never "good".
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "keys/certificate.h"

#include <stdint.h>

#define REVOCATION_URL_SIZE 512
#define REVOCATION_OCSP_BYTES_MAX (64u << 10)
#define REVOCATION_CRL_BYTES_MAX (16u << 20)
/* Clocks differ: an answer may come this much from the future. */
#define REVOCATION_AHEAD_MS INT64_C(300000)
/* Without nextUpdate an answer is good for so long. */
#define REVOCATION_OLDEST_MS (INT64_C(24) * 3600 * 1000)

enum revocation_state {
	REVOCATION_GOOD = 1,
	REVOCATION_REVOKED = 2,
	REVOCATION_UNKNOWN = 3, /* OCSP: the responder does not know it */
};

struct revocation {
	enum revocation_state state;
	int64_t made_ms;    /* thisUpdate: the answer's age counts from here */
	int64_t next_ms;    /* good until; set from REVOCATION_OLDEST_MS, too */
	int64_t revoked_ms; /* 0: not revoked */
};

/* Where the certificate says to ask: the first http or https address of each,
 * "" when there is none. */
struct revocation_places {
	char ocsp[REVOCATION_URL_SIZE];
	char crl[REVOCATION_URL_SIZE];
};
void revocation_places(
    const struct certificate *certificate, struct revocation_places *out);

/* The certificate's issuer: from the chain that leads to an anchor. *out is
 * the caller's. WHY_DENIED when no chain holds. */
int revocation_issuer(const struct certificate *certificate,
    const struct anchors *anchors, const struct span *extra_der,
    size_t extra_count, int64_t at_ms, struct certificate **out,
    struct why *why);

/* Append the question (DER), about one certificate, without a nonce: answers
 * are made beforehand and kept, and old ones are told by their time. */
int revocation_ocsp_ask(const struct certificate *certificate,
    const struct certificate *issuer, struct buf *out, struct why *why);

/*
 * What an OCSP answer says of the certificate. WHY_MALFORMED not an answer;
 * WHY_BUSY the responder says "try later" and the like; WHY_CRYPTO not signed
 * by whom it must be; WHY_NOT_FOUND of another certificate; WHY_INVALID too old
 * or from the future; WHY_TOO_LARGE.
 */
int revocation_ocsp_read(struct span answer,
    const struct certificate *certificate, const struct certificate *issuer,
    int64_t at_ms, struct revocation *out, struct why *why);

/* What a CRL (DER or PEM) says of it; the codes are the same. Partial lists
 * (delta, of some reasons, of other issuers) are WHY_UNSUPPORTED. */
int revocation_crl_read(struct span list, const struct certificate *certificate,
    const struct certificate *issuer, int64_t at_ms, struct revocation *out,
    struct why *why);

/* "good", "revoked", "unknown". Static; never NULL. */
const char *revocation_state_name(enum revocation_state state);
