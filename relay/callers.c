/*
 * callers - who has a credential.
 */
#include "relay/callers_priv.h"
#include "relay/digest.h"

#include <openssl/crypto.h>
#include <string.h>

#define TOKEN_BYTES_LEAST 20 /* shorter ones could be guessed */
#define TOKEN_BYTES_MOST 1024

size_t
callers_count(const struct callers *callers)
{
	return callers->count;
}

size_t
callers_shares(const struct callers *callers)
{
	return callers->shares;
}

/* ---- who is it ---- */

const struct caller *
callers_find_certificate(
    const struct callers *callers, const uint8_t digest[32])
{
	const struct caller *found = NULL;

	for (size_t i = 0; i < callers->count; i++) {
		const struct callers_entry *entry = &callers->entries[i];
		bool same = CRYPTO_memcmp(entry->certificate, digest,
				CALLERS_DIGEST_SIZE) == 0;
		if (same & entry->has_certificate)
			found = &entry->caller;
	}
	return found;
}

const struct caller *
callers_find_token(const struct callers *callers, struct span token)
{
	const struct caller *found = NULL;
	uint8_t digest[CALLERS_DIGEST_SIZE];

	if (token.size < TOKEN_BYTES_LEAST || token.size > TOKEN_BYTES_MOST ||
	    !digest_make(token, digest))
		return NULL;
	for (size_t i = 0; i < callers->count; i++) {
		const struct callers_entry *entry = &callers->entries[i];
		bool same = CRYPTO_memcmp(
				entry->token, digest, CALLERS_DIGEST_SIZE) == 0;
		if (same & entry->has_token)
			found = &entry->caller;
	}
	return found;
}

const struct caller *
callers_find_login(
    const struct callers *callers, struct span login, struct span password)
{
	const struct callers_entry *found = NULL;

	for (size_t i = 0; i < callers->count; i++) {
		const struct callers_entry *entry = &callers->entries[i];
		if (entry->caller.login && !entry->caller.scope &&
		    span_is(login, entry->caller.login))
			found = entry;
	}
	return password_is(found ? &found->password : NULL, password)
		   ? &found->caller
		   : NULL;
}

bool
callers_login_is(const struct callers *callers, const struct caller *caller,
    struct span login, struct span password)
{
	for (size_t i = 0; i < callers->count; i++)
		if (&callers->entries[i].caller == caller)
			return caller->login && span_is(login, caller->login) &&
			       password_is(
				   &callers->entries[i].password, password);
	return false;
}

const struct caller *
callers_with_scope(
    const struct callers *callers, const char *organisation, size_t *at)
{
	while (*at < callers->count) {
		const struct caller *caller = &callers->entries[(*at)++].caller;
		if (caller->scope &&
		    strcmp(caller->organisation, organisation) == 0)
			return caller;
	}
	return NULL;
}
