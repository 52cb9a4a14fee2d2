/*
 * Certificates of a mailbox: /v1/mailbox/{}/certificates.
 *
 * SECURITY: reads small JSON bodies and certificates from the world, each
 * capped; a certificate is active only after its owner has opened a challenge
 * sealed to it.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "keys/challenge.h"
#include "relay/api.h"
#include "relay/body.h"
#include "relay/change.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *
member_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static json_t *
certificate_json(const struct spool_certificate *certificate)
{
	char hex[2 * SPOOL_HASH_SIZE + 1];
	hex_build(hex, certificate->fingerprint, SPOOL_HASH_SIZE);
	json_t *object = json_pack("{s:s,s:s,s:s,s:s}", "certificate", hex,
	    "state", spool_certificate_state_name(certificate->state), "suite",
	    certificate->suite, "policy",
	    spool_policy_name(certificate->policy));
	(void)json_object_set_new(
	    object, "validFrom", api_time(certificate->valid_from_ms));
	(void)json_object_set_new(
	    object, "validTo", api_time(certificate->valid_to_ms));
	(void)json_object_set_new(
	    object, "added", api_time(certificate->added_ms));
	(void)json_object_set_new(
	    object, "proved", api_time(certificate->active_ms));
	return object;
}

void
api_certificate_list(const struct call *call)
{
	struct why why = {0};
	size_t count = 0;
	if (!change_allowed(call))
		return;
	struct spool_certificate *page =
	    calloc(CERTIFICATES_MOST, sizeof *page);
	int code = page == NULL ? why_set(&why, WHY_NOMEM, "page")
				: spool_view_begin(call->net->view, &why);
	if (code == 0)
		code = spool_view_certificates(call->net->view,
		    call->variables[0], page, CERTIFICATES_MOST, &count, &why);
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(list, certificate_json(&page[i]));
	spool_view_end(call->net->view);
	free(page);
	if (code != 0 && code != WHY_NOT_FOUND) {
		json_decref(list);
		problem_send(call->request, problem_of_why(code));
		return;
	}
	net_answer_json(
	    call->request, 200, json_pack("{s:o}", "certificates", list));
}

/* Only what spool has done, or has refused for its proof. */
static void
log_changed(const struct change *change, uint16_t type, bool done)
{
	char hex[2 * SPOOL_HASH_SIZE + 1];
	bool ends = type == SPOOL_WIRE_CERTIFICATE_SUSPEND;
	hex_build(hex, change->fingerprint, SPOOL_HASH_SIZE);
	log_event(done && !ends ? LOG_INFO : LOG_WARNING,
	    type == SPOOL_WIRE_CERTIFICATE_ADD ? "certificate.added"
	    : ends                             ? "certificate.suspended"
	    : done                             ? "certificate.proved"
					       : "certificate.proof-wrong",
	    LOGS("mailbox", change->recipient), LOGS("certificate", hex),
	    LOGS("by", change->by));
}

/* The certificate as the store has it now. */
static void
answer_certificate(struct change *change)
{
	struct spool_certificate found;
	json_t *object = NULL;
	int code = spool_view_begin(change->net->view, NULL);
	if (code == 0)
		code = spool_view_certificate_of(change->net->view,
		    change->recipient, change->fingerprint, &found, NULL);
	if (code == 0)
		object = certificate_json(&found);
	spool_view_end(change->net->view);
	if (object != NULL)
		net_answer_json(change->request, 200, object);
	else
		problem_send(change->request, code == WHY_NOT_FOUND
						  ? PROBLEM_CERTIFICATE_UNKNOWN
						  : problem_of_why(code));
}

static void
answer_proved(struct change *change)
{
	log_changed(change, SPOOL_WIRE_CERTIFICATE_PROVE, true);
	answer_certificate(change);
}

static void
answer_suspended(struct change *change)
{
	log_changed(change, SPOOL_WIRE_CERTIFICATE_SUSPEND, true);
	answer_certificate(change);
}

