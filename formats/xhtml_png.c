/* A picture as PNG, for the data: address of an XHTML image. */
#include "formats/xhtml_priv.h"

#include <libdeflate.h>
#include <string.h>

static void
add_chunk(struct buf *out, const char *type, struct span data)
{
	buf_add_u32(out, (uint32_t)data.size);
	uint32_t crc = libdeflate_crc32(0, type, 4);
	crc = libdeflate_crc32(crc, data.at, data.size);
	buf_add(out, type, 4);
	buf_add_span(out, data);
	buf_add_u32(out, crc);
}

static void
add_pixels(const struct document_picture *picture, struct buf *out)
{
	size_t row = (size_t)picture->width * 3;
	struct buf raw;
	struct buf packed;
	buf_init(&raw, (row + 1) * picture->height);
	for (uint32_t y = 0; y < picture->height; y++) {
		buf_add_byte(&raw, 0); /* filter type: none */
		buf_add(&raw, picture->rgb.at + y * row, row);
	}
	struct libdeflate_compressor *deflate = libdeflate_alloc_compressor(6);
	size_t bound = deflate == NULL
			   ? SIZE_MAX
			   : libdeflate_zlib_compress_bound(deflate, raw.size);
	buf_init(&packed, bound);
	uint8_t *room = buf_ok(&raw) ? buf_room(&packed, bound) : NULL;
	if (room != NULL) {
		buf_used(&packed, libdeflate_zlib_compress(
				      deflate, raw.at, raw.size, room, bound));
		add_chunk(out, "IDAT", buf_span(&packed));
	} else {
		buf_room(out, SIZE_MAX);
	}
	libdeflate_free_compressor(deflate);
	buf_clear(&packed);
	buf_clear(&raw);
}

void
png_build(const struct document_picture *picture, struct buf *out)
{
	buf_add(out, "\x89PNG\r\n\x1a\n", 8);
	struct buf head;
	buf_init(&head, 13);
	buf_add_u32(&head, picture->width);
	buf_add_u32(&head, picture->height);
	buf_add(&head, "\x08\x02\x00\x00\x00", 5);
	add_chunk(out, "IHDR", buf_span(&head));
	buf_clear(&head);
	add_pixels(picture, out);
	add_chunk(out, "IEND", SPAN_NONE);
}
