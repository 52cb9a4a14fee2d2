#include "relay/spool_role.h"

#include <stdio.h>
#include <stdlib.h>

bool
spool_apply_is_content(uint16_t type)
{
	return type == SPOOL_WIRE_STAGE || type == SPOOL_WIRE_ACCEPT;
}

static int
apply_stage(struct spool_role *sr, struct span body,
    struct spool_answer *answer, struct why *why)
{
	struct spool_wire_stage stage;
	int code = spool_wire_stage_parse(body, &stage, why);
	if (code != 0)
		return code;
	return spool_stage(sr->group, &stage.upload, stage.content,
	    stage.recipient, stage.offset, stage.bytes, &answer->staged, why);
}

static int
apply_stage_drop(struct spool_role *sr, struct span body, struct why *why)
{
	struct spool_wire_stage stage;
	int code = spool_wire_stage_parse(body, &stage, why);
	if (code != 0)
		return code;
	return spool_stage_drop(
	    sr->group, &stage.upload, stage.content, stage.recipient, why);
}

static int
apply_accept(struct spool_role *sr, struct spool_pending *pending,
    struct span body, struct why *why)
{
	struct spool_accept accept;
	struct spool_accepted accepted = {.refused = SIZE_MAX};
	void *texts;
	int code = spool_wire_accept_parse(body, &accept, &texts, why);
	if (code != 0)
		return code;
	code = spool_accept(sr->group, &accept, &accepted, why);
	free(texts);
	if (accepted.refused < UINT32_MAX)
		pending->answer.refused = (uint32_t)accepted.refused;
	if (code != 0)
		return code;
	pending->answer.repeated = accepted.repeated;
	pending->answer.message = accepted.message;
	pending->has_evidence = true;
	pending->evidence = accepted.evidence;
	return 0;
}

static int
apply_delivery(struct spool_role *sr, uint16_t type, struct span body,
    struct spool_answer *answer, struct why *why)
{
	struct spool_wire_delivery d;
	int code = spool_wire_delivery_parse(body, &d, why);
	if (code != 0)
		return code;
	switch (type) {
	case SPOOL_WIRE_HAND_OUT:
		return spool_hand_out(sr->group, &d.message, d.recipient, why);
	case SPOOL_WIRE_FETCHED:
		return spool_fetched(sr->group, &d.message, d.recipient, d.from,
		    d.to, &answer->fetched, why);
	case SPOOL_WIRE_RECALL:
		return spool_recall(
		    sr->group, &d.message, d.recipient, &answer->state, why);
	default:
		return spool_extend(
		    sr->group, &d.message, d.recipient, d.expires_ms, why);
	}
}

static int
apply_receipt(struct spool_role *sr, struct spool_pending *pending,
    struct span body, struct why *why)
{
	struct spool_wire_receipt receipt;
	struct spool_verdict_done done = {0};
	int code = spool_wire_receipt_parse(body, &receipt, why);
	if (code != 0)
		return code;
	code = spool_receipt(sr->group, &receipt.receipt, &done, why);
	pending->answer.repeated = done.repeated;
	pending->answer.state = done.state;
	pending->evidence = done.evidence;
	pending->has_evidence = done.evidence.sequence != 0;
	return code;
}

static int
apply_mailbox(struct spool_role *sr, struct span body, struct why *why)
{
	struct spool_wire_mailbox mailbox;
	int code = spool_wire_mailbox_parse(body, &mailbox, why);
	return code != 0 ? code
			 : spool_mailbox_put(sr->group, &mailbox.put, why);
}

static int
apply_certificate(struct spool_role *sr, struct spool_pending *pending,
    struct span body, struct why *why)
{
	struct spool_wire_certificate c;
	int code = spool_wire_certificate_parse(body, &c, why);
	if (code != 0)
		return code;
	if (pending->type == SPOOL_WIRE_CERTIFICATE_ADD)
		return spool_certificate_add(
		    sr->group, &c.add, &pending->gone, why);
	if (pending->type == SPOOL_WIRE_CERTIFICATE_PROVE)
		return spool_certificate_prove(sr->group, c.recipient,
		    c.add.fingerprint, c.answer_hash, why);
	return spool_certificate_suspend(
	    sr->group, c.recipient, c.add.fingerprint, why);
}

static int
apply_alarm_close(struct spool_role *sr, struct span body, struct why *why)
{
	struct spool_wire_delivery d;
	int code = spool_wire_delivery_parse(body, &d, why);
	return code != 0 ? code : spool_alarm_close(sr->group, &d.message, why);
}

static int
apply(struct spool_role *sr, struct spool_pending *pending, struct span body,
    struct why *why)
{
	switch (pending->type) {
	case SPOOL_WIRE_STAGE:
		return apply_stage(sr, body, &pending->answer, why);
	case SPOOL_WIRE_STAGE_DROP:
		return apply_stage_drop(sr, body, why);
	case SPOOL_WIRE_ACCEPT:
		return apply_accept(sr, pending, body, why);
	case SPOOL_WIRE_HAND_OUT:
	case SPOOL_WIRE_FETCHED:
	case SPOOL_WIRE_RECALL:
	case SPOOL_WIRE_EXTEND:
		return apply_delivery(
		    sr, pending->type, body, &pending->answer, why);
	case SPOOL_WIRE_RECEIPT:
		return apply_receipt(sr, pending, body, why);
	case SPOOL_WIRE_MAILBOX_PUT:
		return apply_mailbox(sr, body, why);
	case SPOOL_WIRE_CERTIFICATE_ADD:
	case SPOOL_WIRE_CERTIFICATE_PROVE:
	case SPOOL_WIRE_CERTIFICATE_SUSPEND:
		return apply_certificate(sr, pending, body, why);
	case SPOOL_WIRE_ALARM_CLOSE:
		return apply_alarm_close(sr, body, why);
	default:
		return why_set(
		    why, WHY_MALFORMED, "request of type %#x", pending->type);
	}
}

void
spool_apply(
    struct spool_role *sr, struct spool_pending *pending, struct span body)
{
	struct why why = {0};
	pending->answer = (struct spool_answer){.refused = UINT32_MAX};
	pending->has_evidence = false;
	pending->gone.is_set = false;
	int code = apply(sr, pending, body, &why);
	pending->answer.code = code;
	if (code != 0)
		(void)snprintf(pending->answer.text,
		    sizeof pending->answer.text, "%s", why.text);
}
