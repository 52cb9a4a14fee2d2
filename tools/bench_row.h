/*
 * bench_row - the rows of the table: each measures the relay, then, beside it,
 * the limit of this machine for the same work.
 */
#pragma once

#include "base/why.h"
#include "tools/bench_limit.h"
#include "tools/bench_load.h"
#include "tools/bench_relay.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_PROGRAMS "build"
#define BENCH_FOLDER "build/bench"
#define BENCH_ROUNDS 3
#define BENCH_ROWS_MAX 64

struct bench_row {
	char name[64];
	const char *unit;
	double ours;
	double limit;      /* 0: none */
	const char *binds; /* what sets the limit */
	bool less;         /* less is better: memory */
	double p50_ms;     /* 0: does not apply */
	double p99_ms;
	double least; /* of the rounds */
	double most;
	double client_us; /* CPU of one message */
	double us[BENCH_PROCESSES_MAX];
	bool has_us;
	char parts[160];  /* of the limit, in microseconds of CPU */
	double parts_sum; /* the same, together */
	double store_us;  /* time of one message in the store alone, in groups
			     of store_group; 0: not measured */
	double store_cpu_us;
	unsigned store_group;
	double load_average;
};

struct bench {
	struct bench_relay relay;
	struct bench_limits limits;
	const char *only; /* rows whose names hold this; NULL: all */
	double seconds;   /* of a round */
	bool peers;       /* measure other stores, too */
	struct bench_row rows[BENCH_ROWS_MAX];
	size_t count;
	uint64_t memory_idle[BENCH_PROCESSES_MAX]; /* KiB */
	uint64_t memory_most[BENCH_PROCESSES_MAX];
	uint64_t keys; /* idempotency keys so far */
};

/* Is the row wanted? Then it is added, to be filled in. */
struct bench_row *bench_row_add(struct bench *bench, const char *unit,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* 201 for a submission: 1; else WHY_STATE with what came. */
int bench_answer_expect(
    const struct load_answer *answer, unsigned status, struct why *why);

/* Connections of a party of the demo. */
int bench_connect(struct bench *bench, const char *party, size_t clients,
    struct load **out, struct why *why);

/* Memory is looked at every few ms between the two; *_most keeps the most. */
struct bench_watch;
struct bench_watch *bench_watch_begin(struct bench *bench);
void bench_watch_end(struct bench_watch *watch);

/* One row is measured in rounds; the one with the median rate counts. */
struct bench_round {
	double rate;
	struct load_result result;
	double client_us;
	double us[BENCH_PROCESSES_MAX];
};
void bench_round_begin(struct bench *bench, struct bench_round *round);
void bench_round_end(struct bench *bench, struct bench_round *round);
void bench_rounds_fill(
    struct bench_row *row, struct bench_round rounds[BENCH_ROUNDS]);

/* ---- the rows ---- */
int bench_accept_documents(struct bench *bench, struct why *why);
int bench_accept_application(struct bench *bench, struct why *why);
int bench_accept_big(struct bench *bench, struct why *why);
int bench_deliver(struct bench *bench, struct why *why);
/* Each row on a relay of its own: memory that one gives back serves the next.
 * The last one goes on. */
int bench_idle(struct bench *bench, struct why *why);
void bench_memory(struct bench *bench);

/* ---- bench_report.c ---- */
void bench_report_print(const struct bench *bench);
int bench_report_write(
    const struct bench *bench, const char *path, struct why *why);
