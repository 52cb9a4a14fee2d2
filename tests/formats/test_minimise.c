/*
 * Data minimisation: which payments are in and out, to the day; what is left
 * is the text that was sent without the octets that may not pass; reports and
 * refusals have pointers and no values.
 */
#include "formats/minimise.h"

#include "formats/json.h"
#include "formats/json_cut.h"
#include "formats/pdf.h"
#include "formats/profile.h"
#include "formats/render.h"
#include "formats/schema.h"
#include "tests/support/json_mutate.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OWN "tests/formats/fixtures/digisos"

static struct limits limits;
static struct profile *minimal, *full;
static struct pdf_fonts *fonts;

static int
start(void **state)
{
	struct why why = {0};

	(void)state;
	limits_init(&limits);
	if (profile_load("formats/profiles/digisos-soknad-minimal", &limits,
		&minimal, &why) < 0 ||
	    profile_load(
		"formats/profiles/digisos-soknad", &limits, &full, &why) < 0 ||
	    pdf_fonts_open(NULL, &limits, &fonts, &why) < 0)
		fail_msg("%s", why.text);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	profile_free(minimal);
	profile_free(full);
	pdf_fonts_close(fonts);
	return 0;
}

/* ---- days ---- */

static void
months_are_counted_back_to_the_end_of_a_month(void **state)
{
	static const int days[][3] = {{20260531, 3, 20260228},
	    {20240531, 3, 20240229}, {20000531, 3, 20000229},
	    {21000531, 3, 21000228}, {20261120, 3, 20260820},
	    {20260131, 3, 20251031}, {20260331, 1, 20260228},
	    {20260330, 1, 20260228}, {20260228, 3, 20251128},
	    {20261231, 3, 20260930}, {20260101, 12, 20250101},
	    {20240229, 12, 20230228}, {20260115, 13, 20241215},
	    {20260531, 1200, 19260531}};

	(void)state;
	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++)
		assert_int_equal(
		    minimise_months_before(days[i][0], days[i][1]), days[i][2]);
}

/* ---- one rule at a time ---- */

static struct schema *
payments_schema(void)
{
	static const char text[] =
	    "{\"type\":\"object\",\"properties\":{\"sent\":{\"type\":"
	    "\"string\"},\"hidden\":{\"type\":\"boolean\"},\"list\":{"
	    "\"type\":\"array\",\"items\":{\"type\":\"object\","
	    "\"properties\":{\"day\":{\"type\":\"string\"},\"amount\":{"
	    "\"type\":\"number\"},\"kind\":{\"type\":\"string\"}}}}}}";
	struct schema *schema = NULL;
	struct why why = {0};
	json_t *value = json_loads(text, 0, NULL);

	assert_int_equal(
	    schema_compile("s", value, NULL, &limits, NULL, &schema, &why), 0);
	json_decref(value);
	return schema;
}

/* Apply rules; the pointers that are to be cut, and the report, as texts. */
static int
apply(const char *rules, const char *payload, int64_t received_ms,
    struct findings *findings, char **cuts, char **report)
{
	struct schema *schema = payments_schema();
	json_t *list = json_loads(rules, 0, NULL);
	json_t *value = json_loads(payload, 0, NULL);
	struct minimise *minimise = NULL;
	struct minimise_result result;
	struct why why = {0};
	int ret;

	assert_non_null(list);
	assert_non_null(value);
	findings_init(findings, 20);
	assert_int_equal(minimise_new(list, schema, "profile.json", findings,
			     &minimise, &why),
	    0);
	ret = minimise_apply(
	    minimise, value, received_ms, "payload", findings, &result, &why);
	*cuts = json_dumps(result.cuts, JSON_COMPACT);
	*report = json_dumps(result.report, JSON_COMPACT);
	minimise_result_clear(&result);
	minimise_free(minimise);
	json_decref(list);
	json_decref(value);
	schema_free(schema);
	return ret;
}

