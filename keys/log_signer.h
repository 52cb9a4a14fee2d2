/*
 * log_signer - signs the checkpoints of this relay's logs: one key, and an
 * origin for each epoch, BASE/EPOCH.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "formats/merkle.h"
#include "formats/note.h"

#include <stdint.h>

#define LOG_BASE_MAX (NOTE_NAME_BYTES - 11) /* an epoch goes behind it */

struct log_signer;

/* path: PEM (PKCS#8, Ed25519), mode 0600. base: at most LOG_BASE_MAX octets,
 * without spaces and "+". */
int log_signer_load(const char *path, const char *base, struct log_signer **out,
    struct why *why);
void log_signer_free(struct log_signer *signer); /* wipes; NULL is fine */

struct log_head {
	uint32_t epoch;
	uint64_t size;
	struct merkle_hash root;
};

/* Append the checkpoint as a signed note. */
int log_signer_sign(struct log_signer *signer, const struct log_head *head,
    struct buf *note, struct why *why);
/* Append the public key under that epoch's name: one line, without its end. */
int log_signer_public(struct log_signer *signer, uint32_t epoch,
    struct buf *line, struct why *why);
