/*
 * access_token - three pieces of base64url; the first two are JSON objects.
 */
#include "formats/access_token.h"

#include "base/text.h"
#include "formats/json.h"

#include <string.h>
#include <strings.h>

#define PIECES 3
#define JSON_DEPTH 8
#define JSON_VALUES 500
#define YEAR_9999_S INT64_C(253402300799)

static int
refuse(struct why *why, const char *what)
{
	return why_set(why, WHY_INVALID, "token: %s", what);
}

/* ---- the pieces ---- */

static bool
pieces_cut(struct span text, struct span pieces[PIECES])
{
	size_t at = 0;

	for (size_t i = 0; i < PIECES; i++) {
		const uint8_t *from = text.at + at;
		const uint8_t *dot = memchr(from, '.', text.size - at);
		bool is_last = i == PIECES - 1;
		if (is_last == (dot != NULL))
			return false;
		size_t size = dot ? (size_t)(dot - from) : text.size - at;
		if (size == 0)
			return false;
		pieces[i] = span_of(from, size);
		at += size + 1;
	}
	return true;
}

static int
piece_read(struct span piece, json_t **out, struct why *why)
{
	const struct json_bounds bounds = {ACCESS_TOKEN_BYTES, JSON_DEPTH};
	struct buf text;

	buf_init(&text, ACCESS_TOKEN_BYTES);
	int code = base64url_parse(&text, piece)
		       ? json_values_check(buf_span(&text), JSON_VALUES, why)
		       : refuse(why, "not canonical base64url");
	if (code == 0)
		code = json_object_read(buf_span(&text), &bounds, out, why);
	buf_clear(&text);
	return code;
}

static bool
signature_is_canonical(struct span piece)
{
	struct buf bytes;

	buf_init(&bytes, ACCESS_TOKEN_BYTES);
	bool good = base64url_parse(&bytes, piece);
	buf_clear(&bytes);
	return good;
}

/* ---- the header ---- */

bool
token_alg_parse(const char *text, enum token_alg *alg)
{
	static const char *const names[] = {
	    [TOKEN_RS256] = "RS256",
	    [TOKEN_PS256] = "PS256",
	    [TOKEN_ES256] = "ES256",
	};
	for (size_t i = 0; text && i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(text, names[i]) == 0) {
			*alg = (enum token_alg)i;
			return true;
		}
	return false;
}

static int
header_read(struct access_token *token, struct why *why)
{
	static const char *const unwelcome[] = {
	    "crit", "jku", "jwk", "x5u", "x5c", "b64", "zip", "enc"};
	const json_t *typ = json_object_get(token->header, "typ");
	const char *type = json_string_value(typ);

	for (size_t i = 0; i < sizeof(unwelcome) / sizeof(*unwelcome); i++)
		if (json_object_get(token->header, unwelcome[i]))
			return why_set(why, WHY_INVALID, "token: header has %s",
			    unwelcome[i]);
	if (typ && (!type || (strcasecmp(type, "JWT") != 0 &&
				 strcasecmp(type, "at+jwt") != 0)))
		return refuse(why, "typ is not JWT");
	if (!token_alg_parse(
		json_string_value(json_object_get(token->header, "alg")),
		&token->alg))
		return refuse(why, "alg is not RS256, PS256 or ES256");
	token->kid = json_string_value(json_object_get(token->header, "kid"));
	if (!token->kid || token->kid[0] == 0 ||
	    strlen(token->kid) > ACCESS_TOKEN_KID_MAX)
		return refuse(why, "kid is not a text of 1 to 128 octets");
	return 0;
}

/* ---- the claims ---- */

/* A text that is there, or need not be: then NULL. */
static bool
claim_text(
    const json_t *claims, const char *name, bool needed, const char **out)
{
	const json_t *value = json_object_get(claims, name);

	*out = json_string_value(value);
	return *out ? **out != 0 : !value && !needed;
}

static bool
claim_time(const json_t *claims, const char *name, bool needed, int64_t *out)
{
	const json_t *value = json_object_get(claims, name);

	*out = json_integer_value(value);
	if (!value)
		return !needed;
	return json_is_integer(value) && *out > 0 && *out <= YEAR_9999_S;
}

