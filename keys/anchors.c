/*
 * anchors - the ends of chains that the operator trusts, and the way there.
 *
 * SECURITY: the certificates that come with a signature are hostile; only those
 * in struct anchors are believed.
 */
#include "keys/keys_priv.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

/* signatures of certificates: SHA-256 or better, keys of 112 bits or more */
#define ANCHORS_SECURITY_LEVEL 2
#define ANCHORS_CHAIN_MAX 8

struct anchors {
	X509_STORE *store;
	STACK_OF(X509) * helpers; /* not believed, only tried */
	size_t count;
};

static int
add_block(struct anchors *anchors, struct span der, bool as_anchor,
    bool *self_issued, struct why *why)
{
	struct certificate *certificate = NULL;
	int ret = certificate_parse(der, &certificate, why);
	if (ret < 0)
		return ret;
	*self_issued = certificate_facts(certificate)->self_issued;
	X509 *x509 = certificate_x509(certificate);
	if (as_anchor || *self_issued) {
		if (X509_STORE_add_cert(anchors->store, x509) != 1)
			ret = why_openssl(why, WHY_NOMEM, "trust store");
	} else if (X509_up_ref(x509) != 1 ||
		   sk_X509_push(anchors->helpers, x509) <= 0) {
		ret = why_openssl(why, WHY_NOMEM, "trust store");
	}
	certificate_free(certificate);
	return ret;
}

static int
add_blocks(struct anchors *anchors, struct span pem, bool all, struct why *why)
{
	bool some = false;
	anchors->count = 0;
	while (pem.size > 0) {
		struct buf der;
		bool self_issued = false;
		buf_init(&der, CERTIFICATE_BYTES_MAX);
		int ret = 0;
		if (!pem_next(&pem, "CERTIFICATE", &der))
			ret = why_set(why, WHY_MALFORMED,
			    "anchor %zu is not a PEM certificate",
			    anchors->count + 1);
		else if (++anchors->count > ANCHORS_COUNT_MAX)
			ret = why_set(why, WHY_TOO_LARGE,
			    "more than %d anchors", ANCHORS_COUNT_MAX);
		else
			ret = add_block(
			    anchors, buf_span(&der), all, &self_issued, why);
		buf_clear(&der);
		if (ret < 0)
			return ret;
		some = some || self_issued;
	}
	if (anchors->count == 0)
		return why_set(why, WHY_MALFORMED, "no anchor was given");
	return some || all ? 0 : 1;
}

int
anchors_parse(struct span pem, struct anchors **out, struct why *why)
{
	int ret;
	struct anchors *anchors = calloc(1, sizeof *anchors);
	if (anchors == NULL)
		return why_set(why, WHY_NOMEM, "no memory for anchors");
	anchors->store = X509_STORE_new();
	anchors->helpers = sk_X509_new_null();
	if (anchors->store == NULL || anchors->helpers == NULL) {
		ret = why_set(why, WHY_NOMEM, "no memory for anchors");
		goto out;
	}
	if (pem.size > ANCHORS_BYTES_MAX) {
		ret = why_set(why, WHY_TOO_LARGE,
		    "the anchors are over %u bytes", ANCHORS_BYTES_MAX);
		goto out;
	}
	/* none is self-issued: then each of them is an anchor */
	if ((ret = add_blocks(anchors, pem, false, why)) == 1)
		ret = add_blocks(anchors, pem, true, why);
	if (ret < 0)
		goto out;
	*out = anchors;
	anchors = NULL;
	ret = 0;
out:
	anchors_free(anchors);
	return ret;
}

void
anchors_free(struct anchors *anchors)
{
	if (anchors == NULL)
		return;
	X509_STORE_free(anchors->store);
	sk_X509_pop_free(anchors->helpers, X509_free);
	free(anchors);
}

/* Next in the chain; an anchor that is asked about is its own. */
static int
issuer_take(
    STACK_OF(X509) * chain, struct anchors_verdict *verdict, struct why *why)
{
	X509 *issuer = sk_X509_value(chain, sk_X509_num(chain) > 1 ? 1 : 0);
	if (issuer == NULL || X509_up_ref(issuer) != 1)
		return why_set(why, WHY_NOMEM, "no memory for an issuer");
	verdict->issuer = issuer;
	return 0;
}

static int
verify(const struct certificate *certificate, const struct anchors *anchors,
    STACK_OF(X509) * untrusted, struct anchors_verdict *verdict,
    struct why *why)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	if (context == NULL ||
	    X509_STORE_CTX_init(context, anchors->store,
		certificate_x509(certificate), untrusted) != 1) {
		X509_STORE_CTX_free(context);
		return why_openssl(why, WHY_NOMEM, "certificate chain");
	}
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_time(param, (time_t)(verdict->at_ms / 1000));
	(void)X509_VERIFY_PARAM_set_flags(
	    param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_X509_STRICT);
	X509_VERIFY_PARAM_set_depth(param, ANCHORS_CHAIN_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, ANCHORS_SECURITY_LEVEL);
	int ret = 0;
	if (X509_verify_cert(context) != 1) {
		verdict->error = X509_STORE_CTX_get_error(context);
		ret = why_set(why, WHY_DENIED, "the certificate's chain: %s",
		    X509_verify_cert_error_string(verdict->error));
	} else if (verdict->issuer_wanted) {
		ret = issuer_take(
		    X509_STORE_CTX_get0_chain(context), verdict, why);
	}
	X509_STORE_CTX_free(context);
	ERR_clear_error();
	return ret;
}

int
anchors_verify(const struct certificate *certificate,
    const struct anchors *anchors, const struct span *extra_der,
    size_t extra_count, struct anchors_verdict *verdict, struct why *why)
{
	int ret = 0;
	if (extra_count > ANCHORS_CHAIN_MAX)
		return why_set(why, WHY_TOO_LARGE,
		    "more than %d certificates in a chain", ANCHORS_CHAIN_MAX);
	STACK_OF(X509) *untrusted = X509_chain_up_ref(anchors->helpers);
	if (untrusted == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a chain");
	for (size_t i = 0; i < extra_count && ret == 0; i++) {
		struct certificate *extra = NULL;
		if ((ret = certificate_parse(extra_der[i], &extra, why)) < 0)
			break;
		X509 *x509 = certificate_x509(extra);
		if (X509_up_ref(x509) != 1 ||
		    sk_X509_push(untrusted, x509) <= 0)
			ret = why_set(why, WHY_NOMEM, "no memory for a chain");
		certificate_free(extra);
	}
	if (ret == 0)
		ret = verify(certificate, anchors, untrusted, verdict, why);
	sk_X509_pop_free(untrusted, X509_free);
	return ret;
}

int
certificate_check_chain(const struct certificate *certificate,
    const struct anchors *anchors, const struct span *extra_der,
    size_t extra_count, int64_t at_ms, bool revocation, struct why *why)
{
	struct anchors_verdict verdict = {.at_ms = at_ms};
	if (revocation)
		return why_set(
		    why, WHY_UNSUPPORTED, "checking revocation is not built");
	return anchors_verify(
	    certificate, anchors, extra_der, extra_count, &verdict, why);
}
