/*
 * party - mailboxes: what they take, and opening, pausing and closing them.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tools/arguments.h"
#include "tools/client.h"
#include "tools/coverage.h"
#include "tools/say.h"

struct party_run {
	struct arguments arguments;
	const char *types;
	const char *form;
	const char *state;
	bool stop_at_end;
	struct client *client;
	struct client_answer answer;
};

static void
mailbox_show(json_t *mailbox)
{
	const char *recipient = "";
	const char *state = "";
	const char *form = "";
	const char *polled = "never";
	const json_t *types = json_object_get(mailbox, "types");
	char line[1024] = "";
	size_t used = 0;
	json_t *item;
	size_t i;

	json_unpack(mailbox, "{s?s,s?s,s?s,s?s}", "recipient", &recipient,
	    "state", &state, "form", &form, "polled", &polled);
	json_array_foreach(types, i, item)
	{
		const char *type = json_string_value(item);

		if (type != NULL && used + strlen(type) + 2 < sizeof(line))
			used +=
			    (size_t)snprintf(line + used, sizeof(line) - used,
				"%s%s", i == 0 ? "" : ",", type);
	}
	say_result(
	    "%s %-7s %-6s polled %s  %s", recipient, state, form, polled, line);
}

static int
show(struct party_run *run, struct why *why)
{
	json_t *item;
	size_t i;
	int code;

	if (run->arguments.count == 2) {
		code = client_get(run->client, &run->answer, why,
		    "/v1/mailbox/%s", run->arguments.operands[1]);
		if (code == 0)
			mailbox_show(run->answer.json);
		return code;
	}
	code = client_get(run->client, &run->answer, why, "/v1/mailboxes");
	if (code == 0)
		json_array_foreach(
		    json_object_get(run->answer.json, "mailboxes"), i, item)
		    mailbox_show(item);
	return code;
}

static int
set(struct party_run *run, struct why *why)
{
	json_t *types = json_array();
	json_t *body = json_pack("{s:s,s:s*,s:o}", "state",
	    run->state == NULL ? "open" : run->state, "form", run->form,
	    "types", types);
	const char *text = run->types;
	int code;

	while (*text != '\0') {
		size_t size = strcspn(text, ",");

		json_array_append_new(types, json_stringn(text, size));
		text += size;
		if (*text == ',')
			text++;
	}
	if (run->stop_at_end)
		json_object_set_new(body, "stopAtCertificateEnd", json_true());
	code = client_send(run->client, "PUT", body, &run->answer, why,
	    "/v1/mailbox/%s", run->arguments.operands[1]);
	json_decref(body);
	if (code == 0 && json_is_object(run->answer.json))
		mailbox_show(run->answer.json);
	return code;
}

/* The exit code: LEAVE_PARTLY when an organisation has no open mailbox. */
static int
coverage(struct party_run *run)
{
	struct unit_list units = {0};
	json_t *result = NULL;
	size_t lacking = 0;
	struct why why;
	int leave;

	if (coverage_read(&units, run->arguments.operands + 1,
		run->arguments.count - 1, &why) != 0) {
		say_failure(&why);
		leave = LEAVE_USAGE;
	} else if (coverage_tell(run->client, &units, &result, &lacking,
		       &run->answer, &why) != 0) {
		leave = client_say_failure(&run->answer, &why);
	} else {
		say_object(result);
		leave = lacking > 0 ? LEAVE_PARTLY : LEAVE_DONE;
	}
	unit_list_clear(&units);
	return leave;
}

static int
party_check(const struct party_run *run)
{
	const struct arguments *arguments = &run->arguments;
	const char *action =
	    arguments->count == 0 ? "" : arguments->operands[0];

	if (strcmp(action, "list") == 0 && arguments->count == 1)
		return -1;
	if (strcmp(action, "coverage") == 0 && arguments->count > 1)
		return -1;
	if (arguments->count != 2 ||
	    (strcmp(action, "show") != 0 && strcmp(action, "set") != 0))
		return say_usage(&verb_party,
		    "expected list, show ORG, set ORG or coverage FILE...");
	if (!orgnr_valid(arguments->operands[1]))
		return say_usage(
		    &verb_party, "ORG: expected an organisation number");
	if (strcmp(action, "set") == 0 && run->types == NULL)
		return say_usage(&verb_party, "set: expected --types");
	return -1;
}

static int
party_run(int argc, char **argv)
{
	struct party_run run = {0};
	const struct option_row rows[] = {{"--types", &run.types, NULL},
	    {"--form", &run.form, NULL}, {"--state", &run.state, NULL},
	    {"--stop-at-certificate-end", NULL, &run.stop_at_end},
	    {NULL, NULL, NULL}};
	struct why why;
	int leave =
	    arguments_read(&run.arguments, &verb_party, argc, argv, rows);
	int code;

	if (leave < 0)
		leave = party_check(&run);
	if (leave < 0)
		leave = arguments_client(&run.arguments, &run.client);
	if (leave >= 0)
		return leave;
	if (strcmp(run.arguments.operands[0], "coverage") == 0) {
		leave = coverage(&run);
		goto out;
	}
	if (strcmp(run.arguments.operands[0], "set") == 0)
		code = set(&run, &why);
	else
		code = show(&run, &why);
	if (code != 0) {
		leave = client_say_failure(&run.answer, &why);
	} else {
		say_object(run.answer.json == NULL
			       ? json_object()
			       : json_incref(run.answer.json));
		leave = LEAVE_DONE;
	}
out:
	client_answer_clear(&run.answer);
	client_close(run.client);
	return leave;
}

const struct verb verb_party = {"party", party_run,
    "-c CLIENT.conf list | show ORG | coverage FILE... |\n"
    "       set ORG --types TYPE,... [--state new|proving|open|paused|closed]\n"
    "       [--form asice|zip] [--stop-at-certificate-end]",
    "Show mailboxes, and open, pause and close them",
    "list and set need the operator. A mailbox takes only the types that it\n"
    "has opened, and only while it has an active certificate (budstikke\n"
    "cert). One that is to open is proving until a probe is confirmed\n"
    "(budstikke probe).\n"
    "coverage reads documents of Enhetsregisteret (JSON, as its open API\n"
    "answers) and tells which of their organisations have no open mailbox:\n"
    "exit code 6 when there is one.\n"};
