/*
 * GET /v1/mailbox/{recipient}/messages, with waiting, and one entry of it.
 */
#include "base/text.h"
#include "relay/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct listing {
	struct spool_position cursor;
	size_t max;
};

static json_t *
entry_json(const struct spool_delivery *delivery)
{
	char id[ID_TEXT_SIZE];
	char etag[ETAG_SIZE];
	char certificate[2 * SPOOL_HASH_SIZE + 1];

	id_build(id, &delivery->message);
	etag_build(etag, delivery);
	hex_build(certificate, delivery->certificate, SPOOL_HASH_SIZE);
	return json_pack(
	    "{s:s,s:s,s:s,s:s,s:o,s:o,s:I,s:s,s:s,s:s,s:b,s:b,s:s}", "id", id,
	    "type", delivery->type, "sender", delivery->sender, "state",
	    spool_state_name(delivery->state), "accepted",
	    api_time(delivery->accepted_ms), "expires",
	    api_time(delivery->expires_ms), "size", (json_int_t)delivery->size,
	    "form", spool_form_name(delivery->form), "suite", delivery->suite,
	    "certificate", certificate, "redelivered",
	    (delivery->flags & SPOOL_FLAG_REDELIVERED) != 0,
	    "referenceRequired", (delivery->flags & SPOOL_FLAG_REFERENCE) != 0,
	    "etag", etag);
}

/* ---- the list ---- */

/* The caller's: {"messages","cursor","more"}; *count tells how many.
 * NULL after an answer. The page is held only here: many poll, few get. */
static json_t *
page_json(struct api *api, size_t *count)
{
	struct listing *listing = api->own;
	struct spool_delivery *entries;
	struct spool_position next;
	struct why why = {0};
	json_t *messages;
	int code;

	entries = malloc(listing->max * sizeof(*entries));
	if (!entries) {
		problem_send(api->request, PROBLEM_UNAVAILABLE);
		return NULL;
	}
	if (!api_look(api)) {
		free(entries);
		return NULL;
	}
	code = spool_view_list(api->net->view, api->variables[0],
	    listing->cursor, entries, listing->max, count, &next, &why);
	spool_view_end(api->net->view);
	if (code == WHY_NOT_FOUND) {
		*count = 0;
		next = listing->cursor;
	} else if (code < 0) {
		free(entries);
		api_fail(api, code, &why);
		return NULL;
	}
	messages = json_array();
	for (size_t i = 0; i < *count; i++)
		(void)json_array_append_new(messages, entry_json(&entries[i]));
	free(entries);
	return json_pack("{s:o,s:o,s:b}", "messages", messages, "cursor",
	    api_position(next), "more", *count == listing->max);
}

/* True when it was answered. */
static bool
list_try(void *arg, bool last)
{
	struct api *api = arg;
	size_t count;
	json_t *page = page_json(api, &count);

	if (!page)
		return true;
	if (count == 0 && !last) {
		json_decref(page);
		return false;
	}
	net_answer_json(api->request, 200, page);
	return true;
}

/* That the recipient looked is worth knowing, not worth waiting for. */
static void
tell_polled(struct api *api)
{
	struct spool_wire_delivery polled = {0};
	struct role_peer *spool = role_peer_pick(api->net->role, ROLE_SPOOL);
	struct buf body;

	if (!spool || !spool->channel ||
	    strlen(api->variables[0]) >= SPOOL_ORG_SIZE)
		return; /* the next look tells it */
	memcpy(polled.recipient, api->variables[0], strlen(api->variables[0]));
	buf_init(&body, 256);
	spool_wire_delivery_build(&body, &polled);
	(void)channel_tell(spool->channel, SPOOL_WIRE_POLLED, buf_span(&body));
	buf_clear(&body);
}

void
api_mailbox_list(const struct call *call)
{
	struct api *api = api_new(call);
	struct listing *listing;
	int64_t wait_ms;

	if (!api || !api_mailbox_allowed(api, false))
		return;
	listing = calloc(1, sizeof(*listing));
	if (!listing) {
		problem_send(api->request, PROBLEM_UNAVAILABLE);
		return;
	}
	api->own = listing;
	if (!api_cursor(api, &listing->cursor) || !api_wait(api, &wait_ms))
		return;
	listing->max = api->net->limits->list_entries;
	tell_polled(api);
	if (!list_try(api, wait_ms == 0 || api->net->draining))
		(void)api_poll(api, api->variables[0], wait_ms, list_try);
}

/* ---- one entry ---- */

void
api_mailbox_entry(const struct call *call)
{
	struct api *api = api_new(call);
	struct spool_delivery delivery;
	struct id id;

	if (api && api_mailbox_allowed(api, false) &&
	    api_delivery(api, &id, &delivery))
		net_answer_json(api->request, 200, entry_json(&delivery));
}
