#ifdef TEST_HOOKS

#include "relay/probe.h"

#include "relay/jail.h"
#include "relay/role_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each attempt returns a negative number and errno, or what it got. */

static int
try_socket_inet(const struct role *role)
{
	(void)role;
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int
try_socket_unix(const struct role *role)
{
	(void)role;
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

/* On no descriptor: a refusal by right comes before EBADF. */
static int
try_connect(const struct role *role)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	(void)role;
	int code = connect(-1, (struct sockaddr *)&to, sizeof to);
	return code < 0 && errno == EBADF ? 0 : code;
}

static int
try_bind(const struct role *role)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	(void)role;
	int code = bind(-1, (struct sockaddr *)&to, sizeof to);
	return code < 0 && errno == EBADF ? 0 : code;
}

static int
try_passwd(const struct role *role)
{
	(void)role;
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static int
open_in(const char *folder, const char *name, int flags)
{
	char path[4096];
	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	return open(path, flags | O_CLOEXEC, 0600);
}

static int
try_tls_key(const struct role *role)
{
	return open_in(role->conf->keys, "tls.key", O_RDONLY);
}

static int
try_evidence_key(const struct role *role)
{
	return open_in(role->conf->keys, "evidence.key", O_RDONLY);
}

static int
try_create(const struct role *role)
{
	return open_in(role->conf->directory, "probe", O_WRONLY | O_CREAT);
}

static int
try_creat(const struct role *role)
{
	char path[4096];
	(void)snprintf(path, sizeof path, "%s/probe", role->conf->directory);
	return creat(path, 0600);
}

static int
try_spool(const struct role *role)
{
	/* the spool role stands in it and needs no way there */
	if (role->spec->files == FILES_SPOOL)
		return open(".", O_RDONLY | O_CLOEXEC);
	return open_in(role->conf->spool, ".", O_RDONLY);
}

static int
try_exec(const struct role *role)
{
	char *argv[] = {(char[]){"true"}, NULL};
	(void)role;
	/* a name that is not there: refused by right before that is seen */
	int code = execve("/nonexistent/true", argv, argv);
	return code < 0 && errno == ENOENT ? 0 : code;
}

static int
try_fork(const struct role *role)
{
	(void)role;
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	return pid;
}

static int
try_ptrace(const struct role *role)
{
	(void)role;
	errno = 0;
	long code = ptrace(PTRACE_PEEKDATA, 0, NULL, NULL);
	return code < 0 && errno == ESRCH ? 0 : (int)code;
}

static int
try_kill(const struct role *role)
{
	(void)role;
	return kill(getppid(), 0);
}

static int
try_root(const struct role *role)
{
	(void)role;
	return setresuid(0, 0, 0);
}

static int
try_code(const struct role *role)
{
	(void)role;
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return -1;
	(void)munmap(at, 4096);
	return 0;
}

static const struct {
	const char *name;
	int (*attempt)(const struct role *role);
	bool opens;
} attempts[] = {{"socket-inet", try_socket_inet, true},
    {"socket-unix", try_socket_unix, true}, {"connect", try_connect, false},
    {"bind", try_bind, false}, {"open-passwd", try_passwd, true},
    {"open-tls-key", try_tls_key, true},
    {"open-evidence-key", try_evidence_key, true},
    {"create-file", try_create, true}, {"creat", try_creat, true},
    {"open-spool", try_spool, true}, {"execve", try_exec, false},
    {"fork", try_fork, false}, {"ptrace", try_ptrace, false},
    {"kill-parent", try_kill, false}, {"become-root", try_root, false},
    {"run-written-memory", try_code, false}};

static void
layers_add(struct buf *out)
{
	struct jail_report now;
	jail_report_read(&now);
	buf_printf(out, "layer uid %u\n", now.uid);
	buf_printf(out, "layer no_new_privs %d\n", now.no_new_privs);
	buf_printf(out, "layer no_capabilities %d\n", now.capabilities);
	buf_printf(out, "layer no_core %d\n", now.limits);
	buf_printf(out, "layer not_dumpable %d\n", !now.dumpable);
	buf_printf(out, "layer landlock %d\n", now.landlock);
	buf_printf(out, "layer seccomp %d\n", now.seccomp);
}

void
probe_answer(struct role *role)
{
	struct buf out;
	buf_init(&out, CONTROL_MAX);
	layers_add(&out);
	for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
		errno = 0;
		int got = attempts[i].attempt(role);
		buf_printf(&out, "%s %s %s\n", got < 0 ? "denied" : "allowed",
		    attempts[i].name,
		    got < 0 ? strerrorname_np(errno) : "done");
		if (got >= 0 && attempts[i].opens)
			(void)close(got);
	}
	role_control_send(role, CONTROL_PROBE, buf_span(&out));
	buf_clear(&out);
}

#else
typedef int probe_is_of_test_builds; /* no empty translation unit */
#endif
