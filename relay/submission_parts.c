#include "relay/submission_priv.h"

#include "base/clock.h"
#include "base/text.h"
#include "formats/sniff.h"
#include "relay/digest.h"
#include "relay/scan_wire.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#define KEPT_ALL (6u << 20)  /* bytes of all payloads and lists */
#define KEPT_EACH (4u << 20) /* of these, one organisation's */

#define SCAN_GATHER_BYTES (64u << 10) /* of a file in one frame */
#define SCAN_ALONE_BYTES (32u << 10)  /* gathered up to here */
_Static_assert(SCAN_GATHER_BYTES <= SCAN_DATA_BYTES, "one frame");

static const struct envelope_part *
declared(const struct submission *s)
{
	return &s->envelope.parts[s->part.index];
}

static void
refuse_part(struct submission *s, enum problem_code code, const char *member,
    const char *expected)
{
	struct problem *problem = problem_new(code);
	char pointer[64];
	(void)snprintf(
	    pointer, sizeof pointer, "/parts/%zu%s", s->part.index, member);
	if (problem != NULL)
		problem_error(problem, ENVELOPE_PART, pointer, "%s", expected);
	submission_refuse(s, problem, 0);
}

/* ---- scan ---- */

struct verdict_ask {
	struct net *net;
	struct id submission; /* it may have gone when the verdict comes */
	uint64_t session;
	size_t part;
};

static struct submission *
find(struct net *net, const struct id *id)
{
	struct submission *s;
	LIST_FOREACH (s, &net->uploads->running, entry)
		if (id_equal(&s->id, id))
			return s;
	return NULL;
}

static bool
session_tell(struct submission *s, uint16_t type)
{
	struct buf body;
	buf_init(&body, 64);
	scan_session_build(&body, s->part.session);
	int code = channel_tell(s->part.scan->channel, type, buf_span(&body));
	buf_clear(&body);
	return code == 0;
}

static void
scan_gone(struct submission *s)
{
	struct why why;
	(void)why_set(&why, WHY_GONE, "the scan role has gone");
	submission_fail(s, &why);
}

/* False: no worker is there now. */
static bool
scan_begin(struct submission *s)
{
	const struct profile_attachments *rule = &s->profile->attachments;
	bool payload = submission_part_is_payload(s, s->part.index);
	struct role_peer *peer = role_peer_pick(s->net->role, ROLE_SCAN);
	struct buf body;
	if (peer == NULL || peer->channel == NULL)
		return false;
	const char *types[SCAN_TYPES_MAX];
	size_t count = 0;
	if (payload)
		types[count++] = s->profile->media_type;
	for (size_t i = 0;
	     !payload && i < rule->media_types_count && count < SCAN_TYPES_MAX;
	     i++)
		types[count++] = rule->media_types[i];
	s->part.session = ++s->net->uploads->sessions;
	const struct scan_begin begin = {
	    .session = s->part.session,
	    .declared = declared(s)->media_type,
	    .allowed = types,
	    .count = count,
	};
	buf_init(&body, 1u << 16);
	scan_begin_build(&body, &begin);
	bool sent = buf_ok(&body) && channel_tell(peer->channel, SCAN_BEGIN,
					 buf_span(&body)) == 0;
	buf_clear(&body);
	if (!sent)
		return false;
	s->part.scan = peer;
	s->part.scanned = true;
	buf_init(&s->part.scan_held, SCAN_GATHER_BYTES);
	return true;
}

void
submission_scan_again(struct submission *s)
{
	static const struct timeval soon = {0, 50000};
	if (scan_begin(s))
		submission_waited(s, WAIT_SCAN_PEER);
	else if (clock_mono_ms() >= s->wait_until_ms)
		scan_gone(s);
	else
		(void)evtimer_add(s->timer, &soon);
}

static void
scan_send(struct submission *s, struct span bytes)
{
	struct buf head;
	buf_init(&head, 64);
	scan_data_head_build(&head, s->part.session, (uint32_t)bytes.size);
	if (s->part.scan == NULL || !buf_ok(&head) ||
	    channel_tell_with(
		s->part.scan->channel, SCAN_DATA, buf_span(&head), bytes) != 0)
		scan_gone(s);
	buf_clear(&head);
}

/* What was gathered goes out: a frame for each small piece would wake the
 * worker for it. */
static void
scan_flush(struct submission *s)
{
	struct buf *held = &s->part.scan_held;
	if (held->size == 0 || s->state == SUBMISSION_REFUSED)
		return;
	if (buf_ok(held))
		scan_send(s, buf_span(held));
	else
		scan_gone(s);
	buf_reset(held);
}

static void
scan_data(struct submission *s, struct span bytes)
{
	struct buf *held = &s->part.scan_held;
	if (s->part.scan == NULL) {
		scan_gone(s);
		return;
	}
	while (bytes.size > 0 && s->state != SUBMISSION_REFUSED) {
		struct span piece = bytes;
		size_t room = SCAN_GATHER_BYTES - held->size;
		if (piece.size > room)
			piece.size = room;
		bytes.at += piece.size;
		bytes.size -= piece.size;
		if (held->size == 0 && piece.size >= SCAN_ALONE_BYTES) {
			scan_send(s, piece);
			continue;
		}
		buf_add_span(held, piece);
		if (held->size >= SCAN_ALONE_BYTES)
			scan_flush(s);
	}
	if (s->state != SUBMISSION_REFUSED &&
	    channel_unsent(s->part.scan->channel) > CHANNEL_HIGH_MARK)
		submission_wait(s, WAIT_SCAN_ROOM);
}

