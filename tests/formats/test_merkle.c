/*
 * The tree against RFC 6962's own definition, written down as it stands there,
 * and against the reference implementation's tree of eight leaves.
 */
#include "formats/merkle.h"

#include "base/text.h"
#include "keys/log_hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST 300 /* over a tile's width */
#define LEAVES 8

static const struct span reference[LEAVES] = {{NULL, 0},
    {(const uint8_t *)"\0", 1}, {(const uint8_t *)"\x10", 1},
    {(const uint8_t *)"\x20\x21", 2}, {(const uint8_t *)"\x30\x31", 2},
    {(const uint8_t *)"\x40\x41\x42\x43", 4},
    {(const uint8_t *)"\x50\x51\x52\x53\x54\x55\x56\x57", 8},
    {(const uint8_t *)"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c"
		      "\x6d\x6e\x6f",
	16}};

static const char *const reference_root[LEAVES + 1] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

/* A tree with all that is kept of it. */
struct kept {
	struct merkle_frontier frontier;
	struct merkle_hash node[10][MOST];
	size_t count[10];
	size_t refuse_after; /* this many nodes; 0: never */
};

static struct kept tree;
static struct merkle_hash roots[MOST + 1];

static bool
keep(void *context, unsigned height, uint64_t index,
    const struct merkle_hash *hash)
{
	struct kept *kept = context;

	if (kept->refuse_after > 0 && --kept->refuse_after == 0)
		return false;
	assert_true(height < 10);
	assert_int_equal(index, kept->count[height]);
	kept->node[height][kept->count[height]++] = *hash;
	return true;
}

static bool
read_kept(
    void *context, unsigned height, uint64_t index, struct merkle_hash *hash)
{
	const struct kept *kept = context;

	assert_true(height < 10);
	assert_true(index < kept->count[height]);
	*hash = kept->node[height][index];
	return true;
}

static const struct merkle_nodes nodes = {log_sha256, read_kept, &tree};

