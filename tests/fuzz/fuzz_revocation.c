/* What an OCSP responder or a list of revoked certificates says: any bytes. */
#include "keys/revocation.h"
#include "tests/fuzz/revocation_anchor.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

static struct certificate *
anchor(const char *pem)
{
	struct certificate *certificate;
	struct why why;
	if (certificate_parse(span_text(pem), &certificate, &why) < 0)
		abort();
	return certificate;
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	static struct certificate *member;
	static struct certificate *issuer;
	struct revocation read = {0};
	struct why why;
	struct span bytes = span_of(at, size);
	if (member == NULL) {
		member = anchor(fuzz_revocation_member);
		issuer = anchor(fuzz_revocation_issuer);
	}
	int ret = revocation_ocsp_read(
	    bytes, member, issuer, FUZZ_REVOCATION_AT_MS, &read, &why);
	if ((ret == 0) != (read.state != 0))
		abort();
	read.state = 0;
	ret = revocation_crl_read(
	    bytes, member, issuer, FUZZ_REVOCATION_AT_MS, &read, &why);
	if ((ret == 0) != (read.state != 0))
		abort();
	return 0;
}