static void
refused_proof(const struct change *change, int code)
{
	if (code == WHY_CRYPTO)
		log_changed(change, SPOOL_WIRE_CERTIFICATE_PROVE, false);
}

static void
answer_added(struct change *change)
{
	log_changed(change, SPOOL_WIRE_CERTIFICATE_ADD, true);
	char hex[2 * SPOOL_HASH_SIZE + 1];
	char location[160];
	struct buf text;
	hex_build(hex, change->fingerprint, SPOOL_HASH_SIZE);
	(void)snprintf(location, sizeof location,
	    "/v1/mailbox/%s/certificates/%s", change->recipient, hex);
	http_field_add(change->request, "Location", location);
	buf_init(&text, 128 * KIB);
	base64_build(&text, buf_span(&change->challenge));
	const char *challenge = buf_text(&text);
	net_answer_json(change->request, 201,
	    json_pack("{s:s,s:s,s:s,s:s}", "certificate", hex, "state",
		"proving", "suite", seal_suite_name(change->suite), "challenge",
		challenge == NULL ? "" : challenge));
	buf_clear(&text);
}

/* The certificate and suite that the body asks for; NULL after findings. */
static struct certificate *
certificate_read(
    const json_t *body, enum seal_suite *suite, struct findings *findings)
{
	const char *pem = member_text(body, "certificate");
	const char *name = member_text(body, "suite");
	const char *policy = member_text(body, "policy");
	struct certificate *certificate = NULL;
	struct why why = {0};
	if (json_object_get(body, "policy") != NULL &&
	    (policy == NULL || spool_policy_parse(policy) != SPOOL_PINNED))
		findings_add(findings, "body", "/policy", "enum", "pinned");
	if (pem == NULL ||
	    certificate_parse(span_text(pem), &certificate, &why) != 0) {
		findings_add(findings, "body", "/certificate", "certificate",
		    "one X.509 certificate in PEM%s%s",
		    why.text[0] != '\0' ? ": " : "", why.text);
		return NULL;
	}
	*suite = seal_suite_default(certificate);
	if (json_object_get(body, "suite") != NULL &&
	    (name == NULL || seal_suite_parse(name, suite, &why) != 0 ||
		seal_suite_check(*suite, certificate, &why) != 0))
		findings_add(findings, "body", "/suite", "enum",
		    "a suite that goes with the certificate's key");
	if (certificate_check_time(certificate, clock_wall_ms(), &why) != 0 ||
	    certificate_check_purpose(
		certificate, CERTIFICATE_FOR_SEALING, &why) != 0)
		findings_add(findings, "body", "/certificate", "certificate",
		    "a certificate in force, for encryption: %s", why.text);
	return certificate;
}

static void
add_read(const struct call *call, json_t *body, void *arg)
{
	static const char *const members[] = {
	    "certificate", "suite", "policy", NULL};
	struct findings findings;
	struct why why = {0};
	struct buf request;
	enum seal_suite suite = SEAL_CMS_CBC_OAEP;
	(void)arg;
	findings_init(&findings, call->net->limits->findings);
	body_members(body, members, &findings);
	struct certificate *certificate =
	    certificate_read(body, &suite, &findings);
	if (!findings_none(&findings)) {
		certificate_free(certificate);
		body_refuse(call->request, PROBLEM_CERTIFICATE, &findings);
		return;
	}
	findings_clear(&findings);
	struct change *change = change_new(call, answer_added);
	if (change == NULL) {
		certificate_free(certificate);
		return;
	}
	const struct certificate_facts *facts = certificate_facts(certificate);
	struct spool_certificate_add add = {
	    .recipient = change->recipient,
	    .der = certificate_der(certificate),
	    .suite = seal_suite_name(suite),
	    .policy = SPOOL_PINNED,
	    .valid_from_ms = facts->not_before_ms,
	    .valid_to_ms = facts->not_after_ms,
	};
	change->suite = suite;
	memcpy(add.fingerprint, facts->fingerprint, SPOOL_HASH_SIZE);
	memcpy(change->fingerprint, facts->fingerprint, SPOOL_HASH_SIZE);
	buf_init(&request, 256 * KIB);
	int code = challenge_make(
	    certificate, suite, &change->challenge, add.challenge_hash, &why);
	add.challenge = buf_span(&change->challenge);
	spool_wire_certificate_build(&request, &add, NULL);
	certificate_free(certificate);
	if (code != 0) {
		buf_clear(&request);
		change_free(change);
		problem_send(call->request, problem_of_why(code));
		return;
	}
	change_ask(change, SPOOL_WIRE_CERTIFICATE_ADD, &request);
}

