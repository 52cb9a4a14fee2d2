/*
 * render_wire - bodies of the net-render pair; see render_wire(7).
 *
 * SECURITY: reads bytes of a role that may have been taken over.
 */
#include "relay/render_wire.h"

#include "formats/wire.h"

#include <stdlib.h>
#include <string.h>

#define FILES_MAX 100000
#define FINDINGS_MAX 10000

static int
malformed(struct why *why, const char *what)
{
	return why_set(
	    why, WHY_MALFORMED, "a %s that breaks render_wire(7)", what);
}

/*
 * Texts of a body, ended by marks: room for all of them is one allocation of
 * the body's size, since each text is shorter than its length field and itself.
 */
struct texts {
	char *at;
	size_t used;
};

static const char *
texts_take(struct texts *texts, struct wire_in *in)
{
	struct span text = wire_text(in);
	char *at = texts->at + texts->used;

	memcpy(at, text.size ? text.at : (const uint8_t *)"", text.size);
	at[text.size] = '\0';
	texts->used += text.size + 1;
	return at;
}

/* ---- payload ---- */

void
render_request_build(struct buf *body, const struct render_request *request)
{
	const struct render_context *context = &request->context;

	wire_put_text(body, request->profile);
	wire_put_text(body, context->message);
	wire_put_text(body, context->sender);
	wire_put_text(body, context->sender_name);
	wire_put_text(body, context->recipient);
	wire_put_text(body, context->recipient_name);
	wire_put_text(body, context->reference);
	wire_put_text(body, context->language);
	wire_put_i64(body, context->received_ms);
	buf_add_u32(body, (uint32_t)context->files_count);
	for (size_t i = 0; i < context->files_count; i++) {
		wire_put_text(body, context->files[i].name);
		buf_add_u64(body, context->files[i].size);
	}
	wire_put_bytes(body, request->payload);
}

int
render_request_parse(
    struct span body, struct render_request *request, struct why *why)
{
	struct render_context *context = &request->context;
	struct wire_in in = wire_open(body);
	struct texts texts = {malloc(body.size + 16), 0};
	uint32_t count;

	*request = (struct render_request){.texts = texts.at};
	if (texts.at == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a request");
	request->profile = texts_take(&texts, &in);
	context->message = texts_take(&texts, &in);
	context->sender = texts_take(&texts, &in);
	context->sender_name = texts_take(&texts, &in);
	context->recipient = texts_take(&texts, &in);
	context->recipient_name = texts_take(&texts, &in);
	context->reference = texts_take(&texts, &in);
	context->language = texts_take(&texts, &in);
	context->received_ms = wire_i64(&in);
	count = wire_count(&in, 12);
	if (count > FILES_MAX)
		wire_fail(&in);
	else
		request->files = calloc(count + 1U, sizeof(request->files[0]));
	if (request->files == NULL && !in.failed) {
		render_request_clear(request);
		return why_set(why, WHY_NOMEM, "no memory for a request");
	}
	for (uint32_t i = 0; i < count && !in.failed; i++) {
		request->files[i].name = texts_take(&texts, &in);
		request->files[i].size = wire_u64(&in);
		context->files_count = i + 1;
	}
	context->files = request->files;
	request->payload = wire_bytes(&in);
	if (wire_end(&in))
		return 0;
	render_request_clear(request);
	return malformed(why, "payload request");
}

void
render_request_clear(struct render_request *request)
{
	free(request->files);
	free(request->texts);
	*request = (struct render_request){0};
}

/* ---- attachment list ---- */

void
render_list_request_build(
    struct buf *body, const struct render_list_request *request)
{
	wire_put_text(body, request->profile);
	buf_add_u32(body, (uint32_t)request->files_count);
	for (size_t i = 0; i < request->files_count; i++) {
		wire_put_text(body, request->files[i].name);
		wire_put_text(body, request->files[i].sha512);
	}
	wire_put_bytes(body, request->list);
}

int
render_list_request_parse(
    struct span body, struct render_list_request *request, struct why *why)
{
	struct wire_in in = wire_open(body);
	struct texts texts = {malloc(body.size + 16), 0};
	uint32_t count;

