/*
 * Mailboxes and their certificates: /v1/mailbox/{}, /v1/mailboxes and
 * /v1/mailbox/{}/certificates.
 *
 * SECURITY: reads small JSON bodies and certificates from the world, each
 * capped; a certificate is active only after its owner has opened a challenge
 * sealed to it.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "formats/json.h"
#include "keys/challenge.h"
#include "keys/seal.h"
#include "relay/body.h"
#include "relay/net.h"
#include "relay/problem.h"
#include "relay/routes.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define CERTIFICATES_MAX 1024 /* of one mailbox, in a list */

static void
set_time(json_t *object, const char *name, int64_t ms)
{
	char text[TIME_TEXT_SIZE];
	if (ms == 0)
		return;
	time_build(text, ms);
	(void)json_object_set_new(object, name, json_string(text));
}

/* ---- mailboxes ------------------------------------------------------------
 */

static json_t *
counts_json(const struct spool_counts *counts)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "accepted",
	    (json_int_t)counts->accepted, "waiting",
	    (json_int_t)(counts->now[SPOOL_ACCEPTED] +
			 counts->now[SPOOL_FETCHED]),
	    "imported", (json_int_t)counts->now[SPOOL_IMPORTED], "unproven",
	    (json_int_t)counts->unproven, "rejected",
	    (json_int_t)counts->now[SPOOL_REJECTED], "expired",
	    (json_int_t)counts->now[SPOOL_EXPIRED], "recalled",
	    (json_int_t)counts->now[SPOOL_RECALLED], "waitingBytes",
	    (json_int_t)counts->waiting_bytes);
}

static json_t *
mailbox_json(const struct spool_mailbox *mailbox)
{
	json_t *types = json_array();
	for (size_t i = 0; i < mailbox->type_count; i++)
		(void)json_array_append_new(
		    types, json_string(mailbox->types[i]));
	json_t *object =
	    json_pack("{s:s,s:s,s:s,s:o,s:b}", "recipient", mailbox->recipient,
		"state", spool_mailbox_state_name(mailbox->state), "form",
		spool_form_name(mailbox->form), "types", types,
		"stopAtCertificateEnd", mailbox->stop_at_certificate_end);
	set_time(object, "created", mailbox->created_ms);
	set_time(object, "polled", mailbox->polled_ms);
	(void)json_object_set_new(
	    object, "counts", counts_json(&mailbox->counts));
	return object;
}

/* The caller may see this mailbox; else answered 404. */
static bool
may_see(const struct call *call)
{
	const char *recipient = call->variables[0];
	if (!orgnr_valid(recipient)) {
		problem_say(call->request, PROBLEM_PARAMETER, "path",
		    "recipient", "an organisation number");
		return false;
	}
	if ((call->caller->roles & CALLER_OPERATOR) != 0 ||
	    caller_has_mailbox(call->caller, recipient))
		return true;
	net_deny(call->request, call->caller, NULL);
	return false;
}

static int
mailbox_look(struct net *net, const char *recipient, struct spool_mailbox *out,
    struct why *why)
{
	int code = spool_view_begin(net->view, why);
	if (code == 0)
		code = spool_view_mailbox(net->view, recipient, out, why);
	spool_view_end(net->view);
	return code;
}

/* Answer with the mailbox as the store has it now. */
static void
mailbox_answer(struct net *net, struct http_request *request,
    const char *recipient, unsigned status)
{
	static struct spool_mailbox mailbox;
	struct why why = {0};
	int code = mailbox_look(net, recipient, &mailbox, &why);
	if (code == WHY_NOT_FOUND)
		problem_send(request, PROBLEM_MAILBOX_UNKNOWN);
	else if (code != 0)
		problem_send(request, problem_of_why(code));
	else
		net_answer_json(request, status, mailbox_json(&mailbox));
}

void
api_mailbox_get(const struct call *call)
{
	if (may_see(call))
		mailbox_answer(
		    call->net, call->request, call->variables[0], 200);
}

void
api_mailboxes(const struct call *call)
{
	const char *after = http_query(call->request, "after");
	struct why why = {0};
	size_t count = 0;
	size_t most = call->net->limits->list_entries;
	if (after != NULL && after[0] != '\0' && !orgnr_valid(after)) {
		problem_say(call->request, PROBLEM_PARAMETER, "query", "after",
		    "an organisation number");
		return;
	}
	struct spool_mailbox *page = calloc(most + 1, sizeof *page);
	int code = page == NULL ? why_set(&why, WHY_NOMEM, "page")
				: spool_view_begin(call->net->view, &why);
	if (code == 0)
		code = spool_view_mailboxes(call->net->view,
		    after == NULL ? "" : after, page, most + 1, &count, &why);
	spool_view_end(call->net->view);
	if (code != 0 && code != WHY_NOT_FOUND) {
		free(page);
		problem_send(call->request, problem_of_why(code));
		return;
	}
	json_t *list = json_array();
	for (size_t i = 0; i < count && i < most; i++)
		(void)json_array_append_new(list, mailbox_json(&page[i]));
	free(page);
	net_answer_json(call->request, 200,
	    json_pack("{s:o,s:b}", "mailboxes", list, "more", count > most));
}

