/*
 * bench_load - a lean load generator: connections with TLS 1.3 kept alive, one
 * thread, each connection asks the next thing when it has its answer.
 *
 * Only for relays that the same program started: it trusts what it reads.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load_target {
	uint16_t port;           /* on 127.0.0.1 */
	const char *ca;          /* PEM file */
	const char *certificate; /* PEM files; NULL: no client certificate */
	const char *key;
};

/* One request: head and body are lent until the answer is there. */
struct load_ask {
	struct span head;
	struct span body;
};

struct load_answer {
	unsigned status;
	uint64_t size;    /* of its body */
	struct span body; /* its first LOAD_KEPT_BYTES at most */
};
#define LOAD_KEPT_BYTES (256u << 10)

struct load_hooks {
	/* The next ask of a connection. False: it has none left. */
	bool (*next)(void *arg, size_t connection, struct load_ask *ask);
	/* 1: a message is done, 0: it needs more asks, or a negative code. */
	int (*answered)(void *arg, size_t connection,
	    const struct load_answer *answer, struct why *why);
};

struct load_result {
	uint64_t messages;
	double seconds; /* first ask to last answer */
	double p50_ms;
	double p99_ms;
};

struct load;

/* Connect and shake hands. *out is the caller's: load_close(). */
int load_open(const struct load_target *target, size_t connections,
    struct load **out, struct why *why);
void load_close(struct load *load); /* NULL is fine */

/* Ask for so many seconds (0: until next() says no), then wait for the last
 * answers. */
int load_run(struct load *load, const struct load_hooks *hooks, void *arg,
    double seconds, struct load_result *result, struct why *why);

/* Write one ask on every connection and do not wait for answers. */
int load_leave(
    struct load *load, const struct load_hooks *hooks, void *arg, struct why *);

/* Seconds of some clock that only goes forward. */
double load_now(void);