static void
expect_cuts(const char *rules, const char *payload, const char *expected)
{
	struct findings findings;
	char *cuts, *report;

	assert_int_equal(apply(rules, payload, INT64_C(1780178400000),
			     &findings, &cuts, &report),
	    0);
	assert_string_equal(cuts, expected);
	free(cuts);
	free(report);
	findings_clear(&findings);
}

#define RULE(effect, more)                                                     \
	"[{\"name\":\"r\",\"effect\":\"" effect                                \
	"\",\"reason\":\"why\",\"at\":\"/list/*\"," more "}]"
#define MONTHS                                                                 \
	RULE("strip", "\"months\":3,\"date\":\"day\",\"until\":\"/sent\"")
#define PAID(sent, day)                                                        \
	"{\"sent\":\"" sent "\",\"list\":[{\"day\":\"" day "\"}]}"
#define OUT "{\"/list/0\":true}"

static void
the_last_three_months_are_in_to_the_day(void **state)
{
	(void)state;
	expect_cuts(MONTHS, PAID("2026-05-31T10:00:00.0Z", "2026-02-28"), "{}");
	expect_cuts(MONTHS, PAID("2026-05-31T10:00:00.0Z", "2026-02-27"), OUT);
	expect_cuts(MONTHS, PAID("2024-05-31T10:00:00.0Z", "2024-02-29"), "{}");
	expect_cuts(MONTHS, PAID("2024-05-31T10:00:00.0Z", "2024-02-28"), OUT);
	expect_cuts(MONTHS, PAID("2026-11-20T10:00:00.0Z", "2026-08-20"), "{}");
	expect_cuts(MONTHS, PAID("2026-11-20T10:00:00.0Z", "2026-08-19"), OUT);
	/* the day of submission is in, a later one not */
	expect_cuts(MONTHS, PAID("2026-11-20T10:00:00.0Z", "2026-11-20"), "{}");
	expect_cuts(MONTHS, PAID("2026-11-20T10:00:00.0Z", "2026-11-21"), OUT);
	/* in Norway it is the 1st of June already */
	expect_cuts(MONTHS, PAID("2026-05-31T22:30:00.0Z", "2026-03-01"), "{}");
	expect_cuts(MONTHS, PAID("2026-05-31T22:30:00.0Z", "2026-02-28"), OUT);
	/* what is no day is not known to be recent */
	expect_cuts(MONTHS, PAID("2026-11-20T10:00:00.0Z", "2026-11-31"), OUT);
	expect_cuts(MONTHS, PAID("2026-11-20T10:00:00.0Z", "i fjor"), OUT);
	expect_cuts(
	    MONTHS, "{\"sent\":\"2026-11-20\",\"list\":[{\"amount\":1}]}", OUT);
	/* without a time in the payload it is that of receipt, in Norway the
	 * 31st of May */
	expect_cuts(MONTHS, PAID("", "2026-02-28"), "{}");
	expect_cuts(MONTHS, PAID("no time", "2026-02-27"), OUT);
	expect_cuts(RULE("strip", "\"months\":3,\"date\":\"day\""),
	    PAID("2020-01-01T00:00:00.0Z", "2026-02-28"), "{}");
}

static void
fields_and_conditions_are_looked_at(void **state)
{
	(void)state;
	expect_cuts(RULE("strip", "\"only\":[\"day\",\"amount\"]"),
	    "{\"list\":[{\"day\":\"x\",\"kind\":\"y\"},{\"amount\":1,\"new\":2}"
	    "]}",
	    "{\"/list/0/kind\":true,\"/list/1/new\":true}");
	expect_cuts(RULE("strip", "\"never\":true,\"when\":[{\"at\":\"/kind\","
				  "\"is\":[\"a\",null]}]"),
	    "{\"list\":[{\"kind\":\"a\"},{\"kind\":\"b\"},{},{\"kind\":null}]}",
	    "{\"/list/0\":true,\"/list/3\":true}");
	expect_cuts(RULE("strip", "\"never\":true,\"when\":[{\"anywhere\":"
				  "\"/list/*/amount\",\"is\":[7]}]"),
	    "{\"list\":[{},{\"amount\":7}]}",
	    "{\"/list/0\":true,\"/list/1\":true}");
	expect_cuts(RULE("strip", "\"never\":true,\"when\":[{\"anywhere\":"
				  "\"/hidden\",\"is\":[true]}]"),
	    "{\"hidden\":false,\"list\":[{}]}", "{}");
	expect_cuts(RULE("report", "\"never\":true"), "{\"list\":[{}]}", "{}");
}

