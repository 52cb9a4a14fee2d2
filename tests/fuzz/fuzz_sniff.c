/* The content checks: any split of the bytes must give the same verdict. */
#include "formats/sniff.h"

#include <assert.h>

static void
verdict(struct span in, size_t step, enum sniff_type *type, unsigned *reasons)
{
	struct sniff *sniff;
	int ret = sniff_new(&sniff, NULL);
	while (ret == 0 && in.size > 0) {
		size_t size = in.size < step ? in.size : step;
		ret = sniff_push(sniff, span_of(in.at, size), NULL);
		in = span_of(in.at + size, in.size - size);
	}
	assert(ret == 0);
	assert(sniff_finish(sniff, type, reasons, NULL) == 0);
	sniff_free(sniff);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	static const size_t steps[] = {1, 5, 100, 1033};
	enum sniff_type type;
	enum sniff_type again;
	unsigned reasons;
	unsigned more;
	verdict(span_of(at, size), SIZE_MAX, &type, &reasons);
	assert(reasons >> SNIFF_REASONS == 0);
	(void)sniff_type_name(type);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		verdict(span_of(at, size), steps[i], &again, &more);
		assert(again == type);
		/* more streams may be open at once in small pieces */
		assert((more & ~(unsigned)SNIFF_UNCHECKABLE) ==
		       (reasons & ~(unsigned)SNIFF_UNCHECKABLE));
	}
	return 0;
}
