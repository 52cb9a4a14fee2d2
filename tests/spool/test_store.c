/* The store as a file: who may open it, room, backup and restore, readers. */
#include "keys/log_hash.h"
#include "tests/support/spool_house.h"

#include <fcntl.h>
#include <lmdb.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define HOUSE                                                                  \
	struct house house_;                                                   \
	struct house *house = &house_;                                         \
	(void)state;                                                           \
	house_open(house, 0)
#define OSLO HOUSE_OSLO
#define BERGEN HOUSE_BERGEN

static void
a_second_writer_is_refused_while_the_first_lives(void **state)
{
	HOUSE;
	pid_t pid = fork();
	if (pid == 0) {
		struct spool *second;
		struct why why;
		_exit(spool_open(house->dir, &house->options, &second, &why) ==
			      WHY_BUSY
			  ? 0
			  : 1);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	house_close(house);
}

static void
a_directory_without_a_store_is_not_made_into_one_by_mistake(void **state)
{
	(void)state;
	char dir[] = "/tmp/spool-none-XXXXXX";
	struct spool_options options;
	struct spool *spool;
	struct spool_view *view;
	struct why why;
	assert_non_null(mkdtemp(dir));
	spool_options_init(&options);
	options.sha256 = log_sha256;
	options.limits.map_bytes = 16 * MIB;
	assert_int_equal(
	    spool_open(dir, &options, &spool, &why), WHY_NOT_FOUND);
	assert_null(spool);
	char path[64];
	(void)snprintf(path, sizeof path, "%s/none", dir);
	assert_int_equal(spool_view_open(path, &view, &why), WHY_NOT_FOUND);
	assert_int_equal(
	    spool_open(path, &options, &spool, &why), WHY_NOT_FOUND);
	char command[100];
	(void)snprintf(command, sizeof command, "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

/* Write another version into the meta record, behind the engine's back. */
static void
set_version(const char *dir, uint8_t version)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_val key = {5, (void *)(uintptr_t) "state"};
	MDB_val value;
	uint8_t bytes[256];
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, 32), 0);
	assert_int_equal(mdb_env_open(env, dir, 0, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, "meta", 0, &dbi), 0);
	assert_int_equal(mdb_get(txn, dbi, &key, &value), 0);
	assert_true(value.mv_size < sizeof bytes);
	memcpy(bytes, value.mv_data, value.mv_size);
	bytes[0] = version;
	value.mv_data = bytes;
	assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void
a_newer_and_an_older_format_are_refused_with_advice(void **state)
{
	HOUSE;
	house_close_spool(house);
	set_version(house->dir, SPOOL_FORMAT + 1);
	assert_int_equal(
	    spool_open(house->dir, &house->options, &house->spool, &house->why),
	    WHY_UNSUPPORTED);
	assert_int_equal(spool_upgrade(house->dir, log_sha256, &house->why),
	    WHY_UNSUPPORTED);
	set_version(house->dir, 0);
	assert_int_equal(
	    spool_open(house->dir, &house->options, &house->spool, &house->why),
	    WHY_UNSUPPORTED);
	assert_non_null(strstr(house->why.text, "budstikke spool upgrade"));
	assert_int_equal(spool_upgrade(house->dir, log_sha256, &house->why),
	    WHY_UNSUPPORTED);
	set_version(house->dir, SPOOL_FORMAT);
	assert_int_equal(spool_upgrade(house->dir, log_sha256, &house->why), 0);
	house_reopen(house);
	house_clean(house);
	house_close(house);
}

/* ---- room ---- */

static void
a_store_that_grows_in_small_steps_is_written_ahead(void **state)
{
	HOUSE;
	char path[1024];
	struct house_message message;
	struct stat file;
	MDB_env *env;
	MDB_envinfo info;
	MDB_stat pages;
	for (int i = 0; i < 8; i++) {
		house_message(house, &message);
		message.size = 1000;
		house_accept(house, &message, OSLO, NULL);
	}
	house_close_spool(house);
	(void)snprintf(path, sizeof path, "%s/data.mdb", house->dir);
	assert_int_equal(stat(path, &file), 0);
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_open(env, house->dir, MDB_RDONLY, 0600), 0);
	assert_int_equal(mdb_env_info(env, &info), 0);
	assert_int_equal(mdb_env_stat(env, &pages), 0);
	mdb_env_close(env);
	uint64_t used = ((uint64_t)info.me_last_pgno + 1) * pages.ms_psize;
	assert_true((uint64_t)file.st_size > used + 128 * 1024);
	assert_true((uint64_t)file.st_size < used + 2 * MIB);
	house_reopen(house);
	house_accept(house, &message, OSLO, NULL);
	house_clean(house);
	house_close(house);
}

