/*
 * probe - a message that says nothing about anybody, to a mailbox: once it has
 * been fetched, opened and confirmed with proof, the mailbox is open.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/text.h"
#include "formats/json.h"
#include "tools/arguments.h"
#include "tools/client.h"
#include "tools/file.h"
#include "tools/say.h"

#define PROBE_PART "attachment-1"
#define PROBE_FILE "proveforsendelse.txt"
#define PROBE_TYPE "text/plain"

static const char probe_text[] =
    "PRØVEFORSENDELSE\n"
    "\n"
    "Dette er en prøve av postkassen. Den gjelder ingen sak og ingen person.\n"
    "Når fagsystemet har hentet, åpnet og bekreftet den, er det vist at\n"
    "meldinger kommer fram. Den skal ikke arkiveres.\n";

/* NULL without memory. */
static json_t *
envelope_make(const char *recipient, struct why *why)
{
	char digest[DIGEST_TEXT_SIZE];
	uint8_t hash[32];

	if (digest_bytes(span_text(probe_text), hash, why) != 0)
		return NULL;
	hex_build(digest, hash, sizeof(hash));
	return json_pack("{s:s,s:[s],s:[{s:s,s:s,s:s,s:I,s:s}]}", "type",
	    "probe", "recipients", recipient, "parts", "name", PROBE_PART,
	    "filename", PROBE_FILE, "mediaType", PROBE_TYPE, "size",
	    (json_int_t)strlen(probe_text), "sha256", digest);
}

static int
probe_send(struct client *client, const char *recipient,
    struct client_answer *answer, struct why *why)
{
	char id[ID_TEXT_SIZE];
	char key[ID_TEXT_SIZE + 32];
	struct buf text;
	struct id own = id_new(clock_wall_ms());
	json_t *envelope = envelope_make(recipient, why);
	int code;

	if (envelope == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a probe");
	buf_init(&text, 64 * KIB);
	json_text_build(&text, envelope);
	json_decref(envelope);
	id_build(id, &own);
	snprintf(key, sizeof(key), "Idempotency-Key: %s", id);
	const struct client_part parts[] = {
	    {.name = "envelope",
		.media_type = "application/json",
		.bytes = buf_span(&text)},
	    {.name = PROBE_PART,
		.filename = PROBE_FILE,
		.media_type = PROBE_TYPE,
		.bytes = span_text(probe_text)}};
	code = client_do(client,
	    &(struct client_call){.method = "POST",
		.path = "/v1/probes",
		.headers = {key},
		.parts = parts,
		.parts_count = 2,
		.wait_seconds = 60},
	    answer, why);
	buf_clear(&text);
	return code;
}

static int
probe_run(int argc, char **argv)
{
	struct arguments arguments = {0};
	const struct option_row rows[] = {{NULL, NULL, NULL}};
	struct client *client;
	struct client_answer answer = {0};
	const char *id = "";
	struct why why;
	int leave = arguments_read(&arguments, &verb_probe, argc, argv, rows);

	if (leave < 0 &&
	    (arguments.count != 1 || !orgnr_valid(arguments.operands[0])))
		leave = say_usage(
		    &verb_probe, "ORG: expected an organisation number");
	if (leave < 0)
		leave = arguments_client(&arguments, &client);
	if (leave >= 0)
		return leave;
	if (probe_send(client, arguments.operands[0], &answer, &why) != 0) {
		leave = client_say_failure(&answer, &why);
	} else {
		json_unpack(answer.json, "{s?s}", "id", &id);
		say_result("%s sent to %s", id, arguments.operands[0]);
		say_object(json_incref(answer.json));
		leave = LEAVE_DONE;
	}
	client_answer_clear(&answer);
	client_close(client);
	return leave;
}

const struct verb verb_probe = {"probe", probe_run, "-c CLIENT.conf ORG",
    "Try a mailbox with a message about nobody",
    "For the operator. ORG is proving or open, and has an active certificate.\n"
    "A mailbox that is proving opens when the probe has been fetched and\n"
    "confirmed with proof; one that is not confirmed in time is an alarm.\n"};
