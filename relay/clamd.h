/*
 * clamd - asking ClamAV's daemon over its Unix socket (clamd(8), INSTREAM).
 *
 * Fails closed: whatever is not clamd's plain "OK" is a virus or a failure.
 * Every wait has an end.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

#include <stddef.h>

#define CLAMD_SECONDS 60 /* for one write, and for the verdict */
#define CLAMD_NAME_MAX 128

struct clamd; /* one file under way */

/* Connect and begin. WHY_GONE: clamd cannot be reached. *out is the caller's,
 * freed by clamd_close(). */
int clamd_open(const char *path, struct clamd **out, struct why *why);
void clamd_close(struct clamd *clamd); /* NULL is fine */

/* The file's next bytes. WHY_GONE, also when clamd wants no more of it. */
int clamd_write(struct clamd *clamd, struct span bytes, struct why *why);

/*
 * The verdict: 0 and name "" when nothing was found, 0 and the malware's name
 * when something was; WHY_GONE for every other answer or none.
 */
int clamd_finish(
    struct clamd *clamd, char name[CLAMD_NAME_MAX], struct why *why);
