#include "formats/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DIGEST                                                                 \
	"0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"
#define PART(name, filename)                                                   \
	"{\"name\":\"" name "\",\"filename\":\"" filename                      \
	"\",\"mediaType\":\"Application/"                                      \
	"PDF\",\"size\":10,\"sha256\":\"" DIGEST "\"}"
#define ENVELOPE(recipients, parts)                                            \
	"{\"type\":\"document\",\"recipients\":[" recipients                   \
	"],\"reference\":\"sak 1\",\"parts\":[" parts "]}"
#define OSLO "\"958935420\""
#define BERGEN "\"964338531\""

/* 0, or the failure with its first finding's pointer in pointer. */
static int
parse_with(const char *text, const struct limits *limits, char *pointer,
    struct envelope *envelope)
{
	struct findings findings;
	struct why why = {0};
	findings_init(&findings, 100);
	int ret =
	    envelope_parse(span_text(text), limits, &findings, envelope, &why);
	assert_int_equal(ret == 0, findings_none(&findings));
	if (ret < 0) {
		assert_int_equal(why.code, ret);
		(void)snprintf(pointer, 200, "%s", findings.at[0].pointer);
		assert_string_equal(findings.at[0].part, "envelope");
		assert_null(envelope->type);
		assert_int_equal(envelope->parts_count, 0);
	}
	findings_clear(&findings);
	return ret;
}

static void
refused_with(const char *text, const struct limits *limits, int code,
    const char *expected)
{
	struct envelope envelope;
	char pointer[200] = "";
	assert_int_equal(parse_with(text, limits, pointer, &envelope), code);
	assert_string_equal(pointer, expected);
}

static void
refused(const char *text, const char *expected)
{
	struct limits limits;
	limits_init(&limits);
	refused_with(text, &limits, WHY_INVALID, expected);
}

static void
good(const char *text, struct envelope *envelope)
{
	struct limits limits;
	char pointer[200] = "";
	limits_init(&limits);
	assert_int_equal(parse_with(text, &limits, pointer, envelope), 0);
}

static void
an_envelope_is_read_whole(void **state)
{
	(void)state;
	struct envelope envelope;
	good(ENVELOPE(OSLO "," BERGEN,
		 PART("main", "søknad.pdf") "," PART("a-1", "b.pdf")),
	    &envelope);
	assert_string_equal(envelope.type, "document");
	assert_int_equal(envelope.recipients_count, 2);
	assert_string_equal(envelope.recipients[1], "964338531");
	assert_string_equal(envelope.reference, "sak 1");
	assert_int_equal(envelope.parts_count, 2);
	assert_int_equal(envelope.bytes, 20);
	assert_string_equal(envelope.parts[0].filename, "søknad.pdf");
	assert_string_equal(envelope.parts[0].media_type, "application/pdf");
	assert_int_equal(envelope.parts[0].size, 10);
	assert_string_equal(envelope.parts[0].sha256,
	    "0123456789abcdef0123456789abcdef"
	    "0123456789abcdef0123456789abcdef");
	assert_ptr_equal(
	    envelope_part_find(&envelope, "a-1"), &envelope.parts[1]);
	assert_null(envelope_part_find(&envelope, "a-2"));
	envelope_clear(&envelope);
	good("{\"type\":\"t\",\"recipients\":[" OSLO
	     "],\"parts\":[" PART("a", "b") "]}",
	    &envelope);
	assert_null(envelope.reference);
	assert_null(envelope.language);
	envelope_clear(&envelope);
	good("{\"type\":\"t\",\"language\":\"nn-NO\",\"recipients\":[" OSLO
	     "],\"parts\":[" PART("a", "b") "]}",
	    &envelope);
	assert_string_equal(envelope.language, "nn-NO");
	envelope_clear(&envelope);
}

static void
a_language_that_is_no_tag_is_refused(void **state)
{
	static const char *const wrong[] = {"\"\"", "1", "\"n\"", "\"n1\"",
	    "\"nb-\"", "\"nb--NO\"", "\"nb NO\"", "\"nb_NO\"", "\"\u00e5e\"",
	    "\"nb-123456789\"", "\"abcdefghi\"", "null",
	    "\"nb-a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p-q-r\""};
	char text[1000];

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		(void)snprintf(text, sizeof text,
		    "{\"type\":\"t\",\"language\":%s,\"recipients\":[" OSLO
		    "],\"parts\":[" PART("a", "b") "]}",
		    wrong[i]);
		refused(text, "/language");
	}
}

