/*
 * ber - reading X.690 values: definite and indefinite length, from memory.
 *
 * SECURITY: every function here reads hostile bytes; none recurses.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define BER_DEPTH_MAX 16 /* values of indefinite length inside each other */

/* Identifier octets: class and "constructed" bit included; tag numbers over
 * 30 do not occur in CMS and are refused. */
enum ber_tag {
	BER_END = 0x00, /* end-of-contents */
	BER_INTEGER = 0x02,
	BER_BIT_STRING = 0x03,
	BER_OCTETS = 0x04,
	BER_OCTETS_CONSTRUCTED = 0x24,
	BER_NULL = 0x05,
	BER_OID = 0x06,
	BER_SEQUENCE = 0x30,
	BER_SET = 0x31
};
#define BER_CONTEXT(n) (0x80 | (n))             /* primitive */
#define BER_CONTEXT_CONSTRUCTED(n) (0xa0 | (n)) /* constructed */

/* What identifier and length octets say. */
struct ber_head {
	uint8_t tag;
	bool indefinite;
	uint8_t size;    /* of these octets */
	uint64_t length; /* of the contents; 0 when indefinite */
};

/* 1: read; 0: more bytes are needed; -1: malformed. */
int ber_head_read(struct span in, struct ber_head *head);

/*
 * The size of the whole value at the front of `in`, its end-of-contents
 * included. 1: *size is it (<= max); 0: more bytes are needed; -1: malformed;
 * -2: it is larger than max.
 */
int ber_value_size(struct span in, size_t max, size_t *size);

/* A cursor over values in memory whose errors stick. */
struct ber {
	struct span rest;
	bool failed;
};

struct ber ber_of(struct span bytes);

/* The tag of the next value; 0 at the end. */
uint8_t ber_peek(const struct ber *ber);

/* The contents of the next value, which must have this tag (without the
 * end-of-contents when indefinite); else the cursor fails. */
struct span ber_take(struct ber *ber, uint8_t tag);

/* The whole next value, whatever it is, which must be of definite length. */
struct span ber_take_whole(struct ber *ber);

/* A non-negative INTEGER below 2^31; else the cursor fails. */
uint32_t ber_take_number(struct ber *ber);

/* Nothing failed and nothing is left. */
bool ber_done(const struct ber *ber);
