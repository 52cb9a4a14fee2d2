/*
 * libarchive reads the entries as they come and never seeks. It stops where the
 * central directory begins; what it has looked at beyond that is kept here, and
 * unzip_directory.c compares the directory with what was read.
 *
 * SECURITY: reads hostile bytes through libarchive with only its zip reader
 * and no filters; every count is bounded before it is believed.
 */
#include "formats/unzip.h"

#include "formats/filename.h"
#include "formats/unzip_directory.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

/* libarchive looks ahead no more than a local header or a descriptor, so that
 * the directory begins in the last piece of input or this close before it */
#define BEFORE_SIZE 64u
#define RATIO_FREE (1u << 20)

struct unzip {
	struct archive *archive;
	locale_t utf8; /* see locale_enter() */
	unzip_read_fn *read;
	void *context;
	struct unzip_limits limits;
	struct filename_set names;
	struct unzip_directory directory; /* as the entries have it */
	uint64_t entries;
	uint64_t taken;  /* bytes of the archive */
	uint64_t total;  /* bytes unpacked */
	uint64_t inside; /* bytes unpacked of this entry */
	bool open;       /* within an entry */
	bool over;       /* the end was read */
	int failed;
	struct why cause;            /* of a read that failed */
	struct span last;            /* the last piece of input */
	uint8_t before[BEFORE_SIZE]; /* what came before it */
	size_t before_size;
};

/*
 * libarchive converts names to the character set of the thread's locale, and a
 * library may not choose a program's locale. So this thread gets one with UTF-8
 * while libarchive works, and what it had before afterwards.
 */
static locale_t
locale_enter(const struct unzip *unzip)
{
	return uselocale(unzip->utf8);
}

static void
locale_leave(locale_t before)
{
	(void)uselocale(before);
}

/* The last piece is to be followed by another: keep its end. */
static void
last_keep(struct unzip *unzip)
{
	struct span last = unzip->last;
	unzip->last = SPAN_NONE;
	if (last.size >= BEFORE_SIZE) {
		memcpy(unzip->before, last.at + last.size - BEFORE_SIZE,
		    BEFORE_SIZE);
		unzip->before_size = BEFORE_SIZE;
		return;
	}
	size_t keep = unzip->before_size;
	if (keep + last.size > BEFORE_SIZE)
		keep = BEFORE_SIZE - last.size;
	memmove(unzip->before, unzip->before + unzip->before_size - keep, keep);
	if (last.size > 0)
		memcpy(unzip->before + keep, last.at, last.size);
	unzip->before_size = keep + last.size;
}

static int
input(struct unzip *unzip, struct span *bytes)
{
	*bytes = SPAN_NONE;
	if (unzip->cause.code != 0)
		return unzip->cause.code;
	last_keep(unzip);
	int ret = unzip->read(unzip->context, bytes, &unzip->cause);
	if (ret < 0) {
		unzip->cause.code = ret;
		*bytes = SPAN_NONE;
		return ret;
	}
	unzip->taken += bytes->size;
	unzip->last = *bytes;
	return 0;
}

static la_ssize_t
on_read(struct archive *archive, void *context, const void **at)
{
	struct unzip *unzip = context;
	struct span bytes;
	if (input(unzip, &bytes) < 0) {
		archive_set_error(archive, EIO, "input");
		return -1;
	}
	*at = bytes.at;
	return (la_ssize_t)bytes.size;
}

static int
fail(struct unzip *unzip, int code)
{
	unzip->failed = code;
	return code;
}

/* What libarchive's last failure means: the caller's read, or the bytes. */
static int
archive_failed(struct unzip *unzip, struct why *why)
{
	if (unzip->cause.code != 0)
		return fail(unzip,
		    why_set(why, unzip->cause.code, "%s", unzip->cause.text));
	if (archive_errno(unzip->archive) == ENOMEM)
		return fail(
		    unzip, why_set(why, WHY_NOMEM, "no memory to read a zip"));
	return fail(unzip,
	    why_set(why, WHY_MALFORMED, "the zip is damaged or cut off"));
}

/* Names are bytes to us; without the option they would be of code page 437
 * when an entry does not say UTF-8. */
