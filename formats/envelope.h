/*
 * envelope - the JSON that opens a submission: type, recipients, the sender's
 * reference, the language of documents and, for each part, name, file name,
 * media type, size and digest.
 *
 * SECURITY: reads hostile bytes. Unknown members, duplicates, wrong types and
 * everything over a limit are findings with a JSON pointer.
 */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "base/why.h"
#include "formats/findings.h"

#include <stddef.h>
#include <stdint.h>

#define ENVELOPE_PART "envelope"    /* its part's name, also in findings */
#define ENVELOPE_TYPE_MAX 64        /* bytes of a message type's name */
#define ENVELOPE_MEDIA_TYPE_MAX 127 /* bytes of a media type */
#define ENVELOPE_LANGUAGE_MAX 35    /* bytes of a language tag */
#define ENVELOPE_SIZE_MAX ((UINT64_C(1) << 53) - 1) /* exact in any JSON */

struct envelope_part {
	char *name;       /* of the part: letters, digits, '.', '_', '-' */
	char *filename;   /* passes filename_check() */
	char *media_type; /* lower case, without parameters */
	uint64_t size;    /* bytes */
	char sha256[65];  /* lower-case hex */
};

struct envelope {
	char *type;
	char **recipients; /* organisation numbers, in the sender's order */
	size_t recipients_count;
	char *reference; /* NULL: none given */
	char *language;  /* that documents are wanted in; NULL: the type's */
	struct envelope_part *parts;
	size_t parts_count;
	uint64_t bytes; /* of all parts, declared; cannot overflow */
};

/*
 * Read one. 0, or WHY_INVALID with every reason in findings (and the first in
 * why); WHY_MALFORMED and WHY_TOO_LARGE where it cannot be read at all, also
 * as a finding; WHY_NOMEM. After 0 the envelope is the caller's
 * (envelope_clear()); otherwise it is empty.
 */
int envelope_parse(struct span text, const struct limits *limits,
    struct findings *findings, struct envelope *envelope, struct why *why);
void envelope_clear(struct envelope *envelope);

/* Lent; NULL when there is no such part. */
const struct envelope_part *envelope_part_find(
    const struct envelope *envelope, const char *name);

/*
 * Append the canonical form: two envelopes that mean the same (white space,
 * order of members and of recipients, case of digests) have the same bytes, and
 * two that differ in anything have different ones. The fingerprint of a
 * submission is the SHA-256 of these. Not meant to be read back.
 */
void envelope_canonical_build(struct buf *out, const struct envelope *envelope);