static void
reports_and_refusals_have_pointers_and_no_values(void **state)
{
	struct findings findings;
	char *cuts, *report;

	(void)state;
	assert_int_equal(apply(RULE("report", "\"only\":[\"day\"]"),
			     "{\"list\":[{\"amount\":4711,\"Kari\":\"x\"}]}", 0,
			     &findings, &cuts, &report),
	    0);
	assert_string_equal(report,
	    "[{\"name\":\"r\",\"effect\":\"report\",\"count\":2,\"pointers\":["
	    "\"/list/0/amount\",\"/list/0/*\"]}]");
	free(cuts);
	free(report);
	assert_int_equal(apply(RULE("refuse", "\"only\":[\"day\"]"),
			     "{\"list\":[{\"amount\":4711},{\"Kari\":\"x\"}]}",
			     0, &findings, &cuts, &report),
	    WHY_INVALID);
	assert_int_equal(findings.count, 2);
	assert_string_equal(findings.at[0].pointer, "/list/0/amount");
	assert_string_equal(findings.at[0].rule, "minimisation r");
	assert_string_equal(findings.at[1].pointer, "/list/1/*");
	assert_null(strstr(findings.at[0].expected, "4711"));
	free(cuts);
	free(report);
	findings_clear(&findings);
}

/* However much is found, evidence has room for it. */
static void
a_report_is_bounded(void **state)
{
	json_t *rules = json_array(), *payload = json_object();
	json_t *list = json_array();
	struct findings findings;
	char *cuts, *report, *a, *b;

	(void)state;
	for (int i = 0; i < 20; i++)
		json_array_append_new(
		    rules, json_pack("{s:s,s:s,s:s,s:s,s:b}", "name",
			       "a-name-of-sixty-four-characters-which-is-the-"
			       "most-that-"
			       "it-may-be",
			       "effect", "report", "reason", "x", "at",
			       "/list/*", "never", 1));
	for (int i = 0; i < 5000; i++)
		json_array_append_new(list, json_object());
	json_object_set_new(payload, "list", list);
	a = json_dumps(rules, 0);
	b = json_dumps(payload, 0);
	assert_int_equal(apply(a, b, 0, &findings, &cuts, &report), 0);
	/* the digests come before it */
	assert_true(strlen(report) < 4096 - 200);
	assert_non_null(strstr(report, "\"count\":5000"));
	free(a);
	free(b);
	free(cuts);
	free(report);
	json_decref(rules);
	json_decref(payload);
	findings_clear(&findings);
}

static void
a_rule_about_what_the_schema_does_not_know_is_a_fault(void **state)
{
	static const struct {
		const char *rules, *pointer;
	} cases[] = {
	    {"[{\"at\":\"/lists/*\",\"never\":true}]", "/minimisation/0/at"},
	    {"[{\"at\":\"/list/*\",\"only\":[\"day\",\"dey\"]}]",
		"/minimisation/0/only/1"},
	    {"[{\"at\":\"/list/*\",\"months\":1,\"date\":\"dato\"}]",
		"/minimisation/0/date"},
	    {"[{\"at\":\"/list/*\",\"months\":1,\"date\":\"day\",\"until\":"
	     "\"/s\"}]",
		"/minimisation/0/until"},
	    {"[{\"at\":\"/list/*\",\"never\":true,\"when\":[{\"at\":\"/x\","
	     "\"is\":[1]}]}]",
		"/minimisation/0/when/0/at"},
	    {"[{\"at\":\"/list/*\",\"never\":true,\"when\":[{\"anywhere\":"
	     "\"/x\",\"is\":[1]}]}]",
		"/minimisation/0/when/0/anywhere"},
	};
	struct schema *schema = payments_schema();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *rules = json_loads(cases[i].rules, 0, NULL);
		struct minimise *minimise;
		struct findings findings;
		struct why why;

		findings_init(&findings, 10);
		assert_int_equal(minimise_new(rules, schema, "profile.json",
				     &findings, &minimise, &why),
		    WHY_INVALID);
		assert_int_equal(findings.count, 1);
		assert_string_equal(findings.at[0].pointer, cases[i].pointer);
		findings_clear(&findings);
		minimise_free(minimise);
		json_decref(rules);
	}
	schema_free(schema);
}

