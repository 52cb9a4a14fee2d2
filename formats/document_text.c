/* What the writers ask of a tree's text: direction, plain text, languages. */
#include "formats/document_priv.h"

#include "base/text.h"

#include <ctype.h>
#include <fribidi/fribidi.h>
#include <string.h>

bool
code_point_is_rtl(uint32_t code_point)
{
	return code_point >= 0x590 &&
	       FRIBIDI_IS_RTL(fribidi_get_bidi_type(code_point));
}

/* 1 right to left, 0 left to right, -1 no letter with a direction. */
static int
text_direction(struct span text)
{
	for (size_t pos = 0; pos < text.size;) {
		FriBidiCharType type =
		    fribidi_get_bidi_type(utf8_next(text, &pos));
		if (FRIBIDI_IS_LETTER(type))
			return FRIBIDI_IS_RTL(type) ? 1 : 0;
	}
	return -1;
}

/* The same below a node; no memory to look counts as no letter. */
static int
node_direction(cmark_node *node)
{
	int found = -1;
	cmark_iter *iter = cmark_iter_new(node);
	if (iter == NULL)
		return -1;
	while (found < 0) {
		cmark_event_type event = cmark_iter_next(iter);
		if (event == CMARK_EVENT_DONE)
			break;
		cmark_node *at = cmark_iter_get_node(iter);
		cmark_node_type type = cmark_node_get_type(at);
		if (event == CMARK_EVENT_ENTER &&
		    (type == CMARK_NODE_TEXT || type == CMARK_NODE_CODE))
			found = text_direction(
			    span_text(cmark_node_get_literal(at)));
	}
	cmark_iter_free(iter);
	return found;
}

bool
document_node_is_rtl(cmark_node *node)
{
	return node_direction(node) == 1;
}

bool
document_node_has_letters(cmark_node *node)
{
	return node_direction(node) >= 0;
}

size_t
document_node_text_size(cmark_node *node, size_t enough)
{
	size_t size = 0;
	cmark_iter *iter = cmark_iter_new(node);
	while (iter != NULL && size < enough &&
	       cmark_iter_next(iter) != CMARK_EVENT_DONE) {
		cmark_node *at = cmark_iter_get_node(iter);
		const char *text = cmark_node_get_literal(at);
		for (; text != NULL && *text != '\0' && size < enough; text++)
			size += (*text & 0xC0) != 0x80;
	}
	if (iter != NULL)
		cmark_iter_free(iter);
	return size;
}

cmark_node *
document_node_lone_paragraph(cmark_node *node)
{
	cmark_node *child = cmark_node_first_child(node);
	if (child != NULL && cmark_node_next(child) == NULL &&
	    cmark_node_get_type(child) == CMARK_NODE_PARAGRAPH)
		return child;
	return NULL;
}

/* The shape of RFC 5646 section 2.1, not its registry: a primary subtag of 2-8
 * letters, then subtags of 1-8 letters or digits. */
bool
language_valid(const char *language)
{
	size_t part = 0;
	bool first = true;
	if (strlen(language) >= LANGUAGE_SIZE)
		return false;
	for (const char *at = language;; at++) {
		if (*at == '-' || *at == '\0') {
			if (part < (first ? 2u : 1u) || part > 8)
				return false;
			if (*at == '\0')
				return true;
			part = 0;
			first = false;
			continue;
		}
		unsigned char byte = (unsigned char)*at;
		if (byte >= 0x80 || !(first ? isalpha(byte) : isalnum(byte)))
			return false;
		part++;
	}
}

void
document_plain_text(const struct document *document, struct buf *out)
{
	cmark_iter *iter = cmark_iter_new(document->root);
	if (iter == NULL) {
		buf_room(out, SIZE_MAX);
		return;
	}
	cmark_event_type event;
	while ((event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
		cmark_node *at = cmark_iter_get_node(iter);
		cmark_node_type type = cmark_node_get_type(at);
		bool enter = event == CMARK_EVENT_ENTER;
		if (enter &&
		    (type == CMARK_NODE_TEXT || type == CMARK_NODE_CODE))
			buf_add_text(out, cmark_node_get_literal(at));
		else if (type == CMARK_NODE_LINEBREAK)
			buf_add_byte(out, '\n');
		else if (!enter && type < CMARK_NODE_FIRST_INLINE &&
			 out->size > 0 && out->at[out->size - 1] != '\n')
			buf_add_byte(out, '\n');
	}
	cmark_iter_free(iter);
}
