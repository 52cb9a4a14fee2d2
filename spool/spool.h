/*
 * spool - accepted messages, kept until every recipient has them.
 *
 * This is an engine interface: nothing here names the store behind it. The
 * states, the records in each and the crash rules are in spool(5).
 *
 * The unit is a delivery: one message for one recipient. One process holds the
 * spool for writing (struct spool) and changes it in groups; any number of
 * processes look on (struct spool_view, spool/spool_view.h).
 *
 *   spool_group_begin()                    take the waiting requests
 *   spool_accept(), spool_receipt() ...    each done, or refused by itself
 *   spool_group_draft(), _sign()           every piece of evidence, signed
 *   spool_group_commit()                   all of it durable, or none of it
 *
 * Times are milliseconds since 1970 UTC. Organisations are texts without NUL,
 * shorter than SPOOL_ORG_SIZE. Texts and spans given are copied.
 */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/why.h"
#include "formats/merkle.h"

#include <stdbool.h>
#include <stdint.h>

#define SPOOL_FORMAT 2          /* of the store; see spool(5) */
#define SPOOL_CHUNK_SIZE 65520u /* bytes of content in one value */
#define SPOOL_HASH_SIZE 32
#define SPOOL_SALT_SIZE 32 /* of a leaf of the log */
#define SPOOL_ORG_SIZE 20  /* with the end mark */
#define SPOOL_TYPE_SIZE 64
#define SPOOL_WORD_SIZE 32    /* profile version, suite, reason code ... */
#define SPOOL_PROOF_SIZE 65   /* 64 hex digits and the end mark */
#define SPOOL_GLYPHS_SIZE 640 /* 64 code points as text, and a mark */
#define SPOOL_TYPES_MAX 64    /* types one mailbox may open */
#define SPOOL_DEADLINES_MAX 8 /* alarm stages of one delivery */

struct spool;       /* the store, open for writing */
struct spool_group; /* the requests of one commit */

/* A place in the log (evidence, feed) or in a mailbox. Zero is before all. */
struct spool_position {
	uint32_t epoch;
	uint64_t sequence;
};

/* ---- words ---- */

enum spool_state { /* of a delivery; values are stored */
	SPOOL_ACCEPTED = 1,
	SPOOL_FETCHED = 2,
	SPOOL_IMPORTED = 3,
	SPOOL_REJECTED = 4,
	SPOOL_EXPIRED = 5,
	SPOOL_RECALLED = 6,
};
#define SPOOL_STATES 7

enum spool_flag {                        /* of a delivery, beside its state */
	SPOOL_FLAG_UNPROVEN = 1 << 0,    /* imported without proof */
	SPOOL_FLAG_REDELIVERED = 1 << 1, /* waited when a backup was restored */
	SPOOL_FLAG_HANDED_OUT = 1 << 2,  /* a byte of content may have left */
	SPOOL_FLAG_OPENED = 1 << 3,
	SPOOL_FLAG_DEFERRED = 1 << 4,  /* expiry waited for a hand-out, once */
	SPOOL_FLAG_PURGED = 1 << 5,    /* content erased, or being erased */
	SPOOL_FLAG_REFERENCE = 1 << 6, /* imported demands a reference */
};

enum spool_level { /* of evidence; values are stored */
	SPOOL_LEVEL_ACCEPTED = 1,
	SPOOL_LEVEL_FETCHED = 2,
	SPOOL_LEVEL_IMPORTED = 3,
	SPOOL_LEVEL_OPENED = 4,
	SPOOL_LEVEL_REJECTED = 5,
	SPOOL_LEVEL_EXPIRED = 6,
	SPOOL_LEVEL_RECALLED = 7,
	SPOOL_LEVEL_REFUSED = 8, /* a temporary rejection; still waiting */
	SPOOL_LEVEL_LATE = 9,    /* a fact after the final outcome */
	SPOOL_LEVEL_PURGED = 10,
	SPOOL_LEVEL_EXTENDED = 11,
	SPOOL_LEVEL_RESTORED =
	    12, /* first record of an epoch after a restore */
};

