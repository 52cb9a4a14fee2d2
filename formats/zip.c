/*
 * Texts are deflated, and checksums made, with libdeflate: it does both at a
 * third of zlib's cost, and wants the whole text, which is what we have.
 */
#include "formats/zip.h"

#include <assert.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLOCK_MAX 65535u /* bytes in a stored block (RFC 1951, 3.2.4) */
#define BLOCK_HEAD 5u
#define FIELD_MAX 0xFFFFFFFFu /* stands for "see the zip64 field" */
#define DIRECTORY_MAX (1u << 30)
#define HELD_MAX 4096u /* each write costs a digest's and a cipher's call */
#define DEFLATE_LEVEL 3
/* Below it a text goes as one stored block: making libdeflate's tables costs
 * more than sealing 10 KiB, and would save a few hundred bytes. */
#define DEFLATE_LEAST 2048u

#define FLAG_DESCRIPTOR 0x0008u
#define FLAG_UTF8 0x0800u
#define METHOD_STORED 0u
#define METHOD_DEFLATED 8u
#define VERSION 20u
#define VERSION_ZIP64 45u
#define MADE_BY (3u << 8) /* Unix: the attributes are a file's mode */
#define MODE (0100644u << 16)

/* What the local header and the central directory say of an entry. */
struct entry {
	const char *name;
	uint16_t flags;
	uint16_t method;
	uint32_t crc;
	uint64_t packed;
	uint64_t size;
	uint64_t offset;
};

struct zip {
	zip_write_fn *write;
	void *context;
	uint64_t offset; /* bytes written */
	uint64_t entries;
	uint16_t time;
	uint16_t date;
	int failed;           /* the first failure's code */
	struct buf directory; /* the central directory so far */
	struct buf head;      /* a header in the making */
	struct buf held;      /* small pieces, to be written together */
	struct libdeflate_compressor *compressor;
	/* the entry that is streamed */
	bool open;
	struct entry entry;
	char *name;
	uint64_t left;       /* bytes of the entry that are to come */
	uint32_t block_left; /* bytes of the stored block that are to come */
};

static void
put16(struct buf *out, uint32_t value)
{
	uint8_t bytes[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
	buf_add(out, bytes, sizeof bytes);
}

static void
put32(struct buf *out, uint32_t value)
{
	uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8),
	    (uint8_t)(value >> 16), (uint8_t)(value >> 24)};
	buf_add(out, bytes, sizeof bytes);
}

static void
put64(struct buf *out, uint64_t value)
{
	put32(out, (uint32_t)value);
	put32(out, (uint32_t)(value >> 32));
}

/* A 32-bit field, or its stand-in. */
static void
put32_or_max(struct buf *out, uint64_t value)
{
	put32(out, value >= FIELD_MAX ? FIELD_MAX : (uint32_t)value);
}

static void
stamp(struct zip *zip, int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	zip->time = 0;
	zip->date = 1 << 5 | 1; /* the first day that zip knows */
	if (wall_ms < 0 || gmtime_r(&seconds, &tm) == NULL || tm.tm_year < 80 ||
	    tm.tm_year > 207)
		return;
	zip->time =
	    (uint16_t)(tm.tm_hour << 11 | tm.tm_min << 5 | tm.tm_sec / 2);
	zip->date = (uint16_t)((tm.tm_year - 80) << 9 | (tm.tm_mon + 1) << 5 |
			       tm.tm_mday);
}

