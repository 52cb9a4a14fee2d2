/*
 * xhtml - a document tree as one self-contained XHTML file: well-formed XML,
 * language and direction per element, header cells with their scope, its own
 * style sheet for screen and paper, no script, nothing fetched from anywhere.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

struct document;

/* Append the file to out (whose max bounds it). 0, or WHY_TOO_LARGE,
 * WHY_NOMEM, or the document's own stuck error. The same tree gives the same
 * bytes. */
int xhtml_build(
    const struct document *document, struct buf *out, struct why *why);