enum spool_cause { /* of an alarm; values are stored */
	SPOOL_CAUSE_NEVER_POLLED = 1,
	SPOOL_CAUSE_NOT_FETCHED = 2,
	SPOOL_CAUSE_NOT_CONFIRMED = 3,
	SPOOL_CAUSE_REJECTED = 4,
	SPOOL_CAUSE_CERTIFICATE = 5,
	SPOOL_CAUSE_PROOF = 6,
	SPOOL_CAUSE_FAULT = 7,
	SPOOL_CAUSE_RESTORED = 8,
	SPOOL_CAUSE_EXPIRING = 9, /* a certificate, in some days */
};

enum spool_severity {
	SPOOL_WARNING = 1,
	SPOOL_SERIOUS = 2,
	SPOOL_CRITICAL = 3,
};

enum spool_alarm_state { SPOOL_FIRING = 1, SPOOL_RESOLVED = 2 };

enum spool_mailbox_state {
	SPOOL_MAILBOX_NEW = 1, /* known; takes nothing yet */
	SPOOL_MAILBOX_OPEN = 2,
	SPOOL_MAILBOX_PAUSED = 3, /* takes nothing new; what waits can be got */
	SPOOL_MAILBOX_CLOSED = 4,
	SPOOL_MAILBOX_PROVING = 5, /* takes probes only */
};
#define SPOOL_MAILBOX_STATES 6

#define SPOOL_TYPE_PROBE "probe" /* a message that opens what it reaches */

enum spool_certificate_state {
	SPOOL_CERTIFICATE_PROVING = 1, /* waits for its challenge's answer */
	SPOOL_CERTIFICATE_ACTIVE = 2,
	SPOOL_CERTIFICATE_SUSPENDED = 3,
	SPOOL_CERTIFICATE_EXPIRED = 4,
};

enum spool_policy { SPOOL_PINNED = 1, SPOOL_CHAINED = 2 };
enum spool_form {
	SPOOL_FORM_ZIP = 1,
	SPOOL_FORM_ASICE = 2,
	SPOOL_FORM_SVARINN = 3
};

/* Words for JSON: "accepted", "never-polled", "critical", "firing", "open",
 * "active", "pinned", "zip". Static; "unknown" for what is not in the list. */
const char *spool_state_name(enum spool_state state);
const char *spool_level_name(enum spool_level level);
const char *spool_cause_name(enum spool_cause cause);
const char *spool_severity_name(enum spool_severity severity);
const char *spool_alarm_state_name(enum spool_alarm_state state);
const char *spool_mailbox_state_name(enum spool_mailbox_state state);
const char *spool_certificate_state_name(enum spool_certificate_state state);
const char *spool_policy_name(enum spool_policy policy);
const char *spool_form_name(enum spool_form form);
/* 0 when the word is unknown. */
int spool_cause_parse(const char *word);
int spool_severity_parse(const char *word);
int spool_mailbox_state_parse(const char *word);
int spool_policy_parse(const char *word);
int spool_form_parse(const char *word);

static inline bool
spool_state_final(enum spool_state state)
{
	return state >= SPOOL_IMPORTED;
}

/* ---- opening ---- */

/* Times of the engine's own rules; 0 means the default. */
struct spool_options {
	struct limits limits;
	int64_t hand_out_ms; /* 10 min: how long a hand-out delays expiry */
	int64_t recheck_ms;  /* 10 min: look again when a cause went away */
	size_t purge_chunks; /* 2048: chunks that one step of a purge erases */
	bool create;         /* make the store when the directory has none */
	merkle_sha256 *sha256; /* needed: this room has no cryptography */
};

void spool_options_init(struct spool_options *options);

/*
 * Open the store under dir for writing. Takes the exclusive lock file first:
 * WHY_BUSY when another process holds it. An older format is refused with
 * WHY_UNSUPPORTED and the advice to run "budstikke spool upgrade"; no store and
 * no create: WHY_NOT_FOUND. On 0 *out is the caller's: spool_close(). All files
 * stay open, so a jail may follow.
 */
int spool_open(const char *dir, const struct spool_options *options,
    struct spool **out, struct why *why);
void spool_close(struct spool *spool); /* NULL is fine */

