/*
 * A document tree as XHTML; see xhtml.h.
 *
 * SECURITY: the texts are a sender's. They are UTF-8 without controls (the
 * tree sees to it) and everything that is markup is escaped here; nothing in
 * the file can run or be fetched, and it says so to the reader's program.
 */
#include "formats/xhtml.h"

#include "base/text.h"
#include "formats/document_priv.h"
#include "formats/xhtml_priv.h"

#include <string.h>

struct writer {
	struct buf *out;
	bool rtl; /* direction of what is around */
};

static void
put(struct writer *writer, const char *text)
{
	buf_add_text(writer->out, text);
}

static void
put_escaped(struct writer *writer, const char *text)
{
	for (;;) {
		size_t plain = strcspn(text, "&<>\"");
		buf_add(writer->out, text, plain);
		text += plain;
		if (*text == '\0')
			return;
		put(writer, *text == '&'   ? "&amp;"
			    : *text == '<' ? "&lt;"
			    : *text == '>' ? "&gt;"
					   : "&quot;");
		text++;
	}
}

static void write_children(struct writer *writer, cmark_node *node);

/* An element with content; facing, when not NULL, is the text whose first
 * letter says in which direction all is read. Text without a letter keeps its
 * own order: the groups of a telephone number must not swap places. */
static void
write_directed(struct writer *writer, const char *name, const char *more,
    cmark_node *facing, cmark_node *content)
{
	bool around = writer->rtl;
	bool letters = facing != NULL && document_node_has_letters(facing);
	bool isolate = facing != NULL && !letters && around;
	if (letters)
		writer->rtl = document_node_is_rtl(facing);
	put(writer, "<");
	put(writer, name);
	put(writer, more);
	if (writer->rtl != around)
		put(writer, writer->rtl ? " dir=\"rtl\"" : " dir=\"ltr\"");
	put(writer, isolate ? "><bdi dir=\"ltr\">" : ">");
	write_children(writer, content);
	put(writer, isolate ? "</bdi></" : "</");
	put(writer, name);
	put(writer, ">");
	writer->rtl = around;
}

static void
write_section(
    struct writer *writer, cmark_node *node, const struct document_facts *facts)
{
	bool around = writer->rtl;
	put(writer, "<div");
	if (facts->language[0] != '\0') {
		put(writer, " lang=\"");
		put(writer, facts->language);
		put(writer, "\" xml:lang=\"");
		put(writer, facts->language);
		put(writer, "\"");
	}
	if (facts->direction != DOCUMENT_AUTO) {
		writer->rtl = facts->direction == DOCUMENT_RTL;
		put(writer, writer->rtl ? " dir=\"rtl\"" : " dir=\"ltr\"");
	}
	put(writer, ">\n");
	write_children(writer, node);
	put(writer, "</div>\n");
	writer->rtl = around;
}

static void
write_figure(struct writer *writer, const struct document_facts *facts)
{
	struct buf png;
	buf_init(&png, writer->out->max);
	png_build(&facts->picture, &png);
	buf_printf(writer->out, "<figure><img style=\"width:%umm\" alt=\"",
	    facts->picture.width_mm);
	put_escaped(writer, facts->alternative);
	put(writer, "\" src=\"data:image/png;base64,");
	if (buf_ok(&png))
		base64_build(writer->out, buf_span(&png));
	else
		buf_room(writer->out, SIZE_MAX);
	put(writer, "\"/></figure>\n");
	buf_clear(&png);
}

/* A cell or an item: a paragraph that is alone needs no element of its own. */
static void
write_holder(
    struct writer *writer, const char *name, const char *more, cmark_node *node)
{
	cmark_node *lone = document_node_lone_paragraph(node);
	if (lone != NULL)
		write_directed(writer, name, more, lone, lone);
	else
		write_directed(writer, name, more, NULL, node);
}

static void
write_grid_row(struct writer *writer, cmark_node *row, uint32_t numbers)
{
	for (cmark_node *cell = cmark_node_first_child(row); cell != NULL;
	     cell = cmark_node_next(cell)) {
		const char *class = (numbers & 1) != 0 ? " class=\"n\"" : "";
		numbers >>= 1;
		if (document_node_kind(cell) == DOCUMENT_COLUMN_HEAD)
			write_directed(writer, "th",
			    class[0] != '\0' ? " scope=\"col\" class=\"n\""
					     : " scope=\"col\"",
			    cell, cell);
		else
			write_holder(writer, "td", class, cell);
	}
}

/* Column headers stand in a thead, so that paper repeats them. What keeps its
 * words whole is moved sideways on a telephone. */
static void
write_grid(struct writer *writer, cmark_node *grid)
{
	const struct document_facts *facts = document_node_facts(grid);
	cmark_node *row = cmark_node_first_child(grid);
	bool roomy = xhtml_grid_has_room(grid, facts->numbers);
	/* who has no mouse moves it with the arrow keys */
	put(writer, roomy ? "<div class=\"g\" tabindex=\"0\">" : "");
	put(writer, "<table>\n<thead><tr>");
	write_grid_row(writer, row, facts->numbers);
	put(writer, "</tr></thead>\n<tbody>\n");
	while ((row = cmark_node_next(row)) != NULL) {
		put(writer, "<tr>");
		write_grid_row(writer, row, facts->numbers);
		put(writer, "</tr>\n");
	}
	put(writer, roomy ? "</tbody></table></div>\n" : "</tbody></table>\n");
}

