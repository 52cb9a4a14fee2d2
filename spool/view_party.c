/*
 * view_party - reading: mailboxes, certificates, alarms, senders.
 */
#include "spool/view_priv.h"

#include <stdlib.h>
#include <string.h>

static void
mailbox_of(struct spool_mailbox *out, const char *recipient,
    const struct party_record *party)
{
	memset(out, 0, sizeof *out);
	WORD_COPY(out->recipient, recipient);
	out->state = party->state;
	out->form = party->form;
	out->stop_at_certificate_end = party->stop_at_certificate_end;
	out->created_ms = party->created_ms;
	out->polled_ms = party->polled_ms;
	out->counts = party->counts;
	struct span rest = party->types;
	while (out->type_count < SPOOL_TYPES_MAX &&
	       type_next(&rest, out->types[out->type_count]))
		out->type_count++;
}

int
spool_view_mailbox(struct spool_view *view, const char *recipient,
    struct spool_mailbox *out, struct why *why)
{
	struct party_record party;
	int ret = org_check(recipient, why);
	if (ret != 0)
		return ret;
	if (!txn_get_party(&view->txn, DB_PARTY, key_org(recipient), &party))
		return view_miss(view, "mailbox", why);
	mailbox_of(out, recipient, &party);
	return 0;
}

int
spool_view_mailboxes(struct spool_view *view, const char *name,
    struct spool_mailbox *out, size_t max, size_t *count, struct why *why)
{
	struct span key;
	struct span value;
	*count = 0;
	if (strlen(name) >= SPOOL_ORG_SIZE)
		return why_set(why, WHY_INVALID, "the cursor is too long");
	struct scan scan = scan_open(&view->txn, DB_PARTY, KEY_NONE,
	    name[0] == '\0' ? KEY_NONE : key_org(name));
	while (*count < max && scan_next(&scan, &key, &value)) {
		struct party_record party;
		char org[SPOOL_ORG_SIZE];
		if (!key_read_org(key, org) ||
		    !record_read_party(value, &party)) {
			txn_damaged(&view->txn, DB_PARTY);
			break;
		}
		if (strcmp(org, name) != 0)
			mailbox_of(&out[(*count)++], org, &party);
	}
	scan_close(&scan);
	return txn_why(&view->txn, why);
}

bool
spool_mailbox_takes(const struct spool_mailbox *mailbox, const char *type)
{
	if (!mailbox_takes(mailbox->state, type))
		return false;
	if (strcmp(type, SPOOL_TYPE_PROBE) == 0)
		return true;
	for (size_t i = 0; i < mailbox->type_count; i++)
		if (strcmp(mailbox->types[i], type) == 0)
			return true;
	return false;
}

/* ---- certificates ---- */

static bool
certificate_next(
    struct scan *scan, const char *recipient, struct spool_certificate *out)
{
	struct span key;
	struct span value;
	struct certificate_record record;
	if (!scan_next(scan, &key, &value))
		return false;
	if (key.size != 1 + SPOOL_ORG_SIZE + SPOOL_HASH_SIZE ||
	    !record_read_certificate(value, &record)) {
		txn_damaged(scan->txn, DB_CERTIFICATE);
		return false;
	}
	*out = (struct spool_certificate){
	    .state = record.state,
	    .policy = record.policy,
	    .valid_from_ms = record.valid_from_ms,
	    .valid_to_ms = record.valid_to_ms,
	    .added_ms = record.added_ms,
	    .active_ms = record.active_ms,
	    .der = record.der,
	    .challenge = record.challenge,
	};
	WORD_COPY(out->recipient, recipient);
	WORD_COPY(out->suite, record.suite);
	memcpy(out->fingerprint, key.at + 1 + SPOOL_ORG_SIZE, SPOOL_HASH_SIZE);
	memcpy(out->challenge_hash, record.challenge_hash, SPOOL_HASH_SIZE);
	return true;
}

int
spool_view_certificates(struct spool_view *view, const char *recipient,
    struct spool_certificate *out, size_t max, size_t *count, struct why *why)
{
	*count = 0;
	int ret = org_check(recipient, why);
	if (ret != 0)
		return ret;
	struct scan scan =
	    scan_open(&view->txn, DB_CERTIFICATE, key_org(recipient), KEY_NONE);
	while (*count < max && certificate_next(&scan, recipient, &out[*count]))
		(*count)++;
	scan_close(&scan);
	return txn_why(&view->txn, why);
}

