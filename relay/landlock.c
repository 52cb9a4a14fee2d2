#include "relay/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* the kernel's, as of ABI 6 */
struct ruleset {
	uint64_t files;
	uint64_t net;
	uint64_t scoped;
};

struct path_rule {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

#define CREATE_VERSION 1u
#define RULE_PATH 1

#define FILE_EXECUTE (UINT64_C(1) << 0)
#define FILE_WRITE (UINT64_C(1) << 1)
#define FILE_READ (UINT64_C(1) << 2)
#define FOLDER_READ (UINT64_C(1) << 3)
#define FILE_TRUNCATE (UINT64_C(1) << 14)
#define FILES_ABI_1 ((UINT64_C(1) << 13) - 1)
#define FILES_REFER (UINT64_C(1) << 13) /* ABI 2 */
#define FILES_IOCTL (UINT64_C(1) << 15) /* ABI 5 */
#define NET_BIND (UINT64_C(1) << 0)     /* ABI 4 */
#define NET_CONNECT (UINT64_C(1) << 1)
#define SCOPE_ABSTRACT (UINT64_C(1) << 0) /* ABI 6 */
#define SCOPE_SIGNAL (UINT64_C(1) << 1)

#define READING (FILE_READ | FOLDER_READ)
/* what applies to a plain file and not to a folder */
#define OF_FILE                                                                \
	(FILE_EXECUTE | FILE_WRITE | FILE_READ | FILE_TRUNCATE | FILES_IOCTL)

static uint64_t
files_known(long abi)
{
	uint64_t files = FILES_ABI_1;
	if (abi >= 2)
		files |= FILES_REFER;
	if (abi >= 3)
		files |= FILE_TRUNCATE;
	if (abi >= 5)
		files |= FILES_IOCTL;
	return files;
}

static int
path_allow(int ruleset, const char *path, uint64_t allowed, struct why *why)
{
	struct stat status;
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &status) < 0) {
		int code = why_errno(why, "landlock: %s", path);
		if (fd >= 0)
			(void)close(fd);
		return code;
	}
	struct path_rule rule = {
	    S_ISDIR(status.st_mode) ? allowed : allowed & OF_FILE, fd};
	int code = 0;
	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH, &rule, 0) < 0)
		code = why_errno(why, "landlock: rule for %s", path);
	(void)close(fd);
	return code;
}

static int
paths_allow(int ruleset, const struct landlock_wish *wish, uint64_t known,
    struct why *why)
{
	int code = 0;
	for (size_t i = 0; code == 0 && wish->readable[i] != NULL; i++)
		code = path_allow(
		    ruleset, wish->readable[i], READING & known, why);
	for (size_t i = 0; code == 0 && wish->writable[i] != NULL; i++)
		code = path_allow(
		    ruleset, wish->writable[i], known & ~FILE_EXECUTE, why);
	return code;
}

int
landlock_enter(const struct landlock_wish *wish, struct why *why)
{
	long abi =
	    syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
	if (abi < 1)
		return why_errno(why, "landlock is not offered by this kernel");
	struct ruleset rules = {.files = files_known(abi)};
	size_t size = offsetof(struct ruleset, net);
	if (abi >= 4) {
		rules.net = NET_BIND | (wish->connect ? 0 : NET_CONNECT);
		size = offsetof(struct ruleset, scoped);
	}
	if (abi >= 6) {
		rules.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
		size = sizeof rules;
	}
	long fd = syscall(SYS_landlock_create_ruleset, &rules, size, 0);
	if (fd < 0)
		return why_errno(why, "landlock: ruleset");
	int code = paths_allow((int)fd, wish, rules.files, why);
	if (code == 0 && syscall(SYS_landlock_restrict_self, (int)fd, 0) < 0)
		code = why_errno(why, "landlock: restrict");
	(void)close((int)fd);
	return code < 0 ? code : (int)abi;
}
