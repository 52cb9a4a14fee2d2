/*
 * bench_deliver - list, content and receipt of messages that wait, by clients
 * that know the proofs: they were found before the clock started, by opening
 * what lies in the store.
 */
#include "keys/open.h"
#include "spool/spool_view.h"
#include "tools/bench_message.h"
#include "tools/bench_row.h"
#include "tools/file.h"

#include "base/text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS 16
#define GROUP 16
#define RECORD_BYTES 2048 /* evidence and its rows */
#define LIST_BELOW 100    /* ask for the next page when so few are left */
#define CORES 2

struct waiting {
	char id[ID_TEXT_SIZE];
	char proof[DIGEST_TEXT_SIZE];
};

enum step { STEP_LIST, STEP_CONTENT, STEP_RECEIPT };

struct client {
	enum step step;
	bool began;
	size_t at;        /* which message */
	char cursor[128]; /* that it asked the list with */
	char head[512];
};

struct delivering {
	struct bench *bench;
	const struct bench_mailbox *mailbox;
	const struct bench_message *message;
	struct waiting *messages; /* by id */
	size_t count;
	size_t want;
	size_t *queue; /* listed, not yet taken */
	size_t queued;
	size_t taken;
	bool listing;
	bool all_listed;
	char cursor[128];
	struct client clients[CLIENTS];
};

/* ---- fill ---- */

