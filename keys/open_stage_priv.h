/*
 * open_stage_priv - the state of one opening, and its stages: open_value.c
 * (containers and small values), open_envelope.c (all around the content),
 * open_content.c. open.c calls them.
 */
#pragma once

#include "keys/open.h"
#include "keys/open_priv.h"

#define OPEN_KEYS_MAX 64
#define OPEN_HELD_BYTES (OPEN_RECIPIENT_BYTES + 64)

enum stage {
	STAGE_CONTENT_INFO,
	STAGE_CONTENT_TYPE,
	STAGE_EXPLICIT,
	STAGE_ENVELOPE,
	STAGE_VERSION,
	STAGE_ORIGINATOR,
	STAGE_RECIPIENT,
	STAGE_ENCRYPTED,
	STAGE_INNER_TYPE,
	STAGE_CIPHER,
	STAGE_CONTENT,
	STAGE_PIECE,
	STAGE_OCTETS,
	STAGE_ENCRYPTED_END,
	STAGE_ATTRIBUTES,
	STAGE_MAC,
	STAGE_MAC_AFTER,
	STAGE_ENVELOPE_END,
	STAGE_EXPLICIT_END,
	STAGE_END,
	STAGE_DONE
};

/* A container that is open. */
struct frame {
	bool indefinite;
	uint64_t limit; /* position where it, or what holds it, ends */
};

struct opening {
	struct open_key keys[OPEN_KEYS_MAX];
	size_t keys_count;
	struct open_options options;
	struct sink sink;
	enum stage stage;
	bool authenticated;
	bool failed;
	bool finished;
	uint64_t position; /* octets consumed */
	struct frame frames[OPEN_DEPTH_MAX];
	size_t depth;
	size_t recipients;
	uint64_t recipients_from;
	struct open_found found;
	struct open_cipher cipher;
	uint64_t octets; /* left in the piece of content under way */
	uint8_t mac[OPEN_TAG_SIZE];
	struct buf held; /* the beginning of a value */
	size_t piece_size;
	uint8_t piece[OPEN_PIECE_BYTES];
};

/* What a stage answers: it went on, or wants more octets; or a failure. */
#define STEP_ON 1
#define STEP_MORE 0

/* How many frames are open when the content's own ones are not. */
#define DEPTH_ENCRYPTED 4

/* ---- open_value.c ---- */
int open_malformed(
    const struct opening *opening, const char *what, struct why *why);
uint64_t open_limit(const struct opening *opening); /* of what is open */
/* Enter a container with this tag; *used octets are its head. */
int open_enter(struct opening *opening, struct span view, uint8_t tag,
    size_t *used, const char *what, struct why *why);
int open_enter_to(struct opening *opening, struct span view, uint8_t tag,
    size_t *used, const char *what, enum stage next, struct why *why);
/* Is the innermost container at its end? Then it is left and *ended set. */
int open_leave(struct opening *opening, struct span view, size_t *used,
    bool *ended, struct why *why);
/* The container must be at its end. */
int open_must_leave(struct opening *opening, struct span view, size_t *used,
    enum stage next, struct why *why);
/* One whole value of at most max octets, lent from view. */
int open_value(struct opening *opening, struct span view, size_t max,
    struct span *whole, const char *what, struct why *why);

/* ---- stages; *used octets of view were consumed ---- */
#define STAGE(name)                                                            \
	int open_read_##name(struct opening *opening, struct span view,        \
	    size_t *used, struct why *why)
STAGE(content_type); /* open_envelope.c */
STAGE(version);
STAGE(originator);
STAGE(recipient);
STAGE(inner_type);
STAGE(cipher);
STAGE(mac);
int open_read_attributes(
    struct opening *opening, struct span view, struct why *why);
int open_read_mac_after(
    struct opening *opening, struct span view, struct why *why);
STAGE(content); /* open_content.c */
STAGE(piece);
STAGE(octets);
#undef STAGE

/* All has come: the last plaintext, when what authenticates it is right. */
int open_content_end(struct opening *opening, struct why *why);
