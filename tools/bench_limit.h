/*
 * bench_limit - what this machine can do, part by part, in the same run: TLS,
 * SHA-256, sealing, signing, durable commits, rendering.
 */
#pragma once

#include "base/why.h"
#include "tools/bench_relay.h"

#include <stddef.h>
#include <stdint.h>

/* Seconds of CPU for one message, or of time where it says so. */
struct limit_tls {
	double server;
	double client;
	double wait; /* time of one request and its answer, median */
};

struct limit_commit {
	double cpu;
	double disk; /* time, of one of a group */
	double wait; /* time of one commit, median */
};

struct bench_limits {
	const struct bench_relay *relay;
	char scratch[300]; /* folder for commits */
	char ca[300];
	char tls_certificate[300];
	char tls_key[300];
};

int bench_limits_init(struct bench_limits *limits,
    const struct bench_relay *relay, const char *scratch, struct why *why);

/* CPU seconds of this process so far. */
double bench_own_cpu(void);
/* An empty scratch folder. */
int bench_scratch_clear(const struct bench_limits *limits, struct why *why);

/* Requests of `request` bytes, answers of `answer` bytes. */
int bench_limit_tls(const struct bench_limits *limits, size_t connections,
    size_t request, size_t answer, struct limit_tls *out, struct why *why);
int bench_limit_commit(const struct bench_limits *limits, size_t size,
    size_t group, struct limit_commit *out, struct why *why);
/* The store alone with all of its records: bench_store.c. */
int bench_limit_store(const struct bench_limits *limits, size_t size,
    size_t group, struct limit_commit *out, struct why *why);
/* CPU of one digest over size bytes; of one CMS for the mailbox; of one
 * signature as receipts have it; of rendering a payload file. */
int bench_limit_digest(
    const char *algorithm, size_t size, double *out, struct why *why);
int bench_limit_seal(const struct bench_mailbox *mailbox, size_t size,
    double *out, struct why *why);
int bench_limit_sign(
    const struct bench_limits *limits, double *out, struct why *why);
int bench_limit_render(
    const char *profile, const char *payload, double *out, struct why *why);
