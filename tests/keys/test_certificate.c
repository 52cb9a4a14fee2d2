#include "base/id.h"
#include "keys/keys_priv.h"
#include "tests/keys/fixture.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

static struct owner authority;
static struct owner member;

static int
make_owners(void **state)
{
	(void)state;
	fixture_owner(&authority, MAKE_P256, MAKE_AUTHORITY, NULL);
	fixture_owner(&member, MAKE_RSA_2048, MAKE_SEAL, &authority);
	return 0;
}

static int
clear_owners(void **state)
{
	(void)state;
	fixture_owner_clear(&authority);
	fixture_owner_clear(&member);
	return 0;
}

static void
the_facts_are_those_of_the_request(void **state)
{
	(void)state;
	const struct certificate_facts *facts =
	    certificate_facts(member.certificate);
	assert_string_equal(facts->organisation, "987654325");
	assert_false(facts->organisation_legacy);
	assert_int_equal(facts->key, CERTIFICATE_RSA);
	assert_int_equal(facts->key_bits, 2048);
	assert_false(facts->self_issued);
	assert_int_equal(strlen(facts->fingerprint_text), 64);
	assert_true(certificate_facts(authority.certificate)->self_issued);
}

static void
der_and_pem_are_the_same_certificate(void **state)
{
	(void)state;
	struct certificate *again;
	struct why why;
	fixture_ok(certificate_parse(
		       certificate_der(member.certificate), &again, &why),
	    &why);
	assert_string_equal(certificate_facts(again)->fingerprint_text,
	    certificate_facts(member.certificate)->fingerprint_text);
	certificate_free(again);
}

static int
parse_code(struct span bytes)
{
	struct certificate *certificate;
	struct why why;
	int ret = certificate_parse(bytes, &certificate, &why);
	if (ret == 0)
		certificate_free(certificate);
	return ret;
}

static void
what_is_not_exactly_one_certificate_is_refused(void **state)
{
	(void)state;
	struct buf twice;
	struct span der = certificate_der(member.certificate);
	buf_init(&twice, 65536);
	buf_add_span(&twice, buf_span(&member.pem));
	buf_add_span(&twice, buf_span(&member.pem));
	assert_int_equal(parse_code(buf_span(&twice)), WHY_MALFORMED);
	buf_reset(&twice);
	buf_add_span(&twice, der);
	buf_add_byte(&twice, 0);
	assert_int_equal(parse_code(buf_span(&twice)), WHY_MALFORMED);
	for (size_t size = 0; size < der.size; size += 7)
		assert_int_equal(
		    parse_code(span_of(der.at, size)), WHY_MALFORMED);
	assert_int_equal(
	    parse_code(span_text("-----BEGIN CERTIFICATE-----\nAAAA")),
	    WHY_MALFORMED);
	buf_reset(&twice);
	assert_non_null(buf_room(&twice, CERTIFICATE_BYTES_MAX + 1));
	memset(twice.at, 0x30, CERTIFICATE_BYTES_MAX + 1);
	assert_int_equal(
	    parse_code(span_of(twice.at, CERTIFICATE_BYTES_MAX + 1)),
	    WHY_TOO_LARGE);
	buf_clear(&twice);
}

/* A self-signed certificate with a key and a subject of our choice. */
static int
odd_code(EVP_PKEY *pkey, int nid, const char *const values[],
    char organisation[10], bool *legacy)
{
	struct buf der;
	struct certificate *certificate;
	struct why why;
	unsigned char *at = NULL;
	X509 *x509 = X509_new();
	assert_int_equal(X509_set_version(x509, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x509), 5), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), -100));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), 100));
	assert_int_equal(X509_set_pubkey(x509, pkey), 1);
	X509_NAME *name = X509_get_subject_name(x509);
	for (; *values != NULL; values++)
		assert_int_equal(
		    X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8,
			(const unsigned char *)*values, -1, -1, 0),
		    1);
	assert_int_equal(X509_set_issuer_name(x509, name), 1);
	assert_true(X509_sign(x509, pkey, EVP_sha256()) > 0);
	int size = i2d_X509(x509, &at);
	buf_init(&der, 65536);
	buf_add(&der, at, (size_t)size);
	OPENSSL_free(at);
	X509_free(x509);
	int ret = certificate_parse(buf_span(&der), &certificate, &why);
	buf_clear(&der);
	if (ret < 0)
		return ret;
	memcpy(organisation, certificate_facts(certificate)->organisation, 10);
	*legacy = certificate_facts(certificate)->organisation_legacy;
	certificate_free(certificate);
	return 0;
}

