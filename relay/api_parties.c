/*
 * Mailboxes: /v1/mailbox/{} and /v1/mailboxes.
 *
 * SECURITY: reads small JSON bodies from the world, capped.
 */
#include "base/log.h"
#include "base/text.h"
#include "relay/api.h"
#include "relay/body.h"
#include "relay/change.h"

#include <stdlib.h>
#include <string.h>

static json_t *
counts_json(const struct spool_counts *counts)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "accepted",
	    (json_int_t)counts->accepted, "waiting",
	    (json_int_t)(counts->now[SPOOL_ACCEPTED] +
			 counts->now[SPOOL_FETCHED]),
	    "imported", (json_int_t)counts->now[SPOOL_IMPORTED], "unproven",
	    (json_int_t)counts->unproven, "rejected",
	    (json_int_t)counts->now[SPOOL_REJECTED], "expired",
	    (json_int_t)counts->now[SPOOL_EXPIRED], "recalled",
	    (json_int_t)counts->now[SPOOL_RECALLED], "waitingBytes",
	    (json_int_t)counts->waiting_bytes);
}

static json_t *
mailbox_json(const struct spool_mailbox *mailbox)
{
	json_t *types = json_array();
	for (size_t i = 0; i < mailbox->type_count; i++)
		(void)json_array_append_new(
		    types, json_string(mailbox->types[i]));
	json_t *object =
	    json_pack("{s:s,s:s,s:s,s:o,s:b}", "recipient", mailbox->recipient,
		"state", spool_mailbox_state_name(mailbox->state), "form",
		spool_form_name(mailbox->form), "types", types,
		"stopAtCertificateEnd", mailbox->stop_at_certificate_end);
	(void)json_object_set_new(
	    object, "created", api_time(mailbox->created_ms));
	(void)json_object_set_new(
	    object, "polled", api_time(mailbox->polled_ms));
	(void)json_object_set_new(
	    object, "counts", counts_json(&mailbox->counts));
	return object;
}

static int
mailbox_look(struct net *net, const char *recipient, struct spool_mailbox *out,
    struct why *why)
{
	int code = spool_view_begin(net->view, why);
	if (code == 0)
		code = spool_view_mailbox(net->view, recipient, out, why);
	spool_view_end(net->view);
	return code;
}

/* Answer with the mailbox as the store has it now. */
static void
mailbox_answer(struct net *net, struct http_request *request,
    const char *recipient, unsigned status)
{
	static struct spool_mailbox mailbox;
	struct why why = {0};
	int code = mailbox_look(net, recipient, &mailbox, &why);
	if (code == WHY_NOT_FOUND)
		problem_send(request, PROBLEM_MAILBOX_UNKNOWN);
	else if (code != 0)
		problem_send(request, problem_of_why(code));
	else
		net_answer_json(request, status, mailbox_json(&mailbox));
}

void
api_mailbox_get(const struct call *call)
{
	if (change_allowed(call))
		mailbox_answer(
		    call->net, call->request, call->variables[0], 200);
}

void
api_mailboxes(const struct call *call)
{
	const char *after = http_query(call->request, "after");
	struct why why = {0};
	size_t count = 0;
	size_t most = call->net->limits->list_entries;
	if (after != NULL && after[0] != '\0' && !orgnr_valid(after)) {
		problem_say(call->request, PROBLEM_PARAMETER, "query", "after",
		    "an organisation number");
		return;
	}
	struct spool_mailbox *page = calloc(most + 1, sizeof *page);
	int code = page == NULL ? why_set(&why, WHY_NOMEM, "page")
				: spool_view_begin(call->net->view, &why);
	if (code == 0)
		code = spool_view_mailboxes(call->net->view,
		    after == NULL ? "" : after, page, most + 1, &count, &why);
	spool_view_end(call->net->view);
	if (code != 0 && code != WHY_NOT_FOUND) {
		free(page);
		problem_send(call->request, problem_of_why(code));
		return;
	}
	json_t *list = json_array();
	for (size_t i = 0; i < count && i < most; i++)
		(void)json_array_append_new(list, mailbox_json(&page[i]));
	free(page);
	net_answer_json(call->request, 200,
	    json_pack("{s:o,s:b}", "mailboxes", list, "more", count > most));
}

