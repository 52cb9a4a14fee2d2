#include "tests/support/pdf_reader.h"

#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 30

struct piece {
	struct piece *next;
	max_align_t at[];
};

struct place {
	unsigned type;
	uint64_t at;
	unsigned index;
	const struct pdf_value *value;
	bool busy;
};

struct pdf_file {
	struct span bytes;
	struct piece *pieces;
	struct place *places;
	size_t count;
	const struct pdf_value *trailer;
	char *error;
};

static void *
take(struct pdf_file *file, size_t size)
{
	struct piece *piece = calloc(1, sizeof *piece + size);
	if (piece == NULL)
		abort();
	piece->next = file->pieces;
	file->pieces = piece;
	return piece->at;
}

static void
fail(struct pdf_file *file, const char *what, size_t at)
{
	if (file->error[0] == '\0')
		snprintf(file->error, 200, "%s at %zu", what, at);
}

static bool
is_space(uint8_t byte)
{
	return byte == 0 || byte == 9 || byte == 10 || byte == 12 ||
	       byte == 13 || byte == 32;
}

static bool
is_regular(uint8_t byte)
{
	return !is_space(byte) && strchr("()<>[]{}/%", byte) == NULL;
}

static void
skip_space(struct span data, size_t *pos)
{
	while (*pos < data.size && is_space(data.at[*pos]))
		(*pos)++;
}

static struct pdf_value *
new_value(struct pdf_file *file, enum pdf_type type)
{
	struct pdf_value *value = take(file, sizeof *value);
	value->type = type;
	return value;
}

static const struct pdf_value *parse(
    struct pdf_file *file, struct span data, size_t *pos, int depth);

static const struct pdf_value *
parse_items(struct pdf_file *file, struct span data, size_t *pos,
    enum pdf_type type, int depth)
{
	struct pdf_value *value = new_value(file, type);
	const struct pdf_value **items = NULL;
	size_t capacity = 0;
	for (;;) {
		skip_space(data, pos);
		if (*pos >= data.size)
			break;
		if (type == PDF_ARRAY && data.at[*pos] == ']') {
			(*pos)++;
			break;
		}
		if (type == PDF_DICT && *pos + 1 < data.size &&
		    memcmp(data.at + *pos, ">>", 2) == 0) {
			*pos += 2;
			break;
		}
		const struct pdf_value *item =
		    parse(file, data, pos, depth + 1);
		if (item == NULL)
			break;
		if (value->count == capacity) {
			capacity = capacity * 2 + 8;
			items = reallocarray(items, capacity, sizeof(void *));
		}
		items[value->count++] = item;
	}
	value->items = take(file, value->count * sizeof(void *) + 1);
	if (value->count > 0)
		memcpy(value->items, items, value->count * sizeof(void *));
	free(items);
	if (type == PDF_DICT && value->count % 2 != 0)
		fail(file, "dictionary with a key alone", *pos);
	return value;
}

static const struct pdf_value *
parse_string(struct pdf_file *file, struct span data, size_t *pos)
{
	struct pdf_value *value = new_value(file, PDF_STRING);
	uint8_t *text = take(file, data.size - *pos + 1);
	size_t size = 0;
	int nested = 0;
	for ((*pos)++; *pos < data.size; (*pos)++) {
		uint8_t byte = data.at[*pos];
		if (byte == ')' && nested-- == 0)
			break;
		if (byte == '(')
			nested++;
		if (byte == '\r')
			fail(file, "bare CR in a string", *pos);
		if (byte == '\\' && *pos + 1 < data.size) {
			byte = data.at[++*pos];
			if (byte == 'r')
				byte = '\r';
			else if (byte != '(' && byte != ')' && byte != '\\')
				fail(file, "escape never written", *pos);
		}
		text[size++] = byte;
	}
	(*pos)++;
	value->text = span_of(text, size);
	return value;
}

static const struct pdf_value *
parse_hex(struct pdf_file *file, struct span data, size_t *pos)
{
	struct pdf_value *value = new_value(file, PDF_STRING);
	uint8_t *text = take(file, data.size - *pos + 1);
	size_t digits = 0;
	for ((*pos)++; *pos < data.size && data.at[*pos] != '>'; (*pos)++) {
		static const char hex[] = "0123456789ABCDEF";
		const char *at = strchr(hex, data.at[*pos]);
		if (at == NULL || data.at[*pos] == 0) {
			fail(file, "bad hex digit", *pos);
			return NULL;
		}
		text[digits / 2] =
		    (uint8_t)(text[digits / 2] << 4 | (at - hex));
		digits++;
	}
	(*pos)++;
	if (digits % 2 != 0)
		fail(file, "odd hex string", *pos);
	value->text = span_of(text, digits / 2);
	return value;
}

