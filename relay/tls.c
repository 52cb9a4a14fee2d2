/*
 * TLS with OpenSSL 3.0: contexts and certificate digests.
 *
 * SECURITY: holds the TLS key. Certificates come from anybody who connects:
 * they are parsed by OpenSSL, and by default nothing in them is believed but
 * that the other end has the key.
 */
#include "relay/tls.h"

#include "base/text.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEADER_MOST (64u << 10) /* bytes of a certificate in a header field */

struct tls {
	SSL_CTX *context;
	int64_t expires_ms;
};

static int
tls_why(struct why *why, int code, const char *what, const char *path)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return why_set(why, code, "%s %s: %s", what, path,
	    reason ? reason : "not accepted");
}

/* Without an authority a certificate is a name by its digest; the handshake
 * has proven the key. */
static int
accept_any(X509_STORE_CTX *store, void *arg)
{
	(void)store;
	(void)arg;
	return 1;
}

/* A key under a pass phrase is refused: nobody is there to be asked. */
static int
no_passphrase(char *into, int size, int writing, void *arg)
{
	(void)into;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
    const unsigned char *in, unsigned in_size, void *arg)
{
	static const unsigned char http[] = "\x08http/1.1";
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_size, http, sizeof(http) - 1, in,
		in_size) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static int
context_keys(struct tls *tls, const struct tls_config *config, struct why *why)
{
	SSL_CTX *context = tls->context;

	SSL_CTX_set_default_passwd_cb(context, no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(
		context, config->certificate_path) != 1)
		return tls_why(why, WHY_INVALID, "TLS certificate",
		    config->certificate_path);
	if (SSL_CTX_use_PrivateKey_file(
		context, config->key_path, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(context) != 1)
		return tls_why(why, WHY_INVALID, "TLS key", config->key_path);
	struct tm end;
	if (ASN1_TIME_to_tm(
		X509_get0_notAfter(SSL_CTX_get0_certificate(context)), &end) !=
	    1)
		return tls_why(why, WHY_INVALID, "TLS certificate's end",
		    config->certificate_path);
	tls->expires_ms = (int64_t)timegm(&end) * 1000;
	return 0;
}

static int
context_clients(
    SSL_CTX *context, const struct tls_config *config, struct why *why)
{
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	if (!config->client_ca_path) {
		SSL_CTX_set_cert_verify_callback(context, accept_any, NULL);
		return 0;
	}
	STACK_OF(X509_NAME) *names =
	    SSL_load_client_CA_file(config->client_ca_path);
	if (!names ||
	    SSL_CTX_load_verify_file(context, config->client_ca_path) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return tls_why(
		    why, WHY_INVALID, "client CA", config->client_ca_path);
	}
	SSL_CTX_set_client_CA_list(context, names);
	return 0;
}

static int
context_rules(SSL_CTX *context, bool allow_tls12, struct why *why)
{
	SSL_CTX_set_options(context,
	    SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
		SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_ENCRYPT_THEN_MAC);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
	if (SSL_CTX_set_num_tickets(context, 0) != 1 ||
	    SSL_CTX_set_min_proto_version(
		context, allow_tls12 ? TLS1_2_VERSION : TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") !=
		1)
		return tls_why(why, WHY_SYSTEM, "TLS", "rules");
	return 0;
}

int
tls_open(const struct tls_config *config, struct tls **out, struct why *why)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	int ret;

	if (!tls)
		return why_set(why, WHY_NOMEM, "no memory for TLS");
	ERR_clear_error();
	tls->context = SSL_CTX_new(TLS_server_method());
	if (!tls->context) {
		ret = why_set(why, WHY_NOMEM, "no memory for TLS");
		goto out;
	}
	ret = context_rules(tls->context, config->allow_tls12, why);
	if (ret == 0)
		ret = context_keys(tls, config, why);
	if (ret == 0)
		ret = context_clients(tls->context, config, why);
	if (ret < 0)
		goto out;
	*out = tls;
	tls = NULL;
out:
	tls_close(tls);
	return ret;
}

void
tls_close(struct tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->context);
	free(tls);
}

int64_t
tls_expires_at(const struct tls *tls)
{
	return tls->expires_ms;
}

struct ssl_st *
tls_session_new(struct tls *tls)
{
	SSL *ssl = SSL_new(tls->context);

	if (!ssl)
		ERR_clear_error();
	return ssl;
}

/* ---- who is at the other end ---- */

static bool
certificate_digest(const X509 *certificate, uint8_t digest[TLS_DIGEST_SIZE])
{
	unsigned size = 0;

	return X509_digest(certificate, EVP_sha256(), digest, &size) == 1 &&
	       size == TLS_DIGEST_SIZE;
}

bool
tls_session_digest(
    const struct ssl_st *session, uint8_t digest[TLS_DIGEST_SIZE])
{
	X509 *certificate = SSL_get0_peer_certificate(session);

	return certificate && certificate_digest(certificate, digest);
}

/* "%0A" and so on, as nginx escapes; false for a broken escape. */
static bool
unescape(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.size; i++) {
		uint8_t byte = text.at[i];
		if (byte == '%') {
			int high = i + 2 < text.size
				       ? hex_digit((char)text.at[i + 1])
				       : -1;
			int low =
			    high >= 0 ? hex_digit((char)text.at[i + 2]) : -1;
			if (low < 0)
				return false;
			byte = (uint8_t)(high << 4 | low);
			i += 2;
		}
		buf_add_byte(out, byte);
	}
	return buf_ok(out);
}

static X509 *
certificate_parse_pem(struct span text)
{
	X509 *certificate = NULL;
	BIO *in = NULL;
	struct buf pem;

	buf_init(&pem, HEADER_MOST);
	if (unescape(&pem, text))
		in = BIO_new_mem_buf(pem.at, (int)pem.size);
	if (in)
		certificate = PEM_read_bio_X509(in, NULL, NULL, NULL);
	BIO_free(in);
	buf_clear(&pem);
	return certificate;
}

static X509 *
certificate_parse_der(struct span text)
{
	X509 *certificate = NULL;
	struct buf der;

	buf_init(&der, HEADER_MOST);
	if (base64_parse(&der, text) && der.size > 0) {
		const unsigned char *at = der.at;
		certificate = d2i_X509(NULL, &at, (long)der.size);
		if (certificate && at != der.at + der.size) {
			X509_free(certificate);
			certificate = NULL;
		}
	}
	buf_clear(&der);
	return certificate;
}

int
tls_header_digest(
    struct span value, uint8_t digest[TLS_DIGEST_SIZE], struct why *why)
{
	static const char begin[] = "-----BEGIN";
	X509 *certificate = NULL;
	bool ok;

	if (value.size > HEADER_MOST)
		return why_set(why, WHY_TOO_LARGE,
		    "certificate in the proxy's header is too large");
	if (value.size > sizeof(begin) &&
	    memcmp(value.at, begin, sizeof(begin) - 1) == 0)
		certificate = certificate_parse_pem(value);
	else
		certificate = certificate_parse_der(value);
	ok = certificate && certificate_digest(certificate, digest);
	X509_free(certificate);
	ERR_clear_error();
	if (!ok)
		return why_set(why, WHY_MALFORMED,
		    "the proxy's header holds no certificate");
	return 0;
}
