/* Bookmarks: the headings as an outline (ISO 32000-1, 12.3.3). */
#include "formats/pdf_priv.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define TITLE_MAX 160 /* code points */
#define TITLE_BYTES (4 * TITLE_MAX + 4)

static void
add_title(cmark_node *heading, struct buf *title)
{
	size_t before = title->size;
	cmark_iter *iter = cmark_iter_new(heading);
	while (iter != NULL && cmark_iter_next(iter) != CMARK_EVENT_DONE) {
		const char *text =
		    cmark_node_get_literal(cmark_iter_get_node(iter));
		if (title->size - before > TITLE_BYTES)
			break;
		if (text != NULL)
			buf_add(title, text, strnlen(text, TITLE_BYTES));
		else if (cmark_node_get_type(cmark_iter_get_node(iter)) ==
			 CMARK_NODE_LINEBREAK)
			buf_add_byte(title, ' ');
	}
	if (iter == NULL)
		buf_room(title, SIZE_MAX);
	else
		cmark_iter_free(iter);
}

/* A list of headings is to be scanned, and a string of a PDF/A file ends at
 * 32767 bytes: a long heading is cut. All of it stands on the page. */
void
pdf_heading_text(cmark_node *heading, struct buf *out)
{
	size_t before = out->size;
	add_title(heading, out);
	size_t pos = before;
	struct span all = buf_span(out);
	for (size_t i = 0; i < TITLE_MAX && pos < all.size; i++)
		utf8_next(all, &pos);
	if (pos == all.size)
		return;
	out->size = pos;
	utf8_add(out, 0x2026);
}

void
pdf_bookmark(struct pdf *pdf, cmark_node *heading, uint32_t page, int32_t y)
{
	struct pdf_bookmark *bookmarks = pdf_grow(pdf, pdf->bookmarks,
	    pdf->bookmark_count, &pdf->bookmark_capacity, sizeof *bookmarks);
	if (bookmarks == NULL)
		return;
	pdf->bookmarks = bookmarks;
	bookmarks[pdf->bookmark_count++] =
	    (struct pdf_bookmark){.heading = heading,
		.page = page,
		.y = y,
		.level = cmark_node_get_heading_level(heading)};
}

/* What an entry points to: numbers of entries, or of the outline itself. */
struct family {
	uint32_t parent, previous, next, first, last;
	uint32_t count; /* entries below, all of them */
};

#define NO_ENTRY UINT32_MAX

/* The headings' levels never skip, so that an entry's parent is the last one
 * of a lower level. families[n] is the outline's own. */
static void
find_families(const struct pdf *pdf, struct family *families)
{
	uint32_t count = pdf->bookmark_count;
	uint32_t last[8]; /* of each level; [0] the outline */
	for (uint32_t i = 0; i <= count; i++)
		families[i] = (struct family){
		    NO_ENTRY, NO_ENTRY, NO_ENTRY, NO_ENTRY, NO_ENTRY, 0};
	for (int i = 0; i < 8; i++)
		last[i] = count;
	for (uint32_t i = 0; i < count; i++) {
		int level = pdf->bookmarks[i].level;
		struct family *own = &families[i];
		own->parent = last[level - 1];
		struct family *parent = &families[own->parent];
		own->previous = parent->last;
		if (parent->last != NO_ENTRY)
			families[parent->last].next = i;
		else
			parent->first = i;
		parent->last = i;
		for (int deeper = level; deeper < 8; deeper++)
			last[deeper] = i;
		for (uint32_t up = own->parent; up != NO_ENTRY;
		     up = families[up].parent)
			families[up].count++;
	}
}

static void
add_entry_ref(struct pdf *pdf, struct buf *out, const char *name,
    uint32_t entry, uint32_t outline)
{
	if (entry == NO_ENTRY)
		return;
	buf_add_text(out, name);
	pdf_add_ref(out, entry == pdf->bookmark_count
			     ? outline
			     : pdf->bookmarks[entry].object);
}

static void
write_entry(struct pdf *pdf, uint32_t number, const struct family *family,
    uint32_t outline)
{
	const struct pdf_bookmark *bookmark = &pdf->bookmarks[number];
	struct buf *out = pdf_object_begin(&pdf->objects, bookmark->object);
	buf_reset(&pdf->scratch);
	pdf_heading_text(bookmark->heading, &pdf->scratch);
	buf_add_text(out, "<</Title");
	pdf_add_text(out, buf_span(&pdf->scratch));
	buf_add_text(out, "/Dest[");
	pdf_add_ref(out, pdf->pages[bookmark->page].object);
	buf_add_text(out, "/XYZ null ");
	pdf_add_fixed(out, bookmark->y + 8000);
	buf_add_text(out, " null]");
	add_entry_ref(pdf, out, "/Parent ", family->parent, outline);
	add_entry_ref(pdf, out, "/Prev ", family->previous, outline);
	add_entry_ref(pdf, out, "/Next ", family->next, outline);
	add_entry_ref(pdf, out, "/First ", family->first, outline);
	add_entry_ref(pdf, out, "/Last ", family->last, outline);
	if (family->count > 0) {
		buf_add_text(out, "/Count ");
		pdf_add_int(out, family->count);
	}
	buf_add_text(out, ">>");
	pdf_object_end(&pdf->objects);
}

uint32_t
pdf_bookmarks_write(struct pdf *pdf)
{
	uint32_t count = pdf->bookmark_count;
	if (count == 0)
		return 0;
	struct family *families = calloc(count + 1, sizeof *families);
	if (families == NULL) {
		pdf_fail(pdf, WHY_NOMEM, "no memory for bookmarks");
		return 0;
	}
	find_families(pdf, families);
	uint32_t outline = pdf_object_new(&pdf->objects);
	for (uint32_t i = 0; i < count; i++)
		pdf->bookmarks[i].object = pdf_object_new(&pdf->objects);
	for (uint32_t i = 0; i < count; i++)
		write_entry(pdf, i, &families[i], outline);
	struct buf *out = pdf_object_begin(&pdf->objects, outline);
	buf_add_text(out, "<</Type/Outlines");
	add_entry_ref(pdf, out, "/First ", families[count].first, outline);
	add_entry_ref(pdf, out, "/Last ", families[count].last, outline);
	buf_add_text(out, "/Count ");
	pdf_add_int(out, families[count].count);
	buf_add_text(out, ">>");
	pdf_object_end(&pdf->objects);
	free(families);
	return outline;
}
