/*
 * json_generate - random JSON values that a schema finds valid: each free
 * string and number in them is another one, so that it can be looked for.
 */
#pragma once

#include "formats/schema.h"

#include <jansson.h>
#include <stdint.h>

/* A valid value, the caller's; NULL when none was found in many tries. The
 * same seed gives the same value. */
json_t *json_generate(const struct schema *schema, uint64_t seed);
