#include "relay/message_look.h"

#include "base/text.h"
#include "relay/problem.h"

#include <stdlib.h>
#include <string.h>

void
message_look_clear(struct message_look *look)
{
	free(look->deliveries);
	buf_clear(&look->metadata);
	buf_clear(&look->receipt);
}

static int
look_in_view(struct net *net, const struct id *id, struct message_look *look,
    struct why *why)
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
resource_of(const struct message_look *look, const char *recipient)
{
	return (struct resource){
	    look->message.sender, recipient, look->message.type};
}

/* For one of its deliveries is enough. False after an answer. */
static bool
permitted(const struct call *call, const struct message_look *look)
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

bool
message_look_up(const struct call *call, struct message_look *look)
{
	struct id id;
	struct why why = {0};
	*look = (struct message_look){0};
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

/* Recipients see the acceptance and what concerns their own delivery. */
bool
message_look_may_see(const struct caller *caller,
    const struct message_look *look, const struct spool_evidence *evidence)
{
	const struct resource one = resource_of(look, evidence->recipient);
	return evidence->recipient[0] == '\0' ||
	       authority_decide(caller, ACT_EVIDENCE_SEE, &one, NULL) != 0;
}

void
message_time_set(json_t *object, const char *name, int64_t ms)
{
	char text[TIME_TEXT_SIZE];
	if (ms == 0)
		return;
	time_build(text, ms);
	(void)json_object_set_new(object, name, json_string(text));
}
