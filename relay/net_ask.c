/*
 * net_ask - what net asks of spool, and net's other small services.
 *
 * SECURITY: spool's answers are parsed as hostile.
 */
#include "base/log.h"
#include "base/text.h"
#include "relay/net.h"
#include "relay/problem.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct net_ask {
	struct role_ask *ask;
	net_answer_fn *answered; /* NULL: the owner is gone */
	void *arg;
};

static void
on_answer(
    void *arg, int code, const struct wire_frame *frame, const struct why *why)
{
	struct net_ask *ask = arg;
	struct spool_answer answer;
	struct why wrong;

	if (code == 0 && frame->type != SPOOL_WIRE_ANSWER)
		code = why_set(&wrong, WHY_BUG, "spool answers otherwise");
	else if (code == 0)
		code = spool_answer_parse(frame->body, &answer, &wrong);
	else
		wrong = *why;
	if (ask->answered)
		ask->answered(ask->arg, code, code == 0 ? &answer : NULL,
		    code == 0 ? NULL : &wrong);
	free(ask);
}

int
net_ask_spool(struct net *net, uint16_t type, struct span body,
    net_answer_fn *answered, void *arg, struct net_ask **out)
{
	struct buf copy;

	buf_init(&copy, body.size);
	buf_add_span(&copy, body);
	int code =
	    net_ask_spool_take(net, type, &copy, NULL, answered, arg, out);
	buf_clear(&copy);
	return code;
}

int
net_ask_spool_take(struct net *net, uint16_t type, struct buf *body,
    struct buf *bytes, net_answer_fn *answered, void *arg, struct net_ask **out)
{
	struct net_ask *ask = calloc(1, sizeof(*ask));

	if (!ask)
		return WHY_NOMEM;
	ask->answered = answered;
	ask->arg = arg;
	int code = role_ask_take(net->role, ROLE_SPOOL, type, body, bytes,
	    ROLE_ASK_AGAIN, on_answer, ask, &ask->ask);
	if (code < 0) {
		free(ask);
		return code;
	}
	if (out)
		*out = ask;
	return 0;
}

void
net_ask_cancel(struct net_ask *ask)
{
	/* spool does what it was asked all the same; nobody listens */
	if (ask)
		ask->answered = NULL;
}

void
net_answer_json(
    struct http_request *request, unsigned status, struct json_t *take_json)
{
	char *text = take_json ? json_dumps(take_json,
				     JSON_COMPACT | JSON_PRESERVE_ORDER)
			       : NULL;

	json_decref(take_json);
	if (text)
		http_answer(
		    request, status, "application/json", span_text(text));
	else
		http_answer(request, 500, NULL, SPAN_NONE);
	free(text);
}

void
net_answer_text(
    struct http_request *request, unsigned status, struct buf *take_text)
{
	if (buf_ok(take_text))
		http_answer(
		    request, status, "application/json", buf_span(take_text));
	else
		http_answer(request, 500, NULL, SPAN_NONE);
	buf_clear(take_text);
}

void
cursor_build(char text[CURSOR_SIZE], struct spool_position position)
{
	(void)snprintf(text, CURSOR_SIZE, "%" PRIu32 ".%" PRIu64,
	    position.epoch, position.sequence);
}

bool
cursor_parse(const char *text, struct spool_position *position)
{
	uint64_t epoch;

	*position = (struct spool_position){0, 0};
	if (!text || *text == 0)
		return true;
	const char *dot = strchr(text, '.');
	if (!dot ||
	    !number_parse(
		span_of(text, (size_t)(dot - text)), UINT32_MAX, &epoch) ||
	    !number_parse(span_text(dot + 1), UINT64_MAX, &position->sequence))
		return false;
	position->epoch = (uint32_t)epoch;
	return true;
}

void
net_denied(const struct http_request *request, const struct caller *caller,
    enum denial denial, const char *resource)
{
	const char *route = request ? http_route(request) : NULL;

	log_event(LOG_WARNING, "access.denied",
	    LOGS("route", route ? route : ""), LOGS("caller", caller->name),
	    LOGS("organisation", caller->organisation),
	    LOGS("reason", denial_name(denial)),
	    LOGS("resource", resource ? resource : ""));
}

void
net_deny(struct http_request *request, const struct caller *caller,
    enum denial denial, const char *message)
{
	static const char uploads[] = "/v1/uploads";
	const char *route = http_route(request);

	net_denied(request, caller, denial, message);
	if (!message)
		problem_send(request, PROBLEM_MAILBOX_UNKNOWN);
	else if (route && strncmp(route, uploads, sizeof(uploads) - 1) == 0)
		problem_send(request, PROBLEM_UPLOAD_UNKNOWN);
	else
		problem_send(request, PROBLEM_MESSAGE_UNKNOWN);
}

unsigned
net_permit(struct http_request *request, const struct caller *caller,
    enum act act, const struct resource *resource, const char *message)
{
	enum denial denial;
	unsigned roles = authority_decide(caller, act, resource, &denial);

	if (roles == 0)
		net_deny(request, caller, denial, message);
	return roles;
}
