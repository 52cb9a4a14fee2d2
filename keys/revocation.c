/*
 * revocation - whom to ask about a certificate, and how old an answer may be.
 *
 * SECURITY: the addresses come from a certificate that leads to an anchor, yet
 * are only text here; whoever goes there has rules of its own.
 */
#include "keys/revocation_priv.h"

#include "base/text.h"
#include "keys/keys_priv.h"

#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

/* ---- places ---- */

static bool
is_web(const char *at, size_t size)
{
	return (size > 7 && memcmp(at, "http://", 7) == 0) ||
	       (size > 8 && memcmp(at, "https://", 8) == 0);
}

/* Visible ASCII that fits; the first one counts. */
static void
take_place(const GENERAL_NAME *name, char place[REVOCATION_URL_SIZE])
{
	if (*place != '\0' || name == NULL || name->type != GEN_URI)
		return;
	const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;
	const char *at = (const char *)ASN1_STRING_get0_data(uri);
	int length = ASN1_STRING_length(uri);
	size_t size = length < 0 ? 0 : (size_t)length;
	if (size >= REVOCATION_URL_SIZE || !is_web(at, size))
		return;
	for (size_t i = 0; i < size; i++)
		if (at[i] <= ' ' || at[i] > '~')
			return;
	memcpy(place, at, size);
	place[size] = '\0';
}

static void
take_ocsp(X509 *x509, char place[REVOCATION_URL_SIZE])
{
	AUTHORITY_INFO_ACCESS *access =
	    X509_get_ext_d2i(x509, NID_info_access, NULL, NULL);
	for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access); i++) {
		const ACCESS_DESCRIPTION *one =
		    sk_ACCESS_DESCRIPTION_value(access, i);
		if (OBJ_obj2nid(one->method) == NID_ad_OCSP)
			take_place(one->location, place);
	}
	AUTHORITY_INFO_ACCESS_free(access);
}

static void
take_crl(X509 *x509, char place[REVOCATION_URL_SIZE])
{
	CRL_DIST_POINTS *points =
	    X509_get_ext_d2i(x509, NID_crl_distribution_points, NULL, NULL);
	for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *point = sk_DIST_POINT_value(points, i);
		/* a list of some reasons, or signed by another, is no use */
		if (point->distpoint == NULL || point->distpoint->type != 0 ||
		    point->reasons != NULL || point->CRLissuer != NULL)
			continue;
		const GENERAL_NAMES *names = point->distpoint->name.fullname;
		for (int k = 0; k < sk_GENERAL_NAME_num(names); k++)
			take_place(sk_GENERAL_NAME_value(names, k), place);
	}
	CRL_DIST_POINTS_free(points);
}

void
revocation_places(
    const struct certificate *certificate, struct revocation_places *out)
{
	out->ocsp[0] = '\0';
	out->crl[0] = '\0';
	take_ocsp(certificate_x509(certificate), out->ocsp);
	take_crl(certificate_x509(certificate), out->crl);
}

/* ---- the issuer ---- */

static int
certificate_of(X509 *x509, struct certificate **out, struct why *why)
{
	unsigned char *der = NULL;
	int size = i2d_X509(x509, &der);
	int ret = size > 0
		      ? certificate_parse(span_of(der, (size_t)size), out, why)
		      : why_openssl(why, WHY_NOMEM, "an issuer");
	OPENSSL_free(der);
	return ret;
}

int
revocation_issuer(const struct certificate *certificate,
    const struct anchors *anchors, const struct span *extra_der,
    size_t extra_count, int64_t at_ms, struct certificate **out,
    struct why *why)
{
	struct anchors_verdict verdict = {
	    .at_ms = at_ms, .issuer_wanted = true};
	int ret = anchors_verify(
	    certificate, anchors, extra_der, extra_count, &verdict, why);
	if (ret == 0)
		ret = certificate_of(verdict.issuer, out, why);
	X509_free(verdict.issuer);
	return ret;
}

/* ---- times ---- */

int64_t
revocation_time_ms(const ASN1_TIME *time)
{
	struct tm tm;
	if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm) * 1000;
}

int
revocation_read_times(const ASN1_TIME *made, const ASN1_TIME *next,
    int64_t at_ms, const char *what, struct revocation *out, struct why *why)
{
	char text[TIME_TEXT_SIZE];
	out->made_ms = revocation_time_ms(made);
	out->next_ms = next == NULL ? out->made_ms + REVOCATION_OLDEST_MS
				    : revocation_time_ms(next);
	if (out->made_ms == 0 || out->next_ms < out->made_ms)
		return why_set(
		    why, WHY_MALFORMED, "%s has no period of time", what);
	if (out->made_ms > at_ms + REVOCATION_AHEAD_MS) {
		time_build(text, out->made_ms);
		return why_set(
		    why, WHY_INVALID, "%s is from the future: %s", what, text);
	}
	if (at_ms >= out->next_ms) {
		time_build(text, out->next_ms);
		return why_set(
		    why, WHY_INVALID, "%s is old: good until %s", what, text);
	}
	return 0;
}

int
revocation_check_digest(int signature_nid, const char *what, struct why *why)
{
	int digest = NID_undef;
	int key = NID_undef;
	if (OBJ_find_sigid_algs(signature_nid, &digest, &key) != 1)
		return why_set(why, WHY_CRYPTO,
		    "%s is signed in a way that is not known here", what);
	if (digest == NID_md5 || digest == NID_sha1)
		return why_set(
		    why, WHY_CRYPTO, "%s is signed by MD5 or SHA-1", what);
	return 0;
}

const char *
revocation_state_name(enum revocation_state state)
{
	switch (state) {
	case REVOCATION_GOOD:
		return "good";
	case REVOCATION_REVOKED:
		return "revoked";
	case REVOCATION_UNKNOWN:
		break;
	}
	return "unknown";
}
