#include "formats/filename.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int
check(const char *name)
{
	struct why why = {0};
	int ret = filename_check(span_text(name), 255, &why);
	/* the sentence never repeats the name */
	if (ret < 0 && strlen(name) > 6)
		assert_null(strstr(why.text, name));
	return ret;
}

static void
ordinary_names_in_many_languages_are_good(void **state)
{
	(void)state;
	static const char *const names[] = {"a", "kvittering.pdf",
	    "Søknad om økonomisk støtte (2).pdf", "IMG_0001.JPG", ".skjult",
	    "a..b", "mellom rom.pdf", "тест.pdf", "文件.pdf",
	    "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7.jpg", "konto.pdf",
	    "com.pdf", "COM10.txt", "nullpunkt", "100%22.pdf", "a;b&c=d.pdf"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_int_equal(check(names[i]), 0);
}

static void
names_that_leave_a_folder_are_refused(void **state)
{
	(void)state;
	static const char *const names[] = {"../../x", "/etc/passwd", "a/b",
	    "..", ".", "a\\b", "C:x", "file.pdf:stream", "..\\x"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_int_equal(check(names[i]), WHY_INVALID);
}

static void
names_that_windows_cannot_store_are_refused(void **state)
{
	(void)state;
	static const char *const names[] = {"CON", "con.txt", "Aux.pdf", "nul",
	    "COM1", "com9.pdf", "LPT1.x.y", "NUL .txt", "COM\u00B9.txt",
	    "CONIN$", "slutt.", "slutt ", " start", "a?b", "a*b", "a\"b", "a<b",
	    "a>b", "a|b"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_int_equal(check(names[i]), WHY_INVALID);
}

static void
characters_that_hide_something_are_refused(void **state)
{
	(void)state;
	static const char *const names[] = {"a\nb", "a\tb",
	    "a\x7F"
	    "b",
	    "a\xC2\x85"
	    "b",
	    "faktura\u202Efdp.exe", "a\u2066b", "a\u200Fb", "a\u200Bb",
	    "\uFEFFa", "a\u2028b", "a\uFFFEb", "a\u00A0", "a\U000E0041"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_int_equal(check(names[i]), WHY_INVALID);
	assert_int_equal(
	    filename_check(span_of("a\0b", 3), 255, NULL), WHY_INVALID);
}

static void
bytes_that_are_not_utf8_are_refused(void **state)
{
	(void)state;
	assert_int_equal(check("bl\xE5.pdf"), WHY_INVALID);
	assert_int_equal(check("\xC0\xAE\xC0\xAE"), WHY_INVALID);
	assert_int_equal(check("a\xED\xA0\x80"), WHY_INVALID);
}

static void
the_limit_holds_at_and_over(void **state)
{
	(void)state;
	char name[301];
	memset(name, 'a', sizeof name);
	assert_int_equal(filename_check(span_of(name, 255), 255, NULL), 0);
	assert_int_equal(
	    filename_check(span_of(name, 256), 255, NULL), WHY_TOO_LARGE);
	assert_int_equal(
	    filename_check(span_of(name, 300), 255, NULL), WHY_TOO_LARGE);
	assert_int_equal(filename_check(SPAN_NONE, 255, NULL), WHY_INVALID);
}

static void
names_that_collide_are_found(void **state)
{
	(void)state;
	struct filename_set set = FILENAME_SET_NONE;
	assert_int_equal(filename_set_add(&set, span_text("a.pdf"), NULL), 0);
	assert_int_equal(filename_set_add(&set, span_text("b.pdf"), NULL), 0);
	assert_int_equal(
	    filename_set_add(&set, span_text("a.pdf"), NULL), WHY_EXISTS);
	assert_int_equal(
	    filename_set_add(&set, span_text("A.PDF"), NULL), WHY_EXISTS);
	assert_int_equal(filename_set_add(&set, span_text("Å.pdf"), NULL), 0);
	assert_int_equal(
	    filename_set_add(&set, span_text("å.pdf"), NULL), WHY_EXISTS);
	/* the same letter as two code points */
	assert_int_equal(
	    filename_set_add(&set, span_text("A\u030A.pdf"), NULL), WHY_EXISTS);
	/* U+212A KELVIN SIGN folds to the small letter that ASCII has */
	assert_int_equal(filename_set_add(&set, span_text("K.PDF"), NULL), 0);
	assert_int_equal(
	    filename_set_add(&set, span_text("\u212A.pdf"), NULL), WHY_EXISTS);
	assert_int_equal(set.count, 4);
	filename_set_clear(&set);
	assert_int_equal(filename_set_add(&set, span_text("a.pdf"), NULL), 0);
	filename_set_clear(&set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ordinary_names_in_many_languages_are_good),
	    cmocka_unit_test(names_that_leave_a_folder_are_refused),
	    cmocka_unit_test(names_that_windows_cannot_store_are_refused),
	    cmocka_unit_test(characters_that_hide_something_are_refused),
	    cmocka_unit_test(bytes_that_are_not_utf8_are_refused),
	    cmocka_unit_test(the_limit_holds_at_and_over),
	    cmocka_unit_test(names_that_collide_are_found),
	};
	return cmocka_run_group_tests_name(
	    "formats: filename", tests, NULL, NULL);
}
