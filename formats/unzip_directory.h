/*
 * unzip_directory - what was read of a zip, held against its central directory.
 *
 * A zip says everything twice: before each entry, which a stream's reader goes
 * by, and in the directory at the end, which most programs go by. An archive
 * where the two differ is another one to each of them, and only the directory
 * says that an entry is a link.
 *
 * SECURITY: reads hostile bytes, each count bounded by what was read before.
 */
#pragma once

#include "base/why.h"

#include <stddef.h>
#include <stdint.h>

struct unzip_entry {
	char *name;
	uint64_t data; /* where its packed bytes began */
	uint64_t size; /* unpacked */
};

struct unzip_directory {
	struct unzip_entry *entries;
	size_t count;
	size_t room;
};

/* Exactly size bytes of what comes next into at; WHY_MALFORMED at the end. */
typedef int unzip_take_fn(
    void *context, uint8_t *at, size_t size, struct why *why);

/* An entry that was met; its size is set when it has been read. WHY_NOMEM. */
int unzip_directory_add(struct unzip_directory *directory, const char *name,
    uint64_t data, struct why *why);

/*
 * Read the directory, which begins at offset at, and the end records. 0 when it
 * has the same entries in the same order with the same names and sizes, all
 * plain files, not encrypted (APPNOTE 4.3.12 to 4.3.16); WHY_MALFORMED,
 * WHY_UNSUPPORTED for what is no plain file, or what take returned.
 */
int unzip_directory_check(const struct unzip_directory *directory, uint64_t at,
    unzip_take_fn *take, void *context, struct why *why);

void unzip_directory_clear(struct unzip_directory *directory);
