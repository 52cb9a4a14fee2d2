/*
 * A document tree as CommonMark; see commonmark.h.
 *
 * SECURITY: the texts are a sender's. cmark's own writer does not keep them
 * apart from markup (a text that begins with ~~~ comes back as a block of
 * code), so this one has its own rule: what may be markup anywhere is escaped
 * anywhere, what may be it where a line begins is escaped there, and no line
 * begins but here.
 */
#include "formats/commonmark.h"

#include "base/text.h"
#include "formats/document_priv.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unictype.h>

/* Two for a list or quote, and a list of cells in a grid adds one more. */
#define INDENT_MAX (DOCUMENT_DEPTH_MAX * 12)

/* Where in its line a text goes on. */
enum position {
	LINE_START,
	LINE_NUMBER, /* after digits only: a dot would make it a list */
	LINE_INSIDE,
};

struct writer {
	struct buf *out;
	char indent[INDENT_MAX]; /* of what is around, before each line */
	size_t indent_size;
	enum position position;
	size_t start;    /* of what was written here */
	bool heading;    /* it is one line, whatever is in it */
	bool broken;     /* a line ends here, if anything follows */
	bool fresh;      /* a marker was written: the block goes on behind it */
	bool after_list; /* the last block was one */
	bool second;     /* and had the second kind of marker */
};

static void write_block(struct writer *writer, cmark_node *node);
static void write_inlines(struct writer *writer, cmark_node *parent);

/* ---- lines ---- */

static void
put(struct writer *writer, const char *text)
{
	buf_add_text(writer->out, text);
}

static void
put_indent(struct writer *writer)
{
	buf_add(writer->out, writer->indent, writer->indent_size);
}

static void
put_blank_line(struct writer *writer)
{
	size_t size = writer->indent_size;

	while (size > 0 && writer->indent[size - 1] == ' ')
		size--;
	buf_add(writer->out, writer->indent, size);
	put(writer, "\n");
}

/* Right behind a marker it goes on in its line; else apart: a blank line is
 * before it. */
static void
begin_block(struct writer *writer, bool apart)
{
	if (!writer->fresh) {
		if (apart && writer->out->size > writer->start)
			put_blank_line(writer);
		put_indent(writer);
	}
	writer->fresh = false;
	writer->broken = false;
	writer->after_list = false;
	writer->position = LINE_START;
}

/* A line is broken when something follows: at the end of a block the sign for
 * it would be read as text. */
static void
break_line(struct writer *writer)
{
	if (writer->heading) {
		put(writer, " ");
		return;
	}
	writer->broken |= writer->position != LINE_START;
	writer->position = LINE_START;
}

static void
go_on(struct writer *writer)
{
	if (!writer->broken)
		return;
	put(writer, "\\\n");
	put_indent(writer);
	writer->broken = false;
}

static void
put_mark(struct writer *writer, const char *mark)
{
	go_on(writer);
	put(writer, mark);
	writer->position = LINE_INSIDE;
}

/* Write a marker; what follows stands under it until leave(). Returns what
 * leave() wants. */
static size_t
enter(struct writer *writer, const char *marker, const char *indent, bool apart)
{
	size_t back = writer->indent_size;
	size_t size = strlen(indent);

	begin_block(writer, apart);
	put(writer, marker);
	if (size < INDENT_MAX - back) {
		memcpy(writer->indent + back, indent, size);
		writer->indent_size += size;
	}
	writer->fresh = true;
	return back;
}

/* An item without anything in it still ends its line. */
static void
leave(struct writer *writer, size_t back)
{
	if (writer->fresh)
		put(writer, "\n");
	writer->fresh = false;
	writer->after_list = false;
	writer->indent_size = back;
}

/* ---- texts ---- */

static bool
is_markup(const struct writer *writer, char byte)
{
	if (byte != '\0' && strchr("\\`*_[]<>&#~!", byte) != NULL)
		return true;
	switch (writer->position) {
	case LINE_START:
		return byte == '-' || byte == '+' || byte == '=';
	case LINE_NUMBER:
		return byte == '.' || byte == ')';
	case LINE_INSIDE:
		break;
	}
	return false;
}

/* Spaces where a line begins would be lost, or make a block of code. */
static void
put_escaped(struct writer *writer, const char *text)
{
	for (; *text != '\0'; text++) {
		char byte = *text == '\n' ? ' ' : *text;
		bool digit = byte >= '0' && byte <= '9';

		if (byte == ' ' && writer->position == LINE_START)
			continue;
		go_on(writer);
		if (is_markup(writer, byte))
			buf_add_byte(writer->out, '\\');
		buf_add_byte(writer->out, (uint8_t)byte);
		writer->position = digit && writer->position != LINE_INSIDE
				       ? LINE_NUMBER
				       : LINE_INSIDE;
	}
}

