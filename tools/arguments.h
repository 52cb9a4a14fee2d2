/*
 * arguments - options of the verbs, in one form: --name VALUE, --name=VALUE,
 * -c VALUE; operands may stand between them; "--" ends the options.
 */
#pragma once

#include "tools/verbs.h"

#include <stdbool.h>
#include <stddef.h>

struct option_row {
	const char *name;   /* "--to" or "-c" */
	const char **value; /* takes a value: where it goes; or */
	bool *flag;         /* takes none */
};

struct arguments {
	const struct verb *verb;
	const char **operands; /* moved to the front of argv[1...] */
	size_t count;
	const char *conf; /* -c, --client */
	bool json;
};

/*
 * Read the arguments. rows ends with a NULL name; may be NULL. -c, --json and
 * --help are known to every verb. Returns -1 to go on, else the exit code with
 * which to leave (help shown: LEAVE_DONE; not understood: LEAVE_USAGE).
 */
int arguments_read(struct arguments *arguments, const struct verb *verb,
    int argc, char **argv, const struct option_row *rows);

/* A number of 0 .. most for the option called name: -1 to go on. */
int arguments_number(const struct arguments *arguments, const char *name,
    const char *text, unsigned most, unsigned *value);

struct client;
/* The client of -c: -1 to go on, else the exit code (the failure is told). */
int arguments_client(const struct arguments *arguments, struct client **client);
