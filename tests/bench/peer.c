#include "tests/bench/peer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 3
#define CLIENTS_MAX 16
#define TIMES_MAX 200000
#define ROUND_SECONDS 1.2

struct client {
	const struct peer *peer;
	void *connection;
	pthread_t thread;
	struct round *round;
	double *times;
	size_t count;
	bool failed;
};

struct round {
	size_t size;
	const uint8_t *bytes;
	double until;
	atomic_long left; /* messages to put or get; for puts by time: many */
	bool putting;
	double rate;
	double p50;
	double p99;
};

static double
now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void *
work(void *arg)
{
	struct client *client = arg;
	struct round *round = client->round;

	while (!client->failed && client->count < TIMES_MAX &&
	       now() < round->until && atomic_fetch_sub(&round->left, 1) > 0) {
		double began = now();
		int done =
		    round->putting
			? client->peer->put(
			      client->connection, round->bytes, round->size)
			: client->peer->get(client->connection, round->size);

		if (done < 0)
			client->failed = true;
		else if (!round->putting && done == 0)
			break;
		else
			client->times[client->count++] = (now() - began) * 1e3;
	}
	return NULL;
}

static int
double_compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int
round_run(struct client *clients, size_t count, struct round *round)
{
	double began = now();
	double seconds;
	double *times;
	size_t all = 0;
	bool failed = false;

	for (size_t i = 0; i < count; i++) {
		clients[i].round = round;
		clients[i].count = 0;
		if (pthread_create(
			&clients[i].thread, NULL, work, &clients[i]) != 0)
			exit(1);
	}
	for (size_t i = 0; i < count; i++) {
		pthread_join(clients[i].thread, NULL);
		failed = failed || clients[i].failed;
		all += clients[i].count;
	}
	seconds = now() - began;
	times = malloc((all + 1) * sizeof(*times));
	if (failed || all == 0 || times == NULL) {
		free(times);
		return -1;
	}
	all = 0;
	for (size_t i = 0; i < count; i++) {
		memcpy(times + all, clients[i].times,
		    clients[i].count * sizeof(*times));
		all += clients[i].count;
	}
	qsort(times, all, sizeof(*times), double_compare);
	round->rate = (double)all / seconds;
	round->p50 = times[all / 2];
	round->p99 = times[all * 99 / 100];
	free(times);
	return 0;
}

static int
round_compare(const void *a, const void *b)
{
	double x = ((const struct round *)a)->rate;
	double y = ((const struct round *)b)->rate;

	return x < y ? -1 : x > y;
}

static void
row_print(const struct peer *peer, const char *what, size_t size, size_t count,
    struct round rounds[ROUNDS])
{
	qsort(rounds, ROUNDS, sizeof(rounds[0]), round_compare);
	printf("%s %s %zu KiB, %zu client%s\t%.1f\t%.3f\t%.3f\n", peer->name,
	    what, size >> 10, count, count == 1 ? "" : "s",
	    rounds[ROUNDS / 2].rate, rounds[ROUNDS / 2].p50,
	    rounds[ROUNDS / 2].p99);
	fflush(stdout);
}

static int
accept_row(const struct peer *peer, struct client *clients, size_t count,
    const uint8_t *bytes, size_t size)
{
	struct round rounds[ROUNDS];

	for (size_t i = 0; i < ROUNDS; i++) {
		rounds[i] = (struct round){.size = size,
		    .bytes = bytes,
		    .until = now() + ROUND_SECONDS,
		    .left = 1 << 30,
		    .putting = true};
		if (round_run(clients, count, &rounds[i]) != 0 ||
		    peer->purge(clients[0].connection) != 0)
			return -1;
	}
	row_print(peer, "accept", size, count, rounds);
	return 0;
}

static int
deliver_row(const struct peer *peer, struct client *clients, size_t count,
    const uint8_t *bytes, size_t size, long messages)
{
	struct round rounds[ROUNDS];

	for (size_t i = 0; i < ROUNDS; i++) {
		struct round fill = {.size = size,
		    .bytes = bytes,
		    .until = now() + 60,
		    .left = messages,
		    .putting = true};

		rounds[i] = (struct round){
		    .size = size, .until = now() + 60, .left = messages};
		if (round_run(clients, count, &fill) != 0 ||
		    round_run(clients, count, &rounds[i]) != 0 ||
		    peer->purge(clients[0].connection) != 0)
			return -1;
	}
	row_print(peer, "deliver + confirm", size, count, rounds);
	return 0;
}

int
peer_main(const struct peer *peer, int argc, char **argv)
{
	static const size_t sizes[] = {10 << 10, 600 << 10};
	static const long messages[] = {3000, 500};
	struct client clients[CLIENTS_MAX] = {0};
	uint8_t *bytes = malloc(sizes[1]);
	int code = 0;

	if (argc != 2 || bytes == NULL)
		return 2;
	memset(bytes, 0x5a, sizes[1]);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		clients[i].peer = peer;
		clients[i].connection = peer->open((uint16_t)atoi(argv[1]));
		clients[i].times = malloc(TIMES_MAX * sizeof(double));
		if (clients[i].times == NULL)
			return 1;
	}
	for (size_t s = 0; s < 2; s++) {
		if (code == 0)
			code = accept_row(peer, clients, 1, bytes, sizes[s]);
		if (code == 0)
			code = accept_row(
			    peer, clients, CLIENTS_MAX, bytes, sizes[s]);
		if (code == 0)
			code = deliver_row(peer, clients, CLIENTS_MAX, bytes,
			    sizes[s], messages[s]);
	}
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		peer->close(clients[i].connection);
		free(clients[i].times);
	}
	free(bytes);
	return code == 0 ? 0 : 1;
}
