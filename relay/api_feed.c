/*
 * /v1/feed: everything that happened, in order; /v1/alarms: what somebody
 * should look at.
 */
#include "relay/api.h"

#include "base/text.h"
#include "formats/json_write.h"
#include "relay/alarm_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALARMS_BYTES (8u << 20)

struct feed {
	struct spool_position cursor;
	size_t max;
};

static const char *
feed_of(const struct api *api)
{
	return api->caller->roles & CALLER_OPERATOR ? NULL
						    : api->caller->organisation;
}

static void
event_write(struct buf *out, const struct spool_evidence *event)
{
	char message[ID_TEXT_SIZE];

	id_build(message, &event->message);
	json_write_object(out, NULL);
	api_position_write(out, "position", event->position);
	json_write_text(out, "level", spool_level_name(event->level));
	api_time_write(out, "time", event->time_ms);
	if (event->has_message)
		json_write_text(out, "message", message);
	if (event->sender[0])
		json_write_text(out, "sender", event->sender);
	if (event->recipient[0])
		json_write_text(out, "recipient", event->recipient);
	if (event->type[0])
		json_write_text(out, "type", event->type);
	if (event->state)
		json_write_text(out, "state", spool_state_name(event->state));
	if (event->missing_after_ms)
		api_time_write(out, "missingAfter", event->missing_after_ms);
	json_write_span(out, "evidence", event->jws);
	json_write_object_end(out);
}

/* {"entries","cursor","more"}, appended; nothing when there are none and
 * none_too is false. False after an answer. The page is held only here: many
 * poll, few get. */
static bool
page_write(struct api *api, bool none_too, struct buf *out)
{
	struct feed *feed = api->own;
	struct spool_evidence *page = malloc(feed->max * sizeof(*page));
	struct spool_position next = feed->cursor;
	struct why why = {0};
	size_t count = 0;

	if (!page) {
		problem_send(api->request, PROBLEM_UNAVAILABLE);
		return false;
	}
	if (!api_look(api)) {
		free(page);
		return false;
	}
	int code = spool_view_feed(api->net->view, feed_of(api), feed->cursor,
	    page, feed->max, &count, &next, &why);
	if (code == WHY_NOT_FOUND)
		code = 0;
	if (code == 0 && (count > 0 || none_too)) {
		json_write_object(out, NULL);
		json_write_array(out, "entries");
		for (size_t i = 0; i < count; i++)
			event_write(out, &page[i]);
		json_write_array_end(out);
		api_position_write(out, "cursor", count ? next : feed->cursor);
		json_write_bool(out, "more", count == feed->max);
		json_write_object_end(out);
	}
	/* evidence is the view's */
	spool_view_end(api->net->view);
	free(page);
	if (code < 0)
		api_fail(api, code, &why);
	return code == 0;
}

/* True when it was answered. */
static bool
feed_try(void *arg, bool last)
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

void
api_feed(const struct call *call)
{
	struct api *api = api_new(call);
	struct feed *feed;
	int64_t wait_ms;

	if (!api)
		return;
	feed = calloc(1, sizeof(*feed));
	if (!feed) {
		problem_send(api->request, PROBLEM_UNAVAILABLE);
		return;
	}
	api->own = feed;
	if (!api_cursor(api, &feed->cursor) || !api_wait(api, &wait_ms))
		return;
	feed->max = api->net->limits->list_entries;
	const char *organisation = feed_of(api);
	if (!feed_try(api, wait_ms == 0 || api->net->draining))
		(void)api_poll(
		    api, organisation ? organisation : "", wait_ms, feed_try);
}

/* ---- alarms ---- */

/* In a look: append the alarms of a mailbox (NULL: all). */
static int
alarms_add(struct api *api, const char *mailbox, bool resolved, struct buf *out,
    bool *first, struct why *why)
{
	enum { PAGE = 64 };
	struct spool_alarm *page = calloc(PAGE, sizeof(*page));
	struct spool_alarm after;
	size_t count = PAGE;
	int code = page ? 0 : why_set(why, WHY_NOMEM, "no memory for alarms");
	bool any = false;

	while (code == 0 && count == PAGE) {
		code = spool_view_alarms(api->net->view, mailbox, resolved,
		    any ? &after : NULL, page, PAGE, &count, why);
		for (size_t i = 0; code == 0 && i < count; i++) {
			if (!*first)
				buf_add_text(out, ",");
			*first = false;
			code = alarm_object_build(out, &page[i], why);
		}
		if (code == 0 && count > 0) {
			after = page[count - 1];
			any = true;
		}
	}
	free(page);
	return code == WHY_NOT_FOUND ? 0 : code;
}

