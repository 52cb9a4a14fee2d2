/*
 * random_text - texts that are hard on a document: mixed scripts, broken UTF-8,
 * controls, bidi marks, long runs, and markup of every kind.
 */
#pragma once

#include "base/buf.h"

#include <stdint.h>

/* Append a text of at most about points code points. The same seed and points
 * give the same text; seed moves on. */
void random_text(struct buf *out, uint32_t *seed, uint32_t points);
