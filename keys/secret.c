/*
 * secret - locked pages that are overwritten when done.
 */
#include "keys/secret.h"

#include <openssl/crypto.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECRET_MOST ((size_t)1 << 20)

/* The heap where OpenSSL keeps the private numbers of keys, and the smallest
 * piece it hands out. */
#define SECRET_HEAP_BYTES ((size_t)256 << 10)
#define SECRET_HEAP_PIECE 64

int
secret_init(struct secret *secret, size_t size, struct why *why)
{
	*secret = SECRET_NONE;
	if (size == 0 || size > SECRET_MOST)
		return why_set(why, WHY_TOO_LARGE,
		    "a secret has 1 to %zu bytes, not %zu", SECRET_MOST, size);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t mapped = (size + page - 1) / page * page;
	uint8_t *at = mmap(NULL, mapped, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return why_errno(why, "no memory for a secret");
	if (mlock(at, mapped) < 0 || madvise(at, mapped, MADV_DONTDUMP) < 0 ||
	    madvise(at, mapped, MADV_DONTFORK) < 0) {
		int ret = why_errno(why, "cannot lock memory for a secret");
		(void)munmap(at, mapped);
		return ret;
	}
	*secret = (struct secret){at, size, mapped};
	return 0;
}

void
secret_clear(struct secret *secret)
{
	if (secret->at != NULL) {
		OPENSSL_cleanse(secret->at, secret->mapped);
		(void)munmap(secret->at, secret->mapped);
	}
	*secret = SECRET_NONE;
}

int
secret_heap_init(struct why *why)
{
	if (CRYPTO_secure_malloc_initialized())
		return 0;
	if (CRYPTO_secure_malloc_init(SECRET_HEAP_BYTES, SECRET_HEAP_PIECE) ==
	    1)
		return 0;
	return why_errno(why, "cannot lock memory for private keys");
}
