/* The growth of a log: what is accepted says the same when written again. */
#include "formats/log_growth.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	struct log_growth growth, again;
	struct why why = {0};
	struct buf text;

	int code = log_growth_parse(span_of(at, size), &growth, &why);
	assert(code == 0 || why.text[0] != '\0');
	if (code != 0)
		return 0;
	/* an escape can take six bytes for one */
	buf_init(&text, (size_t)6 * LOG_GROWTH_BYTES_MAX);
	assert(log_growth_build(&growth, &text));
	if (text.size <= LOG_GROWTH_BYTES_MAX) {
		assert(log_growth_parse(buf_span(&text), &again, NULL) == 0);
		assert(span_equal(growth.old_note, again.old_note));
		assert(span_equal(growth.new_note, again.new_note));
		assert(growth.proof.count == again.proof.count);
		assert(
		    memcmp(growth.proof.at, again.proof.at,
			growth.proof.count * sizeof(growth.proof.at[0])) == 0);
		log_growth_clear(&again);
	}
	buf_clear(&text);
	log_growth_clear(&growth);
	return 0;
}
