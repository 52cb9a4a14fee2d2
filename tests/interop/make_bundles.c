/*
 * make_bundles - receipt bundles, right ones and wrong ones, and what we say of
 * each.
 *
 *   make_bundles FOLDER COUNT SEED
 *
 * FOLDER gets ca.crt, log.key, bundles (one a line) and verdicts ("good" or
 * "bad" a line). Half of the bundles are left as they are. Of the others some
 * are well signed and well logged but wrong in one way, some are altered
 * afterwards; a few of these stay good, such as one with a line of a witness.
 */
#include "base/clock.h"
#include "base/text.h"
#include "formats/checkpoint.h"
#include "formats/log_proof.h"
#include "formats/receipt_bundle.h"
#include "keys/jws.h"
#include "keys/log_hash.h"
#include "keys/make.h"
#include "tools/bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAVES 1000
#define HEIGHTS 10
#define ORIGIN "budstikke.example/log"

enum flaw { /* of a leaf: signed and logged as it is */
	SOUND,
	STRANGER,  /* signed by whom nobody trusts */
	TOO_EARLY, /* before the certificate */
	NO_TIME,
	NO_EVIDENCE, /* another typ */
	FLAWS
};

struct owner {
	struct private_key *key;
	struct certificate *certificate;
	struct buf pem;
};

static uint64_t state; /* of draw() */
static struct owner authority, relay, stranger_authority, stranger;
static struct log_key *log_key, *other_log, *misnamed_log;
static struct buf receipts[LEAVES];
static uint8_t salts[LEAVES][LOG_SALT_SIZE];
static struct merkle_frontier frontier;
static struct merkle_hash kept[HEIGHTS][LEAVES];

static void
need(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "make_bundles: %s\n", what);
	exit(1);
}

static void
need_ok(int code, const struct why *why)
{
	need(code == 0, why->text);
}

/* The same numbers for the same seed. */
static uint64_t
draw(uint64_t below)
{
	state += UINT64_C(0x9E3779B97F4A7C15);
	uint64_t z = state;
	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return (z ^ (z >> 31)) % below;
}

/* ---- who there is ---- */

static void
owner_make(
    struct owner *owner, enum make_profile profile, const struct owner *issuer)
{
	int64_t now = clock_wall_ms();
	const struct make_request request = {profile,
	    profile == MAKE_AUTHORITY ? "Authority" : "Relay", "Relay",
	    "987654325", NULL, now - CLOCK_HOUR_MS, now + CLOCK_DAY_MS};
	struct why why;

	buf_init(&owner->pem, 64u << 10);
	need_ok(make_private_key(MAKE_P256, &owner->key, &why), &why);
	need_ok(make_certificate(&request, owner->key,
		    issuer == NULL ? NULL : issuer->certificate,
		    issuer == NULL ? NULL : issuer->key, &owner->pem, &why),
	    &why);
	need_ok(
	    certificate_parse(buf_span(&owner->pem), &owner->certificate, &why),
	    &why);
}

static struct log_key *
log_key_new(const char *name, struct span pem)
{
	struct log_key *key;
	struct why why;

	need_ok(log_key_parse(pem, name, &key, &why), &why);
	return key;
}

static void
everybody_make(void)
{
	struct buf pem;
	struct why why;

	owner_make(&authority, MAKE_AUTHORITY, NULL);
	owner_make(&relay, MAKE_EVIDENCE, &authority);
	owner_make(&stranger_authority, MAKE_AUTHORITY, NULL);
	owner_make(&stranger, MAKE_EVIDENCE, &stranger_authority);
	buf_init(&pem, 4096);
	need_ok(log_key_make(&pem, &why), &why);
	log_key = log_key_new(ORIGIN, buf_span(&pem));
	misnamed_log = log_key_new("another.example", buf_span(&pem));
	buf_wipe(&pem);
	need_ok(log_key_make(&pem, &why), &why);
	other_log = log_key_new(ORIGIN, buf_span(&pem));
	buf_wipe(&pem);
}

/* ---- the log ---- */

static bool
keep(void *context, unsigned height, uint64_t index,
    const struct merkle_hash *hash)
{
	(void)context;
	kept[height][index] = *hash;
	return true;
}

static bool
read_kept(
    void *context, unsigned height, uint64_t index, struct merkle_hash *hash)
{
	(void)context;
	*hash = kept[height][index];
	return true;
}

static const struct merkle_nodes nodes = {log_sha256, read_kept, NULL};

