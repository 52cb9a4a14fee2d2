/*
 * Notes, checkpoints and proofs as texts; signatures over them, against notes
 * that other programs signed.
 */
#include "keys/log_key.h"

#include "base/text.h"
#include "formats/checkpoint.h"
#include "formats/log_proof.h"
#include "tests/keys/fixture.h"

#define DASH "\xE2\x80\x94 "
#define ORIGIN "budstikke.example/log"
#define HASH "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="

/* Of the Go project's package for notes: two signers of one text. */
#define KNOWN_TEXT                                                             \
	"If you think cryptography is the answer to your problem,\n"           \
	"then you don't know what your problem is.\n"
#define KNOWN_KEY                                                              \
	"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define KNOWN_LINE                                                             \
	DASH "PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUg" \
	     "YN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
#define OTHER_LINE                                                             \
	DASH "EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+" \
	     "vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"

static struct log_key *key;

static int
make_key(void **state)
{
	struct buf pem;
	struct why why;

	(void)state;
	buf_init(&pem, 4096);
	fixture_ok(log_key_make(&pem, &why), &why);
	fixture_ok(log_key_parse(buf_span(&pem), ORIGIN, &key, &why), &why);
	buf_wipe(&pem);
	return 0;
}

static int
drop_key(void **state)
{
	(void)state;
	log_key_free(key);
	return 0;
}

static int
verify(const char *key_line, const char *text)
{
	struct log_public_key public;
	struct note note;
	struct why why;

	fixture_ok(
	    log_public_key_parse(span_text(key_line), &public, &why), &why);
	int code = note_parse(span_text(text), &note, &why);
	return code == 0 ? log_public_key_verify(&public, &note, &why) : code;
}

static void
notes_that_others_signed_are_good(void **state)
{
	(void)state;
	assert_int_equal(verify(KNOWN_KEY, KNOWN_TEXT "\n" KNOWN_LINE), 0);
	assert_int_equal(
	    verify(KNOWN_KEY, KNOWN_TEXT "\n" OTHER_LINE KNOWN_LINE), 0);
	assert_int_equal(
	    verify(KNOWN_KEY, KNOWN_TEXT "\n" OTHER_LINE), WHY_DENIED);
	assert_int_equal(verify(KNOWN_KEY, "If\n\n" KNOWN_LINE), WHY_CRYPTO);
}

static void
a_key_is_published_as_one_line(void **state)
{
	struct log_public_key public;
	struct why why;
	struct buf line;

	(void)state;
	buf_init(&line, LOG_KEY_LINE_MAX);
	log_public_key_build(log_key_public(key), &line);
	fixture_ok(log_public_key_parse(buf_span(&line), &public, &why), &why);
	assert_memory_equal(&public, log_key_public(key), sizeof public);
	buf_reset(&line);
	fixture_ok(
	    log_public_key_parse(span_text(KNOWN_KEY), &public, &why), &why);
	log_public_key_build(&public, &line);
	assert_string_equal(buf_text(&line), KNOWN_KEY);
	buf_clear(&line);
}

static void
what_is_no_public_key_is_refused(void **state)
{
	static const char *const lines[] = {"", "PeterNeumann",
	    "PeterNeumann+c74f20a3",
	    "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsV"
	    "kmqq/LDE4izWy10TW",
	    "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy1"
	    "0TW",
	    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy1"
	    "0TX",
	    "PeterNeumann+c74f20a3+BBpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy1"
	    "0TW",
	    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy1"
	    "w==",
	    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy1"
	    "0TW\n",
	    "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy"
	    "10TW"};
	struct log_public_key public;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		assert_int_equal(
		    log_public_key_parse(span_text(lines[i]), &public, NULL),
		    WHY_MALFORMED);
}

