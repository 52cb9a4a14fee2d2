/*
 * package - what is sealed for a recipient: a zip with a manifest that names
 * every file, its size and its digest; in form asice signed, too. The format is
 * package(5).
 *
 * SECURITY: the reader takes hostile bytes: the sealing says for whom a package
 * is, not who wrote it.
 */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/why.h"
#include "formats/unzip.h"
#include "formats/zip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKAGE_MEDIA_TYPE "application/vnd.budstikke.package+zip"
#define PACKAGE_MANIFEST "manifest.json"
#define PACKAGE_NONCE_SIZE 32
#define PACKAGE_ATTACHMENTS "attachments/" /* before an attachment's name */
#define PACKAGE_MANIFEST_BYTES (8u << 20)  /* most that a reader takes */

enum package_form {
	PACKAGE_ZIP,   /* without a signature */
	PACKAGE_ASICE, /* an ASiC-E container, see formats/asice.h */
};

/* What a file is for; order in the package is ascending. */
enum package_role {
	PACKAGE_PAYLOAD,  /* payload.json, payload.pdf, payload.xml */
	PACKAGE_DOCUMENT, /* document.pdf, .xhtml, .xml, .md */
	PACKAGE_ATTACHMENT_LIST,
	PACKAGE_ATTACHMENT,
};

struct package_file {
	const char *name; /* in the package, e.g. attachments/kvittering.pdf */
	enum package_role role;
	const char *media_type;
	uint64_t size;
	char sha256[65]; /* lower-case hex */
};

struct package_facts {
	enum package_form form; /* told by mimetype, not by the manifest */
	struct id message;
	const char *type;
	const char *profile_version;
	const char *sender;
	const char *recipient;
	int64_t prepared_ms;
	uint8_t nonce[PACKAGE_NONCE_SIZE]; /* random, for each delivery anew */
};

const char *package_role_name(enum package_role role);

/*
 * manifest.json as bytes: members in a fixed order, so that the same facts give
 * the same bytes.
 */
int package_manifest_build(struct buf *out, const struct package_facts *facts,
    const struct package_file *files, size_t count, struct why *why);

/* A manifest that was read; all texts are owned. */
struct package_manifest {
	struct package_facts facts;
	struct package_file *files;
	size_t count;
	char *texts; /* where facts and files point */
};
/* Strict: every member there, none else, every name legal and once. */
int package_manifest_parse(struct span text, const struct limits *limits,
    struct package_manifest *manifest, struct why *why);
void package_manifest_clear(struct package_manifest *manifest);

/* SHA-256 of somebody else's making; one digest at a time. */
struct package_sha256 {
	int (*begin)(void *context, struct why *why);
	int (*add)(void *context, struct span data, struct why *why);
	int (*end)(void *context, uint8_t digest[32], struct why *why);
	void *context;
};

/*
 * META-INF/asicmanifest.xml of a package in form asice: it covers manifest.json
 * (whose bytes are given) and every file. The same facts give the same bytes.
 */
int package_asice_build(struct buf *out, const struct package_facts *facts,
    const struct package_file *files, size_t count, struct span manifest,
    const struct package_sha256 *sha256, struct why *why);

/* ---- writing ---- */
struct package_writer;

/*
 * Writes mimetype and manifest. files must stay as they are until the writer is
 * freed; their bytes are given next, in this order. sha256 is used by form
 * asice, here only. WHY_INVALID for a name that is not legal for its role,
 * comes twice, or for a digest that is none.
 */
int package_writer_new(const struct package_facts *facts,
    const struct package_file *files, size_t count,
    const struct package_sha256 *sha256, zip_write_fn *write, void *context,
    struct package_writer **out, struct why *why);
void package_writer_free(struct package_writer *writer); /* NULL is fine */

/* The next file, whole; texts are deflated. Its size must be the one given. */
int package_writer_whole(
    struct package_writer *writer, struct span data, struct why *why);

/* The next file, in pieces. Digests are the caller's to check, sizes are
 * checked here. */
int package_writer_begin(struct package_writer *writer, struct why *why);
int package_writer_data(
    struct package_writer *writer, struct span data, struct why *why);
int package_writer_end(struct package_writer *writer, struct why *why);

/* The bytes that a package in form asice needs a signature of, lent until the
 * writer is freed; SPAN_NONE in form zip. */
struct span package_writer_to_sign(const struct package_writer *writer);
/* That signature, at any time before the finish; it is copied. */
int package_writer_sign(
    struct package_writer *writer, struct span signature, struct why *why);

/* WHY_STATE when a file, or the signature that the form needs, is missing. */
int package_writer_finish(struct package_writer *writer, struct why *why);

/* ---- reading ---- */

struct package_reader;

/*
 * Reads mimetype and manifest. limits: message_bytes, part_bytes,
 * parts_per_message, filename_bytes, json_depth are used. sha256 is copied.
 */
int package_reader_new(unzip_read_fn *read, void *context,
    const struct limits *limits, const struct package_sha256 *sha256,
    struct package_reader **out, struct why *why);
void package_reader_free(struct package_reader *reader); /* NULL is fine */

/* Lent; lives as long as the reader. */
const struct package_manifest *package_reader_manifest(
    const struct package_reader *reader);

/*
 * The next file; what is left of the last is read and checked first. *file is
 * lent as the manifest is; NULL after the last, when the archive's end has been
 * read too: only then is the package whole. WHY_CRYPTO for a wrong digest,
 * WHY_MALFORMED for anything that is not as the manifest says.
 */
int package_reader_next(struct package_reader *reader,
    const struct package_file **file, struct why *why);

/*
 * After the last file: what was signed and the signature, lent as the manifest
 * is. The signed bytes are those that manifest.json gives, so a good signature
 * of them covers the whole package; that it is good is the caller's to check.
 * False in form zip, which has none.
 */
bool package_reader_signature(const struct package_reader *reader,
    struct span *signed_bytes, struct span *signature);

/* Up to size bytes of the file; *got is 0 at its end, when size and digest were
 * found right. Nothing may be trusted before that. */
int package_reader_read(struct package_reader *reader, void *at, size_t size,
    size_t *got, struct why *why);
