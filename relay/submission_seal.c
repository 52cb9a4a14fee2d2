/*
 * One content for each recipient: package writer -> digest -> seal -> bytes
 * gathered -> staged with spool, or sent whole with the accept when small.
 *
 * Memory: a message over INLINE_MAX is staged as it grows, and so is any when
 * INLINE_ALL is taken by others. What all big ones gather together stays under
 * about STAGING_MAX, what they have in flight (twice in memory: the ask and
 * the channel) under FLIGHT_MAX and a share for each; how many copies are
 * made at once is CONTENTS_MAX, of one organisation CONTENTS_EACH.
 */
#include "relay/submission_priv.h"

#include "base/clock.h"
#include "base/text.h"
#include "relay/digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#define INLINE_MAX (1u << 20)  /* sealed bytes that go with the accept */
#define INLINE_ALL (8u << 20)  /* the same of all messages together */
#define STAGING_MAX (4u << 20) /* gathered by all big messages together */
#define FLIGHT_MAX (6u << 20)  /* staged by all, not yet answered */
#define STAGE_LEAST (64u << 10)
#define STAGE_PIECE                                                            \
	(1u << 20)             /* gathered before it is staged: while spool    \
				  writes one, the next is made */
#define CONTENTS_MAX 128       /* of big messages, when it is not one alone */
#define CONTENTS_EACH 64       /* of these, one organisation's */
#define STAGE_OVER (72u << 10) /* what one piece of a body can add to it */
#define STAGE_MOST (4u << 20)  /* in one request */
#define REST_MAX                                                               \
	(8u << 20)       /* sealed bytes that go with the accept of a          \
			    message that was staged */
#define SEAL_ROOM 4096   /* of CMS around the bytes, in estimates */
#define STAGE_FRAME 256  /* of a stage's frame, besides the bytes */
#define PACKAGE_ROOM 512 /* of names and headers, a file, in estimates */

/* ---- certificates ---- */

struct sealer *
sealer_get(struct net *net, const uint8_t fingerprint[SPOOL_HASH_SIZE],
    struct span der, struct why *why)
{
	struct uploads *uploads = net->uploads;
	struct sealer *oldest = NULL;
	for (size_t i = 0; i < SEALERS_MAX; i++) {
		struct sealer *at = &uploads->sealers[i];
		if (at->certificate != NULL &&
		    memcmp(at->fingerprint, fingerprint, SPOOL_HASH_SIZE) ==
			0) {
			at->used_by++;
			at->last_use = ++uploads->uses;
			return at;
		}
		if (at->used_by == 0 &&
		    (oldest == NULL || at->last_use < oldest->last_use))
			oldest = at;
	}
	if (oldest == NULL) {
		(void)why_set(why, WHY_BUSY, "certificates in use");
		return NULL;
	}
	struct certificate *certificate;
	if (certificate_parse(der, &certificate, why) != 0)
		return NULL;
	certificate_free(oldest->certificate);
	oldest->certificate = certificate;
	memcpy(oldest->fingerprint, fingerprint, SPOOL_HASH_SIZE);
	oldest->used_by = 1;
	oldest->last_use = ++uploads->uses;
	return oldest;
}

void
sealer_put(struct sealer *sealer)
{
	if (sealer != NULL)
		sealer->used_by--;
}

void
sealers_clear(struct uploads *uploads)
{
	for (size_t i = 0; i < SEALERS_MAX; i++)
		certificate_free(uploads->sealers[i].certificate);
}

/* ---- staging ---- */

struct stage_ask {
	struct net *net;
	struct id submission;
	size_t content;
	uint64_t bytes;
};

static uint64_t
stage_share(const struct submission *s)
{
	uint64_t share =
	    STAGING_MAX /
	    (s->net->uploads->contents > 0 ? s->net->uploads->contents : 1);
	if (share > s->net->limits->stage_bytes)
		share = s->net->limits->stage_bytes;
	return share < STAGE_LEAST ? STAGE_LEAST : share;
}

static struct submission *
find(struct net *net, const struct id *id)
{
	struct submission *s;
	LIST_FOREACH (s, &net->uploads->running, entry)
		if (id_equal(&s->id, id))
			return s;
	return NULL;
}