static void
what_is_not_in_the_contract_is_refused_with_its_place(void **state)
{
	(void)state;
	refused("{}", "/type");
	refused("{\"type\":1,\"recipients\":[" OSLO
		"],\"parts\":[" PART("a", "b") "]}",
	    "/type");
	refused("{\"type\":\"../x\",\"recipients\":[" OSLO
		"],\"parts\":[" PART("a", "b") "]}",
	    "/type");
	refused("{\"type\":\"t\",\"extra\":1,\"recipients\":[" OSLO
		"],\"parts\":[" PART("a", "b") "]}",
	    "");
	refused(ENVELOPE("", PART("a", "b")), "/recipients");
	refused(ENVELOPE("\"958935421\"", PART("a", "b")), "/recipients/0");
	refused(ENVELOPE(OSLO "," OSLO, PART("a", "b")), "/recipients/1");
	refused(ENVELOPE("958935420", PART("a", "b")), "/recipients/0");
	refused(ENVELOPE(OSLO, ""), "/parts");
	refused(ENVELOPE(OSLO, "1"), "/parts/0");
	refused(ENVELOPE(OSLO, PART("a", "b") "," PART("a", "c")), "/parts/1");
	refused(ENVELOPE(OSLO, PART("a", "b") "," PART("A", "c")), "/parts/1");
	refused(ENVELOPE(OSLO, PART("a", "b.pdf") "," PART("c", "B.PDF")),
	    "/parts/1");
	refused(ENVELOPE(OSLO, PART("a", "../../x")), "/parts/0/filename");
	refused(ENVELOPE(OSLO, PART("envelope", "x")), "/parts/0/name");
	refused(ENVELOPE(OSLO, PART("a b", "x")), "/parts/0/name");
	refused(ENVELOPE(OSLO, "{\"name\":\"a\",\"filename\":\"b\","
			       "\"mediaType\":\"pdf\",\"size\":1,"
			       "\"sha256\":\"" DIGEST "\"}"),
	    "/parts/0/mediaType");
	refused(ENVELOPE(OSLO, "{\"name\":\"a\",\"filename\":\"b\","
			       "\"mediaType\":\"a/b\",\"size\":1.5,"
			       "\"sha256\":\"" DIGEST "\"}"),
	    "/parts/0/size");
	refused(ENVELOPE(OSLO, "{\"name\":\"a\",\"filename\":\"b\","
			       "\"mediaType\":\"a/b\",\"size\":-1,"
			       "\"sha256\":\"" DIGEST "\"}"),
	    "/parts/0/size");
	refused(ENVELOPE(OSLO, "{\"name\":\"a\",\"filename\":\"b\","
			       "\"mediaType\":\"a/b\",\"size\":1,"
			       "\"sha256\":\"xyz\"}"),
	    "/parts/0/sha256");
	refused(ENVELOPE(OSLO, "{\"name\":\"a\",\"filename\":\"b\","
			       "\"mediaType\":\"a/b\",\"size\":1}"),
	    "/parts/0/sha256");
}

static void
every_reason_is_listed(void **state)
{
	(void)state;
	struct limits limits;
	struct findings findings;
	struct envelope envelope;
	limits_init(&limits);
	findings_init(&findings, 100);
	assert_int_equal(envelope_parse(span_text("{\"recipients\":[\"1\","
						  "\"2\"],\"parts\":[{}]}"),
			     &limits, &findings, &envelope, NULL),
	    WHY_INVALID);
	/* type, two recipients, five members of the part */
	assert_int_equal(findings.count, 8);
	findings_clear(&findings);
}

static void
what_is_not_json_is_refused(void **state)
{
	(void)state;
	struct limits limits;
	limits_init(&limits);
	refused_with("{\"type\":", &limits, WHY_MALFORMED, "");
	refused_with("[]", &limits, WHY_MALFORMED, "");
	refused_with(
	    "{\"type\":\"a\",\"type\":\"b\"}", &limits, WHY_MALFORMED, "");
	limits.envelope_bytes = 10;
	refused_with("{\"type\":\"abc\"}", &limits, WHY_TOO_LARGE, "");
}

