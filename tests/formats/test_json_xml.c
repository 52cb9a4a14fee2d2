/*
 * JSON as XML and back: the same bytes but for white space, whatever stands in
 * them; every XML fits the one schema; what is no such XML is refused.
 */
#include "base/text.h"
#include "formats/json_xml.h"
#include "formats/xml.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OWN "tests/formats/fixtures/digisos"
#define NAV "../shared/data/digisos"
#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define SPACE " xmlns=\"urn:budstikke:json:1\" xml:space=\"preserve\""

static struct limits limits;
static struct xml_schema *schema;

static void
read_file(const char *path, struct buf *text)
{
	FILE *file = fopen(path, "r");
	char part[4096];
	size_t got;

	assert_non_null(file);
	buf_init(text, 8 << 20);
	while ((got = fread(part, 1, sizeof(part), file)) > 0)
		buf_add(text, part, got);
	fclose(file);
	assert_non_null(buf_text(text));
}

static int
start(void **state)
{
	struct findings findings;
	struct buf text;
	struct why why = {0};
	int ret;

	(void)state;
	limits_init(&limits);
	findings_init(&findings, 10);
	read_file("formats/json_xml.rng", &text);
	ret = xml_schema_compile(
	    buf_span(&text), "json_xml.rng", &findings, &schema, &why);
	if (ret < 0)
		print_error("%s\n", why.text);
	buf_clear(&text);
	findings_clear(&findings);
	return ret;
}

static int
stop(void **state)
{
	(void)state;
	xml_schema_free(schema);
	return 0;
}

/* Without the white space around values. */
static void
packed(struct span json, struct buf *out)
{
	bool quoted = false;

	for (size_t i = 0; i < json.size; i++) {
		uint8_t c = json.at[i];

		if (quoted && c == '\\')
			buf_add_byte(out, json.at[i++]);
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && strchr(" \t\r\n", c) != NULL && c != '\0')
			continue;
		buf_add_byte(out, json.at[i]);
	}
}

static void
fits_the_schema(struct span xml)
{
	struct xml_bounds bounds = {8 << 20, 600, 1 << 20, 8, false};
	struct xml_document *document;
	struct findings findings;
	struct why why = {0};

	if (xml_text_read(xml, &bounds, &document, &why) < 0)
		fail_msg("not XML: %s", why.text);
	findings_init(&findings, 5);
	if (xml_schema_check(schema, document, "xml", &findings, &why) < 0)
		fail_msg("not of the schema: %s", why.text);
	findings_clear(&findings);
	xml_document_free(document);
}

/* There and back again. */
static void
expect_same(struct span json, const char *name)
{
	struct buf xml, back, wish;
	struct why why = {0};

	buf_init(&xml, 64 << 20);
	buf_init(&back, 8 << 20);
	buf_init(&wish, 8 << 20);
	packed(json, &wish);
	if (json_xml_build(json, &limits, &xml, &why) < 0)
		fail_msg("%s: %s", name, why.text);
	fits_the_schema(buf_span(&xml));
	if (json_xml_parse(buf_span(&xml), &limits, &back, &why) < 0)
		fail_msg("%s: %s", name, why.text);
	if (!span_equal(buf_span(&back), buf_span(&wish)))
		fail_msg("%s: %s comes back as %s by %s", name, buf_text(&wish),
		    buf_text(&back), buf_text(&xml));
	buf_clear(&xml);
	buf_clear(&back);
	buf_clear(&wish);
}

/* ---- what it looks like ---- */

