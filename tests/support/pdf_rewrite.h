/*
 * pdf_rewrite - a PDF of our writer written anew, readable and without packing,
 * with one text in it changed: to see that a rule finds what breaks it.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>

/*
 * from stands in an object as pdf_rewrite() writes it (strings of plain ASCII
 * in parentheses, others in hex) or in the data of a stream; its first place,
 * by number of the object, becomes to. NULL changes nothing. False when it is
 * nowhere, or pdf is none.
 */
bool pdf_rewrite(
    struct span pdf, const char *from, const char *to, struct buf *out);

/* Replace the first from in data by to; false when there is none. */
bool span_change(
    struct span data, const char *from, const char *to, struct buf *out);
