/*
 * SECURITY: reads hostile bytes; keeps the first of them until the type is
 * told, and then no more than its checker needs.
 */
#include "formats/sniff_priv.h"

#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD 1032        /* "%PDF-" may begin at byte 1024 */
#define PIECE (1u << 20) /* so that no checker meets a huge piece */
#define NEEDLE_MAX 32

struct sniff {
	enum sniff_type type;
	bool decided;
	bool empty;
	unsigned reasons;
	size_t head_size;
	uint8_t head[HEAD];
	struct sniff_pdf *pdf;
	/* text: a character that the last piece began */
	uint8_t part[4];
	size_t part_size;
	bool not_text;
	/* Office: a text whose presence is a reason */
	struct span needle;
	unsigned needle_reason;
	uint8_t back[NEEDLE_MAX];
	size_t back_size;
};

static const struct {
	const char *name;
	const char *text;
} reason_table[SNIFF_REASONS] = {
    {"empty", "a file with content"},
    {"type-not-allowed",
	"a file of a media type that this message type allows"},
    {"type-mismatch", "a file that is what its media type says"},
    {"encrypted", "a file that opens without a password"},
    {"active-content",
	"a file without scripts, launch actions or embedded files"},
    {"truncated", "a whole file; its end is missing"},
    {"not-checkable",
	"a file that can be checked; its objects are packed in an unusual way"},
    {"infected", "a file in which the virus scanner finds nothing"},
};

static size_t
reason_index(enum sniff_reason reason)
{
	size_t i = 0;
	while (i < SNIFF_REASONS && (unsigned)reason != 1u << i)
		i++;
	assert(i < SNIFF_REASONS);
	return i;
}

const char *
sniff_reason_name(enum sniff_reason reason)
{
	return reason_table[reason_index(reason)].name;
}

const char *
sniff_reason_text(enum sniff_reason reason)
{
	return reason_table[reason_index(reason)].text;
}

int
sniff_new(struct sniff **out, struct why *why)
{
	struct sniff *sniff = calloc(1, sizeof *sniff);
	if (sniff == NULL)
		return why_set(why, WHY_NOMEM, "no memory to check a file");
	sniff->empty = true;
	*out = sniff;
	return 0;
}

void
sniff_free(struct sniff *sniff)
{
	if (sniff == NULL)
		return;
	sniff_pdf_free(sniff->pdf);
	free(sniff);
}

/* Valid UTF-8 of which all characters may stand in a text. */
static bool
is_plain(struct span bytes)
{
	if (!utf8_valid(bytes))
		return false;
	for (size_t i = 0; i < bytes.size; i++)
		if ((bytes.at[i] < 0x20 && bytes.at[i] != '\t' &&
			bytes.at[i] != '\n' && bytes.at[i] != '\r' &&
			bytes.at[i] != '\f') ||
		    bytes.at[i] == 0x7F)
			return false;
	return true;
}

/* How many bytes at the end begin a character that is not whole. */
static size_t
cut_size(struct span bytes)
{
	for (size_t n = 1; n <= 3 && n <= bytes.size; n++) {
		uint8_t c = bytes.at[bytes.size - n];
		if ((c & 0xC0) == 0x80)
			continue;
		size_t whole = c >= 0xF0   ? 4
			       : c >= 0xE0 ? 3
			       : c >= 0xC0 ? 2
					   : 1;
		return whole > n ? n : 0;
	}
	return 0;
}

static void
text_push(struct sniff *sniff, struct span bytes)
{
	while (sniff->part_size > 0 && bytes.size > 0) {
		sniff->part[sniff->part_size++] = *bytes.at++;
		bytes.size--;
		struct span part = span_of(sniff->part, sniff->part_size);
		if (cut_size(part) == part.size && part.size < 4)
			continue;
		sniff->not_text |= !is_plain(part);
		sniff->part_size = 0;
	}
	if (sniff->not_text || bytes.size == 0)
		return;
	size_t cut = cut_size(bytes);
	sniff->not_text = !is_plain(span_of(bytes.at, bytes.size - cut));
	memcpy(sniff->part, bytes.at + bytes.size - cut, cut);
	sniff->part_size = cut;
}

