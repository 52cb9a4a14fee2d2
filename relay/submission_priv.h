/*
 * submission_priv - what the files of a submission share.
 *
 *   submission.c         its life: begin, end, refuse
 *   submission_accept.c  the one request that makes it durable
 *   submissions.c        what a net process keeps for all of them
 *   submission_check.c   the envelope against profile, caller, recipients
 *   submission_parts.c   one part: size, digest, scan, or kept for render
 *   submission_seal.c    one content for each recipient: package, seal, stage
 *   submission_sign.c    signatures of the packages that have one
 *   submission_render.c  documents from the payload; the attachment list
 */
#pragma once

#include "formats/package.h"
#include "formats/profile.h"
#include "keys/seal.h"
#include "relay/submission.h"

#include <openssl/types.h>

#include <sys/queue.h>

#define SUBMISSION_DOCUMENTS 4 /* document.pdf, .xhtml, .xml and .md */

/* A certificate to seal with, parsed once and kept while it is in use. */
struct sealer {
	uint8_t fingerprint[SPOOL_HASH_SIZE];
	struct certificate *certificate;
	unsigned used_by;
	uint64_t last_use;
};
#define SEALERS_MAX 256

LIST_HEAD(submission_list, submission);

/* What a net process keeps for all of them (net->uploads). */
struct uploads {
	struct profile_set profiles;
	struct submission_list running;
	size_t count;
	size_t contents; /* being sealed, of messages too big to go whole */
	uint64_t whole_bytes; /* of those that go whole */
	uint64_t kept_bytes;  /* of payloads and lists that wait for render */
	uint64_t in_flight;   /* bytes being staged, of all */
	uint64_t sessions;    /* scan sessions so far */
	uint64_t uses;        /* of sealers */
	struct sealer sealers[SEALERS_MAX];
	struct upload_table *table; /* resumable uploads */
};

/* One recipient's copy. */
struct content {
	struct submission *s;
	char recipient[SPOOL_ORG_SIZE];
	enum spool_form form;
	enum seal_suite suite;
	uint8_t certificate[SPOOL_HASH_SIZE];
	struct sealer *sealer;
	struct seal *seal;
	struct package_writer *package;
	EVP_MD_CTX *digest; /* of the package: the proof */
	uint8_t proof_hash[SPOOL_HASH_SIZE];
	struct buf gathered; /* sealed bytes, not yet staged */
	uint64_t staged;     /* sent to be staged */
	uint64_t in_flight;  /* of those, not yet answered */
	uint64_t size;
};

/* The part that is being given. */
struct part {
	size_t index; /* in the envelope; parts_count: none */
	bool open;
	bool kept; /* gathered in s->payload or s->list */
	uint64_t size;
	EVP_MD_CTX *sha256;
	EVP_MD_CTX *sha512; /* where the profile's list has such digests */
	bool scanned;
	uint64_t session;
	struct role_peer *scan; /* NULL once it left */
	struct buf scan_held;   /* bytes that scan is yet to be sent */
};

enum waiting { /* bits: for what it is paused or not yet done */
	WAIT_RENDER = 1 << 0,
	WAIT_SCAN_PEER = 1 << 1,  /* none was there when the part began */
	WAIT_SCAN_ROOM = 1 << 2,  /* the worker is behind */
	WAIT_STAGE_ROOM = 1 << 3, /* spool is behind */
	WAIT_LIST = 1 << 4,
	WAIT_ACCEPT = 1 << 5,
};

struct submission {
	LIST_ENTRY(submission) entry;
	struct net *net;
	const struct caller *caller;
	void (*changed)(void *arg);
	void *arg;
	bool dry_run;
	enum submission_state state;
	unsigned waiting; /* enum waiting */
	bool ended;       /* every part was given */
	bool asked;       /* the accept was asked for */
	bool orphan;      /* freed by its owner while the accept was asked */
	struct event *timer;
	struct event *notify;
	int64_t began_ms;      /* wall */
	int64_t wait_until_ms; /* monotonic, for WAIT_SCAN_PEER */

	uint8_t key[SPOOL_HASH_SIZE];
	bool has_key;
	uint8_t fingerprint[SPOOL_HASH_SIZE];
	struct envelope envelope;
	const struct profile *profile;
	struct id id;
	size_t list_index; /* of the attachment list; parts_count: none */

