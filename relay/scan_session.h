/*
 * scan_session - one file under examination: its content by formats/sniff.h,
 * and clamd where one is configured.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "relay/scan_wire.h"

#include <stddef.h>

/* Files up to this size are held and given to clamd at their end, one after
 * the other: it serves few connections at a time. */
#define SCAN_HELD_BYTES (1u << 20)
#define SCAN_HELD_TOTAL (256u << 20)
#define SCAN_LIVE_MAX 8 /* larger files that are streamed to clamd at once */

/* What all sessions of a process share. */
struct scan_service {
	const char *clamd; /* path of its socket; NULL: none */
	size_t held;       /* bytes held for clamd */
	unsigned live;     /* connections to clamd */
};

struct scan_session;

/* Copies what it needs of begin. *out is the caller's. */
int scan_session_new(struct scan_service *service,
    const struct scan_begin *begin, struct scan_session **out, struct why *why);
void scan_session_free(struct scan_session *session); /* NULL is fine */

/* The file's next bytes. A failure is kept for the verdict. */
void scan_session_push(struct scan_session *session, struct span bytes);

/* After the last byte. Fails closed: SCAN_FAILED for whatever could not be
 * looked at. The session can only be freed afterwards. */
void scan_session_judge(
    struct scan_session *session, struct scan_verdict *verdict);
