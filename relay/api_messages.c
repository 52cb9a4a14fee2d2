/*
 * /v1/messages/{}: what became of a message, all evidence of it, recall, and
 * the operator's putting off of a deadline.
 *
 * A message is seen by its sender, by its recipients' callers (evidence only of
 * their own delivery and of the acceptance) and by operators. For all others it
 * does not exist.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "formats/json.h"
#include "keys/metakey.h"
#include "relay/body.h"
#include "relay/net.h"
#include "relay/problem.h"
#include "relay/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define TRAIL_PAGE 64

/* ---- looking ---- */

/* A message with its deliveries, copied out of the view. */
struct look {
	struct spool_message message;
	struct spool_delivery *deliveries;
	size_t count;
	struct buf metadata; /* sealed */
	struct buf receipt;
};

static void
look_clear(struct look *look)
{
	free(look->deliveries);
	buf_clear(&look->metadata);
	buf_clear(&look->receipt);
}

static int
look_in_view(
    struct net *net, const struct id *id, struct look *look, struct why *why)
{
	struct spool_evidence evidence;
	int code = spool_view_message(net->view, id, &look->message, why);
	if (code != 0)
		return code;
	size_t max = look->message.recipient_count;
	look->deliveries = calloc(max + 1, sizeof *look->deliveries);
	if (look->deliveries == NULL)
		return why_set(why, WHY_NOMEM, "deliveries");
	code = spool_view_deliveries(
	    net->view, id, look->deliveries, max, &look->count, why);
	if (code == 0)
		code = spool_view_evidence(
		    net->view, look->message.evidence, &evidence, why);
	if (code != 0)
		return code;
	buf_add_span(&look->metadata, look->message.metadata);
	buf_add_span(&look->receipt, evidence.jws);
	look->message.metadata = SPAN_NONE;
	return buf_ok(&look->metadata) && buf_ok(&look->receipt)
		   ? 0
		   : why_set(why, WHY_NOMEM, "message");
}

static struct resource
resource_of(const struct look *look, const char *recipient)
{
	return (struct resource){
	    look->message.sender, recipient, look->message.type};
}

/* For one of its deliveries is enough. False after an answer. */
static bool
permitted(const struct call *call, const struct look *look)
{
	enum denial denial = DENIAL_OWNER;
	for (size_t i = 0; i < look->count; i++) {
		const struct resource delivery =
		    resource_of(look, look->deliveries[i].recipient);
		if (authority_decide(
			call->caller, call->act, &delivery, &denial) != 0)
			return true;
	}
	net_deny(call->request, call->caller, denial, call->variables[0]);
	return false;
}

/* The message, or false after an answer. look must be cleared in any case. */
static bool
look_up(const struct call *call, struct look *look)
{
	struct id id;
	struct why why = {0};
	*look = (struct look){0};
	buf_init(&look->metadata, 64 * MIB);
	buf_init(&look->receipt, 64 * MIB);
	if (!id_parse(call->variables[0], &id)) {
		problem_send(call->request, PROBLEM_MESSAGE_UNKNOWN);
		return false;
	}
	int code = spool_view_begin(call->net->view, &why);
	if (code == 0)
		code = look_in_view(call->net, &id, look, &why);
	spool_view_end(call->net->view);
	if (code == WHY_NOT_FOUND) {
		problem_send(call->request, PROBLEM_MESSAGE_UNKNOWN);
		return false;
	}
	if (code != 0) {
		problem_send(call->request, problem_of_why(code));
		return false;
	}
	return permitted(call, look);
}

/* ---- status ---- */

static void
set_time(json_t *object, const char *name, int64_t ms)
{
	char text[TIME_TEXT_SIZE];
	if (ms == 0)
		return;
	time_build(text, ms);
	(void)json_object_set_new(object, name, json_string(text));
}

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
	set_time(object, "accepted", delivery->accepted_ms);
	set_time(object, "handedOut", delivery->handed_out_ms);
	set_time(object, "fetched", delivery->fetched_ms);
	set_time(object, "final", delivery->final_ms);
	set_time(object, "expires", delivery->expires_ms);
	set_time(object, "purge", delivery->purge_ms);
	return object;
}

/* The sender's own reference, out of the sealed metadata; erased at purge. */
static json_t *
reference_json(struct net *net, const char *id, const struct look *look)
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
	struct look look;
	if (!look_up(call, &look)) {
		look_clear(&look);
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
	set_time(object, "submitted", look.message.submitted_ms);
	set_time(object, "accepted", look.message.accepted_ms);
	(void)json_object_set_new(
	    object, "state", json_string(waits ? "waiting" : "final"));
	(void)json_object_set_new(object, "recipients", list);
	const char *receipt = buf_text(&look.receipt);
	(void)json_object_set_new(
	    object, "receipt", json_string(receipt == NULL ? "" : receipt));
	look_clear(&look);
	net_answer_json(call->request, 200, object);
}

/* ---- evidence ---- */

static json_t *
evidence_json(const struct spool_evidence *evidence)
{
	char id[ID_TEXT_SIZE];
	char position[CURSOR_SIZE];
	id_build(id, &evidence->id);
	cursor_build(position, evidence->position);
	json_t *object = json_pack("{s:s,s:s,s:s}", "id", id, "position",
	    position, "level", spool_level_name(evidence->level));
	set_time(object, "time", evidence->time_ms);
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

/* Recipients see the acceptance and what concerns their own delivery. */
static bool
may_see(const struct caller *caller, const struct look *look,
    const struct spool_evidence *evidence)
{
	const struct resource one = resource_of(look, evidence->recipient);
	return evidence->recipient[0] == '\0' ||
	       authority_decide(caller, ACT_EVIDENCE_SEE, &one, NULL) != 0;
}

static int
trail_list(const struct call *call, const struct look *look, json_t *list,
    struct why *why)
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
			if (may_see(call->caller, look, &page[i]))
				(void)json_array_append_new(
				    list, evidence_json(&page[i]));
	} while (count == TRAIL_PAGE);
	return 0;
}