	struct buf payload; /* JSON, until it is rendered and packaged */
	struct buf list;
	bool list_checked;
	struct buf pdf;
	struct buf xhtml;
	struct buf xml;  /* empty when the message type does not want it */
	struct buf text; /* the same: document.md */
	uint64_t missing_glyphs;
	char glyphs[SPOOL_GLYPHS_SIZE]; /* which: "U+7533 U+1F600" */
	uint64_t unknown_values;
	bool fell_back; /* to the profile's language */
	uint64_t minimised_count;
	struct buf minimised; /* of evidence; empty when nothing was found */
	char (*sha512)[129];  /* by part, where the list has digests */

	struct package_file *files;
	size_t files_count;
	char **file_names; /* owned, of files */
	struct content *contents;
	size_t contents_count;
	bool sealing;         /* packages were begun */
	bool big;             /* counted in uploads->contents */
	uint64_t whole_bytes; /* counted in uploads->whole_bytes */
	uint64_t kept_bytes;  /* counted in uploads->kept_bytes */

	struct part part;
	unsigned scans_out; /* verdicts not yet there */
	unsigned stages_out;
	struct role_ask *sign_ask; /* signatures that are not yet there */
	struct net_ask *accept_ask;
	struct render_job *render_job;

	struct problem *problem;
	unsigned retry_s;
	struct id first; /* the message as accepted, the first one's on a repeat
			  */
	bool repeated;
	struct buf jws;
};

/* ---- submission.c ---- */
/* End it with a refusal; takes the problem (NULL: 500). Only the first counts.
 */
void submission_refuse(
    struct submission *s, struct problem *take_problem, unsigned retry_s);
/* The same from a failure that has no better words. */
void submission_fail(struct submission *s, const struct why *why);
/* Tell the owner, from the event loop. */
void submission_notify(struct submission *s);
/* Something waited for is there: tell the owner, or go on to the accept. */
void submission_proceed(struct submission *s);
void submission_wait(struct submission *s, unsigned for_what);
void submission_waited(struct submission *s, unsigned for_what);

/* ---- submission_accept.c ---- */
void submission_accept(struct submission *s);

/* ---- upload.c: resumable uploads, see upload_priv.h ---- */
int upload_table_open(struct net *net, struct why *why);
void upload_table_close(struct net *net);

/* ---- submission_http.c ---- */
struct call;
/* The Idempotency-Key, lent; NULL after an answer that it is missing. */
const char *submission_key(const struct call *call);

/* ---- submission_check.c ---- */
/* All that is known before the first byte of a part. False: refused. */
bool submission_check(struct submission *s);
/* How the profile reads each part. */
bool submission_part_is_payload(const struct submission *s, size_t index);

/* ---- submission_seal.c ---- */
/* Contents for all recipients, with their certificates, found in the view by
 * submission_check.c; begins packages with all files known. */
bool submission_seal_begin(struct submission *s);
bool submission_seal_whole(struct submission *s, struct span bytes);
bool submission_seal_part_begin(struct submission *s);
bool submission_seal_data(struct submission *s, struct span bytes);
bool submission_seal_part_end(struct submission *s);
bool submission_seal_finish(struct submission *s);
void submission_seal_clear(struct submission *s);
/* Have erased what was staged and is nobody's. */
void submission_stages_drop(struct submission *s);
struct sealer *sealer_get(struct net *net,
    const uint8_t fingerprint[SPOOL_HASH_SIZE], struct span der,
    struct why *why);
void sealer_put(struct sealer *sealer); /* NULL is fine */
void sealers_clear(struct uploads *uploads);

/* ---- submission_sign.c ---- */
/* Ask for the signatures that the packages need, if any: s->sign_ask. */
int submission_sign_ask(struct submission *s, struct why *why);
void submission_sign_cancel(struct submission *s);
/* For a package's writer, which is done with it when it has begun. */
extern const struct package_sha256 submission_sha256;

/* ---- submission_render.c ---- */
void submission_render_ask(struct submission *s);
void submission_list_ask(struct submission *s);

/* ---- submission_parts.c ---- */
void submission_part_clear(struct submission *s);
/* Payload and list are no longer held. */
void submission_kept_release(struct submission *s);
/* WAIT_SCAN_PEER: look again. */
void submission_scan_again(struct submission *s);
