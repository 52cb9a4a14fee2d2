/*
 * spool_house - a spool in a directory of its own, a clock that the test turns,
 * and deliveries that are easily made.
 */
#pragma once

#include "spool/spool_view.h"

#define HOUSE_DAY INT64_C(86400000)
#define HOUSE_START INT64_C(1700000000000)
#define HOUSE_SENDER "889640782"
#define HOUSE_OSLO "958935420"
#define HOUSE_BERGEN "964338531"

struct house {
	char dir[96];
	struct spool_options options;
	struct spool *spool;
	struct spool_view *view;
	struct spool_group *group;
	struct why why;
	int64_t now_ms;
	unsigned messages; /* made so far: gives each its key */
};

/* A directory and a spool in it with two open mailboxes. map_bytes 0: 256 MiB.
 */
void house_open(struct house *house, uint64_t map_bytes);
void house_close(struct house *house); /* and remove the directory */
void house_close_spool(struct house *house);
void house_reopen(struct house *house); /* what a new process would do */
void house_mailbox(struct house *house, const char *recipient);

struct spool_group *house_begin(struct house *house);
int house_commit(struct house *house); /* signs every draft first */

/* A message of content bytes to one or two recipients (NULL for none). */
struct house_message {
	struct id id;
	uint8_t key[SPOOL_HASH_SIZE];
	uint8_t fingerprint[SPOOL_HASH_SIZE];
	uint64_t size;
	int64_t expires_in_ms;
	int64_t grace_ms;
	bool reference;
	struct spool_deadline deadlines[2]; /* at_ms is from now */
	size_t deadline_count;
	const char *sender;
	const char *type;
};
void house_message(struct house *house, struct house_message *message);
/* Within the group that is open. */
int house_accept_in(struct house *house, const struct house_message *message,
    const char *first, const char *second, struct spool_accepted *out);
/* In a group of its own, asserted to go well. */
void house_accept(struct house *house, struct house_message *message,
    const char *first, const char *second);

/* The bytes of a message's content, at any offset. */
uint8_t house_byte(const struct id *id, uint64_t offset);
void house_proof(const struct id *id, char text[SPOOL_PROOF_SIZE],
    uint8_t hash[SPOOL_HASH_SIZE]);

/* One receipt in a group of its own; the operation's answer. */
int house_receipt(struct house *house, const struct id *id,
    const char *recipient, enum spool_verdict verdict,
    struct spool_verdict_done *done);
int house_imported(struct house *house, const struct id *id,
    const char *recipient, struct spool_verdict_done *done);
void house_fetch(struct house *house, const struct id *id,
    const char *recipient, uint64_t size);

enum spool_state house_state(
    struct house *house, const struct id *id, const char *recipient);
struct spool_delivery house_delivery(
    struct house *house, const struct id *id, const char *recipient);
/* Fire all that is due. */
void house_due(struct house *house);
/* The firing alarm of (mailbox, cause), or count 0. */
struct spool_alarm house_alarm(
    struct house *house, const char *mailbox, enum spool_cause cause);
/* spool_check() finds nothing; prints what it finds. */
void house_clean(struct house *house);
