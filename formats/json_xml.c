/*
 * json_xml - JSON texts written as XML; json_xml(7).
 *
 * SECURITY: reads hostile bytes, but only after json_text_read() took them: the
 * walk here relies on that grammar and stops at the end in any case.
 */
#include "formats/json_xml.h"

#include "formats/json.h"
#include "formats/json_xml_priv.h"

#include "base/text.h"

#include <string.h>

struct writer {
	struct span json;
	size_t at;
	struct buf *out;
	struct buf text; /* of one string, decoded */
};

/* A string of the JSON text: what stands between the quotation marks. */
struct string {
	struct span body;
	bool there;
};

static void value_add(
    struct writer *writer, const struct string *name, bool root);

/* ---- XML's own escapes ---- */

/* NULL: as it is. A parser would make other white space of what is escaped. */
static const char *
escape_of(uint8_t c, bool attribute)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '\r':
		return "&#13;";
	case '"':
		return attribute ? "&quot;" : NULL;
	case '\t':
		return attribute ? "&#9;" : NULL;
	case '\n':
		return attribute ? "&#10;" : NULL;
	default:
		return NULL;
	}
}

static void
escaped_add(struct buf *out, struct span text, bool attribute)
{
	size_t from = 0;

	for (size_t i = 0; i < text.size; i++) {
		const char *escape = escape_of(text.at[i], attribute);

		if (escape == NULL)
			continue;
		buf_add(out, text.at + from, i - from);
		buf_add_text(out, escape);
		from = i + 1;
	}
	if (from < text.size)
		buf_add(out, text.at + from, text.size - from);
}

/* ---- the walk ---- */

static int
next(struct writer *writer)
{
	while (writer->at < writer->json.size) {
		uint8_t c = writer->json.at[writer->at];

		if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
			return c;
		writer->at++;
	}
	return -1;
}

static struct string
string_take(struct writer *writer)
{
	size_t start = ++writer->at;

	while (writer->at < writer->json.size &&
	       writer->json.at[writer->at] != '"')
		writer->at += writer->json.at[writer->at] == '\\' ? 2 : 1;
	if (writer->at > writer->json.size)
		writer->at = writer->json.size;
	return (struct string){
	    span_of(writer->json.at + start, writer->at++ - start), true};
}

/* Attributes name="text" form="body", the second only when it is needed. */
static void
name_add(struct writer *writer, const struct string *name)
{
	if (!name->there)
		return;
	buf_reset(&writer->text);
	(void)json_xml_string_decode(name->body, &writer->text);
	buf_add_text(writer->out, " name=\"");
	escaped_add(writer->out, buf_span(&writer->text), true);
	buf_add_byte(writer->out, '"');
	if (json_xml_string_plain(name->body))
		return;
	buf_reset(&writer->text);
	json_xml_body_hold(name->body, &writer->text);
	buf_add_text(writer->out, " jsonName=\"");
	escaped_add(writer->out, buf_span(&writer->text), true);
	buf_add_byte(writer->out, '"');
}

static void
open_add(struct writer *writer, const char *element, const struct string *name,
    bool root)
{
	buf_add_byte(writer->out, '<');
	buf_add_text(writer->out, element);
	if (root)
		buf_add_text(writer->out,
		    " xmlns=\"" JSON_XML_NAMESPACE "\" xml:space=\"preserve\"");
	name_add(writer, name);
}

static void
close_add(struct writer *writer, const char *element, bool empty)
{
	if (empty) {
		buf_add_text(writer->out, "/>");
		return;
	}
	buf_add_text(writer->out, "</");
	buf_add_text(writer->out, element);
	buf_add_byte(writer->out, '>');
}

static void
string_add(struct writer *writer, const struct string *name, bool root)
{
	struct string value = string_take(writer);

	open_add(writer, "string", name, root);
	if (!json_xml_string_plain(value.body)) {
		buf_reset(&writer->text);
		json_xml_body_hold(value.body, &writer->text);
		buf_add_text(writer->out, " json=\"");
		escaped_add(writer->out, buf_span(&writer->text), true);
		buf_add_byte(writer->out, '"');
	}
	buf_reset(&writer->text);
	(void)json_xml_string_decode(value.body, &writer->text);
	if (writer->text.size > 0) {
		buf_add_byte(writer->out, '>');
		escaped_add(writer->out, buf_span(&writer->text), false);
	}
	close_add(writer, "string", writer->text.size == 0);
}

/* Numbers, true, false and null, as they are written. */
static void
word_add(struct writer *writer, const struct string *name, bool root)
{
	size_t start = writer->at, end = start;
	struct span word;
	const char *element;

	while (end < writer->json.size &&
	       strchr(" \t\n\r,]}", writer->json.at[end]) == NULL)
		end++;
	writer->at = end;
	word = span_of(writer->json.at + start, end - start);
	element = span_is(word, "null")                             ? "null"
		  : span_is(word, "true") || span_is(word, "false") ? "boolean"
								    : "number";
	open_add(writer, element, name, root);
	if (strcmp(element, "null") == 0) {
		close_add(writer, element, true);
		return;
	}
	buf_add_byte(writer->out, '>');
	buf_add_span(writer->out, word);
	close_add(writer, element, false);
}

static void
container_add(struct writer *writer, const struct string *name, bool root)
{
	bool object = writer->json.at[writer->at] == '{';
	const char *element = object ? "object" : "array";
	bool empty = true;
	int c;

	open_add(writer, element, name, root);
	writer->at++;
	while ((c = next(writer)) >= 0 && c != '}' && c != ']') {
		struct string member = {.there = false};

		if (c == ',') {
			writer->at++;
			continue;
		}
		if (empty)
			buf_add_byte(writer->out, '>');
		empty = false;
		if (object) {
			member = string_take(writer);
			(void)next(writer);
			writer->at++; /* the colon */
		}
		value_add(writer, &member, false);
	}
	writer->at++;
	close_add(writer, element, empty);
}

static void
value_add(struct writer *writer, const struct string *name, bool root)
{
	int c = next(writer);

	if (c == '{' || c == '[')
		container_add(writer, name, root);
	else if (c == '"')
		string_add(writer, name, root);
	else if (c >= 0)
		word_add(writer, name, root);
}

int
json_xml_build(struct span json, const struct limits *limits, struct buf *out,
    struct why *why)
{
	static const struct string none;
	struct json_bounds bounds = {
	    (size_t)limits->payload_bytes, (size_t)limits->json_depth};
	struct writer writer = {.json = json, .out = out};
	json_t *value;
	int ret = json_text_read(json, &bounds, &value, why);

	if (ret < 0)
		return ret;
	json_decref(value);
	buf_init(&writer.text, 64 * MIB);
	buf_add_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	value_add(&writer, &none, true);
	buf_add_byte(out, '\n');
	if (!buf_ok(&writer.text) || !buf_ok(out))
		ret = why_set(
		    why, WHY_TOO_LARGE, "the payload as XML is too large");
	buf_wipe(&writer.text);
	return ret;
}
