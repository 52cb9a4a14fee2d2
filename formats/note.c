/*
 * note - the text ends at the last empty line; below it are signatures only.
 */
#include "formats/note.h"

#include "base/text.h"
#include "formats/log_line.h"

#include <string.h>

#define DASH "\xE2\x80\x94 " /* U+2014, space */
#define DASH_SIZE (sizeof DASH - 1)

static int
refuse(struct why *why, const char *what)
{
	return why_set(why, WHY_MALFORMED, "note: %s", what);
}

/* Unicode's White_Space. */
static bool
is_space(uint32_t c)
{
	return c == ' ' || (c >= 0x09 && c <= 0x0D) || c == 0x85 || c == 0xA0 ||
	       c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
	       c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool
note_name_valid(struct span name)
{
	if (name.size == 0 || name.size > NOTE_NAME_BYTES || !utf8_valid(name))
		return false;
	for (size_t at = 0; at < name.size;) {
		uint32_t c = utf8_next(name, &at);
		if (c < ' ' || c == '+' || is_space(c))
			return false;
	}
	return true;
}

static bool
characters_good(struct span bytes)
{
	for (size_t i = 0; i < bytes.size; i++)
		if (bytes.at[i] < ' ' && bytes.at[i] != '\n')
			return false;
	return utf8_valid(bytes);
}

/* Cut at the last empty line; what is below it is left in *below. */
static bool
text_cut(struct span bytes, struct span *text, struct span *below)
{
	for (size_t i = bytes.size; i >= 2; i--)
		if (bytes.at[i - 1] == '\n' && bytes.at[i - 2] == '\n') {
			*text = span_of(bytes.at, i - 1);
			*below = span_of(bytes.at + i, bytes.size - i);
			return true;
		}
	return false;
}

static bool
octets_read(struct span base64, struct buf *octets)
{
	buf_init(octets, NOTE_KEY_ID_SIZE + NOTE_SIGNATURE_BYTES);
	return base64_parse(octets, base64) && octets->size > NOTE_KEY_ID_SIZE;
}

static int
signature_parse(
    struct span line, struct note_signature *signature, struct why *why)
{
	struct buf octets;

	if (line.size < DASH_SIZE || memcmp(line.at, DASH, DASH_SIZE) != 0)
		return refuse(why, "a signature's line begins otherwise");
	struct span rest = span_of(line.at + DASH_SIZE, line.size - DASH_SIZE);
	const uint8_t *space = memchr(rest.at, ' ', rest.size);
	if (space == NULL)
		return refuse(why, "a signature without a name");
	size_t size = (size_t)(space - rest.at);
	signature->name = span_of(rest.at, size);
	signature->base64 = span_of(space + 1, rest.size - size - 1);
	if (!note_name_valid(signature->name))
		return refuse(why, "the name of a key is not one");
	bool good = octets_read(signature->base64, &octets);
	if (good)
		memcpy(signature->key_id, octets.at, NOTE_KEY_ID_SIZE);
	buf_clear(&octets);
	return good ? 0 : refuse(why, "a signature is not base64, or too long");
}

int
note_parse(struct span bytes, struct note *note, struct why *why)
{
	struct span below, line;

	memset(note, 0, sizeof *note);
	if (bytes.size > NOTE_BYTES_MAX)
		return why_set(
		    why, WHY_TOO_LARGE, "note: over %u bytes", NOTE_BYTES_MAX);
	if (!characters_good(bytes))
		return refuse(why, "not UTF-8, or a control character");
	if (!text_cut(bytes, &note->text, &below))
		return refuse(why, "no empty line before signatures");
	if (note->text.size > NOTE_TEXT_BYTES)
		return why_set(why, WHY_TOO_LARGE, "note: a text over %u bytes",
		    NOTE_TEXT_BYTES);
	while (below.size > 0) {
		if (!log_line_take(&below, &line))
			return refuse(why, "the last line has no end");
		if (note->count == NOTE_SIGNATURES_MOST)
			return why_set(why, WHY_TOO_LARGE,
			    "note: over %d signatures", NOTE_SIGNATURES_MOST);
		int code =
		    signature_parse(line, &note->signature[note->count++], why);
		if (code != 0)
			return code;
	}
	return note->count > 0 ? 0 : refuse(why, "nobody signed");
}

bool
note_signature_read(const struct note_signature *signature, struct buf *out)
{
	struct buf octets;
	bool good = octets_read(signature->base64, &octets);

	if (good)
		buf_add(out, octets.at + NOTE_KEY_ID_SIZE,
		    octets.size - NOTE_KEY_ID_SIZE);
	buf_clear(&octets);
	return good && buf_ok(out);
}

void
note_signature_build(struct span name, const uint8_t key_id[NOTE_KEY_ID_SIZE],
    struct span octets, struct buf *out)
{
	struct buf all;

	buf_init(&all, NOTE_KEY_ID_SIZE + NOTE_SIGNATURE_BYTES);
	buf_add(&all, key_id, NOTE_KEY_ID_SIZE);
	buf_add_span(&all, octets);
	buf_add_text(out, DASH);
	buf_add_span(out, name);
	buf_add_byte(out, ' ');
	base64_build(out, buf_span(&all));
	buf_add_byte(out, '\n');
	if (!buf_ok(&all))
		out->failed = true;
	buf_clear(&all);
}