void
api_certificate_add(const struct call *call)
{
	if (change_allowed(call))
		body_take(call, add_read, NULL);
}

static bool
fingerprint_read(const struct call *call, uint8_t fingerprint[SPOOL_HASH_SIZE])
{
	if (hex_parse(call->variables[1], fingerprint, SPOOL_HASH_SIZE))
		return true;
	problem_send(call->request, PROBLEM_CERTIFICATE_UNKNOWN);
	return false;
}

/* PROVE and SUSPEND. */
static void
certificate_ask(const struct call *call, uint16_t type,
    const uint8_t answer_hash[SPOOL_HASH_SIZE])
{
	struct buf request;
	bool proves = type == SPOOL_WIRE_CERTIFICATE_PROVE;
	struct change *change =
	    change_new(call, proves ? answer_proved : answer_suspended);
	if (change == NULL)
		return;
	change->refused = refused_proof;
	if (!fingerprint_read(call, change->fingerprint)) {
		change_free(change);
		return;
	}
	struct spool_certificate_add add = {
	    .recipient = change->recipient, .suite = ""};
	memcpy(add.fingerprint, change->fingerprint, SPOOL_HASH_SIZE);
	buf_init(&request, 4 * KIB);
	spool_wire_certificate_build(&request, &add, answer_hash);
	change_ask(change, type, &request);
}

/* What the store compares: as challenge_make() made the verifier. */
static bool
answer_hash(const char *answer, uint8_t hash[SPOOL_HASH_SIZE])
{
	char text[128];
	int length =
	    snprintf(text, sizeof text, "budstikke-challenge-v1%s", answer);
	return length > 0 && (size_t)length < sizeof text &&
	       EVP_Digest(
		   text, (size_t)length, hash, NULL, EVP_sha256(), NULL) == 1;
}

static void
proof_read(const struct call *call, json_t *body, void *arg)
{
	static const char *const members[] = {"proof", NULL};
	struct findings findings;
	uint8_t digest[SPOOL_HASH_SIZE];
	uint8_t hash[SPOOL_HASH_SIZE];
	const char *proof = member_text(body, "proof");
	(void)arg;
	findings_init(&findings, call->net->limits->findings);
	body_members(body, members, &findings);
	if (proof == NULL || !hex_parse(proof, digest, sizeof digest) ||
	    strspn(proof, "0123456789abcdef") != strlen(proof) ||
	    !answer_hash(proof, hash))
		findings_add(&findings, "body", "/proof", "pattern",
		    "64 lower-case hex digits");
	if (!findings_none(&findings)) {
		body_refuse(call->request, PROBLEM_BODY, &findings);
		return;
	}
	findings_clear(&findings);
	certificate_ask(call, SPOOL_WIRE_CERTIFICATE_PROVE, hash);
}

void
api_certificate_prove(const struct call *call)
{
	if (change_allowed(call))
		body_take(call, proof_read, NULL);
}

void
api_certificate_suspend(const struct call *call)
{
	if (!change_allowed(call))
		return;
	certificate_ask(call, SPOOL_WIRE_CERTIFICATE_SUSPEND, NULL);
}
