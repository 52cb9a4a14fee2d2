#include "base/limits.h"
#include "formats/sniff.h"
#include "relay/conf.h"
#include "relay/role_priv.h"
#include "relay/scan_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const pdf_and_text[] = {"application/pdf", "text/plain"};

/* The role in a process of its own, without its jail. */
static pid_t
role_start(int *fd)
{
	int pair[2];
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		static char none[] = "";
		static struct conf conf = {.clamd = none};
		(void)close(pair[0]);
		limits_init(&conf.limits);
		struct role *role = role_new(ROLE_SCAN, 0, 1, &conf, -1);
		role_peer_take(role, ROLE_NET, 0, 1, pair[1]);
		role->draining = true; /* leaves with its last peer */
		_exit(scan_serve(role) == 0 ? 0 : 1);
	}
	(void)close(pair[1]);
	*fd = pair[0];
	return pid;
}

static void
frame_send(int fd, uint16_t type, uint64_t request, struct buf *body)
{
	struct buf out;
	buf_init(&out, 1 << 20);
	wire_frame_build(&out,
	    &(struct wire_frame){
		.type = type, .request = request, .body = buf_span(body)});
	assert_int_equal(send(fd, out.at, out.size, MSG_NOSIGNAL), out.size);
	buf_clear(&out);
	buf_reset(body);
}

static void
verdict_receive(int fd, uint64_t request, struct scan_verdict *verdict)
{
	uint8_t bytes[4096];
	struct wire_frame frame;
	size_t used = 0;
	size_t size = 0;
	while (used == 0) {
		ssize_t got = recv(fd, bytes + size, sizeof bytes - size, 0);
		assert_true(got > 0);
		size += (size_t)got;
		assert_int_equal(wire_frame_parse(span_of(bytes, size), 4096,
				     &frame, &used, NULL),
		    0);
	}
	assert_int_equal(used, size);
	assert_int_equal(frame.type, SCAN_VERDICT);
	assert_int_equal(frame.flags, WIRE_ANSWER);
	assert_int_equal(frame.request, request);
	assert_int_equal(scan_verdict_parse(frame.body, verdict, NULL), 0);
}

static void
two_files_at_once_get_each_its_own_verdict(void **state)
{
	(void)state;
	int fd;
	pid_t pid = role_start(&fd);
	struct buf body;
	struct scan_verdict verdict;
	buf_init(&body, 1 << 20);
	for (uint64_t session = 1; session <= 2; session++) {
		scan_begin_build(&body, &(struct scan_begin){.session = session,
					    .declared = "application/pdf",
					    .allowed = pdf_and_text,
					    .count = 2});
		frame_send(fd, SCAN_BEGIN, 0, &body);
	}
	scan_data_build(&body, 1, span_text("%PDF-1.4 /Laun"));
	frame_send(fd, SCAN_DATA, 0, &body);
	scan_data_build(&body, 2, span_text("%PDF-1.4 "));
	frame_send(fd, SCAN_DATA, 0, &body);
	scan_data_build(&body, 1, span_text("ch %%EOF"));
	frame_send(fd, SCAN_DATA, 0, &body);
	scan_data_build(&body, 2, span_text("%%EOF"));
	frame_send(fd, SCAN_DATA, 0, &body);
	scan_session_build(&body, 2);
	frame_send(fd, SCAN_END, 100, &body);
	verdict_receive(fd, 100, &verdict);
	assert_int_equal(verdict.outcome, SCAN_CLEAN);
	assert_int_equal(verdict.session, 2);
	scan_session_build(&body, 1);
	frame_send(fd, SCAN_END, 101, &body);
	verdict_receive(fd, 101, &verdict);
	assert_int_equal(verdict.outcome, SCAN_REFUSED);
	assert_int_equal(verdict.reasons, SNIFF_ACTIVE);
	/* over is over */
	scan_session_build(&body, 1);
	frame_send(fd, SCAN_END, 102, &body);
	verdict_receive(fd, 102, &verdict);
	assert_int_equal(verdict.outcome, SCAN_FAILED);
	buf_clear(&body);
	(void)close(fd);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
a_cancelled_or_unknown_file_is_never_clean(void **state)
{
	(void)state;
	int fd;
	pid_t pid = role_start(&fd);
	struct buf body;
	struct scan_verdict verdict;
	buf_init(&body, 1 << 20);
	scan_begin_build(&body, &(struct scan_begin){.session = 5,
				    .declared = "text/plain",
				    .allowed = pdf_and_text,
				    .count = 2});
	frame_send(fd, SCAN_BEGIN, 0, &body);
	scan_data_build(&body, 5, span_text("hello"));
	frame_send(fd, SCAN_DATA, 0, &body);
	scan_session_build(&body, 5);
	frame_send(fd, SCAN_CANCEL, 0, &body);
	scan_session_build(&body, 5);
	frame_send(fd, SCAN_END, 1, &body);
	verdict_receive(fd, 1, &verdict);
	assert_int_equal(verdict.outcome, SCAN_FAILED);
	scan_session_build(&body, 77);
	frame_send(fd, SCAN_END, 2, &body);
	verdict_receive(fd, 2, &verdict);
	assert_int_equal(verdict.outcome, SCAN_FAILED);
	buf_clear(&body);
	(void)close(fd);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(two_files_at_once_get_each_its_own_verdict),
	    cmocka_unit_test(a_cancelled_or_unknown_file_is_never_clean),
	};
	return cmocka_run_group_tests_name(
	    "relay: scan role", tests, NULL, NULL);
}