static void
verdict_apply(
    struct submission *s, size_t part, const struct scan_verdict *verdict)
{
	if (verdict->outcome == SCAN_CLEAN) {
		submission_proceed(s);
		return;
	}
	if (verdict->outcome == SCAN_FAILED) {
		struct why why;
		(void)why_set(&why, WHY_GONE, "scan: %s", verdict->detail);
		submission_fail(s, &why);
		return;
	}
	struct problem *problem = problem_new(PROBLEM_ATTACHMENT);
	char pointer[64];
	(void)snprintf(pointer, sizeof pointer, "/parts/%zu", part);
	for (unsigned bit = 1; problem != NULL && bit != 0; bit <<= 1)
		if ((verdict->reasons & bit) != 0)
			problem_error(problem, ENVELOPE_PART, pointer, "%s",
			    sniff_reason_text(bit));
	if (problem != NULL && problem_errors(problem) == 0)
		problem_error(problem, ENVELOPE_PART, pointer,
		    "a file without known malicious content");
	submission_refuse(s, problem, 0);
}

static void
on_verdict(
    void *arg, int code, const struct wire_frame *frame, const struct why *why)
{
	struct verdict_ask *ask = arg;
	struct submission *s = find(ask->net, &ask->submission);
	struct scan_verdict verdict;
	struct why wrong = {0};
	if (s != NULL) {
		s->scans_out--;
		if (code != 0)
			submission_fail(s, why);
		else if (frame->type != SCAN_VERDICT ||
			 scan_verdict_parse(frame->body, &verdict, &wrong) !=
			     0 ||
			 verdict.session != ask->session)
			scan_gone(s);
		else
			verdict_apply(s, ask->part, &verdict);
	}
	free(ask);
}

static void
scan_end(struct submission *s)
{
	struct buf body;
	scan_flush(s);
	if (s->state == SUBMISSION_REFUSED)
		return;
	struct verdict_ask *ask = malloc(sizeof *ask);
	if (ask == NULL || s->part.scan == NULL) {
		free(ask);
		scan_gone(s);
		return;
	}
	*ask =
	    (struct verdict_ask){s->net, s->id, s->part.session, s->part.index};
	buf_init(&body, 64);
	scan_session_build(&body, s->part.session);
	if (channel_ask(s->part.scan->channel, SCAN_END, 0, buf_span(&body),
		on_verdict, ask, NULL) == 0) {
		s->scans_out++;
	} else {
		free(ask);
		scan_gone(s);
	}
	buf_clear(&body);
	s->part.scanned = false;
	s->part.scan = NULL;
}

void
submissions_peer_taken(struct net *net, struct role_peer *peer)
{
	struct submission *s;
	struct submission *next;
	for (s = LIST_FIRST(&net->uploads->running); s != NULL; s = next) {
		next = LIST_NEXT(s, entry);
		if (s->part.scan == peer)
			submission_waited(s, WAIT_SCAN_ROOM);
	}
}

void
submissions_peer_left(struct net *net, struct role_peer *peer)
{
	struct submission *s;
	struct submission *next;
	for (s = LIST_FIRST(&net->uploads->running); s != NULL; s = next) {
		next = LIST_NEXT(s, entry);
		if (s->part.scan != peer)
			continue;
		s->part.scan = NULL;
		scan_gone(s);
	}
}

/* ---- parts ---- */

static bool
names_agree(struct submission *s, const char *name, const char *filename)
{
	if (s->part.index >= s->envelope.parts_count) {
		refuse_part(s, PROBLEM_PARTS, "",
		    "no more parts than the envelope names");
		return false;
	}
	const struct envelope_part *part = declared(s);
	if (name != NULL && strcmp(name, part->name) != 0) {
		refuse_part(s, PROBLEM_PARTS, "/name",
		    "the parts in the envelope's order");
		return false;
	}
	if (filename != NULL && part->filename != NULL &&
	    strcmp(filename, part->filename) != 0) {
		refuse_part(s, PROBLEM_PARTS, "/filename",
		    "the file name that the part has");
		return false;
	}
	return true;
}

static bool
digests_begin(struct submission *s)
{
	s->part.sha256 = EVP_MD_CTX_new();
	bool good = s->part.sha256 != NULL && EVP_DigestInit_ex(s->part.sha256,
						  digest_sha256(), NULL) == 1;
	if (good && s->sha512 != NULL) {
		s->part.sha512 = EVP_MD_CTX_new();
		good =
		    s->part.sha512 != NULL &&
		    EVP_DigestInit_ex(s->part.sha512, EVP_sha512(), NULL) == 1;
	}
	if (!good)
		submission_refuse(s, NULL, 1);
	return good;
}

