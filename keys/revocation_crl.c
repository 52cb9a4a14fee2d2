/*
 * revocation_crl - is a certificate on its issuer's list?
 *
 * SECURITY: reads hostile bytes through OpenSSL's CRL parser, with a cap on
 * their size. Only whole lists that the issuer's own key has signed count.
 */
#include "keys/revocation_priv.h"

#include "keys/keys_priv.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

static int
list_read(struct span list, X509_CRL **out, struct why *why)
{
	struct buf der;
	int ret = 0;
	if (list.size > REVOCATION_CRL_BYTES_MAX)
		return why_set(why, WHY_TOO_LARGE, "the CRL is over %u bytes",
		    REVOCATION_CRL_BYTES_MAX);
	buf_init(&der, REVOCATION_CRL_BYTES_MAX);
	if (list.size > 0 && *list.at != 0x30) {
		if (!pem_next(&list, "X509 CRL", &der) || list.size != 0)
			ret = why_set(
			    why, WHY_MALFORMED, "not one CRL in PEM or DER");
		list = buf_span(&der);
	}
	const unsigned char *at = list.at;
	if (ret == 0)
		*out = d2i_X509_CRL(NULL, &at, (long)list.size);
	if (ret == 0 && *out == NULL)
		ret = why_openssl(why, WHY_MALFORMED, "not a CRL");
	else if (ret == 0 && at != list.at + list.size)
		ret = why_set(why, WHY_MALFORMED, "bytes follow the CRL");
	buf_clear(&der);
	return ret;
}

/* A critical extension that is not understood may mean that the list is not
 * what it seems (RFC 5280 section 5.2); those that we know say so as well. */
static int
check_whole(const X509_CRL *crl, struct why *why)
{
	for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
		X509_EXTENSION *extension = X509_CRL_get_ext(crl, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
		if (nid == NID_delta_crl ||
		    nid == NID_issuing_distribution_point ||
		    X509_EXTENSION_get_critical(extension))
			return why_set(why, WHY_UNSUPPORTED,
			    "the CRL is not a whole list");
	}
	return 0;
}

static int
check_issuer(X509_CRL *crl, const struct certificate *issuer, struct why *why)
{
	X509 *x509 = certificate_x509(issuer);
	if (X509_NAME_cmp(
		X509_CRL_get_issuer(crl), X509_get_subject_name(x509)) != 0)
		return why_set(
		    why, WHY_NOT_FOUND, "the CRL is of another issuer");
	if ((X509_get_key_usage(x509) & KU_CRL_SIGN) == 0)
		return why_set(
		    why, WHY_CRYPTO, "the issuer may not sign a CRL");
	if (X509_CRL_verify(crl, certificate_pkey(issuer)) != 1)
		return why_openssl(why, WHY_CRYPTO, "the CRL's signature");
	return revocation_check_digest(
	    X509_CRL_get_signature_nid(crl), "the CRL", why);
}

int
revocation_crl_read(struct span list, const struct certificate *certificate,
    const struct certificate *issuer, int64_t at_ms, struct revocation *out,
    struct why *why)
{
	X509_CRL *crl = NULL;
	X509_REVOKED *entry = NULL;
	struct revocation read = {.state = REVOCATION_GOOD};
	int ret = list_read(list, &crl, why);
	if (ret == 0)
		ret = check_issuer(crl, issuer, why);
	if (ret == 0)
		ret = check_whole(crl, why);
	if (ret == 0)
		ret = revocation_read_times(X509_CRL_get0_lastUpdate(crl),
		    X509_CRL_get0_nextUpdate(crl), at_ms, "the CRL", &read,
		    why);
	/* 2: removeFromCRL, which stands in partial lists only */
	if (ret == 0 && X509_CRL_get0_by_cert(
			    crl, &entry, certificate_x509(certificate)) != 0) {
		read.state = REVOCATION_REVOKED;
		read.revoked_ms =
		    revocation_time_ms(X509_REVOKED_get0_revocationDate(entry));
	}
	if (ret == 0)
		*out = read;
	X509_CRL_free(crl);
	ERR_clear_error();
	return ret;
}
