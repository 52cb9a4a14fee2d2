#include "relay/submission_priv.h"

#include "base/text.h"
#include "relay/render_queue.h"
#include "relay/render_wire.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What render answered, as a problem for the sender. */
static void
refuse_rendering(struct submission *s, struct span body, const char *part)
{
	struct why refusal = {0};
	struct why why = {0};
	struct findings findings;
	findings_init(&findings, s->net->limits->findings);
	int code = render_refused_parse(body, &refusal, &findings, &why);
	if (code != 0) {
		submission_fail(s, &why);
	} else if (why_is_temporary(refusal.code) || refusal.code == WHY_BUG) {
		submission_fail(s, &refusal);
	} else {
		struct problem *problem = problem_new(PROBLEM_PAYLOAD);
		if (problem != NULL) {
			problem_findings(problem, &findings);
			if (findings.count == 0)
				problem_error(
				    problem, part, "", "%s", refusal.text);
		}
		submission_refuse(s, problem, 0);
	}
	findings_clear(&findings);
}

/* What the profile's rules found, and both digests, for evidence; what they
 * took out of the payload is gone from here on. */
static bool
minimised_take(struct submission *s, const struct render_done *done)
{
	struct envelope_part *part = &s->envelope.parts[0];
	uint8_t digest[EVP_MAX_MD_SIZE];
	s->minimised_count = done->minimised_count;
	if (done->minimised.size == 0)
		return true;
	buf_init(&s->minimised, SPOOL_NOTE_MAX);
	buf_add_text(&s->minimised, "{\"received\":\"");
	buf_add_text(&s->minimised, part->sha256);
	buf_add_text(&s->minimised, "\",\"kept\":\"");
	if (done->stripped.size > 0) {
		if (EVP_Digest(done->stripped.at, done->stripped.size, digest,
			NULL, EVP_sha256(), NULL) != 1)
			return false;
		hex_build(part->sha256, digest, SPOOL_HASH_SIZE);
		s->envelope.bytes -= part->size - done->stripped.size;
		part->size = done->stripped.size;
		buf_wipe(&s->payload);
		buf_add_span(&s->payload, done->stripped);
	}
	buf_add_text(&s->minimised, part->sha256);
	buf_add_text(&s->minimised, "\",\"rules\":");
	buf_add_span(&s->minimised, done->minimised);
	buf_add_byte(&s->minimised, '}');
	return buf_ok(&s->minimised) && buf_ok(&s->payload);
}

/* The code points that a reader sees as U+FFFD; no text. */
static void
glyphs_text(const struct document_notes *notes, char text[SPOOL_GLYPHS_SIZE])
{
	size_t size = 0;
	bool more = notes->more;
	text[0] = '\0';
	for (size_t i = 0; i < notes->count; i++) {
		if (notes->seen[i].kind == DOCUMENT_DROPPED)
			continue;
		int wrote =
		    snprintf(text + size, SPOOL_GLYPHS_SIZE - size, "%sU+%04X",
			size == 0 ? "" : " ", notes->seen[i].code_point);
		if (wrote < 0 ||
		    (size_t)wrote >= SPOOL_GLYPHS_SIZE - size - 8) {
			text[size] = '\0';
			more = true;
			break;
		}
		size += (size_t)wrote;
	}
	if (more && size > 0)
		snprintf(text + size, SPOOL_GLYPHS_SIZE - size, " more");
}

static bool
documents_keep(struct submission *s, struct span body)
{
	struct render_done done;
	struct why why = {0};
	if (render_done_parse(body, &done, &why) != 0) {
		submission_fail(s, &why);
		return false;
	}
	if ((done.xml.size > 0) != s->profile->as_xml ||
	    (done.text.size > 0) != s->profile->as_text) {
		(void)why_set(&why, WHY_BUG,
		    "the documents are not those of the message type");
		submission_fail(s, &why);
		return false;
	}
	buf_add_span(&s->pdf, done.pdf);
	buf_add_span(&s->xhtml, done.xhtml);
	buf_add_span(&s->xml, done.xml);
	buf_add_span(&s->text, done.text);
	s->missing_glyphs = done.notes.missing;
	glyphs_text(&done.notes, s->glyphs);
	s->unknown_values = done.unknown_count;
	s->fell_back = done.fell_back;
	if (!minimised_take(s, &done)) {
		(void)why_set(&why, WHY_NOMEM, "minimisation");
		submission_fail(s, &why);
		return false;
	}
	if (!buf_ok(&s->pdf) || !buf_ok(&s->xhtml) || !buf_ok(&s->xml) ||
	    !buf_ok(&s->text)) {
		(void)why_set(&why, WHY_NOMEM, "documents");
		submission_fail(s, &why);
		return false;
	}
	return true;
}

