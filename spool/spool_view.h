/*
 * spool_view - looking at a spool without being able to change it.
 *
 * Any process that may write the lock file can have a view. All questions are
 * asked between spool_view_begin() and spool_view_end(), which must be short:
 * never across a network wait, one chunk of content at a time. Spans and
 * pointers in answers are lent until spool_view_end().
 *
 * Unless said otherwise a question answers 0, WHY_NOT_FOUND, or an error of the
 * store.
 */
#pragma once

#include "spool/spool.h"

struct spool_view;

/* Opens files; call before the jail. *out is the caller's: spool_view_close().
 */
int spool_view_open(const char *dir, struct spool_view **out, struct why *why);
/* A view of a spool that this process itself writes; close it first. */
int spool_view_share(
    struct spool *spool, struct spool_view **out, struct why *why);
void spool_view_close(struct spool_view *view);

int spool_view_begin(struct spool_view *view, struct why *why);
void spool_view_end(struct spool_view *view); /* none begun is fine */

/* The last place in the log: the end of every feed. */
int spool_view_position(
    struct spool_view *view, struct spool_position *last, struct why *why);

/* ---- messages ---- */

struct spool_message {
	struct id id;
	char sender[SPOOL_ORG_SIZE];
	char type[SPOOL_TYPE_SIZE];
	char version[SPOOL_WORD_SIZE];
	int64_t submitted_ms;
	int64_t accepted_ms;
	uint8_t fingerprint[SPOOL_HASH_SIZE];
	struct spool_position evidence; /* of the acceptance */
	struct span metadata;           /* empty once purged */
	size_t recipient_count;
};

struct spool_delivery {
	struct id message;
	char recipient[SPOOL_ORG_SIZE];
	char sender[SPOOL_ORG_SIZE];
	char type[SPOOL_TYPE_SIZE];
	enum spool_state state;
	uint32_t flags; /* enum spool_flag */
	uint64_t size;  /* sealed bytes */
	enum spool_form form;
	char suite[SPOOL_WORD_SIZE];
	uint8_t certificate[SPOOL_HASH_SIZE];
	uint32_t seal;
	int64_t accepted_ms;
	int64_t handed_out_ms; /* 0: never */
	int64_t fetched_ms;    /* 0: never */
	int64_t final_ms;      /* 0: waiting */
	int64_t expires_ms;
	int64_t purge_ms; /* when content goes or went; 0 while waiting */
	struct spool_position listed;   /* its place in the mailbox */
	struct spool_position evidence; /* of the newest state */
};

int spool_view_message(struct spool_view *view, const struct id *id,
    struct spool_message *out, struct why *why);
int spool_view_delivery(struct spool_view *view, const struct id *id,
    const char *recipient, struct spool_delivery *out, struct why *why);
/* All deliveries of a message, in the order of the acceptance; at most max. */
int spool_view_deliveries(struct spool_view *view, const struct id *id,
    struct spool_delivery *out, size_t max, size_t *count, struct why *why);

/* A page of a mailbox: deliveries that wait, listed after the cursor. *next is
 * the cursor for the page that follows. */
int spool_view_list(struct spool_view *view, const char *recipient,
    struct spool_position cursor, struct spool_delivery *out, size_t max,
    size_t *count, struct spool_position *next, struct why *why);

/* Every delivery that a mailbox lists, and that is there and waits. In one go:
 * some microseconds for each. */
int spool_view_each_waiting(struct spool_view *view,
    int (*each)(void *arg, const char *recipient, struct why *why), void *arg,
    struct why *why);

/* Copy content bytes from offset on, up to capacity and to the end of a chunk:
 * *got. *got is 0 only at the end. */
int spool_view_content(struct spool_view *view, const struct id *id,
    const char *recipient, uint64_t offset, void *into, size_t capacity,
    size_t *got, struct why *why);

/* ---- evidence and feed ---- */

struct spool_evidence {
	struct id id;
	struct spool_position position;
	int64_t time_ms;
	enum spool_level level;
	enum spool_level tried; /* late: what came */
	enum spool_state state; /* of the delivery after it; 0 when of none */
	bool has_message;
	struct id message;
	char sender[SPOOL_ORG_SIZE];
	char recipient[SPOOL_ORG_SIZE]; /* "" when it speaks of all or none */
	char type[SPOOL_TYPE_SIZE];
	int64_t missing_after_ms; /* restored */
	struct span jws;
	bool is_salted; /* until the message is purged */
	uint8_t salt[SPOOL_SALT_SIZE];
};

int spool_view_evidence(struct spool_view *view, struct spool_position at,
    struct spool_evidence *out, struct why *why);
/* The tree over the evidence of the current epoch, in which evidence N is leaf
 * N - 1. */
struct spool_tree {
	uint32_t epoch;
	struct merkle_frontier frontier;
};
int spool_view_tree(
    struct spool_view *view, struct spool_tree *out, struct why *why);
/* How much evidence an epoch has: the size of its tree. */
int spool_view_epoch(
    struct spool_view *view, uint32_t epoch, uint64_t *size, struct why *why);
/* A merkle_read for the proofs of one epoch; context: a struct spool_nodes.
 * Between spool_view_begin() and spool_view_end(). */
