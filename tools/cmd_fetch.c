/*
 * fetch - what a small municipality runs as its receiver: list, then each
 * message by itself, so that none stops another.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/text.h"
#include "tools/arguments.h"
#include "tools/fetch.h"
#include "tools/file.h"
#include "tools/receipt.h"
#include "tools/say.h"

#define KEY_BYTES (64u << 10)
#define TOLD_MAX 10000 /* messages named in the object of --json */
/* A message that failed is left alone for a while, longer each time. */
#define TROUBLES_MAX 1024
#define TROUBLE_FIRST_MS (30 * CLOCK_SECOND_MS)
#define TROUBLE_MOST_MS CLOCK_HOUR_MS
#define WATCH_SECONDS 50

struct trouble {
	char id[ID_TEXT_SIZE];
	int64_t next_ms;
	int64_t pause_ms;
};

struct fetch_run {
	struct arguments arguments;
	const char *out;
	const char *mailbox;
	const char *reject;
	const char *patience;
	bool watch;
	struct fetch fetch;
	struct certificate *certificates[CLIENT_FILE_SEALS];
	struct private_key *private_keys[CLIENT_FILE_SEALS];
	struct anchors *anchors;
	json_t *fetched;
	json_t *failed;
	size_t fetched_count;
	size_t failed_count;
	int last_failure;
	struct trouble troubles[TROUBLES_MAX];
	size_t troubles_count;
};

/* ---- getting ready ---- */

static int
key_load(struct fetch_run *run, const char *certificate_path,
    const char *key_path, struct why *why)
{
	size_t i = run->fetch.keys_count;
	struct buf pem;
	int code;

	buf_init(&pem, KEY_BYTES);
	code = file_read(certificate_path, &pem, why);
	if (code == 0)
		code = certificate_parse(
		    buf_span(&pem), &run->certificates[i], why);
	buf_clear(&pem);
	if (code == 0)
		code = private_key_load(key_path, &run->private_keys[i], why);
	if (code == 0)
		code = private_key_check_pair(
		    run->private_keys[i], run->certificates[i], why);
	run->fetch.keys[i] =
	    (struct open_key){run->certificates[i], run->private_keys[i]};
	run->fetch.keys_count++;
	return code;
}

static int
keys_load(struct fetch_run *run, struct why *why)
{
	const struct client_file *file = client_settings(run->fetch.client);
	const char *ca =
	    file->evidence_ca != NULL ? file->evidence_ca : file->ca;
	int code = 0;

	if (file->seal_key_count == 0)
		return why_set(why, WHY_INVALID,
		    "the client file names no seal-certificate and seal-key");
	for (size_t i = 0; code == 0 && i < file->seal_key_count; i++)
		code = key_load(
		    run, file->seal_certificates[i], file->seal_keys[i], why);
	if (code == 0 && ca != NULL)
		code = receipt_anchors(ca, &run->anchors, why);
	run->fetch.anchors = run->anchors;
	return code;
}

