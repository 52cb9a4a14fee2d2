#include "tools/demo.h"
#include "keys/log_hash.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/text.h"
#include "keys/make.h"
#include "keys/seal.h"
#include "spool/spool.h"
#include "tools/file.h"

#define VALID_DAYS 3650
#define KEY_FILE_BYTES (64u << 10)

/* Synthetic numbers that pass modulus 11, of a range never given out. */
const struct party demo_parties[] = {
    {"nav", "900000006", "Demo: NAV", "sender", false},
    {"oslo", "900000014", "Demo: Oslo kommune", "recipient", true},
    {"bergen", "900000022", "Demo: Bergen kommune", "recipient", true},
    {"trondheim", "900000030", "Demo: Trondheim kommune", "recipient", true},
    {"operator", "900000049", "Demo: operator", "operator", false},
    {NULL, NULL, NULL, NULL, false},
};

static int
write_under(const char *dir, const char *name, const char *ending,
    struct span bytes, mode_t mode, struct why *why)
{
	char *path;
	int code;

	if (asprintf(&path, "%s/%s%s", dir, name, ending) < 0)
		return why_set(why, WHY_NOMEM, "no memory for a path");
	code = file_write_at(AT_FDCWD, path, bytes, mode, why);
	free(path);
	return code;
}

/* Key and certificate, signed by the issuer (NULL: by itself), on disk. */
static int
make_pair(const struct authority *issuer, enum make_key kind,
    const struct make_request *request, const char *dir, const char *name,
    struct private_key **key_out, struct certificate **out, struct why *why)
{
	struct private_key *key = NULL;
	struct certificate *certificate = NULL;
	struct buf pem;
	struct buf key_pem;
	int code = make_private_key(kind, &key, why);

	buf_init(&pem, KEY_FILE_BYTES);
	buf_init(&key_pem, KEY_FILE_BYTES);
	if (code == 0)
		code = make_certificate(request, key,
		    issuer == NULL ? NULL : issuer->certificate,
		    issuer == NULL ? NULL : issuer->key, &pem, why);
	if (code == 0)
		code = certificate_parse(buf_span(&pem), &certificate, why);
	if (code == 0)
		code = private_key_pem(key, &key_pem, why);
	if (code == 0)
		code = write_under(
		    dir, name, ".key", buf_span(&key_pem), 0600, why);
	if (code == 0)
		code =
		    write_under(dir, name, ".crt", buf_span(&pem), 0644, why);
	buf_wipe(&key_pem);
	buf_clear(&pem);
	if (code == 0 && key_out != NULL) {
		*key_out = key;
		key = NULL;
	}
	if (code == 0 && out != NULL) {
		*out = certificate;
		certificate = NULL;
	}
	private_key_free(key);
	certificate_free(certificate);
	return code;
}

int
authority_new(const char *name, int64_t now_ms, const char *dir,
    struct authority *authority, struct why *why)
{
	struct make_request request = {.profile = MAKE_AUTHORITY,
	    .common_name = name,
	    .organisation_name = "budstikke"};

	/* a day back: clocks of clients differ */
	authority->from_ms = request.not_before_ms = now_ms - CLOCK_DAY_MS;
	authority->to_ms = request.not_after_ms =
	    now_ms + VALID_DAYS * CLOCK_DAY_MS;
	return make_pair(NULL, MAKE_P256, &request, dir, "authority",
	    &authority->key, &authority->certificate, why);
}

void
authority_clear(struct authority *authority)
{
	private_key_free(authority->key);
	certificate_free(authority->certificate);
	*authority = (struct authority){0};
}

int
authority_issue(const struct authority *authority, int kind,
    struct make_request *request, const char *dir, const char *name,
    struct certificate **out, struct why *why)
{
	request->not_before_ms = authority->from_ms;
	request->not_after_ms = authority->to_ms;
	return make_pair(
	    authority, (enum make_key)kind, request, dir, name, NULL, out, why);
}

