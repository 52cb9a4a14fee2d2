#include "formats/multipart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What the callbacks said, as one text: "[name|filename|type]data;" */
struct heard {
	struct buf text;
	struct multipart *multipart;
	bool pause_always;
	int refuse_part; /* number of the part_begin that fails */
	int parts;
};

static int
on_begin(void *context, const struct multipart_part *part, struct why *why)
{
	struct heard *heard = context;
	if (++heard->parts == heard->refuse_part)
		return why_set(why, WHY_DENIED, "no");
	buf_printf(&heard->text, "[%s|%s|%s]", part->name,
	    part->filename == NULL ? "-" : part->filename,
	    part->media_type == NULL ? "-" : part->media_type);
	if (heard->pause_always)
		multipart_pause(heard->multipart);
	return 0;
}

static int
on_data(void *context, struct span data, struct why *why)
{
	struct heard *heard = context;
	(void)why;
	assert_true(data.size > 0);
	buf_add_span(&heard->text, data);
	if (heard->pause_always)
		multipart_pause(heard->multipart);
	return 0;
}

static int
on_end(void *context, struct why *why)
{
	struct heard *heard = context;
	(void)why;
	buf_add_text(&heard->text, ";");
	if (heard->pause_always)
		multipart_pause(heard->multipart);
	return 0;
}

static const struct multipart_limits plenty = {10, 500, 20, 40, 1000000};

/* 0 and what was heard; or the failure. */
static int
parse(struct span body, const char *boundary,
    const struct multipart_limits *limits, size_t step, bool pause,
    struct buf *text, struct why *why)
{
	struct heard heard = {.pause_always = pause};
	struct multipart_handler handler = {on_begin, on_data, on_end, &heard};
	int ret =
	    multipart_new(boundary, limits, &handler, &heard.multipart, why);
	assert_int_equal(ret, 0);
	buf_init(&heard.text, 1 << 20);
	while (ret == 0 && body.size > 0) {
		size_t size = body.size < step ? body.size : step;
		size_t used;
		ret = multipart_push(
		    heard.multipart, span_of(body.at, size), &used, why);
		if (ret == 0 && used < size)
			assert_true(multipart_is_paused(heard.multipart));
		multipart_resume(heard.multipart);
		body.at += used;
		body.size -= used;
	}
	if (ret == 0)
		ret = multipart_finish(heard.multipart, why);
	multipart_free(heard.multipart);
	*text = heard.text;
	return ret;
}

/* The same whatever the pieces and pauses. */
static int
parse_all(struct span body, const char *boundary,
    const struct multipart_limits *limits, const char *expected,
    struct why *why)
{
	static const size_t steps[] = {SIZE_MAX, 1, 2, 3, 5, 17};
	int first = 0;
	for (size_t i = 0; i < 2 * sizeof steps / sizeof *steps; i++) {
		struct buf text;
		int ret = parse(
		    body, boundary, limits, steps[i / 2], i % 2, &text, why);
		if (i == 0)
			first = ret;
		assert_int_equal(ret, first);
		if (ret == 0 && expected != NULL)
			assert_string_equal(buf_text(&text), expected);
		buf_clear(&text);
	}
	return first;
}

static int
parts(const char *body, const char *expected)
{
	struct why why = {0};
	int ret = parse_all(span_text(body), "B", &plenty, expected, &why);
	assert_true(ret == 0 || why.text[0] != '\0');
	return ret;
}

#define HEAD(parameters)                                                       \
	"--B\r\nContent-Disposition: form-data; " parameters "\r\n\r\n"

static void
parts_come_as_they_were_sent(void **state)
{
	(void)state;
	assert_int_equal(
	    parts("--B\r\n"
		  "Content-Disposition: form-data; name=\"envelope\"\r\n"
		  "Content-Type: application/json\r\n\r\n{}\r\n"
		  "--B\r\n"
		  "content-type:application/pdf; a=b\r\n"
		  "CONTENT-DISPOSITION: form-data; filename=\"blåbær.pdf\"; "
		  "name=p1\r\n"
		  "Content-Length: 7\r\n\r\n%PDF\r\n-\r\n--B--\r\n",
		"[envelope|-|application/json]{};"
		"[p1|blåbær.pdf|application/pdf; a=b]%PDF\r\n-;"),
	    0);
}

