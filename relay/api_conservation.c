/*
 * /v1/conservation: the newest statement of what became of all deliveries,
 * signed; see conservation.h. For operators, as it counts each mailbox.
 */
#include "relay/api.h"

#include "formats/json_write.h"

#define ANSWER_BYTES (1u << 20)

void
api_conservation(const struct call *call)
{
	const struct buf *statement = &call->net->conservation;
	struct buf out;

	if (statement->size == 0) { /* just started */
		problem_send(call->request, PROBLEM_UNAVAILABLE);
		return;
	}
	buf_init(&out, ANSWER_BYTES);
	json_write_object(&out, NULL);
	json_write_span(&out, "statement", buf_span(statement));
	json_write_object_end(&out);
	net_answer_text(call->request, 200, &out);
}

/* Another one, now: the walk is spool's, and takes as long as the log is. */
void
api_conservation_ask(const struct call *call)
{
	struct role_peer *spool = role_peer_pick(call->net->role, ROLE_SPOOL);

	if (spool == NULL || spool->channel == NULL ||
	    channel_tell(spool->channel, SPOOL_WIRE_ACCOUNT, SPAN_NONE) != 0)
		problem_send(call->request, PROBLEM_UNAVAILABLE);
	else
		http_answer(call->request, 202, NULL, SPAN_NONE);
}