static bool
same(const struct merkle_hash *a, const struct merkle_hash *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

static void
assert_hash(const struct merkle_hash *hash, const char *hex)
{
	char text[2 * MERKLE_HASH_SIZE + 1];

	hex_build(text, hash->at, MERKLE_HASH_SIZE);
	assert_string_equal(text, hex);
}

static void
plant(struct kept *kept, size_t size)
{
	memset(kept, 0, sizeof *kept);
	for (uint32_t i = 0; i < size; i++) {
		struct merkle_hash leaf;
		assert_true(
		    merkle_leaf(log_sha256, span_of(&i, sizeof i), &leaf));
		assert_true(merkle_append(
		    &kept->frontier, log_sha256, &leaf, keep, kept));
	}
}

static int
plant_all(void **state)
{
	(void)state;
	plant(&tree, MOST);
	for (size_t size = 0; size <= MOST; size++)
		assert_true(merkle_root_at(&nodes, size, &roots[size]));
	return 0;
}

/* RFC 6962 section 2.1: MTH. */
static struct merkle_hash
mth(size_t first, size_t end)
{
	uint8_t both[1 + 2 * MERKLE_HASH_SIZE] = {1};
	const struct span part = span_of(both, sizeof both);
	struct merkle_hash left, right, parent;
	size_t split = 1;

	if (end - first == 1)
		return tree.node[0][first];
	while (split * 2 < end - first)
		split *= 2;
	left = mth(first, first + split);
	right = mth(first + split, end);
	memcpy(both + 1, left.at, MERKLE_HASH_SIZE);
	memcpy(both + 1 + MERKLE_HASH_SIZE, right.at, MERKLE_HASH_SIZE);
	assert_true(log_sha256(&part, 1, &parent));
	return parent;
}

static void
the_reference_tree_has_its_roots(void **state)
{
	static struct kept eight;
	struct merkle_hash leaf, root;

	(void)state;
	for (size_t i = 0;; i++) {
		assert_true(merkle_root(&eight.frontier, log_sha256, &root));
		assert_hash(&root, reference_root[i]);
		if (i == LEAVES)
			break;
		assert_true(merkle_leaf(log_sha256, reference[i], &leaf));
		assert_true(merkle_append(
		    &eight.frontier, log_sha256, &leaf, keep, &eight));
	}
}

static void
each_root_is_as_the_standard_defines_it(void **state)
{
	static struct kept other;

	(void)state;
	for (size_t size = 1; size <= MOST; size++) {
		struct merkle_hash root = mth(0, size), grown;
		assert_true(same(&root, &roots[size]));
		plant(&other, size);
		assert_true(merkle_root(&other.frontier, log_sha256, &grown));
		assert_true(same(&root, &grown));
	}
}

static void
a_refused_leaf_leaves_the_frontier_as_it_was(void **state)
{
	static struct kept seven, before;

	(void)state;
	/* the eighth leaf makes four nodes: each of them is refused once */
	for (size_t refused = 1; refused <= 4; refused++) {
		plant(&seven, 7);
		before = seven;
		seven.refuse_after = refused;
		assert_false(merkle_append(&seven.frontier, log_sha256,
		    &tree.node[0][7], keep, &seven));
		assert_memory_equal(
		    &seven.frontier, &before.frontier, sizeof before.frontier);
	}
}

static bool
included(uint64_t index, uint64_t size, const struct merkle_hash *leaf,
    const struct merkle_proof *proof)
{
	return merkle_inclusion_verify(
	    log_sha256, index, size, leaf, proof, &roots[size]);
}

static void
every_leaf_of_every_size_is_proved(void **state)
{
	struct merkle_proof proof;

	(void)state;
	for (size_t size = 1; size <= MOST; size++)
		for (size_t i = 0; i < size; i++) {
			assert_true(merkle_inclusion(&nodes, i, size, &proof));
			assert_true(
			    included(i, size, &tree.node[0][i], &proof));
		}
	assert_false(merkle_inclusion(&nodes, 5, 5, &proof));
	assert_false(merkle_inclusion(&nodes, 0, 0, &proof));
}

/* Whatever is changed in it, it proves no more. */
static void
a_changed_inclusion_proof_is_wrong(void **state)
{
	struct merkle_proof proof, changed;

	(void)state;
	for (size_t size = 1; size <= 70; size++)
		for (size_t i = 0; i < size; i++) {
			const struct merkle_hash *leaf = &tree.node[0][i];
			assert_true(merkle_inclusion(&nodes, i, size, &proof));
			assert_false(
			    included(i, size, &tree.node[0][i + 1], &proof));
			for (size_t other = 0; other < 70; other++)
				if (other != i)
					assert_false(included(
					    other, size, leaf, &proof));
			for (size_t at = 0; at < proof.count; at++) {
				changed = proof;
				changed.at[at].at[at % 32] ^= 1;
				assert_false(included(i, size, leaf, &changed));
			}
			changed = proof;
			changed.at[changed.count++] = *leaf;
			assert_false(included(i, size, leaf, &changed));
			if (proof.count == 0)
				continue;
			changed.count = proof.count - 1;
			assert_false(included(i, size, leaf, &changed));
		}
}

static bool
consistent(uint64_t old_size, uint64_t size, const struct merkle_proof *proof)
{
	return merkle_consistency_verify(
	    log_sha256, old_size, &roots[old_size], size, &roots[size], proof);
}

static void
every_size_grows_into_every_later_one(void **state)
{
	struct merkle_proof proof;

	(void)state;
	for (size_t size = 1; size <= MOST; size++)
		for (size_t old_size = 1; old_size <= size; old_size++) {
			assert_true(
			    merkle_consistency(&nodes, old_size, size, &proof));
			assert_true(consistent(old_size, size, &proof));
		}
	assert_false(merkle_consistency(&nodes, 0, 5, &proof));
	assert_false(merkle_consistency(&nodes, 6, 5, &proof));
}

static void
a_rewritten_history_is_seen(void **state)
{
	struct merkle_proof proof, changed;
	struct merkle_hash root;

	(void)state;
	for (size_t size = 2; size <= 70; size++)
		for (size_t old_size = 1; old_size < size; old_size++) {
			assert_true(
			    merkle_consistency(&nodes, old_size, size, &proof));
			for (size_t other = 1; other <= 70; other++)
				if (other != old_size)
					assert_false(
					    consistent(other, size, &proof));
			for (size_t at = 0; at < proof.count; at++) {
				changed = proof;
				changed.at[at].at[at % 32] ^= 1;
				assert_false(
				    consistent(old_size, size, &changed));
			}
			root = roots[old_size];
			root.at[31] ^= 1;
			assert_false(merkle_consistency_verify(log_sha256,
			    old_size, &root, size, &roots[size], &proof));
			changed = proof;
			changed.at[changed.count++] = roots[1];
			assert_false(consistent(old_size, size, &changed));
			changed.count = proof.count - 1;
			assert_false(consistent(old_size, size, &changed));
		}
}

static void
a_size_over_the_most_is_refused(void **state)
{
	struct merkle_frontier full = {.size = MERKLE_SIZE_MAX};
	const struct merkle_proof none = {0};
	struct merkle_proof proof;

	(void)state;
	assert_false(
	    merkle_append(&full, log_sha256, &tree.node[0][0], keep, &tree));
	assert_false(
	    merkle_inclusion(&nodes, 0, (uint64_t)MERKLE_SIZE_MAX + 1, &proof));
	assert_false(merkle_inclusion_verify(
	    log_sha256, 0, UINT64_MAX, &tree.node[0][0], &none, &roots[1]));
	assert_false(merkle_consistency_verify(
	    log_sha256, 1, &roots[1], UINT64_MAX, &roots[1], &none));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_reference_tree_has_its_roots),
	    cmocka_unit_test(each_root_is_as_the_standard_defines_it),
	    cmocka_unit_test(a_refused_leaf_leaves_the_frontier_as_it_was),
	    cmocka_unit_test(every_leaf_of_every_size_is_proved),
	    cmocka_unit_test(a_changed_inclusion_proof_is_wrong),
	    cmocka_unit_test(every_size_grows_into_every_later_one),
	    cmocka_unit_test(a_rewritten_history_is_seen),
	    cmocka_unit_test(a_size_over_the_most_is_refused)};
	return cmocka_run_group_tests(tests, plant_all, NULL);
}
