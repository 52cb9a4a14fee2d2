/*
 * json_xml_parse - the way back: an XML text of the mapping as the JSON that it
 * was made from; json_xml(7).
 *
 * SECURITY: reads hostile bytes. Two readers of one text must not see different
 * values: where a text and its JSON form stand side by side, they must agree,
 * and what comes out is read as JSON again, duplicates and all.
 */
#include "formats/json_xml.h"

#include "formats/json.h"
#include "formats/json_xml_priv.h"
#include "formats/xml_priv.h"

#include <string.h>

#define XML_SPACE "http://www.w3.org/XML/1998/namespace"

struct reader {
	struct buf *out;
	struct buf path; /* of the error */
	struct why *why;
	bool memory; /* there was none */
};

static int value_read(struct reader *reader, const xmlNode *element);

/* ---- what is wrong ---- */

static int
refuse(struct reader *reader, const xmlNode *element, const char *expected)
{
	const char *path;

	buf_reset(&reader->path);
	xml_path_add(&reader->path, element);
	path = buf_text(&reader->path);
	return why_set(reader->why, WHY_INVALID, "line %ld: %s: %s",
	    xmlGetLineNo((xmlNodePtr)(uintptr_t)element), path ? path : "",
	    expected);
}

/* ---- attributes ---- */

struct attributes {
	bool name, json_name, json;
	struct buf name_text, json_name_text, json_text;
};

static void
attributes_init(struct attributes *all)
{
	*all = (struct attributes){0};
	buf_init(&all->name_text, 64 * MIB);
	buf_init(&all->json_name_text, 64 * MIB);
	buf_init(&all->json_text, 64 * MIB);
}

static void
attributes_clear(struct attributes *all)
{
	buf_wipe(&all->name_text);
	buf_wipe(&all->json_name_text);
	buf_wipe(&all->json_text);
}

static bool
attribute_take(const xmlAttr *attribute, struct buf *to)
{
	xmlChar *text =
	    xmlNodeListGetString(attribute->doc, attribute->children, 1);

	/* no children: an empty value; else no text: no memory */
	if (text == NULL && attribute->children != NULL)
		return false;
	buf_add_text(to, text ? (const char *)text : "");
	xmlFree(text);
	return buf_ok(to);
}

static int
attributes_read(
    struct reader *reader, const xmlNode *element, struct attributes *all)
{
	bool root = element->parent->type == XML_DOCUMENT_NODE;

	for (const xmlAttr *one = element->properties; one; one = one->next) {
		const char *name = (const char *)one->name;
		struct buf *to = NULL;

		if (one->ns != NULL) {
			if (root && strcmp(name, "space") == 0 &&
			    strcmp((const char *)one->ns->href, XML_SPACE) == 0)
				continue;
		} else if (strcmp(name, "name") == 0) {
			all->name = true;
			to = &all->name_text;
		} else if (strcmp(name, "jsonName") == 0) {
			all->json_name = true;
			to = &all->json_name_text;
		} else if (strcmp(name, "json") == 0) {
			all->json = true;
			to = &all->json_text;
		}
		if (to == NULL)
			return refuse(reader, element,
			    "only the attributes of the mapping");
		if (!attribute_take(one, to))
			return why_set(
			    reader->why, WHY_NOMEM, "no memory for XML");
	}
	return 0;
}

/* ---- strings ---- */

/*
 * A text, and its body where the text does not tell all: they must mean the
 * same.
 */
static int
body_read(struct reader *reader, const xmlNode *element, const struct buf *text,
    const struct buf *held)
{
	struct buf body, meant;
	bool good;

	buf_add_byte(reader->out, '"');
	if (held == NULL) {
		json_xml_body_add(reader->out, buf_span(text));
		buf_add_byte(reader->out, '"');
		return 0;
	}
	buf_init(&body, 64 * MIB);
	buf_init(&meant, 64 * MIB);
	good = json_xml_body_read(buf_span(held), &body) &&
	       json_xml_string_decode(buf_span(&body), &meant) &&
	       span_equal(buf_span(&meant), buf_span(text));
	buf_add_span(reader->out, buf_span(&body));
	buf_add_byte(reader->out, '"');
	reader->memory |= !buf_ok(&body) || !buf_ok(&meant);
	buf_wipe(&body);
	buf_wipe(&meant);
	return good ? 0
		    : refuse(reader, element,
			  "a text and its JSON form that agree");
}

/* All of an element that may hold text only. */
static int
text_read(struct reader *reader, const xmlNode *element, struct buf *text)
{
	for (const xmlNode *one = element->children; one; one = one->next) {
		if (one->type != XML_TEXT_NODE)
			return refuse(reader, element, "text only");
		buf_add_text(
		    text, one->content ? (const char *)one->content : "");
	}
	reader->memory |= !buf_ok(text);
	return 0;
}

/* ---- values ---- */

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? */
static bool
is_number(const char *at)
{
	static const char digits[] = "0123456789";
	size_t count;

	at += *at == '-';
	count = strspn(at, digits);
	if (count == 0 || (count > 1 && *at == '0'))
		return false;
	at += count;
	if (*at == '.') {
		count = strspn(++at, digits);
		if (count == 0)
			return false;
		at += count;
	}
	if (*at == 'e' || *at == 'E') {
		at++;
		at += *at == '+' || *at == '-';
		count = strspn(at, digits);
		if (count == 0)
			return false;
		at += count;
	}
	return *at == '\0';
}

