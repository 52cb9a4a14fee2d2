/*
 * tile - where a log's hashes stand, as C2SP tlog-tiles names it.
 *
 * Tile N of level L has up to 256 hashes: of the complete nodes at height 8 L,
 * from index 256 N on. Its path is "L/N" or, for one with W < 256 of them,
 * "L/N.p/W"; N is cut into groups of three digits: 1234067 is x001/x234/067.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define TILE_WIDTH 256
#define TILE_HEIGHT 8
#define TILE_LEVEL_MAX 7 /* height 56: no tree is higher than 63 */

struct tile {
	unsigned level;
	uint64_t index;
	unsigned width; /* 1 .. TILE_WIDTH hashes */
};

void tile_path_build(const struct tile *tile, struct buf *out);
/* Exactly what tile_path_build() writes. */
bool tile_path_parse(struct span path, struct tile *tile);

/* How many hashes a tile has in the tree of this size, at most TILE_WIDTH. */
unsigned tile_width_in(unsigned level, uint64_t index, uint64_t size);
