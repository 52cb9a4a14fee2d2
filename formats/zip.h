/*
 * zip - writing a zip archive (APPNOTE 6.3) as a stream: bytes go out as they
 * come in, the same input gives the same bytes.
 *
 * Three kinds of entries: stored whole, deflated whole (small texts), and
 * streamed: method 8 made of stored blocks with a data descriptor. Why not
 * method 0 for the last: Java's stream reader refuses it with a descriptor, and
 * the checksum is not known before the data. Why not deflated: scans and PDF
 * are compressed already. Zip64 fields only where a size or offset needs them.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

#include <stddef.h>
#include <stdint.h>

#define ZIP_NAME_MAX 2048 /* bytes of an entry's name */

/* Takes the archive's bytes in order; lent. A negative code ends the writing
 * and is handed on. */
typedef int zip_write_fn(void *context, struct span bytes, struct why *why);

struct zip;

/* wall_ms stamps every entry (UTC; zip knows two seconds, from 1980). *out is
 * the caller's, freed by zip_free(). */
int zip_new(zip_write_fn *write, void *context, int64_t wall_ms,
    struct zip **out, struct why *why);
void zip_free(struct zip *zip); /* NULL is fine */

/*
 * One whole entry. Names are UTF-8; that they are safe and not given twice is
 * the caller's matter. WHY_TOO_LARGE: name over ZIP_NAME_MAX, or data over 4
 * GiB - 1 (stream it).
 */
int zip_add_stored(
    struct zip *zip, const char *name, struct span data, struct why *why);
int zip_add_deflated(
    struct zip *zip, const char *name, struct span data, struct why *why);

/*
 * One entry in pieces; size must be known and be met: zip_end() returns
 * WHY_INVALID when fewer bytes came, zip_data() when more come.
 */
int zip_begin(
    struct zip *zip, const char *name, uint64_t size, struct why *why);
int zip_data(struct zip *zip, struct span data, struct why *why);
int zip_end(struct zip *zip, struct why *why);

/* Write the central directory. Nothing may follow. */
int zip_finish(struct zip *zip, struct why *why);
