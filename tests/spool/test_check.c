/* spool_check() finds what is wrong: each test breaks one invariant behind the
 * engine's back. */
#include "keys/log_hash.h"
#include "spool/view_priv.h"
#include "tests/support/spool_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OSLO HOUSE_OSLO

struct broken {
	struct house house;
	struct house_message waits;
	struct house_message done;
	struct txn txn;
	struct buf scratch;
};

static int
setup(void **state)
{
	struct broken *broken = calloc(1, sizeof *broken);
	struct spool_verdict_done done;
	if (broken == NULL)
		return -1;
	struct house *house = &broken->house;
	house_open(house, 0);
	house_message(house, &broken->waits);
	broken->waits.size = 3 * SPOOL_CHUNK_SIZE;
	broken->waits.deadline_count = 1;
	broken->waits.deadlines[0] =
	    (struct spool_deadline){1000, SPOOL_DEADLINE_FETCH, SPOOL_WARNING};
	house_accept(house, &broken->waits, OSLO, NULL);
	house_message(house, &broken->done);
	house_accept(house, &broken->done, OSLO, NULL);
	assert_int_equal(
	    house_imported(house, &broken->done.id, OSLO, &done), 0);
	house->now_ms += 2000;
	house_due(house);
	house_clean(house);
	assert_int_equal(
	    txn_begin(&broken->txn, &house->spool->store, true, NULL), 0);
	buf_init(&broken->scratch, 1 * MIB);
	broken->txn.scratch = &broken->scratch;
	*state = broken;
	return 0;
}

static int
teardown(void **state)
{
	struct broken *broken = *state;
	house_close(&broken->house);
	buf_clear(&broken->scratch);
	free(broken);
	return 0;
}

/* How many findings once what the test did is committed. */
static size_t
findings(struct broken *broken)
{
	size_t count = 0;
	struct house *house = &broken->house;
	assert_int_equal(broken->txn.rc, 0);
	assert_int_equal(mdb_txn_commit(broken->txn.mdb), 0);
	assert_int_equal(spool_view_begin(house->view, NULL), 0);
	assert_int_equal(
	    spool_check(house->view, log_sha256, NULL, NULL, &count, NULL), 0);
	spool_view_end(house->view);
	return count;
}

static void
delete_first(struct broken *broken, enum db db, struct key prefix)
{
	struct key first;
	assert_true(txn_first(&broken->txn, db, prefix, &first));
	assert_true(txn_del(&broken->txn, db, first));
}

static void
an_entry_missing_anywhere_is_found(void **state)
{
	struct broken *broken = *state;
	static const enum db all[] = {DB_MESSAGE, DB_METADATA, DB_DELIVERY,
	    DB_MAILBOX, DB_CONTENT, DB_KNOWN, DB_DUE, DB_EVIDENCE, DB_PARTY,
	    DB_SENDER, DB_ALARM, DB_MEMBER, DB_OLDEST};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (i > 0) {
			(void)teardown(state);
			assert_int_equal(setup(state), 0);
			broken = *state;
		}
		/* of the parties, the one that has deliveries */
		delete_first(broken, all[i],
		    all[i] == DB_PARTY ? key_org(OSLO) : KEY_NONE);
		if (findings(broken) == 0)
			fail_msg("an entry less in %s", db_names[all[i]]);
	}
}

/* Change one field of the first evidence, as a writer behind the relay would.
 */
static struct evidence_record
first_evidence(struct broken *broken, struct key *key)
{
	struct evidence_record record;
	*key = key_position((struct spool_position){1, 1});
	assert_true(txn_get_evidence(&broken->txn, DB_EVIDENCE, *key, &record));
	return record;
}

static void
evidence_that_is_not_what_its_leaf_says_is_found(void **state)
{
	struct broken *broken = *state;
	struct key key;
	struct evidence_record record = first_evidence(broken, &key);
	record.jws = span_text("another");
	txn_put_evidence(&broken->txn, DB_EVIDENCE, key, &record);
	assert_int_equal(findings(broken), 1);
}

