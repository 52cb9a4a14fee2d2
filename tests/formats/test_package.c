#include "base/text.h"
#include "formats/asice.h"
#include "formats/package.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

static int
digest_begin(void *context, struct why *why)
{
	(void)why;
	return EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 ? 0 : -1;
}

static int
digest_add(void *context, struct span data, struct why *why)
{
	(void)why;
	return EVP_DigestUpdate(context, data.at, data.size) == 1 ? 0 : -1;
}

static int
digest_end(void *context, uint8_t digest[32], struct why *why)
{
	(void)why;
	return EVP_DigestFinal_ex(context, digest, NULL) == 1 ? 0 : -1;
}

static int
to_buf(void *context, struct span bytes, struct why *why)
{
	buf_add_span(context, bytes);
	return buf_ok(context) ? 0 : why_set(why, WHY_FULL, "full");
}

static int
from_buf(void *context, struct span *bytes, struct why *why)
{
	struct span *rest = context;
	(void)why;
	*bytes = span_of(rest->at, rest->size < 1000 ? rest->size : 1000);
	rest->at += bytes->size;
	rest->size -= bytes->size;
	return 0;
}

struct content {
	const char *name;
	enum package_role role;
	const char *media_type;
	const char *text;
};

static const struct content message[] = {
    {"payload.json", PACKAGE_PAYLOAD, "application/json", "{\"a\": 1}"},
    {"document.pdf", PACKAGE_DOCUMENT, "application/pdf", "%PDF-1.7 %%EOF"},
    {"attachments/vedlegg.json", PACKAGE_ATTACHMENT_LIST, "application/json",
	"[]"},
    {"attachments/blåbær.pdf", PACKAGE_ATTACHMENT, "application/pdf",
	"%PDF-1.4 %%EOF"},
    {"attachments/tom.txt", PACKAGE_ATTACHMENT, "text/plain", ""},
};
#define COUNT (sizeof message / sizeof *message)

static void
files_of(
    const struct content *content, size_t count, struct package_file *files)
{
	uint8_t digest[32];
	for (size_t i = 0; i < count; i++) {
		files[i] = (struct package_file){.name = content[i].name,
		    .role = content[i].role,
		    .media_type = content[i].media_type,
		    .size = strlen(content[i].text)};
		assert_int_equal(EVP_Digest(content[i].text, files[i].size,
				     digest, NULL, EVP_sha256(), NULL),
		    1);
		hex_build(files[i].sha256, digest, sizeof digest);
	}
}

static struct package_facts
facts(void)
{
	struct package_facts facts = {.type = "document",
	    .profile_version = "1",
	    .sender = "889640782",
	    .recipient = "958935420",
	    .prepared_ms = INT64_C(1795374300123)};
	memset(facts.nonce, 0xA5, sizeof facts.nonce);
	facts.message = id_new(facts.prepared_ms);
	memset(facts.message.at + 7, 0x11, 1);
	return facts;
}

static void
write_files(const struct package_file *files, const struct content *content,
    size_t count, size_t written, struct buf *out)
{
	struct package_writer *writer;
	struct package_facts f = facts();
	assert_int_equal(package_writer_new(&f, files, count, NULL, to_buf, out,
			     &writer, NULL),
	    0);
	for (size_t i = 0; i < written; i++) {
		struct span text = span_text(content[i].text);
		if (i % 2 == 0) {
			assert_int_equal(
			    package_writer_whole(writer, text, NULL), 0);
			continue;
		}
		assert_int_equal(package_writer_begin(writer, NULL), 0);
		assert_int_equal(package_writer_data(writer, text, NULL), 0);
		assert_int_equal(package_writer_end(writer, NULL), 0);
	}
	assert_int_equal(package_writer_finish(writer, NULL),
	    written < count ? WHY_STATE : 0);
	package_writer_free(writer);
}

