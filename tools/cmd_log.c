/*
 * log - the relay's log, kept where the relay cannot change it: checkpoints,
 * keys, bundles of receipts, and that it only grew. verify(1) judges them.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/id.h"
#include "base/text.h"
#include "formats/checkpoint.h"
#include "formats/log_growth.h"
#include "formats/note.h"
#include "tools/arguments.h"
#include "tools/client.h"
#include "tools/file.h"
#include "tools/say.h"

#define NOTE_FILE_BYTES (256u << 10)

static const char *
text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text == NULL ? "" : text;
}

static void
say_line(const char *text)
{
	size_t size = strlen(text);

	fwrite(text, 1, size, stdout);
	if (size == 0 || text[size - 1] != '\n')
		fputc('\n', stdout);
}

/* One member of each log, or of the newest alone. */
static int
logs_show(struct client *client, const char *member, bool all)
{
	struct client_answer answer = {0};
	struct why why;
	json_t *item;
	size_t i;
	int leave = LEAVE_DONE;

	if (client_get(client, &answer, &why, "/v1/log") != 0) {
		leave = client_say_failure(&answer, &why);
	} else {
		const json_t *logs = json_object_get(answer.json, "logs");

		json_array_foreach(
		    logs, i, item) if (all || i + 1 == json_array_size(logs))
		    say_line(text_of(item, member));
	}
	client_answer_clear(&answer);
	return leave;
}

/* A bundle a line, of all evidence of a message that the caller may see. */
static int
bundles_show(struct client *client, const char *id)
{
	struct client_answer answer = {0};
	struct why why;
	json_t *item;
	size_t i;
	int leave = LEAVE_DONE;
	int code =
	    client_get(client, &answer, &why, "/v1/messages/%s/evidence", id);

	if (code != 0)
		leave = client_say_failure(&answer, &why);
	json_array_foreach(json_object_get(answer.json, "evidence"), i, item)
	{
		struct client_answer bundle = {0};

		if (leave != LEAVE_DONE)
			break;
		code = client_get(client, &bundle, &why,
		    "/v1/messages/%s/evidence/%s", id,
		    text_of(item, "position"));
		if (code != 0)
			leave = client_say_failure(&bundle, &why);
		else
			say_line(buf_text(&bundle.body));
		client_answer_clear(&bundle);
	}
	client_answer_clear(&answer);
	return leave;
}

/* ---- growth ---- */

/* The log of that origin. */
static json_t *
log_of(const json_t *answer, struct span origin)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(answer, "logs"), i,
	    item) if (span_is(origin, text_of(item, "origin"))) return item;
	return NULL;
}

/* From old, which is not empty, to what the log is now. */
static int
growth_ask(struct client *client, const json_t *log, uint64_t old,
    struct merkle_proof *proof, struct client_answer *answer, struct why *why)
{
	json_int_t epoch = json_integer_value(json_object_get(log, "epoch"));
	json_int_t size = json_integer_value(json_object_get(log, "size"));
	int code = client_get(client, answer, why,
	    "/v1/log/%lld/consistency?from=%llu&to=%lld", (long long)epoch,
	    (unsigned long long)old, (long long)size);

	return code != 0
		   ? code
		   : log_growth_proof_read(
			 json_object_get(answer->json, "proof"), proof, why);
}

static int
growth_write(const struct log_growth *growth)
{
	struct buf text;
	int leave = LEAVE_DONE;

	buf_init(&text, LOG_GROWTH_BYTES_MAX);
	if (log_growth_build(growth, &text))
		say_line(buf_text(&text));
	else
		leave = LEAVE_INTERNAL;
	buf_clear(&text);
	return leave;
}

static int
growth_show(
    struct client *client, struct span note, const struct checkpoint *old)
{
	struct client_answer logs = {0};
	struct client_answer proof = {0};
	struct log_growth growth = {.old_note = note};
	struct why why = {0};
	json_t *log = NULL;
	int leave;
	int code = client_get(client, &logs, &why, "/v1/log");

	if (code == 0)
		log = log_of(logs.json, old->origin);
	if (code != 0) {
		leave = client_say_failure(&logs, &why);
	} else if (log == NULL) {
		(void)why_set(&why, WHY_CRYPTO,
		    "the relay does not know the log of this checkpoint");
		say_failure(&why);
		leave = LEAVE_PROOF;
	} else if (old->size > 0 && growth_ask(client, log, old->size,
					&growth.proof, &proof, &why) != 0) {
		leave = client_say_failure(&proof, &why);
	} else {
		growth.new_note = span_text(text_of(log, "checkpoint"));
		leave = growth_write(&growth);
	}
	client_answer_clear(&proof);
	client_answer_clear(&logs);
	return leave;
}

/* ---- the verb ---- */

static int
growth_file(struct client *client, const char *path)
{
	struct checkpoint old;
	struct note note;
	struct buf text;
	struct why why;
	int leave = LEAVE_USAGE;

	buf_init(&text, NOTE_FILE_BYTES);
	if (file_read(path, &text, &why) == 0 &&
	    note_parse(buf_span(&text), &note, &why) == 0 &&
	    checkpoint_parse(note.text, &old, &why) == 0)
		leave = growth_show(client, buf_span(&text), &old);
	else
		say_failure(&why);
	buf_clear(&text);
	return leave;
}

static int
log_run(int argc, char **argv)
{
	struct arguments arguments;
	const struct option_row rows[] = {{NULL, NULL, NULL}};
	struct client *client;
	struct id id;
	int leave = arguments_read(&arguments, &verb_log, argc, argv, rows);
	size_t count = arguments.count;
	const char *what = leave < 0 && count > 0 ? arguments.operands[0] : "";
	const char *of = leave < 0 && count > 1 ? arguments.operands[1] : NULL;
	bool alone =
	    strcmp(what, "checkpoint") == 0 || strcmp(what, "key") == 0;
	bool bundle = strcmp(what, "bundle") == 0;

	if (leave >= 0)
		return leave;
	if ((!alone && !bundle && strcmp(what, "growth") != 0) ||
	    count != (alone ? 1u : 2u))
		return say_usage(&verb_log,
		    "expected checkpoint, key, bundle ID or growth FILE");
	if (bundle && !id_parse(of, &id))
		return say_usage(
		    &verb_log, "expected one message id (lower-case UUID)");
	leave = arguments_client(&arguments, &client);
	if (leave >= 0)
		return leave;
	if (alone)
		leave = logs_show(client, what, *what == 'k');
	else
		leave =
		    bundle ? bundles_show(client, of) : growth_file(client, of);
	client_close(client);
	return leave;
}

const struct verb verb_log = {"log", log_run,
    "-c CLIENT.conf checkpoint | key | bundle ID | growth FILE",
    "Keep what proves the relay's word",
    "  checkpoint   the newest signed checkpoint of the log\n"
    "  key          the public keys of its logs, a line each\n"
    "  bundle ID    receipts of a message with their proofs, a line each\n"
    "  growth FILE  from the checkpoint in FILE to the newest: that the log\n"
    "               only grew\n\n"
    "\"budstikke verify --log-key KEYS\" judges bundles and growth offline.\n"};
