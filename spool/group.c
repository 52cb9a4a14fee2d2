/*
 * group - one commit: begin, drafts of evidence, sign, commit or abort.
 */
#include "spool/spool_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 16384u

struct block {
	struct block *next;
	size_t used;
	size_t size;
	_Alignas(16) uint8_t at[];
};

void *
group_alloc(struct spool_group *group, size_t size)
{
	size = (size + 15) & ~(size_t)15;
	struct block *block = group->blocks;
	if (block == NULL || block->size - block->used < size) {
		size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
		block = malloc(sizeof *block + room);
		if (block == NULL) {
			if (group->txn.rc == 0)
				group->txn.rc = ENOMEM;
			return NULL;
		}
		block->next = group->blocks;
		block->used = 0;
		block->size = room;
		group->blocks = block;
	}
	uint8_t *at = block->at + block->used;
	block->used += size;
	memset(at, 0, size);
	return at;
}

const char *
group_text(struct spool_group *group, const char *text)
{
	if (text == NULL || *text == '\0')
		return "";
	size_t size = strlen(text) + 1;
	char *copy = group_alloc(group, size);
	if (copy == NULL)
		return "";
	memcpy(copy, text, size);
	return copy;
}

int
group_why(const struct spool_group *group, struct why *why)
{
	return txn_why(&group->txn, why);
}

int
group_take_room(struct spool_group *group, uint64_t bytes, struct why *why)
{
	if (bytes > group->room)
		return why_set(why, WHY_FULL,
		    "only the reserve is left in the store (reserve_bytes)");
	group->room -= bytes;
	return 0;
}

static void
group_free(struct spool_group *group)
{
	while (group->blocks != NULL) {
		struct block *next = group->blocks->next;
		free(group->blocks);
		group->blocks = next;
	}
	free(group->drafts);
	group->spool->grouped = false;
	free(group);
}

/* The first evidence of an epoch that a restore began. */
static void
group_tell_restore(struct spool_group *group)
{
	struct spool_draft *draft = group_draft(group, SPOOL_LEVEL_RESTORED);
	if (draft == NULL)
		return;
	draft->previous = group->meta.previous;
	draft->missing_after_ms = group->meta.taken_ms;
	if (!merkle_root(&group->meta.tree, group->spool->options.sha256,
		&draft->previous_root))
		group->txn.rc = ENOMEM;
	group->meta.tree = (struct merkle_frontier){.size = 0};
	group->meta.restored = false;
	group->txn.changed = true;
}

