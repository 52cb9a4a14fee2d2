/*
 * send - one message to one or more recipients.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "formats/json.h"
#include "tools/arguments.h"
#include "tools/client.h"
#include "tools/file.h"
#include "tools/receipt.h"
#include "tools/say.h"
#include "tools/submission.h"
#include "tools/upload.h"

/* Over this the message goes in pieces that can be resumed. */
#define WHOLE_BYTES (16 * MIB)

struct sending {
	struct arguments arguments;
	const char *to;
	const char *type;
	const char *key;
	const char *receipt; /* file */
	const char *reference;
	const char *language;
	const char *patience;
	bool dry_run;
	char own_key[ID_TEXT_SIZE];
	struct client *client;
	struct submission submission;
	struct client_answer answer;
	struct say_progress progress;
};

static void
on_moved(void *arg, uint64_t sent, uint64_t received)
{
	struct sending *sending = arg;

	(void)received;
	say_progress_at(&sending->progress, sent);
}

static int
send_whole(struct sending *sending, struct why *why)
{
	struct submission *submission = &sending->submission;
	struct client_part *parts =
	    calloc(submission->count + 1, sizeof(*parts));
	char key[192];
	int code;

	if (parts == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a request");
	parts[0] = (struct client_part){.name = "envelope",
	    .media_type = "application/json",
	    .bytes = span_text(submission->envelope)};
	for (size_t i = 0; i < submission->count; i++)
		parts[i + 1] = (struct client_part){
		    .name = submission->parts[i].name,
		    .filename = submission->parts[i].filename,
		    .media_type = submission->parts[i].media_type,
		    .source = submission_part_source(&submission->parts[i])};
	snprintf(key, sizeof(key), "Idempotency-Key: %s", sending->key);
	say_progress_begin(&sending->progress, "sending", submission->size);
	code = client_do(sending->client,
	    &(struct client_call){.method = "POST",
		.path = sending->dry_run ? "/v1/messages?dry-run=1"
					 : "/v1/messages",
		.headers = {key},
		.parts = parts,
		.parts_count = submission->count + 1,
		.arg = sending,
		.moved = on_moved,
		.wait_seconds = 60},
	    &sending->answer, why);
	say_progress_end(&sending->progress);
	free(parts);
	return code;
}

/* Where the receipt goes: receipts/ID.json beside the client file, or FILE. */
static char *
receipt_path(const struct sending *sending, const char *id)
{
	const char *folder = client_settings(sending->client)->folder;
	char *path;

	if (sending->receipt != NULL)
		return strdup(sending->receipt);
	if (asprintf(&path, "%s/receipts", folder) < 0)
		return NULL;
	if (mkdir(path, 0700) != 0 && errno != EEXIST) {
		free(path);
		return NULL;
	}
	free(path);
	return asprintf(&path, "%s/receipts/%s.json", folder, id) < 0 ? NULL
								      : path;
}

/* Save first, then verify: a receipt that is wrong is worth keeping too. */
static int
receipt_keep(const struct sending *sending, const char *id, const char *jws,
    struct why *why)
{
	const struct client_file *file = client_settings(sending->client);
	const char *ca =
	    file->evidence_ca != NULL ? file->evidence_ca : file->ca;
	char *path = receipt_path(sending, id);
	struct anchors *anchors = NULL;
	struct receipt receipt = {0};
	struct buf text;
	int code;

	buf_init(&text, CLIENT_ANSWER_BYTES);
	json_text_build(&text, sending->answer.json);
	buf_add_byte(&text, '\n');
	if (path == NULL || !buf_ok(&text))
		code = why_set(why, WHY_SYSTEM, "no place for the receipt");
	else
		code =
		    file_write_at(AT_FDCWD, path, buf_span(&text), 0600, why);
	if (code == 0 && ca != NULL) {
		code = receipt_anchors(ca, &anchors, why);
		if (code == 0)
			code = receipt_verify(
			    span_text(jws), anchors, &receipt, why);
		if (code == 0 && strcmp(receipt.message, id) != 0)
			code = why_set(why, WHY_CRYPTO,
			    "the receipt speaks of another message");
	}
	if (code == 0)
		say("receipt: %s%s", path,
		    ca == NULL ? " (not verified: no "
				 "ca in the client file)"
			       : " (verified)");
	receipt_clear(&receipt);
	anchors_free(anchors);
	buf_clear(&text);
	free(path);
	return code;
}

static int
tell(struct sending *sending)
{
	const char *id = NULL;
	const char *state = NULL;
	const char *jws = NULL;
	struct why why;
	int code;

	json_unpack(sending->answer.json, "{s?s,s?s,s?s}", "id", &id, "state",
	    &state, "receipt", &jws);
	if (sending->dry_run) {
		say_result("valid; nothing was stored");
		say_object(json_incref(sending->answer.json));
		return LEAVE_DONE;
	}
	if (id == NULL || state == NULL || jws == NULL ||
	    !id_parse(id, &(struct id){{0}})) {
		why_set(&why, WHY_MALFORMED,
		    "the relay's answer has no id, state or receipt");
		say_failure(&why);
		return LEAVE_INTERNAL;
	}
	code = receipt_keep(sending, id, jws, &why);
	if (code != 0) {
		say("budstikke: message %s is %s, but its receipt: %s", id,
		    state, why.text);
		say_object(json_incref(sending->answer.json));
		return say_leave(code);
	}
	say_result("%s %s", id, state);
	say_object(json_incref(sending->answer.json));
	return LEAVE_DONE;
}

/* One recipient: a number, or the name of a client file beside ours (the demo
 * has them). */
static int
recipient_add(struct sending *sending, const char *text, size_t size,
    struct buf *out, struct why *why)
{
	const char *folder = client_settings(sending->client)->folder;
	struct client_file other = {0};
	char *path = NULL;
	int code = 0;

	if (out->size > 0)
		buf_add_byte(out, ',');
	if (size > 0 && strspn(text, "0123456789") >= size) {
		buf_add(out, text, size);
		return 0;
	}
	if (size == 0 || size > 64 || memchr(text, '/', size) != NULL ||
	    asprintf(&path, "%s/%.*s.conf", folder, (int)size, text) < 0)
		return why_set(why, WHY_INVALID,
		    "--to: expected organisation numbers, separated by commas");
	code = client_file_read(path, &other, why);
	if (code == 0 && other.organisation != NULL)
		buf_add_text(out, other.organisation);
	else
		code = why_set(why, WHY_INVALID,
		    "--to: %.*s is neither an organisation number nor has %s "
		    "one",
		    (int)size, text, path);
	client_file_clear(&other);
	free(path);
	return code;
}

static int
recipients_resolve(struct sending *sending, struct buf *out, struct why *why)
{
	const char *text = sending->to;
	int code = 0;

	for (;;) {
		size_t size = strcspn(text, ",");

		code = recipient_add(sending, text, size, out, why);
		if (code != 0 || text[size] == '\0')
			return code;
		text += size + 1;
	}
}

static int
deliver(struct sending *sending)
{
	struct buf to;
	struct why why;
	int code = submission_open(&sending->submission,
	    sending->arguments.operands, sending->arguments.count, &why);
	int leave;

	buf_init(&to, 64 * KIB);
	if (code == 0)
		code = recipients_resolve(sending, &to, &why);
	if (code == 0)
		code = submission_describe(&sending->submission, sending->type,
		    buf_text(&to) == NULL ? "" : buf_text(&to),
		    sending->reference, sending->language, &why);
	buf_clear(&to);
	if (code != 0) {
		say_failure(&why);
		return code == WHY_SYSTEM || code == WHY_NOMEM ? LEAVE_INTERNAL
							       : LEAVE_USAGE;
	}
	if (sending->key == NULL) {
		struct id id = id_new(clock_wall_ms());

		id_build(sending->own_key, &id);
		sending->key = sending->own_key;
		say("key: %s (repeat with --key after a break)", sending->key);
	}
	if (sending->submission.size > WHOLE_BYTES && !sending->dry_run)
		code = upload_send(sending->client, &sending->submission,
		    sending->key, &sending->answer, &why);
	else
		code = send_whole(sending, &why);
	leave = code == 0 ? tell(sending)
			  : client_say_failure(&sending->answer, &why);
	client_answer_clear(&sending->answer);
	return leave;
}

static int
send_run(int argc, char **argv)
{
	struct sending sending = {0};
	const struct option_row rows[] = {{"--to", &sending.to, NULL},
	    {"--type", &sending.type, NULL}, {"--key", &sending.key, NULL},
	    {"--receipt", &sending.receipt, NULL},
	    {"--reference", &sending.reference, NULL},
	    {"--language", &sending.language, NULL},
	    {"--patience", &sending.patience, NULL},
	    {"--dry-run", NULL, &sending.dry_run}, {NULL, NULL, NULL}};
	unsigned patience = CLIENT_PATIENCE_SECONDS;
	int leave =
	    arguments_read(&sending.arguments, &verb_send, argc, argv, rows);

	if (leave < 0)
		leave = arguments_number(&sending.arguments, "--patience",
		    sending.patience, 86400, &patience);
	if (leave >= 0)
		return leave;
	if (sending.to == NULL || sending.type == NULL)
		return say_usage(&verb_send, "expected --to and --type");
	if (sending.arguments.count == 0)
		return say_usage(&verb_send, "expected PAYLOAD");
	if (sending.key != NULL && strlen(sending.key) > 128)
		return say_usage(&verb_send, "--key: at most 128 bytes");
	for (const char *c = sending.key; c != NULL && *c != '\0'; c++)
		if (*c < 0x21 || *c > 0x7e)
			return say_usage(
			    &verb_send, "--key: only visible ASCII characters");
	leave = arguments_client(&sending.arguments, &sending.client);
	if (leave >= 0)
		return leave;
	client_stoppable();
	client_patience_set(sending.client, patience);
	leave = deliver(&sending);
	submission_clear(&sending.submission);
	client_close(sending.client);
	return leave;
}

const struct verb verb_send = {"send", send_run,
    "-c CLIENT.conf --to RECIPIENT[,RECIPIENT] --type PROFILE [--key K]\n"
    "       [--receipt FILE] [--reference R] [--language L] [--dry-run]\n"
    "       [--patience S] PAYLOAD [ATTACHMENT...]",
    "Send a message and keep its signed receipt",
    "  --to R,...      organisation numbers of the recipients, or names of\n"
    "                  client files beside CLIENT.conf\n"
    "  --type PROFILE  message type, e.g. digisos-soknad or document\n"
    "  --key K         idempotency key: the same key never stores twice;\n"
    "                  made and printed when not given\n"
    "  --receipt FILE  where the receipt goes; default receipts/ID.json\n"
    "                  beside the client file\n"
    "  --reference R   the sender's own reference\n"
    "  --language L    language that documents are wanted in, e.g. nn\n"
    "  --patience S    seconds that passing failures are tried again (30)\n"
    "  --dry-run       only validate and render\n"
    "PAYLOAD is the structured payload or the main document. An attachment\n"
    "named vedlegg.json is the attachment list. Over 16 MiB the message\n"
    "goes in pieces that go on where they were after a broken connection.\n"};
