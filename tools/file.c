#include "tools/file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"
#include "base/text.h"

#define PIECE_BYTES ((size_t)128 << 10)

int
file_read(const char *path, struct buf *out, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t got;
	int code = 0;

	if (fd < 0)
		return errno == ENOENT
			   ? why_set(why, WHY_NOT_FOUND, "no file %s", path)
			   : why_errno(why, "open %s", path);
	for (;;) {
		uint8_t piece[16384];

		got = read(fd, piece, sizeof(piece));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		buf_add(out, piece, (size_t)got);
		if (!buf_ok(out)) {
			code = why_set(why, WHY_TOO_LARGE,
			    "%s is over %zu bytes", path, out->max);
			break;
		}
	}
	if (got < 0)
		code = why_errno(why, "read %s", path);
	close(fd);
	return code;
}

int
file_put(int fd, struct span bytes, struct why *why)
{
	while (bytes.size > 0) {
		ssize_t put = write(fd, bytes.at, bytes.size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return errno == ENOSPC || errno == EDQUOT
				   ? why_set(why, WHY_FULL,
					 "no room to write the file")
				   : why_errno(why, "write");
		bytes.at += put;
		bytes.size -= (size_t)put;
	}
	return 0;
}

static int
sync_folder_of(int dir_fd, const char *name, struct why *why)
{
	char *folder;
	int fd;
	int code = 0;

	if (dir_fd != AT_FDCWD && strchr(name, '/') == NULL)
		return fsync(dir_fd) == 0 ? 0 : why_errno(why, "sync a folder");
	folder = file_folder(name);
	if (folder == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a path");
	fd = openat(dir_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		code = why_errno(why, "sync %s", folder);
	if (fd >= 0)
		close(fd);
	free(folder);
	return code;
}

int
file_sync_folder(const char *path, struct why *why)
{
	return sync_folder_of(AT_FDCWD, path, why);
}

int
file_write_at(int dir_fd, const char *name, struct span bytes, mode_t mode,
    struct why *why)
{
	uint8_t noise[6];
	char noise_text[13];
	char *beside;
	int fd;
	int code;

	random_fill(noise, sizeof(noise));
	hex_build(noise_text, noise, sizeof(noise));
	if (asprintf(&beside, "%s.%s", name, noise_text) < 0)
		return why_set(why, WHY_NOMEM, "no memory for a path");
	fd = openat(dir_fd, beside,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0) {
		code = why_errno(why, "create %s", beside);
		free(beside);
		return code;
	}
	code = file_put(fd, bytes, why);
	if (code == 0 && fsync(fd) != 0)
		code = why_errno(why, "sync %s", beside);
	if (close(fd) != 0 && code == 0)
		code = why_errno(why, "close %s", beside);
	if (code == 0 && renameat(dir_fd, beside, dir_fd, name) != 0)
		code = why_errno(why, "rename to %s", name);
	if (code == 0)
		code = sync_folder_of(dir_fd, name, why);
	else
		unlinkat(dir_fd, beside, 0);
	free(beside);
	return code;
}

char *
file_path(const char *dir, const char *name)
{
	char *path;

	if (name[0] == '/')
		return strdup(name);
	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

char *
file_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return strdup(".");
	return slash == path ? strdup("/")
			     : strndup(path, (size_t)(slash - path));
}

const char *
file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

int
digest_begin(struct digest *digest, struct why *why)
{
	if (digest->state == NULL)
		digest->state = EVP_MD_CTX_new();
	if (digest->state == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a digest");
	if (EVP_DigestInit_ex(digest->state, EVP_sha256(), NULL) != 1)
		return why_set(why, WHY_BUG, "SHA-256 does not begin");
	return 0;
}

int
digest_add(struct digest *digest, struct span bytes, struct why *why)
{
	if (EVP_DigestUpdate(digest->state, bytes.at, bytes.size) != 1)
		return why_set(why, WHY_BUG, "SHA-256 does not go on");
	return 0;
}

int
digest_end(struct digest *digest, uint8_t out[32], struct why *why)
{
	if (EVP_DigestFinal_ex(digest->state, out, NULL) != 1)
		return why_set(why, WHY_BUG, "SHA-256 does not end");
	return 0;
}

void
digest_clear(struct digest *digest)
{
	EVP_MD_CTX_free(digest->state);
	digest->state = NULL;
}

int
digest_file(int fd, uint64_t *size, char text[DIGEST_TEXT_SIZE],
    void (*on_bytes)(void *arg, uint64_t done), void *arg, struct why *why)
{
	struct digest digest = {NULL};
	uint8_t *piece = malloc(PIECE_BYTES);
	uint8_t sum[32];
	ssize_t got = 0;
	int code;

	*size = 0;
	if (piece == NULL)
		return why_set(why, WHY_NOMEM, "no memory to read a file");
	code = lseek(fd, 0, SEEK_SET) < 0 ? why_errno(why, "seek") : 0;
	if (code == 0)
		code = digest_begin(&digest, why);
	while (code == 0) {
		got = read(fd, piece, PIECE_BYTES);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		*size += (uint64_t)got;
		code = digest_add(&digest, span_of(piece, (size_t)got), why);
		if (on_bytes != NULL)
			on_bytes(arg, *size);
	}
	if (code == 0 && got < 0)
		code = why_errno(why, "read");
	if (code == 0)
		code = digest_end(&digest, sum, why);
	if (code == 0 && lseek(fd, 0, SEEK_SET) < 0)
		code = why_errno(why, "seek");
	if (code == 0)
		hex_build(text, sum, sizeof(sum));
	digest_clear(&digest);
	free(piece);
	return code;
}

int
digest_bytes(struct span bytes, uint8_t out[32], struct why *why)
{
	struct digest digest = {NULL};
	int code = digest_begin(&digest, why);

	if (code == 0)
		code = digest_add(&digest, bytes, why);
	if (code == 0)
		code = digest_end(&digest, out, why);
	digest_clear(&digest);
	return code;
}
