#include "base/id.h"
#include "formats/asice.h"
#include "keys/log_key.h"
#include "keys/secret.h"
#include "keys/store.h"
#include "relay/keys_answer.h"
#include "relay/keys_wire.h"
#include "tests/keys/fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* the address sanitizer turns mlock() into nothing */
#ifdef SANITIZED
#define LOCKS_ARE_IGNORED true
#else
#define LOCKS_ARE_IGNORED false
#endif

static struct owner authority;
static struct owner evidence;
static char folder[] = "/tmp/keys-store-XXXXXX";
static char key_path[64];
static char certificate_path[64];
static char package_key_path[64];
static char package_certificate_path[64];
static char meta_path[64];
static char log_path[64];

static const struct key_store_paths paths = {.evidence_key = key_path,
    .evidence_certificate = certificate_path,
    .package_key = package_key_path,
    .package_certificate = package_certificate_path,
    .metadata_keys = meta_path,
    .log_key = log_path,
    .log_base = "log.example"};

static void
put(const char *path, struct span text, mode_t mode)
{
	(void)unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text.at, text.size), text.size);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void
put_all(const struct owner *owner, const struct owner *certified)
{
	struct buf text;
	struct why why;
	buf_init(&text, 65536);
	fixture_ok(private_key_pem(owner->key, &text, &why), &why);
	put(key_path, buf_span(&text), 0600);
	put(certificate_path, buf_span(&certified->pem), 0644);
	buf_wipe(&text);
	fixture_ok(private_key_pem(evidence.key, &text, &why), &why);
	put(package_key_path, buf_span(&text), 0600);
	put(package_certificate_path, buf_span(&evidence.pem), 0644);
	buf_wipe(&text);
	fixture_ok(metakey_make("first", &text, &why), &why);
	put(meta_path, buf_span(&text), 0600);
	buf_wipe(&text);
	fixture_ok(log_key_make(&text, &why), &why);
	put(log_path, buf_span(&text), 0600);
	buf_wipe(&text);
}

static int
make_files(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(key_path, sizeof key_path, "%s/evidence.key", folder);
	(void)snprintf(certificate_path, sizeof certificate_path,
	    "%s/evidence.crt", folder);
	(void)snprintf(package_key_path, sizeof package_key_path,
	    "%s/package.key", folder);
	(void)snprintf(package_certificate_path,
	    sizeof package_certificate_path, "%s/package.crt", folder);
	(void)snprintf(meta_path, sizeof meta_path, "%s/meta.key", folder);
	(void)snprintf(log_path, sizeof log_path, "%s/log.key", folder);
	fixture_owner(&authority, MAKE_P256, MAKE_AUTHORITY, NULL);
	fixture_owner(&evidence, MAKE_P256, MAKE_EVIDENCE, &authority);
	return 0;
}

static int
clear_files(void **state)
{
	(void)state;
	(void)unlink(key_path);
	(void)unlink(certificate_path);
	(void)unlink(package_key_path);
	(void)unlink(package_certificate_path);
	(void)unlink(meta_path);
	(void)unlink(log_path);
	(void)rmdir(folder);
	fixture_owner_clear(&authority);
	fixture_owner_clear(&evidence);
	return 0;
}

static int
load_code(int64_t at_ms, struct why *why)
{
	struct key_store *store;
	int ret = key_store_load(&paths, at_ms, &store, why);
	if (ret == 0)
		key_store_free(store);
	return ret;
}

static void
a_store_loads_only_when_its_parts_belong_together(void **state)
{
	(void)state;
	struct why why;
	struct owner sealing;
	struct owner stranger;
	int64_t now = clock_wall_ms();
	fixture_owner(&sealing, MAKE_P256, MAKE_SEAL, &authority);
	fixture_owner(&stranger, MAKE_P256, MAKE_EVIDENCE, &authority);
	put_all(&evidence, &evidence);
	fixture_ok(load_code(now, &why), &why);
	assert_int_equal(load_code(now + 31 * CLOCK_DAY_MS, &why), WHY_INVALID);
	assert_non_null(strstr(why.text, certificate_path));
	put_all(&sealing, &sealing);
	assert_int_equal(load_code(now, &why), WHY_INVALID);
	put_all(&evidence, &stranger);
	assert_int_equal(load_code(now, &why), WHY_INVALID);
	put_all(&evidence, &evidence);
	put(certificate_path, span_text("x"), 0644);
	assert_int_equal(load_code(now, &why), WHY_MALFORMED);
	fixture_owner_clear(&sealing);
	fixture_owner_clear(&stranger);
}

