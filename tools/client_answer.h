/*
 * client_answer - reading what a relay answers: header fields, JSON, problems
 * (RFC 9457).
 *
 * SECURITY: reads hostile bytes.
 */
#pragma once

#include "tools/client.h"

void client_answer_init(struct client_answer *answer);
/* One header line as libcurl gives it; a status line begins anew. */
void client_answer_header(struct client_answer *answer, struct span line);
/* After the body: parse JSON, decide code and sentence. 0 when status < 400. */
int client_answer_judge(struct client_answer *answer, struct why *why);
