#include "relay/jail.h"

#include "base/log.h"
#include "relay/filter.h"
#include "relay/landlock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILES_OF_A_ROLE 256 /* descriptors besides connections */

static int landlock_abi; /* what jail_enter() reached */

/* ---- the user ---- */

/* The store's files belong to who will go on writing them, so that a start
 * without root finds them usable. */
static int
store_give(const char *path, uid_t uid, gid_t gid, struct why *why)
{
	int code = 0;
	DIR *folder = opendir(path);
	if (folder == NULL)
		return why_errno(why, "spool %s", path);
	if (fchown(dirfd(folder), uid, gid) < 0)
		code = why_errno(why, "spool %s: chown", path);
	for (struct dirent *e; code == 0 && (e = readdir(folder)) != NULL;) {
		struct stat status;
		if (fstatat(dirfd(folder), e->d_name, &status,
			AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(status.st_mode) &&
		    fchownat(dirfd(folder), e->d_name, uid, gid,
			AT_SYMLINK_NOFOLLOW) < 0)
			code = why_errno(why, "spool %s: chown", path);
	}
	(void)closedir(folder);
	return code;
}

static int
user_drop(const struct passwd *user, struct why *why)
{
	uid_t uid = user->pw_uid;
	gid_t gid = user->pw_gid;
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 ||
	    setresuid(uid, uid, uid) < 0)
		return why_errno(why, "user: cannot become it");
	/* the kernel forgot this at the change of user */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return why_errno(why, "parent's end");
	return 0;
}

/* ---- capabilities, limits, cores ---- */

static int
capabilities_drop(struct why *why)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2];
	memset(none, 0, sizeof none);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, none) < 0)
		return why_errno(why, "capabilities");
	return 0;
}

