#include "formats/log_proof.h"

#include "base/text.h"
#include "formats/log_line.h"

#include <inttypes.h>
#include <string.h>

#define FIRST_LINE "c2sp.org/tlog-proof@v1"

static int
refuse(struct why *why, const char *what)
{
	return why_set(why, WHY_MALFORMED, "log proof: %s", what);
}

/* What follows "word " in the line; false when it begins otherwise. */
static bool
after_word(struct span line, const char *word, struct span *rest)
{
	size_t size = strlen(word);

	if (line.size <= size || memcmp(line.at, word, size) != 0 ||
	    line.at[size] != ' ')
		return false;
	*rest = span_of(line.at + size + 1, line.size - size - 1);
	return true;
}

static bool
extra_read(struct span base64, struct log_proof *proof)
{
	struct buf octets;

	buf_init(&octets, LOG_PROOF_EXTRA_MAX);
	bool good = base64_parse(&octets, base64) && octets.size > 0;
	if (good) {
		memcpy(proof->extra, octets.at, octets.size);
		proof->extra_size = octets.size;
	}
	buf_clear(&octets);
	return good;
}

/* The lines before the hashes. */
static int
head_read(struct span *text, struct log_proof *proof, struct why *why)
{
	struct span line, rest;

	if (!log_line_take(text, &line) || !span_is(line, FIRST_LINE))
		return refuse(why, "the first line is not " FIRST_LINE);
	if (!log_line_take(text, &line))
		return refuse(why, "ends after its first line");
	if (after_word(line, "extra", &rest)) {
		if (!extra_read(rest, proof))
			return refuse(why, "extra is not short base64");
		if (!log_line_take(text, &line))
			return refuse(why, "ends after extra");
	}
	if (!after_word(line, "index", &rest) ||
	    !log_line_number(rest, &proof->index))
		return refuse(why, "no index");
	return 0;
}

int
log_proof_parse(struct span bytes, struct log_proof *proof, struct why *why)
{
	struct span line, text = bytes;

	memset(proof, 0, sizeof *proof);
	if (bytes.size > LOG_PROOF_BYTES_MAX)
		return why_set(why, WHY_TOO_LARGE, "log proof: over %u bytes",
		    LOG_PROOF_BYTES_MAX);
	int code = head_read(&text, proof, why);
	if (code != 0)
		return code;
	struct merkle_proof *inclusion = &proof->inclusion;
	for (;;) {
		if (!log_line_take(&text, &line))
			return refuse(why, "no empty line before a checkpoint");
		if (line.size == 0)
			break;
		if (inclusion->count == MERKLE_HEIGHTS)
			return refuse(why, "more hashes than a tree is high");
		if (!log_line_hash(line, &inclusion->at[inclusion->count++]))
			return refuse(why, "a line is not a hash");
	}
	proof->checkpoint_note = text;
	return 0;
}

void
log_proof_build(const struct log_proof *proof, struct buf *out)
{
	buf_add_text(out, FIRST_LINE "\n");
	if (proof->extra_size > 0) {
		buf_add_text(out, "extra ");
		base64_build(out, span_of(proof->extra, proof->extra_size));
		buf_add_byte(out, '\n');
	}
	buf_printf(out, "index %" PRIu64 "\n", proof->index);
	for (size_t i = 0; i < proof->inclusion.count; i++)
		log_line_hash_build(&proof->inclusion.at[i], out);
	buf_add_byte(out, '\n');
	buf_add_span(out, proof->checkpoint_note);
}
