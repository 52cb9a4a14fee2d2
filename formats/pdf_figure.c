/* Pictures: an image object, drawn in the flow, with its alternative text. */
#include "formats/pdf_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t
write_image(struct pdf *pdf, const struct document_picture *picture)
{
	uint32_t number = pdf_object_new(&pdf->objects);
	char dictionary[160];
	snprintf(dictionary, sizeof dictionary,
	    "/Type/XObject/Subtype/Image/Width %u/Height %u"
	    "/ColorSpace/DeviceRGB/BitsPerComponent 8",
	    picture->width, picture->height);
	pdf_stream(
	    &pdf->objects, number, dictionary, picture->rgb, PDF_DEFLATE);
	buf_printf(
	    &pdf->picture_names, "/I%u %u 0 R", ++pdf->picture_count, number);
	return pdf->picture_count;
}

/* Attributes with the figure's place (ISO 32000-1, 14.8.5.4.3). */
static const char *
box_attributes(struct pdf *pdf, const int32_t box[4])
{
	char text[120];
	char **strings = pdf_grow(pdf, pdf->strings, pdf->string_count,
	    &pdf->string_capacity, sizeof *strings);
	if (strings == NULL)
		return NULL;
	pdf->strings = strings;
	snprintf(text, sizeof text,
	    "/O/Layout/Placement/Block/BBox[%d %d %d %d]", box[0] / 1000,
	    box[1] / 1000, box[2] / 1000 + 1, box[3] / 1000 + 1);
	char *copy = strdup(text);
	if (copy == NULL)
		pdf_fail(pdf, WHY_NOMEM, "no memory for a figure");
	else
		strings[pdf->string_count++] = copy;
	return copy;
}

void
pdf_figure(struct pdf *pdf, const struct document_facts *facts,
    const struct pdf_place_in *in, struct pdf_cursor *cursor)
{
	const struct document_picture *picture = &facts->picture;
	int64_t width = (int64_t)picture->width_mm * 72000 * 10 / 254;
	if (width > in->width)
		width = in->width;
	int64_t height = width * picture->height / picture->width;
	const int64_t most = PDF_TOP - PDF_BOTTOM;
	if (height > most) {
		width = width * most / height;
		height = most;
	}
	if (height < 1000)
		height = 1000;
	if (width < 1000)
		width = 1000;
	pdf_page_need(pdf, cursor, (int32_t)height);
	if (!pdf_going(pdf))
		return;
	uint32_t image = write_image(pdf, picture);
	int32_t x = in->x;
	int32_t y = cursor->y - (int32_t)height;
	const int32_t box[4] = {x, y, x + (int32_t)width, y + (int32_t)height};
	int32_t element = pdf_element(
	    pdf, in->element, "Figure", box_attributes(pdf, box), NULL);
	if (!pdf_going(pdf))
		return;
	pdf->elements[element].alternative = facts->alternative;
	pdf_mark(pdf, cursor->page, element);
	struct buf *out = &pdf->pages[cursor->page].content;
	buf_add_text(out, "q ");
	pdf_add_fixed(out, width);
	buf_add_text(out, " 0 0 ");
	pdf_add_fixed(out, height);
	buf_add_byte(out, ' ');
	pdf_add_fixed(out, x);
	buf_add_byte(out, ' ');
	pdf_add_fixed(out, y);
	buf_add_text(out, " cm /I");
	pdf_add_int(out, image);
	buf_add_text(out, " Do Q\n");
	pdf_mark_close(pdf);
	cursor->y -= (int32_t)height + 16000;
}
