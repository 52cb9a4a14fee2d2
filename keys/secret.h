/*
 * secret - bytes that stay in locked memory and are overwritten when done.
 *
 * The bytes live in pages of their own: locked (never swapped), left out of
 * core dumps, not inherited by a child. No function copies a secret.
 */
#pragma once

#include "base/why.h"

#include <stddef.h>
#include <stdint.h>

struct secret {
	uint8_t *at; /* the holder may write here; zeroed at first */
	size_t size;
	size_t mapped; /* bytes of the pages, for secret_clear() */
};

#define SECRET_NONE ((struct secret){NULL, 0, 0})

/* Locked, zeroed memory of size bytes (1 .. 1 MiB). A failure to lock is a
 * failure (WHY_SYSTEM): there is no unlocked secret. */
int secret_init(struct secret *secret, size_t size, struct why *why);

/* Overwrites and unmaps; an empty secret is fine. */
void secret_clear(struct secret *secret);

/*
 * Put the private numbers of keys that OpenSSL holds into a locked heap too.
 * Once per process, before the first key is loaded; again is fine. A failure to
 * lock is a failure.
 */
int secret_heap_init(struct why *why);
