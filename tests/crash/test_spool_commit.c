/*
 * Within the commit: the store's own writes and flushes are intercepted, and
 * the process is killed before or after each of them, or the disk fails there.
 */
#include "tests/support/spool_house.h"

#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define EXPORTED __attribute__((visibility("default")))

/* What to do at which of the calls to come; calls count from 1. */
static unsigned long calls;
static unsigned long at_call; /* 0: leave all alone */
static enum { KILL_BEFORE, KILL_AFTER, FAIL } what;
static int fail_errno;
static bool only_from; /* fail this call and all after it */

static bool
now(bool before)
{
	if (before)
		calls++;
	if (at_call == 0)
		return false;
	bool here = only_from ? calls >= at_call : calls == at_call;
	if (!here)
		return false;
	if ((what == KILL_BEFORE && before) ||
	    (what == KILL_AFTER && !before)) {
		(void)kill(getpid(), SIGKILL);
		for (;;)
			(void)pause();
	}
	errno = fail_errno;
	return what == FAIL && before;
}

/* dlsym() gives an object's address; C has no cast to a function's. */
static void
real(const char *name, void *function)
{
	void *at = dlsym(RTLD_NEXT, name);
	memcpy(function, &at, sizeof at);
}

EXPORTED ssize_t
pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	static ssize_t (*next)(int, const void *, size_t, off_t);
	if (next == NULL)
		real("pwrite", &next);
	if (now(true))
		return -1;
	ssize_t ret = next(fd, bytes, size, offset);
	(void)now(false);
	return ret;
}

EXPORTED ssize_t
writev(int fd, const struct iovec *parts, int count)
{
	static ssize_t (*next)(int, const struct iovec *, int);
	if (next == NULL)
		real("writev", &next);
	if (now(true))
		return -1;
	ssize_t ret = next(fd, parts, count);
	(void)now(false);
	return ret;
}

EXPORTED int
fdatasync(int fd)
{
	static int (*next)(int);
	if (next == NULL)
		real("fdatasync", &next);
	if (now(true))
		return -1;
	int ret = next(fd);
	(void)now(false);
	return ret;
}

/* A group of three messages, one of them big; its commit's answer. */
static int
commit_three(struct house *house, struct house_message messages[3])
{
	house_begin(house);
	for (size_t i = 0; i < 3; i++) {
		struct spool_accepted out;
		house_message(house, &messages[i]);
		memset(&messages[i].id, (int)i + 1, sizeof messages[i].id);
		messages[i].size = i == 1 ? 300000 : 1000;
		assert_int_equal(house_accept_in(house, &messages[i],
				     HOUSE_OSLO, NULL, &out),
		    0);
	}
	return house_commit(house);
}

static unsigned long
calls_of_a_commit(void)
{
	struct house house;
	struct house_message messages[3];
	house_open(&house, 0);
	at_call = 0;
	calls = 0;
	assert_int_equal(commit_three(&house, messages), 0);
	unsigned long count = calls;
	house_close(&house);
	return count;
}

static void
killed_at_any_write_a_commit_is_whole_or_nothing(void **state)
{
	(void)state;
	unsigned long count = calls_of_a_commit();
	size_t kills = 0;
	assert_true(count >= 3);
	for (unsigned long i = 0; i < 2 * count; i++) {
		struct house house;
		house_open(&house, 0);
		house_close_spool(&house);
		(void)fflush(NULL);
		pid_t pid = fork();
		if (pid == 0) {
			struct house_message messages[3];
			house_reopen(&house);
			calls = 0;
			what = i % 2 == 0 ? KILL_BEFORE : KILL_AFTER;
			at_call = i / 2 + 1;
			_exit(commit_three(&house, messages) == 0 ? 0 : 1);
		}
		int status;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		kills++;
		house_reopen(&house);
		house_clean(&house);
		struct spool_stats stats;
		assert_int_equal(spool_view_begin(house.view, NULL), 0);
		assert_int_equal(spool_view_stats(house.view, &stats, NULL), 0);
		spool_view_end(house.view);
		assert_true(stats.messages == 0 || stats.messages == 3);
		/* until the last write, the page that makes it true, nothing */
		if (i / 2 + 1 < count)
			assert_int_equal(stats.messages, 0);
		house_close(&house);
	}
	print_message("%lu writes and flushes, %zu kills\n", count, kills);
}

/* ---- a reader that stays ---- */

/* Another process has the store open to read, as net does, until the pipe's
 * end: so LMDB's lock file is not made anew when the writer dies. */