/* Whether delimiters around the text are read as such: the rules of CommonMark
 * look at what stands at their inner sides. */
static bool
has_firm_ends(cmark_node *node)
{
	cmark_node *first = cmark_node_first_child(node);
	cmark_node *last = cmark_node_last_child(node);
	const char *begin = first ? cmark_node_get_literal(first) : NULL;
	const char *end = last ? cmark_node_get_literal(last) : NULL;

	return begin != NULL && end != NULL && end[0] != '\0' &&
	       isalnum((unsigned char)begin[0]) &&
	       isalnum((unsigned char)end[strlen(end) - 1]);
}

static void
write_styled(struct writer *writer, cmark_node *node, const char *mark)
{
	bool firm = has_firm_ends(node);

	if (firm)
		put_mark(writer, mark);
	write_inlines(writer, node);
	if (firm)
		put_mark(writer, mark);
}

static void
write_link(struct writer *writer, cmark_node *node)
{
	put_mark(writer, "[");
	write_inlines(writer, node);
	put_mark(writer, "](<");
	put_escaped(writer, cmark_node_get_url(node));
	put(writer, ">)");
}

static void
write_inline(struct writer *writer, cmark_node *node)
{
	switch ((int)cmark_node_get_type(node)) {
	case CMARK_NODE_TEXT:
	case CMARK_NODE_CODE:
		put_escaped(writer, cmark_node_get_literal(node));
		break;
	case CMARK_NODE_LINEBREAK:
		break_line(writer);
		break;
	case CMARK_NODE_EMPH:
		write_styled(writer, node, "*");
		break;
	case CMARK_NODE_STRONG:
		write_styled(writer, node, "**");
		break;
	case CMARK_NODE_LINK:
		write_link(writer, node);
		break;
	default: /* struck through: no sign of CommonMark, but people know it */
		put_mark(writer, "~~");
		write_inlines(writer, node);
		put_mark(writer, "~~");
	}
}

static void
write_inlines(struct writer *writer, cmark_node *parent)
{
	for (cmark_node *child = cmark_node_first_child(parent); child != NULL;
	     child = cmark_node_next(child))
		write_inline(writer, child);
}

/* ---- lists and tables ---- */

static void
write_blocks(struct writer *writer, cmark_node *parent)
{
	for (cmark_node *child = cmark_node_first_child(parent); child != NULL;
	     child = cmark_node_next(child))
		write_block(writer, child);
}

/* Lists that follow each other are told apart by their markers. */
static bool
is_second(const struct writer *writer)
{
	return writer->after_list && !writer->second;
}

static void
end_list(struct writer *writer, bool second)
{
	writer->after_list = true;
	writer->second = second;
}

static void
write_list(struct writer *writer, cmark_node *list)
{
	bool ordered = cmark_node_get_list_type(list) == CMARK_ORDERED_LIST;
	int number = cmark_node_get_list_start(list);
	bool second = is_second(writer);
	char marker[16], indent[16];

	for (cmark_node *item = cmark_node_first_child(list); item != NULL;
	     item = cmark_node_next(item), number++) {
		int size = ordered ? snprintf(marker, sizeof(marker), "%d%c ",
					 number, second ? ')' : '.')
				   : snprintf(marker, sizeof(marker), "%c ",
					 second ? '-' : '*');
		snprintf(indent, sizeof(indent), "%*s", size, "");
		size_t back = enter(writer, marker, indent,
		    item == cmark_node_first_child(list));

		write_blocks(writer, item);
		leave(writer, back);
	}
	end_list(writer, second);
}

/* Behind a wide or unbreakable space no delimiter opens. */
static bool
begins_with_space(cmark_node *name)
{
	cmark_node *text = cmark_node_first_child(name);
	struct span all = span_text(cmark_node_get_literal(text));
	size_t pos = 0;

	while (pos < all.size && all.at[pos] == ' ')
		pos++;
	return pos < all.size &&
	       uc_is_property_white_space(utf8_next(all, &pos));
}

static void
write_name(struct writer *writer, cmark_node *name)
{
	const char *mark = begins_with_space(name) ? "" : "**";

	put(writer, mark);
	write_inlines(writer, name);
	put(writer, ":");
	put(writer, mark);
}

