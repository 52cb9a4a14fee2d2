/*
 * courier_fetch - the keys of the issuer of access tokens: its metadata
 * (RFC 8414), then the JWKS that the metadata names.
 *
 * SECURITY: goes nowhere but to the configured issuer's own host, by https with
 * its certificate checked, to a public address; plain http and loopback only
 * with environment = test. Follows no redirect. The answers are bounded, and
 * handed on as bytes: net reads them as hostile.
 */
#include "formats/json.h"
#include "relay/courier_priv.h"
#include "relay/courier_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FETCHES_MAX 4
#define URL_BYTES 1024
#define WELL_KNOWN ".well-known/oauth-authorization-server"
#define JSON_DEPTH 16
#define JSON_VALUES 2000

struct fetch {
	struct transfer transfer;
	LIST_ENTRY(fetch) among;
	struct courier *courier;
	struct role_peer *peer;
	uint64_t request;
	CURL *easy;
	struct buf answer;
	bool is_second; /* the keys, after the metadata */
	char error[CURL_ERROR_SIZE];
};

static bool
is_test(const struct courier *courier)
{
	return strcmp(courier->role->conf->environment, "test") == 0;
}

/* ---- the end ---- */

static void
fetch_free(struct fetch *fetch)
{
	struct courier *courier = fetch->courier;

	LIST_REMOVE(fetch, among);
	courier->fetch_count--;
	if (fetch->easy != NULL) {
		(void)curl_multi_remove_handle(courier->multi, fetch->easy);
		curl_easy_cleanup(fetch->easy);
	}
	buf_clear(&fetch->answer);
	free(fetch);
}

static void
fetch_fail(struct fetch *fetch, const struct why *why)
{
	(void)channel_refuse(fetch->peer->channel, fetch->request, why);
	fetch_free(fetch);
}

void
courier_fetch_end(struct courier *courier, const struct role_peer *peer)
{
	struct fetch *next;

	for (struct fetch *fetch = LIST_FIRST(&courier->fetches); fetch != NULL;
	     fetch = next) {
		next = LIST_NEXT(fetch, among);
		if (peer == NULL || fetch->peer == peer)
			fetch_free(fetch);
	}
}

/* ---- one GET ---- */

static size_t
on_bytes(char *at, size_t size, size_t count, void *arg)
{
	struct fetch *fetch = arg;

	buf_add(&fetch->answer, at, size * count);
	return buf_ok(&fetch->answer) ? size * count : 0;
}

static bool
easy_set(struct fetch *fetch, const char *url)
{
	const struct conf *conf = fetch->courier->role->conf;
	CURL *easy = fetch->easy;

	return courier_rules_set(easy, url, is_test(fetch->courier),
		   (long)conf->limits.notice_seconds) &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes) ==
		   CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->error) ==
		   CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch) == CURLE_OK;
}

static int
get_begin(struct fetch *fetch, const char *url, struct why *why)
{
	struct courier *courier = fetch->courier;

	buf_reset(&fetch->answer);
	fetch->easy = curl_easy_init();
	if (fetch->easy != NULL && easy_set(fetch, url) &&
	    curl_multi_add_handle(courier->multi, fetch->easy) == CURLM_OK)
		return 0;
	curl_easy_cleanup(fetch->easy);
	fetch->easy = NULL;
	return why_set(why, WHY_NOMEM, "the issuer: cannot be asked");
}

/* ---- the metadata ---- */

/* "https://host/" of a URL: how many octets, 0 when it has no such part. */
static size_t
origin_size(const char *url)
{
	const char *host = strstr(url, "://");
	const char *end = host == NULL ? NULL : strchr(host + 3, '/');

	return end == NULL ? 0 : (size_t)(end - url) + 1;
}

static bool
same_host(const char *issuer, const char *url)
{
	char with_slash[URL_BYTES + 1];

	(void)snprintf(with_slash, sizeof with_slash, "%s/", issuer);
	size_t size = origin_size(with_slash);
	return size > 0 && strncmp(with_slash, url, size) == 0;
}

