/*
 * bench_idle - what connections cost that wait for mail, and what the
 * processes hold.
 */
#include "tools/bench_row.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define POLLS 500
#define SETTLE_MS 700

struct polling {
	char head[256];
};

static bool
poll_next(void *arg, size_t connection, struct load_ask *ask)
{
	const struct polling *polling = arg;

	(void)connection;
	ask->head = span_text(polling->head);
	ask->body = SPAN_NONE;
	return true;
}

static int
poll_answered(void *arg, size_t connection, const struct load_answer *answer,
    struct why *why)
{
	(void)arg;
	(void)connection;
	(void)answer;
	return why_set(why, WHY_STATE, "a poll did not wait");
}

static int
poll_row(struct bench *bench, bool tokens, struct why *why)
{
	static const struct load_hooks hooks = {poll_next, poll_answered};
	struct bench_row *row =
	    bench_row_add(bench, "KiB each", "%d idle long-polls, %s", POLLS,
		tokens ? "tokens" : "client certificates");
	uint64_t kib[BENCH_PROCESSES_MAX];
	struct polling polling;
	struct load *load = NULL;
	uint64_t before;
	uint64_t after;
	int code;

	if (row == NULL)
		return 0;
	snprintf(polling.head, sizeof(polling.head),
	    "GET /v1/mailbox/%s/messages?wait=60 HTTP/1.1\r\n"
	    "Host: localhost\r\n%s\r\n",
	    bench->relay.mailboxes[BENCH_CBC_OAEP].organisation,
	    tokens ? "Authorization: Bearer " BENCH_TOKEN "\r\n" : "");
	before = bench_relay_memory(&bench->relay, kib);
	code = tokens
		   ? load_open(&(struct load_target){.port = bench->relay.port,
				   .ca = bench->limits.ca},
			 POLLS, &load, why)
		   : bench_connect(bench, "oslo", POLLS, &load, why);
	if (code == 0)
		code = load_leave(load, &hooks, &polling, why);
	nanosleep(&(struct timespec){0, SETTLE_MS * 1000000L}, NULL);
	after = bench_relay_memory(&bench->relay, kib);
	row->ours = ((double)after - (double)before) / POLLS;
	row->limit = tokens ? 20 : 0;
	row->binds = tokens ? "the bound set" : "measured and stated";
	row->less = true;
	load_close(load);
	return code;
}

static int
relay_renew(struct bench *bench, struct why *why)
{
	int code = bench_relay_stop(&bench->relay, why);

	return code != 0 ? code
			 : bench_relay_start(&bench->relay, BENCH_PROGRAMS,
			       BENCH_FOLDER "/relay", why);
}

int
bench_idle(struct bench *bench, struct why *why)
{
	size_t rows = bench->count;
	int code = poll_row(bench, true, why);

	if (code == 0 && bench->count > rows)
		code = relay_renew(bench, why);
	rows = bench->count;
	if (code == 0)
		code = poll_row(bench, false, why);
	if (code == 0 && bench->count > rows)
		code = relay_renew(bench, why);
	bench_relay_memory(&bench->relay, bench->memory_idle);
	return code;
}

/* The sums, as rows; single processes are in the report. */
void
bench_memory(struct bench *bench)
{
	const uint64_t *const kib[] = {bench->memory_idle, bench->memory_most};
	static const char *const when[] = {"idle", "under load"};

	for (size_t i = 0; i < 2; i++) {
		struct bench_row *row = bench_row_add(
		    bench, "MiB", "memory (RssAnon, all) %s", when[i]);

		for (size_t j = 0; row != NULL && j < bench->relay.count; j++)
			row->ours += (double)kib[i][j] / 1024;
		if (row != NULL) {
			row->limit = 48;
			row->binds = "the bound set";
			row->less = true;
		}
	}
}
