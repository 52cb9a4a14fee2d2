/*
 * callers - who may call, from callers.conf (callers.conf(5)).
 *
 * A caller is known by the SHA-256 of its client certificate or of its bearer
 * token, or by the consumer and scope of an access token (tokens.h); the file
 * holds no secrets. Read once, before the jail: a reload is
 * a new process.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CALLERS_TEXT_MAX (1u << 20) /* bytes of callers.conf */

enum caller_role {
	CALLER_SENDER = 1 << 0,
	CALLER_RECIPIENT = 1 << 1,
	CALLER_OPERATOR = 1 << 2,
};
#define CALLER_ANY (CALLER_SENDER | CALLER_RECIPIENT | CALLER_OPERATOR)

/* Lent by the table, for as long as it lives. */
struct caller {
	const char *name;
	const char *organisation;     /* nine digits */
	const char *scope;            /* of its access tokens; NULL: none */
	const char *login;            /* of its password; NULL: none */
	unsigned roles;               /* bit set of enum caller_role */
	const char *const *types;     /* sent; NULL-terminated; NULL: all */
	const char *const *receives;  /* types fetched; NULL: all */
	const char *const *mailboxes; /* NULL: its own organisation's */
	int64_t expires_ms;           /* 0: never */
	size_t share;                 /* number of its organisation, 0.. */
};

struct callers;

int callers_parse(
    struct span text, const char *name, struct callers **out, struct why *why);
int callers_load(const char *path, struct callers **out, struct why *why);
void callers_free(struct callers *callers); /* NULL is fine */

size_t callers_count(const struct callers *callers);
size_t callers_shares(const struct callers *callers); /* organisations */

/* In constant time over all callers. Expired ones are found too: look at
 * expires_ms. NULL when nobody has it. */
const struct caller *callers_find_certificate(
    const struct callers *callers, const uint8_t digest[32]);
const struct caller *callers_find_token(
    const struct callers *callers, struct span token);

/* By login and password alone (Basic): none of those that need a token, too. */
const struct caller *callers_find_login(
    const struct callers *callers, struct span login, struct span password);
/* Are login and password those of this caller, which has some? */
bool callers_login_is(const struct callers *callers,
    const struct caller *caller, struct span login, struct span password);

/* Those of an organisation that have a scope, one after the other: *at is 0 for
 * the first. Expired ones, too. NULL after the last. */
const struct caller *callers_with_scope(
    const struct callers *callers, const char *organisation, size_t *at);
