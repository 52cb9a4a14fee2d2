/* Objects, streams and the cross-reference of a PDF file; see pdf_object.h. */
#include "formats/pdf_object.h"

#include "base/text.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An object stream is closed after so many objects or bytes. */
#define HELD_MAX 8192
#define BODIES_MAX (512u << 10)

void
pdf_objects_init(struct pdf_objects *objects, struct buf *out,
    struct libdeflate_compressor *deflate)
{
	*objects = (struct pdf_objects){
	    .out = out, .start = out->size, .deflate = deflate};
	buf_init(&objects->heads, PDF_ROOM);
	buf_init(&objects->bodies, PDF_ROOM);
	buf_init(&objects->packed, PDF_ROOM);
	pdf_object_new(objects); /* number 0 heads the free list */
	/* four bytes over 127 mark the file as binary (7.5.2) */
	buf_add_text(out, "%PDF-1.7\n%\xE2\xE3\xCF\xD3\n");
}

void
pdf_objects_clear(struct pdf_objects *objects)
{
	free(objects->places);
	buf_clear(&objects->heads);
	buf_clear(&objects->bodies);
	buf_clear(&objects->packed);
}

uint32_t
pdf_object_new(struct pdf_objects *objects)
{
	if (objects->count == objects->capacity) {
		uint32_t capacity = objects->capacity * 2 + 256;
		struct pdf_place *places =
		    reallocarray(objects->places, capacity, sizeof *places);
		if (places == NULL) {
			objects->failed = true;
			return 0;
		}
		objects->places = places;
		objects->capacity = capacity;
	}
	objects->places[objects->count] = (struct pdf_place){0};
	return objects->count++;
}

static void
write_held(struct pdf_objects *objects)
{
	if (objects->held == 0)
		return;
	uint32_t number = pdf_object_new(objects);
	for (uint32_t i = 0; i < objects->count; i++)
		if (objects->places[i].type == 2 && objects->places[i].at == 0)
			objects->places[i].at = number;
	char dictionary[80];
	snprintf(dictionary, sizeof dictionary, "/Type/ObjStm/N %u/First %zu",
	    objects->held, objects->heads.size);
	buf_add_span(&objects->heads, buf_span(&objects->bodies));
	if (!buf_ok(&objects->heads) || !buf_ok(&objects->bodies))
		objects->failed = true;
	pdf_stream(objects, number, dictionary, buf_span(&objects->heads),
	    PDF_DEFLATE);
	buf_reset(&objects->heads);
	buf_reset(&objects->bodies);
	objects->held = 0;
}

struct buf *
pdf_object_begin(struct pdf_objects *objects, uint32_t number)
{
	struct buf *heads = &objects->heads;
	pdf_add_int(heads, number);
	buf_add_byte(heads, ' ');
	pdf_add_int(heads, (int64_t)objects->bodies.size);
	buf_add_byte(heads, ' ');
	if (number < objects->count)
		objects->places[number] = (struct pdf_place){
		    .type = 2, .index = (uint16_t)objects->held};
	return &objects->bodies;
}

void
pdf_object_end(struct pdf_objects *objects)
{
	buf_add_byte(&objects->bodies, '\n');
	objects->held++;
	if (objects->held >= HELD_MAX || objects->bodies.size >= BODIES_MAX)
		write_held(objects);
}

void
pdf_deflate(
    struct libdeflate_compressor *deflate, struct span data, struct buf *out)
{
	size_t bound = libdeflate_zlib_compress_bound(deflate, data.size);
	uint8_t *room = buf_room(out, bound);
	if (room != NULL)
		buf_used(out, libdeflate_zlib_compress(
				  deflate, data.at, data.size, room, bound));
}

void
pdf_stream(struct pdf_objects *objects, uint32_t number, const char *dictionary,
    struct span data, enum pdf_packing packing)
{
	struct buf *out = objects->out;
	if (number < objects->count)
		objects->places[number] = (struct pdf_place){
		    .type = 1, .at = out->size - objects->start};
	if (packing == PDF_DEFLATE) {
		buf_reset(&objects->packed);
		pdf_deflate(objects->deflate, data, &objects->packed);
		if (!buf_ok(&objects->packed))
			objects->failed = true;
		data = buf_span(&objects->packed);
	}
	pdf_add_int(out, number);
	buf_add_text(out, " 0 obj\n<<");
	buf_add_text(out, dictionary);
	if (packing != PDF_PLAIN)
		buf_add_text(out, "/Filter/FlateDecode");
	buf_add_text(out, "/Length ");
	pdf_add_int(out, (int64_t)data.size);
	buf_add_text(out, ">>\nstream\n");
	buf_add_span(out, data);
	buf_add_text(out, "\nendstream\nendobj\n");
}