static void
the_organisation_comes_from_its_own_field_and_never_from_the_name(void **state)
{
	(void)state;
	static const struct {
		int nid;
		const char *values[3];
		const char *organisation;
		bool legacy;
		int code;
	} cases[] = {
	    {NID_organizationIdentifier, {"NTRNO-987654325"}, "987654325", 0,
		0},
	    {NID_organizationIdentifier, {"987654325"}, "", 0, 0},
	    {NID_organizationIdentifier, {"NTRSE-987654325"}, "", 0, 0},
	    {NID_organizationIdentifier, {"NTRNO-987654326"}, "", 0, 0},
	    {NID_organizationIdentifier, {"NTRNO-9876543250"}, "", 0, 0},
	    {NID_organizationIdentifier, {"NTRNO-987654325", "NTRNO-987654325"},
		"", 0, WHY_INVALID},
	    {NID_serialNumber, {"987654325"}, "987654325", 1, 0},
	    {NID_serialNumber, {"987654325", "987654325"}, "", 0, 0},
	    {NID_serialNumber, {"NTRNO-987654325"}, "", 0, 0},
	    {NID_commonName, {"NTRNO-987654325"}, "", 0, 0},
	    {NID_commonName, {"987654325"}, "", 0, 0},
	};
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char organisation[10] = "";
		bool legacy = false;
		assert_int_equal(odd_code(pkey, cases[i].nid, cases[i].values,
				     organisation, &legacy),
		    cases[i].code);
		assert_string_equal(organisation, cases[i].organisation);
		assert_int_equal(legacy, cases[i].legacy);
	}
	EVP_PKEY_free(pkey);
}

static void
weak_and_unknown_keys_are_refused(void **state)
{
	(void)state;
	const char *const name[] = {"x", NULL};
	char organisation[10];
	bool legacy;
	EVP_PKEY *weak = EVP_RSA_gen(1024);
	EVP_PKEY *k1 = EVP_EC_gen("secp256k1");
	EVP_PKEY *p521 = EVP_EC_gen("P-521");
	assert_int_equal(
	    odd_code(weak, NID_commonName, name, organisation, &legacy),
	    WHY_INVALID);
	assert_int_equal(
	    odd_code(k1, NID_commonName, name, organisation, &legacy),
	    WHY_UNSUPPORTED);
	assert_int_equal(
	    odd_code(p521, NID_commonName, name, organisation, &legacy),
	    WHY_UNSUPPORTED);
	EVP_PKEY_free(weak);
	EVP_PKEY_free(k1);
	EVP_PKEY_free(p521);
}

static void
validity_ends_with_its_last_second(void **state)
{
	(void)state;
	struct why why;
	const struct certificate *certificate = member.certificate;
	const struct certificate_facts *facts = certificate_facts(certificate);
	int64_t first = facts->not_before_ms;
	int64_t last = facts->not_after_ms;
	assert_int_equal(
	    certificate_check_time(certificate, first - 1, &why), WHY_INVALID);
	assert_int_equal(certificate_check_time(certificate, first, &why), 0);
	assert_int_equal(
	    certificate_check_time(certificate, last + 999, &why), 0);
	assert_int_equal(certificate_check_time(certificate, last + 1000, &why),
	    WHY_INVALID);
	assert_non_null(strstr(why.text, "expired at"));
}