/* ---- cutting ---- */

static void
expect_cut(const char *text, const char *cuts, const char *expected)
{
	json_t *list = json_loads(cuts, 0, NULL);
	struct why why = {0};
	struct buf out;
	size_t count;

	buf_init(&out, 1 << 16);
	assert_int_equal(
	    json_text_cut(span_text(text), list, &out, &count, &why), 0);
	assert_string_equal(buf_text(&out), expected);
	buf_clear(&out);
	json_decref(list);
}

static void
what_is_cut_takes_its_comma_and_nothing_else(void **state)
{
	(void)state;
	expect_cut(" {\"a\" : 1 , \"b\":[ 1,2 ,3 ]} ", "{}",
	    " {\"a\" : 1, \"b\":[ 1,2,3 ]} ");
	expect_cut("{\"a\":1,\"b\":2}", "{\"/a\":1}", "{\"b\":2}");
	expect_cut("{\"a\":1,\"b\":2}", "{\"/b\":1}", "{\"a\":1}");
	expect_cut("{\"a\":1,\"b\":2}", "{\"/a\":1,\"/b\":1}", "{}");
	expect_cut(
	    "[1,[2,{\"x\":\"]},\\\"\"}],3]", "{\"/1/1/x\":1}", "[1,[2,{}],3]");
	expect_cut("[1,[2,{\"x\":\"]},\\\"\"}],3]", "{\"/1\":1}", "[1,3]");
	expect_cut("{\"a~/\":1,\"\\u0061\":2,\"\xc3\xa6\":3}",
	    "{\"/a~0~1\":1,\"/\xc3\xa6\":1}", "{\"\\u0061\":2}");
	expect_cut("{\"\\u0061\":2}", "{\"/a\":1}", "{}");
	expect_cut("{\"a\":1}", "{\"/b\":1,\"/a/c\":1,\"\":1}", "{\"a\":1}");
	expect_cut("true", "{\"/a\":1}", "true");
	expect_cut("[\n\t1,\n\t2,\n\t3\n]", "{\"/1\":1}", "[\n\t1,\n\t3\n]");
	expect_cut("[-1.5e+3,null,\"\\\\\",{}]", "{\"/1\":1,\"/3\":1}",
	    "[-1.5e+3,\"\\\\\"]");
}

/* Take a pointer out of the tree; arrays from their end, so indices hold. */
static void
tree_remove(json_t *value, const char *pointer)
{
	const char *last = strrchr(pointer, '/');
	char above[2048];
	json_t *holder;

	snprintf(above, sizeof(above), "%.*s", (int)(last - pointer), pointer);
	holder = json_pointer_get(value, above);
	if (json_is_array(holder))
		json_array_set_new(
		    holder, (size_t)atol(last + 1), json_string("\x01gone"));
	else
		json_object_del(holder, last + 1);
}

static void
tree_sweep(json_t *value)
{
	const char *name;
	json_t *one;

	for (size_t i = json_array_size(value); i-- > 0;) {
		one = json_array_get(value, i);
		if (json_is_string(one) &&
		    strcmp(json_string_value(one), "\x01gone") == 0)
			json_array_remove(value, i);
		else
			tree_sweep(one);
	}
	json_object_foreach(value, name, one) tree_sweep(one);
}