static uint64_t
stage_least(const struct submission *s)
{
	uint64_t share = stage_share(s);
	return share < STAGE_PIECE ? share : STAGE_PIECE;
}

/* What one content may have in flight: a share, and while spool writes one
 * piece the next is made. */
static uint64_t
stage_ahead(const struct submission *s)
{
	uint64_t share = stage_share(s);
	uint64_t two = 2 * stage_least(s);
	return share > two ? share : two;
}

static bool
behind(const struct submission *s)
{
	if (s->stages_out > 0 && s->net->uploads->in_flight > FLIGHT_MAX)
		return true;
	for (size_t i = 0; i < s->contents_count; i++)
		if (s->contents[i].in_flight >= stage_ahead(s))
			return true;
	return false;
}

static void
staged(struct submission *s, struct content *content, uint64_t bytes,
    const struct spool_answer *answer)
{
	s->stages_out--;
	content->in_flight -= bytes;
	if (answer->code == WHY_FULL) {
		submission_refuse(s, problem_new(PROBLEM_STORE_FULL), 60);
		return;
	}
	if (answer->code != 0) {
		struct why why;
		(void)why_set(&why,
		    why_is_temporary(answer->code) ? answer->code : WHY_BUG,
		    "stage: %s", answer->text);
		submission_fail(s, &why);
		return;
	}
	if ((s->waiting & WAIT_STAGE_ROOM) != 0 && !behind(s))
		submission_waited(s, WAIT_STAGE_ROOM);
	else
		submission_proceed(s);
}

/* Others wait for room too, and nothing of their own may be left to wake them.
 */
static void
room_for_others(struct net *net)
{
	struct submission *s;
	LIST_FOREACH (s, &net->uploads->running, entry)
		if ((s->waiting & WAIT_STAGE_ROOM) != 0 && !behind(s))
			submission_waited(s, WAIT_STAGE_ROOM);
}

static void
on_staged(void *arg, int code, const struct spool_answer *answer,
    const struct why *why)
{
	struct stage_ask *ask = arg;
	struct submission *s = find(ask->net, &ask->submission);
	ask->net->uploads->in_flight -= ask->bytes;
	if (s != NULL && s->contents_count > ask->content) {
		if (code != 0) {
			s->stages_out--;
			submission_fail(s, why);
		} else {
			staged(
			    s, &s->contents[ask->content], ask->bytes, answer);
		}
	}
	room_for_others(ask->net);
	free(ask);
}

/* One request; takes the bytes. */
static bool
stage_piece(struct submission *s, struct content *content, struct buf *bytes)
{
	struct why why = {0};
	struct buf body;
	size_t size = bytes->size;
	struct spool_wire_stage request = {
	    .upload = s->id,
	    .content = (uint32_t)(content - s->contents),
	    .offset = content->staged,
	    .bytes = buf_span(bytes),
	};
	struct stage_ask *ask = malloc(sizeof *ask);
	if (ask == NULL) {
		submission_refuse(s, NULL, 1);
		return false;
	}
	*ask = (struct stage_ask){s->net, s->id, request.content, size};
	memcpy(request.recipient, content->recipient, sizeof request.recipient);
	buf_init(&body, STAGE_FRAME);
	spool_wire_stage_build(&body, &request);
	int code = net_ask_spool_take(
	    s->net, SPOOL_WIRE_STAGE, &body, bytes, on_staged, ask, NULL);
	buf_clear(&body);
	if (code != 0) {
		free(ask);
		(void)why_set(&why, code, "stage");
		submission_fail(s, &why);
		return false;
	}
	s->stages_out++;
	s->net->uploads->in_flight += size;
	content->staged += size;
	content->in_flight += size;
	return true;
}

static bool
stage(struct submission *s, struct content *content)
{
	struct buf *gathered = &content->gathered;
	while (gathered->size > STAGE_MOST) { /* a document given whole */
		struct buf piece;
		buf_init(&piece, STAGE_MOST);
		buf_add(&piece, gathered->at, STAGE_MOST);
		buf_drop(gathered, STAGE_MOST);
		bool good = stage_piece(s, content, &piece);
		buf_clear(&piece);
		if (!good)
			return false; /* refused: the content is gone */
	}
	if (!stage_piece(s, content, gathered))
		return false;
	if (behind(s))
		submission_wait(s, WAIT_STAGE_ROOM);
	return true;
}

