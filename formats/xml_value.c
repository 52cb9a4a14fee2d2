/*
 * xml_value - a document as the values that a presentation names.
 *
 * An element with nothing but text is a string. One with attributes or elements
 * is an object: its elements by name, its attributes as "@name", its text, if
 * it is more than white space, as "#text". An element that the profile lists,
 * or that stands more than once in its parent, is an array. The top value is
 * the root's. Names of another namespace than the root's are "{uri}name".
 *
 * SECURITY: reads what xml_text_read() has bounded.
 */
#include "formats/xml_priv.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (64 * MIB) /* as much as payload_bytes may be */

struct builder {
	const xmlNode *root;
	const char *const *lists;
	struct buf path; /* of names, as in lists */
};

static json_t *element_value(struct builder *builder, const xmlNode *element);

static bool
is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '\0';
}

static bool
has_content(const xmlNode *element)
{
	if (element->properties != NULL)
		return true;
	for (const xmlNode *one = element->children; one; one = one->next)
		if (one->type == XML_ELEMENT_NODE)
			return true;
	return false;
}

/* All text directly in it. */
static void
text_of(const xmlNode *element, struct buf *out)
{
	for (const xmlNode *one = element->children; one; one = one->next)
		if (one->type == XML_TEXT_NODE && one->content != NULL)
			buf_add_text(out, (const char *)one->content);
}

static json_t *
text_value(const xmlNode *element)
{
	struct buf text;
	json_t *value = NULL;

	buf_init(&text, TEXT_MAX);
	text_of(element, &text);
	if (buf_text(&text) != NULL)
		value = json_stringn_nocheck(buf_text(&text), text.size);
	buf_wipe(&text);
	return value;
}

static bool
same_space(const xmlNs *a, const xmlNs *b)
{
	return xmlStrEqual(a ? a->href : NULL, b ? b->href : NULL);
}

/* ---- members ---- */

static bool
member_put(json_t *object, struct buf *name, json_t *value, bool list)
{
	const char *key = buf_text(name);
	json_t *there = key ? json_object_get(object, key) : NULL;
	json_t *array;

	if (key == NULL || value == NULL) {
		json_decref(value);
		return false;
	}
	if (json_is_array(there))
		return json_array_append_new(there, value) == 0;
	if (there == NULL && !list)
		return json_object_set_new_nocheck(object, key, value) == 0;
	array = json_array();
	if (array == NULL ||
	    (there != NULL && json_array_append(array, there) != 0)) {
		json_decref(array);
		json_decref(value);
		return false;
	}
	if (json_array_append_new(array, value) != 0) {
		json_decref(array);
		return false;
	}
	return json_object_set_new_nocheck(object, key, array) == 0;
}

static bool
attribute_put(json_t *object, const xmlAttr *attribute)
{
	xmlChar *text =
	    xmlNodeListGetString(attribute->doc, attribute->children, 1);
	struct buf name;
	bool good;

	buf_init(&name, TEXT_MAX);
	buf_add_byte(&name, '@');
	if (attribute->ns != NULL)
		buf_printf(&name, "{%s}", (const char *)attribute->ns->href);
	buf_add_text(&name, (const char *)attribute->name);
	/* no children: an empty value; else no text: no memory */
	good = (text != NULL || attribute->children == NULL) &&
	       member_put(object, &name,
		   json_string_nocheck(text ? (const char *)text : ""), false);
	xmlFree(text);
	buf_clear(&name);
	return good;
}

static bool
element_put(struct builder *builder, json_t *object, const xmlNode *element)
{
	size_t back = builder->path.size;
	struct buf name;
	const char *path;
	bool list = false, good;

	buf_init(&name, TEXT_MAX);
	if (!same_space(element->ns, builder->root->ns))
		buf_printf(&name, "{%s}",
		    element->ns ? (const char *)element->ns->href : "");
	buf_add_text(&name, (const char *)element->name);
	buf_add_byte(&builder->path, '/');
	buf_add_span(&builder->path, buf_span(&name));
	path = buf_text(&builder->path);
	for (size_t i = 0; path && builder->lists && builder->lists[i]; i++)
		list |= strcmp(builder->lists[i], path) == 0;
	good = path != NULL &&
	       member_put(object, &name, element_value(builder, element), list);
	builder->path.size = back;
	buf_clear(&name);
	return good;
}

static bool
text_put(json_t *object, const xmlNode *element)
{
	json_t *value = text_value(element);
	bool blank = value != NULL && is_blank(json_string_value(value));

	if (blank || value == NULL) {
		json_decref(value);
		return blank;
	}
	return json_object_set_new_nocheck(object, "#text", value) == 0;
}

/* NULL: no memory. */
static json_t *
element_value(struct builder *builder, const xmlNode *element)
{
	json_t *object;
	bool good = true;

	if (!has_content(element))
		return text_value(element);
	object = json_object();
	good = object != NULL;
	for (const xmlAttr *one = element->properties; good && one;
	     one = one->next)
		good = attribute_put(object, one);
	for (const xmlNode *one = element->children; good && one;
	     one = one->next)
		if (one->type == XML_ELEMENT_NODE)
			good = element_put(builder, object, one);
	if (good && text_put(object, element))
		return object;
	json_decref(object);
	return NULL;
}

int
xml_value_build(const struct xml_document *document, const char *const *lists,
    json_t **out, struct why *why)
{
	struct builder builder = {.root = document->root, .lists = lists};

	buf_init(&builder.path, 64 * MIB);
	*out = element_value(&builder, document->root);
	buf_wipe(&builder.path);
	return *out ? 0 : why_set(why, WHY_NOMEM, "no memory for XML");
}