static pid_t
reader_begin(const struct house *house, int *stop)
{
	int ready[2];
	int until[2];
	char byte = 0;
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(until), 0);
	(void)fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		struct spool_view *view;
		close(until[1]);
		if (spool_view_open(house->dir, &view, NULL) != 0 ||
		    spool_view_begin(view, NULL) != 0)
			_exit(1);
		spool_view_end(view);
		if (write(ready[1], &byte, 1) != 1)
			_exit(1);
		_exit(read(until[0], &byte, 1) == 0 ? 0 : 1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	close(until[0]);
	*stop = until[1];
	return pid;
}

static void
reader_end(pid_t pid, int stop)
{
	int status;
	close(stop);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Killed behind the last write of a commit: it has happened. */
static void
commit_and_die(struct house *house, unsigned long count)
{
	(void)fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		struct house_message messages[3];
		house_reopen(house);
		calls = 0;
		what = KILL_AFTER;
		at_call = count;
		(void)commit_three(house, messages);
		_exit(1);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void
receipt_is_of(struct house *house, const struct id *id)
{
	struct spool_message message;
	struct spool_evidence evidence;
	char jws[64];
	assert_int_equal(spool_view_begin(house->view, NULL), 0);
	assert_int_equal(
	    spool_view_message(house->view, id, &message, NULL), 0);
	assert_int_equal(
	    spool_view_evidence(house->view, message.evidence, &evidence, NULL),
	    0);
	assert_true(evidence.has_message);
	assert_true(id_equal(&evidence.message, id));
	(void)snprintf(jws, sizeof jws, "jws %u %llu", message.evidence.epoch,
	    (unsigned long long)message.evidence.sequence);
	assert_true(span_equal(evidence.jws, span_text(jws)));
	spool_view_end(house->view);
}

/*
 * The writer dies between the write that makes its commit true and its note in
 * the lock file: a reader still gets the state before. A new writer that took
 * the log's end from there would give out the same places twice, and write
 * over the evidence of what was accepted.
 */
static void
killed_behind_the_last_write_no_evidence_is_written_over(void **state)
{
	(void)state;
	unsigned long count = calls_of_a_commit();
	struct house house;
	struct house_message next;
	int stop;
	house_open(&house, 0);
	house_close_spool(&house);
	pid_t reader = reader_begin(&house, &stop);
	commit_and_die(&house, count);
	house_reopen(&house);
	house_message(&house, &next);
	next.key[SPOOL_HASH_SIZE - 1] = 1; /* another than the dead one's */
	house_accept(&house, &next, HOUSE_BERGEN, NULL);
	for (int i = 1; i <= 3; i++) {
		struct id id;
		memset(&id, i, sizeof id);
		receipt_is_of(&house, &id);
	}
	receipt_is_of(&house, &next.id);
	house_clean(&house);
	reader_end(reader, stop);
	house_close(&house);
}

static void
a_disk_that_fails_before_the_end_is_full_and_leaves_nothing(void **state)
{
	(void)state;
	unsigned long count = calls_of_a_commit();
	static const int errors[] = {ENOSPC, EIO};
	for (unsigned long i = 1; i < count; i++) {
		struct house house;
		struct house_message messages[3];
		house_open(&house, 0);
		calls = 0;
		what = FAIL;
		fail_errno = errors[i % 2];
		at_call = i;
		int ret = commit_three(&house, messages);
		at_call = 0;
		assert_int_equal(ret, WHY_FULL);
		assert_false(spool_is_dead(house.spool));
		house_clean(&house);
		/* and when there is room again, all goes on */
		assert_int_equal(commit_three(&house, messages), 0);
		house_clean(&house);
		house_reopen(&house);
		house_clean(&house);
		house_close(&house);
	}
}

static void
a_disk_that_fails_at_the_last_write_leaves_the_outcome_in_doubt(void **state)
{
	(void)state;
	unsigned long count = calls_of_a_commit();
	struct house house;
	struct house_message messages[3];
	struct spool_group *group;
	house_open(&house, 0);
	calls = 0;
	what = FAIL;
	fail_errno = EIO;
	at_call = count;
	only_from = true;
	int ret = commit_three(&house, messages);
	at_call = 0;
	only_from = false;
	assert_int_equal(ret, WHY_DOUBT);
	assert_true(spool_is_dead(house.spool));
	assert_int_equal(
	    spool_group_begin(house.spool, house.now_ms, &group, NULL),
	    WHY_DOUBT);
	house_reopen(&house); /* which knows: here, that it did not happen */
	house_clean(&house);
	struct house_message again[3];
	assert_int_equal(commit_three(&house, again), 0);
	house_clean(&house);
	house_close(&house);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(killed_at_any_write_a_commit_is_whole_or_nothing),
	    cmocka_unit_test(
		killed_behind_the_last_write_no_evidence_is_written_over),
	    cmocka_unit_test(
		a_disk_that_fails_before_the_end_is_full_and_leaves_nothing),
	    cmocka_unit_test(
		a_disk_that_fails_at_the_last_write_leaves_the_outcome_in_doubt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
