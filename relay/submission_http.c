/*
 * POST /v1/messages: a submission as multipart/form-data, the envelope first.
 *
 * SECURITY: reads foreign bytes through formats/multipart.
 */
#include "relay/submission_priv.h"

#include "formats/multipart.h"
#include "relay/fair.h"
#include "relay/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct post {
	struct net *net;
	struct http_request *request;
	const struct caller *caller;
	struct multipart *multipart;
	struct submission *submission; /* from the end of the envelope on */
	struct buf envelope;
	struct buf held; /* bytes that came while it was paused */
	bool in_envelope;
	bool seen_envelope;
	bool ended; /* on_end came */
	bool dry_run;
	bool share; /* an upload of the organisation's share is taken */
	char *key;
};

static void post_free(struct post *post);
static void post_look(struct post *post);

static void
on_changed(void *arg)
{
	post_look(arg);
}

static void
submission_begin(struct post *post)
{
	const struct submission_ask ask = {
	    .caller = post->caller,
	    .key = span_text(post->key),
	    .envelope = buf_span(&post->envelope),
	    .dry_run = post->dry_run,
	    .changed = on_changed,
	    .arg = post,
	};
	post->submission = submission_new(post->net, &ask);
	buf_clear(&post->envelope);
}

/* ---- multipart ---- */

/* Stop the parser when no more can be taken; the reason is in the state. */
static int
taken(struct post *post)
{
	if (post->submission == NULL ||
	    submission_state(post->submission) != SUBMISSION_RUNNING)
		multipart_pause(post->multipart);
	return 0;
}

static int
on_part_begin(void *context, const struct multipart_part *part, struct why *why)
{
	struct post *post = context;
	if (post->seen_envelope) {
		submission_part_begin(
		    post->submission, part->name, part->filename);
		return taken(post);
	}
	if (strcmp(part->name, ENVELOPE_PART) != 0)
		return why_set(
		    why, WHY_INVALID, "the envelope as the first part");
	post->in_envelope = true;
	return 0;
}

static int
on_part_data(void *context, struct span data, struct why *why)
{
	struct post *post = context;
	if (post->in_envelope) {
		buf_add_span(&post->envelope, data);
		if (!buf_ok(&post->envelope))
			return why_set(why, WHY_TOO_LARGE,
			    "the envelope is over the limit envelope_bytes");
		return 0;
	}
	submission_part_data(post->submission, data);
	return taken(post);
}

static int
on_part_end(void *context, struct why *why)
{
	struct post *post = context;
	if (!post->in_envelope) {
		submission_part_end(post->submission);
		return taken(post);
	}
	post->in_envelope = false;
	post->seen_envelope = true;
	submission_begin(post);
	if (post->submission == NULL)
		return why_set(why, WHY_NOMEM, "submission");
	return taken(post);
}

/* ---- the answer ---- */

static void
answer_problem(struct post *post, struct problem *take_problem, unsigned retry)
{
	struct http_request *request = post->request;
	post_free(post);
	http_calls_set(request, NULL, NULL);
	if (retry > 0)
		problem_answer_later(request, take_problem, retry);
	else
		problem_answer(request, take_problem);
}

static void
answer_why(struct post *post, const struct why *why)
{
	enum problem_code code = why->code == WHY_INVALID
				     ? PROBLEM_PARTS
				     : problem_of_why(why->code);
	struct problem *problem = problem_new(code);
	if (problem != NULL && problem_code_status(code) < 500)
		problem_error(problem, "body", "", "%s", why->text);
	answer_problem(post, problem, 0);
}

static void
answer_accepted(struct post *post)
{
	struct http_request *request = post->request;
	const char *location = submission_location(post->submission);
	struct buf answer;
	buf_init(&answer, WIRE_BODY_MAX);
	unsigned status = submission_answer(post->submission, &answer);
	if (location != NULL)
		http_field_add(request, "Location", location);
	post_free(post);
	http_calls_set(request, NULL, NULL);
	net_answer_text(request, status, &answer);
}

/* ---- bytes ---- */

/* Give the parser bytes; what it does not take is held. False: answered. */
static bool
push(struct post *post, struct span bytes)
{
	struct why why = {0};
	size_t used = 0;
	int code = multipart_push(post->multipart, bytes, &used, &why);
	/* what the submission says is more exact than that the parser ended */
	bool settled =
	    post->submission != NULL &&
	    (submission_state(post->submission) == SUBMISSION_REFUSED ||
		submission_state(post->submission) == SUBMISSION_ACCEPTED);
	if (code != 0 && !settled) {
		answer_why(post, &why);
		return false;
	}
	if (used < bytes.size && !settled)
		buf_add(&post->held, bytes.at + used, bytes.size - used);
	return true;
}

static void
finish(struct post *post)
{
	struct why why = {0};
	if (multipart_finish(post->multipart, &why) != 0) {
		struct problem *problem = problem_new(PROBLEM_TRUNCATED);
		if (problem != NULL)
			problem_error(problem, "body", "", "%s", why.text);
		answer_problem(post, problem, 0);
		return;
	}
	if (post->submission == NULL) {
		(void)why_set(
		    &why, WHY_INVALID, "the envelope as the first part");
		answer_why(post, &why);
		return;
	}
	submission_end(post->submission);
}

