/*
 * measure - what the disk and LMDB can do, without any record of ours: the
 * limit that `make bench` sets beside the store's figures.
 */
#pragma once

#include "base/why.h"

#include <stddef.h>
#include <stdint.h>

struct spool_measured {
	uint64_t values;
	double seconds;
	double cpu_seconds;
	double commit_ms; /* median */
};

/*
 * For so many seconds: durable commits of per_commit values of size bytes
 * each, in pieces as the store keeps content; from the 200th value on the
 * oldest is deleted with each. dir is an empty folder; files are left in it.
 */
int spool_measure(const char *dir, size_t size, size_t per_commit,
    double seconds, struct spool_measured *out, struct why *why);
