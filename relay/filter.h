/*
 * filter - seccomp: system calls that a role's rights rule out fail with EPERM.
 *
 * It denies the classes that matter and lets the rest be, so that what libc
 * may invent tomorrow does not kill a role.
 */
#pragma once

#include "base/why.h"
#include "relay/roles.h"

/* clamd: the role may open Unix sockets (NETWORK_CLAMD with clamd set). */
int filter_enter(const struct role_spec *spec, bool clamd, struct why *why);

#ifdef TEST_HOOKS
/* Play a kernel without Landlock, for this process and its children. */
int filter_hide_landlock(struct why *why);
#endif
