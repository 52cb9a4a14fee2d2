/*
 * /v1/uploads: a submission that survives its connection. The envelope is the
 * body of the POST; the bytes of all parts, one after the other in the
 * envelope's order, come by PATCH. The last byte's PATCH is answered as POST
 * /v1/messages is.
 *
 * An upload lives in this process: it survives connections, not the net role.
 * A client that finds it gone begins again with the same key.
 *
 * SECURITY: an upload is there for its own organisation only.
 */
#include "relay/upload_priv.h"

#include "base/clock.h"
#include "base/text.h"
#include "relay/fair.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#define SWEEP_S 60

/* ---- life ---- */

void
upload_free(struct upload *upload)
{
	fair_upload_end(upload->net->fair, upload->caller);
	submission_free(upload->submission);
	buf_wipe(&upload->held);
	LIST_REMOVE(upload, entry);
	free(upload);
}

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct net *net = arg;
	struct upload *upload;
	struct upload *next;
	int64_t most = (int64_t)net->limits->upload_hours * CLOCK_HOUR_MS;
	(void)fd;
	(void)what;
	for (upload = LIST_FIRST(&net->uploads->table->list); upload != NULL;
	     upload = next) {
		next = LIST_NEXT(upload, entry);
		if (upload->request == NULL &&
		    clock_mono_ms() - upload->touched_ms >= most)
			upload_free(upload);
	}
}

int
upload_table_open(struct net *net, struct why *why)
{
	static const struct timeval every = {SWEEP_S, 0};
	struct upload_table *table = calloc(1, sizeof *table);
	if (table == NULL)
		return why_set(why, WHY_NOMEM, "uploads");
	LIST_INIT(&table->list);
	net->uploads->table = table;
	table->sweep = event_new(net->base, -1, EV_PERSIST, on_sweep, net);
	if (table->sweep == NULL || event_add(table->sweep, &every) != 0)
		return why_set(why, WHY_NOMEM, "uploads");
	return 0;
}

void
upload_table_close(struct net *net)
{
	struct upload_table *table = net->uploads->table;
	if (table == NULL)
		return;
	while (!LIST_EMPTY(&table->list))
		upload_free(LIST_FIRST(&table->list));
	if (table->sweep != NULL)
		event_free(table->sweep);
	free(table);
	net->uploads->table = NULL;
}

/* ---- finding ---- */

/* One's own, or NULL after a 404. */
struct upload *
upload_find(const struct call *call)
{
	struct id id;
	struct upload *upload = NULL;
	if (id_parse(call->variables[0], &id))
		LIST_FOREACH (upload, &call->net->uploads->table->list, entry)
			if (id_equal(&upload->id, &id))
				break;
	if (upload != NULL) {
		const struct resource own = {
		    .sender = upload->caller->organisation};
		if (net_permit(call->request, call->caller, call->act, &own,
			call->variables[0]) == 0)
			return NULL;
	}
	if (upload == NULL)
		problem_send(call->request, PROBLEM_UPLOAD_UNKNOWN);
	return upload;
}

void
upload_offsets_add(struct http_request *request, const struct upload *upload)
{
	char text[32];
	(void)snprintf(text, sizeof text, "%" PRIu64, upload->offset);
	http_field_add(request, "Upload-Offset", text);
	(void)snprintf(text, sizeof text, "%" PRIu64,
	    submission_envelope(upload->submission)->bytes);
	http_field_add(request, "Upload-Length", text);
}

/* ---- the end ---- */

void
upload_answer_ended(struct http_request *request, struct upload *take_upload)
{
	unsigned retry;
	struct submission *s = take_upload->submission;
	if (submission_state(s) == SUBMISSION_ACCEPTED) {
		struct buf answer;
		buf_init(&answer, WIRE_BODY_MAX);
		unsigned status = submission_answer(s, &answer);
		http_field_add(request, "Location", submission_location(s));
		upload_free(take_upload);
		net_answer_text(request, status, &answer);
		return;
	}
	struct problem *problem = submission_problem(s, &retry);
	upload_free(take_upload);
	if (retry > 0)
		problem_answer_later(request, problem, retry);
	else
		problem_answer(request, problem);
}

/* ---- HEAD and DELETE ---- */

void
upload_get(const struct call *call)
{
	struct upload *upload = upload_find(call);
	if (upload == NULL)
		return;
	upload_offsets_add(call->request, upload);
	http_answer(call->request, 204, NULL, SPAN_NONE);
}

void
upload_delete(const struct call *call)
{
	struct upload *upload = upload_find(call);
	if (upload == NULL)
		return;
	if (upload->request != NULL || upload->all) {
		problem_send(call->request, PROBLEM_KEY_RUNNING);
		return;
	}
	upload_free(upload);
	http_answer(call->request, 204, NULL, SPAN_NONE);
}
