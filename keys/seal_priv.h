/*
 * seal_priv - what the files of sealing share.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "keys/certificate.h"

#define SEAL_KEY_SIZE 32u /* AES-256 */
/* Room that is enough for a recipient: names of any certificate, a key wrapped
 * with 8192 bits, and what is around them. */
#define SEAL_RECIPIENT_BYTES (CERTIFICATE_BYTES_MAX + 2048u)

/*
 * RecipientInfos for one recipient, with the content key wrapped for it (RFC
 * 5652 section 6.2, RFC 8017 appendix A.2.1, RFC 5753 section 3): DER at the
 * end of room, of size SEAL_RECIPIENT_BYTES; *out is where it lies.
 */
int seal_recipient(const struct certificate *certificate,
    const uint8_t key[SEAL_KEY_SIZE], uint8_t *room, struct span *out,
    struct why *why);
