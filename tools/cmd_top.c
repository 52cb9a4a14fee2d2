/*
 * top - mailboxes and alarms, drawn anew every few seconds (operator).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "tools/arguments.h"
#include "tools/client.h"
#include "tools/say.h"

#define PERIOD_SECONDS 2

static json_int_t
count_of(const json_t *mailbox, const char *name)
{
	const json_t *counts = json_object_get(mailbox, "counts");
	const json_t *value = json_object_get(counts, name);

	return json_integer_value(value);
}

static void
mailboxes_draw(const json_t *answer)
{
	json_t *item;
	size_t i;

	printf("%-10s %-7s %9s %9s %9s %9s %9s %9s  %s\n", "MAILBOX", "STATE",
	    "ACCEPTED", "WAITING", "IMPORTED", "REJECTED", "EXPIRED",
	    "RECALLED", "POLLED");
	json_array_foreach(json_object_get(answer, "mailboxes"), i, item)
	{
		const char *recipient = "";
		const char *state = "";
		const char *polled = NULL;

		json_unpack(item, "{s?s,s?s,s?s}", "recipient", &recipient,
		    "state", &state, "polled", &polled);
		printf("%-10s %-7s %9lld %9lld %9lld %9lld %9lld %9lld  %s\n",
		    recipient, state, (long long)count_of(item, "accepted"),
		    (long long)count_of(item, "waiting"),
		    (long long)count_of(item, "imported"),
		    (long long)count_of(item, "rejected"),
		    (long long)count_of(item, "expired"),
		    (long long)count_of(item, "recalled"),
		    polled == NULL ? "never" : polled);
	}
}

static void
alarms_draw(const json_t *answer)
{
	json_t *item;
	size_t i;

	printf("\n%-9s %-22s %-10s %6s  %s\n", "SEVERITY", "ALARM", "MAILBOX",
	    "COUNT", "OLDEST");
	json_array_foreach(json_object_get(answer, "alarms"), i, item)
	{
		const char *severity = "";
		const char *cause = "";
		const char *mailbox = "";
		const char *oldest = "";
		json_int_t count = 0;

		json_unpack(item, "{s?s,s?s,s?s,s?s,s?I}", "severity",
		    &severity, "cause", &cause, "mailbox", &mailbox, "oldest",
		    &oldest, "count", &count);
		printf("%-9s %-22s %-10s %6lld  %s\n", severity, cause, mailbox,
		    (long long)count, oldest);
	}
}

static int
draw(struct client *client, bool screen, struct client_answer *answer,
    struct why *why)
{
	char now[TIME_TEXT_SIZE];
	struct client_answer alarms = {0};
	int code = client_get(client, answer, why, "/v1/mailboxes");

	if (code != 0)
		return code;
	code = client_get(client, &alarms, why, "/v1/alarms");
	if (code != 0) {
		client_answer_clear(answer);
		*answer = alarms;
		return code;
	}
	time_build(now, clock_wall_ms());
	if (say_is_json()) {
		say_object(json_pack("{s:s,s:O?,s:O?}", "time", now,
		    "mailboxes", json_object_get(answer->json, "mailboxes"),
		    "alarms", json_object_get(alarms.json, "alarms")));
	} else {
		if (screen)
			fputs("\033[H\033[2J", stdout);
		printf("budstikke top  %s\n\n", now);
		mailboxes_draw(answer->json);
		alarms_draw(alarms.json);
		fflush(stdout);
	}
	client_answer_clear(&alarms);
	return 0;
}

static int
top_run(int argc, char **argv)
{
	bool once = false;
	struct arguments arguments;
	const struct option_row rows[] = {
	    {"--once", NULL, &once}, {NULL, NULL, NULL}};
	struct client_answer answer = {0};
	struct client *client;
	struct why why;
	int leave = arguments_read(&arguments, &verb_top, argc, argv, rows);
	int code;

	if (leave < 0 && arguments.count > 0)
		leave = say_usage(&verb_top, "no operand is expected");
	if (leave < 0)
		leave = arguments_client(&arguments, &client);
	if (leave >= 0)
		return leave;
	/* a script gets one picture */
	once = once || say_is_json() || isatty(STDOUT_FILENO) != 1;
	client_stoppable();
	for (;;) {
		code = draw(client, !once, &answer, &why);
		if (code != 0 || once || client_stopped())
			break;
		client_answer_clear(&answer);
		nanosleep(&(struct timespec){PERIOD_SECONDS, 0}, NULL);
		if (client_stopped())
			break;
	}
	leave = code == 0 || client_stopped()
		    ? LEAVE_DONE
		    : client_say_failure(&answer, &why);
	client_answer_clear(&answer);
	client_close(client);
	return leave;
}

const struct verb verb_top = {"top", top_run, "-c CLIENT.conf [--once]",
    "Watch all mailboxes and alarms of a relay (operator)",
    "  --once  one picture; also when standard output is no terminal\n"};
