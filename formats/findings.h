/*
 * findings - what is wrong with a message, as the sender is told it.
 *
 * Each finding says which part, where in it (a JSON pointer, RFC 6901), which
 * rule and what was expected. It never holds the value that was found: an
 * error answer and a log may carry every field of a finding.
 */
#pragma once

#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>

struct finding {
	char *part;     /* name of the message's part or a file; never NULL */
	char *pointer;  /* JSON pointer into it, "" for the whole; never NULL */
	char *rule;     /* e.g. "required soknad.schema.json#/required" */
	char *expected; /* a sentence; never NULL */
	unsigned line;  /* from 1, for files of a profile; 0 when unknown */
	unsigned column; /* from 1, characters; 0 when unknown */
};

struct findings {
	struct finding *at;
	size_t count;
	size_t max;      /* limits.findings */
	size_t left_off; /* found, but over max */
	bool failed;     /* no memory: count is not the truth */
	size_t capacity;
};

void findings_init(struct findings *findings, size_t max);
void findings_clear(struct findings *findings); /* frees all; keeps max */

/* Append one; texts are copied, expected is made by format. */
void findings_add(struct findings *findings, const char *part,
    const char *pointer, const char *rule, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Nothing found, and no failure. */
bool findings_none(const struct findings *findings);

/*
 * 0 when nothing was found, WHY_INVALID with a sentence about the first finding
 * and the number of the others, WHY_NOMEM after a failure.
 */
int findings_verdict(const struct findings *findings, struct why *why);

/* Cut back to the first count findings, as they were then. For trying out. */
void findings_cut(struct findings *findings, size_t count, size_t left_off);
