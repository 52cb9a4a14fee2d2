#include "base/id.h"
#include "keys/keys_priv.h"
#include "keys/open_probe.h"
#include "tests/keys/fixture.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

static struct owner rsa;
static struct owner other;
static struct owner p256;
static struct owner p384;

static int
make_owners(void **state)
{
	(void)state;
	fixture_owner(&rsa, MAKE_RSA_2048, MAKE_SEAL, NULL);
	fixture_owner(&other, MAKE_RSA_2048, MAKE_SEAL, NULL);
	fixture_owner(&p256, MAKE_P256, MAKE_SEAL, NULL);
	fixture_owner(&p384, MAKE_P384, MAKE_SEAL, NULL);
	return 0;
}

static int
clear_owners(void **state)
{
	(void)state;
	fixture_owner_clear(&rsa);
	fixture_owner_clear(&other);
	fixture_owner_clear(&p256);
	fixture_owner_clear(&p384);
	return 0;
}

static const struct owner *
owner_of(enum seal_suite suite, int turn)
{
	if (suite == SEAL_CMS_CBC_OAEP || suite == SEAL_CMS_GCM_OAEP)
		return &rsa;
	return turn % 2 == 0 ? &p256 : &p384;
}

static uint8_t *
random_bytes(size_t size)
{
	uint8_t *bytes = malloc(size + 1);
	assert_non_null(bytes);
	random_fill(bytes, size);
	return bytes;
}

/* Options for OpenSSL's sealing. */
struct how {
	const EVP_CIPHER *cipher;
	unsigned flags;
	const EVP_MD *oaep; /* NULL: PKCS#1 v1.5 */
	const EVP_MD *mask;
};

static void
add_recipient(
    CMS_ContentInfo *cms, const struct owner *owner, const struct how *how)
{
	CMS_RecipientInfo *recipient = CMS_add1_recipient_cert(
	    cms, certificate_x509(owner->certificate), CMS_KEY_PARAM);
	assert_non_null(recipient);
	EVP_PKEY_CTX *context = CMS_RecipientInfo_get0_pkey_ctx(recipient);
	if (private_key_kind(owner->key) != CERTIFICATE_RSA) {
		if (how->mask != NULL)
			assert_int_equal(
			    EVP_PKEY_CTX_set_ecdh_kdf_md(context, how->mask),
			    1);
		return;
	}
	if (how->oaep == NULL)
		return;
	assert_int_equal(
	    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(context, how->oaep), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md(context, how->mask), 1);
}

static void
openssl_seal(const struct owner *const *owners, size_t count,
    const struct how *how, struct span plain, struct buf *out)
{
	CMS_ContentInfo *cms = CMS_encrypt(
	    NULL, NULL, how->cipher, how->flags | CMS_BINARY | CMS_PARTIAL);
	assert_non_null(cms);
	for (size_t i = 0; i < count; i++)
		add_recipient(cms, owners[i], how);
	BIO *in = BIO_new_mem_buf(
	    plain.size == 0 ? "" : (const char *)plain.at, (int)plain.size);
	BIO *to = BIO_new(BIO_s_mem());
	if ((how->flags & CMS_STREAM) != 0) {
		assert_int_equal(i2d_CMS_bio_stream(
				     to, cms, in, (int)how->flags | CMS_BINARY),
		    1);
	} else {
		assert_int_equal(
		    CMS_final(cms, in, NULL, how->flags | CMS_BINARY), 1);
		assert_int_equal(i2d_CMS_bio(to, cms), 1);
	}
	char *text;
	long size = BIO_get_mem_data(to, &text);
	buf_add(out, text, (size_t)size);
	BIO_free(in);
	BIO_free(to);
	CMS_ContentInfo_free(cms);
}

