/*
 * seal_file - makes what the interop and receipt scenarios read: a key and
 * certificate, a file sealed to it, a signed receipt.
 *
 *   seal_file owner DIR NAME rsa3072|p256   DIR/NAME.key, DIR/NAME.crt
 *   seal_file seal CERTIFICATE SUITE IN OUT
 *   seal_file open KEY CERTIFICATE IN OUT
 *   seal_file receipt DIR                   ca.crt, receipt.json, payload.json
 */
#include "base/clock.h"
#include "keys/jws.h"
#include "keys/make.h"
#include "keys/open.h"
#include "keys/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX (64u << 20)

static void
need(int ret, const struct why *why)
{
	if (ret == 0)
		return;
	fprintf(stderr, "seal_file: %s\n", why->text);
	exit(1);
}

static void
need_file(bool good, const char *path)
{
	if (good)
		return;
	perror(path);
	exit(1);
}

static struct buf
file_read(const char *path)
{
	struct buf text;
	size_t n;
	buf_init(&text, FILE_MAX);
	FILE *file = fopen(path, "r");
	need_file(file != NULL, path);
	do {
		uint8_t *room = buf_room(&text, 65536);
		need_file(room != NULL, path);
		n = fread(room, 1, 65536, file);
		buf_used(&text, n);
	} while (n > 0);
	need_file(ferror(file) == 0 && fclose(file) == 0, path);
	return text;
}

static void
file_write(const char *folder, const char *name, struct span text)
{
	char path[512];
	(void)snprintf(path, sizeof path, "%s%s%s", folder,
	    *folder == '\0' ? "" : "/", name);
	FILE *file = fopen(path, "w");
	need_file(file != NULL &&
		      fwrite(text.at, 1, text.size, file) == text.size &&
		      fclose(file) == 0,
	    path);
}

static int
to_file(void *context, struct span bytes, struct why *why)
{
	if (fwrite(bytes.at, 1, bytes.size, context) == bytes.size)
		return 0;
	return why_errno(why, "writing");
}

struct owner {
	struct private_key *key;
	struct certificate *certificate;
	struct buf pem;
};

static void
owner_make(struct owner *owner, enum make_key kind, enum make_profile profile,
    const char *name, const struct owner *issuer)
{
	struct why why;
	int64_t now = clock_wall_ms();
	const struct make_request request = {profile, name, "Test kommune",
	    "987654325", NULL, now - CLOCK_HOUR_MS, now + 30 * CLOCK_DAY_MS};
	buf_init(&owner->pem, 65536);
	need(make_private_key(kind, &owner->key, &why), &why);
	need(make_certificate(&request, owner->key,
		 issuer == NULL ? NULL : issuer->certificate,
		 issuer == NULL ? NULL : issuer->key, &owner->pem, &why),
	    &why);
	need(
	    certificate_parse(buf_span(&owner->pem), &owner->certificate, &why),
	    &why);
}

static void
owner_clear(struct owner *owner)
{
	private_key_free(owner->key);
	certificate_free(owner->certificate);
	buf_clear(&owner->pem);
}

static void
make_owner(const char *folder, const char *name, const char *kind)
{
	struct owner owner;
	struct buf key;
	struct why why;
	char file[128];
	buf_init(&key, 65536);
	(void)umask(077);
	owner_make(&owner,
	    strcmp(kind, "p256") == 0 ? MAKE_P256 : MAKE_RSA_3072, MAKE_SEAL,
	    name, NULL);
	need(private_key_pem(owner.key, &key, &why), &why);
	(void)snprintf(file, sizeof file, "%s.key", name);
	file_write(folder, file, buf_span(&key));
	(void)snprintf(file, sizeof file, "%s.crt", name);
	file_write(folder, file, buf_span(&owner.pem));
	buf_wipe(&key);
	owner_clear(&owner);
}

static struct certificate *
certificate_read(const char *path)
{
	struct certificate *certificate;
	struct why why;
	struct buf pem = file_read(path);
	need(certificate_parse(buf_span(&pem), &certificate, &why), &why);
	buf_clear(&pem);
	return certificate;
}

static void
seal_one(const char *certificate_path, const char *suite_name, const char *in,
    const char *out)
{
	struct why why;
	enum seal_suite suite;
	struct seal *seal;
	struct certificate *certificate = certificate_read(certificate_path);
	struct buf plain = file_read(in);
	FILE *file = fopen(out, "w");
	need_file(file != NULL, out);
	struct sink sink = {to_file, file};
	need(seal_suite_parse(suite_name, &suite, &why), &why);
	need(seal_new(certificate, suite, &sink, &seal, &why), &why);
	need(seal_write(seal, buf_span(&plain), &why), &why);
	need(seal_finish(seal, &why), &why);
	need_file(fclose(file) == 0, out);
	seal_free(seal);
	buf_clear(&plain);
	certificate_free(certificate);
}

static void
open_one(const char *key_path, const char *certificate_path, const char *in,
    const char *out)
{
	struct why why;
	struct open_key key;
	struct private_key *private_key;
	struct opening *opening;
	struct certificate *certificate = certificate_read(certificate_path);
	struct buf sealed = file_read(in);
	FILE *file = fopen(out, "w");
	need_file(file != NULL, out);
	struct sink sink = {to_file, file};
	need(private_key_load(key_path, &private_key, &why), &why);
	key = (struct open_key){certificate, private_key};
	need(opening_new(&key, 1, NULL, &sink, &opening, &why), &why);
	need(opening_write(opening, buf_span(&sealed), &why), &why);
	need(opening_finish(opening, &why), &why);
	need_file(fclose(file) == 0, out);
	opening_free(opening);
	buf_clear(&sealed);
	private_key_free(private_key);
	certificate_free(certificate);
}

static void
make_receipt(const char *folder)
{
	static const char payload[] = "{\"version\":1,\"level\":\"accepted\","
				      "\"time\":\"2026-11-21T19:05:00.123Z\"}";
	struct owner authority;
	struct owner evidence;
	struct jws_signer *signer;
	struct buf token;
	struct why why;
	buf_init(&token, JWS_BYTES_MAX);
	owner_make(&authority, MAKE_P256, MAKE_AUTHORITY, "Test CA", NULL);
	owner_make(
	    &evidence, MAKE_P256, MAKE_EVIDENCE, "Test evidence", &authority);
	const struct certificate *chain[] = {evidence.certificate};
	need(jws_signer_new(evidence.key, chain, 1, JWS_EVIDENCE_TYPE, false,
		 &signer, &why),
	    &why);
	need(jws_sign(signer, span_text(payload), &token, &why), &why);
	file_write(folder, "ca.crt", buf_span(&authority.pem));
	file_write(folder, "receipt.json", buf_span(&token));
	file_write(folder, "payload.json", span_text(payload));
	jws_signer_free(signer);
	owner_clear(&authority);
	owner_clear(&evidence);
	buf_clear(&token);
}

int
main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "owner") == 0)
		make_owner(argv[2], argv[3], argv[4]);
	else if (argc == 6 && strcmp(argv[1], "seal") == 0)
		seal_one(argv[2], argv[3], argv[4], argv[5]);
	else if (argc == 6 && strcmp(argv[1], "open") == 0)
		open_one(argv[2], argv[3], argv[4], argv[5]);
	else if (argc == 3 && strcmp(argv[1], "receipt") == 0)
		make_receipt(argv[2]);
	else {
		fprintf(stderr, "usage: see the top of seal_file.c\n");
		return 2;
	}
	return 0;
}
