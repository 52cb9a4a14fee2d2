#include "relay/digest.h"

#include <openssl/evp.h>

const EVP_MD *
digest_sha256(void)
{
	static EVP_MD *sha256;
	if (sha256 == NULL)
		sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	return sha256;
}

bool
digest_make(struct span bytes, uint8_t digest[DIGEST_SHA256_SIZE])
{
	const EVP_MD *sha256 = digest_sha256();
	return sha256 != NULL && EVP_Digest(bytes.at, bytes.size, digest, NULL,
				     sha256, NULL) == 1;
}
