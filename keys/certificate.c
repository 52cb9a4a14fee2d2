/*
 * certificate - reads one certificate into plain fields.
 *
 * SECURITY: reads hostile bytes through OpenSSL's X.509 parser, with a cap on
 * their size; what is not exactly one DER certificate is refused.
 */
#include "keys/certificate.h"

#include "base/text.h"
#include "keys/keys_priv.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct certificate {
	X509 *x509;
	EVP_PKEY *pkey; /* owned by x509 */
	struct buf der;
	struct certificate_facts facts;
};

X509 *
certificate_x509(const struct certificate *certificate)
{
	return certificate->x509;
}

EVP_PKEY *
certificate_pkey(const struct certificate *certificate)
{
	return certificate->pkey;
}

int
pkey_kind(
    EVP_PKEY *pkey, enum certificate_key *kind, unsigned *bits, struct why *why)
{
	char curve[32] = "";
	int n = EVP_PKEY_get_bits(pkey);
	*bits = n > 0 ? (unsigned)n : 0;
	if (EVP_PKEY_is_a(pkey, "RSA")) {
		if (*bits < CERTIFICATE_RSA_BITS_LEAST)
			return why_set(why, WHY_INVALID,
			    "RSA key of %u bits, expected %d or more", *bits,
			    CERTIFICATE_RSA_BITS_LEAST);
		if (*bits > CERTIFICATE_RSA_BITS_MOST)
			return why_set(why, WHY_TOO_LARGE,
			    "RSA key of %u bits, expected %d or fewer", *bits,
			    CERTIFICATE_RSA_BITS_MOST);
		*kind = CERTIFICATE_RSA;
		return 0;
	}
	if (EVP_PKEY_is_a(pkey, "EC") &&
	    EVP_PKEY_get_group_name(pkey, curve, sizeof curve, NULL) == 1) {
		int nid = OBJ_txt2nid(curve);
		if (nid == NID_X9_62_prime256v1) {
			*kind = CERTIFICATE_P256;
			return 0;
		}
		if (nid == NID_secp384r1) {
			*kind = CERTIFICATE_P384;
			return 0;
		}
	}
	ERR_clear_error();
	return why_set(
	    why, WHY_UNSUPPORTED, "the key is neither RSA, P-256 nor P-384");
}

static bool
time_ms(const ASN1_TIME *time, int64_t *ms)
{
	struct tm tm;
	if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1)
		return false;
	*ms = (int64_t)timegm(&tm) * 1000;
	return true;
}

/* How often the subject has the attribute; the last one's text if it is plain.
 */
static int
subject_entry(const X509_NAME *name, int nid, struct span *value)
{
	int count = 0;
	for (int i = -1; (i = X509_NAME_get_index_by_NID(name, nid, i)) >= 0;) {
		const ASN1_STRING *data =
		    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i));
		int size = ASN1_STRING_length(data);
		*value = span_of(
		    ASN1_STRING_get0_data(data), size < 0 ? 0 : (size_t)size);
		count++;
	}
	return count;
}

static bool
take_organisation(struct certificate_facts *facts, struct span number)
{
	char text[10];
	if (number.size != 9 || memchr(number.at, 0, 9) != NULL)
		return false;
	memcpy(text, number.at, 9);
	text[9] = '\0';
	if (!orgnr_valid(text))
		return false;
	memcpy(facts->organisation, text, sizeof text);
	return true;
}

/* organizationIdentifier "NTRNO-" and the number (ETSI EN 319 412-1 section
 * 5.1.4, SEID 2.0), else serialNumber with the bare number (SEID 1). Never the
 * common name, which anybody may word as he likes. */
static int
read_organisation(struct certificate *certificate, struct why *why)
{
	static const char form[] = "NTRNO-";
	struct certificate_facts *facts = &certificate->facts;
	const X509_NAME *name = X509_get_subject_name(certificate->x509);
	struct span value = SPAN_NONE;
	int count = subject_entry(name, NID_organizationIdentifier, &value);
	if (count > 1)
		return why_set(why, WHY_INVALID,
		    "the subject has %d organization identifiers, expected one",
		    count);
	if (count == 1) {
		if (value.size > sizeof form - 1 &&
		    memcmp(value.at, form, sizeof form - 1) == 0)
			take_organisation(
			    facts, span_of(value.at + sizeof form - 1,
				       value.size - (sizeof form - 1)));
		return 0;
	}
	if (subject_entry(name, NID_serialNumber, &value) == 1)
		facts->organisation_legacy = take_organisation(facts, value);
	return 0;
}

static int
read_facts(struct certificate *certificate, struct why *why)
{
	struct certificate_facts *facts = &certificate->facts;
	X509 *x509 = certificate->x509;
	(void)SHA256(
	    certificate->der.at, certificate->der.size, facts->fingerprint);
	hex_build(facts->fingerprint_text, facts->fingerprint,
	    sizeof facts->fingerprint);
	if (!time_ms(X509_get0_notBefore(x509), &facts->not_before_ms) ||
	    !time_ms(X509_get0_notAfter(x509), &facts->not_after_ms) ||
	    facts->not_after_ms < facts->not_before_ms)
		return why_set(why, WHY_MALFORMED,
		    "the certificate's validity is not a period of time");
	if ((X509_get_extension_flags(x509) & EXFLAG_INVALID) != 0)
		return why_openssl(
		    why, WHY_MALFORMED, "the certificate's extensions");
	certificate->pkey = X509_get0_pubkey(x509);
	if (certificate->pkey == NULL)
		return why_openssl(
		    why, WHY_UNSUPPORTED, "the certificate's key");
	int ret =
	    pkey_kind(certificate->pkey, &facts->key, &facts->key_bits, why);
	if (ret < 0)
		return ret;
	facts->self_issued = X509_NAME_cmp(X509_get_subject_name(x509),
				 X509_get_issuer_name(x509)) == 0;
	return read_organisation(certificate, why);
}

