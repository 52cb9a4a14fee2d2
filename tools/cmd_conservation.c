/*
 * conservation - the account of all deliveries that the relay signs: does it
 * hold (operator)?
 */
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "formats/json.h"
#include "tools/arguments.h"
#include "tools/client.h"
#include "tools/receipt.h"
#include "tools/say.h"

#define WAIT_SECONDS 600 /* a walk over a long log takes its time */

/* The object between the two dots; NULL when it is none. */
static json_t *
payload_of(const char *statement)
{
	static const struct json_bounds bounds = {RECEIPT_FILE_BYTES, 16};
	const char *first = strchr(statement, '.');
	const char *second = first == NULL ? NULL : strchr(first + 1, '.');
	struct buf text;
	json_t *payload = NULL;

	if (second == NULL)
		return NULL;
	buf_init(&text, RECEIPT_FILE_BYTES);
	if (base64url_parse(
		&text, span_of(first + 1, (size_t)(second - first - 1))))
		(void)json_object_read(
		    buf_span(&text), &bounds, &payload, NULL);
	buf_clear(&text);
	return payload;
}

/* ---- what it says ---- */

static json_int_t
count_of(const json_t *line, const char *name)
{
	return json_integer_value(json_object_get(line, name));
}

static void
line_show(const char *name, const json_t *line)
{
	json_int_t ended =
	    count_of(line, "imported") + count_of(line, "rejected") +
	    count_of(line, "expired") + count_of(line, "recalled");
	bool holds =
	    count_of(line, "accepted") == count_of(line, "waiting") + ended;

	say_result("%-7s %-20s accepted %lld = waiting %lld + imported %lld "
		   "(unproven %lld) + rejected %lld + expired %lld + recalled "
		   "%lld",
	    holds ? "holds" : "DIFFERS", name,
	    (long long)count_of(line, "accepted"),
	    (long long)count_of(line, "waiting"),
	    (long long)count_of(line, "imported"),
	    (long long)count_of(line, "unproven"),
	    (long long)count_of(line, "rejected"),
	    (long long)count_of(line, "expired"),
	    (long long)count_of(line, "recalled"));
}

static int
payload_show(const json_t *payload)
{
	const char *time = json_string_value(json_object_get(payload, "time"));
	bool holds = json_is_true(json_object_get(payload, "holds"));
	json_t *line;
	size_t i;

	say_result("%s of epoch %lld up to entry %lld, %lld gaps",
	    time == NULL ? "" : time, (long long)count_of(payload, "epoch"),
	    (long long)count_of(payload, "size"),
	    (long long)count_of(payload, "gaps"));
	json_array_foreach(json_object_get(payload, "mailboxes"), i, line)
	{
		const char *recipient =
		    json_string_value(json_object_get(line, "recipient"));
		line_show(recipient == NULL ? "" : recipient, line);
	}
	line_show("in all", json_object_get(payload, "total"));
	return holds ? LEAVE_DONE : LEAVE_PROOF;
}

/* ---- asking ---- */

/* Until it is another one than before ("" for any). */
static int
statement_get(struct client *client, const char *before,
    struct client_answer *answer, struct why *why)
{
	for (unsigned waited = 0; waited < WAIT_SECONDS; waited++) {
		const char *statement;
		int code = client_get(client, answer, why, "/v1/conservation");
		if (code != 0)
			return code;
		statement = json_string_value(
		    json_object_get(answer->json, "statement"));
		if (statement != NULL && strcmp(statement, before) != 0)
			return 0;
		client_answer_clear(answer);
		*answer = (struct client_answer){0};
		(void)sleep(1);
	}
	return why_set(why, WHY_GONE, "no newer statement came");
}

static int
newer_get(struct client *client, struct client_answer *answer, struct why *why)
{
	struct client_answer old = {0};
	struct client_answer asked = {0};
	int code = statement_get(client, "", &old, why);

	if (code == 0)
		code = client_send(
		    client, "POST", NULL, &asked, why, "/v1/conservation");
	if (code == 0)
		code = statement_get(client,
		    json_string_value(json_object_get(old.json, "statement")),
		    answer, why);
	client_answer_clear(&asked);
	client_answer_clear(&old);
	return code;
}

static int
conservation_run(int argc, char **argv)
{
	bool now = false;
	struct arguments arguments;
	const struct option_row rows[] = {
	    {"--now", NULL, &now}, {NULL, NULL, NULL}};
	struct client_answer answer = {0};
	struct client *client;
	struct why why = {0};
	int leave =
	    arguments_read(&arguments, &verb_conservation, argc, argv, rows);

	if (leave < 0 && arguments.count > 0)
		leave = say_usage(&verb_conservation, "no operand is expected");
	if (leave < 0)
		leave = arguments_client(&arguments, &client);
	if (leave >= 0)
		return leave;
	int code = now ? newer_get(client, &answer, &why)
		       : statement_get(client, "", &answer, &why);
	const char *statement =
	    json_string_value(json_object_get(answer.json, "statement"));
	json_t *payload = code == 0 ? payload_of(statement) : NULL;
	if (payload != NULL) {
		leave = payload_show(payload);
		say_object(json_pack("{s:s,s:O}", "statement", statement,
		    "conservation", payload));
	} else {
		leave = client_say_failure(&answer, &why);
	}
	json_decref(payload);
	client_answer_clear(&answer);
	client_close(client);
	return leave;
}

const struct verb verb_conservation = {"conservation", conservation_run,
    "-c CLIENT.conf [--now]",
    "Show whether all that was accepted is accounted for (operator)",
    "  --now  have the log walked through now, not take the newest account\n\n"
    "Exit code 5: something is missing, or too much.\n"};