/* OpenSSL's own opening; false when it refuses. */
static bool
openssl_open(const struct owner *owner, struct span message, struct buf *plain)
{
	bool good = false;
	BIO *in = BIO_new_mem_buf(message.at, (int)message.size);
	BIO *out = BIO_new(BIO_s_mem());
	CMS_ContentInfo *cms = d2i_CMS_bio(in, NULL);
	if (cms != NULL && CMS_decrypt(cms, private_key_pkey(owner->key),
			       certificate_x509(owner->certificate), NULL, out,
			       CMS_BINARY) == 1) {
		char *text;
		long size = BIO_get_mem_data(out, &text);
		buf_add(plain, text, (size_t)size);
		good = true;
	}
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	BIO_free(out);
	ERR_clear_error();
	return good;
}

static void
what_is_sealed_opens_the_same_at_every_size_and_step(void **state)
{
	(void)state;
	static const size_t sizes[] = {
	    1, 15, 16, 17, 111, 127, 128, 255, 256, 4097, 65536, 200001};
	static const size_t steps[] = {1, 7, 4096, 1000000};
	for (int suite = SEAL_CMS_CBC_OAEP; suite <= SEAL_CMS_GCM_ECDH; suite++)
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			const struct owner *owner =
			    owner_of((enum seal_suite)suite, (int)i);
			uint8_t *bytes = random_bytes(sizes[i]);
			struct span plain = span_of(bytes, sizes[i]);
			struct buf sealed;
			struct buf back;
			struct why why;
			buf_init(&sealed, FIXTURE_BYTES_MAX);
			buf_init(&back, FIXTURE_BYTES_MAX);
			fixture_seal(owner, (enum seal_suite)suite, plain,
			    steps[(i + 1) % 4], &sealed);
			fixture_ok(fixture_open(owner, buf_span(&sealed),
				       steps[i % 4], &back, &why),
			    &why);
			assert_true(span_equal(buf_span(&back), plain));
			buf_reset(&back);
			assert_true(
			    openssl_open(owner, buf_span(&sealed), &back));
			assert_true(span_equal(buf_span(&back), plain));
			buf_clear(&sealed);
			buf_clear(&back);
			free(bytes);
		}
}

/* Where the content's last octets meet the end of a piece. */
static void
a_piece_may_end_anywhere_near_the_end_of_the_content(void **state)
{
	(void)state;
	const struct owner *owner = &p256;
	uint8_t *bytes = random_bytes(SEAL_PIECE_BYTES);
	struct buf sealed;
	struct buf back;
	buf_init(&sealed, FIXTURE_BYTES_MAX);
	buf_init(&back, FIXTURE_BYTES_MAX);
	for (int gcm = 0; gcm < 2; gcm++) {
		enum seal_suite suite =
		    gcm ? SEAL_CMS_GCM_ECDH : SEAL_CMS_CBC_ECDH;
		fixture_seal(owner, suite, span_of(bytes, 1024), 1024, &sealed);
		size_t around = sealed.size - 1024;
		for (size_t i = 0; i < 80; i++) {
			struct span plain =
			    span_of(bytes, SEAL_PIECE_BYTES - around - 40 + i);
			struct why why;
			buf_reset(&sealed);
			buf_reset(&back);
			fixture_seal(owner, suite, plain, plain.size, &sealed);
			assert_true(
			    openssl_open(owner, buf_span(&sealed), &back));
			assert_true(span_equal(buf_span(&back), plain));
			buf_reset(&back);
			fixture_ok(fixture_open(owner, buf_span(&sealed),
				       1000000, &back, &why),
			    &why);
			assert_true(span_equal(buf_span(&back), plain));
		}
		buf_reset(&sealed);
	}
	buf_clear(&sealed);
	buf_clear(&back);
	free(bytes);
}