/* Needs a capability that goes with the user: before user_drop(). */
static void
bounding_drop(void)
{
	for (unsigned long i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		(void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
}

static int
limit_set(
    __rlimit_resource_t what, const char *name, uint64_t value, struct why *why)
{
	struct rlimit old;
	struct rlimit limit = {value, value};
	if (setrlimit(what, &limit) == 0)
		return 0;
	if (errno == EPERM && getrlimit(what, &old) == 0 &&
	    value > old.rlim_max) {
		/* less than asked for is no hole in the jail, but is said */
		log_event(LOG_WARNING, "role.limit-low", LOGS("limit", name),
		    LOGN("wanted", value), LOGN("given", old.rlim_max));
		limit.rlim_cur = limit.rlim_max = old.rlim_max;
		if (setrlimit(what, &limit) == 0)
			return 0;
	}
	return why_errno(why, "rlimit %s", name);
}

static int
limits_set(const struct role *role, struct why *why)
{
	uint64_t files = FILES_OF_A_ROLE;
	if (role->spec->network == NETWORK_INBOUND)
		files += role->conf->limits.connections;
	int code = limit_set(RLIMIT_CORE, "core", 0, why);
	if (code == 0)
		code = limit_set(RLIMIT_NOFILE, "nofile", files, why);
#ifndef SANITIZED /* its shadow is address space, its helper a thread */
	if (code == 0 && !role->spec->threads)
		code = limit_set(RLIMIT_NPROC, "nproc", 0, why);
	if (code == 0 && role->spec->memory > 0)
		code = limit_set(RLIMIT_AS, "as", role->spec->memory, why);
#endif
	return code;
}

/* ---- Landlock and seccomp ---- */

#ifndef SANITIZED
static int
landlock_layer(const struct role *role, struct why *why)
{
	struct landlock_wish wish = {
	    .connect = role->spec->network == NETWORK_OUTBOUND};
	if (role->spec->files == FILES_SPOOL)
		wish.writable[0] = role->conf->spool;
	if (role->spec->files == FILES_TOKEN) {
		static const char *const system[] = {"/etc", "/usr", "/lib",
		    "/lib64", "/dev/urandom", "/proc/self"};
		memcpy(wish.readable, system, sizeof system);
		if (role->conf->pkcs11_files[0] != '\0')
			wish.writable[0] = role->conf->pkcs11_files;
	}
	if (role->spec->files == FILES_RESOLVER) {
		static const char *const system[] = {"/etc", "/usr", "/lib",
		    "/lib64", "/run/systemd/resolve", "/run/resolvconf",
		    "/var/lib/ca-certificates", "/dev/urandom", "/proc/self"};
		memcpy(wish.readable, system, sizeof system);
	}
	int abi = landlock_enter(&wish, why);
	if (abi > 0)
		landlock_abi = abi;
	return abi < 0 ? abi : 0;
}

static int
seccomp_layer(const struct role *role, struct why *why)
{
	return filter_enter(role->spec, role->conf->clamd[0] != '\0', why);
}
#else
static int
landlock_layer(const struct role *role, struct why *why)
{
	(void)role;
	return why_set(why, WHY_UNSUPPORTED, "not in a build with sanitizers");
}

static int
seccomp_layer(const struct role *role, struct why *why)
{
	return landlock_layer(role, why);
}
#endif

/* A layer that is missing: said loudly, and fatal when it must be. */
static int
layer(const struct role *role, const char *name, int code,
    const struct why *what, struct why *why)
{
	if (code == 0)
		return 0;
	log_event(LOG_WARNING, "role.layer-missing", LOGS("layer", name),
	    LOGS("error", what->text));
#ifdef SANITIZED
	(void)role;
	(void)why;
	return 0; /* test builds only, and said above */
#else
	if (!role->conf->jail_required)
		return 0;
	return why_set(why, WHY_DENIED, "jail: %s: %s", name, what->text);
#endif
}

static void
report(void)
{
	struct jail_report now;
	jail_report_read(&now);
	log_event(LOG_INFO, "role.jailed", LOGN("uid", now.uid),
	    LOGN("no_new_privs", now.no_new_privs),
	    LOGS("capabilities", now.capabilities ? "none" : "some"),
	    LOGS("rlimits", now.limits ? "set" : "missing"),
	    LOGN("dumpable", now.dumpable), LOGN("landlock", now.landlock),
	    LOGN("seccomp", now.seccomp));
}

/* Who the role becomes; NULL in *user when it is nobody special already. */
static int
user_find(const struct role *role, struct passwd **user, struct why *why)
{
	*user = NULL;
	if (geteuid() != 0)
		return 0;
	*user = getpwnam(role->conf->user);
	if (*user == NULL)
		return why_set(
		    why, WHY_INVALID, "user: there is no user of that name");
	if (role->spec->files == FILES_SPOOL)
		return store_give(
		    role->conf->spool, (*user)->pw_uid, (*user)->pw_gid, why);
	return 0;
}

/*
 * The order matters: names are looked up while files can be opened, Landlock's
 * folders are opened while the user may reach them, and seccomp comes last,
 * for the other layers need calls that it denies.
 */
int
jail_enter(struct role *role, struct why *why)
{
	struct why what;
	struct passwd *user;
	int code = user_find(role, &user, why);
	if (code < 0)
		return code;
	/* spool reaches its files by relative names, whatever the folders
	 * above allow its user; nobody else has business in any folder */
	const char *home =
	    role->spec->files == FILES_SPOOL ? role->conf->spool : "/";
	if (chdir(home) < 0)
		return why_errno(why, "%s", home);
	if (user != NULL)
		bounding_drop();
	code = layer(role, "rlimits", limits_set(role, &what), &what, why);
	if (code == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		code = layer(role, "no_new_privs",
		    why_errno(&what, "no_new_privs"), &what, why);
	if (code == 0)
		code = layer(
		    role, "landlock", landlock_layer(role, &what), &what, why);
	/* never without: a role must not stay root by mistake */
	if (code == 0 && user != NULL)
		code = user_drop(user, why);
	if (code == 0)
		code = layer(
		    role, "capabilities", capabilities_drop(&what), &what, why);
	if (code == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		code = layer(
		    role, "dumpable", why_errno(&what, "dumpable"), &what, why);
	if (code == 0)
		code = layer(
		    role, "seccomp", seccomp_layer(role, &what), &what, why);
	if (code == 0)
		report();
	return code;
}

/* ---- what is in force ---- */

static bool
no_capabilities(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];
	if (syscall(SYS_capget, &head, data) < 0)
		return false;
	return (data[0].effective | data[0].permitted | data[0].inheritable |
		   data[1].effective | data[1].permitted |
		   data[1].inheritable) == 0;
}

void
jail_report_read(struct jail_report *out)
{
	struct rlimit core;
	*out = (struct jail_report){.uid = geteuid(),
	    .no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1,
	    .capabilities = no_capabilities(),
	    .limits = getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0,
	    .dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0,
	    .landlock = landlock_abi,
	    /* 2: a filter; asking is not among what the filter denies */
	    .seccomp = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2};
}
