#include "tests/support/commonmark_check.h"

#include "formats/commonmark.h"
#include "formats/document_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ROOM (64u << 20)

struct reading {
	struct buf text; /* without ASCII spaces */
	int headings, links;
};

static void
add(struct reading *reading, const char *text)
{
	for (; *text != '\0'; text++)
		if (*text != ' ' && *text != '\n')
			buf_add_byte(&reading->text, (uint8_t)*text);
}

static void want(struct reading *reading, cmark_node *node);

static void
want_children(struct reading *reading, cmark_node *node)
{
	for (cmark_node *child = cmark_node_first_child(node); child != NULL;
	     child = cmark_node_next(child))
		want(reading, child);
}

static void
want_name(struct reading *reading, cmark_node *name)
{
	want_children(reading, name);
	if (cmark_node_first_child(name) != NULL)
		add(reading, ":");
}

static void
want_grid(struct reading *reading, cmark_node *grid)
{
	cmark_node *heads = cmark_node_first_child(grid);
	for (cmark_node *row = cmark_node_next(heads); row != NULL;
	     row = cmark_node_next(row)) {
		cmark_node *name = cmark_node_first_child(heads);
		for (cmark_node *cell = cmark_node_first_child(row);
		     cell != NULL; cell = cmark_node_next(cell)) {
			want_name(reading, name);
			want_children(reading, cell);
			name = cmark_node_next(name);
		}
	}
}

/* What the tree says a reader is to find. */
static void
want(struct reading *reading, cmark_node *node)
{
	cmark_node_type type = cmark_node_get_type(node);
	enum document_kind kind = document_node_kind(node);
	reading->headings += type == CMARK_NODE_HEADING;
	reading->links += type == CMARK_NODE_LINK;
	if (type == CMARK_NODE_TEXT || type == CMARK_NODE_CODE)
		add(reading, cmark_node_get_literal(node));
	if (kind == DOCUMENT_FIGURE)
		add(reading, document_node_facts(node)->alternative);
	if (kind == DOCUMENT_STRUCK_TEXT)
		add(reading, "~~");
	if (kind == DOCUMENT_ROW_HEAD)
		want_name(reading, node);
	else if (kind == DOCUMENT_GRID)
		want_grid(reading, node);
	else
		want_children(reading, node);
	if (kind == DOCUMENT_STRUCK_TEXT)
		add(reading, "~~");
}

static void
read_back(struct reading *reading, struct buf *text)
{
	cmark_node *root =
	    cmark_parse_document(buf_text(text), text->size, CMARK_OPT_DEFAULT);
	cmark_iter *iter = cmark_iter_new(root);
	while (cmark_iter_next(iter) != CMARK_EVENT_DONE) {
		cmark_node *node = cmark_iter_get_node(iter);
		cmark_node_type type = cmark_node_get_type(node);
		if (type == CMARK_NODE_HTML_BLOCK ||
		    type == CMARK_NODE_HTML_INLINE ||
		    type == CMARK_NODE_CODE_BLOCK || type == CMARK_NODE_CODE ||
		    type == CMARK_NODE_IMAGE)
			fail_msg("a %s in\n%s",
			    cmark_node_get_type_string(node), buf_text(text));
		/* headings and links are entered and left, texts entered */
		reading->headings += type == CMARK_NODE_HEADING;
		reading->links += type == CMARK_NODE_LINK;
		if (type == CMARK_NODE_TEXT)
			add(reading, cmark_node_get_literal(node));
	}
	reading->headings /= 2;
	reading->links /= 2;
	cmark_iter_free(iter);
	cmark_node_free(root);
}

void
commonmark_check(const struct document *document)
{
	struct reading wanted = {0}, found = {0};
	struct why why = {0};
	struct buf text;
	buf_init(&text, ROOM);
	buf_init(&wanted.text, ROOM);
	buf_init(&found.text, ROOM);
	if (commonmark_build(document, &text, &why) != 0)
		fail_msg("%s", why.text);
	want_children(&wanted, document->root);
	if (document->footer != NULL)
		add(&wanted, document->footer);
	read_back(&found, &text);
	size_t same = 0;
	while (same < wanted.text.size && same < found.text.size &&
	       wanted.text.at[same] == found.text.at[same])
		same++;
	if (same < wanted.text.size || same < found.text.size)
		fail_msg("from byte %zu on, wanted \"%.60s\", found \"%.60s\" "
			 "in\n%s",
		    same, buf_text(&wanted.text) + same,
		    buf_text(&found.text) + same, buf_text(&text));
	assert_int_equal(found.headings, wanted.headings);
	assert_int_equal(found.links, wanted.links);
	buf_clear(&text);
	buf_clear(&wanted.text);
	buf_clear(&found.text);
}
