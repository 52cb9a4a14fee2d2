/*
 * metakey - the metadata keys, and the blobs sealed under them.
 *
 * File: lines "ID KEY", ID of 1-32 letters, digits, '-', '_', KEY of 64 hex
 * digits; '#' begins a comment line. The last line is the newest key: new blobs
 * use it, the older keys open old blobs.
 *
 * Blob: u8 1, u8 size and bytes of the key's id, nonce 12, AES-256-GCM
 * ciphertext, tag 16. Authenticated with it: the head, then the caller's AAD.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

#include <stddef.h>

#define METAKEY_ID_MAX 32
#define METAKEY_SIZE 32
#define METAKEYS_MAX 64
#define METAKEY_OVERHEAD_MAX (2 + METAKEY_ID_MAX + 12 + 16)
#define METAKEY_FILE_MAX (16u << 10)

struct metakeys;

/* The file's text. WHY_MALFORMED names the line, never its content. */
int metakeys_parse(struct span text, struct metakeys **out, struct why *why);
/* The same from a file nobody else can read (see private_key_load()). */
int metakeys_load(const char *path, struct metakeys **out, struct why *why);
void metakeys_free(struct metakeys *keys);

/* Append all keys as the file's text (keys gives them to net so); the caller
 * wipes the buf. */
void metakeys_build(const struct metakeys *keys, struct buf *out);

/* A new random key as one line of the file, for init and rotation; id is named
 * by the caller. The caller wipes the buf. */
int metakey_make(const char *id, struct buf *out, struct why *why);

/* Append the blob. aad: what it belongs to (the message id). */
int metakeys_seal(const struct metakeys *keys, struct span aad,
    struct span plain, struct buf *out, struct why *why);

/* Append the plaintext. WHY_MALFORMED, WHY_NOT_FOUND (key id unknown; named),
 * WHY_CRYPTO. Nothing is appended on failure. */
int metakeys_open(const struct metakeys *keys, struct span aad,
    struct span blob, struct buf *out, struct why *why);
