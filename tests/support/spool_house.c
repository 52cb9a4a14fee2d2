#include "tests/support/spool_house.h"

#include "keys/log_hash.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const uint8_t certificate[SPOOL_HASH_SIZE] = {0xce, 0x47};

static int
remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
house_mailbox(struct house *house, const char *recipient)
{
	const char *types[] = {"document", "digisos-soknad"};
	struct spool_mailbox_put put = {
	    .recipient = recipient,
	    .state = SPOOL_MAILBOX_OPEN,
	    .without_probe = true,
	    .form = SPOOL_FORM_ZIP,
	    .types = types,
	    .type_count = 2,
	};
	struct spool_certificate_add add = {
	    .recipient = recipient,
	    .der = span_text("not really DER"),
	    .suite = "oaep-sha256-aes256-cbc",
	    .policy = SPOOL_PINNED,
	    .valid_from_ms = house->now_ms - HOUSE_DAY,
	    .valid_to_ms = house->now_ms + 1000 * HOUSE_DAY,
	    .challenge = span_text("sealed"),
	};
	memcpy(add.fingerprint, certificate, sizeof certificate);
	struct spool_group *group = house_begin(house);
	assert_int_equal(spool_mailbox_put(group, &put, NULL), 0);
	assert_int_equal(spool_certificate_add(group, &add, NULL, NULL), 0);
	assert_int_equal(spool_certificate_prove(group, recipient, certificate,
			     add.challenge_hash, NULL),
	    0);
	assert_int_equal(house_commit(house), 0);
}

void
house_open(struct house *house, uint64_t map_bytes)
{
	memset(house, 0, sizeof *house);
	/* in memory where there is such a place: a test that kills a process
	 * needs no disk, and there are hundreds of them */
	strcpy(house->dir, access("/dev/shm", W_OK) == 0
			       ? "/dev/shm/spool-test-XXXXXX"
			       : "/tmp/spool-test-XXXXXX");
	assert_non_null(mkdtemp(house->dir));
	house->now_ms = HOUSE_START;
	spool_options_init(&house->options);
	house->options.sha256 = log_sha256;
	house->options.create = true;
	house->options.limits.map_bytes =
	    map_bytes == 0 ? 256 * MIB : map_bytes;
	house->options.limits.reserve_bytes = 1 * MIB;
	house_reopen(house);
	house_mailbox(house, HOUSE_OSLO);
	house_mailbox(house, HOUSE_BERGEN);
}

void
house_close_spool(struct house *house)
{
	spool_group_abort(house->group);
	house->group = NULL;
	spool_view_close(house->view);
	spool_close(house->spool);
	house->view = NULL;
	house->spool = NULL;
}

