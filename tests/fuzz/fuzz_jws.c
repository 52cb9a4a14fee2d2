/* A compact JWS: any bytes; only the seed's own payload may come out. */
#include "keys/jws.h"
#include "tests/fuzz/jws_anchor.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	static struct anchors *anchors;
	struct jws jws;
	struct why why;
	if (anchors == NULL &&
	    anchors_parse(span_text(fuzz_anchor), &anchors, &why) < 0)
		abort();
	if (jws_verify(span_of(at, size), anchors, JWS_EVIDENCE_TYPE, &jws,
		&why) == 0) {
		if (!span_is(buf_span(&jws.payload), "{\"version\":1}"))
			abort();
		jws_clear(&jws);
	}
	return 0;
}
