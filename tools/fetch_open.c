/*
 * fetch_open - take the package out of its sealing.
 *
 * SECURITY: reads hostile bytes with the recipient's private key at hand; what
 * comes out is not to be believed before fetch_unpack() has checked it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "tools/fetch.h"
#include "tools/file.h"
#include "tools/say.h"

#define PIECE_BYTES ((size_t)256 << 10)

struct output {
	int fd;
	struct digest digest;
};

static int
on_plain(void *context, struct span bytes, struct why *why)
{
	struct output *output = context;
	int code = digest_add(&output->digest, bytes, why);

	return code == 0 ? file_put(output->fd, bytes, why) : code;
}

static int
feed(struct opening *opening, int fd, uint64_t size, struct why *why)
{
	uint8_t *piece = malloc(PIECE_BYTES);
	struct say_progress progress;
	uint64_t done = 0;
	ssize_t got = 0;
	int code = 0;

	if (piece == NULL)
		return why_set(why, WHY_NOMEM, "no memory to open a message");
	say_progress_begin(&progress, "opening", size);
	while (code == 0) {
		got = read(fd, piece, PIECE_BYTES);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		done += (uint64_t)got;
		code = opening_write(opening, span_of(piece, (size_t)got), why);
		say_progress_at(&progress, done);
	}
	say_progress_end(&progress);
	free(piece);
	if (code == 0 && got < 0)
		code = why_errno(why, "read sealed.cms");
	return code == 0 ? opening_finish(opening, why) : code;
}

int
fetch_open(struct fetching *fetching, struct why *why)
{
	struct output output = {-1, {NULL}};
	struct sink sink = {on_plain, &output};
	struct opening *opening = NULL;
	uint8_t sum[32];
	int in = openat(
	    fetching->dir_fd, "sealed.cms", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int code;

	output.fd = openat(fetching->dir_fd, "package.zip",
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (in < 0 || output.fd < 0)
		code = why_errno(why, "open sealed.cms and package.zip");
	else
		code = digest_begin(&output.digest, why);
	if (code == 0)
		code = opening_new(fetching->fetch->keys,
		    fetching->fetch->keys_count, NULL, &sink, &opening, why);
	if (code == 0)
		code = feed(opening, in, fetching->size, why);
	if (code == 0)
		code = digest_end(&output.digest, sum, why);
	if (code == 0)
		hex_build(fetching->proof, sum, sizeof(sum));
	opening_free(opening);
	digest_clear(&output.digest);
	if (output.fd >= 0 && close(output.fd) != 0 && code == 0)
		code = why_errno(why, "close package.zip");
	if (in >= 0)
		close(in);
	return code;
}