/* Stage what a big message has gathered, when it is least bytes or more. */
static bool
relieve(struct submission *s, struct content *content, uint64_t least)
{
	return !s->big || content->gathered.size < least || stage(s, content);
}

static void
on_dropped(void *arg, int code, const struct spool_answer *answer,
    const struct why *why)
{
	(void)arg;
	(void)code;
	(void)answer;
	(void)why;
}

void
submission_stages_drop(struct submission *s)
{
	for (size_t i = 0; i < s->contents_count; i++) {
		struct content *content = &s->contents[i];
		if (content->staged == 0)
			continue;
		struct spool_wire_stage stage = {
		    .upload = s->id, .content = (uint32_t)i};
		memcpy(stage.recipient, content->recipient,
		    sizeof stage.recipient);
		struct buf body;
		buf_init(&body, 256);
		spool_wire_stage_build(&body, &stage);
		/* what cannot be told is swept by spool after staged_hours */
		(void)net_ask_spool(s->net, SPOOL_WIRE_STAGE_DROP,
		    buf_span(&body), on_dropped, NULL, NULL);
		buf_clear(&body);
	}
}

/* ---- the filters of one content ---- */

/* Sealed bytes come out. */
static int
on_sealed(void *context, struct span bytes, struct why *why)
{
	struct content *content = context;
	struct buf *gathered = &content->gathered;
	/* room made at once need not be made anew */
	if (gathered->capacity == 0 && content->s->big &&
	    stage_share(content->s) >= STAGE_PIECE)
		(void)buf_room(gathered, STAGE_PIECE + STAGE_OVER);
	buf_add_span(gathered, bytes);
	content->size += bytes.size;
	return buf_ok(gathered) ? 0 : why_set(why, WHY_NOMEM, "sealed bytes");
}

/* Package bytes go in: what is proved is their digest. */
static int
on_packaged(void *context, struct span bytes, struct why *why)
{
	struct content *content = context;
	if (EVP_DigestUpdate(content->digest, bytes.at, bytes.size) != 1)
		return why_set(why, WHY_NOMEM, "digest of the package");
	return seal_write(content->seal, bytes, why);
}

static int
content_begin(struct content *content, struct why *why)
{
	struct submission *s = content->s;
	struct package_facts facts = {
	    .form =
		content->form == SPOOL_FORM_ASICE ? PACKAGE_ASICE : PACKAGE_ZIP,
	    .message = s->id,
	    .type = s->profile->name,
	    .profile_version = s->profile->version,
	    .sender = s->caller->organisation,
	    .recipient = content->recipient,
	    .prepared_ms = s->began_ms,
	};
	const struct sink sink = {on_sealed, content};
	random_fill(facts.nonce, sizeof facts.nonce);
	content->digest = EVP_MD_CTX_new();
	if (content->digest == NULL ||
	    EVP_DigestInit_ex(content->digest, digest_sha256(), NULL) != 1)
		return why_set(why, WHY_NOMEM, "digest of the package");
	int code = seal_new(content->sealer->certificate, content->suite, &sink,
	    &content->seal, why);
	if (code == 0)
		code = package_writer_new(&facts, s->files, s->files_count,
		    &submission_sha256, on_packaged, content, &content->package,
		    why);
	return code;
}

/* ---- the files of the package ---- */

static void
file_document(struct submission *s, const char *name, const char *media_type,
    const struct buf *bytes)
{
	struct package_file *file = &s->files[s->files_count++];
	uint8_t digest[SPOOL_HASH_SIZE];
	*file = (struct package_file){
	    .name = name,
	    .role = PACKAGE_DOCUMENT,
	    .media_type = media_type,
	    .size = bytes->size,
	};
	(void)digest_make(buf_span(bytes), digest);
	hex_build(file->sha256, digest, sizeof digest);
}

