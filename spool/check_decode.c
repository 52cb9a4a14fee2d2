/*
 * check_decode - does every record decode, with a key that fits.
 */
#include "spool/check_priv.h"

#include <string.h>

#define X(name, version)                                                       \
	static bool reads_##name(struct span bytes)                            \
	{                                                                      \
		struct name##_record record;                                   \
		return record_read_##name(bytes, &record);                     \
	}
RECORDS(X)
#undef X

static bool
reads_nothing(struct span bytes)
{
	return bytes.size == 0;
}

static bool
reads_id(struct span bytes)
{
	return bytes.size == ID_SIZE;
}

static bool
reads_since(struct span bytes)
{
	return bytes.size == 8;
}

static bool
reads_due(struct span bytes)
{
	return bytes.size == 0 || bytes.size == SPOOL_HASH_SIZE;
}

static bool
reads_chunk(struct span bytes)
{
	return bytes.size > 0 && bytes.size <= SPOOL_CHUNK_SIZE;
}

static bool
reads_any(struct span bytes)
{
	(void)bytes;
	return true;
}

#define ORG (1 + SPOOL_ORG_SIZE)
#define PLACE 12

static const struct {
	enum db db;
	size_t key_size;
	bool (*reads)(struct span bytes);
} shapes[] = {
    {DB_META, 5, reads_meta},
    {DB_MESSAGE, ID_SIZE, reads_message},
    {DB_METADATA, ID_SIZE, reads_any},
    {DB_DELIVERY, ORG + ID_SIZE, reads_delivery},
    {DB_MAILBOX, ORG + PLACE, reads_id},
    {DB_CONTENT, 1 + ID_SIZE + 4 + 4, reads_chunk},
    {DB_STAGED, 1 + ID_SIZE + 4, reads_staged},
    {DB_KNOWN, ORG + SPOOL_HASH_SIZE, reads_known},
    {DB_DUE, 1 + 8 + 1 + 4 + ID_SIZE + SPOOL_ORG_SIZE, reads_due},
    {DB_EVIDENCE, PLACE, reads_evidence},
    {DB_TRAIL, ID_SIZE + PLACE, reads_nothing},
    {DB_FEED, ORG + PLACE, reads_nothing},
    {DB_PARTY, ORG, reads_party},
    {DB_SENDER, ORG, reads_sender},
    {DB_CERTIFICATE, ORG + SPOOL_HASH_SIZE, reads_certificate},
    {DB_ALARM, ORG + 1, reads_alarm},
    {DB_MEMBER, ORG + 1 + ID_SIZE, reads_since},
    {DB_OLDEST, ORG + 1 + 8 + ID_SIZE, reads_nothing},
    {DB_OUTBOX, 8 + ID_SIZE, reads_notice},
};

static bool
key_has_org(enum db db)
{
	return db != DB_META && db != DB_MESSAGE && db != DB_METADATA &&
	       db != DB_CONTENT && db != DB_STAGED && db != DB_DUE &&
	       db != DB_EVIDENCE && db != DB_TRAIL && db != DB_OUTBOX;
}

void
check_decode(struct check *check)
{
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
		struct span key;
		struct span value;
		char org[SPOOL_ORG_SIZE];
		struct due due;
		uint64_t at = 0;
		struct scan scan =
		    scan_open(check->txn, shapes[i].db, KEY_NONE, KEY_NONE);
		for (; scan_next(&scan, &key, &value); at++) {
			bool good = key.size == shapes[i].key_size &&
				    shapes[i].reads(value);
			if (good && key_has_org(shapes[i].db))
				good = key_read_org(key, org);
			if (good && shapes[i].db == DB_DUE)
				good = key_read_due(key, &due);
			if (!good)
				check_tell(check,
				    "%s: entry %llu does not decode",
				    db_names[shapes[i].db],
				    (unsigned long long)at);
		}
		scan_close(&scan);
	}
}
