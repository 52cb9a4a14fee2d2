#include "tools/submission.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/say.h"

static const struct {
	const char *ending;
	const char *media_type;
} endings[] = {
    {".json", "application/json"},
    {".pdf", "application/pdf"},
    {".xml", "application/xml"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".png", "image/png"},
    {".gif", "image/gif"},
    {".tif", "image/tiff"},
    {".tiff", "image/tiff"},
    {".webp", "image/webp"},
    {".heic", "image/heic"},
    {".txt", "text/plain"},
    {".html", "text/html"},
    {".csv", "text/csv"},
    {".rtf", "application/rtf"},
    {".zip", "application/zip"},
    {".doc", "application/msword"},
    {".docx", "application/vnd.openxmlformats-officedocument."
	      "wordprocessingml.document"},
    {".xlsx", "application/vnd.openxmlformats-officedocument."
	      "spreadsheetml.sheet"},
    {".odt", "application/vnd.oasis.opendocument.text"},
    {".ods", "application/vnd.oasis.opendocument.spreadsheet"},
};

static const char *
media_type_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (size_t i = 0;
	     dot != NULL && i < sizeof(endings) / sizeof(endings[0]); i++)
		if (strcasecmp(dot, endings[i].ending) == 0)
			return endings[i].media_type;
	return "application/octet-stream";
}

struct reading {
	struct say_progress *progress;
	uint64_t before;
};

static void
on_bytes(void *arg, uint64_t done)
{
	struct reading *reading = arg;

	say_progress_at(reading->progress, reading->before + done);
}

static int
part_open(struct submission_part *part, struct why *why)
{
	struct stat about;

	part->fd = open(part->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (part->fd < 0)
		return errno == ENOENT ? why_set(why, WHY_NOT_FOUND,
					     "no file %s", part->path)
				       : why_errno(why, "open %s", part->path);
	if (fstat(part->fd, &about) != 0)
		return why_errno(why, "look at %s", part->path);
	if (!S_ISREG(about.st_mode))
		return why_set(
		    why, WHY_INVALID, "%s is not a regular file", part->path);
	part->size = (uint64_t)about.st_size;
	return 0;
}

static void
part_add(struct submission *submission, const char *path, const char *name,
    size_t number)
{
	struct submission_part *part = &submission->parts[submission->count++];

	snprintf(part->name, sizeof(part->name), "%s", name);
	if (number > 0)
		snprintf(
		    part->name, sizeof(part->name), "%s-%zu", name, number);
	part->path = path;
	part->filename = file_name(path);
	part->media_type = media_type_of(part->filename);
	part->fd = -1;
}

/* The payload first, the list second, the others as they came. */
static void
parts_order(
    struct submission *submission, const char *const *paths, size_t count)
{
	size_t list = 0;
	size_t number = 0;

	for (size_t i = 1; i < count && list == 0; i++)
		if (strcmp(file_name(paths[i]), SUBMISSION_LIST) == 0)
			list = i;
	part_add(submission, paths[0], "payload", 0);
	if (list != 0)
		part_add(submission, paths[list], "attachment-list", 0);
	for (size_t i = 1; i < count; i++)
		if (i != list)
			part_add(submission, paths[i], "attachment", ++number);
}

int
submission_open(struct submission *submission, const char *const *paths,
    size_t count, struct why *why)
{
	struct say_progress progress;
	uint64_t total = 0;
	int code = 0;

	*submission = (struct submission){0};
	submission->parts = calloc(count, sizeof(*submission->parts));
	if (submission->parts == NULL)
		return why_set(
		    why, WHY_NOMEM, "no memory for %zu files", count);
	parts_order(submission, paths, count);
	for (size_t i = 0; code == 0 && i < submission->count; i++) {
		code = part_open(&submission->parts[i], why);
		total += submission->parts[i].size;
	}
	say_progress_begin(&progress, "reading", total);
	for (size_t i = 0; code == 0 && i < submission->count; i++) {
		struct submission_part *part = &submission->parts[i];
		struct reading reading = {&progress, submission->size};

		code = digest_file(part->fd, &part->size, part->sha256,
		    on_bytes, &reading, why);
		submission->size += part->size;
	}
	say_progress_end(&progress);
	return code;
}

void
submission_clear(struct submission *submission)
{
	for (size_t i = 0; i < submission->count; i++)
		if (submission->parts[i].fd >= 0)
			close(submission->parts[i].fd);
	free(submission->parts);
	free(submission->envelope);
	*submission = (struct submission){0};
}

static json_t *
recipients_array(const char *recipients)
{
	json_t *array = json_array();

	while (*recipients != '\0') {
		size_t size = strcspn(recipients, ",");

		json_array_append_new(array, json_stringn(recipients, size));
		recipients += size;
		if (*recipients == ',')
			recipients++;
	}
	return array;
}

int
submission_describe(struct submission *submission, const char *type,
    const char *recipients, const char *reference, const char *language,
    struct why *why)
{
	json_t *parts = json_array();
	json_t *envelope = json_pack("{s:s,s:o,s:o}", "type", type,
	    "recipients", recipients_array(recipients), "parts", parts);
	int code = 0;

	for (size_t i = 0; i < submission->count; i++) {
		const struct submission_part *part = &submission->parts[i];
		json_t *item = json_pack("{s:s,s:s,s:s,s:I,s:s}", "name",
		    part->name, "filename", part->filename, "mediaType",
		    part->media_type, "size", (json_int_t)part->size, "sha256",
		    part->sha256);

		if (item == NULL)
			code = why_set(why, WHY_INVALID,
			    "the name of file %zu is not UTF-8", i + 1);
		else
			json_array_append_new(parts, item);
	}
	if (code == 0 && reference != NULL)
		json_object_set_new(
		    envelope, "reference", json_string(reference));
	if (code == 0 && language != NULL)
		json_object_set_new(
		    envelope, "language", json_string(language));
	if (code == 0) {
		submission->envelope = json_dumps(envelope, JSON_COMPACT);
		if (submission->envelope == NULL)
			code = why_set(why, WHY_INVALID,
			    "type, recipient or reference is not UTF-8");
	}
	json_decref(envelope);
	return code;
}

static int
part_read(void *arg, uint64_t offset, void *at, size_t size, size_t *got,
    struct why *why)
{
	const struct submission_part *part = arg;
	ssize_t n;

	do {
		n = pread(part->fd, at, size, (off_t)offset);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return why_errno(why, "read %s", part->path);
	if (n == 0 && offset < part->size)
		return why_set(why, WHY_INVALID,
		    "%s became shorter while it was sent", part->path);
	*got = (size_t)n;
	return 0;
}

struct client_source
submission_part_source(struct submission_part *part)
{
	return (struct client_source){part_read, part->size, part};
}

static int
all_read(void *arg, uint64_t offset, void *at, size_t size, size_t *got,
    struct why *why)
{
	const struct submission *submission = arg;

	*got = 0;
	for (size_t i = 0; i < submission->count; i++) {
		struct submission_part *part = &submission->parts[i];

		if (offset < part->size) {
			if (size > part->size - offset)
				size = (size_t)(part->size - offset);
			return part_read(part, offset, at, size, got, why);
		}
		offset -= part->size;
	}
	return 0;
}

struct client_source
submission_source(struct submission *submission)
{
	return (struct client_source){all_read, submission->size, submission};
}
