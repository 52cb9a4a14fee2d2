#include "relay/pipe.h"

#include "base/clock.h"
#include "relay/role_priv.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define READ_SIZE (UINT64_C(128) << 10)
/* of a large frame, at once */
#define READ_MOST (UINT64_C(1) << 20)
#define KEEP_SIZE (UINT64_C(512) << 10)
#define PEERS_MAX 200
#define SMALL_SIZE (UINT64_C(4) << 10)   /* of an answer that may wait */
#define GATHER_SIZE (UINT64_C(64) << 10) /* of all that wait */

struct pipe {
	int fd;
	size_t body_max;
	struct buf in;
	size_t done; /* bytes of in that pipe_next() has handed out */
	bool ended;  /* nothing more will come */
	bool gather; /* small answers go to out */
	struct buf out;
};

struct pipe *
pipe_new(int take_fd, size_t body_max)
{
	struct pipe *pipe = calloc(1, sizeof *pipe);
	if (pipe == NULL) {
		(void)close(take_fd);
		return NULL;
	}
	pipe->fd = take_fd;
	pipe->body_max = body_max;
	buf_init(&pipe->out, GATHER_SIZE + SMALL_SIZE + WIRE_HEAD_SIZE);
	buf_init(&pipe->in, body_max + WIRE_HEAD_SIZE + READ_MOST);
	return pipe;
}

void
pipe_free(struct pipe *pipe)
{
	if (pipe == NULL)
		return;
	buf_clear(&pipe->in);
	buf_clear(&pipe->out);
	if (pipe->fd >= 0)
		(void)close(pipe->fd);
	free(pipe);
}

int
pipe_fd(const struct pipe *pipe)
{
	return pipe->fd;
}

int
pipe_fd_take(struct pipe *pipe)
{
	int fd = pipe->fd;
	pipe->fd = -1;
	pipe_free(pipe);
	return fd;
}

int
pipe_fill(struct pipe *pipe, struct why *why)
{
	buf_drop(&pipe->in, pipe->done);
	pipe->done = 0;
	if (pipe->in.size == 0 && pipe->in.capacity > KEEP_SIZE)
		buf_clear(&pipe->in);
	size_t left = wire_frame_left(buf_span(&pipe->in));
	size_t most = left < READ_SIZE   ? READ_SIZE
		      : left < READ_MOST ? left
					 : READ_MOST;
	/* a frame that does not fit is found by pipe_next() */
	if (left > READ_SIZE && left <= pipe->body_max)
		(void)buf_room(&pipe->in, left);
	uint8_t *room = buf_room(&pipe->in, most);
	if (room == NULL) {
		pipe->in.failed = false;
		return why_set(why, WHY_NOMEM, "a frame does not fit");
	}
	ssize_t size = recv(pipe->fd, room, most, MSG_DONTWAIT);
	/* killed with bytes of ours unread: gone, as by a clean end */
	if (size < 0 && errno == ECONNRESET)
		return why_set(why, WHY_GONE, "the other role is gone");
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (size < 0)
		return why_errno(why, "pipe");
	if (size == 0)
		return why_set(why, WHY_GONE, "the other role is gone");
	buf_used(&pipe->in, (size_t)size);
	return 0;
}

int
pipe_next(struct pipe *pipe, struct wire_frame *frame, struct why *why)
{
	size_t used;
	struct span rest =
	    span_of(pipe->in.at + pipe->done, pipe->in.size - pipe->done);
	if (rest.size == 0)
		return 0;
	int code = wire_frame_parse(rest, pipe->body_max, frame, &used, why);
	if (code < 0 || used == 0)
		return code;
	pipe->done += used;
	return 1;
}

/* Until the socket takes bytes or the deadline comes. */
static int
writable_wait(int fd, int64_t deadline_ms, struct why *why)
{
	int64_t left = deadline_ms < 0 ? -1 : deadline_ms - clock_mono_ms();
	if (deadline_ms >= 0 && left <= 0)
		return why_set(why, WHY_GONE, "the other role does not read");
	struct pollfd one = {fd, POLLOUT, 0};
	if (poll(&one, 1, left > 1000 ? 1000 : (int)left) < 0 && errno != EINTR)
		return why_errno(why, "pipe: poll");
	return 0;
}

