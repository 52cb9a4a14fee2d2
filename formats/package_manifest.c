/*
 * manifest.json, written and read.
 *
 * SECURITY: the reader takes hostile bytes; every text is checked before it
 * becomes part of a file's name or is shown.
 */
#include "formats/package.h"

#include "base/text.h"
#include "formats/filename.h"
#include "formats/json.h"
#include "formats/json_write.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 256
#define MANIFEST_ROOM 384 /* of what most files, and the facts, take */

static const char *const role_names[] = {
    [PACKAGE_PAYLOAD] = "payload",
    [PACKAGE_DOCUMENT] = "document",
    [PACKAGE_ATTACHMENT_LIST] = "attachment-list",
    [PACKAGE_ATTACHMENT] = "attachment",
};
#define ROLES (sizeof role_names / sizeof *role_names)

const char *
package_role_name(enum package_role role)
{
	return role_names[role];
}

static bool
is_one_of(const char *name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

/* A name must be one of its role's, so that a reader knows what it meets. */
static int
name_check(
    const struct package_file *file, size_t filename_bytes, struct why *why)
{
	static const char *const payloads[] = {
	    "payload.json", "payload.pdf", "payload.xml", NULL};
	static const char *const documents[] = {"document.pdf",
	    "document.xhtml", "document.xml", "document.md", NULL};
	size_t prefix = strlen(PACKAGE_ATTACHMENTS);
	bool good;
	if (file->role == PACKAGE_PAYLOAD)
		good = is_one_of(file->name, payloads);
	else if (file->role == PACKAGE_DOCUMENT)
		good = is_one_of(file->name, documents);
	else if (strncmp(file->name, PACKAGE_ATTACHMENTS, prefix) == 0)
		return filename_check(
		    span_text(file->name + prefix), filename_bytes, why);
	else
		good = false;
	if (good)
		return 0;
	return why_set(why, WHY_INVALID,
	    "a file of role %s has a name that is not of that role",
	    role_names[file->role]);
}

static int
files_check(const struct package_file *files, size_t count,
    size_t filename_bytes, struct why *why)
{
	struct filename_set names = FILENAME_SET_NONE;
	uint8_t digest[32];
	int ret = 0;
	for (size_t i = 0; ret == 0 && i < count; i++) {
		if (i > 0 && files[i].role < files[i - 1].role)
			ret = why_set(why, WHY_INVALID,
			    "the package's files are not in the order of "
			    "their roles");
		else if (!hex_parse(files[i].sha256, digest, sizeof digest))
			ret = why_set(why, WHY_INVALID,
			    "a file's digest is not 64 hex digits");
		else if ((ret = name_check(&files[i], filename_bytes, why)) ==
			 0)
			ret = filename_set_add(
			    &names, span_text(files[i].name), why);
	}
	filename_set_clear(&names);
	return ret;
}

static void
file_write(struct buf *out, const struct package_file *file)
{
	json_write_object(out, NULL);
	json_write_text(out, "name", file->name);
	json_write_text(out, "role", role_names[file->role]);
	json_write_text(out, "mediaType", file->media_type);
	json_write_number(out, "size", (int64_t)file->size);
	json_write_text(out, "sha256", file->sha256);
	json_write_object_end(out);
}

static void
facts_write(struct buf *out, const struct package_facts *facts)
{
	char nonce[2 * PACKAGE_NONCE_SIZE + 1];
	char message[ID_TEXT_SIZE];
	char prepared[TIME_TEXT_SIZE];
	hex_build(nonce, facts->nonce, sizeof facts->nonce);
	id_build(message, &facts->message);
	time_build(prepared, facts->prepared_ms);
	json_write_number(out, "version", 1);
	json_write_text(out, "nonce", nonce);
	json_write_text(out, "message", message);
	json_write_text(out, "type", facts->type);
	json_write_text(out, "profileVersion", facts->profile_version);
	json_write_text(out, "sender", facts->sender);
	json_write_text(out, "recipient", facts->recipient);
	json_write_text(out, "prepared", prepared);
}

int
package_manifest_build(struct buf *out, const struct package_facts *facts,
    const struct package_file *files, size_t count, struct why *why)
{
	int ret = files_check(files, count, SIZE_MAX, why);
	if (ret < 0)
		return ret;
	(void)buf_room(out, MANIFEST_ROOM * (count + 1));
	json_write_object(out, NULL);
	facts_write(out, facts);
	json_write_array(out, "files");
	for (size_t i = 0; i < count; i++)
		file_write(out, &files[i]);
	json_write_array_end(out);
	json_write_object_end(out);
	if (!buf_ok(out))
		return why_set(why, WHY_INVALID,
		    "the package's facts cannot be written as JSON of at most "
		    "%zu bytes",
		    out->max);
	return 0;
}

/* ---- reading: texts are copied to one block, long enough for all ---- */

struct reading {
	char *texts;
	size_t used;
	size_t size;
	const char *wrong; /* the first member that is not as it must be */
};

/* A member's text, 1 to TEXT_MAX bytes without controls; "" when wrong. */
static const char *
text_of(struct reading *r, const json_t *object, const char *member, size_t max)
{
	const json_t *value = json_object_get(object, member);
	size_t size = json_is_string(value) ? json_string_length(value) : 0;
	const char *text = size > 0 ? json_string_value(value) : "";
	bool good = size > 0 && size <= max && r->size - r->used > size;
	for (size_t i = 0; good && i < size; i++)
		good = (uint8_t)text[i] >= 0x20 && text[i] != 0x7F;
	if (!good) {
		if (r->wrong == NULL)
			r->wrong = member;
		return "";
	}
	char *copy = r->texts + r->used;
	memcpy(copy, text, size + 1);
	r->used += size + 1;
	return copy;
}

static void
wrong_unless(struct reading *r, bool good, const char *member)
{
	if (!good && r->wrong == NULL)
		r->wrong = member;
}

static void
facts_read(struct reading *r, const json_t *root, struct package_facts *facts)
{
	const json_t *version = json_object_get(root, "version");
	wrong_unless(r,
	    json_is_integer(version) && json_integer_value(version) == 1,
	    "version");
	wrong_unless(r,
	    hex_parse(text_of(r, root, "nonce", TEXT_MAX), facts->nonce,
		sizeof facts->nonce),
	    "nonce");
	wrong_unless(r,
	    id_parse(text_of(r, root, "message", TEXT_MAX), &facts->message),
	    "message");
	facts->type = text_of(r, root, "type", TEXT_MAX);
	facts->profile_version = text_of(r, root, "profileVersion", TEXT_MAX);
	facts->sender = text_of(r, root, "sender", TEXT_MAX);
	facts->recipient = text_of(r, root, "recipient", TEXT_MAX);
	wrong_unless(r, orgnr_valid(facts->sender), "sender");
	wrong_unless(r, orgnr_valid(facts->recipient), "recipient");
	wrong_unless(r,
	    time_parse(
		text_of(r, root, "prepared", TEXT_MAX), &facts->prepared_ms),
	    "prepared");
	wrong_unless(r, json_object_size(root) == 9, "a member too many");
}

static void
file_read(struct reading *r, const json_t *object, const struct limits *limits,
    struct package_file *file)
{
	const char *role = text_of(r, object, "role", TEXT_MAX);
	size_t i = 0;
	while (i < ROLES && strcmp(role_names[i], role) != 0)
		i++;
	wrong_unless(r, i < ROLES, "role");
	file->role = i < ROLES ? (enum package_role)i : PACKAGE_ATTACHMENT;
	file->name = text_of(r, object, "name",
	    limits->filename_bytes + strlen(PACKAGE_ATTACHMENTS));
	file->media_type = text_of(r, object, "mediaType", TEXT_MAX);
	const json_t *size = json_object_get(object, "size");
	wrong_unless(
	    r, json_is_integer(size) && json_integer_value(size) >= 0, "size");
	file->size = (uint64_t)json_integer_value(size);
	uint8_t digest[32] = {0};
	wrong_unless(r,
	    hex_parse(text_of(r, object, "sha256", 64), digest, sizeof digest),
	    "sha256");
	hex_build(file->sha256, digest, sizeof digest);
	wrong_unless(r, json_object_size(object) == 5, "a member too many");
}

/* Names, order and sizes of what was read. */
static int
manifest_check(const struct package_manifest *manifest,
    const struct limits *limits, struct why *why)
{
	uint64_t left = limits->message_bytes;
	for (size_t i = 0; i < manifest->count; i++) {
		uint64_t size = manifest->files[i].size;
		/* what we rendered ourselves comes on top of what was sent */
		bool ours = manifest->files[i].role == PACKAGE_DOCUMENT;
		if (size > limits->part_bytes || (!ours && size > left))
			return why_set(why, WHY_TOO_LARGE,
			    "the manifest lists more bytes than part_bytes or "
			    "message_bytes allow");
		left -= ours ? 0 : size;
	}
	return files_check(
	    manifest->files, manifest->count, limits->filename_bytes, why);
}

static int
manifest_read(const json_t *root, const struct limits *limits,
    struct package_manifest *manifest, struct reading *r, struct why *why)
{
	json_t *files = json_object_get(root, "files");
	size_t count = json_array_size(files);
	facts_read(r, root, &manifest->facts);
	wrong_unless(r, json_is_array(files), "files");
	/* a part and at most three documents for it */
	if (count > limits->parts_per_message + 3)
		return why_set(why, WHY_TOO_LARGE,
		    "the manifest lists %zu files, more than "
		    "parts_per_message",
		    count);
	manifest->files = calloc(count + 1, sizeof *manifest->files);
	if (manifest->files == NULL)
		return why_set(why, WHY_NOMEM, "no memory for the manifest");
	manifest->count = count;
	for (size_t i = 0; i < count; i++)
		file_read(
		    r, json_array_get(files, i), limits, &manifest->files[i]);
	if (r->wrong != NULL)
		return why_set(why, WHY_MALFORMED,
		    "manifest.json is not as it must be: %s", r->wrong);
	return manifest_check(manifest, limits, why);
}

int
package_manifest_parse(struct span text, const struct limits *limits,
    struct package_manifest *manifest, struct why *why)
{
	struct json_bounds bounds = {
	    PACKAGE_MANIFEST_BYTES, limits->json_depth};
	json_t *root = NULL;
	*manifest = (struct package_manifest){0};
	int ret = json_object_read(text, &bounds, &root, why);
	if (ret < 0)
		return ret;
	/* unescaped texts are shorter than the JSON, end marks included: each
	 * had two quotation marks */
	struct reading r = {
	    .texts = malloc(text.size + 1), .size = text.size + 1};
	manifest->texts = r.texts;
	ret = r.texts == NULL
		  ? why_set(why, WHY_NOMEM, "no memory for the manifest")
		  : manifest_read(root, limits, manifest, &r, why);
	json_decref(root);
	if (ret < 0)
		package_manifest_clear(manifest);
	return ret;
}

void
package_manifest_clear(struct package_manifest *manifest)
{
	free(manifest->files);
	free(manifest->texts);
	*manifest = (struct package_manifest){0};
}
