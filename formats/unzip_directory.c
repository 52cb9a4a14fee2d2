/*
 * The records are taken one by one as the bytes come. What our own writer never
 * makes and a plain archive has no need of is refused: more disks than one, an
 * archive comment, extra fields over EXTRA_MAX.
 *
 * SECURITY: reads hostile bytes; a record is of fixed size, or its length was
 * bounded before it is taken.
 */
#include "formats/unzip_directory.h"

#include "base/buf.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define RECORD_SIZE 46u  /* APPNOTE 4.3.12, without name, extra, comment */
#define LOCAL_SIZE 30u   /* 4.3.7, without name and extra */
#define END_SIZE 22u     /* 4.3.16, without the comment */
#define END64_SIZE 56u   /* 4.3.14, without the extensible data */
#define LOCATOR_SIZE 20u /* 4.3.15 */
#define EXTRA_MAX 1024u
#define FIELD_MAX 0xFFFFFFFFu /* stands for "see the zip64 field" */
#define FLAGS_ENCRYPTED (1u << 0 | 1u << 6 | 1u << 13)
#define ATTRIBUTES_NO_FILE 0x418u /* DOS: volume, folder; NTFS: reparse point  \
				   */

struct taking {
	unzip_take_fn *take;
	void *context;
	uint64_t taken;
	struct why *why;
};

int
unzip_directory_add(struct unzip_directory *directory, const char *name,
    uint64_t data, struct why *why)
{
	if (directory->count == directory->room) {
		size_t room = directory->room == 0 ? 8 : directory->room * 2;
		struct unzip_entry *entries =
		    reallocarray(directory->entries, room, sizeof *entries);
		if (entries == NULL)
			return why_set(
			    why, WHY_NOMEM, "no memory to read a zip");
		directory->entries = entries;
		directory->room = room;
	}
	char *copied = strdup(name);
	if (copied == NULL)
		return why_set(why, WHY_NOMEM, "no memory to read a zip");
	directory->entries[directory->count++] =
	    (struct unzip_entry){.name = copied, .data = data};
	return 0;
}

void
unzip_directory_clear(struct unzip_directory *directory)
{
	for (size_t i = 0; i < directory->count; i++)
		free(directory->entries[i].name);
	free(directory->entries);
	*directory = (struct unzip_directory){0};
}

/* ---- numbers, little-endian as all in a zip ---- */

static uint32_t
get16(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8;
}

static uint32_t
get32(const uint8_t *at)
{
	return get16(at) | get16(at + 2) << 16;
}

static uint64_t
get64(const uint8_t *at)
{
	return get32(at) | (uint64_t)get32(at + 4) << 32;
}

static int
take(struct taking *t, uint8_t *at, size_t size)
{
	int ret = t->take(t->context, at, size, t->why);
	t->taken += size;
	return ret;
}

static int
differs(const struct taking *t)
{
	return why_set(t->why, WHY_MALFORMED,
	    "the zip's directory has other entries than are there");
}

/* ---- one record ---- */

/* The fields of a record that did not fit in 32 bits, in this order (4.5.3). */
static bool
widen(struct span extra, uint64_t *size, uint64_t *packed, uint64_t *offset)
{
	struct span wide = SPAN_NONE;
	while (extra.size >= 4) {
		uint32_t length = get16(extra.at + 2);
		if (length > extra.size - 4)
			return false;
		if (get16(extra.at) == 1)
			wide = span_of(extra.at + 4, length);
		extra = span_of(extra.at + 4 + length, extra.size - 4 - length);
	}
	uint64_t *fields[] = {size, packed, offset};
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		if (*fields[i] != FIELD_MAX)
			continue;
		if (wide.size < 8)
			return false;
		*fields[i] = get64(wide.at);
		wide = span_of(wide.at + 8, wide.size - 8);
	}
	return true;
}

/* Whatever system it says it is from: readers differ in which they believe. */
static bool
is_plain(const uint8_t *record)
{
	uint32_t attributes = get32(record + 38);
	uint32_t type = attributes >> 16 & S_IFMT;
	return (type == 0 || type == S_IFREG) &&
	       (attributes & ATTRIBUTES_NO_FILE) == 0;
}

/* The offset is of the entry's local header, which is behind the entry before,
 * and has at most 64 KiB of extra fields. */
static bool
offset_fits(uint64_t offset, uint64_t least, const struct unzip_entry *entry)
{
	uint64_t head = LOCAL_SIZE + strlen(entry->name);
	return offset >= least && offset <= entry->data &&
	       entry->data - offset >= head &&
	       entry->data - offset - head <= UINT16_MAX;
}

