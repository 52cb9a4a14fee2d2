/*
 * main - the command line of budstikked.
 */
#include "base/crash.h"
#include "base/log.h"
#include "relay/filter.h"
#include "relay/parent.h"
#include "relay/spawn.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VERSION "0.1.0"

enum {
	OPTION_CHECK = 256,
	OPTION_PRINT,
	OPTION_VERSION,
	OPTION_PROBE,
	OPTION_HIDE,
	OPTION_CRASHES
};

struct arguments {
	const char *conf;
	char *overrides[CONF_OVERRIDES_MAX];
	size_t override_count;
	bool check;
	bool print;
	bool probe;
};

static const struct option options[] = {{"config", 1, NULL, 'c'},
    {"option", 1, NULL, 'o'}, {"check", 0, NULL, OPTION_CHECK},
    {"print-config", 0, NULL, OPTION_PRINT}, {"help", 0, NULL, 'h'},
    {"version", 0, NULL, OPTION_VERSION},
#ifdef TEST_HOOKS
    {"probe-jail", 0, NULL, OPTION_PROBE},
    {"hide-landlock", 0, NULL, OPTION_HIDE},
    {"crash-points", 0, NULL, OPTION_CRASHES},
#endif
    {NULL, 0, NULL, 0}};

static void
usage(FILE *out)
{
	(void)fprintf(out,
	    "usage: budstikked -c FILE [-o NAME=VALUE]... "
	    "[--check | --print-config]\n"
	    "\n"
	    "  -c, --config FILE        relay.conf of the relay to run\n"
	    "  -o, --option NAME=VALUE  a setting, in place of the file's\n"
	    "      --check              only say whether the settings are "
	    "good\n"
	    "      --print-config       only show all settings\n"
	    "      --version            only show the version\n"
	    "\n"
	    "Runs in the foreground. SIGTERM finishes what was accepted, "
	    "SIGHUP reloads.\n"
	    "See budstikked(8) and relay.conf(5).\n");
}

#ifdef TEST_HOOKS
/* The names of all places at which a test can kill a role, a line each. */
static void
crashes_print(void)
{
	size_t count;
	const char *const *names = crash_list(&count);
	for (size_t i = 0; i < count; i++)
		(void)puts(names[i]);
}
#endif

/* 0 to go on, else the exit code plus one. */
static int
arguments_read(int argc, char **argv, struct arguments *a)
{
	int option;
	while (
	    (option = getopt_long(argc, argv, "c:o:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			a->conf = optarg;
			break;
		case 'o':
			if (a->override_count == CONF_OVERRIDES_MAX) {
				(void)fprintf(
				    stderr, "budstikked: too many -o\n");
				return 1 + 2;
			}
			a->overrides[a->override_count++] = optarg;
			break;
		case OPTION_CHECK:
			a->check = true;
			break;
		case OPTION_PRINT:
			a->print = true;
			break;
		case OPTION_PROBE:
			a->probe = true;
			break;
#ifdef TEST_HOOKS
		case OPTION_HIDE:
			if (filter_hide_landlock(NULL) < 0)
				return 1 + 1;
			break;
		case OPTION_CRASHES:
			crashes_print();
			return 1 + 0;
#endif
		case OPTION_VERSION:
			(void)printf("budstikked " VERSION "\n");
			return 1 + 0;
		case 'h':
			usage(stdout);
			return 1 + 0;
		default:
			usage(stderr);
			return 1 + 2;
		}
	}
	if (optind < argc || (a->conf == NULL && !a->print)) {
		usage(stderr);
		return 1 + 2;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct arguments a = {0};
	struct conf_source source = {0};
	struct why why;
	crash_start(); /* its file is opened before the jail */
	if (argc == 3 && strcmp(argv[1], "--role") == 0)
		return spawn_role_main(argv[2]);
	int code = arguments_read(argc, argv, &a);
	if (code != 0)
		return code - 1;
	if (a.conf == NULL)
		return conf_show(NULL);
	if (conf_source_read(
		&source, a.conf, a.overrides, a.override_count, &why) < 0) {
		(void)fprintf(stderr, "budstikked: %s\n", why.text);
		return 1;
	}
	if (a.check || a.print) {
		code = a.print ? conf_show(&source) : conf_check(&source);
		conf_source_clear(&source);
		return code;
	}
	log_start("parent", LOG_INFO);
	return parent_run(&source, a.conf, a.probe);
}