/* 0 and what was read as "name=text;", or the failure. */
static int
read_package(struct span bytes, const struct limits *limits, struct buf *heard)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	struct package_sha256 sha256 = {
	    digest_begin, digest_add, digest_end, md};
	struct package_reader *reader = NULL;
	const struct package_file *file;
	struct why why = {0};
	int ret = package_reader_new(
	    from_buf, &bytes, limits, &sha256, &reader, &why);
	while (ret == 0 &&
	       (ret = package_reader_next(reader, &file, &why)) == 0 &&
	       file != NULL) {
		uint8_t at[7];
		size_t got = 1;
		buf_printf(heard, "%s=", file->name);
		while (ret == 0 && got > 0) {
			ret = package_reader_read(
			    reader, at, sizeof at, &got, &why);
			buf_add(heard, at, got);
		}
		buf_add_text(heard, ";");
	}
	assert_true(ret == 0 || why.text[0] != '\0');
	package_reader_free(reader);
	EVP_MD_CTX_free(md);
	return ret;
}

static int
read_back(struct span bytes)
{
	struct limits limits;
	struct buf heard;
	limits_init(&limits);
	buf_init(&heard, 100000);
	int ret = read_package(bytes, &limits, &heard);
	buf_clear(&heard);
	return ret;
}

static void
what_was_packed_is_read_back_in_order(void **state)
{
	(void)state;
	struct package_file files[COUNT];
	struct buf out;
	struct buf heard;
	struct limits limits;
	limits_init(&limits);
	buf_init(&out, 100000);
	buf_init(&heard, 100000);
	files_of(message, COUNT, files);
	write_files(files, message, COUNT, COUNT, &out);
	assert_memory_equal(out.at + 30, "mimetype" PACKAGE_MEDIA_TYPE,
	    8 + strlen(PACKAGE_MEDIA_TYPE));
	assert_int_equal(read_package(buf_span(&out), &limits, &heard), 0);
	assert_string_equal(buf_text(&heard),
	    "payload.json={\"a\": 1};document.pdf=%PDF-1.7 %%EOF;"
	    "attachments/vedlegg.json=[];"
	    "attachments/blåbær.pdf=%PDF-1.4 %%EOF;attachments/tom.txt=;");
	buf_clear(&out);
	buf_clear(&heard);
}

static void
the_manifest_has_its_members_in_a_fixed_order(void **state)
{
	(void)state;
	struct package_file files[COUNT];
	struct package_facts f = facts();
	struct package_manifest manifest;
	struct limits limits;
	struct buf out;
	limits_init(&limits);
	buf_init(&out, 100000);
	files_of(message, 1, files);
	id_parse("0199c0de-0000-7000-8000-000000000001", &f.message);
	assert_int_equal(package_manifest_build(&out, &f, files, 1, NULL), 0);
	assert_string_equal(buf_text(&out),
	    "{\"version\":1,\"nonce\":\"a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5"
	    "a5a5a5a5a5a5a5a5a5a5a5a5a5a5\",\"message\":"
	    "\"0199c0de-0000-7000-8000-000000000001\",\"type\":\"document\","
	    "\"profileVersion\":\"1\",\"sender\":\"889640782\","
	    "\"recipient\":\"958935420\",\"prepared\":"
	    "\"2026-11-22T19:05:00.123Z\",\"files\":[{\"name\":"
	    "\"payload.json\",\"role\":\"payload\",\"mediaType\":"
	    "\"application/json\",\"size\":8,\"sha256\":"
	    "\"f9d86028c6e0d64e225186f96acb69338b2c59764df79162107f5c4bb34d1310"
	    "\"}]}");
	assert_int_equal(
	    package_manifest_parse(buf_span(&out), &limits, &manifest, NULL),
	    0);
	assert_true(id_equal(&manifest.facts.message, &f.message));
	assert_int_equal(manifest.facts.prepared_ms, f.prepared_ms);
	assert_memory_equal(manifest.facts.nonce, f.nonce, 32);
	assert_string_equal(manifest.facts.recipient, "958935420");
	assert_int_equal(manifest.count, 1);
	assert_string_equal(manifest.files[0].sha256, files[0].sha256);
	package_manifest_clear(&manifest);
	buf_clear(&out);
}