static int
read_der(struct certificate *certificate, struct why *why)
{
	struct span der = buf_span(&certificate->der);
	const unsigned char *at = der.at;
	certificate->x509 = d2i_X509(NULL, &at, (long)der.size);
	if (certificate->x509 == NULL)
		return why_openssl(
		    why, WHY_MALFORMED, "not an X.509 certificate");
	if (at != der.at + der.size)
		return why_set(why, WHY_MALFORMED,
		    "%zu bytes follow the certificate",
		    der.size - (size_t)(at - der.at));
	unsigned char *again = NULL;
	int size = i2d_X509(certificate->x509, &again);
	bool same = size > 0 && span_equal(der, span_of(again, (size_t)size));
	OPENSSL_free(again);
	if (!same)
		return why_set(
		    why, WHY_MALFORMED, "the certificate is not DER");
	const X509_ALGOR *outer;
	X509_get0_signature(NULL, &outer, certificate->x509);
	if (X509_ALGOR_cmp(outer, X509_get0_tbs_sigalg(certificate->x509)) != 0)
		return why_set(why, WHY_MALFORMED,
		    "the certificate names two signature algorithms");
	return read_facts(certificate, why);
}

static bool
looks_like_pem(struct span bytes)
{
	return bytes.size > 0 && *bytes.at != 0x30;
}

int
certificate_parse(struct span bytes, struct certificate **out, struct why *why)
{
	int ret;
	struct certificate *certificate = calloc(1, sizeof *certificate);
	if (certificate == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a certificate");
	buf_init(&certificate->der, CERTIFICATE_BYTES_MAX);
	if (bytes.size > CERTIFICATE_BYTES_MAX) {
		ret = why_set(why, WHY_TOO_LARGE,
		    "the certificate is over %u bytes", CERTIFICATE_BYTES_MAX);
		goto out;
	}
	if (looks_like_pem(bytes)) {
		if (!pem_next(&bytes, "CERTIFICATE", &certificate->der) ||
		    bytes.size != 0) {
			ret = why_set(why, WHY_MALFORMED,
			    "not one certificate in PEM or DER");
			goto out;
		}
	} else {
		buf_add_span(&certificate->der, bytes);
	}
	if (!buf_ok(&certificate->der)) {
		ret = why_set(why, WHY_NOMEM, "no memory for a certificate");
		goto out;
	}
	if ((ret = read_der(certificate, why)) < 0)
		goto out;
	*out = certificate;
	certificate = NULL;
out:
	certificate_free(certificate);
	return ret;
}

void
certificate_free(struct certificate *certificate)
{
	if (certificate == NULL)
		return;
	X509_free(certificate->x509);
	buf_clear(&certificate->der);
	free(certificate);
}

const struct certificate_facts *
certificate_facts(const struct certificate *certificate)
{
	return &certificate->facts;
}

struct span
certificate_der(const struct certificate *certificate)
{
	return buf_span(&certificate->der);
}

int
certificate_check_time(
    const struct certificate *certificate, int64_t at_ms, struct why *why)
{
	const struct certificate_facts *facts = &certificate->facts;
	char text[TIME_TEXT_SIZE];
	if (at_ms < facts->not_before_ms) {
		time_build(text, facts->not_before_ms);
		return why_set(why, WHY_INVALID,
		    "the certificate is not valid before %s", text);
	}
	/* the last second is part of the period (RFC 5280 4.1.2.5) */
	if (at_ms >= facts->not_after_ms + 1000) {
		time_build(text, facts->not_after_ms);
		return why_set(
		    why, WHY_INVALID, "the certificate expired at %s", text);
	}
	return 0;
}

static int
check_key_usage(const struct certificate *certificate,
    enum certificate_purpose purpose, struct why *why)
{
	uint32_t usage = X509_get_key_usage(certificate->x509);
	uint32_t need = KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION;
	const char *names = "digitalSignature or nonRepudiation";
	if (purpose == CERTIFICATE_FOR_SEALING) {
		bool rsa = certificate->facts.key == CERTIFICATE_RSA;
		need = rsa ? KU_KEY_ENCIPHERMENT : KU_KEY_AGREEMENT;
		names = rsa ? "keyEncipherment" : "keyAgreement";
	} else if (purpose == CERTIFICATE_FOR_CLIENT) {
		need = KU_DIGITAL_SIGNATURE;
		names = "digitalSignature";
	}
	if ((usage & need) == 0)
		return why_set(why, WHY_INVALID,
		    "the certificate's key usage lacks %s", names);
	return 0;
}

static int
check_extended_usage(const struct certificate *certificate,
    enum certificate_purpose purpose, struct why *why)
{
	uint32_t usage = X509_get_extended_key_usage(certificate->x509);
	uint32_t need = XKU_ANYEKU | XKU_SSL_CLIENT;
	const char *names = "clientAuth";
	if (purpose == CERTIFICATE_FOR_SIGNING || usage == UINT32_MAX)
		return 0;
	if (purpose == CERTIFICATE_FOR_SEALING) {
		need |= XKU_SMIME;
		names = "emailProtection and clientAuth";
	}
	if ((usage & need) == 0)
		return why_set(why, WHY_INVALID,
		    "the certificate's extended key usage lacks %s", names);
	return 0;
}

int
certificate_check_purpose(const struct certificate *certificate,
    enum certificate_purpose purpose, struct why *why)
{
	int ret = check_key_usage(certificate, purpose, why);
	return ret != 0 ? ret : check_extended_usage(certificate, purpose, why);
}