void
api_message_evidence(const struct call *call)
{
	struct look look;
	struct why why = {0};
	if (!look_up(call, &look)) {
		look_clear(&look);
		return;
	}
	json_t *list = json_array();
	int code = spool_view_begin(call->net->view, &why);
	if (code == 0)
		code = trail_list(call, &look, list, &why);
	spool_view_end(call->net->view);
	look_clear(&look);
	if (code != 0) {
		json_decref(list);
		problem_send(call->request, problem_of_why(code));
		return;
	}
	net_answer_json(
	    call->request, 200, json_pack("{s:o}", "evidence", list));
}

/* ---- recall ---- */

/* One request of a recall for each delivery that it asks for. */
struct recall {
	struct net *net;
	struct http_request *request; /* NULL: the client left */
	char id[ID_TEXT_SIZE];
	size_t count;
	size_t out;
	int code; /* a failure of asking */
	struct recall_one {
		struct recall *recall;
		char recipient[SPOOL_ORG_SIZE];
		enum spool_state state;
		bool refused;
	} each[];
};

static void
recall_answer(struct recall *recall)
{
	size_t recalled = 0;
	json_t *list = json_array();
	for (size_t i = 0; i < recall->count; i++) {
		const struct recall_one *one = &recall->each[i];
		recalled += one->state == SPOOL_RECALLED;
		(void)json_array_append_new(
		    list, json_pack("{s:s,s:s}", "recipient", one->recipient,
			      "state", spool_state_name(one->state)));
	}
	http_calls_set(recall->request, NULL, NULL);
	if (recall->code != 0) {
		json_decref(list);
		problem_send(recall->request, problem_of_why(recall->code));
	} else if (recalled == 0) {
		json_decref(list);
		bool final = spool_state_final(recall->each[0].state);
		problem_send(recall->request,
		    final ? PROBLEM_FINAL : PROBLEM_HANDED_OUT);
	} else {
		net_answer_json(recall->request, 200,
		    json_pack(
			"{s:s,s:o}", "id", recall->id, "recipients", list));
	}
}

static void
on_recalled(void *arg, int code, const struct spool_answer *answer,
    const struct why *why)
{
	struct recall_one *one = arg;
	struct recall *recall = one->recall;
	(void)why;
	if (code != 0)
		recall->code = code;
	else if (answer->code != 0 && answer->code != WHY_STATE)
		recall->code =
		    answer->code == WHY_FULL ? WHY_GONE : answer->code;
	if (code == 0 && answer->state != 0)
		one->state = answer->state;
	if (--recall->out > 0)
		return;
	if (recall->request != NULL)
		recall_answer(recall);
	free(recall);
}

static void
on_recall_abort(struct http_request *request, void *arg)
{
	struct recall *recall = arg;
	(void)request;
	recall->request = NULL;
}

static void
recall_ask(struct recall *recall, struct recall_one *one)
{
	struct buf body;
	struct spool_wire_delivery delivery = {0};
	(void)id_parse(recall->id, &delivery.message);
	memcpy(delivery.recipient, one->recipient, sizeof delivery.recipient);
	buf_init(&body, 4 * KIB);
	spool_wire_delivery_build(&body, &delivery);
	int code = buf_ok(&body) ? 0 : WHY_NOMEM;
	if (code == 0)
		code = net_ask_spool(recall->net, SPOOL_WIRE_RECALL,
		    buf_span(&body), on_recalled, one, NULL);
	if (code == 0)
		recall->out++;
	else
		recall->code = code;
	buf_clear(&body);
}

static struct recall *
recall_new(const struct call *call, const struct look *look, const char *only)
{
	struct recall *recall =
	    calloc(1, sizeof *recall + look->count * sizeof *recall->each);
	if (recall == NULL)
		return NULL;
	recall->net = call->net;
	recall->request = call->request;
	(void)snprintf(recall->id, sizeof recall->id, "%s", call->variables[0]);
	for (size_t i = 0; i < look->count; i++) {
		const struct spool_delivery *delivery = &look->deliveries[i];
		if (only != NULL && strcmp(only, delivery->recipient) != 0)
			continue;
		struct recall_one *one = &recall->each[recall->count++];
		one->recall = recall;
		one->state = delivery->state;
		memcpy(
		    one->recipient, delivery->recipient, sizeof one->recipient);
	}
	return recall;
}

void
api_message_recall(const struct call *call)
{
	static const struct http_calls calls = {.on_abort = on_recall_abort};
	struct look look;
	const char *only = http_query(call->request, "recipient");
	if (!look_up(call, &look)) {
		look_clear(&look);
		return;
	}
	struct recall *recall = recall_new(call, &look, only);
	look_clear(&look);
	if (recall == NULL || recall->count == 0) {
		problem_send(call->request, recall == NULL
						? PROBLEM_UNAVAILABLE
						: PROBLEM_MESSAGE_UNKNOWN);
		free(recall);
		return;
	}
	log_event(LOG_INFO, "message.recall", LOGS("message", recall->id),
	    LOGS("by", call->caller->organisation));
	http_calls_set(call->request, &calls, recall);
	for (size_t i = 0; i < recall->count; i++)
		recall_ask(recall, &recall->each[i]);
	if (recall->out > 0)
		return;
	recall_answer(recall);
	free(recall);
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
	struct look look;
	bool there = look_up(call, &look);
	delivery.message = look.message.id;
	look_clear(&look);
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
