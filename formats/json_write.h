/*
 * json_write - JSON written as it is made, without a tree of values: for what
 * is written for every message, where a tree costs more than a signature.
 *
 * The bytes are those of json_text_build() for the same value. Names are given
 * in the program and need no escaping; name NULL: a value of an array, or the
 * one at the top, before which out is empty. Commas are set between values;
 * that each begin has its end is the caller's care. Text that is not UTF-8
 * makes out fail.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

void json_write_object(struct buf *out, const char *name); /* begins */
void json_write_object_end(struct buf *out);
void json_write_array(struct buf *out, const char *name); /* begins */
void json_write_array_end(struct buf *out);

void json_write_span(struct buf *out, const char *name, struct span text);
void json_write_text(struct buf *out, const char *name, const char *text);
void json_write_number(struct buf *out, const char *name, int64_t value);
void json_write_bool(struct buf *out, const char *name, bool value);
