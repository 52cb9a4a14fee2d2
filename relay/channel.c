#include "relay/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#define BUCKETS 256u
#define READ_SIZE (UINT64_C(64) << 10)
/* of a large frame, at once */
#define READ_MOST (UINT64_C(1) << 20)
/* one channel's share of a turn of the loop */
#define TURN_SIZE (UINT64_C(1) << 20)
/* frames up to here are copied when that saves a write */
#define SMALL_SIZE (UINT64_C(16) << 10)
/* an allocation that one large frame made is not kept after it */
#define KEEP_SIZE (UINT64_C(256) << 10)

struct ask {
	struct ask *next;
	uint64_t request;
	channel_answer_fn *answered; /* NULL: cancelled, drop the answers */
	void *arg;
};

struct channel {
	int fd;
	size_t body_max;
	const struct channel_hooks *hooks;
	void *arg;
	struct event *readable;
	struct event *writable;
	struct event *broken; /* made active when a write has failed */
	struct event *later;  /* made active when frames wait to go together */
	struct evbuffer *out;
	struct buf in;
	struct ask *asks[BUCKETS];
	size_t ask_count;
	uint64_t last_request;
	unsigned busy; /* depth of calls that use the channel after a hook */
	bool freed;    /* channel_free() came while busy */
	bool dead;
	bool paused;
	bool finishing; /* shut down writing when all is sent */
	bool over_mark; /* hooks->taken is owed */
	bool full;      /* the socket takes no more: writable is awaited */
	bool gather;    /* small frames go together */
	unsigned holds; /* frames go together when the last is released */
};

static void on_readable(int fd, short what, void *arg);
static void on_writable(int fd, short what, void *arg);
static void on_broken(int fd, short what, void *arg);
static void on_later(int fd, short what, void *arg);

