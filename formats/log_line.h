/*
 * log_line - the pieces that the log's text formats have in common.
 */
#pragma once

#include "base/buf.h"
#include "formats/merkle.h"

#include <stdbool.h>
#include <stdint.h>

/* Take the first line off, without its line feed; false when there is none. */
bool log_line_take(struct span *text, struct span *line);

/* Decimal, without leading zeros, at most MERKLE_SIZE_MAX. */
bool log_line_number(struct span line, uint64_t *value);

/* The base64 of 32 octets. */
bool log_line_hash(struct span line, struct merkle_hash *hash);
void log_line_hash_build(const struct merkle_hash *hash, struct buf *out);
