/*
 * GET and HEAD /v1/mailbox/{recipient}/messages/{id}/content: the sealed
 * bytes, whole or one range (RFC 9110 section 14), from short looks at the
 * store.
 *
 * Before the first byte leaves, spool has recorded the hand-out; after an
 * answer was written out whole, spool is told which bytes it held.
 */
#include "relay/api.h"

#include "base/log.h"
#include "base/text.h"

#include <event2/event.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_BYTES SPOOL_CHUNK_SIZE
#define DIGEST_PIECES 16 /* hashed between two turns, by all that hash */

static unsigned digesting; /* answers whose digest is being made */

struct content {
	struct spool_delivery delivery;
	struct id id;
	char etag[ETAG_SIZE];
	uint64_t from; /* [from, to) is answered */
	uint64_t to;
	uint64_t at;
	bool partial;
	EVP_MD_CTX *digest; /* while Repr-Digest is being made */
	struct event *turn;
};

/* Filled and used up within one call: a slow client costs no buffer here. */
static uint8_t scratch[PIECE_BYTES];

static void
content_forget(struct api *api)
{
	struct content *content = api->own;

	EVP_MD_CTX_free(content->digest);
	if (content->turn) {
		event_free(content->turn);
		digesting--;
	}
}

/* ---- ranges ---- */

/*
 * A single range of bytes. 0: answer it; 1: there is none that we serve
 * (absent, another unit, several, malformed): answer all; -1: it holds no byte
 * of the content.
 */
static int
range_read(struct content *content, const char *text)
{
	uint64_t size = content->delivery.size;
	uint64_t first = 0;
	uint64_t last = size - 1;

	if (!text || strncmp(text, "bytes=", 6) != 0 || strchr(text, ','))
		return 1;
	text += 6;
	const char *dash = strchr(text, '-');
	if (!dash)
		return 1;
	struct span left = span_of(text, (size_t)(dash - text));
	struct span right = span_text(dash + 1);
	if (left.size == 0) { /* the last so many bytes */
		if (!number_parse(right, UINT64_MAX, &last))
			return 1;
		if (last == 0)
			return -1;
		first = last < size ? size - last : 0;
		last = size - 1;
	} else {
		if (!number_parse(left, UINT64_MAX, &first) ||
		    (right.size > 0 &&
			!number_parse(right, UINT64_MAX, &last)) ||
		    (right.size > 0 && last < first))
			return 1;
		if (first >= size)
			return -1;
		if (last >= size)
			last = size - 1;
	}
	content->from = first;
	content->to = last + 1;
	content->partial = true;
	return 0;
}

/* False after an answer: 416. */
static bool
range_choose(struct api *api, struct content *content)
{
	const char *same = http_field(api->request, "if-range");
	const char *range = http_field(api->request, "range");
	char text[64];

	content->from = 0;
	content->to = content->delivery.size;
	/* a date is never a strong validator here */
	if (http_head(api->request)->verb == HTTP_VERB_HEAD ||
	    (same && strcmp(same, content->etag) != 0))
		return true;
	if (range_read(content, range) >= 0)
		return true;
	(void)snprintf(
	    text, sizeof(text), "bytes */%" PRIu64, content->delivery.size);
	http_field_add(api->request, "Content-Range", text);
	problem_say(api->request, PROBLEM_RANGE, "header", "Range",
	    "a first byte before %" PRIu64, content->delivery.size);
	return false;
}

/* ---- bytes out ---- */

/* Up to a piece at an offset, into scratch; 0 on a failure. */
static size_t
piece_read(
    struct api *api, struct content *content, uint64_t offset, size_t most)
{
	struct why why = {0};
	size_t got = 0;
	int code = spool_view_begin(api->net->view, &why);

	if (code == 0)
		code = spool_view_content(api->net->view, &content->id,
		    content->delivery.recipient, offset, scratch,
		    most < PIECE_BYTES ? most : PIECE_BYTES, &got, &why);
	spool_view_end(api->net->view);
	if (code == 0 && got > 0)
		return got;
	log_event(LOG_ERROR, "content.broken",
	    LOGS("message", api->variables[1]), LOGN("offset", offset),
	    LOGS("error", code < 0 ? why.text : "the content ends early"));
	return 0;
}

