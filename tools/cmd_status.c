/*
 * status and recall - what became of a message, and taking it back.
 */
#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "base/text.h"
#include "tools/arguments.h"
#include "tools/client.h"
#include "tools/say.h"

static const char *
text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text == NULL ? "" : text;
}

static void
recipients_show(const json_t *answer)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(answer, "recipients"), i, item)
	{
		const json_t *problem = json_object_get(item, "problem");

		say_result("  %s %s%s%s", text_of(item, "recipient"),
		    text_of(item, "state"), problem == NULL ? "" : " ",
		    json_is_object(problem) ? text_of(problem, "code")
					    : text_of(item, "problem"));
	}
}

/* One operand that is a message id. */
static int
id_operand(const struct arguments *arguments)
{
	struct id id;

	if (arguments->count != 1 || !id_parse(arguments->operands[0], &id))
		return say_usage(arguments->verb,
		    "expected one message id (lower-case UUID)");
	return -1;
}

static int
answer_show(struct client_answer *answer, int code, const struct why *why)
{
	int leave = LEAVE_DONE;

	if (code != 0) {
		leave = client_say_failure(answer, why);
	} else {
		say_result("%s %s %s", text_of(answer->json, "id"),
		    text_of(answer->json, "state"),
		    text_of(answer->json, "type"));
		recipients_show(answer->json);
		say_object(json_incref(answer->json));
	}
	client_answer_clear(answer);
	return leave;
}

/* What happened, oldest first, a line each; into the object for --json. */
static void
timeline_show(const json_t *evidence, json_t *object)
{
	json_t *timeline = json_array();
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(evidence, "evidence"), i, item)
	{
		const char *recipient = text_of(item, "recipient");

		say_result("  %s %-9s %s", text_of(item, "time"),
		    text_of(item, "level"), recipient);
		json_array_append_new(timeline,
		    json_pack("{s:s,s:s,s:s*}", "time", text_of(item, "time"),
			"level", text_of(item, "level"), "recipient",
			*recipient == '\0' ? NULL : recipient));
	}
	json_object_set_new(object, "timeline", timeline);
}

/* The message, its deliveries, and all that happened. */
static int
message_show(struct client *client, const char *id)
{
	struct client_answer answer = {0};
	struct client_answer evidence = {0};
	struct why why;
	int leave = LEAVE_DONE;
	int code = client_get(client, &answer, &why, "/v1/messages/%s", id);

	if (code == 0) {
		say_result("%s %s %s", text_of(answer.json, "id"),
		    text_of(answer.json, "state"),
		    text_of(answer.json, "type"));
		recipients_show(answer.json);
		code = client_get(
		    client, &evidence, &why, "/v1/messages/%s/evidence", id);
		if (code == 0) {
			timeline_show(evidence.json, answer.json);
			say_object(json_incref(answer.json));
		} else {
			leave = client_say_failure(&evidence, &why);
		}
	} else {
		leave = client_say_failure(&answer, &why);
	}
	client_answer_clear(&evidence);
	client_answer_clear(&answer);
	return leave;
}

static int
status_run(int argc, char **argv)
{
	bool evidence = false;
	struct arguments arguments;
	const struct option_row rows[] = {
	    {"--evidence", NULL, &evidence}, {NULL, NULL, NULL}};
	struct client_answer answer = {0};
	struct client *client;
	struct why why;
	int leave = arguments_read(&arguments, &verb_status, argc, argv, rows);
	int code;

	if (leave < 0)
		leave = id_operand(&arguments);
	if (leave < 0)
		leave = arguments_client(&arguments, &client);
	if (leave >= 0)
		return leave;
	if (!evidence) {
		leave = message_show(client, arguments.operands[0]);
		client_close(client);
		return leave;
	}
	code = client_get(client, &answer, &why, "/v1/messages/%s/evidence",
	    arguments.operands[0]);
	if (code == 0) {
		/* the signed bytes are for verify: one object, as they came */
		if (say_is_json())
			say_object(json_incref(answer.json));
		else
			printf("%.*s\n", (int)answer.body.size,
			    (const char *)answer.body.at);
		client_answer_clear(&answer);
		leave = LEAVE_DONE;
	} else {
		leave = client_say_failure(&answer, &why);
		client_answer_clear(&answer);
	}
	client_close(client);
	return leave;
}

static int
recall_run(int argc, char **argv)
{
	const char *recipient = NULL;
	struct arguments arguments;
	const struct option_row rows[] = {
	    {"--recipient", &recipient, NULL}, {NULL, NULL, NULL}};
	struct client_answer answer = {0};
	struct client *client;
	struct why why;
	int leave = arguments_read(&arguments, &verb_recall, argc, argv, rows);
	size_t kept = 0;
	json_t *item;
	size_t i;
	int code;

	if (leave < 0)
		leave = id_operand(&arguments);
	if (leave < 0 && recipient != NULL && !orgnr_valid(recipient))
		leave = say_usage(&verb_recall,
		    "--recipient: expected an organisation number");
	if (leave < 0)
		leave = arguments_client(&arguments, &client);
	if (leave >= 0)
		return leave;
	code = client_send(client, "DELETE", NULL, &answer, &why,
	    "/v1/messages/%s%s%s", arguments.operands[0],
	    recipient == NULL ? "" : "?recipient=",
	    recipient == NULL ? "" : recipient);
	json_array_foreach(json_object_get(answer.json, "recipients"), i, item)
	    kept += strcmp(text_of(item, "state"), "recalled") != 0;
	leave = answer_show(&answer, code, &why);
	if (leave == LEAVE_DONE && kept > 0 && i > kept)
		leave = LEAVE_PARTLY;
	else if (leave == LEAVE_DONE && kept > 0)
		leave = LEAVE_REFUSED;
	client_close(client);
	return leave;
}

const struct verb verb_status = {"status", status_run,
    "-c CLIENT.conf ID [--evidence]", "Show what became of a message",
    "  --evidence  the signed evidence of all that happened, as JSON that\n"
    "              budstikke verify reads\n"};

const struct verb verb_recall = {"recall", recall_run,
    "-c CLIENT.conf ID [--recipient R]",
    "Take a message back where no byte of it was handed out",
    "  --recipient R  only this one's; default: every one still possible\n"
    "Exit status 6: some are recalled, some no longer could be.\n"};
