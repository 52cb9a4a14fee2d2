/*
 * verbs - the commands of budstikke(1): one file each, cmd_NAME.c.
 *
 * A verb parses its own arguments and returns an enum leave; the exit codes are
 * a contract with scripts.
 */
#pragma once

enum leave {
	LEAVE_DONE = 0,      /* also: there was nothing to do */
	LEAVE_INTERNAL = 1,  /* a fault of this program or machine */
	LEAVE_USAGE = 2,     /* wrong arguments or files */
	LEAVE_REFUSED = 3,   /* the relay said no; nothing is stored */
	LEAVE_TEMPORARY = 4, /* the same call may be repeated */
	LEAVE_PROOF = 5,     /* a proof, digest or signature is wrong */
	LEAVE_PARTLY = 6     /* some of it is done */
};

struct verb {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the verb's name */
	const char *usage;                 /* after "budstikke NAME " */
	const char *what;                  /* one line */
	const char *help;                  /* options and the rest */
};

extern const struct verb verb_init;
extern const struct verb verb_send;
extern const struct verb verb_fetch;
extern const struct verb verb_status;
extern const struct verb verb_recall;
extern const struct verb verb_verify;
extern const struct verb verb_log;
extern const struct verb verb_conservation;
extern const struct verb verb_alarms;
extern const struct verb verb_party;
extern const struct verb verb_cert;
extern const struct verb verb_probe;
extern const struct verb verb_spool;
extern const struct verb verb_profile;
extern const struct verb verb_doctor;
extern const struct verb verb_top;

/* Prints the verb's usage and help on standard output. */
void verb_help(const struct verb *verb);
