/* An upgrade that is killed: the store is of the old format or of the new one,
 * and whole. */
#include "base/crash.h"

#include <stdio.h>

#ifdef TEST_HOOKS

#include "keys/log_hash.h"
#include "tests/support/spool_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void
old_store(struct house *house)
{
	char command[400];
	house_open(house, 0);
	house_close_spool(house);
	(void)snprintf(command, sizeof command,
	    "rm %s/data.mdb %s/lock.mdb; "
	    "gzip -dc tests/spool/fixtures/format-1.mdb.gz >%s/data.mdb",
	    house->dir, house->dir, house->dir);
	assert_int_equal(system(command), 0);
}

static void
upgrade_and_die(const char *dir, const char *point)
{
	int status;
	(void)fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		(void)setenv("BUDSTIKKE_CRASH_AT", point, 1);
		crash_restart();
		_exit(spool_upgrade(dir, log_sha256, NULL) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void
an_upgrade_that_was_killed_was_not_or_was_done(void **state)
{
	(void)state;
	static const struct {
		const char *point;
		int opened;
	} kills[] = {{"upgrade.before", WHY_UNSUPPORTED}, {"upgrade.after", 0}};
	for (size_t i = 0; i < 2; i++) {
		struct house house;
		old_store(&house);
		upgrade_and_die(house.dir, kills[i].point);
		assert_int_equal(spool_open(house.dir, &house.options,
				     &house.spool, &house.why),
		    kills[i].opened);
		house_close_spool(&house);
		assert_int_equal(
		    spool_upgrade(house.dir, log_sha256, &house.why), 0);
		house_reopen(&house);
		house_clean(&house);
		house_close(&house);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_upgrade_that_was_killed_was_not_or_was_done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int
main(void)
{
	printf("1..0 # SKIP built without TEST_HOOKS\n");
	return 0;
}

#endif
