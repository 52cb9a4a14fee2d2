/*
 * json - strict reading; see json.h.
 *
 * SECURITY: reads hostile bytes. A scanner of one pass looks at size, nesting
 * and UTF-8 before the parser does, so that neither its stack nor its time is
 * in the sender's hands.
 */
#include "formats/json.h"

#include "base/text.h"

#include <inttypes.h>
#include <string.h>

struct place {
	unsigned line;
	size_t start; /* of the line */
};

static int
json_refuse(
    struct why *why, int code, struct place place, size_t at, const char *what)
{
	return why_set(why, code, "line %u, column %zu: %s", place.line,
	    at - place.start + 1, what);
}

/* Nesting, and bytes that no JSON text has. */
static int
json_scan(struct span text, size_t depth_max, struct why *why)
{
	struct place place = {1, 0};
	bool quoted = false;
	size_t depth = 0;

	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.at[i];

		if (c == '\n')
			place = (struct place){place.line + 1, i + 1};
		if (c == '\0')
			return json_refuse(why, WHY_MALFORMED, place, i,
			    "a NUL byte is not allowed");
		if (quoted) {
			if (c == '\\' && i + 1 < text.size &&
			    text.at[i + 1] != '\n' && text.at[i + 1] != '\0')
				i++;
			else if (c == '"')
				quoted = false;
			continue;
		}
		if (c == '"')
			quoted = true;
		else if ((c == '}' || c == ']') && depth > 0)
			depth--;
		else if ((c == '{' || c == '[') && ++depth > depth_max)
			return json_refuse(why, WHY_TOO_LARGE, place, i,
			    "nested deeper than json_depth allows");
	}
	return 0;
}

int
json_values_check(struct span text, size_t max, struct why *why)
{
	bool quoted = false;
	size_t count = 0;

	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.at[i];

		if (c == '"')
			quoted = !quoted;
		else if (quoted)
			i += c == '\\';
		else if (c == ',' || c == '{' || c == '[')
			count++;
	}
	if (count > max)
		return why_set(
		    why, WHY_TOO_LARGE, "more values than json_values allows");
	return 0;
}

/* The parser's own text quotes the input; ours never does. */
static const char *
json_reason(enum json_error_code code)
{
	switch ((int)code) {
	case json_error_premature_end_of_input:
		return "the text ends too early";
	case json_error_end_of_input_expected:
		return "nothing may follow the value";
	case json_error_duplicate_key:
		return "a name stands twice in one object";
	case json_error_numeric_overflow:
		return "a number is out of range";
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return "U+0000 is not allowed";
	case json_error_invalid_utf8:
		return "not UTF-8";
	case json_error_stack_overflow:
		return "nested too deeply";
	default:
		return "not JSON";
	}
}

int
json_text_read(struct span text, const struct json_bounds *bounds, json_t **out,
    struct why *why)
{
	struct place place = {1, 0};
	json_error_t error;
	json_t *value;
	int ret;

	*out = NULL;
	if (text.size > bounds->bytes)
		return why_set(why, WHY_TOO_LARGE,
		    "%zu bytes, at most %zu are allowed", text.size,
		    bounds->bytes);
	ret = json_scan(text, bounds->depth, why);
	if (ret < 0)
		return ret;
	if (!utf8_valid(text))
		return why_set(why, WHY_MALFORMED, "not UTF-8");
	value = json_loadb((const char *)text.at, text.size,
	    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (value == NULL &&
	    json_error_code(&error) == json_error_out_of_memory)
		return why_set(why, WHY_NOMEM, "no memory for JSON");
	if (value == NULL) {
		place.line = error.line > 0 ? (unsigned)error.line : 1;
		return json_refuse(why, WHY_MALFORMED, place,
		    error.column > 0 ? (size_t)error.column - 1 : 0,
		    json_reason(json_error_code(&error)));
	}
	*out = value;
	return 0;
}

int
json_object_read(struct span text, const struct json_bounds *bounds,
    json_t **out, struct why *why)
{
	int ret = json_text_read(text, bounds, out, why);

	if (ret == 0 && !json_is_object(*out)) {
		json_decref(*out);
		*out = NULL;
		return why_set(why, WHY_MALFORMED, "a JSON object is expected");
	}
	return ret;
}

static int
json_take(const char *at, size_t size, void *out)
{
	buf_add(out, at, size);
	return 0;
}

void
json_text_build(struct buf *out, const json_t *value)
{
	if (json_dump_callback(
		value, json_take, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
		out->failed = true;
}
