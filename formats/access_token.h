/*
 * access_token - what a Maskinporten access token says (a JWT, RFC 9068 in
 * spirit), read strictly. Nothing here proves that it is true: the signature
 * is another module's.
 *
 * SECURITY: the first bytes of a stranger that are looked into. Refused: what
 * is not canonical base64url, duplicate names, header parameters that would
 * change how the signature is checked (crit, jku, jwk, x5u, x5c, b64), claims
 * of another type than they have, a way of binding that is not known here.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

#include <stdbool.h>
#include <stdint.h>

#define ACCESS_TOKEN_BYTES (8u << 10)
#define ACCESS_TOKEN_KID_MAX 128

enum token_alg { TOKEN_RS256, TOKEN_PS256, TOKEN_ES256 };

struct json_t;

/* Texts are lent by the token, until access_token_clear(). */
struct access_token {
	enum token_alg alg;
	const char *kid;
	const char *issuer;
	int64_t issued_s, expires_s, not_before_s; /* since 1970; 0: not said */
	const char *scope;      /* words with a space between */
	char consumer[10];      /* organisation number */
	char supplier[10];      /* "": none */
	const char *delegation; /* where the supplier was entrusted; NULL */
	bool is_bound;          /* to the client certificate below */
	uint8_t certificate[32];
	struct json_t *header, *claims; /* own the texts */
};

/* On failure there is nothing to clear. */
int access_token_parse(
    struct span text, struct access_token *token, struct why *why);
void access_token_clear(struct access_token *token);

/* Exactly this word, never a part of one. */
bool access_token_has_scope(const struct access_token *token, const char *word);
/* No audience is said, or this is one of them. */
bool access_token_is_for(
    const struct access_token *token, const char *audience);

/* "RS256" and so on; false for anything else. */
bool token_alg_parse(const char *text, enum token_alg *alg);
