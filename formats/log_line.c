#include "formats/log_line.h"

#include "base/text.h"

#include <string.h>

bool
log_line_take(struct span *text, struct span *line)
{
	const uint8_t *end =
	    text->size == 0 ? NULL : memchr(text->at, '\n', text->size);

	if (end == NULL)
		return false;
	size_t size = (size_t)(end - text->at);
	*line = span_of(text->at, size);
	text->at += size + 1;
	text->size -= size + 1;
	return true;
}

bool
log_line_number(struct span line, uint64_t *value)
{
	if (line.size > 1 && line.at[0] == '0')
		return false;
	return number_parse(line, MERKLE_SIZE_MAX, value);
}

bool
log_line_hash(struct span line, struct merkle_hash *hash)
{
	struct buf octets;

	buf_init(&octets, MERKLE_HASH_SIZE);
	bool good =
	    base64_parse(&octets, line) && octets.size == MERKLE_HASH_SIZE;
	if (good)
		memcpy(hash->at, octets.at, MERKLE_HASH_SIZE);
	buf_clear(&octets);
	return good;
}

void
log_line_hash_build(const struct merkle_hash *hash, struct buf *out)
{
	base64_build(out, span_of(hash->at, MERKLE_HASH_SIZE));
	buf_add_byte(out, '\n');
}
