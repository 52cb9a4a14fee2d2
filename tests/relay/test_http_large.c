/*
 * Large bodies and answers on TLS, which pass beside libevent's buffers: every
 * byte comes through whatever the pace, and an end is heard at once.
 */
#include "tests/support/http_site.h"

#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

static struct site site;

static int
before(void **state)
{
	(void)state;
	site_init(&site);
	site.tls = true;
	site_start(&site);
	return 0;
}

static int
after(void **state)
{
	(void)state;
	site_stop(&site);
	return 0;
}

static void
expect(struct client *client, const char *text)
{
	char *answer = client_answer(client, true);
	assert_non_null(answer);
	if (strstr(answer, text) == NULL)
		fail_msg("wanted \"%s\" in: %.400s", text, answer);
	free(answer);
}

/* What /echo says of these bytes. */
static void
sum_build(char text[80], const uint8_t *at, size_t size)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < size; i++)
		sum = sum * 31 + at[i];
	(void)snprintf(text, 80, "%zu %llu\n", size, (unsigned long long)sum);
}

static uint8_t *
body_new(size_t size)
{
	uint8_t *body = malloc(size);
	uint32_t word = 7;
	assert_non_null(body);
	for (size_t i = 0; i < size; i++) {
		word = word * 1664525 + 1013904223;
		body[i] = (uint8_t)(word >> 24);
	}
	return body;
}

static void
a_large_body_comes_whole_in_records_of_any_size(void **state)
{
	(void)state;
	static const size_t steps[] = {1000003, 16384, 16383, 5000, 40001, 3};
	static const size_t sizes[] = {
	    1000003, 65536, 65537, 16384, 16385, 32767};
	struct client client;
	char head[120];
	char text[80];
	uint8_t *body = body_new(1000003);
	assert_true(client_tls(&client, &site, NULL, 0));
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		size_t done = 0;
		(void)snprintf(head, sizeof head,
		    "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: "
		    "%zu\r\n\r\n",
		    sizes[i]);
		client_say(&client, head);
		while (done < sizes[i]) {
			size_t step = steps[(i + done) % 6];
			step = step < sizes[i] - done ? step : sizes[i] - done;
			client_write(&client, body + done, step);
			done += step;
		}
		sum_build(text, body, sizes[i]);
		expect(&client, text);
	}
	client_close(&client);
	free(body);
}

static void
what_is_sent_behind_a_large_body_is_the_next_request(void **state)
{
	(void)state;
	struct client client;
	char text[80];
	static const char head[] =
	    "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n";
	static const char more[] = GET("/hello") GET("/stream?size=100000");
	size_t size = sizeof head - 1 + 200000 + sizeof more - 1;
	uint8_t *body = body_new(200000);
	uint8_t *all = malloc(size);
	assert_non_null(all);
	memcpy(all, head, sizeof head - 1);
	memcpy(all + sizeof head - 1, body, 200000);
	memcpy(all + sizeof head - 1 + 200000, more, sizeof more - 1);
	sum_build(text, body, 200000);
	assert_true(client_tls(&client, &site, NULL, 0));
	client_write(&client, all, size);
	expect(&client, text);
	expect(&client, "hello\n");
	expect(&client, "Content-Length: 100000\r\n");
	client_close(&client);
	free(all);
	free(body);
}

/* Leaves the socket full at first, so that a record waits half written. */
static void
a_large_answer_comes_whole_to_a_reader_that_stops_and_goes(void **state)
{
	(void)state;
	const size_t size = 20000003;
	struct client client;
	assert_true(client_tls(&client, &site, NULL, 0));
	client_say(&client, GET("/stream?size=20000003"));
	usleep(200000);
	char *answer = client_answer(&client, true);
	assert_non_null(answer);
	const char *at = strstr(answer, "\r\n\r\n");
	assert_non_null(at);
	at += 4;
	assert_int_equal(strlen(at), size);
	for (size_t i = 0; i < size; i++)
		if (at[i] != (char)('a' + i % 23))
			fail_msg("byte %zu is %d", i, at[i]);
	free(answer);
	client_say(&client, GET("/hello"));
	expect(&client, "hello\n");
	client_close(&client);
	assert_int_equal(site.counts.aborts, 0);
}

/* Long before body_stall_seconds. */
static void
a_client_that_goes_amid_a_large_body_is_heard_at_once(void **state)
{
	(void)state;
	struct client client;
	uint8_t *body = body_new(300000);
	for (int how = 0; how < 3; how++) {
		assert_true(client_tls(&client, &site, NULL, 0));
		client_say(&client,
		    "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: "
		    "1000000\r\n\r\n");
		client_write(&client, body, 300000);
		if (how == 0) /* says so, and leaves the connection open */
			(void)SSL_shutdown(client.ssl);
		else if (how == 1) /* a record that is none */
			assert_true(
			    send(client.fd, body, 1000, MSG_NOSIGNAL) == 1000);
		else
			(void)shutdown(client.fd, SHUT_WR);
		assert_true(site_wait(&site.counts.aborts, how + 1));
		client_close(&client);
	}
	assert_int_equal(site.counts.ends, 0);
	free(body);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, before, after)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_large_body_comes_whole_in_records_of_any_size),
	    TEST(what_is_sent_behind_a_large_body_is_the_next_request),
	    TEST(a_large_answer_comes_whole_to_a_reader_that_stops_and_goes),
	    TEST(a_client_that_goes_amid_a_large_body_is_heard_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