static void
loose_permissions_are_refused_for_each_secret_file(void **state)
{
	(void)state;
	struct why why;
	const char *const secrets[] = {
	    key_path, package_key_path, meta_path, log_path};
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
		put_all(&evidence, &evidence);
		assert_int_equal(chmod(secrets[i], 0644), 0);
		assert_int_equal(load_code(clock_wall_ms(), &why), WHY_DENIED);
		assert_non_null(strstr(why.text, secrets[i]));
	}
}

static struct key_store *
loaded(void)
{
	struct key_store *store;
	struct why why;
	put_all(&evidence, &evidence);
	fixture_ok(key_store_load(&paths, clock_wall_ms(), &store, &why), &why);
	return store;
}

static void
spool_has_a_batch_signed_in_its_order(void **state)
{
	(void)state;
	struct key_store *store = loaded();
	struct anchors *anchors;
	struct why why;
	bool given = false;
	struct span payloads[100];
	struct span tokens[100];
	char texts[100][32];
	size_t count;
	struct span result;
	struct buf body;
	struct buf answer;
	buf_init(&body, 65536);
	buf_init(&answer, KEYS_BODY_BYTES);
	fixture_ok(
	    anchors_parse(buf_span(&authority.pem), &anchors, &why), &why);
	for (int i = 0; i < 100; i++) {
		(void)snprintf(texts[i], sizeof texts[i], "{\"n\":%d}", i);
		payloads[i] = span_text(texts[i]);
	}
	fixture_ok(keys_wire_list_build(payloads, 100, &body, &why), &why);
	fixture_ok(keys_answer(store, ROLE_SPOOL, &given, KEYS_SIGN,
		       buf_span(&body), &answer, &why),
	    &why);
	fixture_ok(
	    keys_wire_answer_parse(buf_span(&answer), &result, &why), &why);
	fixture_ok(
	    keys_wire_list_parse(result, tokens, 100, &count, &why), &why);
	assert_int_equal(count, 100);
	for (size_t i = 0; i < 100; i++) {
		struct jws jws;
		fixture_ok(jws_verify(tokens[i], anchors, JWS_EVIDENCE_TYPE,
			       &jws, &why),
		    &why);
		assert_true(span_equal(buf_span(&jws.payload), payloads[i]));
		jws_clear(&jws);
	}
	/* what spool reads must fit what it asked for */
	assert_int_equal(keys_wire_list_parse(result, tokens, 99, &count, &why),
	    WHY_TOO_LARGE);
	assert_int_equal(
	    keys_wire_list_parse(
		span_of(result.at, result.size - 1), tokens, 100, &count, &why),
	    WHY_MALFORMED);
	anchors_free(anchors);
	buf_clear(&body);
	buf_clear(&answer);
	key_store_free(store);
}

static int
answer_code(const struct key_store *store, enum role_kind from, bool *given,
    uint16_t type, struct span body)
{
	struct buf answer;
	struct why why;
	buf_init(&answer, KEYS_BODY_BYTES);
	int ret = keys_answer(store, from, given, type, body, &answer, &why);
	buf_wipe(&answer);
	return ret;
}

