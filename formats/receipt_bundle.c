#include "formats/receipt_bundle.h"

#include "formats/json.h"

#define DEPTH 2

static bool
text_get(const json_t *object, const char *name, struct span *text)
{
	const json_t *value = json_object_get(object, name);

	*text = span_of(json_string_value(value), json_string_length(value));
	return json_is_string(value);
}

int
receipt_bundle_parse(
    struct span text, struct receipt_bundle *bundle, struct why *why)
{
	const struct json_bounds bounds = {RECEIPT_BUNDLE_BYTES_MAX, DEPTH};

	bundle->json = NULL;
	int code = json_object_read(text, &bounds, &bundle->json, why);
	if (code != 0)
		return code;
	if (text_get(bundle->json, "receipt", &bundle->receipt) &&
	    text_get(bundle->json, "proof", &bundle->proof) &&
	    json_object_size(bundle->json) == 2)
		return 0;
	receipt_bundle_clear(bundle);
	return why_set(why, WHY_MALFORMED,
	    "bundle: expected the texts receipt and proof, and no more");
}

void
receipt_bundle_clear(struct receipt_bundle *bundle)
{
	json_decref(bundle->json);
	bundle->json = NULL;
}

bool
receipt_bundle_build(struct span receipt, struct span proof, struct buf *out)
{
	json_t *json =
	    json_pack("{s:s%,s:s%}", "receipt", (const char *)receipt.at,
		receipt.size, "proof", (const char *)proof.at, proof.size);

	if (json == NULL)
		return false;
	json_text_build(out, json);
	json_decref(json);
	return buf_ok(out);
}
