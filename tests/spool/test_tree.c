/* The log's tree in the store: every piece of evidence is a leaf, each leaf can
 * be proved, and history goes on from where it was. */
#include "keys/log_hash.h"
#include "spool/view_priv.h"
#include "tests/support/spool_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OSLO HOUSE_OSLO
#define MESSAGES 70

static struct spool_tree
tree_of(struct house *house, struct merkle_hash *root)
{
	struct spool_tree tree;
	assert_int_equal(spool_view_tree(house->view, &tree, NULL), 0);
	assert_true(merkle_root(&tree.frontier, log_sha256, root));
	return tree;
}

static void
accept_many(struct house *house, size_t count)
{
	struct house_message message;
	struct spool_accepted out;
	for (size_t i = 0; i < count; i++) {
		if (i % 7 == 0)
			house_begin(house);
		house_message(house, &message);
		assert_int_equal(
		    house_accept_in(house, &message, OSLO, NULL, &out), 0);
		if (i % 7 == 6 || i + 1 == count)
			assert_int_equal(house_commit(house), 0);
	}
}

/* Its leaf is what its salt and its signed bytes make; the proof leads to the
 * root. */
static void
assert_proved(struct house *house, const struct spool_tree *tree,
    const struct merkle_hash *root, uint64_t sequence)
{
	struct spool_nodes at = {house->view, tree->epoch};
	struct merkle_nodes nodes = {log_sha256, spool_view_node, &at};
	struct spool_evidence evidence;
	struct merkle_hash leaf;
	struct merkle_proof proof;
	assert_int_equal(spool_view_evidence(house->view,
			     (struct spool_position){tree->epoch, sequence},
			     &evidence, NULL),
	    0);
	assert_true(evidence.is_salted);
	assert_true(log_leaf(evidence.salt, evidence.jws, &leaf));
	assert_true(merkle_inclusion(
	    &nodes, sequence - 1, tree->frontier.size, &proof));
	assert_true(merkle_inclusion_verify(log_sha256, sequence - 1,
	    tree->frontier.size, &leaf, &proof, root));
}

static void
every_piece_of_evidence_is_proved_by_its_salt_and_the_root(void **state)
{
	(void)state;
	struct house house;
	struct merkle_hash root;
	house_open(&house, 0);
	accept_many(&house, MESSAGES);
	assert_int_equal(spool_view_begin(house.view, NULL), 0);
	struct spool_tree tree = tree_of(&house, &root);
	assert_int_equal(tree.epoch, 1);
	assert_int_equal(tree.frontier.size, MESSAGES);
	for (uint64_t i = 1; i <= MESSAGES; i++)
		assert_proved(&house, &tree, &root, i);
	spool_view_end(house.view);
	house_clean(&house);
	house_close(&house);
}

static void
what_the_log_said_before_is_the_beginning_of_what_it_says_now(void **state)
{
	(void)state;
	struct house house;
	struct merkle_hash before;
	struct merkle_hash after;
	struct merkle_proof proof;
	house_open(&house, 0);
	accept_many(&house, 23);
	assert_int_equal(spool_view_begin(house.view, NULL), 0);
	uint64_t size = tree_of(&house, &before).frontier.size;
	spool_view_end(house.view);
	house_reopen(&house);
	accept_many(&house, 20);
	assert_int_equal(spool_view_begin(house.view, NULL), 0);
	struct spool_tree tree = tree_of(&house, &after);
	struct spool_nodes at = {house.view, tree.epoch};
	struct merkle_nodes nodes = {log_sha256, spool_view_node, &at};
	assert_true(
	    merkle_consistency(&nodes, size, tree.frontier.size, &proof));
	assert_true(merkle_consistency_verify(
	    log_sha256, size, &before, tree.frontier.size, &after, &proof));
	spool_view_end(house.view);
	house_close(&house);
}

static void
a_group_that_is_given_up_leaves_the_tree_as_it_was(void **state)
{
	(void)state;
	struct house house;
	struct house_message message;
	struct spool_accepted out;
	struct merkle_hash before;
	struct merkle_hash after;
	house_open(&house, 0);
	accept_many(&house, 5);
	assert_int_equal(spool_view_begin(house.view, NULL), 0);
	(void)tree_of(&house, &before);
	spool_view_end(house.view);
	house_begin(&house);
	house_message(&house, &message);
	assert_int_equal(
	    house_accept_in(&house, &message, OSLO, NULL, &out), 0);
	assert_int_equal(
	    spool_group_sign(house.group, 0, span_text("a.b.c"), NULL), 0);
	spool_group_abort(house.group);
	house.group = NULL;
	assert_int_equal(spool_view_begin(house.view, NULL), 0);
	assert_int_equal(tree_of(&house, &after).frontier.size, 5);
	assert_memory_equal(&before, &after, sizeof before);
	spool_view_end(house.view);
	house_clean(&house);
	house_close(&house);
}

static void
drafts_become_leaves_in_their_order_and_once(void **state)
{
	(void)state;
	struct house house;
	struct house_message message;
	struct spool_accepted out;
	house_open(&house, 0);
	house_begin(&house);
	for (int i = 0; i < 2; i++) {
		house_message(&house, &message);
		assert_int_equal(
		    house_accept_in(&house, &message, OSLO, NULL, &out), 0);
	}
	struct span jws = span_text("a.b.c");
	assert_int_equal(spool_group_sign(house.group, 1, jws, NULL), WHY_BUG);
	assert_int_equal(spool_group_sign(house.group, 0, jws, NULL), 0);
	assert_int_equal(spool_group_sign(house.group, 0, jws, NULL), WHY_BUG);
	assert_int_equal(spool_group_sign(house.group, 1, jws, NULL), 0);
	assert_int_equal(spool_group_commit(house.group, NULL), 0);
	house.group = NULL;
	house_clean(&house);
	house_close(&house);
}