/* True after a commit in doubt: nothing more can be done with this handle; end
 * the process and open anew. */
bool spool_is_dead(const struct spool *spool);

/* ---- groups ---- */

/*
 * One group at a time. now_ms stamps everything in it. After an operation that
 * returned an error other than those below, the group goes on as if it had not
 * been asked. spool_group_broken() is true when the store itself refused (no
 * room, no memory): abort then, and try again without the operations that need
 * room.
 *
 * Common refusals: WHY_FULL when only the reserve is left (for what takes new
 * content), WHY_NOT_FOUND, WHY_STATE when the state does not allow it,
 * WHY_INVALID for arguments out of range.
 */
int spool_group_begin(struct spool *spool, int64_t now_ms,
    struct spool_group **out, struct why *why);
bool spool_group_broken(const struct spool_group *group);
bool spool_group_changed(const struct spool_group *group); /* worth a commit */

/*
 * Make the group durable; frees it whatever is answered. 0: all of it survives
 * a power cut. WHY_FULL: nothing of it happened, there is no room (map or file
 * system full, or the disk refused the write). WHY_DOUBT: it may or may not
 * have happened; spool_is_dead(). WHY_BUG: a draft is not signed; nothing
 * happened.
 */
int spool_group_commit(struct spool_group *take_group, struct why *why);
void spool_group_abort(struct spool_group *take_group); /* NULL is fine */

/* ---- evidence ---- */

/* What a piece of evidence will say; lent until the group ends. */
#define SPOOL_NOTE_MAX 4096 /* bytes of JSON about an acceptance */

struct spool_draft {
	struct id id;
	struct spool_position position;
	int64_t time_ms;
	enum spool_level level;
	bool has_message;
	struct id message;
	char type[SPOOL_TYPE_SIZE];
	char version[SPOOL_WORD_SIZE]; /* of the profile */
	char sender[SPOOL_ORG_SIZE];
	char recipient[SPOOL_ORG_SIZE]; /* "" for accepted: see recipients */
	const char (*recipients)[SPOOL_ORG_SIZE]; /* accepted only */
	size_t recipient_count;
	int64_t submitted_ms; /* what the sender's request carried */
	int64_t accepted_ms;
	int64_t expires_ms; /* accepted (the first), extended (the new) */
	uint8_t fingerprint[SPOOL_HASH_SIZE]; /* accepted */
	enum spool_state state;               /* of the delivery, after this */
	enum spool_level tried; /* late: what came, SPOOL_LEVEL_FETCHED for
				   content asked for after the end */
	uint32_t flags;         /* enum spool_flag */
	char reason[SPOOL_WORD_SIZE]; /* code; "" when there is none */
	const char *reason_text;      /* "" when there is none */
	char proof[SPOOL_PROOF_SIZE]; /* imported and proven, else "" */
	bool proven;
	const char *reference; /* the recipient's own, "" when none */
	const char *minimised; /* accepted: as it was given, "" when none */
	const char *missing_glyphs; /* accepted: see struct spool_accept */
	/* restored: the last place known, when the backup was taken, and after
	 * when acceptances may be missing */
	struct spool_position previous;
	struct merkle_hash previous_root; /* of that epoch's tree */
	int64_t missing_after_ms;
};

/* How many drafts the group has so far; grows with each operation. */
size_t spool_group_drafts(const struct spool_group *group);
const struct spool_draft *spool_group_draft(
    const struct spool_group *group, size_t index);

/* Attach the signed bytes of draft index, one draft after the other: they
 * become the next leaf of the log. Kept as they are, for ever. */
int spool_group_sign(
    struct spool_group *group, size_t index, struct span jws, struct why *why);

/* Append the signed bytes of evidence, of this group (after its signing) or of
 * an earlier one. */
int spool_group_evidence(struct spool_group *group,
    struct spool_position position, struct buf *out, struct why *why);

/* ---- content and acceptance ---- */

/*
 * Add bytes to a content that will be accepted later. content counts from 0
 * within the upload, one per recipient; offset is how many bytes of it were
 * staged before. Bytes that are there already (a request sent again) change
 * nothing. *staged is how many bytes there are now. WHY_STATE: offset leaves a
 * gap. What nobody accepts is swept after staged_hours.
 */
