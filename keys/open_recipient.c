/*
 * open_recipient - finds the RecipientInfo that is ours and unwraps its key
 * (RFC 5652 section 6.2, RFC 8017 appendix A.2.1, RFC 5753 section 3).
 *
 * SECURITY: reads hostile bytes and uses the private key on one of them. A key
 * that comes by PKCS#1 v1.5 and is wrong gives no error here: a random one goes
 * on in its place, so that nobody learns which it was (RFC 3218).
 */
#include "base/id.h"
#include "keys/open_priv.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/rsa.h>
#include <string.h>

#define POINT_MAX 97         /* uncompressed point of P-384 */
#define SECRET_SHARED_MAX 48 /* x coordinate of P-384 */
#define KEK_MAX 32
#define SHARED_INFO_MAX 512

bool
algorithm_read(struct span contents, struct algorithm *algorithm)
{
	struct ber in = ber_of(contents);
	algorithm->oid = ber_take(&in, BER_OID);
	algorithm->params = SPAN_NONE;
	if (!in.failed && in.rest.size > 0)
		algorithm->params = ber_take_whole(&in);
	return ber_done(&in);
}

bool
algorithm_is_plain(const struct algorithm *algorithm)
{
	return algorithm->params.size == 0 ||
	       OID_IS(algorithm->params, BER_NULL, 0);
}

static int
malformed(struct why *why, const char *what)
{
	return why_set(
	    why, WHY_MALFORMED, "CMS recipient: %s is malformed", what);
}

/* SHA-2 by the contents of its identifier 2.16.840.1.101.3.4.2.n. */
static const EVP_MD *
digest_of(struct span oid)
{
	static const uint8_t arc[] = {
	    0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02};
	if (oid.size != sizeof arc + 1 || memcmp(oid.at, arc, sizeof arc) != 0)
		return NULL;
	switch (oid.at[sizeof arc]) {
	case 1:
		return EVP_sha256();
	case 2:
		return EVP_sha384();
	case 3:
		return EVP_sha512();
	default:
		return NULL;
	}
}

static bool
serial_equal(const X509 *x509, struct span theirs)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x509);
	struct span ours = span_of(
	    ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
	bool negative = ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER;
	if (negative || theirs.size == 0 || theirs.at[0] >= 0x80)
		return false;
	while (theirs.size > 1 && theirs.at[0] == 0) {
		theirs.at++;
		theirs.size--;
	}
	return span_equal(ours, theirs);
}

static bool
issuer_equal(const X509 *x509, struct span theirs)
{
	const unsigned char *der = NULL;
	size_t size = 0;
	X509_NAME *ours = X509_get_issuer_name(x509);
	if (X509_NAME_get0_der(ours, &der, &size) == 1 &&
	    span_equal(span_of(der, size), theirs))
		return true;
	/* the same name in another string type or case (RFC 5280 section 7.1)
	 */
	const unsigned char *at = theirs.at;
	X509_NAME *name = d2i_X509_NAME(NULL, &at, (long)theirs.size);
	bool same = name != NULL && at == theirs.at + theirs.size &&
		    X509_NAME_cmp(ours, name) == 0;
	X509_NAME_free(name);
	ERR_clear_error();
	return same;
}

/* Which key IssuerAndSerialNumber names; count when none. */
static size_t
key_named(struct span contents, const struct open_key *keys, size_t count)
{
	struct ber in = ber_of(contents);
	struct span issuer = ber_take_whole(&in);
	struct span serial = ber_take(&in, BER_INTEGER);
	if (!ber_done(&in))
		return count;
	for (size_t i = 0; i < count; i++) {
		const X509 *x509 = certificate_x509(keys[i].certificate);
		if (serial_equal(x509, serial) && issuer_equal(x509, issuer))
			return i;
	}
	return count;
}

/* ---- key transport ---- */

struct oaep {
	const EVP_MD *hash;
	const EVP_MD *mask;
};

