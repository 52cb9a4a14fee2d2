/*
 * checkpoint - what a log says of itself at one moment (C2SP tlog-checkpoint):
 * its origin, how many leaves it has, and the root over them. It is the text of
 * a note (formats/note.h).
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "formats/merkle.h"

struct checkpoint {
	struct span origin; /* lent */
	uint64_t size;
	struct merkle_hash root;
};

/* The text of a note. Lines after the third are passed over, as they say
 * nothing about the tree; they must not be empty. */
int checkpoint_parse(
    struct span text, struct checkpoint *checkpoint, struct why *why);

/* Append the three lines. */
void checkpoint_build(const struct checkpoint *checkpoint, struct buf *out);
