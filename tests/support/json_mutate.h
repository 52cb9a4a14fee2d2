/*
 * json_mutate - one small change somewhere in a JSON value: a member taken
 * away, renamed, put in from a list of words, of another type. Seeded.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

void json_mutate_seed(uint64_t value);
size_t json_mutate_pick(size_t below);
void json_mutate(json_t *value);