static void
what_is_no_note_is_refused(void **state)
{
	static const char *const notes[] = {"", "\n", "\n\n", "text\n",
	    "text\n\n", "text\n" DASH "a AAAAAAA=\n", "text\n\n" DASH "a\n",
	    "text\n\n- a AAAAAAA=\n",
	    "text\n\n" DASH "a AAAAAAA=", "text\n\n" DASH "a AAAAAA==\n",
	    "text\n\n" DASH "a AAAAAAB=\n", "text\n\n" DASH "a AAAAAAA= \n",
	    "text\n\n" DASH " AAAAAAA=\n", "text\n\n" DASH "a+b AAAAAAA=\n",
	    "te\txt\n\n" DASH "a AAAAAAA=\n", "text\r\n\n" DASH "a AAAAAAA=\n",
	    "te\xFFxt\n\n" DASH "a AAAAAAA=\n",
	    "text\n\n" DASH "a\xC2\xA0"
	    "b AAAAAAA=\n"};
	struct note note;

	(void)state;
	for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
		assert_int_equal(note_parse(span_text(notes[i]), &note, NULL),
		    WHY_MALFORMED);
	assert_int_equal(
	    note_parse(
		span_text("one\n\ntwo\n\n" DASH "a AAAAAAA=\n"), &note, NULL),
	    0);
	assert_true(span_is(note.text, "one\n\ntwo\n"));
}

static void
a_note_takes_sixteen_signatures_and_no_more(void **state)
{
	const uint8_t id[NOTE_KEY_ID_SIZE] = {1, 2, 3, 4};
	struct note note;
	struct buf text;

	(void)state;
	buf_init(&text, NOTE_BYTES_MAX);
	buf_add_text(&text, "text\n\n");
	for (int i = 0; i < NOTE_SIGNATURES_MOST; i++)
		note_signature_build(
		    span_text("witness.example"), id, span_text("x"), &text);
	assert_int_equal(note_parse(buf_span(&text), &note, NULL), 0);
	assert_int_equal(note.count, NOTE_SIGNATURES_MOST);
	note_signature_build(
	    span_text("witness.example"), id, span_text("x"), &text);
	assert_int_equal(
	    note_parse(buf_span(&text), &note, NULL), WHY_TOO_LARGE);
	buf_clear(&text);
}

static void
checkpoint_sign(struct buf *out)
{
	const struct checkpoint checkpoint = {
	    span_text(ORIGIN), 8, {{1, 2, 3}}};
	struct why why;
	struct buf text;

	buf_init(&text, NOTE_TEXT_BYTES);
	checkpoint_build(&checkpoint, &text);
	fixture_ok(log_key_sign(key, buf_span(&text), out, &why), &why);
	buf_clear(&text);
}

static void
a_checkpoint_is_signed_and_read_again(void **state)
{
	struct checkpoint checkpoint;
	struct note note;
	struct why why;
	struct buf text;

	(void)state;
	buf_init(&text, NOTE_BYTES_MAX);
	checkpoint_sign(&text);
	fixture_ok(note_parse(buf_span(&text), &note, &why), &why);
	fixture_ok(
	    log_public_key_verify(log_key_public(key), &note, &why), &why);
	fixture_ok(checkpoint_parse(note.text, &checkpoint, &why), &why);
	assert_true(span_is(checkpoint.origin, ORIGIN));
	assert_int_equal(checkpoint.size, 8);
	assert_int_equal(checkpoint.root.at[2], 3);
	/* any byte changed: no note, or nobody's, or a wrong signature */
	for (size_t i = 0; i < text.size; i++) {
		text.at[i] ^= 1;
		assert_true(note_parse(buf_span(&text), &note, NULL) != 0 ||
			    log_public_key_verify(
				log_key_public(key), &note, NULL) != 0);
		text.at[i] ^= 1;
	}
	buf_clear(&text);
}

static void
what_is_no_checkpoint_is_refused(void **state)
{
	static const char *const texts[] = {"", "o\n", "o\n1\n",
	    "\n1\n" HASH "\n", "o\n01\n" HASH "\n", "o\n-1\n" HASH "\n",
	    "o\n\n" HASH "\n", "o\n9223372036854775808\n" HASH "\n",
	    "o\n1\n" HASH, "o\n1\nAAAA\n", "o\n1\n" HASH "\n\n",
	    "o\n1\n" HASH "\nmore", "o\n1\n" HASH "A\n",
	    "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n"};
	struct checkpoint checkpoint;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_int_equal(
		    checkpoint_parse(span_text(texts[i]), &checkpoint, NULL),
		    WHY_MALFORMED);
	assert_int_equal(
	    checkpoint_parse(
		span_text("o\n9223372036854775807\n" HASH "\nmore\n"),
		&checkpoint, NULL),
	    0);
	assert_int_equal(
	    checkpoint_parse(span_text("o\n0\n" HASH "\n"), &checkpoint, NULL),
	    0);
}