static void
write_custom(struct writer *writer, cmark_node *node)
{
	const struct document_facts *facts = document_node_facts(node);
	switch (facts->kind) {
	case DOCUMENT_TABLE:
		put(writer, "<table><tbody>\n");
		write_children(writer, node);
		put(writer, "</tbody></table>\n");
		break;
	case DOCUMENT_GRID:
		write_grid(writer, node);
		break;
	case DOCUMENT_ROW:
		put(writer, "<tr>");
		write_children(writer, node);
		put(writer, "</tr>\n");
		break;
	case DOCUMENT_ROW_HEAD:
		write_directed(writer, "th", " scope=\"row\"", node, node);
		break;
	case DOCUMENT_COLUMN_HEAD:
		write_directed(writer, "th", " scope=\"col\"", node, node);
		break;
	case DOCUMENT_CELL:
		write_holder(writer, "td", "", node);
		break;
	case DOCUMENT_SECTION:
		write_section(writer, node, facts);
		break;
	case DOCUMENT_FIGURE:
		write_figure(writer, facts);
		break;
	case DOCUMENT_STRUCK_TEXT:
		write_directed(writer, "s", "", NULL, node);
		break;
	case DOCUMENT_PLAIN:
		break;
	}
}

static void
write_list(struct writer *writer, cmark_node *list)
{
	bool ordered = cmark_node_get_list_type(list) == CMARK_ORDERED_LIST;
	int start = cmark_node_get_list_start(list);
	if (ordered && start != 1)
		buf_printf(writer->out, "<ol start=\"%d\">\n", start);
	else
		put(writer, ordered ? "<ol>\n" : "<ul>\n");
	write_children(writer, list);
	put(writer, ordered ? "</ol>\n" : "</ul>\n");
}

static void
write_inline(struct writer *writer, cmark_node *node)
{
	switch ((int)cmark_node_get_type(node)) {
	case CMARK_NODE_TEXT:
		put_escaped(writer, cmark_node_get_literal(node));
		break;
	case CMARK_NODE_CODE:
		put(writer, "<code>");
		put_escaped(writer, cmark_node_get_literal(node));
		put(writer, "</code>");
		break;
	case CMARK_NODE_LINEBREAK:
		put(writer, "<br/>\n");
		break;
	case CMARK_NODE_EMPH:
		write_directed(writer, "em", "", NULL, node);
		break;
	case CMARK_NODE_STRONG:
		write_directed(writer, "strong", "", NULL, node);
		break;
	case CMARK_NODE_LINK:
		put(writer, "<a href=\"");
		put_escaped(writer, cmark_node_get_url(node));
		put(writer, "\">");
		write_children(writer, node);
		put(writer, "</a>");
		break;
	default:
		break;
	}
}

static void
write_node(struct writer *writer, cmark_node *node)
{
	static const char *const heads[] = {"h1", "h2", "h3", "h4", "h5", "h6"};
	switch ((int)cmark_node_get_type(node)) {
	case CMARK_NODE_HEADING:
		write_directed(writer,
		    heads[cmark_node_get_heading_level(node) - 1], "", node,
		    node);
		put(writer, "\n");
		break;
	case CMARK_NODE_PARAGRAPH:
		write_directed(writer, "p", "", node, node);
		put(writer, "\n");
		break;
	case CMARK_NODE_LIST:
		write_list(writer, node);
		break;
	case CMARK_NODE_ITEM:
		write_holder(writer, "li", "", node);
		put(writer, "\n");
		break;
	case CMARK_NODE_BLOCK_QUOTE:
		put(writer, "<blockquote>\n");
		write_children(writer, node);
		put(writer, "</blockquote>\n");
		break;
	case CMARK_NODE_THEMATIC_BREAK:
		put(writer, "<hr/>\n");
		break;
	case CMARK_NODE_CUSTOM_BLOCK:
	case CMARK_NODE_CUSTOM_INLINE:
		write_custom(writer, node);
		break;
	default:
		write_inline(writer, node);
		break;
	}
}

static void
write_children(struct writer *writer, cmark_node *node)
{
	for (cmark_node *child = cmark_node_first_child(node); child != NULL;
	     child = cmark_node_next(child))
		write_node(writer, child);
}

static void
write_head(struct writer *writer, const struct document *document)
{
	char time[TIME_TEXT_SIZE];
	time_build(time, document->created_ms);
	buf_printf(writer->out,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE html>\n"
	    "<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"%s\" "
	    "xml:lang=\"%s\" dir=\"ltr\">\n<head>\n<meta charset=\"UTF-8\"/>\n",
	    document->language, document->language);
	put(writer, "<meta http-equiv=\"Content-Security-Policy\" "
		    "content=\"default-src 'none'; style-src 'unsafe-inline'; "
		    "img-src data:\"/>\n"
		    "<meta name=\"viewport\" "
		    "content=\"width=device-width, initial-scale=1\"/>\n");
	if (document->author != NULL) {
		put(writer, "<meta name=\"author\" content=\"");
		put_escaped(writer, document->author);
		put(writer, "\"/>\n");
	}
	buf_printf(writer->out,
	    "<meta name=\"dcterms.created\" content=\"%s\"/>\n<title>", time);
	put_escaped(writer, document->title);
	put(writer, "</title>\n<style>");
	put(writer, XHTML_STYLE);
	put(writer, "</style>\n</head>\n<body>\n<main>\n");
}

int
xhtml_build(const struct document *document, struct buf *out, struct why *why)
{
	if (document_ok(document, why) != 0)
		return document->error.code;
	struct writer writer = {.out = out};
	write_head(&writer, document);
	write_children(&writer, document->root);
	put(&writer, "</main>\n");
	if (document->footer != NULL) {
		put(&writer, "<footer>");
		put_escaped(&writer, document->footer);
		put(&writer, "</footer>\n");
	}
	put(&writer, "</body>\n</html>\n");
	if (!buf_ok(out))
		return why_set(why, WHY_TOO_LARGE,
		    "XHTML over limit document_bytes, or no memory");
	return 0;
}
