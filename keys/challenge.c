/*
 * challenge - random octets sealed to a certificate, and what opening them
 * proves.
 */
#include "keys/challenge.h"

#include "base/id.h"
#include "base/text.h"
#include "keys/keys_priv.h"

#include <openssl/sha.h>
#include <string.h>

static const char challenge_prefix[] = "budstikke-challenge-v1";

static void
verifier_of(const char *answer, uint8_t verifier[CHALLENGE_VERIFIER_SIZE])
{
	uint8_t text[sizeof challenge_prefix - 1 + CHALLENGE_ANSWER_SIZE - 1];
	memcpy(text, challenge_prefix, sizeof challenge_prefix - 1);
	memcpy(text + sizeof challenge_prefix - 1, answer,
	    CHALLENGE_ANSWER_SIZE - 1);
	(void)SHA256(text, sizeof text, verifier);
	OPENSSL_cleanse(text, sizeof text);
}

static int
add_to_buf(void *context, struct span bytes, struct why *why)
{
	struct buf *out = context;
	buf_add_span(out, bytes);
	if (!buf_ok(out))
		return why_set(why, WHY_NOMEM, "no room for a challenge");
	return 0;
}

int
challenge_answer(
    struct span octets, char answer[CHALLENGE_ANSWER_SIZE], struct why *why)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	if (octets.size != CHALLENGE_OCTETS)
		return why_set(why, WHY_MALFORMED,
		    "a challenge of %zu octets, expected %d", octets.size,
		    CHALLENGE_OCTETS);
	(void)SHA256(octets.at, octets.size, digest);
	hex_build(answer, digest, sizeof digest);
	return 0;
}

int
challenge_make(const struct certificate *certificate, enum seal_suite suite,
    struct buf *sealed, uint8_t verifier[CHALLENGE_VERIFIER_SIZE],
    struct why *why)
{
	uint8_t octets[CHALLENGE_OCTETS];
	char answer[CHALLENGE_ANSWER_SIZE];
	struct sink sink = {add_to_buf, sealed};
	struct seal *seal = NULL;
	int ret;
	random_fill(octets, sizeof octets);
	struct span plain = span_of(octets, sizeof octets);
	if ((ret = challenge_answer(plain, answer, why)) < 0 ||
	    (ret = seal_new(certificate, suite, &sink, &seal, why)) < 0 ||
	    (ret = seal_write(seal, plain, why)) < 0 ||
	    (ret = seal_finish(seal, why)) < 0)
		goto out;
	verifier_of(answer, verifier);
out:
	seal_free(seal);
	OPENSSL_cleanse(octets, sizeof octets);
	OPENSSL_cleanse(answer, sizeof answer);
	return ret;
}

bool
challenge_is_met(
    const uint8_t verifier[CHALLENGE_VERIFIER_SIZE], struct span answer)
{
	uint8_t digest[CHALLENGE_VERIFIER_SIZE];
	if (answer.size != CHALLENGE_ANSWER_SIZE - 1)
		return false;
	verifier_of((const char *)answer.at, digest);
	return CRYPTO_memcmp(digest, verifier, sizeof digest) == 0;
}
