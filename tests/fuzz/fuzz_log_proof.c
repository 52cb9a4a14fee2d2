/*
 * A proof from a log, with the checkpoint in it: what is accepted has one
 * spelling, and no note of the input's own making is signed.
 */
#include "formats/log_proof.h"

#include "keys/log_hash.h"
#include "keys/log_key.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

/* Its private key is gone; it signed the checkpoint of the seed "signed". */
static const char key_line[] = "budstikke.example/log+14645f5a+"
			       "Ac5IWU6v0TUs9pLyt4C31RqP9LMUl1ypxn7rKYZSnKr6";

static void
checkpoint_try(const struct log_proof *proof)
{
	struct log_public_key key;
	struct checkpoint checkpoint;
	struct note note;
	struct merkle_hash leaf = {{0}};
	struct why why = {0};

	int code = note_parse(proof->checkpoint_note, &note, &why);
	assert(code == 0 || why.text[0] != '\0');
	if (code != 0)
		return;
	assert(note.count > 0 && note.text.at[note.text.size - 1] == '\n');
	if (log_public_key_parse(span_text(key_line), &key, NULL) != 0)
		assert(0);
	if (log_public_key_verify(&key, &note, NULL) == 0)
		assert(span_is(note.text,
		    "budstikke.example/log\n3\n"
		    "O2zM1+PgI/85MAbwMDFe562esRGwIrQfun5bejlz9og=\n"));
	if (checkpoint_parse(note.text, &checkpoint, NULL) != 0)
		return;
	assert(checkpoint.origin.size > 0);
	(void)merkle_inclusion_verify(log_sha256, proof->index, checkpoint.size,
	    &leaf, &proof->inclusion, &checkpoint.root);
	(void)merkle_consistency_verify(log_sha256, proof->index,
	    &checkpoint.root, checkpoint.size, &leaf, &proof->inclusion);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	struct log_proof proof;
	struct why why = {0};
	struct buf again;

	int code = log_proof_parse(span_of(at, size), &proof, &why);
	assert(code == 0 || why.text[0] != '\0');
	if (code != 0)
		return 0;
	buf_init(&again, LOG_PROOF_BYTES_MAX);
	log_proof_build(&proof, &again);
	assert(span_equal(buf_span(&again), span_of(at, size)));
	buf_clear(&again);
	checkpoint_try(&proof);
	return 0;
}