int spool_stage(struct spool_group *group, const struct id *upload,
    uint32_t content, const char *recipient, uint64_t offset, struct span bytes,
    uint64_t *staged, struct why *why);

/* Erase one staged content; nothing there is fine. */
int spool_stage_drop(struct spool_group *group, const struct id *upload,
    uint32_t content, const char *recipient, struct why *why);

enum spool_deadline_kind {
	SPOOL_DEADLINE_FETCH = 1,   /* no alarm once it is fetched */
	SPOOL_DEADLINE_CONFIRM = 2, /* no alarm once it is final */
};

struct spool_deadline {
	int64_t at_ms;
	enum spool_deadline_kind kind;
	enum spool_severity severity;
};

struct spool_delivery_new {
	const char *recipient;
	uint32_t content; /* number of the staged content */
	struct span rest; /* sealed bytes after the staged ones; may be all */
	uint64_t size;    /* sealed bytes in all: staged + rest */
	uint8_t proof_hash[SPOOL_HASH_SIZE];
	enum spool_form form;
	const char *suite;
	uint8_t certificate[SPOOL_HASH_SIZE];
	uint32_t seal; /* number of the sealing, for the ETag; from 1 */
	const struct spool_deadline *deadlines;
	size_t deadline_count; /* <= SPOOL_DEADLINES_MAX */
	int64_t expires_ms;
	int64_t grace_ms; /* from the final outcome to the purge */
};

struct spool_accept {
	struct id message;
	struct id upload; /* of the staged content; any when nothing is */
	const char *sender;
	uint8_t key[SPOOL_HASH_SIZE]; /* SHA-256 of the Idempotency-Key */
	uint8_t fingerprint[SPOOL_HASH_SIZE];
	const char *type;
	const char *version;
	int64_t submitted_ms;
	bool reference_required;
	/* characters that its documents show as U+FFFD: "U+7533 U+1F600", no
	 * text of the message; NULL or "" when there are none */
	const char *missing_glyphs;
	struct span metadata; /* encrypted elsewhere; erased with the content */
	const char *minimised; /* a JSON object for its evidence, at most
				  SPOOL_NOTE_MAX bytes; NULL or "": none */
	const struct spool_delivery_new *deliveries;
	size_t delivery_count;
};

struct spool_accepted {
	bool repeated;     /* the same key and fingerprint came before */
	struct id message; /* of the first when repeated */
	struct spool_position evidence;
	size_t refused; /* index of the delivery that an error speaks of, or
			   SIZE_MAX */
};

/*
 * Accept a message: every delivery or none. WHY_EXISTS: the key was used with
 * another fingerprint. WHY_BUSY: over the sender's waiting_bytes. WHY_NOT_FOUND
 * no such mailbox; WHY_STATE it is not open, or the certificate is not active;
 * WHY_DENIED it has not opened the type; WHY_MALFORMED: staged and declared
 * sizes differ. A repeat changes nothing, whatever state the message has.
 */
int spool_accept(struct spool_group *group, const struct spool_accept *accept,
    struct spool_accepted *out, struct why *why);

/* ---- what becomes of a delivery ---- */

/*
 * Record that content is about to leave: before its first byte does. After a
 * final outcome, until the purge, the access is recorded as late (once an
 * hour). WHY_NOT_FOUND: unknown, or purged. WHY_STATE: recalled, nothing may
 * leave; that it was asked for is recorded all the same.
 */
int spool_hand_out(struct spool_group *group, const struct id *message,
    const char *recipient, struct why *why);

/* Bytes [from, to) were written out whole. When all of [0, size) was, the
 * delivery is fetched, with evidence: *fetched. Harmless after that. */
int spool_fetched(struct spool_group *group, const struct id *message,
    const char *recipient, uint64_t from, uint64_t to, bool *fetched,
    struct why *why);

enum spool_verdict {
	SPOOL_VERDICT_IMPORTED = 1,
	SPOOL_VERDICT_REJECTED = 2,
	SPOOL_VERDICT_OPENED = 3,
};

