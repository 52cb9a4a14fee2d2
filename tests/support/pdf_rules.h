/*
 * pdf_rules - the rules of PDF/A-2a and PDF/UA-1 that a writer like ours can
 * break, checked on its own output. Numbers in messages are those of veraPDF's
 * rules (clause-test) where there is one. It does not replace veraPDF: it has
 * no opinion on files that others wrote.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* Append one line per broken rule to report; returns how many. text gets the
 * text of the structure tree in its order, without the labels of lists. */
size_t pdf_rules_check(struct span pdf, struct buf *report, struct buf *text);

/* The tagged text as it is drawn: a LF after each mark, a form feed after each
 * page; what is repeated on each page is left out. False for no PDF. */
bool pdf_rules_pages(struct span pdf, struct buf *text);

/* Whether every visible character of source stands in drawn, in order; those
 * without a glyph as U+FFFD, as many as were reported. reason tells if not. */
bool pdf_text_same(
    struct span source, struct span drawn, size_t missing, char reason[200]);
