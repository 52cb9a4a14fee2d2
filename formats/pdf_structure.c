/*
 * The tree of tags (ISO 32000-1, 14.7, 14.8): every element with its kids, the
 * marks that tie them to the pages, and the tree that leads back from a mark
 * to its element.
 */
#include "formats/pdf_priv.h"

#include <stdlib.h>
#include <string.h>

static void
add_kid(struct pdf *pdf, int32_t parent, struct pdf_kid kid)
{
	struct pdf_kid *kids = pdf_grow(
	    pdf, pdf->kids, pdf->kid_count, &pdf->kid_capacity, sizeof *kids);
	if (kids == NULL)
		return;
	pdf->kids = kids;
	int32_t number = (int32_t)pdf->kid_count++;
	kid.next = -1;
	kids[number] = kid;
	struct pdf_element *element = &pdf->elements[parent];
	if (element->last < 0)
		element->first = number;
	else
		kids[element->last].next = number;
	element->last = number;
}

int32_t
pdf_element(struct pdf *pdf, int32_t parent, const char *tag,
    const char *attributes, const char *language)
{
	struct pdf_element *elements = pdf_grow(pdf, pdf->elements,
	    pdf->element_count, &pdf->element_capacity, sizeof *elements);
	if (elements == NULL)
		return PDF_ARTIFACT;
	pdf->elements = elements;
	int32_t number = (int32_t)pdf->element_count++;
	elements[number] = (struct pdf_element){.tag = tag,
	    .attributes = attributes,
	    .language = language,
	    .parent = parent,
	    .first = -1,
	    .last = -1};
	if (parent >= 0)
		add_kid(pdf, parent,
		    (struct pdf_kid){.value = number, .kind = PDF_KID_ELEMENT});
	return number;
}

static void
open_artifact(struct buf *content, int32_t element)
{
	if (element == PDF_HEADER)
		buf_add_text(content,
		    "/Artifact<</Type/Pagination/Subtype/Header>>BDC\n");
	else if (element == PDF_FOOTER)
		buf_add_text(content,
		    "/Artifact<</Type/Pagination/Subtype/Footer>>BDC\n");
	else
		buf_add_text(content, "/Artifact<</Type/Pagination>>BDC\n");
}

void
pdf_mark(struct pdf *pdf, uint32_t page, int32_t element)
{
	if (pdf->mark == element && pdf->mark_page == page)
		return;
	pdf_mark_close(pdf);
	struct pdf_page *at = &pdf->pages[page];
	pdf->mark_page = page;
	pdf->mark = element;
	if (element < 0) {
		open_artifact(&at->content, element);
		return;
	}
	int32_t *owners = pdf_grow(pdf, at->owners, at->owner_count,
	    &at->owner_capacity, sizeof *owners);
	if (owners == NULL)
		return;
	at->owners = owners;
	int32_t number = (int32_t)at->owner_count++;
	owners[number] = element;
	add_kid(pdf, element,
	    (struct pdf_kid){
		.value = number, .page = page, .kind = PDF_KID_MARK});
	buf_add_byte(&at->content, '/');
	buf_add_text(&at->content, pdf->elements[element].tag);
	buf_add_text(&at->content, "<</MCID ");
	pdf_add_int(&at->content, number);
	buf_add_text(&at->content, ">>BDC\n");
}

void
pdf_mark_close(struct pdf *pdf)
{
	if (pdf->mark == PDF_NO_MARK)
		return;
	struct pdf_page *page = &pdf->pages[pdf->mark_page];
	buf_add_text(&page->content, page->state.text ? "ET\nEMC\n" : "EMC\n");
	page->state.text = false;
	pdf->mark = PDF_NO_MARK;
	for (uint32_t i = 0; i < pdf->decoration_count; i++) {
		const struct pdf_decoration *line = &pdf->decorations[i];
		pdf_rule(pdf, line->page, line->x, line->y, line->width,
		    line->thickness, (enum pdf_colour)line->colour);
	}
	pdf->decoration_count = 0;
}

void
pdf_decorate(struct pdf *pdf, const struct pdf_decoration *decoration)
{
	struct pdf_decoration *decorations =
	    pdf_grow(pdf, pdf->decorations, pdf->decoration_count,
		&pdf->decoration_capacity, sizeof *decorations);
	if (decorations == NULL)
		return;
	pdf->decorations = decorations;
	decorations[pdf->decoration_count++] = *decoration;
}

void
pdf_annotate(struct pdf *pdf, int32_t element, uint32_t page,
    const int32_t box[4], const char *address)
{
	struct pdf_annotation *annotations =
	    pdf_grow(pdf, pdf->annotations, pdf->annotation_count,
		&pdf->annotation_capacity, sizeof *annotations);
	if (annotations == NULL)
		return;
	pdf->annotations = annotations;
	int32_t number = (int32_t)pdf->annotation_count++;
	annotations[number] = (struct pdf_annotation){.element = element,
	    .object = pdf_object_new(&pdf->objects),
	    .page = page,
	    .key = pdf->next_key++,
	    .address = address};
	memcpy(annotations[number].box, box, sizeof annotations[number].box);
	add_kid(pdf, element,
	    (struct pdf_kid){
		.value = number, .page = page, .kind = PDF_KID_ANNOTATION});
}

