/*
 * spawn - one child process of the parent: its start and its control socket.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "relay/conf.h"
#include "relay/roles.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct event;

#define SPAWN_CONTROL_FD 3 /* where a role finds its control socket */

enum child_state { CHILD_STARTING, CHILD_READY, CHILD_LEAVING };

/* The other end of a channel, kept until its owner serves. */
struct spawn_end {
	struct spawn_end *next;
	uint32_t to; /* instance */
	int fd;
};

struct child {
	struct child *next;
	const struct role_spec *spec;
	unsigned slot;
	uint32_t instance;
	uint32_t generation; /* of the configuration it was started with */
	enum child_state state;
	bool was_ready;
	pid_t pid;
	int control;
	struct event *event;
	struct spawn_end *ends;
	int64_t started_ms; /* monotonic, as is the next */
	int64_t leave_by_ms;
};

/*
 * Fork and execute exe_fd (this program) as that role, and send it its
 * configuration. The child's other fields are the caller's. On failure nothing
 * was started.
 */
int spawn_start(struct child *child, int exe_fd,
    const struct conf_source *source, struct why *why);

/* Messages of the parent to a child. */
int spawn_peer(struct child *to, const struct child *peer, int pass_fd);
int spawn_tell(struct child *to, uint16_t type, struct span body);

/* Closes and frees; says nothing to the process. */
void spawn_child_free(struct child *child);

/* What `budstikked --role NAME` does; returns the exit code. */
int spawn_role_main(const char *name);
