#include "formats/sniff.h"
#include "relay/clamd.h"
#include "relay/scan_session.h"
#include "relay/scan_wire.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a clamd of our own ---- */

enum manner { HONEST, HANGS_UP, SAYS_ERROR, SIZE_LIMIT, NONSENSE };

static char socket_path[64];

static bool
get(int fd, void *at, size_t size)
{
	return recv(fd, at, size, MSG_WAITALL) == (ssize_t)size;
}

static void
clamd_answer(int fd, enum manner manner)
{
	static uint8_t file[4 << 20];
	size_t size = 0;
	char command[10];
	uint8_t head[4];
	if (!get(fd, command, sizeof command) ||
	    memcmp(command, "zINSTREAM", 10) != 0 || manner == HANGS_UP)
		return;
	while (get(fd, head, sizeof head)) {
		size_t piece = (size_t)head[0] << 24 | (size_t)head[1] << 16 |
			       (size_t)head[2] << 8 | head[3];
		const char *say = NULL;
		if (manner == SIZE_LIMIT)
			say = "INSTREAM size limit exceeded. ERROR";
		else if (piece == 0 && manner == SAYS_ERROR)
			say = "stream: Can't allocate memory ERROR";
		else if (piece == 0 && manner == NONSENSE)
			say = "stream: OKAY";
		else if (piece == 0)
			say = memmem(file, size, "MALWARE", 7) != NULL
				  ? "stream: Test.Sig-1 FOUND"
				  : "stream: OK";
		if (say != NULL) {
			(void)send(fd, say, strlen(say) + 1, MSG_NOSIGNAL);
			return;
		}
		if (size + piece > sizeof file || !get(fd, file + size, piece))
			return;
		size += piece;
	}
}

static pid_t
clamd_start(enum manner manner)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	(void)snprintf(socket_path, sizeof socket_path,
	    "/tmp/test_scan.%d.sock", (int)getpid());
	strcpy(address.sun_path, socket_path);
	(void)unlink(socket_path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_true(fd >= 0);
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, 5), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	for (; pid == 0;) {
		int one = accept(fd, NULL, NULL);
		if (one < 0)
			_exit(1);
		clamd_answer(one, manner);
		(void)close(one);
	}
	(void)close(fd);
	return pid;
}

static void
child_end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)unlink(socket_path);
}

/* ---- sessions ---- */

static const char *const pdf_and_text[] = {"application/pdf", "text/plain"};

static struct scan_verdict
scan_with(struct scan_service *service, const char *declared, struct span file,
    size_t step)
{
	struct scan_begin begin = {
	    .declared = declared, .allowed = pdf_and_text, .count = 2};
	struct scan_session *session;
	struct scan_verdict verdict = {0};
	assert_int_equal(scan_session_new(service, &begin, &session, NULL), 0);
	while (file.size > 0) {
		size_t size = file.size < step ? file.size : step;
		scan_session_push(session, span_of(file.at, size));
		file.at += size;
		file.size -= size;
	}
	scan_session_judge(session, &verdict);
	scan_session_free(session);
	assert_int_equal(service->held, 0);
	assert_int_equal(service->live, 0);
	return verdict;
}

static unsigned
reasons_of(const char *declared, const char *file)
{
	struct scan_service service = {0};
	struct scan_verdict verdict =
	    scan_with(&service, declared, span_text(file), 5);
	assert_int_equal(
	    verdict.outcome, verdict.reasons == 0 ? SCAN_CLEAN : SCAN_REFUSED);
	return verdict.reasons;
}

static void
a_file_must_be_what_it_says_and_be_allowed(void **state)
{
	(void)state;
	const char *pdf = "%PDF-1.4\n%%EOF";
	assert_int_equal(reasons_of("application/pdf", pdf), 0);
	assert_int_equal(reasons_of("Application/PDF; x=y", pdf), 0);
	assert_int_equal(reasons_of("text/plain", pdf), SNIFF_MISMATCH);
	assert_int_equal(
	    reasons_of("application/pdf", "no pdf"), SNIFF_MISMATCH);
	assert_int_equal(
	    reasons_of("application/json", "{}"), SNIFF_NOT_ALLOWED);
	assert_int_equal(
	    reasons_of("image/png", pdf), SNIFF_NOT_ALLOWED | SNIFF_MISMATCH);
	assert_int_equal(reasons_of("application/pdf", ""), SNIFF_EMPTY);
	assert_int_equal(
	    reasons_of("application/pdf", "%PDF-1.4 /Encrypt 1 0 R"),
	    SNIFF_ENCRYPTED | SNIFF_TRUNCATED);
}