static int
keys_url_read(struct fetch *fetch, char url[URL_BYTES], struct why *why)
{
	const struct json_bounds bounds = {COURIER_KEYS_BYTES, JSON_DEPTH};
	const char *issuer = fetch->courier->role->conf->token_issuer;
	struct span text = buf_span(&fetch->answer);
	json_t *json = NULL;
	int code = json_values_check(text, JSON_VALUES, why);

	if (code == 0)
		code = json_object_read(text, &bounds, &json, why);
	if (code < 0)
		return code;
	const char *said = json_string_value(json_object_get(json, "issuer"));
	const char *keys = json_string_value(json_object_get(json, "jwks_uri"));
	if (said == NULL || strcmp(said, issuer) != 0)
		code = why_set(why, WHY_INVALID,
		    "the issuer: its metadata are of another");
	else if (keys == NULL || strlen(keys) >= URL_BYTES ||
		 !same_host(issuer, keys))
		code = why_set(why, WHY_INVALID,
		    "the issuer: jwks_uri is not on its host");
	else
		(void)snprintf(url, URL_BYTES, "%s", keys);
	json_decref(json);
	return code;
}

static void
on_done(struct transfer *transfer, CURLcode result, long status)
{
	struct fetch *fetch = (struct fetch *)transfer;
	struct courier *courier = fetch->courier;
	char url[URL_BYTES];
	struct why why = {0};

	(void)curl_multi_remove_handle(courier->multi, fetch->easy);
	curl_easy_cleanup(fetch->easy);
	fetch->easy = NULL;
	if (result != CURLE_OK)
		(void)why_set(&why, WHY_GONE, "the issuer: %s",
		    fetch->error[0] != '\0' ? fetch->error
					    : curl_easy_strerror(result));
	else if (status != 200)
		(void)why_set(&why, WHY_GONE,
		    "the issuer: answered %ld, expected 200", status);
	else if (!fetch->is_second && keys_url_read(fetch, url, &why) == 0) {
		fetch->is_second = true;
		if (get_begin(fetch, url, &why) == 0)
			return;
	}
	if (why.code != 0) {
		fetch_fail(fetch, &why);
		return;
	}
	(void)channel_answer(fetch->peer->channel, fetch->request, COURIER_KEYS,
	    0, buf_span(&fetch->answer));
	fetch_free(fetch);
}

/* ---- the beginning ---- */

static int
metadata_get(struct fetch *fetch, struct why *why)
{
	const char *issuer = fetch->courier->role->conf->token_issuer;
	size_t size = strlen(issuer);
	char url[URL_BYTES];
	const char *slash = issuer[size - 1] == '/' ? "" : "/";

	if (size + sizeof(WELL_KNOWN) + 1 >= sizeof(url))
		return why_set(why, WHY_TOO_LARGE, "the issuer: too long");
	(void)snprintf(url, sizeof(url), "%s%s" WELL_KNOWN, issuer, slash);
	return get_begin(fetch, url, why);
}

void
courier_fetch_begin(struct courier *courier, struct role_peer *peer,
    const struct wire_frame *frame)
{
	const char *issuer = courier->role->conf->token_issuer;
	struct why why = {0};

	/* after a reload net may be of another configuration than courier */
	if (*issuer == '\0' || !span_is(frame->body, issuer)) {
		(void)why_set(&why, WHY_DENIED, "not the issuer of courier");
		(void)channel_refuse(peer->channel, frame->request, &why);
		return;
	}
	struct fetch *fetch = courier->fetch_count < FETCHES_MAX
				  ? calloc(1, sizeof *fetch)
				  : NULL;
	if (fetch == NULL) {
		(void)why_set(&why, WHY_BUSY, "too many fetches at once");
		(void)channel_refuse(peer->channel, frame->request, &why);
		return;
	}
	fetch->transfer.done = on_done;
	fetch->courier = courier;
	fetch->peer = peer;
	fetch->request = frame->request;
	buf_init(&fetch->answer, COURIER_KEYS_BYTES);
	LIST_INSERT_HEAD(&courier->fetches, fetch, among);
	courier->fetch_count++;
	if (metadata_get(fetch, &why) != 0)
		fetch_fail(fetch, &why);
}