/* The submission's state may have changed: answer, or go on. */
static void
post_look(struct post *post)
{
	if (post->submission == NULL)
		return;
	unsigned retry = 0;
	switch (submission_state(post->submission)) {
	case SUBMISSION_REFUSED: {
		struct problem *problem =
		    submission_problem(post->submission, &retry);
		answer_problem(post, problem, retry);
		return;
	}
	case SUBMISSION_ACCEPTED:
		answer_accepted(post);
		return;
	case SUBMISSION_PAUSED:
		http_body_pause(post->request);
		return;
	case SUBMISSION_RUNNING:
		break;
	case SUBMISSION_WAITING:
	default:
		return;
	}
	multipart_resume(post->multipart);
	if (post->held.size > 0) {
		struct buf held = post->held;
		buf_init(&post->held, held.max);
		bool goes_on = push(post, buf_span(&held));
		buf_clear(&held);
		if (goes_on)
			post_look(post);
		return;
	}
	if (post->ended)
		finish(post);
	else
		http_body_resume(post->request);
}

static void
on_body(struct http_request *request, struct span piece, void *arg)
{
	struct post *post = arg;
	(void)request;
	if (post->held.size > 0) {
		/* came although paused: at most what was being read */
		buf_add_span(&post->held, piece);
		return;
	}
	if (push(post, piece))
		post_look(post);
}

static void
on_end(struct http_request *request, void *arg)
{
	struct post *post = arg;
	(void)request;
	post->ended = true;
	if (post->held.size > 0)
		return;
	if (post->submission == NULL) {
		finish(post);
		return;
	}
	if (submission_state(post->submission) == SUBMISSION_RUNNING)
		finish(post);
}

static void
on_abort(struct http_request *request, void *arg)
{
	(void)request;
	post_free(arg);
}

/* ---- beginning ---- */

static void
post_free(struct post *post)
{
	if (post->share)
		fair_upload_end(post->net->fair, post->caller);
	submission_free(post->submission);
	multipart_free(post->multipart);
	buf_wipe(&post->envelope);
	buf_wipe(&post->held);
	free(post->key);
	free(post);
}

static bool
boundary_read(
    struct http_request *request, char boundary[MULTIPART_BOUNDARY_MAX + 1])
{
	struct why why = {0};
	const char *type = http_field(request, "content-type");
	if (type == NULL) {
		problem_say(request, PROBLEM_MEDIA_TYPE, "header",
		    "Content-Type", "multipart/form-data");
		return false;
	}
	int code = multipart_boundary_parse(span_text(type), boundary, &why);
	if (code == 0)
		return true;
	problem_say(request,
	    code == WHY_INVALID ? PROBLEM_MEDIA_TYPE : PROBLEM_HEADER, "header",
	    "Content-Type", "%s", why.text);
	return false;
}

const char *
submission_key(const struct call *call)
{
	struct net *net = call->net;
	struct http_request *request = call->request;
	const char *key = http_field(request, "idempotency-key");
	if (key == NULL || key[0] == '\0') {
		problem_say(request, PROBLEM_KEY_MISSING, "header",
		    "Idempotency-Key",
		    "a key that is new for each message, e.g. a UUID");
		return NULL;
	}
	if (strlen(key) > net->limits->idempotency_key_bytes) {
		problem_say(request, PROBLEM_HEADER, "header",
		    "Idempotency-Key", "at most %llu bytes",
		    (unsigned long long)net->limits->idempotency_key_bytes);
		return NULL;
	}
	return key;
}

static struct post *
post_new(const struct call *call, const char *key, const char *boundary)
{
	const struct limits *limits = call->net->limits;
	struct why why = {0};
	struct post *post = calloc(1, sizeof *post);
	if (post == NULL)
		return NULL;
	const struct multipart_limits bounds = {
	    .parts = limits->parts_per_message + 1,
	    .header_bytes = limits->part_header_bytes,
	    .name_bytes = limits->part_name_bytes,
	    .filename_bytes = limits->filename_bytes,
	    .total_bytes = limits->message_bytes + limits->envelope_bytes,
	};
	const struct multipart_handler handler = {
	    on_part_begin, on_part_data, on_part_end, post};
	post->net = call->net;
	post->request = call->request;
	post->caller = call->caller;
	post->key = strdup(key);
	buf_init(&post->envelope, limits->envelope_bytes);
	buf_init(&post->held, 4 * MIB);
	if (post->key == NULL || multipart_new(boundary, &bounds, &handler,
				     &post->multipart, &why) != 0) {
		post_free(post);
		return NULL;
	}
	return post;
}

static bool
wants_dry_run(struct http_request *request, bool *dry_run)
{
	const char *text = http_query(request, "dry-run");
	*dry_run = text != NULL && strcmp(text, "1") == 0;
	if (text == NULL || *dry_run || strcmp(text, "0") == 0)
		return true;
	problem_say(request, PROBLEM_PARAMETER, "query", "dry-run", "0 or 1");
	return false;
}

void
submission_post(const struct call *call)
{
	static const struct http_calls calls = {
	    .on_body = on_body, .on_end = on_end, .on_abort = on_abort};
	char boundary[MULTIPART_BOUNDARY_MAX + 1];
	bool dry_run;
	if (!boundary_read(call->request, boundary) ||
	    !wants_dry_run(call->request, &dry_run))
		return;
	const char *key = dry_run ? "" : submission_key(call);
	if (key == NULL)
		return;
	if (!fair_upload_begin(call->net->fair, call->caller)) {
		problem_send(call->request, PROBLEM_RATE);
		return;
	}
	struct post *post = post_new(call, key, boundary);
	if (post == NULL) {
		fair_upload_end(call->net->fair, call->caller);
		problem_send(call->request, PROBLEM_UNAVAILABLE);
		return;
	}
	post->share = true;
	post->dry_run = dry_run;
	http_calls_set(call->request, &calls, post);
	/* framing adds to what the parts may be */
	http_body_take(
	    call->request, call->net->limits->message_bytes +
			       call->net->limits->envelope_bytes +
			       (call->net->limits->parts_per_message + 2) *
				   (call->net->limits->part_header_bytes +
				       2 * MULTIPART_BOUNDARY_MAX));
}
