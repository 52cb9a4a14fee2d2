/*
 * document - what the case worker reads, as a tree: headings, paragraphs,
 * tables, lists, links, language and direction. xhtml.h and pdf.h write it.
 *
 * The tree is built node by node and never from pasted markup, so no text can
 * become structure. Every text is filtered on its way in: UTF-8 is checked,
 * characters that an archival document cannot hold are replaced by U+FFFD or
 * dropped, and struct document_notes tells which. Line breaks in free text are
 * kept.
 *
 * Errors stick: after the first one every further call does nothing and
 * returns NULL, and NULL is taken as parent, so building reads straight down;
 * ask document_ok() once at the end.
 */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct document;
struct document_node; /* lent by its document, lives as long */

/* Facts about the whole. The texts are copied and filtered. Dates come from
 * the message and never from the clock: the same input gives the same bytes. */
struct document_meta {
	const char *title;    /* not empty */
	const char *language; /* BCP 47, e.g. "nb" or "se-NO"; not empty */
	int64_t created_ms;   /* wall time since 1970, of the message */
	const char *footer;   /* left in each footer, e.g. the id; NULL: none */
	const char *author;   /* an organisation's name; NULL: none */
};

/* A new, empty document. NULL only without memory: a wrong meta is a stuck
 * error. Free with document_free(). limits is only read here. */
struct document *document_new(
    const struct document_meta *meta, const struct limits *limits);
void document_free(struct document *document); /* NULL is fine */

/* 0, or the first error since document_new() (WHY_TOO_LARGE names a limit). */
int document_ok(const struct document *document, struct why *why);

/* ---- blocks; parent is the root or any node that says it holds blocks ---- */

struct document_node *document_root(struct document *document);

/*
 * A heading. level 1-6 is wanted; it becomes one deeper than the last heading
 * at the most, so that no level is ever skipped (PDF/UA-1 7.4.2), and never
 * deeper than 6. The title of the document is a level 1 heading that the
 * caller adds. Returns a holder of inlines; text may be SPAN_NONE.
 */
struct document_node *document_heading(struct document *document,
    struct document_node *parent, int level, struct span text);

/* One paragraph of one text (line breaks become spaces). Returns a holder of
 * inlines; text may be SPAN_NONE. */
struct document_node *document_paragraph(
    struct document *document, struct document_node *parent, struct span text);

/* Free text as a person wrote it: LF, CR LF, CR, U+0085 and U+2028 are line
 * breaks, empty lines and U+2029 part paragraphs. Adds nothing for no text. */
void document_free_text(
    struct document *document, struct document_node *parent, struct span text);
/* The same, struck through: values that were overridden. */
void document_free_struck(
    struct document *document, struct document_node *parent, struct span text);

/*
 * CommonMark from a payload: raw HTML becomes visible text, links other than
 * http, https, mailto and tel become plain text, images become their
 * alternative text, headings are moved below the last one. Over
 * limits.markdown_bytes it is an error.
 */
void document_markdown(
    struct document *document, struct document_node *parent, struct span text);

/* Everything inside is in another language (BCP 47; NULL: as outside) and
 * direction. Holds blocks. */
enum document_direction { DOCUMENT_AUTO, DOCUMENT_LTR, DOCUMENT_RTL };
struct document_node *document_section(struct document *document,
    struct document_node *parent, const char *language,
    enum document_direction direction);

/* A list; holds items only. An item holds blocks; its text may be SPAN_NONE. */
struct document_node *document_list(
    struct document *document, struct document_node *parent, bool ordered);
struct document_node *document_item(
    struct document *document, struct document_node *list, struct span text);

/*
 * A table of names and values: each row's first cell is its header. Returns a
 * holder of rows. document_row() returns the value's cell, which holds blocks;
 * value is free text and may be SPAN_NONE.
 */
struct document_node *document_table(
    struct document *document, struct document_node *parent);
struct document_node *document_row(struct document *document,
    struct document_node *table, struct span name, struct span value);

/*
 * A table with a row of column headers; 1 to DOCUMENT_COLUMNS_MAX columns.
 * document_grid_row() takes as many texts as the grid has columns (free text).
 */
#define DOCUMENT_COLUMNS_MAX 8
struct document_node *document_grid(struct document *document,
    struct document_node *parent, const struct span *heads, size_t count);
void document_grid_row(struct document *document, struct document_node *grid,
    const struct span *cells, size_t count);
/* The same; struck (may be NULL) tells which cells are struck through. */
void document_grid_row_struck(struct document *document,
    struct document_node *grid, const struct span *cells, const bool *struck,
    size_t count);
/* A column of numbers, counted from 0: they end under one another. */
void document_grid_numbers(
    struct document *document, struct document_node *grid, size_t column);

/* A rule between parts; decoration, read by nobody. */
void document_rule(struct document *document, struct document_node *parent);

/*
 * A picture: 8-bit RGB, row by row from the top, width * height * 3 bytes
 * (copied), drawn width_mm wide at most. alternative says what it shows and is
 * not empty.
 */
struct document_picture {
	uint32_t width, height; /* pixels, 1-4096 each */
	uint32_t width_mm;      /* 1-170 */
	struct span rgb;
};
void document_figure(struct document *document, struct document_node *parent,
    const struct document_picture *picture, struct span alternative);

/* ---- inlines; parent is a heading, a paragraph or one of these ---- */

/* Text as it is; line breaks become spaces. */
void document_text(
    struct document *document, struct document_node *parent, struct span text);
void document_break(struct document *document, struct document_node *parent);

enum document_style {
	DOCUMENT_EMPHASIS,
	DOCUMENT_STRONG,
	DOCUMENT_STRUCK, /* a value that was overridden */
	DOCUMENT_CODE,   /* text taken literally */
};
struct document_node *document_styled(struct document *document,
    struct document_node *parent, enum document_style style, struct span text);

/* A link. An address that is not http, https, mailto or tel, or that holds
 * anything but printable ASCII, makes no link: text and address are then shown
 * as text. text SPAN_NONE shows the address. */
void document_link(struct document *document, struct document_node *parent,
    struct span address, struct span text);

/* ---- what had to be changed ---- */

#define DOCUMENT_NOTES_MAX 64

enum document_note_kind {
	DOCUMENT_DROPPED,  /* has no meaning in print, left out (U+FEFF ...) */
	DOCUMENT_REPLACED, /* not allowed in a document, shown as U+FFFD */
	DOCUMENT_MISSING,  /* no pinned font has it, PDF shows U+FFFD */
};

/* Code points and counts, for evidence and log; never text. */
struct document_notes {
	size_t dropped, replaced, missing; /* characters in all */
	size_t count;                      /* entries in seen */
	bool more;                         /* there were others than these */
	struct {
		enum document_note_kind kind;
		uint32_t code_point; /* 0xFFFFFFFF: bytes that are not UTF-8 */
		uint32_t count;
	} seen[DOCUMENT_NOTES_MAX];
};

/* What filtering changed so far (dropped, replaced). Lent. */
const struct document_notes *document_notes(const struct document *document);

/* Count one more character; entries beyond the room set more. */
void document_note(struct document_notes *notes, enum document_note_kind kind,
    uint32_t code_point);

/* ---- for tests and search ---- */

/* Append the text of the tree in reading order, a LF after each block. */
void document_plain_text(const struct document *document, struct buf *out);
