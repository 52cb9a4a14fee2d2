/*
 * crash - see crash.h. Empty without TEST_HOOKS.
 */
#include "base/crash.h"

#ifdef TEST_HOOKS

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CRASH_TEXT_MAX 128

static bool crash_started;
static const char *crash_at; /* from the environment */
static char *crash_mapped;   /* CRASH_TEXT_MAX bytes of the file, shared */
static char crash_seen[CRASH_TEXT_MAX + 1]; /* what the file said last */
static unsigned long crash_passes;

void
crash_start(void)
{
	if (crash_started)
		return;
	crash_started = true;
	crash_at = getenv("BUDSTIKKE_CRASH_AT");
	const char *path = getenv("BUDSTIKKE_CRASH_FILE");
	if (path == NULL)
		return;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		abort(); /* a test that asked for crashes must get them */
	off_t end = lseek(fd, 0, SEEK_END);
	if (end < CRASH_TEXT_MAX && ftruncate(fd, CRASH_TEXT_MAX) != 0)
		abort();
	void *at = mmap(
	    NULL, CRASH_TEXT_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		abort();
	close(fd);
	crash_mapped = at;
}

void
crash_restart(void)
{
	crash_started = false;
	crash_at = NULL;
	crash_passes = 0;
	crash_start();
}

/* True when text ("name" or "name:count") means the pass now made. */
static bool
crash_is(const char *text, const char *name)
{
	size_t length = strcspn(text, ":!\n ");
	if (length != strlen(name) || memcmp(text, name, length) != 0)
		return false;
	crash_passes++;
	unsigned long count = 1;
	if (text[length] == ':')
		count = strtoul(text + length + 1, NULL, 10);
	return crash_passes >= count;
}

static void
crash_now(const char *text)
{
	bool stops = strchr(text, '!') != NULL;
	if (crash_mapped != NULL)
		memset(crash_mapped, 0, CRASH_TEXT_MAX);
	if (stops) {
		crash_at = NULL;
		(void)kill(getpid(), SIGSTOP);
		return;
	}
	(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause();
}

void
crash_here(const char *name)
{
	crash_start();
	if (crash_at != NULL && crash_is(crash_at, name))
		crash_now(crash_at);
	if (crash_mapped == NULL || crash_mapped[0] == '\0')
		return;
	char text[CRASH_TEXT_MAX + 1] = {0};
	memcpy(text, crash_mapped, CRASH_TEXT_MAX);
	if (strcmp(text, crash_seen) != 0) {
		memcpy(crash_seen, text, sizeof crash_seen);
		crash_passes = 0;
	}
	if (crash_is(text, name))
		crash_now(text);
}

/* Weak: a program may have no crash point at all. */
extern const char *const crash_first[] __asm__("__start_crash_points")
    __attribute__((weak));
extern const char *const crash_last[] __asm__("__stop_crash_points")
    __attribute__((weak));

const char *const *
crash_list(size_t *count)
{
	*count = crash_first == NULL ? 0 : (size_t)(crash_last - crash_first);
	return crash_first;
}

#else

extern int crash_unused;

#endif
