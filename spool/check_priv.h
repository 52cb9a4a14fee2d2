/*
 * check_priv - what the files of spool_check() share.
 */
#pragma once

#include "spool/view_priv.h"

struct check {
	struct txn *txn;
	merkle_sha256 *sha256;
	void (*found)(void *arg, const char *text);
	void *arg;
	size_t findings;
	struct meta_record meta;
	uint64_t chunks; /* that somebody owns */
	uint64_t listed; /* deliveries that wait */
	uint64_t dues;   /* entries that some record states */
};

/* Tell one breach; of which record is said by its id or organisation. */
void check_tell(struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, with an id's text before it. */
void check_tell_id(
    struct check *check, const struct id *id, const char *sentence);

/* Is this entry in the time index? Counts it as stated. */
bool check_due(struct check *check, int64_t at_ms, enum due_kind kind,
    uint32_t number, const struct id *id, const char *owner);
/* There is evidence at the place, and it is of this message. */
bool check_evidence(
    struct check *check, struct spool_position at, const struct id *message);

/* How many bytes the chunks hold; UINT64_MAX when they have a gap. */
uint64_t check_content(struct check *check, const char *recipient,
    const struct id *upload, uint32_t content);

void check_decode(struct check *check);     /* check_decode.c */
void check_deliveries(struct check *check); /* check_delivery.c */
void check_messages(struct check *check);
void check_log(struct check *check); /* check_log.c */
void check_tree(struct check *check);
void check_trail(struct check *check);
void check_feed(struct check *check);
void check_parties(struct check *check); /* check_count.c */
void check_senders(struct check *check);
void check_alarms(struct check *check);
