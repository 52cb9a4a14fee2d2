/*
 * DELETE /v1/messages/{}: the sender takes a message back.
 */
#include "base/log.h"
#include "relay/message_look.h"
#include "relay/problem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
recall_new(
    const struct call *call, const struct message_look *look, const char *only)
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
	struct message_look look;
	const char *only = http_query(call->request, "recipient");
	if (!message_look_up(call, &look)) {
		message_look_clear(&look);
		return;
	}
	struct recall *recall = recall_new(call, &look, only);
	message_look_clear(&look);
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
