/*
 * pem - textual encoding (RFC 7468), read strictly; files of secrets.
 *
 * SECURITY: pem_next() reads hostile bytes.
 */
#include "base/text.h"
#include "keys/keys_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static bool
take(struct span *rest, const char *text)
{
	size_t size = strlen(text);
	if (rest->size < size || memcmp(rest->at, text, size) != 0)
		return false;
	rest->at += size;
	rest->size -= size;
	return true;
}

static void
skip_blank(struct span *rest)
{
	while (rest->size > 0 && is_blank(*rest->at)) {
		rest->at++;
		rest->size--;
	}
}

bool
pem_next(struct span *rest, const char *label, struct buf *der)
{
	struct span in = *rest;
	skip_blank(&in);
	if (!take(&in, "-----BEGIN ") || !take(&in, label) ||
	    !take(&in, "-----"))
		return false;
	struct buf text;
	buf_init(&text, in.size);
	while (in.size > 0 && *in.at != '-') {
		if (!is_blank(*in.at))
			buf_add_byte(&text, *in.at);
		in.at++;
		in.size--;
	}
	bool good = buf_ok(&text) && take(&in, "-----END ") &&
		    take(&in, label) && take(&in, "-----") &&
		    base64_parse(der, buf_span(&text)) && buf_ok(der);
	buf_clear(&text);
	skip_blank(&in);
	if (good)
		*rest = in;
	return good;
}

static int
check_private(
    int fd, const char *path, size_t max, size_t *size, struct why *why)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return why_errno(why, "%s", path);
	if (!S_ISREG(st.st_mode))
		return why_set(why, WHY_DENIED, "%s is not a file", path);
	if ((st.st_mode & 077) != 0)
		return why_set(why, WHY_DENIED,
		    "%s has mode %04o, expected 0600: others may use it", path,
		    (unsigned)st.st_mode & 07777);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return why_set(
		    why, WHY_DENIED, "%s belongs to another user", path);
	if (st.st_size <= 0)
		return why_set(why, WHY_MALFORMED, "%s is empty", path);
	if ((uint64_t)st.st_size > max)
		return why_set(
		    why, WHY_TOO_LARGE, "%s is over %zu bytes", path, max);
	*size = (size_t)st.st_size;
	return 0;
}

int
secret_load(const char *path, size_t max, struct secret *out, struct why *why)
{
	int ret;
	size_t size = 0;
	struct secret secret = SECRET_NONE;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return why_errno(why, "%s", path);
	if ((ret = check_private(fd, path, max, &size, why)) < 0 ||
	    (ret = secret_init(&secret, size, why)) < 0)
		goto out;
	for (size_t got = 0; got < size;) {
		ssize_t n = read(fd, secret.at + got, size - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			ret = why_errno(why, "%s", path);
			goto out;
		}
		if (n == 0) {
			ret = why_set(why, WHY_MALFORMED,
			    "%s became shorter while it was read", path);
			goto out;
		}
		got += (size_t)n;
	}
	*out = secret;
	secret = SECRET_NONE;
	ret = 0;
out:
	secret_clear(&secret);
	(void)close(fd);
	return ret;
}

int
why_openssl(struct why *why, int code, const char *what)
{
	unsigned long error = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(error);
	ERR_clear_error();
	if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
		code = WHY_NOMEM;
	return why_set(why, code, "%s: %s", what,
	    reason == NULL ? "refused without a reason" : reason);
}
