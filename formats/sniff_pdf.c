/*
 * Can a PDF be opened by anybody, and does it only show, not act?
 *
 * Not a parser: a parser can be led to believe in another structure than the
 * reader that opens the file later (fake streams, broken cross-references,
 * comments). Instead every byte is searched, inside streams too, for names
 * that a file must have to be encrypted or to act. They are long enough not to
 * come about by chance. Two are not ("JS", "AA"): they count outside streams
 * only, and nothing depends on them alone.
 *
 * Objects may also lie in compressed object streams. What follows a dictionary
 * with /ObjStm or /First is inflated, whatever else it claims, and searched
 * likewise. When such a stream is packed in another way (which no writer does,
 * and which matters only to files with a cross-reference stream) the file
 * cannot be checked. Scripts inside XFA forms are not looked for.
 *
 * SECURITY: reads hostile bytes; inflates at most INFLATE_MAX for a file, in at
 * most INFLATERS streams at a time.
 */
#include "formats/sniff_priv.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define INFLATERS 4
#define INFLATE_MAX (32u << 20)
#define TAIL 1024 /* "%%EOF" stands within the last bytes (H.3, note 18) */
#define HEAD 9    /* bytes that tell an object stream from others */
#define BACK 8    /* "endstrea" */

/* What a name means, as bits. */
enum {
	MEANS_ACTIVE = 1 << 0,
	MEANS_ACTIVE_OUTSIDE = 1 << 1, /* outside streams only */
	MEANS_ENCRYPTED = 1 << 2,
	/* about the dictionary before the next "stream" */
	MEANS_OBJECTS = 1 << 3,       /* is an object stream */
	MEANS_OBJECTS_MAYBE = 1 << 4, /* outlines have the same member */
	MEANS_PREDICTOR = 1 << 5,
	MEANS_PACKED = 1 << 6, /* in another way than by deflate */
	MEANS_XREF = 1 << 7,
};

static const struct meaning {
	const char *name;
	unsigned means;
} meanings[] = {
    {"AA", MEANS_ACTIVE_OUTSIDE},
    {"ASCII85Decode", MEANS_PACKED},
    {"ASCIIHexDecode", MEANS_PACKED},
    {"Crypt", MEANS_PACKED},
    {"EmbeddedFile", MEANS_ACTIVE},
    {"EmbeddedFiles", MEANS_ACTIVE},
    {"Encrypt", MEANS_ENCRYPTED},
    {"FileAttachment", MEANS_ACTIVE},
    {"First", MEANS_OBJECTS_MAYBE},
    {"JS", MEANS_ACTIVE_OUTSIDE},
    {"JavaScript", MEANS_ACTIVE},
    {"LZWDecode", MEANS_PACKED},
    {"Launch", MEANS_ACTIVE},
    {"ObjStm", MEANS_OBJECTS},
    {"Predictor", MEANS_PREDICTOR},
    {"Rendition", MEANS_ACTIVE},
    {"RichMedia", MEANS_ACTIVE},
    {"RunLengthDecode", MEANS_PACKED},
    {"XRef", MEANS_XREF},
};

/* The first byte of a name that may matter, '#' because it hides another. */
static bool
may_matter(uint8_t c)
{
	switch (c) {
	case '#':
	case 'A':
	case 'C':
	case 'E':
	case 'F':
	case 'J':
	case 'L':
	case 'O':
	case 'P':
	case 'R':
	case 'X':
		return true;
	default:
		return false;
	}
}

static unsigned
meaning_of(const char *name)
{
	for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
		if (strcmp(meanings[i].name, name) == 0)
			return meanings[i].means;
	return 0;
}

/* What is being inflated: candidates for object streams. */
struct inflater {
	bool used;
	bool begun;         /* white space before the data is over */
	bool judged;        /* the first bytes look like an object stream */
	bool predicted;     /* its dictionary has a predictor */
	uint8_t head[HEAD]; /* its first bytes */
	size_t head_size;
	z_stream z;
	struct sniff_names names;
};

struct sniff_pdf {
	unsigned reasons;
	unsigned means; /* of the names since the last stream began */
	bool in_stream;
	bool pending;        /* "stream" ended the last piece: what follows? */
	bool has_xref;       /* so it can have object streams */
	bool has_unreadable; /* something that may be one cannot be read */
	struct sniff_names names;
	uint8_t back[BACK]; /* the bytes before this piece */
	uint8_t tail[TAIL];
	size_t tail_size;
	size_t inflated;
	struct inflater inflaters[INFLATERS];
};

int
sniff_pdf_new(struct sniff_pdf **out, struct why *why)
{
	*out = calloc(1, sizeof **out);
	return *out != NULL
		   ? 0
		   : why_set(why, WHY_NOMEM, "no memory to check a PDF");
}

static void
inflater_end(struct inflater *inflater)
{
	if (inflater->used)
		(void)inflateEnd(&inflater->z);
	*inflater = (struct inflater){0};
}

