/*
 * minimise - the rules of a profile about data that should not pass: report it,
 * take it out, or refuse the message; profile(5).
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "formats/findings.h"

#include <jansson.h>
#include <stdint.h>

struct minimise;
struct schema;
struct schema_fields;

/*
 * Rules as profile.json has them (they fit its schema); kept by reference.
 * Pointers and members that schema does not know become findings about file.
 * schema must live as long. *out is the caller's. WHY_INVALID, WHY_NOMEM.
 */
int minimise_new(json_t *rules, const struct schema *schema, const char *file,
    struct findings *findings, struct minimise **out, struct why *why);
/* The same; fields are those that a schema of any kind knows. */
int minimise_new_fields(json_t *rules, struct schema_fields *take_fields,
    const char *file, struct findings *findings, struct minimise **out,
    struct why *why);
void minimise_free(struct minimise *minimise); /* NULL is fine */

struct minimise_result {
	json_t *cuts; /* pointers to take out, as names of an object */
	/* for evidence: an array of objects name, effect, count, pointers (at
	 * most MINIMISE_POINTERS of each rule, and less than 4 KiB in all);
	 * never a value, and a star for each name that the schema does not know
	 */
	json_t *report;
	size_t count; /* found by all rules */
};

#define MINIMISE_POINTERS 8

/*
 * Try all rules on a payload that has been found valid. received_ms is when it
 * came, for rules about time. What is to be refused becomes findings (rule
 * "minimisation NAME") and WHY_INVALID. WHY_NOMEM. Clear result in every case.
 */
int minimise_apply(const struct minimise *minimise, const json_t *payload,
    int64_t received_ms, const char *part, struct findings *findings,
    struct minimise_result *result, struct why *why);
void minimise_result_clear(struct minimise_result *result);

/*
 * The day so many months before a day, both YYYYMMDD: where that month is too
 * short, its last day.
 */
int minimise_months_before(int day, int months);
