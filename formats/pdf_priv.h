/*
 * pdf_priv - what the files of the PDF writer share. Lengths on the page are
 * in 1/1000 point, y grows upwards from the page's foot.
 */
#pragma once

#include "formats/document_priv.h"
#include "formats/pdf.h"
#include "formats/pdf_object.h"
#include "formats/text_layout.h"

/* An inline text ready for layout, and its lines. */
struct pdf_run {             /* what a text span's tag points to */
	const char *address; /* of a link, NULL none */
	bool struck;
	int32_t element; /* made when first drawn; -1 not yet, or none */
};

struct pdf_text {
	uint32_t *at;
	size_t count, capacity;
	struct text_span *spans;
	struct pdf_run *runs; /* beside spans */
	uint32_t span_count, span_capacity, run_capacity;
	struct text text;
};
struct pdf_slot {
	struct pdf_text text;
	struct text_layout layout;
};

/* As many texts are in hand at once: a row's cells, a head repeated while they
 * flow, and some more. */
#define PDF_SLOTS (DOCUMENT_COLUMNS_MAX + 4)

struct pdf_fonts {
	struct font_set *set;
	struct words *words;
	struct libdeflate_compressor *deflate;
	struct buf profile; /* sRGB, compressed */
	struct pdf_slot *slots;
	int slots_taken;
};

/* ---- structure: the tree of tags ---- */

enum pdf_kid_kind { PDF_KID_ELEMENT, PDF_KID_MARK, PDF_KID_ANNOTATION };

struct pdf_kid {
	int32_t next;  /* -1 ends */
	int32_t value; /* element, MCID or annotation */
	uint32_t page; /* of a mark */
	uint8_t kind;
};

struct pdf_element {
	const char *tag;
	const char *attributes;  /* inside /A<<>>, NULL none */
	const char *language;    /* NULL as outside; lent */
	const char *alternative; /* NULL none; lent */
	int32_t parent;          /* -1: the root */
	int32_t first, last;     /* kids, -1 none */
	uint32_t object;
};

struct pdf_annotation {
	int32_t element; /* Link */
	uint32_t object, page, key;
	int32_t box[4];
	const char *address; /* lent */
};

struct pdf_bookmark {
	cmark_node *heading;
	uint32_t page, object;
	int32_t y;
	int level;
};

struct pdf_decoration {
	uint32_t page;
	int32_t x, y, width, thickness;
	int colour;
};

/* ---- pages ---- */

/* What the contents of a page have set so far; it holds until it is changed,
 * so nothing is said twice. */
struct pdf_state {
	const char *colour; /* NULL: none yet */
	const struct font *font;
	uint32_t number; /* the font's resource */
	int32_t size;
	int rise;
	bool text;          /* a text object is open */
	int64_t x100, y100; /* where its line begins, in 1/100 point */
};

struct pdf_page {
	struct buf content;
	struct pdf_state state;
	int32_t *owners; /* element of each MCID */
	uint32_t owner_count, owner_capacity;
	uint32_t object, contents, key;
	int32_t top; /* text begins here: lower under repeated heads */
	bool finished;
};

struct pdf_grid_under_way;

struct pdf {
	struct pdf_fonts *fonts;
	const struct document *document;
	struct document_notes *notes; /* may be NULL */
	struct pdf_objects objects;

	struct pdf_element *elements;
	struct pdf_kid *kids;
	struct pdf_page *pages;
	struct pdf_annotation *annotations;
	struct pdf_bookmark *bookmarks;
	uint32_t element_count, element_capacity;
	uint32_t kid_count, kid_capacity;
	uint32_t page_count, page_capacity;
	uint32_t annotation_count, annotation_capacity;
	uint32_t bookmark_count, bookmark_capacity;
	uint32_t next_key; /* of the parent tree */
	uint32_t pages_object, resources_object, structure_object;
	uint32_t pages_done;   /* those before are written */
	struct buf font_names; /* "/F1 12 0 R " ... */
	uint32_t font_count;
	struct buf scratch;
	int32_t *left; /* room for a line's places */
	uint32_t *order;
	uint32_t line_room;
	int32_t mark; /* element whose mark is open, PDF_NO_MARK none */
	uint32_t mark_page;
	struct pdf_decoration *decorations;
	uint32_t decoration_count, decoration_capacity;
	struct buf picture_names; /* "/I1 12 0 R " ... */
	uint32_t picture_count;
	char **strings; /* attributes made for one element */
	uint32_t string_count, string_capacity;
	const struct pdf_grid_under_way *grid; /* its head is repeated */
	cmark_node *heads[6]; /* the last outer heading of each level */
	int headed;           /* the level that the text stands under, from 0 */
	int tables;           /* under way, one in another */
	bool whole;           /* found to fit here, up to whole_end */
	cmark_node *whole_end;
	int spacing; /* percent of the distances between blocks and rows */
	int code;    /* sticky, see pdf_fail() */
	struct why why;
};

