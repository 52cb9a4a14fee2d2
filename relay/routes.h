/*
 * routes - which handler an HTTP request goes to, and who may call it.
 *
 * The table in routes.c is the API on one screen. Before a handler runs, the
 * caller is known, has a role for the act, and its organisation's share of
 * requests is not used up; the handler asks again (net_permit()) when it knows
 * type, mailbox and message.
 */
#pragma once

#include "relay/authority.h"
#include "relay/callers.h"
#include "relay/http.h"

struct net;

#define ROUTE_VARIABLES 3

/* What a handler gets. Lent until it returns: copy what is needed longer
 * (caller itself lives as long as net). */
struct call {
	struct net *net;
	struct http_request *request;
	const struct caller *caller; /* NULL for ACT_NONE */
	enum act act;
	const char *variables[ROUTE_VARIABLES]; /* in the pattern's order */
};

struct route {
	enum http_verb verb; /* a GET route answers HEAD too */
	const char *pattern; /* "/v1/messages/{}": {} is one segment, {*} at the
				end all that are left */
	enum act act;        /* what a caller must be allowed to do */
	void (*handle)(const struct call *call);
	const char *query; /* the parameters it knows, a space between */
};

/* The app of the public listeners; arg is struct net. */
extern const struct http_app routes_app;
/* The table, ends with a NULL pattern. For tests and the document. */
extern const struct route routes_table[];

/* ---- handlers, by file ---- */

/* submission*.c */
void submission_post(const struct call *call); /* POST /v1/messages */
void upload_post(const struct call *call);     /* POST /v1/uploads */
void upload_get(const struct call *call);      /* HEAD /v1/uploads/{} */
void upload_patch(const struct call *call);    /* PATCH */
void upload_delete(const struct call *call);   /* DELETE */

/* api_messages.c */
void api_message_get(const struct call *call);
void api_message_extend(const struct call *call);

/* api_recall.c */
void api_message_recall(const struct call *call);

/* api_evidence.c */
void api_message_evidence(const struct call *call);
void api_message_bundle(const struct call *call);

/* api_log.c */
void api_logs(const struct call *call);
void api_log_checkpoint(const struct call *call);
void api_log_tile(const struct call *call);
void api_log_consistency(const struct call *call);

/* api_conservation.c */
void api_conservation(const struct call *call);
void api_conservation_ask(const struct call *call);

/* api_mailbox.c */
void api_mailbox_list(const struct call *call);
void api_mailbox_entry(const struct call *call);
void api_mailbox_content(const struct call *call);
void api_mailbox_receipt(const struct call *call);

/* api_parties.c */
void api_mailbox_get(const struct call *call);
void api_mailbox_put(const struct call *call);
void api_mailboxes(const struct call *call);
void api_certificate_list(const struct call *call);
void api_certificate_add(const struct call *call);
void api_certificate_prove(const struct call *call);
void api_certificate_suspend(const struct call *call);

/* api_feed.c */
void api_feed(const struct call *call);
void api_alarms(const struct call *call);
void api_alarm_close(const struct call *call);

/* routes.c */
void api_document(const struct call *call); /* GET /v1/openapi.json */
