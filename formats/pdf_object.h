/*
 * pdf_object - the file underneath a PDF: numbered objects, object streams,
 * the cross-reference stream (ISO 32000-1, 7.5.7, 7.5.8). Private to the PDF
 * writer.
 */
#pragma once

#include "base/buf.h"

#include <libdeflate.h>
#include <stdbool.h>
#include <stdint.h>

/* Max of working buffers: only the file itself is held to a limit, they are
 * bounded by the tree's. */
#define PDF_ROOM (SIZE_MAX / 4)

/* Where an object is: in the file, or as the index-th of an object stream. */
struct pdf_place {
	uint64_t at; /* offset, or number of the object stream */
	uint16_t index;
	uint8_t type; /* 0 nowhere yet, 1 file, 2 object stream */
};

struct pdf_objects {
	struct buf *out;
	size_t start; /* of the file in out */
	struct libdeflate_compressor *deflate;
	struct pdf_place *places;
	uint32_t count, capacity;
	uint32_t held; /* objects in the stream being gathered */
	uint32_t open; /* object being written, 0 none */
	struct buf heads, bodies, packed;
	bool failed; /* no memory; a full buffer tells itself */
};

void pdf_objects_init(struct pdf_objects *objects, struct buf *out,
    struct libdeflate_compressor *deflate);
void pdf_objects_clear(struct pdf_objects *objects);

/* A number for an object that will be written later. */
uint32_t pdf_object_new(struct pdf_objects *objects);

/* Write an object: what is added to the buffer between the two is its body. */
struct buf *pdf_object_begin(struct pdf_objects *objects, uint32_t number);
void pdf_object_end(struct pdf_objects *objects);

/* A stream; dictionary is what stands in << >> besides the length. Packed:
 * data is compressed already and the dictionary says so. */
enum pdf_packing { PDF_PLAIN, PDF_DEFLATE, PDF_PACKED };
void pdf_stream(struct pdf_objects *objects, uint32_t number,
    const char *dictionary, struct span data, enum pdf_packing packing);

/* All objects are there: write the rest of the file. */
void pdf_objects_finish(struct pdf_objects *objects, uint32_t root);

/* Append data compressed (zlib format). */
void pdf_deflate(
    struct libdeflate_compressor *deflate, struct span data, struct buf *out);

/* A hash of bytes, the same on every machine; not for security. */
uint64_t pdf_hash(struct span data, uint64_t seed);

/* ---- tokens ---- */

void pdf_add_int(struct buf *out, int64_t value);
/* Thousandths as a number with at most two decimals. */
void pdf_add_fixed(struct buf *out, int64_t thousandths);
void pdf_add_ref(struct buf *out, uint32_t number); /* "12 0 R " */
/* UTF-8 as a text string (ISO 32000-1, 7.9.2.2). */
void pdf_add_text(struct buf *out, struct span text);
