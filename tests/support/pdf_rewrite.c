#include "tests/support/pdf_rewrite.h"

#include "tests/support/pdf_reader.h"

#include <stdlib.h>
#include <string.h>

#define ROOM (64u << 20)

struct rewrite {
	struct pdf_file *file;
	const char *from, *to; /* from is NULL when it is done */
	struct buf *out;
	size_t *places; /* of objects with streams, by number; 0 none */
	struct buf heads, bodies;
	size_t held;
};

bool
span_change(struct span data, const char *from, const char *to, struct buf *out)
{
	const uint8_t *at =
	    data.size == 0 ? NULL
			   : memmem(data.at, data.size, from, strlen(from));
	if (at == NULL) {
		buf_add_span(out, data);
		return false;
	}
	size_t before = (size_t)(at - data.at);
	size_t after = before + strlen(from);
	buf_add(out, data.at, before);
	buf_add_text(out, to);
	buf_add(out, data.at + after, data.size - after);
	return true;
}

/* Append data, changed when it is here that the change belongs. */
static void
add_changed(struct rewrite *rewrite, struct span data, struct buf *out)
{
	if (rewrite->from == NULL)
		buf_add_span(out, data);
	else if (span_change(data, rewrite->from, rewrite->to, out))
		rewrite->from = NULL;
}

static void
add_string(struct buf *out, struct span text)
{
	bool plain = true;
	for (size_t i = 0; i < text.size; i++)
		plain &= text.at[i] >= 0x20 && text.at[i] < 0x7F &&
			 strchr("()\\", text.at[i]) == NULL;
	if (plain) {
		buf_add_byte(out, '(');
		buf_add_span(out, text);
		buf_add_byte(out, ')');
		return;
	}
	buf_add_byte(out, '<');
	for (size_t i = 0; i < text.size; i++)
		buf_printf(out, "%02X", text.at[i]);
	buf_add_byte(out, '>');
}

static void add_value(struct buf *out, const struct pdf_value *value);

/* Length and Filter are written anew with the stream. */
static void
add_members(struct buf *out, const struct pdf_value *dict)
{
	for (size_t i = 0; i + 1 < dict->count; i += 2) {
		if (dict->is_stream &&
		    (pdf_name_is(dict->items[i], "Length") ||
			pdf_name_is(dict->items[i], "Filter")))
			continue;
		add_value(out, dict->items[i]);
		if (dict->items[i + 1]->type != PDF_NAME)
			buf_add_byte(out, ' ');
		add_value(out, dict->items[i + 1]);
	}
}

static void
add_value(struct buf *out, const struct pdf_value *value)
{
	switch (value->type) {
	case PDF_NULL:
		buf_add_text(out, "null");
		break;
	case PDF_BOOL:
		buf_add_text(out, value->number != 0 ? "true" : "false");
		break;
	case PDF_NUMBER:
		buf_printf(out, "%.10g", value->number);
		break;
	case PDF_REF:
		buf_printf(out, "%.0f 0 R", value->number);
		break;
	case PDF_NAME:
		buf_add_byte(out, '/');
		buf_add_span(out, value->text);
		break;
	case PDF_STRING:
		add_string(out, value->text);
		break;
	case PDF_ARRAY:
		buf_add_byte(out, '[');
		for (size_t i = 0; i < value->count; i++) {
			if (i > 0)
				buf_add_byte(out, ' ');
			add_value(out, value->items[i]);
		}
		buf_add_byte(out, ']');
		break;
	case PDF_DICT:
		buf_add_text(out, "<<");
		add_members(out, value);
		buf_add_text(out, ">>");
		break;
	case PDF_OPERATOR:
		buf_add_span(out, value->text);
		break;
	}
}

static void
add_stream(
    struct rewrite *rewrite, size_t number, struct span dict, struct span data)
{
	struct buf *out = rewrite->out;
	rewrite->places[number] = out->size;
	buf_printf(out, "%zu 0 obj\n", number);
	buf_add(out, dict.at, dict.size - 2);
	buf_printf(out, "/Length %zu>>\nstream\n", data.size);
	buf_add_span(out, data);
	buf_add_text(out, "\nendstream\nendobj\n");
}

