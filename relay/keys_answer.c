/*
 * keys_answer - the table of who may ask keys for what, and the answers.
 *
 * SECURITY: requests come from roles that may have been taken over. net gets
 * the metadata keys once and can have nothing signed; spool can have evidence
 * signed and gets no key.
 */
#include "relay/keys_answer.h"

#include "relay/keys_wire.h"

#include <stdlib.h>

static int
answer_sign(const struct key_store *store, struct span body, struct buf *answer,
    struct why *why)
{
	size_t count = 0;
	struct span *payloads = calloc(KEYS_SIGN_MAX, sizeof *payloads);
	struct buf token;
	if (payloads == NULL)
		return why_set(why, WHY_NOMEM, "no memory to sign");
	buf_init(&token, JWS_BYTES_MAX);
	int ret =
	    keys_wire_list_parse(body, payloads, KEYS_SIGN_MAX, &count, why);
	keys_wire_ok_build(answer);
	buf_add_u16(answer, (uint16_t)count);
	for (size_t i = 0; i < count && ret == 0; i++) {
		if (payloads[i].size == 0 ||
		    payloads[i].size > KEYS_SIGN_BYTES) {
			ret = why_set(why, WHY_TOO_LARGE,
			    "evidence %zu of %zu bytes, expected 1 to %u", i,
			    payloads[i].size, KEYS_SIGN_BYTES);
			break;
		}
		buf_reset(&token);
		ret =
		    jws_sign(key_store_signer(store), payloads[i], &token, why);
		buf_add_u32(answer, (uint32_t)token.size);
		buf_add_span(answer, buf_span(&token));
	}
	buf_clear(&token);
	free(payloads);
	return ret;
}

static int
answer_metakeys(const struct key_store *store, struct span body,
    struct buf *answer, struct why *why)
{
	if (body.size != 0)
		return why_set(why, WHY_MALFORMED,
		    "a request for metadata keys has no body");
	keys_wire_ok_build(answer);
	metakeys_build(key_store_metakeys(store), answer);
	return 0;
}

static const struct {
	enum role_kind from;
	uint16_t type;
	bool once;
	int (*answer)(const struct key_store *store, struct span body,
	    struct buf *answer, struct why *why);
} allowed[] = {
    {ROLE_SPOOL, KEYS_SIGN, false, answer_sign},
    {ROLE_NET, KEYS_METAKEYS, true, answer_metakeys},
};

int
keys_answer(const struct key_store *store, enum role_kind from, bool *given,
    uint16_t type, struct span body, struct buf *answer, struct why *why)
{
	for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
		if (allowed[i].from != from || allowed[i].type != type)
			continue;
		if (allowed[i].once && *given)
			return why_set(why, WHY_DENIED,
			    "this process had the metadata keys already");
		int ret = allowed[i].answer(store, body, answer, why);
		if (ret == 0 && !buf_ok(answer))
			ret = why_set(
			    why, WHY_TOO_LARGE, "keys' answer is too large");
		if (ret == 0 && allowed[i].once)
			*given = true;
		return ret;
	}
	return why_set(
	    why, WHY_DENIED, "this role may not ask keys for %#06x", type);
}