/* ---- what spool is asked for ----------------------------------------------
 */

/* A request that waits for spool, and what its answer needs. */
struct change {
	struct net *net;
	struct http_request *request;
	struct net_ask *ask;
	char recipient[SPOOL_ORG_SIZE];
	uint8_t fingerprint[SPOOL_HASH_SIZE];
	bool is_new;
	enum seal_suite suite;
	struct buf challenge;
	void (*answer)(struct change *change);
};

static void
change_free(struct change *change)
{
	buf_clear(&change->challenge);
	free(change);
}

static void
on_change_abort(struct http_request *request, void *arg)
{
	struct change *change = arg;
	(void)request;
	net_ask_cancel(change->ask);
	change_free(change);
}

static enum problem_code
refusal_of(int code)
{
	switch (code) {
	case WHY_NOT_FOUND:
		return PROBLEM_CERTIFICATE_UNKNOWN;
	case WHY_STATE:
	case WHY_EXISTS:
		return PROBLEM_CERTIFICATE_STATE;
	case WHY_CRYPTO:
		return PROBLEM_CHALLENGE;
	case WHY_INVALID:
		return PROBLEM_BODY;
	case WHY_FULL:
		return PROBLEM_UNAVAILABLE;
	default:
		return problem_of_why(code);
	}
}

static void
on_changed(void *arg, int code, const struct spool_answer *answer,
    const struct why *why)
{
	struct change *change = arg;
	struct http_request *request = change->request;
	(void)why;
	change->ask = NULL;
	http_calls_set(request, NULL, NULL);
	if (code != 0)
		problem_send(request, problem_of_why(code));
	else if (answer->code != 0)
		problem_say(request, refusal_of(answer->code), "body", "", "%s",
		    answer->text);
	else
		change->answer(change);
	change_free(change);
}

static struct change *
change_new(const struct call *call, void (*answer)(struct change *change))
{
	struct change *change = calloc(1, sizeof *change);
	if (change == NULL) {
		problem_send(call->request, PROBLEM_UNAVAILABLE);
		return NULL;
	}
	change->net = call->net;
	change->request = call->request;
	change->answer = answer;
	(void)snprintf(change->recipient, sizeof change->recipient, "%s",
	    call->variables[0]);
	buf_init(&change->challenge, 64 * KIB);
	return change;
}

static void
change_ask(struct change *take_change, uint16_t type, struct buf *take_body)
{
	static const struct http_calls calls = {.on_abort = on_change_abort};
	struct http_request *request = take_change->request;
	int code = buf_ok(take_body) ? 0 : WHY_NOMEM;
	http_calls_set(request, &calls, take_change);
	if (code == 0)
		code =
		    net_ask_spool(take_change->net, type, buf_span(take_body),
			on_changed, take_change, &take_change->ask);
	buf_clear(take_body);
	if (code == 0)
		return;
	http_calls_set(request, NULL, NULL);
	change_free(take_change);
	problem_send(request, PROBLEM_UNAVAILABLE);
}

static void
answer_mailbox(struct change *change)
{
	mailbox_answer(change->net, change->request, change->recipient,
	    change->is_new ? 201 : 200);
}

/* ---- PUT mailbox ----------------------------------------------------------
 */

static const char *
member_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* types as texts into put; false: a finding was made. */
static bool
types_read(const struct call *call, const json_t *list,
    struct spool_mailbox_put *put, const char *types[SPOOL_TYPES_MAX],
    struct findings *findings)
{
	(void)call;
	size_t i;
	json_t *item;
	if (!json_is_array(list) || json_array_size(list) > SPOOL_TYPES_MAX) {
		findings_add(findings, "body", "/types", "type",
		    "an array of at most %d message types", SPOOL_TYPES_MAX);
		return false;
	}
	json_array_foreach(list, i, item)
	{
		const char *type = json_string_value(item);
		if (type == NULL || type[0] == '\0' ||
		    strlen(type) >= SPOOL_TYPE_SIZE) {
			findings_add(findings, "body", "/types", "items",
			    "names of message types");
			return false;
		}
		types[i] = type;
	}
	put->types = types;
	put->type_count = json_array_size(list);
	return true;
}