static void
an_empty_part_is_a_part(void **state)
{
	(void)state;
	assert_int_equal(parts(HEAD("name=a") "\r\n--B--", "[a|-|-];"), 0);
	assert_int_equal(parts(HEAD("name=a") "\r\n" HEAD("name=b") "\r\n--B--",
			     "[a|-|-];[b|-|-];"),
	    0);
}

static void
data_may_look_much_like_a_boundary(void **state)
{
	(void)state;
	assert_int_equal(
	    parts(HEAD("name=a") "\r\r\n\r\n-\r\n--\r\n--\r\r\n--A\n--B"
				 "\r\n--B--",
		"[a|-|-]\r\r\n\r\n-\r\n--\r\n--\r\r\n--A\n--B;"),
	    0);
	/* but what begins with it is not data */
	assert_int_equal(
	    parts(HEAD("name=a") "x\r\n--BC\r\n--B--", NULL), WHY_MALFORMED);
}

static void
file_names_are_unquoted_as_rfc_7578_says(void **state)
{
	(void)state;
	assert_int_equal(
	    parts(HEAD("name=a; filename=\"a\\\"b.pdf\"") "\r\n--B--",
		"[a|a\"b.pdf|-];"),
	    0);
	assert_int_equal(parts(HEAD("name=a; filename=\"a\\\\b\"") "\r\n--B--",
			     "[a|a\\b|-];"),
	    0);
	assert_int_equal(
	    parts(HEAD("name=a; filename=\"C:\\dir\\f\"") "\r\n--B--",
		"[a|C:\\dir\\f|-];"),
	    0);
	assert_int_equal(
	    parts(HEAD("name=a; filename=\"100%22.pdf\"") "\r\n--B--",
		"[a|100%22.pdf|-];"),
	    0);
	assert_int_equal(
	    parts(HEAD("name=a; filename=plain.pdf ; x=\"y;z\"") "\r\n--B--",
		"[a|plain.pdf|-];"),
	    0);
	assert_int_equal(
	    parts(HEAD("name=a; filename=\"x;name=b\"") "\r\n--B--",
		"[a|x;name=b|-];"),
	    0);
}

static void
names_in_other_encodings_are_refused(void **state)
{
	(void)state;
	assert_int_equal(
	    parts(HEAD("name=a; filename*=UTF-8''x") "\r\n--B--", NULL),
	    WHY_UNSUPPORTED);
	assert_int_equal(
	    parts(HEAD("name=a; filename=\"bl\xE5\"") "\r\n--B--", NULL),
	    WHY_MALFORMED);
}

static void
a_nul_or_control_in_a_name_is_refused(void **state)
{
	(void)state;
	const char body[] =
	    HEAD("name=a; filename=\"x.pdf\0.exe\"") "\r\n--B--";
	struct why why;
	assert_int_equal(
	    parse_all(span_of(body, sizeof body - 1), "B", &plenty, NULL, &why),
	    WHY_MALFORMED);
	assert_int_equal(
	    parts(HEAD("name=a; filename=\"x\x01y\"") "\r\n--B--", NULL),
	    WHY_MALFORMED);
	assert_int_equal(
	    parts(HEAD("name=a; filename=\"x\ty\"") "\r\n--B--", NULL),
	    WHY_MALFORMED);
}

static void
a_header_that_cannot_be_read_one_way_only_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "--B\r\n\r\nx\r\n--B--",
	    "--B\r\nContent-Type: a/b\r\n\r\nx\r\n--B--",
	    HEAD("filename=x") "\r\n--B--",
	    HEAD("name=\"\"") "\r\n--B--",
	    HEAD("name=a; name=b") "\r\n--B--",
	    HEAD("name=a; filename=x; filename=y") "\r\n--B--",
	    HEAD("name=\"a") "\r\n--B--",
	    HEAD("name") "\r\n--B--",
	    HEAD("name=a b") "\r\n--B--",
	    "--B\r\nContent-Disposition: attachment; name=a\r\n\r\n\r\n--B--",
	    "--B\r\nContent-Disposition: form-data; name=a\r\n"
	    "Content-Disposition: form-data; name=b\r\n\r\n\r\n--B--",
	    "--B\r\nContent-Disposition: form-data;\r\n name=a\r\n\r\n\r\n"
	    "--B--",
	    "--B\r\nContent-Disposition : form-data; name=a\r\n\r\n\r\n--B--",
	    "--B\r\nContent-Disposition: form-data; name=a\n\r\n\r\n--B--",
	    "--B\r\nno field\r\n\r\n\r\n--B--",
	    "--B\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--B--",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(parts(bad[i], NULL), WHY_MALFORMED);
}

