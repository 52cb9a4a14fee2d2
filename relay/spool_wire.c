#include "relay/spool_wire.h"

#include "formats/json.h"
#include "formats/wire.h"

#include <stdlib.h>
#include <string.h>

static int
ended(const struct wire_in *in, const char *what, struct why *why)
{
	if (wire_end(in))
		return 0;
	return why_set(why, WHY_MALFORMED, "%s request", what);
}

static void
put_hash(struct buf *body, const uint8_t hash[SPOOL_HASH_SIZE])
{
	buf_add(body, hash, SPOOL_HASH_SIZE);
}

static void
get_hash(struct wire_in *in, uint8_t hash[SPOOL_HASH_SIZE])
{
	struct span bytes = wire_fixed(in, SPOOL_HASH_SIZE);
	if (bytes.size == SPOOL_HASH_SIZE)
		memcpy(hash, bytes.at, SPOOL_HASH_SIZE);
	else
		memset(hash, 0, SPOOL_HASH_SIZE);
}

/* ---- content ---- */

void
spool_wire_stage_build(struct buf *body, const struct spool_wire_stage *stage)
{
	wire_put_id(body, &stage->upload);
	buf_add_u32(body, stage->content);
	wire_put_text(body, stage->recipient);
	buf_add_u64(body, stage->offset);
	buf_add_u32(body, (uint32_t)stage->bytes.size);
}

int
spool_wire_stage_parse(
    struct span body, struct spool_wire_stage *out, struct why *why)
{
	struct wire_in in = wire_open(body);
	out->upload = wire_id(&in);
	out->content = wire_u32(&in);
	wire_chars(&in, out->recipient, sizeof out->recipient);
	out->offset = wire_u64(&in);
	out->bytes = wire_bytes(&in);
	return ended(&in, "stage", why);
}

static void
put_delivery(struct buf *body, const struct spool_delivery_new *delivery)
{
	wire_put_text(body, delivery->recipient);
	buf_add_u32(body, delivery->content);
	buf_add_u32(body, (uint32_t)delivery->rest.size);
	buf_add_u64(body, delivery->size);
	put_hash(body, delivery->proof_hash);
	buf_add_byte(body, (uint8_t)delivery->form);
	wire_put_text(body, delivery->suite);
	put_hash(body, delivery->certificate);
	buf_add_u32(body, delivery->seal);
	buf_add_u32(body, (uint32_t)delivery->deadline_count);
	for (size_t i = 0; i < delivery->deadline_count; i++) {
		wire_put_i64(body, delivery->deadlines[i].at_ms);
		buf_add_byte(body, (uint8_t)delivery->deadlines[i].kind);
		buf_add_byte(body, (uint8_t)delivery->deadlines[i].severity);
	}
	wire_put_i64(body, delivery->expires_ms);
	wire_put_i64(body, delivery->grace_ms);
}

void
spool_wire_accept_build(struct buf *body, const struct spool_accept *accept)
{
	wire_put_id(body, &accept->message);
	wire_put_id(body, &accept->upload);
	wire_put_text(body, accept->sender);
	put_hash(body, accept->key);
	put_hash(body, accept->fingerprint);
	wire_put_text(body, accept->type);
	wire_put_text(body, accept->version);
	wire_put_i64(body, accept->submitted_ms);
	wire_put_bool(body, accept->reference_required);
	wire_put_text(body, accept->missing_glyphs);
	wire_put_bytes(body, accept->metadata);
	wire_put_text(body, accept->minimised);
	buf_add_u32(body, (uint32_t)accept->delivery_count);
	for (size_t i = 0; i < accept->delivery_count; i++)
		put_delivery(body, &accept->deliveries[i]);
}

void
spool_wire_accept_rest_build(
    struct buf *body, const struct spool_accept *accept)
{
	for (size_t i = 0; i < accept->delivery_count; i++)
		buf_add_span(body, accept->deliveries[i].rest);
}

/* What a parsed acceptance points to. */
struct delivery_texts {
	char recipient[SPOOL_ORG_SIZE];
	char suite[SPOOL_WORD_SIZE];
	struct spool_deadline deadlines[SPOOL_DEADLINES_MAX];
};

struct accept_texts {
	char sender[SPOOL_ORG_SIZE];
	char type[SPOOL_TYPE_SIZE];
	char version[SPOOL_WORD_SIZE];
	char missing_glyphs[SPOOL_GLYPHS_SIZE];
	struct spool_delivery_new *deliveries;
	struct delivery_texts *texts;
};

