/*
 * How a grid stands on a screen and on paper: with its words whole where they
 * fit side by side, so that no date is cut in two; else they may be broken
 * anywhere, so that nothing runs off the paper.
 */
#include "formats/document_priv.h"
#include "formats/xhtml_priv.h"

#include <string.h>

/* What a line of a grid holds, on A4 and in the width that a screen is given,
 * in octets, of which a character has one or more; a column takes room of
 * about one more beside its longest word. */
#define LINE_OCTETS 80

struct word {
	size_t now; /* octets of the word that is being read */
	size_t longest;
	bool whole; /* a number with its unit is one word */
};

static void
word_end(struct word *word)
{
	if (word->now > word->longest)
		word->longest = word->now;
	word->now = 0;
}

static void
word_add(struct word *word, const char *text)
{
	while (*text != '\0') {
		size_t part = word->whole ? strlen(text) : strcspn(text, " ");
		word->now += part;
		text += part;
		if (*text == '\0')
			return;
		word_end(word);
		text++;
	}
}

static void
measure(cmark_node *node, struct word *word)
{
	for (cmark_node *at = cmark_node_first_child(node); at != NULL;
	     at = cmark_node_next(at)) {
		const char *text = cmark_node_get_literal(at);
		int type = (int)cmark_node_get_type(at);
		if (text != NULL)
			word_add(word, text);
		else
			measure(at, word);
		if (type == CMARK_NODE_LINEBREAK ||
		    type == CMARK_NODE_PARAGRAPH)
			word_end(word);
	}
}

/* The longest word of a column in octets, or more than a line. */
static size_t
column_needs(cmark_node *grid, size_t column, bool numbers)
{
	struct word word = {.whole = numbers};
	for (cmark_node *row = cmark_node_first_child(grid);
	     row != NULL && word.longest <= LINE_OCTETS;
	     row = cmark_node_next(row)) {
		cmark_node *cell = cmark_node_first_child(row);
		for (size_t i = 0; cell != NULL && i < column; i++)
			cell = cmark_node_next(cell);
		if (cell != NULL)
			measure(cell, &word);
		word_end(&word);
	}
	return word.longest;
}

bool
xhtml_grid_has_room(cmark_node *grid, uint32_t numbers)
{
	size_t needs = 0;
	size_t column = 0;
	for (cmark_node *head =
		 cmark_node_first_child(cmark_node_first_child(grid));
	     head != NULL && needs <= LINE_OCTETS;
	     head = cmark_node_next(head), column++, numbers >>= 1)
		needs += column_needs(grid, column, (numbers & 1) != 0) + 1;
	return needs <= LINE_OCTETS;
}
