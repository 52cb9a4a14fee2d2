/*
 * /v1/messages/{}: what became of a message, and the operator's putting off of
 * a deadline.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "formats/json.h"
#include "keys/metakey.h"
#include "relay/body.h"
#include "relay/message_look.h"
#include "relay/problem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* ---- status ---- */

static json_t *
delivery_json(const struct spool_delivery *delivery)
{
	uint32_t flags = delivery->flags;
	json_t *object = json_pack("{s:s,s:s,s:b,s:b,s:b,s:I}", "recipient",
	    delivery->recipient, "state", spool_state_name(delivery->state),
	    "unproven", (flags & SPOOL_FLAG_UNPROVEN) != 0, "redelivered",
	    (flags & SPOOL_FLAG_REDELIVERED) != 0, "opened",
	    (flags & SPOOL_FLAG_OPENED) != 0, "size",
	    (json_int_t)delivery->size);
	message_time_set(object, "accepted", delivery->accepted_ms);
	message_time_set(object, "handedOut", delivery->handed_out_ms);
	message_time_set(object, "fetched", delivery->fetched_ms);
	message_time_set(object, "final", delivery->final_ms);
	message_time_set(object, "expires", delivery->expires_ms);
	message_time_set(object, "purge", delivery->purge_ms);
	return object;
}

/* The sender's own reference, out of the sealed metadata; erased at purge. */
static json_t *
reference_json(struct net *net, const char *id, const struct message_look *look)
{
	struct buf plain;
	json_t *metadata = NULL;
	const struct json_bounds bounds = {4 * MIB, 16};
	if (look->metadata.size == 0)
		return NULL;
	buf_init(&plain, 4 * MIB);
	struct why why = {0};
	int code = metakeys_open(net->metakeys, span_text(id),
	    buf_span(&look->metadata), &plain, &why);
	if (code == 0)
		code = json_object_read(
		    buf_span(&plain), &bounds, &metadata, &why);
	buf_wipe(&plain);
	if (code != 0)
		log_event(LOG_ERROR, "metadata.unreadable", LOGS("message", id),
		    LOGS("error", why.text));
	json_t *reference = json_incref(json_object_get(metadata, "reference"));
	json_decref(metadata);
	return reference;
}

void
api_message_get(const struct call *call)
{
	struct message_look look;
	if (!message_look_up(call, &look)) {
		message_look_clear(&look);
		return;
	}
	bool waits = false;
	json_t *list = json_array();
	for (size_t i = 0; i < look.count; i++) {
		waits = waits || !spool_state_final(look.deliveries[i].state);
		(void)json_array_append_new(
		    list, delivery_json(&look.deliveries[i]));
	}
	json_t *object = json_pack("{s:s,s:s,s:s,s:s,s:o*}", "id",
	    call->variables[0], "type", look.message.type, "profileVersion",
	    look.message.version, "sender", look.message.sender, "reference",
	    reference_json(call->net, call->variables[0], &look));
	message_time_set(object, "submitted", look.message.submitted_ms);
	message_time_set(object, "accepted", look.message.accepted_ms);
	(void)json_object_set_new(
	    object, "state", json_string(waits ? "waiting" : "final"));
	(void)json_object_set_new(object, "recipients", list);
	const char *receipt = buf_text(&look.receipt);
	(void)json_object_set_new(
	    object, "receipt", json_string(receipt == NULL ? "" : receipt));
	message_look_clear(&look);
	net_answer_json(call->request, 200, object);
}

/* ---- extension ---- */

struct extension {
	struct net *net;
	struct http_request *request;
	struct net_ask *ask;
	struct spool_wire_delivery delivery;
};

static void
on_extended(void *arg, int code, const struct spool_answer *answer,
    const struct why *why)
{
	struct extension *extension = arg;
	struct http_request *request = extension->request;
	struct spool_delivery delivery;
	(void)why;
	http_calls_set(request, NULL, NULL);
	if (code != 0) {
		problem_send(request, problem_of_why(code));
	} else if (answer->code != 0) {
		problem_say(request,
		    answer->code == WHY_STATE     ? PROBLEM_DELIVERY_STATE
		    : answer->code == WHY_INVALID ? PROBLEM_BODY
		    : answer->code == WHY_FULL    ? PROBLEM_UNAVAILABLE
					       : problem_of_why(answer->code),
		    "body", "/expires", "%s", answer->text);
	} else {
		code = spool_view_begin(extension->net->view, NULL);
		if (code == 0)
			code = spool_view_delivery(extension->net->view,
			    &extension->delivery.message,
			    extension->delivery.recipient, &delivery, NULL);
		spool_view_end(extension->net->view);
		if (code == 0)
			net_answer_json(request, 200, delivery_json(&delivery));
		else
			problem_send(request, problem_of_why(code));
	}
	free(extension);
}

static void
on_extend_abort(struct http_request *request, void *arg)
{
	struct extension *extension = arg;
	(void)request;
	net_ask_cancel(extension->ask);
	free(extension);
}

static void
extend_ask(const struct call *call, const struct spool_wire_delivery *delivery)
{
	static const struct http_calls calls = {.on_abort = on_extend_abort};
	struct buf body;
	struct extension *extension = calloc(1, sizeof *extension);
	if (extension == NULL) {
		problem_send(call->request, PROBLEM_UNAVAILABLE);
		return;
	}
	*extension = (struct extension){
	    .net = call->net, .request = call->request, .delivery = *delivery};
	buf_init(&body, 4 * KIB);
	spool_wire_delivery_build(&body, delivery);
	http_calls_set(call->request, &calls, extension);
	int code = buf_ok(&body) ? 0 : WHY_NOMEM;
	if (code == 0)
		code = net_ask_spool(call->net, SPOOL_WIRE_EXTEND,
		    buf_span(&body), on_extended, extension, &extension->ask);
	buf_clear(&body);
	if (code == 0)
		return;
	http_calls_set(call->request, NULL, NULL);
	free(extension);
	problem_send(call->request, PROBLEM_UNAVAILABLE);
}

static void
extension_read(const struct call *call, json_t *body, void *arg)
{
	static const char *const members[] = {"recipient", "expires", NULL};
	struct findings findings;
	struct spool_wire_delivery delivery = {0};
	const char *recipient =
	    json_string_value(json_object_get(body, "recipient"));
	const char *expires =
	    json_string_value(json_object_get(body, "expires"));
	(void)arg;
	findings_init(&findings, call->net->limits->findings);
	body_members(body, members, &findings);
	if (recipient == NULL || !orgnr_valid(recipient))
		findings_add(&findings, "body", "/recipient", "pattern",
		    "an organisation number");
	if (expires == NULL || !time_parse(expires, &delivery.expires_ms))
		findings_add(&findings, "body", "/expires", "pattern",
		    "a time (RFC 3339)");
	else if (delivery.expires_ms <= clock_wall_ms())
		findings_add(
		    &findings, "body", "/expires", "minimum", "a time to come");
	if (!findings_none(&findings)) {
		body_refuse(call->request, PROBLEM_BODY, &findings);
		return;
	}
	findings_clear(&findings);
	struct message_look look;
	bool there = message_look_up(call, &look);
	delivery.message = look.message.id;
	message_look_clear(&look);
	if (!there)
		return;
	(void)snprintf(
	    delivery.recipient, sizeof delivery.recipient, "%s", recipient);
	log_event(LOG_INFO, "message.extend",
	    LOGS("message", call->variables[0]),
	    LOGS("by", call->caller->organisation));
	extend_ask(call, &delivery);
}

void
api_message_extend(const struct call *call)
{
	body_take(call, extension_read, NULL);
}
