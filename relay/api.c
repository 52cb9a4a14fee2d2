#include "relay/api.h"

#include "base/log.h"
#include "base/text.h"
#include "formats/json_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- life ---- */

static void
api_free(struct api *api)
{
	if (api->forget)
		api->forget(api);
	net_ask_cancel(api->ask);
	poll_free(api->poll);
	free(api->own);
	free(api);
}

void
api_release(struct api *api)
{
	http_calls_set(api->request, NULL, NULL);
	api_free(api);
}

static void
on_last(struct http_request *request, void *arg)
{
	(void)request;
	api_free(arg);
}

struct api *
api_new(const struct call *call)
{
	struct api *api = calloc(1, sizeof(*api));

	if (!api) {
		problem_send(call->request, PROBLEM_UNAVAILABLE);
		return NULL;
	}
	api->net = call->net;
	api->request = call->request;
	api->caller = call->caller;
	api->act = call->act;
	for (size_t i = 0; i < ROUTE_VARIABLES; i++)
		if (call->variables[i])
			(void)snprintf(api->variables[i], API_VARIABLE_SIZE,
			    "%s", call->variables[i]);
	api->calls =
	    (struct http_calls){.on_answered = on_last, .on_abort = on_last};
	http_calls_set(call->request, &api->calls, api);
	return api;
}

/* ---- spool ---- */

void
api_fail(struct api *api, int code, const struct why *why)
{
	/* 507 is for new messages; what else finds no room, not even in the
	 * reserve, is only put off */
	enum problem_code problem =
	    code == WHY_FULL ? PROBLEM_UNAVAILABLE : problem_of_why(code);

	if (problem_code_status(problem) < 500) {
		problem_say(
		    api->request, problem, "", "", "%s", why ? why->text : "");
		return;
	}
	const char *route = http_route(api->request);
	log_event(LOG_ERROR, "api.failed", LOGS("route", route ? route : ""),
	    LOGS("code", why_name(code)), LOGS("error", why ? why->text : ""));
	problem_send(api->request, problem);
}

static void
on_answer(void *arg, int code, const struct spool_answer *answer,
    const struct why *why)
{
	struct api *api = arg;

	api->ask = NULL;
	if (code < 0)
		api_fail(api, code, why);
	else
		api->on_answer(api, answer);
}

void
api_ask(struct api *api, uint16_t type, const struct buf *body,
    void (*answered)(struct api *api, const struct spool_answer *answer))
{
	int code = WHY_NOMEM;

	api->on_answer = answered;
	if (buf_ok(body))
		code = net_ask_spool(
		    api->net, type, buf_span(body), on_answer, api, &api->ask);
	if (code < 0)
		problem_send(api->request, problem_of_why(code));
}

bool
api_look(struct api *api)
{
	struct why why = {0};
	int code = spool_view_begin(api->net->view, &why);

	if (code == 0)
		return true;
	spool_view_end(api->net->view);
	log_event(LOG_ERROR, "api.failed", LOGS("route", "view"),
	    LOGS("code", why_name(code)), LOGS("error", why.text));
	problem_send(api->request, PROBLEM_UNAVAILABLE);
	return false;
}

/* ---- polls ---- */

static bool
on_try(void *arg, bool last)
{
	struct api *api = arg;

	if (!api->try(api, last))
		return false;
	poll_free(api->poll);
	api->poll = NULL;
	return true;
}

bool
api_poll(struct api *api, const char *organisation, int64_t wait_ms,
    poll_try_fn *try)
{
	api->try = try;
	api->poll =
	    poll_new(api->net, api->caller, organisation, wait_ms, on_try, api);
	if (api->poll)
		return true;
	problem_say(api->request, PROBLEM_RATE, "query", "wait",
	    "at most %llu long-polls of one organisation at once",
	    (unsigned long long)api->net->limits->polls_per_organisation);
	return false;
}

/* ---- parameters ---- */

bool
api_mailbox_allowed(struct api *api)
{
	const char *recipient = api->variables[0];
	const struct resource mailbox = {.recipient = recipient};

	if (!orgnr_valid(recipient)) {
		problem_say(api->request, PROBLEM_PARAMETER, "path",
		    "recipient", "an organisation number");
		return false;
	}
	api->as =
	    net_permit(api->request, api->caller, api->act, &mailbox, NULL);
	return api->as != 0;
}

bool
api_delivery(struct api *api, struct id *id, struct spool_delivery *delivery)
{
	struct spool_message message;
	struct why why = {0};

	if (!id_parse(api->variables[1], id)) {
		problem_send(api->request, PROBLEM_MESSAGE_UNKNOWN);
		return false;
	}
	if (!api_look(api))
		return false;
	int code = spool_view_delivery(
	    api->net->view, id, api->variables[0], delivery, &why);
	bool anothers =
	    code == WHY_NOT_FOUND &&
	    spool_view_message(api->net->view, id, &message, NULL) == 0;
	spool_view_end(api->net->view);
	if (code == 0) {
		const struct resource found = {
		    delivery->sender, delivery->recipient, delivery->type};
		return net_permit(api->request, api->caller, api->act, &found,
			   api->variables[1]) != 0;
	}
	if (anothers)
		net_deny(
		    api->request, api->caller, DENIAL_OWNER, api->variables[1]);
	else if (code == WHY_NOT_FOUND)
		problem_send(api->request, PROBLEM_MESSAGE_UNKNOWN);
	else
		api_fail(api, code, &why);
	return false;
}

bool
api_cursor(struct api *api, struct spool_position *cursor)
{
	if (cursor_parse(http_query(api->request, "cursor"), cursor))
		return true;
	problem_say(api->request, PROBLEM_PARAMETER, "query", "cursor",
	    "a cursor that an earlier answer gave");
	return false;
}

bool
api_wait(struct api *api, int64_t *wait_ms)
{
	const char *text = http_query(api->request, "wait");
	uint64_t most = api->net->limits->poll_seconds;
	uint64_t seconds = 0;

	if (text && !number_parse(span_text(text), most, &seconds)) {
		problem_say(api->request, PROBLEM_PARAMETER, "query", "wait",
		    "whole seconds, at most %llu", (unsigned long long)most);
		return false;
	}
	*wait_ms = (int64_t)seconds * 1000;
	return true;
}

/* ---- values ---- */

json_t *
api_time(int64_t ms)
{
	char text[TIME_TEXT_SIZE];

	if (ms == 0)
		return NULL;
	time_build(text, ms);
	return json_string(text);
}

void
api_time_write(struct buf *out, const char *name, int64_t ms)
{
	char text[TIME_TEXT_SIZE];

	time_build(text, ms);
	json_write_text(out, name, text);
}

void
api_position_write(
    struct buf *out, const char *name, struct spool_position position)
{
	char text[CURSOR_SIZE];

	cursor_build(text, position);
	json_write_text(out, name, text);
}

void
etag_build(char text[ETAG_SIZE], const struct spool_delivery *delivery)
{
	char id[ID_TEXT_SIZE];

	id_build(id, &delivery->message);
	(void)snprintf(
	    text, ETAG_SIZE, "\"%s-%u\"", id, (unsigned)delivery->seal);
}
