/*
 * idle - roles whose work is not built yet; see idle.c.
 */
#pragma once

/* Log which roles are stand-ins. */
void idle_say(void);