static int
archive_start(struct unzip *unzip, struct why *why)
{
	struct archive *archive = unzip->archive;
	locale_t before = locale_enter(unzip);
	int ret = 0;
	if (archive_read_support_format_zip_streamable(archive) != ARCHIVE_OK ||
	    archive_read_set_options(archive, "zip:hdrcharset=UTF-8") !=
		ARCHIVE_OK ||
	    archive_read_open(archive, unzip, NULL, on_read, NULL) !=
		ARCHIVE_OK)
		ret = archive_failed(unzip, why);
	locale_leave(before);
	return ret;
}

int
unzip_new(unzip_read_fn *read, void *context, const struct unzip_limits *limits,
    struct unzip **out, struct why *why)
{
	struct unzip *unzip = calloc(1, sizeof *unzip);
	if (unzip == NULL)
		return why_set(why, WHY_NOMEM, "no memory to read a zip");
	unzip->read = read;
	unzip->context = context;
	unzip->limits = *limits;
	unzip->archive = archive_read_new();
	unzip->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	int ret = 0;
	if (unzip->archive == NULL)
		ret = why_set(why, WHY_NOMEM, "no memory to read a zip");
	else if (unzip->utf8 == (locale_t)0)
		ret = why_errno(why, "the C.UTF-8 locale");
	if (ret < 0 || (ret = archive_start(unzip, why)) < 0) {
		unzip_free(unzip);
		return ret;
	}
	*out = unzip;
	return 0;
}

void
unzip_free(struct unzip *unzip)
{
	if (unzip == NULL)
		return;
	archive_read_free(unzip->archive);
	if (unzip->utf8 != (locale_t)0)
		freelocale(unzip->utf8);
	filename_set_clear(&unzip->names);
	unzip_directory_clear(&unzip->directory);
	free(unzip);
}

/* Each part of the path must be a good name. */
static int
path_check(struct unzip *unzip, const char *path, struct why *why)
{
	size_t max = unzip->limits.name_bytes;
	size_t size = strlen(path);
	if (size > max)
		return why_set(why, WHY_TOO_LARGE,
		    "a name in the zip has %zu bytes, over %zu", size, max);
	for (const char *part = path; part != NULL;) {
		const char *slash = strchr(part, '/');
		size_t length =
		    slash == NULL ? strlen(part) : (size_t)(slash - part);
		int ret = filename_check(span_of(part, length), max, why);
		if (ret < 0)
			return ret;
		part = slash == NULL ? NULL : slash + 1;
	}
	return filename_set_add(&unzip->names, span_text(path), why);
}

static int
entry_check(struct unzip *unzip, struct archive_entry *entry, struct why *why)
{
	const char *path = archive_entry_pathname(entry);
	if (path == NULL)
		return why_set(
		    why, WHY_MALFORMED, "a name in the zip is not UTF-8");
	if (archive_entry_is_encrypted(entry))
		return why_set(
		    why, WHY_UNSUPPORTED, "the zip has an encrypted entry");
	if (archive_entry_filetype(entry) != AE_IFREG ||
	    archive_entry_symlink(entry) != NULL ||
	    archive_entry_hardlink(entry) != NULL)
		return why_set(why, WHY_UNSUPPORTED,
		    "the zip has an entry that is no plain file");
	if (++unzip->entries > unzip->limits.entries)
		return why_set(why, WHY_TOO_LARGE,
		    "the zip has more than %llu entries",
		    (unsigned long long)unzip->limits.entries);
	if (archive_entry_size_is_set(entry) &&
	    (uint64_t)archive_entry_size(entry) > unzip->limits.entry_bytes)
		return why_set(why, WHY_TOO_LARGE,
		    "an entry of the zip is over %llu bytes",
		    (unsigned long long)unzip->limits.entry_bytes);
	return path_check(unzip, path, why);
}

/* What is there of the input from an offset on that libarchive has reached. */
struct rest {
	struct unzip *unzip;
	struct span before;
	struct span now;
};

/* unzip_take_fn */
static int
rest_take(void *context, uint8_t *at, size_t size, struct why *why)
{
	struct rest *rest = context;
	while (size > 0) {
		struct span *from =
		    rest->before.size > 0 ? &rest->before : &rest->now;
		if (from->size == 0) {
			if (input(rest->unzip, from) < 0)
				return archive_failed(rest->unzip, why);
			if (from->size == 0)
				return why_set(why, WHY_MALFORMED,
				    "the zip has no proper end");
		}
		size_t n = from->size < size ? from->size : size;
		memcpy(at, from->at, n);
		*from = span_of(from->at + n, from->size - n);
		at += n;
		size -= n;
	}
	return 0;
}

