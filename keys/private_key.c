/*
 * private_key - holds one private key inside OpenSSL's object.
 */
#include "keys/private_key.h"

#include "keys/keys_priv.h"
#include "keys/token.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#define PRIVATE_KEY_FILE_MAX (64u << 10)

struct private_key {
	EVP_PKEY *pkey;
	enum certificate_key kind;
};

EVP_PKEY *
private_key_pkey(const struct private_key *key)
{
	return key->pkey;
}

enum certificate_key
private_key_kind(const struct private_key *key)
{
	return key->kind;
}

int
private_key_adopt(
    EVP_PKEY *take_pkey, struct private_key **out, struct why *why)
{
	enum certificate_key kind;
	unsigned bits;
	int ret = pkey_kind(take_pkey, &kind, &bits, why);
	if (ret < 0) {
		EVP_PKEY_free(take_pkey);
		return ret;
	}
	struct private_key *key = calloc(1, sizeof *key);
	if (key == NULL) {
		EVP_PKEY_free(take_pkey);
		return why_set(why, WHY_NOMEM, "no memory for a key");
	}
	*key = (struct private_key){take_pkey, kind};
	*out = key;
	return 0;
}

/* A pass phrase is never asked for: that would wait for a person. */
static int
no_pass_phrase(char *buf, int size, int writing, void *asked)
{
	(void)buf;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

int
private_key_parse(struct span pem, struct private_key **out, struct why *why)
{
	bool asked = false;
	if (pem.size > PRIVATE_KEY_FILE_MAX)
		return why_set(why, WHY_TOO_LARGE, "the key is over %u bytes",
		    PRIVATE_KEY_FILE_MAX);
	BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.size);
	if (bio == NULL)
		return why_openssl(why, WHY_NOMEM, "private key");
	EVP_PKEY *pkey =
	    PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, &asked);
	BIO_free(bio);
	if (asked) {
		EVP_PKEY_free(pkey);
		ERR_clear_error();
		return why_set(why, WHY_UNSUPPORTED,
		    "the private key is under a pass phrase");
	}
	if (pkey == NULL)
		return why_openssl(
		    why, WHY_MALFORMED, "not a private key in PEM");
	return private_key_adopt(pkey, out, why);
}

int
private_key_load(const char *path, struct private_key **out, struct why *why)
{
	struct secret text = SECRET_NONE;
	int ret = secret_load(path, PRIVATE_KEY_FILE_MAX, &text, why);
	if (ret < 0)
		return ret;
	struct why inner;
	struct span bytes = span_of(text.at, text.size);
	ret = token_uri_is(bytes) ? token_key(bytes, out, &inner)
				  : private_key_parse(bytes, out, &inner);
	secret_clear(&text);
	if (ret < 0)
		return why_set(why, ret, "%s: %s", path, inner.text);
	return 0;
}

void
private_key_free(struct private_key *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

int
private_key_check_pair(const struct private_key *key,
    const struct certificate *certificate, struct why *why)
{
	int same = EVP_PKEY_eq(key->pkey, certificate_pkey(certificate));
	ERR_clear_error();
	if (same != 1)
		return why_set(why, WHY_INVALID,
		    "the certificate belongs to another private key");
	return 0;
}

int
private_key_pem(const struct private_key *key, struct buf *out, struct why *why)
{
	int ret = 0;
	char *text = NULL;
	BIO *bio = BIO_new(BIO_s_secmem());
	if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(
			       bio, key->pkey, NULL, NULL, 0, NULL, NULL) != 1)
		ret = why_openssl(why, WHY_NOMEM, "writing a private key");
	if (ret == 0) {
		long size = BIO_get_mem_data(bio, &text);
		buf_add(out, text, (size_t)size);
		if (!buf_ok(out))
			ret = why_set(why, WHY_NOMEM, "no memory for a key");
	}
	BIO_free(bio);
	return ret;
}
