/*
 * Opening: any bytes, in steps that the first byte chooses. What opens must be
 * the same in one piece.
 */
#include "keys/open.h"
#include "tests/fuzz/cms_open_key.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

static int
to_buf(void *context, struct span bytes, struct why *why)
{
	buf_add_span(context, bytes);
	return buf_ok(context) ? 0 : why_set(why, WHY_FULL, "full");
}

static int
open_in_steps(const struct open_key *key, struct span message, size_t step,
    struct buf *plain)
{
	struct sink sink = {to_buf, plain};
	struct opening *opening;
	struct why why;
	int ret = opening_new(key, 1, NULL, &sink, &opening, &why);
	if (ret < 0)
		abort();
	while (message.size > 0 && ret == 0) {
		size_t n = message.size < step ? message.size : step;
		ret = opening_write(opening, span_of(message.at, n), &why);
		message.at += n;
		message.size -= n;
	}
	if (ret == 0)
		ret = opening_finish(opening, &why);
	opening_free(opening);
	return ret;
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	static struct open_key key;
	if (key.key == NULL) {
		struct private_key *private_key = NULL;
		struct certificate *certificate = NULL;
		struct why why;
		if (private_key_parse(span_text(fuzz_key), &private_key, &why) <
			0 ||
		    certificate_parse(
			span_text(fuzz_certificate), &certificate, &why) < 0)
			abort();
		key = (struct open_key){certificate, private_key};
	}
	struct buf whole;
	struct buf steps;
	buf_init(&whole, 1u << 20);
	buf_init(&steps, 1u << 20);
	size_t step = size == 0 ? 1 : at[size - 1] % 37 + 1u;
	int one = open_in_steps(&key, span_of(at, size), size + 1, &whole);
	int many = open_in_steps(&key, span_of(at, size), step, &steps);
	/* which failure is seen first may depend on the steps */
	if ((one == 0) != (many == 0) ||
	    (one == 0 && !span_equal(buf_span(&whole), buf_span(&steps))))
		abort();
	buf_clear(&whole);
	buf_clear(&steps);
	return 0;
}
