/* A receipt bundle: what is accepted is two texts that can be written again. */
#include "formats/receipt_bundle.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	struct receipt_bundle bundle, again;
	struct why why = {0};
	struct buf text;

	int code = receipt_bundle_parse(span_of(at, size), &bundle, &why);
	assert(code == 0 || why.text[0] != '\0');
	if (code != 0)
		return 0;
	/* an escape can take six bytes for one */
	buf_init(&text, (size_t)6 * RECEIPT_BUNDLE_BYTES_MAX);
	assert(receipt_bundle_build(bundle.receipt, bundle.proof, &text));
	if (text.size <= RECEIPT_BUNDLE_BYTES_MAX) {
		assert(
		    receipt_bundle_parse(buf_span(&text), &again, NULL) == 0);
		assert(span_equal(bundle.receipt, again.receipt));
		assert(span_equal(bundle.proof, again.proof));
		receipt_bundle_clear(&again);
	}
	buf_clear(&text);
	receipt_bundle_clear(&bundle);
	return 0;
}
