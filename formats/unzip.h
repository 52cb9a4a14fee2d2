/*
 * unzip - reading a zip archive as a stream, in order, in bounded memory.
 *
 * Refused: encrypted entries, links and devices, folders, names that leave the
 * folder or come twice (filename.h decides for each part of a path), methods
 * other than stored and deflated, an archive whose central directory or end
 * does not agree with what was read. Only the directory says that an entry is
 * a link or a device, so that this is known when all entries have been read:
 * nothing of an archive is to be used before its end was good.
 *
 * SECURITY: reads hostile bytes; has no files, the caller brings the bytes.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

#include <stddef.h>
#include <stdint.h>

struct unzip_limits {
	uint64_t entries;     /* in the archive */
	size_t name_bytes;    /* of an entry's whole name */
	uint64_t entry_bytes; /* of one entry, unpacked */
	uint64_t total_bytes; /* of all entries, unpacked */
	uint64_t ratio;       /* unpacked bytes for a byte read, over the whole;
			       * 1 MiB is free */
};

/* Sets bytes to what comes next, lent until the next call; size 0 is the end.
 * A negative code ends the reading and is handed on. */
typedef int unzip_read_fn(void *context, struct span *bytes, struct why *why);

struct unzip;

/* *out is the caller's, freed by unzip_free(). */
int unzip_new(unzip_read_fn *read, void *context,
    const struct unzip_limits *limits, struct unzip **out, struct why *why);
void unzip_free(struct unzip *unzip); /* NULL is fine */

/*
 * The next entry; what is left of the last is skipped. *name is lent until the
 * next call, NULL after the last entry: then the archive's end has been read
 * and was good.
 */
int unzip_next(struct unzip *unzip, const char **name, struct why *why);

/* Up to size bytes of the entry into at; *got is 0 at its end. */
int unzip_read(
    struct unzip *unzip, void *at, size_t size, size_t *got, struct why *why);
