/*
 * certificate - one X.509 certificate, read once and described in plain fields.
 *
 * Trust is one of two policies: `pinned` (the owner registered exactly this
 * certificate; self-signed allowed) or `chained` (it leads to an anchor that
 * the operator configured; never to the system's store).
 *
 * SECURITY: certificate_parse() reads hostile bytes, at most
 * CERTIFICATE_BYTES_MAX of them.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

#include <stdbool.h>
#include <stdint.h>

#define CERTIFICATE_BYTES_MAX (16u << 10)
#define CERTIFICATE_FINGERPRINT_SIZE 32
#define CERTIFICATE_RSA_BITS_LEAST 2048 /* 3072 and more is advised */
#define CERTIFICATE_RSA_BITS_ADVISED 3072
#define CERTIFICATE_RSA_BITS_MOST 8192
#define ANCHORS_BYTES_MAX (1u << 20)
#define ANCHORS_COUNT_MAX 256

enum certificate_key {
	CERTIFICATE_RSA = 1,
	CERTIFICATE_P256 = 2,
	CERTIFICATE_P384 = 3
};

enum certificate_policy { CERTIFICATE_PINNED = 1, CERTIFICATE_CHAINED = 2 };

enum certificate_purpose {
	CERTIFICATE_FOR_SEALING = 1, /* keyEncipherment, EC: keyAgreement */
	CERTIFICATE_FOR_SIGNING = 2, /* digitalSignature or nonRepudiation */
	CERTIFICATE_FOR_CLIENT = 3   /* digitalSignature, of a TLS client */
};

struct certificate; /* parsed, with its public key; never changes */

struct certificate_facts {
	uint8_t fingerprint[CERTIFICATE_FINGERPRINT_SIZE]; /* SHA-256 of DER */
	char fingerprint_text[2 * CERTIFICATE_FINGERPRINT_SIZE + 1];
	int64_t not_before_ms; /* since 1970 UTC */
	int64_t not_after_ms;
	enum certificate_key key;
	unsigned key_bits;
	char organisation[10];    /* nine digits, "" when it names none */
	bool organisation_legacy; /* from serialNumber 2.5.4.5, not 2.5.4.97 */
	bool self_issued;         /* subject and issuer are the same name */
};

/*
 * Read exactly one certificate, DER or PEM (one CERTIFICATE block; white space
 * around it, nothing else). Refuses keys other than RSA >= 2048, P-256, P-384,
 * and a certificate whose fields contradict each other. *out is the caller's.
 * WHY_MALFORMED, WHY_TOO_LARGE, WHY_INVALID (weak key), WHY_UNSUPPORTED (other
 * key), WHY_NOMEM. The time is not looked at.
 */
int certificate_parse(
    struct span bytes, struct certificate **out, struct why *why);
void certificate_free(struct certificate *certificate); /* NULL is fine */

/* Lent; they live as long as the certificate. */
const struct certificate_facts *certificate_facts(
    const struct certificate *certificate);
struct span certificate_der(const struct certificate *certificate);

/* WHY_INVALID "not valid before ..." / "expired at ..." when not in force. */
int certificate_check_time(
    const struct certificate *certificate, int64_t at_ms, struct why *why);

/*
 * WHY_INVALID when the key usage or the extended key usage forbids the purpose
 * (absent: all is allowed, RFC 5280 sections 4.2.1.3 and 4.2.1.12). Extended:
 * for sealing emailProtection or clientAuth, which is what Norwegian
 * enterprise certificates carry on all their keys; for a client clientAuth; for
 * signing no question is asked.
 */
int certificate_check_purpose(const struct certificate *certificate,
    enum certificate_purpose purpose, struct why *why);

/* Certificates that the operator trusts as ends of a chain (and intermediate
 * ones that help to get there). */
struct anchors;

/* A PEM bundle of CERTIFICATE blocks, at least one. Self-issued ones are
 * anchors, the others only help to build the chain, unless none is self-issued:
 * then all are anchors. */
int anchors_parse(struct span pem, struct anchors **out, struct why *why);
void anchors_free(struct anchors *anchors);

/*
 * Does the certificate lead to an anchor, at the time given? extra_der: DER
 * certificates that came with it (hostile; may be NULL, 0). `revocation` asks
 * for a revocation check, which is not built: WHY_UNSUPPORTED, never a pass.
 * WHY_DENIED with the reason when the chain does not hold.
 */
int certificate_check_chain(const struct certificate *certificate,
    const struct anchors *anchors, const struct span *extra_der,
    size_t extra_count, int64_t at_ms, bool revocation, struct why *why);
