/*
 * SECURITY: plain HTTP without credentials, so on loopback or a Unix socket
 * only; it tells counts and nothing of any message.
 */
#include "relay/admin.h"

#include "relay/metrics.h"
#include "relay/net.h"
#include "relay/role.h"

#include <string.h>

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_MAX (4u << 20)

static void
answer_text(struct http_request *request, unsigned status, const char *text)
{
	http_answer(
	    request, status, "text/plain; charset=utf-8", span_text(text));
}

/* Ready: a message can be accepted just now. */
static void
readyz(struct net *net, struct http_request *request)
{
	static const enum role_kind needed[] = {
	    ROLE_SPOOL, ROLE_RENDER, ROLE_SCAN};
	struct spool_position last;
	if (net->draining) {
		answer_text(request, 503, "draining\n");
		return;
	}
	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
		if (role_peer_pick(net->role, needed[i]) == NULL) {
			answer_text(request, 503, "a role is missing\n");
			return;
		}
	int code = spool_view_begin(net->view, NULL);
	if (code == 0)
		code = spool_view_position(net->view, &last, NULL);
	spool_view_end(net->view);
	if (code != 0)
		answer_text(request, 503, "the store cannot be read\n");
	else
		answer_text(request, 200, "ready\n");
}

static void
metrics(struct net *net, struct http_request *request)
{
	struct buf out;
	buf_init(&out, METRICS_MAX);
	metrics_build(net, &out);
	if (buf_ok(&out))
		http_answer(request, 200, METRICS_TYPE, buf_span(&out));
	else
		answer_text(request, 503, "no memory\n");
	buf_clear(&out);
}

static void
on_request(struct http_request *request, void *arg)
{
	const struct http_head *head = http_head(request);
	if (head->verb != HTTP_VERB_GET && head->verb != HTTP_VERB_HEAD) {
		http_field_add(request, "Allow", "GET, HEAD");
		answer_text(request, 405, "GET only\n");
	} else if (strcmp(head->path, "/livez") == 0) {
		answer_text(request, 200, "alive\n");
	} else if (strcmp(head->path, "/readyz") == 0) {
		readyz(arg, request);
	} else if (strcmp(head->path, "/metrics") == 0) {
		metrics(arg, request);
	} else {
		answer_text(request, 404, "/livez, /readyz or /metrics\n");
	}
}

const struct http_app admin_app = {.on_request = on_request};
