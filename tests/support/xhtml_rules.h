/*
 * xhtml_rules - what WCAG 2.1 AA asks of a document and a program can see, and
 * what makes a file of ours safe to open, checked on what xhtml.h writes.
 * Numbers in messages are success criteria. Not seen here: whether labels and
 * alternative texts say the right thing.
 */
#pragma once

#include "base/buf.h"

#include <stddef.h>

/* Append one line per broken rule to report; returns how many. */
size_t xhtml_rules_check(struct span xhtml, struct buf *report);
