/*
 * commonmark - a document tree as CommonMark: a text that people read as it is,
 * in any editor or terminal, and that any program for CommonMark reads as the
 * same headings, lists and texts.
 *
 * It is safe to read: no text becomes markup, no raw HTML stands in it, and the
 * only links are those of the tree. Tables become lists of "**name:** value",
 * for CommonMark has no tables; a figure becomes its alternative text.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

struct document;

/* Append the text to out (whose max bounds it). 0, or WHY_TOO_LARGE, WHY_NOMEM,
 * or the document's own stuck error. The same tree gives the same bytes. */
int commonmark_build(
    const struct document *document, struct buf *out, struct why *why);
