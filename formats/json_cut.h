/*
 * json_cut - members and elements taken out of a JSON text: what stays keeps
 * its octets.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

#include <jansson.h>

/*
 * Append text to out without the values whose JSON pointers are the names of
 * cuts; a pointer that leads nowhere takes out nothing, the whole ("") cannot
 * be taken out. text has been accepted by json_text_read(). *count is how many
 * were taken out. WHY_NOMEM.
 */
int json_text_cut(struct span text, const json_t *cuts, struct buf *out,
    size_t *count, struct why *why);
