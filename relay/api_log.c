/*
 * /v1/log: the log over all evidence, as C2SP tlog-tiles serves one: its
 * checkpoint, its hashes, and that it only ever grew.
 *
 * The checkpoint is for everybody; what costs a walk over the tree needs a
 * caller. Nothing here says anything about a message: leaves are salted.
 */
#include "relay/api.h"
#include "relay/log_heads.h"

#include "base/text.h"
#include "formats/json_write.h"
#include "formats/tile.h"
#include "keys/log_hash.h"

#define LOGS_BYTES (1u << 20)
#define TILE_BYTES (TILE_WIDTH * MERKLE_HASH_SIZE)

static void
root_write(struct buf *out, const char *name, const struct merkle_hash *hash)
{
	struct buf text;

	buf_init(&text, 64);
	base64_build(&text, span_of(hash->at, sizeof(hash->at)));
	json_write_span(out, name, buf_span(&text));
	buf_clear(&text);
}

void
api_logs(const struct call *call)
{
	const struct log_heads *heads = call->net->log_heads;
	const struct log_head_told *head;
	struct buf out;

	if (log_heads_at(heads, 0) == NULL) { /* just started */
		problem_send(call->request, PROBLEM_CHECKPOINT);
		return;
	}
	buf_init(&out, LOGS_BYTES);
	json_write_object(&out, NULL);
	json_write_array(&out, "logs");
	for (size_t i = 0; (head = log_heads_at(heads, i)) != NULL; i++) {
		json_write_object(&out, NULL);
		json_write_number(&out, "epoch", head->epoch);
		json_write_text(&out, "origin", head->origin);
		json_write_number(&out, "size", (int64_t)head->size);
		root_write(&out, "root", &head->root);
		json_write_span(&out, "key", buf_span(&head->key));
		json_write_span(&out, "checkpoint", buf_span(&head->note));
		json_write_object_end(&out);
	}
	json_write_array_end(&out);
	json_write_object_end(&out);
	net_answer_text(call->request, 200, &out);
}

/* The log of variable 0, or NULL after an answer. */
static const struct log_head_told *
head_find(const struct call *call)
{
	uint64_t epoch;
	const struct log_head_told *head = NULL;

	if (number_parse(span_text(call->variables[0]), UINT32_MAX, &epoch))
		head = log_heads_of(call->net->log_heads, (uint32_t)epoch);
	if (head == NULL)
		problem_send(call->request, PROBLEM_LOG_UNKNOWN);
	return head;
}

void
api_log_checkpoint(const struct call *call)
{
	const struct log_head_told *head = head_find(call);

	if (head != NULL)
		http_answer(call->request, 200, "text/plain; charset=utf-8",
		    buf_span(&head->note));
}

/* ---- tiles ---- */

static bool
tile_write(
    const struct tile *tile, const struct merkle_nodes *nodes, struct buf *out)
{
	struct merkle_hash hash;
	unsigned height = tile->level * TILE_HEIGHT;
	uint64_t first = tile->index * TILE_WIDTH;

	for (unsigned i = 0; i < tile->width; i++) {
		if (!nodes->read(nodes->context, height, first + i, &hash))
			return false;
		buf_add(out, hash.at, sizeof(hash.at));
	}
	return buf_ok(out);
}

void
api_log_tile(const struct call *call)
{
	const struct log_head_told *head = head_find(call);
	struct tile tile;
	struct buf out;
	bool made = false;

	if (head == NULL)
		return;
	if (!tile_path_parse(span_text(call->variables[1]), &tile) ||
	    tile.width > tile_width_in(tile.level, tile.index, head->size)) {
		problem_send(call->request, PROBLEM_LOG_UNKNOWN);
		return;
	}
	struct spool_nodes where = {call->net->view, head->epoch};
	const struct merkle_nodes nodes = {log_sha256, spool_view_node, &where};
	buf_init(&out, TILE_BYTES);
	if (spool_view_begin(call->net->view, NULL) == 0)
		made = tile_write(&tile, &nodes, &out);
	spool_view_end(call->net->view);
	if (made)
		http_answer(call->request, 200, "application/octet-stream",
		    buf_span(&out));
	else
		problem_send(call->request, PROBLEM_UNAVAILABLE);
	buf_clear(&out);
}

/* ---- consistency ---- */

/* A size in the query, at most that of the checkpoint; false after an
 * answer. */
static bool
size_read(const struct call *call, const char *name, uint64_t standing,
    uint64_t most, uint64_t *size)
{
	const char *text = http_query(call->request, name);

	*size = standing;
	if (text == NULL && standing != 0)
		return true;
	if (text != NULL && number_parse(span_text(text), most, size) &&
	    *size > 0)
		return true;
	problem_say(call->request, PROBLEM_PARAMETER, "query", name,
	    "a size of the log, from 1 to %llu", (unsigned long long)most);
	return false;
}

static void
consistency_write(struct buf *out, uint64_t from, uint64_t to,
    const struct merkle_proof *proof)
{
	json_write_object(out, NULL);
	json_write_number(out, "from", (int64_t)from);
	json_write_number(out, "to", (int64_t)to);
	json_write_array(out, "proof");
	for (size_t i = 0; i < proof->count; i++)
		root_write(out, NULL, &proof->at[i]);
	json_write_array_end(out);
	json_write_object_end(out);
}

void
api_log_consistency(const struct call *call)
{
	const struct log_head_told *head = head_find(call);
	struct merkle_proof proof = {.count = 0};
	uint64_t from;
	uint64_t to;
	struct buf out;
	bool made = false;

	if (head == NULL ||
	    !size_read(call, "to", head->size, head->size, &to) ||
	    !size_read(call, "from", 0, to, &from))
		return;
	struct spool_nodes where = {call->net->view, head->epoch};
	const struct merkle_nodes nodes = {log_sha256, spool_view_node, &where};
	if (spool_view_begin(call->net->view, NULL) == 0)
		made = merkle_consistency(&nodes, from, to, &proof);
	spool_view_end(call->net->view);
	if (!made) {
		problem_send(call->request, PROBLEM_UNAVAILABLE);
		return;
	}
	buf_init(&out, LOGS_BYTES);
	consistency_write(&out, from, to, &proof);
	net_answer_text(call->request, 200, &out);
}
