/*
 * log_key - who signs a log's checkpoints: Ed25519 keys as C2SP signed-note
 * has them.
 *
 * A public key is published as a line NAME+ID+KEY: the origin of the log, the
 * first four octets of SHA-256(NAME || LF || 0x01 || public key) in hex, and
 * the base64 of 0x01 || public key.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "formats/note.h"

#include <stddef.h>
#include <stdint.h>

#define LOG_KEY_SIZE 32
#define LOG_KEY_LINE_MAX (NOTE_NAME_BYTES + 1 + 8 + 1 + 48)

struct log_public_key {
	char name[NOTE_NAME_BYTES + 1];
	uint8_t id[NOTE_KEY_ID_SIZE];
	uint8_t at[LOG_KEY_SIZE];
};

/* The line, without a line feed; the id must be the right one. */
int log_public_key_parse(
    struct span line, struct log_public_key *key, struct why *why);
void log_public_key_build(const struct log_public_key *key, struct buf *out);

/*
 * WHY_CRYPTO: a signature with this key's name and id is wrong. WHY_DENIED: the
 * note has none of this key. Lines of other keys are passed over.
 */
int log_public_key_verify(
    const struct log_public_key *key, const struct note *note, struct why *why);

struct log_key;

/* Of PEM (PKCS#8, Ed25519). name: the log's origin. */
int log_key_parse(
    struct span pem, const char *name, struct log_key **out, struct why *why);
void log_key_free(struct log_key *key); /* NULL is fine */

/* Append a new key as PEM. The caller wipes the buf. */
int log_key_make(struct buf *pem, struct why *why);

const struct log_public_key *log_key_public(const struct log_key *key);

/* The text becomes a note: append text, empty line, signature. */
int log_key_sign(const struct log_key *key, struct span text, struct buf *out,
    struct why *why);