struct channel *
channel_new(struct event_base *base, int take_fd, size_t body_max,
    const struct channel_hooks *hooks, void *arg)
{
	struct channel *c = calloc(1, sizeof *c);
	if (c == NULL) {
		(void)close(take_fd);
		return NULL;
	}
	*c = (struct channel){
	    .fd = take_fd, .body_max = body_max, .hooks = hooks, .arg = arg};
	buf_init(&c->in, body_max + WIRE_HEAD_SIZE + READ_MOST);
	c->out = evbuffer_new();
	c->readable =
	    event_new(base, take_fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable =
	    event_new(base, take_fd, EV_WRITE | EV_PERSIST, on_writable, c);
	c->broken = event_new(base, -1, 0, on_broken, c);
	c->later = event_new(base, -1, 0, on_later, c);
	int flags = fcntl(take_fd, F_GETFL);
	if (c->out == NULL || c->readable == NULL || c->writable == NULL ||
	    c->broken == NULL || c->later == NULL || flags < 0 ||
	    fcntl(take_fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    event_priority_set(c->readable, 0) < 0 ||
	    event_add(c->readable, NULL) < 0) {
		channel_free(c);
		return NULL;
	}
	return c;
}

static void
destroy(struct channel *c)
{
	for (size_t i = 0; i < BUCKETS; i++)
		while (c->asks[i] != NULL) {
			struct ask *ask = c->asks[i];
			c->asks[i] = ask->next;
			free(ask);
		}
	if (c->readable != NULL)
		event_free(c->readable);
	if (c->writable != NULL)
		event_free(c->writable);
	if (c->broken != NULL)
		event_free(c->broken);
	if (c->later != NULL)
		event_free(c->later);
	if (c->out != NULL)
		evbuffer_free(c->out);
	buf_clear(&c->in);
	(void)close(c->fd);
	free(c);
}

void
channel_free(struct channel *c)
{
	if (c == NULL)
		return;
	c->freed = true;
	c->dead = true;
	if (c->busy == 0)
		destroy(c);
}

static void
enter(struct channel *c)
{
	c->busy++;
}

static void
leave(struct channel *c)
{
	if (--c->busy == 0 && c->freed)
		destroy(c);
}

static struct ask **
ask_find(struct channel *c, uint64_t request)
{
	struct ask **at = &c->asks[request % BUCKETS];
	while (*at != NULL && (*at)->request != request)
		at = &(*at)->next;
	return at;
}

/* Every ask fails, then the owner hears of it. Once. */
static void
lose(struct channel *c, const struct why *why)
{
	if (c->dead)
		return;
	c->dead = true;
	(void)event_del(c->readable);
	(void)event_del(c->writable);
	struct why gone;
	(void)why_set(&gone, WHY_GONE, "the role asked is gone");
	for (size_t i = 0; i < BUCKETS && !c->freed; i++)
		while (c->asks[i] != NULL && !c->freed) {
			struct ask ask = *c->asks[i];
			free(c->asks[i]);
			c->asks[i] = ask.next;
			c->ask_count--;
			if (ask.answered != NULL)
				ask.answered(ask.arg, WHY_GONE, NULL, &gone);
		}
	if (!c->freed)
		c->hooks->lost(c, why, c->arg);
}

/* The answers of the other side, matched with what was asked. */
static int
answer_take(struct channel *c, const struct wire_frame *frame, struct why *why)
{
	struct ask **at = ask_find(c, frame->request);
	if (*at == NULL)
		return why_set(
		    why, WHY_MALFORMED, "an answer to what was not asked");
	struct ask ask = **at;
	if ((frame->flags & WIRE_MORE) == 0) {
		free(*at);
		*at = ask.next;
		c->ask_count--;
	}
	if (ask.answered == NULL)
		return 0;
	if ((frame->flags & WIRE_FAILED) != 0) {
		struct why failure;
		int code = wire_get_why(frame->body, &failure);
		ask.answered(ask.arg, code, NULL, &failure);
	} else {
		ask.answered(ask.arg, 0, frame, NULL);
	}
	return 0;
}

/* Hand on every whole frame that is there. */
static int
deliver(struct channel *c, struct why *why)
{
	size_t done = 0;
	int code = 0;
	while (code == 0 && !c->dead && !c->paused) {
		struct wire_frame frame;
		size_t used;
		struct span rest = span_of(c->in.at + done, c->in.size - done);
		if (rest.size == 0)
			break;
		code = wire_frame_parse(rest, c->body_max, &frame, &used, why);
		if (code < 0 || used == 0)
			break;
		done += used;
		if ((frame.flags & WIRE_ANSWER) != 0)
			code = answer_take(c, &frame, why);
		else
			c->hooks->request(c, &frame, c->arg);
	}
	if (c->freed)
		return code;
	buf_drop(&c->in, done);
	if (c->in.size == 0 && c->in.capacity > KEEP_SIZE)
		buf_clear(&c->in);
	return code;
}

/* Read once, what is left of a large frame or what there is. Returns 1 when
 * there may be more, 0 for not now, negative at the end. */
static int
fill(struct channel *c, struct why *why)
{
	size_t left = wire_frame_left(buf_span(&c->in));
	size_t most = left < READ_SIZE   ? READ_SIZE
		      : left < READ_MOST ? left
					 : READ_MOST;
	/* a frame that does not fit is found by deliver() */
	if (left > READ_SIZE && left <= c->body_max)
		(void)buf_room(&c->in, left);
	uint8_t *room = buf_room(&c->in, most);
	if (room == NULL) {
		c->in.failed = false;
		return why_set(why, WHY_NOMEM, "a frame does not fit");
	}
	ssize_t size = recv(c->fd, room, most, 0);
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (size < 0)
		return why_errno(why, "channel");
	if (size == 0)
		return why_set(why, WHY_GONE, "the other role is gone");
	buf_used(&c->in, (size_t)size);
	return (size_t)size == most ? 1 : 0;
}

static void
on_readable(int fd, short what, void *arg)
{
	struct channel *c = arg;
	struct why why;
	size_t turn = 0;
	int more = 1;
	(void)fd;
	(void)what;
	if (c->dead)
		return;
	enter(c);
	/* first what a pause left lying */
	int code = deliver(c, &why);
	while (code == 0 && more > 0 && !c->dead && !c->paused &&
	       turn < TURN_SIZE) {
		size_t before = c->in.size;
		more = fill(c, &why);
		turn += c->in.size - before;
		struct why broken;
		code = deliver(c, &broken);
		if (code < 0)
			why = broken;
	}
	if (code < 0 || more < 0)
		lose(c, &why);
	leave(c);
}

/* A write failed inside a call of the owner: what the other side had said
 * before it went is still heard, then the owner hears of the loss. */
static void
on_broken(int fd, short what, void *arg)
{
	struct channel *c = arg;
	struct why why;
	(void)fd;
	(void)what;
	if (c->dead)
		return;
	enter(c);
	int code = 0;
	while (code == 0 && !c->dead && fill(c, &why) > 0)
		code = deliver(c, &why);
	if (code == 0 && !c->dead)
		code = deliver(c, &why);
	if (code == 0)
		(void)why_set(&why, WHY_GONE, "the other role is gone");
	lose(c, &why);
	leave(c);
}

/* Write what is kept, as much as the socket takes. */
static void
write_out(struct channel *c)
{
	if (evbuffer_get_length(c->out) > 0) {
		int size = evbuffer_write(c->out, c->fd);
		if (size < 0 && errno != EAGAIN && errno != EINTR) {
			(void)event_del(c->writable);
			event_active(c->broken, 0, 0);
			return;
		}
	}
	bool full = evbuffer_get_length(c->out) > 0;
	if (full && !c->full)
		(void)event_add(c->writable, NULL);
	else if (!full && c->full)
		(void)event_del(c->writable);
	c->full = full;
	if (!full && c->finishing)
		(void)shutdown(c->fd, SHUT_WR);
}

static void
write_and_tell(struct channel *c)
{
	if (c->dead)
		return;
	enter(c);
	write_out(c);
	if (c->over_mark && evbuffer_get_length(c->out) < CHANNEL_LOW_MARK) {
		c->over_mark = false;
		if (c->hooks->taken != NULL)
			c->hooks->taken(c, c->arg);
	}
	leave(c);
}

static void
on_writable(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	write_and_tell(arg);
}

static void
on_later(int fd, short what, void *arg)
{
	struct channel *c = arg;
	(void)fd;
	(void)what;
	if (!c->full && c->holds == 0)
		write_and_tell(c);
}

void
channel_gather(struct channel *c)
{
	c->gather = true;
}

void
channel_hold(struct channel *c)
{
	c->holds++;
}

void
channel_release(struct channel *c)
{
	if (--c->holds > 0 || c->dead || c->full)
		return;
	write_out(c);
	if (c->over_mark) /* hooks are not called from inside */
		event_active(c->later, 0, 0);
}

/* Keep what the socket did not take. */
static int
keep(struct channel *c, struct span bytes)
{
	if (bytes.size > 0 && evbuffer_add(c->out, bytes.at, bytes.size) < 0)
		return WHY_NOMEM;
	return 0;
}

/* A body in pieces, each of which may be empty. */
#define PIECES 2

static int
keep_frame(struct channel *c, const uint8_t *head,
    const struct span body[PIECES], size_t sent)
{
	int code = 0;
	size_t skip = sent;
	for (size_t i = 0; code == 0 && i < PIECES + 1; i++) {
		struct span piece =
		    i == 0 ? span_of(head, WIRE_HEAD_SIZE) : body[i - 1];
		size_t gone = skip < piece.size ? skip : piece.size;
		skip -= gone;
		code = keep(c, span_of(piece.at + gone, piece.size - gone));
	}
	if (code < 0) /* half a frame is in the stream: it is of no more use */
		event_active(c->broken, 0, 0);
	else if (evbuffer_get_length(c->out) >= CHANNEL_LOW_MARK)
		c->over_mark = true;
	return code;
}

/* Nothing is kept: a large frame need not be copied. */
static int
send_large(
    struct channel *c, const uint8_t *head, const struct span body[PIECES])
{
	struct iovec parts[PIECES + 1] = {
	    {(void *)(uintptr_t)head, WIRE_HEAD_SIZE}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 1};
	for (size_t i = 0; i < PIECES; i++)
		if (body[i].size > 0)
			parts[message.msg_iovlen++] = (struct iovec){
			    (void *)(uintptr_t)body[i].at, body[i].size};
	ssize_t size = sendmsg(c->fd, &message, MSG_NOSIGNAL);
	if (size < 0 && errno != EAGAIN && errno != EINTR) {
		/* told later: the caller is in the middle of things */
		event_active(c->broken, 0, 0);
		return 0;
	}
	int code = keep_frame(c, head, body, size > 0 ? (size_t)size : 0);
	if (code == 0 && evbuffer_get_length(c->out) > 0 && !c->full) {
		c->full = true;
		(void)event_add(c->writable, NULL);
	}
	return code;
}

/*
 * Each write wakes the other process. A small telling goes with the next ask or
 * answer, at the latest when the event loop has done what is at hand; a channel
 * that gathers lets small asks and answers wait as long.
 */
static int
send_pieces(struct channel *c, uint16_t type, uint16_t flags, uint64_t request,
    const struct span body[PIECES])
{
	uint8_t head[WIRE_HEAD_SIZE];
	size_t size = body[0].size + body[1].size;
	bool small = size <= SMALL_SIZE;
	bool wait =
	    c->full || c->holds > 0 || (small && (request == 0 || c->gather));
	if (c->dead)
		return WHY_GONE;
	if (size > c->body_max)
		return WHY_TOO_LARGE;
	wire_head_build(head, type, flags, request, (uint32_t)size);
	if (!small && !wait && evbuffer_get_length(c->out) > 0)
		write_out(c);
	if (!wait && evbuffer_get_length(c->out) == 0)
		return send_large(c, head, body);
	int code = keep_frame(c, head, body, 0);
	if (code < 0)
		return code;
	if (!wait && !c->full)
		write_out(c);
	/* also for hooks->taken, which is not called from inside */
	if (!c->full && (wait || c->over_mark))
		event_active(c->later, 0, 0);
	return 0;
}

static int
send_frame(struct channel *c, uint16_t type, uint16_t flags, uint64_t request,
    struct span body)
{
	const struct span pieces[PIECES] = {body, SPAN_NONE};
	return send_pieces(c, type, flags, request, pieces);
}

static int
ask_pieces(struct channel *c, uint16_t type, uint16_t flags,
    const struct span body[PIECES], channel_answer_fn *answered, void *arg,
    uint64_t *request)
{
	if (c->dead)
		return WHY_GONE;
	struct ask *ask = malloc(sizeof *ask);
	if (ask == NULL)
		return WHY_NOMEM;
	uint64_t id = ++c->last_request;
	struct ask **at = &c->asks[id % BUCKETS];
	*ask = (struct ask){*at, id, answered, arg};
	*at = ask;
	c->ask_count++;
	int code = send_pieces(c, type, flags & WIRE_MORE, id, body);
	if (code < 0) {
		*at = ask->next;
		c->ask_count--;
		free(ask);
	} else if (request != NULL) {
		*request = id;
	}
	return code;
}

int
channel_ask(struct channel *c, uint16_t type, uint16_t flags, struct span body,
    channel_answer_fn *answered, void *arg, uint64_t *request)
{
	const struct span pieces[PIECES] = {body, SPAN_NONE};
	return ask_pieces(c, type, flags, pieces, answered, arg, request);
}

int
channel_ask_with(struct channel *c, uint16_t type, struct span body,
    struct span bytes, channel_answer_fn *answered, void *arg,
    uint64_t *request)
{
	const struct span pieces[PIECES] = {body, bytes};
	return ask_pieces(c, type, 0, pieces, answered, arg, request);
}

int
channel_more(struct channel *c, uint64_t request, uint16_t type, uint16_t flags,
    struct span body)
{
	if (!c->dead && *ask_find(c, request) == NULL)
		return WHY_STATE; /* answered already */
	return send_frame(c, type, flags & WIRE_MORE, request, body);
}

void
channel_cancel(struct channel *c, uint64_t request)
{
	struct ask *ask = *ask_find(c, request);
	if (ask != NULL)
		ask->answered = NULL;
}

int
channel_answer(struct channel *c, uint64_t request, uint16_t type,
    uint16_t flags, struct span body)
{
	return send_frame(
	    c, type, (flags & WIRE_MORE) | WIRE_ANSWER, request, body);
}

int
channel_refuse(struct channel *c, uint64_t request, const struct why *why)
{
	struct buf body;
	buf_init(&body, sizeof *why + 16);
	wire_put_why(&body, why);
	int code = buf_ok(&body) ? send_frame(c, 0, WIRE_ANSWER | WIRE_FAILED,
				       request, buf_span(&body))
				 : WHY_NOMEM;
	buf_clear(&body);
	return code;
}

int
channel_tell(struct channel *c, uint16_t type, struct span body)
{
	return send_frame(c, type, 0, 0, body);
}

int
channel_tell_with(
    struct channel *c, uint16_t type, struct span body, struct span bytes)
{
	const struct span pieces[PIECES] = {body, bytes};
	return send_pieces(c, type, 0, 0, pieces);
}

size_t
channel_unsent(const struct channel *c)
{
	return c->dead ? 0 : evbuffer_get_length(c->out);
}

size_t
channel_asks(const struct channel *c)
{
	return c->ask_count;
}

bool
channel_is_dead(const struct channel *c)
{
	return c->dead;
}

void
channel_pause(struct channel *c)
{
	if (c->dead || c->paused)
		return;
	c->paused = true;
	(void)event_del(c->readable);
}

void
channel_resume(struct channel *c)
{
	if (c->dead || !c->paused)
		return;
	c->paused = false;
	(void)event_add(c->readable, NULL);
	if (c->in.size > 0)
		event_active(c->readable, EV_READ, 0);
}

void
channel_finish(struct channel *c)
{
	if (c->dead)
		return;
	c->finishing = true;
	if (!c->full)
		write_out(c);
}
