/*
 * budstikke - client and operator of a relay: one verb, one file (cmd_*.c).
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "tools/say.h"
#include "tools/verbs.h"

static const struct verb *const verbs[] = {&verb_init, &verb_send, &verb_fetch,
    &verb_status, &verb_recall, &verb_verify, &verb_log, &verb_conservation,
    &verb_alarms, &verb_party, &verb_cert, &verb_probe, &verb_spool,
    &verb_profile, &verb_doctor, &verb_top};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

/* Named in the contract, and not part of this version. */
static const char *const not_built[] = {"report"};

static void
help(FILE *to)
{
	fprintf(to, "usage: budstikke VERB [OPTION...] [OPERAND...]\n\n");
	for (size_t i = 0; i < VERBS; i++)
		fprintf(to, "  %-8s %s\n", verbs[i]->name, verbs[i]->what);
	fprintf(
	    to, "\nbudstikke VERB --help tells more; so does budstikke(1).\n");
}

int
main(int argc, char **argv)
{
	log_start("budstikke", LOG_WARNING);
	if (argc < 2) {
		help(stderr);
		return LEAVE_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		help(stdout);
		return LEAVE_DONE;
	}
	for (size_t i = 0; i < VERBS; i++)
		if (strcmp(verbs[i]->name, argv[1]) == 0)
			return verbs[i]->run(argc - 1, argv + 1);
	for (size_t i = 0; i < sizeof(not_built) / sizeof(not_built[0]); i++)
		if (strcmp(not_built[i], argv[1]) == 0) {
			say("budstikke: %s is not part of this version",
			    argv[1]);
			return LEAVE_USAGE;
		}
	say("budstikke: no verb of this name");
	help(stderr);
	return LEAVE_USAGE;
}
