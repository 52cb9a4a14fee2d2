/*
 * make - generates keys and signs certificates for demo and tests.
 */
#include "keys/make.h"

#include "base/id.h"
#include "base/text.h"
#include "keys/keys_priv.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define MAKE_SERIAL_SIZE 16

int
make_private_key(enum make_key kind, struct private_key **out, struct why *why)
{
	EVP_PKEY *pkey = NULL;
	switch (kind) {
	case MAKE_RSA_2048:
		pkey = EVP_RSA_gen(2048);
		break;
	case MAKE_RSA_3072:
		pkey = EVP_RSA_gen(3072);
		break;
	case MAKE_P256:
		pkey = EVP_EC_gen("P-256");
		break;
	case MAKE_P384:
		pkey = EVP_EC_gen("P-384");
		break;
	}
	if (pkey == NULL)
		return why_openssl(why, WHY_CRYPTO, "generating a key");
	return private_key_adopt(pkey, out, why);
}

static bool
add_name(X509_NAME *name, int nid, const char *value)
{
	if (value == NULL)
		return true;
	return X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8,
		   (const unsigned char *)value, -1, -1, 0) == 1;
}

static bool
set_subject(X509 *x509, const struct make_request *request)
{
	char organisation[sizeof "NTRNO-" + 9] = "";
	if (request->organisation != NULL)
		(void)snprintf(organisation, sizeof organisation, "NTRNO-%s",
		    request->organisation);
	X509_NAME *name = X509_get_subject_name(x509);
	return add_name(name, NID_countryName, "NO") &&
	       add_name(
		   name, NID_organizationName, request->organisation_name) &&
	       add_name(name, NID_organizationIdentifier,
		   request->organisation == NULL ? NULL : organisation) &&
	       add_name(name, NID_commonName, request->common_name);
}

static bool
set_times(X509 *x509, const struct make_request *request)
{
	return ASN1_TIME_set(X509_getm_notBefore(x509),
		   (time_t)(request->not_before_ms / 1000)) != NULL &&
	       ASN1_TIME_set(X509_getm_notAfter(x509),
		   (time_t)(request->not_after_ms / 1000)) != NULL;
}

static bool
set_serial(X509 *x509)
{
	uint8_t bytes[MAKE_SERIAL_SIZE];
	random_fill(bytes, sizeof bytes);
	bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40);
	BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
	bool good = number != NULL && BN_to_ASN1_INTEGER(number,
					  X509_get_serialNumber(x509)) != NULL;
	BN_free(number);
	return good;
}

static bool
add_extension(X509 *x509, X509V3_CTX *context, int nid, const char *value)
{
	if (value == NULL)
		return true;
	X509_EXTENSION *extension =
	    X509V3_EXT_conf_nid(NULL, context, nid, value);
	bool good = extension != NULL && X509_add_ext(x509, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return good;
}

static const char *
key_usage(const struct make_request *request, enum certificate_key kind)
{
	switch (request->profile) {
	case MAKE_AUTHORITY:
		return "critical,keyCertSign,cRLSign";
	case MAKE_TLS_SERVER:
	case MAKE_TLS_CLIENT:
		return "critical,digitalSignature";
	case MAKE_EVIDENCE:
		return "critical,digitalSignature,nonRepudiation";
	case MAKE_SEAL:
		return kind == CERTIFICATE_RSA ? "critical,keyEncipherment"
					       : "critical,keyAgreement";
	}
	return NULL;
}

static bool
add_extensions(X509 *x509, X509 *issuer, const struct make_request *request,
    enum certificate_key kind)
{
	X509V3_CTX context;
	X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
	bool authority = request->profile == MAKE_AUTHORITY;
	const char *extended = NULL;
	if (request->profile == MAKE_TLS_SERVER)
		extended = "serverAuth";
	if (request->profile == MAKE_TLS_CLIENT)
		extended = "clientAuth";
	return add_extension(x509, &context, NID_basic_constraints,
		   authority ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
	       add_extension(
		   x509, &context, NID_key_usage, key_usage(request, kind)) &&
	       add_extension(x509, &context, NID_ext_key_usage, extended) &&
	       add_extension(x509, &context, NID_subject_alt_name,
		   request->alternative_names) &&
	       add_extension(
		   x509, &context, NID_subject_key_identifier, "hash") &&
	       add_extension(x509, &context, NID_authority_key_identifier,
		   "keyid:always");
}

static int
sign(X509 *x509, EVP_PKEY *pkey, enum certificate_key kind)
{
	return X509_sign(
	    x509, pkey, kind == CERTIFICATE_P384 ? EVP_sha384() : EVP_sha256());
}

static int
check_request(const struct make_request *request, struct why *why)
{
	if (request->common_name == NULL || *request->common_name == '\0')
		return why_set(
		    why, WHY_INVALID, "a certificate needs a common name");
	if (request->organisation != NULL &&
	    !orgnr_valid(request->organisation))
		return why_set(
		    why, WHY_INVALID, "not a Norwegian organisation number");
	if (request->not_after_ms <= request->not_before_ms)
		return why_set(
		    why, WHY_INVALID, "the certificate would end first");
	return 0;
}

static int
append_pem(X509 *x509, struct buf *out, struct why *why)
{
	int ret = 0;
	char *text = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	if (bio == NULL || PEM_write_bio_X509(bio, x509) != 1)
		ret = why_openssl(why, WHY_NOMEM, "writing a certificate");
	else {
		long size = BIO_get_mem_data(bio, &text);
		buf_add(out, text, (size_t)size);
	}
	BIO_free(bio);
	if (ret == 0 && !buf_ok(out))
		ret = why_set(why, WHY_NOMEM, "no memory for a certificate");
	return ret;
}

int
make_certificate(const struct make_request *request,
    const struct private_key *key, const struct certificate *issuer_certificate,
    const struct private_key *issuer_key, struct buf *out, struct why *why)
{
	int ret = check_request(request, why);
	if (ret < 0)
		return ret;
	const struct private_key *signer =
	    issuer_key == NULL ? key : issuer_key;
	X509 *x509 = X509_new();
	X509 *issuer = issuer_certificate == NULL
			   ? x509
			   : certificate_x509(issuer_certificate);
	if (x509 == NULL || X509_set_version(x509, X509_VERSION_3) != 1 ||
	    !set_serial(x509) || !set_subject(x509, request) ||
	    !set_times(x509, request) ||
	    X509_set_pubkey(x509, private_key_pkey(key)) != 1 ||
	    X509_set_issuer_name(x509, X509_get_subject_name(issuer)) != 1 ||
	    !add_extensions(x509, issuer, request, private_key_kind(key)) ||
	    sign(x509, private_key_pkey(signer), private_key_kind(signer)) <= 0)
		ret = why_openssl(why, WHY_CRYPTO, "making a certificate");
	else
		ret = append_pem(x509, out, why);
	X509_free(x509);
	return ret;
}
