/*
 * cades - made and checked by OpenSSL's CMS; the rules that make it CAdES are
 * looked at here, for OpenSSL checks them only together with a chain of today.
 */
#include "keys/cades.h"

#include "keys/keys_priv.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/ess.h>
#include <stdlib.h>
#include <time.h>

struct cades_signer {
	EVP_PKEY *pkey; /* lent */
	X509 *certificate;
	STACK_OF(X509) * others;
};

int
cades_signer_new(const struct private_key *key,
    const struct certificate *const *chain, size_t count,
    struct cades_signer **out, struct why *why)
{
	if (count == 0 || count > CADES_CHAIN_MAX)
		return why_set(why, WHY_INVALID,
		    "a signer takes 1 to %d certificates", CADES_CHAIN_MAX);
	int ret = private_key_check_pair(key, chain[0], why);
	if (ret < 0)
		return ret;
	struct cades_signer *signer = calloc(1, sizeof *signer);
	if (signer == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a signer");
	signer->pkey = private_key_pkey(key);
	signer->others = sk_X509_new_null();
	bool good = signer->others != NULL;
	for (size_t i = 0; good && i < count; i++) {
		X509 *x509 = certificate_x509(chain[i]);
		good = X509_up_ref(x509) == 1;
		if (good && i == 0)
			signer->certificate = x509;
		else if (good && sk_X509_push(signer->others, x509) <= 0) {
			X509_free(x509);
			good = false;
		}
	}
	if (!good) {
		cades_signer_free(signer);
		return why_openssl(why, WHY_NOMEM, "making a signer");
	}
	*out = signer;
	return 0;
}

void
cades_signer_free(struct cades_signer *signer)
{
	if (signer == NULL)
		return;
	X509_free(signer->certificate);
	sk_X509_pop_free(signer->others, X509_free);
	free(signer);
}

static int
append_der(CMS_ContentInfo *cms, struct buf *out, struct why *why)
{
	int size = i2d_CMS_ContentInfo(cms, NULL);
	if (size <= 0 || (size_t)size > CADES_BYTES_MAX)
		return why_openssl(why, WHY_CRYPTO, "writing a signature");
	uint8_t *at = buf_room(out, (size_t)size);
	if (at == NULL)
		return why_set(why, WHY_NOMEM, "no room for a signature");
	(void)i2d_CMS_ContentInfo(cms, &at);
	buf_used(out, (size_t)size);
	return 0;
}

int
cades_sign(const struct cades_signer *signer, struct span content,
    struct buf *out, struct why *why)
{
	BIO *in = BIO_new_mem_buf(content.at, (int)content.size);
	CMS_ContentInfo *cms = NULL;
	if (in != NULL)
		cms = CMS_sign(signer->certificate, signer->pkey,
		    signer->others, in,
		    CMS_DETACHED | CMS_BINARY | CMS_CADES | CMS_NOSMIMECAP);
	int ret = cms == NULL ? why_openssl(why, WHY_CRYPTO, "signing")
			      : append_der(cms, out, why);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	return ret;
}

/* ---- checking ---- */

struct checking {
	CMS_ContentInfo *cms;
	CMS_SignerInfo *signer;  /* lent by cms */
	STACK_OF(X509) * others; /* that came with it */
	STACK_OF(X509) * chain;  /* the signer's certificate first */
	struct certificate *certificate;
};

static int
parse(struct checking *checking, struct span der, struct why *why)
{
	const unsigned char *at = der.at;
	if (der.size > CADES_BYTES_MAX)
		return why_set(why, WHY_TOO_LARGE,
		    "a signature of %zu bytes, at most %u", der.size,
		    CADES_BYTES_MAX);
	checking->cms = d2i_CMS_ContentInfo(NULL, &at, (long)der.size);
	if (checking->cms == NULL || at != der.at + der.size ||
	    OBJ_obj2nid(CMS_get0_type(checking->cms)) != NID_pkcs7_signed ||
	    CMS_is_detached(checking->cms) != 1) {
		ERR_clear_error();
		return why_set(why, WHY_MALFORMED,
		    "the signature is not a detached CMS SignedData");
	}
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(checking->cms);
	if (sk_CMS_SignerInfo_num(signers) != 1)
		return why_set(why, WHY_UNSUPPORTED,
		    "a signature of %d signers, expected one",
		    sk_CMS_SignerInfo_num(signers));
	checking->signer = sk_CMS_SignerInfo_value(signers, 0);
	return 0;
}

static int
check_digest(const struct checking *checking, struct why *why)
{
	X509_ALGOR *digest = NULL;
	CMS_SignerInfo_get0_algs(checking->signer, NULL, NULL, &digest, NULL);
	int nid = OBJ_obj2nid(digest->algorithm);
	if (nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512)
		return 0;
	return why_set(why, WHY_UNSUPPORTED,
	    "the signature's digest is not SHA-256 or better");
}

/* Who signed: the certificate that came with it and fits its signer's name. */
static int
find_certificate(struct checking *checking, struct why *why)
{
	unsigned char *der = NULL;
	X509 *found = NULL;
	checking->others = CMS_get1_certs(checking->cms);
	if (sk_X509_num(checking->others) > CADES_CHAIN_MAX)
		return why_set(why, WHY_TOO_LARGE,
		    "more than %d certificates in a signature",
		    CADES_CHAIN_MAX);
	for (int i = 0; i < sk_X509_num(checking->others); i++) {
		X509 *at = sk_X509_value(checking->others, i);
		if (CMS_SignerInfo_cert_cmp(checking->signer, at) == 0)
			found = at;
	}
	int size = found == NULL ? 0 : i2d_X509(found, &der);
	if (size <= 0)
		return why_set(why, WHY_MALFORMED,
		    "the signer's certificate does not come with its "
		    "signature");
	int ret = certificate_parse(
	    span_of(der, (size_t)size), &checking->certificate, why);
	OPENSSL_free(der);
	checking->chain = sk_X509_new_null();
	if (ret == 0 && (checking->chain == NULL || X509_up_ref(found) != 1 ||
			    sk_X509_push(checking->chain, found) <= 0))
		ret = why_set(why, WHY_NOMEM, "no memory for a chain");
	return ret;
}

/* The value of a signed attribute that must be there once. */
static ASN1_TYPE *
attribute_value(const struct checking *checking, int nid)
{
	int at = CMS_signed_get_attr_by_NID(checking->signer, nid, -1);
	X509_ATTRIBUTE *attribute =
	    at < 0 ? NULL : CMS_signed_get_attr(checking->signer, at);
	if (attribute == NULL ||
	    CMS_signed_get_attr_by_NID(checking->signer, nid, at) >= 0 ||
	    X509_ATTRIBUTE_count(attribute) != 1)
		return NULL;
	return X509_ATTRIBUTE_get0_type(attribute, 0);
}

/* RFC 5035 section 3: without it another certificate of the same key, with
 * another meaning, could take the signer's place. */
static int
check_signing_certificate(const struct checking *checking, struct why *why)
{
	ASN1_TYPE *value =
	    attribute_value(checking, NID_id_smime_aa_signingCertificateV2);
	ESS_SIGNING_CERT_V2 *named = NULL;
	if (value != NULL && value->type == V_ASN1_SEQUENCE) {
		const unsigned char *at = value->value.sequence->data;
		named = d2i_ESS_SIGNING_CERT_V2(
		    NULL, &at, value->value.sequence->length);
	}
	int good = named == NULL ? 0
				 : OSSL_ESS_check_signing_certs(
				       NULL, named, checking->chain, 1);
	ESS_SIGNING_CERT_V2_free(named);
	ERR_clear_error();
	return good == 1
		   ? 0
		   : why_set(why, WHY_CRYPTO,
			 "the signature's signing-certificate-v2 is missing or "
			 "names another certificate");
}

static int
read_time(const struct checking *checking, int64_t *at_ms, struct why *why)
{
	ASN1_TYPE *value = attribute_value(checking, NID_pkcs9_signingTime);
	struct tm parts;
	if (value == NULL ||
	    (value->type != V_ASN1_UTCTIME &&
		value->type != V_ASN1_GENERALIZEDTIME) ||
	    ASN1_TIME_to_tm(value->value.asn1_string, &parts) != 1) {
		ERR_clear_error();
		return why_set(why, WHY_MALFORMED,
		    "the signature does not say when it was made");
	}
	*at_ms = (int64_t)timegm(&parts) * 1000;
	return 0;
}

/* A filter before the memory: of a plain memory BIO CMS_verify() makes a copy,
 * which it loses when the message names an unknown digest. */
static BIO *
content_open(struct span content)
{
	BIO *filter = BIO_new(BIO_f_null());
	BIO *memory = BIO_new_mem_buf(content.at, (int)content.size);
	if (filter != NULL && memory != NULL)
		return BIO_push(filter, memory);
	BIO_free(filter);
	BIO_free(memory);
	return NULL;
}

static int
check_signature(
    const struct checking *checking, struct span content, struct why *why)
{
	BIO *in = content_open(content);
	if (in == NULL)
		return why_openssl(why, WHY_NOMEM, "reading what is signed");
	int good = CMS_verify(checking->cms, NULL, NULL, in, NULL,
	    CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY);
	BIO_free_all(in);
	ERR_clear_error();
	return good == 1 ? 0
			 : why_set(why, WHY_CRYPTO,
			       "the signature is not of these bytes");
}

static int
check_chain(const struct checking *checking, const struct anchors *anchors,
    int64_t at_ms, struct why *why)
{
	struct span extra[CADES_CHAIN_MAX];
	unsigned char *ders[CADES_CHAIN_MAX] = {NULL};
	size_t count = 0;
	for (int i = 0; i < sk_X509_num(checking->others); i++) {
		int size =
		    i2d_X509(sk_X509_value(checking->others, i), &ders[count]);
		if (size > 0) {
			extra[count] = span_of(ders[count], (size_t)size);
			count++;
		}
	}
	int ret = certificate_check_purpose(
	    checking->certificate, CERTIFICATE_FOR_SIGNING, why);
	if (ret == 0)
		ret = certificate_check_chain(checking->certificate, anchors,
		    extra, count, at_ms, false, why);
	for (size_t i = 0; i < count; i++)
		OPENSSL_free(ders[i]);
	return ret;
}

int
cades_verify(struct span der, struct span content,
    const struct anchors *anchors, struct cades *out, struct why *why)
{
	struct checking checking = {0};
	int ret;
	*out = (struct cades){0};
	if ((ret = parse(&checking, der, why)) == 0 &&
	    (ret = check_digest(&checking, why)) == 0 &&
	    (ret = find_certificate(&checking, why)) == 0 &&
	    (ret = check_signature(&checking, content, why)) == 0 &&
	    (ret = check_signing_certificate(&checking, why)) == 0 &&
	    (ret = read_time(&checking, &out->signed_ms, why)) == 0)
		ret = check_chain(&checking, anchors, out->signed_ms, why);
	if (ret == 0) {
		out->certificate = checking.certificate;
		checking.certificate = NULL;
	}
	certificate_free(checking.certificate);
	sk_X509_pop_free(checking.chain, X509_free);
	sk_X509_pop_free(checking.others, X509_free);
	CMS_ContentInfo_free(checking.cms);
	return ret;
}

void
cades_clear(struct cades *cades)
{
	certificate_free(cades->certificate);
	*cades = (struct cades){0};
}