static size_t
salted(struct house *house, const struct id *message)
{
	struct spool_evidence all[8];
	struct spool_position next;
	size_t count;
	size_t salts = 0;
	assert_int_equal(spool_view_begin(house->view, NULL), 0);
	assert_int_equal(
	    spool_view_trail(house->view, message,
		(struct spool_position){0, 0}, all, 8, &count, &next, NULL),
	    0);
	for (size_t i = 0; i < count; i++)
		salts += all[i].is_salted;
	spool_view_end(house->view);
	return salts;
}

static void
the_salts_of_a_message_go_with_its_content(void **state)
{
	(void)state;
	struct house house;
	struct house_message message;
	struct house_message other;
	struct spool_verdict_done done;
	house_open(&house, 0);
	house_message(&house, &message);
	house_accept(&house, &message, OSLO, NULL);
	house_message(&house, &other);
	house_accept(&house, &other, OSLO, NULL);
	assert_int_equal(house_imported(&house, &message.id, OSLO, &done), 0);
	assert_int_equal(salted(&house, &message.id), 2);
	house.now_ms += message.grace_ms + 1;
	house_due(&house);
	/* what is signed after the purge speaks of it still */
	assert_int_equal(salted(&house, &message.id), 1);
	assert_int_equal(salted(&house, &other.id), 2);
	house_clean(&house);
	house_close(&house);
}

static void
a_restored_log_begins_with_the_root_of_the_old_one(void **state)
{
	(void)state;
	struct house house;
	struct merkle_hash root;
	char backup[128];
	char other[128];
	char command[600];
	house_open(&house, 0);
	accept_many(&house, 9);
	assert_int_equal(spool_view_begin(house.view, NULL), 0);
	(void)tree_of(&house, &root);
	spool_view_end(house.view);
	(void)snprintf(backup, sizeof backup, "%s-backup", house.dir);
	(void)snprintf(other, sizeof other, "%s-other", house.dir);
	assert_int_equal(spool_backup(house.view, backup, &house.why), 0);
	assert_int_equal(
	    spool_restore(backup, other, house.now_ms, &house.why), 0);
	house_close_spool(&house);
	(void)snprintf(command, sizeof command, "rm -r %s %s && mv %s %s",
	    backup, house.dir, other, house.dir);
	assert_int_equal(system(command), 0);
	house_reopen(&house);
	house_clean(&house);
	struct merkle_hash empty;
	assert_int_equal(spool_view_begin(house.view, NULL), 0);
	assert_int_equal(tree_of(&house, &empty).frontier.size, 0);
	spool_view_end(house.view);
	house_begin(&house);
	const struct spool_draft *draft = spool_group_draft(house.group, 0);
	assert_int_equal(draft->level, SPOOL_LEVEL_RESTORED);
	assert_int_equal(draft->previous.sequence, 9);
	assert_memory_equal(&draft->previous_root, &root, sizeof root);
	assert_int_equal(house_commit(&house), 0);
	accept_many(&house, 3);
	assert_int_equal(spool_view_begin(house.view, NULL), 0);
	struct spool_tree tree = tree_of(&house, &root);
	assert_int_equal(tree.epoch, 2);
	assert_int_equal(tree.frontier.size, 4);
	for (uint64_t i = 1; i <= 4; i++)
		assert_proved(&house, &tree, &root, i);
	spool_view_end(house.view);
	house_clean(&house);
	house_close(&house);
}

/* ---- a store without leaves ---- */

static void
old_store(struct house *house)
{
	char command[600];
	house_open(house, 0);
	house_close_spool(house);
	(void)snprintf(command, sizeof command,
	    "rm %s/data.mdb %s/lock.mdb; "
	    "gzip -dc tests/spool/fixtures/format-1.mdb.gz >%s/data.mdb",
	    house->dir, house->dir, house->dir);
	assert_int_equal(system(command), 0);
}

static void
evidence_of_format_1_becomes_leaves(void **state)
{
	(void)state;
	struct house house;
	struct merkle_hash root;
	old_store(&house);
	assert_int_equal(
	    spool_open(house.dir, &house.options, &house.spool, &house.why),
	    WHY_UNSUPPORTED);
	assert_int_equal(spool_upgrade(house.dir, log_sha256, &house.why), 0);
	assert_int_equal(spool_upgrade(house.dir, log_sha256, &house.why), 0);
	house_reopen(&house);
	house_clean(&house);
	assert_int_equal(spool_view_begin(house.view, NULL), 0);
	struct spool_tree tree = tree_of(&house, &root);
	assert_int_equal(tree.frontier.size, 7);
	for (uint64_t i = 1; i <= 7; i++)
		assert_proved(&house, &tree, &root, i);
	spool_view_end(house.view);
	house_close(&house);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		every_piece_of_evidence_is_proved_by_its_salt_and_the_root),
	    cmocka_unit_test(
		what_the_log_said_before_is_the_beginning_of_what_it_says_now),
	    cmocka_unit_test(
		a_group_that_is_given_up_leaves_the_tree_as_it_was),
	    cmocka_unit_test(drafts_become_leaves_in_their_order_and_once),
	    cmocka_unit_test(the_salts_of_a_message_go_with_its_content),
	    cmocka_unit_test(
		a_restored_log_begins_with_the_root_of_the_old_one),
	    cmocka_unit_test(evidence_of_format_1_becomes_leaves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
