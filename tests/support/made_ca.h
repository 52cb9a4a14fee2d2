/*
 * made_ca - a certification authority that issues what no honest one would.
 */
#pragma once

#include "keys/certificate.h"

#include <openssl/x509.h>
#include <stdint.h>

#define TEST_CA_ORGANISATION "987654325"

/* What is not set is as an honest certificate for sealing has it. */
struct made_ca_wish {
	EVP_PKEY *key;           /* lent; NULL: the one of all tests */
	EVP_PKEY *issuer_key;    /* lent; NULL: the authority's */
	X509 *issuer;            /* lent; NULL: the authority */
	const char *common_name; /* NULL: "Testmottak" */
	const char
	    *organisation;       /* 2.5.4.97; NULL: NTRNO- and ours; "": none */
	const char *serial_name; /* 2.5.4.5; NULL: none */
	int name_type;           /* of both; 0: UTF8String */
	const char *usage;    /* key usage; NULL: keyEncipherment; "": none */
	const char *extended; /* extended key usage; NULL: none */
	const char *basic;    /* NULL: CA:FALSE */
	const char *more[3];  /* pairs of name and value, e.g. crl points */
	const char *more_value[3];
	const EVP_MD *digest; /* NULL: SHA-256 */
	int64_t from_s;       /* after now; 0: an hour ago */
	int64_t to_s;         /* after now; 0: in 30 days */
	long serial;          /* 0: the next */
	int critical;         /* an unknown extension, critical */
};

struct made_ca {
	EVP_PKEY *key; /* RSA-2048: MD5 exists with RSA only */
	X509 *x509;
	EVP_PKEY *member; /* RSA-2048, of those who bring none */
	struct buf pem;   /* the authority */
	long serials;
};

void made_ca_open(struct made_ca *ca);
void made_ca_close(struct made_ca *ca);

/* The caller's. Fails the test rather than return nothing. */
X509 *made_ca_issue(struct made_ca *ca, const struct made_ca_wish *wish);
/* As DER and as PEM; out is the caller's. */
void made_ca_der(X509 *x509, struct buf *out);
void made_ca_pem(X509 *x509, struct buf *out);
/* Through certificate_parse(), which is why it may refuse. */
int made_ca_parse(X509 *x509, struct certificate **out, struct why *why);
