/*
 * make - new keys and certificates, for `budstikke init`, the demo authority
 * and tests. Not a certificate authority for production.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "keys/certificate.h"
#include "keys/private_key.h"

#include <stdint.h>

enum make_key { MAKE_RSA_2048, MAKE_RSA_3072, MAKE_P256, MAKE_P384 };

enum make_profile {
	MAKE_AUTHORITY,  /* signs certificates */
	MAKE_TLS_SERVER, /* digitalSignature, serverAuth, subjectAltName */
	MAKE_TLS_CLIENT, /* digitalSignature, clientAuth */
	MAKE_EVIDENCE,   /* digitalSignature, nonRepudiation */
	MAKE_SEAL        /* keyEncipherment; EC: keyAgreement */
};

struct make_request {
	enum make_profile profile;
	const char *common_name;       /* UTF-8 */
	const char *organisation_name; /* O, or NULL */
	const char *organisation;      /* nine digits -> 2.5.4.97 NTRNO-, or
					  NULL */
	const char *alternative_names; /* "DNS:localhost,IP:127.0.0.1", or NULL
					*/
	int64_t not_before_ms;
	int64_t not_after_ms;
};

int make_private_key(
    enum make_key kind, struct private_key **out, struct why *why);

/*
 * Append the certificate for `key` as PEM. issuer_certificate and issuer_key:
 * both NULL for a self-signed one. The serial number is random (RFC 5280:
 * positive, 16 octets).
 */
int make_certificate(const struct make_request *request,
    const struct private_key *key, const struct certificate *issuer_certificate,
    const struct private_key *issuer_key, struct buf *out, struct why *why);
