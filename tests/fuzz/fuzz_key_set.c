/* Key sets of an issuer: what is accepted can be asked for signatures. */
#include "relay/key_set.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	static const char token[] = "e30.e30.AAAA";
	struct key_set *set = NULL;
	struct why why = {0};
	int code = key_set_parse(span_of(at, size), &set, &why);

	assert(code == 0 || why.text[0] != '\0');
	if (code == 0) {
		assert(key_set_count(set) > 0);
		for (int alg = TOKEN_RS256; alg <= TOKEN_ES256; alg++)
			assert(key_set_verify(set, (enum token_alg)alg, "a",
				   span_text(token), &why) < 0);
		key_set_free(set);
	}
	return 0;
}
