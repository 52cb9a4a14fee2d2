/*
 * sink - where a producer puts its bytes, piece by piece.
 *
 * A filter (package writer, sealing, opening) is given one and calls it with
 * pieces in order. The bytes are lent for the call.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

struct sink {
	/* 0, or a negative code with the sentence in why; after a failure the
	 * producer stops and returns the same code. */
	int (*write)(void *context, struct span bytes, struct why *why);
	void *context;
};
