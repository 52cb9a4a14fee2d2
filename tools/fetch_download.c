/*
 * fetch_download - the sealed bytes, going on where an earlier try broke off.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "tools/fetch.h"
#include "tools/file.h"
#include "tools/say.h"

#define SEALED "sealed.cms"
#define ETAG "etag"

struct download {
	struct fetching *fetching;
	int fd;
	uint64_t have; /* bytes in the file */
	char etag[256];
	char path[256];
	struct say_progress progress;
};

static int
on_piece(void *context, struct span bytes, struct why *why)
{
	struct download *download = context;
	int code = file_put(download->fd, bytes, why);

	if (code == 0)
		download->have += bytes.size;
	say_progress_at(&download->progress, download->have);
	return code;
}

static int
start_anew(struct download *download, struct why *why)
{
	if (ftruncate(download->fd, 0) != 0 ||
	    lseek(download->fd, 0, SEEK_SET) != 0)
		return why_errno(why, "begin a download anew");
	download->have = 0;
	return 0;
}

static int
on_begin(void *arg, const struct client_answer *answer, struct why *why)
{
	struct download *download = arg;
	struct fetching *fetching = download->fetching;
	int code = 0;

	if (answer->status == 200)
		code = start_anew(download, why);
	else if (answer->range_from < 0 ||
		 (uint64_t)answer->range_from != download->have)
		return why_set(why, WHY_MALFORMED,
		    "the relay sends another range than was asked for");
	else if (download->have > 0)
		fetching->resumed = true;
	if (code == 0 && answer->etag[0] != '\0' &&
	    strcmp(answer->etag, download->etag) != 0) {
		snprintf(
		    download->etag, sizeof(download->etag), "%s", answer->etag);
		code = file_write_at(
		    fetching->dir_fd, ETAG, span_text(answer->etag), 0600, why);
	}
	return code;
}

/* What an earlier try left: its bytes count only with their ETag. */
static int
resume(struct download *download, struct why *why)
{
	struct fetching *fetching = download->fetching;
	struct stat about;
	ssize_t size = 0;
	int fd;

	download->fd = openat(fetching->dir_fd, SEALED,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (download->fd < 0 || fstat(download->fd, &about) != 0)
		return why_errno(why, "open " SEALED);
	fd = openat(fetching->dir_fd, ETAG, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0) {
		size = read(fd, download->etag, sizeof(download->etag) - 1);
		close(fd);
	}
	download->etag[size > 0 ? size : 0] = '\0';
	if (download->etag[0] == '\0' ||
	    (uint64_t)about.st_size > fetching->size)
		return start_anew(download, why);
	download->have = (uint64_t)about.st_size;
	fetching->resumed = download->have > 0;
	return lseek(download->fd, 0, SEEK_END) < 0 ? why_errno(why, "seek")
						    : 0;
}

static int
once(struct download *download, struct why *why)
{
	struct fetch *fetch = download->fetching->fetch;
	struct sink sink = {on_piece, download};
	struct client_call call = {.method = "GET",
	    .path = download->path,
	    .sink = &sink,
	    .begins = on_begin,
	    .arg = download,
	    .once = true};
	char range[64];
	char if_range[300];

	if (download->have > 0) {
		snprintf(range, sizeof(range), "Range: bytes=%llu-",
		    (unsigned long long)download->have);
		snprintf(
		    if_range, sizeof(if_range), "If-Range: %s", download->etag);
		call.headers[0] = range;
		call.headers[1] = if_range;
	}
	return client_do(
	    fetch->client, &call, &download->fetching->result->answer, why);
}

/* Again and again while bytes come, for as long as patience lasts. */
static int
persist(struct download *download, struct why *why)
{
	struct fetching *fetching = download->fetching;
	struct client_answer *answer = &fetching->result->answer;
	int64_t patience_ms = (int64_t)fetching->fetch->patience_seconds * 1000;
	int64_t last_ms = clock_mono_ms();
	int64_t pause_ms = 200;

	while (download->have < fetching->size) {
		uint64_t before = download->have;
		int code = once(download, why);

		if (code == 0 && download->have == fetching->size)
			return 0;
		if (code == 0)
			return why_set(why, WHY_MALFORMED,
			    "the relay sent other than the %llu bytes it named",
			    (unsigned long long)fetching->size);
		if (answer->status == 416)
			code = start_anew(download, why);
		else if (!answer->passing)
			return code;
		if (download->have != before) {
			last_ms = clock_mono_ms();
			pause_ms = 200;
		}
		if (client_stopped() ||
		    clock_mono_ms() + pause_ms - last_ms > patience_ms)
			return code == 0 ? why_set(why, WHY_GONE,
					       "the relay knows no such bytes")
					 : code;
		client_answer_clear(answer);
		nanosleep(&(struct timespec){pause_ms / 1000,
			      pause_ms % 1000 * 1000000},
		    NULL);
		pause_ms = pause_ms * 2 > 8000 ? 8000 : pause_ms * 2;
	}
	return 0;
}

int
fetch_download(struct fetching *fetching, struct why *why)
{
	struct download download = {.fetching = fetching, .fd = -1};
	int code = resume(&download, why);

	snprintf(download.path, sizeof(download.path),
	    "/v1/mailbox/%s/messages/%s/content", fetching->fetch->recipient,
	    fetching->id);
	say_progress_begin(&download.progress, "fetching", fetching->size);
	if (code == 0)
		code = persist(&download, why);
	say_progress_end(&download.progress);
	if (download.fd >= 0 && close(download.fd) != 0 && code == 0)
		code = why_errno(why, "close " SEALED);
	return code;
}