static void
a_leaf_that_was_changed_with_its_evidence_is_found(void **state)
{
	struct broken *broken = *state;
	struct key key;
	struct evidence_record record = first_evidence(broken, &key);
	struct merkle_hash leaf;
	record.jws = span_text("another");
	assert_true(tree_leaf(log_sha256, record.salt, record.jws, &leaf));
	record.nodes = span_of(leaf.at, sizeof leaf.at);
	txn_put_evidence(&broken->txn, DB_EVIDENCE, key, &record);
	/* the nodes above it and the end of the tree speak of the first */
	assert_true(findings(broken) >= 2);
}

static void
a_chunk_of_nobody_is_found(void **state)
{
	struct broken *broken = *state;
	struct id nobody = {{1}};
	txn_put(&broken->txn, DB_CONTENT, key_content(OSLO, &nobody, 0, 0),
	    span_text("x"));
	assert_int_equal(findings(broken), 1);
}

static void
a_short_chunk_is_found(void **state)
{
	struct broken *broken = *state;
	txn_put(&broken->txn, DB_CONTENT,
	    key_content(OSLO, &broken->waits.id, 0, 1), span_text("x"));
	assert_int_equal(findings(broken), 1);
}

static void
a_wrong_counter_is_found(void **state)
{
	struct broken *broken = *state;
	struct party_record party;
	assert_true(
	    txn_get_party(&broken->txn, DB_PARTY, key_org(OSLO), &party));
	party.counts.now[SPOOL_IMPORTED]++;
	txn_put_party(&broken->txn, DB_PARTY, key_org(OSLO), &party);
	assert_int_equal(findings(broken), 2); /* the count, and the sum */
}

static void
a_wrong_share_is_found(void **state)
{
	struct broken *broken = *state;
	struct sender_record sender = {.waiting = 1, .waiting_bytes = 1};
	txn_put_sender(&broken->txn, DB_SENDER, key_org(HOUSE_SENDER), &sender);
	assert_int_equal(findings(broken), 1);
}

static void
an_outcome_without_its_traces_is_found(void **state)
{
	struct broken *broken = *state;
	struct delivery_record record;
	struct key key = key_org_id(OSLO, &broken->waits.id);
	assert_true(txn_get_delivery(&broken->txn, DB_DELIVERY, key, &record));
	record.state = SPOOL_IMPORTED;
	txn_put_delivery(&broken->txn, DB_DELIVERY, key, &record);
	assert_true(findings(broken) >= 5);
}

static void
a_gap_in_the_log_is_found(void **state)
{
	struct broken *broken = *state;
	assert_true(txn_del(&broken->txn, DB_EVIDENCE,
	    key_position((struct spool_position){1, 2})));
	assert_true(findings(broken) >= 2);
}

static void
a_record_that_does_not_decode_is_found_and_read_by_nobody(void **state)
{
	struct broken *broken = *state;
	struct spool_delivery out;
	struct house *house = &broken->house;
	txn_put(&broken->txn, DB_DELIVERY, key_org_id(OSLO, &broken->waits.id),
	    span_text("\1garbage"));
	assert_int_equal(findings(broken), 1);
	assert_int_equal(spool_view_begin(house->view, NULL), 0);
	assert_int_equal(spool_view_delivery(
			     house->view, &broken->waits.id, OSLO, &out, NULL),
	    WHY_MALFORMED);
	spool_view_end(house->view);
	house_begin(house);
	assert_int_equal(
	    spool_hand_out(house->group, &broken->waits.id, OSLO, NULL),
	    WHY_MALFORMED);
	assert_true(spool_group_broken(house->group));
	spool_group_abort(house->group);
	house->group = NULL;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(an_entry_missing_anywhere_is_found),
	    T(evidence_that_is_not_what_its_leaf_says_is_found),
	    T(a_leaf_that_was_changed_with_its_evidence_is_found),
	    T(a_chunk_of_nobody_is_found),
	    T(a_short_chunk_is_found),
	    T(a_wrong_counter_is_found),
	    T(a_wrong_share_is_found),
	    T(an_outcome_without_its_traces_is_found),
	    T(a_gap_in_the_log_is_found),
	    T(a_record_that_does_not_decode_is_found_and_read_by_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