static void
pick_cuts(const json_t *value, struct buf *pointer, json_t *cuts)
{
	size_t back = pointer->size, i;
	const char *name;
	json_t *one;

	if (pointer->size > 0 && json_mutate_pick(6) == 0) {
		json_object_set_new(cuts, buf_text(pointer), json_true());
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)value, name, one)
	{
		if (strpbrk(name, "~/") != NULL)
			continue;
		json_pointer_add(pointer, name);
		pick_cuts(one, pointer, cuts);
		pointer->size = back;
	}
	json_array_foreach(value, i, one)
	{
		json_pointer_add_index(pointer, i);
		pick_cuts(one, pointer, cuts);
		pointer->size = back;
	}
}

static void
cutting_the_text_is_cutting_the_tree(void **state)
{
	json_t *example = json_load_file(OWN "/gyldig-familie.json", 0, NULL);
	struct json_bounds bounds = {1 << 20, 64};

	(void)state;
	assert_non_null(example);
	json_mutate_seed(8);
	for (unsigned n = 0; n < 2000; n++) {
		json_t *value = json_deep_copy(example), *cuts = json_object();
		json_t *back, *unused;
		const char *pointer;
		struct why why = {0};
		struct buf at, out;
		size_t count;
		char *text;

		json_mutate(value);
		buf_init(&at, 1 << 16);
		buf_init(&out, 1 << 20);
		pick_cuts(value, &at, cuts);
		text = json_dumps(
		    value, (n % 3 ? JSON_INDENT(n % 3) : JSON_COMPACT) |
			       (n % 2 ? JSON_ENSURE_ASCII : 0));
		assert_int_equal(
		    json_text_cut(span_text(text), cuts, &out, &count, &why),
		    0);
		assert_int_equal(count, json_object_size(cuts));
		json_object_foreach(cuts, pointer, unused)
		    tree_remove(value, pointer);
		tree_sweep(value);
		if (json_text_read(buf_span(&out), &bounds, &back, &why) < 0)
			fail_msg("%s: %s", why.text, buf_text(&out));
		if (!json_equal(back, value))
			fail_msg("%s\n%s\n%s", text, json_dumps(cuts, 0),
			    buf_text(&out));
		json_decref(back);
		json_decref(value);
		json_decref(cuts);
		buf_clear(&at);
		buf_clear(&out);
		free(text);
	}
	json_decref(example);
}

/* ---- the shipped types ---- */

static int
render(const struct profile *profile, struct span payload,
    struct findings *findings, struct render_result *result)
{
	struct render_context context = {.message = "m",
	    .sender = "889640782",
	    .received_ms = INT64_C(1795600000000)};
	struct why why = {0};

	findings_init(findings, 20);
	render_result_init(result, &limits);
	return render_payload(
	    profile, payload, &context, &limits, fonts, findings, result, &why);
}

static void
read_file(const char *path, struct buf *out)
{
	FILE *file = fopen(path, "r");
	uint8_t *room;
	size_t got;

	if (file == NULL)
		fail_msg("%s", path);
	buf_init(out, 1 << 20);
	while ((room = buf_room(out, 4096)) != NULL &&
	       (got = fread(room, 1, 4096, file)) > 0)
		buf_used(out, got);
	fclose(file);
}