static bool
mailbox_read(const struct call *call, const json_t *body,
    struct spool_mailbox_put *put, const char *types[SPOOL_TYPES_MAX],
    struct findings *findings)
{
	const char *state = member_text(body, "state");
	const char *form = member_text(body, "form");
	const json_t *stop = json_object_get(body, "stopAtCertificateEnd");
	put->recipient = call->variables[0];
	put->state = (enum spool_mailbox_state)(
	    state == NULL ? 0 : spool_mailbox_state_parse(state));
	if (put->state == 0)
		findings_add(findings, "body", "/state", "enum",
		    "new, open, paused or closed");
	put->form = SPOOL_FORM_ZIP;
	if (json_object_get(body, "form") != NULL &&
	    (form == NULL || spool_form_parse(form) != SPOOL_FORM_ZIP))
		findings_add(findings, "body", "/form", "enum", "zip");
	if (stop != NULL && !json_is_boolean(stop))
		findings_add(findings, "body", "/stopAtCertificateEnd", "type",
		    "true or false");
	put->stop_at_certificate_end = json_is_true(stop);
	(void)types_read(
	    call, json_object_get(body, "types"), put, types, findings);
	return findings_none(findings);
}

static void
put_read(const struct call *call, json_t *body, void *arg)
{
	static const char *const members[] = {
	    "state", "form", "types", "stopAtCertificateEnd", NULL};
	struct findings findings;
	struct spool_mailbox_put put = {0};
	static struct spool_mailbox before;
	const char *types[SPOOL_TYPES_MAX];
	struct buf request;
	(void)arg;
	findings_init(&findings, call->net->limits->findings);
	body_members(body, members, &findings);
	if (!mailbox_read(call, body, &put, types, &findings)) {
		body_refuse(call->request, PROBLEM_BODY, &findings);
		return;
	}
	findings_clear(&findings);
	struct change *change = change_new(call, answer_mailbox);
	if (change == NULL)
		return;
	change->is_new = mailbox_look(call->net, put.recipient, &before,
			     NULL) == WHY_NOT_FOUND;
	buf_init(&request, 64 * KIB);
	spool_wire_mailbox_build(&request, &put);
	log_event(LOG_INFO, "mailbox.changed", LOGS("mailbox", put.recipient),
	    LOGS("state", spool_mailbox_state_name(put.state)),
	    LOGS("by", call->caller->organisation));
	change_ask(change, SPOOL_WIRE_MAILBOX_PUT, &request);
}

void
api_mailbox_put(const struct call *call)
{
	if (may_see(call))
		body_take(call, put_read, NULL);
}

/* ---- certificates ---------------------------------------------------------
 */

static json_t *
certificate_json(const struct spool_certificate *certificate)
{
	char hex[2 * SPOOL_HASH_SIZE + 1];
	hex_build(hex, certificate->fingerprint, SPOOL_HASH_SIZE);
	json_t *object = json_pack("{s:s,s:s,s:s,s:s}", "certificate", hex,
	    "state", spool_certificate_state_name(certificate->state), "suite",
	    certificate->suite, "policy",
	    spool_policy_name(certificate->policy));
	set_time(object, "validFrom", certificate->valid_from_ms);
	set_time(object, "validTo", certificate->valid_to_ms);
	set_time(object, "added", certificate->added_ms);
	set_time(object, "proved", certificate->active_ms);
	return object;
}

void
api_certificate_list(const struct call *call)
{
	struct why why = {0};
	size_t count = 0;
	if (!may_see(call))
		return;
	struct spool_certificate *page = calloc(CERTIFICATES_MAX, sizeof *page);
	int code = page == NULL ? why_set(&why, WHY_NOMEM, "page")
				: spool_view_begin(call->net->view, &why);
	if (code == 0)
		code = spool_view_certificates(call->net->view,
		    call->variables[0], page, CERTIFICATES_MAX, &count, &why);
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
answer_added(struct change *change)
{
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
	if (may_see(call))
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
	struct change *change = change_new(call, answer_certificate);
	if (change == NULL)
		return;
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
	if (may_see(call))
		body_take(call, proof_read, NULL);
}

void
api_certificate_suspend(const struct call *call)
{
	if (!may_see(call))
		return;
	log_event(LOG_WARNING, "certificate.suspended",
	    LOGS("mailbox", call->variables[0]),
	    LOGS("by", call->caller->organisation));
	certificate_ask(call, SPOOL_WIRE_CERTIFICATE_SUSPEND, NULL);
}
