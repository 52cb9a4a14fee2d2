#include "formats/unit_register.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define UNIT(number, more) "{\"organisasjonsnummer\":\"" number "\"" more "}"
#define UNDER(parent) ",\"overordnetEnhet\":\"" parent "\""
#define OSLO "900000014"
#define BERGEN "900000022"
#define TRONDHEIM "900000030"

static int
added(struct unit_list *list, const char *document)
{
	struct why why = {0};
	return unit_list_add(list, span_text(document), &why);
}

static void
a_unit_a_page_and_an_array_are_read(void **state)
{
	static const char page[] = "{\"_embedded\":{\"underenheter\":[" UNIT(
	    BERGEN, UNDER(OSLO) ",\"organisasjonsform\":{\"kode\":"
				"\"BEDR\"}") "]},"
					     "\"page\":{\"totalPages\":1}}";
	struct unit_list list = {0};
	struct why why = {0};

	(void)state;
	assert_int_equal(
	    added(
		&list, UNIT(OSLO, ",\"navn\":\"OSLO KOMMUNE\",\"ukjent\":[1]")),
	    0);
	assert_int_equal(added(&list, page), 0);
	assert_int_equal(
	    added(&list, "[" UNIT(TRONDHEIM,
			     UNDER(OSLO) ",\"slettedato\":\"2020-01-01\"") "]"),
	    0);
	assert_int_equal(unit_list_close(&list, &why), 0);
	assert_int_equal(list.count, 3);
	const struct unit *unit = unit_list_find(&list, OSLO);
	assert_non_null(unit);
	assert_string_equal(unit->name, "OSLO KOMMUNE");
	assert_string_equal(unit->parent, "");
	unit = unit_list_find(&list, BERGEN);
	assert_non_null(unit);
	assert_string_equal(unit->form, "BEDR");
	assert_string_equal(unit->parent, OSLO);
	assert_false(unit->is_gone);
	assert_true(unit_list_find(&list, TRONDHEIM)->is_gone);
	assert_null(unit_list_find(&list, "900000049"));
	assert_null(unit_list_find(&list, ""));
	unit_list_clear(&list);
}

static void
a_form_that_is_too_long_is_none(void **state)
{
	struct unit_list list = {0};

	(void)state;
	assert_int_equal(
	    added(&list,
		UNIT(OSLO,
		    ",\"organisasjonsform\":{\"kode\":\"123456\u00e5\"}")),
	    0);
	assert_string_equal(list.at[0].form, "");
	unit_list_clear(&list);
}

static void
what_is_no_document_of_the_register_is_refused_whole(void **state)
{
	static const char *const bad[] = {"", "7", "null", "{}", "[7]",
	    "{\"organisasjonsnummer\":900000014}", UNIT("900000015", ""),
	    UNIT("90000001", ""), UNIT(OSLO, UNDER("900000015")),
	    UNIT(OSLO, ",\"overordnetEnhet\":null"), UNIT(OSLO, UNDER(OSLO)),
	    "{\"_embedded\":{\"enheter\":{}}}", "[" UNIT(BERGEN, "") ",{}]",
	    UNIT(OSLO, ",\"navn\":\"A\",\"navn\":\"B\""), UNIT(OSLO, "") "x"};
	struct unit_list list = {0};

	(void)state;
	assert_int_equal(added(&list, UNIT(OSLO, "")), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_not_equal(added(&list, bad[i]), 0);
		assert_int_equal(list.count, 1);
	}
	unit_list_clear(&list);
}

static int
closed(const char *document)
{
	struct unit_list list = {0};
	struct why why = {0};
	assert_int_equal(added(&list, document), 0);
	int code = unit_list_close(&list, &why);
	unit_list_clear(&list);
	return code;
}

static void
parents_that_go_round_in_a_circle_are_refused(void **state)
{
	(void)state;
	assert_int_equal(closed("[]"), 0);
	assert_int_equal(closed("[" UNIT(OSLO, UNDER(BERGEN)) "," UNIT(
			     BERGEN, UNDER(OSLO)) "]"),
	    WHY_INVALID);
	assert_int_equal(
	    closed("[" UNIT(OSLO, UNDER(BERGEN)) "," UNIT(
		BERGEN, UNDER(TRONDHEIM)) "," UNIT(TRONDHEIM, UNDER(OSLO)) "]"),
	    WHY_INVALID);
	/* a way into a circle, from a unit that is not in it */
	assert_int_equal(
	    closed("[" UNIT(OSLO, UNDER(BERGEN)) "," UNIT(BERGEN,
		UNDER(TRONDHEIM)) "," UNIT(TRONDHEIM, UNDER(BERGEN)) "]"),
	    WHY_INVALID);
	assert_int_equal(
	    closed("[" UNIT(OSLO, UNDER(TRONDHEIM)) "," UNIT(
		BERGEN, UNDER(TRONDHEIM)) "," UNIT(TRONDHEIM, "") "]"),
	    0);
	/* a parent that is in no document */
	assert_int_equal(closed(UNIT(OSLO, UNDER("900000049"))), 0);
}

static void
the_same_unit_twice_is_one_but_not_with_two_parents(void **state)
{
	(void)state;
	assert_int_equal(closed("[" UNIT(OSLO, "") "," UNIT(OSLO, "") "]"), 0);
	assert_int_equal(closed("[" UNIT(OSLO, UNDER(BERGEN)) "," UNIT(
			     OSLO, UNDER(TRONDHEIM)) "]"),
	    WHY_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_unit_a_page_and_an_array_are_read),
	    cmocka_unit_test(a_form_that_is_too_long_is_none),
	    cmocka_unit_test(
		what_is_no_document_of_the_register_is_refused_whole),
	    cmocka_unit_test(parents_that_go_round_in_a_circle_are_refused),
	    cmocka_unit_test(
		the_same_unit_twice_is_one_but_not_with_two_parents),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