static int
manifest_with(const char *old, const char *new)
{
	struct package_file files[COUNT];
	struct package_facts f = facts();
	struct package_manifest manifest;
	struct limits limits;
	struct buf out;
	struct buf changed;
	struct why why = {0};
	limits_init(&limits);
	buf_init(&out, 100000);
	buf_init(&changed, 100000);
	files_of(message, COUNT, files);
	assert_int_equal(
	    package_manifest_build(&out, &f, files, COUNT, NULL), 0);
	const char *text = buf_text(&out);
	const char *at = strstr(text, old);
	assert_non_null(at);
	buf_add(&changed, text, (size_t)(at - text));
	buf_add_text(&changed, new);
	buf_add_text(&changed, at + strlen(old));
	int ret = package_manifest_parse(
	    buf_span(&changed), &limits, &manifest, &why);
	if (ret == 0)
		package_manifest_clear(&manifest);
	buf_clear(&out);
	buf_clear(&changed);
	return ret;
}

static void
a_manifest_that_is_not_exact_is_refused(void **state)
{
	(void)state;
	assert_int_equal(manifest_with("\"version\"", "\"version\""), 0);
	static const char *const changes[][2] = {
	    {"\"version\":1", "\"version\":2"},
	    {"\"version\":1", "\"version\":1,\"extra\":1"},
	    {"\"nonce\":\"a5", "\"nonce\":\"a"},
	    {"\"message\":\"0", "\"message\":\"x"},
	    {"889640782", "889640783"},
	    {"\"prepared\":\"2026", "\"prepared\":\"26"},
	    {"\"type\":\"document\",", ""},
	    {"\"role\":\"payload\"", "\"role\":\"other\""},
	    {"\"role\":\"payload\"", "\"role\":\"attachment\""},
	    {"\"size\":8", "\"size\":-8"},
	    {"\"size\":8", "\"size\":\"8\""},
	    {"\"size\":8", "\"size\":8,\"more\":1"},
	    {"payload.json", "other.json"},
	    {"attachments/tom.txt", "attachments/../x"},
	    {"attachments/tom.txt", "attachments/a/b"},
	    {"attachments/tom.txt", "../tom.txt"},
	    {"attachments/tom.txt", "attachments/BLÅBÆR.pdf"},
	    {"\"files\":[", "\"files\":[1,"},
	};
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
		assert_true(manifest_with(changes[i][0], changes[i][1]) < 0);
}

static void
a_writer_refuses_what_a_reader_would(void **state)
{
	(void)state;
	struct package_file files[COUNT];
	struct package_writer *writer;
	struct package_facts f = facts();
	struct buf out;
	buf_init(&out, 100000);
	files_of(message, COUNT, files);
	files[3].name = "attachments/../x";
	assert_int_equal(package_writer_new(&f, files, COUNT, NULL, to_buf,
			     &out, &writer, NULL),
	    WHY_INVALID);
	files[3].name = "attachments/TOM.TXT";
	assert_int_equal(package_writer_new(&f, files, COUNT, NULL, to_buf,
			     &out, &writer, NULL),
	    WHY_EXISTS);
	files_of(message, COUNT, files);
	files[0].role = PACKAGE_ATTACHMENT;
	assert_int_equal(package_writer_new(&f, files, COUNT, NULL, to_buf,
			     &out, &writer, NULL),
	    WHY_INVALID);
	files_of(message, COUNT, files);
	assert_int_equal(package_writer_new(&f, files, COUNT, NULL, to_buf,
			     &out, &writer, NULL),
	    0);
	assert_int_equal(
	    package_writer_whole(writer, span_text("wrong size"), NULL),
	    WHY_INVALID);
	package_writer_free(writer);
	buf_clear(&out);
}

static void
a_package_without_all_its_files_is_not_finished(void **state)
{
	(void)state;
	struct package_file files[COUNT];
	struct buf out;
	buf_init(&out, 100000);
	files_of(message, COUNT, files);
	write_files(files, message, COUNT, COUNT - 1, &out);
	assert_int_equal(read_back(buf_span(&out)), WHY_MALFORMED);
	buf_clear(&out);
}

