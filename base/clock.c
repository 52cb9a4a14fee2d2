#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STEP_MS CLOCK_MINUTE_MS

static const volatile struct clock_file *test_file;

static int64_t
read_ms(clockid_t id)
{
	struct timespec now;
	(void)clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
clock_wall_ms(void)
{
	int64_t now = read_ms(CLOCK_REALTIME);
	if (test_file == NULL)
		return now;
	int64_t rate = test_file->rate_thousandths;
	int64_t from = test_file->rate_from_ms;
	int64_t extra = rate > 1000 && from > 0 && now > from
			    ? (now - from) * (rate - 1000) / 1000
			    : 0;
	return now + extra + test_file->offset_ms;
}

int64_t
clock_mono_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

int
clock_map_fd(int fd, struct why *why)
{
	struct stat status;
	if (fstat(fd, &status) != 0)
		return why_errno(why, "clock file");
	if (status.st_size < (off_t)sizeof(struct clock_file))
		return why_set(why, WHY_INVALID,
		    "clock file: expected %zu bytes",
		    sizeof(struct clock_file));
	void *at =
	    mmap(NULL, sizeof(struct clock_file), PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return why_errno(why, "clock file: mmap");
	test_file = at;
	return 0;
}

int
clock_map(const char *path, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return why_errno(why, "clock file %s", path);
	int code = clock_map_fd(fd, why);
	(void)close(fd);
	return code;
}

int64_t
clock_step(struct clock_watch *watch)
{
	int64_t wall = clock_wall_ms();
	int64_t mono = clock_mono_ms();
	int64_t step = 0;
	if (watch->mono_ms != 0)
		step = (wall - watch->wall_ms) - (mono - watch->mono_ms);
	watch->wall_ms = wall;
	watch->mono_ms = mono;
	return step > STEP_MS || step < -STEP_MS ? step : 0;
}