/* The first failure sticks. */
void pdf_fail(struct pdf *pdf, int code, const char *text);
bool pdf_going(const struct pdf *pdf);

/* Room for one more in an array; NULL is returned and the failure sticks
 * without memory. */
void *pdf_grow(
    struct pdf *pdf, void *at, uint32_t count, uint32_t *capacity, size_t size);

/* pdf_structure.c */
int32_t pdf_element(struct pdf *pdf, int32_t parent, const char *tag,
    const char *attributes, const char *language);
/* Open a mark for an element on a page; nothing happens when it is open. An
 * open one is closed first. */
void pdf_mark(struct pdf *pdf, uint32_t page, int32_t element);
void pdf_mark_close(struct pdf *pdf); /* and draw the lines that waited */
void pdf_colour(struct pdf_page *page, const char *operator);
/* A line under or through text: drawn as decoration when the mark closes. */
void pdf_decorate(struct pdf *pdf, const struct pdf_decoration *decoration);
void pdf_annotate(struct pdf *pdf, int32_t element, uint32_t page,
    const int32_t box[4], const char *address);
void pdf_structure_write(struct pdf *pdf);
/* pdf_bookmark.c: the object of the outlines, 0 none */
void pdf_bookmark(
    struct pdf *pdf, cmark_node *heading, uint32_t page, int32_t y);
uint32_t pdf_bookmarks_write(struct pdf *pdf);
/* Append a heading as one short line. */
void pdf_heading_text(cmark_node *heading, struct buf *out);

/* pdf_page.c */
#define PDF_PAGE_WIDTH 595276
#define PDF_PAGE_HEIGHT 841890
#define PDF_MARGIN 62400 /* 22 mm */
#define PDF_TOP (PDF_PAGE_HEIGHT - 68000)
#define PDF_BOTTOM 74000
#define PDF_TEXT_WIDTH (PDF_PAGE_WIDTH - 2 * PDF_MARGIN)

/* A place in the flow of text. */
struct pdf_cursor {
	uint32_t page;
	int32_t y;
};

enum pdf_colour { PDF_INK, PDF_TITLE, PDF_LABEL, PDF_QUIET, PDF_LINK };

/* The next page, made when it is not there yet; moves to its top. */
void pdf_page_next(struct pdf *pdf, struct pdf_cursor *cursor);
/* When less than height is left (and the page is not fresh): the next. */
void pdf_page_need(struct pdf *pdf, struct pdf_cursor *cursor, int32_t height);
/* So little room is left that it matters what must stay together. */
bool pdf_page_is_low(const struct pdf_cursor *cursor);
#define PDF_KEEP_MAX ((PDF_TOP - PDF_BOTTOM) / 2)
/* A height from here on: more than what is kept together. */
#define PDF_FLOWS PDF_KEEP_MAX
/* A distance between blocks or rows, as the document's spacing wants it. */
int32_t pdf_gap(const struct pdf *pdf, int32_t distance);
bool pdf_language_is(const char *language, const char *primary);
/* Nothing more comes on pages before this one: compress them. */
void pdf_pages_finish(struct pdf *pdf, uint32_t before);
void pdf_pages_write(struct pdf *pdf); /* footers and page objects */
void pdf_rule(struct pdf *pdf, uint32_t page, int32_t x, int32_t y,
    int32_t width, int32_t thickness, enum pdf_colour colour);

struct pdf_place_in { /* where blocks are set */
	int32_t x, width;
	int32_t element;
	const char *language; /* lent; NULL: the document's */
	int direction;        /* as struct text */
	bool outer;           /* nothing more comes on pages passed by */
};

/* pdf_text.c */
void pdf_text_gather(struct pdf *pdf, struct pdf_text *text, cmark_node *node,
    enum font_style style, const char *language, int direction);
void pdf_text_set(struct pdf *pdf, struct pdf_text *text, struct span plain);
void pdf_text_clear(struct pdf_text *text);

/* Lines begin where their text does, or stand at one side. */
enum pdf_align { PDF_START, PDF_LEFT, PDF_RIGHT };

/* How a paragraph is set. */
struct pdf_set {
	int32_t x, width;      /* column */
	int32_t size, leading; /* type size, distance of lines */
	enum pdf_colour colour;
	int32_t element; /* or one of the next */
	enum pdf_align align;
};
#define PDF_ARTIFACT (-2) /* repeated matter: PDF_HEADER, a table's */
#define PDF_HEADER (-3)   /* head; PDF_FOOTER */
#define PDF_FOOTER (-4)
#define PDF_NO_MARK (-1)

