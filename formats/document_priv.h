/*
 * document_priv - the document tree as its writers see it: cmark nodes, and
 * facts for the kinds of node that CommonMark does not have. For document*.c,
 * xhtml*.c and pdf*.c.
 */
#pragma once

#include "formats/document.h"

#include <cmark.h>

/* Deeper trees are refused: the writers walk them by recursion. */
#define DOCUMENT_DEPTH_MAX 48
/* CommonMark nests as deep as its author likes: the rest is made flat. */
#define MARKDOWN_DEPTH_MAX 12

#define LANGUAGE_SIZE 36 /* RFC 5646 section 4.4.1: 35 characters suffice */

/* What a custom node is; a plain cmark node is DOCUMENT_PLAIN. */
enum document_kind {
	DOCUMENT_PLAIN,
	DOCUMENT_TABLE,       /* of rows: ROW_HEAD and CELL */
	DOCUMENT_GRID,        /* of rows: COLUMN_HEADs, then CELLs */
	DOCUMENT_ROW,         /* in either */
	DOCUMENT_ROW_HEAD,    /* holds inlines */
	DOCUMENT_COLUMN_HEAD, /* holds inlines */
	DOCUMENT_CELL,        /* holds blocks */
	DOCUMENT_SECTION,     /* holds blocks */
	DOCUMENT_FIGURE,      /* empty */
	DOCUMENT_STRUCK_TEXT, /* holds inlines */
};

/* User data of a custom node; owned by the document, or common to all nodes of
 * a kind that has nothing of its own. */
struct document_facts {
	struct document_facts *next;
	enum document_kind kind;
	enum document_direction direction; /* of a section */
	char language[LANGUAGE_SIZE];      /* of a section; "" as outside */
	uint32_t columns;                  /* of a grid */
	uint32_t numbers; /* of a grid: its columns of numbers, a bit each */
	struct document_picture picture; /* of a figure; rgb is owned */
	char *alternative;               /* of a figure */
};

struct document {
	cmark_node *root;
	struct document_facts *facts;
	struct limits limits;
	char *title, *footer, *author; /* footer and author may be NULL */
	char language[LANGUAGE_SIZE];
	int64_t created_ms;
	size_t nodes, text_bytes;
	int last_level; /* of headings so far */
	struct why error;
	struct document_notes notes;
	struct buf scratch; /* text on its way in */
};

/* Facts of a custom node, NULL for a plain one. */
const struct document_facts *document_node_facts(cmark_node *node);
enum document_kind document_node_kind(cmark_node *node);

/* True when the first letter with a direction below node is a right-to-left
 * one (UAX #9 P2 without isolates): the direction of a text of its own. */
bool document_node_is_rtl(cmark_node *node);
bool document_node_has_letters(cmark_node *node); /* has it any */
bool code_point_is_rtl(uint32_t code_point); /* strong R or AL, or a digit of
						such a script */

/* Code points of text below a node, as far as enough. */
size_t document_node_text_size(cmark_node *node, size_t enough);

/* The paragraph when it is all that a cell or an item holds, else NULL. */
cmark_node *document_node_lone_paragraph(cmark_node *node);

bool language_valid(const char *language);
bool address_valid(struct span address);

/* Append text to out as a document may hold it. Breaks become LF (CR LF one,
 * U+2029 two) when breaks is true, else a space. */
void document_filter(struct document_notes *notes, struct span text,
    bool breaks, struct buf *out);

/* ---- for document_markdown.c ---- */

/* Add a plain or custom (kind) node; NULL when stuck. */
struct document_node *document_add(struct document *document,
    struct document_node *parent, cmark_node_type type,
    enum document_kind kind);