static void
key_usage_decides_what_a_certificate_is_for(void **state)
{
	(void)state;
	struct why why;
	struct owner evidence;
	struct owner curve;
	fixture_owner(&evidence, MAKE_P256, MAKE_EVIDENCE, NULL);
	fixture_owner(&curve, MAKE_P384, MAKE_SEAL, NULL);
	assert_int_equal(certificate_check_purpose(
			     member.certificate, CERTIFICATE_FOR_SEALING, &why),
	    0);
	assert_int_equal(certificate_check_purpose(
			     member.certificate, CERTIFICATE_FOR_SIGNING, &why),
	    WHY_INVALID);
	assert_int_equal(certificate_check_purpose(
			     curve.certificate, CERTIFICATE_FOR_SEALING, &why),
	    0);
	assert_int_equal(certificate_check_purpose(evidence.certificate,
			     CERTIFICATE_FOR_SEALING, &why),
	    WHY_INVALID);
	assert_int_equal(certificate_check_purpose(evidence.certificate,
			     CERTIFICATE_FOR_SIGNING, &why),
	    0);
	fixture_owner_clear(&evidence);
	fixture_owner_clear(&curve);
}

static int
chain_code(const struct certificate *certificate, struct span pem,
    int64_t at_ms, bool revocation)
{
	struct anchors *anchors;
	struct why why;
	fixture_ok(anchors_parse(pem, &anchors, &why), &why);
	int ret = certificate_check_chain(
	    certificate, anchors, NULL, 0, at_ms, revocation, &why);
	anchors_free(anchors);
	return ret;
}

static void
a_chain_holds_only_to_its_own_anchor_and_in_its_time(void **state)
{
	(void)state;
	int64_t now = clock_wall_ms();
	struct owner stranger;
	fixture_owner(&stranger, MAKE_P256, MAKE_AUTHORITY, NULL);
	struct span own = buf_span(&authority.pem);
	assert_int_equal(chain_code(member.certificate, own, now, false), 0);
	/* the certificate itself as the anchor: pinned */
	assert_int_equal(
	    chain_code(member.certificate, buf_span(&member.pem), now, false),
	    0);
	assert_int_equal(
	    chain_code(member.certificate, buf_span(&stranger.pem), now, false),
	    WHY_DENIED);
	assert_int_equal(
	    chain_code(member.certificate, own, now + 31 * CLOCK_DAY_MS, false),
	    WHY_DENIED);
	/* not built: never a pass */
	assert_int_equal(
	    chain_code(member.certificate, own, now, true), WHY_UNSUPPORTED);
	fixture_owner_clear(&stranger);
}

static void
a_member_is_no_authority(void **state)
{
	(void)state;
	struct owner issued;
	struct buf pem;
	struct why why;
	struct anchors *anchors;
	fixture_owner(&issued, MAKE_P256, MAKE_SEAL, &member);
	buf_init(&pem, 65536);
	fixture_ok(
	    anchors_parse(buf_span(&authority.pem), &anchors, &why), &why);
	struct span extra = certificate_der(member.certificate);
	assert_int_equal(certificate_check_chain(issued.certificate, anchors,
			     &extra, 1, clock_wall_ms(), false, &why),
	    WHY_DENIED);
	anchors_free(anchors);
	fixture_owner_clear(&issued);
}

static void
suites_go_with_the_keys_they_are_for(void **state)
{
	(void)state;
	struct why why;
	enum seal_suite suite;
	for (int i = 1; i <= 4; i++) {
		fixture_ok(seal_suite_parse(seal_suite_name((enum seal_suite)i),
			       &suite, &why),
		    &why);
		assert_int_equal(suite, i);
		assert_int_equal(
		    seal_suite_check(suite, member.certificate, &why),
		    i <= 2 ? 0 : WHY_INVALID);
		assert_int_equal(
		    seal_suite_check(suite, authority.certificate, &why),
		    i <= 2 ? WHY_INVALID : 0);
	}
	assert_null(seal_suite_name((enum seal_suite)9));
	assert_int_equal(
	    seal_suite_parse("cms-rc2", &suite, &why), WHY_INVALID);
	assert_int_equal(
	    seal_suite_default(member.certificate), SEAL_CMS_CBC_OAEP);
}

