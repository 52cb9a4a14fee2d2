/*
 * spool - looking after a store from beside the relay: check, stats, backup
 * while it runs; restore and upgrade while it does not.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/text.h"
#include "keys/log_hash.h"
#include "spool/spool.h"
#include "spool/spool_view.h"
#include "tools/arguments.h"
#include "tools/file.h"
#include "tools/say.h"

#define BREACHES_TOLD 1000

/* A relay directory stands for the store in it. */
static char *
store_of(const char *dir)
{
	char *conf = file_path(dir, "relay.conf");
	char *spool = file_path(dir, "spool");
	struct stat about;
	bool relay = conf != NULL && spool != NULL && stat(conf, &about) == 0;

	free(conf);
	if (relay)
		return spool;
	free(spool);
	return strdup(dir);
}

struct breaches {
	json_t *list;
	size_t count;
};

static void
on_breach(void *arg, const char *sentence)
{
	struct breaches *breaches = arg;

	say_result("BREACH %s", sentence);
	if (breaches->count++ < BREACHES_TOLD)
		json_array_append_new(breaches->list, json_string(sentence));
}

static int
check(struct spool_view *view, const char *to, struct why *why)
{
	struct breaches breaches = {json_array(), 0};
	size_t findings = 0;
	int code;

	(void)to;
	code = spool_view_begin(view, why);
	if (code == 0)
		code = spool_check(
		    view, log_sha256, on_breach, &breaches, &findings, why);
	spool_view_end(view);
	if (code == 0 && findings == 0)
		say_result("clean");
	if (code == 0)
		say_object(json_pack("{s:b,s:I,s:O}", "clean", findings == 0,
		    "findings", (json_int_t)findings, "breaches",
		    breaches.list));
	json_decref(breaches.list);
	if (code == 0 && findings > 0)
		return why_set(why, WHY_CRYPTO, "%zu breaches", findings);
	return code;
}

static json_t *
counts_object(const struct spool_counts *counts)
{
	json_t *object =
	    json_pack("{s:I,s:I,s:I}", "accepted", (json_int_t)counts->accepted,
		"unproven", (json_int_t)counts->unproven, "waitingBytes",
		(json_int_t)counts->waiting_bytes);
	json_t *now = json_object();

	for (unsigned state = SPOOL_ACCEPTED; state < SPOOL_STATES; state++)
		json_object_set_new(now,
		    spool_state_name((enum spool_state)state),
		    json_integer((json_int_t)counts->now[state]));
	json_object_set_new(object, "now", now);
	return object;
}

static int
stats(struct spool_view *view, const char *to, struct why *why)
{
	struct spool_stats s;
	char oldest[TIME_TEXT_SIZE] = "";
	uint64_t waiting;
	int code = spool_view_begin(view, why);

	(void)to;
	if (code == 0)
		code = spool_view_stats(view, &s, why);
	spool_view_end(view);
	if (code != 0)
		return code;
	waiting = s.counts.now[SPOOL_ACCEPTED] + s.counts.now[SPOOL_FETCHED];
	if (s.oldest_waiting_ms != 0)
		time_build(oldest, s.oldest_waiting_ms);
	say_result("messages %llu  deliveries %llu  waiting %llu%s%s",
	    (unsigned long long)s.messages, (unsigned long long)s.deliveries,
	    (unsigned long long)waiting, oldest[0] == '\0' ? "" : "  oldest ",
	    oldest);
	say_result("mailboxes %llu  certificates %llu  evidence %llu  alarms "
		   "firing %llu",
	    (unsigned long long)s.mailboxes, (unsigned long long)s.certificates,
	    (unsigned long long)s.evidence,
	    (unsigned long long)s.alarms_firing);
	say_result("store %llu MiB of %llu MiB, reserve %llu MiB, disk free "
		   "%llu MiB",
	    (unsigned long long)(s.file_bytes >> 20),
	    (unsigned long long)(s.map_bytes >> 20),
	    (unsigned long long)(s.reserve_bytes >> 20),
	    (unsigned long long)(s.disk_bytes >> 20));
	say_object(json_pack(
	    "{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:s,"
	    "s:o}",
	    "epoch", (json_int_t)s.position.epoch, "sequence",
	    (json_int_t)s.position.sequence, "messages", (json_int_t)s.messages,
	    "deliveries", (json_int_t)s.deliveries, "mailboxes",
	    (json_int_t)s.mailboxes, "certificates", (json_int_t)s.certificates,
	    "evidence", (json_int_t)s.evidence, "deadlines",
	    (json_int_t)s.deadlines, "notices", (json_int_t)s.notices,
	    "alarmsFiring", (json_int_t)s.alarms_firing, "staged",
	    (json_int_t)s.staged, "mapBytes", (json_int_t)s.map_bytes,
	    "fileBytes", (json_int_t)s.file_bytes, "reserveBytes",
	    (json_int_t)s.reserve_bytes, "diskBytes", (json_int_t)s.disk_bytes,
	    "oldestWaiting", oldest, "counts", counts_object(&s.counts)));
	return 0;
}