void
sniff_pdf_free(struct sniff_pdf *pdf)
{
	if (pdf == NULL)
		return;
	for (size_t i = 0; i < INFLATERS; i++)
		inflater_end(&pdf->inflaters[i]);
	free(pdf);
}

static void
name_found(struct sniff_pdf *pdf, const struct sniff_names *names, bool inner)
{
	unsigned means = meaning_of(names->text);
	if ((means & MEANS_ACTIVE) != 0 ||
	    ((means & MEANS_ACTIVE_OUTSIDE) != 0 && (inner || !pdf->in_stream)))
		pdf->reasons |= SNIFF_ACTIVE;
	if ((means & MEANS_ENCRYPTED) != 0)
		pdf->reasons |= SNIFF_ENCRYPTED;
	if ((means & MEANS_XREF) != 0)
		pdf->has_xref = true;
	if (!inner)
		pdf->means |= means;
}

/* The names in what an object stream holds. */
static void
inner_scan(struct sniff_pdf *pdf, struct inflater *inflater, const uint8_t *at,
    size_t size)
{
	const uint8_t *end = at + size;
	struct sniff_names *names = &inflater->names;
	if (names->open) {
		at += sniff_names_go_on(names, at, size);
		if (!names->open)
			name_found(pdf, names, true);
	}
	while (at < end && (at = memchr(at, '/', (size_t)(end - at))) != NULL) {
		at++;
		if (at < end && !may_matter(*at))
			continue;
		at += sniff_names_begin(names, at, (size_t)(end - at));
		if (!names->open)
			name_found(pdf, names, true);
	}
}

