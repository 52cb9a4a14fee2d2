#include "keys/log_hash.h"

#include <openssl/evp.h>

/* Fetched and made once: OpenSSL 3 looks up algorithms for each context anew,
 * which costs more than two blocks of SHA-256. */
static EVP_MD_CTX *
context_ready(void)
{
	static _Thread_local EVP_MD_CTX *context;
	static _Thread_local EVP_MD *sha256;

	if (sha256 == NULL)
		sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	if (context == NULL)
		context = EVP_MD_CTX_new();
	if (sha256 == NULL || context == NULL ||
	    EVP_DigestInit_ex2(context, sha256, NULL) != 1)
		return NULL;
	return context;
}

bool
log_sha256(const struct span *parts, size_t count, struct merkle_hash *out)
{
	EVP_MD_CTX *context = context_ready();

	if (context == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		if (EVP_DigestUpdate(context, parts[i].at, parts[i].size) != 1)
			return false;
	return EVP_DigestFinal_ex(context, out->at, NULL) == 1;
}

bool
log_leaf(const uint8_t salt[LOG_SALT_SIZE], struct span evidence,
    struct merkle_hash *leaf)
{
	const struct span parts[] = {span_of(salt, LOG_SALT_SIZE), evidence};
	struct merkle_hash commitment;

	return log_sha256(parts, 2, &commitment) &&
	       merkle_leaf(
		   log_sha256, span_of(commitment.at, MERKLE_HASH_SIZE), leaf);
}
