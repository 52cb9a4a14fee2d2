/* The request reader: any split of the bytes must tell the same story. */
#include "relay/http_parse.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint64_t
story(const uint8_t *at, size_t size, size_t piece)
{
	static const struct http_reader_limits limits = {256, 512, 20};
	struct http_reader reader;
	struct span body;
	uint64_t sum = 14695981039346656037u;
	size_t used;

	http_reader_init(&reader, &limits);
	for (;;) {
		size_t give = size < piece ? size : piece;
		enum http_event event =
		    http_reader_feed(&reader, span_of(at, give), &used, &body);
		assert(used <= give);
		at += used;
		size -= used;
		for (size_t i = 0; i < body.size; i++)
			sum = (sum ^ body.at[i]) * 1099511628211u;
		if (event == HTTP_EVENT_REFUSED)
			break;
		if (event == HTTP_EVENT_MORE) {
			assert(used == give);
			if (size == 0)
				break;
		}
		if (event == HTTP_EVENT_HEAD || event == HTTP_EVENT_END)
			sum = (sum ^ (0x100u + event)) * 1099511628211u;
		if (event == HTTP_EVENT_HEAD)
			assert(reader.head.path[0] == '/');
		if (event == HTTP_EVENT_END)
			http_reader_next(&reader);
	}
	sum ^= reader.status;
	http_reader_clear(&reader);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	uint64_t whole = story(at, size, size + 1);
	assert(whole == story(at, size, 1) || size == 0);
	return 0;
}