static bool
oaep_mask(struct span contents, struct oaep *oaep)
{
	struct algorithm mask;
	struct algorithm hash;
	if (!algorithm_read(contents, &mask) ||
	    !OID_IS(mask.oid, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8))
		return false;
	struct ber in = ber_of(mask.params);
	struct span inner = ber_take(&in, BER_SEQUENCE);
	if (!ber_done(&in) || !algorithm_read(inner, &hash) ||
	    !algorithm_is_plain(&hash))
		return false;
	oaep->mask = digest_of(hash.oid);
	return oaep->mask != NULL;
}

/* An empty label, given in full. */
static bool
oaep_label(struct span contents)
{
	struct algorithm label;
	return algorithm_read(contents, &label) &&
	       OID_IS(label.oid, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 9) &&
	       OID_IS(label.params, BER_OCTETS, 0);
}

/* RSAES-OAEP-params. The defaults are SHA-1: so both must be there. */
static bool
oaep_read(struct span params, struct oaep *oaep)
{
	*oaep = (struct oaep){NULL, NULL};
	struct ber outer = ber_of(params);
	struct ber in = ber_of(ber_take(&outer, BER_SEQUENCE));
	if (!ber_done(&outer))
		return false;
	struct algorithm hash;
	struct ber field = ber_of(ber_take(&in, BER_CONTEXT_CONSTRUCTED(0)));
	struct span inner = ber_take(&field, BER_SEQUENCE);
	if (in.failed || !ber_done(&field) || !algorithm_read(inner, &hash) ||
	    !algorithm_is_plain(&hash))
		return false;
	oaep->hash = digest_of(hash.oid);
	field = ber_of(ber_take(&in, BER_CONTEXT_CONSTRUCTED(1)));
	inner = ber_take(&field, BER_SEQUENCE);
	if (in.failed || !ber_done(&field) || !oaep_mask(inner, oaep))
		return false;
	if (ber_peek(&in) == BER_CONTEXT_CONSTRUCTED(2)) {
		field = ber_of(ber_take(&in, BER_CONTEXT_CONSTRUCTED(2)));
		inner = ber_take(&field, BER_SEQUENCE);
		if (!ber_done(&field) || !oaep_label(inner))
			return false;
	}
	return ber_done(&in) && oaep->hash != NULL;
}

static bool
rsa_decrypt(EVP_PKEY *pkey, const struct oaep *oaep, struct span wrapped,
    struct open_found *found)
{
	size_t size = OPEN_RSA_MAX;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
	int padding = oaep == NULL ? RSA_PKCS1_PADDING : RSA_PKCS1_OAEP_PADDING;
	bool good =
	    context != NULL && EVP_PKEY_decrypt_init(context) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(context, padding) == 1 &&
	    (oaep == NULL ||
		(EVP_PKEY_CTX_set_rsa_oaep_md(context, oaep->hash) == 1 &&
		    EVP_PKEY_CTX_set_rsa_mgf1_md(context, oaep->mask) == 1)) &&
	    EVP_PKEY_decrypt(
		context, found->key.at, &size, wrapped.at, wrapped.size) == 1;
	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	found->size = good ? size : 0;
	return good;
}

static int
unwrap_rsa(const struct open_key *key, const struct algorithm *algorithm,
    struct span wrapped, const struct open_options *options,
    struct open_found *found, struct why *why)
{
	struct oaep oaep;
	EVP_PKEY *pkey = private_key_pkey(key->key);
	if (private_key_kind(key->key) != CERTIFICATE_RSA)
		return malformed(why, "key transport to an EC key");
	if (OID_IS(
		algorithm->oid, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1)) {
		if (!options->allow_pkcs1 || !algorithm_is_plain(algorithm)) {
			found->refused_pkcs1 = true;
			return 0;
		}
		found->found = true;
		found->pkcs1 = true;
		found->pkcs1_bad = !rsa_decrypt(pkey, NULL, wrapped, found);
		return 0;
	}
	if (!OID_IS(
		algorithm->oid, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 7) ||
	    !oaep_read(algorithm->params, &oaep)) {
		found->refused_other = true;
		return 0;
	}
	if (!rsa_decrypt(pkey, &oaep, wrapped, found))
		return why_set(why, WHY_CRYPTO,
		    "CMS recipient: the private key does not unwrap it");
	found->found = true;
	return 0;
}

