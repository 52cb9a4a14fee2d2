/*
 * tokens - the checks in their order, and the memory of good ones.
 */
#include "relay/tokens.h"

#include "formats/access_token.h"
#include "relay/conf.h"
#include "relay/digest.h"
#include "relay/key_set.h"

#include <stdlib.h>
#include <string.h>

#define DIGEST_SIZE 32

/* A good token. The table is direct mapped: two tokens at one place take turns
 * in it, and only what an issuer signed has a place. */
struct memory {
	uint8_t digest[DIGEST_SIZE];
	int64_t expires_ms; /* 0: the place is free */
	bool is_bound;
	uint8_t certificate[DIGEST_SIZE];
	struct token_answer answer;
};

struct tokens {
	const struct conf *conf;
	const struct callers *callers;
	struct key_set *keys; /* NULL: none have come, or they are too old */
	struct memory memories[TOKENS_REMEMBERED];
};

struct tokens *
tokens_new(const struct conf *conf, const struct callers *callers)
{
	struct tokens *tokens = calloc(1, sizeof(*tokens));

	if (tokens) {
		tokens->conf = conf;
		tokens->callers = callers;
	}
	return tokens;
}

void
tokens_free(struct tokens *tokens)
{
	if (!tokens)
		return;
	key_set_free(tokens->keys);
	free(tokens);
}

void
tokens_keys_drop(struct tokens *tokens)
{
	key_set_free(tokens->keys);
	tokens->keys = NULL;
	memset(tokens->memories, 0, sizeof(tokens->memories));
}

int
tokens_keys_set(
    struct tokens *tokens, struct span text, size_t *count, struct why *why)
{
	struct key_set *keys = NULL;
	int code = key_set_parse(text, &keys, why);

	if (code < 0)
		return code;
	tokens_keys_drop(tokens);
	tokens->keys = keys;
	*count = key_set_count(keys);
	return 0;
}

/* ---- the memory ---- */

static struct memory *
place_of(struct tokens *tokens, const uint8_t digest[DIGEST_SIZE])
{
	size_t place = (size_t)digest[0] << 8 | digest[1];

	return &tokens->memories[place % TOKENS_REMEMBERED];
}

static bool
remembers(const struct memory *memory, const uint8_t digest[DIGEST_SIZE],
    const uint8_t *certificate, int64_t now_ms)
{
	return memory->expires_ms > now_ms &&
	       memcmp(memory->digest, digest, DIGEST_SIZE) == 0 &&
	       (!memory->is_bound ||
		   (certificate && memcmp(memory->certificate, certificate,
				       DIGEST_SIZE) == 0));
}

static void
remember(struct tokens *tokens, const uint8_t digest[DIGEST_SIZE],
    const struct access_token *token, const struct token_answer *answer)
{
	struct memory *memory = place_of(tokens, digest);

	memcpy(memory->digest, digest, DIGEST_SIZE);
	memory->expires_ms = token->expires_s * 1000;
	memory->is_bound = token->is_bound;
	memcpy(memory->certificate, token->certificate, DIGEST_SIZE);
	memory->answer = *answer;
	memory->answer.is_new = false;
}

/* ---- the checks ---- */

static enum token_verdict
refuse(struct why *why, const char *what)
{
	(void)why_set(why, WHY_DENIED, "token: %s", what);
	return TOKEN_REFUSED;
}

static bool
delegation_is_believed(const struct conf *conf, const char *source)
{
	for (size_t i = 0; source && i < conf->token_delegation.count; i++)
		if (strcmp(conf->token_delegation.at[i], source) == 0)
			return true;
	return false;
}

/* What the signed token says, against now and here. */
static enum token_verdict
claims_check(const struct tokens *tokens, const struct access_token *token,
    const uint8_t *certificate, int64_t now_ms, struct why *why)
{
	const struct conf *conf = tokens->conf;
	int64_t ahead_s = now_ms / 1000 + TOKENS_AHEAD_S;

	if (token->expires_s * 1000 <= now_ms) {
		(void)refuse(why, "expired");
		return TOKEN_EXPIRED;
	}
	if (token->issued_s > ahead_s || token->not_before_s > ahead_s)
		return refuse(why, "issued in the future");
	if (!access_token_is_for(token, conf->token_audience))
		return refuse(why, "aud is another");
	if (token->supplier[0] &&
	    !delegation_is_believed(conf, token->delegation))
		return refuse(why, "delegation_source is not believed");
	if (token->is_bound &&
	    (!certificate ||
		memcmp(token->certificate, certificate, DIGEST_SIZE) != 0))
		return refuse(why, "bound to another certificate");
	return TOKEN_GOOD;
}

static const struct caller *
caller_of(const struct callers *callers, const struct access_token *token)
{
	const struct caller *caller;

	for (size_t i = 0; (caller = callers_with_scope(
				callers, token->consumer, &i)) != NULL;)
		if (access_token_has_scope(token, caller->scope))
			return caller;
	return NULL;
}

static enum token_verdict
token_check(const struct tokens *tokens, struct span text,
    const struct access_token *token, const uint8_t *certificate,
    int64_t now_ms, struct token_answer *answer, struct why *why)
{
	if (strcmp(token->issuer, tokens->conf->token_issuer) != 0)
		return refuse(why, "iss is another");
	if (!tokens->keys) {
		(void)refuse(why, "the issuer's keys have not come");
		return TOKEN_KEY_UNKNOWN;
	}
	int code =
	    key_set_verify(tokens->keys, token->alg, token->kid, text, why);
	if (code < 0)
		return code == WHY_NOT_FOUND ? TOKEN_KEY_UNKNOWN
					     : TOKEN_REFUSED;
	memcpy(answer->consumer, token->consumer, sizeof(answer->consumer));
	memcpy(answer->supplier, token->supplier, sizeof(answer->supplier));
	enum token_verdict verdict =
	    claims_check(tokens, token, certificate, now_ms, why);
	if (verdict != TOKEN_GOOD)
		return verdict;
	answer->caller = caller_of(tokens->callers, token);
	if (answer->caller)
		return TOKEN_GOOD;
	(void)refuse(why, "no caller has its consumer and scope");
	return TOKEN_STRANGER;
}

enum token_verdict
tokens_check(struct tokens *tokens, struct span text,
    const uint8_t *certificate, int64_t now_ms, struct token_answer *answer,
    struct why *why)
{
	uint8_t digest[DIGEST_SIZE];
	struct access_token token;

	*answer = (struct token_answer){.is_new = true};
	if (text.size > ACCESS_TOKEN_BYTES || !digest_make(text, digest))
		return refuse(why, "too large");
	const struct memory *memory = place_of(tokens, digest);
	if (remembers(memory, digest, certificate, now_ms)) {
		*answer = memory->answer;
		return TOKEN_GOOD;
	}
	if (access_token_parse(text, &token, why) < 0)
		return TOKEN_REFUSED;
	enum token_verdict verdict =
	    token_check(tokens, text, &token, certificate, now_ms, answer, why);
	if (verdict == TOKEN_GOOD)
		remember(tokens, digest, &token, answer);
	access_token_clear(&token);
	return verdict;
}
