#include "keys/cades.h"
#include "tests/keys/fixture.h"

#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

static struct owner authority;
static struct owner stranger;
static struct owner p256;
static struct owner twin; /* the key of p256 under another certificate */
static struct owner rsa;
static struct anchors *anchors;

static const char content[] = "<ASiCManifest>blåbær</ASiCManifest>\n";

static int
make_owners(void **state)
{
	(void)state;
	struct why why;
	struct make_request request = fixture_request(MAKE_EVIDENCE);
	fixture_owner(&authority, MAKE_P256, MAKE_AUTHORITY, NULL);
	fixture_owner(&stranger, MAKE_P256, MAKE_AUTHORITY, NULL);
	fixture_owner(&p256, MAKE_P256, MAKE_EVIDENCE, &authority);
	fixture_owner(&rsa, MAKE_RSA_2048, MAKE_EVIDENCE, &authority);
	buf_init(&twin.pem, 65536);
	fixture_ok(make_certificate(&request, p256.key, authority.certificate,
		       authority.key, &twin.pem, &why),
	    &why);
	fixture_ok(
	    certificate_parse(buf_span(&twin.pem), &twin.certificate, &why),
	    &why);
	fixture_ok(
	    anchors_parse(buf_span(&authority.pem), &anchors, &why), &why);
	return 0;
}

static int
clear_owners(void **state)
{
	(void)state;
	anchors_free(anchors);
	fixture_owner_clear(&authority);
	fixture_owner_clear(&stranger);
	fixture_owner_clear(&p256);
	fixture_owner_clear(&twin);
	fixture_owner_clear(&rsa);
	return 0;
}

static void
sign_as(const struct owner *owner, struct buf *der)
{
	struct cades_signer *signer;
	struct why why;
	const struct certificate *chain[] = {owner->certificate};
	buf_init(der, CADES_BYTES_MAX);
	fixture_ok(cades_signer_new(owner->key, chain, 1, &signer, &why), &why);
	fixture_ok(cades_sign(signer, span_text(content), der, &why), &why);
	cades_signer_free(signer);
}

static int
verify_code(struct span der, const char *text)
{
	struct cades cades;
	struct why why;
	int ret = cades_verify(der, span_text(text), anchors, &cades, &why);
	if (ret == 0) {
		assert_non_null(cades.certificate);
		assert_in_range(cades.signed_ms + 5000, clock_wall_ms(),
		    clock_wall_ms() + 10000);
		cades_clear(&cades);
	} else {
		assert_null(cades.certificate);
		assert_true(why.text[0] != '\0');
	}
	return ret;
}

static void
every_kind_of_key_signs_what_verifies(void **state)
{
	(void)state;
	const struct owner *const owners[] = {&p256, &rsa};
	for (size_t i = 0; i < 2; i++) {
		struct buf der;
		sign_as(owners[i], &der);
		assert_int_equal(verify_code(buf_span(&der), content), 0);
		buf_clear(&der);
	}
}

static void
a_signature_of_other_bytes_is_wrong(void **state)
{
	(void)state;
	struct buf der;
	sign_as(&p256, &der);
	assert_int_equal(verify_code(buf_span(&der), "other"), WHY_CRYPTO);
	assert_int_equal(verify_code(buf_span(&der), ""), WHY_CRYPTO);
	buf_clear(&der);
}

static void
a_signer_that_leads_to_no_anchor_is_not_trusted(void **state)
{
	(void)state;
	struct owner other;
	struct buf der;
	fixture_owner(&other, MAKE_P256, MAKE_EVIDENCE, &stranger);
	sign_as(&other, &der);
	assert_int_equal(verify_code(buf_span(&der), content), WHY_DENIED);
	buf_clear(&der);
	fixture_owner_clear(&other);
}

static void
a_certificate_for_sealing_signs_nothing(void **state)
{
	(void)state;
	struct owner seal;
	struct buf der;
	fixture_owner(&seal, MAKE_RSA_2048, MAKE_SEAL, &authority);
	sign_as(&seal, &der);
	assert_true(verify_code(buf_span(&der), content) < 0);
	buf_clear(&der);
	fixture_owner_clear(&seal);
}

/* What somebody else's tool makes, with these flags. */
static void
sign_plain(const struct owner *owner, const struct certificate *certificate,
    unsigned flags, const EVP_MD *digest, struct buf *der)
{
	struct buf pem;
	buf_init(&pem, 65536);
	fixture_ok(private_key_pem(owner->key, &pem, NULL), NULL);
	BIO *key_in = BIO_new_mem_buf(pem.at, (int)pem.size);
	BIO *in = BIO_new_mem_buf(content, (int)strlen(content));
	EVP_PKEY *key = PEM_read_bio_PrivateKey(key_in, NULL, NULL, NULL);
	struct span bytes = certificate_der(certificate);
	const unsigned char *at = bytes.at;
	X509 *x509 = d2i_X509(NULL, &at, (long)bytes.size);
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, in,
	    CMS_PARTIAL | CMS_BINARY | (flags & CMS_DETACHED));
	assert_non_null(CMS_add1_signer(cms, x509, key, digest, flags));
	assert_int_equal(CMS_final(cms, in, NULL, CMS_BINARY | flags), 1);
	buf_init(der, CADES_BYTES_MAX);
	unsigned char *out = NULL;
	int size = i2d_CMS_ContentInfo(cms, &out);
	buf_add(der, out, (size_t)size);
	OPENSSL_free(out);
	CMS_ContentInfo_free(cms);
	X509_free(x509);
	EVP_PKEY_free(key);
	BIO_free(in);
	BIO_free(key_in);
	buf_wipe(&pem);
}

