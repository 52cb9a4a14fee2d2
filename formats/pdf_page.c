/* Pages: their content while it grows, what repeats on each, their objects. */
#include "formats/pdf_priv.h"

#include <stdio.h>
#include <string.h>

#define SMALL 8200     /* type size of header and footer */
#define FOOTER_Y 40000 /* its baseline */
#define HEADER_Y (PDF_PAGE_HEIGHT - 42000)

static bool
add_page(struct pdf *pdf)
{
	if (pdf->page_count >= pdf->document->limits.document_pages) {
		pdf_fail(
		    pdf, WHY_TOO_LARGE, "document over limit document_pages");
		return false;
	}
	struct pdf_page *pages = pdf_grow(pdf, pdf->pages, pdf->page_count,
	    &pdf->page_capacity, sizeof *pages);
	if (pages == NULL)
		return false;
	pdf->pages = pages;
	uint32_t number = pdf->page_count++;
	pages[number] = (struct pdf_page){.top = PDF_TOP,
	    .key = pdf->next_key++,
	    .object = pdf_object_new(&pdf->objects),
	    .contents = pdf_object_new(&pdf->objects)};
	buf_init(&pages[number].content, PDF_ROOM);
	return true;
}

void
pdf_page_next(struct pdf *pdf, struct pdf_cursor *cursor)
{
	pdf_mark_close(pdf);
	if (!pdf_going(pdf))
		return;
	bool fresh =
	    pdf->page_count == 0 || cursor->page + 1 >= pdf->page_count;
	if (fresh && !add_page(pdf))
		return;
	cursor->page = fresh ? pdf->page_count - 1 : cursor->page + 1;
	cursor->y = pdf->pages[cursor->page].top;
	if (!fresh)
		return;
	pdf_goes_on(pdf, cursor);
	if (pdf->grid != NULL)
		pdf_grid_repeat(pdf, cursor);
	pdf->pages[cursor->page].top = cursor->y;
}

void
pdf_page_need(struct pdf *pdf, struct pdf_cursor *cursor, int32_t height)
{
	if (cursor->y - height < PDF_BOTTOM && pdf_going(pdf) &&
	    cursor->y < pdf->pages[cursor->page].top)
		pdf_page_next(pdf, cursor);
}

bool
pdf_page_is_low(const struct pdf_cursor *cursor)
{
	return cursor->y - PDF_BOTTOM < (PDF_TOP - PDF_BOTTOM) / 3;
}

void
pdf_pages_finish(struct pdf *pdf, uint32_t before)
{
	for (; pdf->pages_done < before && pdf_going(pdf); pdf->pages_done++) {
		struct pdf_page *page = &pdf->pages[pdf->pages_done];
		if (page->state.rise != 0) /* the page's next contents */
			buf_add_text(&page->content, "0 Ts\n");
		if (!buf_ok(&page->content)) {
			pdf_fail(pdf, WHY_NOMEM, "no memory for a page");
			return;
		}
		pdf_stream(&pdf->objects, page->contents, "",
		    buf_span(&page->content), PDF_DEFLATE);
		buf_wipe(&page->content);
		page->state = (struct pdf_state){0};
	}
}

void
pdf_colour(struct pdf_page *page, const char *operator)
{
	if (page->state.colour == operator)
		return;
	buf_add_text(&page->content, operator);
	page->state.colour = operator;
}

void
pdf_rule(struct pdf *pdf, uint32_t page, int32_t x, int32_t y, int32_t width,
    int32_t thickness, enum pdf_colour colour)
{
	static const char *const colours[] = {
	    [PDF_INK] = "0.11 0.11 0.11 rg ",
	    [PDF_TITLE] = "0.086 0.196 0.31 rg ",
	    [PDF_LABEL] = "0.79 0.82 0.85 rg ",
	    [PDF_QUIET] = "0.62 0.66 0.7 rg ",
	    [PDF_LINK] = "0.043 0.29 0.56 rg ",
	};
	if (!pdf_going(pdf))
		return;
	struct buf *out = &pdf->pages[page].content;
	buf_add_text(out, "/Artifact BMC ");
	pdf_colour(&pdf->pages[page], colours[colour]);
	pdf_add_fixed(out, x);
	buf_add_byte(out, ' ');
	pdf_add_fixed(out, y);
	buf_add_byte(out, ' ');
	pdf_add_fixed(out, width);
	buf_add_byte(out, ' ');
	pdf_add_fixed(out, thickness);
	buf_add_text(out, " re f EMC\n");
}

bool
pdf_language_is(const char *language, const char *primary)
{
	size_t length = strlen(primary);
	return strncasecmp(language, primary, length) == 0 &&
	       (language[length] == '\0' || language[length] == '-');
}

/* "Side 1 av 3" in the document's language. */
static void
page_label(const struct pdf *pdf, uint32_t page, char *text, size_t size)
{
	static const struct {
		const char *language, *before, *between;
	} words[] = {{"en", "Page", "of"}, {"se", "Siidu", "/"},
	    {"sma", "Sijjie", "/"}, {"smj", "Bielle", "/"},
	    {"fi", "Sivu", "/"}};
	const char *before = "Side";
	const char *between = "av";
	const char *language = pdf->document->language;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!pdf_language_is(language, words[i].language))
			continue;
		before = words[i].before;
		between = words[i].between;
	}
	snprintf(text, size, "%s %u %s %u", before, page + 1, between,
	    pdf->page_count);
}

static struct pdf_set
small_set(int32_t element)
{
	return (struct pdf_set){.x = PDF_MARGIN,
	    .width = PDF_TEXT_WIDTH,
	    .size = SMALL,
	    .leading = SMALL,
	    .colour = PDF_QUIET,
	    .element = element};
}

