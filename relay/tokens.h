/*
 * tokens - access tokens of Maskinporten: who calls, as the issuer says it.
 *
 * A token is good when its issuer is the configured one, one of the issuer's
 * keys signed it, its time is now, it is for us, a supplier was entrusted in a
 * register that we believe, and the certificate that it is bound to is the one
 * shown. It is then its consumer's caller in callers.conf with one of its
 * scopes. A good token is remembered until it expires or the keys change; it
 * may come again, as often as its owner likes.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "relay/callers.h"

#include <stdbool.h>
#include <stdint.h>

#define TOKENS_REMEMBERED 4096
#define TOKENS_AHEAD_S 10 /* the issuer's clock may be so far ahead of ours */

struct conf;
struct tokens;

enum token_verdict {
	TOKEN_GOOD,
	TOKEN_REFUSED,
	TOKEN_EXPIRED,
	TOKEN_STRANGER, /* good, but no caller has that scope */
	TOKEN_KEY_UNKNOWN,
};

struct token_answer {
	const struct caller *caller; /* TOKEN_GOOD: not NULL */
	char consumer[10];           /* "" until the signature is known */
	char supplier[10];           /* "": none */
	bool is_new;                 /* not remembered from before */
};

/* conf and callers are lent. NULL without memory. */
struct tokens *tokens_new(
    const struct conf *conf, const struct callers *callers);
void tokens_free(struct tokens *tokens); /* NULL is fine */

/* The keys of the issuer from now on, as JSON; the old ones stay after a
 * failure. *count: how many. */
int tokens_keys_set(
    struct tokens *tokens, struct span text, size_t *count, struct why *why);
void tokens_keys_drop(struct tokens *tokens);

/* certificate: digest of the one shown, or NULL. why: of a refusal. */
enum token_verdict tokens_check(struct tokens *tokens, struct span text,
    const uint8_t *certificate, int64_t now_ms, struct token_answer *answer,
    struct why *why);