static void
what_is_cms_but_not_cades_is_refused(void **state)
{
	(void)state;
	const struct {
		const struct certificate *certificate;
		unsigned flags;
		const EVP_MD *digest;
		int expected;
	} cases[] = {
	    {p256.certificate, CMS_DETACHED | CMS_CADES, EVP_sha256(), 0},
	    {p256.certificate, CMS_DETACHED | CMS_CADES, EVP_sha512(), 0},
	    {p256.certificate, CMS_DETACHED, EVP_sha256(), WHY_CRYPTO},
	    {p256.certificate, CMS_DETACHED | CMS_CADES, EVP_sha1(),
		WHY_UNSUPPORTED},
	    {p256.certificate, CMS_CADES, EVP_sha256(), WHY_MALFORMED},
	    {p256.certificate, CMS_DETACHED | CMS_CADES | CMS_NOCERTS,
		EVP_sha256(), WHY_MALFORMED},
	    {p256.certificate, CMS_DETACHED | CMS_CADES | CMS_NOATTR,
		EVP_sha256(), WHY_CRYPTO},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf der;
		sign_plain(&p256, cases[i].certificate, cases[i].flags,
		    cases[i].digest, &der);
		assert_int_equal(
		    verify_code(buf_span(&der), content), cases[i].expected);
		buf_clear(&der);
	}
}

/* The same key under another certificate: the signature's mathematics hold,
 * the certificate is not the one that was signed for. */
static void
another_certificate_of_the_same_key_is_no_signer(void **state)
{
	(void)state;
	struct buf der;
	sign_as(&p256, &der);
	struct span mine = certificate_der(p256.certificate);
	const unsigned char *at = der.at;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der.size);
	CMS_SignerInfo *signer =
	    sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
	struct span other = certificate_der(twin.certificate);
	const unsigned char *other_at = other.at;
	X509 *x509 = d2i_X509(NULL, &other_at, (long)other.size);
	ASN1_INTEGER *serial = NULL;
	assert_int_equal(CMS_add1_cert(cms, x509), 1);
	assert_int_equal(
	    CMS_SignerInfo_get0_signer_id(signer, NULL, NULL, &serial), 1);
	assert_int_equal(
	    ASN1_STRING_copy(serial, X509_get0_serialNumber(x509)), 1);
	unsigned char *out = NULL;
	int size = i2d_CMS_ContentInfo(cms, &out);
	assert_true(mine.size > 0 && size > 0);
	assert_int_equal(
	    verify_code(span_of(out, (size_t)size), content), WHY_CRYPTO);
	OPENSSL_free(out);
	X509_free(x509);
	CMS_ContentInfo_free(cms);
	buf_clear(&der);
}

static void
a_signature_cut_lengthened_or_changed_is_refused(void **state)
{
	(void)state;
	struct buf der;
	sign_as(&p256, &der);
	for (size_t size = 0; size < der.size; size += 7)
		assert_true(verify_code(span_of(der.at, size), content) < 0);
	size_t unnoticed = 0;
	for (size_t i = 0; i < der.size; i += 3) {
		der.at[i] ^= 0x04;
		unnoticed += verify_code(buf_span(&der), content) == 0;
		der.at[i] ^= 0x04;
	}
	/* the list of digests and the algorithm's name: nothing hangs on them,
	 * for the digest is pinned and the algorithm follows from the key */
	assert_true(unnoticed <= 10);
	buf_add_byte(&der, 0);
	assert_int_equal(verify_code(buf_span(&der), content), WHY_MALFORMED);
	buf_clear(&der);
}

static void
a_signature_over_the_limit_is_not_parsed(void **state)
{
	(void)state;
	uint8_t *at = calloc(1, CADES_BYTES_MAX + 1);
	assert_non_null(at);
	assert_int_equal(verify_code(span_of(at, CADES_BYTES_MAX + 1), content),
	    WHY_TOO_LARGE);
	assert_int_equal(
	    verify_code(span_of(at, CADES_BYTES_MAX), content), WHY_MALFORMED);
	free(at);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind_of_key_signs_what_verifies),
	    cmocka_unit_test(a_signature_of_other_bytes_is_wrong),
	    cmocka_unit_test(a_signer_that_leads_to_no_anchor_is_not_trusted),
	    cmocka_unit_test(a_certificate_for_sealing_signs_nothing),
	    cmocka_unit_test(what_is_cms_but_not_cades_is_refused),
	    cmocka_unit_test(another_certificate_of_the_same_key_is_no_signer),
	    cmocka_unit_test(a_signature_cut_lengthened_or_changed_is_refused),
	    cmocka_unit_test(a_signature_over_the_limit_is_not_parsed),
	};
	return cmocka_run_group_tests_name(
	    "keys: cades", tests, make_owners, clear_owners);
}
