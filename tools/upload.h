/*
 * upload - a big message in pieces that survive a broken connection: POST
 * /v1/uploads, then PATCH from where the relay says it is, until it answers as
 * it would have answered the message in one piece.
 */
#pragma once

#include "base/why.h"
#include "tools/client.h"
#include "tools/submission.h"

/*
 * Send the submission (described) under the key. Goes on after cut connections
 * as long as bytes get through; when the relay has forgotten the upload it is
 * begun anew with the same key. The last answer is left in answer, as by
 * client_do().
 */
int upload_send(struct client *client, struct submission *submission,
    const char *key, struct client_answer *answer, struct why *why);
