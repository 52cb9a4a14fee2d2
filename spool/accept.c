/*
 * accept - a message and its deliveries, all or none.
 *
 * First everything is checked, then everything is written: so that a refusal
 * leaves the group as it was.
 */
#include "spool/spool_priv.h"

#include <string.h>

/* Pages that the records of one delivery touch, generously. */
#define DELIVERY_OVERHEAD 16384u

static int
words_check(const struct spool_accept *accept, struct why *why)
{
	char type[SPOOL_TYPE_SIZE];
	char version[SPOOL_WORD_SIZE];
	int ret = org_check(accept->sender, why);
	if (ret != 0)
		return ret;
	if (!WORD_COPY(type, accept->type) || type[0] == '\0')
		return why_set(why, WHY_INVALID, "type: too long or empty");
	if (!WORD_COPY(version, accept->version))
		return why_set(why, WHY_INVALID, "version: too long");
	if (accept->delivery_count == 0 || accept->delivery_count > 1000)
		return why_set(
		    why, WHY_INVALID, "a message has 1 to 1000 recipients");
	if (accept->submitted_ms < 0)
		return why_set(why, WHY_INVALID, "submitted: before 1970");
	return 0;
}

static int
mailbox_check(struct spool_group *group, const struct spool_accept *accept,
    const char *recipient, struct why *why)
{
	struct party_record party;
	if (!txn_get_party(&group->txn, DB_PARTY, key_org(recipient), &party))
		return group_why(group, why) != 0
			   ? group_why(group, why)
			   : why_set(why, WHY_NOT_FOUND,
				 "recipient %s has no mailbox", recipient);
	if (!mailbox_takes(party.state, accept->type))
		return why_set(
		    why, WHY_STATE, "the mailbox of %s is not open", recipient);
	if (strcmp(accept->type, SPOOL_TYPE_PROBE) == 0)
		return 0;
	struct span rest = party.types;
	char type[SPOOL_TYPE_SIZE];
	while (type_next(&rest, type))
		if (strcmp(type, accept->type) == 0)
			return 0;
	return why_set(why, WHY_DENIED,
	    "the mailbox of %s has not opened the type", recipient);
}

static int
certificate_check(struct spool_group *group,
    const struct spool_delivery_new *new, struct why *why)
{
	struct certificate_record record;
	if (txn_get_certificate(&group->txn, DB_CERTIFICATE,
		key_org_hash(new->recipient, new->certificate), &record) &&
	    record.state == SPOOL_CERTIFICATE_ACTIVE)
		return 0;
	if (group->txn.rc != 0)
		return group_why(group, why);
	return why_set(why, WHY_STATE,
	    "the certificate used for %s is not active", new->recipient);
}

static int
deadlines_check(const struct spool_delivery_new *new, struct why *why)
{
	if (new->deadline_count > SPOOL_DEADLINES_MAX)
		return why_set(why, WHY_TOO_LARGE,
		    "a delivery has at most %d alarm stages",
		    SPOOL_DEADLINES_MAX);
	for (size_t i = 0; i < new->deadline_count; i++) {
		const struct spool_deadline *at = &new->deadlines[i];
		if (at->at_ms < 0 || at->kind < SPOOL_DEADLINE_FETCH ||
		    at->kind > SPOOL_DEADLINE_CONFIRM ||
		    at->severity < SPOOL_WARNING ||
		    at->severity > SPOOL_CRITICAL)
			return why_set(why, WHY_INVALID,
			    "deadlines[%zu]: not a deadline", i);
	}
	return 0;
}

/* What is staged and what comes inline must be what was declared. */
static int
size_check(struct spool_group *group, const struct spool_accept *accept,
    const struct spool_delivery_new *new, struct why *why)
{
	struct staged_record staged = {.size = 0};
	(void)txn_get_staged(&group->txn, DB_STAGED,
	    key_content(
		new->recipient, &accept->upload, new->content, UINT32_MAX),
	    &staged);
	if (group->txn.rc != 0)
		return group_why(group, why);
	if (new->size == 0 || staged.size > new->size ||
	    new->rest.size != new->size - staged.size)
		return why_set(why, WHY_MALFORMED,
		    "%llu bytes are staged and %zu come inline, %llu were "
		    "declared",
		    (unsigned long long)staged.size, new->rest.size,
		    (unsigned long long)new->size);
	if (staged.size > 0 && strcmp(staged.recipient, new->recipient) != 0)
		return why_set(
		    why, WHY_MALFORMED, "staged for another recipient");
	return 0;
}

