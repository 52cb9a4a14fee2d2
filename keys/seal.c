/*
 * seal - CMS for one recipient through OpenSSL's streaming encoder.
 *
 * The encoder writes to a BIO of ours that hands its pieces of 4 KiB straight
 * to the sink: who wants larger ones gathers them where they are to stay.
 */
#include "keys/seal.h"

#include "keys/keys_priv.h"

#include <openssl/cms.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

/* AES-GCM takes no more under one nonce (NIST SP 800-38D section 5.2.1.1). */
#define SEAL_GCM_BYTES_MAX ((UINT64_C(1) << 36) - 32)
#define SEAL_BIO_STEP (1u << 30) /* BIO_write takes an int */

struct seal {
	CMS_ContentInfo *cms;
	BIO *out;   /* our end; calls sink */
	BIO *chain; /* the encoder's end */
	struct sink sink;
	struct why failure; /* of the sink, reported by the caller's call */
	uint64_t taken;
	uint64_t given;
	bool gcm;
	bool finished;
};

static const struct {
	const char *name;
	enum seal_suite suite;
	bool ecdh;
	bool gcm;
} suites[] = {
    {"cms-cbc-oaep", SEAL_CMS_CBC_OAEP, false, false},
    {"cms-gcm-oaep", SEAL_CMS_GCM_OAEP, false, true},
    {"cms-cbc-ecdh", SEAL_CMS_CBC_ECDH, true, false},
    {"cms-gcm-ecdh", SEAL_CMS_GCM_ECDH, true, true},
};

#define SUITES (sizeof suites / sizeof *suites)

static size_t
suite_at(enum seal_suite suite)
{
	size_t i = 0;
	while (i < SUITES && suites[i].suite != suite)
		i++;
	return i;
}

const char *
seal_suite_name(enum seal_suite suite)
{
	size_t i = suite_at(suite);
	return i < SUITES ? suites[i].name : NULL;
}

int
seal_suite_parse(const char *name, enum seal_suite *suite, struct why *why)
{
	for (size_t i = 0; i < SUITES; i++)
		if (strcmp(name, suites[i].name) == 0) {
			*suite = suites[i].suite;
			return 0;
		}
	return why_set(why, WHY_INVALID,
	    "no such suite, expected cms-cbc-oaep, cms-gcm-oaep, cms-cbc-ecdh "
	    "or cms-gcm-ecdh");
}

enum seal_suite
seal_suite_default(const struct certificate *certificate)
{
	return certificate_facts(certificate)->key == CERTIFICATE_RSA
		   ? SEAL_CMS_CBC_OAEP
		   : SEAL_CMS_GCM_ECDH;
}

int
seal_suite_check(enum seal_suite suite, const struct certificate *certificate,
    struct why *why)
{
	size_t i = suite_at(suite);
	if (i == SUITES)
		return why_set(
		    why, WHY_INVALID, "no suite has number %d", (int)suite);
	bool rsa = certificate_facts(certificate)->key == CERTIFICATE_RSA;
	if (rsa == suites[i].ecdh)
		return why_set(why, WHY_INVALID,
		    "suite %s does not go with %s key", suites[i].name,
		    rsa ? "an RSA" : "an EC");
	return 0;
}

/* ---- our end of the chain of BIOs ---- */

static int
bio_write(BIO *bio, const char *data, size_t size, size_t *written)
{
	struct seal *seal = BIO_get_data(bio);
	if (seal->failure.code < 0)
		return 0;
	int ret = seal->sink.write(
	    seal->sink.context, span_of(data, size), &seal->failure);
	if (ret < 0) {
		seal->failure.code = ret;
		return 0;
	}
	seal->given += size;
	*written = size;
	return 1;
}

static long
bio_ctrl(BIO *bio, int command, long number, void *at)
{
	(void)bio;
	(void)number;
	(void)at;
	return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static const BIO_METHOD *
bio_method(void)
{
	static BIO_METHOD *method;
	if (method != NULL)
		return method;
	BIO_METHOD *made =
	    BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "seal");
	if (made == NULL || BIO_meth_set_write_ex(made, bio_write) != 1 ||
	    BIO_meth_set_ctrl(made, bio_ctrl) != 1) {
		BIO_meth_free(made);
		return NULL;
	}
	method = made;
	return method;
}

/* ---- the message ---- */

/* Fetched once: a fetch per message costs more than the cipher of 10 KiB. */
static const EVP_CIPHER *
cipher_of(bool gcm)
{
	static EVP_CIPHER *cbc_cipher;
	static EVP_CIPHER *gcm_cipher;
	EVP_CIPHER **at = gcm ? &gcm_cipher : &cbc_cipher;
	if (*at == NULL)
		*at = EVP_CIPHER_fetch(
		    NULL, gcm ? "AES-256-GCM" : "AES-256-CBC", NULL);
	return *at;
}

