#include "relay/spawn.h"

#include "base/clock.h"
#include "relay/role_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <event2/event.h>

#define SEND_SECONDS 2 /* a role that reads nothing for so long is stuck */

/* In the child, between fork and exec: system calls only. */
_Noreturn static void
become(int exe_fd, int control, const char *name, pid_t parent)
{
	char role[32];
	(void)snprintf(role, sizeof role, "%s", name);
	char *const argv[] = {
	    (char[]){"budstikked"}, (char[]){"--role"}, role, NULL};
	sigset_t none;
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	int null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0)
		_exit(1);
	/* both may be anywhere, even where the control socket must go */
	int moved = fcntl(control, F_DUPFD_CLOEXEC, 16);
	exe_fd = fcntl(exe_fd, F_DUPFD_CLOEXEC, 16);
	if (moved < 0 || exe_fd < 0 || dup2(moved, SPAWN_CONTROL_FD) < 0 ||
	    syscall(SYS_close_range, SPAWN_CONTROL_FD + 1, ~0u,
		CLOSE_RANGE_CLOEXEC) < 0)
		_exit(1);
	(void)syscall(SYS_execveat, exe_fd, "", argv, environ, AT_EMPTY_PATH);
	_exit(1);
}

static int
conf_send(const struct child *child, const struct conf_source *source,
    struct why *why)
{
	struct buf body;
	buf_init(&body, CONTROL_MAX);
	buf_add_byte(&body, (uint8_t)child->spec->kind);
	buf_add_u32(&body, child->slot);
	buf_add_u32(&body, child->instance);
	conf_source_build(&body, source);
	int code = buf_ok(&body) ? control_send(child->control, CONTROL_CONF,
				       buf_span(&body), -1)
				 : WHY_TOO_LARGE;
	buf_clear(&body);
	return code < 0 ? why_set(why, code, "configuration for a role") : 0;
}

int
spawn_start(struct child *child, int exe_fd, const struct conf_source *source,
    struct why *why)
{
	static const struct timeval patience = {SEND_SECONDS, 0};
	int ends[2];
	pid_t parent = getpid();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return why_errno(why, "control socket");
	int size = (int)(4 * CONTROL_MAX);
	(void)setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	(void)setsockopt(
	    ends[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	child->control = ends[0];
	child->started_ms = clock_mono_ms();
	/* first the words, then the process: they wait in the socket */
	int code = conf_send(child, source, why);
	if (code == 0) {
		child->pid = fork();
		if (child->pid == 0)
			become(exe_fd, ends[1], child->spec->name, parent);
		if (child->pid < 0)
			code = why_errno(why, "fork");
	}
	(void)close(ends[1]);
	if (code < 0) {
		(void)close(child->control);
		child->control = -1;
	}
	return code;
}

int
spawn_peer(struct child *to, const struct child *peer, int pass_fd)
{
	struct buf body;
	buf_init(&body, 16);
	buf_add_byte(&body, (uint8_t)peer->spec->kind);
	buf_add_u32(&body, peer->slot);
	buf_add_u32(&body, peer->instance);
	int code =
	    control_send(to->control, CONTROL_PEER, buf_span(&body), pass_fd);
	buf_clear(&body);
	return code;
}

int
spawn_tell(struct child *to, uint16_t type, struct span body)
{
	return control_send(to->control, type, body, -1);
}

void
spawn_child_free(struct child *child)
{
	if (child == NULL)
		return;
	while (child->ends != NULL) {
		struct spawn_end *end = child->ends;
		child->ends = end->next;
		(void)close(end->fd);
		free(end);
	}
	if (child->event != NULL)
		event_free(child->event);
	if (child->control >= 0)
		(void)close(child->control);
	free(child);
}
