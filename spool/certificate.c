/*
 * certificate - what a recipient's messages are sealed for.
 */
#include "spool/spool_priv.h"

#include <inttypes.h>
#include <string.h>

static struct id
certificate_id(const uint8_t fingerprint[SPOOL_HASH_SIZE])
{
	struct id id;
	memcpy(id.at, fingerprint, ID_SIZE);
	return id;
}

/* ---- the deadline: the end of validity, and the warnings before it ---- */

/* Days before the end by the deadline's number; 0 is the end itself. */
static const int64_t warning_days[CERTIFICATE_WARNINGS + 1] = {
    0, 1, 7, 14, 30, 60};

int64_t
certificate_due_ms(const struct certificate_record *record, uint32_t number)
{
	return record->valid_to_ms - warning_days[number] * CLOCK_DAY_MS;
}

/* A certificate has one entry in the time index: the first from `number` down
 * that is still to come. */
static void
end_put(struct spool_group *group, const char *recipient,
    const uint8_t fingerprint[SPOOL_HASH_SIZE],
    const struct certificate_record *record, uint32_t number)
{
	struct id id = certificate_id(fingerprint);
	while (number > 0 && certificate_due_ms(record, number) < group->now_ms)
		number--;
	due_put(group, certificate_due_ms(record, number), DUE_CERTIFICATE,
	    number, &id, recipient, span_of(fingerprint, SPOOL_HASH_SIZE));
}

static void
end_del(struct spool_group *group, const char *recipient,
    const uint8_t fingerprint[SPOOL_HASH_SIZE],
    struct certificate_record *record)
{
	struct id id = certificate_id(fingerprint);
	for (uint32_t i = 0; record->end_due && i <= CERTIFICATE_WARNINGS; i++)
		due_del(group, certificate_due_ms(record, i), DUE_CERTIFICATE,
		    i, &id, recipient);
	record->end_due = false;
}

static int
add_check(const struct spool_certificate_add *add, struct why *why)
{
	char suite[SPOOL_WORD_SIZE];
	int ret = org_check(add->recipient, why);
	if (ret != 0)
		return ret;
	if (add->der.size == 0 || add->der.size > 64 * KIB ||
	    add->challenge.size > 64 * KIB)
		return why_set(why, WHY_TOO_LARGE,
		    "a certificate and a challenge have at most 64 KiB each");
	if (!WORD_COPY(suite, add->suite) || add->policy < SPOOL_PINNED ||
	    add->policy > SPOOL_CHAINED)
		return why_set(why, WHY_INVALID, "suite or policy: unknown");
	if (add->valid_from_ms < 0 || add->valid_to_ms <= add->valid_from_ms)
		return why_set(why, WHY_INVALID,
		    "the certificate's validity ends before it begins");
	return 0;
}

/* Pages that the records of one certificate touch, generously. */
#define CERTIFICATE_OVERHEAD 16384u

/* A certificate that may make way for a new one. */
struct spare {
	bool found;
	struct certificate_record record;
	uint8_t fingerprint[SPOOL_HASH_SIZE];
};

static bool
is_ended(const struct certificate_record *record)
{
	return record->state == SPOOL_CERTIFICATE_SUSPENDED ||
	       record->state == SPOOL_CERTIFICATE_EXPIRED;
}

/* Ended ones first: what was sealed to them carries their fingerprint, as does
 * its evidence. Then those that wait for a proof. Never one in use. */
static bool
goes_before(const struct certificate_record *record, const struct spare *spare)
{
	if (record->state == SPOOL_CERTIFICATE_ACTIVE)
		return false;
	if (!spare->found)
		return true;
	if (is_ended(record) != is_ended(&spare->record))
		return is_ended(record);
	return record->added_ms < spare->record.added_ms;
}

static size_t
certificates_count(
    struct spool_group *group, const char *recipient, struct spare *spare)
{
	struct certificate_record record;
	size_t count = 0;
	struct span at;
	struct span value;
	struct scan scan = scan_open(
	    &group->txn, DB_CERTIFICATE, key_org(recipient), KEY_NONE);
	while (scan_next(&scan, &at, &value)) {
		count++;
		if (!record_read_certificate(value, &record) ||
		    at.size < SPOOL_HASH_SIZE) {
			txn_damaged(&group->txn, DB_CERTIFICATE);
			break;
		}
		if (!goes_before(&record, spare))
			continue;
		spare->found = true;
		spare->record = record;
		memcpy(spare->fingerprint, at.at + at.size - SPOOL_HASH_SIZE,
		    SPOOL_HASH_SIZE);
	}
	scan_close(&scan);
	return count;
}

/*
 * One more of this mailbox: when it has as many as it may, another makes way.
 * A recipient that adds without end must not fill the store, nor its reserve;
 * one that changes its key often must not lock itself out.
 */
