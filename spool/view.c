/*
 * view - reading: open, begin, end; messages, deliveries, content.
 */
#include "base/crash.h"
#include "spool/view_priv.h"

#include <stdlib.h>
#include <string.h>

int
spool_view_open(const char *dir, struct spool_view **out, struct why *why)
{
	*out = NULL;
	struct spool_view *view = calloc(1, sizeof *view);
	if (view == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a view");
	int ret = store_open(&view->own, dir, MDB_RDONLY, 0, 0, why);
	if (ret != 0) {
		free(view);
		return ret;
	}
	view->store = &view->own;
	*out = view;
	return 0;
}

int
spool_view_share(struct spool *spool, struct spool_view **out, struct why *why)
{
	*out = NULL;
	struct spool_view *view = calloc(1, sizeof *view);
	if (view == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a view");
	view->store = &spool->store;
	*out = view;
	return 0;
}

void
spool_view_close(struct spool_view *view)
{
	if (view == NULL)
		return;
	spool_view_end(view);
	store_close(&view->own);
	free(view);
}

int
spool_view_begin(struct spool_view *view, struct why *why)
{
	if (view->open)
		return why_set(why, WHY_BUG, "the view has begun already");
	int ret = txn_begin(&view->txn, view->store, false, why);
	view->open = ret == 0;
	crash_point("view.reading");
	return ret;
}

void
spool_view_end(struct spool_view *view)
{
	if (view->open)
		txn_abort(&view->txn);
	view->open = false;
}

int
view_miss(struct spool_view *view, const char *what, struct why *why)
{
	int ret = txn_why(&view->txn, why);
	if (ret != 0)
		return ret;
	return why_set(why, WHY_NOT_FOUND, "there is no such %s", what);
}

int
spool_view_position(
    struct spool_view *view, struct spool_position *last, struct why *why)
{
	struct meta_record meta;
	if (!txn_get_meta(&view->txn, DB_META, key_state(), &meta))
		return view_miss(view, "store", why);
	*last = meta.position;
	return 0;
}

/* ---- messages ---- */

int
spool_view_message(struct spool_view *view, const struct id *id,
    struct spool_message *out, struct why *why)
{
	struct message_record record;
	if (!txn_get_message(&view->txn, DB_MESSAGE, key_id(id), &record))
		return view_miss(view, "message", why);
	*out = (struct spool_message){
	    .id = *id,
	    .submitted_ms = record.submitted_ms,
	    .accepted_ms = record.accepted_ms,
	    .evidence = record.evidence,
	    .recipient_count = record.count,
	};
	WORD_COPY(out->sender, record.sender);
	WORD_COPY(out->type, record.type);
	WORD_COPY(out->version, record.version);
	memcpy(out->fingerprint, record.fingerprint, SPOOL_HASH_SIZE);
	(void)txn_get(&view->txn, DB_METADATA, key_id(id), &out->metadata);
	return txn_why(&view->txn, why);
}

static bool
view_delivery(struct spool_view *view, const struct id *id,
    const char *recipient, struct delivery_record *record)
{
	if (org_check(recipient, NULL) != 0)
		return false;
	return txn_get_delivery(
	    &view->txn, DB_DELIVERY, key_org_id(recipient, id), record);
}

static void
delivery_of(struct spool_delivery *out, const struct id *id,
    const char *recipient, const struct delivery_record *record)
{
	*out = (struct spool_delivery){
	    .message = *id,
	    .state = record->state,
	    .flags = record->flags,
	    .size = record->size,
	    .form = record->form,
	    .seal = record->seal,
	    .accepted_ms = record->accepted_ms,
	    .handed_out_ms = record->handed_out_ms,
	    .fetched_ms = record->fetched_ms,
	    .final_ms = record->final_ms,
	    .expires_ms = record->expires_ms,
	    .purge_ms = record->purge_ms,
	    .listed = record->listed,
	    .evidence = record->evidence,
	};
	WORD_COPY(out->recipient, recipient);
	WORD_COPY(out->sender, record->sender);
	WORD_COPY(out->type, record->type);
	WORD_COPY(out->suite, record->suite);
	memcpy(out->certificate, record->certificate, SPOOL_HASH_SIZE);
}

int
spool_view_delivery(struct spool_view *view, const struct id *id,
    const char *recipient, struct spool_delivery *out, struct why *why)
{
	struct delivery_record record;
	if (!view_delivery(view, id, recipient, &record))
		return view_miss(view, "delivery", why);
	delivery_of(out, id, recipient, &record);
	return 0;
}

int
spool_view_deliveries(struct spool_view *view, const struct id *id,
    struct spool_delivery *out, size_t max, size_t *count, struct why *why)
{
	struct message_record message;
	*count = 0;
	if (!txn_get_message(&view->txn, DB_MESSAGE, key_id(id), &message))
		return view_miss(view, "message", why);
	for (size_t i = 0; i < message.count && *count < max; i++) {
		struct delivery_record record;
		char recipient[SPOOL_ORG_SIZE];
		memcpy(recipient, message.recipients.at + i * SPOOL_ORG_SIZE,
		    SPOOL_ORG_SIZE);
		if (!view_delivery(view, id, recipient, &record)) {
			txn_damaged(&view->txn, DB_DELIVERY);
			return txn_why(&view->txn, why);
		}
		delivery_of(&out[(*count)++], id, recipient, &record);
	}
	return 0;
}

int
spool_view_list(struct spool_view *view, const char *recipient,
    struct spool_position cursor, struct spool_delivery *out, size_t max,
    size_t *count, struct spool_position *next, struct why *why)
{
	struct span key;
	struct span value;
	*count = 0;
	*next = cursor;
	int ret = org_check(recipient, why);
	if (ret != 0)
		return ret;
	struct spool_position from = {cursor.epoch, cursor.sequence + 1};
	struct scan scan = scan_open(&view->txn, DB_MAILBOX, key_org(recipient),
	    key_org_position(recipient, from));
	while (*count < max && scan_next(&scan, &key, &value)) {
		struct id id;
		struct delivery_record record;
		if (!key_read_position(key, next) || value.size != ID_SIZE) {
			txn_damaged(&view->txn, DB_MAILBOX);
			break;
		}
		memcpy(id.at, value.at, ID_SIZE);
		if (!view_delivery(view, &id, recipient, &record)) {
			txn_damaged(&view->txn, DB_DELIVERY);
			break;
		}
		delivery_of(&out[(*count)++], &id, recipient, &record);
	}
	scan_close(&scan);
	return txn_why(&view->txn, why);
}

int
spool_view_each_waiting(struct spool_view *view,
    int (*each)(void *arg, const char *recipient, struct why *why), void *arg,
    struct why *why)
{
	struct span key;
	struct span value;
	int ret = 0;
	struct scan scan =
	    scan_open(&view->txn, DB_MAILBOX, KEY_NONE, KEY_NONE);
	while (ret == 0 && scan_next(&scan, &key, &value)) {
		char recipient[SPOOL_ORG_SIZE];
		struct id id;
		struct delivery_record record;
		if (!key_read_org(key, recipient) || value.size != ID_SIZE) {
			txn_damaged(&view->txn, DB_MAILBOX);
			break;
		}
		memcpy(id.at, value.at, ID_SIZE);
		if (view_delivery(view, &id, recipient, &record) &&
		    !spool_state_final(record.state))
			ret = each(arg, recipient, why);
	}
	scan_close(&scan);
	return ret != 0 ? ret : txn_why(&view->txn, why);
}

int
spool_view_content(struct spool_view *view, const struct id *id,
    const char *recipient, uint64_t offset, void *into, size_t capacity,
    size_t *got, struct why *why)
{
	struct delivery_record record;
	struct span value;
	*got = 0;
	if (!view_delivery(view, id, recipient, &record))
		return view_miss(view, "delivery", why);
	if ((record.flags & SPOOL_FLAG_PURGED) != 0)
		return why_set(why, WHY_NOT_FOUND, "the content is erased");
	if (offset >= record.size)
		return 0;
	uint32_t chunk = (uint32_t)(offset / SPOOL_CHUNK_SIZE);
	size_t within = (size_t)(offset % SPOOL_CHUNK_SIZE);
	if (!txn_get(&view->txn, DB_CONTENT,
		key_content(recipient, &record.upload, record.content, chunk),
		&value) ||
	    value.size <= within) {
		txn_damaged(&view->txn, DB_CONTENT);
		return txn_why(&view->txn, why);
	}
	size_t size = value.size - within;
	if (size > capacity)
		size = capacity;
	memcpy(into, value.at + within, size);
	*got = size;
	return 0;
}