/* A zip written by hand: entries "name", "text", ..., NULL. */
static int
read_zip(const char *const *entries)
{
	struct zip *zip;
	struct buf out;
	buf_init(&out, 100000);
	assert_int_equal(zip_new(to_buf, &out, 0, &zip, NULL), 0);
	for (; *entries != NULL; entries += 2)
		assert_int_equal(zip_add_deflated(zip, entries[0],
				     span_text(entries[1]), NULL),
		    0);
	assert_int_equal(zip_finish(zip, NULL), 0);
	zip_free(zip);
	int ret = read_back(buf_span(&out));
	buf_clear(&out);
	return ret;
}

static void
files_and_manifest_must_agree(void **state)
{
	(void)state;
	struct package_file files[COUNT];
	struct package_facts f = facts();
	struct buf text;
	buf_init(&text, 100000);
	files_of(message, 2, files);
	assert_int_equal(package_manifest_build(&text, &f, files, 2, NULL), 0);
	const char *manifest = buf_text(&text);
	const char *a = message[0].text;
	const char *b = message[1].text;
#define START "mimetype", PACKAGE_MEDIA_TYPE, "manifest.json", manifest
#define ZIP(...) read_zip((const char *const[]){__VA_ARGS__, NULL})
	assert_int_equal(ZIP(START, "payload.json", a, "document.pdf", b), 0);
	/* missing, too many, another order, another name */
	assert_int_equal(ZIP(START, "payload.json", a), WHY_MALFORMED);
	assert_int_equal(
	    ZIP(START, "payload.json", a, "document.pdf", b, "x", "y"),
	    WHY_MALFORMED);
	assert_int_equal(
	    ZIP(START, "document.pdf", b, "payload.json", a), WHY_MALFORMED);
	assert_int_equal(
	    ZIP(START, "payload.xml", a, "document.pdf", b), WHY_MALFORMED);
	/* shorter, longer, other bytes */
	assert_int_equal(
	    ZIP(START, "payload.json", "{}", "document.pdf", b), WHY_MALFORMED);
	assert_int_equal(
	    ZIP(START, "payload.json", "{\"a\": 10}", "document.pdf", b),
	    WHY_MALFORMED);
	assert_int_equal(
	    ZIP(START, "payload.json", "{\"a\": 2}", "document.pdf", b),
	    WHY_CRYPTO);
	/* another kind of file */
	assert_int_equal(
	    ZIP("mimetype", "application/zip", "manifest.json", manifest),
	    WHY_MALFORMED);
	assert_int_equal(ZIP("manifest.json", manifest), WHY_MALFORMED);
	buf_clear(&text);
}

static void
a_package_cut_off_or_changed_anywhere_is_refused(void **state)
{
	(void)state;
	struct package_file files[COUNT];
	struct buf out;
	buf_init(&out, 100000);
	files_of(message, COUNT, files);
	write_files(files, message, COUNT, COUNT, &out);
	for (size_t size = 0; size < out.size; size++)
		assert_true(read_back(span_of(out.at, size)) < 0);
	/* a changed bit is refused, or changes nothing of what is read (it
	 * lies in a time, or in the directory that a stream reader skips) */
	for (size_t i = 0; i < out.size; i++) {
		out.at[i] ^= 0x10;
		(void)read_back(buf_span(&out));
		out.at[i] ^= 0x10;
	}
	buf_clear(&out);
}

/* ---- form asice ---- */

static const char signature[] = "a signature that somebody else judges";

static struct package_sha256
sha256_of(EVP_MD_CTX *md)
{
	return (struct package_sha256){
	    digest_begin, digest_add, digest_end, md};
}

