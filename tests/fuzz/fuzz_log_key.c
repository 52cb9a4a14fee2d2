/* The line of a log's public key, and the path of a tile: what is accepted has
 * one spelling. */
#include "formats/tile.h"
#include "keys/log_key.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

static void
key_try(struct span line, struct buf *again)
{
	struct log_public_key key;
	struct why why = {0};

	int code = log_public_key_parse(line, &key, &why);
	assert(code == 0 || why.text[0] != '\0');
	if (code != 0)
		return;
	log_public_key_build(&key, again);
	/* the id's hex digits may be of either case */
	assert(buf_ok(again) && again->size == line.size);
}

static void
tile_try(struct span path, struct buf *again)
{
	struct tile tile;

	if (!tile_path_parse(path, &tile))
		return;
	assert(tile.width > 0 && tile.width <= TILE_WIDTH);
	tile_path_build(&tile, again);
	assert(span_equal(buf_span(again), path));
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	struct buf again;

	buf_init(&again, LOG_KEY_LINE_MAX);
	key_try(span_of(at, size), &again);
	buf_reset(&again);
	tile_try(span_of(at, size), &again);
	buf_clear(&again);
	return 0;
}
