/* A certificate and a bundle of them: any bytes. */
#include "keys/certificate.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	struct certificate *certificate;
	struct anchors *anchors;
	struct why why;
	if (certificate_parse(span_of(at, size), &certificate, &why) == 0) {
		(void)certificate_check_purpose(
		    certificate, CERTIFICATE_FOR_SEALING, &why);
		certificate_free(certificate);
	}
	if (anchors_parse(span_of(at, size), &anchors, &why) == 0)
		anchors_free(anchors);
	return 0;
}