static void
receipt_sign(struct buf *out, size_t number, enum flaw flaw)
{
	const struct owner *by = flaw == STRANGER ? &stranger : &relay;
	const struct certificate *chain[] = {by->certificate};
	const char *type = flaw == NO_EVIDENCE ? "JWT" : JWS_EVIDENCE_TYPE;
	struct jws_signer *signer;
	char time[TIME_TEXT_SIZE];
	struct buf payload;
	struct why why;

	time_build(time,
	    clock_wall_ms() - (flaw == TOO_EARLY ? 2 * CLOCK_HOUR_MS : 0));
	buf_init(&payload, 4096);
	buf_printf(&payload,
	    "{\"version\":1,\"id\":\"%zu\",\"level\":\"accepted\",\"%s\":"
	    "\"%s\"}",
	    number, flaw == NO_TIME ? "when" : "time", time);
	need_ok(jws_signer_new(by->key, chain, 1, type, false, &signer, &why),
	    &why);
	buf_init(out, JWS_BYTES_MAX);
	need_ok(jws_sign(signer, buf_span(&payload), out, &why), &why);
	jws_signer_free(signer);
	buf_clear(&payload);
}

static void
log_fill(void)
{
	for (size_t i = 0; i < LEAVES; i++) {
		enum flaw flaw = i % 8 == 7 ? (enum flaw)draw(FLAWS) : SOUND;
		struct merkle_hash leaf;
		receipt_sign(&receipts[i], i, flaw);
		for (size_t k = 0; k < LOG_SALT_SIZE; k++)
			salts[i][k] = (uint8_t)draw(256);
		need(
		    log_leaf(salts[i], buf_span(&receipts[i]), &leaf) &&
			merkle_append(&frontier, log_sha256, &leaf, keep, NULL),
		    "the log does not grow");
	}
}

/* ---- bundles ---- */

enum change {
	NONE,
	SALT_OTHER,
	SALT_SHORT,
	SALT_NONE,
	INDEX_OTHER,
	HASH_OTHER,
	HASH_LESS,
	HASH_MORE,
	HASHES_SWAPPED,
	RECEIPT_OTHER,
	ROOT_OTHER, /* as who rewrites history and signs that */
	SIZE_OTHER,
	SIZE_ZERO_FIRST, /* signed so */
	LINE_MORE,       /* an extension: good */
	LINE_EMPTY,
	LOG_OTHER,
	LOG_MISNAMED,
	LOG_TWICE,      /* once wrong */
	WITNESS_AFTER,  /* good */
	WITNESS_BEFORE, /* good */
	WITNESS_BROKEN,
	BYTE_OTHER,
	BYTE_LESS,
	SPACE_MORE, /* good */
	CHANGES
};

static void
witness_add(struct buf *note, bool broken)
{
	static const uint8_t id[NOTE_KEY_ID_SIZE] = {9, 9, 9, 9};
	const uint8_t octets[72] = {(uint8_t)draw(256)};

	if (broken)
		buf_add_text(note, "\xE2\x80\x94 witness.example AAAAA\n");
	else
		note_signature_build(span_text("witness.example"), id,
		    span_of(octets, sizeof octets), note);
}

static void
signature_add(
    const struct log_key *key, struct span text, bool wrong, struct buf *note)
{
	struct buf signed_text, other;
	struct why why;

	buf_init(&signed_text, NOTE_BYTES_MAX);
	buf_init(&other, NOTE_TEXT_BYTES);
	buf_add_span(&other, text);
	if (wrong)
		buf_add_text(&other, "wrong\n");
	need_ok(log_key_sign(key, buf_span(&other), &signed_text, &why), &why);
	buf_add(note, signed_text.at + other.size + 1,
	    signed_text.size - other.size - 1);
	buf_clear(&other);
	buf_clear(&signed_text);
}

static void
text_make(uint64_t size, enum change change, struct buf *text)
{
	struct checkpoint checkpoint = {span_text(ORIGIN), size, {{0}}};

	need(merkle_root_at(&nodes, size, &checkpoint.root), "no root");
	if (change == ROOT_OTHER)
		checkpoint.root.at[draw(32)] ^= 1;
	if (change == SIZE_OTHER)
		checkpoint.size += draw(2) == 0 ? 1 : UINT64_C(1) << 20;
	if (change == SIZE_ZERO_FIRST) {
		buf_printf(text, ORIGIN "\n0%u\n", (unsigned)size);
		base64_build(text, span_of(checkpoint.root.at, 32));
		buf_add_byte(text, '\n');
	} else {
		checkpoint_build(&checkpoint, text);
	}
	if (change == LINE_MORE || change == LINE_EMPTY)
		buf_add_text(text, change == LINE_MORE ? "more\n" : "\nmore\n");
}

static void
note_make(uint64_t size, enum change change, struct buf *note)
{
	const struct log_key *by = change == LOG_OTHER      ? other_log
				   : change == LOG_MISNAMED ? misnamed_log
							    : log_key;
	struct buf text;

	buf_init(&text, NOTE_TEXT_BYTES);
	text_make(size, change, &text);
	buf_add_span(note, buf_span(&text));
	buf_add_byte(note, '\n');
	if (change == WITNESS_BEFORE)
		witness_add(note, false);
	signature_add(by, buf_span(&text), false, note);
	if (change == LOG_TWICE)
		signature_add(by, buf_span(&text), true, note);
	if (change == WITNESS_AFTER || change == WITNESS_BROKEN)
		witness_add(note, change == WITNESS_BROKEN);
	buf_clear(&text);
}

