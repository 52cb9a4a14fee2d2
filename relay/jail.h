/*
 * jail - what a role gives up before it reads its first foreign byte.
 *
 * Layers: user, no_new_privs, capabilities, resource limits, no core and not
 * dumpable, Landlock (files, TCP, signals and abstract sockets as far as the
 * kernel knows them), seccomp (denies the feared classes by EPERM). Each is
 * reported; one that is missing is said loudly and, with jail_required, fatal.
 */
#pragma once

#include "base/why.h"
#include "relay/role.h"

#include <stdbool.h>
#include <sys/types.h>

struct jail_report {
	uid_t uid;
	bool no_new_privs;
	bool capabilities; /* none are left */
	bool limits;
	bool dumpable; /* true is bad */
	int landlock;  /* the kernel's ABI, 0: not in force */
	bool seccomp;
};

/* Put up the jail of role->spec. */
int jail_enter(struct role *role, struct why *why);

/* What the kernel says is in force in this process now (Landlock cannot be
 * asked for: what jail_enter() did). */
void jail_report_read(struct jail_report *report);