static int
name_take(struct taking *t, const struct unzip_entry *entry, size_t size)
{
	uint8_t part[256];
	if (size != strlen(entry->name))
		return differs(t);
	for (size_t done = 0; done < size;) {
		size_t n =
		    size - done < sizeof part ? size - done : sizeof part;
		int ret = take(t, part, n);
		if (ret < 0)
			return ret;
		if (memcmp(part, entry->name + done, n) != 0)
			return differs(t);
		done += n;
	}
	return 0;
}

static int
record_check(struct taking *t, const struct unzip_entry *entry, uint64_t least)
{
	uint8_t record[RECORD_SIZE];
	uint8_t extra[EXTRA_MAX];
	int ret = take(t, record, sizeof record);
	if (ret < 0)
		return ret;
	if (memcmp(record, "PK\1\2", 4) != 0)
		return differs(t);
	if (!is_plain(record) || (get16(record + 8) & FLAGS_ENCRYPTED) != 0)
		return why_set(t->why, WHY_UNSUPPORTED,
		    "the zip has an entry that is no plain file");
	uint32_t extra_size = get16(record + 30);
	if (extra_size > EXTRA_MAX || get16(record + 32) != 0 ||
	    get16(record + 34) != 0)
		return why_set(t->why, WHY_UNSUPPORTED,
		    "the zip's directory has comments, disks or large extra "
		    "fields");
	if ((ret = name_take(t, entry, get16(record + 28))) < 0 ||
	    (ret = take(t, extra, extra_size)) < 0)
		return ret;
	uint64_t packed = get32(record + 20);
	uint64_t size = get32(record + 24);
	uint64_t offset = get32(record + 42);
	if (!widen(span_of(extra, extra_size), &size, &packed, &offset) ||
	    size != entry->size || !offset_fits(offset, least, entry))
		return differs(t);
	return 0;
}

/* ---- the end ---- */

/* Behind the records, where the signature of the first end record is in head:
 * the zip64 end record and its locator. */
static int
end64_check(
    struct taking *t, uint8_t *head, uint64_t count, uint64_t at, uint64_t size)
{
	uint8_t end[END64_SIZE];
	uint8_t locator[LOCATOR_SIZE];
	memcpy(end, head, 4);
	int ret = take(t, end + 4, sizeof end - 4);
	if (ret < 0 || (ret = take(t, locator, sizeof locator)) < 0 ||
	    (ret = take(t, head, 4)) < 0)
		return ret;
	if (get64(end + 4) != sizeof end - 12 || get32(end + 16) != 0 ||
	    get32(end + 20) != 0 || get64(end + 24) != count ||
	    get64(end + 32) != count || get64(end + 40) != size ||
	    get64(end + 48) != at || memcmp(locator, "PK\6\7", 4) != 0 ||
	    get32(locator + 4) != 0 || get64(locator + 8) != at + size ||
	    get32(locator + 16) != 1)
		return differs(t);
	return 0;
}

static int
end_check(struct taking *t, uint64_t count, uint64_t at)
{
	uint64_t size = t->taken;
	uint8_t end[END_SIZE];
	bool wide = false;
	int ret = take(t, end, 4);
	if (ret == 0 && memcmp(end, "PK\6\6", 4) == 0) {
		wide = true;
		ret = end64_check(t, end, count, at, size);
	}
	if (ret < 0 || (ret = take(t, end + 4, sizeof end - 4)) < 0)
		return ret;
	if (memcmp(end, "PK\5\6", 4) != 0 || get32(end + 4) != 0 ||
	    get16(end + 20) != 0)
		return why_set(
		    t->why, WHY_MALFORMED, "the zip has no proper end");
	bool right =
	    get16(end + 8) == get16(end + 10) &&
	    (get16(end + 8) == count ||
		(wide && get16(end + 8) == UINT16_MAX)) &&
	    (get32(end + 12) == size ||
		(wide && get32(end + 12) == FIELD_MAX)) &&
	    (get32(end + 16) == at || (wide && get32(end + 16) == FIELD_MAX));
	return right ? 0 : differs(t);
}

int
unzip_directory_check(const struct unzip_directory *directory, uint64_t at,
    unzip_take_fn *take_fn, void *context, struct why *why)
{
	struct taking t = {.take = take_fn, .context = context, .why = why};
	uint64_t least = 0;
	for (size_t i = 0; i < directory->count; i++) {
		int ret = record_check(&t, &directory->entries[i], least);
		if (ret < 0)
			return ret;
		least = directory->entries[i].data;
	}
	return end_check(&t, directory->count, at);
}
