/*
 * seal_recipient - wraps a content key for the holder of a certificate.
 *
 * DER is written from its end to its beginning, so that each length is known
 * when its turn comes.
 */
#include "keys/seal_priv.h"

#include "keys/ber.h"
#include "keys/keys_priv.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#define RSA_SIZE_MAX (CERTIFICATE_RSA_BITS_MOST / 8)
#define POINT_MAX 97  /* uncompressed point of P-384 */
#define SHARED_MAX 48 /* x coordinate of P-384 */
#define WRAPPED_SIZE (SEAL_KEY_SIZE + 8)

/* ---- DER, backwards ---- */

struct der {
	uint8_t *start;
	uint8_t *at; /* what was written begins here */
	bool full;
};

static void
put(struct der *der, const void *bytes, size_t size)
{
	if (der->full || size > (size_t)(der->at - der->start)) {
		der->full = true;
		return;
	}
	der->at -= size;
	memcpy(der->at, bytes, size);
}

static void
put_byte(struct der *der, uint8_t byte)
{
	put(der, &byte, 1);
}

/* Head of what was written since at was end: X.690 section 8.1.3, at most
 * 65,535 octets. */
static void
put_head(struct der *der, uint8_t tag, const uint8_t *end)
{
	size_t size = (size_t)(end - der->at);
	put_byte(der, (uint8_t)size);
	if (size > 0xFF)
		put_byte(der, (uint8_t)(size >> 8));
	if (size > 0x7F)
		put_byte(der, size > 0xFF ? 0x82 : 0x81);
	put_byte(der, tag);
}

static void
put_octets(struct der *der, const uint8_t *bytes, size_t size)
{
	const uint8_t *end = der->at;
	put(der, bytes, size);
	put_head(der, BER_OCTETS, end);
}

/* IssuerAndSerialNumber */
static bool
put_name(struct der *der, const X509 *x509)
{
	const uint8_t *end = der->at;
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x509);
	const unsigned char *issuer = NULL;
	size_t issuer_size = 0;
	unsigned char *number = NULL;
	int size = i2d_ASN1_INTEGER(serial, &number);
	bool good = size > 0 && X509_NAME_get0_der(X509_get_issuer_name(x509),
				    &issuer, &issuer_size) == 1;
	if (good) {
		put(der, number, (size_t)size);
		put(der, issuer, issuer_size);
		put_head(der, BER_SEQUENCE, end);
	}
	OPENSSL_free(number);
	return good;
}

/* ---- RSA ---- */

/* RSAES-OAEP with SHA-256 for both, the label empty. */
static const uint8_t oaep[] = {0x30, 0x38, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
    0xf7, 0x0d, 0x01, 0x01, 0x07, 0x30, 0x2b, 0xa0, 0x0d, 0x30, 0x0b, 0x06,
    0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0xa1, 0x1a,
    0x30, 0x18, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
    0x08, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
    0x02, 0x01};

/* KeyTransRecipientInfo */
static bool
put_transport(struct der *der, const struct certificate *certificate,
    const uint8_t key[SEAL_KEY_SIZE])
{
	uint8_t wrapped[RSA_SIZE_MAX];
	size_t size = sizeof wrapped;
	const uint8_t *end = der->at;
	if (EVP_PKEY_encrypt(certificate_sealing(certificate), wrapped, &size,
		key, SEAL_KEY_SIZE) != 1)
		return false;
	put_octets(der, wrapped, size);
	put(der, oaep, sizeof oaep);
	if (!put_name(der, certificate_x509(certificate)))
		return false;
	put(der, (const uint8_t[]){BER_INTEGER, 1, 0}, 3);
	put_head(der, BER_SEQUENCE, end);
	return true;
}

/* ---- ECDH ---- */

/* AlgorithmIdentifier of AES-256 key wrap (RFC 3565 section 2.3.2). */
static const uint8_t aes_wrap[] = {0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48,
    0x01, 0x65, 0x03, 0x04, 0x01, 0x2d};
/* ECC-CMS-SharedInfo: the above, and its key's 256 bits (RFC 5753 section
 * 7.2). */
static const uint8_t shared_info[] = {0x30, 0x15, 0x30, 0x0b, 0x06, 0x09, 0x60,
    0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2d, 0xa2, 0x06, 0x04, 0x04, 0,
    0, 1, 0};
