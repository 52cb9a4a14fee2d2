/*
 * Connections that may wait for others, in one thread: what is worked on when.
 */
#include "base/text.h"
#include "relay/http.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MOST 8
#define BIG (256u << 10)

static struct event_base *base;
static struct http_server *server;
static int clients[MOST];
static size_t count;
static char order[256]; /* a letter for each request, as they were begun */
static uint64_t body_size;

static void
on_body(struct http_request *request, struct span piece, void *arg)
{
	(void)request;
	(void)arg;
	body_size += piece.size;
}

static void
on_end(struct http_request *request, void *arg)
{
	(void)arg;
	http_answer(request, 200, NULL, SPAN_NONE);
}

static const struct http_calls calls = {.on_body = on_body, .on_end = on_end};

/* /s...: from now on it may wait; /f...: it may not. */
static void
on_request(struct http_request *request, void *arg)
{
	const char *path = http_head(request)->path;
	char letter[2] = {path[2], 0};

	(void)arg;
	http_let_wait(request, path[1] == 's');
	strncat(order, letter, sizeof(order) - strlen(order) - 1);
	if (http_head(request)->length > 0) {
		http_calls_set(request, &calls, NULL);
		http_body_take(request, BIG);
	} else {
		http_answer(request, 200, NULL, SPAN_NONE);
	}
}

static const struct http_app app = {.on_request = on_request};
static const struct http_listener listener = {.kind = HTTP_PLAIN, .app = &app};

static int
before(void **state)
{
	struct limits limits;

	(void)state;
	limits_init(&limits);
	base = event_base_new();
	server = http_new(base, &limits);
	count = 0;
	body_size = 0;
	*order = 0;
	return 0;
}

static int
after(void **state)
{
	(void)state;
	http_free(server);
	event_base_free(base);
	for (size_t i = 0; i < count; i++)
		if (clients[i] >= 0)
			close(clients[i]);
	return 0;
}

static size_t
client_new(void)
{
	int fds[2];
	struct why why;

	assert_true(count < MOST);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(http_adopt(server, &listener, fds[0], &why), 0);
	clients[count] = fds[1];
	return count++;
}

static void
say(size_t client, const char *path)
{
	char text[128];
	int size = snprintf(
	    text, sizeof(text), "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path);

	assert_int_equal(write(clients[client], text, (size_t)size), size);
}

/* All that is at hand, and the turns that it brings about. */
static void
work(void)
{
	for (int i = 0; i < 100; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
work_until_begun(size_t requests)
{
	for (int i = 0; i < 100 && strlen(order) < requests; i++)
		event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

static size_t
answers(size_t client)
{
	char text[4096];
	size_t found = 0;
	ssize_t size = read(clients[client], text, sizeof(text) - 1);

	text[size > 0 ? size : 0] = 0;
	for (const char *at = text; (at = strstr(at, "HTTP/1.1 200")); at++)
		found++;
	return found;
}

static void
who_may_wait_comes_after_those_who_may_not(void **state)
{
	size_t slow[3];
	size_t fast;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		slow[i] = client_new();
		say(slow[i], "/sx");
	}
	fast = client_new();
	say(fast, "/fx");
	work();
	assert_string_equal(order, "xxxx");
	*order = 0;
	say(slow[0], "/sa");
	say(slow[1], "/sb");
	say(slow[2], "/sc");
	say(fast, "/fF");
	work();
	assert_string_equal(order, "Fabc");
	assert_int_equal(answers(fast), 2);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(answers(slow[i]), 2);
}

static void
what_comes_meanwhile_is_between_two_that_wait(void **state)
{
	size_t slow[2];
	size_t fast;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		slow[i] = client_new();
		say(slow[i], "/sx");
	}
	fast = client_new();
	say(fast, "/fx");
	work();
	*order = 0;
	say(slow[0], "/sa");
	say(slow[1], "/sb");
	work_until_begun(1);
	assert_string_equal(order, "a");
	say(fast, "/fF");
	work();
	assert_string_equal(order, "aFb");
}

static void
others_without_end_do_not_keep_it_waiting(void **state)
{
	size_t slow;
	size_t fast;

	(void)state;
	slow = client_new();
	fast = client_new();
	say(slow, "/sx");
	work();
	*order = 0;
	say(slow, "/sa");
	for (int i = 0; i < 20 && !strchr(order, 'a'); i++) {
		say(fast, "/fF");
		event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
	}
	assert_non_null(strchr(order, 'a'));
}

static void
it_may_be_let_go_first_again(void **state)
{
	size_t one;
	size_t other;

	(void)state;
	one = client_new();
	other = client_new();
	say(one, "/sx");
	say(other, "/sx");
	work();
	say(other, "/fx");
	work();
	*order = 0;
	say(one, "/sa");
	say(other, "/fb");
	work();
	assert_string_equal(order, "ba");
}

static void
a_client_that_leaves_while_it_waits_is_forgotten(void **state)
{
	size_t one;
	size_t other;

	(void)state;
	one = client_new();
	other = client_new();
	say(one, "/sx");
	say(other, "/sx");
	work();
	*order = 0;
	say(one, "/sa");
	say(other, "/sb");
	close(clients[one]);
	clients[one] = -1;
	work();
	assert_non_null(strchr(order, 'b'));
	assert_int_equal(http_connections(server), 1);
}

static void
a_body_that_waits_comes_whole(void **state)
{
	static char body[BIG];
	char head[] = "POST /sa HTTP/1.1\r\nHost: h\r\n"
		      "Content-Length: 262144\r\n\r\n";
	size_t slow;
	size_t sent = 0;

	(void)state;
	slow = client_new();
	say(slow, "/sx");
	work();
	memset(body, 'x', sizeof(body));
	assert_int_equal(
	    write(clients[slow], head, sizeof(head) - 1), sizeof(head) - 1);
	for (int i = 0; i < 1000 && sent < sizeof(body); i++) {
		ssize_t size =
		    write(clients[slow], body + sent, sizeof(body) - sent);
		sent += size > 0 ? (size_t)size : 0;
		work();
	}
	assert_int_equal(body_size, BIG);
	assert_int_equal(answers(slow), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, before, after)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    TEST(who_may_wait_comes_after_those_who_may_not),
	    TEST(what_comes_meanwhile_is_between_two_that_wait),
	    TEST(others_without_end_do_not_keep_it_waiting),
	    TEST(it_may_be_let_go_first_again),
	    TEST(a_client_that_leaves_while_it_waits_is_forgotten),
	    TEST(a_body_that_waits_comes_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
