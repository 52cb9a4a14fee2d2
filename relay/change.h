/*
 * change - what an operator or an owner asks to be changed about a mailbox,
 * from its request to spool's answer.
 */
#pragma once

#include "keys/seal.h"
#include "relay/net.h"
#include "relay/problem.h"
#include "relay/routes.h"

#include <stdbool.h>
#include <stdint.h>

/* A request that waits for spool, and what its answer needs. */
struct change {
	struct net *net;
	struct http_request *request;
	struct net_ask *ask;
	char recipient[SPOOL_ORG_SIZE];
	char by[SPOOL_ORG_SIZE]; /* the caller's organisation */
	uint8_t fingerprint[SPOOL_HASH_SIZE];
	bool is_new;
	enum seal_suite suite;
	struct buf challenge;
	enum problem_code wrong_state;
	void (*answer)(struct change *change);
	/* spool refused it; may be NULL. The answer is given already. */
	void (*refused)(const struct change *change, int code);
};

/* The caller may do the call's act to the mailbox of the first variable; false
 * after an answer. */
bool change_allowed(const struct call *call);

/* Of the call's mailbox; NULL after an answer. answer is called once spool has
 * done it, and must answer the request. */
struct change *change_new(
    const struct call *call, void (*answer)(struct change *change));
void change_free(struct change *change);

/* Ask spool; answers the request itself when that fails or is refused. */
void change_ask(
    struct change *take_change, uint16_t type, struct buf *take_body);