/* A number, or "n 0 R". */
static const struct pdf_value *
parse_number(struct pdf_file *file, struct span data, size_t *pos)
{
	char text[32] = "";
	size_t size = 0;
	while (*pos < data.size && is_regular(data.at[*pos]) && size < 31)
		text[size++] = (char)data.at[(*pos)++];
	char *end;
	struct pdf_value *value = new_value(file, PDF_NUMBER);
	value->number = strtod(text, &end);
	if (*end != '\0') {
		fail(file, "bad number", *pos);
		return NULL;
	}
	if (*pos + 4 <= data.size && memcmp(data.at + *pos, " 0 R", 4) == 0 &&
	    (*pos + 4 == data.size || !is_regular(data.at[*pos + 4]))) {
		*pos += 4;
		value->type = PDF_REF;
	}
	return value;
}

static const struct pdf_value *
parse_word(struct pdf_file *file, struct span data, size_t *pos)
{
	size_t start = *pos;
	while (*pos < data.size && is_regular(data.at[*pos]))
		(*pos)++;
	struct span word = span_of(data.at + start, *pos - start);
	struct pdf_value *value = new_value(file, PDF_OPERATOR);
	value->text = word;
	if (word.size == 0) {
		fail(file, "byte that begins nothing", start);
		return NULL;
	}
	if (span_is(word, "true") || span_is(word, "false")) {
		value->type = PDF_BOOL;
		value->number = span_is(word, "true");
	} else if (span_is(word, "null")) {
		value->type = PDF_NULL;
	}
	return value;
}

static const struct pdf_value *
parse(struct pdf_file *file, struct span data, size_t *pos, int depth)
{
	skip_space(data, pos);
	if (*pos >= data.size || depth > DEPTH_MAX)
		return NULL;
	uint8_t byte = data.at[*pos];
	if (byte == '/') {
		struct pdf_value *name = new_value(file, PDF_NAME);
		size_t start = ++*pos;
		while (*pos < data.size && is_regular(data.at[*pos]))
			(*pos)++;
		name->text = span_of(data.at + start, *pos - start);
		return name;
	}
	if (byte == '(')
		return parse_string(file, data, pos);
	if (byte == '[') {
		(*pos)++;
		return parse_items(file, data, pos, PDF_ARRAY, depth);
	}
	if (byte == '<' && *pos + 1 < data.size && data.at[*pos + 1] == '<') {
		*pos += 2;
		return parse_items(file, data, pos, PDF_DICT, depth);
	}
	if (byte == '<')
		return parse_hex(file, data, pos);
	if (byte == '-' || byte == '.' || (byte >= '0' && byte <= '9'))
		return parse_number(file, data, pos);
	return parse_word(file, data, pos);
}

const struct pdf_value *
pdf_token(struct pdf_file *file, struct span data, size_t *pos)
{
	return parse(file, data, pos, 0);
}

static struct span
unpack(struct pdf_file *file, struct span packed, size_t at)
{
	struct libdeflate_decompressor *inflate =
	    libdeflate_alloc_decompressor();
	size_t room = packed.size * 8 + 4096;
	for (;; room *= 4) {
		uint8_t *out = take(file, room);
		size_t size;
		enum libdeflate_result result = libdeflate_zlib_decompress(
		    inflate, packed.at, packed.size, out, room, &size);
		if (result == LIBDEFLATE_INSUFFICIENT_SPACE)
			continue;
		libdeflate_free_decompressor(inflate);
		if (result != LIBDEFLATE_SUCCESS) {
			fail(file, "stream does not unpack", at);
			return SPAN_NONE;
		}
		return span_of(out, size);
	}
}