static void
the_mapping_is_as_the_manual_says(void **state)
{
	static const struct {
		const char *json;
		const char *xml;
	} cases[] = {{"{}", "<object" SPACE "/>"},
	    {" [ ] ", "<array" SPACE "/>"}, {"null", "<null" SPACE "/>"},
	    {"true", "<boolean" SPACE ">true</boolean>"},
	    {"-0.50E+3", "<number" SPACE ">-0.50E+3</number>"},
	    {"\"\"", "<string" SPACE "/>"},
	    {"\"a<b>&\\\"'\"", "<string" SPACE ">a&lt;b&gt;&amp;\"'</string>"},
	    {"\"a\\nb\\tc\\rd\"", "<string" SPACE ">a\nb\tc&#13;d</string>"},
	    {"\"\\u00e5\"",
		"<string" SPACE " json=\"\\u00e5\">\xc3\xa5</string>"},
	    {"\"\\ud83d\\ude00\"",
		"<string" SPACE
		" json=\"\\ud83d\\ude00\">\xf0\x9f\x98\x80</string>"},
	    {"\"\\/\"", "<string" SPACE " json=\"\\/\">/</string>"},
	    {"\"a\\u0001b\"",
		"<string" SPACE " json=\"a\\u0001b\">a\xef\xbf\xbd"
		"b</string>"},
	    {"\"\xef\xbf\xbf\"",
		"<string" SPACE " json=\"\\xFFFF\">\xef\xbf\xbd</string>"},
	    {"\"\\\"\\b\"", "<string" SPACE " json=\"\\&quot;\\b\">\""
			    "\xef\xbf\xbd</string>"},
	    {"{\"a\": [1, \"x\"], \"\":null, \"\\n\\\"\":{}}",
		"<object" SPACE "><array name=\"a\"><number>1</number>"
		"<string>x</string></array><null name=\"\"/>"
		"<object name=\"&#10;&quot;\"/></object>"},
	    {"{\"\\u0061\": false}",
		"<object" SPACE "><boolean name=\"a\" jsonName=\"\\u0061\">"
		"false</boolean></object>"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span json = span_text(cases[i].json);
		struct why why = {0};
		struct buf xml, wish;

		buf_init(&xml, 4096);
		buf_init(&wish, 4096);
		buf_printf(&wish, HEAD "%s\n", cases[i].xml);
		if (json_xml_build(json, &limits, &xml, &why) < 0)
			fail_msg("%s: %s", cases[i].json, why.text);
		assert_string_equal(buf_text(&xml), buf_text(&wish));
		expect_same(json, cases[i].json);
		buf_clear(&xml);
		buf_clear(&wish);
	}
}

/* ---- there and back ---- */

static int
compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Every JSON file in and under a folder; how many there were. */
static size_t
expect_folder(const char *folder)
{
	struct dirent **names = NULL;
	int count = scandir(folder, &names, NULL, compare);
	size_t done = 0;

	for (int i = 0; i < count; i++) {
		const char *name = names[i]->d_name;
		size_t size = strlen(name);
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", folder, name);
		if (name[0] != '.' && names[i]->d_type == DT_DIR) {
			done += expect_folder(path);
		} else if (size > 5 && strcmp(name + size - 5, ".json") == 0) {
			struct buf text, xml;
			struct why why;

			read_file(path, &text);
			buf_init(&xml, 64 << 20);
			/* some test files are no JSON, on purpose */
			if (json_xml_build(
				buf_span(&text), &limits, &xml, &why) == 0) {
				expect_same(buf_span(&text), path);
				done++;
			} else {
				assert_int_equal(why.code, WHY_MALFORMED);
			}
			buf_clear(&xml);
			buf_clear(&text);
		}
		free(names[i]);
	}
	free(names);
	return done;
}

static void
our_examples_and_profiles_come_back_as_they_were(void **state)
{
	(void)state;
	assert_true(expect_folder(OWN) >= 10);
	assert_true(expect_folder("formats/profiles") >= 10);
	assert_true(expect_folder("tests/fuzz/corpus/render") >= 4);
}

static void
navs_examples_come_back_as_they_were(void **state)
{
	(void)state;
	if (access(NAV, R_OK) != 0) {
		print_message("SKIP: NAV's files are not at " NAV "\n");
		skip();
	}
	assert_true(expect_folder(NAV) >= 20);
}

/* ---- random texts ---- */

static uint64_t seed = 7;

static unsigned
pick(unsigned below)
{
	seed = seed * UINT64_C(6364136223846793005) +
	       UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % below;
}

static void
blank(struct buf *out)
{
	static const char *const blanks[] = {
	    "", "", "", " ", "\n", "\t", "\r\n"};

	buf_add_text(out, blanks[pick(7)]);
}

static void
random_body(struct buf *out)
{
	static const char *const pieces[] = {"a", "\xc3\xa5", "<", ">", "&",
	    "'", "]]>", " ", "  ", "\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n",
	    "\\r", "\\t", "\\u0001", "\\u001F", "\\u007f", "\x7f", "\xc2\x85",
	    "\\u00E5", "\\u2028", "\xe2\x80\xa8", "\\ufffe", "\\uFFFF",
	    "\xef\xbf\xbe", "\xef\xbf\xbf", "\xef\xbf\xbd", "\\uFFFD",
	    "\\ud83d\\uDE00", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf",
	    "\\uDBFF\\udfff", "&#10;", "<!--", "\\\\xFFFE", "{", "\xee\x80\x80",
	    "\xcc\x88", "<![CDATA[", "&lt;", "\\u0022", "\\u005c", "\\u0020"};

	buf_add_byte(out, '"');
	for (unsigned n = pick(6); n > 0; n--)
		buf_add_text(
		    out, pieces[pick(sizeof(pieces) / sizeof(pieces[0]))]);
}

static void
random_value(struct buf *out, unsigned depth)
{
	static const char *const words[] = {"null", "true", "false", "0", "-0",
	    "1", "-1", "0.0", "1.50", "1e3", "1E+3", "2e-07", "123456789012",
	    "0.1000000000000000055511151231257827", "-0.0e0", "1e-400",
	    "9223372036854775807", "4.9E-324"};
	unsigned kind = pick(depth > 5 ? 2 : 4);
	unsigned count = kind > 1 ? pick(5) : 0;

	blank(out);
	if (kind == 0)
		buf_add_text(
		    out, words[pick(sizeof(words) / sizeof(words[0]))]);
	if (kind == 1) {
		random_body(out);
		buf_add_byte(out, '"');
	}
	if (kind > 1) {
		buf_add_byte(out, kind == 2 ? '[' : '{');
		for (unsigned i = 0; i < count; i++) {
			buf_add_text(out, i ? "," : "");
			blank(out);
			if (kind == 3) {
				random_body(out);
				/* so that no two names are equal */
				buf_printf(out, i ? "%u\"" : "\"", i);
				blank(out);
				buf_add_byte(out, ':');
			}
			random_value(out, depth + 1);
		}
		blank(out);
		buf_add_byte(out, kind == 2 ? ']' : '}');
	}
	blank(out);
}

static void
random_texts_come_back_as_they_were(void **state)
{
	int rounds = getenv("SOAK") ? 200000 : 4000;

	(void)state;
	for (int i = 0; i < rounds; i++) {
		struct buf text;

		buf_init(&text, 1 << 20);
		random_value(&text, 0);
		assert_true(buf_ok(&text));
		expect_same(buf_span(&text), "random");
		buf_clear(&text);
	}
}

static void
deep_and_long_texts_come_back_as_they_were(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 2 << 20);
	for (size_t i = 0; i < limits.json_depth; i++)
		buf_add_text(&text, i % 2 ? "[" : "{\"a\":");
	buf_add_text(&text, "1");
	for (size_t i = limits.json_depth; i-- > 0;)
		buf_add_text(&text, i % 2 ? "]" : "}");
	expect_same(buf_span(&text), "deep");
	buf_reset(&text);
	buf_add_byte(&text, '"');
	while (text.size < limits.payload_bytes - 9)
		buf_add_text(&text, "a\\n\\u0001");
	buf_add_byte(&text, '"');
	expect_same(buf_span(&text), "long");
	buf_reset(&text);
	for (size_t i = 0; i < 512; i++)
		buf_add_byte(&text, '[');
	for (size_t i = 0; i < 512; i++)
		buf_add_byte(&text, ']');
	limits.json_depth = 512;
	expect_same(buf_span(&text), "deepest");
	limits.json_depth = 64;
	buf_clear(&text);
}

