/*
 * seal - CMS for one recipient: EnvelopedData or AuthEnvelopedData in BER of
 * indefinite length, as OpenSSL's streaming encoder writes it.
 *
 * Written here, because that encoder costs more than the sealing of 10 KiB: it
 * looks up, allocates and encodes anew what is the same in every message, and
 * copies each octet three times. The ciphers are OpenSSL's. What is sealed lies
 * in SEAL_PIECE_BYTES until they are full: the octet string under way at their
 * end, its head written when it is known.
 */
#include "keys/seal.h"

#include "base/id.h"
#include "keys/ber.h"
#include "keys/keys_priv.h"
#include "keys/seal_priv.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* AES-GCM takes no more under one nonce (NIST SP 800-38D section 5.2.1.1). */
#define SEAL_GCM_BYTES_MAX ((UINT64_C(1) << 36) - 32)
#define OCTETS_HEAD 4u     /* of an octet string, at most */
#define OCTETS_MAX 0xFFFFu /* that its two octets of length tell */
#define BLOCK 16u          /* a cipher may give so much more than it took */
#define TAG_SIZE 16u
#define IV_MAX 16u
#define ENDS_SIZE 32u /* of all that follows the content */

struct seal {
	EVP_CIPHER_CTX *cipher;
	struct sink sink;
	uint64_t taken;
	uint64_t given;
	bool gcm;
	bool finished;
	size_t octets; /* where in piece the octet string's contents begin */
	size_t held;
	uint8_t piece[SEAL_PIECE_BYTES];
};

_Static_assert(SEAL_PIECE_BYTES - OCTETS_HEAD <= OCTETS_MAX, "one string");
_Static_assert(2 * SEAL_RECIPIENT_BYTES + 256 < SEAL_PIECE_BYTES, "its room");

static const struct {
	const char *name;
	enum seal_suite suite;
	bool ecdh;
	bool gcm;
} suites[] = {
    {"cms-cbc-oaep", SEAL_CMS_CBC_OAEP, false, false},
    {"cms-gcm-oaep", SEAL_CMS_GCM_OAEP, false, true},
    {"cms-cbc-ecdh", SEAL_CMS_CBC_ECDH, true, false},
    {"cms-gcm-ecdh", SEAL_CMS_GCM_ECDH, true, true},
};

#define SUITES (sizeof suites / sizeof *suites)

static size_t
suite_at(enum seal_suite suite)
{
	size_t i = 0;
	while (i < SUITES && suites[i].suite != suite)
		i++;
	return i;
}

const char *
seal_suite_name(enum seal_suite suite)
{
	size_t i = suite_at(suite);
	return i < SUITES ? suites[i].name : NULL;
}

int
seal_suite_parse(const char *name, enum seal_suite *suite, struct why *why)
{
	for (size_t i = 0; i < SUITES; i++)
		if (strcmp(name, suites[i].name) == 0) {
			*suite = suites[i].suite;
			return 0;
		}
	return why_set(why, WHY_INVALID,
	    "no such suite, expected cms-cbc-oaep, cms-gcm-oaep, cms-cbc-ecdh "
	    "or cms-gcm-ecdh");
}

enum seal_suite
seal_suite_default(const struct certificate *certificate)
{
	return certificate_facts(certificate)->key == CERTIFICATE_RSA
		   ? SEAL_CMS_CBC_OAEP
		   : SEAL_CMS_GCM_ECDH;
}

int
seal_suite_check(enum seal_suite suite, const struct certificate *certificate,
    struct why *why)
{
	size_t i = suite_at(suite);
	if (i == SUITES)
		return why_set(
		    why, WHY_INVALID, "no suite has number %d", (int)suite);
	bool rsa = certificate_facts(certificate)->key == CERTIFICATE_RSA;
	if (rsa == suites[i].ecdh)
		return why_set(why, WHY_INVALID,
		    "suite %s does not go with %s key", suites[i].name,
		    rsa ? "an RSA" : "an EC");
	return 0;
}

/* ---- what lies in the piece ---- */

static void
hold(struct seal *seal, const void *bytes, size_t size)
{
	memcpy(seal->piece + seal->held, bytes, size);
	seal->held += size;
}

static void
octets_begin(struct seal *seal)
{
	seal->held += OCTETS_HEAD;
	seal->octets = seal->held;
}

