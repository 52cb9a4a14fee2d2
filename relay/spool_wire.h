/*
 * spool_wire - what net asks of spool, and what spool answers; see wire(7).
 *
 * Every request is answered with one SPOOL_WIRE_ANSWER that tells a code and
 * what the operation gave. All requests may be put again after spool died:
 * each changes nothing when it was done already.
 * SECURITY: both sides read the other's bodies as hostile.
 */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "base/why.h"
#include "spool/spool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum spool_wire_type {
	SPOOL_WIRE_STAGE = 0x0101,
	SPOOL_WIRE_STAGE_DROP = 0x0102,
	SPOOL_WIRE_ACCEPT = 0x0103,
	SPOOL_WIRE_HAND_OUT = 0x0104,
	SPOOL_WIRE_FETCHED = 0x0105,
	SPOOL_WIRE_RECEIPT = 0x0106,
	SPOOL_WIRE_RECALL = 0x0107,
	SPOOL_WIRE_EXTEND = 0x0108,
	SPOOL_WIRE_POLLED = 0x0109, /* a telling */
	SPOOL_WIRE_MAILBOX_PUT = 0x010A,
	SPOOL_WIRE_CERTIFICATE_ADD = 0x010B,
	SPOOL_WIRE_CERTIFICATE_PROVE = 0x010C,
	SPOOL_WIRE_CERTIFICATE_SUSPEND = 0x010D,
	SPOOL_WIRE_ALARM_CLOSE = 0x010E,
	SPOOL_WIRE_ACCOUNT = 0x010F, /* a telling: make a statement now */
	SPOOL_WIRE_ANSWER = 0x0180,
	SPOOL_WIRE_WAKE = 0x0181, /* a telling of spool: these organisations
				     have news; a hint, nothing more */
	SPOOL_WIRE_CHECKPOINT = 0x0182, /* a telling of spool: the newest signed
					   checkpoint of an epoch's log */
	SPOOL_WIRE_CONSERVATION = 0x0183, /* a telling of spool: the newest
					     statement, a compact JWS */
};

#define SPOOL_WIRE_REFERENCE_SIZE 4097 /* limits.reference_bytes at most */
#define SPOOL_WIRE_TEXT_SIZE 1025      /* of a rejection */
#define SPOOL_WIRE_WAKE_MAX 1024
#define SPOOL_LOGS_MAX 16 /* epochs whose checkpoints are told */

struct spool_wire_stage {
	struct id upload;
	uint32_t content;
	char recipient[SPOOL_ORG_SIZE];
	uint64_t offset;
	struct span bytes; /* into the body */
};

/* For all that speaks of one delivery; what a type does not use is zero. */
struct spool_wire_delivery {
	struct id message;
	char recipient[SPOOL_ORG_SIZE];
	uint64_t from;      /* FETCHED */
	uint64_t to;        /* FETCHED */
	int64_t expires_ms; /* EXTEND */
};

struct spool_wire_receipt {
	struct spool_receipt receipt; /* its texts point to what follows */
	char recipient[SPOOL_ORG_SIZE];
	char proof[SPOOL_PROOF_SIZE];
	char reference[SPOOL_WIRE_REFERENCE_SIZE];
	char reason[SPOOL_WORD_SIZE];
	char reason_text[SPOOL_WIRE_TEXT_SIZE];
};

struct spool_wire_mailbox {
	struct spool_mailbox_put put;
	char recipient[SPOOL_ORG_SIZE];
	const char *types[SPOOL_TYPES_MAX];
	char type_texts[SPOOL_TYPES_MAX][SPOOL_TYPE_SIZE];
};

struct spool_wire_certificate {
	struct spool_certificate_add add;
	char recipient[SPOOL_ORG_SIZE];
	char suite[SPOOL_WORD_SIZE];
	uint8_t answer_hash[SPOOL_HASH_SIZE]; /* PROVE */
};

/* Without stage->bytes: the body ends with them, the caller puts them there. */
void spool_wire_stage_build(
    struct buf *body, const struct spool_wire_stage *stage);
int spool_wire_stage_parse(
    struct span body, struct spool_wire_stage *out, struct why *why);

/* Without the deliveries' inline bytes, with which the body ends: those of the
 * first come first. */
void spool_wire_accept_build(
    struct buf *body, const struct spool_accept *accept);
void spool_wire_accept_rest_build(
    struct buf *body, const struct spool_accept *accept);
/* *out points into the body and into *take, which the caller frees (free())
 * after use. */
int spool_wire_accept_parse(
    struct span body, struct spool_accept *out, void **take, struct why *why);

void spool_wire_delivery_build(
    struct buf *body, const struct spool_wire_delivery *delivery);
int spool_wire_delivery_parse(
    struct span body, struct spool_wire_delivery *out, struct why *why);

void spool_wire_receipt_build(
    struct buf *body, const struct spool_receipt *receipt);
/* Fills out->receipt with pointers into *out itself. */
int spool_wire_receipt_parse(
    struct span body, struct spool_wire_receipt *out, struct why *why);

void spool_wire_mailbox_build(
    struct buf *body, const struct spool_mailbox_put *put);
int spool_wire_mailbox_parse(
    struct span body, struct spool_wire_mailbox *out, struct why *why);

/* ADD uses all; PROVE and SUSPEND use recipient, fingerprint (and the answer's
 * hash, NULL for zeros). */
void spool_wire_certificate_build(struct buf *body,
    const struct spool_certificate_add *add,
    const uint8_t answer_hash[SPOOL_HASH_SIZE]);
int spool_wire_certificate_parse(
    struct span body, struct spool_wire_certificate *out, struct why *why);

/* What an operation gave. code and text are the operation's own; with WHY_STATE
 * the other fields may be meaningful too (see spool.h). */
struct spool_answer {
	int code;
	char text[WHY_TEXT_MAX];
	bool repeated;          /* ACCEPT, RECEIPT */
	bool fetched;           /* FETCHED */
	struct id message;      /* ACCEPT */
	enum spool_state state; /* RECEIPT, RECALL; 0 when not told */
	uint64_t staged;        /* STAGE */
	uint32_t refused; /* ACCEPT: index of the delivery, or UINT32_MAX */
	struct span jws;  /* ACCEPT, RECEIPT: evidence; into the body */
};
void spool_answer_build(struct buf *body, const struct spool_answer *answer);
int spool_answer_parse(
    struct span body, struct spool_answer *out, struct why *why);

struct spool_checkpoint {
	uint32_t epoch;
	struct span note; /* into the body */
	struct span key;  /* its public key, a line of keys/log_key.h */
};
void spool_checkpoint_build(
    struct buf *body, const struct spool_checkpoint *checkpoint);
int spool_checkpoint_parse(
    struct span body, struct spool_checkpoint *out, struct why *why);

struct spool_wake {
	size_t count;
	char at[SPOOL_WIRE_WAKE_MAX][SPOOL_ORG_SIZE];
	bool all; /* too many to name: everybody look */
};
void spool_wake_add(struct spool_wake *wake, const char *organisation);
void spool_wake_build(struct buf *body, const struct spool_wake *wake);
int spool_wake_parse(struct span body, struct spool_wake *out, struct why *why);
