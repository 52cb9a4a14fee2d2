/*
 * bench_accept - rows of submissions: documents of two sizes, an application
 * that is rendered, one big upload.
 */
#include "tools/bench_message.h"
#include "tools/bench_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CORES 2
#define ANSWER_BYTES 3000 /* a receipt and what is around it */
#define GROUP 16
#define GROUP_SEEN                                                             \
	8 /* of 16 clients one half waits while the other commits              \
	   */
#define WARM_SECONDS 0.3
#define STORE_BYTES_MAX ((size_t)1 << 20)
#define BIG_BYTES ((size_t)100 << 20)
#define BIG_UPLOADS 3
#define BIG_COMMIT ((size_t)16 << 20)
#define PAYLOAD "tests/formats/fixtures/digisos/gyldig-stor.json"

/* One submission, repeated under a new key each time. */
struct submitting {
	struct bench *bench;
	const struct bench_message *message;
	uint64_t left; /* how many more; UINT64_MAX: no end */
	char heads[64][320];
};

static bool
submit_next(void *arg, size_t connection, struct load_ask *ask)
{
	struct submitting *submitting = arg;
	char *head = submitting->heads[connection];
	int size;

	if (submitting->left == 0)
		return false;
	if (submitting->left != UINT64_MAX)
		submitting->left--;
	size = snprintf(head, sizeof(submitting->heads[0]),
	    "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n"
	    "Content-Type: multipart/form-data; boundary=" BENCH_BOUNDARY
	    "\r\nIdempotency-Key: bench-%020llu\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    (unsigned long long)++submitting->bench->keys,
	    submitting->message->body.size);
	ask->head = span_of(head, (size_t)size);
	ask->body = buf_span(&submitting->message->body);
	return true;
}

static int
submit_answered(void *arg, size_t connection, const struct load_answer *answer,
    struct why *why)
{
	(void)arg;
	(void)connection;
	return bench_answer_expect(answer, 201, why);
}

static const struct load_hooks submit_hooks = {submit_next, submit_answered};

/* The rounds of one row; uploads 0: as many as there is time for. */
static int
submit_rounds(struct bench *bench, struct bench_row *row,
    const struct bench_message *message, size_t clients, uint64_t uploads,
    struct why *why)
{
	struct bench_round rounds[BENCH_ROUNDS] = {0};
	struct submitting *submitting = calloc(1, sizeof(*submitting));
	struct load *load = NULL;
	struct bench_watch *watch;
	int code = submitting == NULL
		       ? why_set(why, WHY_NOMEM, "row")
		       : bench_connect(bench, "nav", clients, &load, why);

	for (int i = -1; code == 0 && i < BENCH_ROUNDS; i++) {
		struct bench_round *round = &rounds[i < 0 ? 0 : i];

		*submitting = (struct submitting){.bench = bench,
		    .message = message,
		    .left = uploads > 0 ? uploads : UINT64_MAX};
		bench_round_begin(bench, round);
		watch = i < 0 || uploads > 0 ? bench_watch_begin(bench) : NULL;
		code = load_run(load, &submit_hooks, submitting,
		    uploads > 0 ? 0
		    : i < 0     ? WARM_SECONDS
				: bench->seconds,
		    &round->result, why);
		bench_watch_end(watch);
		if (code == 0)
			bench_round_end(bench, round);
	}
	if (code == 0)
		bench_rounds_fill(row, rounds);
	load_close(load);
	free(submitting);
	return code;
}

/* ---- limits ---- */

/*
 * CPU seconds of one message, part by part. The limit takes TLS as one
 * connection has it, wake-ups included, which every request of a client that
 * waits for its answer brings about; `busy` is the same where so many
 * connections keep the server from ever sleeping: what is told beside it.
 */
struct parts {
	struct limit_tls tls;
	struct limit_tls busy;
	struct limit_commit commit;
	struct limit_commit store; /* told beside it, no part of the limit */
	double digests;
	double seal;
	double sign;
	double render;
	double rows;
};