static void
nested_and_encoded_parts_are_refused(void **state)
{
	(void)state;
	assert_int_equal(parts("--B\r\nContent-Disposition: form-data; name=a"
			       "\r\nContent-Type: Multipart/mixed; boundary=C"
			       "\r\n\r\n\r\n--B--",
			     NULL),
	    WHY_UNSUPPORTED);
	assert_int_equal(parts("--B\r\nContent-Disposition: form-data; name=a"
			       "\r\nContent-Transfer-Encoding: base64"
			       "\r\n\r\n\r\n--B--",
			     NULL),
	    WHY_UNSUPPORTED);
	assert_int_equal(parts("--B\r\nContent-Disposition: form-data; name=a"
			       "\r\nContent-Transfer-Encoding: Binary"
			       "\r\n\r\nx\r\n--B--",
			     "[a|-|-]x;"),
	    0);
}

static void
nothing_but_an_empty_line_stands_around_the_parts(void **state)
{
	(void)state;
	assert_int_equal(
	    parts("\r\n" HEAD("name=a") "\r\n--B--\r\n", "[a|-|-];"), 0);
	assert_int_equal(
	    parts("hello\r\n" HEAD("name=a") "\r\n--B--", NULL), WHY_MALFORMED);
	assert_int_equal(
	    parts("\r\n\r\n" HEAD("name=a") "\r\n--B--", NULL), WHY_MALFORMED);
	assert_int_equal(
	    parts(HEAD("name=a") "\r\n--B--\r\nbye", NULL), WHY_MALFORMED);
	assert_int_equal(
	    parts(HEAD("name=a") "\r\n--B--x", NULL), WHY_MALFORMED);
}

static void
a_body_cut_off_anywhere_is_refused(void **state)
{
	(void)state;
	const char *body = HEAD("name=a") "data\r\n" HEAD("name=b") "\r\n--B--";
	for (size_t size = 0; size < strlen(body); size++) {
		struct why why;
		assert_int_equal(
		    parse_all(span_of(body, size), "B", &plenty, NULL, &why),
		    WHY_MALFORMED);
	}
	assert_int_equal(parts(body, "[a|-|-]data;[b|-|-];"), 0);
}

static void
limits_hold_at_and_over(void **state)
{
	(void)state;
	struct why why;
	const char *two = HEAD("name=abc; filename=abcd") "12345\r\n" HEAD(
	    "name=b") "67\r\n--B--";
	struct multipart_limits limits = {2, 500, 3, 4, 7};
	assert_int_equal(
	    parse_all(span_text(two), "B", &limits, NULL, &why), 0);
	for (int i = 0; i < 4; i++) {
		struct multipart_limits low = limits;
		low.parts -= i == 0;
		low.name_bytes -= i == 1;
		low.filename_bytes -= i == 2;
		low.total_bytes -= i == 3;
		assert_int_equal(
		    parse_all(span_text(two), "B", &low, NULL, &why),
		    WHY_TOO_LARGE);
	}
	const char *head = HEAD("name=abc");
	limits.header_bytes = strlen(head) - strlen("--B\r\n");
	char body[200];
	strcpy(body, head);
	strcat(body, "\r\n--B--");
	assert_int_equal(
	    parse_all(span_text(body), "B", &limits, NULL, &why), 0);
	limits.header_bytes--;
	assert_int_equal(parse_all(span_text(body), "B", &limits, NULL, &why),
	    WHY_TOO_LARGE);
}

static void
a_refusing_callback_ends_it(void **state)
{
	(void)state;
	struct heard heard = {.refuse_part = 2};
	struct multipart_handler handler = {on_begin, on_data, on_end, &heard};
	struct why why = {0};
	size_t used;
	struct span body =
	    span_text(HEAD("name=a") "\r\n" HEAD("name=b") "\r\n--B--");
	buf_init(&heard.text, 1000);
	assert_int_equal(
	    multipart_new("B", &plenty, &handler, &heard.multipart, &why), 0);
	assert_int_equal(
	    multipart_push(heard.multipart, body, &used, &why), WHY_DENIED);
	assert_int_equal(
	    multipart_push(heard.multipart, body, &used, &why), WHY_STATE);
	assert_int_equal(
	    multipart_finish(heard.multipart, &why), WHY_MALFORMED);
	multipart_free(heard.multipart);
	buf_clear(&heard.text);
}

