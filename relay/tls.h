/*
 * tls - the one place that loads the TLS key: server contexts for the
 * listeners, and the digest of a caller's certificate.
 *
 * TLS 1.3, or from 1.2 with forward secrecy and AEAD suites only. No session
 * tickets, no resumption, no renegotiation, no compression, ALPN http/1.1.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

#include <stdbool.h>
#include <stdint.h>

#define TLS_DIGEST_SIZE 32 /* SHA-256 of a certificate's DER */

struct tls; /* a server context: certificate, key, rules */
struct ssl_st;

struct tls_config {
	const char *certificate_path; /* PEM: own certificate, then the chain */
	const char *key_path;         /* PEM, no passphrase */
	const char *client_ca_path;   /* PEM; NULL: a client's certificate is
					 taken as it is and known by its digest
					 alone (possession of the key is always
					 proven) */
	bool allow_tls12;
};

/* On success *out is the caller's, close with tls_close(). Reads the files, so
 * call it before the jail. */
int tls_open(
    const struct tls_config *config, struct tls **out, struct why *why);
void tls_close(struct tls *tls); /* NULL is fine */

/* When the own certificate ends, milliseconds since 1970. */
int64_t tls_expires_at(const struct tls *tls);

/* A new server session, the caller's; NULL without memory. */
struct ssl_st *tls_session_new(struct tls *tls);

/* The digest of the certificate that the other end proved; false if none. */
bool tls_session_digest(
    const struct ssl_st *session, uint8_t digest[TLS_DIGEST_SIZE]);

/*
 * The digest of a certificate that a proxy passed on in a header field: base64
 * of the DER (HAProxy: ssl_c_der,base64) or percent-escaped PEM (nginx:
 * $ssl_client_escaped_cert). WHY_MALFORMED when it is neither.
 */
int tls_header_digest(
    struct span value, uint8_t digest[TLS_DIGEST_SIZE], struct why *why);