/* What stands on all pages but for their numbers: written once, into page's
 * contents. The first page has its title in the text. */
static void
draw_furniture(struct pdf *pdf, uint32_t page, bool with_header)
{
	struct pdf_set set = small_set(PDF_HEADER);
	if (with_header) {
		pdf_single_line(pdf, span_text(pdf->document->title), &set,
		    page, HEADER_Y, false);
		pdf_rule(pdf, page, PDF_MARGIN, HEADER_Y - 6500, PDF_TEXT_WIDTH,
		    400, PDF_QUIET);
	}
	set = small_set(PDF_FOOTER);
	set.width = PDF_TEXT_WIDTH - 100000;
	pdf_rule(pdf, page, PDF_MARGIN, FOOTER_Y + 13000, PDF_TEXT_WIDTH, 400,
	    PDF_QUIET);
	if (pdf->document->footer != NULL)
		pdf_single_line(pdf, span_text(pdf->document->footer), &set,
		    page, FOOTER_Y, false);
}

/* A stream of what was drawn on a page whose own contents are written. */
static uint32_t
write_drawn(struct pdf *pdf, uint32_t number, enum pdf_packing packing)
{
	struct pdf_page *page = &pdf->pages[number];
	uint32_t object = pdf_object_new(&pdf->objects);
	pdf_mark_close(pdf);
	if (!buf_ok(&page->content))
		pdf_fail(pdf, WHY_NOMEM, "no memory for a page");
	pdf_stream(
	    &pdf->objects, object, "", buf_span(&page->content), packing);
	buf_clear(&page->content);
	page->state = (struct pdf_state){0};
	return object;
}

static uint32_t
write_label(struct pdf *pdf, uint32_t page)
{
	char label[64];
	const struct pdf_set set = small_set(PDF_FOOTER);
	page_label(pdf, page, label, sizeof label);
	pdf_single_line(pdf, span_text(label), &set, page, FOOTER_Y, true);
	return write_drawn(pdf, page, PDF_PLAIN);
}

static void
write_page(
    struct pdf *pdf, uint32_t number, uint32_t furniture, uint32_t *annotation)
{
	const struct pdf_page *page = &pdf->pages[number];
	uint32_t label = write_label(pdf, number);
	struct buf *out = pdf_object_begin(&pdf->objects, page->object);
	buf_add_text(out, "<</Type/Page/Parent ");
	pdf_add_ref(out, pdf->pages_object);
	buf_add_text(out, "/MediaBox[0 0 595.28 841.89]/Contents[");
	pdf_add_ref(out, page->contents);
	pdf_add_ref(out, furniture);
	pdf_add_ref(out, label);
	buf_add_text(out, "]/Resources ");
	pdf_add_ref(out, pdf->resources_object);
	buf_add_text(out, "/Tabs/S/StructParents ");
	pdf_add_int(out, page->key);
	bool some = false;
	/* made in the order of pages, but for the cells of a row */
	for (uint32_t i = *annotation; i < pdf->annotation_count; i++) {
		if (pdf->annotations[i].page != number)
			continue;
		if (!some)
			buf_add_text(out, "/Annots[");
		some = true;
		pdf_add_ref(out, pdf->annotations[i].object);
	}
	while (*annotation < pdf->annotation_count &&
	       pdf->annotations[*annotation].page <= number)
		(*annotation)++;
	buf_add_text(out, some ? "]>>" : ">>");
	pdf_object_end(&pdf->objects);
}

static void
write_annotation(struct pdf *pdf, const struct pdf_annotation *annotation)
{
	struct buf *out = pdf_object_begin(&pdf->objects, annotation->object);
	buf_add_text(out, "<</Type/Annot/Subtype/Link/F 4/Border[0 0 0]/Rect[");
	for (size_t i = 0; i < 4; i++) {
		pdf_add_fixed(out, annotation->box[i]);
		buf_add_byte(out, ' ');
	}
	buf_add_text(out, "]/StructParent ");
	pdf_add_int(out, annotation->key);
	/* parentheses need not balance when each is escaped */
	buf_add_text(out, "/A<</S/URI/URI(");
	for (const char *at = annotation->address; *at != '\0'; at++) {
		if (*at == '(' || *at == ')')
			buf_add_byte(out, '\\');
		buf_add_byte(out, (uint8_t)*at);
	}
	buf_add_text(out, ")>>/Contents");
	pdf_add_text(out, span_text(annotation->address));
	buf_add_text(out, ">>");
	pdf_object_end(&pdf->objects);
}

/* Labels tell how many pages there are, so they are contents of their own,
 * written when all text is. */
void
pdf_pages_write(struct pdf *pdf)
{
	uint32_t annotation = 0;
	uint32_t furniture = 0;
	pdf_pages_finish(pdf, pdf->page_count);
	for (uint32_t i = 0; i < pdf->page_count && pdf_going(pdf); i++) {
		if (i <= 1) {
			draw_furniture(pdf, i, i > 0);
			furniture = write_drawn(pdf, i, PDF_DEFLATE);
		}
		write_page(pdf, i, furniture, &annotation);
	}
	for (uint32_t i = 0; i < pdf->annotation_count; i++)
		write_annotation(pdf, &pdf->annotations[i]);
	struct buf *out = pdf_object_begin(&pdf->objects, pdf->pages_object);
	buf_add_text(out, "<</Type/Pages/Kids[");
	for (uint32_t i = 0; i < pdf->page_count; i++)
		pdf_add_ref(out, pdf->pages[i].object);
	buf_add_text(out, "]/Count ");
	pdf_add_int(out, pdf->page_count);
	buf_add_text(out, ">>");
	pdf_object_end(&pdf->objects);
}