struct spool_receipt {
	struct id message;
	const char *recipient;
	enum spool_verdict verdict;
	bool unproven; /* imported by a client that can give no proof */
	uint8_t proof_hash[SPOOL_HASH_SIZE]; /* imported and not unproven */
	const char *proof;                   /* 64 hex digits, for evidence */
	const char *reference;               /* NULL or "" when none */
	const char *reason;                  /* code; rejected */
	const char *reason_text;
	bool permanent; /* rejected */
};

struct spool_verdict_done {
	bool repeated;                  /* the first evidence again */
	struct spool_position evidence; /* also for WHY_STATE: the late fact */
	enum spool_state state;         /* of the delivery now */
};

/*
 * What the recipient says. Proof of another package: WHY_CRYPTO and an alarm,
 * the delivery waits on. No reference where one is required: WHY_INVALID.
 * Another verdict after the final outcome: WHY_STATE, with evidence of the late
 * fact in *out (commit the group all the same). A temporary rejection is
 * evidence and an alarm; the delivery waits on.
 */
int spool_receipt(struct spool_group *group,
    const struct spool_receipt *receipt, struct spool_verdict_done *out,
    struct why *why);

/* Recall one delivery. WHY_STATE after the hand-out or a final outcome; a
 * second recall is 0 and changes nothing. *state is the delivery's now, also
 * with WHY_STATE. For all recipients: once for each. */
int spool_recall(struct spool_group *group, const struct id *message,
    const char *recipient, enum spool_state *state, struct why *why);

/* Put the expiry off, only to later and only before the outcome. */
int spool_extend(struct spool_group *group, const struct id *message,
    const char *recipient, int64_t expires_ms, struct why *why);

/* The recipient looked at its mailbox. Mostly changes nothing: see
 * spool_group_changed(). */
int spool_polled(
    struct spool_group *group, const char *recipient, struct why *why);

/* ---- time ---- */

/*
 * Fire what is due before the group's now_ms, oldest first, at most max of
 * them: alarm stages, expiries, purges, forgotten keys, certificate ends,
 * staged content of nobody. *fired < max: nothing more is due.
 */
int spool_due(
    struct spool_group *group, size_t max, size_t *fired, struct why *why);

/* When the next deadline is due; INT64_MAX when there is none. */
int spool_due_next(struct spool *spool, int64_t *at_ms, struct why *why);

/* ---- mailboxes and certificates ---- */

struct spool_mailbox_put {
	const char *recipient;
	enum spool_mailbox_state state;
	enum spool_form form;
	const char *const *types;
	size_t type_count; /* <= SPOOL_TYPES_MAX */
	bool stop_at_certificate_end;
	/* the state as it is given: for stores made with mailboxes in them, and
	 * never at a caller's word */
	bool without_probe;
};

/* Make a mailbox or change its settings; its counters stay. Asked to open, it
 * is proving until a probe has been confirmed with proof. WHY_STATE: the state
 * cannot follow the one it has. */
int spool_mailbox_put(struct spool_group *group,
    const struct spool_mailbox_put *put, struct why *why);

struct spool_certificate_add {
	const char *recipient;
	uint8_t fingerprint[SPOOL_HASH_SIZE]; /* SHA-256 of the DER */
	struct span der;
	const char *suite;
	enum spool_policy policy;
	int64_t valid_from_ms;
	int64_t valid_to_ms;
	uint8_t challenge_hash[SPOOL_HASH_SIZE]; /* of what was sealed */
	struct span challenge; /* the sealed challenge, to be given again */
};

/* A certificate that is not known any more. */
struct spool_certificate_gone {
	bool is_set;
	char recipient[SPOOL_ORG_SIZE];
	uint8_t fingerprint[SPOOL_HASH_SIZE];
};

/* Register a certificate, state proving. The same again while it proves
 * replaces the challenge; once active: WHY_EXISTS. A mailbox that has
 * certificates_per_mailbox forgets one for it, told in *gone (may be NULL).
 * WHY_STATE: all of them are active. */
