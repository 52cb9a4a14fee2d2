/* The account of all deliveries, piece of evidence by piece. */
#include "relay/conservation.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static int
add(struct conservation *account, const char *payload)
{
	struct buf jws;
	buf_init(&jws, 4096);
	buf_add_text(&jws, "e30.");
	base64url_build(&jws, span_text(payload));
	buf_add_text(&jws, ".c2ln");
	int code = conservation_add(account, buf_span(&jws), NULL);
	buf_clear(&jws);
	return code;
}

#define AT(sequence) "\"epoch\":1,\"sequence\":" #sequence
#define TWO "\"recipients\":[\"964338531\",\"958935420\"]"
#define OSLO "\"recipient\":\"958935420\""

static const struct log_head three = {.epoch = 1, .size = 3};

static struct conservation
accepted_and_ended(void)
{
	struct conservation account = {.lines = NULL};
	assert_int_equal(
	    add(&account, "{\"level\":\"accepted\"," TWO "," AT(1) "}"), 0);
	assert_int_equal(
	    add(&account, "{\"level\":\"fetched\"," OSLO "," AT(2) "}"), 0);
	assert_int_equal(add(&account, "{\"level\":\"imported\"," OSLO
				       ",\"proven\":false," AT(3) "}"),
	    0);
	return account;
}

static void
what_waits_and_what_ended_is_what_was_accepted(void **state)
{
	(void)state;
	struct conservation account = accepted_and_ended();
	assert_false(conservation_holds(&account, &three));
	assert_int_equal(conservation_waits(&account, "964338531", NULL), 0);
	assert_true(conservation_holds(&account, &three));
	assert_int_equal(account.count, 2);
	assert_string_equal(account.lines[0].recipient, "958935420");
	assert_int_equal(account.lines[0].unproven, 1);
	/* one too many is a difference, too */
	assert_int_equal(conservation_waits(&account, "964338531", NULL), 0);
	assert_false(conservation_holds(&account, &three));
	conservation_clear(&account);
}

static void
each_outcome_has_its_column(void **state)
{
	(void)state;
	struct conservation account = {.lines = NULL};
	assert_int_equal(
	    add(&account, "{\"level\":\"rejected\"," OSLO "," AT(1) "}"), 0);
	assert_int_equal(
	    add(&account, "{\"level\":\"expired\"," OSLO "," AT(2) "}"), 0);
	assert_int_equal(
	    add(&account, "{\"level\":\"recalled\"," OSLO "," AT(3) "}"), 0);
	assert_int_equal(add(&account, "{\"level\":\"imported\"," OSLO
				       ",\"proven\":true," AT(4) "}"),
	    0);
	/* facts that are no outcome */
	assert_int_equal(
	    add(&account, "{\"level\":\"late\"," OSLO "," AT(5) "}"), 0);
	assert_int_equal(
	    add(&account, "{\"level\":\"refused\"," OSLO "," AT(6) "}"), 0);
	const struct conservation_line *line = &account.lines[0];
	assert_int_equal(line->rejected, 1);
	assert_int_equal(line->expired, 1);
	assert_int_equal(line->recalled, 1);
	assert_int_equal(line->imported, 1);
	assert_int_equal(line->unproven, 0);
	assert_false(conservation_line_holds(line));
	conservation_clear(&account);
}

static void
a_gap_and_an_end_cut_off_are_differences(void **state)
{
	(void)state;
	struct conservation account = {.lines = NULL};
	const struct log_head one = {.epoch = 1, .size = 1};
	const struct log_head later = {.epoch = 2, .size = 0};
	assert_int_equal(add(&account, "{\"level\":\"opened\"," AT(1) "}"), 0);
	assert_true(conservation_holds(&account, &one));
	assert_false(conservation_holds(&account, &three));
	assert_true(conservation_holds(&account, &later));
	assert_int_equal(add(&account, "{\"level\":\"opened\"," AT(3) "}"), 0);
	assert_int_equal(account.gaps, 1);
	assert_false(conservation_holds(&account, &three));
	/* a new epoch begins at 1 */
	assert_int_equal(add(&account, "{\"level\":\"restored\",\"epoch\":2,"
				       "\"sequence\":1}"),
	    0);
	assert_int_equal(account.gaps, 1);
	conservation_clear(&account);
}

static void
what_is_no_evidence_is_refused(void **state)
{
	(void)state;
	struct conservation account = {.lines = NULL};
	static const char *const bad[] = {
	    "", ".", "a.b", "e30.!.c", "e30.W10.c"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(
		    conservation_add(&account, span_text(bad[i]), NULL),
		    WHY_MALFORMED);
	assert_int_equal(
	    add(&account, "{\"level\":\"expired\"," AT(1) "}"), WHY_MALFORMED);
	assert_int_equal(add(&account, "{\"level\":\"expired\",\"recipient\":"
				       "\"123456789012345678901234567890\"}"),
	    WHY_MALFORMED);
	conservation_clear(&account);
}

static void
the_statement_says_it_all(void **state)
{
	(void)state;
	struct conservation account = accepted_and_ended();
	struct buf out;
	char name[16];
	buf_init(&out, 1 << 20);
	assert_int_equal(conservation_waits(&account, "964338531", NULL), 0);
	assert_int_equal(
	    conservation_build(&out, &account, &three, 1000, NULL), 0);
	json_t *said = json_loads(buf_text(&out), 0, NULL);
	const json_t *total = json_object_get(said, "total");
	assert_true(json_is_true(json_object_get(said, "holds")));
	assert_int_equal(
	    json_integer_value(json_object_get(total, "accepted")), 2);
	assert_int_equal(
	    json_integer_value(json_object_get(total, "waiting")), 1);
	assert_int_equal(
	    json_array_size(json_object_get(said, "mailboxes")), 2);
	json_decref(said);
	/* a thousand mailboxes fit into what keys signs */
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof name, "9%08d", i);
		assert_int_equal(conservation_waits(&account, name, NULL), 0);
	}
	buf_reset(&out);
	assert_int_equal(
	    conservation_build(&out, &account, &three, 1000, NULL), 0);
	assert_true(out.size < 128 << 10);
	buf_clear(&out);
	buf_init(&out, 100);
	assert_int_equal(conservation_build(&out, &account, &three, 1000, NULL),
	    WHY_TOO_LARGE);
	buf_clear(&out);
	conservation_clear(&account);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_waits_and_what_ended_is_what_was_accepted),
	    cmocka_unit_test(each_outcome_has_its_column),
	    cmocka_unit_test(a_gap_and_an_end_cut_off_are_differences),
	    cmocka_unit_test(what_is_no_evidence_is_refused),
	    cmocka_unit_test(the_statement_says_it_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