static void
get_delivery(struct wire_in *in, struct spool_delivery_new *delivery,
    struct delivery_texts *texts)
{
	wire_chars(in, texts->recipient, sizeof texts->recipient);
	delivery->recipient = texts->recipient;
	delivery->content = wire_u32(in);
	delivery->rest.size = wire_u32(in); /* they stand at the end */
	delivery->size = wire_u64(in);
	get_hash(in, delivery->proof_hash);
	delivery->form = (enum spool_form)wire_u8(in);
	wire_chars(in, texts->suite, sizeof texts->suite);
	delivery->suite = texts->suite;
	get_hash(in, delivery->certificate);
	delivery->seal = wire_u32(in);
	uint32_t count = wire_count(in, 10);
	if (count > SPOOL_DEADLINES_MAX) {
		wire_fail(in);
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		texts->deadlines[i].at_ms = wire_i64(in);
		texts->deadlines[i].kind =
		    (enum spool_deadline_kind)wire_u8(in);
		texts->deadlines[i].severity = (enum spool_severity)wire_u8(in);
	}
	delivery->deadlines = texts->deadlines;
	delivery->deadline_count = count;
	delivery->expires_ms = wire_i64(in);
	delivery->grace_ms = wire_i64(in);
}

/* Bytes that a delivery takes at least: what wire_count() may trust. */
#define DELIVERY_LEAST 112

/* It goes into evidence as it is: nothing, or one JSON object. */
static bool
is_note(struct span text)
{
	struct json_bounds bounds = {SPOOL_NOTE_MAX, 8};
	json_t *value = NULL;
	bool good = text.size == 0 ||
		    json_object_read(text, &bounds, &value, NULL) == 0;
	json_decref(value);
	return good;
}

int
spool_wire_accept_parse(
    struct span body, struct spool_accept *out, void **take, struct why *why)
{
	struct accept_texts head;
	struct wire_in in = wire_open(body);
	*take = NULL;
	*out = (struct spool_accept){0};
	out->message = wire_id(&in);
	out->upload = wire_id(&in);
	wire_chars(&in, head.sender, sizeof head.sender);
	get_hash(&in, out->key);
	get_hash(&in, out->fingerprint);
	wire_chars(&in, head.type, sizeof head.type);
	wire_chars(&in, head.version, sizeof head.version);
	out->submitted_ms = wire_i64(&in);
	out->reference_required = wire_bool(&in);
	wire_chars(&in, head.missing_glyphs, sizeof head.missing_glyphs);
	out->metadata = wire_bytes(&in);
	struct span minimised = wire_text(&in);
	if (!is_note(minimised))
		wire_fail(&in);
	uint32_t count = wire_count(&in, DELIVERY_LEAST);
	if (in.failed || count == 0)
		return why_set(why, WHY_MALFORMED, "accept request");
	size_t size = sizeof head +
		      count * (sizeof *head.deliveries + sizeof *head.texts) +
		      minimised.size + 1;
	struct accept_texts *texts = calloc(1, size);
	if (texts == NULL)
		return why_set(why, WHY_NOMEM, "accept request");
	*texts = head;
	texts->deliveries = (struct spool_delivery_new *)(void *)(texts + 1);
	texts->texts =
	    (struct delivery_texts *)(void *)(texts->deliveries + count);
	for (uint32_t i = 0; i < count; i++)
		get_delivery(&in, &texts->deliveries[i], &texts->texts[i]);
	for (uint32_t i = 0; i < count; i++)
		texts->deliveries[i].rest =
		    wire_fixed(&in, texts->deliveries[i].rest.size);
	if (!wire_end(&in)) {
		free(texts);
		return why_set(why, WHY_MALFORMED, "accept request");
	}
	char *note = (char *)(texts->texts + count);
	memcpy(note, minimised.size ? minimised.at : (const uint8_t *)"",
	    minimised.size);
	out->minimised = note;
	out->sender = texts->sender;
	out->type = texts->type;
	out->version = texts->version;
	out->missing_glyphs = texts->missing_glyphs;
	out->deliveries = texts->deliveries;
	out->delivery_count = count;
	*take = texts;
	return 0;
}

/* ---- what becomes of it ---- */