/* All of two pieces. */
static int
write_all(struct pipe *pipe, struct iovec parts[2], int64_t deadline_ms,
    struct why *why)
{
	size_t left = parts[0].iov_len + parts[1].iov_len;
	while (left > 0) {
		struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
		ssize_t size =
		    sendmsg(pipe->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (size < 0 && errno == EAGAIN) {
			int code = writable_wait(pipe->fd, deadline_ms, why);
			if (code < 0)
				return code;
			continue;
		}
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return why_set(why, WHY_GONE, "the other role is gone");
		left -= (size_t)size;
		for (int i = 0; i < 2 && size > 0; i++) {
			size_t part = (size_t)size < parts[i].iov_len
					  ? (size_t)size
					  : parts[i].iov_len;
			parts[i].iov_base = (char *)parts[i].iov_base + part;
			parts[i].iov_len -= part;
			size -= (ssize_t)part;
		}
	}
	return 0;
}

/* What has waited. */
static int
gathered_write(struct pipe *pipe, int64_t deadline_ms, struct why *why)
{
	struct iovec parts[2] = {{pipe->out.at, pipe->out.size}, {NULL, 0}};
	int code =
	    pipe->out.size > 0 ? write_all(pipe, parts, deadline_ms, why) : 0;
	buf_reset(&pipe->out);
	return code;
}

int
pipe_write(struct pipe *pipe, const struct wire_frame *frame,
    int64_t deadline_ms, struct why *why)
{
	uint8_t head[WIRE_HEAD_SIZE];
	if (frame->body.size > pipe->body_max)
		return why_set(why, WHY_TOO_LARGE,
		    "a frame's body of %zu bytes, expected at most %zu",
		    frame->body.size, pipe->body_max);
	wire_head_build(head, frame->type, frame->flags, frame->request,
	    (uint32_t)frame->body.size);
	if (pipe->gather && frame->body.size <= SMALL_SIZE) {
		buf_add(&pipe->out, head, sizeof head);
		buf_add_span(&pipe->out, frame->body);
		if (!buf_ok(&pipe->out))
			return why_set(why, WHY_NOMEM, "answers");
		return pipe->out.size < GATHER_SIZE
			   ? 0
			   : gathered_write(pipe, deadline_ms, why);
	}
	int code = gathered_write(pipe, deadline_ms, why);
	struct iovec parts[2] = {{head, sizeof head},
	    {(void *)(uintptr_t)frame->body.at, frame->body.size}};
	return code < 0 ? code : write_all(pipe, parts, deadline_ms, why);
}

static void
answer_write(struct role_peer *peer, const struct wire_frame *frame)
{
	struct why why;
	if (peer->pipe->ended)
		return;
	int code = pipe_write(peer->pipe, frame, -1, &why);
	if (code == WHY_TOO_LARGE && (frame->flags & WIRE_MORE) == 0)
		pipe_refuse(peer, frame->request, &why);
	else if (code < 0)
		peer->pipe->ended = true; /* the loop takes leave of it */
}

void
pipe_answer(struct role_peer *peer, uint64_t request, uint16_t type,
    uint16_t flags, struct span body)
{
	answer_write(peer,
	    &(struct wire_frame){type,
		(uint16_t)((flags & WIRE_MORE) | WIRE_ANSWER), request, body});
}

void
pipe_refuse(struct role_peer *peer, uint64_t request, const struct why *why)
{
	struct buf body;
	buf_init(&body, sizeof *why + 16);
	wire_put_why(&body, why);
	if (buf_ok(&body))
		answer_write(
		    peer, &(struct wire_frame){0, WIRE_ANSWER | WIRE_FAILED,
			      request, buf_span(&body)});
	else
		peer->pipe->ended = true;
	buf_clear(&body);
}

/* What was handed out, and where the rest stood before it moved up. */
static void
handed_wipe(struct pipe *pipe)
{
	size_t held = pipe->in.size;
	if (pipe->done == 0)
		return;
	buf_drop(&pipe->in, pipe->done);
	pipe->done = 0;
	explicit_bzero(pipe->in.at + pipe->in.size, held - pipe->in.size);
}

/* Read once from a peer and handle every whole frame. */
static void
peer_serve(
    struct role *role, struct role_peer *peer, const struct pipe_hooks *hooks)
{
	struct pipe *pipe = peer->pipe;
	struct wire_frame frame;
	struct why why;
	int code = pipe_fill(pipe, &why);
	bool end = code < 0;
	pipe->gather = hooks->gather;
	while (!pipe->ended) {
		struct why broken;
		int got = pipe_next(pipe, &frame, &broken);
		if (got == 0)
			break;
		if (got > 0 && (frame.flags & WIRE_ANSWER) != 0)
			got = why_set(&broken, WHY_MALFORMED,
			    "an answer to what was not asked");
		if (got < 0) {
			code = got;
			why = broken;
			end = true;
			break;
		}
		hooks->frame(role, peer, &frame);
	}
	pipe->gather = false;
	if (hooks->wipe)
		handed_wipe(pipe);
	/* a peer that is gone is found by reading */
	if (!pipe->ended && gathered_write(pipe, -1, NULL) < 0)
		pipe->ended = true;
	pipe->ended = pipe->ended || end;
	if (end && code != WHY_GONE)
		role_peer_broken(peer, &why);
}

/* The peers that ended leave the list. */
static void
peers_sweep(struct role *role, const struct pipe_hooks *hooks)
{
	for (struct role_peer **at = &role->peers; *at != NULL;) {
		struct role_peer *peer = *at;
		if (!peer->pipe->ended) {
			at = &peer->next;
			continue;
		}
		*at = peer->next;
		if (hooks->left != NULL)
			hooks->left(role, peer);
		role_peer_free(peer);
	}
}

int
pipe_serve(struct role *role, const struct pipe_hooks *hooks)
{
	/* leaves when it was told to and nobody is left who could ask */
	while (!role->draining || role->peers != NULL) {
		struct pollfd fds[PEERS_MAX + 1];
		struct role_peer *peers[PEERS_MAX];
		nfds_t count = 0;
		for (struct role_peer *p = role->peers;
		     p != NULL && count < PEERS_MAX; p = p->next) {
			peers[count] = p;
			fds[count++] = (struct pollfd){p->pipe->fd, POLLIN, 0};
		}
		fds[count] = (struct pollfd){role_control_fd(role), POLLIN, 0};
		if (poll(fds, count + 1, 1000) < 0 && errno != EINTR)
			return WHY_SYSTEM;
		for (nfds_t i = 0; i < count; i++)
			if (fds[i].revents != 0)
				peer_serve(role, peers[i], hooks);
		if (fds[count].revents != 0)
			role_control_read(role);
		peers_sweep(role, hooks);
		if (hooks->idle != NULL)
			hooks->idle(role);
	}
	return 0;
}
