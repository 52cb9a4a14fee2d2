/*
 * fetch - one message from a mailbox into a folder: download, open, verify,
 * store, confirm.
 *
 * Everything unfinished lies in DIR/.part/ID/ and may be gone on with, or
 * thrown away, after any break. DIR/ID/ appears by one rename, with every byte
 * in it synced; only then is the message confirmed.
 */
#pragma once

#include "base/why.h"
#include "keys/open.h"
#include "tools/client.h"
#include "tools/client_file.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum fetch_reject {
	FETCH_REJECT_TEMPORARY, /* say that it cannot be opened; it waits on */
	FETCH_REJECT_PERMANENT, /* say so for good: a final outcome */
	FETCH_REJECT_NEVER
};

struct fetch {
	struct client *client;
	const char *recipient; /* whose mailbox */
	const char *out;       /* DIR, for the reference command */
	int out_fd;
	int part_fd;
	bool keep_sealed;
	const char *reference;         /* or NULL */
	const char *reference_command; /* or NULL */
	enum fetch_reject reject;
	unsigned patience_seconds;
	struct open_key keys[CLIENT_FILE_SEALS]; /* lent */
	size_t keys_count;
	const struct anchors *anchors; /* for receipts; NULL: not verified */
};

/* What became of one message. */
struct fetch_result {
	bool stored;    /* DIR/ID/ is there */
	bool confirmed; /* and the relay knows */
	bool rejected;  /* the relay was told that it cannot be opened */
	bool recalled;  /* by its sender, after it was listed: no failure */
	struct client_answer answer; /* of the call that failed, if one did */
};

/* Clear result->answer with client_answer_clear() in every case. */
int fetch_message(struct fetch *fetch, const char *id,
    struct fetch_result *result, struct why *why);

/* ---- the steps, by file ---- */

/* One message under way. */
struct fetching {
	struct fetch *fetch;
	const char *id;
	int dir_fd;     /* DIR/.part/ID */
	json_t *detail; /* what the relay says about it */
	uint64_t size;  /* sealed bytes */
	bool resumed;   /* some of the sealed bytes are from an earlier try */
	char proof[65]; /* once opened */
	struct fetch_result *result;
};

/* fetch_download.c: DIR/.part/ID/sealed.cms, whole. */
int fetch_download(struct fetching *fetching, struct why *why);
/* fetch_open.c: sealed.cms to package.zip, and its digest: the proof. */
int fetch_open(struct fetching *fetching, struct why *why);
/* fetch_unpack.c: package.zip to out/, every file verified and synced. */
int fetch_unpack(struct fetching *fetching, struct why *why);
/* fetch_confirm.c: tell the relay, keep its receipt as DIR/ID/receipt.json. */
int fetch_confirm(struct fetching *fetching, struct why *why);
/* Tell the relay that the message cannot be opened. */
int fetch_reject(struct fetching *fetching, int code, struct why *why);