static double
parts_sum(const struct parts *parts, const struct limit_tls *tls)
{
	return tls->server + tls->client + parts->commit.cpu + parts->digests +
	       parts->seal + parts->sign + parts->render + parts->rows;
}

/* Reading requests and writing index rows: not measured, but allowed for. */
static double
rows_allowance(size_t bytes)
{
	return bytes <= 64 << 10 ? 20e-6 : bytes <= 1 << 20 ? 50e-6 : 100e-6;
}

/* Two digests over every byte: the part's, and the package's (the proof). */
static int
parts_measure(struct bench *bench, const struct bench_message *message,
    size_t clients, size_t mailbox, struct parts *out, struct why *why)
{
	const struct bench_limits *limits = &bench->limits;
	double digest = 0;
	int code = bench_limit_tls(
	    limits, 1, message->body.size, ANSWER_BYTES, &out->tls, why);

	out->busy = out->tls;
	out->rows = rows_allowance(message->bytes);
	if (code == 0 && clients > 1)
		code = bench_limit_tls(limits, clients, message->body.size,
		    ANSWER_BYTES, &out->busy, why);
	if (code == 0)
		code = bench_limit_commit(limits, message->bytes,
		    clients == 1 ? 1 : GROUP, &out->commit, why);
	if (code == 0 && message->bytes <= STORE_BYTES_MAX)
		code = bench_limit_store(limits, message->bytes,
		    clients == 1 ? 1 : GROUP_SEEN, &out->store, why);
	if (code == 0)
		code =
		    bench_limit_digest("SHA256", message->bytes, &digest, why);
	out->digests = 2 * digest;
	if (code == 0)
		code = bench_limit_seal(&bench->relay.mailboxes[mailbox],
		    message->bytes, &out->seal, why);
	if (code == 0)
		code = bench_limit_sign(limits, &out->sign, why);
	return code;
}

static void
parts_tell(struct bench_row *row, const struct parts *parts)
{
	row->parts_sum = parts_sum(parts, &parts->busy) * 1e6;
	row->store_us = parts->store.disk * 1e6;
	row->store_cpu_us = parts->store.cpu * 1e6;
	row->store_group =
	    parts->store.disk > 0
		? (unsigned)(parts->store.wait / parts->store.disk + 0.5)
		: 0;
	snprintf(row->parts, sizeof(row->parts),
	    "TLS %.0f + %.0f (busy %.0f + %.0f), rows %.0f, digests %.0f, "
	    "seal %.0f, signature %.0f, commit %.0f, rendering %.0f; disk "
	    "%.0f",
	    parts->tls.server * 1e6, parts->tls.client * 1e6,
	    parts->busy.server * 1e6, parts->busy.client * 1e6,
	    parts->rows * 1e6, parts->digests * 1e6, parts->seal * 1e6,
	    parts->sign * 1e6, parts->commit.cpu * 1e6, parts->render * 1e6,
	    parts->commit.disk * 1e6);
}

/* With one client nothing overlaps; with many, the client shares the cores and
 * the disk works beside them. */
static void
limit_fill(struct bench_row *row, const struct parts *parts, size_t clients)
{
	double cpu = parts_sum(parts, &parts->tls) / CORES;

	parts_tell(row, parts);
	if (clients == 1) {
		row->limit =
		    1 / (parts->tls.wait + parts->rows + parts->digests +
			    parts->seal + parts->sign + parts->commit.wait);
		row->binds = "latency: TLS, digests, seal, signature, commit";
	} else if (cpu >= parts->commit.disk) {
		row->limit = 1 / cpu;
		row->binds = "CPU of both cores";
	} else {
		row->limit = 1 / parts->commit.disk;
		row->binds = "disk";
	}
}

/* ---- rows ---- */

static int
document_row(struct bench *bench, size_t size, size_t clients, size_t mailbox,
    struct why *why)
{
	const struct bench_mailbox *to = &bench->relay.mailboxes[mailbox];
	struct bench_row *row = bench_row_add(bench, "msgs/s",
	    "accept %zu KiB %s, %zu client%s", size >> 10,
	    seal_suite_name(to->suite), clients, clients == 1 ? "" : "s");
	struct bench_message message;
	struct parts parts = {0};
	int code;