/* Accept until it is refused; how many went in. */
static size_t
fill(struct house *house, uint64_t size)
{
	for (size_t i = 0;; i++) {
		struct house_message message;
		struct spool_accepted out;
		house_message(house, &message);
		message.size = size;
		house_begin(house);
		int ret = house_accept_in(house, &message, OSLO, NULL, &out);
		if (ret != 0) {
			assert_int_equal(ret, WHY_FULL);
			/* broken: there are free pages, but not in one run */
			if (spool_group_broken(house->group)) {
				spool_group_abort(house->group);
				house->group = NULL;
				return i;
			}
			assert_false(spool_group_changed(house->group));
			assert_int_equal(house_commit(house), 0);
			return i;
		}
		assert_int_equal(house_commit(house), 0);
	}
}

static void
a_full_map_refuses_the_new_and_takes_receipts_alarms_and_purges(void **state)
{
	struct house house_;
	struct house *house = &house_;
	struct spool_verdict_done done;
	(void)state;
	house_open(house, 16 * MIB);
	struct house_message first;
	house_message(house, &first);
	house_accept(house, &first, OSLO, NULL);
	size_t went = fill(house, 100000);
	assert_true(went > 50);
	(void)fill(house, 1000); /* those need no run of free pages */
	assert_true(spool_is_full(house->spool));
	house_clean(house);
	assert_int_equal(house_imported(house, &first.id, OSLO, &done), 0);
	house->now_ms += 15 * HOUSE_DAY; /* all the others expire */
	house_due(house);
	house_clean(house);
	house->now_ms += 31 * HOUSE_DAY;
	house_due(house);
	house_clean(house);
	/* what was purged is room again */
	assert_true(fill(house, 100000) >= went / 2);
	house_clean(house);
	house_close(house);
}

static void
when_the_reserve_is_gone_too_nothing_is_acknowledged(void **state)
{
	struct house house_;
	struct house *house = &house_;
	(void)state;
	house_open(house, 16 * MIB);
	(void)fill(house, 100000);
	/* alarms go through until even the reserve is used up */
	int ret = 0;
	size_t kept = 0;
	for (size_t i = 0; i < 1000 && ret == 0; i++) {
		house_begin(house);
		for (size_t j = 0; j < 200 && ret == 0; j++) {
			struct id member = id_new(house->now_ms);
			ret = spool_alarm_raise(house->group, OSLO,
			    SPOOL_CAUSE_FAULT, SPOOL_WARNING, &member,
			    house->now_ms, &house->why);
		}
		if (ret != 0) {
			assert_true(spool_group_broken(house->group));
			spool_group_abort(house->group);
			house->group = NULL;
			break;
		}
		ret = house_commit(house);
		if (ret == 0)
			kept += 200;
	}
	assert_int_equal(ret, WHY_FULL);
	assert_true(kept > 2000);
	assert_int_equal(
	    house_alarm(house, OSLO, SPOOL_CAUSE_FAULT).count, kept);
	house_clean(house);
	/* a larger map is all it takes */
	house->options.limits.map_bytes = 64 * MIB;
	house_reopen(house);
	assert_true(fill(house, 1000000) > 10);
	house_clean(house);
	house_close(house);
}

/* A file that takes all that is left of the file system; returns how much. */
static uint64_t
fill_outside(const char *path)
{
	static const char zeros[65536];
	uint64_t size = 0;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	for (;;) {
		ssize_t n = write(fd, zeros, sizeof zeros);
		if (n <= 0)
			break;
		size += (uint64_t)n;
	}
	close(fd);
	return size;
}