static int
alarms_build(struct api *api, bool resolved, struct buf *out, struct why *why)
{
	const struct caller *caller = api->caller;
	bool first = true;
	int code = 0;

	buf_add_text(out, "{\"alarms\":[");
	if (caller->roles & CALLER_OPERATOR)
		code = alarms_add(api, NULL, resolved, out, &first, why);
	else if (!caller->mailboxes && (caller->roles & CALLER_RECIPIENT))
		code = alarms_add(
		    api, caller->organisation, resolved, out, &first, why);
	for (size_t i = 0; code == 0 && !(caller->roles & CALLER_OPERATOR) &&
			   caller->mailboxes && caller->mailboxes[i];
	     i++)
		code = alarms_add(
		    api, caller->mailboxes[i], resolved, out, &first, why);
	buf_add_text(out, "]}");
	if (code == 0 && !buf_ok(out))
		code = why_set(why, WHY_NOMEM, "more alarms than can be told");
	return code;
}

void
api_alarms(const struct call *call)
{
	struct api *api = api_new(call);
	struct why why = {0};
	struct buf out;

	if (!api)
		return;
	const char *resolved = http_query(api->request, "resolved");
	if (resolved && strcmp(resolved, "0") != 0 &&
	    strcmp(resolved, "1") != 0) {
		problem_say(api->request, PROBLEM_PARAMETER, "query",
		    "resolved", "0 or 1");
		return;
	}
	if (!api_look(api))
		return;
	buf_init(&out, ALARMS_BYTES);
	int code = alarms_build(api, resolved && *resolved == '1', &out, &why);
	spool_view_end(api->net->view);
	if (code < 0)
		api_fail(api, code, &why);
	else
		http_answer(
		    api->request, 200, "application/json", buf_span(&out));
	buf_clear(&out);
}

/* In a look: the alarm of this id, whatever its state. */
static int
alarm_find(struct api *api, const struct id *id, struct spool_alarm *out,
    struct why *why)
{
	enum { PAGE = 64 };
	struct spool_alarm *page = calloc(PAGE, sizeof(*page));
	size_t count = PAGE;
	bool any = false;
	int code = page ? 0 : why_set(why, WHY_NOMEM, "no memory for alarms");

	while (code == 0 && count == PAGE) {
		code = spool_view_alarms(api->net->view, NULL, true,
		    any ? out : NULL, page, PAGE, &count, why);
		for (size_t i = 0; code == 0 && i < count; i++)
			if (id_equal(&page[i].id, id)) {
				*out = page[i];
				free(page);
				return 0;
			}
		if (code == 0 && count > 0) {
			*out = page[count - 1];
			any = true;
		}
	}
	free(page);
	return code < 0 ? code : why_set(why, WHY_NOT_FOUND, "no such alarm");
}

static void
closed_answer(struct api *api)
{
	struct spool_alarm alarm;
	struct why why = {0};
	struct id id;
	struct buf out;

	if (!id_parse(api->variables[0], &id) || !api_look(api))
		return;
	buf_init(&out, 4 * KIB);
	int code = alarm_find(api, &id, &alarm, &why);
	spool_view_end(api->net->view);
	if (code == 0)
		code = alarm_object_build(&out, &alarm, &why);
	if (code == 0)
		http_answer(
		    api->request, 200, "application/json", buf_span(&out));
	else
		api_fail(api, code, &why);
	buf_clear(&out);
}

static void
on_closed(struct api *api, const struct spool_answer *answer)
{
	struct why why = {.code = answer->code};

	switch (answer->code) {
	case 0:
		closed_answer(api);
		return;
	case WHY_STATE:
		problem_say(api->request, PROBLEM_ALARM_STATE, "", "",
		    "an alarm whose cause does not end by itself");
		return;
	case WHY_NOT_FOUND:
		problem_send(api->request, PROBLEM_ALARM_UNKNOWN);
		return;
	default:
		(void)snprintf(why.text, sizeof(why.text), "%s", answer->text);
		api_fail(api, answer->code, &why);
	}
}

void
api_alarm_close(const struct call *call)
{
	struct api *api = api_new(call);
	struct spool_wire_delivery close = {0};
	struct buf body;

	if (!api)
		return;
	if (!id_parse(api->variables[0], &close.message)) {
		problem_send(api->request, PROBLEM_ALARM_UNKNOWN);
		return;
	}
	buf_init(&body, 256);
	spool_wire_delivery_build(&body, &close);
	api_ask(api, SPOOL_WIRE_ALARM_CLOSE, &body, on_closed);
	buf_clear(&body);
}
