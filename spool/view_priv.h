/*
 * view_priv - what the reading files of spool/ share.
 */
#pragma once

#include "spool/spool_priv.h"

struct spool_view {
	struct store own; /* opened by the view itself; env NULL: not */
	const struct store *store; /* its own, or the writer's */
	struct txn txn;
	bool open;
};

/* WHY_NOT_FOUND for what was asked, unless the store failed. */
int view_miss(struct spool_view *view, const char *what, struct why *why);