static void
each_role_gets_its_own_requests_and_nothing_else(void **state)
{
	(void)state;
	struct key_store *store = loaded();
	struct buf body;
	struct why why;
	struct span one = span_text("{}");
	buf_init(&body, 65536);
	fixture_ok(keys_wire_list_build(&one, 1, &body, &why), &why);
	for (int from = ROLE_PARENT; from < ROLE_KINDS; from++) {
		bool given = false;
		assert_int_equal(answer_code(store, (enum role_kind)from,
				     &given, KEYS_SIGN, buf_span(&body)),
		    from == ROLE_SPOOL ? 0 : WHY_DENIED);
		assert_int_equal(answer_code(store, (enum role_kind)from,
				     &given, KEYS_PACKAGES, buf_span(&body)),
		    from == ROLE_NET ? WHY_MALFORMED : WHY_DENIED);
		assert_int_equal(answer_code(store, (enum role_kind)from,
				     &given, KEYS_METAKEYS, SPAN_NONE),
		    from == ROLE_NET ? 0 : WHY_DENIED);
		assert_int_equal(given, from == ROLE_NET);
		assert_int_equal(answer_code(store, (enum role_kind)from,
				     &given, 0x04ff, SPAN_NONE),
		    WHY_DENIED);
	}
	buf_clear(&body);
	key_store_free(store);
}

/* A list of one, signed for net; the signature, or the code. */
static int
package_sign(
    const struct key_store *store, struct span manifest, struct buf *signature)
{
	bool given = false;
	size_t count = 0;
	struct span list;
	struct span one;
	struct buf body;
	struct buf answer;
	struct why why;
	buf_init(&body, KEYS_BODY_BYTES);
	buf_init(&answer, KEYS_BODY_BYTES);
	fixture_ok(keys_wire_list_build(&manifest, 1, &body, &why), &why);
	int ret = keys_answer(store, ROLE_NET, &given, KEYS_PACKAGES,
	    buf_span(&body), &answer, &why);
	if (ret == 0) {
		fixture_ok(
		    keys_wire_answer_parse(buf_span(&answer), &list, &why),
		    &why);
		fixture_ok(
		    keys_wire_list_parse(list, &one, 1, &count, &why), &why);
		assert_int_equal(count, 1);
		buf_add_span(signature, one);
	}
	buf_clear(&body);
	buf_clear(&answer);
	return ret;
}

static void
net_has_container_manifests_signed_and_nothing_else(void **state)
{
	(void)state;
	struct key_store *store = loaded();
	struct anchors *anchors;
	struct cades cades;
	struct buf manifest;
	struct buf signature;
	struct why why;
	buf_init(&manifest, 4096);
	buf_init(&signature, CADES_BYTES_MAX);
	fixture_ok(
	    anchors_parse(buf_span(&authority.pem), &anchors, &why), &why);
	buf_add_text(&manifest, asice_manifest_head);
	buf_add_text(&manifest, "</ASiCManifest>\n");
	assert_int_equal(
	    package_sign(store, buf_span(&manifest), &signature), 0);
	fixture_ok(cades_verify(buf_span(&signature), buf_span(&manifest),
		       anchors, &cades, &why),
	    &why);
	cades_clear(&cades);
	assert_int_equal(package_sign(store,
			     span_text("{\"level\":\"imported\"}"), &signature),
	    WHY_MALFORMED);
	assert_int_equal(
	    package_sign(store,
		span_of(manifest.at, strlen(asice_manifest_head) - 1),
		&signature),
	    WHY_MALFORMED);
	assert_int_equal(
	    package_sign(store, SPAN_NONE, &signature), WHY_TOO_LARGE);
	anchors_free(anchors);
	buf_clear(&manifest);
	buf_clear(&signature);
	key_store_free(store);
}

static void
net_gets_the_metadata_keys_once(void **state)
{
	(void)state;
	struct key_store *store = loaded();
	bool given = false;
	assert_int_equal(
	    answer_code(store, ROLE_NET, &given, KEYS_METAKEYS, span_text("x")),
	    WHY_MALFORMED);
	assert_false(given);
	assert_int_equal(
	    answer_code(store, ROLE_NET, &given, KEYS_METAKEYS, SPAN_NONE), 0);
	assert_int_equal(
	    answer_code(store, ROLE_NET, &given, KEYS_METAKEYS, SPAN_NONE),
	    WHY_DENIED);
	key_store_free(store);
}

