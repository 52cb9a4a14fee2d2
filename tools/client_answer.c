#include "tools/client_answer.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "formats/json.h"
#include "tools/say.h"

#define JSON_DEPTH 64

static const struct json_bounds bounds = {CLIENT_ANSWER_BYTES, JSON_DEPTH};

void
client_answer_init(struct client_answer *answer)
{
	*answer = (struct client_answer){.upload_offset = -1,
	    .range_from = -1,
	    .retry_after = -1,
	    .date = -1};
	buf_init(&answer->body, CLIENT_ANSWER_BYTES);
}

void
client_answer_clear(struct client_answer *answer)
{
	buf_clear(&answer->body);
	json_decref(answer->json);
	answer->json = NULL;
}

/* The value when the line is this field. */
static bool
field_is(struct span line, const char *name, char *value, size_t size)
{
	size_t n = strlen(name);

	if (line.size <= n || line.at[n] != ':' ||
	    strncasecmp((const char *)line.at, name, n) != 0)
		return false;
	line.at += n + 1;
	line.size -= n + 1;
	while (line.size > 0 && (*line.at == ' ' || *line.at == '\t')) {
		line.at++;
		line.size--;
	}
	while (line.size > 0 && line.at[line.size - 1] <= ' ')
		line.size--;
	if (line.size >= size)
		return false;
	memcpy(value, line.at, line.size);
	value[line.size] = '\0';
	return true;
}

void
client_answer_header(struct client_answer *answer, struct span line)
{
	char value[512];
	uint64_t number;

	if (line.size > 5 && memcmp(line.at, "HTTP/", 5) == 0) {
		json_t *json = answer->json;

		/* 100 Continue came before: forget its fields */
		buf_clear(&answer->body);
		json_decref(json);
		client_answer_init(answer);
	} else if (field_is(line, "content-type", answer->content_type,
		       sizeof(answer->content_type)) ||
		   field_is(line, "etag", answer->etag, sizeof(answer->etag)) ||
		   field_is(line, "location", answer->location,
		       sizeof(answer->location))) {
		return;
	} else if (field_is(line, "upload-offset", value, sizeof(value))) {
		if (number_parse(span_text(value), INT64_MAX, &number))
			answer->upload_offset = (int64_t)number;
	} else if (field_is(line, "content-range", value, sizeof(value))) {
		size_t digits = strspn(value, "bytes ");

		if (number_parse(
			span_of(value + digits, strcspn(value + digits, "-")),
			INT64_MAX, &number))
			answer->range_from = (int64_t)number;
	} else if (field_is(line, "retry-after", value, sizeof(value))) {
		if (number_parse(span_text(value), 86400, &number))
			answer->retry_after = (int64_t)number;
	} else if (field_is(line, "date", value, sizeof(value))) {
		answer->date = curl_getdate(value, NULL);
	}
}

static bool
is_json(const struct client_answer *answer)
{
	const char *type = answer->content_type;

	return strncasecmp(type, "application/json", 16) == 0 ||
	       strncasecmp(type, "application/problem+json", 24) == 0;
}

static int
code_of_status(struct client_answer *answer)
{
	switch (answer->status) {
	case 401:
	case 403:
		return WHY_DENIED;
	case 404:
	case 410:
		return WHY_NOT_FOUND;
	case 409:
		if (strcmp(answer->problem, "idempotency-in-progress") == 0)
			break;
		if (strcmp(answer->problem, "proof-wrong") == 0)
			return WHY_CRYPTO;
		return WHY_STATE;
	case 413:
		return WHY_TOO_LARGE;
	case 507:
		answer->passing = true;
		return WHY_FULL;
	case 408:
	case 429:
	case 502:
	case 503:
	case 504:
		break;
	default:
		/* a fault of the relay: the same call may find it mended */
		if (answer->status >= 500 && answer->status != 501 &&
		    answer->status != 505)
			return WHY_GONE;
		return WHY_INVALID;
	}
	answer->passing = true;
	return answer->status == 429 || answer->status == 409 ? WHY_BUSY
							      : WHY_GONE;
}

static int
judge_problem(struct client_answer *answer, struct why *why)
{
	const char *title = NULL;
	const char *code = NULL;
	const char *party = NULL;
	char clean[WHY_TEXT_MAX];

	if (answer->json != NULL)
		json_unpack(answer->json, "{s?s,s?s,s?s}", "title", &title,
		    "code", &code, "party", &party);
	if (code != NULL)
		say_clean(answer->problem, sizeof(answer->problem), code);
	if (party != NULL)
		say_clean(answer->party, sizeof(answer->party), party);
	say_clean(clean, sizeof(clean), title == NULL ? "" : title);
	return why_set(why, code_of_status(answer),
	    "the relay said %ld%s%s%s%s", answer->status,
	    code == NULL ? "" : " ", answer->problem, title == NULL ? "" : ": ",
	    clean);
}

int
client_answer_judge(struct client_answer *answer, struct why *why)
{
	struct why bad;

	if (is_json(answer) && answer->body.size > 0 &&
	    json_text_read(
		buf_span(&answer->body), &bounds, &answer->json, &bad) != 0 &&
	    answer->status < 400)
		return why_set(why, WHY_MALFORMED,
		    "the relay's answer is not JSON: %s", bad.text);
	return answer->status < 400 ? 0 : judge_problem(answer, why);
}

json_t *
client_failure_object(const struct client_answer *answer, const struct why *why)
{
	json_t *object = NULL;

	if (answer->json != NULL && answer->status >= 400 &&
	    json_is_object(answer->json))
		object = json_copy(answer->json);
	if (object == NULL)
		object = json_object();
	if (json_object_get(object, "code") == NULL)
		json_object_set_new(
		    object, "code", json_string(why_name(why->code)));
	if (answer->status != 0)
		json_object_set_new(
		    object, "status", json_integer(answer->status));
	if (json_object_get(object, "detail") == NULL)
		json_object_set_new(object, "detail", json_string(why->text));
	return object;
}

int
client_say_failure(const struct client_answer *answer, const struct why *why)
{
	const json_t *errors = json_object_get(answer->json, "errors");
	json_t *item;
	size_t i;

	say("budstikke: %s", why->text);
	json_array_foreach(errors, i, item)
	{
		const char *part = "";
		const char *pointer = "";
		const char *expected = "";
		char clean[3][256];

		json_unpack(item, "{s?s,s?s,s?s}", "part", &part, "pointer",
		    &pointer, "expected", &expected);
		say("  %s%s%s: %s", say_clean(clean[0], 256, part),
		    pointer[0] == '\0' ? "" : " ",
		    say_clean(clean[1], 256, pointer),
		    say_clean(clean[2], 256, expected));
	}
	say_object(client_failure_object(answer, why));
	return say_leave(why->code);
}