static struct scan_verdict
scan_by_clamd(enum manner manner, const char *text, size_t size)
{
	pid_t pid = clamd_start(manner);
	struct scan_service service = {.clamd = socket_path};
	char *file = malloc(size + 1);
	memset(file, 'x', size);
	memcpy(file + size - strlen(text), text, strlen(text));
	struct scan_verdict verdict =
	    scan_with(&service, "text/plain", span_of(file, size), 200000);
	free(file);
	child_end(pid);
	return verdict;
}

static void
clamd_finds_what_it_knows_in_small_and_large_files(void **state)
{
	(void)state;
	static const size_t sizes[] = {
	    100, SCAN_HELD_BYTES, SCAN_HELD_BYTES + 1, 3 << 20};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct scan_verdict verdict =
		    scan_by_clamd(HONEST, "harmless", sizes[i]);
		assert_int_equal(verdict.outcome, SCAN_CLEAN);
		verdict = scan_by_clamd(HONEST, "MALWARE", sizes[i]);
		assert_int_equal(verdict.outcome, SCAN_REFUSED);
		assert_int_equal(verdict.reasons, SNIFF_INFECTED);
		assert_string_equal(verdict.detail, "Test.Sig-1");
	}
}

static void
no_answer_of_clamd_but_ok_lets_a_file_through(void **state)
{
	(void)state;
	for (enum manner m = HANGS_UP; m <= NONSENSE; m++) {
		struct scan_verdict verdict = scan_by_clamd(m, "", 100);
		assert_int_equal(verdict.outcome, SCAN_FAILED);
		assert_int_equal(verdict.reasons, 0);
		verdict = scan_by_clamd(m, "", 3 << 20);
		assert_int_equal(verdict.outcome, SCAN_FAILED);
	}
	struct scan_verdict verdict = scan_by_clamd(SIZE_LIMIT, "", 3 << 20);
	assert_non_null(strstr(verdict.detail, "StreamMaxLength"));
}

static void
a_clamd_that_is_not_there_is_a_temporary_failure(void **state)
{
	(void)state;
	struct scan_service service = {.clamd = "/nonexistent/clamd.sock"};
	struct scan_verdict verdict =
	    scan_with(&service, "text/plain", span_text("hello"), 100);
	assert_int_equal(verdict.outcome, SCAN_FAILED);
	assert_non_null(strstr(verdict.detail, "connect"));
	/* what is refused anyway is refused, not put off */
	verdict =
	    scan_with(&service, "application/pdf", span_text("hello"), 100);
	assert_int_equal(verdict.outcome, SCAN_REFUSED);
}

static void
more_large_files_than_clamd_takes_are_put_off(void **state)
{
	(void)state;
	pid_t pid = clamd_start(HONEST);
	struct scan_service service = {
	    .clamd = socket_path, .live = SCAN_LIVE_MAX};
	struct scan_begin begin = {
	    .declared = "text/plain", .allowed = pdf_and_text, .count = 2};
	struct scan_session *session;
	struct scan_verdict verdict = {0};
	char *file = malloc(2 << 20);
	memset(file, 'x', 2 << 20);
	assert_int_equal(scan_session_new(&service, &begin, &session, NULL), 0);
	scan_session_push(session, span_of(file, 2 << 20));
	scan_session_judge(session, &verdict);
	assert_int_equal(verdict.outcome, SCAN_FAILED);
	scan_session_free(session);
	assert_int_equal(service.live, SCAN_LIVE_MAX);
	free(file);
	child_end(pid);
}

/* ---- the real clamd, with a signature of our own ---- */