/* In a mount namespace of its own; exits with what went wrong. */
static void
on_a_small_disk(void)
{
	struct house house;
	struct house_message message;
	struct spool_accepted out;
	struct spool_verdict_done done;
	char path[32];
	memset(&house, 0, sizeof house);
	strcpy(house.dir, "/mnt");
	house.now_ms = HOUSE_START;
	spool_options_init(&house.options);
	house.options.sha256 = log_sha256;
	house.options.create = true;
	house.options.limits.map_bytes = 1 * GIB;
	house.options.limits.reserve_bytes = 8 * MIB;
	house_reopen(&house);
	house_mailbox(&house, OSLO);
	house_message(&house, &message);
	message.grace_ms = 1000;
	house_accept(&house, &message, OSLO, NULL);
	strcpy(path, "/mnt/filled");
	assert_true(fill_outside(path) > 10 * MIB);
	struct house_message refused;
	house_message(&house, &refused);
	house_begin(&house);
	assert_int_equal(
	    house_accept_in(&house, &refused, OSLO, NULL, &out), WHY_FULL);
	assert_false(spool_group_broken(house.group));
	assert_int_equal(house_commit(&house), 0);
	assert_true(spool_is_full(house.spool));
	/* the reserve is ours: receipts and purges go through */
	assert_int_equal(house_imported(&house, &message.id, OSLO, &done), 0);
	house.now_ms += 2000;
	house_due(&house);
	/* use it up: then nothing is acknowledged, and nothing is lost */
	int ret = 0;
	uint64_t kept = 0;
	while (ret == 0) {
		house_begin(&house);
		for (size_t i = 0; i < 500 && ret == 0; i++) {
			struct id member = id_new(house.now_ms);
			ret = spool_alarm_raise(house.group, OSLO,
			    SPOOL_CAUSE_FAULT, SPOOL_WARNING, &member, 1, NULL);
		}
		assert_int_equal(ret, 0); /* the map has room */
		ret = house_commit(&house);
		kept += ret == 0 ? 500 : 0;
	}
	assert_int_equal(ret, WHY_FULL);
	assert_false(spool_is_dead(house.spool));
	assert_int_equal(
	    house_alarm(&house, OSLO, SPOOL_CAUSE_FAULT).count, kept);
	house_clean(&house);
	/* all well when space returns */
	assert_int_equal(unlink(path), 0);
	spool_reserve_refill(house.spool);
	house_accept(&house, &refused, OSLO, NULL);
	house_clean(&house);
	house_close_spool(&house);
}

