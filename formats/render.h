/*
 * render - one structured payload becomes documents that people read.
 *
 * A pure function of its arguments: no clock, no files, no state that outlives
 * the call. The same input gives the same bytes.
 */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "base/why.h"
#include "formats/findings.h"
#include "formats/profile.h"

#include <stddef.h>
#include <stdint.h>

struct render_file {
	const char *name;
	uint64_t size;
};

/* What the relay knows about the message; texts may be NULL or "". */
struct render_context {
	const char *message; /* id */
	const char *sender;  /* organisation number */
	const char *sender_name;
	const char *recipient; /* organisation number */
	const char *recipient_name;
	const char *reference;           /* the sender's */
	int64_t received_ms;             /* 1970 UTC; stamps the documents */
	const struct render_file *files; /* attachments, in order */
	size_t files_count;
};

struct render_bounds {
	size_t payload_bytes;  /* limits.payload_bytes */
	size_t json_depth;     /* limits.json_depth */
	size_t document_bytes; /* most that one document may have */
};

#define RENDER_MISSING_MAX 64

struct render_result {
	struct buf pdf;
	struct buf xhtml;
	uint32_t missing[RENDER_MISSING_MAX]; /* code points without a glyph */
	size_t missing_count; /* distinct code points in missing */
	size_t missing_total; /* characters shown as U+FFFD */
	size_t unknown_count; /* values that the profile does not know */
};

/* The defaults from limits. */
void render_bounds_init(
    struct render_bounds *bounds, const struct limits *limits);

/*
 * Check payload by the profile and render it. 0: result is filled. WHY_INVALID:
 * findings tell why (part is "payload"). WHY_MALFORMED and WHY_TOO_LARGE come
 * with a finding too. WHY_UNSUPPORTED: the profile's payload is not structured.
 * result must be zeroed by render_result_init() and cleared in every case.
 */
int render_payload(const struct profile *profile, struct span payload,
    const struct render_context *context, const struct render_bounds *bounds,
    struct findings *findings, struct render_result *result, struct why *why);

void render_result_init(
    struct render_result *result, const struct render_bounds *bounds);
void render_result_clear(struct render_result *result); /* wipes */
