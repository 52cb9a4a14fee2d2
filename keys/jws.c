/*
 * jws - builds the protected header once and signs payloads under it.
 */
#include "keys/jws.h"

#include "base/text.h"
#include "keys/jws_priv.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#define JWS_DER_MAX 1024 /* an ECDSA or RSA signature */

/* What does not change from one signature to the next is made once: OpenSSL 3
 * looks up algorithms and exports keys for each context anew. */
struct jws_signer {
	EVP_PKEY *pkey; /* lent */
	const struct jws_algorithm *algorithm;
	struct buf header;    /* base64url, with the dot behind it */
	EVP_PKEY_CTX *key;    /* ready to sign digests */
	EVP_MD_CTX *prefix;   /* the digest of the header so far */
	EVP_MD_CTX *progress; /* the copy of it that takes the payload */
};

static const struct jws_algorithm algorithms[] = {
    {"ES256", CERTIFICATE_P256, "SHA256", false, 32},
    {"ES384", CERTIFICATE_P384, "SHA384", false, 48},
    {"PS256", CERTIFICATE_RSA, "SHA256", true, 0},
    {"RS256", CERTIFICATE_RSA, "SHA256", false, 0},
};

#define ALGORITHMS (sizeof algorithms / sizeof *algorithms)

const struct jws_algorithm *
jws_algorithm_named(struct span name)
{
	for (size_t i = 0; i < ALGORITHMS; i++)
		if (span_is(name, algorithms[i].name))
			return &algorithms[i];
	return NULL;
}

const struct jws_algorithm *
jws_algorithm_of(enum certificate_key key, bool rs256)
{
	for (size_t i = 0; i < ALGORITHMS; i++)
		if (algorithms[i].key == key &&
		    (key != CERTIFICATE_RSA || algorithms[i].pss != rs256))
			return &algorithms[i];
	return NULL;
}

bool
jws_padding_set(EVP_PKEY_CTX *context, const struct jws_algorithm *algorithm)
{
	return !algorithm->pss || (EVP_PKEY_CTX_set_rsa_padding(
				       context, RSA_PKCS1_PSS_PADDING) == 1 &&
				      EVP_PKEY_CTX_set_rsa_pss_saltlen(context,
					  RSA_PSS_SALTLEN_DIGEST) == 1);
}

/* {"alg":...,"typ":...,"x5t#S256":...,"x5c":[...]}, RFC 7515 section 4.1. */
static void
build_header(struct jws_signer *signer, const struct certificate *const *chain,
    size_t count, const char *type)
{
	struct buf json;
	buf_init(&json, JWS_HEADER_BYTES_MAX);
	buf_printf(&json, "{\"alg\":\"%s\",\"typ\":\"%s\",\"x5t#S256\":\"",
	    signer->algorithm->name, type);
	base64url_build(&json, span_of(certificate_facts(chain[0])->fingerprint,
				   CERTIFICATE_FINGERPRINT_SIZE));
	buf_add_text(&json, "\",\"x5c\":[");
	for (size_t i = 0; i < count; i++) {
		buf_add_text(&json, i == 0 ? "\"" : ",\"");
		base64_build(&json, certificate_der(chain[i]));
		buf_add_byte(&json, '"');
	}
	buf_add_text(&json, "]}");
	base64url_build(&signer->header, buf_span(&json));
	buf_add_byte(&signer->header, '.');
	if (!buf_ok(&json))
		signer->header.failed = true;
	buf_clear(&json);
}

/* The name goes into JSON as it is. */
static bool
type_is_plain(const char *type)
{
	for (; *type != '\0'; type++)
		if (*type <= ' ' || *type >= 0x7f || *type == '"' ||
		    *type == '\\')
			return false;
	return true;
}

static bool
contexts_make(struct jws_signer *signer)
{
	EVP_MD *digest = EVP_MD_fetch(NULL, signer->algorithm->digest, NULL);
	/* by its name: a token's engine knows no digest that was fetched */
	const EVP_MD *named = EVP_get_digestbyname(signer->algorithm->digest);
	signer->key = EVP_PKEY_CTX_new_from_pkey(NULL, signer->pkey, NULL);
	signer->prefix = EVP_MD_CTX_new();
	signer->progress = EVP_MD_CTX_new();
	bool good = digest != NULL && signer->key != NULL &&
		    signer->prefix != NULL && signer->progress != NULL &&
		    named != NULL && EVP_PKEY_sign_init(signer->key) == 1 &&
		    EVP_PKEY_CTX_set_signature_md(signer->key, named) == 1 &&
		    jws_padding_set(signer->key, signer->algorithm) &&
		    EVP_DigestInit_ex2(signer->prefix, digest, NULL) == 1 &&
		    EVP_DigestUpdate(signer->prefix, signer->header.at,
			signer->header.size) == 1;
	EVP_MD_free(digest);
	return good;
}

