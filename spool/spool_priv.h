/*
 * spool_priv - what the writing files of spool/ share.
 */
#pragma once

#include "base/clock.h"
#include "base/crash.h"
#include "spool/store.h"

#define READERS_SEEN 128

struct reader_seen {
	int32_t pid;
	uintmax_t thread;
	uintmax_t txnid;
	int64_t since_ms; /* monotonic */
};

struct spool {
	struct store store;
	struct spool_options options;
	int lock_fd;
	bool dead;
	bool grouped; /* a group is open */
	struct buf scratch;
	uint64_t used_before; /* bytes of pages in use, a group ago */
	uint64_t refilled_at; /* end of the file when the reserve was filled */
	uint64_t recycled;    /* bytes in the free list when last counted */
	unsigned recycled_age;
	struct reader_seen seen[READERS_SEEN];
	size_t seen_count;
};

struct draft {
	struct spool_draft draft;
	bool is_signed;
};

/* What one leaf completes, from below: itself first. */
struct tree_grown {
	size_t count;
	struct merkle_hash at[MERKLE_HEIGHTS];
};

struct block;

struct spool_group {
	struct spool *spool;
	struct txn txn;
	int64_t now_ms;
	struct meta_record meta; /* as this transaction found it, then on */
	uint64_t room;           /* bytes of new content it may still take */
	struct draft **drafts;
	size_t draft_count;
	size_t draft_capacity;
	struct block *blocks; /* memory that ends with the group */
};

/* ---- group.c ---- */

/* Zeroed memory until the group ends; NULL breaks the group. */
void *group_alloc(struct spool_group *group, size_t size);
const char *group_text(struct spool_group *group, const char *text);

/* A new draft, numbered; NULL breaks the group. */
struct spool_draft *group_draft(
    struct spool_group *group, enum spool_level level);
int group_why(const struct spool_group *group, struct why *why);

/* Bytes of new content: WHY_FULL when only the reserve is left. */
int group_take_room(struct spool_group *group, uint64_t bytes, struct why *why);

/* ---- room.c ---- */

/* How many bytes of new content there is room for, above the reserve. */
int room_measure(struct spool *spool, uint64_t *room, struct why *why);

/* ---- due.c ---- */

void due_put(struct spool_group *group, int64_t at_ms, enum due_kind kind,
    uint32_t number, const struct id *id, const char *owner, struct span value);
void due_del(struct spool_group *group, int64_t at_ms, enum due_kind kind,
    uint32_t number, const struct id *id, const char *owner);

/* ---- delivery.c ---- */

struct delivery { /* one, looked up, about to change */
	struct id message;
	char recipient[SPOOL_ORG_SIZE];
	struct delivery_record record;
};

int delivery_get(struct spool_group *group, const struct id *message,
    const char *recipient, struct delivery *out, struct why *why);
void delivery_put(struct spool_group *group, const struct delivery *delivery);

/* A draft that speaks of this delivery as it is now; the record's evidence
 * then is this one. NULL breaks the group. */
struct spool_draft *delivery_draft(struct spool_group *group,
    struct delivery *delivery, enum spool_level level);

/* From waiting to the outcome: index, deadlines, alarms, counters, evidence. */
struct spool_draft *delivery_finish(struct spool_group *group,
    struct delivery *delivery, enum spool_state state, enum spool_level level,
    bool unproven);

/* Watch alarms: which cause a waiting delivery is of now; join it and leave the
 * others; leave all. */
enum spool_cause delivery_cause(
    struct spool_group *group, const struct delivery *delivery);
void delivery_join(struct spool_group *group, struct delivery *delivery,
    enum spool_cause cause, enum spool_severity severity);
void delivery_leave(struct spool_group *group, struct delivery *delivery,
    enum spool_cause cause);
/* Look at it again after recheck_ms, when nothing else does before. */
void delivery_recheck(struct spool_group *group, struct delivery *delivery);

