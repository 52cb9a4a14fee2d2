/* What a taken-over role may send: any bytes as a stream of frames. */
#include "formats/wire.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

static void
body_read(struct span body)
{
	struct wire_in in = wire_open(body);
	char text[64];
	struct why why;
	while (!in.failed && in.rest.size > 0) {
		switch (wire_u8(&in) % 6) {
		case 0:
			(void)wire_bytes(&in);
			break;
		case 1:
			wire_chars(&in, text, sizeof text);
			break;
		case 2:
			(void)wire_id(&in);
			break;
		case 3:
			(void)wire_count(&in, 3);
			break;
		case 4:
			(void)wire_bool(&in);
			break;
		default:
			(void)wire_u64(&in);
		}
	}
	assert(wire_get_why(body, &why) < 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	struct wire_frame frame;
	struct why why;
	size_t used;
	while (wire_frame_parse(span_of(at, size), 4096, &frame, &used, &why) ==
		   0 &&
	       used > 0) {
		assert(used <= size && frame.body.size <= 4096);
		body_read(frame.body);
		at += used;
		size -= used;
	}
	return 0;
}
