/* Keys in a token: SoftHSM, made anew for each run. Skipped, and said so, where
 * softhsm2-util or the engine is missing. */
#include "keys/cades.h"
#include "keys/jws.h"
#include "keys/token.h"
#include "tests/keys/fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const modules[] = {"/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so", NULL};

static char folder[] = "/tmp/keys-token-XXXXXX";
static struct owner authority;
static struct owner p256;
static struct owner rsa;
static const char *module;

static void
put(const char *name, struct span text)
{
	char path[128];
	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text.at, text.size), text.size);
	close(fd);
}

static bool
run(const char *format, ...)
{
	char command[1024];
	va_list list;
	va_start(list, format);
	(void)vsnprintf(command, sizeof command, format, list);
	va_end(list);
	return system(command) == 0; /* NOLINT: a test's own words */
}

static void
import(const struct owner *owner, const char *label, const char *id)
{
	struct buf pem;
	buf_init(&pem, 65536);
	fixture_ok(private_key_pem(owner->key, &pem, NULL), NULL);
	put("key.pem", buf_span(&pem));
	buf_wipe(&pem);
	assert_true(run("softhsm2-util --import %s/key.pem --token relay "
			"--label %s --id %s --pin 5678 >%s/said 2>&1",
	    folder, label, id, folder));
}

static int
make_token(void **state)
{
	(void)state;
	char conf[128];
	struct buf text;
	for (size_t i = 0; modules[i] != NULL && module == NULL; i++)
		if (access(modules[i], R_OK) == 0)
			module = modules[i];
	if (module == NULL)
		return 0;
	assert_non_null(mkdtemp(folder));
	buf_init(&text, 1024);
	buf_printf(&text, "directories.tokendir = %s/tokens\n", folder);
	put("softhsm2.conf", buf_span(&text));
	buf_clear(&text);
	(void)snprintf(conf, sizeof conf, "%s/softhsm2.conf", folder);
	assert_int_equal(setenv("SOFTHSM2_CONF", conf, 1), 0);
	assert_true(run("mkdir %s/tokens && softhsm2-util --init-token --free "
			"--label relay --so-pin 1234 --pin 5678 >%s/said 2>&1",
	    folder, folder));
	fixture_owner(&authority, MAKE_P256, MAKE_AUTHORITY, NULL);
	fixture_owner(&p256, MAKE_P256, MAKE_EVIDENCE, &authority);
	fixture_owner(&rsa, MAKE_RSA_2048, MAKE_SEAL, &authority);
	import(&p256, "evidence", "01");
	import(&rsa, "inbound", "02");
	return 0;
}

static int
clear_token(void **state)
{
	(void)state;
	if (module == NULL)
		return 0;
	(void)run("rm -rf %s", folder);
	fixture_owner_clear(&authority);
	fixture_owner_clear(&p256);
	fixture_owner_clear(&rsa);
	return 0;
}

static void
need_token(void)
{
	if (module == NULL) {
		print_message("missing tool: softhsm2\n");
		skip();
	}
}

static struct private_key *
key_of(const char *object)
{
	char uri[128];
	struct private_key *key = NULL;
	struct why why = {0};
	(void)snprintf(uri, sizeof uri,
	    "pkcs11:token=relay;object=%s;type=private;pin-value=5678\n",
	    object);
	put("name", span_text(uri));
	(void)snprintf(uri, sizeof uri, "%s/name", folder);
	fixture_ok(private_key_load(uri, &key, &why), &why);
	return key;
}

static void
no_key_is_given_before_a_module_is_loaded(void **state)
{
	(void)state;
	need_token();
	struct private_key *key;
	struct why why = {0};
	assert_int_equal(
	    token_key(span_text("pkcs11:object=evidence"), &key, &why),
	    WHY_STATE);
	assert_int_equal(token_open("/no/such/module.so", &why), WHY_NOT_FOUND);
	fixture_ok(token_open(module, &why), &why);
	fixture_ok(token_open(module, &why), &why);
}