void
house_close(struct house *house)
{
	house_close_spool(house);
	(void)nftw(house->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void
house_reopen(struct house *house)
{
	house_close_spool(house);
	if (spool_open(
		house->dir, &house->options, &house->spool, &house->why) != 0)
		fail_msg("spool_open: %s", house->why.text);
	assert_int_equal(
	    spool_view_share(house->spool, &house->view, &house->why), 0);
}

struct spool_group *
house_begin(struct house *house)
{
	assert_null(house->group);
	if (spool_group_begin(
		house->spool, house->now_ms, &house->group, &house->why) != 0)
		fail_msg("spool_group_begin: %s", house->why.text);
	return house->group;
}

int
house_commit(struct house *house)
{
	struct spool_group *group = house->group;
	house->group = NULL;
	for (size_t i = 0; i < spool_group_drafts(group); i++) {
		const struct spool_draft *draft = spool_group_draft(group, i);
		char jws[64];
		(void)snprintf(jws, sizeof jws, "jws %u %llu",
		    draft->position.epoch,
		    (unsigned long long)draft->position.sequence);
		int ret =
		    spool_group_sign(group, i, span_text(jws), &house->why);
		if (ret != 0) {
			spool_group_abort(group);
			return ret;
		}
	}
	return spool_group_commit(group, &house->why);
}

/* ---- messages ---- */

uint8_t
house_byte(const struct id *id, uint64_t offset)
{
	return (uint8_t)(id->at[15] + offset * 7 + offset / 251);
}

void
house_proof(const struct id *id, char text[SPOOL_PROOF_SIZE],
    uint8_t hash[SPOOL_HASH_SIZE])
{
	memset(text, 'a', 64);
	text[64] = '\0';
	memset(hash, 0x5a, SPOOL_HASH_SIZE);
	memcpy(hash, id->at, ID_SIZE);
}

void
house_message(struct house *house, struct house_message *message)
{
	*message = (struct house_message){
	    .id = id_new(house->now_ms),
	    .size = 1000,
	    .expires_in_ms = 14 * HOUSE_DAY,
	    .grace_ms = 30 * HOUSE_DAY,
	    .sender = HOUSE_SENDER,
	    .type = "document",
	};
	unsigned number = ++house->messages;
	memcpy(message->key, &number, sizeof number);
	memcpy(message->fingerprint, message->id.at, ID_SIZE);
}

int
house_accept_in(struct house *house, const struct house_message *message,
    const char *first, const char *second, struct spool_accepted *out)
{
	struct spool_delivery_new new[2];
	struct spool_deadline deadlines[2];
	char proof[SPOOL_PROOF_SIZE];
	uint8_t *bytes = malloc(message->size);
	assert_non_null(bytes);
	for (uint64_t i = 0; i < message->size; i++)
		bytes[i] = house_byte(&message->id, i);
	memset(new, 0, sizeof new);
	for (size_t i = 0; i < message->deadline_count; i++) {
		deadlines[i] = message->deadlines[i];
		deadlines[i].at_ms += house->now_ms;
	}
	const char *recipients[2] = {first, second};
	for (size_t i = 0; i < 2; i++) {
		new[i] = (struct spool_delivery_new){
		    .recipient = recipients[i],
		    .content = (uint32_t)i,
		    .rest = span_of(bytes, message->size),
		    .size = message->size,
		    .form = SPOOL_FORM_ZIP,
		    .suite = "oaep-sha256-aes256-cbc",
		    .seal = 1,
		    .deadlines = deadlines,
		    .deadline_count = message->deadline_count,
		    .expires_ms = house->now_ms + message->expires_in_ms,
		    .grace_ms = message->grace_ms,
		};
		house_proof(&message->id, proof, new[i].proof_hash);
		memcpy(new[i].certificate, certificate, sizeof certificate);
	}
	struct spool_accept accept = {
	    .message = message->id,
	    .upload = message->id,
	    .sender = message->sender,
	    .type = message->type,
	    .version = "1",
	    .submitted_ms = house->now_ms,
	    .reference_required = message->reference,
	    .metadata = span_text("sealed metadata"),
	    .deliveries = new,
	    .delivery_count = second == NULL ? 1 : 2,
	};
	memcpy(accept.key, message->key, SPOOL_HASH_SIZE);
	memcpy(accept.fingerprint, message->fingerprint, SPOOL_HASH_SIZE);
	int ret = spool_accept(house->group, &accept, out, &house->why);
	free(bytes);
	return ret;
}

void
house_accept(struct house *house, struct house_message *message,
    const char *first, const char *second)
{
	struct spool_accepted out;
	house_begin(house);
	if (house_accept_in(house, message, first, second, &out) != 0)
		fail_msg("spool_accept: %s", house->why.text);
	if (house_commit(house) != 0)
		fail_msg("commit: %s", house->why.text);
}

int
house_receipt(struct house *house, const struct id *id, const char *recipient,
    enum spool_verdict verdict, struct spool_verdict_done *done)
{
	char proof[SPOOL_PROOF_SIZE];
	struct spool_receipt receipt = {
	    .message = *id,
	    .recipient = recipient,
	    .verdict = verdict,
	    .reference = "2026/17",
	    .reason = "cannot-open",
	    .permanent = true,
	};
	house_proof(id, proof, receipt.proof_hash);
	receipt.proof = proof;
	house_begin(house);
	int ret = spool_receipt(house->group, &receipt, done, &house->why);
	assert_int_equal(house_commit(house), 0);
	return ret;
}

int
house_imported(struct house *house, const struct id *id, const char *recipient,
    struct spool_verdict_done *done)
{
	return house_receipt(
	    house, id, recipient, SPOOL_VERDICT_IMPORTED, done);
}

void
house_fetch(struct house *house, const struct id *id, const char *recipient,
    uint64_t size)
{
	bool fetched;
	house_begin(house);
	assert_int_equal(
	    spool_hand_out(house->group, id, recipient, &house->why), 0);
	assert_int_equal(spool_fetched(house->group, id, recipient, 0, size,
			     &fetched, &house->why),
	    0);
	assert_int_equal(house_commit(house), 0);
}

/* ---- looking ---- */

struct spool_delivery
house_delivery(struct house *house, const struct id *id, const char *recipient)
{
	struct spool_delivery out;
	memset(&out, 0, sizeof out);
	assert_int_equal(spool_view_begin(house->view, &house->why), 0);
	int ret =
	    spool_view_delivery(house->view, id, recipient, &out, &house->why);
	spool_view_end(house->view);
	if (ret == WHY_NOT_FOUND)
		memset(&out, 0, sizeof out);
	else
		assert_int_equal(ret, 0);
	return out;
}

enum spool_state
house_state(struct house *house, const struct id *id, const char *recipient)
{
	return house_delivery(house, id, recipient).state;
}

void
house_due(struct house *house)
{
	size_t fired = 100;
	while (fired == 100) {
		house_begin(house);
		assert_int_equal(
		    spool_due(house->group, 100, &fired, &house->why), 0);
		assert_int_equal(house_commit(house), 0);
	}
}

struct spool_alarm
house_alarm(struct house *house, const char *mailbox, enum spool_cause cause)
{
	struct spool_alarm out[16];
	size_t count = 0;
	assert_int_equal(spool_view_begin(house->view, &house->why), 0);
	assert_int_equal(spool_view_alarms(house->view, mailbox, false, NULL,
			     out, 16, &count, &house->why),
	    0);
	spool_view_end(house->view);
	for (size_t i = 0; i < count; i++)
		if (out[i].cause == cause)
			return out[i];
	return (struct spool_alarm){.count = 0};
}

static void
print_finding(void *arg, const char *text)
{
	(void)arg;
	print_error("spool check: %s\n", text);
}

void
house_clean(struct house *house)
{
	size_t findings = 0;
	assert_int_equal(spool_view_begin(house->view, &house->why), 0);
	int ret = spool_check(house->view, log_sha256, print_finding, NULL,
	    &findings, &house->why);
	spool_view_end(house->view);
	if (ret != 0)
		fail_msg("spool_check: %s", house->why.text);
	assert_int_equal(findings, 0);
}
