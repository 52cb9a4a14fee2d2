/*
 * xml_cut - elements and attributes taken out of an XML text: what stays keeps
 * its octets.
 *
 * The tree tells which they are, by the same pointers as xml_value.c; the text,
 * gone through tag by tag in the same order, tells where.
 *
 * SECURITY: reads what xml_text_read() has taken: well-formed, without document
 * type, comments and processing instructions.
 */
#include "formats/json.h"
#include "formats/xml_priv.h"

#include <stdlib.h>
#include <string.h>

struct place { /* of an element in the text */
	size_t start, tag_end, end;
};

struct cutter {
	struct span text;
	const xmlNode *root;
	const char *const *lists;
	struct place *places; /* in the order of the start tags */
	size_t count;
	size_t next;        /* place of the next element of the tree */
	struct buf pointer; /* of the element */
	struct buf names;   /* as in lists */
	const json_t *cuts;
	json_t *left; /* of cuts: not found so far */
	struct buf *out;
	size_t kept; /* bytes of text that are dealt with */
	bool failed;
};

/* ---- the text ---- */

static size_t
find(struct span text, size_t pos, const char *what)
{
	const uint8_t *at =
	    memmem(text.at + pos, text.size - pos, what, strlen(what));

	return at == NULL ? text.size : (size_t)(at - text.at) + strlen(what);
}

/* Behind the tag that begins at pos; a quoted value may hold ">". */
static size_t
tag_end(struct span text, size_t pos)
{
	uint8_t quote = 0;

	for (; pos < text.size; pos++) {
		uint8_t byte = text.at[pos];

		if (quote != 0)
			quote = byte == quote ? 0 : quote;
		else if (byte == '"' || byte == '\'')
			quote = byte;
		else if (byte == '>')
			return pos + 1;
	}
	return pos;
}

static bool
starts(struct span text, size_t pos, const char *what)
{
	return text.size - pos >= strlen(what) &&
	       memcmp(text.at + pos, what, strlen(what)) == 0;
}

/* Where each element is; open: those whose end is not found yet. */
static bool
places_find(struct cutter *cutter, size_t *open)
{
	struct span text = cutter->text;
	size_t depth = 0, pos = 0;

	while ((pos = find(text, pos, "<") - 1) + 1 < text.size) {
		size_t end;

		if (starts(text, pos, "<![CDATA[")) {
			pos = find(text, pos, "]]>");
			continue;
		}
		end = tag_end(text, pos);
		if (starts(text, pos, "</")) {
			if (depth == 0)
				return false;
			cutter->places[open[--depth]].end = end;
		} else if (!starts(text, pos, "<?")) {
			cutter->places[cutter->count] =
			    (struct place){pos, end, end};
			if (text.at[end - 2] != '/')
				open[depth++] = cutter->count;
			cutter->count++;
		}
		pos = end;
	}
	return depth == 0;
}

/* ---- taking out ---- */

static void
cut(struct cutter *cutter, size_t from, size_t to)
{
	if (to <= cutter->kept) /* in something that is gone already */
		return;
	buf_add(
	    cutter->out, cutter->text.at + cutter->kept, from - cutter->kept);
	cutter->kept = to;
}

/* Whether the value at this pointer is to go. */
static bool
is_cut(struct cutter *cutter, const char *pointer)
{
	cutter->failed |= pointer == NULL;
	if (pointer == NULL || json_object_get(cutter->cuts, pointer) == NULL)
		return false;
	json_object_del(cutter->left, pointer);
	return true;
}

