/*
 * key_set - cjose holds the keys and checks the signatures.
 *
 * SECURITY: cjose 0.6.2 ends the process by an assertion on base64url of a
 * length that cannot be, so it is given only members that it needs, and only
 * after we have decoded them.
 */
#include "relay/key_set.h"

#include "base/text.h"
#include "formats/json.h"

#include <cjose/cjose.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#define RSA_BITS_LEAST 2048
#define RSA_BITS_MOST 8192
#define NUMBER_BYTES (RSA_BITS_MOST / 8)
#define JSON_DEPTH 8
#define JSON_VALUES 2000

struct key {
	cjose_jwk_t *jwk;
	enum token_alg alg;
};

struct key_set {
	size_t count;
	struct key keys[KEY_SET_KEYS];
};

static const char *
member(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

static bool
member_is(const json_t *json, const char *name, const char *text)
{
	const char *value = member(json, name);

	return value && strcmp(value, text) == 0;
}

/* Of a kind and for a use that tokens are signed with? */
static bool
is_wanted(const json_t *json, enum token_alg *alg)
{
	bool is_rsa = member_is(json, "kty", "RSA");
	bool is_ec =
	    member_is(json, "kty", "EC") && member_is(json, "crv", "P-256");

	if (!is_rsa && !is_ec)
		return false;
	if (json_object_get(json, "use") && !member_is(json, "use", "sig"))
		return false;
	if (!json_object_get(json, "alg")) {
		*alg = is_rsa ? TOKEN_RS256 : TOKEN_ES256;
		return true;
	}
	return token_alg_parse(member(json, "alg"), alg) &&
	       is_ec == (*alg == TOKEN_ES256);
}

static const struct key *
find(const struct key_set *set, const char *kid)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(cjose_jwk_get_kid(set->keys[i].jwk, NULL), kid) == 0)
			return &set->keys[i];
	return NULL;
}

static bool
is_strong(const cjose_jwk_t *jwk, enum token_alg alg)
{
	size_t bits = cjose_jwk_get_keysize(jwk, NULL);

	return alg == TOKEN_ES256 ||
	       (bits >= RSA_BITS_LEAST && bits <= RSA_BITS_MOST);
}

/* The member is a number in base64url, of so many octets. */
static bool
number_copy(
    json_t *to, const json_t *from, const char *name, size_t least, size_t most)
{
	const char *text = member(from, name);
	struct buf bytes;

	buf_init(&bytes, most);
	bool good = text && base64url_parse(&bytes, span_text(text)) &&
		    bytes.size >= least &&
		    json_object_set_new(to, name, json_string(text)) == 0;
	buf_clear(&bytes);
	return good;
}

/* The public key alone, well written; NULL when it is not. */
static cjose_jwk_t *
key_import(const json_t *json, enum token_alg alg, const char *kid)
{
	json_t *clean = json_pack(
	    "{s:s, s:s}", "kid", kid, "kty", alg == TOKEN_ES256 ? "EC" : "RSA");
	cjose_jwk_t *jwk = NULL;
	cjose_err err;
	bool good;

	if (alg == TOKEN_ES256)
		good = json_object_set_new(
			   clean, "crv", json_string("P-256")) == 0 &&
		       number_copy(clean, json, "x", 32, 32) &&
		       number_copy(clean, json, "y", 32, 32);
	else
		good = number_copy(clean, json, "n", 1, NUMBER_BYTES) &&
		       number_copy(clean, json, "e", 1, 8);
	if (good)
		jwk = cjose_jwk_import_json((cjose_header_t *)clean, &err);
	json_decref(clean);
	ERR_clear_error();
	return jwk;
}

static int
key_add(struct key_set *set, const json_t *json, struct why *why)
{
	const char *kid = member(json, "kid");
	enum token_alg alg;

	if (json_object_get(json, "d") || json_object_get(json, "k"))
		return why_set(why, WHY_INVALID, "key set: holds a secret key");
	if (!is_wanted(json, &alg) || !kid || kid[0] == 0 ||
	    strlen(kid) > ACCESS_TOKEN_KID_MAX)
		return 0;
	if (find(set, kid))
		return why_set(
		    why, WHY_INVALID, "key set: a kid is there twice");
	if (set->count == KEY_SET_KEYS)
		return why_set(
		    why, WHY_TOO_LARGE, "key set: over %d keys", KEY_SET_KEYS);
	cjose_jwk_t *jwk = key_import(json, alg, kid);
	if (jwk && is_strong(jwk, alg))
		set->keys[set->count++] = (struct key){jwk, alg};
	else
		cjose_jwk_release(jwk);
	return 0;
}

int
key_set_parse(struct span text, struct key_set **out, struct why *why)
{
	const struct json_bounds bounds = {KEY_SET_BYTES, JSON_DEPTH};
	struct key_set *set = calloc(1, sizeof(*set));
	json_t *json = NULL, *one;
	size_t i;

	if (!set)
		return why_set(why, WHY_NOMEM, "no memory for a key set");
	int code = json_values_check(text, JSON_VALUES, why);
	if (code == 0)
		code = json_object_read(text, &bounds, &json, why);
	const json_t *keys = json_object_get(json, "keys");
	if (code == 0 && !json_is_array(keys))
		code = why_set(why, WHY_INVALID, "key set: expected keys");
	json_array_foreach(keys, i, one)
	{
		if (code == 0)
			code = key_add(set, one, why);
	}
	if (code == 0 && set->count == 0)
		code = why_set(
		    why, WHY_NOT_FOUND, "key set: no key that is of use");
	json_decref(json);
	if (code == 0)
		*out = set;
	else
		key_set_free(set);
	return code;
}

void
key_set_free(struct key_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->count; i++)
		cjose_jwk_release(set->keys[i].jwk);
	free(set);
}

size_t
key_set_count(const struct key_set *set)
{
	return set->count;
}

int
key_set_verify(const struct key_set *set, enum token_alg alg, const char *kid,
    struct span text, struct why *why)
{
	const struct key *key = find(set, kid);
	cjose_err err;

	if (!key)
		return why_set(why, WHY_NOT_FOUND, "token: kid is not known");
	if (key->alg != alg)
		return why_set(
		    why, WHY_CRYPTO, "token: alg is not that of its key");
	cjose_jws_t *jws =
	    cjose_jws_import((const char *)text.at, text.size, &err);
	bool good = jws && cjose_jws_verify(jws, key->jwk, &err);
	cjose_jws_release(jws);
	ERR_clear_error();
	return good ? 0 : why_set(why, WHY_CRYPTO, "token: signature");
}