/* Payloads and lists are held whole until they are rendered: all of them, and
 * those of one organisation, have a bound, but one alone always fits. */
static bool
kept_take(struct submission *s)
{
	struct uploads *uploads = s->net->uploads;
	const struct submission *other;
	uint64_t size = declared(s)->size;
	uint64_t own = 0;
	LIST_FOREACH (other, &uploads->running, entry)
		if (strcmp(other->caller->organisation,
			s->caller->organisation) == 0)
			own += other->kept_bytes;
	if ((uploads->kept_bytes > 0 &&
		uploads->kept_bytes + size > KEPT_ALL) ||
	    (own > 0 && own + size > KEPT_EACH)) {
		submission_refuse(s, problem_new(PROBLEM_UNAVAILABLE), 1);
		return false;
	}
	uploads->kept_bytes += size;
	s->kept_bytes += size;
	return true;
}

void
submission_kept_release(struct submission *s)
{
	s->net->uploads->kept_bytes -= s->kept_bytes;
	s->kept_bytes = 0;
}

void
submission_part_begin(
    struct submission *s, const char *name, const char *filename)
{
	if (s->state == SUBMISSION_REFUSED || !names_agree(s, name, filename) ||
	    !digests_begin(s))
		return;
	bool payload = submission_part_is_payload(s, s->part.index);
	s->part.open = true;
	s->part.size = 0;
	s->part.kept = (payload && profile_structured(s->profile)) ||
		       s->part.index == s->list_index;
	if (s->part.kept && !kept_take(s))
		return;
	if (s->part.kept && payload)
		return;
	if (!s->sealing && !s->dry_run && !submission_seal_begin(s))
		return;
	if (!s->dry_run && !submission_seal_part_begin(s))
		return;
	if (!s->part.kept && !scan_begin(s)) {
		s->wait_until_ms =
		    clock_mono_ms() + (int64_t)s->net->limits->role_wait_ms;
		submission_wait(s, WAIT_SCAN_PEER);
	}
}

void
submission_part_data(struct submission *s, struct span bytes)
{
	if (s->state == SUBMISSION_REFUSED || !s->part.open)
		return;
	s->part.size += bytes.size;
	if (s->part.size > declared(s)->size) {
		refuse_part(
		    s, PROBLEM_DIGEST, "/size", "no more bytes than declared");
		return;
	}
	if (EVP_DigestUpdate(s->part.sha256, bytes.at, bytes.size) != 1 ||
	    (s->part.sha512 != NULL &&
		EVP_DigestUpdate(s->part.sha512, bytes.at, bytes.size) != 1)) {
		submission_refuse(s, NULL, 1);
		return;
	}
	if (s->part.kept)
		buf_add_span(
		    s->part.index == s->list_index ? &s->list : &s->payload,
		    bytes);
	else
		scan_data(s, bytes);
	bool unsealed =
	    s->dry_run || (s->part.kept && s->part.index != s->list_index);
	if (s->state != SUBMISSION_REFUSED && !unsealed)
		(void)submission_seal_data(s, bytes);
}

static bool
digests_agree(struct submission *s)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	if (s->part.size != declared(s)->size) {
		refuse_part(
		    s, PROBLEM_DIGEST, "/size", "as many bytes as declared");
		return false;
	}
	if (EVP_DigestFinal_ex(s->part.sha256, digest, NULL) != 1) {
		submission_refuse(s, NULL, 1);
		return false;
	}
	hex_build(hex, digest, SPOOL_HASH_SIZE);
	if (strcmp(hex, declared(s)->sha256) != 0) {
		refuse_part(s, PROBLEM_DIGEST, "/sha256",
		    "the SHA-256 of the part's bytes");
		return false;
	}
	if (s->part.sha512 != NULL) {
		if (EVP_DigestFinal_ex(s->part.sha512, digest, NULL) != 1) {
			submission_refuse(s, NULL, 1);
			return false;
		}
		hex_build(s->sha512[s->part.index], digest, 64);
	}
	return true;
}

void
submission_part_end(struct submission *s)
{
	if (s->state == SUBMISSION_REFUSED || !s->part.open ||
	    !digests_agree(s))
		return;
	bool payload = s->part.kept && s->part.index != s->list_index;
	if (s->part.scanned)
		scan_end(s);
	if (s->state != SUBMISSION_REFUSED && !s->dry_run && !payload)
		(void)submission_seal_part_end(s);
	if (s->state == SUBMISSION_REFUSED)
		return;
	submission_part_clear(s);
	s->part.index++;
	if (payload)
		submission_render_ask(s);
}

void
submission_part_clear(struct submission *s)
{
	if (s->part.scanned && s->part.scan != NULL &&
	    s->part.scan->channel != NULL)
		(void)session_tell(s, SCAN_CANCEL);
	s->part.scanned = false;
	s->part.scan = NULL;
	s->part.open = false;
	buf_clear(&s->part.scan_held);
	EVP_MD_CTX_free(s->part.sha256);
	EVP_MD_CTX_free(s->part.sha512);
	s->part.sha256 = NULL;
	s->part.sha512 = NULL;
}
