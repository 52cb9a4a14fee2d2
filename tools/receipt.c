#include "tools/receipt.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "formats/json.h"
#include "keys/jws.h"
#include "tools/file.h"

static const struct json_bounds payload_bounds = {JWS_BYTES_MAX, 16};
static const struct json_bounds file_bounds = {RECEIPT_FILE_BYTES, 16};

int
receipt_anchors(const char *path, struct anchors **out, struct why *why)
{
	struct buf pem;
	int code;

	buf_init(&pem, ANCHORS_BYTES_MAX);
	code = file_read(path, &pem, why);
	if (code == 0)
		code = anchors_parse(buf_span(&pem), out, why);
	buf_clear(&pem);
	return code;
}

static int
payload_read(struct receipt *receipt, const struct jws *jws, struct why *why)
{
	struct why bad;
	int64_t at_ms;

	if (json_object_read(buf_span(&jws->payload), &payload_bounds,
		&receipt->payload, &bad) != 0)
		return why_set(
		    why, WHY_CRYPTO, "what is signed is no JSON: %s", bad.text);
	receipt->recipient = "";
	if (json_unpack(receipt->payload, "{s:s,s:s,s:s,s?s,s?s}", "id",
		&receipt->id, "level", &receipt->level, "time", &receipt->time,
		"message", &receipt->message, "recipient",
		&receipt->recipient) != 0)
		return why_set(why, WHY_CRYPTO,
		    "what is signed is no evidence: expected id, level, time");
	if (receipt->message == NULL)
		receipt->message = "";
	if (!time_parse(receipt->time, &at_ms))
		return why_set(
		    why, WHY_CRYPTO, "the evidence's time is no RFC 3339 time");
	if (jws_check_time(jws, at_ms, &bad) != 0)
		return why_set(why, WHY_CRYPTO,
		    "the signer's certificate at the evidence's time: %s",
		    bad.text);
	return 0;
}

int
receipt_verify(struct span compact, const struct anchors *anchors,
    struct receipt *receipt, struct why *why)
{
	struct jws jws;
	struct why bad;
	int code;

	*receipt = (struct receipt){
	    .id = "", .level = "", .message = "", .time = "", .recipient = ""};
	code = jws_verify(compact, anchors, JWS_EVIDENCE_TYPE, &jws, &bad);
	if (code == WHY_NOMEM || code == WHY_SYSTEM || code == WHY_BUG)
		return why_set(why, code, "%s", bad.text);
	if (code != 0)
		return why_set(why, WHY_CRYPTO, "%s", bad.text);
	code = payload_read(receipt, &jws, why);
	jws_clear(&jws);
	return code;
}

void
receipt_clear(struct receipt *receipt)
{
	json_decref(receipt->payload);
	receipt->payload = NULL;
}

static void
collect(json_t *list, json_t *value)
{
	json_t *item;
	size_t i;

	if (json_is_string(value))
		json_array_append(list, value);
	else if (json_is_object(value) &&
		 json_is_string(json_object_get(value, "receipt")))
		json_array_append(list, json_object_get(value, "receipt"));
	else if (json_is_object(value) &&
		 json_object_get(value, "entries") != NULL)
		collect(list, json_object_get(value, "entries"));
	else if (json_is_object(value))
		collect(list, json_object_get(value, "evidence"));
	else
		json_array_foreach(value, i, item) collect(list, item);
}

int
receipt_list(struct span text, json_t **list, struct why *why)
{
	json_t *value = NULL;
	int code;

	while (text.size > 0 && text.at[text.size - 1] <= ' ')
		text.size--;
	while (text.size > 0 && text.at[0] <= ' ') {
		text.at++;
		text.size--;
	}
	*list = json_array();
	if (*list == NULL)
		return why_set(why, WHY_NOMEM, "no memory for receipts");
	if (text.size > 0 && text.at[0] != '{' && text.at[0] != '[' &&
	    text.at[0] != '"') {
		json_array_append_new(
		    *list, json_stringn((const char *)text.at, text.size));
	} else {
		code = json_text_read(text, &file_bounds, &value, why);
		if (code == 0)
			collect(*list, value);
		json_decref(value);
		if (code != 0) {
			json_decref(*list);
			*list = NULL;
			return code;
		}
	}
	if (json_array_size(*list) == 0) {
		json_decref(*list);
		*list = NULL;
		return why_set(why, WHY_MALFORMED, "no receipt in it");
	}
	return 0;
}