/* {"authority": "iso6523-actorid-upis", "ID": "0192:987654321"} */
static bool
claim_organisation(
    const json_t *claims, const char *name, bool needed, char out[10])
{
	static const char prefix[] = "0192:";
	const json_t *value = json_object_get(claims, name);
	const char *authority, *id;

	out[0] = 0;
	if (!value)
		return !needed;
	if (!claim_text(value, "authority", true, &authority) ||
	    strcmp(authority, "iso6523-actorid-upis") != 0 ||
	    !claim_text(value, "ID", true, &id) ||
	    strncmp(id, prefix, sizeof(prefix) - 1) != 0 ||
	    !orgnr_valid(id + sizeof(prefix) - 1))
		return false;
	memcpy(out, id + sizeof(prefix) - 1, 10);
	return true;
}

/* A binding that is not understood can't be enforced: refused. */
static bool
claim_binding(struct access_token *token)
{
	const json_t *cnf = json_object_get(token->claims, "cnf");
	const char *digest;
	struct buf bytes;

	if (!cnf)
		return true;
	if (json_object_size(cnf) != 1 ||
	    !claim_text(cnf, "x5t#S256", true, &digest))
		return false;
	buf_init(&bytes, sizeof(token->certificate));
	token->is_bound = base64url_parse(&bytes, span_text(digest)) &&
			  bytes.size == sizeof(token->certificate);
	if (token->is_bound)
		memcpy(token->certificate, bytes.at, bytes.size);
	buf_clear(&bytes);
	return token->is_bound;
}

static bool
claim_audience(const json_t *claims)
{
	const json_t *aud = json_object_get(claims, "aud");
	const json_t *one;
	size_t i;

	if (!aud || json_is_string(aud))
		return true;
	json_array_foreach(aud, i, one) if (!json_is_string(one)) return false;
	return json_is_array(aud) && json_array_size(aud) > 0;
}

static int
claims_read(struct access_token *token, struct why *why)
{
	const json_t *claims = token->claims;
	const char *type;

	if (!claim_text(claims, "iss", true, &token->issuer))
		return refuse(why, "iss");
	if (!claim_time(claims, "exp", true, &token->expires_s))
		return refuse(why, "exp");
	if (!claim_time(claims, "iat", true, &token->issued_s))
		return refuse(why, "iat");
	if (!claim_time(claims, "nbf", false, &token->not_before_s))
		return refuse(why, "nbf");
	if (!claim_text(claims, "scope", true, &token->scope))
		return refuse(why, "scope");
	if (!claim_organisation(claims, "consumer", true, token->consumer))
		return refuse(why, "consumer");
	if (!claim_organisation(claims, "supplier", false, token->supplier))
		return refuse(why, "supplier");
	if (!claim_text(claims, "delegation_source", false, &token->delegation))
		return refuse(why, "delegation_source");
	if (!claim_text(claims, "token_type", false, &type) ||
	    (type && strcasecmp(type, "Bearer") != 0))
		return refuse(why, "token_type");
	if (!claim_binding(token))
		return refuse(why, "cnf");
	return claim_audience(claims) ? 0 : refuse(why, "aud");
}

/* ---- whole ---- */

int
access_token_parse(
    struct span text, struct access_token *token, struct why *why)
{
	struct span pieces[PIECES];

	*token = (struct access_token){0};
	if (text.size == 0 || text.size > ACCESS_TOKEN_BYTES)
		return why_set(why, WHY_TOO_LARGE,
		    "token: expected at most %u octets", ACCESS_TOKEN_BYTES);
	if (!pieces_cut(text, pieces))
		return refuse(why, "not three pieces");
	if (!signature_is_canonical(pieces[2]))
		return refuse(why, "not canonical base64url");
	int code = piece_read(pieces[0], &token->header, why);
	if (code == 0)
		code = header_read(token, why);
	if (code == 0)
		code = piece_read(pieces[1], &token->claims, why);
	if (code == 0)
		code = claims_read(token, why);
	if (code < 0)
		access_token_clear(token);
	return code;
}

void
access_token_clear(struct access_token *token)
{
	json_decref(token->header);
	json_decref(token->claims);
	*token = (struct access_token){0};
}

bool
access_token_has_scope(const struct access_token *token, const char *word)
{
	size_t want = strlen(word);

	for (const char *at = token->scope; *at;) {
		size_t size = strcspn(at, " ");
		if (size == want && want > 0 && memcmp(at, word, want) == 0)
			return true;
		at += size;
		at += *at == ' ';
	}
	return false;
}

bool
access_token_is_for(const struct access_token *token, const char *audience)
{
	const json_t *aud = json_object_get(token->claims, "aud");
	const json_t *one;
	size_t i;

	if (!aud)
		return true;
	if (json_is_string(aud))
		return strcmp(json_string_value(aud), audience) == 0;
	json_array_foreach(aud, i, one)
	{
		if (strcmp(json_string_value(one), audience) == 0)
			return true;
	}
	return false;
}
