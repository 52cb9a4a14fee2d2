/*
 * control - one message of the control socket, with at most one descriptor.
 *
 * SECURITY: the parent reads here what a role wrote: at most CONTROL_MAX
 * bytes, one frame, and any descriptor that came with it is closed.
 */
#include "relay/role_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int
control_send(int fd, uint16_t type, struct span body, int pass_fd)
{
	uint8_t head[WIRE_HEAD_SIZE];
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} ancillary;
	wire_head_build(head, type, 0, 0, (uint32_t)body.size);
	struct iovec parts[2] = {
	    {head, sizeof head}, {(void *)(uintptr_t)body.at, body.size}};
	struct msghdr message = {
	    .msg_iov = parts, .msg_iovlen = body.size > 0 ? 2 : 1};
	memset(&ancillary, 0, sizeof ancillary);
	if (pass_fd >= 0) {
		message.msg_control = ancillary.room;
		message.msg_controllen = sizeof ancillary.room;
		struct cmsghdr *passed = CMSG_FIRSTHDR(&message);
		passed->cmsg_level = SOL_SOCKET;
		passed->cmsg_type = SCM_RIGHTS;
		passed->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(passed), &pass_fd, sizeof(int));
	}
	for (;;) {
		ssize_t size = sendmsg(fd, &message, MSG_NOSIGNAL);
		if (size >= 0)
			return 0;
		if (errno != EINTR)
			return errno == EAGAIN ? WHY_BUSY : WHY_GONE;
	}
}

/* The descriptors of a message: the first is kept, others are closed. */
static void
passed_take(struct msghdr *message, int *pass_fd)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL;
	     c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (*pass_fd < 0)
				*pass_fd = fd;
			else
				(void)close(fd);
		}
	}
}

int
control_receive(int fd, struct buf *buf, struct wire_frame *frame, int *pass_fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(4 * sizeof(int))];
	} ancillary;
	struct why why;
	size_t used;
	*pass_fd = -1;
	buf_reset(buf);
	uint8_t *room = buf_room(buf, CONTROL_MAX);
	if (room == NULL)
		return WHY_NOMEM;
	struct iovec part = {room, CONTROL_MAX};
	struct msghdr message = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = ancillary.room,
	    .msg_controllen = sizeof ancillary.room};
	ssize_t size;
	do
		size = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return errno == EAGAIN ? WHY_BUSY : 0;
	if (size == 0)
		return 0;
	passed_take(&message, pass_fd);
	buf_used(buf, (size_t)size);
	int code =
	    wire_frame_parse(buf_span(buf), CONTROL_MAX, frame, &used, &why);
	if (code == 0 && used != buf->size)
		code = WHY_MALFORMED;
	if (code < 0 && *pass_fd >= 0) {
		(void)close(*pass_fd);
		*pass_fd = -1;
	}
	return code < 0 ? code : 1;
}
