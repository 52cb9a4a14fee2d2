#include "relay/authority.h"

#include <string.h>

enum whose {
	ANYBODYS,
	OWN_SENDING, /* the sender's organisation is the caller's */
	OWN_MAILBOX, /* the recipient's mailbox is one of the caller's */
};

/* Which of the caller's lists of types counts: by the direction of the
 * message, as the relay sees it. */
enum direction { NEITHER, IN, OUT };

/*
 * An operator may not register certificates nor confirm: who could prove a key
 * of his for another's mailbox would have its messages sealed to himself.
 */
/* clang-format off */
static const struct right {
	enum act act;
	enum caller_role role;
	enum whose whose;
	enum direction types;
} rights[] = {
	{ACT_SEND,                CALLER_SENDER,    ANYBODYS,    IN},
	{ACT_PROBE,               CALLER_OPERATOR,  ANYBODYS,    NEITHER},
	{ACT_UPLOAD,              CALLER_SENDER,    OWN_SENDING, IN},
	{ACT_MESSAGE_SEE,         CALLER_SENDER,    OWN_SENDING, NEITHER},
	{ACT_MESSAGE_SEE,         CALLER_OPERATOR,  ANYBODYS,    NEITHER},
	{ACT_RECALL,              CALLER_SENDER,    OWN_SENDING, NEITHER},
	{ACT_EVIDENCE_SEE,        CALLER_SENDER,    OWN_SENDING, NEITHER},
	{ACT_EVIDENCE_SEE,        CALLER_RECIPIENT, OWN_MAILBOX, OUT},
	{ACT_EVIDENCE_SEE,        CALLER_OPERATOR,  ANYBODYS,    NEITHER},
	{ACT_EXTEND,              CALLER_OPERATOR,  ANYBODYS,    NEITHER},
	{ACT_MAILBOXES_SEE,       CALLER_OPERATOR,  ANYBODYS,    NEITHER},
	{ACT_MAILBOX_SEE,         CALLER_RECIPIENT, OWN_MAILBOX, NEITHER},
	{ACT_MAILBOX_SEE,         CALLER_OPERATOR,  ANYBODYS,    NEITHER},
	{ACT_MAILBOX_SET,         CALLER_OPERATOR,  ANYBODYS,    NEITHER},
	{ACT_LIST,                CALLER_RECIPIENT, OWN_MAILBOX, OUT},
	{ACT_FETCH,               CALLER_RECIPIENT, OWN_MAILBOX, OUT},
	{ACT_FETCH,               CALLER_OPERATOR,  ANYBODYS,    NEITHER},
	{ACT_RECEIPT,             CALLER_RECIPIENT, OWN_MAILBOX, OUT},
	{ACT_CERTIFICATES_SEE,    CALLER_RECIPIENT, OWN_MAILBOX, NEITHER},
	{ACT_CERTIFICATES_SEE,    CALLER_OPERATOR,  ANYBODYS,    NEITHER},
	{ACT_CERTIFICATE_ADD,     CALLER_RECIPIENT, OWN_MAILBOX, NEITHER},
	{ACT_CERTIFICATE_SUSPEND, CALLER_RECIPIENT, OWN_MAILBOX, NEITHER},
	{ACT_CERTIFICATE_SUSPEND, CALLER_OPERATOR,  ANYBODYS,    NEITHER},
	{ACT_FEED,                CALLER_SENDER,    OWN_SENDING, NEITHER},
	{ACT_FEED,                CALLER_RECIPIENT, OWN_MAILBOX, NEITHER},
	{ACT_FEED,                CALLER_OPERATOR,  ANYBODYS,    NEITHER},
	{ACT_ALARMS_SEE,          CALLER_SENDER,    OWN_MAILBOX, NEITHER},
	{ACT_ALARMS_SEE,          CALLER_RECIPIENT, OWN_MAILBOX, NEITHER},
	{ACT_ALARMS_SEE,          CALLER_OPERATOR,  ANYBODYS,    NEITHER},
	{ACT_ALARM_CLOSE,         CALLER_OPERATOR,  ANYBODYS,    NEITHER},
	{ACT_LOG_SEE,             CALLER_SENDER,    ANYBODYS,    NEITHER},
	{ACT_LOG_SEE,             CALLER_RECIPIENT, ANYBODYS,    NEITHER},
	{ACT_LOG_SEE,             CALLER_OPERATOR,  ANYBODYS,    NEITHER},
};
/* clang-format on */

static bool
texts_have(const char *const *texts, const char *text)
{
	for (size_t i = 0; texts[i]; i++)
		if (strcmp(texts[i], text) == 0)
			return true;
	return false;
}

static bool
is_own_mailbox(const struct caller *caller, const char *recipient)
{
	return caller->mailboxes ? texts_have(caller->mailboxes, recipient)
				 : strcmp(caller->organisation, recipient) == 0;
}

static bool
owner_fits(const struct caller *caller, enum whose whose,
    const struct resource *resource)
{
	switch (whose) {
	case ANYBODYS:
		return true;
	case OWN_SENDING:
		return !resource->sender ||
		       strcmp(resource->sender, caller->organisation) == 0;
	case OWN_MAILBOX:
		return !resource->recipient ||
		       is_own_mailbox(caller, resource->recipient);
	}
	return false;
}

static bool
type_fits(const struct caller *caller, enum direction direction,
    const struct resource *resource)
{
	const char *const *types = direction == IN    ? caller->types
				   : direction == OUT ? caller->receives
						      : NULL;

	return !types || !resource->type || texts_have(types, resource->type);
}

static enum denial
right_denies(const struct right *right, const struct caller *caller,
    const struct resource *resource)
{
	if (!(caller->roles & right->role))
		return DENIAL_ROLE;
	if (!owner_fits(caller, right->whose, resource))
		return DENIAL_OWNER;
	return type_fits(caller, right->types, resource) ? DENIAL_NONE
							 : DENIAL_TYPE;
}

unsigned
authority_decide(const struct caller *caller, enum act act,
    const struct resource *resource, enum denial *denial)
{
	enum denial nearest = DENIAL_ROLE;
	unsigned roles = 0;

	for (size_t i = 0; i < sizeof(rights) / sizeof(*rights); i++) {
		if (rights[i].act != act)
			continue;
		enum denial found = right_denies(&rights[i], caller, resource);
		if (found == DENIAL_NONE)
			roles |= rights[i].role;
		else if (found > nearest)
			nearest = found;
	}
	if (denial)
		*denial = roles ? DENIAL_NONE : nearest;
	return roles;
}

const char *
denial_name(enum denial denial)
{
	static const char *const names[] = {
	    "none", "password", "role", "owner", "type"};

	return names[denial];
}
