/*
 * opening - which state of a mailbox follows which: the table of spool(5).
 *
 * A mailbox opens when a probe has been fetched, opened and confirmed with
 * proof, never by anybody's word: so no message is accepted into a hole.
 */
#include "spool/spool_priv.h"

#include <string.h>

#define NONE ((enum spool_mailbox_state)0)
#define NEW SPOOL_MAILBOX_NEW
#define OPEN SPOOL_MAILBOX_OPEN
#define PAUSED SPOOL_MAILBOX_PAUSED
#define CLOSED SPOOL_MAILBOX_CLOSED
#define PROVING SPOOL_MAILBOX_PROVING

/* clang-format off */
static const enum spool_mailbox_state
    follows[SPOOL_MAILBOX_STATES][SPOOL_MAILBOX_STATES] = {
	/* asked:       NEW        OPEN             PAUSED            CLOSED            PROVING */
	[NONE]    = {0, [NEW]=NEW, [OPEN]=PROVING,                                      [PROVING]=PROVING},
	[NEW]     = {0, [NEW]=NEW, [OPEN]=PROVING,                    [CLOSED]=CLOSED,  [PROVING]=PROVING},
	[PROVING] = {0, [NEW]=NEW, [OPEN]=PROVING,                    [CLOSED]=CLOSED,  [PROVING]=PROVING},
	[OPEN]    = {0,            [OPEN]=OPEN,     [PAUSED]=PAUSED,  [CLOSED]=CLOSED,  [PROVING]=PROVING},
	[PAUSED]  = {0,            [OPEN]=OPEN,     [PAUSED]=PAUSED,  [CLOSED]=CLOSED,  [PROVING]=PROVING},
	[CLOSED]  = {0, [NEW]=NEW, [OPEN]=PROVING,                    [CLOSED]=CLOSED,  [PROVING]=PROVING},
};
/* clang-format on */

int
mailbox_follow(enum spool_mailbox_state *state, enum spool_mailbox_state asked,
    bool without_probe, struct why *why)
{
	if (asked < NEW || asked >= SPOOL_MAILBOX_STATES)
		return why_set(why, WHY_INVALID, "state: unknown");
	if (without_probe) {
		*state = asked;
		return 0;
	}
	enum spool_mailbox_state next = follows[*state][asked];
	if (next == NONE)
		return why_set(why, WHY_STATE,
		    "a mailbox that is %s cannot become %s",
		    *state == NONE ? "not there"
				   : spool_mailbox_state_name(*state),
		    spool_mailbox_state_name(asked));
	*state = next;
	return 0;
}

bool
mailbox_takes(enum spool_mailbox_state state, const char *type)
{
	return state == OPEN ||
	       (state == PROVING && strcmp(type, SPOOL_TYPE_PROBE) == 0);
}

void
mailbox_proved(
    struct spool_group *group, const char *recipient, const char *type)
{
	struct party_record party;
	struct key key = key_org(recipient);
	if (strcmp(type, SPOOL_TYPE_PROBE) != 0)
		return;
	if (!txn_get_party(&group->txn, DB_PARTY, key, &party)) {
		txn_damaged(&group->txn, DB_PARTY);
		return;
	}
	if (party.state != PROVING)
		return;
	party.state = OPEN;
	txn_put_party(&group->txn, DB_PARTY, key, &party);
}
