/*
 * trust - one question about a certificate, and a name for each refusal.
 *
 * SECURITY: the certificate and those that came with it are hostile.
 */
#include "keys/trust.h"

#include "base/text.h"
#include "keys/keys_priv.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

static int
refuse(enum trust_fault *fault, enum trust_fault which, struct why *why)
{
	*fault = which;
	if (why != NULL) /* the sentence stays: it says more than the name */
		why->code = WHY_DENIED;
	return WHY_DENIED;
}

static int
check_time(const struct certificate *certificate, int64_t at_ms,
    enum trust_fault *fault, struct why *why)
{
	if (certificate_check_time(certificate, at_ms, why) == 0)
		return 0;
	bool early = at_ms < certificate_facts(certificate)->not_before_ms;
	return refuse(fault, early ? TRUST_NOT_YET_VALID : TRUST_EXPIRED, why);
}

static int
check_extensions(const struct certificate *certificate, enum trust_fault *fault,
    struct why *why)
{
	uint32_t flags =
	    X509_get_extension_flags(certificate_x509(certificate));
	if ((flags & EXFLAG_CRITICAL) == 0)
		return 0;
	(void)why_set(why, WHY_DENIED,
	    "the certificate has a critical extension that is not known here");
	return refuse(fault, TRUST_CRITICAL_EXTENSION, why);
}

static enum trust_fault
fault_of(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return TRUST_NOT_YET_VALID;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return TRUST_EXPIRED;
	case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
		return TRUST_CRITICAL_EXTENSION;
	case X509_V_ERR_CA_MD_TOO_WEAK:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_EE_KEY_TOO_SMALL:
		return TRUST_WEAK_SIGNATURE;
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return TRUST_BAD_SIGNATURE;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return TRUST_UNKNOWN_ISSUER;
	case X509_V_ERR_INVALID_CA:
	case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
	case X509_V_ERR_PATH_LENGTH_EXCEEDED:
		return TRUST_ISSUER_NO_AUTHORITY;
	default:
		return TRUST_CHAIN_BROKEN;
	}
}

static int
check_chain(const struct certificate *certificate,
    const struct trust_question *question, enum trust_fault *fault,
    struct why *why)
{
	struct anchors_verdict verdict = {.at_ms = question->at_ms};
	int ret = anchors_verify(certificate, question->anchors,
	    question->extra_der, question->extra_count, &verdict, why);
	if (ret == WHY_NOMEM || ret == 0)
		return ret;
	return refuse(fault, fault_of(verdict.error), why);
}

static int
check_organisation(const struct certificate *certificate,
    const char *organisation, enum trust_fault *fault, struct why *why)
{
	const char *named = certificate_facts(certificate)->organisation;
	if (named[0] == '\0') {
		(void)why_set(why, WHY_DENIED,
		    "the certificate names no organisation number in "
		    "organizationIdentifier or serialNumber");
		return refuse(fault, TRUST_NO_ORGANISATION, why);
	}
	if (strcmp(named, organisation) != 0) {
		(void)why_set(why, WHY_DENIED,
		    "the certificate is one of organisation %s, expected %s",
		    named, organisation);
		return refuse(fault, TRUST_OTHER_ORGANISATION, why);
	}
	return 0;
}

int
trust_check(const struct certificate *certificate,
    const struct trust_question *question, enum trust_fault *fault,
    struct why *why)
{
	*fault = TRUST_HOLDS;
	int ret = check_time(certificate, question->at_ms, fault, why);
	if (ret == 0)
		ret = check_extensions(certificate, fault, why);
	if (ret == 0 &&
	    certificate_check_purpose(certificate, question->purpose, why) != 0)
		ret = refuse(fault, TRUST_WRONG_USAGE, why);
	if (ret != 0 || question->policy == CERTIFICATE_PINNED)
		return ret;
	ret = check_chain(certificate, question, fault, why);
	if (ret == 0)
		ret = check_organisation(
		    certificate, question->organisation, fault, why);
	return ret;
}

const char *
trust_fault_name(enum trust_fault fault)
{
	static const char *const names[] = {
	    [TRUST_HOLDS] = "holds",
	    [TRUST_NOT_YET_VALID] = "not-yet-valid",
	    [TRUST_EXPIRED] = "expired",
	    [TRUST_WRONG_USAGE] = "wrong-usage",
	    [TRUST_CRITICAL_EXTENSION] = "critical-extension",
	    [TRUST_WEAK_SIGNATURE] = "weak-signature",
	    [TRUST_BAD_SIGNATURE] = "bad-signature",
	    [TRUST_UNKNOWN_ISSUER] = "unknown-issuer",
	    [TRUST_ISSUER_NO_AUTHORITY] = "issuer-no-authority",
	    [TRUST_NO_ORGANISATION] = "no-organisation",
	    [TRUST_OTHER_ORGANISATION] = "other-organisation",
	    [TRUST_CHAIN_BROKEN] = "chain-broken",
	};
	size_t at = (size_t)fault;
	return at < sizeof names / sizeof *names ? names[at] : "chain-broken";
}
