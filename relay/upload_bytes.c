/*
 * PATCH /v1/uploads/{id}: the bytes of all parts, one after the other.
 *
 * SECURITY: passes foreign bytes on; offsets and sizes are checked here.
 */
#include "relay/upload_priv.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

#define OFFSET_TYPE "application/offset+octet-stream"

/* Take as much as the submission will; false when it will not take all. */
static size_t
upload_take(struct upload *upload, struct span bytes)
{
	struct submission *s = upload->submission;
	const struct envelope *envelope = submission_envelope(s);
	size_t used = 0;
	while (submission_state(s) == SUBMISSION_RUNNING &&
	       upload->part < envelope->parts_count) {
		uint64_t left =
		    envelope->parts[upload->part].size - upload->part_offset;
		if (!upload->part_open) {
			submission_part_begin(s, NULL, NULL);
			upload->part_open = true;
			continue;
		}
		if (left > 0) {
			size_t size = bytes.size - used;
			if (size == 0)
				break;
			if (size > left)
				size = (size_t)left;
			submission_part_data(s, span_of(bytes.at + used, size));
			used += size;
			upload->part_offset += size;
			upload->offset += size;
			continue;
		}
		submission_part_end(s);
		upload->part++;
		upload->part_offset = 0;
		upload->part_open = false;
	}
	if (submission_state(s) == SUBMISSION_RUNNING && !upload->all &&
	    upload->part == envelope->parts_count) {
		upload->all = true;
		submission_end(s);
	}
	return used;
}

static void
answer_progress(struct upload *upload)
{
	struct http_request *request = upload->request;
	upload->request = NULL;
	upload->touched_ms = clock_mono_ms();
	http_calls_set(request, NULL, NULL);
	upload_offsets_add(request, upload);
	http_answer(request, 204, NULL, SPAN_NONE);
}

static void
upload_push(struct upload *upload, struct span bytes)
{
	size_t used = upload_take(upload, bytes);
	enum submission_state state = submission_state(upload->submission);
	if (used < bytes.size &&
	    (state == SUBMISSION_PAUSED || state == SUBMISSION_RUNNING))
		buf_add(&upload->held, bytes.at + used, bytes.size - used);
}

void
upload_look(struct upload *upload)
{
	switch (submission_state(upload->submission)) {
	case SUBMISSION_REFUSED:
	case SUBMISSION_ACCEPTED: {
		struct http_request *request = upload->request;
		if (request == NULL)
			return; /* the next PATCH is told */
		upload->request = NULL;
		http_calls_set(request, NULL, NULL);
		upload_answer_ended(request, upload);
		return;
	}
	case SUBMISSION_PAUSED:
		if (upload->request != NULL)
			http_body_pause(upload->request);
		return;
	case SUBMISSION_RUNNING:
		break;
	case SUBMISSION_WAITING:
	default:
		return;
	}
	struct buf held = upload->held;
	buf_init(&upload->held, held.max);
	upload_push(upload, buf_span(&held));
	bool more = held.size > 0;
	buf_clear(&held);
	if (submission_state(upload->submission) != SUBMISSION_RUNNING) {
		if (more)
			upload_look(upload);
		return;
	}
	if (upload->request == NULL)
		return;
	if (upload->ended)
		answer_progress(upload);
	else
		http_body_resume(upload->request);
}

static void
on_bytes(struct http_request *request, struct span piece, void *arg)
{
	struct upload *upload = arg;
	upload->touched_ms = clock_mono_ms();
	if (upload->held.size > 0 ||
	    submission_state(upload->submission) == SUBMISSION_PAUSED) {
		/* at most what was being read: upload_look() goes on */
		buf_add_span(&upload->held, piece);
		http_body_pause(request);
		return;
	}
	upload_push(upload, piece);
	upload_look(upload);
}

static void
on_bytes_end(struct http_request *request, void *arg)
{
	struct upload *upload = arg;
	(void)request;
	upload->ended = true;
	/* parts without bytes are given by none */
	if (upload->held.size == 0)
		(void)upload_take(upload, SPAN_NONE);
	if (submission_state(upload->submission) == SUBMISSION_RUNNING &&
	    upload->held.size == 0) {
		/* parts of no bytes end without one */
		upload_push(upload, SPAN_NONE);
		upload_look(upload);
	}
}

/* The connection broke: what was taken stays. */
static void
on_bytes_abort(struct http_request *request, void *arg)
{
	struct upload *upload = arg;
	(void)request;
	upload->request = NULL;
	upload->touched_ms = clock_mono_ms();
	/* what was held was never counted: it comes again */
	buf_reset(&upload->held);
}

static bool
patch_is_good(const struct call *call, const struct upload *upload)
{
	struct http_request *request = call->request;
	const char *type = http_field(request, "content-type");
	const char *offset = http_field(request, "upload-offset");
	uint64_t value;
	if (type == NULL || strcmp(type, OFFSET_TYPE) != 0) {
		problem_say(request, PROBLEM_MEDIA_TYPE, "header",
		    "Content-Type", OFFSET_TYPE);
		return false;
	}
	if (offset == NULL ||
	    !number_parse(span_text(offset), INT64_MAX, &value)) {
		problem_say(request, PROBLEM_HEADER, "header", "Upload-Offset",
		    "where these bytes begin");
		return false;
	}
	if (upload->request != NULL) {
		problem_send(request, PROBLEM_KEY_RUNNING);
		return false;
	}
	if (value != upload->offset) {
		upload_offsets_add(request, upload);
		problem_say(request, PROBLEM_OFFSET, "header", "Upload-Offset",
		    "%" PRIu64, upload->offset);
		return false;
	}
	return true;
}

void
upload_patch(const struct call *call)
{
	static const struct http_calls calls = {.on_body = on_bytes,
	    .on_end = on_bytes_end,
	    .on_abort = on_bytes_abort};
	struct upload *upload = upload_find(call);
	if (upload == NULL)
		return;
	enum submission_state state = submission_state(upload->submission);
	if (upload->request == NULL &&
	    (state == SUBMISSION_REFUSED || state == SUBMISSION_ACCEPTED)) {
		upload_answer_ended(call->request, upload);
		return;
	}
	if (!patch_is_good(call, upload))
		return;
	upload->request = call->request;
	upload->ended = false;
	http_calls_set(call->request, &calls, upload);
	http_body_take(call->request,
	    submission_envelope(upload->submission)->bytes - upload->offset);
}
