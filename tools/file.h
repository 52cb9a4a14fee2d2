/*
 * file - reading and writing whole files and digests, for the verbs.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Append the file's bytes to out (bounded by out->max: WHY_TOO_LARGE).
 * WHY_NOT_FOUND when it is not there. */
int file_read(const char *path, struct buf *out, struct why *why);

/* All bytes to a descriptor. */
int file_put(int fd, struct span bytes, struct why *why);

/*
 * Write a file whole, at the place `name` under the folder dir_fd (AT_FDCWD: a
 * path): a new file beside it, synced, renamed over it, the folder synced.
 */
int file_write_at(int dir_fd, const char *name, struct span bytes, mode_t mode,
    struct why *why);

/* Sync the folder that holds path. */
int file_sync_folder(const char *path, struct why *why);

/* "dir/name" (name alone when it is absolute); the caller frees. NULL: no
 * memory. */
char *file_path(const char *dir, const char *name);
/* The folder of a path, "." when it names none; the caller frees. */
char *file_folder(const char *path);
/* The last part of a path; lent. */
const char *file_name(const char *path);

#define DIGEST_TEXT_SIZE 65

/* SHA-256 in pieces. */
struct digest {
	void *state;
};
int digest_begin(struct digest *digest, struct why *why);
int digest_add(struct digest *digest, struct span bytes, struct why *why);
int digest_end(struct digest *digest, uint8_t out[32], struct why *why);
void digest_clear(struct digest *digest); /* also of one never begun */

/* Size and digest of what is readable at fd from its beginning, which is where
 * the descriptor is left. on_bytes (may be NULL) is told how far it is. */
int digest_file(int fd, uint64_t *size, char text[DIGEST_TEXT_SIZE],
    void (*on_bytes)(void *arg, uint64_t done), void *arg, struct why *why);

/* SHA-256 of bytes at hand. */
int digest_bytes(struct span bytes, uint8_t out[32], struct why *why);
