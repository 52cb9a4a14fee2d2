/*
 * coverage - which of the organisations in documents of Enhetsregisteret have
 * an open mailbox, and which have none.
 */
#pragma once

#include "base/why.h"
#include "formats/unit_register.h"
#include "tools/client.h"

#include <stddef.h>

/* Read the documents; clear the list in every case. The path of one that is
 * refused stands in why. */
int coverage_read(struct unit_list *units, const char *const *paths,
    size_t count, struct why *why);

/* Tell the state of each unit that is not struck off. *lacking: how many have
 * no open mailbox. *result is the object of --json; the caller's. */
int coverage_tell(struct client *client, const struct unit_list *units,
    json_t **result, size_t *lacking, struct client_answer *answer,
    struct why *why);
