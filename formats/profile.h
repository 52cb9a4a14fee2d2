/*
 * profile - a message type, as data: a folder with profile.json, schemas and
 * presentation.json. Its format is described in profile(5). A new type
 * needs no code.
 */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "base/why.h"
#include "formats/findings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct logo;
struct minimise;
struct schema;
struct xml_schema;
struct presentation;

enum profile_payload {
	PROFILE_PAYLOAD_NONE, /* attachments only */
	PROFILE_PAYLOAD_JSON, /* checked by schema, rendered */
	PROFILE_PAYLOAD_XML,  /* the same */
	PROFILE_PAYLOAD_PDF,  /* carried as it is */
};

enum profile_stage {
	PROFILE_NOT_FETCHED,   /* nobody has taken the message */
	PROFILE_NOT_CONFIRMED, /* taken, but neither imported nor rejected */
};

enum profile_severity { PROFILE_NOTICE, PROFILE_WARNING, PROFILE_CRITICAL };

/* An alarm is due when a delivery is in this stage so long after acceptance. */
struct profile_deadline {
	enum profile_stage stage;
	enum profile_severity severity;
	int64_t after_s;
};

/* What to do with a confirmation that proves nothing. */
enum profile_unproven {
	PROFILE_UNPROVEN_MARK,  /* record it, marked unproven */
	PROFILE_UNPROVEN_REFUSE /* refuse it; the message stays waiting */
};

struct profile_attachments {
	size_t count_max; /* 0: no attachments */
	uint64_t bytes_max;
	char **media_types; /* lower case */
	size_t media_types_count;
	bool list_required;   /* the list is needed when there are any */
	bool list_is_payload; /* then there is no name */
	char *list_name;      /* e.g. "vedlegg.json"; NULL: no list */
	struct schema *list;  /* its schema; NULL: no list */
	char *list_items;     /* pointer pattern to the file entries */
	char *list_file_name; /* name of the member with the file name */
	char *list_sha512;    /* name of the member with the digest */
};

struct profile {
	char *name;     /* of the folder and the message type */
	char *version;  /* of these data files */
	char *title;    /* for people, in language */
	char *language; /* BCP 47 */
	enum profile_payload payload;
	char *payload_name;            /* file name in the package */
	char *media_type;              /* of the payload */
	struct schema *schema;         /* JSON only */
	struct xml_schema *xml_schema; /* XML only */
	char **lists; /* XML only: elements that are arrays, then NULL */
	bool as_xml;  /* JSON only: as document.xml, too; json_xml(7) */
	bool as_text; /* JSON and XML: as document.md, too */
	struct presentation *shown; /* JSON and XML */
	struct logo *logo;          /* at the head of documents; or NULL */
	struct profile_attachments attachments;
	struct profile_deadline *deadlines; /* by after_s, ascending */
	size_t deadlines_count;
	int64_t expiry_s; /* from acceptance */
	int64_t grace_s;  /* content is kept so long after a final outcome */
	struct minimise *minimise; /* NULL: no rules */
	bool reference_required;
	enum profile_unproven unproven;
};

/* Its payload is checked and rendered: kept whole, at most payload_bytes. */
bool profile_structured(const struct profile *profile);

/*
 * Read the folder DIR/NAME; *out is the caller's, freed by profile_free(). The
 * only code of this room that opens files: a jailed role calls it before the
 * jail. Any fault of the profile is WHY_INVALID with file, line and rule.
 */
int profile_load(const char *dir, const struct limits *limits,
    struct profile **out, struct why *why);
void profile_free(struct profile *profile); /* NULL is fine */

/*
 * Everything that is wrong with the profile in the folder dir: part is the
 * file's name, line is set where it can be. Returns 0, WHY_INVALID when there
 * are findings, WHY_SYSTEM or WHY_NOT_FOUND when the folder cannot be read.
 */
int profile_check(const char *dir, const struct limits *limits,
    struct findings *findings, struct why *why);

/* All profiles in the folders under dir, ordered by name. */
struct profile_set {
	struct profile **at;
	size_t count;
};
int profile_set_load(const char *dir, const struct limits *limits,
    struct profile_set *set, struct why *why);
void profile_set_clear(struct profile_set *set);
/* Let go of schemas and presentations: for who neither checks nor renders. */
void profile_set_facts_only(struct profile_set *set);
/* Lent; NULL when there is no such type. */
const struct profile *profile_set_find(
    const struct profile_set *set, const char *name);

/* True when an attachment of this declared media type may be sent. Parameters
 * and case are ignored. */
bool profile_media_type_allowed(
    const struct profile *profile, const char *media_type);

/* A file that came with the message. */
struct profile_file {
	const char *name;
	const char *sha512; /* 128 lower-case hex digits */
};

/*
 * Check the attachment list (foreign bytes) by its schema, and that it and the
 * files agree: each listed file was sent, each sent file is listed, digests are
 * equal, no name twice. part is the list's part name in findings.
 * Returns 0, WHY_INVALID with findings, WHY_UNSUPPORTED when the profile has no
 * list, WHY_NOMEM.
 */
int profile_list_check(const struct profile *profile, struct span list,
    const struct limits *limits, const struct profile_file *files, size_t count,
    const char *part, struct findings *findings, struct why *why);