static void
a_hostile_batch_is_refused_whole(void **state)
{
	(void)state;
	struct key_store *store = loaded();
	bool given = false;
	struct buf body;
	buf_init(&body, 1u << 20);
	static const char *const bad[] = {"", "\0", "\0\1", "\0\1\0\0\0\1",
	    "\0\1\xff\xff\xff\xff{}", "\xff\xff\0\0\0\0"};
	static const size_t sizes[] = {0, 1, 2, 6, 8, 6};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		assert_true(answer_code(store, ROLE_SPOOL, &given, KEYS_SIGN,
				span_of(bad[i], sizes[i])) < 0);
	/* an empty payload, and one over the limit */
	buf_add(&body, "\0\1\0\0\0\0", 6);
	assert_int_equal(
	    answer_code(store, ROLE_SPOOL, &given, KEYS_SIGN, buf_span(&body)),
	    WHY_TOO_LARGE);
	for (uint32_t size = KEYS_SIGN_BYTES; size <= KEYS_SIGN_BYTES + 1;
	     size++) {
		buf_reset(&body);
		buf_add_u16(&body, 1);
		buf_add_u32(&body, size);
		uint8_t *room = buf_room(&body, size);
		memset(room, 'x', size);
		buf_used(&body, size);
		assert_int_equal(answer_code(store, ROLE_SPOOL, &given,
				     KEYS_SIGN, buf_span(&body)),
		    size == KEYS_SIGN_BYTES ? 0 : WHY_TOO_LARGE);
	}
	buf_clear(&body);
	key_store_free(store);
}

static void
a_failure_travels_with_its_code_and_sentence(void **state)
{
	(void)state;
	struct buf body;
	struct why why;
	struct span result;
	struct why failure;
	buf_init(&body, 1000);
	(void)why_set(&failure, WHY_CRYPTO, "signing: refused");
	keys_wire_failure_build(&failure, &body);
	assert_int_equal(
	    keys_wire_answer_parse(buf_span(&body), &result, &why), WHY_CRYPTO);
	assert_string_equal(why.text, "signing: refused");
	assert_int_equal(
	    keys_wire_answer_parse(SPAN_NONE, &result, &why), WHY_MALFORMED);
	assert_int_equal(keys_wire_answer_parse(span_text("\2"), &result, &why),
	    WHY_MALFORMED);
	buf_clear(&body);
}

static void
a_secret_is_locked_and_not_inherited(void **state)
{
	(void)state;
	struct secret secret;
	struct why why;
	char line[256];
	bool found = false;
	bool locked = false;
	fixture_ok(secret_init(&secret, 100, &why), &why);
	FILE *maps = fopen("/proc/self/smaps", "r");
	assert_non_null(maps);
	while (fgets(line, sizeof line, maps) != NULL) {
		unsigned long from;
		unsigned long to;
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			found = from <= (unsigned long)secret.at &&
				(unsigned long)secret.at < to;
		/* locked, not dumped, not copied at fork */
		if (found && strncmp(line, "VmFlags:", 8) == 0)
			locked = (LOCKS_ARE_IGNORED ||
				     strstr(line, " lo") != NULL) &&
				 strstr(line, " dd") != NULL &&
				 strstr(line, " dc") != NULL;
	}
	(void)fclose(maps);
	assert_true(locked);
	secret_clear(&secret);
	assert_null(secret.at);
	assert_int_equal(secret_init(&secret, 0, &why), WHY_TOO_LARGE);
	assert_int_equal(secret_init(&secret, (2u << 20), &why), WHY_TOO_LARGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_store_loads_only_when_its_parts_belong_together),
	    cmocka_unit_test(
		loose_permissions_are_refused_for_each_secret_file),
	    cmocka_unit_test(spool_has_a_batch_signed_in_its_order),
	    cmocka_unit_test(each_role_gets_its_own_requests_and_nothing_else),
	    cmocka_unit_test(
		net_has_container_manifests_signed_and_nothing_else),
	    cmocka_unit_test(net_gets_the_metadata_keys_once),
	    cmocka_unit_test(a_hostile_batch_is_refused_whole),
	    cmocka_unit_test(a_failure_travels_with_its_code_and_sentence),
	    cmocka_unit_test(a_secret_is_locked_and_not_inherited),
	};
	return cmocka_run_group_tests(tests, make_files, clear_files);
}
