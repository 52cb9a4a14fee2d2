/*
 * log_public_key - a log's key as it is published, and signatures by it.
 */
#include "keys/log_key.h"

#include "base/text.h"
#include "keys/log_key_priv.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define ID_HEX (2 * NOTE_KEY_ID_SIZE)

static int
refuse(struct why *why, const char *what)
{
	return why_set(why, WHY_MALFORMED, "public key of a log: %s", what);
}

static bool
id_make(const struct log_public_key *key, uint8_t id[NOTE_KEY_ID_SIZE])
{
	static const uint8_t between[] = {'\n', LOG_KEY_ED25519};
	const struct span parts[] = {span_text(key->name),
	    span_of(between, sizeof between), span_of(key->at, LOG_KEY_SIZE)};
	struct merkle_hash digest;

	if (!log_sha256(parts, 3, &digest))
		return false;
	memcpy(id, digest.at, NOTE_KEY_ID_SIZE);
	return true;
}

int
log_public_key_fill(struct log_public_key *key, struct span name,
    const uint8_t at[LOG_KEY_SIZE], struct why *why)
{
	memset(key, 0, sizeof *key);
	if (!note_name_valid(name))
		return refuse(why, "the name is not one");
	memcpy(key->name, name.at, name.size);
	memcpy(key->at, at, LOG_KEY_SIZE);
	return id_make(key, key->id)
		   ? 0
		   : why_set(why, WHY_NOMEM, "no memory for a digest");
}

/* 0x01 and the key. */
static bool
octets_parse(struct span base64, uint8_t at[LOG_KEY_SIZE])
{
	struct buf octets;

	buf_init(&octets, 1 + LOG_KEY_SIZE);
	bool good = base64_parse(&octets, base64) &&
		    octets.size == 1 + LOG_KEY_SIZE &&
		    octets.at[0] == LOG_KEY_ED25519;
	if (good)
		memcpy(at, octets.at + 1, LOG_KEY_SIZE);
	buf_clear(&octets);
	return good;
}

int
log_public_key_parse(
    struct span line, struct log_public_key *key, struct why *why)
{
	uint8_t id[NOTE_KEY_ID_SIZE], at[LOG_KEY_SIZE];
	char hex[ID_HEX + 1] = "";

	const uint8_t *plus =
	    line.size == 0 ? NULL : memchr(line.at, '+', line.size);
	if (plus == NULL)
		return refuse(why, "expected NAME+ID+KEY");
	size_t size = (size_t)(plus - line.at);
	struct span rest = span_of(plus + 1, line.size - size - 1);
	if (rest.size <= ID_HEX || rest.at[ID_HEX] != '+')
		return refuse(why, "expected eight hex digits between '+'");
	memcpy(hex, rest.at, ID_HEX);
	if (!hex_parse(hex, id, sizeof id))
		return refuse(why, "expected eight hex digits between '+'");
	if (!octets_parse(
		span_of(rest.at + ID_HEX + 1, rest.size - ID_HEX - 1), at))
		return refuse(why, "not the base64 of an Ed25519 key");
	int code = log_public_key_fill(key, span_of(line.at, size), at, why);
	if (code == 0 && memcmp(id, key->id, sizeof id) != 0)
		code = refuse(why, "the id is another key's");
	return code;
}

void
log_public_key_build(const struct log_public_key *key, struct buf *out)
{
	char hex[ID_HEX + 1];
	uint8_t octets[1 + LOG_KEY_SIZE] = {LOG_KEY_ED25519};

	hex_build(hex, key->id, NOTE_KEY_ID_SIZE);
	memcpy(octets + 1, key->at, LOG_KEY_SIZE);
	buf_printf(out, "%s+%s+", key->name, hex);
	base64_build(out, span_of(octets, sizeof octets));
}

static bool
signature_good(const struct log_public_key *key, struct span text,
    const struct note_signature *signature)
{
	struct buf octets;

	buf_init(&octets, NOTE_SIGNATURE_BYTES);
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(
	    EVP_PKEY_ED25519, NULL, key->at, LOG_KEY_SIZE);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good =
	    pkey != NULL && context != NULL &&
	    note_signature_read(signature, &octets) &&
	    EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1 &&
	    EVP_DigestVerify(
		context, octets.at, octets.size, text.at, text.size) == 1;
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(pkey);
	buf_clear(&octets);
	ERR_clear_error();
	return good;
}

int
log_public_key_verify(
    const struct log_public_key *key, const struct note *note, struct why *why)
{
	bool found = false;

	for (size_t i = 0; i < note->count; i++) {
		const struct note_signature *signature = &note->signature[i];
		if (!span_is(signature->name, key->name) ||
		    memcmp(signature->key_id, key->id, NOTE_KEY_ID_SIZE) != 0)
			continue;
		if (!signature_good(key, note->text, signature))
			return why_set(why, WHY_CRYPTO,
			    "note: the signature of %s is wrong", key->name);
		found = true;
	}
	return found ? 0
		     : why_set(why, WHY_DENIED, "note: not signed by %s",
			   key->name);
}