static const uint8_t ec_key[] = {
    0x30, 0x09, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
/* dhSinglePass-stdDH-shaNkdf-scheme, but for its last number */
static const uint8_t scheme[] = {0x06, 0x06, 0x2b, 0x81, 0x04, 0x01, 0x0b};

struct agreed {
	uint8_t point[POINT_MAX]; /* our own public key, of this message only */
	size_t point_size;
	uint8_t kek[EVP_MAX_MD_SIZE];
};

static bool
point_of(EVP_PKEY *own, struct agreed *agreed)
{
	unsigned char *point = NULL;
	size_t size = EVP_PKEY_get1_encoded_public_key(own, &point);
	bool good = size > 0 && size <= sizeof agreed->point;
	if (good)
		memcpy(agreed->point, point, size);
	agreed->point_size = size;
	OPENSSL_free(point);
	return good;
}

/* The first block of X9.63 is as long as its digest: enough for the key. */
static bool
derive(const EVP_MD *hash, const uint8_t *shared, size_t size,
    struct agreed *agreed)
{
	uint8_t input[SHARED_MAX + 4 + sizeof shared_info];
	memcpy(input, shared, size);
	memcpy(input + size, (const uint8_t[]){0, 0, 0, 1}, 4);
	memcpy(input + size + 4, shared_info, sizeof shared_info);
	bool good = EVP_Digest(input, size + 4 + sizeof shared_info,
			agreed->kek, NULL, hash, NULL) == 1;
	OPENSSL_cleanse(input, sizeof input);
	return good;
}

static bool
agree(const struct certificate *certificate, const EVP_MD *hash,
    struct agreed *agreed)
{
	EVP_PKEY *own = NULL;
	EVP_PKEY_CTX *context = NULL;
	uint8_t shared[SHARED_MAX];
	size_t size = sizeof shared;
	bool good =
	    EVP_PKEY_keygen(certificate_sealing(certificate), &own) == 1 &&
	    point_of(own, agreed) &&
	    (context = EVP_PKEY_CTX_new(own, NULL)) != NULL &&
	    EVP_PKEY_derive_init(context) == 1 &&
	    EVP_PKEY_derive_set_peer(context, certificate_pkey(certificate)) ==
		1 &&
	    EVP_PKEY_derive(context, shared, &size) == 1 &&
	    derive(hash, shared, size, agreed);
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(own);
	OPENSSL_cleanse(shared, sizeof shared);
	return good;
}

static bool
wrap(const uint8_t *kek, const uint8_t key[SEAL_KEY_SIZE],
    uint8_t wrapped[WRAPPED_SIZE])
{
	int size = 0;
	int tail = 0;
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	if (context != NULL)
		EVP_CIPHER_CTX_set_flags(
		    context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	bool good = context != NULL &&
		    EVP_EncryptInit_ex(
			context, EVP_aes_256_wrap(), NULL, kek, NULL) == 1 &&
		    EVP_EncryptUpdate(
			context, wrapped, &size, key, SEAL_KEY_SIZE) == 1 &&
		    EVP_EncryptFinal_ex(context, wrapped + size, &tail) == 1 &&
		    size + tail == WRAPPED_SIZE;
	EVP_CIPHER_CTX_free(context);
	return good;
}

/* KeyAgreeRecipientInfo */
static bool
put_agreement(struct der *der, const struct certificate *certificate,
    const uint8_t key[SEAL_KEY_SIZE])
{
	bool p384 = certificate_facts(certificate)->key == CERTIFICATE_P384;
	struct agreed agreed;
	uint8_t wrapped[WRAPPED_SIZE];
	const uint8_t *end = der->at;
	bool good =
	    agree(certificate, p384 ? EVP_sha384() : EVP_sha256(), &agreed) &&
	    wrap(agreed.kek, key, wrapped);
	OPENSSL_cleanse(agreed.kek, sizeof agreed.kek);
	if (!good)
		return false;
	put_octets(der, wrapped, sizeof wrapped);
	if (!put_name(der, certificate_x509(certificate)))
		return false;
	put_head(der, BER_SEQUENCE, end); /* RecipientEncryptedKey */
	put_head(der, BER_SEQUENCE, end); /* the only one */
	const uint8_t *algorithm = der->at;
	put(der, aes_wrap, sizeof aes_wrap);
	put_byte(der, p384 ? 2 : 1);
	put(der, scheme, sizeof scheme);
	put_head(der, BER_SEQUENCE, algorithm);
	const uint8_t *originator = der->at;
	put(der, agreed.point, agreed.point_size);
	put_byte(der, 0); /* bits that are not used */
	put_head(der, BER_BIT_STRING, originator);
	put(der, ec_key, sizeof ec_key);
	put_head(der, BER_CONTEXT_CONSTRUCTED(1), originator);
	put_head(der, BER_CONTEXT_CONSTRUCTED(0), originator);
	put(der, (const uint8_t[]){BER_INTEGER, 1, 3}, 3);
	put_head(der, BER_CONTEXT_CONSTRUCTED(1), end);
	return true;
}

int
seal_recipient(const struct certificate *certificate,
    const uint8_t key[SEAL_KEY_SIZE], uint8_t *room, struct span *out,
    struct why *why)
{
	uint8_t *end = room + SEAL_RECIPIENT_BYTES;
	struct der der = {room, end, false};
	bool rsa = certificate_facts(certificate)->key == CERTIFICATE_RSA;
	if (certificate_sealing(certificate) == NULL)
		return why_openssl(why, WHY_CRYPTO, "the recipient's key");
	if (!(rsa ? put_transport : put_agreement)(&der, certificate, key))
		return why_openssl(why, WHY_CRYPTO, "wrapping the key");
	put_head(&der, BER_SET, end);
	if (der.full)
		return why_set(why, WHY_TOO_LARGE, "the recipient's name");
	*out = span_of(der.at, (size_t)(end - der.at));
	return 0;
}