static bool
fill_next(void *arg, size_t connection, struct load_ask *ask)
{
	struct delivering *d = arg;
	char *head = d->clients[connection].head;
	int size;

	if (d->want == 0)
		return false;
	d->want--;
	size = snprintf(head, sizeof(d->clients[0].head),
	    "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n"
	    "Content-Type: multipart/form-data; boundary=" BENCH_BOUNDARY
	    "\r\nIdempotency-Key: bench-%020llu\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    (unsigned long long)++d->bench->keys, d->message->body.size);
	ask->head = span_of(head, (size_t)size);
	ask->body = buf_span(&d->message->body);
	return true;
}

static int
fill_answered(void *arg, size_t connection, const struct load_answer *answer,
    struct why *why)
{
	struct delivering *d = arg;
	int code = bench_answer_expect(answer, 201, why);
	json_t *json;
	const char *id = NULL;

	(void)connection;
	if (code < 0)
		return code;
	json = json_loadb(
	    (const char *)answer->body.at, answer->body.size, 0, NULL);
	(void)json_unpack(json, "{s:s}", "id", &id);
	if (id == NULL || strlen(id) + 1 != ID_TEXT_SIZE)
		code = why_set(why, WHY_MALFORMED, "201 without an id");
	else
		memcpy(d->messages[d->count++].id, id, ID_TEXT_SIZE);
	json_decref(json);
	return code;
}

static int
digest_write(void *context, struct span bytes, struct why *why)
{
	return digest_add(context, bytes, why);
}

/* Open one message as it lies in the store: its digest is the proof. */
static int
proof_find(struct delivering *d, struct spool_view *view,
    struct waiting *waiting, uint8_t *piece, size_t size, struct why *why)
{
	const struct open_key key = {d->mailbox->certificate, d->mailbox->key};
	struct digest digest = {0};
	const struct sink sink = {digest_write, &digest};
	struct opening *opening = NULL;
	uint8_t hash[32];
	struct id id;
	uint64_t offset = 0;
	size_t got = 1;
	int code = id_parse(waiting->id, &id)
		       ? digest_begin(&digest, why)
		       : why_set(why, WHY_MALFORMED, "an id");

	if (code == 0)
		code = opening_new(&key, 1, NULL, &sink, &opening, why);
	while (code == 0 && got > 0) {
		code = spool_view_begin(view, why);
		if (code == 0)
			code = spool_view_content(view, &id,
			    d->mailbox->organisation, offset, piece, size, &got,
			    why);
		spool_view_end(view);
		if (code == 0 && got > 0)
			code = opening_write(opening, span_of(piece, got), why);
		offset += got;
	}
	if (code == 0)
		code = opening_finish(opening, why);
	if (code == 0)
		code = digest_end(&digest, hash, why);
	if (code == 0)
		hex_build(waiting->proof, hash, sizeof(hash));
	opening_free(opening);
	digest_clear(&digest);
	return code;
}

static int
waiting_compare(const void *a, const void *b)
{
	return strcmp(
	    ((const struct waiting *)a)->id, ((const struct waiting *)b)->id);
}

static int
proofs_find(struct delivering *d, struct why *why)
{
	const size_t size = 128u << 10;
	uint8_t *piece = malloc(size);
	char *folder = file_path(d->bench->relay.directory, "spool");
	struct spool_view *view = NULL;
	int code = piece == NULL || folder == NULL
		       ? why_set(why, WHY_NOMEM, "proofs")
		       : spool_view_open(folder, &view, why);

	for (size_t i = 0; code == 0 && i < d->count; i++)
		code = proof_find(d, view, &d->messages[i], piece, size, why);
	qsort(d->messages, d->count, sizeof(d->messages[0]), waiting_compare);
	spool_view_close(view);
	free(folder);
	free(piece);
	return code;
}

static int
fill(struct delivering *d, struct why *why)
{
	static const struct load_hooks hooks = {fill_next, fill_answered};
	struct load_result result;
	struct load *load = NULL;
	int code = bench_connect(d->bench, "nav", CLIENTS, &load, why);

	if (code == 0)
		code = load_run(load, &hooks, d, 0, &result, why);
	load_close(load);
	return code == 0 ? proofs_find(d, why) : code;
}

/* ---- deliver ---- */

static void
list_ask(struct delivering *d, struct client *client)
{
	client->step = STEP_LIST;
	d->listing = true;
	snprintf(client->cursor, sizeof(client->cursor), "%s", d->cursor);
	snprintf(client->head, sizeof(client->head),
	    "GET /v1/mailbox/%s/messages%s%s HTTP/1.1\r\n"
	    "Host: localhost\r\n\r\n",
	    d->mailbox->organisation, d->cursor[0] != '\0' ? "?cursor=" : "",
	    d->cursor);
}

static void
receipt_ask(struct delivering *d, struct client *client)
{
	const struct waiting *waiting = &d->messages[client->at];
	char body[160];

	client->step = STEP_RECEIPT;
	snprintf(body, sizeof(body),
	    "{\"status\":\"imported\",\"proof\":\"%s\",\"reference\":\"2026/"
	    "1\"}",
	    waiting->proof);
	snprintf(client->head, sizeof(client->head),
	    "POST /v1/mailbox/%s/messages/%s/receipt HTTP/1.1\r\n"
	    "Host: localhost\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n%s",
	    d->mailbox->organisation, waiting->id, strlen(body), body);
}

static void
content_ask(struct delivering *d, struct client *client)
{
	client->step = STEP_CONTENT;
	client->at = d->queue[d->taken++];
	snprintf(client->head, sizeof(client->head),
	    "GET /v1/mailbox/%s/messages/%s/content HTTP/1.1\r\n"
	    "Host: localhost\r\n\r\n",
	    d->mailbox->organisation, d->messages[client->at].id);
}

static bool
deliver_next(void *arg, size_t connection, struct load_ask *ask)
{
	struct delivering *d = arg;
	struct client *client = &d->clients[connection];
	size_t left = d->queued - d->taken;

	if (client->began && client->step == STEP_CONTENT)
		receipt_ask(d, client);
	else if (!d->all_listed &&
		 (left == 0 || (left < LIST_BELOW && !d->listing)))
		list_ask(d, client);
	else if (left > 0)
		content_ask(d, client);
	else
		return false;
	client->began = true;
	ask->head = span_text(client->head);
	ask->body = SPAN_NONE;
	return true;
}

/* Messages of rounds before are gone from the list: every id is one of ours. */
static int
page_take(struct delivering *d, struct span body, struct why *why)
{
	json_t *page = json_loadb((const char *)body.at, body.size, 0, NULL);
	json_t *list = json_object_get(page, "messages");
	const char *cursor = NULL;
	json_t *entry;
	size_t i;
	int code = 0;

	(void)json_unpack(page, "{s:s}", "cursor", &cursor);
	if (cursor == NULL || !json_is_array(list))
		code = why_set(why, WHY_MALFORMED, "a page of the list");
	else
		snprintf(d->cursor, sizeof(d->cursor), "%s", cursor);
	json_array_foreach(list, i, entry)
	{
		const char *id =
		    json_string_value(json_object_get(entry, "id"));
		struct waiting key = {.id = ""};
		const struct waiting *found;

		snprintf(key.id, sizeof(key.id), "%s", id == NULL ? "" : id);
		found = bsearch(&key, d->messages, d->count,
		    sizeof(d->messages[0]), waiting_compare);
		if (found == NULL || d->queued == d->count) {
			code = why_set(
			    why, WHY_STATE, "the list has what was not sent");
			break;
		}
		d->queue[d->queued++] = (size_t)(found - d->messages);
	}
	if (json_array_size(list) == 0 || d->queued == d->count)
		d->all_listed = true;
	json_decref(page);
	return code;
}

static int
deliver_answered(void *arg, size_t connection, const struct load_answer *answer,
    struct why *why)
{
	struct delivering *d = arg;
	int code = bench_answer_expect(answer, 200, why);

	if (code < 0)
		return code;
	if (d->clients[connection].step == STEP_RECEIPT)
		return 1;
	if (d->clients[connection].step == STEP_CONTENT)
		return 0;
	/* another may have brought the same page */
	if (strcmp(d->clients[connection].cursor, d->cursor) != 0)
		return 0;
	d->listing = false;
	return page_take(d, answer->body, why);
}

static int
deliver_round(struct delivering *d, struct bench_round *round, size_t count,
    struct why *why)
{
	static const struct load_hooks hooks = {deliver_next, deliver_answered};
	struct load *load = NULL;
	int code;

	d->count = d->queued = d->taken = 0;
	d->want = count;
	d->listing = d->all_listed = false;
	d->cursor[0] = '\0';
	code = fill(d, why);
	memset(d->clients, 0, sizeof(d->clients));
	/* only now: who connects and asks nothing is soon cut off */
	if (code == 0)
		code = bench_connect(
		    d->bench, d->mailbox->name, CLIENTS, &load, why);
	bench_round_begin(d->bench, round);
	if (code == 0)
		code = load_run(load, &hooks, d, 0, &round->result, why);
	load_close(load);
	if (code != 0)
		return code;
	bench_round_end(d->bench, round);
	return round->result.messages == count
		   ? 0
		   : why_set(why, WHY_STATE, "%llu of %zu were delivered",
			 (unsigned long long)round->result.messages, count);
}

/* ---- the rows ---- */

/* TLS of the two requests of one message, by so many connections. */
static int
deliver_tls(struct bench *bench, size_t connections, size_t size,
    struct limit_tls *content, struct limit_tls *receipt, struct why *why)
{
	int code =
	    bench_limit_tls(&bench->limits, connections, 0, size, content, why);

	return code != 0 ? code
			 : bench_limit_tls(&bench->limits, connections, 128,
			       3000, receipt, why);
}

static double
tls_sum(const struct limit_tls *content, const struct limit_tls *receipt)
{
	return content->server + content->client + receipt->server +
	       receipt->client;
}

/* Two requests (as bench_accept.c takes them: one connection's for the limit,
 * busy ones beside it), three records (handed out, fetched, imported) and two
 * signatures a message. */
static int
deliver_limit(
    struct bench *bench, struct bench_row *row, size_t size, struct why *why)
{
	struct limit_tls content;
	struct limit_tls receipt;
	struct limit_tls busy_content;
	struct limit_tls busy_receipt;
	struct limit_commit commit;
	double sign;
	double rest;
	double cpu;
	int code = deliver_tls(bench, 1, size, &content, &receipt, why);

	if (code == 0)
		code = deliver_tls(
		    bench, CLIENTS, size, &busy_content, &busy_receipt, why);
	if (code == 0)
		code = bench_limit_commit(
		    &bench->limits, RECORD_BYTES, GROUP, &commit, why);
	if (code == 0)
		code = bench_limit_sign(&bench->limits, &sign, why);
	if (code != 0)
		return code;
	rest = 3 * commit.cpu + 2 * sign;
	cpu = (tls_sum(&content, &receipt) + rest) / CORES;
	row->parts_sum = (tls_sum(&busy_content, &busy_receipt) + rest) * 1e6;
	snprintf(row->parts, sizeof(row->parts),
	    "TLS content %.0f + %.0f, receipt %.0f + %.0f (busy %.0f), "
	    "signatures %.0f, commits %.0f; disk %.0f",
	    content.server * 1e6, content.client * 1e6, receipt.server * 1e6,
	    receipt.client * 1e6, tls_sum(&busy_content, &busy_receipt) * 1e6,
	    2 * sign * 1e6, 3 * commit.cpu * 1e6, 3 * commit.disk * 1e6);
	row->limit = 1 / (cpu > 3 * commit.disk ? cpu : 3 * commit.disk);
	row->binds = cpu > 3 * commit.disk ? "CPU of both cores" : "disk";
	return 0;
}

static int
deliver_row(struct bench *bench, size_t size, size_t count, struct why *why)
{
	struct bench_row *row = bench_row_add(bench, "msgs/s",
	    "deliver + confirm %zu KiB, %d clients", size >> 10, CLIENTS);
	struct bench_round rounds[BENCH_ROUNDS] = {0};
	struct bench_message message = {0};
	struct delivering *d;
	int code = 0;

	if (row == NULL)
		return 0;
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return why_set(why, WHY_NOMEM, "row");
	d->bench = bench;
	d->mailbox = &bench->relay.mailboxes[BENCH_GCM_ECDH];
	d->message = &message;
	d->messages = calloc(count, sizeof(*d->messages));
	d->queue = calloc(count, sizeof(*d->queue));
	if (d->messages == NULL || d->queue == NULL)
		code = why_set(why, WHY_NOMEM, "row");
	if (code == 0)
		code = bench_document_make(
		    &message, d->mailbox->organisation, size, why);
	for (size_t i = 0; code == 0 && i < BENCH_ROUNDS; i++)
		code = deliver_round(d, &rounds[i], count, why);
	if (code == 0) {
		bench_rounds_fill(row, rounds);
		code = deliver_limit(bench, row, size, why);
	}
	bench_message_clear(&message);
	free(d->messages);
	free(d->queue);
	free(d);
	return code;
}

/* Before any other message comes: its mailbox is empty. */
int
bench_deliver(struct bench *bench, struct why *why)
{
	int code = deliver_row(bench, 10 << 10, 3000, why);

	return code != 0 ? code : deliver_row(bench, 600 << 10, 500, why);
}
