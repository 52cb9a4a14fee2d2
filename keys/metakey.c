/*
 * metakey - AES-256-GCM under named keys that live in locked memory.
 *
 * SECURITY: metakeys_open() reads hostile bytes.
 */
#include "keys/metakey.h"

#include "base/id.h"
#include "base/text.h"
#include "keys/keys_priv.h"

#include <limits.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#define METAKEY_NONCE 12
#define METAKEY_TAG 16
#define METAKEY_VERSION 1

struct metakey {
	char id[METAKEY_ID_MAX + 1];
	uint8_t *key; /* METAKEY_SIZE octets inside the secret */
};

struct metakeys {
	struct secret secret;
	size_t count;
	struct metakey keys[METAKEYS_MAX];
};

static bool
id_valid(struct span id)
{
	if (id.size == 0 || id.size > METAKEY_ID_MAX)
		return false;
	for (size_t i = 0; i < id.size; i++) {
		uint8_t c = id.at[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return true;
}

static const struct metakey *
find(const struct metakeys *keys, struct span id)
{
	for (size_t i = 0; i < keys->count; i++)
		if (span_is(id, keys->keys[i].id))
			return &keys->keys[i];
	return NULL;
}

static int
parse_line(
    struct metakeys *keys, struct span line, size_t number, struct why *why)
{
	const uint8_t *space =
	    line.size == 0 ? NULL : memchr(line.at, ' ', line.size);
	if (space == NULL)
		return why_set(why, WHY_MALFORMED,
		    "metadata keys, line %zu: expected ID KEY", number);
	struct span id = span_of(line.at, (size_t)(space - line.at));
	struct span hex = span_of(space + 1, line.size - id.size - 1);
	if (!id_valid(id))
		return why_set(why, WHY_MALFORMED,
		    "metadata keys, line %zu: the id is not 1-%d letters, "
		    "digits, - or _",
		    number, METAKEY_ID_MAX);
	if (keys->count == METAKEYS_MAX)
		return why_set(why, WHY_TOO_LARGE, "more than %d metadata keys",
		    METAKEYS_MAX);
	if (find(keys, id) != NULL)
		return why_set(why, WHY_MALFORMED,
		    "metadata keys, line %zu: the id occurs twice", number);
	struct metakey *key = &keys->keys[keys->count];
	key->key = keys->secret.at + keys->count * METAKEY_SIZE;
	char digits[2 * METAKEY_SIZE + 1] = "";
	bool good = hex.size == sizeof digits - 1;
	if (good) {
		memcpy(digits, hex.at, hex.size);
		good = hex_parse(digits, key->key, METAKEY_SIZE);
		OPENSSL_cleanse(digits, sizeof digits);
	}
	if (!good)
		return why_set(why, WHY_MALFORMED,
		    "metadata keys, line %zu: the key is not %d hex digits",
		    number, 2 * METAKEY_SIZE);
	memcpy(key->id, id.at, id.size);
	key->id[id.size] = '\0';
	keys->count++;
	return 0;
}

static int
parse_lines(struct metakeys *keys, struct span text, struct why *why)
{
	int ret = 0;
	for (size_t number = 1; text.size > 0 && ret == 0; number++) {
		const uint8_t *end = memchr(text.at, '\n', text.size);
		size_t size = end == NULL ? text.size : (size_t)(end - text.at);
		struct span line = span_of(text.at, size);
		if (end != NULL)
			size++;
		text.at += size;
		text.size -= size;
		if (line.size > 0 && line.at[0] != '#')
			ret = parse_line(keys, line, number, why);
	}
	if (ret == 0 && keys->count == 0)
		return why_set(why, WHY_MALFORMED, "no metadata key given");
	return ret;
}

int
metakeys_parse(struct span text, struct metakeys **out, struct why *why)
{
	if (text.size > METAKEY_FILE_MAX)
		return why_set(why, WHY_TOO_LARGE,
		    "metadata keys are over %u bytes", METAKEY_FILE_MAX);
	struct metakeys *keys = calloc(1, sizeof *keys);
	if (keys == NULL)
		return why_set(why, WHY_NOMEM, "no memory for keys");
	int ret = secret_init(
	    &keys->secret, (size_t)METAKEYS_MAX * METAKEY_SIZE, why);
	if (ret == 0)
		ret = parse_lines(keys, text, why);
	if (ret < 0) {
		metakeys_free(keys);
		return ret;
	}
	*out = keys;
	return 0;
}

int
metakeys_load(const char *path, struct metakeys **out, struct why *why)
{
	struct secret text = SECRET_NONE;
	int ret = secret_load(path, METAKEY_FILE_MAX, &text, why);
	if (ret < 0)
		return ret;
	struct why inner;
	ret = metakeys_parse(span_of(text.at, text.size), out, &inner);
	secret_clear(&text);
	if (ret < 0)
		return why_set(why, ret, "%s: %s", path, inner.text);
	return 0;
}

void
metakeys_free(struct metakeys *keys)
{
	if (keys == NULL)
		return;
	secret_clear(&keys->secret);
	free(keys);
}

static void
add_line(const char *id, const uint8_t *key, struct buf *out)
{
	char hex[2 * METAKEY_SIZE + 1];
	hex_build(hex, key, METAKEY_SIZE);
	buf_add_text(out, id);
	buf_add_byte(out, ' ');
	buf_add_text(out, hex);
	buf_add_byte(out, '\n');
	OPENSSL_cleanse(hex, sizeof hex);
}

void
metakeys_build(const struct metakeys *keys, struct buf *out)
{
	for (size_t i = 0; i < keys->count; i++)
		add_line(keys->keys[i].id, keys->keys[i].key, out);
}

int
metakey_make(const char *id, struct buf *out, struct why *why)
{
	uint8_t key[METAKEY_SIZE];
	if (!id_valid(span_text(id)))
		return why_set(why, WHY_INVALID,
		    "the id of a metadata key is 1-%d letters, digits, - or _",
		    METAKEY_ID_MAX);
	random_fill(key, sizeof key);
	add_line(id, key, out);
	OPENSSL_cleanse(key, sizeof key);
	if (!buf_ok(out))
		return why_set(why, WHY_NOMEM, "no memory for a key");
	return 0;
}

/* Head and AAD go in as what is authenticated, in this order: the head's size
 * is in the head. */
static bool
authenticate(EVP_CIPHER_CTX *context, struct span head, struct span aad)
{
	int n;
	return EVP_CipherUpdate(context, NULL, &n, head.at, (int)head.size) ==
		   1 &&
	       (aad.size == 0 || EVP_CipherUpdate(context, NULL, &n, aad.at,
				     (int)aad.size) == 1);
}

int
metakeys_seal(const struct metakeys *keys, struct span aad, struct span plain,
    struct buf *out, struct why *why)
{
	const struct metakey *key = &keys->keys[keys->count - 1];
	size_t id_size = strlen(key->id);
	uint8_t head[2 + METAKEY_ID_MAX] = {METAKEY_VERSION, (uint8_t)id_size};
	uint8_t nonce[METAKEY_NONCE];
	uint8_t tag[METAKEY_TAG];
	int n = 0;
	int tail = 0;
	memcpy(head + 2, key->id, id_size);
	random_fill(nonce, sizeof nonce);
	if (plain.size > INT_MAX || aad.size > INT_MAX)
		return why_set(why, WHY_TOO_LARGE, "metadata over 2 GiB");
	size_t before = out->size;
	buf_add(out, head, 2 + id_size);
	buf_add(out, nonce, sizeof nonce);
	uint8_t *room = buf_room(out, plain.size + METAKEY_TAG);
	if (room == NULL)
		return why_set(why, WHY_NOMEM, "no room for metadata");
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	bool good = context != NULL &&
		    EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL,
			key->key, nonce) == 1 &&
		    authenticate(context, span_of(head, 2 + id_size), aad) &&
		    (plain.size == 0 || EVP_EncryptUpdate(context, room, &n,
					    plain.at, (int)plain.size) == 1) &&
		    EVP_EncryptFinal_ex(context, room + n, &tail) == 1 &&
		    EVP_CIPHER_CTX_ctrl(
			context, EVP_CTRL_AEAD_GET_TAG, METAKEY_TAG, tag) == 1;
	EVP_CIPHER_CTX_free(context);
	if (!good) {
		out->size = before;
		return why_openssl(why, WHY_CRYPTO, "sealing metadata");
	}
	buf_used(out, plain.size);
	buf_add(out, tag, sizeof tag);
	return 0;
}

static int
open_body(const struct metakey *key, struct span head, struct span aad,
    struct span body, struct buf *out, struct why *why)
{
	size_t size = body.size - METAKEY_NONCE - METAKEY_TAG;
	const uint8_t *cipher = body.at + METAKEY_NONCE;
	uint8_t tag[METAKEY_TAG];
	int n = 0;
	int tail = 0;
	memcpy(tag, cipher + size, sizeof tag);
	uint8_t *room = buf_room(out, size + 1);
	if (room == NULL)
		return why_set(why, WHY_NOMEM, "no room for metadata");
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	bool good = context != NULL &&
		    EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL,
			key->key, body.at) == 1 &&
		    authenticate(context, head, aad) &&
		    (size == 0 || EVP_DecryptUpdate(context, room, &n, cipher,
				      (int)size) == 1) &&
		    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG,
			METAKEY_TAG, tag) == 1 &&
		    EVP_DecryptFinal_ex(context, room + n, &tail) == 1;
	EVP_CIPHER_CTX_free(context);
	ERR_clear_error();
	if (!good) {
		OPENSSL_cleanse(room, size);
		return why_set(
		    why, WHY_CRYPTO, "the metadata is not what was sealed");
	}
	buf_used(out, size);
	return 0;
}

int
metakeys_open(const struct metakeys *keys, struct span aad, struct span blob,
    struct buf *out, struct why *why)
{
	if (blob.size < 2 || blob.at[0] != METAKEY_VERSION ||
	    blob.at[1] > METAKEY_ID_MAX || blob.size > INT_MAX ||
	    aad.size > INT_MAX ||
	    blob.size < (size_t)2 + blob.at[1] + METAKEY_NONCE + METAKEY_TAG)
		return why_set(why, WHY_MALFORMED, "not a metadata blob");
	struct span head = span_of(blob.at, (size_t)2 + blob.at[1]);
	struct span id = span_of(blob.at + 2, blob.at[1]);
	if (!id_valid(id))
		return why_set(why, WHY_MALFORMED, "not a metadata blob");
	const struct metakey *key = find(keys, id);
	if (key == NULL)
		return why_set(why, WHY_NOT_FOUND, "no metadata key %.*s",
		    (int)id.size, (const char *)id.at);
	return open_body(key, head, aad,
	    span_of(blob.at + head.size, blob.size - head.size), out, why);
}
