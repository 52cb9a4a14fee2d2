/*
 * /v1/uploads: a submission that survives its connection. The envelope is the
 * body of the POST; the bytes of all parts, one after the other in the
 * envelope's order, come by PATCH. The last byte's PATCH is answered as POST
 * /v1/messages is.
 *
 * An upload lives in this process: it survives connections, not the net role.
 * A client that finds it gone begins again with the same key.
 *
 * SECURITY: passes foreign bytes on; offsets and sizes are checked here.
 */
#include "relay/submission_priv.h"

#include "base/clock.h"
#include "base/text.h"
#include "relay/body.h"
#include "relay/fair.h"
#include "relay/routes.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <jansson.h>

#define OFFSET_TYPE "application/offset+octet-stream"
#define SWEEP_S 60

struct upload {
	LIST_ENTRY(upload) entry;
	struct net *net;
	const struct caller *caller;
	struct id id;
	struct submission *submission;
	uint8_t key[SPOOL_HASH_SIZE];
	uint8_t fingerprint[SPOOL_HASH_SIZE];
	uint64_t offset; /* bytes taken */
	size_t part;     /* where in the envelope they ended */
	uint64_t part_offset;
	bool part_open;
	int64_t touched_ms; /* monotonic */
	/* the request that is bringing bytes; NULL between them */
	struct http_request *request;
	struct buf held;
	bool ended; /* of the request's body */
	bool all;   /* submission_end() was called */
};

LIST_HEAD(upload_list, upload);

struct upload_table {
	struct upload_list list;
	struct event *sweep;
};

/* A POST that still gathers its envelope. */
struct beginning {
	struct net *net;
	struct http_request *request;
	const struct caller *caller;
	struct buf envelope;
	char *key;
};

static void upload_look(struct upload *upload);

/* ---- life ---- */

static void
upload_free(struct upload *upload)
{
	fair_upload_end(upload->net->fair, upload->caller);
	submission_free(upload->submission);
	buf_wipe(&upload->held);
	LIST_REMOVE(upload, entry);
	free(upload);
}

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct net *net = arg;
	struct upload *upload;
	struct upload *next;
	int64_t most = (int64_t)net->limits->upload_hours * CLOCK_HOUR_MS;
	(void)fd;
	(void)what;
	for (upload = LIST_FIRST(&net->uploads->table->list); upload != NULL;
	     upload = next) {
		next = LIST_NEXT(upload, entry);
		if (upload->request == NULL &&
		    clock_mono_ms() - upload->touched_ms >= most)
			upload_free(upload);
	}
}

int
upload_table_open(struct net *net, struct why *why)
{
	static const struct timeval every = {SWEEP_S, 0};
	struct upload_table *table = calloc(1, sizeof *table);
	if (table == NULL)
		return why_set(why, WHY_NOMEM, "uploads");
	LIST_INIT(&table->list);
	net->uploads->table = table;
	table->sweep = event_new(net->base, -1, EV_PERSIST, on_sweep, net);
	if (table->sweep == NULL || event_add(table->sweep, &every) != 0)
		return why_set(why, WHY_NOMEM, "uploads");
	return 0;
}

void
upload_table_close(struct net *net)
{
	struct upload_table *table = net->uploads->table;
	if (table == NULL)
		return;
	while (!LIST_EMPTY(&table->list))
		upload_free(LIST_FIRST(&table->list));
	if (table->sweep != NULL)
		event_free(table->sweep);
	free(table);
	net->uploads->table = NULL;
}

/* ---- finding ---- */

/* One's own, or NULL after a 404. */
static struct upload *
upload_find(const struct call *call)
{
	struct id id;
	struct upload *upload = NULL;
	if (id_parse(call->variables[0], &id))
		LIST_FOREACH (upload, &call->net->uploads->table->list, entry)
			if (id_equal(&upload->id, &id))
				break;
	if (upload != NULL && strcmp(upload->caller->organisation,
				  call->caller->organisation) != 0) {
		net_deny(call->request, call->caller, call->variables[0]);
		return NULL;
	}
	if (upload == NULL)
		problem_send(call->request, PROBLEM_UPLOAD_UNKNOWN);
	return upload;
}

static void
offsets_add(struct http_request *request, const struct upload *upload)
{
	char text[32];
	(void)snprintf(text, sizeof text, "%" PRIu64, upload->offset);
	http_field_add(request, "Upload-Offset", text);
	(void)snprintf(text, sizeof text, "%" PRIu64,
	    submission_envelope(upload->submission)->bytes);
	http_field_add(request, "Upload-Length", text);
}

/* ---- POST: the envelope ---- */

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
	offsets_add(request, upload);
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
answer_ended(struct http_request *request, struct upload *take_upload)
{
	unsigned retry;
	struct submission *s = take_upload->submission;
	if (submission_state(s) == SUBMISSION_ACCEPTED) {
		struct buf answer;
		buf_init(&answer, WIRE_BODY_MAX);
		unsigned status = submission_answer(s, &answer);
		http_field_add(request, "Location", submission_location(s));
		upload_free(take_upload);
		net_answer_text(request, status, &answer);
		return;
	}
	struct problem *problem = submission_problem(s, &retry);
	upload_free(take_upload);
	if (retry > 0)
		problem_answer_later(request, problem, retry);
	else
		problem_answer(request, problem);
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
		answer_ended(request, upload);
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

/* ---- PATCH: bytes ---- */

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
	offsets_add(request, upload);
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

static void
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
		answer_ended(request, upload);
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
		offsets_add(request, upload);
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
		answer_ended(call->request, upload);
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

/* ---- HEAD and DELETE ---- */

void
upload_get(const struct call *call)
{
	struct upload *upload = upload_find(call);
	if (upload == NULL)
		return;
	offsets_add(call->request, upload);
	http_answer(call->request, 204, NULL, SPAN_NONE);
}

void
upload_delete(const struct call *call)
{
	struct upload *upload = upload_find(call);
	if (upload == NULL)
		return;
	if (upload->request != NULL || upload->all) {
		problem_send(call->request, PROBLEM_KEY_RUNNING);
		return;
	}
	upload_free(upload);
	http_answer(call->request, 204, NULL, SPAN_NONE);
}