static void
messages_of_openssl_open_in_der_and_in_ber(void **state)
{
	(void)state;
	const struct how hows[] = {
	    {EVP_aes_256_cbc(), 0, EVP_sha256(), EVP_sha256()},
	    {EVP_aes_256_cbc(), CMS_STREAM, EVP_sha384(), EVP_sha256()},
	    {EVP_aes_128_cbc(), 0, EVP_sha512(), EVP_sha512()},
	    {EVP_aes_256_gcm(), CMS_STREAM, EVP_sha256(), EVP_sha256()},
	    {EVP_aes_256_gcm(), 0, EVP_sha256(), EVP_sha256()},
	    {EVP_aes_128_gcm(), 0, EVP_sha256(), EVP_sha256()},
	};
	const struct owner *const all[] = {&other, &p384, &rsa, &p256};
	uint8_t *bytes = random_bytes(30000);
	for (size_t i = 0; i < sizeof hows / sizeof *hows; i++) {
		struct buf sealed;
		struct why why;
		buf_init(&sealed, FIXTURE_BYTES_MAX);
		struct span plain = span_of(bytes, i * 5000 + i);
		openssl_seal(all, 4, &hows[i], plain, &sealed);
		for (size_t o = 0; o < 4; o++) {
			struct buf back;
			buf_init(&back, FIXTURE_BYTES_MAX);
			fixture_ok(fixture_open(all[o], buf_span(&sealed), 333,
				       &back, &why),
			    &why);
			assert_true(span_equal(buf_span(&back), plain));
			buf_clear(&back);
		}
		buf_clear(&sealed);
	}
	free(bytes);
}

static void
nothing_can_be_opened_but_not_sealed(void **state)
{
	(void)state;
	const struct owner *const owner = &p256;
	struct seal *seal;
	struct buf sealed;
	struct buf back;
	struct why why;
	buf_init(&sealed, 65536);
	buf_init(&back, 65536);
	for (int gcm = 0; gcm < 2; gcm++) {
		const struct how how = {
		    gcm ? EVP_aes_256_gcm() : EVP_aes_256_cbc(), 0, NULL,
		    EVP_sha256()};
		buf_reset(&sealed);
		openssl_seal(&owner, 1, &how, SPAN_NONE, &sealed);
		fixture_ok(
		    fixture_open(owner, buf_span(&sealed), 1, &back, &why),
		    &why);
		assert_int_equal(back.size, 0);
		struct sink sink = {fixture_to_buf, &back};
		fixture_ok(seal_new(owner->certificate,
			       gcm ? SEAL_CMS_GCM_ECDH : SEAL_CMS_CBC_ECDH,
			       &sink, &seal, &why),
		    &why);
		assert_int_equal(seal_finish(seal, &why), WHY_INVALID);
		seal_free(seal);
	}
	buf_clear(&sealed);
	buf_clear(&back);
}

static int
refusal(const struct owner *owner, const struct open_options *options,
    struct span message, struct why *why)
{
	struct buf back;
	buf_init(&back, FIXTURE_BYTES_MAX);
	int ret = fixture_open_as(owner, options, message, 1000, &back, why);
	buf_clear(&back);
	return ret;
}

static void
a_message_for_somebody_else_is_not_tried(void **state)
{
	(void)state;
	struct buf sealed;
	struct why why;
	buf_init(&sealed, 65536);
	fixture_seal(&rsa, SEAL_CMS_CBC_OAEP, span_text("hei"), 3, &sealed);
	assert_int_equal(
	    refusal(&other, NULL, buf_span(&sealed), &why), WHY_NOT_FOUND);
	assert_int_equal(
	    refusal(&p256, NULL, buf_span(&sealed), &why), WHY_NOT_FOUND);
	buf_clear(&sealed);
}

static void
pkcs1_key_transport_opens_only_when_allowed(void **state)
{
	(void)state;
	const struct how how = {EVP_aes_256_cbc(), CMS_STREAM, NULL, NULL};
	const struct owner *const owner = &rsa;
	const struct open_options allow = {.allow_pkcs1 = true};
	struct buf sealed;
	struct buf back;
	struct why why;
	buf_init(&sealed, 65536);
	buf_init(&back, 65536);
	openssl_seal(&owner, 1, &how, span_text("hei"), &sealed);
	assert_int_equal(
	    refusal(&rsa, NULL, buf_span(&sealed), &why), WHY_UNSUPPORTED);
	assert_non_null(strstr(why.text, "PKCS#1"));
	fixture_ok(
	    fixture_open_as(&rsa, &allow, buf_span(&sealed), 10, &back, &why),
	    &why);
	assert_true(span_is(buf_span(&back), "hei"));
	buf_clear(&sealed);
	buf_clear(&back);
}