/* ---- what is refused ---- */

static void
what_is_no_json_is_refused(void **state)
{
	static const char *const texts[] = {"", "{", "[1,]",
	    "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "\"\\ud800\"",
	    "\"\\u0000\"", "\"\xff\"", "01", "1 2", "\xef\xbb\xbf{}"};
	struct buf xml;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct why why = {0};

		buf_init(&xml, 4096);
		assert_int_equal(
		    json_xml_build(span_text(texts[i]), &limits, &xml, &why),
		    WHY_MALFORMED);
		assert_int_equal(xml.size, 0);
		buf_clear(&xml);
	}
}

static void
what_is_no_such_xml_is_refused_without_its_content(void **state)
{
	static const char *const texts[] = {"<x" SPACE "/>", "<object/>",
	    "<object xmlns=\"urn:budstikke:json:2\"/>",
	    "<object" SPACE ">hemmelig</object>",
	    "<object" SPACE "><null/></object>",
	    "<array" SPACE "><null name=\"hemmelig\"/></array>",
	    "<null" SPACE " name=\"hemmelig\"/>", "<null" SPACE ">x</null>",
	    "<null" SPACE " hemmelig=\"x\"/>",
	    "<null" SPACE " xml:lang=\"nb\"/>",
	    "<null" SPACE " xmlns:x=\"u\" x:name=\"a\"/>",
	    "<array" SPACE "><null xml:space=\"preserve\"/></array>",
	    "<string" SPACE "><string/></string>",
	    "<string" SPACE "><x xmlns=\"\"/></string>", "<boolean" SPACE "/>",
	    "<boolean" SPACE ">True</boolean>",
	    "<boolean" SPACE "> true </boolean>", "<number" SPACE "/>",
	    "<number" SPACE ">01</number>", "<number" SPACE ">+1</number>",
	    "<number" SPACE ">1.</number>", "<number" SPACE ">.5</number>",
	    "<number" SPACE ">1e</number>", "<number" SPACE ">-</number>",
	    "<number" SPACE ">NaN</number>", "<number" SPACE ">1,2</number>",
	    "<number" SPACE ">1]</number>", "<number" SPACE "> 1</number>",
	    "<number" SPACE ">1e999</number>",
	    "<number" SPACE " json=\"1\">1</number>",
	    "<object" SPACE " json=\"\"/>",
	    /* a text and its form that do not agree */
	    "<string" SPACE " json=\"hemmelig\">x</string>",
	    "<string" SPACE " json=\"\">x</string>",
	    "<string" SPACE " json=\"\\u0061\">b</string>",
	    "<string" SPACE " json=\"\\xFFFF\">b</string>",
	    "<object" SPACE "><null name=\"a\" jsonName=\"b\"/></object>",
	    "<object" SPACE "><null jsonName=\"b\"/></object>",
	    /* forms that would end their string */
	    "<string" SPACE " json=\"&quot;,&quot;\">\",\"</string>",
	    "<string" SPACE " json=\"\\\">\\</string>",
	    "<string" SPACE " json=\"\\u12\">x</string>",
	    "<string" SPACE " json=\"\\ud800\">x</string>",
	    "<string" SPACE " json=\"\\xFFFD\">x</string>",
	    "<string" SPACE " json=\"\\u0000\">\xef\xbf\xbd</string>",
	    "<string" SPACE " json=\"&#10;\">\n</string>",
	    /* two names */
	    "<object" SPACE "><null name=\"a\"/><null name=\"a\"/></object>",
	    "<object" SPACE "><null name=\"a\"/><null name=\"a\" "
	    "jsonName=\"\\u0061\"/></object>"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct why why = {0};
		struct buf json;

		buf_init(&json, 4096);
		if (json_xml_parse(span_text(texts[i]), &limits, &json, &why) !=
		    WHY_INVALID)
			fail_msg("%s: %s", texts[i], why.text);
		assert_null(strstr(why.text, "hemmelig"));
		buf_clear(&json);
	}
}

static void
white_space_between_elements_is_nothing(void **state)
{
	static const char xml[] =
	    "<array" SPACE ">\n  <object>\n\t<null name='a'/>\r\n"
	    "  </object>\n <string> </string> </array>";
	struct why why = {0};
	struct buf json;

	(void)state;
	buf_init(&json, 4096);
	assert_int_equal(
	    json_xml_parse(span_text(xml), &limits, &json, &why), 0);
	assert_string_equal(buf_text(&json), "[{\"a\":null},\" \"]");
	buf_clear(&json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_mapping_is_as_the_manual_says),
	    cmocka_unit_test(our_examples_and_profiles_come_back_as_they_were),
	    cmocka_unit_test(navs_examples_come_back_as_they_were),
	    cmocka_unit_test(random_texts_come_back_as_they_were),
	    cmocka_unit_test(deep_and_long_texts_come_back_as_they_were),
	    cmocka_unit_test(what_is_no_json_is_refused),
	    cmocka_unit_test(
		what_is_no_such_xml_is_refused_without_its_content),
	    cmocka_unit_test(white_space_between_elements_is_nothing),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
