/*
 * record - the bytes of every record and key of the store; see spool(5).
 *
 * Pure: no store, no clock. Reading is strict: a record is exactly its fields,
 * every enum in range, nothing behind. SECURITY: the bytes come from our own
 * file, but from a restored or damaged one too, so they are parsed as hostile.
 */
#pragma once

#include "spool/spool_view.h"

#define BUCKETS 16
#define KEY_MAX 80
#define RANGES_MAX 64

struct key {
	uint8_t at[KEY_MAX];
	size_t size;
};

uint8_t bucket_of(const char *organisation);

struct key key_id(const struct id *id);
struct key key_position(struct spool_position at);
struct key key_id_position(const struct id *id, struct spool_position at);
struct key key_org(const char *org);
struct key key_org_id(const char *org, const struct id *id);
struct key key_org_position(const char *org, struct spool_position at);
struct key key_org_hash(const char *org, const uint8_t hash[SPOOL_HASH_SIZE]);
/* chunk UINT32_MAX: without one, as the staged record's key and as a prefix */
struct key key_content(
    const char *org, const struct id *upload, uint32_t content, uint32_t chunk);
struct key key_alarm(const char *mailbox, enum spool_cause cause);
struct key key_member(
    const char *mailbox, enum spool_cause cause, const struct id *member);
struct key key_oldest(const char *mailbox, enum spool_cause cause,
    int64_t since_ms, const struct id *member);
struct key key_notice(int64_t at_ms, const struct id *id);
struct span key_span(const struct key *key);

/* What stands at the end of a key. */
bool key_read_position(struct span key, struct spool_position *at);
bool key_read_tail_id(struct span key, struct id *id);
bool key_read_org(struct span key, char org[SPOOL_ORG_SIZE]);

enum due_kind { /* stored */
	DUE_ALARM = 1,
	DUE_RECHECK = 2,
	DUE_EXPIRE = 3,
	DUE_PURGE = 4,
	DUE_FORGET = 5,
	DUE_CERTIFICATE = 6,
	DUE_SWEEP = 7,
};

/* One entry of the time index. For DUE_FORGET owner is the sender; for
 * DUE_CERTIFICATE id is the beginning of the fingerprint and number the warning
 * (certificate_due_ms()); for DUE_SWEEP id is the upload and number the
 * content. */
struct due {
	int64_t at_ms;
	enum due_kind kind;
	uint32_t number;
	struct id id;
	char owner[SPOOL_ORG_SIZE];
};

struct key key_due(const struct due *due);
bool key_read_due(struct span key, struct due *due);

/* ---- records ---- */

struct meta_record {
	struct spool_position position; /* the last used */
	int64_t created_ms;
	bool restored; /* the epoch's first evidence is not yet made */
	struct spool_position previous;
	int64_t taken_ms; /* last evidence in the backup */
	int64_t restored_ms;
	/* over the evidence of position's epoch; of previous's as long as
	 * restored */
	struct merkle_frontier tree;
};

struct message_record {
	char sender[SPOOL_ORG_SIZE];
	char type[SPOOL_TYPE_SIZE];
	char version[SPOOL_WORD_SIZE];
	int64_t submitted_ms;
	int64_t accepted_ms;
	uint8_t key[SPOOL_HASH_SIZE];
	uint8_t fingerprint[SPOOL_HASH_SIZE];
	struct spool_position evidence;
	int64_t forget_ms;      /* 0 until the last delivery is purged */
	uint16_t unpurged;      /* deliveries not yet purged */
	uint16_t count;         /* recipients */
	struct span recipients; /* count * SPOOL_ORG_SIZE bytes */
};

struct stage_record {
	int64_t at_ms;
	enum spool_deadline_kind kind;
	enum spool_severity severity;
	bool fired;
};

struct range {
	uint64_t from;
	uint64_t to;
};

enum { LATE_CONTENT, LATE_IMPORTED, LATE_OPENED, LATE_REJECTED, LATES };

struct delivery_record {
	enum spool_state state;
	uint32_t flags;
	char sender[SPOOL_ORG_SIZE];
	char type[SPOOL_TYPE_SIZE];
	uint64_t size;
	struct id upload;
	uint32_t content;
	uint8_t proof_hash[SPOOL_HASH_SIZE];
	enum spool_form form;
	char suite[SPOOL_WORD_SIZE];
	uint8_t certificate[SPOOL_HASH_SIZE];
	uint32_t seal;
	int64_t accepted_ms;
	int64_t handed_out_ms;
	int64_t fetched_ms;
	int64_t final_ms;
	int64_t expires_ms; /* also the key of its deadline while waiting */
	int64_t grace_ms;
	int64_t purge_ms;   /* 0 while waiting */
	int64_t recheck_ms; /* 0: none in the index */
	int64_t late_content_ms;
	struct spool_position listed;
	struct spool_position evidence; /* of the newest state */
	struct spool_position outcome;  /* of the final one */
	struct spool_position opened;
	struct spool_position refused; /* newest temporary rejection */
	char refused_reason[SPOOL_WORD_SIZE];
	struct spool_position late[LATES];
	uint32_t alarms; /* bit 1 << cause: member of that alarm */
	uint8_t stage_count;
	struct stage_record stages[SPOOL_DEADLINES_MAX];
	uint8_t range_count; /* written out, sorted, apart */
	struct range ranges[RANGES_MAX];
};