static void
proof_change(struct log_proof *proof, enum change change)
{
	struct merkle_proof *path = &proof->inclusion;
	size_t count = path->count;

	if (change == SALT_OTHER)
		proof->extra[draw(LOG_SALT_SIZE)] ^= 1;
	if (change == SALT_SHORT)
		proof->extra_size--;
	if (change == SALT_NONE)
		proof->extra_size = 0;
	if (change == INDEX_OTHER)
		proof->index ^= UINT64_C(1) << draw(12);
	if (change == HASH_OTHER && count > 0)
		path->at[draw(count)].at[draw(32)] ^= 1;
	if (change == HASH_LESS && count > 0)
		path->count--;
	if (change == HASH_MORE)
		path->at[path->count++] = kept[0][draw(LEAVES)];
	if (change == HASHES_SWAPPED && count > 1) {
		struct merkle_hash first = path->at[0];
		path->at[0] = path->at[count - 1];
		path->at[count - 1] = first;
	}
}

/* The text as a whole; never a line feed, which ends a bundle here. */
static void
text_change(struct buf *text, enum change change)
{
	if (change == BYTE_OTHER) {
		uint8_t *byte = &text->at[draw(text->size)];
		do
			*byte = (uint8_t)draw(256);
		while (*byte == '\n');
	}
	if (change == BYTE_LESS) {
		size_t at = draw(text->size);
		memmove(text->at + at, text->at + at + 1, text->size - at - 1);
		text->size--;
	}
	if (change == SPACE_MORE)
		buf_add_text(text, " \t");
}

static void
bundle_make(enum change change, struct buf *out)
{
	uint64_t index = draw(LEAVES);
	uint64_t size = index + 1 + draw(LEAVES - index);
	struct log_proof proof = {.index = index, .extra_size = LOG_SALT_SIZE};
	struct buf note, text;

	/* few sizes: a verifier asks openssl once for each */
	if (size < LEAVES - 32)
		size = index + 1 > (size | 31) ? size : size | 31;
	buf_init(&note, NOTE_BYTES_MAX);
	note_make(size, change, &note);
	memcpy(proof.extra, salts[index], LOG_SALT_SIZE);
	need(merkle_inclusion(&nodes, index, size, &proof.inclusion),
	    "no proof");
	proof.checkpoint_note = buf_span(&note);
	proof_change(&proof, change);
	buf_init(&text, LOG_PROOF_BYTES_MAX);
	log_proof_build(&proof, &text);
	if (change == RECEIPT_OTHER)
		index = (index + 1) % LEAVES;
	need(receipt_bundle_build(
		 buf_span(&receipts[index]), buf_span(&text), out),
	    "no bundle");
	text_change(out, change);
	buf_clear(&text);
	buf_clear(&note);
}

/* ---- what is written ---- */

static FILE *
file_in(const char *folder, const char *name)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	need(file != NULL, path);
	return file;
}

static void
file_write(const char *folder, const char *name, struct span bytes)
{
	FILE *file = file_in(folder, name);

	fwrite(bytes.at, 1, bytes.size, file);
	need(fclose(file) == 0, name);
}

static void
bundles_write(const char *folder, size_t count)
{
	FILE *bundles = file_in(folder, "bundles");
	FILE *verdicts = file_in(folder, "verdicts");
	static struct log_trust logs = {.count = 1};
	struct bundle_trust trust = {.logs = &logs};
	struct bundle_place place;
	struct receipt receipt;
	struct anchors *anchors;
	struct buf text;
	struct why why;

	logs.keys[0] = *log_key_public(log_key);
	need_ok(anchors_parse(buf_span(&authority.pem), &anchors, &why), &why);
	trust.anchors = anchors;
	buf_init(&text, RECEIPT_BUNDLE_BYTES_MAX);
	for (size_t i = 0; i < count; i++) {
		enum change change =
		    i % 2 == 0 ? NONE : (enum change)draw(CHANGES);
		buf_reset(&text);
		bundle_make(change, &text);
		int code = bundle_verify(
		    buf_span(&text), &trust, &receipt, &place, &why);
		fwrite(text.at, 1, text.size, bundles);
		fputc('\n', bundles);
		fprintf(
		    verdicts, "%s %d\n", code == 0 ? "good" : "bad", change);
		receipt_clear(&receipt);
	}
	buf_clear(&text);
	anchors_free(anchors);
	need(fclose(bundles) == 0 && fclose(verdicts) == 0, "cannot write");
}

int
main(int argc, char **argv)
{
	struct buf line;

	need(argc == 4, "usage: make_bundles FOLDER COUNT SEED");
	state = strtoull(argv[3], NULL, 10);
	everybody_make();
	log_fill();
	buf_init(&line, LOG_KEY_LINE_MAX + 1);
	log_public_key_build(log_key_public(log_key), &line);
	buf_add_byte(&line, '\n');
	file_write(argv[1], "log.key", buf_span(&line));
	file_write(argv[1], "ca.crt", buf_span(&authority.pem));
	bundles_write(argv[1], strtoul(argv[2], NULL, 10));
	return 0;
}
