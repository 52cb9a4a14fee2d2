/*
 * crash - named places at which a test can kill this process.
 *
 * crash_point("spool.commit.before") does nothing in a release. With TEST_HOOKS
 * it ends the process by SIGKILL, as a power cut would, when the place is the
 * one asked for:
 *
 *   BUDSTIKKE_CRASH_AT=NAME[:COUNT]   in the environment: at the COUNTth pass
 *   BUDSTIKKE_CRASH_FILE=PATH         a file that holds NAME[:COUNT]; it may be
 *                                     written while the process runs, and is
 *                                     emptied by the kill, so it fires once
 *
 * NAME! stops the process there (SIGSTOP) instead, once.
 *
 * Every name that a program contains is in crash_list().
 */
#pragma once

#ifdef TEST_HOOKS

#include <stddef.h>

/* Read the environment and map the file. Call before the jail; otherwise the
 * first crash_point() does it. */
void crash_start(void);

/* Read them once more: for a test that forks. */
void crash_restart(void);

void crash_here(const char *name);

/* The names of all places linked into this program; not sorted, and a name
 * that stands at several places comes several times. */
const char *const *crash_list(size_t *count);

/* A name in a section of its own, so that the linker gathers the list. */
#define crash_point(name)                                                      \
	do {                                                                   \
		static const char *const crash_name_                           \
		    __attribute__((section("crash_points"), used)) = name;     \
		crash_here(crash_name_);                                       \
	} while (0)

#else

#define crash_start() ((void)0)
#define crash_restart() ((void)0)
#define crash_point(name) ((void)0)

#endif