int spool_certificate_add(struct spool_group *group,
    const struct spool_certificate_add *add,
    struct spool_certificate_gone *gone, struct why *why);
/* WHY_CRYPTO: the answer is not the challenge. Active again is 0. */
int spool_certificate_prove(struct spool_group *group, const char *recipient,
    const uint8_t fingerprint[SPOOL_HASH_SIZE],
    const uint8_t answer_hash[SPOOL_HASH_SIZE], struct why *why);
int spool_certificate_suspend(struct spool_group *group, const char *recipient,
    const uint8_t fingerprint[SPOOL_HASH_SIZE], struct why *why);

/* ---- alarms and the outbox ---- */

/*
 * Add a member to the alarm of (mailbox, cause); raises it when it did not
 * fire, escalates it when severity is higher. mailbox "" is the relay itself.
 * since_ms is how old the trouble is. A member that is in it already only
 * escalates.
 */
int spool_alarm_raise(struct spool_group *group, const char *mailbox,
    enum spool_cause cause, enum spool_severity severity,
    const struct id *member, int64_t since_ms, struct why *why);

/* Take a member out; the last one resolves the alarm. Not there is fine. */
int spool_alarm_clear(struct spool_group *group, const char *mailbox,
    enum spool_cause cause, const struct id *member, struct why *why);

/* An operator closes an alarm. WHY_STATE for causes that end by themselves. */
int spool_alarm_close(
    struct spool_group *group, const struct id *alarm, struct why *why);
bool spool_cause_closable(enum spool_cause cause);

enum spool_notice_event {
	SPOOL_NOTICE_RAISED = 1,
	SPOOL_NOTICE_ESCALATED = 2,
	SPOOL_NOTICE_RESOLVED = 3,
};

struct spool_alarm {
	struct id id;
	char mailbox[SPOOL_ORG_SIZE];
	enum spool_cause cause;
	enum spool_severity severity;
	enum spool_alarm_state state;
	uint64_t count;    /* members now */
	int64_t oldest_ms; /* since_ms of the oldest member */
	int64_t raised_ms;
	int64_t changed_ms;
};

/* A thing to tell somebody: the alarm as it was then. */
struct spool_notice {
	struct id id;
	int64_t at_ms; /* when it may be tried; names it together with id */
	uint32_t tries;
	enum spool_notice_event event;
	int64_t time_ms; /* when it happened */
	struct spool_alarm alarm;
};

/* Take notices that may be tried now; each is put lease_ms ahead, so that it
 * comes again if nothing is heard. *count of notices[max] are filled. */
int spool_outbox_claim(struct spool_group *group, int64_t lease_ms,
    struct spool_notice *notices, size_t max, size_t *count, struct why *why);
int spool_outbox_done(struct spool_group *group,
    const struct spool_notice *notice, struct why *why); /* or given up */
int spool_outbox_retry(struct spool_group *group,
    const struct spool_notice *notice, int64_t at_ms, struct why *why);
/* When the next notice may be tried; INT64_MAX when there is none. */
int spool_outbox_next(struct spool *spool, int64_t *at_ms, struct why *why);

/* ---- care ---- */

struct spool_reader {
	int32_t pid;
	int64_t age_ms; /* at least this long behind the last commit */
};

/*
 * Readers that hold a state older than the last commit, and for how long that
 * has been seen: call it every second or so. Clears slots of dead processes.
 */
int spool_readers(struct spool *spool, int64_t mono_ms,
    struct spool_reader *readers, size_t max, size_t *count, struct why *why);

/* Give what the reserve has lost back to it, when the file system allows. To
 * be called now and then; also done at open. */
void spool_reserve_refill(struct spool *spool);

/* True when little more than the reserve is left, so that new content is, or
 * is about to be, refused. */
bool spool_is_full(struct spool *spool);

/* Write a new store under dir (must not exist, or be empty) from a backup: a
 * new epoch. now_ms is the time of the restore. */
int spool_restore(
    const char *backup, const char *dir, int64_t now_ms, struct why *why);

/* Bring a store of the version before to SPOOL_FORMAT, in place. */
int spool_upgrade(const char *dir, merkle_sha256 *sha256, struct why *why);
