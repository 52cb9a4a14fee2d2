/*
 * challenge - proof that whoever registers a certificate holds its key.
 *
 * The relay makes random octets, seals them to the certificate and stores only
 * a verifier. The owner opens the challenge and answers with the lower-case hex
 * SHA-256 of the octets: exactly what `openssl cms -decrypt ... | sha256sum`
 * prints.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "keys/certificate.h"
#include "keys/seal.h"

#include <stdbool.h>
#include <stdint.h>

#define CHALLENGE_OCTETS 64
#define CHALLENGE_ANSWER_SIZE 65 /* hex and the end mark */
#define CHALLENGE_VERIFIER_SIZE 32

/* Append the sealed challenge (CMS) to sealed; verifier =
 * SHA-256("budstikke-challenge-v1" || answer). */
int challenge_make(const struct certificate *certificate, enum seal_suite suite,
    struct buf *sealed, uint8_t verifier[CHALLENGE_VERIFIER_SIZE],
    struct why *why);

/* The answer to the octets that came out of the challenge. */
int challenge_answer(
    struct span octets, char answer[CHALLENGE_ANSWER_SIZE], struct why *why);

/* In constant time. */
bool challenge_is_met(
    const uint8_t verifier[CHALLENGE_VERIFIER_SIZE], struct span answer);