int
zip_new(zip_write_fn *write, void *context, int64_t wall_ms, struct zip **out,
    struct why *why)
{
	struct zip *zip = calloc(1, sizeof *zip);
	if (zip == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a zip");
	zip->write = write;
	zip->context = context;
	stamp(zip, wall_ms);
	buf_init(&zip->directory, DIRECTORY_MAX);
	buf_init(&zip->head, ZIP_NAME_MAX + 256);
	buf_init(&zip->held, HELD_MAX);
	*out = zip;
	return 0;
}

void
zip_free(struct zip *zip)
{
	if (zip == NULL)
		return;
	libdeflate_free_compressor(zip->compressor);
	buf_clear(&zip->directory);
	buf_clear(&zip->head);
	buf_clear(&zip->held);
	free(zip->name);
	free(zip);
}

static int
fail(struct zip *zip, int code)
{
	zip->failed = code;
	return code;
}

static int
ready(const struct zip *zip, bool open, struct why *why)
{
	if (zip->failed != 0)
		return why_set(why, zip->failed, "the zip has failed before");
	assert(zip->open == open);
	return 0;
}

static int
let_out(struct zip *zip, struct span bytes, struct why *why)
{
	if (bytes.size == 0)
		return 0;
	int ret = zip->write(zip->context, bytes, why);
	return ret < 0 ? fail(zip, ret) : 0;
}

static int
held_let_out(struct zip *zip, struct why *why)
{
	int ret = let_out(zip, buf_span(&zip->held), why);
	buf_reset(&zip->held);
	return ret;
}

static int
emit(struct zip *zip, struct span bytes, struct why *why)
{
	int ret = 0;
	zip->offset += bytes.size;
	if (bytes.size > HELD_MAX - zip->held.size)
		ret = held_let_out(zip, why);
	if (ret == 0 && bytes.size >= HELD_MAX)
		return let_out(zip, bytes, why);
	if (zip->held.at == NULL)
		(void)buf_room(&zip->held, HELD_MAX);
	buf_add_span(&zip->held, bytes);
	if (ret == 0 && !buf_ok(&zip->held))
		ret = fail(zip, why_set(why, WHY_NOMEM, "no memory for a zip"));
	return ret;
}

static int
emit_head(struct zip *zip, struct why *why)
{
	if (!buf_ok(&zip->head))
		return fail(zip,
		    why_set(why, WHY_NOMEM, "no memory for a zip's header"));
	int ret = emit(zip, buf_span(&zip->head), why);
	buf_reset(&zip->head);
	return ret;
}

static bool
is_zip64(const struct entry *entry)
{
	return entry->size >= FIELD_MAX || entry->packed >= FIELD_MAX;
}

static bool
has_descriptor(const struct entry *entry)
{
	return (entry->flags & FLAG_DESCRIPTOR) != 0;
}

/* APPNOTE 4.3.7. With a descriptor, sizes and checksum are zero here. */
static int
local_header_write(struct zip *zip, const struct entry *entry, struct why *why)
{
	struct buf *out = &zip->head;
	size_t name_size = strlen(entry->name);
	bool late = has_descriptor(entry);
	bool zip64 = is_zip64(entry);
	put32(out, 0x04034b50);
	put16(out, zip64 ? VERSION_ZIP64 : VERSION);
	put16(out, entry->flags);
	put16(out, entry->method);
	put16(out, zip->time);
	put16(out, zip->date);
	put32(out, late ? 0 : entry->crc);
	put32(out, zip64 ? FIELD_MAX : late ? 0 : (uint32_t)entry->packed);
	put32(out, zip64 ? FIELD_MAX : late ? 0 : (uint32_t)entry->size);
	put16(out, (uint32_t)name_size);
	put16(out, zip64 ? 20 : 0);
	buf_add(out, entry->name, name_size);
	if (zip64) {
		put16(out, 1);
		put16(out, 16);
		put64(out, 0);
		put64(out, 0);
	}
	return emit_head(zip, why);
}

/* APPNOTE 4.3.12; the zip64 field holds what did not fit, in this order. */
static void
directory_add(struct zip *zip, const struct entry *entry)
{
	struct buf *out = &zip->directory;
	bool zip64 = is_zip64(entry);
	uint32_t extra = (entry->size >= FIELD_MAX ? 8u : 0u) +
			 (entry->packed >= FIELD_MAX ? 8u : 0u) +
			 (entry->offset >= FIELD_MAX ? 8u : 0u);
	uint32_t version = zip64 || extra > 0 ? VERSION_ZIP64 : VERSION;
	put32(out, 0x02014b50);
	put16(out, MADE_BY | version);
	put16(out, version);
	put16(out, entry->flags);
	put16(out, entry->method);
	put16(out, zip->time);
	put16(out, zip->date);
	put32(out, entry->crc);
	put32_or_max(out, entry->packed);
	put32_or_max(out, entry->size);
	put16(out, (uint32_t)strlen(entry->name));
	put16(out, extra > 0 ? extra + 4 : 0);
	put16(out, 0); /* comment */
	put16(out, 0); /* disk */
	put16(out, 0); /* internal attributes */
	put32(out, MODE);
	put32_or_max(out, entry->offset);
	buf_add_text(out, entry->name);
	if (extra > 0) {
		put16(out, 1);
		put16(out, extra);
	}
	if (entry->size >= FIELD_MAX)
		put64(out, entry->size);
	if (entry->packed >= FIELD_MAX)
		put64(out, entry->packed);
	if (entry->offset >= FIELD_MAX)
		put64(out, entry->offset);
	zip->entries++;
}

static int
name_check(const char *name, struct why *why)
{
	size_t size = strlen(name);
	if (size > 0 && size <= ZIP_NAME_MAX)
		return 0;
	return why_set(why, WHY_TOO_LARGE,
	    "a name in a zip has %zu bytes; 1 to %d are possible", size,
	    ZIP_NAME_MAX);
}

/* Plain ASCII needs no flag, and `mimetype` must be as plain as can be. */
static uint16_t
name_flags(const char *name)
{
	for (; *name != '\0'; name++)
		if ((uint8_t)*name >= 0x80)
			return FLAG_UTF8;
	return 0;
}

static int
whole_write(struct zip *zip, struct entry *entry, struct span data,
    struct span packed, struct why *why)
{
	int ret = name_check(entry->name, why);
	if (ret < 0)
		return ret;
	if (data.size >= FIELD_MAX)
		return why_set(why, WHY_TOO_LARGE,
		    "a zip entry of 4 GiB cannot be written whole");
	entry->flags = name_flags(entry->name);
	entry->crc = libdeflate_crc32(0, data.at, data.size);
	entry->size = data.size;
	entry->packed = packed.size;
	entry->offset = zip->offset;
	if ((ret = local_header_write(zip, entry, why)) < 0 ||
	    (ret = emit(zip, packed, why)) < 0)
		return ret;
	directory_add(zip, entry);
	return 0;
}

int
zip_add_stored(
    struct zip *zip, const char *name, struct span data, struct why *why)
{
	struct entry entry = {.name = name, .method = METHOD_STORED};
	int ret = ready(zip, false, why);
	return ret < 0 ? ret : whole_write(zip, &entry, data, data, why);
}

/* RFC 1951, 3.2.4 */
static int
small_write(
    struct zip *zip, struct entry *entry, struct span data, struct why *why)
{
	uint8_t packed[BLOCK_HEAD + DEFLATE_LEAST];
	uint32_t size = (uint32_t)data.size;
	packed[0] = 1;
	packed[1] = (uint8_t)size;
	packed[2] = (uint8_t)(size >> 8);
	packed[3] = (uint8_t)~size;
	packed[4] = (uint8_t)(~size >> 8);
	if (size > 0)
		memcpy(packed + BLOCK_HEAD, data.at, size);
	return whole_write(
	    zip, entry, data, span_of(packed, BLOCK_HEAD + size), why);
}

int
zip_add_deflated(
    struct zip *zip, const char *name, struct span data, struct why *why)
{
	struct entry entry = {.name = name, .method = METHOD_DEFLATED};
	int ret = ready(zip, false, why);
	if (ret < 0)
		return ret;
	if (data.size < DEFLATE_LEAST)
		return small_write(zip, &entry, data, why);
	if (zip->compressor == NULL)
		zip->compressor = libdeflate_alloc_compressor(DEFLATE_LEVEL);
	size_t room = libdeflate_deflate_compress_bound(NULL, data.size);
	uint8_t *packed = zip->compressor == NULL ? NULL : malloc(room);
	if (packed == NULL)
		return fail(
		    zip, why_set(why, WHY_NOMEM,
			     "no memory to deflate %zu bytes", data.size));
	size_t size = libdeflate_deflate_compress(
	    zip->compressor, data.at, data.size, packed, room);
	assert(size > 0);
	ret = whole_write(zip, &entry, data, span_of(packed, size), why);
	free(packed);
	return ret;
}

int
zip_begin(struct zip *zip, const char *name, uint64_t size, struct why *why)
{
	int ret = ready(zip, false, why);
	if (ret < 0 || (ret = name_check(name, why)) < 0)
		return ret;
	if (size > UINT64_MAX / 2)
		return why_set(
		    why, WHY_TOO_LARGE, "a zip entry cannot be so large");
	free(zip->name);
	if ((zip->name = strdup(name)) == NULL)
		return fail(zip, why_set(why, WHY_NOMEM, "no memory"));
	/* the size decides how the blocks are cut, and so the packed size */
	uint64_t blocks = size == 0 ? 1 : (size - 1) / BLOCK_MAX + 1;
	zip->entry = (struct entry){
	    .name = zip->name,
	    .flags = (uint16_t)(FLAG_DESCRIPTOR | name_flags(name)),
	    .method = METHOD_DEFLATED,
	    .packed = size + BLOCK_HEAD * blocks,
	    .size = size,
	    .offset = zip->offset,
	};
	zip->left = size;
	zip->block_left = 0;
	zip->open = true;
	return local_header_write(zip, &zip->entry, why);
}

/* The head of the next stored block; the last one says so. */
static int
block_begin(struct zip *zip, struct why *why)
{
	uint32_t size = zip->left < BLOCK_MAX ? (uint32_t)zip->left : BLOCK_MAX;
	uint8_t head[BLOCK_HEAD] = {size == zip->left, (uint8_t)size,
	    (uint8_t)(size >> 8), (uint8_t)~size, (uint8_t)(~size >> 8)};
	zip->block_left = size;
	return emit(zip, span_of(head, sizeof head), why);
}

int
zip_data(struct zip *zip, struct span data, struct why *why)
{
	int ret = ready(zip, true, why);
	if (ret < 0)
		return ret;
	if (data.size > zip->left)
		return fail(
		    zip, why_set(why, WHY_INVALID,
			     "a file has more bytes than its size says"));
	zip->entry.crc = libdeflate_crc32(zip->entry.crc, data.at, data.size);
	while (data.size > 0) {
		if (zip->block_left == 0 && (ret = block_begin(zip, why)) < 0)
			return ret;
		size_t size =
		    data.size < zip->block_left ? data.size : zip->block_left;
		if ((ret = emit(zip, span_of(data.at, size), why)) < 0)
			return ret;
		data.at += size;
		data.size -= size;
		zip->block_left -= (uint32_t)size;
		zip->left -= size;
	}
	return 0;
}

int
zip_end(struct zip *zip, struct why *why)
{
	int ret = ready(zip, true, why);
	if (ret < 0)
		return ret;
	if (zip->left > 0)
		return fail(
		    zip, why_set(why, WHY_INVALID,
			     "a file has fewer bytes than its size says"));
	if (zip->entry.size == 0 && (ret = block_begin(zip, why)) < 0)
		return ret;
	/* APPNOTE 4.3.9: sizes are of 8 bytes exactly when zip64 is used */
	put32(&zip->head, 0x08074b50);
	put32(&zip->head, zip->entry.crc);
	if (is_zip64(&zip->entry)) {
		put64(&zip->head, zip->entry.packed);
		put64(&zip->head, zip->entry.size);
	} else {
		put32(&zip->head, (uint32_t)zip->entry.packed);
		put32(&zip->head, (uint32_t)zip->entry.size);
	}
	if ((ret = emit_head(zip, why)) < 0)
		return ret;
	directory_add(zip, &zip->entry);
	zip->open = false;
	return 0;
}

/* APPNOTE 4.3.14 and 4.3.15 */
static void
zip64_end_add(struct zip *zip, uint64_t at, uint64_t size)
{
	struct buf *out = &zip->directory;
	put32(out, 0x06064b50);
	put64(out, 44);
	put16(out, MADE_BY | VERSION_ZIP64);
	put16(out, VERSION_ZIP64);
	put32(out, 0);
	put32(out, 0);
	put64(out, zip->entries);
	put64(out, zip->entries);
	put64(out, size);
	put64(out, at);
	put32(out, 0x07064b50);
	put32(out, 0);
	put64(out, at + size);
	put32(out, 1);
}

int
zip_finish(struct zip *zip, struct why *why)
{
	int ret = ready(zip, false, why);
	if (ret < 0)
		return ret;
	uint64_t at = zip->offset;
	uint64_t size = zip->directory.size;
	struct buf *out = &zip->directory;
	uint32_t count =
	    zip->entries >= 0xFFFF ? 0xFFFF : (uint32_t)zip->entries;
	if (count == 0xFFFF || at >= FIELD_MAX || size >= FIELD_MAX)
		zip64_end_add(zip, at, size);
	put32(out, 0x06054b50);
	put16(out, 0);
	put16(out, 0);
	put16(out, count);
	put16(out, count);
	put32_or_max(out, size);
	put32_or_max(out, at);
	put16(out, 0);
	if (!buf_ok(out))
		return fail(zip,
		    why_set(why, WHY_NOMEM, "no memory for a zip's directory"));
	if ((ret = emit(zip, buf_span(out), why)) < 0 ||
	    (ret = held_let_out(zip, why)) < 0)
		return ret;
	/* what follows is an error of the caller */
	zip->failed = WHY_STATE;
	return 0;
}