static bool
is_white(uint8_t c)
{
	return c == '\0' || c == '\t' || c == '\n' || c == '\f' || c == '\r' ||
	       c == ' ';
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/*
 * Does it begin as an object stream does, with numbers (or a comment)? With a
 * predictor each row has a tag before it and the rest is differences: what
 * looks like that cannot be searched.
 */
static bool
head_judge(struct sniff_pdf *pdf, const struct inflater *inflater)
{
	const uint8_t *head = inflater->head;
	size_t i = 0;
	while (i < inflater->head_size && is_white(head[i]))
		i++;
	if (i == inflater->head_size || is_digit(head[i]) || head[i] == '%')
		return true;
	if (inflater->predicted && head[0] <= 4) {
		bool digit = false;
		for (i = 1; i < inflater->head_size &&
			    (is_white(head[i]) || is_digit(head[i]));
		     i++)
			digit |= is_digit(head[i]);
		if (digit && i == inflater->head_size)
			pdf->has_unreadable = true;
	}
	return false;
}

/* What came out of an inflater; false when it is of no interest any more. */
static bool
inflated_take(struct sniff_pdf *pdf, struct inflater *inflater,
    const uint8_t *at, size_t size, bool last)
{
	pdf->inflated += size;
	for (; size > 0 && inflater->head_size < HEAD; size--)
		inflater->head[inflater->head_size++] = *at++;
	if (!inflater->judged) {
		if (inflater->head_size < HEAD && !last)
			return true;
		if (!head_judge(pdf, inflater))
			return false;
		inflater->judged = true;
		inner_scan(pdf, inflater, inflater->head, inflater->head_size);
	}
	inner_scan(pdf, inflater, at, size);
	if (pdf->inflated <= INFLATE_MAX)
		return true;
	pdf->reasons |= SNIFF_UNCHECKABLE;
	return false;
}

static void
inflater_run(struct sniff_pdf *pdf, struct inflater *inflater,
    const uint8_t *at, size_t size)
{
	uint8_t out[16384];
	z_stream *z = &inflater->z;
	/* white space behind "stream"; deflated data never begins with it */
	while (!inflater->begun && size > 0 && is_white(*at)) {
		at++;
		size--;
	}
	if (size == 0)
		return;
	inflater->begun = true;
	z->next_in = (uint8_t *)(uintptr_t)at;
	z->avail_in = (uInt)size;
	for (;;) {
		z->next_out = out;
		z->avail_out = sizeof out;
		int ret = inflate(z, Z_NO_FLUSH);
		bool last = ret != Z_OK && ret != Z_BUF_ERROR;
		bool more = inflated_take(
		    pdf, inflater, out, sizeof out - z->avail_out, last);
		if (last || !more) {
			/* a name that ends with the data */
			if (more && inflater->names.open) {
				sniff_names_end(&inflater->names);
				name_found(pdf, &inflater->names, true);
			}
			inflater_end(inflater);
			return;
		}
		if (z->avail_out > 0)
			return;
	}
}

/* "stream" was read, and data is what follows it in this piece. */
static int
stream_begin(struct sniff_pdf *pdf, struct span data, struct why *why)
{
	unsigned means = pdf->means;
	pdf->in_stream = true;
	pdf->means = 0;
	if ((means & (MEANS_OBJECTS | MEANS_OBJECTS_MAYBE)) == 0)
		return 0;
	if ((means & MEANS_PACKED) != 0 ||
	    ((means & MEANS_OBJECTS) != 0 && (means & MEANS_PREDICTOR) != 0 &&
		(means & MEANS_XREF) == 0))
		pdf->has_unreadable = true;
	struct inflater *inflater = NULL;
	for (size_t i = 0; i < INFLATERS && inflater == NULL; i++)
		if (!pdf->inflaters[i].used)
			inflater = &pdf->inflaters[i];
	if (inflater == NULL) {
		pdf->reasons |= SNIFF_UNCHECKABLE;
		return 0;
	}
	*inflater =
	    (struct inflater){.predicted = (means & MEANS_PREDICTOR) != 0};
	if (inflateInit(&inflater->z) != Z_OK)
		return why_set(why, WHY_NOMEM, "no memory to check a PDF");
	inflater->used = true;
	inflater_run(pdf, inflater, data.at, data.size);
	return 0;
}

/* An 'm' at bytes.at[i]: does "stream" or "endstream" end there? */
static int
keyword_check(
    struct sniff_pdf *pdf, struct span bytes, size_t i, struct why *why)
{
	uint8_t joined[2 * BACK];
	const uint8_t *before = bytes.at + i;
	if (i < BACK) {
		memcpy(joined, pdf->back, BACK);
		memcpy(joined + BACK, bytes.at, i);
		before = joined + BACK + i;
	}
	if (memcmp(before - 5, "strea", 5) != 0)
		return 0;
	if (memcmp(before - 8, "end", 3) == 0) {
		pdf->in_stream = false;
		return 0;
	}
	/* a line end follows, or it is but a word */
	pdf->pending = i + 1 == bytes.size;
	if (pdf->pending || !is_white(bytes.at[i + 1]))
		return 0;
	return stream_begin(
	    pdf, span_of(bytes.at + i + 1, bytes.size - i - 1), why);
}

static const uint8_t *
find(const uint8_t *at, const uint8_t *end, int c)
{
	const uint8_t *found =
	    at < end ? memchr(at, c, (size_t)(end - at)) : NULL;
	return found == NULL ? end : found;
}

/* Names and keywords in the order in which they come. */
static int
outer_scan(struct sniff_pdf *pdf, struct span bytes, struct why *why)
{
	struct sniff_names *names = &pdf->names;
	const uint8_t *end = bytes.at + bytes.size;
	const uint8_t *at = bytes.at;
	if (names->open) {
		at += sniff_names_go_on(names, at, bytes.size);
		if (!names->open)
			name_found(pdf, names, false);
	}
	const uint8_t *slash = find(at, end, '/');
	const uint8_t *m = find(bytes.at, end, 'm');
	while (slash < end || m < end) {
		if (m < slash) {
			int ret = keyword_check(
			    pdf, bytes, (size_t)(m - bytes.at), why);
			if (ret < 0)
				return ret;
			m = find(m + 1, end, 'm');
			continue;
		}
		at = slash + 1;
		if (at == end || may_matter(*at)) {
			at += sniff_names_begin(names, at, (size_t)(end - at));
			if (!names->open)
				name_found(pdf, names, false);
		}
		slash = find(at, end, '/');
	}
	return 0;
}

/* Keep the last bytes: at most size of them in at, of which *used are there. */
static void
last_keep(uint8_t *at, size_t size, size_t *used, struct span bytes)
{
	if (bytes.size >= size) {
		memcpy(at, bytes.at + bytes.size - size, size);
		*used = size;
		return;
	}
	size_t keep = *used + bytes.size > size ? size - bytes.size : *used;
	memmove(at, at + *used - keep, keep);
	memcpy(at + keep, bytes.at, bytes.size);
	*used = keep + bytes.size;
}

int
sniff_pdf_push(struct sniff_pdf *pdf, struct span bytes, struct why *why)
{
	size_t back = BACK;
	int ret = 0;
	if (bytes.size == 0)
		return 0;
	/* those that are new in this piece are run when they begin */
	for (size_t i = 0; i < INFLATERS; i++)
		if (pdf->inflaters[i].used)
			inflater_run(
			    pdf, &pdf->inflaters[i], bytes.at, bytes.size);
	bool pending = pdf->pending && is_white(bytes.at[0]);
	pdf->pending = false;
	if (pending)
		ret = stream_begin(pdf, bytes, why);
	if (ret < 0 || (ret = outer_scan(pdf, bytes, why)) < 0)
		return ret;
	last_keep(pdf->back, BACK, &back, bytes);
	last_keep(pdf->tail, TAIL, &pdf->tail_size, bytes);
	return 0;
}

unsigned
sniff_pdf_finish(struct sniff_pdf *pdf)
{
	if (pdf->names.open) {
		sniff_names_end(&pdf->names);
		name_found(pdf, &pdf->names, false);
	}
	if (memmem(pdf->tail, pdf->tail_size, "%%EOF", 5) == NULL)
		pdf->reasons |= SNIFF_TRUNCATED;
	/* ciphertext cannot be looked into, and that is said already */
	if (pdf->has_unreadable && pdf->has_xref &&
	    (pdf->reasons & SNIFF_ENCRYPTED) == 0)
		pdf->reasons |= SNIFF_UNCHECKABLE;
	return pdf->reasons;
}
