/*
 * authority - who may do what: the one table of rights, and the decision.
 *
 * A caller's part of it (callers.conf) is organisation, scope or credential,
 * roles, message types and mailboxes; the table in authority.c says which role
 * may do which act with whose messages, and in which direction types count.
 */
#pragma once

#include "relay/callers.h"

enum act {
	ACT_NONE, /* needs no caller */
	ACT_SEND,
	ACT_PROBE, /* sending a message of type probe */
	ACT_UPLOAD, /* sending, piece by piece */
	ACT_MESSAGE_SEE,
	ACT_RECALL,
	ACT_EVIDENCE_SEE,
	ACT_EXTEND,
	ACT_MAILBOXES_SEE,
	ACT_MAILBOX_SEE,
	ACT_MAILBOX_SET,
	ACT_LIST,
	ACT_FETCH,
	ACT_RECEIPT,
	ACT_CERTIFICATES_SEE,
	ACT_CERTIFICATE_ADD,
	ACT_CERTIFICATE_SUSPEND,
	ACT_FEED,
	ACT_ALARMS_SEE,
	ACT_ALARM_CLOSE,
	ACT_LOG_SEE, /* what costs a walk over its tree */
	ACTS
};

/* What the act is done to. NULL: not known yet, so not judged. */
struct resource {
	const char *sender;    /* organisation */
	const char *recipient; /* whose mailbox */
	const char *type;
};

/* In the order of coming nearer. PASSWORD: that of IntegrasjonPassord. */
enum denial {
	DENIAL_NONE,
	DENIAL_PASSWORD,
	DENIAL_ROLE,
	DENIAL_OWNER,
	DENIAL_TYPE,
};

/* The roles (enum caller_role) by which the caller may; 0: none, and *denial
 * (may be NULL) says what was missing to come nearest. */
unsigned authority_decide(const struct caller *caller, enum act act,
    const struct resource *resource, enum denial *denial);

/* One word for the log. Static. */
const char *denial_name(enum denial denial);
