/*
 * note - a text and who signed it (C2SP signed-note).
 *
 *   text, whole lines
 *   (empty line)
 *   U+2014 SPACE name SPACE base64(key id, 4 octets || signature) LF   ...
 *
 * Any number of others can add their lines below: a witness's cosignature is
 * one more line, and who does not know its key passes over it.
 *
 * SECURITY: note_parse() reads hostile bytes, and says nothing of who signed:
 * see keys/log_key.h.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

#include <stddef.h>
#include <stdint.h>

#define NOTE_SIGNATURES_MOST 16    /* as many as a reader must take */
#define NOTE_SIGNATURE_BYTES 5000  /* room for post-quantum ones */
#define NOTE_TEXT_BYTES (4u << 10) /* of a checkpoint: three short lines */
#define NOTE_NAME_BYTES 255
#define NOTE_BYTES_MAX (128u << 10)
#define NOTE_KEY_ID_SIZE 4

/* Lent by the note's bytes. */
struct note_signature {
	struct span name;
	struct span base64;
	uint8_t key_id[NOTE_KEY_ID_SIZE];
};

struct note {
	struct span text; /* what is signed, with its last line feed */
	size_t count;
	struct note_signature signature[NOTE_SIGNATURES_MOST];
};

int note_parse(struct span bytes, struct note *note, struct why *why);

/* Append the octets of the signature, without the key's id. */
bool note_signature_read(
    const struct note_signature *signature, struct buf *out);

/* Append a signature's line. Before the first, the text needs an empty one. */
void note_signature_build(struct span name,
    const uint8_t key_id[NOTE_KEY_ID_SIZE], struct span octets,
    struct buf *out);

/* A key's name: not empty, UTF-8, no space of any kind, no control, no '+'. */
bool note_name_valid(struct span name);