static void
a_proof_is_built_and_read_again(void **state)
{
	struct log_proof proof = {.extra = {7, 8},
	    .extra_size = 2,
	    .index = 73894,
	    .inclusion = {2, {{{1}}, {{2}}}},
	    .checkpoint_note = span_text("x\n\ny")};
	struct log_proof again;
	struct why why;
	struct buf text;

	(void)state;
	buf_init(&text, LOG_PROOF_BYTES_MAX);
	log_proof_build(&proof, &text);
	fixture_ok(log_proof_parse(buf_span(&text), &again, &why), &why);
	assert_int_equal(again.index, 73894);
	assert_int_equal(again.extra_size, 2);
	assert_memory_equal(again.extra, proof.extra, 2);
	assert_int_equal(again.inclusion.count, 2);
	assert_int_equal(again.inclusion.at[1].at[0], 2);
	assert_true(span_is(again.checkpoint_note, "x\n\ny"));
	buf_clear(&text);
}

static void
what_is_no_proof_is_refused(void **state)
{
#define FIRST "c2sp.org/tlog-proof@v1\n"
	static const char *const texts[] = {"", "c2sp.org/tlog-proof@v1",
	    "c2sp.org/tlog-proof@v2\nindex 0\n\n", FIRST, FIRST "\n",
	    FIRST "index 0\n", FIRST "index\n\n", FIRST "index 00\n\n",
	    FIRST "index 0 \n\n", FIRST "extra\nindex 0\n\n",
	    FIRST "extra \nindex 0\n\n", FIRST "extra AAA\nindex 0\n\n",
	    FIRST "index 0\nextra AAAA\n\n", FIRST "extra AAAA\n",
	    FIRST "index 0\nAAAA\n\n", FIRST "index 0\n" HASH "\n"};
	struct log_proof proof;
	struct buf text;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_int_equal(
		    log_proof_parse(span_text(texts[i]), &proof, NULL),
		    WHY_MALFORMED);
	buf_init(&text, LOG_PROOF_BYTES_MAX);
	buf_add_text(&text, FIRST "index 0\n");
	for (int i = 0; i <= MERKLE_HEIGHTS; i++) {
		buf_add_text(&text, "\n");
		assert_int_equal(
		    log_proof_parse(buf_span(&text), &proof, NULL), 0);
		text.size--;
		buf_add_text(&text, HASH "\n");
	}
	buf_add_text(&text, "\n");
	assert_int_equal(
	    log_proof_parse(buf_span(&text), &proof, NULL), WHY_MALFORMED);
	buf_clear(&text);
}

static void
a_key_of_another_kind_is_refused(void **state)
{
	struct private_key *other;
	struct log_key *none;
	struct why why;
	struct buf pem;

	(void)state;
	buf_init(&pem, 4096);
	fixture_ok(make_private_key(MAKE_P256, &other, &why), &why);
	fixture_ok(private_key_pem(other, &pem, &why), &why);
	assert_int_equal(
	    log_key_parse(buf_span(&pem), ORIGIN, &none, &why), WHY_MALFORMED);
	assert_int_equal(
	    log_key_parse(span_text("x"), ORIGIN, &none, &why), WHY_MALFORMED);
	buf_reset(&pem);
	fixture_ok(log_key_make(&pem, &why), &why);
	assert_int_equal(
	    log_key_parse(buf_span(&pem), "two words", &none, &why),
	    WHY_MALFORMED);
	private_key_free(other);
	buf_wipe(&pem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(notes_that_others_signed_are_good),
	    cmocka_unit_test(a_key_is_published_as_one_line),
	    cmocka_unit_test(what_is_no_public_key_is_refused),
	    cmocka_unit_test(what_is_no_note_is_refused),
	    cmocka_unit_test(a_note_takes_sixteen_signatures_and_no_more),
	    cmocka_unit_test(a_checkpoint_is_signed_and_read_again),
	    cmocka_unit_test(what_is_no_checkpoint_is_refused),
	    cmocka_unit_test(a_proof_is_built_and_read_again),
	    cmocka_unit_test(what_is_no_proof_is_refused),
	    cmocka_unit_test(a_key_of_another_kind_is_refused)};
	return cmocka_run_group_tests(tests, make_key, drop_key);
}
