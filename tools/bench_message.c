#include "tools/bench_message.h"

#include "base/text.h"
#include "tools/file.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX ((size_t)1 << 30)
#define PDF_LEAST 512

static int
digest_text(const char *algorithm, const struct buf *bytes,
    char text[2 * EVP_MAX_MD_SIZE + 1], struct why *why)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t size;

	if (EVP_Q_digest(NULL, algorithm, NULL, bytes->at, bytes->size, digest,
		&size) != 1)
		return why_set(why, WHY_SYSTEM, "%s", algorithm);
	hex_build(text, digest, size);
	return 0;
}

/* One empty page, and a stream of noise that brings it to the size wanted:
 * what is inside real PDFs does not compress either. */
static int
pdf_make(struct buf *out, size_t size, uint64_t seed, struct why *why)
{
	static const char head[] =
	    "%PDF-1.4\n"
	    "1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
	    "2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n"
	    "3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>\n"
	    "endobj\n";
	static const size_t objects[] = {9, 54, 106};
	char tail[256];
	size_t noise;

	if (size < PDF_LEAST)
		return why_set(why, WHY_INVALID, "too small for a PDF");
	buf_init(out, size);
	buf_add_text(out, head);
	noise = size - out->size - 380;
	buf_printf(out, "4 0 obj\n<</Length %zu>>\nstream\n", noise);
	for (size_t i = 0; i < noise; i++) {
		seed =
		    seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		buf_add_byte(out, (uint8_t)(seed >> 56));
	}
	buf_add_text(out, "\nendstream\nendobj\n");
	size_t xref = out->size;
	buf_printf(out, "xref\n0 4\n0000000000 65535 f \n");
	for (size_t i = 0; i < 3; i++)
		buf_printf(out, "%010zu 00000 n \n", objects[i]);
	snprintf(tail, sizeof(tail),
	    "trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n%zu\n%%%%EOF\n", xref);
	while (buf_ok(out) && out->size + strlen(tail) < size)
		buf_add_byte(out, '\n');
	buf_add_text(out, tail);
	return buf_ok(out) && out->size == size
		   ? 0
		   : why_set(why, WHY_BUG, "a PDF of %zu bytes", size);
}

static struct bench_file *
file_add(struct bench_message *message, const char *name, const char *filename,
    const char *media_type)
{
	struct bench_file *file = &message->files[message->count++];

	*file = (struct bench_file){
	    .name = name, .filename = filename, .media_type = media_type};
	buf_init(&file->bytes, BODY_MAX);
	return file;
}

/* {"type","recipients","parts"} as text, the caller's. */
static char *
envelope_make(const struct bench_message *message, const char *type,
    const char *recipient, struct why *why)
{
	char digest[2 * EVP_MAX_MD_SIZE + 1];
	json_t *parts = json_array();
	json_t *envelope = json_pack("{s:s,s:[s],s:o}", "type", type,
	    "recipients", recipient, "parts", parts);
	char *text = NULL;
	int code = 0;

	for (size_t i = 0; code == 0 && i < message->count; i++) {
		const struct bench_file *file = &message->files[i];

		code = digest_text("SHA256", &file->bytes, digest, why);
		json_array_append_new(
		    parts, json_pack("{s:s,s:s,s:s,s:I,s:s}", "name",
			       file->name, "filename", file->filename,
			       "mediaType", file->media_type, "size",
			       (json_int_t)file->bytes.size, "sha256", digest));
	}
	if (code == 0)
		text = json_dumps(envelope, JSON_COMPACT);
	json_decref(envelope);
	return text;
}

static int
body_make(struct bench_message *message, const char *type,
    const char *recipient, struct why *why)
{
	char *envelope = envelope_make(message, type, recipient, why);
	struct buf *body = &message->body;

	buf_init(body, BODY_MAX);
	if (envelope == NULL)
		return why_set(why, WHY_NOMEM, "envelope");
	buf_printf(body,
	    "--" BENCH_BOUNDARY
	    "\r\nContent-Disposition: form-data; name=\"envelope\"\r\n"
	    "Content-Type: application/json\r\n\r\n%s",
	    envelope);
	free(envelope);
	for (size_t i = 0; i < message->count; i++) {
		const struct bench_file *file = &message->files[i];

		buf_printf(body,
		    "\r\n--" BENCH_BOUNDARY
		    "\r\nContent-Disposition: form-data; name=\"%s\"; "
		    "filename=\"%s\"\r\nContent-Type: %s\r\n\r\n",
		    file->name, file->filename, file->media_type);
		buf_add_span(body, buf_span(&file->bytes));
		message->bytes += file->bytes.size;
	}
	buf_add_text(body, "\r\n--" BENCH_BOUNDARY "--\r\n");
	return buf_ok(body) ? 0 : why_set(why, WHY_NOMEM, "body");
}

int
bench_document_make(struct bench_message *message, const char *recipient,
    size_t size, struct why *why)
{
	*message = (struct bench_message){0};
	struct bench_file *file =
	    file_add(message, "payload", "dokument.pdf", "application/pdf");
	int code = pdf_make(&file->bytes, size, 1, why);

	return code != 0 ? code
			 : body_make(message, "document", recipient, why);
}

static int
list_make(struct bench_message *message, struct buf *out, struct why *why)
{
	char digest[2 * EVP_MAX_MD_SIZE + 1];
	json_t *entries = json_array();
	json_t *list = json_pack("{s:o}", "vedlegg", entries);
	char *text;
	int code = 0;

	for (size_t i = 2; code == 0 && i < message->count; i++) {
		code = digest_text(
		    "SHA512", &message->files[i].bytes, digest, why);
		json_array_append_new(
		    entries, json_pack("{s:s,s:s,s:s,s:[{s:s,s:s}]}", "type",
				 "annet", "tilleggsinfo", "annet", "status",
				 "LastetOpp", "filer", "filnavn",
				 message->files[i].filename, "sha512", digest));
	}
	text = json_dumps(list, JSON_COMPACT);
	buf_add_text(out, text == NULL ? "" : text);
	free(text);
	json_decref(list);
	return code;
}

int
bench_application_make(struct bench_message *message, const char *recipient,
    const char *payload, size_t size, struct why *why)
{
	static const char *const names[][2] = {{"attachment-1", "en.pdf"},
	    {"attachment-2", "to.pdf"}, {"attachment-3", "tre.pdf"}};

	*message = (struct bench_message){0};
	struct bench_file *file =
	    file_add(message, "payload", "soknad.json", "application/json");
	struct bench_file *list = file_add(
	    message, "attachment-list", "vedlegg.json", "application/json");
	int code = file_read(payload, &file->bytes, why);

	for (size_t i = 0; code == 0 && i < 3; i++)
		code = pdf_make(&file_add(message, names[i][0], names[i][1],
				    "application/pdf")
				     ->bytes,
		    size, i + 2, why);
	if (code == 0)
		code = list_make(message, &list->bytes, why);
	return code != 0 ? code
			 : body_make(message, "digisos-soknad", recipient, why);
}

void
bench_message_clear(struct bench_message *message)
{
	for (size_t i = 0; i < message->count; i++)
		buf_clear(&message->files[i].bytes);
	buf_clear(&message->body);
	*message = (struct bench_message){0};
}
