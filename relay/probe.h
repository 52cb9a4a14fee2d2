/*
 * probe - test builds only: try, inside a role, what its jail must forbid.
 */
#pragma once

#ifdef TEST_HOOKS

#include "base/buf.h"

struct role;

/* Answer CONTROL_PROBE with one line for each attempt:
 * "RESULT attempt detail", RESULT being denied, allowed or layer. */
void probe_answer(struct role *role);

#endif