static bool
is_space(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* The attribute of this name in a start tag, with the space before it. */
static void
attribute_cut(
    struct cutter *cutter, const struct place *place, const char *name)
{
	const uint8_t *text = cutter->text.at;
	size_t pos = place->start, size = strlen(name);

	while (pos < place->tag_end && !is_space(text[pos]))
		pos++;
	while (pos < place->tag_end && is_space(text[pos])) {
		size_t from = pos, begin, end;

		while (is_space(text[pos]))
			pos++;
		begin = pos;
		while (pos < place->tag_end && text[pos] != '=' &&
		       !is_space(text[pos]))
			pos++;
		end = pos;
		while (pos < place->tag_end && text[pos] != '"' &&
		       text[pos] != '\'')
			pos++;
		if (pos >= place->tag_end)
			return;
		pos = (size_t)((const uint8_t *)memchr(text + pos + 1,
				   text[pos], place->tag_end - pos - 1) -
			       text) +
		      1;
		if (end - begin == size &&
		    memcmp(text + begin, name, size) == 0)
			cut(cutter, from, pos);
	}
}

/* ---- the tree ---- */

/* "name", or "{ns}name" outside the namespace that needs none. */
static void
name_add(
    const xmlNs *ns, const xmlNs *none, const xmlChar *name, struct buf *out)
{
	const xmlChar *uri = ns ? ns->href : NULL;

	if (!xmlStrEqual(uri, none ? none->href : NULL))
		buf_printf(out, "{%s}", uri ? (const char *)uri : "");
	buf_add_text(out, (const char *)name);
}

static void
attributes_look(
    struct cutter *cutter, const xmlNode *element, const struct place *place)
{
	for (const xmlAttr *one = element->properties; one; one = one->next) {
		size_t back = cutter->pointer.size;
		struct buf name;

		buf_init(&name, 64 * KIB);
		buf_add_byte(&name, '@');
		name_add(one->ns, NULL, one->name, &name);
		if (buf_text(&name) != NULL)
			json_pointer_add(&cutter->pointer, buf_text(&name));
		if (is_cut(cutter, buf_text(&cutter->pointer))) {
			buf_reset(&name);
			if (one->ns != NULL && one->ns->prefix != NULL)
				buf_printf(&name,
				    "%s:", (const char *)one->ns->prefix);
			buf_add_text(&name, (const char *)one->name);
			attribute_cut(cutter, place, buf_text(&name));
		}
		cutter->pointer.size = back;
		buf_clear(&name);
	}
}

static void element_look(struct cutter *cutter, const xmlNode *element);

/* One element under its name; seen counts those of each name. */
static void
child_look(struct cutter *cutter, const xmlNode *element, const char *name,
    const json_t *all, json_t *seen)
{
	size_t pointer = cutter->pointer.size, names = cutter->names.size;
	json_int_t index = json_integer_value(json_object_get(seen, name));
	bool list = json_integer_value(json_object_get(all, name)) > 1;
	const char *path;
	bool gone;

	json_object_set_new(seen, name, json_integer(index + 1));
	buf_add_byte(&cutter->names, '/');
	buf_add_text(&cutter->names, name);
	path = buf_text(&cutter->names);
	for (size_t i = 0; path && cutter->lists[i]; i++)
		list |= strcmp(cutter->lists[i], path) == 0;
	json_pointer_add(&cutter->pointer, name);
	gone = is_cut(cutter, buf_text(&cutter->pointer));
	if (list) {
		json_pointer_add_index(&cutter->pointer, (size_t)index);
		gone |= is_cut(cutter, buf_text(&cutter->pointer));
	}
	if (gone)
		cut(cutter, cutter->places[cutter->next].start,
		    cutter->places[cutter->next].end);
	element_look(cutter, element);
	cutter->pointer.size = pointer;
	cutter->names.size = names;
}

/* What is in an element, in the order of the text. */
static void
element_look(struct cutter *cutter, const xmlNode *element)
{
	json_t *all = json_object(), *seen = json_object();

	attributes_look(cutter, element, &cutter->places[cutter->next++]);
	for (int look = 0; look < 2; look++) {
		for (const xmlNode *one = element->children; one;
		     one = one->next) {
			struct buf name;

			if (one->type != XML_ELEMENT_NODE)
				continue;
			buf_init(&name, 64 * KIB);
			name_add(one->ns, cutter->root->ns, one->name, &name);
			const char *text = buf_text(&name);
			cutter->failed |= text == NULL;
			if (text != NULL && look == 0)
				json_object_set_new(all, text,
				    json_integer(
					json_integer_value(
					    json_object_get(all, text)) +
					1));
			else if (text != NULL)
				child_look(cutter, one, text, all, seen);
			buf_clear(&name);
		}
	}
	json_decref(all);
	json_decref(seen);
}

static int
text_cut(struct cutter *cutter, struct why *why)
{
	/* a tag has three octets at the least */
	size_t most = cutter->text.size / 3 + 1;
	size_t *open = calloc(most, sizeof(open[0]));
	int ret = 0;

	cutter->places = calloc(most, sizeof(cutter->places[0]));
	cutter->left = json_deep_copy(cutter->cuts);
	if (open == NULL || cutter->places == NULL || cutter->left == NULL)
		ret = why_set(why, WHY_NOMEM, "no memory to cut XML");
	else if (!places_find(cutter, open))
		ret = why_set(why, WHY_BUG, "tags that do not pair");
	if (ret == 0) {
		element_look(cutter, cutter->root);
		cut(cutter, cutter->text.size, cutter->text.size);
	}
	if (ret == 0 && (cutter->failed || !buf_ok(cutter->out)))
		ret = why_set(why, WHY_NOMEM, "no memory to cut XML");
	if (ret == 0 && json_object_size(cutter->left) > 0)
		ret = why_set(why, WHY_INVALID,
		    "only elements below the first and attributes can be "
		    "taken out");
	free(open);
	free(cutter->places);
	json_decref(cutter->left);
	return ret;
}

int
xml_text_cut(struct span text, const struct xml_bounds *bounds,
    const char *const *lists, const json_t *cuts, struct buf *out,
    struct why *why)
{
	struct cutter cutter = {
	    .text = text, .lists = lists, .cuts = cuts, .out = out};
	struct xml_document *document;
	int ret = xml_text_read(text, bounds, &document, why);

	if (ret < 0)
		return ret;
	cutter.root = document->root;
	buf_init(&cutter.pointer, 64 * KIB);
	buf_init(&cutter.names, 64 * KIB);
	ret = text_cut(&cutter, why);
	buf_wipe(&cutter.pointer);
	buf_wipe(&cutter.names);
	xml_document_free(document);
	return ret;
}