static void
on_room(struct http_request *request, size_t room, void *arg)
{
	struct api *api = arg;
	struct content *content = api->own;

	/* a chunk at a time: what is left of the room is no reason to look at
	 * the store for the next one */
	(void)room;
	if (content->at < content->to) {
		uint64_t left = content->to - content->at;
		size_t got = piece_read(api, content, content->at,
		    left < PIECE_BYTES ? (size_t)left : PIECE_BYTES);
		if (got == 0) {
			http_answer_break(request);
			return;
		}
		content->at += got;
		http_answer_write(request, span_of(scratch, got));
	}
}

/* The bytes have left: spool counts them. Nobody waits for that. */
static void
on_told(void *arg, int code, const struct spool_answer *answer,
    const struct why *why)
{
	(void)arg;
	if (code == 0)
		code = answer->code;
	if (code < 0 && code != WHY_NOT_FOUND)
		log_event(LOG_WARNING, "content.not-counted",
		    LOGS("code", why_name(code)),
		    LOGS("error", why ? why->text : answer->text));
}

static void
on_answered(struct http_request *request, void *arg)
{
	struct api *api = arg;
	struct content *content = api->own;
	struct spool_wire_delivery fetched = {
	    .message = content->id, .from = content->from, .to = content->to};
	struct buf body;

	if (content->at == content->to && content->to > content->from) {
		memcpy(fetched.recipient, content->delivery.recipient,
		    sizeof(fetched.recipient));
		buf_init(&body, 256);
		spool_wire_delivery_build(&body, &fetched);
		if (net_ask_spool(api->net, SPOOL_WIRE_FETCHED, buf_span(&body),
			on_told, NULL, NULL) < 0)
			log_event(LOG_WARNING, "content.not-counted",
			    LOGS("code", "nomem"), LOGS("error", ""));
		buf_clear(&body);
	}
	api->calls.on_abort(request, arg); /* frees */
}

/* ---- the answer ---- */

static void
fields_add(struct api *api, struct content *content)
{
	char text[API_VARIABLE_SIZE + 40];

	http_field_add(api->request, "ETag", content->etag);
	http_field_add(api->request, "Accept-Ranges", "bytes");
	http_field_add(api->request, "Content-Type", "application/pkcs7-mime");
	(void)snprintf(text, sizeof(text), "attachment; filename=\"%s.cms\"",
	    api->variables[1]);
	http_field_add(api->request, "Content-Disposition", text);
	if (content->partial) {
		(void)snprintf(text, sizeof(text),
		    "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, content->from,
		    content->to - 1, content->delivery.size);
		http_field_add(api->request, "Content-Range", text);
	}
}

static void
content_answer(struct api *api)
{
	struct content *content = api->own;

	content->at = content->from;
	api->calls.on_room = on_room;
	if (http_head(api->request)->verb != HTTP_VERB_HEAD)
		api->calls.on_answered = on_answered;
	fields_add(api, content);
	http_answer_start(api->request, content->partial ? 206 : 200,
	    content->to - content->from);
}

static void
on_handed_out(struct api *api, const struct spool_answer *answer)
{
	struct why why = {.code = answer->code};

	if (answer->code == 0) {
		content_answer(api);
		return;
	}
	if (answer->code == WHY_NOT_FOUND || answer->code == WHY_STATE) {
		problem_send(api->request, answer->code == WHY_STATE
					       ? PROBLEM_RECALLED
					       : PROBLEM_ERASED);
		return;
	}
	(void)snprintf(why.text, sizeof(why.text), "%s", answer->text);
	api_fail(api, answer->code, &why);
}

