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

/* courier_rules.c: what holds for every transfer. allow_private: to addresses
 * that are not public, and by http, too. False without memory. */
bool courier_rules_set(
    CURL *easy, const char *url, bool allow_private, long seconds);

/* net wants the keys of the token issuer. */
void courier_fetch_begin(struct courier *courier, struct role_peer *peer,
    const struct wire_frame *frame);
/* The peer left: nobody waits for its fetches. NULL: all of them. */
void courier_fetch_end(struct courier *courier, const struct role_peer *peer);