int
jws_signer_new(const struct private_key *key,
    const struct certificate *const *chain, size_t count, const char *type,
    bool rs256, struct jws_signer **out, struct why *why)
{
	if (count == 0 || count > JWS_CHAIN_MAX || !type_is_plain(type))
		return why_set(why, WHY_INVALID,
		    "a signer takes 1 to %d certificates and a plain type",
		    JWS_CHAIN_MAX);
	int ret = private_key_check_pair(key, chain[0], why);
	if (ret < 0)
		return ret;
	struct jws_signer *signer = calloc(1, sizeof *signer);
	if (signer == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a signer");
	signer->pkey = private_key_pkey(key);
	signer->algorithm = jws_algorithm_of(private_key_kind(key), rs256);
	buf_init(&signer->header, (size_t)2 * JWS_HEADER_BYTES_MAX);
	build_header(signer, chain, count, type);
	if (!buf_ok(&signer->header)) {
		jws_signer_free(signer);
		return why_set(why, WHY_TOO_LARGE,
		    "the signature's header is over %u bytes",
		    JWS_HEADER_BYTES_MAX);
	}
	if (!contexts_make(signer)) {
		jws_signer_free(signer);
		return why_openssl(why, WHY_CRYPTO, "making a signer");
	}
	*out = signer;
	return 0;
}

void
jws_signer_free(struct jws_signer *signer)
{
	if (signer == NULL)
		return;
	EVP_PKEY_CTX_free(signer->key);
	EVP_MD_CTX_free(signer->prefix);
	EVP_MD_CTX_free(signer->progress);
	buf_clear(&signer->header);
	free(signer);
}

/* r and s, each filled up to its length (RFC 7518 section 3.4). */
static bool
raw_of_der(struct span der, size_t half, uint8_t *raw)
{
	const unsigned char *at = der.at;
	ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)der.size);
	bool good = signature != NULL &&
		    BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, (int)half) ==
			(int)half &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + half,
			(int)half) == (int)half;
	ECDSA_SIG_free(signature);
	return good;
}

/* The header is in the digest already; rest is what stands behind it. */
static int
sign_rest(const struct jws_signer *signer, struct span rest, uint8_t *signature,
    size_t *size, struct why *why)
{
	const struct jws_algorithm *algorithm = signer->algorithm;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned digest_size = 0;
	bool good =
	    EVP_MD_CTX_copy_ex(signer->progress, signer->prefix) == 1 &&
	    EVP_DigestUpdate(signer->progress, rest.at, rest.size) == 1 &&
	    EVP_DigestFinal_ex(signer->progress, digest, &digest_size) == 1 &&
	    EVP_PKEY_sign(signer->key, signature, size, digest, digest_size) ==
		1;
	if (good && algorithm->half > 0) {
		uint8_t raw[96];
		good =
		    raw_of_der(span_of(signature, *size), algorithm->half, raw);
		*size = 2 * algorithm->half;
		memcpy(signature, raw, *size);
	}
	return good ? 0 : why_openssl(why, WHY_CRYPTO, "signing");
}

int
jws_sign(const struct jws_signer *signer, struct span payload, struct buf *out,
    struct why *why)
{
	uint8_t signature[JWS_DER_MAX];
	size_t size = sizeof signature;
	size_t start = out->size;
	buf_add_span(out, buf_span(&signer->header));
	base64url_build(out, payload);
	if (!buf_ok(out))
		return why_set(why, WHY_NOMEM, "no room for a signature");
	if (out->size - start > JWS_BYTES_MAX - 2 * JWS_DER_MAX) {
		out->size = start;
		return why_set(why, WHY_TOO_LARGE,
		    "the payload to sign is over the limit");
	}
	size_t header = start + signer->header.size;
	int ret =
	    sign_rest(signer, span_of(out->at + header, out->size - header),
		signature, &size, why);
	if (ret < 0) {
		out->size = start;
		return ret;
	}
	buf_add_byte(out, '.');
	base64url_build(out, span_of(signature, size));
	if (!buf_ok(out))
		return why_set(why, WHY_NOMEM, "no room for a signature");
	return 0;
}
