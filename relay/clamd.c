/*
 * SECURITY: reads the answers of a daemon that has looked at hostile bytes, and
 * believes two of them.
 */
#include "relay/clamd.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MAX 512

struct clamd {
	int fd;
};

static int
gone(struct why *why, const char *doing)
{
	return why_set(why, WHY_GONE, "clamd: %s: %s", doing, strerror(errno));
}

static int
connected(int fd, const char *path, struct why *why)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {CLAMD_SECONDS, 0};
	if (strlen(path) >= sizeof address.sun_path)
		return why_set(why, WHY_INVALID, "clamd: path too long");
	memcpy(address.sun_path, path, strlen(path));
	if (setsockopt(
		fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0 ||
	    setsockopt(
		fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0)
		return why_errno(why, "clamd: timeouts");
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return gone(why, "connect");
	return 0;
}

/* All of it, or a failure; head and bytes go out in one call. */
static int
send_whole(
    struct clamd *clamd, struct span head, struct span bytes, struct why *why)
{
	struct iovec parts[2] = {{(void *)(uintptr_t)head.at, head.size},
	    {(void *)(uintptr_t)bytes.at, bytes.size}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	size_t left = head.size + bytes.size;
	while (left > 0) {
		ssize_t sent = sendmsg(clamd->fd, &message, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return gone(why, "write");
		left -= (size_t)sent;
		for (int i = 0; i < 2; i++) {
			size_t part = (size_t)sent < parts[i].iov_len
					  ? (size_t)sent
					  : parts[i].iov_len;
			parts[i].iov_base = (char *)parts[i].iov_base + part;
			parts[i].iov_len -= part;
			sent -= (ssize_t)part;
		}
	}
	return 0;
}

int
clamd_open(const char *path, struct clamd **out, struct why *why)
{
	static const char command[] = "zINSTREAM"; /* its end mark goes too */
	struct clamd *clamd = calloc(1, sizeof *clamd);
	if (clamd == NULL)
		return why_set(why, WHY_NOMEM, "no memory for clamd");
	clamd->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ret = clamd->fd < 0 ? why_errno(why, "clamd: socket")
				: connected(clamd->fd, path, why);
	if (ret == 0)
		ret = send_whole(
		    clamd, span_of(command, sizeof command), SPAN_NONE, why);
	if (ret < 0) {
		clamd_close(clamd);
		return ret;
	}
	*out = clamd;
	return 0;
}

void
clamd_close(struct clamd *clamd)
{
	if (clamd == NULL)
		return;
	if (clamd->fd >= 0)
		(void)close(clamd->fd);
	free(clamd);
}

/* Its answer up to the end mark, into text. */
static int
answer_read(struct clamd *clamd, char text[ANSWER_MAX], struct why *why)
{
	size_t size = 0;
	while (size < ANSWER_MAX) {
		ssize_t got =
		    recv(clamd->fd, text + size, ANSWER_MAX - size, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return gone(why, "read");
		if (got == 0)
			return why_set(
			    why, WHY_GONE, "clamd closed without a verdict");
		size += (size_t)got;
		if (text[size - 1] == '\0')
			return 0;
	}
	return why_set(why, WHY_GONE, "clamd's answer is too long");
}

static bool
ends_with(const char *text, const char *end)
{
	size_t size = strlen(text);
	return size >= strlen(end) &&
	       strcmp(text + size - strlen(end), end) == 0;
}

/* "stream: OK" or "stream: NAME FOUND"; all else is a failure. */
static int
answer_judge(char *text, char name[CLAMD_NAME_MAX], struct why *why)
{
	static const char before[] = "stream: ";
	name[0] = '\0';
	if (strcmp(text, "stream: OK") == 0)
		return 0;
	if (strstr(text, "size limit exceeded") != NULL)
		return why_set(why, WHY_GONE,
		    "clamd: its StreamMaxLength is less than the file");
	if (strncmp(text, before, strlen(before)) != 0 ||
	    !ends_with(text, " FOUND"))
		return why_set(
		    why, WHY_GONE, "clamd gave no verdict but an error");
	text[strlen(text) - strlen(" FOUND")] = '\0';
	size_t size = 0;
	for (const char *p = text + strlen(before);
	     *p != '\0' && size < CLAMD_NAME_MAX - 1; p++)
		name[size++] = *p > ' ' && *p < 0x7F ? *p : '?';
	if (size == 0)
		name[size++] = '?';
	name[size] = '\0';
	return 0;
}

int
clamd_write(struct clamd *clamd, struct span bytes, struct why *why)
{
	uint8_t head[4] = {(uint8_t)(bytes.size >> 24),
	    (uint8_t)(bytes.size >> 16), (uint8_t)(bytes.size >> 8),
	    (uint8_t)bytes.size};
	if (bytes.size == 0) /* would be the end */
		return 0;
	int ret = send_whole(clamd, span_of(head, sizeof head), bytes, why);
	if (ret == 0)
		return 0;
	/* it may have said why it hung up */
	char text[ANSWER_MAX];
	char name[CLAMD_NAME_MAX];
	struct why said;
	if (answer_read(clamd, text, &said) == 0 &&
	    answer_judge(text, name, &said) < 0)
		return why_set(why, WHY_GONE, "%s", said.text);
	return ret;
}

int
clamd_finish(struct clamd *clamd, char name[CLAMD_NAME_MAX], struct why *why)
{
	static const uint8_t end[4] = {0, 0, 0, 0};
	char text[ANSWER_MAX];
	int ret = send_whole(clamd, span_of(end, sizeof end), SPAN_NONE, why);
	if (ret == 0)
		ret = answer_read(clamd, text, why);
	return ret < 0 ? ret : answer_judge(text, name, why);
}
