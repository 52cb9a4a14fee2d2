/*
 * Any bytes as JSON to XML and back, and as XML to JSON, to XML and back: what
 * is taken comes back as it was.
 */
#include "formats/json_xml.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

static void
packed(struct span json, struct buf *out)
{
	bool quoted = false;

	for (size_t i = 0; i < json.size; i++) {
		uint8_t c = json.at[i];

		if (quoted && c == '\\')
			buf_add_byte(out, json.at[i++]);
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted &&
			 (c == ' ' || c == '\t' || c == '\r' || c == '\n'))
			continue;
		buf_add_byte(out, json.at[i]);
	}
}

static void
there_and_back(struct span json, const struct limits *limits)
{
	struct buf xml, back, wish;
	struct why why;

	buf_init(&xml, 64 << 20);
	buf_init(&back, 8 << 20);
	buf_init(&wish, 8 << 20);
	if (json_xml_build(json, limits, &xml, &why) == 0) {
		packed(json, &wish);
		if (json_xml_parse(buf_span(&xml), limits, &back, &why) < 0 ||
		    !span_equal(buf_span(&back), buf_span(&wish)))
			abort();
	}
	buf_clear(&xml);
	buf_clear(&back);
	buf_clear(&wish);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	struct limits limits;
	struct buf json;
	struct why why;

	limits_init(&limits);
	there_and_back(span_of(at, size), &limits);
	buf_init(&json, 8 << 20);
	if (json_xml_parse(span_of(at, size), &limits, &json, &why) == 0) {
		struct span text = buf_span(&json);
		struct buf xml;

		buf_init(&xml, 64 << 20);
		if (json_xml_build(text, &limits, &xml, &why) < 0)
			abort();
		buf_clear(&xml);
		there_and_back(text, &limits);
	}
	buf_clear(&json);
	return 0;
}
