/* Envelopes: what is accepted has a canonical form, and findings say why what
 * is refused was. */
#include "formats/envelope.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	struct limits limits;
	struct findings findings;
	struct envelope envelope;
	struct why why = {0};
	limits_init(&limits);
	findings_init(&findings, 10);
	int ret = envelope_parse(
	    span_of(at, size), &limits, &findings, &envelope, &why);
	assert((ret == 0) == findings_none(&findings));
	assert(ret == 0 || why.text[0] != '\0');
	if (ret == 0) {
		struct buf out;
		buf_init(&out, 1 << 20);
		envelope_canonical_build(&out, &envelope);
		assert(buf_ok(&out));
		for (size_t i = 0; i < envelope.parts_count; i++)
			assert(strlen(envelope.parts[i].sha256) == 64);
		buf_clear(&out);
	}
	envelope_clear(&envelope);
	findings_clear(&findings);
	return 0;
}