/* Width 1, 5, 2: type, offset or stream, index (7.5.8.3). */
static void
write_places(struct pdf_objects *objects, struct buf *rows)
{
	for (uint32_t i = 0; i < objects->count; i++) {
		const struct pdf_place *place = &objects->places[i];
		buf_add_byte(rows, place->type);
		buf_add_byte(rows, (uint8_t)(place->at >> 32));
		buf_add_u32(rows, (uint32_t)place->at);
		buf_add_u16(rows, i == 0 ? 65535 : place->index);
	}
}

void
pdf_objects_finish(struct pdf_objects *objects, uint32_t root)
{
	struct buf *out = objects->out;
	write_held(objects);
	uint32_t number = pdf_object_new(objects);
	size_t at = out->size - objects->start;
	if (objects->failed || !buf_ok(out))
		return;
	objects->places[number] = (struct pdf_place){.type = 1, .at = at};
	struct span file = span_of(out->at + objects->start, at);
	uint64_t id[2] = {pdf_hash(file, 1), pdf_hash(file, 2)};
	char dictionary[200];
	snprintf(dictionary, sizeof dictionary,
	    "/Type/XRef/Size %u/W[1 5 2]/Root %u 0 R"
	    "/ID[<%016lX%016lX><%016lX%016lX>]",
	    objects->count, root, id[0], id[1], id[0], id[1]);
	struct buf rows;
	buf_init(&rows, (size_t)objects->count * 8);
	write_places(objects, &rows);
	if (!buf_ok(&rows))
		objects->failed = true;
	pdf_stream(objects, number, dictionary, buf_span(&rows), PDF_DEFLATE);
	buf_clear(&rows);
	buf_add_text(out, "startxref\n");
	pdf_add_int(out, (int64_t)at);
	buf_add_text(out, "\n%%EOF\n");
}

uint64_t
pdf_hash(struct span data, uint64_t seed)
{
	const uint64_t prime = UINT64_C(0x9E3779B97F4A7C15);
	uint64_t hash = (seed + data.size) * prime;
	for (size_t i = 0; i < data.size; i += 8) {
		uint64_t word = 0;
		size_t left = data.size - i < 8 ? data.size - i : 8;
		memcpy(&word, data.at + i, left);
		hash = (hash ^ htole64(word)) * prime;
		hash ^= hash >> 29;
	}
	return (hash ^ hash >> 32) * prime;
}

void
pdf_add_int(struct buf *out, int64_t value)
{
	char text[24];
	size_t at = sizeof text;
	uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
	do {
		text[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (value < 0)
		text[--at] = '-';
	buf_add(out, text + at, sizeof text - at);
}

void
pdf_add_fixed(struct buf *out, int64_t thousandths)
{
	int64_t hundredths = (thousandths + (thousandths < 0 ? -5 : 5)) / 10;
	if (hundredths < 0) {
		buf_add_byte(out, '-');
		hundredths = -hundredths;
	}
	pdf_add_int(out, hundredths / 100);
	int64_t rest = hundredths % 100;
	if (rest == 0)
		return;
	char text[3] = {'.', (char)('0' + rest / 10), (char)('0' + rest % 10)};
	buf_add(out, text, rest % 10 == 0 ? 2 : 3);
}

void
pdf_add_ref(struct buf *out, uint32_t number)
{
	pdf_add_int(out, number);
	buf_add(out, " 0 R ", 5);
}

static void
add_hex(struct buf *out, uint32_t unit)
{
	static const char digits[] = "0123456789ABCDEF";
	char text[4] = {digits[unit >> 12 & 15], digits[unit >> 8 & 15],
	    digits[unit >> 4 & 15], digits[unit & 15]};
	buf_add(out, text, sizeof text);
}

void
pdf_add_text(struct buf *out, struct span text)
{
	buf_add_text(out, "<FEFF");
	for (size_t pos = 0; pos < text.size;) {
		uint32_t code_point = utf8_next(text, &pos);
		if (code_point > 0xFFFF) {
			code_point -= 0x10000;
			add_hex(out, 0xD800 | code_point >> 10);
			add_hex(out, 0xDC00 | (code_point & 0x3FF));
		} else {
			add_hex(out, code_point);
		}
	}
	buf_add_byte(out, '>');
}