/* "stream" LF, exactly /Length bytes, LF "endstream" LF "endobj". */
static void
read_stream(struct pdf_file *file, struct pdf_value *dict, size_t pos)
{
	static const char end[] = "\nendstream\nendobj\n";
	struct span bytes = file->bytes;
	const struct pdf_value *length = pdf_raw(dict, "Length");
	size_t size = (size_t)length->number;
	if (bytes.size - pos < 8 || memcmp(bytes.at + pos, "\nstream\n", 8) ||
	    length->type != PDF_NUMBER || size > bytes.size - pos - 8 ||
	    bytes.size - pos - 8 - size < sizeof end - 1 ||
	    memcmp(bytes.at + pos + 8 + size, end, sizeof end - 1) != 0) {
		fail(file, "stream without its frame", pos);
		return;
	}
	dict->is_stream = true;
	dict->data = span_of(bytes.at + pos + 8, size);
	const struct pdf_value *filter = pdf_raw(dict, "Filter");
	if (pdf_name_is(filter, "FlateDecode"))
		dict->data = unpack(file, dict->data, pos);
	else if (filter->type != PDF_NULL)
		fail(file, "filter other than FlateDecode", pos);
}

static const struct pdf_value *
read_at(struct pdf_file *file, size_t number, size_t at)
{
	char head[40];
	int size = snprintf(head, sizeof head, "%zu 0 obj\n", number);
	size_t pos = at + (size_t)size;
	if (at > file->bytes.size || file->bytes.size - at < (size_t)size ||
	    memcmp(file->bytes.at + at, head, (size_t)size) != 0) {
		fail(file, "object is not where the table says", at);
		return NULL;
	}
	const struct pdf_value *value = parse(file, file->bytes, &pos, 0);
	if (value != NULL && value->type == PDF_DICT)
		read_stream(file, (struct pdf_value *)(uintptr_t)value, pos);
	return value;
}

static const struct pdf_value *
read_held(struct pdf_file *file, size_t number, const struct place *place)
{
	const struct pdf_value *stream = pdf_file_object(file, place->at);
	if (stream == NULL || !pdf_name_is(pdf_raw(stream, "Type"), "ObjStm")) {
		fail(file, "no object stream for object", number);
		return NULL;
	}
	size_t pos = 0;
	size_t first = (size_t)pdf_raw(stream, "First")->number;
	for (unsigned i = 0; i <= place->index; i++) {
		const struct pdf_value *name =
		    parse(file, stream->data, &pos, 0);
		const struct pdf_value *at = parse(file, stream->data, &pos, 0);
		if (name == NULL || at == NULL)
			break;
		if (i < place->index)
			continue;
		if ((size_t)name->number != number)
			break;
		size_t start = first + (size_t)at->number;
		return parse(file, stream->data, &start, 0);
	}
	fail(file, "object stream does not hold object", number);
	return NULL;
}

/* Objects of a stream are many: their places are found once. */
static void
read_all_held(struct pdf_file *file, size_t stream_number)
{
	const struct pdf_value *stream = pdf_file_object(file, stream_number);
	if (stream == NULL)
		return;
	size_t pos = 0;
	size_t count = (size_t)pdf_raw(stream, "N")->number;
	size_t first = (size_t)pdf_raw(stream, "First")->number;
	for (unsigned i = 0; i < count; i++) {
		const struct pdf_value *name =
		    parse(file, stream->data, &pos, 0);
		const struct pdf_value *at = parse(file, stream->data, &pos, 0);
		if (name == NULL || at == NULL ||
		    (size_t)name->number >= file->count) {
			fail(file, "bad object stream", stream_number);
			return;
		}
		struct place *place = &file->places[(size_t)name->number];
		if (place->type != 2 || place->at != stream_number ||
		    place->index != i) {
			fail(file, "object stream and table disagree",
			    (size_t)name->number);
			return;
		}
		size_t start = first + (size_t)at->number;
		place->value = parse(file, stream->data, &start, 0);
	}
}

const struct pdf_value *
pdf_file_object(struct pdf_file *file, size_t number)
{
	if (number >= file->count || file->places[number].busy)
		return NULL;
	struct place *place = &file->places[number];
	if (place->value != NULL || place->type == 0)
		return place->value;
	place->busy = true;
	if (place->type == 1)
		place->value = read_at(file, number, place->at);
	else
		place->value = read_held(file, number, place);
	place->busy = false;
	return place->value;
}

