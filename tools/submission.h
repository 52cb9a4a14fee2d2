/*
 * submission - the files of one message on their way to the relay: opened,
 * measured, and described in an envelope.
 *
 * The payload or main document comes first (part "payload"), then the
 * attachment list (part "attachment-list", a file named vedlegg.json), then the
 * attachments ("attachment-1" ...), in the order given.
 */
#pragma once

#include "base/why.h"
#include "tools/client.h"
#include "tools/file.h"

#include <stddef.h>
#include <stdint.h>

#define SUBMISSION_LIST "vedlegg.json" /* the attachment list's file name */

struct submission_part {
	char name[32];
	const char *filename; /* inside path */
	const char *path;
	const char *media_type;
	int fd;
	uint64_t size;
	char sha256[DIGEST_TEXT_SIZE];
};

struct submission {
	struct submission_part *parts;
	size_t count;
	uint64_t size;  /* of all parts */
	char *envelope; /* JSON */
};

/* Open, measure and digest the files (lent, as all texts). WHY_INVALID for what
 * is no regular file. Clear it in every case. */
int submission_open(struct submission *submission, const char *const *paths,
    size_t count, struct why *why);
void submission_clear(struct submission *submission);

/* Make the envelope. recipients: separated by commas. reference and language
 * may be NULL. */
int submission_describe(struct submission *submission, const char *type,
    const char *recipients, const char *reference, const char *language,
    struct why *why);

/* All parts' bytes, one after the other, as a source of a call. */
struct client_source submission_source(struct submission *submission);
/* One part's bytes. */
struct client_source submission_part_source(struct submission_part *part);
