/*
 * SECURITY: reads foreign bytes, capped, through formats/json.
 */
#include "relay/body.h"

#include "formats/json.h"
#include "relay/net.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct taking {
	struct call call;
	char *variables[ROUTE_VARIABLES]; /* owned copies of call's */
	void (*read)(const struct call *call, json_t *body, void *arg);
	void *arg;
	struct buf bytes;
};

static void
taking_free(struct taking *taking)
{
	for (size_t i = 0; i < ROUTE_VARIABLES; i++)
		free(taking->variables[i]);
	buf_wipe(&taking->bytes);
	free(taking);
}

static void
on_body(struct http_request *request, struct span piece, void *arg)
{
	struct taking *taking = arg;
	(void)request;
	buf_add_span(&taking->bytes, piece);
}

static void
on_end(struct http_request *request, void *arg)
{
	struct taking *taking = arg;
	const struct limits *limits = taking->call.net->limits;
	const struct json_bounds bounds = {
	    limits->json_body_bytes, limits->json_depth};
	struct why why = {0};
	json_t *body = NULL;
	http_calls_set(request, NULL, NULL);
	int code = buf_ok(&taking->bytes)
		       ? json_object_read(
			     buf_span(&taking->bytes), &bounds, &body, &why)
		       : why_set(&why, WHY_NOMEM, "body");
	if (code == 0)
		taking->read(&taking->call, body, taking->arg);
	else if (code == WHY_MALFORMED || code == WHY_TOO_LARGE)
		problem_say(
		    request, problem_of_why(code), "body", "", "%s", why.text);
	else
		problem_send(request, problem_of_why(code));
	json_decref(body);
	taking_free(taking);
}

static void
on_abort(struct http_request *request, void *arg)
{
	(void)request;
	taking_free(arg);
}

bool
body_is_json(struct http_request *request)
{
	static const char json[] = "application/json";
	size_t size = sizeof json - 1;
	const char *type = http_field(request, "content-type");
	if (type != NULL && strncasecmp(type, json, size) == 0 &&
	    (type[size] == '\0' || type[size] == ';' || type[size] == ' '))
		return true;
	problem_say(
	    request, PROBLEM_MEDIA_TYPE, "header", "Content-Type", "%s", json);
	return false;
}

static struct taking *
taking_new(const struct call *call)
{
	struct taking *taking = calloc(1, sizeof *taking);
	if (taking == NULL)
		return NULL;
	taking->call = *call;
	buf_init(&taking->bytes, call->net->limits->json_body_bytes);
	for (size_t i = 0; i < ROUTE_VARIABLES; i++) {
		if (call->variables[i] == NULL)
			continue;
		taking->variables[i] = strdup(call->variables[i]);
		if (taking->variables[i] == NULL) {
			taking_free(taking);
			return NULL;
		}
		taking->call.variables[i] = taking->variables[i];
	}
	return taking;
}

void
body_take(const struct call *call,
    void (*read)(const struct call *call, json_t *body, void *arg), void *arg)
{
	static const struct http_calls calls = {
	    .on_body = on_body, .on_end = on_end, .on_abort = on_abort};
	if (!body_is_json(call->request))
		return;
	struct taking *taking = taking_new(call);
	if (taking == NULL) {
		problem_send(call->request, PROBLEM_UNAVAILABLE);
		return;
	}
	taking->read = read;
	taking->arg = arg;
	http_calls_set(call->request, &calls, taking);
	http_body_take(call->request, call->net->limits->json_body_bytes);
}

void
body_members(
    const json_t *body, const char *const names[], struct findings *findings)
{
	const char *name;
	json_t *value;
	/* jansson's iterator wants no const; nothing is changed */
	json_object_foreach((json_t *)(uintptr_t)body, name, value)
	{
		bool known = false;
		for (size_t i = 0; names[i] != NULL; i++)
			known = known || strcmp(names[i], name) == 0;
		if (!known)
			findings_add(findings, "body", "",
			    "additionalProperties", "no other members");
	}
}

void
body_refuse(struct http_request *request, enum problem_code code,
    struct findings *take_findings)
{
	struct problem *problem = problem_new(code);
	if (problem != NULL)
		problem_findings(problem, take_findings);
	findings_clear(take_findings);
	problem_answer(request, problem);
}