static void
file_write(const char *folder, const char *name, const char *text)
{
	char path[128];
	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static pid_t
real_clamd_start(const char *folder)
{
	char conf[512];
	char path[128];
	(void)snprintf(socket_path, sizeof socket_path, "%s/socket", folder);
	(void)snprintf(conf, sizeof conf,
	    "Foreground yes\nLocalSocket %s\nDatabaseDirectory %s\n"
	    "StreamMaxLength 2M\n",
	    socket_path, folder);
	file_write(folder, "clamd.conf", conf);
	/* "MALWARE" anywhere in any kind of file */
	file_write(folder, "test.ndb", "Our.Signature:0:*:4d414c57415245\n");
	(void)snprintf(path, sizeof path, "%s/clamd.conf", folder);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (freopen("/dev/null", "w", stdout) != NULL &&
		    freopen("/dev/null", "w", stderr) != NULL)
			(void)execl("/usr/sbin/clamd", "clamd", "-c", path,
			    (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 200 && access(socket_path, F_OK) < 0; i++)
		(void)usleep(100000);
	return pid;
}

static void
the_real_clamd_gives_its_verdict(void **state)
{
	(void)state;
	char folder[] = "/tmp/test_scan.XXXXXX";
	char command[64];
	if (access("/usr/sbin/clamd", X_OK) < 0) {
		print_message("missing: clamd\n");
		skip();
	}
	assert_non_null(mkdtemp(folder));
	pid_t pid = real_clamd_start(folder);
	struct scan_service service = {.clamd = socket_path};
	static char file[3 << 20];
	memset(file, 'x', sizeof file);
	struct scan_verdict verdict =
	    scan_with(&service, "text/plain", span_of(file, 1000), 100);
	assert_string_equal(verdict.detail, "");
	assert_int_equal(verdict.outcome, SCAN_CLEAN);
	memcpy(file + 500, "MALWARE", 7);
	verdict = scan_with(&service, "text/plain", span_of(file, 1000), 100);
	assert_int_equal(verdict.outcome, SCAN_REFUSED);
	assert_non_null(strstr(verdict.detail, "Our.Signature"));
	memset(file + 500, 'x', 7);
	memcpy(file + 1600000, "MALWARE", 7);
	verdict =
	    scan_with(&service, "text/plain", span_of(file, 2 << 20), 65536);
	assert_int_equal(verdict.reasons, SNIFF_INFECTED);
	verdict = scan_with(
	    &service, "text/plain", span_of(file, sizeof file), 65536);
	assert_int_equal(verdict.outcome, SCAN_FAILED);
	assert_non_null(strstr(verdict.detail, "StreamMaxLength"));
	child_end(pid);
	verdict = scan_with(&service, "text/plain", span_of(file, 1000), 100);
	assert_int_equal(verdict.outcome, SCAN_FAILED);
	(void)snprintf(command, sizeof command, "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
}

/* ---- the wire ---- */

static void
bodies_come_back_as_they_were_sent(void **state)
{
	(void)state;
	struct buf body;
	struct scan_begin begin = {.session = 7,
	    .declared = "text/plain",
	    .allowed = pdf_and_text,
	    .count = 2};
	struct scan_begin back;
	struct scan_verdict verdict = {.session = 9,
	    .outcome = SCAN_REFUSED,
	    .reasons = SNIFF_ACTIVE | SNIFF_INFECTED,
	    .type = "PDF",
	    .detail = "Name"};
	struct scan_verdict seen;
	struct span bytes;
	uint64_t session;
	buf_init(&body, 10000);
	scan_begin_build(&body, &begin);
	for (size_t size = 0; size < body.size; size++)
		assert_int_equal(
		    scan_begin_parse(span_of(body.at, size), &back, NULL),
		    WHY_MALFORMED);
	assert_int_equal(scan_begin_parse(buf_span(&body), &back, NULL), 0);
	assert_int_equal(back.session, 7);
	assert_string_equal(back.declared, "text/plain");
	assert_int_equal(back.count, 2);
	assert_string_equal(back.allowed[1], "text/plain");
	scan_begin_clear(&back);
	buf_reset(&body);
	scan_data_build(&body, 8, span_text("abc"));
	assert_int_equal(
	    scan_data_parse(buf_span(&body), &session, &bytes, NULL), 0);
	assert_int_equal(session, 8);
	assert_true(span_is(bytes, "abc"));
	buf_reset(&body);
	scan_verdict_build(&body, &verdict);
	assert_int_equal(scan_verdict_parse(buf_span(&body), &seen, NULL), 0);
	assert_memory_equal(&seen, &verdict, sizeof seen);
	buf_clear(&body);
}

static void
verdicts_that_contradict_themselves_are_malformed(void **state)
{
	(void)state;
	static const struct scan_verdict bad[] = {
	    {.outcome = SCAN_CLEAN, .reasons = SNIFF_ACTIVE},
	    {.outcome = SCAN_REFUSED, .reasons = 0},
	    {.outcome = SCAN_REFUSED, .reasons = 1u << SNIFF_REASONS},
	    {.outcome = (enum scan_outcome)3},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct buf body;
		struct scan_verdict seen;
		buf_init(&body, 1000);
		scan_verdict_build(&body, &bad[i]);
		assert_int_equal(
		    scan_verdict_parse(buf_span(&body), &seen, NULL),
		    WHY_MALFORMED);
		buf_clear(&body);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_file_must_be_what_it_says_and_be_allowed),
	    cmocka_unit_test(
		clamd_finds_what_it_knows_in_small_and_large_files),
	    cmocka_unit_test(no_answer_of_clamd_but_ok_lets_a_file_through),
	    cmocka_unit_test(a_clamd_that_is_not_there_is_a_temporary_failure),
	    cmocka_unit_test(more_large_files_than_clamd_takes_are_put_off),
	    cmocka_unit_test(the_real_clamd_gives_its_verdict),
	    cmocka_unit_test(bodies_come_back_as_they_were_sent),
	    cmocka_unit_test(verdicts_that_contradict_themselves_are_malformed),
	};
	return cmocka_run_group_tests_name("relay: scan", tests, NULL, NULL);
}
