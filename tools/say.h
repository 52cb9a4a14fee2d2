/*
 * say - what a verb tells people (standard error) and scripts (standard
 * output).
 *
 * With --json, standard output gets exactly one JSON object and people's text
 * goes to standard error; without it, results are lines on standard output.
 */
#pragma once

#include "base/why.h"
#include "tools/verbs.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* From here on say_result() prints nothing and say_object() prints. */
void say_as_json(void);
bool say_is_json(void);

/* A line for people on standard error. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "budstikke VERB: ..." on standard error; returns LEAVE_USAGE. */
int say_usage(const struct verb *verb, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A line of the result on standard output; nothing with --json. */
void say_result(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The one object of --json; nothing without. Takes the reference. */
void say_object(json_t *take_object);

/*
 * A failure: the sentence on standard error, with --json also the object
 * {"code","detail"}; returns the exit code that goes with it.
 */
int say_failure(const struct why *why);
int say_leave(int code); /* the exit code alone */

/* Text of others, fit for a terminal: control characters become '?', at most
 * size - 1 bytes. Returns text. */
const char *say_clean(char *text, size_t size, const char *from);

/*
 * Progress of long work in bytes: one line, drawn anew at most ten times a
 * second, and only when standard error is a terminal.
 */
struct say_progress {
	const char *what;
	uint64_t total; /* 0: not known */
	int64_t drawn_ms;
	int64_t began_ms;
	bool shown;
};
void say_progress_begin(
    struct say_progress *progress, const char *what, uint64_t total);
void say_progress_at(struct say_progress *progress, uint64_t done);
void say_progress_end(struct say_progress *progress);