/* The last octet of the wrapped key, found by its length octets. */
static size_t
wrapped_key_end(const struct buf *sealed)
{
	static const uint8_t head[] = {0x04, 0x82, 0x01, 0x00};
	const uint8_t *at = memmem(sealed->at, sealed->size, head, sizeof head);
	assert_non_null(at);
	return (size_t)(at - sealed->at) + sizeof head + 255;
}

static void
a_wrong_pkcs1_key_fails_as_late_as_wrong_content(void **state)
{
	(void)state;
	const struct how how = {EVP_aes_256_gcm(), CMS_STREAM, NULL, NULL};
	const struct owner *const owner = &rsa;
	const struct open_options allow = {.allow_pkcs1 = true};
	struct buf sealed;
	struct why key_why;
	struct why content_why;
	buf_init(&sealed, 65536);
	openssl_seal(&owner, 1, &how, span_text("hei hei hei"), &sealed);
	size_t at = wrapped_key_end(&sealed);
	sealed.at[at] ^= 1;
	assert_int_equal(
	    refusal(&rsa, &allow, buf_span(&sealed), &key_why), WHY_CRYPTO);
	sealed.at[at] ^= 1;
	sealed.at[sealed.size - 7] ^= 1;
	assert_int_equal(
	    refusal(&rsa, &allow, buf_span(&sealed), &content_why), WHY_CRYPTO);
	assert_string_equal(key_why.text, content_why.text);
	buf_clear(&sealed);
}

static void
a_damaged_oaep_key_is_refused(void **state)
{
	(void)state;
	struct buf sealed;
	struct why why;
	buf_init(&sealed, 65536);
	fixture_seal(&rsa, SEAL_CMS_CBC_OAEP, span_text("hei"), 3, &sealed);
	sealed.at[wrapped_key_end(&sealed)] ^= 1;
	assert_int_equal(
	    refusal(&rsa, NULL, buf_span(&sealed), &why), WHY_CRYPTO);
	buf_clear(&sealed);
}

static void
oaep_with_sha1_is_refused(void **state)
{
	(void)state;
	const struct owner *const owner = &rsa;
	const struct how hows[] = {
	    {EVP_aes_256_cbc(), 0, EVP_sha1(), EVP_sha1()},
	    {EVP_aes_256_cbc(), 0, EVP_sha256(), EVP_sha1()},
	    {EVP_aes_256_cbc(), 0, EVP_sha1(), EVP_sha256()},
	};
	for (size_t i = 0; i < 3; i++) {
		struct buf sealed;
		struct why why;
		buf_init(&sealed, 65536);
		openssl_seal(&owner, 1, &hows[i], span_text("hei"), &sealed);
		assert_int_equal(refusal(&rsa, NULL, buf_span(&sealed), &why),
		    WHY_UNSUPPORTED);
		buf_clear(&sealed);
	}
}

static void
ecdh_with_sha1_is_refused(void **state)
{
	(void)state;
	const struct owner *const owner = &p256;
	const struct how how = {EVP_aes_256_cbc(), 0, NULL, EVP_sha1()};
	struct buf sealed;
	struct why why;
	buf_init(&sealed, 65536);
	openssl_seal(&owner, 1, &how, span_text("hei"), &sealed);
	assert_int_equal(
	    refusal(&p256, NULL, buf_span(&sealed), &why), WHY_UNSUPPORTED);
	buf_clear(&sealed);
}

static void
old_ciphers_are_refused(void **state)
{
	(void)state;
	const struct owner *const owner = &rsa;
	const struct how how = {
	    EVP_des_ede3_cbc(), 0, EVP_sha256(), EVP_sha256()};
	struct buf sealed;
	struct why why;
	buf_init(&sealed, 65536);
	openssl_seal(&owner, 1, &how, span_text("hei"), &sealed);
	assert_int_equal(
	    refusal(&rsa, NULL, buf_span(&sealed), &why), WHY_UNSUPPORTED);
	assert_non_null(strstr(why.text, "neither AES-CBC nor AES-GCM"));
	buf_clear(&sealed);
}