static void
housing_support_is_cut_to_what_may_pass(void **state)
{
	static const char *const gone[] = {"HEMMELIG", "\"brutto\": 7777",
	    "5277", "AVSLAG", "1111111", "2222222", "3333333", "skjultgata"};
	static const char *const stays[] = {"\"netto\": 2500", "\"Husstand\"",
	    "2026-08-20", "lønn hos arbeidsgiver", "99123"};
	struct render_result result;
	struct findings findings;
	struct buf text;

	(void)state;
	read_file("tests/formats/fixtures/minimise/bostotte.json", &text);
	assert_int_equal(
	    render(minimal, buf_span(&text), &findings, &result), 0);
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
		assert_non_null(strstr(buf_text(&text), gone[i]));
		if (strstr(buf_text(&result.stripped), gone[i]) != NULL)
			fail_msg("%s passes", gone[i]);
		assert_null(strstr(buf_text(&result.minimised), gone[i]));
		assert_null(strstr(buf_text(&result.xhtml), gone[i]));
	}
	for (size_t i = 0; i < sizeof(stays) / sizeof(stays[0]); i++) {
		if (strstr(buf_text(&result.stripped), stays[i]) == NULL)
			fail_msg("%s is gone", stays[i]);
	}
	assert_true(result.minimised_count >= 8);
	assert_non_null(
	    strstr(buf_text(&result.minimised), "\"housing-support-months\""));
	render_result_clear(&result);
	findings_clear(&findings);
	/* the full type passes it untouched, and reports */
	assert_int_equal(render(full, buf_span(&text), &findings, &result), 0);
	assert_int_equal(result.stripped.size, 0);
	assert_true(result.minimised_count >= 8);
	render_result_clear(&result);
	findings_clear(&findings);
	buf_clear(&text);
}

/* Nothing more is found in what was left. */
static void
what_is_left_is_left_alone(void **state)
{
	struct render_result result, again;
	struct findings findings;
	struct buf text;

	(void)state;
	read_file("tests/formats/fixtures/minimise/bostotte.json", &text);
	assert_int_equal(
	    render(minimal, buf_span(&text), &findings, &result), 0);
	findings_clear(&findings);
	assert_int_equal(
	    render(minimal, buf_span(&result.stripped), &findings, &again), 0);
	assert_int_equal(again.stripped.size, 0);
	assert_int_equal(again.minimised_count, 0);
	/* it is rendered as if it had come so */
	assert_true(span_equal(buf_span(&result.pdf), buf_span(&again.pdf)));
	assert_true(
	    span_equal(buf_span(&result.xhtml), buf_span(&again.xhtml)));
	render_result_clear(&result);
	render_result_clear(&again);
	findings_clear(&findings);
	buf_clear(&text);
}

static void
navs_examples_pass_the_full_type_untouched(void **state)
{
	static const char folder[] = "../shared/data/digisos/examples/current";
	struct dirent **names;
	int count = scandir(folder, &names, NULL, alphasort);
	unsigned looked = 0;

	(void)state;
	if (count < 0) {
		print_message("SKIP: NAV's files are not there\n");
		skip();
	}
	for (int i = 0; i < count; i++) {
		struct render_result result;
		struct findings findings;
		struct buf text;
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		if (strstr(path, ".json") != NULL) {
			read_file(path, &text);
			assert_int_equal(
			    render(full, buf_span(&text), &findings, &result),
			    0);
			assert_int_equal(result.stripped.size, 0);
			render_result_clear(&result);
			findings_clear(&findings);
			/* and the minimal one renders what it leaves of them */
			assert_int_equal(render(minimal, buf_span(&text),
					     &findings, &result),
			    0);
			render_result_clear(&result);
			findings_clear(&findings);
			buf_clear(&text);
			looked++;
		}
		free(names[i]);
	}
	free(names);
	assert_int_equal(looked, 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(months_are_counted_back_to_the_end_of_a_month),
	    cmocka_unit_test(the_last_three_months_are_in_to_the_day),
	    cmocka_unit_test(fields_and_conditions_are_looked_at),
	    cmocka_unit_test(reports_and_refusals_have_pointers_and_no_values),
	    cmocka_unit_test(a_report_is_bounded),
	    cmocka_unit_test(
		a_rule_about_what_the_schema_does_not_know_is_a_fault),
	    cmocka_unit_test(what_is_cut_takes_its_comma_and_nothing_else),
	    cmocka_unit_test(cutting_the_text_is_cutting_the_tree),
	    cmocka_unit_test(housing_support_is_cut_to_what_may_pass),
	    cmocka_unit_test(what_is_left_is_left_alone),
	    cmocka_unit_test(navs_examples_pass_the_full_type_untouched),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