static int
read_transport(struct span contents, const struct open_key *keys, size_t count,
    const struct open_options *options, struct open_found *found,
    struct why *why)
{
	struct ber in = ber_of(contents);
	struct algorithm algorithm;
	uint32_t version = ber_take_number(&in);
	uint8_t naming = ber_peek(&in);
	struct span name = ber_take(&in, naming);
	struct span inner = ber_take(&in, BER_SEQUENCE);
	struct span wrapped = ber_take(&in, BER_OCTETS);
	if (!ber_done(&in) || !algorithm_read(inner, &algorithm) ||
	    (version != 0 && version != 2))
		return malformed(why, "KeyTransRecipientInfo");
	/* a name by key identifier is nobody we know: owners register
	 * certificates */
	if (naming != BER_SEQUENCE || found->found)
		return 0;
	size_t i = key_named(name, keys, count);
	if (i == count)
		return 0;
	return unwrap_rsa(&keys[i], &algorithm, wrapped, options, found, why);
}

/* ---- key agreement ---- */

struct agreement {
	const EVP_MD *hash; /* of the X9.63 derivation */
	const EVP_CIPHER *wrap;
	size_t kek_size;
	struct span wrap_whole; /* AlgorithmIdentifier as it came */
	struct span point;      /* the sender's public key */
	struct span ukm;
};

/* dhSinglePass-stdDH-shaNkdf-scheme 1.3.132.1.11.n and AES key wrap. */
static bool
agreement_algorithm(struct span contents, struct agreement *agreement)
{
	static const uint8_t schemes[] = {0x2b, 0x81, 0x04, 0x01, 0x0b};
	static const uint8_t aes[] = {
	    0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01};
	struct algorithm scheme;
	struct algorithm wrap;
	if (!algorithm_read(contents, &scheme) ||
	    scheme.oid.size != sizeof schemes + 1 ||
	    memcmp(scheme.oid.at, schemes, sizeof schemes) != 0)
		return false;
	const EVP_MD *const hashes[] = {
	    NULL, EVP_sha256(), EVP_sha384(), EVP_sha512()};
	uint8_t which = scheme.oid.at[sizeof schemes];
	if (which > 3)
		return false;
	agreement->hash = hashes[which];
	agreement->wrap_whole = scheme.params;
	struct ber in = ber_of(scheme.params);
	struct span inner = ber_take(&in, BER_SEQUENCE);
	if (!ber_done(&in) || !algorithm_read(inner, &wrap) ||
	    !algorithm_is_plain(&wrap) || wrap.oid.size != sizeof aes + 1 ||
	    memcmp(wrap.oid.at, aes, sizeof aes) != 0)
		return false;
	switch (wrap.oid.at[sizeof aes]) {
	case 5:
		agreement->wrap = EVP_aes_128_wrap();
		agreement->kek_size = 16;
		break;
	case 25:
		agreement->wrap = EVP_aes_192_wrap();
		agreement->kek_size = 24;
		break;
	case 45:
		agreement->wrap = EVP_aes_256_wrap();
		agreement->kek_size = 32;
		break;
	default:
		return false;
	}
	return agreement->hash != NULL;
}

/* OriginatorIdentifierOrKey with an OriginatorPublicKey: an EC point. */
static bool
agreement_point(struct span contents, struct agreement *agreement)
{
	struct algorithm kind;
	struct ber in = ber_of(contents);
	struct ber key = ber_of(ber_take(&in, BER_CONTEXT_CONSTRUCTED(1)));
	struct span inner = ber_take(&key, BER_SEQUENCE);
	struct span bits = ber_take(&key, BER_BIT_STRING);
	if (!ber_done(&in) || !ber_done(&key) ||
	    !algorithm_read(inner, &kind) ||
	    !OID_IS(kind.oid, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1) ||
	    bits.size < 2 || bits.at[0] != 0)
		return false;
	agreement->point = span_of(bits.at + 1, bits.size - 1);
	return true;
}