	*request = (struct render_list_request){.texts = texts.at};
	if (texts.at == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a request");
	request->profile = texts_take(&texts, &in);
	count = wire_count(&in, 8);
	if (count > FILES_MAX)
		wire_fail(&in);
	else
		request->files = calloc(count + 1U, sizeof(request->files[0]));
	if (request->files == NULL && !in.failed) {
		render_list_request_clear(request);
		return why_set(why, WHY_NOMEM, "no memory for a request");
	}
	for (uint32_t i = 0; i < count && !in.failed; i++) {
		request->files[i].name = texts_take(&texts, &in);
		request->files[i].sha512 = texts_take(&texts, &in);
		request->files_count = i + 1;
	}
	request->list = wire_bytes(&in);
	if (wire_end(&in))
		return 0;
	render_list_request_clear(request);
	return malformed(why, "list request");
}

void
render_list_request_clear(struct render_list_request *request)
{
	free(request->files);
	free(request->texts);
	*request = (struct render_list_request){0};
}

/* ---- answers ---- */

void
render_done_build(struct buf *body, const struct render_done *done)
{
	const struct document_notes *notes = &done->notes;

	buf_add_u64(body, notes->dropped);
	buf_add_u64(body, notes->replaced);
	buf_add_u64(body, notes->missing);
	wire_put_bool(body, notes->more);
	buf_add_u32(body, (uint32_t)notes->count);
	for (size_t i = 0; i < notes->count; i++) {
		buf_add_byte(body, (uint8_t)notes->seen[i].kind);
		buf_add_u32(body, notes->seen[i].code_point);
		buf_add_u32(body, notes->seen[i].count);
	}
	buf_add_u64(body, done->unknown_count);
	wire_put_bool(body, done->fell_back);
	buf_add_u64(body, done->minimised_count);
	wire_put_bytes(body, done->minimised);
	wire_put_bytes(body, done->stripped);
	wire_put_bytes(body, done->xhtml);
	wire_put_bytes(body, done->pdf);
	wire_put_bytes(body, done->xml);
	wire_put_bytes(body, done->text);
}

int
render_done_parse(struct span body, struct render_done *done, struct why *why)
{
	struct document_notes *notes = &done->notes;
	struct wire_in in = wire_open(body);
	uint32_t count;

	*done = (struct render_done){0};
	notes->dropped = wire_u64(&in);
	notes->replaced = wire_u64(&in);
	notes->missing = wire_u64(&in);
	notes->more = wire_bool(&in);
	count = wire_count(&in, 9);
	if (count > DOCUMENT_NOTES_MAX)
		wire_fail(&in);
	for (uint32_t i = 0; i < count && !in.failed; i++) {
		uint8_t kind = wire_u8(&in);

		if (kind > DOCUMENT_MISSING)
			wire_fail(&in);
		notes->seen[i].kind = (enum document_note_kind)kind;
		notes->seen[i].code_point = wire_u32(&in);
		notes->seen[i].count = wire_u32(&in);
		notes->count = i + 1;
	}
	done->unknown_count = wire_u64(&in);
	done->fell_back = wire_bool(&in);
	done->minimised_count = wire_u64(&in);
	done->minimised = wire_bytes(&in);
	done->stripped = wire_bytes(&in);
	done->xhtml = wire_bytes(&in);
	done->pdf = wire_bytes(&in);
	done->xml = wire_bytes(&in);
	done->text = wire_bytes(&in);
	if (wire_end(&in))
		return 0;
	*done = (struct render_done){0};
	return malformed(why, "answer with documents");
}

void
render_refused_build(
    struct buf *body, const struct why *why, const struct findings *findings)
{
	buf_add_u32(body, (uint32_t)-why->code);
	wire_put_text(body, why->text);
	buf_add_u64(body, findings->left_off);
	buf_add_u32(body, (uint32_t)findings->count);
	for (size_t i = 0; i < findings->count; i++) {
		wire_put_text(body, findings->at[i].part);
		wire_put_text(body, findings->at[i].pointer);
		wire_put_text(body, findings->at[i].rule);
		wire_put_text(body, findings->at[i].expected);
	}
}

/* Only codes that are about the message itself. */
static bool
is_refusal(uint32_t code)
{
	return code == (uint32_t)-WHY_INVALID ||
	       code == (uint32_t)-WHY_MALFORMED ||
	       code == (uint32_t)-WHY_TOO_LARGE ||
	       code == (uint32_t)-WHY_UNSUPPORTED;
}

int
render_refused_parse(struct span body, struct why *refusal,
    struct findings *findings, struct why *why)
{
	struct wire_in in = wire_open(body);
	struct texts texts = {malloc(body.size + 16), 0};
	uint32_t code = wire_u32(&in);
	uint64_t left_off;
	uint32_t count;

	if (texts.at == NULL)
		return why_set(why, WHY_NOMEM, "no memory for an answer");
	if (!is_refusal(code))
		wire_fail(&in);
	why_set(refusal, in.failed ? WHY_BUG : -(int)code, "%s",
	    texts_take(&texts, &in));
	left_off = wire_u64(&in);
	count = wire_count(&in, 16);
	if (count > FINDINGS_MAX)
		wire_fail(&in);
	for (uint32_t i = 0; i < count && !in.failed; i++) {
		const char *part = texts_take(&texts, &in);
		const char *pointer = texts_take(&texts, &in);
		const char *rule = texts_take(&texts, &in);
		const char *expected = texts_take(&texts, &in);

		if (!in.failed)
			findings_add(
			    findings, part, pointer, rule, "%s", expected);
	}
	free(texts.at);
	findings->left_off += (size_t)left_off;
	return wire_end(&in) ? 0 : malformed(why, "refusal");
}
