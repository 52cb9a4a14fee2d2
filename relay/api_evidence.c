/*
 * /v1/messages/{}/evidence: what is signed about a message, and for each piece
 * the bundle that proves it without the relay.
 */
#include "relay/log_heads.h"
#include "relay/message_look.h"
#include "relay/problem.h"

#include "formats/log_proof.h"
#include "formats/receipt_bundle.h"
#include "keys/log_hash.h"

#include <string.h>

#include <jansson.h>

#define TRAIL_PAGE 64

static json_t *
evidence_json(const struct spool_evidence *evidence)
{
	char id[ID_TEXT_SIZE];
	char position[CURSOR_SIZE];
	id_build(id, &evidence->id);
	cursor_build(position, evidence->position);
	json_t *object = json_pack("{s:s,s:s,s:s}", "id", id, "position",
	    position, "level", spool_level_name(evidence->level));
	message_time_set(object, "time", evidence->time_ms);
	if (evidence->has_message) {
		id_build(id, &evidence->message);
		(void)json_object_set_new(object, "message", json_string(id));
	}
	if (evidence->recipient[0] != '\0')
		(void)json_object_set_new(
		    object, "recipient", json_string(evidence->recipient));
	(void)json_object_set_new(object, "evidence",
	    json_stringn((const char *)evidence->jws.at, evidence->jws.size));
	return object;
}

static int
trail_list(const struct call *call, const struct message_look *look,
    json_t *list, struct why *why)
{
	struct spool_evidence page[TRAIL_PAGE];
	struct spool_position cursor = {0};
	size_t count;
	do {
		int code = spool_view_trail(call->net->view, &look->message.id,
		    cursor, page, TRAIL_PAGE, &count, &cursor, why);
		if (code != 0)
			return code;
		for (size_t i = 0; i < count; i++)
			if (message_look_may_see(call->caller, look, &page[i]))
				(void)json_array_append_new(
				    list, evidence_json(&page[i]));
	} while (count == TRAIL_PAGE);
	return 0;
}

void
api_message_evidence(const struct call *call)
{
	struct message_look look;
	struct why why = {0};
	if (!message_look_up(call, &look)) {
		message_look_clear(&look);
		return;
	}
	json_t *list = json_array();
	int code = spool_view_begin(call->net->view, &why);
	if (code == 0)
		code = trail_list(call, &look, list, &why);
	spool_view_end(call->net->view);
	message_look_clear(&look);
	if (code != 0) {
		json_decref(list);
		problem_send(call->request, problem_of_why(code));
		return;
	}
	net_answer_json(
	    call->request, 200, json_pack("{s:o}", "evidence", list));
}

/* ---- bundles ---- */

/* Why there is no bundle, or BUNDLE_MADE. */
enum bundle_result {
	BUNDLE_MADE,
	BUNDLE_UNKNOWN,
	BUNDLE_ERASED, /* the salt is: nobody can prove it any more */
	BUNDLE_EARLY,  /* no checkpoint reaches so far yet */
	BUNDLE_FAILED,
};

static enum bundle_result
proof_write(const struct log_head_told *head,
    const struct spool_evidence *evidence, const struct merkle_nodes *nodes,
    struct buf *out)
{
	struct log_proof proof = {
	    .index = evidence->position.sequence - 1,
	    .checkpoint_note = buf_span(&head->note),
	    .extra_size = LOG_SALT_SIZE,
	};
	if (proof.index >= head->size)
		return BUNDLE_EARLY;
	memcpy(proof.extra, evidence->salt, LOG_SALT_SIZE);
	if (!merkle_inclusion(nodes, proof.index, head->size, &proof.inclusion))
		return BUNDLE_FAILED;
	log_proof_build(&proof, out);
	return buf_ok(out) ? BUNDLE_MADE : BUNDLE_FAILED;
}

/* Within a look at the store. */
static enum bundle_result
bundle_write(const struct call *call, const struct message_look *look,
    struct spool_position at, struct buf *out)
{
	struct spool_nodes where = {call->net->view, at.epoch};
	const struct merkle_nodes nodes = {log_sha256, spool_view_node, &where};
	const struct log_head_told *head =
	    log_heads_of(call->net->log_heads, at.epoch);
	struct spool_evidence evidence;
	struct buf proof;
	if (spool_view_evidence(call->net->view, at, &evidence, NULL) != 0 ||
	    !evidence.has_message ||
	    !id_equal(&evidence.message, &look->message.id) ||
	    !message_look_may_see(call->caller, look, &evidence))
		return BUNDLE_UNKNOWN;
	if (!evidence.is_salted)
		return BUNDLE_ERASED;
	if (head == NULL)
		return BUNDLE_EARLY;
	buf_init(&proof, LOG_PROOF_BYTES_MAX);
	enum bundle_result result =
	    proof_write(head, &evidence, &nodes, &proof);
	if (result == BUNDLE_MADE &&
	    !receipt_bundle_build(evidence.jws, buf_span(&proof), out))
		result = BUNDLE_FAILED;
	buf_clear(&proof);
	return result;
}

void
api_message_bundle(const struct call *call)
{
	struct message_look look;
	struct spool_position at;
	struct buf bundle;
	if (!message_look_up(call, &look)) {
		message_look_clear(&look);
		return;
	}
	buf_init(&bundle, RECEIPT_BUNDLE_BYTES_MAX);
	enum bundle_result result = BUNDLE_UNKNOWN;
	if (cursor_parse(call->variables[1], &at)) {
		result = BUNDLE_FAILED;
		if (spool_view_begin(call->net->view, NULL) == 0)
			result = bundle_write(call, &look, at, &bundle);
		spool_view_end(call->net->view);
	}
	message_look_clear(&look);
	switch (result) {
	case BUNDLE_MADE:
		net_answer_text(call->request, 200, &bundle);
		return;
	case BUNDLE_UNKNOWN:
		problem_send(call->request, PROBLEM_EVIDENCE_UNKNOWN);
		break;
	case BUNDLE_ERASED:
		problem_send(call->request, PROBLEM_PROOF_ERASED);
		break;
	case BUNDLE_EARLY:
		problem_send(call->request, PROBLEM_CHECKPOINT);
		break;
	case BUNDLE_FAILED:
		problem_send(call->request, PROBLEM_UNAVAILABLE);
		break;
	}
	buf_clear(&bundle);
}