static void
client_file_build(const struct party *party, struct buf *out)
{
	buf_printf(out,
	    "# who %s is, and where the relay is\n"
	    "name = %s\n"
	    "organisation = %s\n"
	    "port-file = ../relay.port\n"
	    "ca = ../ca.crt\n"
	    "certificate = %s.crt\n"
	    "key = %s.key\n",
	    party->title, party->name, party->organisation, party->name,
	    party->name);
	if (party->mailbox)
		buf_printf(out,
		    "seal-certificate = %s.seal.crt\n"
		    "seal-key = %s.seal.key\n",
		    party->name, party->name);
}

int
party_make(const struct party *party, const struct authority *authority,
    const char *dir, struct buf *callers, struct certificate **seal,
    struct why *why)
{
	struct make_request request = {.profile = MAKE_TLS_CLIENT,
	    .common_name = party->name,
	    .organisation_name = party->title,
	    .organisation = party->organisation};
	struct certificate *certificate = NULL;
	char name[64];
	struct buf text;
	int code = authority_issue(authority, MAKE_P256, &request, dir,
	    party->name, &certificate, why);

	*seal = NULL;
	if (code == 0 && party->mailbox) {
		snprintf(name, sizeof(name), "%s.seal", party->name);
		request.profile = MAKE_SEAL;
		code = authority_issue(
		    authority, MAKE_RSA_3072, &request, dir, name, seal, why);
	}
	buf_init(&text, KEY_FILE_BYTES);
	client_file_build(party, &text);
	if (code == 0)
		code = write_under(
		    dir, party->name, ".conf", buf_span(&text), 0644, why);
	if (code == 0)
		buf_printf(callers,
		    "\t{ name = \"%s\"; organisation = \"%s\";\n"
		    "\t  roles = [\"%s\"];\n"
		    "\t  certificate_sha256 = \"%s\"; }",
		    party->name, party->organisation, party->role,
		    certificate_facts(certificate)->fingerprint_text);
	certificate_free(certificate);
	buf_clear(&text);
	return code;
}

/* A mailbox that is open and has proved its key: we made the key just now. */
static int
mailbox_make(struct spool_group *group, const struct party *party,
    const struct certificate *seal, const char *const *types, size_t type_count,
    struct why *why)
{
	const struct certificate_facts *facts = certificate_facts(seal);
	const struct spool_mailbox_put put = {.recipient = party->organisation,
	    .state = SPOOL_MAILBOX_OPEN,
	    .without_probe = true,
	    .form = SPOOL_FORM_ASICE,
	    .types = types,
	    .type_count = type_count};
	struct spool_certificate_add add = {.recipient = party->organisation,
	    .der = certificate_der(seal),
	    .suite = seal_suite_name(seal_suite_default(seal)),
	    .policy = SPOOL_PINNED,
	    .valid_from_ms = facts->not_before_ms,
	    .valid_to_ms = facts->not_after_ms};
	int code = spool_mailbox_put(group, &put, why);

	memcpy(add.fingerprint, facts->fingerprint, SPOOL_HASH_SIZE);
	random_fill(add.challenge_hash, SPOOL_HASH_SIZE);
	if (code == 0)
		code = spool_certificate_add(group, &add, NULL, why);
	if (code == 0)
		code = spool_certificate_prove(group, party->organisation,
		    add.fingerprint, add.challenge_hash, why);
	return code;
}

int
demo_store_make(const char *spool_dir, const struct party *parties,
    struct certificate *const *seals, const char *const *types,
    size_t type_count, int64_t now_ms, struct why *why)
{
	struct spool_options options;
	struct spool *spool = NULL;
	struct spool_group *group = NULL;
	int code;

	spool_options_init(&options);
	options.sha256 = log_sha256;
	options.create = true;
	code = spool_open(spool_dir, &options, &spool, why);
	if (code != 0)
		return code;
	code = spool_group_begin(spool, now_ms, &group, why);
	for (size_t i = 0; code == 0 && parties[i].name != NULL; i++)
		if (seals[i] != NULL)
			code = mailbox_make(group, &parties[i], seals[i], types,
			    type_count, why);
	if (code == 0) {
		code = spool_group_commit(group, why);
		group = NULL;
	}
	spool_group_abort(group);
	spool_close(spool);
	return code;
}
