/*
 * make_package - writes a package as the relay makes them: a payload, a
 * rendered document and attachments in pieces.
 *
 *   make_package OUT ATTACHMENT...
 */
#include "base/clock.h"
#include "base/id.h"
#include "base/text.h"
#include "formats/package.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (64u << 20)
#define PIECE 10000

struct content {
	char name[300];
	struct buf data;
};

static void
need(int ret, const struct why *why)
{
	if (ret == 0)
		return;
	fprintf(stderr, "make_package: %s\n", why->text);
	exit(1);
}

static int
to_file(void *context, struct span bytes, struct why *why)
{
	if (fwrite(bytes.at, 1, bytes.size, context) == bytes.size)
		return 0;
	return why_errno(why, "writing");
}

static void
read_file(const char *path, struct buf *out)
{
	size_t n;
	FILE *file = fopen(path, "r");
	if (file == NULL) {
		perror(path);
		exit(1);
	}
	do {
		uint8_t *room = buf_room(out, 65536);
		n = room == NULL ? 0 : fread(room, 1, 65536, file);
		buf_used(out, n);
	} while (n > 0);
	fclose(file);
}

static void
describe(struct package_file *file, const struct content *content,
    enum package_role role, const char *media_type)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	*file = (struct package_file){
	    content->name, role, media_type, content->data.size, ""};
	SHA256(content->data.at, content->data.size, digest);
	hex_build(file->sha256, digest, sizeof digest);
}

static void
write_pieces(struct package_writer *writer, struct span data)
{
	struct why why;
	need(package_writer_begin(writer, &why), &why);
	while (data.size > 0) {
		size_t n = data.size < PIECE ? data.size : PIECE;
		need(package_writer_data(writer, span_of(data.at, n), &why),
		    &why);
		data.at += n;
		data.size -= n;
	}
	need(package_writer_end(writer, &why), &why);
}

int
main(int argc, char **argv)
{
	enum { FIRST = 2 };
	struct why why;
	size_t count = (size_t)argc; /* two before the attachments */
	if (argc < 3)
		return 2;
	struct content *contents = calloc(count, sizeof *contents);
	struct package_file *files = calloc(count, sizeof *files);
	FILE *out = fopen(argv[1], "w");
	if (contents == NULL || files == NULL || out == NULL)
		return 1;
	for (size_t i = 0; i < count; i++)
		buf_init(&contents[i].data, FILE_MAX);
	(void)snprintf(contents[0].name, 300, "payload.json");
	buf_add_text(&contents[0].data, "{\"fornavn\": \"Bjørg\"}\n");
	describe(&files[0], &contents[0], PACKAGE_PAYLOAD, "application/json");
	(void)snprintf(contents[1].name, 300, "document.pdf");
	buf_add_text(&contents[1].data, "%PDF-1.7\n");
	describe(&files[1], &contents[1], PACKAGE_DOCUMENT, "application/pdf");
	for (size_t i = FIRST; i < count; i++) {
		const char *path = argv[i];
		const char *slash = strrchr(path, '/');
		(void)snprintf(contents[i].name, 300, "%s%s",
		    PACKAGE_ATTACHMENTS, slash == NULL ? path : slash + 1);
		read_file(path, &contents[i].data);
		describe(&files[i], &contents[i], PACKAGE_ATTACHMENT,
		    "application/octet-stream");
	}
	struct package_facts facts = {.message = id_new(clock_wall_ms()),
	    .type = "document",
	    .profile_version = "1",
	    .sender = "987654325",
	    .recipient = "987654325",
	    .prepared_ms = clock_wall_ms()};
	random_fill(facts.nonce, sizeof facts.nonce);
	struct package_writer *writer;
	need(package_writer_new(
		 &facts, files, count, NULL, to_file, out, &writer, &why),
	    &why);
	for (size_t i = 0; i < count; i++) {
		if (i < FIRST)
			need(package_writer_whole(
				 writer, buf_span(&contents[i].data), &why),
			    &why);
		else
			write_pieces(writer, buf_span(&contents[i].data));
		buf_clear(&contents[i].data);
	}
	need(package_writer_finish(writer, &why), &why);
	package_writer_free(writer);
	free(files);
	free(contents);
	return fclose(out) == 0 ? 0 : 1;
}
