/*
 * SECURITY: reads hostile bytes; nothing is handed out that the manifest does
 * not name, and the end of a file is told only when size and digest are right.
 */
#include "formats/package.h"

#include "base/text.h"
#include "formats/asice.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Unpacked bytes for a byte of the package: texts of a form deflate to a
 * twentieth at best, a thousandth is a bomb. */
#define RATIO_MAX 1000

struct package_reader {
	struct unzip *unzip;
	struct package_sha256 sha256;
	struct package_manifest manifest;
	size_t next;   /* the file that comes next */
	bool open;     /* files[next - 1] is being read */
	uint64_t left; /* bytes of it that are to come */
	int failed;
	/* form asice: the signed bytes, which manifest.json gives, and their
	 * signature once the end was read */
	struct buf to_sign;
	struct buf signature;
};

static int
fail(struct package_reader *reader, int code)
{
	reader->failed = code;
	return code;
}

/* The next entry, which must be name. */
static int
entry_expect(struct package_reader *reader, const char *name, struct why *why)
{
	const char *found;
	int ret = unzip_next(reader->unzip, &found, why);
	if (ret < 0)
		return ret;
	if (found == NULL || strcmp(found, name) != 0)
		return why_set(why, WHY_MALFORMED,
		    "the package does not hold the files of its manifest, in "
		    "their order");
	return 0;
}

/* An entry of at most max bytes. */
static int
entry_gather(
    struct package_reader *reader, size_t max, struct buf *out, struct why *why)
{
	size_t got;
	do {
		size_t room = max + 1 - out->size;
		if (room > 65536)
			room = 65536;
		uint8_t *at = buf_room(out, room);
		if (at == NULL)
			return why_set(
			    why, WHY_NOMEM, "no memory for the manifest");
		int ret = unzip_read(reader->unzip, at, room, &got, why);
		if (ret < 0)
			return ret;
		buf_used(out, got);
		if (out->size > max)
			return why_set(why, WHY_TOO_LARGE,
			    "mimetype, manifest or signature of the package is "
			    "over %zu bytes",
			    max);
	} while (got > 0);
	return 0;
}

/* mimetype tells the form. */
static int
form_read(struct package_reader *reader, struct buf *text, struct why *why)
{
	int ret = entry_expect(reader, "mimetype", why);
	if (ret == 0)
		ret =
		    entry_gather(reader, strlen(PACKAGE_MEDIA_TYPE), text, why);
	if (ret < 0)
		return ret;
	if (span_is(buf_span(text), ASICE_MEDIA_TYPE))
		reader->manifest.facts.form = PACKAGE_ASICE;
	else if (!span_is(buf_span(text), PACKAGE_MEDIA_TYPE))
		return why_set(why, WHY_MALFORMED,
		    "this is not a package of this kind: mimetype differs");
	return 0;
}

static int
manifest_read(struct package_reader *reader, const struct limits *limits,
    struct buf *text, struct why *why)
{
	enum package_form form = reader->manifest.facts.form;
	int ret = entry_expect(reader, PACKAGE_MANIFEST, why);
	if (ret == 0)
		ret = entry_gather(reader, PACKAGE_MANIFEST_BYTES, text, why);
	if (ret == 0)
		ret = package_manifest_parse(
		    buf_span(text), limits, &reader->manifest, why);
	reader->manifest.facts.form = form;
	if (ret == 0 && form == PACKAGE_ASICE)
		ret = package_asice_build(&reader->to_sign,
		    &reader->manifest.facts, reader->manifest.files,
		    reader->manifest.count, buf_span(text), &reader->sha256,
		    why);
	return ret;
}

static int
start(
    struct package_reader *reader, const struct limits *limits, struct why *why)
{
	struct buf text;
	buf_init(&text, PACKAGE_MANIFEST_BYTES + 1);
	int ret = form_read(reader, &text, why);
	buf_reset(&text);
	if (ret == 0)
		ret = manifest_read(reader, limits, &text, why);
	buf_clear(&text);
	return ret;
}

