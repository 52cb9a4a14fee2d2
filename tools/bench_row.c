#include "tools/bench_row.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WATCH_MS 10

struct bench_row *
bench_row_add(struct bench *bench, const char *unit, const char *format, ...)
{
	struct bench_row *row = &bench->rows[bench->count];
	va_list arguments;

	*row = (struct bench_row){.unit = unit};
	va_start(arguments, format);
	vsnprintf(row->name, sizeof(row->name), format, arguments);
	va_end(arguments);
	if (bench->count == BENCH_ROWS_MAX ||
	    (bench->only != NULL && strstr(row->name, bench->only) == NULL))
		return NULL;
	(void)getloadavg(&row->load_average, 1);
	bench->count++;
	fprintf(stderr, "  %s ...\n", row->name);
	return row;
}

int
bench_answer_expect(
    const struct load_answer *answer, unsigned status, struct why *why)
{
	if (answer->status == status)
		return 1;
	return why_set(why, WHY_STATE, "status %u instead of %u: %.*s",
	    answer->status, status,
	    (int)(answer->body.size < 160 ? answer->body.size : 160),
	    (const char *)answer->body.at);
}

int
bench_connect(struct bench *bench, const char *party, size_t clients,
    struct load **out, struct why *why)
{
	char certificate[320];
	char key[320];

	snprintf(certificate, sizeof(certificate), "%s/clients/%s.crt",
	    bench->relay.directory, party);
	snprintf(key, sizeof(key), "%s/clients/%s.key", bench->relay.directory,
	    party);
	return load_open(&(struct load_target){.port = bench->relay.port,
			     .ca = bench->limits.ca,
			     .certificate = certificate,
			     .key = key},
	    clients, out, why);
}

/* ---- memory ---- */

struct bench_watch {
	struct bench *bench;
	pthread_t thread;
	atomic_bool ends;
};

static void *
watching(void *arg)
{
	struct bench_watch *watch = arg;
	uint64_t kib[BENCH_PROCESSES_MAX];

	while (!atomic_load(&watch->ends)) {
		bench_relay_memory(&watch->bench->relay, kib);
		for (size_t i = 0; i < watch->bench->relay.count; i++)
			if (kib[i] > watch->bench->memory_most[i])
				watch->bench->memory_most[i] = kib[i];
		nanosleep(&(struct timespec){0, WATCH_MS * 1000000L}, NULL);
	}
	return NULL;
}

struct bench_watch *
bench_watch_begin(struct bench *bench)
{
	struct bench_watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		return NULL;
	watch->bench = bench;
	if (pthread_create(&watch->thread, NULL, watching, watch) != 0) {
		free(watch);
		return NULL;
	}
	return watch;
}

void
bench_watch_end(struct bench_watch *watch)
{
	if (watch == NULL)
		return;
	atomic_store(&watch->ends, true);
	pthread_join(watch->thread, NULL);
	free(watch);
}

/* ---- rounds ---- */

void
bench_round_begin(struct bench *bench, struct bench_round *round)
{
	bench_relay_cpu(&bench->relay, round->us);
	round->client_us = bench_process_cpu(getpid());
}

void
bench_round_end(struct bench *bench, struct bench_round *round)
{
	double cpu[BENCH_PROCESSES_MAX] = {0};
	double each = 1e6 / (double)round->result.messages;

	bench_relay_cpu(&bench->relay, cpu);
	for (size_t i = 0; i < bench->relay.count; i++)
		round->us[i] = (cpu[i] - round->us[i]) * each;
	round->client_us =
	    (bench_process_cpu(getpid()) - round->client_us) * each;
	round->rate = (double)round->result.messages / round->result.seconds;
}

static int
round_compare(const void *a, const void *b)
{
	double x = ((const struct bench_round *)a)->rate;
	double y = ((const struct bench_round *)b)->rate;

	return x < y ? -1 : x > y;
}

void
bench_rounds_fill(
    struct bench_row *row, struct bench_round rounds[BENCH_ROUNDS])
{
	const struct bench_round *middle = &rounds[BENCH_ROUNDS / 2];

	qsort(rounds, BENCH_ROUNDS, sizeof(rounds[0]), round_compare);
	row->ours = middle->rate;
	row->least = rounds[0].rate;
	row->most = rounds[BENCH_ROUNDS - 1].rate;
	row->p50_ms = middle->result.p50_ms;
	row->p99_ms = middle->result.p99_ms;
	row->client_us = middle->client_us;
	row->has_us = true;
	memcpy(row->us, middle->us, sizeof(row->us));
}
