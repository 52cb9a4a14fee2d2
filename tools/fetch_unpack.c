/*
 * fetch_unpack - the package's files, each verified, into out/.
 *
 * SECURITY: reads hostile bytes: whoever knows our certificate can seal us a
 * package. What it may write is decided in folder.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/id.h"
#include "base/limits.h"
#include "formats/json.h"
#include "formats/package.h"
#include "keys/cades.h"
#include "tools/fetch.h"
#include "tools/file.h"
#include "tools/folder.h"

#define PIECE_BYTES ((size_t)64 << 10)

struct unpacking {
	struct fetching *fetching;
	int in;
	uint8_t *piece; /* PIECE_BYTES for reading the archive */
	uint8_t *plain; /* PIECE_BYTES for what comes out */
	struct digest digest;
	struct folder folder;
};

static int
on_read(void *context, struct span *bytes, struct why *why)
{
	struct unpacking *unpacking = context;
	ssize_t got;

	do {
		got = read(unpacking->in, unpacking->piece, PIECE_BYTES);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return why_errno(why, "read package.zip");
	*bytes = span_of(unpacking->piece, (size_t)got);
	return 0;
}

static int
on_digest_begin(void *context, struct why *why)
{
	return digest_begin(context, why);
}

static int
on_digest_add(void *context, struct span data, struct why *why)
{
	return digest_add(context, data, why);
}

static int
on_digest_end(void *context, uint8_t digest[32], struct why *why)
{
	return digest_end(context, digest, why);
}

/* A package for somebody else, or of another message, is not this one. */
static int
manifest_check(const struct fetching *fetching,
    const struct package_manifest *manifest, struct why *why)
{
	char id[ID_TEXT_SIZE];

	id_build(id, &manifest->facts.message);
	if (strcmp(id, fetching->id) != 0)
		return why_set(why, WHY_CRYPTO,
		    "the package is of another message than was asked for");
	if (strcmp(manifest->facts.recipient, fetching->fetch->recipient) != 0)
		return why_set(
		    why, WHY_CRYPTO, "the package is for another recipient");
	return 0;
}

static int
file_unpack(struct unpacking *unpacking, struct package_reader *reader,
    const struct package_file *file, struct why *why)
{
	size_t got;
	int fd = -1;
	int code =
	    folder_create(&unpacking->folder, span_text(file->name), &fd, why);

	if (code != 0)
		return code;
	do {
		code = package_reader_read(
		    reader, unpacking->plain, PIECE_BYTES, &got, why);
		if (code == 0 && got > 0)
			code =
			    file_put(fd, span_of(unpacking->plain, got), why);
	} while (code == 0 && got > 0);
	if (code != 0) {
		close(fd);
		return code;
	}
	return folder_file_finish(fd, why);
}

/* A package of form asice says who made it; the signature covers all that was
 * read. Without anchors nobody's word can be judged: see receipts. */
static int
signature_check(const struct fetching *fetching,
    const struct package_reader *reader, struct why *why)
{
	struct span signed_bytes;
	struct span signature;
	struct cades cades;
	struct why bad;
	int code;

	if (fetching->fetch->anchors == NULL ||
	    !package_reader_signature(reader, &signed_bytes, &signature))
		return 0;
	code = cades_verify(
	    signature, signed_bytes, fetching->fetch->anchors, &cades, &bad);
	if (code != 0)
		return why_set(
		    why, WHY_CRYPTO, "the package's signature: %s", bad.text);
	cades_clear(&cades);
	return 0;
}

static int
files_unpack(struct unpacking *unpacking, struct why *why)
{
	const struct package_sha256 sha256 = {
	    on_digest_begin, on_digest_add, on_digest_end, &unpacking->digest};
	const struct package_file *file = NULL;
	struct package_reader *reader = NULL;
	struct limits limits;
	int code;

	limits_init(&limits);
	code = package_reader_new(
	    on_read, unpacking, &limits, &sha256, &reader, why);
	if (code == 0)
		code = manifest_check(
		    unpacking->fetching, package_reader_manifest(reader), why);
	while (code == 0) {
		code = package_reader_next(reader, &file, why);
		if (code != 0 || file == NULL)
			break;
		code = file_unpack(unpacking, reader, file, why);
	}
	if (code == 0)
		code = signature_check(unpacking->fetching, reader, why);
	package_reader_free(reader);
	return code;
}

/* What the relay said about the message, and the proof that we opened it. */
static int
envelope_write(struct unpacking *unpacking, struct why *why)
{
	struct fetching *fetching = unpacking->fetching;
	struct buf text;
	int code;

	json_object_set_new(
	    fetching->detail, "proof", json_string(fetching->proof));
	buf_init(&text, CLIENT_ANSWER_BYTES);
	json_text_build(&text, fetching->detail);
	buf_add_byte(&text, '\n');
	code = buf_ok(&text)
		   ? file_write_at(unpacking->folder.fd, "envelope.json",
			 buf_span(&text), 0600, why)
		   : why_set(why, WHY_NOMEM, "no memory for the envelope");
	buf_clear(&text);
	return code;
}

static int
sealed_keep(struct unpacking *unpacking, struct why *why)
{
	static const char *const names[] = {"sealed.cms", "package.zip"};
	int dir_fd = unpacking->fetching->dir_fd;

	for (size_t i = 0; i < 2; i++) {
		int fd =
		    openat(dir_fd, names[i], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		int code = fd < 0 ? why_errno(why, "open %s", names[i])
				  : folder_file_finish(fd, why);

		if (code == 0 && renameat(dir_fd, names[i],
				     unpacking->folder.fd, names[i]) != 0)
			code = why_errno(why, "keep %s", names[i]);
		if (code != 0)
			return code;
	}
	return 0;
}

int
fetch_unpack(struct fetching *fetching, struct why *why)
{
	struct unpacking unpacking = {.fetching = fetching,
	    .piece = malloc(PIECE_BYTES),
	    .plain = malloc(PIECE_BYTES),
	    .folder = FOLDER_NONE};
	int code;

	unpacking.in = openat(
	    fetching->dir_fd, "package.zip", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (unpacking.piece == NULL || unpacking.plain == NULL)
		code = why_set(why, WHY_NOMEM, "no memory to unpack");
	else if (unpacking.in < 0)
		code = why_errno(why, "open package.zip");
	else
		code = folder_remove(fetching->dir_fd, "out", why);
	if (code == 0)
		code = folder_make(
		    fetching->dir_fd, "out", &unpacking.folder, why);
	if (code == 0)
		code = files_unpack(&unpacking, why);
	if (code == 0)
		code = envelope_write(&unpacking, why);
	if (code == 0 && fetching->fetch->keep_sealed)
		code = sealed_keep(&unpacking, why);
	if (code == 0)
		code = folder_sync(&unpacking.folder, why);
	if (unpacking.in >= 0)
		close(unpacking.in);
	folder_close(&unpacking.folder);
	digest_clear(&unpacking.digest);
	free(unpacking.piece);
	free(unpacking.plain);
	return code;
}