static void
a_file_system_filled_from_outside_leaves_the_reserve(void **state)
{
	(void)state;
	(void)fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) != 0 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		    mount("none", "/mnt", "tmpfs", 0, "size=40m") != 0)
			_exit(77);
		on_a_small_disk();
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("a mount of our own is not allowed here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static void
a_reader_in_another_process_follows_a_map_that_grows(void **state)
{
	struct house house_;
	struct house *house = &house_;
	(void)state;
	house_open(house, 16 * MIB);
	int to[2];
	int from[2];
	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	house_close_spool(house); /* a fork would inherit its lock */
	pid_t pid = fork();
	if (pid == 0) {
		struct spool_view *view;
		struct spool_stats stats;
		char byte;
		close(to[1]);
		if (spool_view_open(house->dir, &view, NULL) != 0)
			_exit(1);
		if (write(from[1], "r", 1) != 1 || read(to[0], &byte, 1) != 1)
			_exit(2);
		if (spool_view_begin(view, NULL) != 0 ||
		    spool_view_stats(view, &stats, NULL) != 0)
			_exit(3);
		spool_view_close(view);
		_exit(stats.messages == 200 ? 0 : 4);
	}
	char byte;
	close(to[0]);
	assert_int_equal(read(from[0], &byte, 1), 1);
	house->options.limits.map_bytes = 128 * MIB;
	house_reopen(house);
	for (size_t i = 0; i < 200; i++) {
		struct house_message message;
		house_message(house, &message);
		message.size = 200000;
		house_accept(house, &message, OSLO, NULL);
	}
	assert_int_equal(write(to[1], "g", 1), 1);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(to[1]);
	close(from[0]);
	close(from[1]);
	house_close(house);
}

static void
a_reader_that_stays_behind_is_seen_with_its_age(void **state)
{
	HOUSE;
	int to[2];
	int from[2];
	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct spool_view *view;
		char byte;
		close(to[1]);
		if (spool_view_open(house->dir, &view, NULL) != 0 ||
		    spool_view_begin(view, NULL) != 0 ||
		    write(from[1], "r", 1) != 1)
			_exit(1);
		_exit(read(to[0], &byte, 1) == 0 ? 0 : 2);
	}
	char byte;
	struct spool_reader readers[4];
	size_t count;
	close(to[0]);
	assert_int_equal(read(from[0], &byte, 1), 1);
	/* not behind anything: no age, however long it lasts */
	assert_int_equal(
	    spool_readers(house->spool, 1000, readers, 4, &count, NULL), 0);
	assert_int_equal(count, 0);
	struct house_message message;
	house_message(house, &message);
	house_accept(house, &message, OSLO, NULL);
	assert_int_equal(
	    spool_readers(house->spool, 2000, readers, 4, &count, NULL), 0);
	assert_int_equal(count, 1);
	assert_int_equal(readers[0].age_ms, 0);
	assert_int_equal(
	    spool_readers(house->spool, 13000, readers, 4, &count, NULL), 0);
	assert_int_equal(count, 1);
	assert_int_equal(readers[0].pid, pid);
	assert_int_equal(readers[0].age_ms, 11000);
	close(to[1]);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(
	    spool_readers(house->spool, 14000, readers, 4, &count, NULL), 0);
	assert_int_equal(count, 0);
	close(from[0]);
	close(from[1]);
	house_close(house);
}

/* ---- backup and restore ---- */

