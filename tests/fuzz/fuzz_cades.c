/* A CAdES signature: any bytes; only the seeds' own signer is ever believed. */
#include "keys/cades.h"
#include "tests/fuzz/cades_anchor.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	static struct anchors *anchors;
	struct cades cades;
	struct why why;
	if (anchors == NULL &&
	    anchors_parse(span_text(fuzz_cades_anchor), &anchors, &why) < 0)
		abort();
	if (cades_verify(span_of(at, size), span_text("<ASiCManifest/>"),
		anchors, &cades, &why) == 0) {
		if (cades.certificate == NULL || cades.signed_ms <= 0)
			abort();
		cades_clear(&cades);
	}
	/* nothing was ever signed for these bytes */
	if (cades_verify(span_of(at, size), span_text("other"), anchors, &cades,
		&why) == 0)
		abort();
	return 0;
}
