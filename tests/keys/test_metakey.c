#include "base/id.h"
#include "base/text.h"
#include "keys/challenge.h"
#include "keys/metakey.h"
#include "tests/keys/fixture.h"

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "f00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct metakeys *
keys_of(const char *text)
{
	struct metakeys *keys;
	struct why why;
	fixture_ok(metakeys_parse(span_text(text), &keys, &why), &why);
	return keys;
}

static int
parse_code(const char *text)
{
	struct metakeys *keys;
	struct why why;
	int ret = metakeys_parse(span_text(text), &keys, &why);
	if (ret == 0)
		metakeys_free(keys);
	else if (strstr(why.text, "0001020304") != NULL)
		fail_msg("the sentence tells the key");
	return ret;
}

static void
a_blob_opens_under_its_own_key_and_message_only(void **state)
{
	(void)state;
	struct metakeys *keys = keys_of("a " KEY_A "\n");
	struct metakeys *forged = keys_of("a " KEY_B "\n");
	struct metakeys *others = keys_of("b " KEY_A "\n");
	struct span aad = span_text("message");
	struct span plain = span_text("vedlegg.pdf");
	struct buf blob;
	struct buf back;
	struct why why;
	buf_init(&blob, 1000);
	buf_init(&back, 1000);
	fixture_ok(metakeys_seal(keys, aad, plain, &blob, &why), &why);
	assert_true(blob.size <= plain.size + METAKEY_OVERHEAD_MAX);
	assert_null(memmem(blob.at, blob.size, plain.at, plain.size));
	fixture_ok(
	    metakeys_open(keys, aad, buf_span(&blob), &back, &why), &why);
	assert_true(span_equal(buf_span(&back), plain));
	buf_reset(&back);
	assert_int_equal(
	    metakeys_open(forged, aad, buf_span(&blob), &back, &why),
	    WHY_CRYPTO);
	assert_int_equal(
	    metakeys_open(others, aad, buf_span(&blob), &back, &why),
	    WHY_NOT_FOUND);
	assert_int_equal(metakeys_open(keys, span_text("messagf"),
			     buf_span(&blob), &back, &why),
	    WHY_CRYPTO);
	for (size_t i = 0; i < blob.size; i++) {
		blob.at[i] ^= 1;
		assert_true(
		    metakeys_open(keys, aad, buf_span(&blob), &back, &why) < 0);
		blob.at[i] ^= 1;
	}
	for (size_t size = 0; size < blob.size; size++)
		assert_true(metakeys_open(keys, aad, span_of(blob.at, size),
				&back, &why) < 0);
	assert_int_equal(back.size, 0);
	buf_clear(&blob);
	buf_clear(&back);
	metakeys_free(keys);
	metakeys_free(forged);
	metakeys_free(others);
}

static void
after_rotation_the_newest_key_seals_and_old_blobs_still_open(void **state)
{
	(void)state;
	struct metakeys *old = keys_of("a " KEY_A "\n");
	struct metakeys *both =
	    keys_of("# rotated\na " KEY_A "\nb " KEY_B "\n");
	struct buf blob;
	struct buf back;
	struct buf text;
	struct why why;
	buf_init(&blob, 1000);
	buf_init(&back, 1000);
	buf_init(&text, 1000);
	fixture_ok(
	    metakeys_seal(old, SPAN_NONE, span_text("x"), &blob, &why), &why);
	fixture_ok(
	    metakeys_open(both, SPAN_NONE, buf_span(&blob), &back, &why), &why);
	buf_reset(&blob);
	fixture_ok(
	    metakeys_seal(both, SPAN_NONE, SPAN_NONE, &blob, &why), &why);
	assert_int_equal(
	    metakeys_open(old, SPAN_NONE, buf_span(&blob), &back, &why),
	    WHY_NOT_FOUND);
	/* what keys gives to net is the same keys */
	metakeys_build(both, &text);
	struct metakeys *given = keys_of(buf_text(&text));
	fixture_ok(
	    metakeys_open(given, SPAN_NONE, buf_span(&blob), &back, &why),
	    &why);
	assert_true(span_is(buf_span(&back), "x"));
	metakeys_free(given);
	metakeys_free(old);
	metakeys_free(both);
	buf_clear(&blob);
	buf_clear(&back);
	buf_clear(&text);
}

