/*
 * keys_wire - lists, and answers that are a result or a failure.
 *
 * SECURITY: reads bytes of a role that may have been taken over.
 */
#include "relay/keys_wire.h"

#include "formats/wire.h"

enum { ANSWER_OK = 0, ANSWER_FAILED = 1 };

int
keys_wire_list_build(
    const struct span *items, size_t count, struct buf *out, struct why *why)
{
	if (count > KEYS_SIGN_MAX)
		return why_set(why, WHY_TOO_LARGE,
		    "%zu items for keys, at most %d", count, KEYS_SIGN_MAX);
	buf_add_u16(out, (uint16_t)count);
	for (size_t i = 0; i < count; i++)
		wire_put_bytes(out, items[i]);
	if (!buf_ok(out))
		return why_set(
		    why, WHY_TOO_LARGE, "a list for keys is too large");
	return 0;
}

int
keys_wire_list_parse(struct span body, struct span *items, size_t max,
    size_t *count, struct why *why)
{
	struct wire_in in = wire_open(body);
	size_t claimed = wire_u16(&in);
	if (claimed > max || claimed > KEYS_SIGN_MAX)
		return why_set(why, WHY_TOO_LARGE,
		    "a list of %zu items, at most %zu", claimed, max);
	for (size_t i = 0; i < claimed; i++)
		items[i] = wire_bytes(&in);
	if (!wire_end(&in))
		return why_set(
		    why, WHY_MALFORMED, "a list of keys is malformed");
	*count = claimed;
	return 0;
}

void
keys_wire_ok_build(struct buf *out)
{
	buf_add_byte(out, ANSWER_OK);
}

void
keys_wire_failure_build(const struct why *failure, struct buf *out)
{
	buf_add_byte(out, ANSWER_FAILED);
	wire_put_why(out, failure);
}

int
keys_wire_answer_parse(struct span body, struct span *result, struct why *why)
{
	if (body.size == 0 || body.at[0] > ANSWER_FAILED)
		return why_set(
		    why, WHY_MALFORMED, "an answer of keys is malformed");
	struct span rest = span_of(body.at + 1, body.size - 1);
	if (body.at[0] == ANSWER_FAILED)
		return wire_get_why(rest, why);
	*result = rest;
	return 0;
}