static int
backup(struct spool_view *view, const char *to, struct why *why)
{
	int code = spool_backup(view, to, why);

	if (code == 0)
		say_result("%s holds the store as it was at one commit; keys "
			   "are not in it",
		    to);
	if (code == 0)
		say_object(json_pack("{s:s}", "directory", to));
	return code;
}

static int
with_view(const char *dir, const char *to,
    int (*run)(struct spool_view *, const char *, struct why *),
    struct why *why)
{
	struct spool_view *view = NULL;
	int code = spool_view_open(dir, &view, why);

	if (code == 0)
		code = run(view, to, why);
	spool_view_close(view);
	return code;
}

static int
restore(const char *dir, const char *from, struct why *why)
{
	int code = spool_restore(from, dir, clock_wall_ms(), why);

	if (code == 0)
		say_result("%s is restored from %s: a new epoch; every sender "
			   "and recipient will see it",
		    dir, from);
	if (code == 0)
		say_object(
		    json_pack("{s:s,s:s}", "directory", dir, "from", from));
	return code;
}

static int
upgrade(const char *dir, struct why *why)
{
	int code = spool_upgrade(dir, log_sha256, why);

	if (code == 0)
		say_result("%s has format %d", dir, SPOOL_FORMAT);
	if (code == 0)
		say_object(json_pack(
		    "{s:s,s:i}", "directory", dir, "format", SPOOL_FORMAT));
	return code;
}

static int
act(const char *action, const char *dir, const char *other, struct why *why)
{
	if (strcmp(action, "check") == 0)
		return with_view(dir, NULL, check, why);
	if (strcmp(action, "stats") == 0)
		return with_view(dir, NULL, stats, why);
	if (strcmp(action, "backup") == 0)
		return with_view(dir, other, backup, why);
	if (strcmp(action, "restore") == 0)
		return restore(dir, other, why);
	return upgrade(dir, why);
}

static int
spool_check_arguments(const struct arguments *arguments)
{
	static const struct {
		const char *name;
		size_t operands;
	} actions[] = {{"check", 2}, {"stats", 2}, {"upgrade", 2},
	    {"backup", 3}, {"restore", 3}};

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (arguments->count == actions[i].operands &&
		    strcmp(arguments->operands[0], actions[i].name) == 0)
			return -1;
	return say_usage(&verb_spool,
	    "expected check DIR, stats DIR, backup DIR TO, restore DIR FROM or "
	    "upgrade DIR");
}

static int
spool_run(int argc, char **argv)
{
	struct arguments arguments;
	struct why why = {0};
	char *dir;
	int leave = arguments_read(&arguments, &verb_spool, argc, argv, NULL);
	int code;

	if (leave < 0)
		leave = spool_check_arguments(&arguments);
	if (leave >= 0)
		return leave;
	dir = store_of(arguments.operands[1]);
	if (dir == NULL)
		return LEAVE_INTERNAL;
	code = act(arguments.operands[0], dir,
	    arguments.count > 2 ? arguments.operands[2] : NULL, &why);
	free(dir);
	if (code == 0)
		return LEAVE_DONE;
	if (strcmp(arguments.operands[0], "check") == 0 && code == WHY_CRYPTO) {
		say("budstikke: %s", why.text); /* the object is out already */
		return LEAVE_PROOF;
	}
	return say_failure(&why);
}

const struct verb verb_spool = {"spool", spool_run,
    "check DIR | stats DIR | backup DIR TO | restore DIR FROM |\n"
    "       upgrade DIR",
    "Check, measure, back up, restore and upgrade a store",
    "DIR is a relay directory or its spool folder. check, stats and backup\n"
    "work while the relay runs; restore and upgrade while it does not.\n"
    "restore opens a new epoch: what waited is marked redelivered, and an\n"
    "alarm stands until an operator closes it. check ends with status 5 when\n"
    "it finds a breach. Keys are not in a backup: back up keys/ apart.\n"};