static void
recipients_by_password_or_shared_key_are_refused(void **state)
{
	(void)state;
	for (int password = 0; password < 2; password++) {
		unsigned char key[32] = {1};
		unsigned char id[] = {1, 2, 3};
		unsigned char *phrase = OPENSSL_memdup("hemmelig", 8);
		struct buf sealed;
		struct why why;
		char *text;
		buf_init(&sealed, 65536);
		CMS_ContentInfo *cms = CMS_encrypt(
		    NULL, NULL, EVP_aes_256_cbc(), CMS_BINARY | CMS_PARTIAL);
		const struct how how = {NULL, 0, EVP_sha256(), EVP_sha256()};
		add_recipient(cms, &rsa, &how);
		if (password) {
			assert_non_null(
			    CMS_add0_recipient_password(cms, -1, NID_undef,
				NID_undef, phrase, 8, EVP_aes_256_cbc()));
		} else {
			OPENSSL_free(phrase);
			assert_non_null(CMS_add0_recipient_key(cms, NID_undef,
			    OPENSSL_memdup(key, 32), 32, OPENSSL_memdup(id, 3),
			    3, NULL, NULL, NULL));
		}
		BIO *in = BIO_new_mem_buf("hei", 3);
		BIO *out = BIO_new(BIO_s_mem());
		assert_int_equal(CMS_final(cms, in, NULL, CMS_BINARY), 1);
		assert_int_equal(i2d_CMS_bio(out, cms), 1);
		long size = BIO_get_mem_data(out, &text);
		buf_add(&sealed, text, (size_t)size);
		assert_int_equal(refusal(&rsa, NULL, buf_span(&sealed), &why),
		    WHY_UNSUPPORTED);
		assert_non_null(
		    strstr(why.text, password ? "password" : "shared key"));
		BIO_free(in);
		BIO_free(out);
		CMS_ContentInfo_free(cms);
		buf_clear(&sealed);
	}
}

static void
a_flipped_bit_under_gcm_is_found_at_the_end(void **state)
{
	(void)state;
	uint8_t *bytes = random_bytes(100000);
	struct buf sealed;
	struct why why;
	buf_init(&sealed, FIXTURE_BYTES_MAX);
	fixture_seal(
	    &rsa, SEAL_CMS_GCM_OAEP, span_of(bytes, 100000), 5000, &sealed);
	for (size_t at = 2000; at < sealed.size - 40; at += 9973) {
		sealed.at[at] ^= 0x10;
		struct why ours;
		int ret = refusal(&rsa, NULL, buf_span(&sealed), &ours);
		/* an octet of BER may be hit: then it is malformed */
		assert_true(ret == WHY_CRYPTO || ret == WHY_MALFORMED);
		sealed.at[at] ^= 0x10;
	}
	fixture_ok(refusal(&rsa, NULL, buf_span(&sealed), &why), &why);
	buf_clear(&sealed);
	free(bytes);
}

static void
a_message_cut_anywhere_never_finishes(void **state)
{
	(void)state;
	for (int suite = SEAL_CMS_CBC_OAEP; suite <= SEAL_CMS_GCM_OAEP;
	     suite++) {
		struct buf sealed;
		struct why why;
		buf_init(&sealed, 65536);
		fixture_seal(&rsa, (enum seal_suite)suite,
		    span_text("en hel melding"), 3, &sealed);
		for (size_t size = 0; size < sealed.size; size++)
			assert_true(refusal(&rsa, NULL,
					span_of(sealed.at, size), &why) < 0);
		buf_add_byte(&sealed, 0);
		assert_int_equal(refusal(&rsa, NULL, buf_span(&sealed), &why),
		    WHY_MALFORMED);
		buf_clear(&sealed);
	}
}