static int
delivery_check(struct spool_group *group, const struct spool_accept *accept,
    size_t index, struct why *why)
{
	const struct spool_delivery_new *new = &accept->deliveries[index];
	char suite[SPOOL_WORD_SIZE];
	int ret = org_check(new->recipient, why);
	if (ret != 0)
		return ret;
	for (size_t i = 0; i < index; i++)
		if (strcmp(new->recipient, accept->deliveries[i].recipient) ==
		    0)
			return why_set(
			    why, WHY_INVALID, "a recipient stands twice");
	if (new->form < SPOOL_FORM_ZIP || new->form > SPOOL_FORM_SVARINN ||
	    !WORD_COPY(suite, new->suite))
		return why_set(why, WHY_INVALID, "form or suite: unknown");
	if (new->expires_ms <= 0 || new->grace_ms < 0)
		return why_set(
		    why, WHY_INVALID, "expiry or grace: out of range");
	ret = deadlines_check(new, why);
	if (ret == 0)
		ret = mailbox_check(group, accept, new->recipient, why);
	if (ret == 0)
		ret = certificate_check(group, new, why);
	if (ret == 0)
		ret = size_check(group, accept, new, why);
	return ret;
}

/* A key that was used: the first answer, or a conflict. True when it was. */
static bool
accept_known(struct spool_group *group, const struct spool_accept *accept,
    struct spool_accepted *out, int *ret, struct why *why)
{
	struct known_record known;
	if (!txn_get_known(&group->txn, DB_KNOWN,
		key_org_hash(accept->sender, accept->key), &known))
		return false;
	*ret = 0;
	if (memcmp(known.fingerprint, accept->fingerprint, SPOOL_HASH_SIZE) !=
	    0) {
		*ret = why_set(
		    why, WHY_EXISTS, "the key was used for another message");
		return true;
	}
	out->repeated = true;
	out->message = known.message;
	out->evidence = known.evidence;
	return true;
}

static int
share_check(struct spool_group *group, const struct spool_accept *accept,
    struct why *why)
{
	struct sender_record sender = {.waiting = 0};
	uint64_t total = 0;
	uint64_t fresh = accept->metadata.size + DELIVERY_OVERHEAD;
	uint64_t share = group->spool->options.limits.waiting_bytes;
	(void)txn_get_sender(
	    &group->txn, DB_SENDER, key_org(accept->sender), &sender);
	for (size_t i = 0; i < accept->delivery_count; i++) {
		total += accept->deliveries[i].size;
		fresh += accept->deliveries[i].rest.size + DELIVERY_OVERHEAD;
	}
	if (group->txn.rc != 0)
		return group_why(group, why);
	if (total > share || sender.waiting_bytes > share - total)
		return why_set(why, WHY_BUSY,
		    "the sender has %llu bytes waiting, over its share "
		    "(waiting_bytes)",
		    (unsigned long long)sender.waiting_bytes);
	return group_take_room(group, fresh, why);
}

static int
accept_check(struct spool_group *group, const struct spool_accept *accept,
    struct spool_accepted *out, struct why *why)
{
	if (txn_has(&group->txn, DB_MESSAGE, key_id(&accept->message)))
		return why_set(
		    why, WHY_EXISTS, "a message of this id is here already");
	for (size_t i = 0; i < accept->delivery_count; i++) {
		int ret = delivery_check(group, accept, i, why);
		if (ret != 0) {
			out->refused = i;
			return ret;
		}
	}
	return share_check(group, accept, why);
}

/* ---- writing ---- */

static void
write_content(struct spool_group *group, const struct spool_accept *accept,
    const struct spool_delivery_new *new)
{
	struct staged_record staged = {.size = 0};
	struct key key = key_content(
	    new->recipient, &accept->upload, new->content, UINT32_MAX);
	if (txn_get_staged(&group->txn, DB_STAGED, key, &staged)) {
		due_del(group, staged.sweep_ms, DUE_SWEEP, new->content,
		    &accept->upload, new->recipient);
		txn_del(&group->txn, DB_STAGED, key);
	}
	content_add(group, new->recipient, &accept->upload, new->content,
	    staged.size, new->rest);
	crash_point("spool.accept.content");
}

/* The place at the end of the recipient's list. */
static struct spool_position
write_listed(
    struct spool_group *group, const char *recipient, const struct id *message)
{
	struct party_record party = {.next_sequence = 1};
	if (!txn_get_party(&group->txn, DB_PARTY, key_org(recipient), &party))
		txn_damaged(&group->txn, DB_PARTY);
	struct spool_position listed = {
	    group->meta.position.epoch, party.next_sequence};
	txn_put(&group->txn, DB_MAILBOX, key_org_position(recipient, listed),
	    span_of(message->at, ID_SIZE));
	return listed;
}

static void
write_stages(struct spool_group *group, const struct id *message,
    const struct spool_delivery_new *new, struct delivery_record *record)
{
	record->stage_count = (uint8_t) new->deadline_count;
	for (size_t i = 0; i < new->deadline_count; i++) {
		const struct spool_deadline *at = &new->deadlines[i];
		record->stages[i] = (struct stage_record){
		    .at_ms = at->at_ms,
		    .kind = at->kind,
		    .severity = at->severity,
		};
		due_put(group, at->at_ms, DUE_ALARM, (uint32_t)i, message,
		    new->recipient, SPAN_NONE);
	}
	due_put(group, new->expires_ms, DUE_EXPIRE, 0, message, new->recipient,
	    SPAN_NONE);
}

