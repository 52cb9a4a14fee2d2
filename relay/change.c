#include "relay/change.h"

#include "base/text.h"
#include "relay/problem.h"

#include <stdio.h>
#include <stdlib.h>

bool
change_allowed(const struct call *call)
{
	const char *recipient = call->variables[0];
	const struct resource mailbox = {.recipient = recipient};
	if (!orgnr_valid(recipient)) {
		problem_say(call->request, PROBLEM_PARAMETER, "path",
		    "recipient", "an organisation number");
		return false;
	}
	return net_permit(
		   call->request, call->caller, call->act, &mailbox, NULL) != 0;
}

void
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
refusal_of(const struct change *change, int code)
{
	switch (code) {
	case WHY_NOT_FOUND:
		return PROBLEM_CERTIFICATE_UNKNOWN;
	case WHY_STATE:
	case WHY_EXISTS:
		return change->wrong_state;
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
	else if (answer->code != 0) {
		problem_say(request, refusal_of(change, answer->code), "body",
		    "", "%s", answer->text);
		if (change->refused != NULL)
			change->refused(change, answer->code);
	} else
		change->answer(change);
	change_free(change);
}

struct change *
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
	change->wrong_state = PROBLEM_CERTIFICATE_STATE;
	(void)snprintf(change->recipient, sizeof change->recipient, "%s",
	    call->variables[0]);
	(void)snprintf(
	    change->by, sizeof change->by, "%s", call->caller->organisation);
	buf_init(&change->challenge, 64 * KIB);
	return change;
}

void
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