static void
a_restore_is_a_new_epoch_in_which_nothing_is_silent(void **state)
{
	HOUSE;
	struct house_message waits;
	struct house_message ends;
	struct house_message lost;
	struct spool_verdict_done done;
	char backup[80];
	char other[80];
	(void)snprintf(backup, sizeof backup, "%.60s/backup", house->dir);
	(void)snprintf(other, sizeof other, "%.60s/other", house->dir);
	house_message(house, &waits);
	house_accept(house, &waits, OSLO, BERGEN);
	house_message(house, &ends);
	ends.grace_ms = 1000;
	house_accept(house, &ends, OSLO, NULL);
	assert_int_equal(house_imported(house, &ends.id, OSLO, &done), 0);
	int64_t taken = house->now_ms;
	assert_int_equal(spool_backup(house->view, backup, &house->why), 0);
	assert_int_equal(
	    spool_backup(house->view, backup, &house->why), WHY_EXISTS);
	house->now_ms += HOUSE_DAY;
	house_due(house); /* purges the one that ended */
	house_message(house, &lost);
	house_accept(house, &lost, OSLO, NULL);
	struct spool_position before;
	assert_int_equal(spool_view_begin(house->view, NULL), 0);
	assert_int_equal(spool_view_position(house->view, &before, NULL), 0);
	spool_view_end(house->view);

	assert_int_equal(
	    spool_restore(backup, other, house->now_ms, &house->why), 0);
	char dir[sizeof house->dir];
	memcpy(dir, house->dir, sizeof dir);
	house_close_spool(house);
	(void)snprintf(house->dir, sizeof house->dir, "%.90s", other);
	house_reopen(house);
	house_clean(house); /* before the first group, and after it */
	uint8_t byte;
	size_t got;
	assert_int_equal(spool_view_begin(house->view, NULL), 0);
	assert_int_equal(spool_view_content(house->view, &ends.id, OSLO, 0,
			     &byte, 1, &got, NULL),
	    WHY_NOT_FOUND); /* what was purged does not return */
	/* the recipient had read to the end of the old epoch: it gets what
	 * waits once more */
	struct spool_delivery list[4];
	struct spool_position next;
	size_t count;
	assert_int_equal(
	    spool_view_list(house->view, OSLO, (struct spool_position){1, 1000},
		list, 4, &count, &next, NULL),
	    0);
	assert_int_equal(count, 1);
	assert_true((list[0].flags & SPOOL_FLAG_REDELIVERED) != 0);
	assert_true(id_equal(&list[0].message, &waits.id));
	spool_view_end(house->view);

	house_begin(house);
	assert_int_equal(spool_group_drafts(house->group), 1);
	const struct spool_draft *draft = spool_group_draft(house->group, 0);
	assert_int_equal(draft->level, SPOOL_LEVEL_RESTORED);
	assert_int_equal(draft->position.epoch, 2);
	assert_int_equal(draft->position.sequence, 1);
	assert_int_equal(draft->previous.epoch, 1);
	assert_int_equal(draft->previous.sequence, 3);
	assert_int_equal(draft->missing_after_ms, taken);
	assert_int_equal(house_commit(house), 0);
	struct spool_evidence feed[4];
	assert_int_equal(spool_view_begin(house->view, NULL), 0);
	assert_int_equal(spool_view_feed(house->view, HOUSE_SENDER, before,
			     feed, 4, &count, &next, NULL),
	    0);
	assert_int_equal(count, 1);
	assert_int_equal(feed[0].level, SPOOL_LEVEL_RESTORED);
	assert_int_equal(feed[0].missing_after_ms, taken);
	spool_view_end(house->view);
	struct spool_alarm alarm = house_alarm(house, "", SPOOL_CAUSE_RESTORED);
	assert_int_equal(alarm.severity, SPOOL_CRITICAL);
	house_begin(house);
	assert_int_equal(spool_alarm_close(house->group, &alarm.id, NULL), 0);
	assert_int_equal(spool_group_drafts(house->group), 0);
	assert_int_equal(house_commit(house), 0);
	house_due(house);
	house_clean(house);
	/* the sender asks again for what was lost, and gets a new receipt */
	house_accept(house, &lost, OSLO, NULL);
	house_clean(house);
	house_close_spool(house);
	memcpy(house->dir, dir, sizeof dir);
	house_reopen(house);
	house_close(house);
}

static void
a_restore_refuses_a_directory_in_use_and_a_backup_that_is_none(void **state)
{
	HOUSE;
	char none[80];
	char other[80];
	(void)snprintf(none, sizeof none, "%.60s/none", house->dir);
	(void)snprintf(other, sizeof other, "%.60s/other", house->dir);
	assert_int_equal(
	    spool_restore(none, house->dir, house->now_ms, &house->why),
	    WHY_EXISTS);
	assert_int_equal(spool_restore(none, other, house->now_ms, &house->why),
	    WHY_NOT_FOUND);
	/* and it can be tried again */
	assert_int_equal(
	    spool_restore(house->dir, other, house->now_ms, &house->why), 0);
	house_close(house);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_second_writer_is_refused_while_the_first_lives),
	    cmocka_unit_test(
		a_directory_without_a_store_is_not_made_into_one_by_mistake),
	    cmocka_unit_test(
		a_newer_and_an_older_format_are_refused_with_advice),
	    cmocka_unit_test(
		a_full_map_refuses_the_new_and_takes_receipts_alarms_and_purges),
	    cmocka_unit_test(
		a_store_that_grows_in_small_steps_is_written_ahead),
	    cmocka_unit_test(
		when_the_reserve_is_gone_too_nothing_is_acknowledged),
	    cmocka_unit_test(
		a_file_system_filled_from_outside_leaves_the_reserve),
	    cmocka_unit_test(
		a_reader_in_another_process_follows_a_map_that_grows),
	    cmocka_unit_test(a_reader_that_stays_behind_is_seen_with_its_age),
	    cmocka_unit_test(
		a_restore_is_a_new_epoch_in_which_nothing_is_silent),
	    cmocka_unit_test(
		a_restore_refuses_a_directory_in_use_and_a_backup_that_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