static bool
rest_find(struct unzip *unzip, uint64_t at, struct rest *rest)
{
	uint64_t size = unzip->taken - at; /* from at on */
	*rest = (struct rest){.unzip = unzip, .now = unzip->last};
	if (at > unzip->taken || size > unzip->last.size + unzip->before_size)
		return false;
	if (size <= unzip->last.size) {
		rest->now = span_of(
		    unzip->last.at + unzip->last.size - size, (size_t)size);
		return true;
	}
	size_t before = (size_t)size - unzip->last.size;
	rest->before =
	    span_of(unzip->before + unzip->before_size - before, before);
	return true;
}

/* The directory follows at once on the last entry, and ends the input. */
static int
end_check(struct unzip *unzip, struct why *why)
{
	struct rest rest;
	uint64_t at = (uint64_t)archive_filter_bytes(unzip->archive, 0);
	if (!rest_find(unzip, at, &rest))
		return fail(unzip,
		    why_set(why, WHY_MALFORMED,
			"the zip's directory is not behind its entries"));
	int ret =
	    unzip_directory_check(&unzip->directory, at, rest_take, &rest, why);
	if (ret < 0)
		return fail(unzip, ret);
	if (rest.before.size == 0 && rest.now.size == 0 &&
	    input(unzip, &rest.now) < 0)
		return archive_failed(unzip, why);
	if (rest.before.size > 0 || rest.now.size > 0)
		return fail(unzip, why_set(why, WHY_MALFORMED,
				       "the zip has bytes behind its end"));
	unzip->over = true;
	return 0;
}

static int
entry_skip(struct unzip *unzip, struct why *why)
{
	uint8_t scratch[16384];
	size_t got;
	int ret;
	while (unzip->open)
		if ((ret = unzip_read(
			 unzip, scratch, sizeof scratch, &got, why)) < 0)
			return ret;
	return 0;
}

static int
entry_next(struct unzip *unzip, const char **name, struct why *why)
{
	struct archive_entry *entry;
	int ret = archive_read_next_header(unzip->archive, &entry);
	if (ret == ARCHIVE_EOF && unzip->cause.code == 0)
		return end_check(unzip, why);
	/* a warning is a name that is not what its flag says */
	if (ret != ARCHIVE_OK)
		return archive_failed(unzip, why);
	if ((ret = entry_check(unzip, entry, why)) < 0)
		return fail(unzip, ret);
	const char *path = archive_entry_pathname(entry);
	uint64_t at = (uint64_t)archive_filter_bytes(unzip->archive, 0);
	if ((ret = unzip_directory_add(&unzip->directory, path, at, why)) < 0)
		return fail(unzip, ret);
	unzip->open = true;
	unzip->inside = 0;
	*name = path;
	return 0;
}

int
unzip_next(struct unzip *unzip, const char **name, struct why *why)
{
	*name = NULL;
	if (unzip->failed != 0)
		return why_set(why, unzip->failed, "the zip failed before");
	int ret = entry_skip(unzip, why);
	if (ret < 0 || unzip->over)
		return ret;
	locale_t before = locale_enter(unzip);
	ret = entry_next(unzip, name, why);
	locale_leave(before);
	return ret;
}

int
unzip_read(
    struct unzip *unzip, void *at, size_t size, size_t *got, struct why *why)
{
	*got = 0;
	if (unzip->failed != 0)
		return why_set(why, unzip->failed, "the zip failed before");
	if (!unzip->open || size == 0)
		return 0;
	la_ssize_t n = archive_read_data(unzip->archive, at, size);
	if (n < 0)
		return archive_failed(unzip, why);
	unzip->open = n > 0;
	unzip->inside += (uint64_t)n;
	unzip->directory.entries[unzip->directory.count - 1].size =
	    unzip->inside;
	unzip->total += (uint64_t)n;
	if (unzip->inside > unzip->limits.entry_bytes ||
	    unzip->total > unzip->limits.total_bytes)
		return fail(unzip,
		    why_set(why, WHY_TOO_LARGE,
			"the zip unpacks to more bytes than are allowed"));
	if (unzip->total > RATIO_FREE &&
	    unzip->total / unzip->limits.ratio > unzip->taken)
		return fail(unzip,
		    why_set(why, WHY_TOO_LARGE,
			"the zip unpacks to more than %llu times its size",
			(unsigned long long)unzip->limits.ratio));
	*got = (size_t)n;
	return 0;
}