static void
on_rendered(
    void *arg, int code, const struct wire_frame *frame, const struct why *why)
{
	struct submission *s = arg;
	s->render_job = NULL;
	if (code != 0) {
		submission_fail(s, why);
		return;
	}
	if (frame->type == RENDER_WIRE_REFUSED) {
		refuse_rendering(s, frame->body, s->envelope.parts[0].name);
		return;
	}
	if (!documents_keep(s, frame->body))
		return;
	if (s->profile->attachments.list_is_payload)
		buf_add_span(&s->list, buf_span(&s->payload));
	if (!s->dry_run &&
	    (!submission_seal_begin(s) ||
		!submission_seal_whole(s, buf_span(&s->payload)) ||
		!submission_seal_whole(s, buf_span(&s->pdf)) ||
		!submission_seal_whole(s, buf_span(&s->xhtml)) ||
		(s->xml.size > 0 &&
		    !submission_seal_whole(s, buf_span(&s->xml))) ||
		(s->text.size > 0 &&
		    !submission_seal_whole(s, buf_span(&s->text)))))
		return;
	buf_wipe(&s->payload);
	buf_wipe(&s->pdf);
	buf_wipe(&s->xhtml);
	buf_wipe(&s->xml);
	buf_wipe(&s->text);
	submission_kept_release(s);
	submission_waited(s, WAIT_RENDER);
}

/* part: what it is that is put to render. */
static void
ask(struct submission *s, uint16_t type, size_t part, struct buf *take_body,
    channel_answer_fn *answered, unsigned wait)
{
	struct why why = {0};
	const char *sha256 = s->envelope.parts[part].sha256;
	if (render_queue_deadly(s->net, sha256)) {
		struct problem *problem = problem_new(PROBLEM_PAYLOAD);
		if (problem != NULL)
			problem_error(problem, s->envelope.parts[part].name, "",
			    "a payload that can be rendered: twice this one "
			    "ended the process that worked on it");
		buf_wipe(take_body);
		submission_refuse(s, problem, 0);
		return;
	}
	int code = render_queue_put(s->net, s->caller, type, sha256, take_body,
	    answered, s, &s->render_job);
	if (code != 0) {
		(void)why_set(&why, code, "render");
		submission_fail(s, &why);
		return;
	}
	submission_wait(s, wait);
}

void
submission_render_ask(struct submission *s)
{
	char id[ID_TEXT_SIZE];
	struct buf body;
	id_build(id, &s->id);
	size_t count = s->envelope.parts_count;
	struct render_file *files = calloc(count + 1, sizeof *files);
	if (files == NULL) {
		submission_refuse(s, NULL, 1);
		return;
	}
	size_t used = 0;
	for (size_t i = 1; i < count; i++)
		if (i != s->list_index)
			files[used++] =
			    (struct render_file){s->envelope.parts[i].filename,
				s->envelope.parts[i].size};
	const struct render_request request = {
	    .profile = s->profile->name,
	    .payload = buf_span(&s->payload),
	    .context =
		{
		    .message = id,
		    .sender = s->caller->organisation,
		    /* one rendering serves all: it names a recipient only when
		     * there is one */
		    .recipient = s->envelope.recipients_count == 1
				     ? s->envelope.recipients[0]
				     : NULL,
		    .reference = s->envelope.reference,
		    .language = s->envelope.language,
		    .received_ms = s->began_ms,
		    .files = files,
		    .files_count = used,
		},
	};
	buf_init(&body, WIRE_BODY_MAX);
	render_request_build(&body, &request);
	free(files);
	ask(s, RENDER_WIRE_PAYLOAD, 0, &body, on_rendered, WAIT_RENDER);
}

/* ---- the attachment list ---- */

/* The part that it came in. */
static size_t
list_part(const struct submission *s)
{
	return s->profile->attachments.list_is_payload ? 0 : s->list_index;
}

static void
on_list(
    void *arg, int code, const struct wire_frame *frame, const struct why *why)
{
	struct submission *s = arg;
	s->render_job = NULL;
	if (code != 0) {
		submission_fail(s, why);
		return;
	}
	if (frame->type == RENDER_WIRE_REFUSED) {
		refuse_rendering(
		    s, frame->body, s->envelope.parts[list_part(s)].name);
		return;
	}
	buf_wipe(&s->list);
	s->list_checked = true;
	submission_waited(s, WAIT_LIST);
}

void
submission_list_ask(struct submission *s)
{
	struct buf body;
	size_t count = s->envelope.parts_count;
	struct profile_file *files = calloc(count, sizeof *files);
	if (files == NULL) {
		submission_refuse(s, NULL, 1);
		return;
	}
	size_t used = 0;
	for (size_t i = 0; i < count; i++)
		if (i != s->list_index && !submission_part_is_payload(s, i))
			files[used++] =
			    (struct profile_file){s->envelope.parts[i].filename,
				s->sha512 != NULL ? s->sha512[i] : ""};
	const struct render_list_request request = {
	    .profile = s->profile->name,
	    .list = buf_span(&s->list),
	    .files = files,
	    .files_count = used,
	};
	buf_init(&body, WIRE_BODY_MAX);
	render_list_request_build(&body, &request);
	free(files);
	ask(s, RENDER_WIRE_LIST, list_part(s), &body, on_list, WAIT_LIST);
}
