/*
 * revocation_ocsp - one question about one certificate, and its answer.
 *
 * SECURITY: reads hostile bytes through OpenSSL's OCSP parser, with a cap on
 * their size. The signature is checked with the issuer alone as the anchor, so
 * that only the issuer and the responders it has named can have made it.
 */
#include "keys/revocation_priv.h"

#include "keys/keys_priv.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>

/* SHA-1 is the form of CertID that every responder knows (RFC 5019 section
 * 2.1.1); it names the certificate, and nothing rests on it: the signature
 * covers the serial number, and the issuer is checked by its key. */
static OCSP_CERTID *
certificate_id(
    const struct certificate *certificate, const struct certificate *issuer)
{
	return OCSP_cert_to_id(EVP_sha1(), certificate_x509(certificate),
	    certificate_x509(issuer));
}

int
revocation_ocsp_ask(const struct certificate *certificate,
    const struct certificate *issuer, struct buf *out, struct why *why)
{
	int ret = 0;
	unsigned char *der = NULL;
	OCSP_REQUEST *request = OCSP_REQUEST_new();
	OCSP_CERTID *id = certificate_id(certificate, issuer);
	if (request != NULL && id != NULL &&
	    OCSP_request_add0_id(request, id) != NULL)
		id = NULL; /* the request's now */
	int size = request == NULL || id != NULL
		       ? -1
		       : i2d_OCSP_REQUEST(request, &der);
	if (size <= 0)
		ret = why_openssl(why, WHY_NOMEM, "an OCSP question");
	else
		buf_add(out, der, (size_t)size);
	OPENSSL_free(der);
	OCSP_CERTID_free(id);
	OCSP_REQUEST_free(request);
	if (ret == 0 && !buf_ok(out))
		ret = why_set(why, WHY_NOMEM, "no memory for an OCSP question");
	return ret;
}

/* ---- the answer ---- */

static int
response_read(struct span answer, OCSP_RESPONSE **out, struct why *why)
{
	const unsigned char *at = answer.at;
	if (answer.size > REVOCATION_OCSP_BYTES_MAX)
		return why_set(why, WHY_TOO_LARGE,
		    "the OCSP answer is over %u bytes",
		    REVOCATION_OCSP_BYTES_MAX);
	*out = d2i_OCSP_RESPONSE(NULL, &at, (long)answer.size);
	if (*out == NULL)
		return why_openssl(why, WHY_MALFORMED, "not an OCSP answer");
	if (at != answer.at + answer.size)
		return why_set(
		    why, WHY_MALFORMED, "bytes follow the OCSP answer");
	int status = OCSP_response_status(*out);
	if (status == OCSP_RESPONSE_STATUS_SUCCESSFUL)
		return 0;
	return why_set(why,
	    status == OCSP_RESPONSE_STATUS_UNAUTHORIZED ? WHY_DENIED : WHY_BUSY,
	    "the OCSP responder says: %s", OCSP_response_status_str(status));
}

static int
digest_check(const OCSP_BASICRESP *basic, struct why *why)
{
	const ASN1_OBJECT *name = NULL;
	X509_ALGOR_get0(&name, NULL, NULL, OCSP_resp_get0_tbs_sigalg(basic));
	return revocation_check_digest(
	    OBJ_obj2nid(name), "the OCSP answer", why);
}

/* By the issuer itself, or by a responder that the issuer's own key certified
 * for OCSP: the issuer is the only anchor, and a chain of its own. */
static int
signature_check(OCSP_BASICRESP *basic, const struct certificate *issuer,
    int64_t at_ms, struct why *why)
{
	int ret = 0;
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *signers = sk_X509_new_null();
	X509 *x509 = certificate_x509(issuer);
	if (store == NULL || signers == NULL ||
	    X509_STORE_add_cert(store, x509) != 1 ||
	    sk_X509_push(signers, x509) <= 0) {
		ret = why_openssl(why, WHY_NOMEM, "an OCSP answer");
		goto out;
	}
	X509_VERIFY_PARAM *param = X509_STORE_get0_param(store);
	X509_VERIFY_PARAM_set_time(param, (time_t)(at_ms / 1000));
	(void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_auth_level(param, 2); /* as anchors.c */
	if (OCSP_basic_verify(basic, signers, store, 0) != 1)
		ret =
		    why_openssl(why, WHY_CRYPTO, "the OCSP answer's signature");
out:
	sk_X509_free(signers);
	X509_STORE_free(store);
	ERR_clear_error();
	return ret;
}

static int
single_read(OCSP_BASICRESP *basic, const struct certificate *certificate,
    const struct certificate *issuer, int64_t at_ms, struct revocation *out,
    struct why *why)
{
	int status = V_OCSP_CERTSTATUS_UNKNOWN;
	int reason;
	ASN1_GENERALIZEDTIME *revoked = NULL;
	ASN1_GENERALIZEDTIME *made = NULL;
	ASN1_GENERALIZEDTIME *next = NULL;
	OCSP_CERTID *id = certificate_id(certificate, issuer);
	if (id == NULL)
		return why_openssl(why, WHY_NOMEM, "an OCSP answer");
	int found = OCSP_resp_find_status(
	    basic, id, &status, &reason, &revoked, &made, &next);
	OCSP_CERTID_free(id);
	if (found != 1)
		return why_set(why, WHY_NOT_FOUND,
		    "the OCSP answer is of another certificate");
	if (status == V_OCSP_CERTSTATUS_GOOD)
		out->state = REVOCATION_GOOD;
	if (status == V_OCSP_CERTSTATUS_REVOKED) {
		out->state = REVOCATION_REVOKED;
		out->revoked_ms = revocation_time_ms(revoked);
	}
	return revocation_read_times(
	    made, next, at_ms, "the OCSP answer", out, why);
}

int
revocation_ocsp_read(struct span answer, const struct certificate *certificate,
    const struct certificate *issuer, int64_t at_ms, struct revocation *out,
    struct why *why)
{
	OCSP_RESPONSE *response = NULL;
	OCSP_BASICRESP *basic = NULL;
	struct revocation read = {.state = REVOCATION_UNKNOWN};
	int ret = response_read(answer, &response, why);
	if (ret < 0)
		goto out;
	basic = OCSP_response_get1_basic(response);
	if (basic == NULL) {
		ret =
		    why_openssl(why, WHY_MALFORMED, "not a basic OCSP answer");
		goto out;
	}
	ret = digest_check(basic, why);
	if (ret == 0)
		ret = signature_check(basic, issuer, at_ms, why);
	if (ret == 0)
		ret =
		    single_read(basic, certificate, issuer, at_ms, &read, why);
	if (ret == 0)
		*out = read;
out:
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	ERR_clear_error();
	return ret;
}
