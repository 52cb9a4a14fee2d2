/* Paths of tiles: one text for each, and no other is taken. */
#include "formats/tile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
each_path_is_built_and_read(void **state)
{
	static const struct {
		struct tile tile;
		const char *path;
	} rows[] = {
	    {{0, 0, 256}, "0/000"},
	    {{0, 0, 1}, "0/000.p/1"},
	    {{1, 7, 255}, "1/007.p/255"},
	    {{0, 999, 256}, "0/999"},
	    {{0, 1000, 256}, "0/x001/000"},
	    {{2, 1234067, 256}, "2/x001/x234/067"},
	    {{7, 1234067, 70}, "7/x001/x234/067.p/70"},
	    {{0, UINT64_C(36028797018963967), 256},
		"0/x036/x028/x797/x018/x963/967"},
	};
	struct buf path;
	struct tile tile;

	(void)state;
	buf_init(&path, 128);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		buf_reset(&path);
		tile_path_build(&rows[i].tile, &path);
		assert_string_equal(buf_text(&path), rows[i].path);
		assert_true(tile_path_parse(span_text(rows[i].path), &tile));
		assert_int_equal(tile.level, rows[i].tile.level);
		assert_int_equal(tile.index, rows[i].tile.index);
		assert_int_equal(tile.width, rows[i].tile.width);
	}
	buf_clear(&path);
}

static void
another_text_for_the_same_tile_is_refused(void **state)
{
	static const char *const texts[] = {"", "0", "0/", "/000", "0/0",
	    "0/00", "0/0000", "00/000", "8/000", "-1/000", "0/x000/000",
	    "0/x001/00", "0/x001", "0/x001/", "0/001/000", "0/x1/000",
	    "0/000.p", "0/000.p/", "0/000.p/0", "0/000.p/256", "0/000.p/01",
	    "0/000/", "0/000 ", "0/x001/x234/067/", "0/000.p/1/",
	    "0/x001/x001/x001/x001/x001/x001/001", "0/+01", "0/ 01"};
	struct tile tile;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_false(tile_path_parse(span_text(texts[i]), &tile));
}

static void
a_tile_is_as_wide_as_its_tree_makes_it(void **state)
{
	(void)state;
	assert_int_equal(tile_width_in(0, 0, 0), 0);
	assert_int_equal(tile_width_in(0, 0, 1), 1);
	assert_int_equal(tile_width_in(0, 0, 256), 256);
	assert_int_equal(tile_width_in(0, 1, 256), 0);
	assert_int_equal(tile_width_in(0, 0, 70000), 256);
	assert_int_equal(tile_width_in(0, 273, 70000), 112);
	assert_int_equal(tile_width_in(1, 0, 255), 0);
	assert_int_equal(tile_width_in(1, 1, 70000), 17);
	assert_int_equal(tile_width_in(2, 0, 70000), 1);
	assert_int_equal(tile_width_in(7, 0, INT64_MAX), 127);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_path_is_built_and_read),
	    cmocka_unit_test(another_text_for_the_same_tile_is_refused),
	    cmocka_unit_test(a_tile_is_as_wide_as_its_tree_makes_it)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