int
spool_view_certificate_of(struct spool_view *view, const char *recipient,
    const uint8_t fingerprint[SPOOL_HASH_SIZE], struct spool_certificate *out,
    struct why *why)
{
	bool found = false;
	int ret = org_check(recipient, why);
	if (ret != 0)
		return ret;
	struct scan scan =
	    scan_open(&view->txn, DB_CERTIFICATE, key_org(recipient), KEY_NONE);
	while (!found && certificate_next(&scan, recipient, out))
		found =
		    memcmp(out->fingerprint, fingerprint, SPOOL_HASH_SIZE) == 0;
	scan_close(&scan);
	ret = txn_why(&view->txn, why);
	return ret == 0 && !found
		   ? why_set(why, WHY_NOT_FOUND, "there is no such certificate")
		   : ret;
}

int
spool_view_certificate(struct spool_view *view, const char *recipient,
    struct spool_certificate *out, struct why *why)
{
	struct spool_certificate one;
	bool found = false;
	int ret = org_check(recipient, why);
	if (ret != 0)
		return ret;
	struct scan scan =
	    scan_open(&view->txn, DB_CERTIFICATE, key_org(recipient), KEY_NONE);
	while (certificate_next(&scan, recipient, &one)) {
		if (one.state != SPOOL_CERTIFICATE_ACTIVE ||
		    (found && one.active_ms <= out->active_ms))
			continue;
		*out = one;
		found = true;
	}
	scan_close(&scan);
	if (!found)
		return view_miss(view, "active certificate", why);
	return txn_why(&view->txn, why);
}

/* ---- alarms ---- */

static bool
alarm_next(struct scan *scan, struct spool_alarm *out)
{
	struct span key;
	struct span value;
	struct alarm_record record;
	if (!scan_next(scan, &key, &value))
		return false;
	*out = (struct spool_alarm){.count = 0};
	if (key.size != 1 + SPOOL_ORG_SIZE + 1 ||
	    !key_read_org(key, out->mailbox) ||
	    !record_read_alarm(value, &record)) {
		txn_damaged(scan->txn, DB_ALARM);
		return false;
	}
	out->id = record.id;
	out->cause = (enum spool_cause)key.at[key.size - 1];
	out->severity = record.severity;
	out->state = record.state;
	out->count = record.count;
	out->oldest_ms = record.oldest_ms;
	out->raised_ms = record.raised_ms;
	out->changed_ms = record.changed_ms;
	return true;
}

static bool
alarm_same(const struct spool_alarm *a, const struct spool_alarm *b)
{
	return a->cause == b->cause && strcmp(a->mailbox, b->mailbox) == 0;
}

int
spool_view_alarms(struct spool_view *view, const char *mailbox, bool resolved,
    const struct spool_alarm *last, struct spool_alarm *out, size_t max,
    size_t *count, struct why *why)
{
	*count = 0;
	struct key prefix = KEY_NONE;
	struct key from = KEY_NONE;
	struct spool_alarm one;
	if (mailbox != NULL && strlen(mailbox) >= SPOOL_ORG_SIZE)
		return why_set(why, WHY_INVALID, "no such mailbox");
	if (mailbox != NULL)
		prefix = key_org(mailbox);
	if (last != NULL)
		from = key_alarm(last->mailbox, last->cause);
	struct scan scan = scan_open(&view->txn, DB_ALARM, prefix, from);
	while (*count < max && alarm_next(&scan, &one)) {
		if (last != NULL && alarm_same(last, &one))
			continue;
		if (resolved || one.state == SPOOL_FIRING)
			out[(*count)++] = one;
	}
	scan_close(&scan);
	return txn_why(&view->txn, why);
}

int
spool_view_waiting(struct spool_view *view, const char *sender, uint64_t *bytes,
    uint64_t *deliveries, struct why *why)
{
	struct sender_record record = {.waiting = 0};
	int ret = org_check(sender, why);
	if (ret != 0)
		return ret;
	(void)txn_get_sender(&view->txn, DB_SENDER, key_org(sender), &record);
	*bytes = record.waiting_bytes;
	*deliveries = record.waiting;
	return txn_why(&view->txn, why);
}