static void
more_plaintext_than_allowed_is_refused(void **state)
{
	(void)state;
	uint8_t *bytes = random_bytes(5000);
	const struct open_options exact = {.max_bytes = 5000};
	const struct open_options under = {.max_bytes = 4999};
	struct buf sealed;
	struct why why;
	buf_init(&sealed, 65536);
	fixture_seal(
	    &rsa, SEAL_CMS_CBC_OAEP, span_of(bytes, 5000), 5000, &sealed);
	fixture_ok(refusal(&rsa, &exact, buf_span(&sealed), &why), &why);
	assert_int_equal(
	    refusal(&rsa, &under, buf_span(&sealed), &why), WHY_TOO_LARGE);
	buf_clear(&sealed);
	free(bytes);
}

static void
more_recipients_than_allowed_are_refused(void **state)
{
	(void)state;
	const struct owner *many[OPEN_RECIPIENTS_MAX + 1];
	const struct how how = {
	    EVP_aes_256_cbc(), 0, EVP_sha256(), EVP_sha256()};
	struct why why;
	for (size_t i = 0; i <= OPEN_RECIPIENTS_MAX; i++)
		many[i] = &other;
	many[OPEN_RECIPIENTS_MAX - 1] = &rsa;
	for (size_t count = OPEN_RECIPIENTS_MAX;
	     count <= OPEN_RECIPIENTS_MAX + 1; count++) {
		struct buf sealed;
		buf_init(&sealed, FIXTURE_BYTES_MAX);
		openssl_seal(many, count, &how, span_text("hei"), &sealed);
		int ret = refusal(&rsa, NULL, buf_span(&sealed), &why);
		/* a SET OF is sorted: ours may stand anywhere */
		assert_int_equal(
		    ret, count <= OPEN_RECIPIENTS_MAX ? 0 : WHY_TOO_LARGE);
		buf_clear(&sealed);
	}
}

/* The message with `count` recipients of another kind, `size` octets each with
 * their head, before its own, and the SET of indefinite length. */
static void
add_strange_recipients(
    const struct buf *message, size_t count, size_t size, struct buf *out)
{
	static const uint8_t version[] = {0x02, 0x01, 0x00, 0x31, 0x82};
	const uint8_t *at =
	    memmem(message->at, message->size, version, sizeof version);
	assert_non_null(at);
	size_t before = (size_t)(at - message->at) + 4;
	size_t own = (size_t)at[5] << 8 | at[6];
	buf_add(out, message->at, before);
	buf_add_byte(out, 0x80);
	for (size_t i = 0; i < count; i++) {
		buf_add(out, "\xa4\x82", 2);
		buf_add_u16(out, (uint16_t)(size - 4));
		uint8_t *room = buf_room(out, size - 4);
		assert_non_null(room);
		memset(room, 0, size - 4);
		buf_used(out, size - 4);
	}
	buf_add(out, message->at + before + 3, own);
	buf_add(out, "\0\0", 2);
	buf_add(out, message->at + before + 3 + own,
	    message->size - before - 3 - own);
	assert_true(buf_ok(out));
}

static void
recipients_of_more_bytes_than_allowed_are_refused(void **state)
{
	(void)state;
	struct buf message;
	struct buf odd;
	struct why why;
	buf_init(&message, 65536);
	buf_init(&odd, 1u << 20);
	fixture_seal(&rsa, SEAL_CMS_CBC_OAEP, span_text("hei"), 3, &message);
	/* one of them */
	for (size_t size = OPEN_RECIPIENT_BYTES - 1;
	     size <= OPEN_RECIPIENT_BYTES + 1; size++) {
		buf_reset(&odd);
		add_strange_recipients(&message, 1, size, &odd);
		assert_int_equal(refusal(&rsa, NULL, buf_span(&odd), &why),
		    size <= OPEN_RECIPIENT_BYTES ? 0 : WHY_TOO_LARGE);
	}
	/* all of them: ours comes last and is some hundred octets */
	size_t full = OPEN_RECIPIENTS_BYTES / OPEN_RECIPIENT_BYTES;
	buf_reset(&odd);
	add_strange_recipients(
	    &message, full, OPEN_RECIPIENT_BYTES - 100, &odd);
	assert_int_equal(refusal(&rsa, NULL, buf_span(&odd), &why), 0);
	buf_reset(&odd);
	add_strange_recipients(&message, full, OPEN_RECIPIENT_BYTES, &odd);
	assert_int_equal(
	    refusal(&rsa, NULL, buf_span(&odd), &why), WHY_TOO_LARGE);
	buf_clear(&message);
	buf_clear(&odd);
}

