#include "relay/filter.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <seccomp.h>

#define DENY SCMP_ACT_ERRNO(EPERM)
#define NAMES_MAX 40

/* No role: other processes, namespaces, the kernel. NULL ends a list. A name
 * that this libseccomp or kernel does not know cannot be called either. */
static const char *const never[NAMES_MAX] = {"execve", "execveat", "fork",
    "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_open",
    "pidfd_getfd", "pidfd_send_signal", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
    "tkill", "unshare", "setns", "mount", "umount2", "pivot_root", "chroot",
    "bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key",
    "io_uring_setup", "io_uring_enter", "io_uring_register",
    "open_by_handle_at", "kexec_load", "init_module", "finit_module",
    "personality", NULL};

static const char *const opening[NAMES_MAX] = {"open", "openat", "openat2",
    "creat", "truncate", "mkdir", "mkdirat", "unlink", "unlinkat", "rmdir",
    "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat",
    "mknod", "mknodat", "chmod", "fchmodat", "chown", "lchown", "fchownat",
    "name_to_handle_at", "inotify_init", "inotify_init1", "fanotify_init",
    NULL};

static const char *const listening[NAMES_MAX] = {"bind", "listen", NULL};
static const char *const accepting[NAMES_MAX] = {"accept", "accept4", NULL};
static const char *const connecting[NAMES_MAX] = {
    "socket", "connect", "socketpair", NULL};

static int
rule(scmp_filter_ctx filter, const char *name, unsigned count,
    struct scmp_arg_cmp compare, struct why *why)
{
	int call = seccomp_syscall_resolve_name(name);
	if (call == __NR_SCMP_ERROR)
		return 0;
	int code = seccomp_rule_add_array(filter, DENY, call, count, &compare);
	if (code < 0)
		return why_set(
		    why, WHY_SYSTEM, "seccomp: %s: %s", name, strerror(-code));
	return 0;
}

static int
deny(
    scmp_filter_ctx filter, const char *const names[NAMES_MAX], struct why *why)
{
	int code = 0;
	for (size_t i = 0; code == 0 && names[i] != NULL; i++)
		code = rule(filter, names[i], 0, (struct scmp_arg_cmp){0}, why);
	return code;
}

static int
network_deny(scmp_filter_ctx filter, const struct role_spec *spec, bool clamd,
    struct why *why)
{
	int code = deny(filter, listening, why);
	if (code == 0 && spec->network != NETWORK_INBOUND)
		code = deny(filter, accepting, why);
	if (code < 0 || spec->network == NETWORK_OUTBOUND)
		return code;
	if (spec->network != NETWORK_LOCAL &&
	    (spec->network != NETWORK_CLAMD || !clamd))
		return deny(filter, connecting, why);
	return rule(filter, "socket", 1, SCMP_A0(SCMP_CMP_NE, AF_UNIX, 0), why);
}

/* A thread is a clone() that shares all; a process is every other one. The
 * flags of clone3() lie in memory where no filter sees them: libc then falls
 * back to clone(). */
static int
processes_deny(
    scmp_filter_ctx filter, const struct role_spec *spec, struct why *why)
{
	int call = seccomp_syscall_resolve_name("clone3");
	if (call != __NR_SCMP_ERROR &&
	    seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), call, 0) < 0)
		return why_set(why, WHY_SYSTEM, "seccomp: clone3");
	if (spec->threads)
		return rule(filter, "clone", 1,
		    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0), why);
	return rule(filter, "clone", 0, (struct scmp_arg_cmp){0}, why);
}

/* Signals to oneself stay: abort() needs them. */
static int
signals_deny(scmp_filter_ctx filter, struct why *why)
{
	scmp_datum_t self = (scmp_datum_t)getpid();
	int code = rule(filter, "kill", 1, SCMP_A0(SCMP_CMP_NE, self, 0), why);
	if (code == 0)
		code = rule(
		    filter, "tgkill", 1, SCMP_A0(SCMP_CMP_NE, self, 0), why);
	return code;
}

/* Memory that is written is not run. Name lookups load libraries. */
static int
code_deny(scmp_filter_ctx filter, const struct role_spec *spec, struct why *why)
{
	if (spec->files == FILES_RESOLVER)
		return 0;
	int code = rule(filter, "mmap", 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC), why);
	if (code == 0)
		code = rule(filter, "mprotect", 1,
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC), why);
	return code;
}

int
filter_enter(const struct role_spec *spec, bool clamd, struct why *why)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	if (filter == NULL)
		return why_set(why, WHY_NOMEM, "seccomp: filter");
	int code = deny(filter, never, why);
	if (code == 0 && spec->files == FILES_NONE)
		code = deny(filter, opening, why);
	if (code == 0)
		code = network_deny(filter, spec, clamd, why);
	if (code == 0)
		code = processes_deny(filter, spec, why);
	if (code == 0)
		code = signals_deny(filter, why);
	if (code == 0)
		code = code_deny(filter, spec, why);
	if (code == 0) {
		int loaded = seccomp_load(filter);
		if (loaded < 0)
			code = why_set(why, WHY_SYSTEM, "seccomp: load: %s",
			    strerror(-loaded));
	}
	seccomp_release(filter);
	return code;
}

#ifdef TEST_HOOKS
int
filter_hide_landlock(struct why *why)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int call = seccomp_syscall_resolve_name("landlock_create_ruleset");
	if (filter == NULL || call == __NR_SCMP_ERROR ||
	    seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), call, 0) < 0 ||
	    seccomp_load(filter) < 0) {
		seccomp_release(filter);
		return why_set(why, WHY_SYSTEM, "cannot hide Landlock");
	}
	seccomp_release(filter);
	return 0;
}
#endif