static int
scalar_read(
    struct reader *reader, const xmlNode *element, const struct attributes *all)
{
	const char *kind = (const char *)element->name;
	struct buf text;
	const char *word;
	int ret;

	buf_init(&text, 64 * MIB);
	ret = text_read(reader, element, &text);
	word = buf_text(&text);
	if (word == NULL) {
		reader->memory = true;
		word = "";
	}
	if (ret < 0)
		goto out;
	if (strcmp(kind, "string") == 0) {
		ret = body_read(
		    reader, element, &text, all->json ? &all->json_text : NULL);
	} else if (all->json) {
		ret = refuse(
		    reader, element, "the attribute json at strings only");
	} else if (strcmp(kind, "null") == 0) {
		buf_add_text(reader->out, "null");
		if (word[0] != '\0')
			ret = refuse(reader, element, "no content");
	} else {
		buf_add_text(reader->out, word);
		if (strcmp(kind, "number") == 0
			? !is_number(word)
			: strcmp(word, "true") != 0 &&
			      strcmp(word, "false") != 0)
			ret = refuse(reader, element,
			    "a number or a boolean as JSON writes it");
	}
out:
	buf_wipe(&text);
	return ret;
}

static int
container_read(struct reader *reader, const xmlNode *element, bool object)
{
	bool first = true;
	int ret = 0;

	buf_add_byte(reader->out, object ? '{' : '[');
	for (const xmlNode *one = element->children; ret == 0 && one;
	     one = one->next) {
		if (one->type == XML_ELEMENT_NODE) {
			if (!first)
				buf_add_byte(reader->out, ',');
			first = false;
			ret = value_read(reader, one);
		} else if (one->content != NULL &&
			   one->content[strspn((const char *)one->content,
			       " \t\r\n")] != '\0') {
			ret = refuse(reader, element, "no text, but elements");
		}
	}
	buf_add_byte(reader->out, object ? '}' : ']');
	return ret;
}

static int
name_read(
    struct reader *reader, const xmlNode *element, const struct attributes *all)
{
	const xmlNode *parent = element->parent;
	bool member = parent->type == XML_ELEMENT_NODE &&
		      strcmp((const char *)parent->name, "object") == 0;
	int ret;

	if (all->name != member || (all->json_name && !member))
		return refuse(reader, element,
		    member ? "a name, as each member of an object has"
			   : "no name, for it is no member of an object");
	if (!member)
		return 0;
	ret = body_read(reader, element, &all->name_text,
	    all->json_name ? &all->json_name_text : NULL);
	buf_add_byte(reader->out, ':');
	return ret;
}

static bool
is_kind(const xmlNode *element)
{
	static const char *const kinds[] = {
	    "object", "array", "string", "number", "boolean", "null"};

	if (element->ns == NULL ||
	    strcmp((const char *)element->ns->href, JSON_XML_NAMESPACE) != 0)
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp((const char *)element->name, kinds[i]) == 0)
			return true;
	return false;
}

static int
value_read(struct reader *reader, const xmlNode *element)
{
	bool object, array;
	struct attributes all;
	int ret;

	if (!is_kind(element))
		return refuse(reader, element, "an element of the mapping");
	object = strcmp((const char *)element->name, "object") == 0;
	array = strcmp((const char *)element->name, "array") == 0;
	attributes_init(&all);
	ret = attributes_read(reader, element, &all);
	if (ret == 0)
		ret = name_read(reader, element, &all);
	if (ret == 0 && (object || array) && all.json)
		ret = refuse(
		    reader, element, "the attribute json at strings only");
	else if (ret == 0 && (object || array))
		ret = container_read(reader, element, object);
	else if (ret == 0)
		ret = scalar_read(reader, element, &all);
	attributes_clear(&all);
	return ret;
}

/* What came out must be JSON that this relay would take. */
static int
json_check(struct span json, const struct limits *limits, struct why *why)
{
	struct json_bounds bounds = {
	    (size_t)limits->payload_bytes, (size_t)limits->json_depth};
	struct why inner = {0};
	json_t *value;
	int ret = json_text_read(json, &bounds, &value, &inner);

	json_decref(value);
	if (ret == WHY_MALFORMED) /* its place is in a text nobody has seen */
		return why_set(why, WHY_INVALID,
		    "the JSON that it stands for: %s", inner.text);
	return ret < 0 ? why_set(why, ret, "%s", inner.text) : 0;
}

int
json_xml_parse(struct span xml, const struct limits *limits, struct buf *out,
    struct why *why)
{
	/* a value of one byte is an element and a text; a name is one more */
	struct xml_bounds bounds = {.bytes = (size_t)limits->document_bytes,
	    .depth = (size_t)limits->json_depth + 1,
	    .nodes = (size_t)limits->payload_bytes * 4 + 16,
	    .attributes = 8};
	struct reader reader = {.out = out, .why = why};
	struct xml_document *document;
	size_t start = out->size;
	int ret = xml_text_read(xml, &bounds, &document, why);

	if (ret < 0)
		return ret;
	buf_init(&reader.path, 64 * KIB);
	ret = value_read(&reader, document->root);
	if (ret == 0 && (reader.memory || !buf_ok(out)))
		ret =
		    why_set(why, WHY_TOO_LARGE, "the JSON of it is too large");
	if (ret == 0)
		ret = json_check(
		    span_of(out->at + start, out->size - start), limits, why);
	buf_wipe(&reader.path);
	xml_document_free(document);
	return ret;
}