static void
nested_strings_deeper_than_allowed_are_refused(void **state)
{
	(void)state;
	struct buf message;
	struct why why;
	buf_init(&message, 65536);
	fixture_seal(&rsa, SEAL_CMS_GCM_OAEP, span_text("hei"), 3, &message);
	static const uint8_t content[] = {0xa0, 0x80, 0x04, 0x03};
	uint8_t *at = memmem(message.at, message.size, content, sizeof content);
	assert_non_null(at);
	size_t before = (size_t)(at - message.at) + 2;
	for (size_t depth = 1; depth < 40; depth++) {
		struct buf deep;
		buf_init(&deep, 65536);
		buf_add(&deep, message.at, before);
		for (size_t i = 0; i < depth; i++)
			buf_add(&deep, "\x24\x80", 2);
		buf_add(&deep, message.at + before, 5);
		for (size_t i = 0; i < depth; i++)
			buf_add(&deep, "\0\0", 2);
		buf_add(
		    &deep, message.at + before + 5, message.size - before - 5);
		int ret = refusal(&rsa, NULL, buf_span(&deep), &why);
		/* four containers around the content, and the content */
		assert_int_equal(
		    ret, depth + 5 <= OPEN_DEPTH_MAX ? 0 : WHY_MALFORMED);
		buf_clear(&deep);
	}
	buf_clear(&message);
}

static int
full_sink(void *context, struct span bytes, struct why *why)
{
	(void)context;
	(void)bytes;
	return why_set(why, WHY_FULL, "no room");
}

static void
a_failing_sink_ends_sealing_and_opening_with_its_own_code(void **state)
{
	(void)state;
	uint8_t *bytes = random_bytes(300000);
	struct sink sink = {full_sink, NULL};
	struct seal *seal;
	struct opening *opening;
	struct buf sealed;
	struct why why;
	fixture_ok(
	    seal_new(rsa.certificate, SEAL_CMS_CBC_OAEP, &sink, &seal, &why),
	    &why);
	assert_int_equal(
	    seal_write(seal, span_of(bytes, 300000), &why), WHY_FULL);
	assert_string_equal(why.text, "no room");
	seal_free(seal);
	buf_init(&sealed, FIXTURE_BYTES_MAX);
	fixture_seal(
	    &rsa, SEAL_CMS_CBC_OAEP, span_of(bytes, 300000), 999, &sealed);
	const struct open_key key = {rsa.certificate, rsa.key};
	fixture_ok(opening_new(&key, 1, NULL, &sink, &opening, &why), &why);
	assert_int_equal(
	    opening_write(opening, buf_span(&sealed), &why), WHY_FULL);
	assert_int_equal(opening_finish(opening, &why), WHY_BUG);
	opening_free(opening);
	buf_clear(&sealed);
	free(bytes);
}

static void
a_key_of_another_certificate_is_refused_at_the_beginning(void **state)
{
	(void)state;
	struct sink sink = {full_sink, NULL};
	struct opening *opening;
	struct why why;
	const struct open_key key = {rsa.certificate, other.key};
	assert_int_equal(
	    opening_new(&key, 1, NULL, &sink, &opening, &why), WHY_INVALID);
}

/* Alter a few octets, mostly near the front, where structure is. */
static void
mutate(struct buf *message)
{
	uint32_t dice[3];
	for (int i = 0; i < 2; i++) {
		random_fill(dice, sizeof dice);
		size_t range =
		    dice[2] % 4 == 0 ? message->size : message->size / 2;
		if (range > 0)
			message->at[dice[0] % range] = (uint8_t)(dice[1] >> 8);
		if (dice[2] % 3 == 0)
			break;
	}
}

