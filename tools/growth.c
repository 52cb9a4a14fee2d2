#include "tools/growth.h"

#include "base/text.h"
#include "keys/log_hash.h"

#include <string.h>

bool
growth_is(const json_t *value)
{
	return json_is_string(json_object_get(value, "old")) &&
	       json_is_string(json_object_get(value, "new")) &&
	       json_is_array(json_object_get(value, "proof"));
}

static struct span
text_of(const json_t *value, const char *name)
{
	const json_t *text = json_object_get(value, name);

	return span_of(json_string_value(text), json_string_length(text));
}

static int
proof_read(const json_t *value, struct merkle_proof *proof, struct why *why)
{
	const json_t *list = json_object_get(value, "proof");
	const json_t *item;
	size_t i;

	proof->count = 0;
	if (json_array_size(list) > MERKLE_PROOF_MOST)
		return why_set(why, WHY_TOO_LARGE, "proof: too many hashes");
	json_array_foreach(list, i, item)
	{
		struct buf hash;
		const char *text = json_string_value(item);

		buf_init(&hash, 64);
		if (text != NULL && base64_parse(&hash, span_text(text)) &&
		    hash.size == MERKLE_HASH_SIZE)
			memcpy(&proof->at[proof->count++], hash.at, hash.size);
		buf_clear(&hash);
		if (proof->count != i + 1)
			return why_set(why, WHY_MALFORMED,
			    "proof[%zu]: expected base64 of 32 octets", i);
	}
	return 0;
}

int
growth_verify(const json_t *value, const struct log_trust *trust,
    struct growth *growth, struct why *why)
{
	struct checkpoint old;
	struct checkpoint new;
	struct merkle_proof proof;
	int code =
	    log_trust_checkpoint(trust, text_of(value, "old"), &old, why);

	if (code == 0)
		code = log_trust_checkpoint(
		    trust, text_of(value, "new"), &new, why);
	if (code == 0)
		code = proof_read(value, &proof, why);
	if (code != 0)
		return code;
	if (!span_equal(old.origin, new.origin))
		return why_set(why, WHY_CRYPTO, "two checkpoints of two logs");
	*growth = (struct growth){old.size, new.size};
	if (old.size == 0 && proof.count == 0)
		return 0; /* every log begins with the empty one */
	if (!merkle_consistency_verify(
		log_sha256, old.size, &old.root, new.size, &new.root, &proof))
		return why_set(why, WHY_CRYPTO,
		    "the log was rewritten: what it had at %llu is not the "
		    "beginning of what it has at %llu",
		    (unsigned long long)old.size, (unsigned long long)new.size);
	return 0;
}