/* DIR and DIR/.part, held by one fetch at a time. */
static int
folders_open(struct fetch_run *run, struct why *why)
{
	struct fetch *fetch = &run->fetch;

	if (mkdir(run->out, 0700) != 0 && errno != EEXIST)
		return why_errno(why, "make %s", run->out);
	fetch->out_fd = open(run->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fetch->out_fd < 0)
		return why_errno(why, "open %s", run->out);
	if (mkdirat(fetch->out_fd, ".part", 0700) != 0 && errno != EEXIST)
		return why_errno(why, "make %s/.part", run->out);
	fetch->part_fd = openat(fetch->out_fd, ".part",
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fetch->part_fd < 0)
		return why_errno(why, "open %s/.part", run->out);
	if (flock(fetch->part_fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK
			   ? why_set(why, WHY_BUSY, "another fetch works in %s",
				 run->out)
			   : why_errno(why, "lock %s/.part", run->out);
	return 0;
}

/* ---- messages ---- */

static struct trouble *
trouble_find(struct fetch_run *run, const char *id)
{
	for (size_t i = 0; i < run->troubles_count; i++)
		if (strcmp(run->troubles[i].id, id) == 0)
			return &run->troubles[i];
	return NULL;
}

static void
trouble_note(struct fetch_run *run, const char *id)
{
	struct trouble *trouble = trouble_find(run, id);

	if (trouble == NULL) {
		/* full: the oldest entry makes room; it is only a pause */
		if (run->troubles_count == TROUBLES_MAX)
			memmove(&run->troubles[0], &run->troubles[1],
			    --run->troubles_count * sizeof(*trouble));
		trouble = &run->troubles[run->troubles_count++];
		*trouble = (struct trouble){.pause_ms = TROUBLE_FIRST_MS / 2};
		snprintf(trouble->id, sizeof(trouble->id), "%s", id);
	}
	trouble->pause_ms *= 2;
	if (trouble->pause_ms > TROUBLE_MOST_MS)
		trouble->pause_ms = TROUBLE_MOST_MS;
	trouble->next_ms = clock_mono_ms() + trouble->pause_ms;
}

static void
trouble_forget(struct fetch_run *run, const char *id)
{
	struct trouble *trouble = trouble_find(run, id);

	if (trouble != NULL)
		*trouble = run->troubles[--run->troubles_count];
}

static void
fetched_tell(struct fetch_run *run, const char *id)
{
	run->fetched_count++;
	say_result("%s imported: %s/%s", id, run->out, id);
	if (json_array_size(run->fetched) < TOLD_MAX)
		json_array_append_new(run->fetched,
		    json_pack("{s:s,s:s,s:s++}", "id", id, "state", "imported",
			"directory", run->out, "/", id));
}

static void
failed_tell(struct fetch_run *run, const char *id,
    const struct fetch_result *result, const struct why *why)
{
	json_t *object = client_failure_object(&result->answer, why);

	run->failed_count++;
	run->last_failure = why->code;
	say("budstikke: %s: %s (%s)%s", id, why->text, why_name(why->code),
	    result->confirmed  ? "; confirmed"
	    : result->stored   ? "; stored, not confirmed"
	    : result->rejected ? "; the relay has been told"
			       : "");
	json_object_set_new(object, "id", json_string(id));
	if (json_array_size(run->failed) < TOLD_MAX)
		json_array_append_new(run->failed, object);
	else
		json_decref(object);
}

static void
one(struct fetch_run *run, const char *id)
{
	struct trouble *trouble = trouble_find(run, id);
	struct fetch_result result;
	struct why why;
	int code;

	if (trouble != NULL && clock_mono_ms() < trouble->next_ms)
		return;
	code = fetch_message(&run->fetch, id, &result, &why);
	if (code == 0) {
		trouble_forget(run, id);
		fetched_tell(run, id);
	} else if (result.recalled) {
		trouble_forget(run, id);
		say("%s: the sender has taken it back", id);
	} else {
		trouble_note(run, id);
		failed_tell(run, id, &result, &why);
	}
	client_answer_clear(&result.answer);
}

/* One page; the cursor moves on. *more: there is another. */
static int
page(struct fetch_run *run, char *cursor, size_t size, unsigned wait_seconds,
    bool *more, struct client_answer *answer, struct why *why)
{
	char path[512];
	const char *next = NULL;
	const json_t *messages;
	json_t *item;
	size_t i;
	int code;

	snprintf(path, sizeof(path), "/v1/mailbox/%s/messages?wait=%u%s%s",
	    run->fetch.recipient, wait_seconds,
	    cursor[0] == '\0' ? "" : "&cursor=", cursor);
	code = client_do(run->fetch.client,
	    &(struct client_call){
		.method = "GET", .path = path, .wait_seconds = wait_seconds},
	    answer, why);
	if (code != 0)
		return code;
	messages = json_object_get(answer->json, "messages");
	json_unpack(answer->json, "{s?s}", "cursor", &next);
	if (!json_is_array(messages) ||
	    (next != NULL && strlen(next) >= size) ||
	    (next != NULL &&
		strspn(next, "0123456789.abcdefghijklmnopqrstuvwxyz"
			     "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-") != strlen(next)))
		return why_set(why, WHY_MALFORMED,
		    "the relay's list is not as documented");
	*more = json_is_true(json_object_get(answer->json, "more"));
	json_array_foreach(messages, i, item)
	{
		const char *id = json_string_value(
		    json_is_object(item) ? json_object_get(item, "id") : item);

		if (client_stopped())
			break;
		if (id != NULL)
			one(run, id);
	}
	if (next != NULL)
		snprintf(cursor, size, "%s", next);
	else
		*more = false;
	return 0;
}

/* All pages from the start to the end. */
static int
sweep(struct fetch_run *run, char *cursor, size_t size,
    struct client_answer *answer, struct why *why)
{
	bool more = false;
	int code;

	cursor[0] = '\0';
	do {
		code = page(run, cursor, size, 0, &more, answer, why);
		if (code != 0)
			return code;
		client_answer_clear(answer);
	} while (more && !client_stopped());
	return 0;
}

static bool
trouble_is_due(const struct fetch_run *run)
{
	for (size_t i = 0; i < run->troubles_count; i++)
		if (clock_mono_ms() >= run->troubles[i].next_ms)
			return true;
	return false;
}

/* Until a signal: wait at the relay for what is new, and go through everything
 * again when a message that failed may be tried once more. */
static int
watch(struct fetch_run *run, struct client_answer *answer, struct why *why)
{
	int64_t swept_ms = 0;
	char cursor[128];
	bool more = false;
	int code = 0;

	while (!client_stopped()) {
		if (swept_ms == 0 || trouble_is_due(run) || code != 0 ||
		    clock_mono_ms() - swept_ms > TROUBLE_MOST_MS) {
			code = sweep(run, cursor, sizeof(cursor), answer, why);
			swept_ms = clock_mono_ms();
		} else {
			code = page(run, cursor, sizeof(cursor), WATCH_SECONDS,
			    &more, answer, why);
		}
		if (code != 0 && !client_stopped()) {
			if (!why_is_temporary(code))
				return code;
			say("budstikke: %s; trying on", why->text);
			client_answer_clear(answer);
			nanosleep(&(struct timespec){5, 0}, NULL);
			continue;
		}
		client_answer_clear(answer);
	}
	return 0;
}

/* ---- the verb ---- */

static int
finish(struct fetch_run *run)
{
	say_object(
	    json_pack("{s:O,s:O,s:I,s:I}", "fetched", run->fetched, "failed",
		run->failed, "fetchedCount", (json_int_t)run->fetched_count,
		"failedCount", (json_int_t)run->failed_count));
	if (run->failed_count > 0)
		return LEAVE_PARTLY;
	if (run->fetched_count == 0)
		say("nothing waits");
	return LEAVE_DONE;
}

static int
work(struct fetch_run *run)
{
	struct client_answer answer = {0};
	char cursor[128];
	struct why why;
	int leave;
	int code = keys_load(run, &why);

	if (code == 0)
		code = folders_open(run, &why);
	if (code == WHY_BUSY) {
		say_failure(&why);
		return LEAVE_TEMPORARY;
	}
	if (code != 0) {
		say_failure(&why);
		return LEAVE_USAGE;
	}
	client_stoppable();
	if (run->watch)
		code = watch(run, &answer, &why);
	else
		code = sweep(run, cursor, sizeof(cursor), &answer, &why);
	if (code == 0)
		leave = finish(run);
	else
		leave = client_say_failure(&answer, &why);
	/* some messages are in, then the list broke off */
	if (code != 0 && run->fetched_count > 0)
		leave = LEAVE_PARTLY;
	client_answer_clear(&answer);
	return leave;
}

static void
clear(struct fetch_run *run)
{
	for (size_t i = 0; i < CLIENT_FILE_SEALS; i++) {
		certificate_free(run->certificates[i]);
		private_key_free(run->private_keys[i]);
	}
	anchors_free(run->anchors);
	json_decref(run->fetched);
	json_decref(run->failed);
	if (run->fetch.part_fd >= 0)
		close(run->fetch.part_fd);
	if (run->fetch.out_fd >= 0)
		close(run->fetch.out_fd);
	client_close(run->fetch.client);
}

static int
options_check(struct fetch_run *run)
{
	unsigned patience = CLIENT_PATIENCE_SECONDS;
	int leave = arguments_number(
	    &run->arguments, "--patience", run->patience, 86400, &patience);

	if (leave >= 0)
		return leave;
	run->fetch.patience_seconds = patience;
	run->fetch.out = run->out;
	if (run->out == NULL || run->arguments.count > 0)
		return say_usage(&verb_fetch, "expected --out DIR");
	if (run->fetch.reference != NULL &&
	    run->fetch.reference_command != NULL)
		return say_usage(&verb_fetch,
		    "expected one of --reference and --reference-command");
	if (run->fetch.reference != NULL && strlen(run->fetch.reference) > 256)
		return say_usage(&verb_fetch, "--reference: at most 256 bytes");
	if (run->reject == NULL || strcmp(run->reject, "temporary") == 0)
		run->fetch.reject = FETCH_REJECT_TEMPORARY;
	else if (strcmp(run->reject, "permanent") == 0)
		run->fetch.reject = FETCH_REJECT_PERMANENT;
	else if (strcmp(run->reject, "never") == 0)
		run->fetch.reject = FETCH_REJECT_NEVER;
	else
		return say_usage(&verb_fetch,
		    "--reject: expected temporary, permanent or never");
	return -1;
}

static int
fetch_run(int argc, char **argv)
{
	static struct fetch_run run = {.fetch = {.out_fd = -1, .part_fd = -1}};
	const struct option_row rows[] = {{"--out", &run.out, NULL},
	    {"--mailbox", &run.mailbox, NULL}, {"--watch", NULL, &run.watch},
	    {"--keep-sealed", NULL, &run.fetch.keep_sealed},
	    {"--reference", &run.fetch.reference, NULL},
	    {"--reference-command", &run.fetch.reference_command, NULL},
	    {"--reject", &run.reject, NULL},
	    {"--patience", &run.patience, NULL}, {NULL, NULL, NULL}};
	int leave =
	    arguments_read(&run.arguments, &verb_fetch, argc, argv, rows);

	if (leave < 0)
		leave = options_check(&run);
	if (leave < 0)
		leave = arguments_client(&run.arguments, &run.fetch.client);
	if (leave >= 0)
		return leave;
	client_patience_set(run.fetch.client, run.fetch.patience_seconds);
	run.fetch.recipient =
	    run.mailbox != NULL
		? run.mailbox
		: client_settings(run.fetch.client)->organisation;
	run.fetched = json_array();
	run.failed = json_array();
	if (run.fetch.recipient == NULL || !orgnr_valid(run.fetch.recipient))
		leave = say_usage(&verb_fetch,
		    "expected --mailbox, or organisation in the client file");
	else
		leave = work(&run);
	clear(&run);
	return leave;
}

const struct verb verb_fetch = {"fetch", fetch_run,
    "-c CLIENT.conf --out DIR [--watch] [--keep-sealed]\n"
    "       [--reference TEXT|--reference-command CMD] [--mailbox ORG]\n"
    "       [--reject temporary|permanent|never] [--patience S]",
    "Fetch, open, verify, store and confirm what waits in a mailbox",
    "  --out DIR       each whole message becomes DIR/ID/; unfinished work\n"
    "                  lies in DIR/.part/ and is gone on with\n"
    "  --watch         do not leave: wait for new messages\n"
    "  --keep-sealed   keep sealed.cms and package.zip too\n"
    "  --reference T   the archive or case reference to confirm with\n"
    "  --reference-command CMD\n"
    "                  run by the shell for each message; the first line that\n"
    "                  it prints is the reference. BUDSTIKKE_FOLDER,\n"
    "                  BUDSTIKKE_ID and BUDSTIKKE_TYPE tell it which message;\n"
    "                  when it fails the message is not confirmed\n"
    "  --mailbox ORG   default: the client file's organisation\n"
    "  --reject HOW    what the relay is told of a message that cannot be\n"
    "                  opened (temporary)\n"
    "  --patience S    seconds that passing failures are tried again (30)\n"
    "One message that fails never stops the others: exit status 6.\n"};
