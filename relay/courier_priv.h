/*
 * courier_priv - what the files of the courier role share.
 */
#pragma once

#include "relay/role.h"

#include <stdbool.h>
#include <sys/queue.h>

#include <curl/curl.h>

struct curl_slist;
struct event;

struct courier {
	struct role *role;
	CURLM *multi;
	struct event *timer;
	struct curl_slist *headers;
	LIST_HEAD(, post) posts;    /* under way */
	LIST_HEAD(, fetch) fetches; /* under way */
	size_t fetch_count;
	size_t notices; /* under way */
	bool leaving;
};

/* The first member of whatever CURLOPT_PRIVATE points to. done ends it. */
struct transfer {
	void (*done)(struct transfer *transfer, CURLcode result, long status);
};

/* Not a public address of the Internet. */
bool courier_is_private(const struct curl_sockaddr *address);

/* net wants the keys of the token issuer. */
void courier_fetch_begin(struct courier *courier, struct role_peer *peer,
    const struct wire_frame *frame);
/* The peer left: nobody waits for its fetches. NULL: all of them. */
void courier_fetch_end(struct courier *courier, const struct role_peer *peer);