/* ECC-CMS-SharedInfo (RFC 5753 section 7.2). */
static bool
shared_info(const struct agreement *agreement, struct buf *out)
{
	struct span ukm = agreement->ukm;
	uint32_t bits = (uint32_t)agreement->kek_size * 8;
	/* short lengths only: ukm is at most 64 octets */
	size_t entity = ukm.size == 0 ? 0 : 4 + ukm.size;
	size_t size = agreement->wrap_whole.size + entity + 8;
	if (ukm.size > 64 || size > 127)
		return false;
	buf_add_byte(out, BER_SEQUENCE);
	buf_add_byte(out, (uint8_t)size);
	buf_add_span(out, agreement->wrap_whole);
	if (ukm.size > 0) {
		buf_add_byte(out, BER_CONTEXT_CONSTRUCTED(0));
		buf_add_byte(out, (uint8_t)(2 + ukm.size));
		buf_add_byte(out, BER_OCTETS);
		buf_add_byte(out, (uint8_t)ukm.size);
		buf_add_span(out, ukm);
	}
	buf_add_byte(out, BER_CONTEXT_CONSTRUCTED(2));
	buf_add_byte(out, 6);
	buf_add_byte(out, BER_OCTETS);
	buf_add_byte(out, 4);
	buf_add_u32(out, bits);
	return buf_ok(out);
}

/* ECDH. The peer's point is checked to lie on our curve. */
static bool
ecdh(EVP_PKEY *ours, struct span point, uint8_t *shared, size_t *size)
{
	EVP_PKEY *theirs = EVP_PKEY_new();
	EVP_PKEY_CTX *context = NULL;
	bool good = theirs != NULL && point.at[0] == 0x04 &&
		    EVP_PKEY_copy_parameters(theirs, ours) == 1 &&
		    EVP_PKEY_set1_encoded_public_key(
			theirs, point.at, point.size) == 1 &&
		    (context = EVP_PKEY_CTX_new(ours, NULL)) != NULL &&
		    EVP_PKEY_derive_init(context) == 1 &&
		    EVP_PKEY_derive_set_peer_ex(context, theirs, 1) == 1 &&
		    EVP_PKEY_derive(context, shared, size) == 1;
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(theirs);
	return good;
}

static bool
x963(const struct agreement *agreement, struct span shared, struct span info,
    uint8_t *kek)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_X963KDF, NULL);
	EVP_KDF_CTX *context = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
	char name[16] = "";
	OPENSSL_strlcpy(name, EVP_MD_get0_name(agreement->hash), sizeof name);
	uint8_t z[SECRET_SHARED_MAX];
	uint8_t other[SHARED_INFO_MAX];
	memcpy(z, shared.at, shared.size);
	memcpy(other, info.at, info.size);
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0),
	    OSSL_PARAM_construct_octet_string(
		OSSL_KDF_PARAM_SECRET, z, shared.size),
	    OSSL_PARAM_construct_octet_string(
		OSSL_KDF_PARAM_INFO, other, info.size),
	    OSSL_PARAM_construct_end(),
	};
	bool good = context != NULL && EVP_KDF_derive(context, kek,
					   agreement->kek_size, params) == 1;
	OPENSSL_cleanse(z, sizeof z);
	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
	return good;
}

