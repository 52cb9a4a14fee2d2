#include "formats/log_growth.h"

#include "base/text.h"
#include "formats/json.h"
#include "formats/json_write.h"

#include <string.h>

#define DEPTH 3

static bool
text_get(const json_t *object, const char *name, struct span *text)
{
	const json_t *value = json_object_get(object, name);

	*text = span_of(json_string_value(value), json_string_length(value));
	return json_is_string(value);
}

int
log_growth_proof_read(
    const json_t *list, struct merkle_proof *proof, struct why *why)
{
	const json_t *item;
	size_t i;

	proof->count = 0;
	if (!json_is_array(list) || json_array_size(list) > MERKLE_PROOF_MOST)
		return why_set(why, WHY_MALFORMED,
		    "proof: expected at most %d hashes", MERKLE_PROOF_MOST);
	json_array_foreach(list, i, item)
	{
		struct buf hash;
		bool good;

		buf_init(&hash, MERKLE_HASH_SIZE);
		good = json_is_string(item) &&
		       base64_parse(&hash, span_of(json_string_value(item),
					       json_string_length(item))) &&
		       hash.size == MERKLE_HASH_SIZE;
		if (good)
			memcpy(&proof->at[proof->count++], hash.at, hash.size);
		buf_clear(&hash);
		if (!good)
			return why_set(why, WHY_MALFORMED,
			    "proof[%zu]: expected base64 of 32 octets", i);
	}
	return 0;
}

int
log_growth_parse(struct span text, struct log_growth *growth, struct why *why)
{
	const struct json_bounds bounds = {LOG_GROWTH_BYTES_MAX, DEPTH};

	growth->json = NULL;
	int code = json_object_read(text, &bounds, &growth->json, why);
	if (code != 0)
		return code;
	if (!text_get(growth->json, "old", &growth->old_note) ||
	    !text_get(growth->json, "new", &growth->new_note) ||
	    json_object_size(growth->json) != 3)
		code = why_set(why, WHY_MALFORMED,
		    "growth: expected old, new and proof, and no more");
	else
		code = log_growth_proof_read(
		    json_object_get(growth->json, "proof"), &growth->proof,
		    why);
	if (code != 0)
		log_growth_clear(growth);
	return code;
}

void
log_growth_clear(struct log_growth *growth)
{
	json_decref(growth->json);
	growth->json = NULL;
}

bool
log_growth_build(const struct log_growth *growth, struct buf *out)
{
	json_write_object(out, NULL);
	json_write_span(out, "old", growth->old_note);
	json_write_span(out, "new", growth->new_note);
	json_write_array(out, "proof");
	for (size_t i = 0; i < growth->proof.count; i++) {
		struct buf text;

		buf_init(&text, 64);
		base64_build(
		    &text, span_of(growth->proof.at[i].at, MERKLE_HASH_SIZE));
		json_write_span(out, NULL, buf_span(&text));
		buf_clear(&text);
	}
	json_write_array_end(out);
	json_write_object_end(out);
	return buf_ok(out);
}