/* What the deadlines do; see spool(5). 0, DUE_MORE when it is not done yet and
 * stays due, or the txn's failure. */
#define DUE_MORE 1
int due_alarm(struct spool_group *group, const struct due *due);
int due_recheck(struct spool_group *group, const struct due *due);
int due_expire(struct spool_group *group, const struct due *due);
int due_purge(struct spool_group *group, const struct due *due);
int due_forget(struct spool_group *group, const struct due *due);
/* When the certificate's deadline of this number is: 0 its end, 1 to
 * CERTIFICATE_WARNINGS the days before it that warn. */
#define CERTIFICATE_WARNINGS 5
int64_t certificate_due_ms(
    const struct certificate_record *record, uint32_t number);
int due_certificate(struct spool_group *group, const struct due *due,
    const uint8_t fingerprint[SPOOL_HASH_SIZE]);
int due_sweep(struct spool_group *group, const struct due *due);

/* ---- opening.c ---- */

/* *state (0: there is no mailbox yet) becomes what follows when asked for. */
int mailbox_follow(enum spool_mailbox_state *state,
    enum spool_mailbox_state asked, bool without_probe, struct why *why);
/* A state in which messages of the type are taken, if it was opened for it. */
bool mailbox_takes(enum spool_mailbox_state state, const char *type);
/* A message of the type was imported with proof. */
void mailbox_proved(
    struct spool_group *group, const char *recipient, const char *type);

/* ---- party.c ---- */

/* A delivery came (from 0) or changed its state. */
void party_count(struct spool_group *group, const char *recipient,
    enum spool_state from, enum spool_state to, bool unproven, uint64_t bytes);
void sender_count(
    struct spool_group *group, const char *sender, bool waits, uint64_t bytes);

/* ---- tree.c ---- */

bool tree_leaf(merkle_sha256 *sha256, const uint8_t salt[SPOOL_SALT_SIZE],
    struct span jws, struct merkle_hash *leaf);
bool tree_grow(struct merkle_frontier *frontier, merkle_sha256 *sha256,
    const struct merkle_hash *leaf, struct tree_grown *grown);
struct span tree_nodes(const struct tree_grown *grown);
/* Make the record, with its jws, the next leaf of the group's tree: salt and
 * nodes. nodes lie in grown. */
bool tree_add(struct spool_group *group, struct evidence_record *record,
    struct tree_grown *grown);
/* A complete node of an epoch's tree. */
bool tree_node(struct txn *txn, uint32_t epoch, unsigned height, uint64_t index,
    struct merkle_hash *hash);
/* From now on nobody can tell which evidence a leaf of this message is of,
 * without having that evidence and its salt already. */
void tree_forget_salts(struct spool_group *group, const struct id *message);

/* ---- content.c ---- */

/* Append bytes to a content that has size bytes. */
void content_add(struct spool_group *group, const char *recipient,
    const struct id *upload, uint32_t content, uint64_t size,
    struct span bytes);
/* Erase at most max chunks; true when none is left. */
bool content_erase(struct spool_group *group, const char *recipient,
    const struct id *upload, uint32_t content, size_t max);

/* ---- alarm.c ---- */

/* As alarm_add(), and a notice even when it is no worse than before. */
void alarm_tell(struct spool_group *group, const char *mailbox,
    enum spool_cause cause, enum spool_severity severity,
    const struct id *member, int64_t since_ms);

void alarm_add(struct spool_group *group, const char *mailbox,
    enum spool_cause cause, enum spool_severity severity,
    const struct id *member, int64_t since_ms);
void alarm_remove(struct spool_group *group, const char *mailbox,
    enum spool_cause cause, const struct id *member);

/* ---- open.c ---- */

/* Hold dir/writer.lock: *out is a descriptor to close. */
int lock_take(const char *dir, int *out, struct why *why);

/* ---- checks of arguments ---- */

/* An organisation's text: not empty, not too long. */
int org_check(const char *org, struct why *why);
