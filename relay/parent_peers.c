/*
 * parent_peers - the channels between children: both ends are made here, as
 * the table of roles allows, and handed over.
 */
#include "relay/parent_priv.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Messages of 600 KiB go whole, some at a time; the kernel allows what it
 * allows, and the rest is copied once more. */
#define SOCKET_BYTES (2 * 1024 * 1024)

static bool
has_use(const struct child *new, const struct child *other)
{
	if (!role_talks(new->spec->kind, other->spec->kind))
		return false;
	/* who leaves asks others to the end, but is asked nothing new */
	return other->state != CHILD_LEAVING ||
	       other->spec->start > new->spec->start;
}

/* The other's end: at once when the new one may need it to start, else when
 * the new one serves. */
static int
end_give(struct child *new, struct child *other, int take_fd)
{
	if (other->spec->start < new->spec->start) {
		int code = spawn_peer(other, new, take_fd);
		(void)close(take_fd);
		/* a peer that died is found by its death */
		return code == WHY_BUSY ? code : 0;
	}
	struct spawn_end *end = malloc(sizeof *end);
	if (end == NULL) {
		(void)close(take_fd);
		return WHY_NOMEM;
	}
	*end = (struct spawn_end){new->ends, other->instance, take_fd};
	new->ends = end;
	return 0;
}

static void
socket_tune(int fd)
{
	int size = SOCKET_BYTES;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

int
parent_peers_give(struct parent *p, struct child *new)
{
	for (struct child *c = p->children; c != NULL; c = c->next) {
		int ends[2];
		if (c == new || !has_use(new, c))
			continue;
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) <
		    0)
			return WHY_SYSTEM;
		socket_tune(ends[0]);
		socket_tune(ends[1]);
		int code = spawn_peer(new, c, ends[0]);
		(void)close(ends[0]);
		if (code < 0) {
			(void)close(ends[1]);
			return code;
		}
		code = end_give(new, c, ends[1]);
		if (code == WHY_BUSY)
			parent_child_kill(p, c, "control-full");
		else if (code < 0)
			return code;
	}
	return 0;
}

void
parent_peers_release(struct parent *p, struct child *child)
{
	while (child->ends != NULL) {
		struct spawn_end *end = child->ends;
		child->ends = end->next;
		for (struct child *c = p->children; c != NULL; c = c->next)
			if (c->instance == end->to &&
			    spawn_peer(c, child, end->fd) == WHY_BUSY)
				parent_child_kill(p, c, "control-full");
		(void)close(end->fd);
		free(end);
	}
}

void
parent_peers_retire(struct parent *p, const struct child *child)
{
	struct buf body;
	buf_init(&body, 8);
	buf_add_u32(&body, child->instance);
	for (struct child *c = p->children; c != NULL; c = c->next)
		if (c != child && role_talks(c->spec->kind, child->spec->kind))
			(void)spawn_tell(c, CONTROL_RETIRE, buf_span(&body));
	buf_clear(&body);
}