static void
write_delivery(struct spool_group *group, const struct spool_accept *accept,
    const struct spool_delivery_new *new, struct spool_position evidence)
{
	struct delivery_record record = {
	    .state = SPOOL_ACCEPTED,
	    .flags = accept->reference_required ? SPOOL_FLAG_REFERENCE : 0,
	    .size = new->size,
	    .upload = accept->upload,
	    .content = new->content,
	    .form = new->form,
	    .seal = new->seal,
	    .accepted_ms = group->now_ms,
	    .expires_ms = new->expires_ms,
	    .grace_ms = new->grace_ms,
	    .evidence = evidence,
	};
	WORD_COPY(record.sender, accept->sender);
	WORD_COPY(record.type, accept->type);
	WORD_COPY(record.suite, new->suite);
	memcpy(record.proof_hash, new->proof_hash, SPOOL_HASH_SIZE);
	memcpy(record.certificate, new->certificate, SPOOL_HASH_SIZE);
	write_content(group, accept, new);
	record.listed = write_listed(group, new->recipient, &accept->message);
	write_stages(group, &accept->message, new, &record);
	txn_put_delivery(&group->txn, DB_DELIVERY,
	    key_org_id(new->recipient, &accept->message), &record);
	party_count(group, new->recipient, 0, SPOOL_ACCEPTED, false, new->size);
	sender_count(group, accept->sender, true, new->size);
	crash_point("spool.accept.delivery");
}

static void
write_message(struct spool_group *group, const struct spool_accept *accept,
    const struct spool_draft *draft)
{
	struct message_record record = {
	    .submitted_ms = accept->submitted_ms,
	    .accepted_ms = group->now_ms,
	    .evidence = draft->position,
	    .unpurged = (uint16_t)accept->delivery_count,
	    .count = (uint16_t)accept->delivery_count,
	    .recipients = span_of(
		draft->recipients, accept->delivery_count * SPOOL_ORG_SIZE),
	};
	WORD_COPY(record.sender, accept->sender);
	WORD_COPY(record.type, accept->type);
	WORD_COPY(record.version, accept->version);
	memcpy(record.key, accept->key, SPOOL_HASH_SIZE);
	memcpy(record.fingerprint, accept->fingerprint, SPOOL_HASH_SIZE);
	txn_put_message(
	    &group->txn, DB_MESSAGE, key_id(&accept->message), &record);
	txn_put(&group->txn, DB_METADATA, key_id(&accept->message),
	    accept->metadata);
	struct known_record known = {
	    .message = accept->message, .evidence = draft->position};
	memcpy(known.fingerprint, accept->fingerprint, SPOOL_HASH_SIZE);
	txn_put_known(&group->txn, DB_KNOWN,
	    key_org_hash(accept->sender, accept->key), &known);
	crash_point("spool.accept.message");
}

static struct spool_draft *
accept_draft(struct spool_group *group, const struct spool_accept *accept)
{
	size_t count = accept->delivery_count;
	char(*recipients)[SPOOL_ORG_SIZE] =
	    group_alloc(group, count * SPOOL_ORG_SIZE);
	if (recipients == NULL)
		return NULL;
	struct spool_draft *draft = group_draft(group, SPOOL_LEVEL_ACCEPTED);
	if (draft == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++)
		WORD_COPY(recipients[i], accept->deliveries[i].recipient);
	draft->has_message = true;
	draft->message = accept->message;
	WORD_COPY(draft->type, accept->type);
	WORD_COPY(draft->version, accept->version);
	WORD_COPY(draft->sender, accept->sender);
	draft->recipients = (const char(*)[SPOOL_ORG_SIZE])recipients;
	draft->recipient_count = count;
	draft->submitted_ms = accept->submitted_ms;
	draft->accepted_ms = group->now_ms;
	draft->expires_ms = accept->deliveries[0].expires_ms;
	memcpy(draft->fingerprint, accept->fingerprint, SPOOL_HASH_SIZE);
	draft->state = SPOOL_ACCEPTED;
	draft->minimised = group_text(group, accept->minimised);
	draft->missing_glyphs = group_text(group, accept->missing_glyphs);
	return draft;
}

int
spool_accept(struct spool_group *group, const struct spool_accept *accept,
    struct spool_accepted *out, struct why *why)
{
	*out = (struct spool_accepted){.refused = SIZE_MAX};
	int ret = words_check(accept, why);
	if (ret != 0)
		return ret;
	if (accept_known(group, accept, out, &ret, why))
		return ret;
	ret = accept_check(group, accept, out, why);
	if (ret == 0)
		ret = group_why(group, why);
	if (ret != 0)
		return ret;
	struct spool_draft *draft = accept_draft(group, accept);
	if (draft == NULL)
		return group_why(group, why);
	write_message(group, accept, draft);
	for (size_t i = 0; i < accept->delivery_count; i++)
		write_delivery(
		    group, accept, &accept->deliveries[i], draft->position);
	out->message = accept->message;
	out->evidence = draft->position;
	crash_point("spool.accept");
	return group_why(group, why);
}