void
spool_wire_delivery_build(
    struct buf *body, const struct spool_wire_delivery *delivery)
{
	wire_put_id(body, &delivery->message);
	wire_put_text(body, delivery->recipient);
	buf_add_u64(body, delivery->from);
	buf_add_u64(body, delivery->to);
	wire_put_i64(body, delivery->expires_ms);
}

int
spool_wire_delivery_parse(
    struct span body, struct spool_wire_delivery *out, struct why *why)
{
	struct wire_in in = wire_open(body);
	out->message = wire_id(&in);
	wire_chars(&in, out->recipient, sizeof out->recipient);
	out->from = wire_u64(&in);
	out->to = wire_u64(&in);
	out->expires_ms = wire_i64(&in);
	return ended(&in, "delivery", why);
}

void
spool_wire_receipt_build(struct buf *body, const struct spool_receipt *receipt)
{
	wire_put_id(body, &receipt->message);
	wire_put_text(body, receipt->recipient);
	buf_add_byte(body, (uint8_t)receipt->verdict);
	wire_put_bool(body, receipt->unproven);
	put_hash(body, receipt->proof_hash);
	wire_put_text(body, receipt->proof);
	wire_put_text(body, receipt->reference);
	wire_put_text(body, receipt->reason);
	wire_put_text(body, receipt->reason_text);
	wire_put_bool(body, receipt->permanent);
}

int
spool_wire_receipt_parse(
    struct span body, struct spool_wire_receipt *out, struct why *why)
{
	struct wire_in in = wire_open(body);
	struct spool_receipt *receipt = &out->receipt;
	receipt->message = wire_id(&in);
	wire_chars(&in, out->recipient, sizeof out->recipient);
	uint8_t verdict = wire_u8(&in);
	if (verdict < SPOOL_VERDICT_IMPORTED || verdict > SPOOL_VERDICT_OPENED)
		wire_fail(&in);
	receipt->verdict = (enum spool_verdict)verdict;
	receipt->unproven = wire_bool(&in);
	get_hash(&in, receipt->proof_hash);
	wire_chars(&in, out->proof, sizeof out->proof);
	wire_chars(&in, out->reference, sizeof out->reference);
	wire_chars(&in, out->reason, sizeof out->reason);
	wire_chars(&in, out->reason_text, sizeof out->reason_text);
	receipt->permanent = wire_bool(&in);
	receipt->recipient = out->recipient;
	receipt->proof = out->proof;
	receipt->reference = out->reference;
	receipt->reason = out->reason;
	receipt->reason_text = out->reason_text;
	return ended(&in, "receipt", why);
}

/* ---- mailboxes ---- */

void
spool_wire_mailbox_build(struct buf *body, const struct spool_mailbox_put *put)
{
	wire_put_text(body, put->recipient);
	buf_add_byte(body, (uint8_t)put->state);
	buf_add_byte(body, (uint8_t)put->form);
	wire_put_bool(body, put->stop_at_certificate_end);
	buf_add_u32(body, (uint32_t)put->type_count);
	for (size_t i = 0; i < put->type_count; i++)
		wire_put_text(body, put->types[i]);
}

int
spool_wire_mailbox_parse(
    struct span body, struct spool_wire_mailbox *out, struct why *why)
{
	struct wire_in in = wire_open(body);
	struct spool_mailbox_put *put = &out->put;
	wire_chars(&in, out->recipient, sizeof out->recipient);
	put->recipient = out->recipient;
	put->state = (enum spool_mailbox_state)wire_u8(&in);
	put->form = (enum spool_form)wire_u8(&in);
	put->stop_at_certificate_end = wire_bool(&in);
	put->without_probe = false; /* nobody can ask for that */
	uint32_t count = wire_count(&in, 4);
	if (count > SPOOL_TYPES_MAX)
		return why_set(why, WHY_MALFORMED, "mailbox request");
	for (uint32_t i = 0; i < count; i++) {
		wire_chars(&in, out->type_texts[i], sizeof out->type_texts[i]);
		out->types[i] = out->type_texts[i];
	}
	put->types = out->types;
	put->type_count = count;
	return ended(&in, "mailbox", why);
}

void
spool_wire_certificate_build(struct buf *body,
    const struct spool_certificate_add *add,
    const uint8_t answer_hash[SPOOL_HASH_SIZE])
{
	static const uint8_t none[SPOOL_HASH_SIZE];
	wire_put_text(body, add->recipient);
	put_hash(body, add->fingerprint);
	wire_put_bytes(body, add->der);
	wire_put_text(body, add->suite);
	buf_add_byte(body, (uint8_t)add->policy);
	wire_put_i64(body, add->valid_from_ms);
	wire_put_i64(body, add->valid_to_ms);
	put_hash(body, add->challenge_hash);
	wire_put_bytes(body, add->challenge);
	put_hash(body, answer_hash == NULL ? none : answer_hash);
}