static int
certificate_room(struct spool_group *group,
    const struct spool_certificate_add *add,
    struct spool_certificate_gone *gone, struct why *why)
{
	struct spare spare = {0};
	uint64_t most = group->spool->options.limits.certificates_per_mailbox;
	size_t count = certificates_count(group, add->recipient, &spare);
	int ret = group_why(group, why);
	if (ret == 0)
		ret = group_take_room(group,
		    add->der.size + add->challenge.size + CERTIFICATE_OVERHEAD,
		    why);
	if (ret != 0 || count < most)
		return ret;
	if (!spare.found)
		return why_set(why, WHY_STATE,
		    "a mailbox has at most %" PRIu64
		    " certificates (certificates_per_mailbox), and all are "
		    "active: suspend one that is not needed",
		    most);
	end_del(group, add->recipient, spare.fingerprint, &spare.record);
	(void)txn_del(&group->txn, DB_CERTIFICATE,
	    key_org_hash(add->recipient, spare.fingerprint));
	if (gone != NULL) {
		gone->is_set = true;
		WORD_COPY(gone->recipient, add->recipient);
		memcpy(gone->fingerprint, spare.fingerprint, SPOOL_HASH_SIZE);
	}
	return group_why(group, why);
}

int
spool_certificate_add(struct spool_group *group,
    const struct spool_certificate_add *add,
    struct spool_certificate_gone *gone, struct why *why)
{
	struct certificate_record record;
	if (gone != NULL)
		gone->is_set = false;
	int ret = add_check(add, why);
	if (ret != 0)
		return ret;
	struct key key = key_org_hash(add->recipient, add->fingerprint);
	if (!txn_has(&group->txn, DB_PARTY, key_org(add->recipient)))
		return group_why(group, why) != 0
			   ? group_why(group, why)
			   : why_set(why, WHY_NOT_FOUND,
				 "there is no such mailbox");
	if (txn_get_certificate(&group->txn, DB_CERTIFICATE, key, &record)) {
		if (record.state == SPOOL_CERTIFICATE_ACTIVE)
			return why_set(why, WHY_EXISTS,
			    "the certificate is active already");
		end_del(group, add->recipient, add->fingerprint, &record);
	} else {
		ret = certificate_room(group, add, gone, why);
		if (ret != 0)
			return ret;
	}
	record = (struct certificate_record){
	    .state = SPOOL_CERTIFICATE_PROVING,
	    .policy = add->policy,
	    .valid_from_ms = add->valid_from_ms,
	    .valid_to_ms = add->valid_to_ms,
	    .added_ms = group->now_ms,
	    .end_due = true,
	    .challenge = add->challenge,
	    .der = add->der,
	};
	WORD_COPY(record.suite, add->suite);
	memcpy(record.challenge_hash, add->challenge_hash, SPOOL_HASH_SIZE);
	end_put(group, add->recipient, add->fingerprint, &record,
	    CERTIFICATE_WARNINGS);
	txn_put_certificate(&group->txn, DB_CERTIFICATE, key, &record);
	crash_point("spool.certificate.added");
	return group_why(group, why);
}

static int
certificate_get(struct spool_group *group, const char *recipient,
    const uint8_t fingerprint[SPOOL_HASH_SIZE],
    struct certificate_record *record, struct why *why)
{
	int ret = org_check(recipient, why);
	if (ret != 0)
		return ret;
	if (txn_get_certificate(&group->txn, DB_CERTIFICATE,
		key_org_hash(recipient, fingerprint), record))
		return 0;
	ret = group_why(group, why);
	return ret != 0 ? ret
			: why_set(why, WHY_NOT_FOUND,
			      "there is no such certificate");
}

static void
certificate_put(struct spool_group *group, const char *recipient,
    const uint8_t fingerprint[SPOOL_HASH_SIZE],
    const struct certificate_record *record)
{
	txn_put_certificate(&group->txn, DB_CERTIFICATE,
	    key_org_hash(recipient, fingerprint), record);
}

static void
all_clear_of(
    struct spool_group *group, const char *recipient, enum spool_cause cause)
{
	struct key first;
	struct id id;
	struct key prefix = key_alarm(recipient, cause);
	while (txn_first(&group->txn, DB_MEMBER, prefix, &first) &&
	       key_read_tail_id(key_span(&first), &id))
		alarm_remove(group, recipient, cause, &id);
}

/* A new certificate works: those that ended, or will, are no trouble. */
static void
certificate_all_clear(struct spool_group *group, const char *recipient)
{
	all_clear_of(group, recipient, SPOOL_CAUSE_CERTIFICATE);
	all_clear_of(group, recipient, SPOOL_CAUSE_EXPIRING);
}

int
spool_certificate_prove(struct spool_group *group, const char *recipient,
    const uint8_t fingerprint[SPOOL_HASH_SIZE],
    const uint8_t answer_hash[SPOOL_HASH_SIZE], struct why *why)
{
	struct certificate_record record;
	int ret = certificate_get(group, recipient, fingerprint, &record, why);
	if (ret != 0)
		return ret;
	if (record.state == SPOOL_CERTIFICATE_SUSPENDED ||
	    record.state == SPOOL_CERTIFICATE_EXPIRED)
		return why_set(why, WHY_STATE, "the certificate is %s",
		    spool_certificate_state_name(record.state));
	if (memcmp(record.challenge_hash, answer_hash, SPOOL_HASH_SIZE) != 0)
		return why_set(why, WHY_CRYPTO,
		    "proof: is not what was sealed in the challenge");
	if (record.state == SPOOL_CERTIFICATE_ACTIVE)
		return 0;
	record.state = SPOOL_CERTIFICATE_ACTIVE;
	record.active_ms = group->now_ms;
	record.challenge = SPAN_NONE;
	certificate_put(group, recipient, fingerprint, &record);
	certificate_all_clear(group, recipient);
	crash_point("spool.certificate.active");
	return group_why(group, why);
}