static void
what_we_open_openssl_opens_to_the_same_bytes(void **state)
{
	(void)state;
	int opened = 0;
	uint8_t *bytes = random_bytes(400);
	const struct span plain = span_of(bytes, 400);
	for (int i = 0; i < 6000; i++) {
		struct buf message;
		struct buf ours;
		struct buf theirs;
		struct why why;
		enum seal_suite suite =
		    i % 2 == 0 ? SEAL_CMS_CBC_ECDH : SEAL_CMS_GCM_ECDH;
		buf_init(&message, 65536);
		buf_init(&ours, 65536);
		buf_init(&theirs, 65536);
		if (i % 4 < 2) {
			fixture_seal(&p256, suite, plain, 4, &message);
		} else {
			const struct owner *const owner = &p256;
			const struct how how = {
			    i % 2 == 0 ? EVP_aes_256_cbc() : EVP_aes_256_gcm(),
			    0, NULL, NULL};
			openssl_seal(&owner, 1, &how, plain, &message);
		}
		mutate(&message);
		if (fixture_open(&p256, buf_span(&message), 50, &ours, &why) ==
		    0) {
			opened++;
			if (!openssl_open(&p256, buf_span(&message), &theirs)) {
				for (size_t k = 0; k < message.size; k++)
					fprintf(stderr, "%02x", message.at[k]);
				fail_msg("OpenSSL refuses what we open");
			}
			assert_true(
			    span_equal(buf_span(&ours), buf_span(&theirs)));
		}
		buf_clear(&message);
		buf_clear(&ours);
		buf_clear(&theirs);
	}
	free(bytes);
	/* some must come through, or nothing was compared */
	assert_true(opened > 20);
}

static void
the_probe_finds_our_opening_sound(void **state)
{
	(void)state;
	struct why why;
	fixture_ok(open_probe_run(&why), &why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		what_is_sealed_opens_the_same_at_every_size_and_step),
	    cmocka_unit_test(
		a_piece_may_end_anywhere_near_the_end_of_the_content),
	    cmocka_unit_test(messages_of_openssl_open_in_der_and_in_ber),
	    cmocka_unit_test(nothing_can_be_opened_but_not_sealed),
	    cmocka_unit_test(a_message_for_somebody_else_is_not_tried),
	    cmocka_unit_test(pkcs1_key_transport_opens_only_when_allowed),
	    cmocka_unit_test(a_wrong_pkcs1_key_fails_as_late_as_wrong_content),
	    cmocka_unit_test(a_damaged_oaep_key_is_refused),
	    cmocka_unit_test(oaep_with_sha1_is_refused),
	    cmocka_unit_test(ecdh_with_sha1_is_refused),
	    cmocka_unit_test(old_ciphers_are_refused),
	    cmocka_unit_test(recipients_by_password_or_shared_key_are_refused),
	    cmocka_unit_test(a_flipped_bit_under_gcm_is_found_at_the_end),
	    cmocka_unit_test(a_message_cut_anywhere_never_finishes),
	    cmocka_unit_test(more_plaintext_than_allowed_is_refused),
	    cmocka_unit_test(more_recipients_than_allowed_are_refused),
	    cmocka_unit_test(recipients_of_more_bytes_than_allowed_are_refused),
	    cmocka_unit_test(nested_strings_deeper_than_allowed_are_refused),
	    cmocka_unit_test(
		a_failing_sink_ends_sealing_and_opening_with_its_own_code),
	    cmocka_unit_test(
		a_key_of_another_certificate_is_refused_at_the_beginning),
	    cmocka_unit_test(what_we_open_openssl_opens_to_the_same_bytes),
	    cmocka_unit_test(the_probe_finds_our_opening_sound),
	};
	return cmocka_run_group_tests(tests, make_owners, clear_owners);
}
