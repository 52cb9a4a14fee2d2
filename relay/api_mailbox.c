/*
 * GET /v1/mailbox/{recipient}/messages, with waiting, and one entry of it.
 */
#include "base/text.h"
#include "formats/json_write.h"
#include "relay/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct listing {
	struct spool_position cursor;
	size_t max;
};

static void
entry_write(struct buf *out, const struct spool_delivery *delivery)
{
	char id[ID_TEXT_SIZE];
	char etag[ETAG_SIZE];
	char certificate[2 * SPOOL_HASH_SIZE + 1];

	id_build(id, &delivery->message);
	etag_build(etag, delivery);
	hex_build(certificate, delivery->certificate, SPOOL_HASH_SIZE);
	json_write_object(out, NULL);
	json_write_text(out, "id", id);
	json_write_text(out, "type", delivery->type);
	json_write_text(out, "sender", delivery->sender);
	json_write_text(out, "state", spool_state_name(delivery->state));
	api_time_write(out, "accepted", delivery->accepted_ms);
	api_time_write(out, "expires", delivery->expires_ms);
	json_write_number(out, "size", (int64_t)delivery->size);
	json_write_text(out, "form", spool_form_name(delivery->form));
	json_write_text(out, "suite", delivery->suite);
	json_write_text(out, "certificate", certificate);
	json_write_bool(out, "redelivered",
	    (delivery->flags & SPOOL_FLAG_REDELIVERED) != 0);
	json_write_bool(out, "referenceRequired",
	    (delivery->flags & SPOOL_FLAG_REFERENCE) != 0);
	json_write_text(out, "etag", etag);
	json_write_object_end(out);
}

/* ---- the list ---- */

/* Those of types that the caller may have move to the front. */
static size_t
permitted_only(
    const struct api *api, struct spool_delivery *entries, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		const struct resource one = {
		    .recipient = entries[i].recipient, .type = entries[i].type};
		if (authority_decide(api->caller, api->act, &one, NULL) != 0)
			entries[kept++] = entries[i];
	}
	return kept;
}

/* In a look: the next page of what the caller may have. What is not for it is
 * passed over, page by page, so that it never looks like an empty mailbox. */
static int
page_look(struct api *api, struct spool_delivery *entries, size_t *count,
    struct spool_position *next, bool *more, struct why *why)
{
	const struct listing *listing = api->own;
	struct spool_position from = listing->cursor;

	do {
		int code = spool_view_list(api->net->view, api->variables[0],
		    from, entries, listing->max, count, next, why);
		if (code == WHY_NOT_FOUND) {
			*count = 0;
			*next = from;
			*more = false;
			return 0;
		}
		if (code < 0)
			return code;
		*more = *count == listing->max;
		*count = permitted_only(api, entries, *count);
		from = *next;
	} while (*count == 0 && *more);
	return 0;
}

/* {"messages","cursor","more"}, appended; nothing when there are none and
 * none_too is false. False after an answer. The page is held only here: many
 * poll, few get. */
static bool
page_write(struct api *api, bool none_too, struct buf *out)
{
	struct listing *listing = api->own;
	struct spool_delivery *entries;
	struct spool_position next;
	struct why why = {0};
	size_t count = 0;
	bool more = false;
	int code;

	entries = malloc(listing->max * sizeof(*entries));
	if (!entries) {
		problem_send(api->request, PROBLEM_UNAVAILABLE);
		return false;
	}
	if (!api_look(api)) {
		free(entries);
		return false;
	}
	code = page_look(api, entries, &count, &next, &more, &why);
	spool_view_end(api->net->view);
	if (code < 0) {
		free(entries);
		api_fail(api, code, &why);
		return false;
	}
	if (count > 0 || none_too) {
		json_write_object(out, NULL);
		json_write_array(out, "messages");
		for (size_t i = 0; i < count; i++)
			entry_write(out, &entries[i]);
		json_write_array_end(out);
		api_position_write(out, "cursor", next);
		json_write_bool(out, "more", more);
		json_write_object_end(out);
	}
	free(entries);
	return true;
}

/* True when it was answered. */
static bool
list_try(void *arg, bool last)
{
	struct api *api = arg;
	struct buf page;

	buf_init(&page, WIRE_BODY_MAX);
	if (!page_write(api, last, &page))
		return true;
	if (page.size == 0 && buf_ok(&page))
		return false;
	net_answer_text(api->request, 200, &page);
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

	if (!api || !api_mailbox_allowed(api))
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
	struct buf text;
	struct id id;

	if (!api || !api_mailbox_allowed(api) ||
	    !api_delivery(api, &id, &delivery))
		return;
	buf_init(&text, WIRE_BODY_MAX);
	entry_write(&text, &delivery);
	net_answer_text(api->request, 200, &text);
}
