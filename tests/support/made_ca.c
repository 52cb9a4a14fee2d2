/*
 * made_ca - a certification authority that issues what no honest one would.
 */
#include "tests/support/made_ca.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define HOUR_S INT64_C(3600)

static void
add_extension(X509 *x509, X509 *issuer, const char *name, const char *value)
{
	X509V3_CTX context;
	X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
	X509_EXTENSION *extension =
	    X509V3_EXT_nconf(NULL, &context, name, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static void
add_unknown_critical(X509 *x509)
{
	ASN1_OBJECT *object = OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	assert_int_equal(
	    ASN1_OCTET_STRING_set(value, (const unsigned char *)"\x05", 1), 1);
	X509_EXTENSION *extension =
	    X509_EXTENSION_create_by_OBJ(NULL, object, 1, value);
	assert_int_equal(X509_add_ext(x509, extension, -1), 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(object);
}

static void
add_name(X509_NAME *name, int nid, int type, const char *value)
{
	assert_int_equal(X509_NAME_add_entry_by_NID(name, nid,
			     type == 0 ? V_ASN1_UTF8STRING : type,
			     (const unsigned char *)value, -1, -1, 0),
	    1);
}

static void
name_subject(X509 *x509, const struct made_ca_wish *wish)
{
	X509_NAME *name = X509_get_subject_name(x509);
	const char *organisation = wish->organisation;
	add_name(name, NID_commonName, 0,
	    wish->common_name == NULL ? "Testmottak" : wish->common_name);
	if (organisation == NULL)
		organisation = "NTRNO-" TEST_CA_ORGANISATION;
	if (*organisation != '\0')
		add_name(name, NID_organizationIdentifier, wish->name_type,
		    organisation);
	if (wish->serial_name != NULL)
		add_name(
		    name, NID_serialNumber, wish->name_type, wish->serial_name);
}

static void
extend(X509 *x509, X509 *issuer, const struct made_ca_wish *wish)
{
	const char *usage =
	    wish->usage == NULL ? "critical,keyEncipherment" : wish->usage;
	add_extension(x509, issuer, "basicConstraints",
	    wish->basic == NULL ? "critical,CA:FALSE" : wish->basic);
	if (*usage != '\0')
		add_extension(x509, issuer, "keyUsage", usage);
	if (wish->extended != NULL)
		add_extension(x509, issuer, "extendedKeyUsage", wish->extended);
	add_extension(x509, issuer, "subjectKeyIdentifier", "hash");
	add_extension(x509, issuer, "authorityKeyIdentifier", "keyid");
	for (size_t i = 0; i < 3 && wish->more[i] != NULL; i++)
		add_extension(x509, issuer, wish->more[i], wish->more_value[i]);
	if (wish->critical)
		add_unknown_critical(x509);
}

X509 *
made_ca_issue(struct made_ca *ca, const struct made_ca_wish *wish)
{
	X509 *x509 = X509_new();
	EVP_PKEY *key = wish->key == NULL ? ca->member : wish->key;
	EVP_PKEY *signer =
	    wish->issuer_key == NULL ? ca->key : wish->issuer_key;
	X509 *issuer = wish->issuer == NULL ? ca->x509 : wish->issuer;
	if (issuer == NULL)
		issuer = x509;
	long from = (long)(wish->from_s == 0 ? -HOUR_S : wish->from_s);
	long to = (long)(wish->to_s == 0 ? 30 * 24 * HOUR_S : wish->to_s);
	assert_int_equal(X509_set_version(x509, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x509),
			     wish->serial == 0 ? ++ca->serials : wish->serial),
	    1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), from));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), to));
	assert_int_equal(X509_set_pubkey(x509, key), 1);
	name_subject(x509, wish);
	assert_int_equal(
	    X509_set_issuer_name(x509, X509_get_subject_name(issuer)), 1);
	extend(x509, issuer, wish);
	assert_true(
	    X509_sign(x509, signer,
		wish->digest == NULL ? EVP_sha256() : wish->digest) > 0);
	return x509;
}

void
made_ca_open(struct made_ca *ca)
{
	*ca = (struct made_ca){.serials = 100};
	ca->key = EVP_RSA_gen(2048);
	ca->member = EVP_RSA_gen(2048);
	assert_non_null(ca->key);
	assert_non_null(ca->member);
	ca->x509 =
	    made_ca_issue(ca, &(struct made_ca_wish){.key = ca->key,
				  .common_name = "Testautoritet",
				  .organisation = "",
				  .usage = "critical,keyCertSign,cRLSign",
				  .basic = "critical,CA:TRUE",
				  .from_s = -24 * HOUR_S,
				  .to_s = 400 * 24 * HOUR_S});
	made_ca_pem(ca->x509, &ca->pem);
}

void
made_ca_close(struct made_ca *ca)
{
	EVP_PKEY_free(ca->key);
	EVP_PKEY_free(ca->member);
	X509_free(ca->x509);
	buf_clear(&ca->pem);
}

void
made_ca_der(X509 *x509, struct buf *out)
{
	unsigned char *at = NULL;
	int size = i2d_X509(x509, &at);
	assert_true(size > 0);
	buf_init(out, 64u << 10);
	buf_add(out, at, (size_t)size);
	OPENSSL_free(at);
}

void
made_ca_pem(X509 *x509, struct buf *out)
{
	char *text;
	BIO *bio = BIO_new(BIO_s_mem());
	assert_int_equal(PEM_write_bio_X509(bio, x509), 1);
	long size = BIO_get_mem_data(bio, &text);
	buf_init(out, 64u << 10);
	buf_add(out, text, (size_t)size);
	BIO_free(bio);
}

int
made_ca_parse(X509 *x509, struct certificate **out, struct why *why)
{
	struct buf der;
	made_ca_der(x509, &der);
	int ret = certificate_parse(buf_span(&der), out, why);
	buf_clear(&der);
	return ret;
}