static void
a_file_of_keys_is_read_strictly(void **state)
{
	(void)state;
	struct buf many;
	struct why why;
	buf_init(&many, 65536);
	assert_int_equal(parse_code("a " KEY_A), 0);
	assert_int_equal(parse_code(""), WHY_MALFORMED);
	assert_int_equal(parse_code("# only this\n"), WHY_MALFORMED);
	assert_int_equal(parse_code("a\n"), WHY_MALFORMED);
	assert_int_equal(parse_code(" " KEY_A "\n"), WHY_MALFORMED);
	assert_int_equal(parse_code("a  " KEY_A "\n"), WHY_MALFORMED);
	assert_int_equal(parse_code("a " KEY_A "00\n"), WHY_MALFORMED);
	assert_int_equal(parse_code("a " KEY_A " \n"), WHY_MALFORMED);
	assert_int_equal(parse_code("a/b " KEY_A "\n"), WHY_MALFORMED);
	assert_int_equal(
	    parse_code("a " KEY_A "\na " KEY_B "\n"), WHY_MALFORMED);
	assert_int_equal(
	    parse_code("abcdefghijklmnopqrstuvwxyz0123456 " KEY_A "\n"),
	    WHY_MALFORMED);
	for (int i = 0; i <= METAKEYS_MAX; i++) {
		char id[16];
		if (i == METAKEYS_MAX)
			assert_int_equal(parse_code(buf_text(&many)), 0);
		(void)snprintf(id, sizeof id, "k%d", i);
		fixture_ok(metakey_make(id, &many, &why), &why);
	}
	assert_int_equal(parse_code(buf_text(&many)), WHY_TOO_LARGE);
	assert_int_equal(metakey_make("a b", &many, &why), WHY_INVALID);
	buf_wipe(&many);
}

static void
a_challenge_is_met_by_who_can_open_it(void **state)
{
	(void)state;
	static const enum make_key kinds[] = {MAKE_RSA_2048, MAKE_P256};
	for (size_t i = 0; i < 2; i++) {
		struct owner owner;
		struct buf sealed;
		struct buf octets;
		struct why why;
		uint8_t verifier[CHALLENGE_VERIFIER_SIZE];
		char answer[CHALLENGE_ANSWER_SIZE];
		fixture_owner(&owner, kinds[i], MAKE_SEAL, NULL);
		buf_init(&sealed, 65536);
		buf_init(&octets, 65536);
		fixture_ok(challenge_make(owner.certificate,
			       seal_suite_default(owner.certificate), &sealed,
			       verifier, &why),
		    &why);
		fixture_ok(
		    fixture_open(&owner, buf_span(&sealed), 99, &octets, &why),
		    &why);
		fixture_ok(
		    challenge_answer(buf_span(&octets), answer, &why), &why);
		assert_true(challenge_is_met(verifier, span_text(answer)));
		assert_false(challenge_is_met(verifier, span_of(answer, 63)));
		assert_false(challenge_is_met(verifier, SPAN_NONE));
		answer[63] = answer[63] == '0' ? '1' : '0';
		assert_false(challenge_is_met(verifier, span_text(answer)));
		/* the verifier is not the answer */
		hex_build(answer, verifier, sizeof verifier);
		assert_false(challenge_is_met(verifier, span_text(answer)));
		assert_int_equal(
		    challenge_answer(span_of(octets.at, 63), answer, &why),
		    WHY_MALFORMED);
		buf_clear(&sealed);
		buf_clear(&octets);
		fixture_owner_clear(&owner);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_blob_opens_under_its_own_key_and_message_only),
	    cmocka_unit_test(
		after_rotation_the_newest_key_seals_and_old_blobs_still_open),
	    cmocka_unit_test(a_file_of_keys_is_read_strictly),
	    cmocka_unit_test(a_challenge_is_met_by_who_can_open_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
