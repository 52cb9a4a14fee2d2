/*
 * filename - which names a file of a message may have.
 *
 * A name is used by people on Windows, macOS and Linux, and becomes a file at
 * the recipient's. What could leave a folder, hide its ending or not be stored
 * is refused with the reason; a name is never changed.
 *
 * SECURITY: the one rule for names, used where a message comes in and where a
 * package is opened.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

#include <stddef.h>

/*
 * 0 when name may be a file's name: UTF-8 of 1 to bytes_max bytes; no '/',
 * '\\', ':' or other sign that a file system refuses; no control, format or
 * bidirectional control character; no space first or last, no dot last; not
 * "." or ".."; not a device name of Windows, whatever its ending. WHY_TOO_LARGE
 * or WHY_INVALID; the sentence never holds the name.
 */
int filename_check(struct span name, size_t bytes_max, struct why *why);

/*
 * The names of one message. Two that a file system which ignores case or
 * Unicode form would take for one (Windows, macOS) are the same name.
 */
struct filename_set {
	void *root;
	size_t count;
};

#define FILENAME_SET_NONE ((struct filename_set){NULL, 0})

/* Add a name that filename_check() has passed (or a path of such): 0,
 * WHY_EXISTS when it is there already, WHY_NOMEM. */
int filename_set_add(
    struct filename_set *set, struct span name, struct why *why);
void filename_set_clear(struct filename_set *set);