/* pdf_line.c: one line with its baseline at y; marks must be open. */
void pdf_line(struct pdf *pdf, const struct pdf_text *text,
    const struct text_layout *layout, const struct text_line *line,
    const struct pdf_set *set, uint32_t page, int32_t y);

/* pdf_font.c */
uint16_t pdf_cid(struct pdf *pdf, struct font *font, uint32_t sign);
void pdf_fonts_write(struct pdf *pdf); /* all that were used */
void pdf_fonts_reset(struct pdf_fonts *fonts);

/* pdf_meta.c, pdf_profile.c */
uint32_t pdf_metadata_write(struct pdf *pdf);
bool pdf_profile_build(struct buf *out); /* sRGB ICC profile */

/* pdf_flow.c: paragraphs over pages */
struct pdf_slot *pdf_slot_take(struct pdf *pdf);
void pdf_slot_give(struct pdf *pdf, struct pdf_slot *slot);
/* Lay out the first part of the slot's text in set's column. */
void pdf_lay(struct pdf *pdf, struct pdf_slot *slot, const struct pdf_set *set);
/* Draw a text that pdf_lay() has laid, and its further parts. */
void pdf_flow(struct pdf *pdf, struct pdf_slot *slot, const struct pdf_set *set,
    struct pdf_cursor *cursor);
/* Gather, lay and flow the inlines below a node. */
void pdf_paragraph(struct pdf *pdf, cmark_node *node, enum font_style style,
    const struct pdf_set *set, const struct pdf_place_in *in,
    struct pdf_cursor *cursor);
/* The first line of a text at a fixed place; right: ends at the column's end.
 */
void pdf_single_line(struct pdf *pdf, struct span plain,
    const struct pdf_set *set, uint32_t page, int32_t y, bool right);

/* pdf_block.c: the walk over the tree */
#define PDF_BODY_SIZE 10400
#define PDF_BODY_LEADING 15000
#define PDF_PARAGRAPH_GAP 6500
struct pdf_set pdf_paragraph_set(
    const struct pdf_place_in *in, int32_t element);
void pdf_blocks(struct pdf *pdf, cmark_node *parent,
    const struct pdf_place_in *in, struct pdf_cursor *cursor);

/* pdf_heading.c */
void pdf_heading(struct pdf *pdf, cmark_node *node,
    const struct pdf_place_in *in, struct pdf_cursor *cursor);
/* On a new page: the headings that a table goes on under, as decoration. */
void pdf_goes_on(struct pdf *pdf, struct pdf_cursor *cursor);

/* pdf_table.c */
#define PDF_ROW_PAD 3200 /* above and below a row's text */
#define PDF_ROW_LEADING 15000
#define PDF_TABLE_AFTER 9000
int32_t pdf_table_height(
    struct pdf *pdf, cmark_node *table, const struct pdf_place_in *in);
void pdf_table(struct pdf *pdf, cmark_node *table,
    const struct pdf_place_in *in, struct pdf_cursor *cursor);
/* What must stand together with a row: it and perhaps the next. */
int32_t pdf_rows_need(
    struct pdf *pdf, cmark_node *row, const struct pdf_place_in *in);
struct pdf_set pdf_cell_set(
    int32_t x, int32_t width, enum pdf_colour colour, int32_t element);
/* A cell's blocks from start on; end is moved down to where they end. */
void pdf_cell(struct pdf *pdf, cmark_node *cell, const struct pdf_place_in *in,
    const struct pdf_cursor *start, struct pdf_cursor *end);
/* Room that a row asks for. */
int32_t pdf_row_need(const struct pdf *pdf, size_t lines);
void pdf_row_end(
    struct pdf *pdf, const struct pdf_place_in *in, struct pdf_cursor *cursor);
void pdf_take_lower(struct pdf_cursor *lowest, const struct pdf_cursor *other);

/* pdf_grid.c */
void pdf_grid(struct pdf *pdf, cmark_node *grid, const struct pdf_place_in *in,
    struct pdf_cursor *cursor);
int32_t pdf_grid_height(
    struct pdf *pdf, cmark_node *table, const struct pdf_place_in *in);
int32_t pdf_grid_need(
    struct pdf *pdf, cmark_node *table, const struct pdf_place_in *in);
/* Draw the head of the grid that is under way again, as decoration. */
void pdf_grid_repeat(struct pdf *pdf, struct pdf_cursor *cursor);
/* pdf_figure.c */
void pdf_figure(struct pdf *pdf, const struct document_facts *facts,
    const struct pdf_place_in *in, struct pdf_cursor *cursor);
