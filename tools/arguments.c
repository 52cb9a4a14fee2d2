#include "tools/arguments.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tools/client.h"
#include "tools/say.h"

void
verb_help(const struct verb *verb)
{
	printf("usage: budstikke %s %s\n\n%s.\n", verb->name, verb->usage,
	    verb->what);
	if (verb->help[0] != '\0')
		printf("\n%s", verb->help);
	printf("\n  --json     one JSON object on standard output\n"
	       "  --help     this text\n"
	       "Exit status: 0 done, 1 internal, 2 usage, 3 refused, 4 "
	       "temporary,\n5 proof, digest or signature wrong, 6 partly "
	       "done. See budstikke(1).\n");
}

static const struct option_row *
row_find(const struct option_row *rows, const char *at, size_t size)
{
	for (; rows != NULL && rows->name != NULL; rows++)
		if (strlen(rows->name) == size &&
		    memcmp(rows->name, at, size) == 0)
			return rows;
	return NULL;
}

/* One option at argv[*i]; moves *i over its value. -1 to go on. */
static int
option_take(struct arguments *arguments, const struct option_row *rows,
    int argc, char **argv, int *i)
{
	const struct option_row own[] = {{"-c", &arguments->conf, NULL},
	    {"--client", &arguments->conf, NULL},
	    {"--json", NULL, &arguments->json}, {NULL, NULL, NULL}};
	const char *text = argv[*i];
	const char *equals = text[1] == '-' ? strchr(text, '=') : NULL;
	size_t size = equals == NULL ? strlen(text) : (size_t)(equals - text);
	const struct option_row *row = row_find(own, text, size);

	if (row == NULL)
		row = row_find(rows, text, size);
	if (row == NULL)
		return say_usage(
		    arguments->verb, "no option %.*s", (int)size, text);
	if (row->flag != NULL) {
		if (equals != NULL)
			return say_usage(arguments->verb,
			    "option %s takes no value", row->name);
		*row->flag = true;
		return -1;
	}
	if (equals == NULL && *i + 1 == argc)
		return say_usage(
		    arguments->verb, "option %s needs a value", row->name);
	*row->value = equals != NULL ? equals + 1 : argv[++*i];
	return -1;
}

int
arguments_read(struct arguments *arguments, const struct verb *verb, int argc,
    char **argv, const struct option_row *rows)
{
	bool options = true;
	int left;

	*arguments = (struct arguments){.verb = verb};
	arguments->operands = (const char **)(void *)&argv[1];
	/* --json first: a usage error is told as JSON too */
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0)
			say_as_json();
	for (int i = 1; i < argc; i++) {
		if (options && strcmp(argv[i], "--") == 0) {
			options = false;
		} else if (options && (strcmp(argv[i], "--help") == 0 ||
					  strcmp(argv[i], "-h") == 0)) {
			verb_help(verb);
			return LEAVE_DONE;
		} else if (options && argv[i][0] == '-' && argv[i][1] != '\0') {
			left = option_take(arguments, rows, argc, argv, &i);
			if (left >= 0)
				return left;
		} else {
			arguments->operands[arguments->count++] = argv[i];
		}
	}
	return -1;
}

int
arguments_number(const struct arguments *arguments, const char *name,
    const char *text, unsigned most, unsigned *value)
{
	uint64_t number;

	if (text == NULL)
		return -1;
	if (!number_parse(span_text(text), most, &number))
		return say_usage(arguments->verb,
		    "%s: expected a number of 0 to %u", name, most);
	*value = (unsigned)number;
	return -1;
}

int
arguments_client(const struct arguments *arguments, struct client **client)
{
	struct why why;
	int code;

	if (arguments->conf == NULL)
		return say_usage(arguments->verb, "expected -c CLIENT.conf");
	code = client_open(arguments->conf, client, &why);
	if (code == 0)
		return -1;
	say_failure(&why);
	return why_is_temporary(code) && code != WHY_SYSTEM ? LEAVE_TEMPORARY
							    : LEAVE_USAGE;
}
