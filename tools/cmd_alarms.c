/*
 * alarms - what stands, the most severe first; and closing one by hand.
 */
#include <string.h>

#include "base/id.h"
#include "tools/arguments.h"
#include "tools/client.h"
#include "tools/say.h"

static void
alarms_show(const json_t *answer)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(answer, "alarms"), i, item)
	{
		const char *id = "";
		const char *mailbox = "";
		const char *cause = "";
		const char *severity = "";
		const char *oldest = "";
		const char *state = "";
		json_int_t count = 0;

		json_unpack(item, "{s?s,s?s,s?s,s?s,s?s,s?s,s?I}", "id", &id,
		    "mailbox", &mailbox, "cause", &cause, "severity", &severity,
		    "oldest", &oldest, "state", &state, "count", &count);
		say_result("%-8s %-9s %-22s %-9s %4lld oldest %s  %s", state,
		    severity, cause, mailbox, (long long)count, oldest, id);
	}
	if (i == 0)
		say("no alarms");
}

static int
alarms_run(int argc, char **argv)
{
	const char *close = NULL;
	struct arguments arguments;
	const struct option_row rows[] = {
	    {"--close", &close, NULL}, {NULL, NULL, NULL}};
	struct client_answer answer = {0};
	struct client *client;
	struct why why;
	struct id id;
	int leave = arguments_read(&arguments, &verb_alarms, argc, argv, rows);
	int code;

	if (leave < 0 && arguments.count > 0)
		leave = say_usage(&verb_alarms, "no operand is expected");
	if (leave < 0 && close != NULL && !id_parse(close, &id))
		leave = say_usage(&verb_alarms, "--close: expected an id");
	if (leave < 0)
		leave = arguments_client(&arguments, &client);
	if (leave >= 0)
		return leave;
	if (close != NULL)
		code = client_send(client, "POST", NULL, &answer, &why,
		    "/v1/alarms/%s/closure", close);
	else
		code = client_get(client, &answer, &why, "/v1/alarms");
	if (code != 0) {
		leave = client_say_failure(&answer, &why);
	} else {
		if (close == NULL)
			alarms_show(answer.json);
		else
			say_result("%s closed", close);
		say_object(answer.json == NULL ? json_object()
					       : json_incref(answer.json));
		leave = LEAVE_DONE;
	}
	client_answer_clear(&answer);
	client_close(client);
	return leave;
}

const struct verb verb_alarms = {"alarms", alarms_run,
    "-c CLIENT.conf [--close ID]", "Show the alarms that concern the caller",
    "  --close ID  close an alarm that does not end by itself (operator)\n"};
