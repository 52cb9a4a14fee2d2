/*
 * clock - the only place that asks what time it is.
 *
 * Wall time (milliseconds since 1970, UTC) is for stamps and deadlines;
 * monotonic time (milliseconds since some start) is for waits. In a test
 * environment both follow an offset and a rate from a mapped file, so that a
 * test can let thirty days pass in a second.
 */
#pragma once

#include "base/why.h"

#include <stdint.h>

#define CLOCK_SECOND_MS INT64_C(1000)
#define CLOCK_MINUTE_MS (60 * CLOCK_SECOND_MS)
#define CLOCK_HOUR_MS (60 * CLOCK_MINUTE_MS)
#define CLOCK_DAY_MS (24 * CLOCK_HOUR_MS)

int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void); /* never influenced by the test file */

/*
 * The test file: two native-endian int64, wall offset in ms and rate in
 * thousandths (1000 is real time), then the real wall time in ms at which the
 * rate began to count. Mapped shared and read at every call. Call before the
 * jail. Only for environment = test; the caller sees to that.
 */
struct clock_file {
	int64_t offset_ms;
	int64_t rate_thousandths;
	int64_t rate_from_ms;
};
int clock_map(const char *path, struct why *why);
int clock_map_fd(int fd, struct why *why);

/*
 * Wall time against monotonic time since the last call with the same state:
 * the step in ms when it is over 60 s in either direction, else 0. Start with
 * a zeroed state.
 */
struct clock_watch {
	int64_t wall_ms;
	int64_t mono_ms;
};
int64_t clock_step(struct clock_watch *watch);