static bool
unwrap_aes(const struct agreement *agreement, const uint8_t *kek,
    struct span wrapped, struct open_found *found)
{
	/* RFC 3394: the key is eight octets shorter than its wrapping */
	if (wrapped.size < 24 || wrapped.size % 8 != 0 ||
	    wrapped.size > OPEN_KEY_MAX + 8)
		return false;
	int size = 0;
	int tail = 0;
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	if (context != NULL)
		EVP_CIPHER_CTX_set_flags(
		    context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	bool good =
	    context != NULL &&
	    EVP_DecryptInit_ex(context, agreement->wrap, NULL, kek, NULL) ==
		1 &&
	    EVP_DecryptUpdate(context, found->key.at, &size, wrapped.at,
		(int)wrapped.size) == 1 &&
	    EVP_DecryptFinal_ex(context, found->key.at + size, &tail) == 1;
	EVP_CIPHER_CTX_free(context);
	found->size = good ? (size_t)(size + tail) : 0;
	return good;
}

static int
unwrap_ecdh(const struct open_key *key, const struct agreement *agreement,
    struct span wrapped, struct open_found *found, struct why *why)
{
	uint8_t shared[SECRET_SHARED_MAX];
	uint8_t kek[KEK_MAX];
	size_t size = sizeof shared;
	struct buf info;
	buf_init(&info, SHARED_INFO_MAX);
	bool good =
	    shared_info(agreement, &info) &&
	    ecdh(private_key_pkey(key->key), agreement->point, shared, &size) &&
	    x963(agreement, span_of(shared, size), buf_span(&info), kek) &&
	    unwrap_aes(agreement, kek, wrapped, found);
	OPENSSL_cleanse(shared, sizeof shared);
	OPENSSL_cleanse(kek, sizeof kek);
	buf_clear(&info);
	ERR_clear_error();
	if (!good)
		return why_set(why, WHY_CRYPTO,
		    "CMS recipient: the private key does not unwrap it");
	found->found = true;
	return 0;
}

/* One of the keys wrapped for a group: ours, or not. */
static int
read_agreement_key(struct ber *in, const struct open_key *keys, size_t count,
    const struct agreement *agreement, struct open_found *found,
    struct why *why)
{
	struct ber one = ber_of(ber_take(in, BER_SEQUENCE));
	uint8_t naming = ber_peek(&one);
	struct span name = ber_take(&one, naming);
	struct span wrapped = ber_take(&one, BER_OCTETS);
	if (in->failed || !ber_done(&one))
		return malformed(why, "RecipientEncryptedKey");
	if (naming != BER_SEQUENCE || found->found)
		return 0;
	size_t i = key_named(name, keys, count);
	if (i == count)
		return 0;
	if (agreement == NULL ||
	    private_key_kind(keys[i].key) == CERTIFICATE_RSA) {
		found->refused_other = true;
		return 0;
	}
	return unwrap_ecdh(&keys[i], agreement, wrapped, found, why);
}

static int
read_agreement(struct span contents, const struct open_key *keys, size_t count,
    struct open_found *found, struct why *why)
{
	struct agreement agreement = {0};
	struct ber in = ber_of(contents);
	uint32_t version = ber_take_number(&in);
	struct span originator = ber_take(&in, BER_CONTEXT_CONSTRUCTED(0));
	if (ber_peek(&in) == BER_CONTEXT_CONSTRUCTED(1)) {
		struct ber ukm =
		    ber_of(ber_take(&in, BER_CONTEXT_CONSTRUCTED(1)));
		agreement.ukm = ber_take(&ukm, BER_OCTETS);
		in.failed = in.failed || !ber_done(&ukm);
	}
	struct span algorithm = ber_take(&in, BER_SEQUENCE);
	struct ber wrapped = ber_of(ber_take(&in, BER_SEQUENCE));
	if (!ber_done(&in) || version != 3)
		return malformed(why, "KeyAgreeRecipientInfo");
	bool usable = agreement_algorithm(algorithm, &agreement) &&
		      agreement_point(originator, &agreement);
	int ret = 0;
	while (ret == 0 && !ber_done(&wrapped))
		ret = read_agreement_key(&wrapped, keys, count,
		    usable ? &agreement : NULL, found, why);
	return ret;
}

int
open_recipient(struct span recipient, const struct open_key *keys, size_t count,
    const struct open_options *options, struct open_found *found,
    struct why *why)
{
	struct ber in = ber_of(recipient);
	uint8_t kind = ber_peek(&in);
	struct span contents = ber_take(&in, kind);
	if (!ber_done(&in))
		return malformed(why, "RecipientInfo");
	switch (kind) {
	case BER_SEQUENCE:
		return read_transport(
		    contents, keys, count, options, found, why);
	case BER_CONTEXT_CONSTRUCTED(1):
		return read_agreement(contents, keys, count, found, why);
	case BER_CONTEXT_CONSTRUCTED(2):
		return why_set(why, WHY_UNSUPPORTED,
		    "CMS recipient: a shared key (KEKRecipientInfo)");
	case BER_CONTEXT_CONSTRUCTED(3):
		return why_set(why, WHY_UNSUPPORTED,
		    "CMS recipient: a password (PasswordRecipientInfo)");
	case BER_CONTEXT_CONSTRUCTED(4):
		return 0; /* OtherRecipientInfo: a kind that cannot be ours */
	default:
		return malformed(why, "RecipientInfo");
	}
}