	if (row == NULL)
		return 0;
	code = bench_document_make(&message, to->organisation, size, why);
	if (code == 0)
		code = submit_rounds(bench, row, &message, clients, 0, why);
	if (code == 0)
		code = parts_measure(
		    bench, &message, clients, mailbox, &parts, why);
	if (code == 0)
		limit_fill(row, &parts, clients);
	bench_message_clear(&message);
	return code;
}

int
bench_accept_documents(struct bench *bench, struct why *why)
{
	static const size_t sizes[] = {10 << 10, 600 << 10};
	static const size_t clients[] = {1, 16};
	int code = 0;

	for (size_t s = 0; s < 2; s++)
		for (size_t c = 0; c < 2; c++)
			for (size_t m = 0; code == 0 && m < BENCH_MAILBOXES;
			     m++)
				code = document_row(
				    bench, sizes[s], clients[c], m, why);
	return code;
}

int
bench_accept_application(struct bench *bench, struct why *why)
{
	struct bench_row *row = bench_row_add(
	    bench, "msgs/s", "accept rendered application, 16 clients");
	struct bench_message message;
	struct parts parts = {0};
	double digest = 0;
	int code;

	if (row == NULL)
		return 0;
	code = bench_application_make(&message,
	    bench->relay.mailboxes[BENCH_CBC_OAEP].organisation, PAYLOAD,
	    200 << 10, why);
	if (code == 0)
		code = submit_rounds(bench, row, &message, 16, 0, why);
	if (code == 0)
		code = parts_measure(
		    bench, &message, 16, BENCH_CBC_OAEP, &parts, why);
	/* the list names attachments by SHA-512 */
	if (code == 0)
		code =
		    bench_limit_digest("SHA512", message.bytes, &digest, why);
	parts.digests += digest;
	if (code == 0)
		code = bench_limit_render(
		    "digisos-soknad", PAYLOAD, &parts.render, why);
	if (code == 0)
		limit_fill(row, &parts, 16);
	bench_message_clear(&message);
	return code;
}

/* One stream: TLS and digests are one thread's, the rest may overlap. */
static int
big_limit(struct bench *bench, struct bench_row *row,
    const struct bench_message *message, struct why *why)
{
	struct parts parts = {0};
	double commit;
	double one;
	double both;
	int code =
	    parts_measure(bench, message, 1, BENCH_CBC_OAEP, &parts, why);

	if (code == 0)
		code = bench_limit_commit(
		    &bench->limits, BIG_COMMIT, 1, &parts.commit, why);
	if (code != 0)
		return code;
	commit = parts.commit.cpu * (double)message->bytes / BIG_COMMIT;
	parts.commit.cpu = commit;
	parts_tell(row, &parts);
	one = parts.tls.server + parts.digests;
	both = parts_sum(&parts, &parts.tls) / CORES;
	row->limit = (double)message->bytes / 1e6 / (one > both ? one : both);
	row->binds = one > both ? "CPU of one thread: TLS and digests"
				: "CPU of both cores";
	return 0;
}

int
bench_accept_big(struct bench *bench, struct why *why)
{
	struct bench_row *row = bench_row_add(
	    bench, "MB/s", "accept 100 MiB cms-cbc-oaep, 1 client");
	struct bench_message message;
	double mb = BIG_BYTES / 1e6;
	int code;

	if (row == NULL)
		return 0;
	code = bench_document_make(&message,
	    bench->relay.mailboxes[BENCH_CBC_OAEP].organisation, BIG_BYTES,
	    why);
	if (code == 0)
		code = submit_rounds(bench, row, &message, 1, BIG_UPLOADS, why);
	row->ours *= mb;
	row->least *= mb;
	row->most *= mb;
	if (code == 0)
		code = big_limit(bench, row, &message, why);
	bench_message_clear(&message);
	return code;
}