/* "**Name:** value" as an item; what else the cell holds stands below. */
static void
write_named(struct writer *writer, cmark_node *name, cmark_node *cell,
    const char *marker, bool apart)
{
	cmark_node *block = cmark_node_first_child(cell);
	size_t back = enter(writer, marker, "  ", apart);

	if (cmark_node_first_child(name) != NULL) {
		begin_block(writer, false);
		write_name(writer, name);
		if (block != NULL &&
		    cmark_node_get_type(block) == CMARK_NODE_PARAGRAPH) {
			put(writer, " ");
			writer->position = LINE_INSIDE;
			write_inlines(writer, block);
			block = cmark_node_next(block);
		}
		put(writer, "\n");
	}
	for (; block != NULL; block = cmark_node_next(block))
		write_block(writer, block);
	leave(writer, back);
}

static void
write_table(struct writer *writer, cmark_node *table)
{
	bool second = is_second(writer);

	for (cmark_node *row = cmark_node_first_child(table); row != NULL;
	     row = cmark_node_next(row)) {
		cmark_node *name = cmark_node_first_child(row);

		write_named(writer, name, cmark_node_next(name),
		    second ? "- " : "* ", row == cmark_node_first_child(table));
	}
	end_list(writer, second);
}

/* An item for each row, in it one for each cell under its column's name. */
static void
write_grid(struct writer *writer, cmark_node *grid)
{
	cmark_node *heads = cmark_node_first_child(grid);
	bool second = is_second(writer);

	for (cmark_node *row = cmark_node_next(heads); row != NULL;
	     row = cmark_node_next(row)) {
		size_t back = enter(writer, second ? "- " : "* ", "  ",
		    row == cmark_node_next(heads));
		cmark_node *name = cmark_node_first_child(heads);

		for (cmark_node *cell = cmark_node_first_child(row);
		     cell != NULL; cell = cmark_node_next(cell)) {
			write_named(writer, name, cell, "* ", false);
			name = cmark_node_next(name);
		}
		leave(writer, back);
	}
	end_list(writer, second);
}

/* ---- blocks ---- */

static void
write_heading(struct writer *writer, cmark_node *node)
{
	static const char *const marks[] = {
	    "# ", "## ", "### ", "#### ", "##### ", "###### "};

	begin_block(writer, true);
	put(writer, marks[cmark_node_get_heading_level(node) - 1]);
	writer->position = LINE_INSIDE;
	writer->heading = true;
	write_inlines(writer, node);
	writer->heading = false;
	put(writer, "\n");
}

static void
write_custom(struct writer *writer, cmark_node *node)
{
	const struct document_facts *facts = document_node_facts(node);

	switch ((int)facts->kind) {
	case DOCUMENT_TABLE:
		write_table(writer, node);
		break;
	case DOCUMENT_GRID:
		write_grid(writer, node);
		break;
	case DOCUMENT_FIGURE:
		begin_block(writer, true);
		put_escaped(writer, facts->alternative);
		put(writer, "\n");
		break;
	default:
		write_blocks(writer, node);
	}
}

static void
write_block(struct writer *writer, cmark_node *node)
{
	size_t back;

	switch ((int)cmark_node_get_type(node)) {
	case CMARK_NODE_HEADING:
		write_heading(writer, node);
		break;
	case CMARK_NODE_PARAGRAPH:
		begin_block(writer, true);
		write_inlines(writer, node);
		put(writer, "\n");
		break;
	case CMARK_NODE_LIST:
		write_list(writer, node);
		break;
	case CMARK_NODE_BLOCK_QUOTE:
		back = enter(writer, "> ", "> ", true);
		write_blocks(writer, node);
		leave(writer, back);
		break;
	case CMARK_NODE_THEMATIC_BREAK:
		begin_block(writer, true);
		put(writer, "___\n");
		break;
	default:
		write_custom(writer, node);
	}
}

int
commonmark_build(
    const struct document *document, struct buf *out, struct why *why)
{
	struct writer writer = {.out = out, .start = out->size};

	if (document_ok(document, why) != 0)
		return document->error.code;
	write_blocks(&writer, document->root);
	if (document->footer != NULL) {
		begin_block(&writer, true);
		put(&writer, "___\n");
		begin_block(&writer, true);
		put_escaped(&writer, document->footer);
		put(&writer, "\n");
	}
	if (!buf_ok(out))
		return why_set(why, WHY_TOO_LARGE,
		    "CommonMark over limit document_bytes, or no memory");
	return 0;
}
