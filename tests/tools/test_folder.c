/* tools: a package's names never lead out of the message's folder */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/folder.h"

static int top = -1;
static char top_path[] = "/tmp/budstikke-folder.XXXXXX";

static int
begin(void **state)
{
	(void)state;
	if (mkdtemp(top_path) == NULL)
		return -1;
	top = open(top_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return top < 0 ? -1 : 0;
}

static int
end(void **state)
{
	struct why why;

	(void)state;
	folder_remove(top, "m", &why);
	unlinkat(top, "outside", 0);
	close(top);
	return rmdir(top_path);
}

static struct folder
fresh(void)
{
	struct folder folder;
	struct why why;

	assert_int_equal(folder_remove(top, "m", &why), 0);
	assert_int_equal(folder_make(top, "m", &folder, &why), 0);
	return folder;
}

static int
create(struct folder *folder, const char *name)
{
	struct why why;
	int fd = -1;
	int code = folder_create(folder, span_text(name), &fd, &why);

	if (code == 0)
		assert_int_equal(folder_file_finish(fd, &why), 0);
	return code;
}

static void
files_of_a_message_land_in_its_folder(void **state)
{
	struct folder folder = fresh();
	struct stat about;
	struct why why;

	(void)state;
	assert_int_equal(create(&folder, "payload.json"), 0);
	assert_int_equal(create(&folder, "attachments/a b.pdf"), 0);
	assert_int_equal(create(&folder, "attachments/payload.json"), 0);
	assert_int_equal(folder_sync(&folder, &why), 0);
	assert_int_equal(fstatat(top, "m/attachments/a b.pdf", &about, 0), 0);
	assert_int_equal(about.st_mode & 0777, 0600);
	folder_close(&folder);
}

static void
names_that_lead_elsewhere_are_refused(void **state)
{
	static const char *const names[] = {"", ".", "..", "../outside",
	    "/tmp/outside", "a/b", "attachments/", "attachments/..",
	    "attachments/../outside", "attachments/a/b", "attachments//a",
	    "./payload.json", "attachments/\n", "a\\b", "CON",
	    "attachments/\xff\xfe"};
	struct folder folder = fresh();
	struct span nul = {(const uint8_t *)"a\0b", 3};
	struct why why;
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (create(&folder, names[i]) == 0)
			fail_msg("row %zu was created", i);
	assert_int_not_equal(folder_create(&folder, nul, &fd, &why), 0);
	assert_int_not_equal(faccessat(top, "outside", F_OK, 0), 0);
	folder_close(&folder);
}

static void
a_name_that_comes_twice_is_refused(void **state)
{
	struct folder folder = fresh();

	(void)state;
	assert_int_equal(create(&folder, "payload.json"), 0);
	assert_int_not_equal(create(&folder, "payload.json"), 0);
	folder_close(&folder);
}

static void
a_link_laid_in_the_way_is_not_followed(void **state)
{
	struct folder folder = fresh();

	(void)state;
	assert_int_equal(symlinkat("../outside", folder.fd, "payload.json"), 0);
	assert_int_equal(symlinkat("..", folder.fd, "attachments"), 0);
	assert_int_not_equal(create(&folder, "payload.json"), 0);
	assert_int_not_equal(create(&folder, "attachments/outside"), 0);
	assert_int_not_equal(faccessat(top, "outside", F_OK, 0), 0);
	folder_close(&folder);
}

static void
removing_takes_links_and_leaves_what_they_point_to(void **state)
{
	struct folder folder = fresh();
	struct stat about;
	struct why why;
	int fd = openat(top, "outside", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(create(&folder, "attachments/a"), 0);
	assert_int_equal(symlinkat("../outside", folder.fd, "link"), 0);
	folder_close(&folder);
	assert_int_equal(folder_remove(top, "m", &why), 0);
	assert_int_not_equal(fstatat(top, "m", &about, 0), 0);
	assert_int_equal(fstatat(top, "outside", &about, 0), 0);
	assert_int_equal(folder_remove(top, "m", &why), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(files_of_a_message_land_in_its_folder),
	    cmocka_unit_test(names_that_lead_elsewhere_are_refused),
	    cmocka_unit_test(a_name_that_comes_twice_is_refused),
	    cmocka_unit_test(a_link_laid_in_the_way_is_not_followed),
	    cmocka_unit_test(
		removing_takes_links_and_leaves_what_they_point_to),
	};

	return cmocka_run_group_tests_name("tools: folder", tests, begin, end);
}
