#include "base/id.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void
random_fill(void *at, size_t size)
{
	uint8_t *p = at;
	while (size > 0) {
		ssize_t got = getrandom(p, size, 0);
		if (got <= 0)
			abort(); /* no entropy is no security: never go on */
		p += got;
		size -= (size_t)got;
	}
}

struct id
id_new(int64_t wall_ms)
{
	static int64_t last_ms;
	static uint16_t count;
	struct id id;
	random_fill(id.at, sizeof id.at);
	/* rand_a counts within a millisecond, so that ids stay in order */
	if (wall_ms <= last_ms) {
		wall_ms = last_ms;
		if (++count > 0x0FFF) {
			count = 0;
			wall_ms = ++last_ms;
		}
	} else {
		last_ms = wall_ms;
		count = 0;
	}
	for (int i = 0; i < 6; i++)
		id.at[i] = (uint8_t)((uint64_t)wall_ms >> (40 - 8 * i));
	id.at[6] = (uint8_t)(0x70 | count >> 8);
	id.at[7] = (uint8_t)count;
	id.at[8] = (uint8_t)(0x80 | (id.at[8] & 0x3F));
	return id;
}

void
id_build(char text[ID_TEXT_SIZE], const struct id *id)
{
	char hex[2 * ID_SIZE + 1];
	hex_build(hex, id->at, ID_SIZE);
	static const size_t ends[5] = {8, 12, 16, 20, 32};
	size_t from = 0;
	char *to = text;
	for (int i = 0; i < 5; i++) {
		memcpy(to, hex + from, ends[i] - from);
		to += ends[i] - from;
		*to++ = i < 4 ? '-' : '\0';
		from = ends[i];
	}
}

bool
id_parse(const char *text, struct id *id)
{
	char hex[2 * ID_SIZE + 1];
	size_t length = 0;
	if (strlen(text) != ID_TEXT_SIZE - 1)
		return false;
	for (size_t i = 0; i < ID_TEXT_SIZE - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash != (text[i] == '-') ||
		    (text[i] >= 'A' && text[i] <= 'F'))
			return false;
		if (!dash)
			hex[length++] = text[i];
	}
	hex[length] = '\0';
	return length == 2 * ID_SIZE && hex_parse(hex, id->at, ID_SIZE);
}

int64_t
id_time_ms(const struct id *id)
{
	int64_t ms = 0;
	for (int i = 0; i < 6; i++)
		ms = ms << 8 | id->at[i];
	return ms;
}

bool
id_equal(const struct id *a, const struct id *b)
{
	return memcmp(a->at, b->at, ID_SIZE) == 0;
}
