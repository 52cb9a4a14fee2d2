/*
 * client - calls to a relay's native API over HTTPS (libcurl).
 *
 * Every call may be repeated harmlessly, so that a call which fails for a
 * passing reason (no connection, 429, 502, 503, 504) is tried again with
 * growing pauses, as long as the client's patience lasts. TLS 1.2 or newer; the
 * relay's certificate is always checked against `ca` (or the system's
 * authorities); redirects are not followed.
 *
 * SECURITY: reads what a relay answers, at most CLIENT_ANSWER_BYTES of JSON;
 * content goes to the caller's sink.
 */
#pragma once

#include "base/buf.h"
#include "base/sink.h"
#include "base/why.h"
#include "tools/client_file.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define CLIENT_ANSWER_BYTES (32u << 20)
#define CLIENT_HEADERS_MAX 8
#define CLIENT_PATIENCE_SECONDS 30

struct client;

/* Read the client file and get ready; nothing is sent yet. */
int client_open(const char *path, struct client **out, struct why *why);
void client_close(struct client *client); /* NULL is fine */

const struct client_file *client_settings(const struct client *client);
/* Seconds that passing failures are tried again; 0: one try. */
void client_patience_set(struct client *client, unsigned seconds);

/* A body that is read from somewhere, from any offset on. */
struct client_source {
	/* Up to size bytes from offset on into at; *got 0 only at the end. */
	int (*read)(void *arg, uint64_t offset, void *at, size_t size,
	    size_t *got, struct why *why);
	uint64_t size;
	void *arg;
};

/* A part of a multipart/form-data body. */
struct client_part {
	const char *name;
	const char *filename; /* NULL: none */
	const char *media_type;
	struct span bytes; /* used when source.read is NULL */
	struct client_source source;
};

struct client_answer {
	long status;
	char content_type[128];
	char etag[256];
	char location[512];
	int64_t upload_offset; /* -1: none */
	int64_t range_from;    /* of Content-Range; -1: none */
	int64_t retry_after;   /* seconds; -1: none */
	int64_t date;          /* of the relay, seconds since 1970; -1: none */
	struct buf body;
	json_t *json; /* of a JSON answer; NULL else */
	bool passing; /* of a failure: the same call may succeed later */
	/* From problem+json, "" when it says nothing: */
	char problem[64]; /* its code */
	char party[16];   /* sender, recipient or relay */
};

struct client_call {
	const char *method;                      /* "GET", ... */
	const char *path;                        /* with the query, from "/" */
	const char *headers[CLIENT_HEADERS_MAX]; /* "Name: value"; NULL ends */
	const char *media_type;                  /* of the body */
	struct span body;                        /* or */
	struct client_source source; /* ... from from_offset on, or */
	uint64_t from_offset;
	const struct client_part *parts; /* a multipart body */
	size_t parts_count;
	const struct sink *sink; /* gets the body of a 200 or 206; NULL: kept */
	/* Asked when the answer to a call with a sink begins: status 200 or
	 * 206. May be NULL. */
	int (*begins)(
	    void *arg, const struct client_answer *answer, struct why *why);
	void *arg; /* for begins and moved */
	void (*moved)(void *arg, uint64_t sent, uint64_t received);
	unsigned wait_seconds; /* that the relay may take before it answers */
	bool once;             /* never try again: the caller does */
};

/*
 * One call. 0 for a status below 400 (answer->json or the sink has it).
 * Otherwise why holds the sentence, with every finding of the problem in it
 * that fits; a status of 0 means that there was no answer at all. Codes:
 * WHY_GONE, WHY_BUSY, WHY_FULL (temporary); WHY_DENIED 401 403, WHY_NOT_FOUND
 * 404, WHY_STATE 409, WHY_TOO_LARGE 413, WHY_CRYPTO for proof-wrong, else
 * WHY_INVALID. Clear the answer in every case.
 */
int client_do(struct client *client, const struct client_call *call,
    struct client_answer *answer, struct why *why);
void client_answer_clear(struct client_answer *answer);

/* GET a JSON object. */
int client_get(struct client *client, struct client_answer *answer,
    struct why *why, const char *path_format, ...)
    __attribute__((format(printf, 4, 5)));

/* Send a JSON body (NULL: none). */
int client_send(struct client *client, const char *method, const json_t *body,
    struct client_answer *answer, struct why *why, const char *path_format, ...)
    __attribute__((format(printf, 6, 7)));

/*
 * Tell a failed call: the sentence, each finding on a line of its own, and the
 * object of --json with the relay's code. Returns the exit code.
 */
int client_say_failure(
    const struct client_answer *answer, const struct why *why);
/* The same as a member for a bigger object: {"code","status","title",...}. */
json_t *client_failure_object(
    const struct client_answer *answer, const struct why *why);

/* True when the process was asked to stop (SIGINT, SIGTERM); calls then end
 * with WHY_GONE. client_stoppable() installs the handlers. */
void client_stoppable(void);
bool client_stopped(void);