struct staged_record {
	uint64_t size;
	int64_t touched_ms; /* its sweep stands staged_hours after */
	int64_t sweep_ms;
	char recipient[SPOOL_ORG_SIZE];
};

struct known_record {
	uint8_t fingerprint[SPOOL_HASH_SIZE];
	struct id message;
	struct spool_position evidence;
};

struct evidence_record {
	struct id id;
	int64_t time_ms;
	enum spool_level level;
	enum spool_level tried; /* 0 but for late */
	enum spool_state state; /* 0 when of no delivery */
	bool has_message;
	struct id message;
	char sender[SPOOL_ORG_SIZE];
	char recipient[SPOOL_ORG_SIZE];
	char type[SPOOL_TYPE_SIZE];
	int64_t missing_after_ms;
	bool is_salted;
	uint8_t salt[SPOOL_SALT_SIZE];
	struct span nodes; /* the leaf and what it completes, from below */
	struct span jws;
};

struct party_record {
	enum spool_mailbox_state state;
	enum spool_form form;
	bool stop_at_certificate_end;
	int64_t created_ms;
	int64_t polled_ms;
	int64_t newest_ms;      /* of the newest acceptance */
	uint64_t next_sequence; /* in the list */
	struct spool_counts counts;
	uint64_t forgotten[SPOOL_STATES]; /* of counts.now: records gone */
	uint64_t forgotten_unproven;
	uint16_t type_count;
	struct span types; /* type_count texts, each u8 length and bytes */
};

struct sender_record {
	uint64_t waiting_bytes;
	uint64_t waiting;
};

struct certificate_record {
	enum spool_certificate_state state;
	enum spool_policy policy;
	char suite[SPOOL_WORD_SIZE];
	int64_t valid_from_ms;
	int64_t valid_to_ms;
	int64_t added_ms;
	int64_t active_ms;
	bool end_due; /* its end stands in the time index */
	uint8_t challenge_hash[SPOOL_HASH_SIZE];
	struct span challenge;
	struct span der;
};

struct alarm_record {
	struct id id;
	enum spool_severity severity;
	enum spool_alarm_state state;
	uint64_t count;
	int64_t oldest_ms;
	int64_t raised_ms;
	int64_t changed_ms;
};

struct notice_record {
	uint32_t tries;
	enum spool_notice_event event;
	int64_t time_ms;
	char mailbox[SPOOL_ORG_SIZE];
	enum spool_cause cause;
	struct alarm_record alarm;
};

/* X(record, version): the version of its layout, which its first byte states.
 * That of meta is the store's format. Each has record_build_NAME(out, in) which
 * appends, and record_read_NAME(bytes, out), false when the bytes are not that
 * record. Spans in what was read point into the bytes. */
#define RECORDS(X)                                                             \
	X(meta, SPOOL_FORMAT)                                                  \
	X(message, 1)                                                          \
	X(delivery, 1)                                                         \
	X(staged, 1)                                                           \
	X(known, 1)                                                            \
	X(evidence, 2)                                                         \
	X(party, 1)                                                            \
	X(sender, 1)                                                           \
	X(certificate, 1)                                                      \
	X(alarm, 1)                                                            \
	X(notice, 1)

#define X(name, version)                                                       \
	void record_build_##name(                                              \
	    struct buf *out, const struct name##_record *in);                  \
	bool record_read_##name(struct span bytes, struct name##_record *out);
RECORDS(X)
#undef X

/* Records as format 1 had them: for the upgrade. What they lacked is zero. */
bool record_read_meta_1(struct span bytes, struct meta_record *out);
bool record_read_evidence_1(struct span bytes, struct evidence_record *out);

/* The version that a record's bytes state; -1 for no bytes. */
int record_version(struct span bytes);

/* Copy the text, filling the field up with NUL; false when it does not fit. */
bool word_copy(char *field, size_t size, const char *text);
#define WORD_COPY(field, text) word_copy((field), sizeof(field), (text))

/* types[] of a mailbox: the next of them; *rest moves on. */
bool type_next(struct span *rest, char type[SPOOL_TYPE_SIZE]);
