/*
 * landlock - the kernel's file and network rules for a process that asks for
 * them (landlock(7)). Debian 12's header is older than the network and scope
 * fields, so the struct is ours and the kernel is asked what it knows.
 */
#pragma once

#include "base/why.h"
#include "relay/roles.h"

#define LANDLOCK_PATHS_MAX 16

struct landlock_wish {
	bool connect; /* TCP connect stays allowed */
	/* folders and files below which may be read, or read and written;
	 * NULL ends; what does not exist is left out */
	const char *readable[LANDLOCK_PATHS_MAX];
	const char *writable[LANDLOCK_PATHS_MAX];
};

/* The ABI now in force (> 0), or a negative code when there is none. Call
 * after no_new_privs. */
int landlock_enter(const struct landlock_wish *wish, struct why *why);
