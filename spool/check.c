/*
 * check - every invariant of spool(5), looked at in one read transaction.
 *
 * Records first: when one does not decode, the rest would only say so again.
 */
#include "spool/check_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
check_tell(struct check *check, const char *format, ...)
{
	char text[256];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	check->findings++;
	if (check->found != NULL)
		check->found(check->arg, text);
}

void
check_tell_id(struct check *check, const struct id *id, const char *sentence)
{
	char text[ID_TEXT_SIZE];
	id_build(text, id);
	check_tell(check, "%s: %s", text, sentence);
}

bool
check_due(struct check *check, int64_t at_ms, enum due_kind kind,
    uint32_t number, const struct id *id, const char *owner)
{
	struct due due = {
	    .at_ms = at_ms, .kind = kind, .number = number, .id = *id};
	WORD_COPY(due.owner, owner);
	bool there = txn_has(check->txn, DB_DUE, key_due(&due));
	if (there)
		check->dues++;
	return there;
}

bool
check_evidence(
    struct check *check, struct spool_position at, const struct id *message)
{
	struct evidence_record evidence;
	return txn_get_evidence(
		   check->txn, DB_EVIDENCE, key_position(at), &evidence) &&
	       evidence.has_message && id_equal(&evidence.message, message);
}

uint64_t
check_content(struct check *check, const char *recipient,
    const struct id *upload, uint32_t content)
{
	struct span key;
	struct span value;
	uint64_t size = 0;
	bool gap = false;
	struct key prefix = key_content(recipient, upload, content, UINT32_MAX);
	struct scan scan = scan_open(check->txn, DB_CONTENT, prefix, KEY_NONE);
	while (scan_next(&scan, &key, &value)) {
		struct key at = key_content(recipient, upload, content,
		    (uint32_t)(size / SPOOL_CHUNK_SIZE));
		if (size % SPOOL_CHUNK_SIZE != 0 ||
		    !span_equal(key, key_span(&at)))
			gap = true;
		size += value.size;
		check->chunks++;
	}
	scan_close(&scan);
	return gap ? UINT64_MAX : size;
}

static void
check_staged(struct check *check)
{
	struct span key;
	struct span value;
	struct staged_record record;
	struct scan scan = scan_open(check->txn, DB_STAGED, KEY_NONE, KEY_NONE);
	while (scan_next(&scan, &key, &value)) {
		struct id upload;
		if (!record_read_staged(value, &record) ||
		    org_check(record.recipient, NULL) != 0)
			continue;
		memcpy(upload.at, key.at + 1, ID_SIZE);
		const uint8_t *at = key.at + 1 + ID_SIZE;
		uint32_t content = (uint32_t)at[0] << 24 |
				   (uint32_t)at[1] << 16 |
				   (uint32_t)at[2] << 8 | at[3];
		if (check_content(check, record.recipient, &upload, content) !=
		    record.size)
			check_tell_id(check, &upload,
			    "has not the staged bytes that it states");
		if (!check_due(check, record.sweep_ms, DUE_SWEEP, content,
			&upload, record.recipient))
			check_tell_id(
			    check, &upload, "is staged, but never swept");
	}
	scan_close(&scan);
}

static bool
check_certificate_due(struct check *check,
    const struct certificate_record *record, const struct id *id,
    const char *org)
{
	for (uint32_t i = 0; i <= CERTIFICATE_WARNINGS; i++)
		if (check_due(check, certificate_due_ms(record, i),
			DUE_CERTIFICATE, i, id, org))
			return true;
	return false;
}

static void
check_certificates(struct check *check)
{
	struct span key;
	struct span value;
	struct certificate_record record;
	struct scan scan =
	    scan_open(check->txn, DB_CERTIFICATE, KEY_NONE, KEY_NONE);
	while (scan_next(&scan, &key, &value)) {
		char org[SPOOL_ORG_SIZE];
		struct id id;
		if (!key_read_org(key, org) ||
		    !record_read_certificate(value, &record))
			continue;
		memcpy(id.at, key.at + 1 + SPOOL_ORG_SIZE, ID_SIZE);
		if (record.end_due &&
		    !check_certificate_due(check, &record, &id, org))
			check_tell(check,
			    "certificate of %s: its end is not due", org);
	}
	scan_close(&scan);
}

static void
check_leftovers(struct check *check)
{
	if (check->chunks != txn_count(check->txn, DB_CONTENT))
		check_tell(check, "content: some chunks belong to nobody");
	if (check->dues != txn_count(check->txn, DB_DUE))
		check_tell(check,
		    "deadline: the index has %llu entries, %llu are stated",
		    (unsigned long long)txn_count(check->txn, DB_DUE),
		    (unsigned long long)check->dues);
}

int
spool_check(struct spool_view *view, merkle_sha256 *sha256,
    void (*found)(void *arg, const char *), void *arg, size_t *findings,
    struct why *why)
{
	struct check check = {
	    .txn = &view->txn, .sha256 = sha256, .found = found, .arg = arg};
	check_decode(&check);
	(void)txn_get_meta(check.txn, DB_META, key_state(), &check.meta);
	if (check.findings == 0 && check.txn->rc == 0) {
		check_deliveries(&check);
		check_messages(&check);
		check_staged(&check);
		check_certificates(&check);
		check_log(&check);
		if (sha256 != NULL)
			check_tree(&check);
		check_trail(&check);
		check_feed(&check);
		check_parties(&check);
		check_senders(&check);
		check_alarms(&check);
		check_leftovers(&check);
	}
	*findings = check.findings;
	return txn_why(check.txn, why);
}