static void
a_key_that_others_may_read_is_refused(void **state)
{
	(void)state;
	char path[] = "/tmp/keys-test-XXXXXX";
	struct private_key *key;
	struct buf pem;
	struct why why;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	buf_init(&pem, 65536);
	fixture_ok(private_key_pem(member.key, &pem, &why), &why);
	assert_int_equal(write(fd, pem.at, pem.size), pem.size);
	assert_int_equal(fchmod(fd, 0600), 0);
	fixture_ok(private_key_load(path, &key, &why), &why);
	assert_int_equal(
	    private_key_check_pair(key, member.certificate, &why), 0);
	assert_int_equal(
	    private_key_check_pair(key, authority.certificate, &why),
	    WHY_INVALID);
	private_key_free(key);
	static const mode_t loose[] = {0640, 0604, 0620, 0602, 0610};
	for (size_t i = 0; i < sizeof loose / sizeof *loose; i++) {
		assert_int_equal(fchmod(fd, loose[i]), 0);
		assert_int_equal(
		    private_key_load(path, &key, &why), WHY_DENIED);
		assert_non_null(strstr(why.text, path));
	}
	assert_int_equal(fchmod(fd, 0600), 0);
	assert_int_equal(ftruncate(fd, 100), 0);
	assert_int_equal(private_key_load(path, &key, &why), WHY_MALFORMED);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(private_key_load(path, &key, &why), WHY_SYSTEM);
	assert_int_equal(private_key_load("/tmp", &key, &why), WHY_DENIED);
	close(fd);
	buf_wipe(&pem);
}

static void
a_key_under_a_pass_phrase_is_refused_without_asking(void **state)
{
	(void)state;
	struct private_key *key;
	struct why why;
	char *text;
	BIO *bio = BIO_new(BIO_s_mem());
	char phrase[] = "hemmelig";
	assert_int_equal(
	    PEM_write_bio_PKCS8PrivateKey(bio, private_key_pkey(member.key),
		EVP_aes_256_cbc(), phrase, 8, NULL, NULL),
	    1);
	long size = BIO_get_mem_data(bio, &text);
	assert_int_equal(
	    private_key_parse(span_of(text, (size_t)size), &key, &why),
	    WHY_UNSUPPORTED);
	BIO_free(bio);
}

static void
a_certificate_is_made_only_for_a_real_organisation_number(void **state)
{
	(void)state;
	struct why why;
	struct buf pem;
	struct make_request request = fixture_request(MAKE_SEAL);
	request.organisation = "123456789";
	buf_init(&pem, 65536);
	assert_int_equal(
	    make_certificate(&request, member.key, NULL, NULL, &pem, &why),
	    WHY_INVALID);
	assert_int_equal(pem.size, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_facts_are_those_of_the_request),
	    cmocka_unit_test(der_and_pem_are_the_same_certificate),
	    cmocka_unit_test(what_is_not_exactly_one_certificate_is_refused),
	    cmocka_unit_test(
		the_organisation_comes_from_its_own_field_and_never_from_the_name),
	    cmocka_unit_test(weak_and_unknown_keys_are_refused),
	    cmocka_unit_test(validity_ends_with_its_last_second),
	    cmocka_unit_test(key_usage_decides_what_a_certificate_is_for),
	    cmocka_unit_test(
		a_chain_holds_only_to_its_own_anchor_and_in_its_time),
	    cmocka_unit_test(a_member_is_no_authority),
	    cmocka_unit_test(suites_go_with_the_keys_they_are_for),
	    cmocka_unit_test(a_key_that_others_may_read_is_refused),
	    cmocka_unit_test(
		a_key_under_a_pass_phrase_is_refused_without_asking),
	    cmocka_unit_test(
		a_certificate_is_made_only_for_a_real_organisation_number),
	};
	return cmocka_run_group_tests(tests, make_owners, clear_owners);
}