static bool
set_recipient(EVP_PKEY_CTX *context, enum certificate_key key)
{
	/* all in one: each call of its own is translated for itself */
	char padding[] = OSSL_PKEY_RSA_PAD_MODE_OAEP;
	char digest[] = "SHA2-256";
	const OSSL_PARAM oaep[] = {
	    OSSL_PARAM_construct_utf8_string(
		OSSL_ASYM_CIPHER_PARAM_PAD_MODE, padding, 0),
	    OSSL_PARAM_construct_utf8_string(
		OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, digest, 0),
	    OSSL_PARAM_construct_utf8_string(
		OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, digest, 0),
	    OSSL_PARAM_construct_end(),
	};
	if (context == NULL)
		return false;
	if (key == CERTIFICATE_RSA)
		return EVP_PKEY_CTX_set_params(context, oaep) > 0;
	return EVP_PKEY_CTX_set_ecdh_kdf_md(context,
		   key == CERTIFICATE_P384 ? EVP_sha384() : EVP_sha256()) > 0;
}

static int
begin(struct seal *seal, const struct certificate *certificate, struct why *why)
{
	seal->cms = CMS_encrypt(NULL, NULL, cipher_of(seal->gcm),
	    CMS_BINARY | CMS_STREAM | CMS_PARTIAL);
	if (seal->cms == NULL)
		return why_openssl(why, WHY_CRYPTO, "beginning to seal");
	CMS_RecipientInfo *recipient = CMS_add1_recipient_cert(
	    seal->cms, certificate_x509(certificate), CMS_KEY_PARAM);
	if (recipient == NULL ||
	    !set_recipient(CMS_RecipientInfo_get0_pkey_ctx(recipient),
		certificate_facts(certificate)->key))
		return why_openssl(why, WHY_CRYPTO, "naming the recipient");
	const BIO_METHOD *method = bio_method();
	seal->out = method == NULL ? NULL : BIO_new(method);
	if (seal->out == NULL)
		return why_openssl(why, WHY_NOMEM, "beginning to seal");
	BIO_set_data(seal->out, seal);
	BIO_set_init(seal->out, 1);
	seal->chain = BIO_new_CMS(seal->out, seal->cms);
	if (seal->chain == NULL)
		return why_openssl(why, WHY_CRYPTO, "beginning to seal");
	return 0;
}

int
seal_new(const struct certificate *certificate, enum seal_suite suite,
    const struct sink *sink, struct seal **out, struct why *why)
{
	int ret = seal_suite_check(suite, certificate, why);
	if (ret < 0)
		return ret;
	struct seal *seal = calloc(1, sizeof *seal);
	if (seal == NULL)
		return why_set(why, WHY_NOMEM, "no memory to seal");
	seal->sink = *sink;
	seal->gcm = suites[suite_at(suite)].gcm;
	if ((ret = begin(seal, certificate, why)) < 0) {
		seal_free(seal);
		return ret;
	}
	*out = seal;
	return 0;
}

/* The sink's failure if it had one, else OpenSSL's. */
static int
failure(struct seal *seal, struct why *why)
{
	if (seal->failure.code == 0)
		return why_openssl(why, WHY_CRYPTO, "sealing");
	ERR_clear_error();
	if (why != NULL)
		*why = seal->failure;
	return seal->failure.code;
}

int
seal_write(struct seal *seal, struct span bytes, struct why *why)
{
	seal->taken += bytes.size;
	if (seal->gcm && seal->taken > SEAL_GCM_BYTES_MAX)
		return why_set(why, WHY_TOO_LARGE,
		    "AES-GCM seals at most 64 GiB in one message");
	while (bytes.size > 0) {
		size_t step =
		    bytes.size < SEAL_BIO_STEP ? bytes.size : SEAL_BIO_STEP;
		int n = BIO_write(seal->chain, bytes.at, (int)step);
		if (n <= 0)
			return failure(seal, why);
		bytes.at += n;
		bytes.size -= (size_t)n;
	}
	return 0;
}

int
seal_finish(struct seal *seal, struct why *why)
{
	if (seal->finished)
		return why_set(why, WHY_BUG, "a seal was finished twice");
	seal->finished = true;
	/* OpenSSL's streaming encoder begins with the first octet: without one
	 * there would be a trailer and no head */
	if (seal->taken == 0)
		return why_set(why, WHY_INVALID, "there is nothing to seal");
	if (BIO_flush(seal->chain) != 1)
		return failure(seal, why);
	return 0;
}

void
seal_free(struct seal *seal)
{
	if (seal == NULL)
		return;
	while (seal->chain != NULL && seal->chain != seal->out) {
		BIO *next = BIO_pop(seal->chain);
		BIO_free(seal->chain);
		seal->chain = next;
	}
	BIO_free(seal->out);
	CMS_ContentInfo_free(seal->cms);
	free(seal);
}

uint64_t
seal_size(const struct seal *seal)
{
	return seal->given;
}