static void
needle_push(struct sniff *sniff, struct span bytes)
{
	uint8_t joined[2 * NEEDLE_MAX];
	struct span needle = sniff->needle;
	size_t more = bytes.size < needle.size ? bytes.size : needle.size;
	memcpy(joined, sniff->back, sniff->back_size);
	memcpy(joined + sniff->back_size, bytes.at, more);
	size_t size = sniff->back_size + more;
	if (memmem(joined, size, needle.at, needle.size) != NULL ||
	    memmem(bytes.at, bytes.size, needle.at, needle.size) != NULL)
		sniff->reasons |= sniff->needle_reason;
	/* the last bytes, one fewer than the needle has */
	struct span from =
	    bytes.size >= needle.size ? bytes : span_of(joined, size);
	size_t keep = needle.size - 1 < from.size ? needle.size - 1 : from.size;
	memmove(sniff->back, from.at + from.size - keep, keep);
	sniff->back_size = keep;
}

static int
checker_push(struct sniff *sniff, struct span bytes, struct why *why)
{
	if (bytes.size == 0)
		return 0;
	if (sniff->pdf != NULL)
		return sniff_pdf_push(sniff->pdf, bytes, why);
	if (sniff->type == SNIFF_TEXT)
		text_push(sniff, bytes);
	if (sniff->needle.size > 0)
		needle_push(sniff, bytes);
	return 0;
}

/* The head is all there: set the type up, and hand the head on. */
static int
decide(struct sniff *sniff, struct why *why)
{
	struct span head = span_of(sniff->head, sniff->head_size);
	sniff->decided = true;
	sniff->type = sniff_magic_type(head);
	switch ((int)sniff->type) {
	case SNIFF_PDF: {
		int ret = sniff_pdf_new(&sniff->pdf, why);
		if (ret < 0)
			return ret;
		break;
	}
	case SNIFF_ZIP:
	case SNIFF_OOXML:
	case SNIFF_ODF:
		/* APPNOTE 4.4.4: bit 0 of the first entry's flags */
		if (head.size > 6 && (head.at[6] & 1) != 0)
			sniff->reasons |= SNIFF_ENCRYPTED;
		sniff->needle = span_text("vbaProject.bin");
		sniff->needle_reason = SNIFF_ACTIVE;
		break;
	case SNIFF_OLE:
		/* [MS-OFFCRYPTO]: the stream that holds the real document */
		sniff->needle = span_of("E\0n\0c\0r\0y\0p\0t\0e\0d\0"
					"P\0a\0c\0k\0a\0g\0e",
		    31);
		sniff->needle_reason = SNIFF_ENCRYPTED;
		break;
	default:
		break;
	}
	return checker_push(sniff, head, why);
}

int
sniff_push(struct sniff *sniff, struct span bytes, struct why *why)
{
	int ret = 0;
	sniff->empty &= bytes.size == 0;
	if (!sniff->decided && bytes.size > 0) {
		size_t more = HEAD - sniff->head_size;
		if (more > bytes.size)
			more = bytes.size;
		memcpy(sniff->head + sniff->head_size, bytes.at, more);
		sniff->head_size += more;
		bytes.at += more;
		bytes.size -= more;
		if (sniff->head_size == HEAD)
			ret = decide(sniff, why);
	}
	while (ret == 0 && bytes.size > 0) {
		size_t size = bytes.size < PIECE ? bytes.size : PIECE;
		ret = checker_push(sniff, span_of(bytes.at, size), why);
		bytes.at += size;
		bytes.size -= size;
	}
	return ret;
}

int
sniff_finish(struct sniff *sniff, enum sniff_type *type, unsigned *reasons,
    struct why *why)
{
	int ret = sniff->decided ? 0 : decide(sniff, why);
	if (ret < 0)
		return ret;
	if (sniff->type == SNIFF_TEXT &&
	    (sniff->not_text || sniff->part_size > 0 || sniff->empty))
		sniff->type = SNIFF_UNKNOWN;
	if (sniff->empty)
		sniff->reasons |= SNIFF_EMPTY;
	if (sniff->pdf != NULL)
		sniff->reasons |= sniff_pdf_finish(sniff->pdf);
	*type = sniff->type;
	*reasons = sniff->reasons;
	return 0;
}
