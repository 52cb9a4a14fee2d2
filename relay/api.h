/*
 * api - what the handlers of mailbox and feed share: a call that outlives its
 * handler, its waiting, and its questions to spool.
 */
#pragma once

#include "relay/net.h"
#include "relay/poll.h"
#include "relay/problem.h"
#include "relay/routes.h"

#include <jansson.h>
#include <stdbool.h>

#define API_VARIABLE_SIZE 128

/* One call, from its handler to its request's last call, which frees it. */
struct api {
	struct net *net;
	struct http_request *request;
	const struct caller *caller;
	enum act act;
	unsigned as; /* roles that api_mailbox_allowed() found for it */
	char variables[ROUTE_VARIABLES][API_VARIABLE_SIZE];
	void *own;                       /* free()d with it, after forget() */
	void (*forget)(struct api *api); /* may be NULL */
	struct http_calls calls;         /* may be added to */

	/* private */
	void (*on_answer)(struct api *api, const struct spool_answer *answer);
	struct net_ask *ask;
	struct poll *poll;
	poll_try_fn *try;
};

/* NULL after a 503 was answered. */
struct api *api_new(const struct call *call);
/* Let go of the request before it was answered: the next may set its calls. */
void api_release(struct api *api);

/* Ask spool; answers 503 itself when that fails, else calls on_answer. */
void api_ask(struct api *api, uint16_t type, const struct buf *body,
    void (*on_answer)(struct api *api, const struct spool_answer *answer));

/* Wait for news of an organisation; try is given the api. False after an
 * answer that it may not. */
bool api_poll(struct api *api, const char *organisation, int64_t wait_ms,
    poll_try_fn *try);

/* Answer a failure: a problem by its code, logged where it is our own. */
void api_fail(struct api *api, int code, const struct why *why);

/* May the caller do this to the mailbox named in variable 0? False after an
 * answer. */
bool api_mailbox_allowed(struct api *api);

/* The delivery of variables 0 and 1; false after an answer: 404 also for
 * another's and for one of a type that the caller may not, which are logged. */
bool api_delivery(
    struct api *api, struct id *id, struct spool_delivery *delivery);

/* Query parameters: false after an answer. */
bool api_cursor(struct api *api, struct spool_position *cursor);
bool api_wait(struct api *api, int64_t *wait_ms);

/* Begin a look at the store; false after an answer. */
bool api_look(struct api *api);

/* "UUID-SEAL" in quotes: the strong ETag of a delivery's content. */
#define ETAG_SIZE (ID_TEXT_SIZE + 16)
void etag_build(char text[ETAG_SIZE], const struct spool_delivery *delivery);

/* A time as JSON; NULL (left out by "s:o*") for 0. */
json_t *api_time(int64_t ms);
/* As members, appended (formats/json_write.h). */
void api_time_write(struct buf *out, const char *name, int64_t ms);
void api_position_write(
    struct buf *out, const char *name, struct spool_position position);
