/*
 * open_priv - what the files of opening share.
 */
#pragma once

#include "keys/ber.h"
#include "keys/keys_priv.h"
#include "keys/open.h"

#include <openssl/evp.h>

#define OPEN_KEY_MAX 64u /* octets of an unwrapped content key, at most */
#define OPEN_RSA_MAX (8192u / 8)
#define OPEN_IV_GCM 12
#define OPEN_IV_CBC 16
#define OPEN_TAG_SIZE 16

/* An AlgorithmIdentifier (RFC 5280 section 4.1.1.2). */
struct algorithm {
	struct span oid;    /* contents */
	struct span params; /* the whole value, empty when absent */
};

/* From the contents of its SEQUENCE. False when malformed. */
bool algorithm_read(struct span contents, struct algorithm *algorithm);
/* No parameters, or NULL. */
bool algorithm_is_plain(const struct algorithm *algorithm);

/* An object identifier's contents against octets. */
#define OID_IS(oid, ...)                                                       \
	span_equal((oid), span_of((const uint8_t[]){__VA_ARGS__},              \
			      sizeof((const uint8_t[]){__VA_ARGS__})))

/* What the recipients' set gave. */
struct open_found {
	bool found;         /* key below is the one */
	bool refused_pkcs1; /* we are named, but with PKCS#1 v1.5 only */
	bool refused_other; /* we are named, but with an algorithm refused */
	bool pkcs1;         /* the key came by PKCS#1 v1.5 */
	bool pkcs1_bad;     /* ... and was wrong: go on with a random one */
	size_t size;        /* octets of key in use */
	struct secret key;  /* OPEN_RSA_MAX octets of room */
};

/*
 * Look at one RecipientInfo; when it names one of the keys by an algorithm that
 * is accepted, and none before it did, unwrap. 0 also when it is not ours.
 */
int open_recipient(struct span recipient, const struct open_key *keys,
    size_t count, const struct open_options *options, struct open_found *found,
    struct why *why);

/* The content cipher. */
struct open_cipher {
	EVP_CIPHER_CTX *context;
	bool gcm;
	size_t key_size;
	uint8_t iv[OPEN_IV_CBC];
	uint64_t given; /* octets of plaintext */
};

/* contents: of the AlgorithmIdentifier's SEQUENCE; authenticated: what the
 * content type asks for. */
int open_cipher_read(struct open_cipher *cipher, struct span contents,
    bool authenticated, struct why *why);
int open_cipher_begin(
    struct open_cipher *cipher, const uint8_t *key, struct why *why);
