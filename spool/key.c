/*
 * key - the keys of the store's records; declared in record.h.
 */
#include "spool/record.h"

#include <assert.h>
#include <string.h>

static void
key_add(struct key *key, const void *at, size_t size)
{
	assert(key->size + size <= KEY_MAX);
	memcpy(key->at + key->size, at, size);
	key->size += size;
}

static void
key_number(struct key *key, uint64_t value, size_t size)
{
	uint8_t bytes[8];
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
	key_add(key, bytes, size);
}

static uint64_t
number_at(const uint8_t *at, size_t size)
{
	uint64_t value = 0;
	for (size_t i = 0; i < size; i++)
		value = value << 8 | at[i];
	return value;
}

/* FNV-1a: stable for ever, as the buckets stand in stored keys. */
uint8_t
bucket_of(const char *organisation)
{
	uint32_t hash = 2166136261u;
	for (const char *at = organisation; *at != '\0'; at++)
		hash = (hash ^ (uint8_t)*at) * 16777619u;
	return (uint8_t)((hash ^ hash >> 16) % BUCKETS);
}

struct span
key_span(const struct key *key)
{
	return span_of(key->at, key->size);
}

struct key
key_id(const struct id *id)
{
	struct key key = {.size = 0};
	key_add(&key, id->at, ID_SIZE);
	return key;
}

struct key
key_position(struct spool_position at)
{
	struct key key = {.size = 0};
	key_number(&key, at.epoch, 4);
	key_number(&key, at.sequence, 8);
	return key;
}

struct key
key_id_position(const struct id *id, struct spool_position at)
{
	struct key key = key_id(id);
	key_number(&key, at.epoch, 4);
	key_number(&key, at.sequence, 8);
	return key;
}

struct key
key_org(const char *org)
{
	struct key key = {.size = 0};
	char field[SPOOL_ORG_SIZE] = {0};
	size_t length = strlen(org);
	assert(length < SPOOL_ORG_SIZE);
	memcpy(field, org, length);
	key_number(&key, bucket_of(org), 1);
	key_add(&key, field, sizeof field);
	return key;
}

struct key
key_org_id(const char *org, const struct id *id)
{
	struct key key = key_org(org);
	key_add(&key, id->at, ID_SIZE);
	return key;
}

struct key
key_org_position(const char *org, struct spool_position at)
{
	struct key key = key_org(org);
	key_number(&key, at.epoch, 4);
	key_number(&key, at.sequence, 8);
	return key;
}

struct key
key_org_hash(const char *org, const uint8_t hash[SPOOL_HASH_SIZE])
{
	struct key key = key_org(org);
	key_add(&key, hash, SPOOL_HASH_SIZE);
	return key;
}

struct key
key_content(
    const char *org, const struct id *upload, uint32_t content, uint32_t chunk)
{
	struct key key = {.size = 0};
	key_number(&key, bucket_of(org), 1);
	key_add(&key, upload->at, ID_SIZE);
	key_number(&key, content, 4);
	if (chunk != UINT32_MAX)
		key_number(&key, chunk, 4);
	return key;
}

struct key
key_alarm(const char *mailbox, enum spool_cause cause)
{
	struct key key = key_org(mailbox);
	key_number(&key, cause, 1);
	return key;
}

struct key
key_member(const char *mailbox, enum spool_cause cause, const struct id *member)
{
	struct key key = key_alarm(mailbox, cause);
	key_add(&key, member->at, ID_SIZE);
	return key;
}

struct key
key_oldest(const char *mailbox, enum spool_cause cause, int64_t since_ms,
    const struct id *member)
{
	struct key key = key_alarm(mailbox, cause);
	key_number(&key, (uint64_t)since_ms, 8);
	key_add(&key, member->at, ID_SIZE);
	return key;
}

struct key
key_notice(int64_t at_ms, const struct id *id)
{
	struct key key = {.size = 0};
	key_number(&key, (uint64_t)at_ms, 8);
	key_add(&key, id->at, ID_SIZE);
	return key;
}

bool
key_read_position(struct span key, struct spool_position *at)
{
	if (key.size < 12)
		return false;
	const uint8_t *tail = key.at + key.size - 12;
	at->epoch = (uint32_t)number_at(tail, 4);
	at->sequence = number_at(tail + 4, 8);
	return true;
}

bool
key_read_tail_id(struct span key, struct id *id)
{
	if (key.size < ID_SIZE)
		return false;
	memcpy(id->at, key.at + key.size - ID_SIZE, ID_SIZE);
	return true;
}

bool
key_read_org(struct span key, char org[SPOOL_ORG_SIZE])
{
	if (key.size < 1 + SPOOL_ORG_SIZE || key.at[SPOOL_ORG_SIZE] != 0)
		return false;
	memcpy(org, key.at + 1, SPOOL_ORG_SIZE);
	return bucket_of(org) == key.at[0];
}

#define DUE_SIZE (1 + 8 + 1 + 4 + ID_SIZE + SPOOL_ORG_SIZE)

struct key
key_due(const struct due *due)
{
	struct key key = {.size = 0};
	key_number(&key, bucket_of(due->owner), 1);
	key_number(&key, (uint64_t)due->at_ms, 8);
	key_number(&key, due->kind, 1);
	key_number(&key, due->number, 4);
	key_add(&key, due->id.at, ID_SIZE);
	char owner[SPOOL_ORG_SIZE] = {0};
	memcpy(owner, due->owner, strnlen(due->owner, SPOOL_ORG_SIZE - 1));
	key_add(&key, owner, sizeof owner);
	return key;
}

bool
key_read_due(struct span key, struct due *due)
{
	if (key.size != DUE_SIZE || key.at[DUE_SIZE - 1] != 0)
		return false;
	uint64_t at = number_at(key.at + 1, 8);
	unsigned kind = key.at[9];
	if (at > INT64_MAX || kind < DUE_ALARM || kind > DUE_SWEEP)
		return false;
	due->at_ms = (int64_t)at;
	due->kind = (enum due_kind)kind;
	due->number = (uint32_t)number_at(key.at + 10, 4);
	memcpy(due->id.at, key.at + 14, ID_SIZE);
	memcpy(due->owner, key.at + 14 + ID_SIZE, SPOOL_ORG_SIZE);
	return bucket_of(due->owner) == key.at[0];
}
