/*
 * upload_priv - a resumable upload, and what its files share: upload.c (its
 * life, and finding it), upload_begin.c (POST), upload_bytes.c (PATCH).
 */
#pragma once

#include "relay/routes.h"
#include "relay/submission_priv.h"

struct upload {
	LIST_ENTRY(upload) entry;
	struct net *net;
	const struct caller *caller;
	struct id id;
	struct submission *submission;
	uint8_t key[SPOOL_HASH_SIZE];
	uint8_t fingerprint[SPOOL_HASH_SIZE];
	uint64_t offset; /* bytes taken */
	size_t part;     /* where in the envelope they ended */
	uint64_t part_offset;
	bool part_open;
	int64_t touched_ms; /* monotonic */
	/* the request that is bringing bytes; NULL between them */
	struct http_request *request;
	struct buf held;
	bool ended; /* of the request's body */
	bool all;   /* submission_end() was called */
};

LIST_HEAD(upload_list, upload);

struct upload_table {
	struct upload_list list;
	struct event *sweep;
};

/* ---- upload.c ---- */
void upload_free(struct upload *upload);
/* One's own, or NULL after a 404. */
struct upload *upload_find(const struct call *call);
/* The fields Upload-Offset and Upload-Length. */
void upload_offsets_add(
    struct http_request *request, const struct upload *upload);
/* Its submission was accepted or refused: that is the answer. */
void upload_answer_ended(
    struct http_request *request, struct upload *take_upload);

/* ---- upload_bytes.c ---- */
/* The submission's state may have changed: answer, or go on. */
void upload_look(struct upload *upload);