static bool
file_part(struct submission *s, size_t index)
{
	const struct envelope_part *part = &s->envelope.parts[index];
	struct package_file *file = &s->files[s->files_count];
	const char *name = s->profile->payload_name;
	*file = (struct package_file){
	    .role = submission_part_is_payload(s, index) ? PACKAGE_PAYLOAD
		    : index == s->list_index ? PACKAGE_ATTACHMENT_LIST
					     : PACKAGE_ATTACHMENT,
	    .media_type = part->media_type,
	    .size = part->size,
	};
	memcpy(file->sha256, part->sha256, sizeof file->sha256);
	if (file->role != PACKAGE_PAYLOAD) {
		struct buf path;
		buf_init(&path, 4096);
		buf_add_text(&path, PACKAGE_ATTACHMENTS);
		buf_add_text(&path, part->filename);
		const char *text = buf_text(&path);
		s->file_names[index] = text == NULL ? NULL : strdup(text);
		buf_clear(&path);
		name = s->file_names[index];
	}
	file->name = name;
	s->files_count++;
	return name != NULL;
}

static bool
files_list(struct submission *s)
{
	size_t count = s->envelope.parts_count;
	s->files = calloc(count + SUBMISSION_DOCUMENTS, sizeof *s->files);
	s->file_names = calloc(count + 1, sizeof *s->file_names);
	if (s->files == NULL || s->file_names == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!file_part(s, i))
			return false;
		if (i == 0 && profile_structured(s->profile)) {
			file_document(
			    s, "document.pdf", "application/pdf", &s->pdf);
			file_document(s, "document.xhtml",
			    "application/xhtml+xml", &s->xhtml);
			if (s->xml.size > 0)
				file_document(s, "document.xml",
				    "application/xml", &s->xml);
			if (s->text.size > 0)
				file_document(s, "document.md", "text/markdown",
				    &s->text);
		}
	}
	return true;
}

/* ---- all recipients ---- */

static bool
done(struct submission *s, int code, const struct why *why)
{
	if (code == 0)
		return true;
	submission_fail(s, why);
	return false;
}

/* Copies that an organisation's big messages make now. */
static size_t
contents_of(const struct net *net, const struct caller *caller)
{
	const struct submission *s;
	size_t count = 0;
	LIST_FOREACH (s, &net->uploads->running, entry)
		if (s->big &&
		    strcmp(s->caller->organisation, caller->organisation) == 0)
			count += s->contents_count;
	return count;
}

/* Count it as whole or as big; false when too many are made already. */
static bool
room_take(struct submission *s)
{
	struct uploads *uploads = s->net->uploads;
	uint64_t each = s->envelope.bytes + s->pdf.size + s->xhtml.size +
			s->xml.size + s->text.size +
			PACKAGE_ROOM * (uint64_t)s->files_count;
	uint64_t all = each * s->contents_count;
	if (each <= INLINE_MAX && all <= INLINE_MAX &&
	    uploads->whole_bytes + all <= INLINE_ALL) {
		s->whole_bytes = all;
		uploads->whole_bytes += all;
		return true;
	}
	size_t own = contents_of(s->net, s->caller);
	if ((uploads->contents > 0 &&
		uploads->contents + s->contents_count > CONTENTS_MAX) ||
	    (own > 0 && own + s->contents_count > CONTENTS_EACH))
		return false;
	s->big = true;
	uploads->contents += s->contents_count;
	return true;
}

bool
submission_seal_begin(struct submission *s)
{
	struct why why = {0};
	if (!files_list(s)) {
		submission_refuse(s, NULL, 1);
		return false;
	}
	s->sealing = true;
	int code = 0;
	if (!room_take(s)) {
		submission_refuse(s, problem_new(PROBLEM_UNAVAILABLE), 1);
		return false;
	}
	uint64_t each = s->whole_bytes / s->contents_count;
	for (size_t i = 0; i < s->contents_count && code == 0; i++) {
		code = content_begin(&s->contents[i], &why);
		/* BER in pieces of 4 KiB adds a thousandth */
		if (!s->big)
			(void)buf_room(&s->contents[i].gathered,
			    (size_t)(each + each / 512) + SEAL_ROOM);
	}
	if (code == 0)
		code = submission_sign_ask(s, &why);
	return done(s, code, &why);
}

