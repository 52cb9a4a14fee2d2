/*
 * POST /v1/uploads: the envelope, and an upload for it; the same key again
 * finds the upload that is there.
 *
 * SECURITY: reads an envelope from the world, capped; submission_new() parses
 * it.
 */
#include "relay/upload_priv.h"

#include "base/clock.h"
#include "relay/body.h"
#include "relay/fair.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* A POST that still gathers its envelope. */
struct beginning {
	struct net *net;
	struct http_request *request;
	const struct caller *caller;
	struct buf envelope;
	char *key;
};

static void
beginning_free(struct beginning *b)
{
	buf_wipe(&b->envelope);
	free(b->key);
	free(b);
}

static void
on_upload_changed(void *arg)
{
	upload_look(arg);
}

static struct upload *
upload_new(struct beginning *b)
{
	struct upload *upload = calloc(1, sizeof *upload);
	if (upload == NULL)
		return NULL;
	const struct submission_ask ask = {
	    .caller = b->caller,
	    .key = span_text(b->key),
	    .envelope = buf_span(&b->envelope),
	    .changed = on_upload_changed,
	    .arg = upload,
	};
	upload->net = b->net;
	upload->caller = b->caller;
	upload->id = id_new(clock_wall_ms());
	upload->touched_ms = clock_mono_ms();
	buf_init(&upload->held, 4 * MIB);
	upload->submission = submission_new(b->net, &ask);
	if (upload->submission == NULL) {
		free(upload);
		return NULL;
	}
	LIST_INSERT_HEAD(&b->net->uploads->table->list, upload, entry);
	return upload;
}

static void
answer_created(struct http_request *request, const struct upload *upload)
{
	char location[64];
	char id[ID_TEXT_SIZE];
	id_build(id, &upload->id);
	(void)snprintf(location, sizeof location, "/v1/uploads/%s", id);
	http_field_add(request, "Location", location);
	upload_offsets_add(request, upload);
	net_answer_json(request, 201,
	    json_pack("{s:s,s:I}", "upload", id, "length",
		(json_int_t)submission_envelope(upload->submission)->bytes));
}

/* The same key again while its upload is here: the client lost its way to it.
 */
static struct upload *
upload_of_key(struct beginning *b)
{
	uint8_t key[SPOOL_HASH_SIZE];
	struct upload *upload;
	if (EVP_Digest(b->key, strlen(b->key), key, NULL, EVP_sha256(), NULL) !=
	    1)
		return NULL;
	struct submission *running = submission_running(b->net, b->caller, key);
	if (running == NULL)
		return NULL;
	LIST_FOREACH (upload, &b->net->uploads->table->list, entry)
		if (upload->submission == running)
			return upload;
	return NULL;
}

static bool
same_envelope(struct beginning *b, const struct upload *upload)
{
	struct envelope envelope;
	struct findings findings;
	struct buf canonical;
	uint8_t fingerprint[SPOOL_HASH_SIZE] = {0};
	findings_init(&findings, 1);
	bool same = envelope_parse(buf_span(&b->envelope), b->net->limits,
			&findings, &envelope, NULL) == 0;
	findings_clear(&findings);
	if (!same)
		return false;
	buf_init(&canonical, 8 * b->net->limits->envelope_bytes);
	envelope_canonical_build(&canonical, &envelope);
	envelope_clear(&envelope);
	same = buf_ok(&canonical) &&
	       EVP_Digest(canonical.at, canonical.size, fingerprint, NULL,
		   EVP_sha256(), NULL) == 1 &&
	       memcmp(fingerprint, upload->submission->fingerprint,
		   sizeof fingerprint) == 0;
	buf_clear(&canonical);
	return same;
}

static void
begin(struct beginning *b)
{
	struct http_request *request = b->request;
	struct upload *upload = upload_of_key(b);
	http_calls_set(request, NULL, NULL);
	if (upload != NULL) {
		if (same_envelope(b, upload))
			answer_created(request, upload);
		else
			problem_send(request, PROBLEM_KEY_CONFLICT);
		beginning_free(b);
		return;
	}
	if (!fair_upload_begin(b->net->fair, b->caller)) {
		beginning_free(b);
		problem_send(request, PROBLEM_RATE);
		return;
	}
	upload = upload_new(b);
	if (upload == NULL) {
		fair_upload_end(b->net->fair, b->caller);
		problem_send(request, PROBLEM_UNAVAILABLE);
	} else if (submission_state(upload->submission) == SUBMISSION_REFUSED ||
		   submission_state(upload->submission) ==
		       SUBMISSION_ACCEPTED) {
		upload_answer_ended(request, upload);
	} else {
		answer_created(request, upload);
	}
	beginning_free(b);
}

static void
on_envelope(struct http_request *request, struct span piece, void *arg)
{
	struct beginning *b = arg;
	(void)request;
	buf_add_span(&b->envelope, piece);
}

static void
on_envelope_end(struct http_request *request, void *arg)
{
	(void)request;
	begin(arg);
}

static void
on_envelope_abort(struct http_request *request, void *arg)
{
	(void)request;
	beginning_free(arg);
}

void
upload_post(const struct call *call)
{
	static const struct http_calls calls = {.on_body = on_envelope,
	    .on_end = on_envelope_end,
	    .on_abort = on_envelope_abort};
	const char *key =
	    body_is_json(call->request) ? submission_key(call) : NULL;
	if (key == NULL)
		return;
	struct beginning *b = calloc(1, sizeof *b);
	char *copy = strdup(key);
	if (b == NULL || copy == NULL) {
		free(b);
		free(copy);
		problem_send(call->request, PROBLEM_UNAVAILABLE);
		return;
	}
	b->net = call->net;
	b->request = call->request;
	b->caller = call->caller;
	b->key = copy;
	buf_init(&b->envelope, call->net->limits->envelope_bytes);
	http_calls_set(call->request, &calls, b);
	http_body_take(call->request, call->net->limits->envelope_bytes);
}