static void
a_key_in_a_token_signs_evidence_and_packages(void **state)
{
	(void)state;
	need_token();
	struct private_key *key = key_of("evidence");
	const struct certificate *chain[] = {p256.certificate};
	struct anchors *anchors;
	struct jws_signer *signer;
	struct cades_signer *packages;
	struct jws jws;
	struct cades cades;
	struct buf out;
	struct why why = {0};
	buf_init(&out, 65536);
	assert_int_equal(private_key_kind(key), CERTIFICATE_P256);
	fixture_ok(
	    anchors_parse(buf_span(&authority.pem), &anchors, &why), &why);
	fixture_ok(jws_signer_new(
		       key, chain, 1, JWS_EVIDENCE_TYPE, false, &signer, &why),
	    &why);
	fixture_ok(jws_sign(signer, span_text("{}"), &out, &why), &why);
	fixture_ok(
	    jws_verify(buf_span(&out), anchors, JWS_EVIDENCE_TYPE, &jws, &why),
	    &why);
	jws_clear(&jws);
	buf_reset(&out);
	fixture_ok(cades_signer_new(key, chain, 1, &packages, &why), &why);
	fixture_ok(cades_sign(packages, span_text("x"), &out, &why), &why);
	fixture_ok(
	    cades_verify(buf_span(&out), span_text("x"), anchors, &cades, &why),
	    &why);
	cades_clear(&cades);
	jws_signer_free(signer);
	cades_signer_free(packages);
	anchors_free(anchors);
	private_key_free(key);
	buf_clear(&out);
}

static void
a_key_in_a_token_opens_what_was_sealed_for_it(void **state)
{
	(void)state;
	need_token();
	struct owner inbound = {
	    .key = key_of("inbound"), .certificate = rsa.certificate};
	static const enum seal_suite suites[] = {
	    SEAL_CMS_CBC_OAEP, SEAL_CMS_GCM_OAEP};
	for (size_t i = 0; i < 2; i++) {
		struct buf sealed;
		struct buf plain;
		struct why why = {0};
		buf_init(&sealed, 65536);
		buf_init(&plain, 65536);
		fixture_seal(
		    &rsa, suites[i], span_text("innhold"), 64, &sealed);
		fixture_ok(fixture_open(
			       &inbound, buf_span(&sealed), 1000, &plain, &why),
		    &why);
		assert_true(span_is(buf_span(&plain), "innhold"));
		buf_clear(&sealed);
		buf_clear(&plain);
	}
	private_key_free(inbound.key);
}

static void
a_wrong_name_gives_no_key_and_no_echo(void **state)
{
	(void)state;
	need_token();
	static const struct {
		const char *uri;
		int code;
	} cases[] = {
	    {"pkcs11:token=relay;object=other;type=private;pin-value=5678",
		WHY_NOT_FOUND},
	    {"pkcs11:token=none;object=evidence;type=private;pin-value=5678",
		WHY_NOT_FOUND},
	    {"pkcs11:object=%zz", WHY_NOT_FOUND},
	    {"pkcs11:token=relay;type=private;pin-value=5678", WHY_INVALID},
	    {"pkcs11:\n", WHY_INVALID},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct private_key *other = NULL;
		struct why why = {0};
		assert_int_equal(
		    token_key(span_text(cases[i].uri), &other, &why),
		    cases[i].code);
		assert_null(other);
		assert_null(strstr(why.text, "5678"));
	}
	struct private_key *key;
	char long_uri[1100];
	memset(long_uri, 'a', sizeof long_uri);
	assert_int_equal(
	    token_key(span_of(long_uri, sizeof long_uri), &key, NULL),
	    WHY_INVALID);
	assert_int_equal(
	    token_key(span_of("pkcs11:\0x", 9), &key, NULL), WHY_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_key_is_given_before_a_module_is_loaded),
	    cmocka_unit_test(a_key_in_a_token_signs_evidence_and_packages),
	    cmocka_unit_test(a_key_in_a_token_opens_what_was_sealed_for_it),
	    cmocka_unit_test(a_wrong_name_gives_no_key_and_no_echo),
	};
	return cmocka_run_group_tests_name(
	    "keys: token", tests, make_token, clear_token);
}