int
spool_wire_certificate_parse(
    struct span body, struct spool_wire_certificate *out, struct why *why)
{
	struct wire_in in = wire_open(body);
	struct spool_certificate_add *add = &out->add;
	wire_chars(&in, out->recipient, sizeof out->recipient);
	add->recipient = out->recipient;
	get_hash(&in, add->fingerprint);
	add->der = wire_bytes(&in);
	wire_chars(&in, out->suite, sizeof out->suite);
	add->suite = out->suite;
	add->policy = (enum spool_policy)wire_u8(&in);
	add->valid_from_ms = wire_i64(&in);
	add->valid_to_ms = wire_i64(&in);
	get_hash(&in, add->challenge_hash);
	add->challenge = wire_bytes(&in);
	get_hash(&in, out->answer_hash);
	return ended(&in, "certificate", why);
}

/* ---- answers ---- */

void
spool_answer_build(struct buf *body, const struct spool_answer *answer)
{
	buf_add_u16(body, (uint16_t)-answer->code);
	wire_put_text(body, answer->text);
	wire_put_bool(body, answer->repeated);
	wire_put_bool(body, answer->fetched);
	wire_put_id(body, &answer->message);
	buf_add_byte(body, (uint8_t)answer->state);
	buf_add_u64(body, answer->staged);
	buf_add_u32(body, answer->refused);
	wire_put_bytes(body, answer->jws);
}

int
spool_answer_parse(struct span body, struct spool_answer *out, struct why *why)
{
	struct wire_in in = wire_open(body);
	out->code = -(int)wire_u16(&in);
	wire_chars(&in, out->text, sizeof out->text);
	out->repeated = wire_bool(&in);
	out->fetched = wire_bool(&in);
	out->message = wire_id(&in);
	uint8_t state = wire_u8(&in);
	if (state >= SPOOL_STATES)
		wire_fail(&in);
	out->state = (enum spool_state)state;
	out->staged = wire_u64(&in);
	out->refused = wire_u32(&in);
	out->jws = wire_bytes(&in);
	return wire_end(&in) ? 0
			     : why_set(why, WHY_MALFORMED, "answer of spool");
}

void
spool_checkpoint_build(
    struct buf *body, const struct spool_checkpoint *checkpoint)
{
	buf_add_u32(body, checkpoint->epoch);
	wire_put_bytes(body, checkpoint->note);
	wire_put_bytes(body, checkpoint->key);
}

int
spool_checkpoint_parse(
    struct span body, struct spool_checkpoint *out, struct why *why)
{
	struct wire_in in = wire_open(body);
	out->epoch = wire_u32(&in);
	out->note = wire_bytes(&in);
	out->key = wire_bytes(&in);
	return ended(&in, "checkpoint", why);
}

void
spool_wake_add(struct spool_wake *wake, const char *organisation)
{
	if (wake->all || organisation[0] == '\0')
		return;
	for (size_t i = wake->count; i > 0; i--)
		if (strcmp(wake->at[i - 1], organisation) == 0)
			return;
	if (wake->count == SPOOL_WIRE_WAKE_MAX) {
		wake->all = true;
		return;
	}
	size_t size = strnlen(organisation, SPOOL_ORG_SIZE - 1);
	memcpy(wake->at[wake->count], organisation, size);
	wake->at[wake->count++][size] = '\0';
}

void
spool_wake_build(struct buf *body, const struct spool_wake *wake)
{
	wire_put_bool(body, wake->all);
	buf_add_u32(body, (uint32_t)wake->count);
	for (size_t i = 0; i < wake->count; i++)
		wire_put_text(body, wake->at[i]);
}

int
spool_wake_parse(struct span body, struct spool_wake *out, struct why *why)
{
	struct wire_in in = wire_open(body);
	out->all = wire_bool(&in);
	out->count = wire_count(&in, 4);
	if (out->count > SPOOL_WIRE_WAKE_MAX) {
		out->count = 0;
		wire_fail(&in);
	}
	for (size_t i = 0; i < out->count; i++)
		wire_chars(&in, out->at[i], sizeof out->at[i]);
	return ended(&in, "wake", why);
}
