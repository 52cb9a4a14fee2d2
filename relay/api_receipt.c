/*
 * POST /v1/mailbox/{recipient}/messages/{id}/receipt: what the recipient says
 * of a message.
 */
#include "relay/api.h"
#include "relay/body.h"
#include "relay/digest.h"

#include "base/text.h"
#include "formats/json_write.h"

#include <stdio.h>
#include <string.h>

#define PROOF_SALT "budstikke-proof-v1"
#define ANSWER_ROOM 384 /* of an answer besides the evidence */

/* The stored form of a proof: never the proof itself. */
static bool
proof_hash(const char *proof, uint8_t hash[SPOOL_HASH_SIZE])
{
	char text[sizeof(PROOF_SALT) + SPOOL_PROOF_SIZE];

	(void)snprintf(text, sizeof(text), "%s%s", PROOF_SALT, proof);
	return digest_make(span_text(text), hash);
}

static bool
is_code(const char *text)
{
	size_t size = strlen(text);

	return size > 0 && size < SPOOL_WORD_SIZE &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == size;
}

static void
wrong(struct findings *findings, const char *pointer, const char *expected)
{
	findings_add(findings, "body", pointer, "receipt", "%s", expected);
}

/* Controls would grow sixfold in the evidence, and that of a whole group is
 * signed at once: what is too large for it must not come that far. */
static bool
is_clean(const char *text)
{
	for (; *text; text++)
		if ((uint8_t)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

static void
imported_read(const json_t *body, uint64_t reference_bytes,
    struct spool_receipt *receipt, struct findings *findings)
{
	static const char *const members[] = {
	    "status", "proof", "reference", NULL};
	const char *proof = json_string_value(json_object_get(body, "proof"));
	const json_t *reference = json_object_get(body, "reference");

	body_members(body, members, findings);
	receipt->verdict = SPOOL_VERDICT_IMPORTED;
	if (!proof || strlen(proof) != 64 ||
	    strspn(proof, "0123456789abcdef") != 64 ||
	    !proof_hash(proof, receipt->proof_hash))
		wrong(findings, "/proof",
		    "lower-case hex SHA-256 of the opened package");
	receipt->proof = proof;
	if (!reference)
		return;
	receipt->reference = json_string_value(reference);
	if (!receipt->reference || receipt->reference[0] == 0 ||
	    strlen(receipt->reference) > reference_bytes ||
	    strlen(receipt->reference) >= SPOOL_WIRE_REFERENCE_SIZE ||
	    !is_clean(receipt->reference))
		wrong(findings, "/reference",
		    "a text without controls, not empty, of at most "
		    "reference_bytes");
}

static void
rejected_read(const json_t *body, struct spool_receipt *receipt,
    struct findings *findings)
{
	static const char *const members[] = {
	    "status", "reason", "permanent", NULL};
	const char *reason = json_string_value(json_object_get(body, "reason"));
	const json_t *permanent = json_object_get(body, "permanent");

	body_members(body, members, findings);
	receipt->verdict = SPOOL_VERDICT_REJECTED;
	receipt->permanent = json_is_true(permanent);
	receipt->reason = reason;
	if (!json_is_boolean(permanent))
		wrong(findings, "/permanent", "true or false");
	/* evidence is kept for good: it holds no words about a person */
	if (!reason || !is_code(reason))
		wrong(findings, "/reason",
		    "a code: 1 to 31 of a-z, 0-9 and \"-\"");
}

static void
receipt_read(const json_t *body, uint64_t reference_bytes,
    struct spool_receipt *receipt, struct findings *findings)
{
	static const char *const only_status[] = {"status", NULL};
	const char *status = json_string_value(json_object_get(body, "status"));

	if (status && strcmp(status, "imported") == 0) {
		imported_read(body, reference_bytes, receipt, findings);
	} else if (status && strcmp(status, "rejected") == 0) {
		rejected_read(body, receipt, findings);
	} else if (status && strcmp(status, "opened") == 0) {
		body_members(body, only_status, findings);
		receipt->verdict = SPOOL_VERDICT_OPENED;
	} else {
		wrong(findings, "/status", "imported, rejected or opened");
	}
}

static void
receipt_refused(struct api *api, const struct spool_answer *answer)
{
	struct why why = {.code = answer->code};

	switch (answer->code) {
	case WHY_STATE:
		problem_say(api->request, PROBLEM_FINAL, "", "",
		    "nothing: the delivery is %s; what was said now is "
		    "recorded as a late fact",
		    spool_state_name(answer->state));
		return;
	case WHY_CRYPTO:
		problem_say(api->request, PROBLEM_PROOF_WRONG, "body", "/proof",
		    "the SHA-256 of the octets inside the CMS");
		return;
	case WHY_INVALID:
		problem_say(api->request, PROBLEM_REFERENCE, "body",
		    "/reference", "the recipient's own reference");
		return;
	case WHY_NOT_FOUND:
		problem_send(api->request, PROBLEM_MESSAGE_UNKNOWN);
		return;
	default:
		(void)snprintf(why.text, sizeof(why.text), "%s", answer->text);
		api_fail(api, answer->code, &why);
	}
}

static void
on_recorded(struct api *api, const struct spool_answer *answer)
{
	struct buf text;

	if (answer->code < 0) {
		receipt_refused(api, answer);
		return;
	}
	buf_init(&text, WIRE_BODY_MAX);
	(void)buf_room(&text, ANSWER_ROOM + answer->jws.size);
	json_write_object(&text, NULL);
	json_write_text(&text, "id", api->variables[1]);
	json_write_text(&text, "recipient", api->variables[0]);
	json_write_text(&text, "state", spool_state_name(answer->state));
	json_write_bool(&text, "repeated", answer->repeated);
	json_write_span(&text, "evidence", answer->jws);
	json_write_object_end(&text);
	net_answer_text(api->request, 200, &text);
}

/* The body has come; the delivery was found before it was taken. */
static void
on_body(const struct call *call, struct json_t *body, void *arg)
{
	const struct limits *limits = call->net->limits;
	struct spool_receipt receipt = {.recipient = call->variables[0]};
	struct findings findings;
	struct buf question;
	struct api *api;

	(void)arg;
	findings_init(&findings, limits->findings);
	receipt_read(body, limits->reference_bytes, &receipt, &findings);
	if (!findings_none(&findings)) {
		body_refuse(call->request, PROBLEM_BODY, &findings);
		return;
	}
	findings_clear(&findings);
	api = api_new(call);
	if (!api)
		return;
	(void)id_parse(call->variables[1], &receipt.message);
	buf_init(&question, 16 * KIB);
	spool_wire_receipt_build(&question, &receipt);
	api_ask(api, SPOOL_WIRE_RECEIPT, &question, on_recorded);
	buf_wipe(&question);
}

void
api_mailbox_receipt(const struct call *call)
{
	struct api *api = api_new(call);
	struct spool_delivery delivery;
	struct id id;

	if (!api || !api_mailbox_allowed(api) ||
	    !api_delivery(api, &id, &delivery))
		return;
	api_release(api); /* the body's keeper takes its place */
	body_take(call, on_body, NULL);
}