/* The head, in the shortest form (X.690 section 10.1); none for no octets. */
static void
octets_end(struct seal *seal)
{
	size_t size = seal->held - seal->octets;
	uint8_t *contents = seal->piece + seal->octets;
	uint8_t *head = contents - OCTETS_HEAD;
	size_t head_size = size > 0xFF ? 4 : size > 0x7F ? 3 : 2;
	if (size == 0) {
		seal->held -= OCTETS_HEAD;
		return;
	}
	*head++ = BER_OCTETS;
	if (size > 0x7F)
		*head++ = size > 0xFF ? 0x82 : 0x81;
	if (size > 0xFF)
		*head++ = (uint8_t)(size >> 8);
	*head++ = (uint8_t)size;
	memmove(head, contents, head_size == OCTETS_HEAD ? 0 : size);
	seal->held -= OCTETS_HEAD - head_size;
}

static int
give(struct seal *seal, struct why *why)
{
	struct span piece = span_of(seal->piece, seal->held);
	int ret = seal->sink.write(seal->sink.context, piece, why);
	if (ret < 0)
		return ret;
	seal->given += seal->held;
	seal->held = 0;
	return 0;
}

/* ---- the message ---- */

/* Fetched once: a fetch per message costs more than the cipher of 10 KiB. */
static const EVP_CIPHER *
cipher_of(bool gcm)
{
	static EVP_CIPHER *cbc_cipher;
	static EVP_CIPHER *gcm_cipher;
	EVP_CIPHER **at = gcm ? &gcm_cipher : &cbc_cipher;
	if (*at == NULL)
		*at = EVP_CIPHER_fetch(
		    NULL, gcm ? "AES-256-GCM" : "AES-256-CBC", NULL);
	return *at;
}

/* ContentInfo and the beginning of what is in it (RFC 5652 sections 3 and 6.1,
 * RFC 5083 section 2.1), up to and with the version. */
static void
hold_front(struct seal *seal, bool rsa)
{
	static const uint8_t enveloped[] = {0x30, 0x80, 0x06, 0x09, 0x2a, 0x86,
	    0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03, 0xa0, 0x80, 0x30, 0x80,
	    0x02, 0x01};
	static const uint8_t authenticated[] = {0x30, 0x80, 0x06, 0x0b, 0x2a,
	    0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x17, 0xa0,
	    0x80, 0x30, 0x80, 0x02, 0x01};
	uint8_t version = seal->gcm || rsa ? 0 : 2;
	if (seal->gcm)
		hold(seal, authenticated, sizeof authenticated);
	else
		hold(seal, enveloped, sizeof enveloped);
	hold(seal, &version, 1);
}

/* EncryptedContentInfo up to its content: data, and the cipher with its nonce
 * (RFC 3565 section 4.1, RFC 5084 section 3.2). */
static void
hold_cipher(struct seal *seal, const uint8_t *iv)
{
	static const uint8_t data[] = {0x30, 0x80, 0x06, 0x09, 0x2a, 0x86, 0x48,
	    0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01};
	static const uint8_t cbc[] = {0x30, 0x1d, 0x06, 0x09, 0x60, 0x86, 0x48,
	    0x01, 0x65, 0x03, 0x04, 0x01, 0x2a, 0x04, 0x10};
	static const uint8_t gcm[] = {0x30, 0x1e, 0x06, 0x09, 0x60, 0x86, 0x48,
	    0x01, 0x65, 0x03, 0x04, 0x01, 0x2e, 0x30, 0x11, 0x04, 0x0c};
	static const uint8_t gcm_tag[] = {0x02, 0x01, TAG_SIZE};
	static const uint8_t content[] = {0xa0, 0x80};
	hold(seal, data, sizeof data);
	if (seal->gcm) {
		hold(seal, gcm, sizeof gcm);
		hold(seal, iv, 12);
		hold(seal, gcm_tag, sizeof gcm_tag);
	} else {
		hold(seal, cbc, sizeof cbc);
		hold(seal, iv, 16);
	}
	hold(seal, content, sizeof content);
	octets_begin(seal);
}