static void
limits_hold_at_and_over(void **state)
{
	(void)state;
	struct limits limits;
	struct envelope envelope;
	char pointer[200];
	const char *text =
	    ENVELOPE(OSLO "," BERGEN, PART("ab", "cde") "," PART("b", "f"));
	limits_init(&limits);
	limits.recipients_per_message = 2;
	limits.parts_per_message = 2;
	limits.reference_bytes = 5;
	limits.part_name_bytes = 2;
	limits.filename_bytes = 3;
	limits.part_bytes = 10;
	limits.message_bytes = 20;
	assert_int_equal(parse_with(text, &limits, pointer, &envelope), 0);
	envelope_clear(&envelope);
	struct limits low = limits;
	low.recipients_per_message--;
	refused_with(text, &low, WHY_INVALID, "/recipients");
	low = limits;
	low.parts_per_message--;
	refused_with(text, &low, WHY_INVALID, "/parts");
	low = limits;
	low.reference_bytes--;
	refused_with(text, &low, WHY_INVALID, "/reference");
	low = limits;
	low.part_name_bytes--;
	refused_with(text, &low, WHY_INVALID, "/parts/0/name");
	low = limits;
	low.filename_bytes--;
	refused_with(text, &low, WHY_INVALID, "/parts/0/filename");
	low = limits;
	low.part_bytes--;
	refused_with(text, &low, WHY_INVALID, "/parts/0/size");
	low = limits;
	low.message_bytes--;
	refused_with(text, &low, WHY_INVALID, "/parts");
}

static void
canonical(const char *text, struct buf *out)
{
	struct envelope envelope;
	good(text, &envelope);
	buf_init(out, 100000);
	envelope_canonical_build(out, &envelope);
	assert_true(buf_ok(out));
	envelope_clear(&envelope);
}

static bool
mean_the_same(const char *a, const char *b)
{
	struct buf x;
	struct buf y;
	canonical(a, &x);
	canonical(b, &y);
	bool same = span_equal(buf_span(&x), buf_span(&y));
	buf_clear(&x);
	buf_clear(&y);
	return same;
}

static void
the_canonical_form_tells_meanings_apart(void **state)
{
	(void)state;
	const char *a =
	    ENVELOPE(OSLO "," BERGEN, PART("a", "b") "," PART("c", "d"));
	assert_true(mean_the_same(a,
	    ENVELOPE(" " BERGEN " ," OSLO, PART("a", "b") "," PART("c", "d"))));
	assert_false(mean_the_same(
	    a, ENVELOPE(OSLO, PART("a", "b") "," PART("c", "d"))));
	assert_false(mean_the_same(
	    a, ENVELOPE(OSLO "," BERGEN, PART("c", "d") "," PART("a", "b"))));
	assert_false(mean_the_same(
	    a, ENVELOPE(OSLO "," BERGEN, PART("a", "b") "," PART("cd", "d"))));
	assert_false(mean_the_same("{\"type\":\"t\",\"recipients\":[" OSLO
				   "],\"parts\":[" PART("a", "b") "]}",
	    "{\"type\":\"t\",\"reference\":\"x\",\"recipients\":[" OSLO
	    "],\"parts\":[" PART("a", "b") "]}"));
	assert_false(mean_the_same("{\"type\":\"t\",\"recipients\":[" OSLO
				   "],\"parts\":[" PART("a", "b") "]}",
	    "{\"type\":\"t\",\"language\":\"nn\",\"recipients\":[" OSLO
	    "],\"parts\":[" PART("a", "b") "]}"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_envelope_is_read_whole),
	    cmocka_unit_test(
		what_is_not_in_the_contract_is_refused_with_its_place),
	    cmocka_unit_test(every_reason_is_listed),
	    cmocka_unit_test(what_is_not_json_is_refused),
	    cmocka_unit_test(limits_hold_at_and_over),
	    cmocka_unit_test(a_language_that_is_no_tag_is_refused),
	    cmocka_unit_test(the_canonical_form_tells_meanings_apart),
	};
	return cmocka_run_group_tests_name(
	    "formats: envelope", tests, NULL, NULL);
}
