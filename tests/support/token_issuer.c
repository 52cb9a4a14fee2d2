#include "tests/support/token_issuer.h"

#include "base/text.h"

#include <assert.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

static const char *const kids[] = {"rsa", "pss", "ec", "weak"};
static const char *const algs[] = {"RS256", "PS256", "ES256", "RS256"};

void
token_issuer_open(struct token_issuer *issuer)
{
	issuer->keys[ISSUER_RSA] = EVP_RSA_gen(2048);
	issuer->keys[ISSUER_PSS] = EVP_RSA_gen(2048);
	issuer->keys[ISSUER_EC] = EVP_EC_gen("P-256");
	issuer->keys[ISSUER_WEAK] = EVP_RSA_gen(1024);
	for (int i = 0; i < ISSUER_KEYS; i++)
		assert(issuer->keys[i]);
}

void
token_issuer_close(struct token_issuer *issuer)
{
	for (int i = 0; i < ISSUER_KEYS; i++)
		EVP_PKEY_free(issuer->keys[i]);
}

static void
number_add(struct buf *out, const char *name, const EVP_PKEY *key,
    const char *param, int size)
{
	BIGNUM *number = NULL;
	uint8_t bytes[512];

	int done = EVP_PKEY_get_bn_param(key, param, &number);
	assert(done == 1);
	if (size == 0)
		size = BN_num_bytes(number);
	(void)BN_bn2binpad(number, bytes, size);
	BN_free(number);
	buf_printf(out, ",\"%s\":\"", name);
	base64url_build(out, span_of(bytes, (size_t)size));
	buf_add_text(out, "\"");
}

void
token_issuer_jwks(const struct token_issuer *issuer, struct buf *out)
{
	buf_add_text(out, "{\"keys\":[");
	for (int i = 0; i < ISSUER_KEYS; i++) {
		const EVP_PKEY *key = issuer->keys[i];
		buf_printf(out, "%s{\"kid\":\"%s\",\"alg\":\"%s\"",
		    i ? "," : "", kids[i], algs[i]);
		if (i == ISSUER_EC) {
			buf_add_text(out, ",\"kty\":\"EC\",\"crv\":\"P-256\"");
			number_add(out, "x", key, OSSL_PKEY_PARAM_EC_PUB_X, 32);
			number_add(out, "y", key, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
		} else {
			buf_add_text(out, ",\"kty\":\"RSA\",\"use\":\"sig\"");
			number_add(out, "n", key, OSSL_PKEY_PARAM_RSA_N, 0);
			number_add(out, "e", key, OSSL_PKEY_PARAM_RSA_E, 0);
		}
		buf_add_text(out, "}");
	}
	buf_add_text(out, "]}");
}

/* JWS wants r and s side by side, OpenSSL gives a SEQUENCE. */
static size_t
ecdsa_flatten(uint8_t *bytes, size_t size)
{
	const uint8_t *at = bytes;
	ECDSA_SIG *both = d2i_ECDSA_SIG(NULL, &at, (long)size);

	assert(both);
	(void)BN_bn2binpad(ECDSA_SIG_get0_r(both), bytes, 32);
	(void)BN_bn2binpad(ECDSA_SIG_get0_s(both), bytes + 32, 32);
	ECDSA_SIG_free(both);
	return 64;
}

static size_t
hmac_sign(EVP_PKEY *key, struct span text, uint8_t *bytes)
{
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned size = 0;
	char *pem;

	(void)PEM_write_bio_PUBKEY(bio, key);
	long pem_size = BIO_get_mem_data(bio, &pem);
	(void)HMAC(
	    EVP_sha256(), pem, (int)pem_size, text.at, text.size, bytes, &size);
	BIO_free(bio);
	return size;
}

static size_t
key_sign(const struct token_issuer *issuer, int which, struct span text,
    uint8_t *bytes, size_t size)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *context;
	EVP_PKEY *key = issuer->keys[which];

	int done = EVP_DigestSignInit(md, &context, EVP_sha256(), NULL, key);
	if (which == ISSUER_PSS) {
		(void)EVP_PKEY_CTX_set_rsa_padding(
		    context, RSA_PKCS1_PSS_PADDING);
		(void)EVP_PKEY_CTX_set_rsa_pss_saltlen(context, 32);
	}
	if (done == 1)
		done = EVP_DigestSign(md, bytes, &size, text.at, text.size);
	assert(done == 1);
	EVP_MD_CTX_free(md);
	return which == ISSUER_EC ? ecdsa_flatten(bytes, size) : size;
}

void
token_issuer_sign(const struct token_issuer *issuer, int key,
    const char *header, const char *claims, struct buf *out)
{
	uint8_t bytes[512];
	size_t size = 0;

	base64url_build(out, span_text(header));
	buf_add_text(out, ".");
	base64url_build(out, span_text(claims));
	if (key >= 0)
		size =
		    key_sign(issuer, key, buf_span(out), bytes, sizeof(bytes));
	else if (key == -2)
		size =
		    hmac_sign(issuer->keys[ISSUER_RSA], buf_span(out), bytes);
	buf_add_text(out, ".");
	base64url_build(out, span_of(bytes, size));
	assert(buf_ok(out));
}
