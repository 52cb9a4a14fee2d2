#include "tools/upload.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "tools/say.h"

/* Ends when this long nothing got through, or it was begun this often. */
#define STALL_MS (60 * CLOCK_SECOND_MS)
#define BEGIN_MOST 5

struct upload {
	struct client *client;
	struct submission *submission;
	char key[160];  /* header field */
	char path[512]; /* of the upload */
	uint64_t offset;
	struct say_progress progress;
};

static void
on_moved(void *arg, uint64_t sent, uint64_t received)
{
	struct upload *upload = arg;

	(void)received;
	say_progress_at(&upload->progress, upload->offset + sent);
}

static int
begin(struct upload *upload, struct client_answer *answer, struct why *why)
{
	const char *at;
	int code = client_do(upload->client,
	    &(struct client_call){.method = "POST",
		.path = "/v1/uploads",
		.headers = {upload->key},
		.media_type = "application/json",
		.body = span_text(upload->submission->envelope)},
	    answer, why);

	if (code != 0)
		return code;
	/* a repeat of what is stored already: its receipt comes at once */
	if (json_object_get(answer->json, "receipt") != NULL) {
		upload->path[0] = '\0';
		return 0;
	}
	at = strstr(answer->location, "/v1/");
	if (at == NULL || strlen(at) >= sizeof(upload->path))
		return why_set(why, WHY_MALFORMED,
		    "the relay does not say where the upload is");
	snprintf(upload->path, sizeof(upload->path), "%s", at);
	upload->offset =
	    answer->upload_offset > 0 ? (uint64_t)answer->upload_offset : 0;
	return 0;
}

/* Where the relay is. */
static int
ask_offset(struct upload *upload, struct client_answer *answer, struct why *why)
{
	int code = client_do(upload->client,
	    &(struct client_call){.method = "HEAD", .path = upload->path},
	    answer, why);

	if (code != 0)
		return code;
	if (answer->upload_offset < 0 ||
	    (uint64_t)answer->upload_offset > upload->submission->size)
		return why_set(why, WHY_MALFORMED,
		    "the relay does not say how far the upload is");
	upload->offset = (uint64_t)answer->upload_offset;
	return 0;
}

static int
go_on(struct upload *upload, struct client_answer *answer, struct why *why)
{
	char offset[64];

	snprintf(offset, sizeof(offset), "Upload-Offset: %llu",
	    (unsigned long long)upload->offset);
	return client_do(upload->client,
	    &(struct client_call){.method = "PATCH",
		.path = upload->path,
		.headers = {offset, upload->key},
		.media_type = "application/offset+octet-stream",
		.source = submission_source(upload->submission),
		.from_offset = upload->offset,
		.arg = upload,
		.moved = on_moved,
		.wait_seconds = 60,
		.once = true},
	    answer, why);
}

/* One upload from where it is to its end, over cut connections. WHY_NOT_FOUND
 * when the relay has forgotten it. */
static int
carry(struct upload *upload, struct client_answer *answer, struct why *why)
{
	int64_t moved_ms = clock_mono_ms();
	uint64_t before = upload->offset;

	for (;;) {
		struct why asked;
		int code = go_on(upload, answer, why);

		if (code == 0 && answer->status == 201)
			return 0;
		/* 409: it stands elsewhere than we think */
		if (code != 0 && !answer->passing &&
		    strcmp(answer->problem, "upload-offset-wrong") != 0)
			return code;
		if (client_stopped())
			return code;
		client_answer_clear(answer);
		code = ask_offset(upload, answer, &asked);
		if (code != 0) {
			*why = asked;
			return code;
		}
		if (upload->offset > before)
			moved_ms = clock_mono_ms();
		before = upload->offset;
		if (clock_mono_ms() - moved_ms > STALL_MS)
			return why_set(why, WHY_GONE,
			    "nothing got through for %d s",
			    (int)(STALL_MS / CLOCK_SECOND_MS));
		client_answer_clear(answer);
		nanosleep(&(struct timespec){0, 200000000}, NULL);
	}
}

int
upload_send(struct client *client, struct submission *submission,
    const char *key, struct client_answer *answer, struct why *why)
{
	struct upload upload = {.client = client, .submission = submission};
	int code = WHY_BUG;

	snprintf(upload.key, sizeof(upload.key), "Idempotency-Key: %s", key);
	say_progress_begin(&upload.progress, "sending", submission->size);
	for (int i = 0; i < BEGIN_MOST; i++) {
		code = begin(&upload, answer, why);
		if (code != 0 || upload.path[0] == '\0')
			break;
		client_answer_clear(answer);
		code = carry(&upload, answer, why);
		/* forgotten: its process died; the key keeps us from sending
		 * the message twice */
		if (code != WHY_NOT_FOUND || client_stopped())
			break;
		client_answer_clear(answer);
		say("the relay has forgotten the upload; beginning anew");
	}
	if (code == WHY_NOT_FOUND)
		code = why_set(why, WHY_GONE, "%s",
		    "the relay forgot the upload again and again");
	say_progress_end(&upload.progress);
	return code;
}