/* A container of all files; sign: false leaves the signature out. */
static int
write_container(bool sign, struct buf *out, struct buf *to_sign)
{
	struct package_file files[COUNT];
	struct package_writer *writer;
	struct package_facts f = facts();
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	const struct package_sha256 sha256 = sha256_of(md);
	f.form = PACKAGE_ASICE;
	files_of(message, COUNT, files);
	assert_int_equal(package_writer_new(&f, files, COUNT, &sha256, to_buf,
			     out, &writer, NULL),
	    0);
	EVP_MD_CTX_free(md);
	buf_add_span(to_sign, package_writer_to_sign(writer));
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(package_writer_whole(
				     writer, span_text(message[i].text), NULL),
		    0);
	if (sign)
		assert_int_equal(
		    package_writer_sign(writer, span_text(signature), NULL), 0);
	int ret = package_writer_finish(writer, NULL);
	package_writer_free(writer);
	return ret;
}

static void
a_container_says_what_is_signed_before_its_files_come(void **state)
{
	(void)state;
	struct buf out;
	struct buf to_sign;
	struct buf heard;
	struct limits limits;
	limits_init(&limits);
	buf_init(&out, 100000);
	buf_init(&to_sign, 100000);
	buf_init(&heard, 100000);
	assert_int_equal(write_container(true, &out, &to_sign), 0);
	assert_memory_equal(
	    out.at + 30, "mimetypeapplication/vnd.etsi.asic-e+zip", 39);
	const char *text = buf_text(&to_sign);
	assert_ptr_equal(strstr(text, asice_manifest_head), text);
	assert_non_null(
	    strstr(text, "<SigReference URI=\"META-INF/signature-"));
	assert_non_null(strstr(text,
	    "<DataObjectReference URI=\"payload.json\" "
	    "MimeType=\"application/json\" Rootfile=\"true\">"
	    "<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#"
	    "sha256\"/><ds:DigestValue>"
	    "+dhgKMbg1k4iUYb5astpM4ssWXZN95FiEH9cS7NNExA=</ds:DigestValue>"));
	for (size_t i = 0; i < COUNT; i++)
		assert_non_null(strstr(text, message[i].name));
	assert_int_equal(read_package(buf_span(&out), &limits, &heard), 0);
	assert_non_null(strstr(buf_text(&heard), "attachments/tom.txt=;"));
	buf_clear(&out);
	buf_clear(&to_sign);
	buf_clear(&heard);
}

static void
a_container_is_not_finished_without_its_signature(void **state)
{
	(void)state;
	struct buf out;
	struct buf to_sign;
	buf_init(&out, 100000);
	buf_init(&to_sign, 100000);
	assert_int_equal(write_container(false, &out, &to_sign), WHY_STATE);
	assert_int_equal(read_back(buf_span(&out)), WHY_MALFORMED);
	buf_clear(&out);
	buf_clear(&to_sign);
}

/* What the reader says was signed is what the writer gave to sign. */
static void
a_reader_tells_signed_bytes_and_signature(void **state)
{
	(void)state;
	struct buf out;
	struct buf to_sign;
	struct limits limits;
	struct package_reader *reader;
	const struct package_file *file;
	struct span signed_bytes;
	struct span found;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	const struct package_sha256 sha256 = sha256_of(md);
	limits_init(&limits);
	buf_init(&out, 100000);
	buf_init(&to_sign, 100000);
	assert_int_equal(write_container(true, &out, &to_sign), 0);
	struct span rest = buf_span(&out);
	assert_int_equal(package_reader_new(
			     from_buf, &rest, &limits, &sha256, &reader, NULL),
	    0);
	do {
		assert_false(
		    package_reader_signature(reader, &signed_bytes, &found));
		assert_int_equal(package_reader_next(reader, &file, NULL), 0);
	} while (file != NULL);
	assert_true(package_reader_signature(reader, &signed_bytes, &found));
	assert_true(span_equal(signed_bytes, buf_span(&to_sign)));
	assert_true(span_is(found, signature));
	/* asked again, it says the same */
	assert_int_equal(package_reader_next(reader, &file, NULL), 0);
	assert_null(file);
	package_reader_free(reader);
	EVP_MD_CTX_free(md);
	buf_clear(&out);
	buf_clear(&to_sign);
}

