/*
 * message_look - a message as a caller may see it.
 *
 * A message is seen by its sender, by its recipients' callers (evidence only of
 * their own delivery and of the acceptance) and by operators. For all others it
 * does not exist.
 */
#pragma once

#include "relay/net.h"
#include "relay/routes.h"

#include <jansson.h>

/* A message with its deliveries, copied out of the view. */
struct message_look {
	struct spool_message message;
	struct spool_delivery *deliveries;
	size_t count;
	struct buf metadata; /* sealed */
	struct buf receipt;
};

/* The message of variable 0 for the act of the call, or false after an answer.
 * message_look_clear() in any case. */
bool message_look_up(const struct call *call, struct message_look *look);
void message_look_clear(struct message_look *look);

/* Of a message that was looked up. */
bool message_look_may_see(const struct caller *caller,
    const struct message_look *look, const struct spool_evidence *evidence);

/* A member with a time; none for 0. */
void message_time_set(json_t *object, const char *name, int64_t ms);