static void
read_table(struct pdf_file *file, size_t at)
{
	size_t number = 0;
	size_t pos = at;
	const struct pdf_value *name = parse(file, file->bytes, &pos, 0);
	if (name != NULL)
		number = (size_t)name->number;
	const struct pdf_value *xref = read_at(file, number, at);
	if (xref == NULL || !pdf_name_is(pdf_raw(xref, "Type"), "XRef")) {
		fail(file, "no cross-reference stream", at);
		return;
	}
	file->trailer = xref;
	file->count = (size_t)pdf_raw(xref, "Size")->number;
	if (xref->data.size != file->count * 8) {
		fail(file, "cross-reference of wrong size", at);
		file->count = 0;
		return;
	}
	file->places = take(file, file->count * sizeof *file->places);
	for (size_t i = 0; i < file->count; i++) {
		const uint8_t *row = xref->data.at + 8 * i;
		struct place *place = &file->places[i];
		place->type = row[0];
		for (size_t j = 1; j <= 5; j++)
			place->at = place->at << 8 | row[j];
		place->index = (unsigned)row[6] << 8 | row[7];
	}
}

struct pdf_file *
pdf_file_read(struct span bytes, char error[200])
{
	static const char head[] = "%PDF-1.7\n%\xE2\xE3\xCF\xD3\n";
	struct pdf_file *file = calloc(1, sizeof *file);
	if (file == NULL)
		abort();
	file->bytes = bytes;
	file->error = error;
	error[0] = '\0';
	if (bytes.size < 64 || memcmp(bytes.at, head, sizeof head - 1) != 0)
		fail(file, "wrong header", 0);
	size_t tail = bytes.size;
	if (error[0] == '\0' &&
	    memcmp(bytes.at + tail - 7, "\n%%EOF\n", 7) != 0)
		fail(file, "no %%EOF at the very end", tail);
	if (error[0] == '\0') {
		size_t at = tail - 7;
		while (at > 0 && bytes.at[at - 1] != '\n')
			at--;
		size_t pos = at;
		const struct pdf_value *start = parse(file, bytes, &pos, 0);
		if (start == NULL || at < 10 ||
		    memcmp(bytes.at + at - 10, "startxref\n", 10) != 0)
			fail(file, "no startxref", at);
		else
			read_table(file, (size_t)start->number);
	}
	for (size_t i = 1; error[0] == '\0' && i < file->count; i++)
		if (file->places[i].type == 1 &&
		    pdf_name_is(
			pdf_raw(pdf_file_object(file, i), "Type"), "ObjStm"))
			read_all_held(file, i);
	for (size_t i = 1; error[0] == '\0' && i < file->count; i++)
		if (pdf_file_object(file, i) == NULL)
			fail(file, "object that is not there", i);
	if (error[0] == '\0')
		return file;
	pdf_file_free(file);
	return NULL;
}

void
pdf_file_free(struct pdf_file *file)
{
	if (file == NULL)
		return;
	for (struct piece *piece = file->pieces; piece != NULL;) {
		struct piece *next = piece->next;
		free(piece);
		piece = next;
	}
	free(file);
}

size_t
pdf_file_size(const struct pdf_file *file)
{
	return file->count;
}

const struct pdf_value *
pdf_file_trailer(struct pdf_file *file)
{
	return file->trailer;
}

static const struct pdf_value NOTHING = {.type = PDF_NULL};

const struct pdf_value *
pdf_raw(const struct pdf_value *dict, const char *key)
{
	if (dict == NULL || dict->type != PDF_DICT)
		return &NOTHING;
	for (size_t i = 0; i + 1 < dict->count; i += 2)
		if (pdf_name_is(dict->items[i], key))
			return dict->items[i + 1];
	return &NOTHING;
}

const struct pdf_value *
pdf_follow(struct pdf_file *file, const struct pdf_value *value)
{
	if (value == NULL)
		return &NOTHING;
	if (value->type == PDF_REF)
		value = pdf_file_object(file, (size_t)value->number);
	return value == NULL ? &NOTHING : value;
}

const struct pdf_value *
pdf_get(struct pdf_file *file, const struct pdf_value *dict, const char *key)
{
	return pdf_follow(file, pdf_raw(dict, key));
}

const struct pdf_value *
pdf_item(struct pdf_file *file, const struct pdf_value *array, size_t i)
{
	if (array->type != PDF_ARRAY || i >= array->count)
		return &NOTHING;
	return pdf_follow(file, array->items[i]);
}

bool
pdf_name_is(const struct pdf_value *value, const char *name)
{
	return value != NULL && value->type == PDF_NAME &&
	       span_is(value->text, name);
}