static void
hand_out(struct api *api)
{
	struct content *content = api->own;
	struct spool_wire_delivery out = {.message = content->id};
	struct buf body;

	if (http_head(api->request)->verb == HTTP_VERB_HEAD) {
		/* no byte of the content leaves */
		if (content->delivery.state == SPOOL_RECALLED)
			problem_send(api->request, PROBLEM_RECALLED);
		else
			content_answer(api);
		return;
	}
	memcpy(
	    out.recipient, content->delivery.recipient, sizeof(out.recipient));
	buf_init(&body, 256);
	spool_wire_delivery_build(&body, &out);
	api_ask(api, SPOOL_WIRE_HAND_OUT, &body, on_handed_out);
	buf_clear(&body);
}

/* ---- Repr-Digest (RFC 9530), only where it is wanted ---- */

static void
digest_done(struct api *api, struct content *content)
{
	uint8_t digest[32];
	struct buf text;

	buf_init(&text, 128);
	buf_add_text(&text, "sha-256=:");
	if (EVP_DigestFinal_ex(content->digest, digest, NULL) == 1)
		base64_build(&text, span_of(digest, sizeof(digest)));
	buf_add_text(&text, ":");
	if (buf_text(&text))
		http_field_add(api->request, "Repr-Digest", buf_text(&text));
	buf_clear(&text);
	event_free(content->turn);
	content->turn = NULL;
	digesting--;
	hand_out(api);
}

/* Some pieces at a time, so that others are served meanwhile. */
static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct api *api = arg;
	struct content *content = api->own;

	(void)fd;
	(void)what;
	/* however many want digests: others are served meanwhile */
	unsigned most = DIGEST_PIECES / digesting;
	for (unsigned i = 0; i < most + 1; i++) {
		if (content->at == content->delivery.size) {
			digest_done(api, content);
			return;
		}
		size_t got = piece_read(api, content, content->at, PIECE_BYTES);
		if (got == 0 ||
		    EVP_DigestUpdate(content->digest, scratch, got) != 1) {
			problem_send(api->request, PROBLEM_UNAVAILABLE);
			return;
		}
		content->at += got;
	}
	event_active(content->turn, EV_TIMEOUT, 0);
}

static bool
digest_begin(struct api *api, struct content *content)
{
	content->digest = EVP_MD_CTX_new();
	content->turn = event_new(api->net->base, -1, 0, on_turn, api);
	digesting += content->turn != NULL;
	if (!content->digest || !content->turn ||
	    EVP_DigestInit_ex(content->digest, EVP_sha256(), NULL) != 1) {
		problem_send(api->request, PROBLEM_UNAVAILABLE);
		return false;
	}
	event_active(content->turn, EV_TIMEOUT, 0);
	return true;
}

static bool
digest_wanted(const struct api *api)
{
	const char *want = http_field(api->request, "want-repr-digest");

	return want && strncmp(want, "sha-256", 7) == 0 &&
	       !strstr(want, "sha-256=0");
}

/* ---- beginning ---- */

/* The delivery, in content; false after an answer. */
static bool
delivery_find(struct api *api, struct content *content)
{
	if (!api_mailbox_allowed(api) ||
	    !api_delivery(api, &content->id, &content->delivery))
		return false;
	if (!(api->as & CALLER_RECIPIENT) &&
	    !spool_state_final(content->delivery.state)) {
		/* an operator must not make a waiting message look fetched */
		problem_say(api->request, PROBLEM_DELIVERY_STATE, "", "",
		    "a delivery with a final outcome");
		return false;
	}
	if (content->delivery.flags & SPOOL_FLAG_PURGED) {
		problem_send(api->request, PROBLEM_ERASED);
		return false;
	}
	return true;
}

void
api_mailbox_content(const struct call *call)
{
	struct api *api = api_new(call);
	struct content *content;

	if (!api)
		return;
	content = calloc(1, sizeof(*content));
	if (!content) {
		problem_send(api->request, PROBLEM_UNAVAILABLE);
		return;
	}
	api->own = content;
	api->forget = content_forget;
	if (!delivery_find(api, content))
		return;
	etag_build(content->etag, &content->delivery);
	bool recalled = content->delivery.state == SPOOL_RECALLED;
	if (!recalled && !range_choose(api, content))
		return;
	/* spool refuses what is recalled, and notes who asked */
	if (recalled || !digest_wanted(api))
		hand_out(api);
	else
		(void)digest_begin(api, content);
}