bool
submission_seal_whole(struct submission *s, struct span bytes)
{
	struct why why = {0};
	for (size_t i = 0; i < s->contents_count; i++) {
		struct content *content = &s->contents[i];
		int code = package_writer_whole(content->package, bytes, &why);
		if (!done(s, code, &why) ||
		    !relieve(s, content, stage_least(s)))
			return false;
	}
	return true;
}

bool
submission_seal_part_begin(struct submission *s)
{
	struct why why = {0};
	int code = 0;
	for (size_t i = 0; i < s->contents_count && code == 0; i++)
		code = package_writer_begin(s->contents[i].package, &why);
	return done(s, code, &why);
}

bool
submission_seal_data(struct submission *s, struct span bytes)
{
	struct why why = {0};
	for (size_t i = 0; i < s->contents_count; i++) {
		struct content *content = &s->contents[i];
		int code = package_writer_data(content->package, bytes, &why);
		if (!done(s, code, &why) ||
		    !relieve(s, content, stage_least(s)))
			return false;
	}
	return true;
}

bool
submission_seal_part_end(struct submission *s)
{
	struct why why = {0};
	int code = 0;
	for (size_t i = 0; i < s->contents_count && code == 0; i++)
		code = package_writer_end(s->contents[i].package, &why);
	return done(s, code, &why);
}

/* SHA-256("budstikke-proof-v1" || proof): what may be stored of the proof. */
static int
proof_take(struct content *content, struct why *why)
{
	static const char domain[] = "budstikke-proof-v1";
	uint8_t digest[SPOOL_HASH_SIZE];
	char text[sizeof domain - 1 + 2 * SPOOL_HASH_SIZE + 1];
	if (EVP_DigestFinal_ex(content->digest, digest, NULL) != 1)
		return why_set(why, WHY_NOMEM, "digest of the package");
	memcpy(text, domain, sizeof domain - 1);
	hex_build(text + sizeof domain - 1, digest, sizeof digest);
	bool good =
	    digest_make(span_of(text, sizeof text - 1), content->proof_hash);
	explicit_bzero(text, sizeof text);
	explicit_bzero(digest, sizeof digest);
	return good ? 0 : why_set(why, WHY_NOMEM, "digest of the package");
}

bool
submission_seal_finish(struct submission *s)
{
	struct why why = {0};
	for (size_t i = 0; i < s->contents_count; i++) {
		struct content *content = &s->contents[i];
		int code = package_writer_finish(content->package, &why);
		if (code == 0)
			code = seal_finish(content->seal, &why);
		if (code == 0)
			code = proof_take(content, &why);
		if (!done(s, code, &why))
			return false;
	}
	/* what goes with the accept must go into one request */
	uint64_t rest = 0;
	for (size_t i = 0; i < s->contents_count; i++)
		rest += s->contents[i].gathered.size;
	for (size_t i = 0; rest > REST_MAX && i < s->contents_count; i++)
		if (!relieve(s, &s->contents[i], 1))
			return false;
	s->sealing = false;
	return true;
}

void
submission_seal_clear(struct submission *s)
{
	if (s->big)
		s->net->uploads->contents -= s->contents_count;
	s->net->uploads->whole_bytes -= s->whole_bytes;
	s->whole_bytes = 0;
	s->big = false;
	s->sealing = false;
	submission_sign_cancel(s);
	for (size_t i = 0; i < s->contents_count; i++) {
		struct content *content = &s->contents[i];
		package_writer_free(content->package);
		seal_free(content->seal);
		EVP_MD_CTX_free(content->digest);
		sealer_put(content->sealer);
		buf_clear(&content->gathered);
	}
	free(s->contents);
	s->contents = NULL;
	s->contents_count = 0;
	for (size_t i = 0; s->file_names != NULL && i < s->envelope.parts_count;
	     i++)
		free(s->file_names[i]);
	free(s->file_names);
	s->file_names = NULL;
	free(s->files);
	s->files = NULL;
	s->files_count = 0;
}
