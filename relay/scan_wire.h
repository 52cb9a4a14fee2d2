/*
 * scan_wire - what net asks of scan, and what scan answers, as bytes.
 *
 *   frame           from  body
 *   SCAN_BEGIN      net   u64 session, text declared media type, u16 count,
 *                         that many texts: allowed media types
 *   SCAN_DATA       net   u64 session, bytes (1 to SCAN_DATA_BYTES)
 *   SCAN_CANCEL     net   u64 session: forget it, no answer
 *   SCAN_END        net   u64 session; asks for the verdict
 *   SCAN_VERDICT    scan  u64 session, u8 enum scan_outcome, u32 reasons,
 *                         text type, text detail
 *
 * SCAN_VERDICT answers SCAN_END. A session that was never begun, or that was
 * cut off by a fault, is answered with SCAN_FAILED.
 *
 * SECURITY: both sides parse these as hostile.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

#include <stddef.h>
#include <stdint.h>

#define SCAN_DATA_BYTES (256u << 10) /* of a file in one frame */
#define SCAN_TYPES_MAX 256           /* allowed media types of a profile */
#define SCAN_SESSIONS_MAX 1024       /* under way at once in one process */
#define SCAN_TYPE_TEXT 32            /* room for a type's name */
#define SCAN_DETAIL_TEXT 256

/* Frame types; the range 0x0300 belongs to scan. */
enum scan_wire_type {
	SCAN_BEGIN = 0x0301,
	SCAN_DATA = 0x0302,
	SCAN_CANCEL = 0x0303,
	SCAN_END = 0x0304,
	SCAN_VERDICT = 0x0381,
};

enum scan_outcome {
	SCAN_CLEAN,
	SCAN_REFUSED, /* permanent: reasons say why */
	SCAN_FAILED,  /* temporary: could not be looked at; detail says why */
};

struct scan_begin {
	uint64_t session;
	const char *declared;
	const char *const *allowed; /* count of them */
	size_t count;
	char *texts; /* of a parsed one: owned, see scan_begin_clear() */
	const char **owned_list; /* likewise */
};

struct scan_verdict {
	uint64_t session;
	enum scan_outcome outcome;
	unsigned reasons;              /* enum sniff_reason bits, no others */
	char type[SCAN_TYPE_TEXT];     /* sniff_type_name(), e.g. "PDF" */
	char detail[SCAN_DETAIL_TEXT]; /* virus name, or why it failed; "" */
};

void scan_begin_build(struct buf *body, const struct scan_begin *begin);
int scan_begin_parse(
    struct span body, struct scan_begin *begin, struct why *why);
void scan_begin_clear(struct scan_begin *begin);

void scan_data_build(struct buf *body, uint64_t session, struct span bytes);
/* The same without the bytes, of which size follow. */
void scan_data_head_build(struct buf *body, uint64_t session, uint32_t size);
int scan_data_parse(
    struct span body, uint64_t *session, struct span *bytes, struct why *why);

/* For SCAN_CANCEL and SCAN_END. */
void scan_session_build(struct buf *body, uint64_t session);
int scan_session_parse(struct span body, uint64_t *session, struct why *why);

void scan_verdict_build(struct buf *body, const struct scan_verdict *verdict);
int scan_verdict_parse(
    struct span body, struct scan_verdict *verdict, struct why *why);