/* The ends of all that was begun; the tag comes after the content. */
static int
hold_ends(struct seal *seal, struct why *why)
{
	static const uint8_t ends[10] = {0};
	uint8_t tag[2 + TAG_SIZE] = {BER_OCTETS, TAG_SIZE};
	if (!seal->gcm) {
		hold(seal, ends, 10);
		return 0;
	}
	if (EVP_CIPHER_CTX_ctrl(
		seal->cipher, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag + 2) != 1)
		return why_openssl(why, WHY_CRYPTO, "sealing");
	hold(seal, ends, 4);
	hold(seal, tag, sizeof tag);
	hold(seal, ends, 6);
	return 0;
}

static int
begin(struct seal *seal, const struct certificate *certificate, struct why *why)
{
	uint8_t secrets[SEAL_KEY_SIZE + IV_MAX];
	const uint8_t *iv = secrets + SEAL_KEY_SIZE;
	struct span recipient;
	random_fill(secrets, sizeof secrets);
	int ret = seal_recipient(certificate, secrets,
	    seal->piece + SEAL_PIECE_BYTES - SEAL_RECIPIENT_BYTES, &recipient,
	    why);
	if (ret == 0) {
		hold_front(seal,
		    certificate_facts(certificate)->key == CERTIFICATE_RSA);
		hold(seal, recipient.at, recipient.size);
		hold_cipher(seal, iv);
		seal->cipher = EVP_CIPHER_CTX_new();
		if (seal->cipher == NULL || cipher_of(seal->gcm) == NULL ||
		    EVP_EncryptInit_ex2(seal->cipher, cipher_of(seal->gcm),
			secrets, iv, NULL) != 1)
			ret = why_openssl(why, WHY_CRYPTO, "beginning to seal");
	}
	OPENSSL_cleanse(secrets, sizeof secrets);
	return ret;
}

int
seal_new(const struct certificate *certificate, enum seal_suite suite,
    const struct sink *sink, struct seal **out, struct why *why)
{
	int ret = seal_suite_check(suite, certificate, why);
	if (ret < 0)
		return ret;
	struct seal *seal = malloc(sizeof *seal);
	if (seal == NULL)
		return why_set(why, WHY_NOMEM, "no memory to seal");
	memset(seal, 0, offsetof(struct seal, piece));
	seal->sink = *sink;
	seal->gcm = suites[suite_at(suite)].gcm;
	if ((ret = begin(seal, certificate, why)) < 0) {
		seal_free(seal);
		return ret;
	}
	*out = seal;
	return 0;
}

int
seal_write(struct seal *seal, struct span bytes, struct why *why)
{
	seal->taken += bytes.size;
	if (seal->gcm && seal->taken > SEAL_GCM_BYTES_MAX)
		return why_set(why, WHY_TOO_LARGE,
		    "AES-GCM seals at most 64 GiB in one message");
	while (bytes.size > 0) {
		size_t room = SEAL_PIECE_BYTES - BLOCK - seal->held;
		size_t step = bytes.size < room ? bytes.size : room;
		int n = 0;
		if (EVP_EncryptUpdate(seal->cipher, seal->piece + seal->held,
			&n, bytes.at, (int)step) != 1)
			return why_openssl(why, WHY_CRYPTO, "sealing");
		seal->held += (size_t)n;
		bytes.at += step;
		bytes.size -= step;
		if (seal->held + BLOCK < SEAL_PIECE_BYTES)
			continue;
		octets_end(seal);
		int ret = give(seal, why);
		if (ret < 0)
			return ret;
		octets_begin(seal);
	}
	return 0;
}

int
seal_finish(struct seal *seal, struct why *why)
{
	int n = 0;
	int ret = 0;
	if (seal->finished)
		return why_set(why, WHY_BUG, "a seal was finished twice");
	seal->finished = true;
	if (seal->taken == 0)
		return why_set(why, WHY_INVALID, "there is nothing to seal");
	if (EVP_EncryptFinal_ex(seal->cipher, seal->piece + seal->held, &n) !=
	    1)
		return why_openssl(why, WHY_CRYPTO, "sealing");
	seal->held += (size_t)n;
	octets_end(seal);
	if (seal->held + ENDS_SIZE > SEAL_PIECE_BYTES)
		ret = give(seal, why);
	if (ret == 0)
		ret = hold_ends(seal, why);
	return ret == 0 ? give(seal, why) : ret;
}

void
seal_free(struct seal *seal)
{
	if (seal == NULL)
		return;
	EVP_CIPHER_CTX_free(seal->cipher);
	free(seal);
}

uint64_t
seal_size(const struct seal *seal)
{
	return seal->given;
}