static void
a_container_whose_signed_list_is_not_its_own_is_refused(void **state)
{
	(void)state;
	struct package_file files[COUNT];
	struct package_facts f = facts();
	struct buf text;
	struct buf container;
	char name[ASICE_SIGNATURE_NAME_SIZE];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	const struct package_sha256 sha256 = sha256_of(md);
	buf_init(&text, 100000);
	buf_init(&container, 100000);
	files_of(message, 1, files);
	asice_signature_name(name, &f.message);
	assert_int_equal(package_manifest_build(&text, &f, files, 1, NULL), 0);
	assert_int_equal(package_asice_build(&container, &f, files, 1,
			     buf_span(&text), &sha256, NULL),
	    0);
	const char *manifest = buf_text(&text);
	const char *list = buf_text(&container);
	const char *a = message[0].text;
#define HEAD                                                                   \
	"mimetype", ASICE_MEDIA_TYPE, "manifest.json", manifest,               \
	    "payload.json", a
	assert_int_equal(
	    ZIP(HEAD, "META-INF/asicmanifest.xml", list, name, "s"), 0);
	assert_int_equal(
	    ZIP(HEAD, "META-INF/asicmanifest.xml", list + 1, name, "s"),
	    WHY_CRYPTO);
	assert_int_equal(
	    ZIP(HEAD, "META-INF/asicmanifest.xml", list), WHY_MALFORMED);
	assert_int_equal(
	    ZIP(HEAD, name, "s", "META-INF/asicmanifest.xml", list),
	    WHY_MALFORMED);
	assert_int_equal(ZIP(HEAD, "META-INF/asicmanifest.xml", list,
			     "META-INF/signature-x.p7s", "s"),
	    WHY_MALFORMED);
	assert_int_equal(ZIP(HEAD, "META-INF/asicmanifest.xml", list, name, "s",
			     "META-INF/manifest.xml", "x"),
	    WHY_MALFORMED);
	assert_int_equal(ZIP(HEAD), WHY_MALFORMED);
	EVP_MD_CTX_free(md);
	buf_clear(&text);
	buf_clear(&container);
}

static void
names_stand_in_the_signed_list_as_they_are_but_for_xml(void **state)
{
	(void)state;
	struct asice_object object = {.name = "attachments/a & b'<å>\"%20.pdf",
	    .media_type = "application/pdf"};
	struct buf out;
	buf_init(&out, 4096);
	assert_int_equal(
	    asice_manifest_build(&out, "META-INF/s.p7s", &object, 1, NULL), 0);
	assert_non_null(strstr(buf_text(&out),
	    "URI=\"attachments/a &amp; b'&lt;å>&quot;%20.pdf\""));
	buf_reset(&out);
	object.name = "a\nb";
	assert_int_equal(
	    asice_manifest_build(&out, "META-INF/s.p7s", &object, 1, NULL),
	    WHY_INVALID);
	buf_clear(&out);
	buf_init(&out, 300);
	object.name = "a";
	assert_int_equal(
	    asice_manifest_build(&out, "META-INF/s.p7s", &object, 1, NULL),
	    WHY_TOO_LARGE);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_packed_is_read_back_in_order),
	    cmocka_unit_test(the_manifest_has_its_members_in_a_fixed_order),
	    cmocka_unit_test(a_manifest_that_is_not_exact_is_refused),
	    cmocka_unit_test(a_writer_refuses_what_a_reader_would),
	    cmocka_unit_test(a_package_without_all_its_files_is_not_finished),
	    cmocka_unit_test(files_and_manifest_must_agree),
	    cmocka_unit_test(a_package_cut_off_or_changed_anywhere_is_refused),
	    cmocka_unit_test(
		a_container_says_what_is_signed_before_its_files_come),
	    cmocka_unit_test(a_container_is_not_finished_without_its_signature),
	    cmocka_unit_test(a_reader_tells_signed_bytes_and_signature),
	    cmocka_unit_test(
		a_container_whose_signed_list_is_not_its_own_is_refused),
	    cmocka_unit_test(
		names_stand_in_the_signed_list_as_they_are_but_for_xml),
	};
	return cmocka_run_group_tests_name(
	    "formats: package", tests, NULL, NULL);
}
