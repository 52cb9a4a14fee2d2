/*
 * tile - paths: one text for each tile, and no other.
 */
#include "formats/tile.h"

#include "base/text.h"

#include <string.h>

#define GROUP 1000
#define GROUP_DIGITS 3
#define GROUPS_MOST 6 /* 18 digits: under 2^63 */
#define PARTIAL ".p/"

void
tile_path_build(const struct tile *tile, struct buf *out)
{
	unsigned groups[GROUPS_MOST + 1];
	size_t count = 0;

	uint64_t rest = tile->index;
	do {
		groups[count++] = (unsigned)(rest % GROUP);
		rest /= GROUP;
	} while (rest > 0 && count < GROUPS_MOST);
	buf_printf(out, "%u/", tile->level);
	while (count-- > 0)
		buf_printf(out, count == 0 ? "%03u" : "x%03u/", groups[count]);
	if (tile->width < TILE_WIDTH)
		buf_printf(out, PARTIAL "%u", tile->width);
}

/* Take a number up to the mark, which is taken, too. */
static bool
number_take(struct span *text, char mark, uint64_t max, uint64_t *value)
{
	const uint8_t *end = memchr(text->at, mark, text->size);

	if (end == NULL)
		return false;
	size_t size = (size_t)(end - text->at);
	if (!number_parse(span_of(text->at, size), max, value))
		return false;
	text->at += size + 1;
	text->size -= size + 1;
	return true;
}

static bool
group_take(struct span *text, uint64_t *index)
{
	uint64_t group;

	if (text->size < GROUP_DIGITS ||
	    !number_parse(span_of(text->at, GROUP_DIGITS), GROUP - 1, &group))
		return false;
	*index = *index * GROUP + group;
	text->at += GROUP_DIGITS;
	text->size -= GROUP_DIGITS;
	return true;
}

static bool
index_take(struct span *text, uint64_t *index)
{
	*index = 0;
	for (size_t groups = 1; groups <= GROUPS_MOST; groups++) {
		bool is_last = text->size == 0 || text->at[0] != 'x';
		if (!is_last) {
			text->at++;
			text->size--;
		}
		if (!group_take(text, index))
			return false;
		if (is_last)
			return true;
		if (text->size == 0 || text->at[0] != '/')
			return false;
		text->at++;
		text->size--;
	}
	return false;
}

bool
tile_path_parse(struct span path, struct tile *tile)
{
	struct span text = path;
	uint64_t level, width = TILE_WIDTH;
	struct buf again;

	if (path.size == 0 ||
	    !number_take(&text, '/', TILE_LEVEL_MAX, &level) ||
	    !index_take(&text, &tile->index))
		return false;
	size_t mark = sizeof PARTIAL - 1;
	if (text.size > mark && memcmp(text.at, PARTIAL, mark) == 0) {
		if (!number_parse(span_of(text.at + mark, text.size - mark),
			TILE_WIDTH - 1, &width) ||
		    width == 0)
			return false;
	} else if (text.size > 0) {
		return false;
	}
	tile->level = (unsigned)level;
	tile->width = (unsigned)width;
	/* leading zeros and empty groups: another text for the same tile */
	buf_init(&again, 128);
	tile_path_build(tile, &again);
	bool same = buf_ok(&again) && span_equal(buf_span(&again), path);
	buf_clear(&again);
	return same;
}

unsigned
tile_width_in(unsigned level, uint64_t index, uint64_t size)
{
	uint64_t nodes = size >> (level * TILE_HEIGHT);

	if (nodes / TILE_WIDTH > index)
		return TILE_WIDTH;
	return nodes / TILE_WIDTH == index ? (unsigned)(nodes % TILE_WIDTH) : 0;
}