int
package_reader_new(unzip_read_fn *read, void *context,
    const struct limits *limits, const struct package_sha256 *sha256,
    struct package_reader **out, struct why *why)
{
	struct package_reader *reader = calloc(1, sizeof *reader);
	if (reader == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a package");
	struct unzip_limits bounds = {
	    /* mimetype, manifest, three documents, two of a signature */
	    .entries = limits->parts_per_message + 7,
	    .name_bytes = limits->filename_bytes + strlen(PACKAGE_ATTACHMENTS),
	    .entry_bytes = limits->part_bytes + PACKAGE_MANIFEST_BYTES,
	    .total_bytes = limits->message_bytes + 2 * limits->part_bytes +
			   3 * PACKAGE_MANIFEST_BYTES,
	    .ratio = RATIO_MAX,
	};
	reader->sha256 = *sha256;
	buf_init(&reader->to_sign, PACKAGE_MANIFEST_BYTES);
	buf_init(&reader->signature, ASICE_SIGNATURE_BYTES + 1);
	int ret = unzip_new(read, context, &bounds, &reader->unzip, why);
	if (ret == 0)
		ret = start(reader, limits, why);
	if (ret < 0) {
		package_reader_free(reader);
		return ret;
	}
	*out = reader;
	return 0;
}

void
package_reader_free(struct package_reader *reader)
{
	if (reader == NULL)
		return;
	unzip_free(reader->unzip);
	package_manifest_clear(&reader->manifest);
	buf_clear(&reader->to_sign);
	buf_clear(&reader->signature);
	free(reader);
}

const struct package_manifest *
package_reader_manifest(const struct package_reader *reader)
{
	return &reader->manifest;
}

static int
rest_read(struct package_reader *reader, struct why *why)
{
	uint8_t scratch[16384];
	size_t got;
	int ret = 0;
	while (ret == 0 && reader->open)
		ret = package_reader_read(
		    reader, scratch, sizeof scratch, &got, why);
	return ret;
}

/* The signed bytes must be those that manifest.json gives: a container with
 * another manifest would be signed, but not be this package. */
static int
signature_read(struct package_reader *reader, struct why *why)
{
	char name[ASICE_SIGNATURE_NAME_SIZE];
	struct buf found;
	buf_init(&found, PACKAGE_MANIFEST_BYTES + 1);
	int ret = entry_expect(reader, ASICE_MANIFEST, why);
	if (ret == 0)
		ret = entry_gather(reader, PACKAGE_MANIFEST_BYTES, &found, why);
	if (ret == 0 &&
	    !span_equal(buf_span(&found), buf_span(&reader->to_sign)))
		ret = why_set(why, WHY_CRYPTO,
		    "what is signed is not the package's manifest and files");
	buf_clear(&found);
	asice_signature_name(name, &reader->manifest.facts.message);
	if (ret == 0)
		ret = entry_expect(reader, name, why);
	if (ret == 0)
		ret = entry_gather(
		    reader, ASICE_SIGNATURE_BYTES, &reader->signature, why);
	return ret;
}

/* After the last file, and the signature, only the archive's end may come. */
static int
end_expect(struct package_reader *reader, struct why *why)
{
	const char *found;
	int ret = 0;
	if (reader->manifest.facts.form == PACKAGE_ASICE &&
	    reader->signature.size == 0 &&
	    (ret = signature_read(reader, why)) < 0)
		return ret;
	ret = unzip_next(reader->unzip, &found, why);
	if (ret == 0 && found != NULL)
		ret = why_set(why, WHY_MALFORMED,
		    "the package holds a file that its manifest does not name");
	return ret;
}

int
package_reader_next(struct package_reader *reader,
    const struct package_file **file, struct why *why)
{
	*file = NULL;
	if (reader->failed != 0)
		return why_set(
		    why, reader->failed, "the package failed before");
	int ret = rest_read(reader, why);
	if (ret < 0)
		return ret;
	if (reader->next == reader->manifest.count) {
		ret = end_expect(reader, why);
		return ret < 0 ? fail(reader, ret) : 0;
	}
	const struct package_file *next = &reader->manifest.files[reader->next];
	if ((ret = entry_expect(reader, next->name, why)) < 0 ||
	    (ret = reader->sha256.begin(reader->sha256.context, why)) < 0)
		return fail(reader, ret);
	reader->next++;
	reader->open = true;
	reader->left = next->size;
	*file = next;
	return 0;
}

bool
package_reader_signature(const struct package_reader *reader,
    struct span *signed_bytes, struct span *signature)
{
	*signed_bytes = buf_span(&reader->to_sign);
	*signature = buf_span(&reader->signature);
	return reader->signature.size > 0;
}

/* All bytes of the open file were read: is it the one in the manifest? */
static int
file_close(struct package_reader *reader, struct why *why)
{
	const struct package_file *file =
	    &reader->manifest.files[reader->next - 1];
	uint8_t digest[32];
	char hex[65];
	reader->open = false;
	if (reader->left > 0)
		return why_set(why, WHY_MALFORMED,
		    "file %zu of the package is shorter than its manifest says",
		    reader->next);
	int ret = reader->sha256.end(reader->sha256.context, digest, why);
	if (ret < 0)
		return ret;
	hex_build(hex, digest, sizeof digest);
	if (strcmp(hex, file->sha256) != 0)
		return why_set(why, WHY_CRYPTO,
		    "file %zu of the package has not the digest that its "
		    "manifest says",
		    reader->next);
	return 0;
}

int
package_reader_read(struct package_reader *reader, void *at, size_t size,
    size_t *got, struct why *why)
{
	*got = 0;
	if (reader->failed != 0)
		return why_set(
		    why, reader->failed, "the package failed before");
	if (!reader->open || size == 0)
		return 0;
	int ret = unzip_read(reader->unzip, at, size, got, why);
	if (ret == 0 && *got == 0)
		ret = file_close(reader, why);
	else if (ret == 0 && *got > reader->left)
		ret = why_set(why, WHY_MALFORMED,
		    "file %zu of the package is longer than its manifest says",
		    reader->next);
	else if (ret == 0)
		ret = reader->sha256.add(
		    reader->sha256.context, span_of(at, *got), why);
	if (ret < 0) {
		*got = 0;
		return fail(reader, ret);
	}
	reader->left -= *got;
	return 0;
}
