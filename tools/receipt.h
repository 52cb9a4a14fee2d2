/*
 * receipt - evidence as clients keep it: read, verified, written.
 *
 * A file is a compact JWS, or a JSON object that has it as "receipt" or a list
 * of them as "evidence" (that is what the API answers and what send and fetch
 * write).
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"
#include "keys/certificate.h"

#include <jansson.h>
#include <stddef.h>

#define RECEIPT_FILE_BYTES (16u << 20)

/* What verified evidence says. */
struct receipt {
	json_t *payload;       /* the signed object */
	const char *id;        /* texts live as long as payload; never NULL */
	const char *level;     /* accepted, fetched, imported ... */
	const char *message;   /* id */
	const char *time;      /* RFC 3339 */
	const char *recipient; /* "" for several */
};

/* Anchors from a PEM file. */
int receipt_anchors(const char *path, struct anchors **out, struct why *why);

/*
 * Verify one compact JWS: signature, chain to an anchor, the signer's
 * certificate in force at the time the evidence names, and the members that
 * every evidence has. WHY_CRYPTO for each of these that fails. Clear it in
 * every case.
 */
int receipt_verify(struct span compact, const struct anchors *anchors,
    struct receipt *receipt, struct why *why);
void receipt_clear(struct receipt *receipt);

/* The compact JWSs in a file's text: a JSON array of texts, the caller's. */
int receipt_list(struct span text, json_t **list, struct why *why);
