/*
 * Which characters a document may hold, and what becomes of the others.
 *
 * SECURITY: reads text from anywhere. What it lets through is valid UTF-8
 * without controls, so it is safe in XML and for the shaper.
 */
#include "formats/document_priv.h"

#include "base/text.h"

#include <string.h>

enum fate { KEEP, SPACE, BREAK, PARAGRAPH, DROP, REPLACE };

struct fate_range {
	uint32_t first, last;
	enum fate fate;
};

/*
 * In order. Dropped are marks that steer other programs and print nothing:
 * bidi overrides (they can make a text read as something else), soft hyphens,
 * variation selectors, tags, fillers. The joiners U+200C and U+200D stay,
 * Persian and the Indic scripts need them. Replaced is what PDF/A forbids in
 * extracted text or what has no agreed meaning: controls, private use,
 * noncharacters.
 */
static const struct fate_range FATES[] = {
    {0x0000, 0x0008, REPLACE},
    {0x0009, 0x0009, SPACE},
    {0x000A, 0x000D, BREAK},
    {0x000E, 0x001F, REPLACE},
    {0x007F, 0x0084, REPLACE},
    {0x0085, 0x0085, BREAK},
    {0x0086, 0x009F, REPLACE},
    {0x00AD, 0x00AD, DROP},
    {0x061C, 0x061C, DROP},
    {0x115F, 0x1160, DROP},
    {0x17B4, 0x17B5, DROP},
    {0x180B, 0x180F, DROP},
    {0x200B, 0x200B, DROP},
    {0x200E, 0x200F, DROP},
    {0x2028, 0x2028, BREAK},
    {0x2029, 0x2029, PARAGRAPH},
    {0x202A, 0x202E, DROP},
    {0x2060, 0x206F, DROP},
    {0x3164, 0x3164, DROP},
    {0xD800, 0xDFFF, REPLACE},
    {0xE000, 0xF8FF, REPLACE},
    {0xFDD0, 0xFDEF, REPLACE},
    {0xFE00, 0xFE0F, DROP},
    {0xFEFF, 0xFEFF, DROP},
    {0xFFA0, 0xFFA0, DROP},
    {0xFFF0, 0xFFFB, DROP},
    {0xFFFE, 0xFFFF, REPLACE},
    {0x1BCA0, 0x1BCA3, DROP},
    {0x1D173, 0x1D17A, DROP},
    {0x1FFFE, 0x1FFFF, REPLACE},
    {0x2FFFE, 0x2FFFF, REPLACE},
    {0x3FFFE, 0xDFFFF, REPLACE},
    {0xE0000, 0xE0FFF, DROP},
    {0xE1000, 0x10FFFF, REPLACE},
};

static enum fate
fate_of(uint32_t code_point)
{
	size_t low = 0;
	size_t high = sizeof FATES / sizeof *FATES;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (code_point > FATES[middle].last)
			low = middle + 1;
		else if (code_point < FATES[middle].first)
			high = middle;
		else
			return FATES[middle].fate;
	}
	return KEEP;
}

void
document_note(struct document_notes *notes, enum document_note_kind kind,
    uint32_t code_point)
{
	switch (kind) {
	case DOCUMENT_DROPPED:
		notes->dropped++;
		break;
	case DOCUMENT_REPLACED:
		notes->replaced++;
		break;
	case DOCUMENT_MISSING:
		notes->missing++;
		break;
	}
	for (size_t i = 0; i < notes->count; i++) {
		if (notes->seen[i].kind == kind &&
		    notes->seen[i].code_point == code_point) {
			notes->seen[i].count++;
			return;
		}
	}
	if (notes->count == DOCUMENT_NOTES_MAX) {
		notes->more = true;
		return;
	}
	notes->seen[notes->count].kind = kind;
	notes->seen[notes->count].code_point = code_point;
	notes->seen[notes->count].count = 1;
	notes->count++;
}

/* How many bytes from pos on are printable ASCII: nearly all of nearly every
 * text, copied without a look at each. */
static size_t
plain_run(struct span text, size_t pos)
{
	size_t end = pos;
	while (end < text.size && text.at[end] >= 0x20 && text.at[end] < 0x7F)
		end++;
	return end - pos;
}

/* U+FFFD stands for itself and for what is not UTF-8: three bytes tell. */
static bool
was_read(struct span text, size_t pos)
{
	return text.size - pos >= 3 &&
	       memcmp(text.at + pos, "\xEF\xBF\xBD", 3) == 0;
}

static void
filter_one(struct document_notes *notes, uint32_t code_point, bool breaks,
    struct buf *out)
{
	switch (fate_of(code_point)) {
	case KEEP:
		utf8_add(out, code_point);
		break;
	case SPACE:
		buf_add_byte(out, ' ');
		break;
	case PARAGRAPH:
		if (breaks)
			buf_add_byte(out, '\n');
		buf_add_byte(out, breaks ? '\n' : ' ');
		break;
	case BREAK:
		buf_add_byte(out, breaks ? '\n' : ' ');
		break;
	case DROP:
		document_note(notes, DOCUMENT_DROPPED, code_point);
		break;
	case REPLACE:
		document_note(notes, DOCUMENT_REPLACED, code_point);
		utf8_add(out, 0xFFFD);
		break;
	}
}

void
document_filter(struct document_notes *notes, struct span text, bool breaks,
    struct buf *out)
{
	size_t pos = 0;
	while (pos < text.size) {
		size_t plain = plain_run(text, pos);
		if (plain > 0) {
			buf_add(out, text.at + pos, plain);
			pos += plain;
			continue;
		}
		size_t start = pos;
		uint32_t code_point = utf8_next(text, &pos);
		if (code_point == 0xFFFD && !was_read(text, start)) {
			document_note(notes, DOCUMENT_REPLACED, 0xFFFFFFFF);
			utf8_add(out, 0xFFFD);
			continue;
		}
		if (code_point == '\r' && pos < text.size &&
		    text.at[pos] == '\n')
			pos++;
		filter_one(notes, code_point, breaks, out);
	}
}