int
spool_certificate_suspend(struct spool_group *group, const char *recipient,
    const uint8_t fingerprint[SPOOL_HASH_SIZE], struct why *why)
{
	struct certificate_record record;
	int ret = certificate_get(group, recipient, fingerprint, &record, why);
	if (ret != 0)
		return ret;
	if (record.state == SPOOL_CERTIFICATE_SUSPENDED)
		return 0;
	struct certificate_record ended = record;
	record.state = SPOOL_CERTIFICATE_SUSPENDED;
	record.end_due = false;
	certificate_put(group, recipient, fingerprint, &record);
	end_del(group, recipient, fingerprint, &ended);
	struct id id = certificate_id(fingerprint);
	alarm_remove(group, recipient, SPOOL_CAUSE_CERTIFICATE, &id);
	alarm_remove(group, recipient, SPOOL_CAUSE_EXPIRING, &id);
	crash_point("spool.certificate.suspended");
	return group_why(group, why);
}

/* Was another one proved since that works for longer? Then nobody need hear of
 * this one's end. */
static bool
is_succeeded(struct spool_group *group, const char *recipient,
    const struct certificate_record *record)
{
	struct certificate_record other;
	struct span at;
	struct span value;
	bool found = false;
	struct scan scan = scan_open(
	    &group->txn, DB_CERTIFICATE, key_org(recipient), KEY_NONE);
	while (!found && scan_next(&scan, &at, &value)) {
		if (!record_read_certificate(value, &other)) {
			txn_damaged(&group->txn, DB_CERTIFICATE);
			break;
		}
		found = other.state == SPOOL_CERTIFICATE_ACTIVE &&
			other.active_ms > record->active_ms &&
			other.valid_to_ms > record->valid_to_ms;
	}
	scan_close(&scan);
	return found;
}

static enum spool_severity
warning_severity(uint32_t number)
{
	int64_t days = warning_days[number];
	return days <= 1    ? SPOOL_CRITICAL
	       : days <= 14 ? SPOOL_SERIOUS
			    : SPOOL_WARNING;
}

/* It ends in so many days; told again at each of them. */
static void
warn(struct spool_group *group, const struct due *due,
    const uint8_t fingerprint[SPOOL_HASH_SIZE],
    const struct certificate_record *record)
{
	if (record->state == SPOOL_CERTIFICATE_ACTIVE &&
	    !is_succeeded(group, due->owner, record))
		alarm_tell(group, due->owner, SPOOL_CAUSE_EXPIRING,
		    warning_severity(due->number), &due->id, due->at_ms);
	end_put(group, due->owner, fingerprint, record, due->number - 1);
	crash_point("spool.certificate.warned");
}

/* A chained one stops; a pinned one does as its mailbox says; either way
 * somebody is told, if it was in use and none follows it. */
static void
end(struct spool_group *group, const struct due *due,
    const uint8_t fingerprint[SPOOL_HASH_SIZE],
    struct certificate_record *record)
{
	struct party_record party;
	bool stops = true;
	if (txn_get_party(&group->txn, DB_PARTY, key_org(due->owner), &party))
		stops = party.stop_at_certificate_end;
	bool used = record->state == SPOOL_CERTIFICATE_ACTIVE;
	if (record->policy == SPOOL_CHAINED || !used)
		stops = true;
	bool missed = used && !is_succeeded(group, due->owner, record);
	record->end_due = false;
	if (stops)
		record->state = SPOOL_CERTIFICATE_EXPIRED;
	certificate_put(group, due->owner, fingerprint, record);
	alarm_remove(group, due->owner, SPOOL_CAUSE_EXPIRING, &due->id);
	if (missed)
		alarm_add(group, due->owner, SPOOL_CAUSE_CERTIFICATE,
		    stops ? SPOOL_CRITICAL : SPOOL_SERIOUS, &due->id,
		    due->at_ms);
	crash_point("spool.certificate.ended");
}

int
due_certificate(struct spool_group *group, const struct due *due,
    const uint8_t fingerprint[SPOOL_HASH_SIZE])
{
	struct certificate_record record;
	if (due->number > CERTIFICATE_WARNINGS ||
	    certificate_get(group, due->owner, fingerprint, &record, NULL) !=
		0) {
		txn_damaged(&group->txn, DB_DUE);
		return group->txn.rc;
	}
	if (due->number > 0)
		warn(group, due, fingerprint, &record);
	else
		end(group, due, fingerprint, &record);
	return group->txn.rc;
}