int
spool_group_begin(struct spool *spool, int64_t now_ms, struct spool_group **out,
    struct why *why)
{
	*out = NULL;
	if (spool->dead)
		return why_set(why, WHY_DOUBT,
		    "an earlier commit is in doubt: open the spool anew");
	if (spool->grouped)
		return why_set(why, WHY_BUG, "a group is open already");
	if (now_ms <= 0)
		return why_set(why, WHY_INVALID, "a time after 1970 is needed");
	struct spool_group *group = calloc(1, sizeof *group);
	if (group == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a group");
	group->spool = spool;
	group->now_ms = now_ms;
	int ret = room_measure(spool, &group->room, why);
	if (ret == 0)
		ret = txn_begin(&group->txn, &spool->store, true, why);
	if (ret == WHY_DOUBT)
		spool->dead = true;
	if (ret != 0) {
		free(group);
		return ret;
	}
	group->txn.scratch = &spool->scratch;
	/* the log's end is that of this transaction: what an earlier one of
	 * another kind saw may lack the commit in which a writer was killed */
	if (!txn_get_meta(&group->txn, DB_META, key_state(), &group->meta)) {
		txn_damaged(&group->txn, DB_META);
		ret = group_why(group, why);
		txn_abort(&group->txn);
		free(group);
		return ret;
	}
	spool->grouped = true;
	if (group->meta.restored)
		group_tell_restore(group);
	*out = group;
	return 0;
}

bool
spool_group_broken(const struct spool_group *group)
{
	return group->txn.rc != 0;
}

bool
spool_group_changed(const struct spool_group *group)
{
	return group->txn.changed;
}

void
spool_group_abort(struct spool_group *take_group)
{
	if (take_group == NULL)
		return;
	txn_abort(&take_group->txn);
	group_free(take_group);
}

/* After a commit that failed: did it leave the store unusable? */
static int
group_failed(struct spool *spool, int rc, struct why *why)
{
	MDB_txn *probe = NULL;
	int again = mdb_txn_begin(spool->store.env, NULL, 0, &probe);
	if (again == 0)
		mdb_txn_abort(probe);
	if (again != MDB_PANIC)
		return why_from_mdb(why, rc, "commit");
	/* the page that makes the commit true may have reached the disk */
	spool->dead = true;
	return why_set(why, WHY_DOUBT,
	    "the disk failed in the middle of a commit; its outcome is not "
	    "known");
}

int
spool_group_commit(struct spool_group *take_group, struct why *why)
{
	struct spool_group *group = take_group;
	struct spool *spool = group->spool;
	int ret = 0;
	for (size_t i = 0; i < group->draft_count && ret == 0; i++)
		if (!group->drafts[i]->is_signed)
			ret = why_set(why, WHY_BUG,
			    "evidence %zu of the group is not signed", i);
	if (ret == 0 && group->txn.changed)
		txn_put_meta(&group->txn, DB_META, key_state(), &group->meta);
	if (ret == 0)
		ret = group_why(group, why);
	if (ret != 0 || !group->txn.changed) {
		spool_group_abort(group);
		return ret;
	}
	crash_point("spool.commit.before");
	int rc = mdb_txn_commit(group->txn.mdb);
	group->txn.mdb = NULL;
	if (rc == 0) {
		crash_point("spool.commit.after");
		group_free(group);
		return 0;
	}
	ret = group_failed(spool, rc, why);
	group_free(group);
	return ret;
}

/* ---- evidence ---- */

static bool
group_grow(struct spool_group *group)
{
	if (group->draft_count < group->draft_capacity)
		return true;
	size_t capacity = group->draft_capacity * 2 + 16;
	struct draft **drafts =
	    realloc(group->drafts, capacity * sizeof *drafts);
	if (drafts == NULL) {
		if (group->txn.rc == 0)
			group->txn.rc = ENOMEM;
		return false;
	}
	group->drafts = drafts;
	group->draft_capacity = capacity;
	return true;
}

struct spool_draft *
group_draft(struct spool_group *group, enum spool_level level)
{
	if (!group_grow(group))
		return NULL;
	struct draft *entry = group_alloc(group, sizeof *entry);
	if (entry == NULL)
		return NULL;
	group->drafts[group->draft_count++] = entry;
	struct spool_draft *draft = &entry->draft;
	draft->id = id_new(group->now_ms);
	group->meta.position.sequence++;
	draft->position = group->meta.position;
	draft->time_ms = group->now_ms;
	draft->level = level;
	draft->reason_text = "";
	draft->reference = "";
	draft->minimised = "";
	draft->missing_glyphs = "";
	return draft;
}

size_t
spool_group_drafts(const struct spool_group *group)
{
	return group->draft_count;
}

const struct spool_draft *
spool_group_draft(const struct spool_group *group, size_t index)
{
	if (index >= group->draft_count)
		return NULL;
	return &group->drafts[index]->draft;
}

static void
sign_feed(
    struct spool_group *group, const char *org, const struct spool_draft *draft)
{
	if (org[0] != '\0')
		txn_put(&group->txn, DB_FEED,
		    key_org_position(org, draft->position), SPAN_NONE);
}

/* A restore concerns every sender. */
static void
sign_feed_senders(struct spool_group *group, const struct spool_draft *draft)
{
	struct span key;
	struct scan scan =
	    scan_open(&group->txn, DB_SENDER, KEY_NONE, KEY_NONE);
	while (scan_next(&scan, &key, NULL)) {
		char org[SPOOL_ORG_SIZE];
		if (key_read_org(key, org))
			sign_feed(group, org, draft);
		else
			txn_damaged(&group->txn, DB_SENDER);
	}
	scan_close(&scan);
}

static void
sign_index(struct spool_group *group, const struct spool_draft *draft)
{
	if (draft->has_message)
		txn_put(&group->txn, DB_TRAIL,
		    key_id_position(&draft->message, draft->position),
		    SPAN_NONE);
	sign_feed(group, draft->sender, draft);
	if (strcmp(draft->recipient, draft->sender) != 0)
		sign_feed(group, draft->recipient, draft);
	for (size_t i = 0; i < draft->recipient_count; i++)
		sign_feed(group, draft->recipients[i], draft);
	if (draft->level == SPOOL_LEVEL_RESTORED)
		sign_feed_senders(group, draft);
}

int
spool_group_sign(
    struct spool_group *group, size_t index, struct span jws, struct why *why)
{
	if (index >= group->draft_count || jws.size == 0)
		return why_set(why, WHY_BUG, "no such draft, or no signature");
	struct draft *entry = group->drafts[index];
	const struct spool_draft *draft = &entry->draft;
	struct tree_grown grown;
	if (draft->position.sequence != group->meta.tree.size + 1)
		return why_set(why, WHY_BUG,
		    "the draft is signed already, or its turn is later");
	struct evidence_record record = {
	    .id = draft->id,
	    .time_ms = draft->time_ms,
	    .level = draft->level,
	    .tried = draft->tried,
	    .state = draft->state,
	    .has_message = draft->has_message,
	    .message = draft->message,
	    .missing_after_ms = draft->missing_after_ms,
	    .jws = jws,
	};
	WORD_COPY(record.sender, draft->sender);
	WORD_COPY(record.recipient, draft->recipient);
	WORD_COPY(record.type, draft->type);
	if (!tree_add(group, &record, &grown))
		return why_set(why, WHY_CRYPTO, "the log's tree: no digest");
	txn_put_evidence(
	    &group->txn, DB_EVIDENCE, key_position(draft->position), &record);
	sign_index(group, draft);
	entry->is_signed = true;
	crash_point("spool.signed");
	return group_why(group, why);
}

int
spool_group_evidence(struct spool_group *group, struct spool_position position,
    struct buf *out, struct why *why)
{
	struct evidence_record record;
	if (!txn_get_evidence(
		&group->txn, DB_EVIDENCE, key_position(position), &record)) {
		int ret = group_why(group, why);
		return ret != 0 ? ret
				: why_set(why, WHY_NOT_FOUND,
				      "there is no such evidence (yet)");
	}
	buf_add_span(out, record.jws);
	if (!buf_ok(out))
		return why_set(why, WHY_NOMEM, "no room for the evidence");
	return 0;
}
