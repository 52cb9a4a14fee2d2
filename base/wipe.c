#include "base/wipe.h"

#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#ifdef SANITIZED

void
wipe_freed_memory(void)
{
}

#else

#define SEEN __attribute__((visibility("default")))

/* glibc exports these for programs that wrap its allocator. */
extern void __libc_free(void *at);
extern void *__libc_realloc(void *at, size_t size);

static bool wiping;

void
wipe_freed_memory(void)
{
	wiping = true;
}

SEEN void
free(void *at)
{
	if (wiping && at != NULL)
		explicit_bzero(at, malloc_usable_size(at));
	__libc_free(at);
}

/* The C library's may move a block and leave the old one as it was. */
SEEN void *
realloc(void *at, size_t size)
{
	if (!wiping || at == NULL || size == 0)
		return __libc_realloc(at, size);
	size_t old = malloc_usable_size(at);
	if (size <= old && size >= old / 2)
		return at;
	void *new = malloc(size);
	if (new == NULL)
		return NULL;
	memcpy(new, at, old < size ? old : size);
	free(at);
	return new;
}

#endif