struct spool_nodes {
	struct spool_view *view;
	uint32_t epoch;
};
bool spool_view_node(
    void *nodes, unsigned height, uint64_t index, struct merkle_hash *hash);

/* All evidence of a message after the cursor, oldest first. */
int spool_view_trail(struct spool_view *view, const struct id *message,
    struct spool_position cursor, struct spool_evidence *out, size_t max,
    size_t *count, struct spool_position *next, struct why *why);
/* What happened to an organisation's messages, sent or received, after the
 * cursor; organisation NULL: everything (operator). */
int spool_view_feed(struct spool_view *view, const char *organisation,
    struct spool_position cursor, struct spool_evidence *out, size_t max,
    size_t *count, struct spool_position *next, struct why *why);

/* ---- the rest ---- */

struct spool_known { /* an idempotency key that was used */
	uint8_t fingerprint[SPOOL_HASH_SIZE];
	struct id message;
	struct spool_position evidence;
};

int spool_view_known(struct spool_view *view, const char *sender,
    const uint8_t key[SPOOL_HASH_SIZE], struct spool_known *out,
    struct why *why);

/* Conservation: total[ACCEPTED state .. ] count deliveries in each state now,
 * accepted counts all that ever came. */
struct spool_counts {
	uint64_t accepted;
	uint64_t now[SPOOL_STATES]; /* by enum spool_state */
	uint64_t unproven;          /* of those imported */
	uint64_t waiting_bytes;
};

struct spool_mailbox {
	char recipient[SPOOL_ORG_SIZE];
	enum spool_mailbox_state state;
	enum spool_form form;
	bool stop_at_certificate_end;
	int64_t created_ms;
	int64_t polled_ms; /* 0: never */
	struct spool_counts counts;
	size_t type_count;
	char types[SPOOL_TYPES_MAX][SPOOL_TYPE_SIZE];
};

int spool_view_mailbox(struct spool_view *view, const char *recipient,
    struct spool_mailbox *out, struct why *why);
/* Mailboxes in order after the name given ("" for the first page); the name of
 * the last one is the next cursor. */
int spool_view_mailboxes(struct spool_view *view, const char *after,
    struct spool_mailbox *out, size_t max, size_t *count, struct why *why);
bool spool_mailbox_takes(const struct spool_mailbox *mailbox, const char *type);

struct spool_certificate {
	char recipient[SPOOL_ORG_SIZE];
	uint8_t fingerprint[SPOOL_HASH_SIZE];
	enum spool_certificate_state state;
	enum spool_policy policy;
	char suite[SPOOL_WORD_SIZE];
	int64_t valid_from_ms;
	int64_t valid_to_ms;
	int64_t added_ms;
	int64_t active_ms; /* when it was proved; 0: never */
	uint8_t challenge_hash[SPOOL_HASH_SIZE];
	struct span der;
	struct span challenge; /* sealed; empty once proved */
};

/* The certificate to seal with now: active, the newest proved. WHY_NOT_FOUND
 * when there is none. */
int spool_view_certificate(struct spool_view *view, const char *recipient,
    struct spool_certificate *out, struct why *why);
/* One of a mailbox's, in any state. */
int spool_view_certificate_of(struct spool_view *view, const char *recipient,
    const uint8_t fingerprint[SPOOL_HASH_SIZE], struct spool_certificate *out,
    struct why *why);
int spool_view_certificates(struct spool_view *view, const char *recipient,
    struct spool_certificate *out, size_t max, size_t *count, struct why *why);

/* Alarms after the one given (NULL: from the start); mailbox NULL: of all.
 * resolved: those too. */
int spool_view_alarms(struct spool_view *view, const char *mailbox,
    bool resolved, const struct spool_alarm *after, struct spool_alarm *out,
    size_t max, size_t *count, struct why *why);

/* What a sender has waiting. Nothing known: zeros. */
int spool_view_waiting(struct spool_view *view, const char *sender,
    uint64_t *bytes, uint64_t *deliveries, struct why *why);

struct spool_stats {
	struct spool_position position;
	uint64_t messages, deliveries, mailboxes, certificates, evidence;
	uint64_t deadlines, notices, alarms_firing, staged;
	struct spool_counts counts; /* of all mailboxes together */
	uint64_t map_bytes;         /* the most the store can hold */
	uint64_t file_bytes;        /* what it has touched */
	uint64_t free_bytes;        /* room left in the map */
	uint64_t reserve_bytes;     /* allocated behind the file's end */
	uint64_t disk_bytes;        /* free in the file system */
	int64_t oldest_waiting_ms;  /* 0: nothing waits */
	uint32_t readers;
};

int spool_view_stats(
    struct spool_view *view, struct spool_stats *out, struct why *why);

/*
 * Check every invariant of spool(5). sha256 NULL: but those of the tree. found
 * is called with a sentence for each
 * breach. 0 when all could be looked at, whether or not it was clean: *findings
 * tells. Holds one read transaction for all of it.
 */
int spool_check(struct spool_view *view, merkle_sha256 *sha256,
    void (*found)(void *arg, const char *), void *arg, size_t *findings,
    struct why *why);

/* Copy the store, as it is at one commit, to a new directory dir, while it is
 * in use. Keys are not in it. */
int spool_backup(struct spool_view *view, const char *dir, struct why *why);
