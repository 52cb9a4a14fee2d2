#include "base/limits.h"

#include <stddef.h>
#include <string.h>

const struct limit limit_table[] = {
#define X(name, preset, least, most, what) {#name, preset, least, most, what},
    LIMITS(X)
#undef X
	{NULL, 0, 0, 0, NULL},
};

void
limits_init(struct limits *limits)
{
#define X(name, preset, least, most, what) limits->name = preset;
	LIMITS(X)
#undef X
}

uint64_t *
limits_at(struct limits *limits, const char *name)
{
#define X(limit, preset, least, most, what)                                    \
	if (strcmp(name, #limit) == 0)                                         \
		return &limits->limit;
	LIMITS(X)
#undef X
	return NULL;
}
