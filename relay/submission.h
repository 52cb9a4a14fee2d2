/*
 * submission - one message on its way in, from its envelope to the receipt.
 *
 *   envelope -> look-ups -> payload -> render -> packages and seals begin
 *   -> attachments through digest, scan, package, seal -> stages -> accept
 *
 * It does not know whether its bytes come as multipart (submission_http.c) or
 * through a resumable upload (upload.c): the owner gives it parts in the
 * envelope's order, stops while it is paused, and looks at its state whenever
 * changed() is called. Nothing of it exists anywhere durable before the accept;
 * what was staged is dropped, or swept.
 *
 * SECURITY: carries foreign bytes through; parses only the envelope. The
 * payload is read by render, attachments by scan.
 */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "base/why.h"
#include "formats/envelope.h"
#include "relay/net.h"
#include "relay/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct submission;

enum submission_state {
	SUBMISSION_RUNNING,  /* give it more */
	SUBMISSION_PAUSED,   /* give it nothing until changed() */
	SUBMISSION_WAITING,  /* all was given; the outcome comes */
	SUBMISSION_ACCEPTED, /* durable: submission_answer() */
	SUBMISSION_REFUSED,  /* submission_problem() */
};

/* What an owner asks for. */
struct submission_ask {
	const struct caller *caller;
	struct span key;      /* Idempotency-Key; may be empty on a dry run */
	struct span envelope; /* JSON */
	bool dry_run;         /* check and render; seal and store nothing */
	/* From the event loop, never from inside a call of the owner: the state
	 * may have changed. */
	void (*changed)(void *arg);
	void *arg;
};

/* Before the jail: loads the profiles. net->uploads is set. */
int submissions_open(struct net *net, struct why *why);
void submissions_close(struct net *net);
/* For the hooks of the role. */
void submissions_peer_taken(struct net *net, struct role_peer *peer);
void submissions_peer_left(struct net *net, struct role_peer *peer);
/* How many are under way; a draining net waits for 0. */
size_t submissions_count(const struct net *net);

/*
 * Begin. Always gives a submission (or NULL without memory): it may be refused
 * at once, or accepted at once when the key was used for the same message.
 */
struct submission *submission_new(
    struct net *net, const struct submission_ask *ask);
/* Forget it in any state; before the accept was asked for, nothing is stored.
 * After that the outcome is spool's. */
void submission_free(struct submission *s); /* NULL is fine */

enum submission_state submission_state(const struct submission *s);
const struct envelope *submission_envelope(const struct submission *s);
const char *submission_organisation(const struct submission *s);
bool submission_key_is(const struct submission *s, const struct caller *caller,
    const uint8_t key[32], const uint8_t fingerprint[32]);

/* The next part begins. name and filename as a multipart gives them, compared
 * with the envelope; NULL: not given. */
void submission_part_begin(
    struct submission *s, const char *name, const char *filename);
/* Any size while the state is RUNNING. */
void submission_part_data(struct submission *s, struct span bytes);
void submission_part_end(struct submission *s);
/* Every part was given. */
void submission_end(struct submission *s);

/* The whole 201 (or 200 of a dry run) as JSON text, appended. */
unsigned submission_answer(struct submission *s, struct buf *out);
/* "/v1/messages/ID"; NULL on a dry run. Lent until the next call. */
const char *submission_location(const struct submission *s);
/* The refusal, the caller's; once. retry_s: seconds for Retry-After. */
struct problem *submission_problem(struct submission *s, unsigned *retry_s);

/* True when this key's first submission is still under way: WHY it cannot be
 * begun again is 409 idempotency-in-progress. */
struct submission *submission_running(
    struct net *net, const struct caller *caller, const uint8_t key[32]);
