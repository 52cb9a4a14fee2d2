/*
 * view_log - reading: evidence, its tree, trails, feeds, idempotency keys.
 */
#include "spool/view_priv.h"

#include <string.h>

int
spool_view_evidence(struct spool_view *view, struct spool_position at,
    struct spool_evidence *out, struct why *why)
{
	struct evidence_record record;
	if (!txn_get_evidence(
		&view->txn, DB_EVIDENCE, key_position(at), &record))
		return view_miss(view, "evidence", why);
	*out = (struct spool_evidence){
	    .id = record.id,
	    .position = at,
	    .time_ms = record.time_ms,
	    .level = record.level,
	    .tried = record.tried,
	    .state = record.state,
	    .has_message = record.has_message,
	    .message = record.message,
	    .missing_after_ms = record.missing_after_ms,
	    .jws = record.jws,
	};
	WORD_COPY(out->sender, record.sender);
	WORD_COPY(out->recipient, record.recipient);
	WORD_COPY(out->type, record.type);
	out->is_salted = record.is_salted;
	memcpy(out->salt, record.salt, SPOOL_SALT_SIZE);
	return 0;
}

int
spool_view_tree(
    struct spool_view *view, struct spool_tree *out, struct why *why)
{
	struct meta_record meta;
	if (!txn_get_meta(&view->txn, DB_META, key_state(), &meta))
		return view_miss(view, "state", why);
	*out = (struct spool_tree){.epoch = meta.position.epoch};
	if (!meta.restored) /* else it is still the epoch's before */
		out->frontier = meta.tree;
	return 0;
}

int
spool_view_epoch(
    struct spool_view *view, uint32_t epoch, uint64_t *size, struct why *why)
{
	/* no evidence has a gap within an epoch: halve what may be its end */
	uint64_t least = 0;
	uint64_t most = 1;
	while (txn_has(&view->txn, DB_EVIDENCE,
		   key_position((struct spool_position){epoch, most})) &&
	       most < MERKLE_SIZE_MAX / 2) {
		least = most;
		most *= 2;
	}
	while (most - least > 1) {
		uint64_t middle = least + (most - least) / 2;
		if (txn_has(&view->txn, DB_EVIDENCE,
			key_position((struct spool_position){epoch, middle})))
			least = middle;
		else
			most = middle;
	}
	*size = least;
	return txn_why(&view->txn, why);
}

bool
spool_view_node(
    void *nodes, unsigned height, uint64_t index, struct merkle_hash *hash)
{
	struct spool_nodes *at = nodes;
	return tree_node(&at->view->txn, at->epoch, height, index, hash);
}

struct page {
	struct spool_evidence *out;
	size_t max;
	size_t *count;
	struct spool_position *next;
};

/* The evidence that the keys of an index name, after the cursor. */
static int
view_page(struct spool_view *view, enum db db, struct key prefix,
    struct key from, const struct page *page, struct why *why)
{
	struct span key;
	struct scan scan = scan_open(&view->txn, db, prefix, from);
	while (*page->count < page->max && scan_next(&scan, &key, NULL)) {
		struct spool_position at;
		if (!key_read_position(key, &at) ||
		    spool_view_evidence(
			view, at, &page->out[*page->count], NULL) != 0) {
			txn_damaged(&view->txn, db);
			break;
		}
		*page->next = at;
		(*page->count)++;
	}
	scan_close(&scan);
	return txn_why(&view->txn, why);
}

static struct spool_position
after(struct spool_position cursor)
{
	return (struct spool_position){cursor.epoch, cursor.sequence + 1};
}

int
spool_view_trail(struct spool_view *view, const struct id *message,
    struct spool_position cursor, struct spool_evidence *out, size_t max,
    size_t *count, struct spool_position *next, struct why *why)
{
	struct page page = {out, max, count, next};
	*count = 0;
	*next = cursor;
	return view_page(view, DB_TRAIL, key_id(message),
	    key_id_position(message, after(cursor)), &page, why);
}

int
spool_view_feed(struct spool_view *view, const char *organisation,
    struct spool_position cursor, struct spool_evidence *out, size_t max,
    size_t *count, struct spool_position *next, struct why *why)
{
	struct page page = {out, max, count, next};
	*count = 0;
	*next = cursor;
	if (organisation == NULL)
		return view_page(view, DB_EVIDENCE, KEY_NONE,
		    key_position(after(cursor)), &page, why);
	int ret = org_check(organisation, why);
	if (ret != 0)
		return ret;
	return view_page(view, DB_FEED, key_org(organisation),
	    key_org_position(organisation, after(cursor)), &page, why);
}

int
spool_view_known(struct spool_view *view, const char *sender,
    const uint8_t key[SPOOL_HASH_SIZE], struct spool_known *out,
    struct why *why)
{
	struct known_record record;
	int ret = org_check(sender, why);
	if (ret != 0)
		return ret;
	if (!txn_get_known(
		&view->txn, DB_KNOWN, key_org_hash(sender, key), &record))
		return view_miss(view, "key", why);
	memcpy(out->fingerprint, record.fingerprint, SPOOL_HASH_SIZE);
	out->message = record.message;
	out->evidence = record.evidence;
	return 0;
}