static void
add_object(struct rewrite *rewrite, size_t number)
{
	const struct pdf_value *value = pdf_file_object(rewrite->file, number);
	struct buf text;
	struct buf whole;
	struct buf data;
	buf_init(&text, ROOM);
	buf_init(&whole, ROOM);
	buf_init(&data, ROOM);
	bool table = pdf_name_is(pdf_raw(value, "Type"), "ObjStm") ||
		     pdf_name_is(pdf_raw(value, "Type"), "XRef");
	if (table)
		buf_add_text(&text, "null");
	else
		add_value(&text, value);
	add_changed(rewrite, buf_span(&text), &whole);
	if (value->is_stream && !table) {
		add_changed(rewrite, value->data, &data);
		add_stream(rewrite, number, buf_span(&whole), buf_span(&data));
	} else {
		buf_printf(
		    &rewrite->heads, "%zu %zu ", number, rewrite->bodies.size);
		buf_add_span(&rewrite->bodies, buf_span(&whole));
		buf_add_byte(&rewrite->bodies, '\n');
		rewrite->held++;
	}
	buf_clear(&text);
	buf_clear(&whole);
	buf_clear(&data);
}

static void
add_row(struct buf *table, uint8_t type, uint64_t at, size_t index)
{
	buf_add_byte(table, type);
	for (int shift = 32; shift >= 0; shift -= 8)
		buf_add_byte(table, (uint8_t)(at >> shift));
	buf_add_byte(table, (uint8_t)(index >> 8));
	buf_add_byte(table, (uint8_t)index);
}

/* The object stream, the cross-reference, and where it begins. */
static void
add_end(struct rewrite *rewrite, size_t size)
{
	const struct pdf_value *trailer = pdf_file_trailer(rewrite->file);
	struct buf dict;
	struct buf changed;
	struct buf table;
	buf_init(&dict, ROOM);
	buf_init(&changed, ROOM);
	buf_init(&table, ROOM);
	buf_printf(&dict, "<</Type/ObjStm/N %zu/First %zu>>", rewrite->held,
	    rewrite->heads.size);
	buf_add_span(&rewrite->heads, buf_span(&rewrite->bodies));
	add_stream(rewrite, size, buf_span(&dict), buf_span(&rewrite->heads));
	buf_reset(&dict);
	size_t start = rewrite->out->size;
	buf_printf(&dict, "<</Type/XRef/Size %zu/W[1 5 2]/Root %.0f 0 R/ID",
	    size + 2, pdf_raw(trailer, "Root")->number);
	add_value(&dict, pdf_raw(trailer, "ID"));
	buf_add_text(&dict, ">>");
	add_changed(rewrite, buf_span(&dict), &changed);
	rewrite->places[size + 1] = start;
	add_row(&table, 0, 0, 65535);
	for (size_t i = 1, held = 0; i < size + 2; i++)
		if (rewrite->places[i] != 0)
			add_row(&table, 1, rewrite->places[i], 0);
		else
			add_row(&table, 2, size, held++);
	add_stream(rewrite, size + 1, buf_span(&changed), buf_span(&table));
	buf_printf(rewrite->out, "startxref\n%zu\n%%%%EOF\n", start);
	buf_clear(&dict);
	buf_clear(&changed);
	buf_clear(&table);
}

bool
pdf_rewrite(struct span pdf, const char *from, const char *to, struct buf *out)
{
	char error[200];
	struct rewrite rewrite = {.from = from, .to = to, .out = out};
	rewrite.file = pdf_file_read(pdf, error);
	if (rewrite.file == NULL)
		return false;
	size_t size = pdf_file_size(rewrite.file);
	rewrite.places = calloc(size + 2, sizeof *rewrite.places);
	if (rewrite.places == NULL)
		abort();
	buf_init(&rewrite.heads, ROOM);
	buf_init(&rewrite.bodies, ROOM);
	buf_add_text(out, "%PDF-1.7\n%\xE2\xE3\xCF\xD3\n");
	for (size_t i = 1; i < size; i++)
		add_object(&rewrite, i);
	add_end(&rewrite, size);
	buf_clear(&rewrite.heads);
	buf_clear(&rewrite.bodies);
	free(rewrite.places);
	pdf_file_free(rewrite.file);
	return rewrite.from == NULL;
}