static int
boundary(const char *content_type, const char *expected)
{
	char text[MULTIPART_BOUNDARY_MAX + 1] = "";
	struct why why;
	int ret = multipart_boundary_parse(span_text(content_type), text, &why);
	if (ret == 0)
		assert_string_equal(text, expected);
	return ret;
}

#define SEVENTY                                                                \
	"12345678901234567890123456789012345678901234567890123456789012345678" \
	"90"

static void
the_boundary_is_found_and_must_be_legal(void **state)
{
	(void)state;
	assert_int_equal(
	    boundary("multipart/form-data; boundary=abc", "abc"), 0);
	assert_int_equal(
	    boundary("Multipart/Form-Data;charset=utf-8;Boundary=\"a b:c\"",
		"a b:c"),
	    0);
	assert_int_equal(
	    boundary("multipart/form-data; boundary=a/b=c", "a/b=c"), 0);
	assert_int_equal(
	    boundary("multipart/form-data; boundary=" SEVENTY, SEVENTY), 0);
	assert_int_equal(
	    boundary("multipart/form-data; boundary=" SEVENTY "1", NULL),
	    WHY_MALFORMED);
	static const char *const bad[] = {"multipart/form-data",
	    "multipart/form-data; boundary=", "multipart/form-data; boundary",
	    "multipart/form-data; boundary=\"\"",
	    "multipart/form-data; boundary=\"a ",
	    "multipart/form-data; boundary=\"a \"",
	    "multipart/form-data; boundary=\"a\rb\"",
	    "multipart/form-data; boundary=a; boundary=b",
	    "multipart/form-datax; boundary=a",
	    "multipart/form-data boundary=a"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(boundary(bad[i], NULL), WHY_MALFORMED);
	assert_int_equal(
	    boundary("multipart/mixed; boundary=a", NULL), WHY_INVALID);
	assert_int_equal(boundary("application/json", NULL), WHY_INVALID);
}

static void
a_long_boundary_works_in_any_pieces(void **state)
{
	(void)state;
	struct why why;
	const char *body =
	    "--" SEVENTY "\r\nContent-Disposition: form-data; name=a\r\n\r\n"
	    "\r\n--" SEVENTY "x\r\n--" SEVENTY "--";
	/* a longer line that begins with the boundary is refused */
	assert_int_equal(
	    parse_all(span_text(body), SEVENTY, &plenty, NULL, &why),
	    WHY_MALFORMED);
	body = "--" SEVENTY "\r\nContent-Disposition: form-data; name=a\r\n\r\n"
	       "x\r\n--123456789012345678901234567890\r\n--" SEVENTY "--";
	assert_int_equal(
	    parse_all(span_text(body), SEVENTY, &plenty,
		"[a|-|-]x\r\n--123456789012345678901234567890;", &why),
	    0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(parts_come_as_they_were_sent),
	    cmocka_unit_test(an_empty_part_is_a_part),
	    cmocka_unit_test(data_may_look_much_like_a_boundary),
	    cmocka_unit_test(file_names_are_unquoted_as_rfc_7578_says),
	    cmocka_unit_test(names_in_other_encodings_are_refused),
	    cmocka_unit_test(a_nul_or_control_in_a_name_is_refused),
	    cmocka_unit_test(
		a_header_that_cannot_be_read_one_way_only_is_refused),
	    cmocka_unit_test(nested_and_encoded_parts_are_refused),
	    cmocka_unit_test(nothing_but_an_empty_line_stands_around_the_parts),
	    cmocka_unit_test(a_body_cut_off_anywhere_is_refused),
	    cmocka_unit_test(limits_hold_at_and_over),
	    cmocka_unit_test(a_refusing_callback_ends_it),
	    cmocka_unit_test(the_boundary_is_found_and_must_be_legal),
	    cmocka_unit_test(a_long_boundary_works_in_any_pieces),
	};
	return cmocka_run_group_tests_name(
	    "formats: multipart", tests, NULL, NULL);
}