static void
write_kid(struct pdf *pdf, struct buf *out, const struct pdf_kid *kid,
    int64_t element_page)
{
	switch ((enum pdf_kid_kind)kid->kind) {
	case PDF_KID_ELEMENT:
		pdf_add_ref(out, pdf->elements[kid->value].object);
		break;
	case PDF_KID_MARK:
		if (kid->page == element_page) {
			pdf_add_int(out, kid->value);
			buf_add_byte(out, ' ');
			break;
		}
		buf_add_text(out, "<</Type/MCR/Pg ");
		pdf_add_ref(out, pdf->pages[kid->page].object);
		buf_add_text(out, "/MCID ");
		pdf_add_int(out, kid->value);
		buf_add_text(out, ">>");
		break;
	case PDF_KID_ANNOTATION:
		buf_add_text(out, "<</Type/OBJR/Pg ");
		pdf_add_ref(out, pdf->pages[kid->page].object);
		buf_add_text(out, "/Obj ");
		pdf_add_ref(out, pdf->annotations[kid->value].object);
		buf_add_text(out, ">>");
		break;
	}
}

static void
write_element(struct pdf *pdf, const struct pdf_element *element)
{
	struct buf *out = pdf_object_begin(&pdf->objects, element->object);
	buf_add_text(out, "<</S/");
	buf_add_text(out, element->tag);
	buf_add_text(out, "/P ");
	pdf_add_ref(out, element->parent < 0
			     ? pdf->structure_object
			     : pdf->elements[element->parent].object);
	int64_t page = -1;
	for (int32_t i = element->first; i >= 0 && page < 0;
	     i = pdf->kids[i].next)
		if (pdf->kids[i].kind == PDF_KID_MARK)
			page = pdf->kids[i].page;
	if (page >= 0) {
		buf_add_text(out, "/Pg ");
		pdf_add_ref(out, pdf->pages[page].object);
	}
	if (element->language != NULL) {
		buf_add_text(out, "/Lang(");
		buf_add_text(out, element->language);
		buf_add_byte(out, ')');
	}
	if (element->alternative != NULL) {
		buf_add_text(out, "/Alt");
		pdf_add_text(out, span_text(element->alternative));
	}
	if (element->attributes != NULL) {
		buf_add_text(out, "/A<<");
		buf_add_text(out, element->attributes);
		buf_add_text(out, ">>");
	}
	if (element->first >= 0) {
		buf_add_text(out, "/K[");
		for (int32_t i = element->first; i >= 0; i = pdf->kids[i].next)
			write_kid(pdf, out, &pdf->kids[i], page);
		buf_add_byte(out, ']');
	}
	buf_add_text(out, ">>");
	pdf_object_end(&pdf->objects);
}

/* Pages and annotations got their keys in the order in which they came, so
 * the numbers are merged here in order (7.9.7). */
static void
write_parents(struct pdf *pdf, uint32_t number)
{
	struct buf *out = pdf_object_begin(&pdf->objects, number);
	uint32_t page = 0;
	uint32_t annotation = 0;
	buf_add_text(out, "<</Nums[");
	for (uint32_t key = 0; key < pdf->next_key; key++) {
		pdf_add_int(out, key);
		buf_add_byte(out, ' ');
		if (page < pdf->page_count && pdf->pages[page].key == key) {
			const struct pdf_page *at = &pdf->pages[page++];
			buf_add_byte(out, '[');
			for (uint32_t i = 0; i < at->owner_count; i++)
				pdf_add_ref(
				    out, pdf->elements[at->owners[i]].object);
			buf_add_byte(out, ']');
			continue;
		}
		int32_t owner = pdf->annotations[annotation++].element;
		pdf_add_ref(out, pdf->elements[owner].object);
	}
	buf_add_text(out, "]>>");
	pdf_object_end(&pdf->objects);
}

void
pdf_structure_write(struct pdf *pdf)
{
	for (uint32_t i = 0; i < pdf->element_count; i++)
		pdf->elements[i].object = pdf_object_new(&pdf->objects);
	for (uint32_t i = 0; i < pdf->element_count; i++)
		write_element(pdf, &pdf->elements[i]);
	uint32_t parents = pdf_object_new(&pdf->objects);
	write_parents(pdf, parents);
	struct buf *out =
	    pdf_object_begin(&pdf->objects, pdf->structure_object);
	buf_add_text(out, "<</Type/StructTreeRoot/K[");
	pdf_add_ref(out, pdf->elements[0].object);
	buf_add_text(out, "]/ParentTree ");
	pdf_add_ref(out, parents);
	buf_add_text(out, "/ParentTreeNextKey ");
	pdf_add_int(out, pdf->next_key);
	buf_add_text(out, ">>");
	pdf_object_end(&pdf->objects);
}
