/*
 * log_key - makes and uses the private one.
 */
#include "keys/log_key.h"

#include "keys/keys_priv.h"
#include "keys/log_key_priv.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>

#define SIGNATURE_SIZE 64
#define PEM_BYTES_MAX (4u << 10)

struct log_key {
	EVP_PKEY *pkey;
	EVP_MD_CTX *context;
	struct log_public_key public;
};

/* A pass phrase is never asked for: that would wait for a person. */
static int
no_pass_phrase(char *buf, int size, int writing, void *context)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)context;
	return -1;
}

static EVP_PKEY *
pkey_read(struct span pem)
{
	BIO *bio = pem.size > PEM_BYTES_MAX
		       ? NULL
		       : BIO_new_mem_buf(pem.at, (int)pem.size);
	EVP_PKEY *pkey = bio == NULL ? NULL
				     : PEM_read_bio_PrivateKey(
					   bio, NULL, no_pass_phrase, NULL);

	BIO_free(bio);
	return pkey;
}

int
log_key_parse(
    struct span pem, const char *name, struct log_key **out, struct why *why)
{
	uint8_t at[LOG_KEY_SIZE];
	size_t size = sizeof at;
	struct log_key *key = calloc(1, sizeof *key);
	int code = 0;

	if (key == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a key");
	key->pkey = pkey_read(pem);
	key->context = EVP_MD_CTX_new();
	if (key->pkey == NULL || key->context == NULL ||
	    EVP_PKEY_get_id(key->pkey) != EVP_PKEY_ED25519 ||
	    EVP_PKEY_get_raw_public_key(key->pkey, at, &size) != 1 ||
	    size != sizeof at)
		code = why_set(why, WHY_MALFORMED,
		    "log key: expected an Ed25519 key in PEM, without a pass "
		    "phrase");
	else
		code =
		    log_public_key_fill(&key->public, span_text(name), at, why);
	ERR_clear_error();
	if (code == 0)
		*out = key;
	else
		log_key_free(key);
	return code;
}

void
log_key_free(struct log_key *key)
{
	if (key == NULL)
		return;
	EVP_MD_CTX_free(key->context);
	EVP_PKEY_free(key->pkey);
	free(key);
}

int
log_key_make(struct buf *pem, struct why *why)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	BIO *bio = BIO_new(BIO_s_secmem());
	char *text = NULL;
	int code = 0;

	if (pkey == NULL || bio == NULL ||
	    PEM_write_bio_PKCS8PrivateKey(
		bio, pkey, NULL, NULL, 0, NULL, NULL) != 1) {
		code = why_openssl(why, WHY_CRYPTO, "making a log key");
	} else {
		long size = BIO_get_mem_data(bio, &text);
		buf_add(pem, text, (size_t)size);
		if (!buf_ok(pem))
			code = why_set(why, WHY_NOMEM, "no memory for a key");
	}
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	return code;
}

const struct log_public_key *
log_key_public(const struct log_key *key)
{
	return &key->public;
}

int
log_key_sign(const struct log_key *key, struct span text, struct buf *out,
    struct why *why)
{
	uint8_t octets[SIGNATURE_SIZE];
	size_t size = sizeof octets;

	if (EVP_DigestSignInit(key->context, NULL, NULL, NULL, key->pkey) !=
		1 ||
	    EVP_DigestSign(key->context, octets, &size, text.at, text.size) !=
		1)
		return why_openssl(why, WHY_CRYPTO, "signing a checkpoint");
	buf_add_span(out, text);
	buf_add_byte(out, '\n');
	note_signature_build(span_text(key->public.name), key->public.id,
	    span_of(octets, size), out);
	return buf_ok(out)
		   ? 0
		   : why_set(why, WHY_NOMEM, "no memory for a checkpoint");
}
