/*
 * The HTTP server in a thread, provoked by plain clients.
 */
#include "tests/support/http_site.h"

#include "base/clock.h"
#include "base/text.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define POST(path, fields) "POST " path " HTTP/1.1\r\nHost: h\r\n" fields "\r\n"

static struct site site;

static void
begin(void)
{
	site_init(&site);
	site_start(&site);
}

static int
after(void **state)
{
	(void)state;
	site_stop(&site);
	return 0;
}

/* The next answer has this status and holds this text. */
static void
expect(struct client *client, const char *status, const char *text)
{
	char *answer = client_answer(client, true);

	assert_non_null(answer);
	if (strncmp(answer + 9, status, strlen(status)) != 0)
		fail_msg("wanted %s, got: %.200s", status, answer);
	if (text && !strstr(answer, text))
		fail_msg("wanted \"%s\" in: %.400s", text, answer);
	free(answer);
}

/* ---- the table ---- */

struct row {
	const char *name;
	const char *bytes;
	const char *status;
};

static const struct row rows[] = {
    {"Content-Length abc", POST("/echo", "Content-Length: abc\r\n"), "400"},
    {"Content-Length -5", POST("/echo", "Content-Length: -5\r\n"), "400"},
    {"Content-Length +3", POST("/echo", "Content-Length: +3\r\n") "abc", "400"},
    {"Content-Length 3 3", POST("/echo", "Content-Length: 3 3\r\n") "abc",
	"400"},
    {"Content-Length 2^64+3",
	POST("/echo", "Content-Length: 18446744073709551619\r\n") "abc", "400"},
    {"two Content-Lengths, equal",
	POST("/echo", "Content-Length: 3\r\nContent-Length: 3\r\n") "abc",
	"400"},
    {"two Content-Lengths, different",
	POST("/echo", "Content-Length: 3\r\nContent-Length: 9\r\n") "abc",
	"400"},
    {"chunked and Content-Length",
	POST("/echo",
	    "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n") "0\r\n\r\n",
	"400"},
    {"Content-Length and chunked",
	POST("/echo",
	    "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n") "0\r\n\r\n",
	"400"},
    {"xchunked", POST("/echo", "Transfer-Encoding: xchunked\r\n") "0\r\n\r\n",
	"501"},
    {"chunked, identity",
	POST("/echo", "Transfer-Encoding: chunked, identity\r\n") "0\r\n\r\n",
	"501"},
    {"space before the colon",
	POST("/echo",
	    "Transfer-Encoding : chunked\r\nContent-Length: 3\r\n") "abc",
	"400"},
    {"folded Transfer-Encoding",
	POST("/echo",
	    "Transfer-Encoding:\r\n chunked\r\nContent-Length: 3\r\n") "abc",
	"400"},
    {"chunk size -1", POST("/echo", "Transfer-Encoding: chunked\r\n") "-1\r\n",
	"400"},
    {"chunk size 2^64+3",
	POST("/echo", "Transfer-Encoding: chunked\r\n") "10000000000000003\r\n",
	"413"},
    {"chunk size that is not hex",
	POST("/echo", "Transfer-Encoding: chunked\r\n") "xyz\r\n", "400"},
    {"bare LF", "GET /hello HTTP/1.1\nHost: h\n\n", "400"},
    {"bare LF in chunk framing",
	POST("/echo", "Transfer-Encoding: chunked\r\n") "3\nabc\r\n0\r\n\r\n",
	"400"},
    {"no Host", "GET /hello HTTP/1.1\r\n\r\n", "400"},
    {"two Hosts", "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
    {"HTTP/1.0 with chunked, then a pipelined request",
	"POST /echo HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
	"0\r\n\r\n" GET("/hello"),
	"400"},
};

static void
each_row_of_the_framing_table_is_refused_and_closed(void **state)
{
	(void)state;
	begin();
	int count = (int)(sizeof(rows) / sizeof(rows[0]));
	for (int i = 0; i < count; i++) {
		struct client client;
		client_open(&client, &site);
		client_say(&client, rows[i].bytes);
		char *answer = client_answer(&client, true);
		if (!answer || strncmp(answer + 9, rows[i].status, 3) != 0)
			fail_msg("%s: %s", rows[i].name,
			    answer ? answer : "no answer");
		assert_non_null(strstr(answer, "Connection: close"));
		assert_non_null(
		    strstr(answer, "Content-Type: application/problem+json"));
		free(answer);
		/* nothing after it is taken as a request */
		client_say(&client, GET("/hello"));
		shutdown(client.fd, SHUT_WR);
		assert_null(client_answer(&client, true));
		client_close(&client);
	}
	assert_int_equal(site.counts.ends, 0);
	assert_int_equal(site.counts.answered, 0);
	assert_int_equal(site.counts.refused, count);
}

static void
nul_in_a_header_value_is_refused(void **state)
{
	(void)state;
	static const char bytes[] = "GET /hello HTTP/1.1\r\nHost: h\r\n"
				    "X: a\0b\r\n\r\n";
	struct client client;

	begin();
	client_open(&client, &site);
	client_write(&client, bytes, sizeof(bytes) - 1);
	expect(&client, "400", "control byte");
	client_close(&client);
	assert_int_equal(site.counts.requests, 0);
}

static void
a_truncated_body_never_reaches_its_end(void **state)
{
	(void)state;
	static const char *const cut[] = {
	    POST("/echo", "Content-Length: 5\r\n") "abc",
	    POST("/echo", "Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n",
	    POST("/echo", "Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n0\r\n",
	    POST("/echo", "Transfer-Encoding: chunked\r\n") "5\r\nabc",
	};
	begin();
	for (int i = 0; i < 4; i++) {
		struct client client;
		client_open(&client, &site);
		client_say(&client, cut[i]);
		shutdown(client.fd, SHUT_WR);
		assert_true(client_is_closed(&client, 2000));
		client_close(&client);
		assert_true(site_wait(&site.counts.aborts, i + 1));
	}
	assert_int_equal(site.counts.ends, 0);
	assert_int_equal(site.counts.finished, 4);
}

/* ---- ordinary use ---- */

static void
requests_follow_each_other_on_one_connection(void **state)
{
	(void)state;
	struct client client;

	begin();
	client_open(&client, &site);
	client_say(&client, GET("/hello"));
	char *answer = client_answer(&client, true);
	assert_non_null(strstr(answer, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(answer, "\r\nDate: "));
	assert_non_null(strstr(answer, " GMT\r\n"));
	assert_non_null(strstr(answer, "\r\nX-Field: value\r\n"));
	assert_null(strstr(answer, "Connection:"));
	assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\nhello\n");
	free(answer);
	client_say(&client, POST("/echo", "Content-Length: 3\r\n") "abc");
	expect(&client, "200", "3 96354\n");
	client_say(&client,
	    POST("/echo", "Transfer-Encoding: chunked\r\n") "1\r\na\r\n2\r\nbc"
							    "\r\n0\r\n\r\n");
	expect(&client, "200", "3 96354\n");
	client_say(&client, POST("/echo", ""));
	expect(&client, "200", "0 0\n");
	client_say(&client, GET("/nothing"));
	expect(&client, "404", NULL);
	client_say(&client,
	    "GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	expect(&client, "200", "Connection: close");
	assert_true(client_is_closed(&client, 1000));
	client_close(&client);
	assert_true(site_wait(&site.counts.answered, 6));
	assert_int_equal(site.counts.aborts, 0);
}

static void
pipelined_requests_are_answered_in_order(void **state)
{
	(void)state;
	struct client client;

	begin();
	client_open(&client, &site);
	client_say(&client,
	    GET("/later") POST("/echo", "Content-Length: 3\r\n") "abc" GET(
		"/stream?size=300000") "HEAD /hello HTTP/1.1\r\nHost: h\r\n"
				       "\r\n");
	expect(&client, "200", "later\n");
	expect(&client, "200", "3 96354\n");
	char *answer = client_answer(&client, true);
	const char *body = strstr(answer, "\r\n\r\n") + 4;
	assert_int_equal(strlen(body), 300000);
	for (int i = 0; i < 300000; i++)
		assert_int_equal(body[i], 'a' + i % 23);
	free(answer);
	answer = client_answer(&client, false);
	assert_non_null(strstr(answer, "Content-Length: 6\r\n"));
	free(answer);
	/* and HEAD had no body: what comes next is an answer */
	client_say(&client, GET("/hello"));
	expect(&client, "200", "hello\n");
	client_close(&client);
	assert_int_equal(site.counts.aborts, 0);
}

static void
http_1_0_closes_unless_asked_to_stay(void **state)
{
	(void)state;
	struct client client;

	begin();
	client_open(&client, &site);
	client_say(&client,
	    "GET /hello HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n");
	expect(&client, "200", "Connection: keep-alive");
	client_say(&client, "GET /hello HTTP/1.0\r\nHost: h\r\n\r\n");
	expect(&client, "200", "Connection: close");
	assert_true(client_is_closed(&client, 1000));
	client_close(&client);
}

static void
continue_is_said_only_when_the_body_is_taken(void **state)
{
	(void)state;
	struct client client;

	begin();
	client_open(&client, &site);
	client_say(&client,
	    POST("/echo", "Content-Length: 3\r\nExpect: 100-continue\r\n"));
	expect(&client, "100", "\r\n\r\n");
	client_say(&client, "abc");
	expect(&client, "200", "3 96354\n");
	client_say(&client,
	    POST("/refuse", "Content-Length: 3\r\nExpect: 100-continue\r\n"));
	expect(&client, "401", "Connection: close");
	client_close(&client);
	client_open(&client, &site);
	client_say(&client,
	    POST("/small", "Content-Length: 101\r\nExpect: 100-continue\r\n"));
	expect(&client, "413", "body over its limit");
	client_close(&client);
}

static void
an_early_refusal_reaches_a_client_that_still_sends(void **state)
{
	(void)state;
	static char block[65536];
	struct client client;

	begin();
	client_open(&client, &site);
	client_say(&client, POST("/refuse", "Content-Length: 900000\r\n"));
	for (int i = 0; i < 13; i++)
		client_write(&client, block, sizeof(block));
	expect(&client, "401", "no\n");
	assert_true(site_wait(&site.counts.answered, 1));
	client_close(&client);
	assert_int_equal(site.counts.aborts, 0);
}

static void
reading_on_after_a_refusal_ends_by_bytes_and_by_time(void **state)
{
	(void)state;
	static char block[65536];
	struct client client;

	site_init(&site);
	site.limits.linger_ms = 100;
	site.limits.linger_bytes = 100000;
	site_start(&site);
	client_open(&client, &site);
	client_say(&client, POST("/refuse", "Content-Length: 900000\r\n"));
	expect(&client, "401", "no\n");
	int64_t from = clock_mono_ms();
	assert_true(client_is_closed(&client, 2000));
	assert_true(clock_mono_ms() - from < 1000);
	client_close(&client);
	client_open(&client, &site);
	client_say(&client, POST("/refuse", "Content-Length: 900000\r\n"));
	expect(&client, "401", "no\n");
	client_write(&client, block, sizeof(block));
	client_write(&client, block, sizeof(block));
	assert_true(client_is_closed(&client, 2000));
	client_close(&client);
}

static void
a_small_unread_body_does_not_cost_the_connection(void **state)
{
	(void)state;
	struct client client;

	begin();
	client_open(&client, &site);
	client_say(&client,
	    POST("/refuse", "Content-Length: 3\r\n") "abc" GET("/hello"));
	expect(&client, "401", "no\n");
	expect(&client, "200", "hello\n");
	client_close(&client);
}

static void
a_body_over_its_limit_is_refused(void **state)
{
	(void)state;
	char body[300];
	struct client client;

	begin();
	memset(body, 'x', sizeof(body));
	body[100] = 0;
	client_open(&client, &site);
	client_say(&client, POST("/small", "Content-Length: 100\r\n"));
	client_say(&client, body);
	expect(&client, "200", "100 ");
	client_say(&client, POST("/small", "Content-Length: 101\r\n"));
	client_say(&client, body);
	expect(&client, "413", "body over its limit");
	client_close(&client);
	client_open(&client, &site);
	client_say(&client, POST("/small", "Transfer-Encoding: chunked\r\n"));
	client_say(&client, "64\r\n");
	client_say(&client, body);
	client_say(&client, "\r\n1\r\nx\r\n0\r\n\r\n");
	expect(&client, "413", "body over its limit");
	client_close(&client);
	assert_int_equal(site.counts.ends, 1);
	assert_true(site_wait(&site.counts.aborts, 2));
}

static void
a_field_that_would_split_the_answer_becomes_500(void **state)
{
	(void)state;
	struct client client;

	begin();
	client_open(&client, &site);
	client_say(&client, GET("/bad"));
	char *answer = client_answer(&client, true);
	assert_non_null(strstr(answer, " 500 "));
	assert_null(strstr(answer, "Evil"));
	free(answer);
	client_close(&client);
}

static void
a_client_that_leaves_is_told_to_the_handler(void **state)
{
	(void)state;
	struct client client;

	begin();
	client_open(&client, &site);
	client_say(&client, GET("/never"));
	assert_true(site_wait(&site.counts.requests, 1));
	client_close(&client);
	assert_true(site_wait(&site.counts.aborts, 1));
	client_open(&client, &site);
	client_say(&client, GET("/stream?size=100000000"));
	assert_true(site_wait(&site.counts.requests, 2));
	client_close(&client);
	assert_true(site_wait(&site.counts.aborts, 2));
	client_open(&client, &site);
	client_say(&client, GET("/break?size=1000000"));
	char *answer = client_answer(&client, true);
	assert_non_null(strstr(answer, "Content-Length: 1000000\r\n"));
	assert_true(strlen(answer) < 900000);
	free(answer);
	client_close(&client);
	assert_true(site_wait(&site.counts.aborts, 3));
	assert_int_equal(site.counts.answered, 0);
}

static void
a_half_closed_client_still_gets_its_answer(void **state)
{
	(void)state;
	struct client client;

	begin();
	client_open(&client, &site);
	client_say(&client, GET("/hello"));
	shutdown(client.fd, SHUT_WR);
	expect(&client, "200", "hello\n");
	assert_true(client_is_closed(&client, 1000));
	client_close(&client);
	assert_true(site_wait(&site.counts.answered, 1));
}

/* ---- big and slow ---- */

static void
a_header_of_100_mb_is_refused_early(void **state)
{
	(void)state;
	static char block[65536];
	struct client client;
	size_t sent = 0;

	begin();
	memset(block, 'a', sizeof(block));
	client_open(&client, &site);
	client_say(&client, "GET / HTTP/1.1\r\nHost: h\r\nX: ");
	while (sent < 100 * MIB) {
		ssize_t got =
		    send(client.fd, block, sizeof(block), MSG_NOSIGNAL);
		if (got <= 0)
			break;
		sent += (size_t)got;
	}
	assert_true(sent < 16 * MIB);
	assert_int_equal(site.counts.refused, 1);
	assert_int_equal(site.counts.last_status, 431);
	client_close(&client);
}

static void
two_hundred_slow_headers_are_cut_at_the_deadline(void **state)
{
	(void)state;
	static struct client slow[200];
	struct client client;

	site_init(&site);
	site.limits.header_seconds = 1;
	site_start(&site);
	for (int i = 0; i < 200; i++) {
		client_open(&slow[i], &site);
		client_say(&slow[i], "GET / HTTP/1.1\r\nHos");
	}
	int64_t from = clock_mono_ms();
	for (int round = 0; round < 4; round++) {
		usleep(200000);
		for (int i = 0; i < 200; i++)
			client_say(&slow[i], "t");
		/* others are served meanwhile */
		client_open(&client, &site);
		client_say(&client, GET("/hello"));
		expect(&client, "200", "hello\n");
		client_close(&client);
	}
	assert_true(site_wait(&site.counts.refused, 200));
	assert_true(clock_mono_ms() - from < 1900);
	assert_int_equal(site.counts.last_status, 408);
	for (int i = 0; i < 200; i++)
		client_close(&slow[i]);
}

static void
an_idle_connection_and_a_stalled_body_are_closed(void **state)
{
	(void)state;
	struct client idle, stalled;

	site_init(&site);
	site.limits.keepalive_seconds = 1;
	site.limits.body_stall_seconds = 1;
	site_start(&site);
	client_open(&idle, &site);
	client_say(&idle, GET("/hello"));
	expect(&idle, "200", "hello\n");
	client_open(&stalled, &site);
	client_say(&stalled, POST("/echo", "Content-Length: 9\r\n") "abc");
	usleep(600000);
	client_say(&stalled, "d"); /* a byte gives it another second */
	assert_true(client_is_closed(&idle, 1500));
	assert_int_equal(site.counts.aborts, 0);
	expect(&stalled, "408", "body_stall_seconds");
	assert_int_equal(site.counts.aborts, 1);
	client_close(&idle);
	client_close(&stalled);
}

static void
a_reader_that_stalls_is_cut(void **state)
{
	(void)state;
	struct client client;

	site_init(&site);
	site.limits.body_stall_seconds = 1;
	site_start(&site);
	client_open(&client, &site);
	client_say(&client, GET("/stream?size=100000000"));
	assert_true(site_wait(&site.counts.aborts, 1));
	client_close(&client);
}

static size_t
rss_anon(void)
{
	char line[200];
	size_t kib = 0;
	FILE *file = fopen("/proc/self/status", "r");

	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "RssAnon: %zu", &kib) == 1)
			break;
	fclose(file);
	return kib;
}

static void
back_pressure(bool tls)
{
	static char block[65536];
	struct client client;

	site_init(&site);
	site.tls = tls;
	site_start(&site);
	if (tls)
		assert_true(client_tls(&client, &site, NULL, 0));
	else
		client_open(&client, &site);
	size_t before = rss_anon();
	client_say(&client, POST("/slow", "Content-Length: 33554432\r\n"));
	size_t most = before;
	for (int i = 0; i < 512; i++) {
		client_write(&client, block, sizeof(block));
		size_t now = i % 64 == 0 ? rss_anon() : 0;
		most = now > most ? now : most;
	}
	expect(&client, "200", "33554432 0\n");
#ifndef SANITIZED
	assert_true(most - before < 2048);
#endif
	client_close(&client);
	assert_int_equal(site.counts.ends, 1);
}

static void
a_slow_handler_slows_the_sender_in_bounded_memory(void **state)
{
	(void)state;
	back_pressure(false);
}

static void
a_slow_handler_slows_a_tls_sender_too(void **state)
{
	(void)state;
	back_pressure(true);
}

static void
a_big_answer_is_made_as_it_is_taken(void **state)
{
	(void)state;
	struct client client;

	begin();
	client_open(&client, &site);
	size_t before = rss_anon();
	client_say(&client, GET("/stream?size=400000000"));
	usleep(300000);
#ifndef SANITIZED
	assert_true(rss_anon() - before < 2048);
#else
	(void)before;
#endif
	client_close(&client);
}

/* ---- how many, and the end ---- */

static void
the_oldest_idle_connection_makes_room(void **state)
{
	(void)state;
	struct client clients[17];

	site_init(&site);
	site.limits.connections = 16;
	site_start(&site);
	for (int i = 0; i < 16; i++) {
		client_open(&clients[i], &site);
		client_say(&clients[i], i == 0 ? GET("/never") : GET("/hello"));
		if (i > 0)
			expect(&clients[i], "200", "hello\n");
	}
	client_open(&clients[16], &site);
	client_say(&clients[16], GET("/hello"));
	expect(&clients[16], "200", "hello\n");
	assert_true(client_is_closed(&clients[1], 1000));
	client_say(&clients[2], GET("/hello"));
	expect(&clients[2], "200", "hello\n");
	assert_int_equal(site.counts.aborts, 0);
	for (int i = 0; i < 17; i++)
		client_close(&clients[i]);
}

static void
one_address_may_not_take_all_connections(void **state)
{
	(void)state;
	struct client clients[4];

	site_init(&site);
	site.limits.connections_per_address = 3;
	site_start(&site);
	for (int i = 0; i < 3; i++) {
		client_open(&clients[i], &site);
		client_say(&clients[i], GET("/hello"));
		expect(&clients[i], "200", "hello\n");
	}
	client_open(&clients[3], &site);
	assert_true(client_is_closed(&clients[3], 1000));
	client_close(&clients[3]);
	assert_int_equal(site.counts.refused, 1);
	client_close(&clients[0]);
	for (int i = 0; i < 100; i++) {
		usleep(5000);
		client_open(&clients[0], &site);
		client_say(&clients[0], GET("/hello"));
		char *answer = client_answer(&clients[0], true);
		bool ok = answer != NULL;
		free(answer);
		if (ok)
			break;
		client_close(&clients[0]);
		assert_true(i < 99);
	}
	for (int i = 0; i < 3; i++)
		client_close(&clients[i]);
}

static void
draining_finishes_what_runs_and_closes_the_rest(void **state)
{
	(void)state;
	struct client idle, busy;

	begin();
	client_open(&idle, &site);
	client_say(&idle, GET("/hello"));
	expect(&idle, "200", "hello\n");
	client_open(&busy, &site);
	client_say(&busy, POST("/echo", "Content-Length: 3\r\n") "a");
	assert_true(site_wait(&site.counts.requests, 2));
	site_drain(&site);
	assert_true(client_is_closed(&idle, 1000));
	client_say(&busy, "bc");
	expect(&busy, "200", "Connection: close");
	assert_true(client_is_closed(&busy, 1000));
	client_close(&idle);
	client_close(&busy);
	assert_int_equal(site.counts.aborts, 0);
}

/* ---- TLS and who calls ---- */

static void
expect_who(struct client *client, const char *fields, bool somebody)
{
	char request[4096];

	snprintf(request, sizeof(request),
	    "GET /who HTTP/1.1\r\nHost: h\r\n%s\r\n", fields);
	client_say(client, request);
	char *answer = client_answer(client, true);
	assert_non_null(answer);
	const char *body = strstr(answer, "\r\n\r\n") + 4;
	assert_int_equal(strcmp(body, "nobody") != 0, somebody);
	if (somebody)
		assert_int_equal(strlen(body), 64);
	free(answer);
}

static void
tls_callers_are_known_by_their_certificate(void **state)
{
	(void)state;
	struct client client;

	site_init(&site);
	site.tls = true;
	site_start(&site);
	assert_true(client_tls(&client, &site, "client", 0));
	assert_int_equal(SSL_version(client.ssl), TLS1_3_VERSION);
	expect_who(&client, "", true);
	expect_who(&client, "", true);
	client_close(&client);
	assert_true(client_tls(&client, &site, "stranger", 0));
	expect_who(&client, "", true);
	client_close(&client);
	assert_true(client_tls(&client, &site, NULL, 0));
	expect_who(&client, "", false);
	/* a header is believed on the proxy's socket only */
	expect_who(&client, "X-Client-Cert: abcd\r\n", false);
	client_close(&client);
	/* 1.2 is not spoken unless allowed */
	assert_false(client_tls(&client, &site, NULL, TLS1_2_VERSION));
	client_close(&client);
}

static void
an_authority_keeps_strangers_out(void **state)
{
	(void)state;
	struct client client;

	site_init(&site);
	site.tls = true;
	site.client_ca = "authority";
	site.allow_tls12 = true;
	site_start(&site);
	assert_true(client_tls(&client, &site, "client", TLS1_2_VERSION));
	assert_int_equal(SSL_version(client.ssl), TLS1_2_VERSION);
	assert_non_null(strstr(SSL_get_cipher(client.ssl), "ECDHE"));
	expect_who(&client, "", true);
	client_close(&client);
	assert_true(client_tls(&client, &site, NULL, 0));
	expect_who(&client, "", false);
	client_close(&client);
	/* in 1.3 the client learns of it at its first read */
	if (client_tls(&client, &site, "stranger", 0)) {
		client_say(&client, GET("/who"));
		assert_null(client_answer(&client, true));
	}
	client_close(&client);
	assert_int_equal(site.counts.requests, 2);
}

static void
a_handshake_that_does_not_end_is_cut(void **state)
{
	(void)state;
	struct client client;

	site_init(&site);
	site.tls = true;
	site.limits.handshake_seconds = 1;
	site_start(&site);
	client_open(&client, &site);
	client_write(&client, "\x16\x03\x01", 3);
	assert_true(client_is_closed(&client, 1800));
	client_close(&client);
	client_open(&client, &site);
	client_say(&client, GET("/hello")); /* plain words to a TLS port */
	assert_true(client_is_closed(&client, 1000));
	client_close(&client);
	assert_int_equal(site.counts.requests, 0);
}

/* A certificate in the two forms that proxies give. */
static void
proxy_fields(char *base64, size_t base64_size, char *escaped, size_t size)
{
	struct client client;
	struct site other;
	struct buf text;
	X509 *certificate;
	unsigned char *der = NULL;

	site_init(&other);
	other.tls = true;
	site_start(&other);
	assert_true(client_tls(&client, &other, "client", 0));
	certificate = SSL_get_certificate(client.ssl);
	int der_size = i2d_X509(certificate, &der);
	buf_init(&text, 1 << 16);
	base64_build(&text, span_of(der, (size_t)der_size));
	snprintf(base64, base64_size, "X-Client-Cert: %s\r\n", buf_text(&text));
	struct buf pem;
	buf_init(&pem, 1 << 16);
	buf_add_text(&pem, "-----BEGIN%20CERTIFICATE-----%0A");
	for (size_t i = 0; i < text.size; i += 64) {
		size_t line = text.size - i < 64 ? text.size - i : 64;
		for (size_t j = 0; j < line; j++) {
			char c = (char)text.at[i + j];
			if (c == '+' || c == '/' || c == '=')
				buf_printf(&pem, "%%%02X", (unsigned)c);
			else
				buf_add_byte(&pem, (uint8_t)c);
		}
		buf_add_text(&pem, "%0A");
	}
	buf_add_text(&pem, "-----END%20CERTIFICATE-----%0A");
	snprintf(escaped, size, "x-client-cert: %s\r\n", buf_text(&pem));
	OPENSSL_free(der);
	buf_clear(&text);
	buf_clear(&pem);
	client_close(&client);
	site_stop(&other);
}

static void
the_proxys_header_is_believed_on_its_socket_only(void **state)
{
	(void)state;
	static char base64[4000], escaped[4000], both[9000];
	struct client client;

	proxy_fields(base64, sizeof(base64), escaped, sizeof(escaped));
	site_init(&site);
	site.local = true;
	site.certificate_header = "x-client-cert";
	site_start(&site);
	client_open(&client, &site);
	expect_who(&client, base64, true);
	expect_who(&client, escaped, true);
	expect_who(&client, "", false);
	expect_who(&client, "X-Client-Cert:\r\n", false);
	client_say(&client,
	    "GET /who HTTP/1.1\r\nHost: h\r\nX-Client-Cert: abcd\r\n\r\n");
	expect(&client, "400", "certificate header");
	client_close(&client);
	client_open(&client, &site);
	snprintf(both, sizeof(both), "GET /who HTTP/1.1\r\nHost: h\r\n%s%s\r\n",
	    base64, base64);
	client_say(&client, both);
	expect(&client, "400", "certificate header");
	client_close(&client);
	site_stop(&site);

	site_init(&site);
	site.certificate_header = "x-client-cert";
	site_start(&site);
	client_open(&client, &site);
	expect_who(&client, base64, false);
	client_close(&client);
}

/* In a process of their own, so that only the server's memory is seen. */
static void
idle_clients(int count, int ready)
{
	for (int i = 0; i < count; i++) {
		struct client client;
		if (!client_tls(&client, &site, NULL, 0))
			_exit(1);
		client_say(&client, GET("/hello"));
		char *answer = client_answer(&client, true);
		if (!answer)
			_exit(1);
		free(answer); /* the connection stays */
	}
	if (write(ready, "x", 1) != 1)
		_exit(1);
	pause();
}

static void
an_idle_tls_connection_costs_less_than_20_kib(void **state)
{
	(void)state;
	enum { COUNT = 300 };
	struct client first;
	int ready[2];
	char byte;

	site_init(&site);
	site.tls = true;
	site_start(&site);
	assert_true(client_tls(&first, &site, NULL, 0));
	client_say(&first, GET("/hello"));
	expect(&first, "200", "hello\n");
	assert_int_equal(pipe(ready), 0);
	size_t before = rss_anon();
	pid_t child = fork();
	if (child == 0)
		idle_clients(COUNT, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	size_t each = (rss_anon() - before) * 1024 / COUNT;
	print_message("%zu bytes for an idle TLS connection\n", each);
#ifndef SANITIZED
	assert_true(each < 20 * KIB);
#endif
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(ready[0]);
	client_close(&first);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, after)
	const struct CMUnitTest tests[] = {
	    TEST(each_row_of_the_framing_table_is_refused_and_closed),
	    TEST(nul_in_a_header_value_is_refused),
	    TEST(a_truncated_body_never_reaches_its_end),
	    TEST(requests_follow_each_other_on_one_connection),
	    TEST(pipelined_requests_are_answered_in_order),
	    TEST(http_1_0_closes_unless_asked_to_stay),
	    TEST(continue_is_said_only_when_the_body_is_taken),
	    TEST(an_early_refusal_reaches_a_client_that_still_sends),
	    TEST(reading_on_after_a_refusal_ends_by_bytes_and_by_time),
	    TEST(a_small_unread_body_does_not_cost_the_connection),
	    TEST(a_body_over_its_limit_is_refused),
	    TEST(a_field_that_would_split_the_answer_becomes_500),
	    TEST(a_client_that_leaves_is_told_to_the_handler),
	    TEST(a_half_closed_client_still_gets_its_answer),
	    TEST(a_header_of_100_mb_is_refused_early),
	    TEST(two_hundred_slow_headers_are_cut_at_the_deadline),
	    TEST(an_idle_connection_and_a_stalled_body_are_closed),
	    TEST(a_reader_that_stalls_is_cut),
	    TEST(a_slow_handler_slows_the_sender_in_bounded_memory),
	    TEST(a_slow_handler_slows_a_tls_sender_too),
	    TEST(a_big_answer_is_made_as_it_is_taken),
	    TEST(the_oldest_idle_connection_makes_room),
	    TEST(one_address_may_not_take_all_connections),
	    TEST(draining_finishes_what_runs_and_closes_the_rest),
	    TEST(tls_callers_are_known_by_their_certificate),
	    TEST(an_authority_keeps_strangers_out),
	    TEST(a_handshake_that_does_not_end_is_cut),
	    TEST(the_proxys_header_is_believed_on_its_socket_only),
	    TEST(an_idle_tls_connection_costs_less_than_20_kib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