static void
answer_mailbox(struct change *change)
{
	mailbox_answer(change->net, change->request, change->recipient,
	    change->is_new ? 201 : 200);
}

/* ---- PUT mailbox ---- */

static const char *
member_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* types as texts into put; false: a finding was made. */
static bool
types_read(const struct call *call, const json_t *list,
    struct spool_mailbox_put *put, const char *types[SPOOL_TYPES_MAX],
    struct findings *findings)
{
	(void)call;
	size_t i;
	json_t *item;
	if (!json_is_array(list) || json_array_size(list) > SPOOL_TYPES_MAX) {
		findings_add(findings, "body", "/types", "type",
		    "an array of at most %d message types", SPOOL_TYPES_MAX);
		return false;
	}
	json_array_foreach(list, i, item)
	{
		const char *type = json_string_value(item);
		if (type == NULL || type[0] == '\0' ||
		    strlen(type) >= SPOOL_TYPE_SIZE) {
			findings_add(findings, "body", "/types", "items",
			    "names of message types");
			return false;
		}
		types[i] = type;
	}
	put->types = types;
	put->type_count = json_array_size(list);
	return true;
}

static bool
mailbox_read(const struct call *call, const json_t *body,
    struct spool_mailbox_put *put, const char *types[SPOOL_TYPES_MAX],
    struct findings *findings)
{
	const char *state = member_text(body, "state");
	const char *form = member_text(body, "form");
	const json_t *stop = json_object_get(body, "stopAtCertificateEnd");
	put->recipient = call->variables[0];
	put->state = (enum spool_mailbox_state)(
	    state == NULL ? 0 : spool_mailbox_state_parse(state));
	if (put->state == 0)
		findings_add(findings, "body", "/state", "enum",
		    "new, proving, open, paused or closed");
	put->form = SPOOL_FORM_ASICE;
	if (json_object_get(body, "form") != NULL)
		put->form = (enum spool_form)(
		    form == NULL ? 0 : spool_form_parse(form));
	if (put->form != SPOOL_FORM_ASICE && put->form != SPOOL_FORM_ZIP)
		findings_add(findings, "body", "/form", "enum", "asice or zip");
	if (stop != NULL && !json_is_boolean(stop))
		findings_add(findings, "body", "/stopAtCertificateEnd", "type",
		    "true or false");
	put->stop_at_certificate_end = json_is_true(stop);
	(void)types_read(
	    call, json_object_get(body, "types"), put, types, findings);
	return findings_none(findings);
}

static void
put_read(const struct call *call, json_t *body, void *arg)
{
	static const char *const members[] = {
	    "state", "form", "types", "stopAtCertificateEnd", NULL};
	struct findings findings;
	struct spool_mailbox_put put = {0};
	static struct spool_mailbox before;
	const char *types[SPOOL_TYPES_MAX];
	struct buf request;
	(void)arg;
	findings_init(&findings, call->net->limits->findings);
	body_members(body, members, &findings);
	if (!mailbox_read(call, body, &put, types, &findings)) {
		body_refuse(call->request, PROBLEM_BODY, &findings);
		return;
	}
	findings_clear(&findings);
	struct change *change = change_new(call, answer_mailbox);
	if (change == NULL)
		return;
	change->wrong_state = PROBLEM_MAILBOX_STATE;
	change->is_new = mailbox_look(call->net, put.recipient, &before,
			     NULL) == WHY_NOT_FOUND;
	buf_init(&request, 64 * KIB);
	spool_wire_mailbox_build(&request, &put);
	log_event(LOG_INFO, "mailbox.changed", LOGS("mailbox", put.recipient),
	    LOGS("state", spool_mailbox_state_name(put.state)),
	    LOGS("by", call->caller->organisation));
	change_ask(change, SPOOL_WIRE_MAILBOX_PUT, &request);
}

void
api_mailbox_put(const struct call *call)
{
	if (change_allowed(call))
		body_take(call, put_read, NULL);
}
