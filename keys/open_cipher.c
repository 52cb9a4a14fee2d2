/*
 * open_cipher - the content cipher of a CMS message: AES-CBC (RFC 3565) where
 * the content type does not authenticate, AES-GCM (RFC 5084) where it does.
 *
 * SECURITY: the pairing of content type and cipher is enforced here, as are
 * nonce 12 and tag 16: OpenSSL accepts shorter tags.
 */
#include "keys/open_priv.h"

#include <openssl/err.h>
#include <string.h>

static int
unsupported(struct why *why, const char *what)
{
	return why_set(why, WHY_UNSUPPORTED, "CMS content cipher: %s", what);
}

/* The last octet of 2.16.840.1.101.3.4.1.n says length and mode of AES. */
static bool
aes_of(struct span oid, size_t *key_size, bool *gcm)
{
	static const uint8_t aes[] = {
	    0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01};
	static const struct {
		uint8_t last;
		uint8_t key_size;
		bool gcm;
	} known[] = {{2, 16, false}, {22, 24, false}, {42, 32, false},
	    {6, 16, true}, {26, 24, true}, {46, 32, true}};
	if (oid.size != sizeof aes + 1 || memcmp(oid.at, aes, sizeof aes) != 0)
		return false;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i].last == oid.at[sizeof aes]) {
			*key_size = known[i].key_size;
			*gcm = known[i].gcm;
			return true;
		}
	return false;
}

static int
read_gcm(struct open_cipher *cipher, struct span params, struct why *why)
{
	struct ber outer = ber_of(params);
	struct ber in = ber_of(ber_take(&outer, BER_SEQUENCE));
	struct span nonce = ber_take(&in, BER_OCTETS);
	/* the default is 12: absent means a tag that is cut */
	uint32_t tag = 12;
	if (!in.failed && in.rest.size > 0)
		tag = ber_take_number(&in);
	if (!ber_done(&in) || !ber_done(&outer))
		return why_set(why, WHY_MALFORMED,
		    "CMS content cipher: GCMParameters are malformed");
	if (nonce.size != OPEN_IV_GCM)
		return unsupported(why, "a GCM nonce that is not 12 octets");
	if (tag != OPEN_TAG_SIZE)
		return unsupported(why, "a GCM tag that is not 16 octets");
	memcpy(cipher->iv, nonce.at, nonce.size);
	return 0;
}

static int
read_cbc(struct open_cipher *cipher, struct span params, struct why *why)
{
	struct ber in = ber_of(params);
	struct span iv = ber_take(&in, BER_OCTETS);
	if (!ber_done(&in) || iv.size != OPEN_IV_CBC)
		return why_set(why, WHY_MALFORMED,
		    "CMS content cipher: the IV is not 16 octets");
	memcpy(cipher->iv, iv.at, iv.size);
	return 0;
}

int
open_cipher_read(struct open_cipher *cipher, struct span contents,
    bool authenticated, struct why *why)
{
	struct algorithm algorithm;
	if (!algorithm_read(contents, &algorithm))
		return why_set(why, WHY_MALFORMED,
		    "CMS content cipher: the identifier is malformed");
	if (!aes_of(algorithm.oid, &cipher->key_size, &cipher->gcm))
		return unsupported(why, "neither AES-CBC nor AES-GCM");
	if (authenticated && !cipher->gcm)
		return unsupported(why, "AES-CBC inside AuthEnvelopedData");
	if (!authenticated && cipher->gcm)
		return unsupported(why, "AES-GCM inside EnvelopedData");
	return cipher->gcm ? read_gcm(cipher, algorithm.params, why)
			   : read_cbc(cipher, algorithm.params, why);
}

static const EVP_CIPHER *
cipher_of(const struct open_cipher *cipher)
{
	switch (cipher->key_size) {
	case 16:
		return cipher->gcm ? EVP_aes_128_gcm() : EVP_aes_128_cbc();
	case 24:
		return cipher->gcm ? EVP_aes_192_gcm() : EVP_aes_192_cbc();
	default:
		return cipher->gcm ? EVP_aes_256_gcm() : EVP_aes_256_cbc();
	}
}

int
open_cipher_begin(
    struct open_cipher *cipher, const uint8_t *key, struct why *why)
{
	cipher->context = EVP_CIPHER_CTX_new();
	if (cipher->context == NULL ||
	    EVP_DecryptInit_ex(
		cipher->context, cipher_of(cipher), NULL, key, cipher->iv) != 1)
		return why_openssl(why, WHY_CRYPTO, "CMS content cipher");
	return 0;
}
