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
#include "formats/document.h"
#include "formats/findings.h"
#include "formats/profile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct logo;
struct pdf_fonts;

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
	const char *language;            /* wanted, BCP 47 */
	int64_t received_ms;             /* 1970 UTC; stamps the documents */
	const struct render_file *files; /* attachments, in order */
	size_t files_count;
	const struct logo *logo; /* render_payload() puts the profile's here */
};

struct render_result {
	struct buf pdf; /* at most limits.document_bytes each */
	struct buf xhtml;
	struct buf text; /* CommonMark, when the profile says so */
	struct buf xml;  /* of a JSON payload, when the profile says so */
	struct document_notes notes; /* characters dropped, replaced, missing */
	struct buf
	    stripped; /* the payload that takes its place; empty: it stays */
	struct buf minimised; /* what the rules found, as JSON for evidence */
	size_t minimised_count;
	size_t unknown_count; /* values that the presentation does not know */
	bool fell_back;       /* the language that was wanted is not there */
};

/*
 * Check payload by the profile and render it. 0: result is filled. WHY_INVALID,
 * WHY_MALFORMED, WHY_TOO_LARGE: findings tell why (part is "payload").
 * WHY_UNSUPPORTED: the profile's payload is not structured. Initialise result
 * before, and clear it in every case. The fonts' caches are cleared.
 */
int render_payload(const struct profile *profile, struct span payload,
    const struct render_context *context, const struct limits *limits,
    struct pdf_fonts *fonts, struct findings *findings,
    struct render_result *result, struct why *why);

/* For a process that renders one document after the other: glibc need not give
 * the few MiB of one back to the kernel before the next. Once, at start. */
void render_memory_keep(void);

/* Have the profile's own words ready; once, at start. */
void render_words_keep(const struct profile *profile, struct pdf_fonts *fonts);

void render_result_init(
    struct render_result *result, const struct limits *limits);
void render_result_clear(struct render_result *result); /* wipes */
