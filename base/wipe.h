/*
 * wipe - a process whose freed memory holds nothing: for roles that work on
 * what people wrote, one message after the other.
 *
 * Libraries free copies of a text wherever they made one, so that it is not
 * enough to overwrite our own. A program that calls this has free() and
 * realloc() of its own, which do what the C library's do until the call; in
 * builds with AddressSanitizer, whose business they are, nothing changes.
 */
#pragma once

/* From now on all memory is overwritten when it is freed, in all threads. */
void wipe_freed_memory(void);
