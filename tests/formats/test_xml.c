/*
 * XML: what is refused and why, the bounds, RELAX NG's findings, and the values
 * that a presentation gets to see.
 */
#include "formats/xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PROFILE "formats/profiles/arkivbrev"
#define OWN "tests/formats/fixtures/arkivbrev"

static struct limits limits;
static struct xml_schema *schema;

static void
read_file(const char *path, struct buf *text)
{
	FILE *file = fopen(path, "r");
	char part[4096];
	size_t got;

	assert_non_null(file);
	buf_init(text, 1 << 20);
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
	read_file(PROFILE "/arkivbrev.rng", &text);
	ret = xml_schema_compile(
	    buf_span(&text), "arkivbrev.rng", &findings, &schema, &why);
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

static int
read_span(struct span text, const struct xml_bounds *bounds, struct why *why)
{
	struct xml_document *document = NULL;
	int ret = xml_text_read(text, bounds, &document, why);

	assert_true((ret == 0) == (document != NULL));
	xml_document_free(document);
	return ret;
}

static int
read_text(const char *text, struct why *why)
{
	struct xml_bounds bounds = xml_bounds_of(&limits);

	return read_span(span_text(text), &bounds, why);
}

/* ---- reading ---- */

static void
what_is_not_plain_xml_is_refused_without_its_content(void **state)
{
	static const char *const texts[] = {"", " ", "hemmelig", "<", "<a",
	    "<a>", "</a>", "<a></b>", "<a/>hemmelig", "<a/><b/>",
	    "hemmelig<a/>", " <?xml version=\"1.0\"?><a/>",
	    "<a b='hemmelig' b='hemmelig'/>", "<a hemmelig/>",
	    "<a b=hemmelig/>", "<a b='hemmelig/>", "<a b='<hemmelig'/>",
	    "<a <b/>/>", "<a>&hemmelig;</a>", "<a b='&hemmelig;'/>",
	    "<a>&#0;hemmelig</a>", "<a>&#x1f;</a>", "<a>&#xd800;</a>",
	    "<a>&#xffff;</a>", "<a>&#x110000;</a>", "<a>\x01</a>",
	    "<a>\xef\xbf\xbf</a>", "<a>\xff</a>", "<a>\xc0\x80</a>",
	    "<a>\xed\xa0\x80</a>", "<a>hemmelig]]></a>",
	    "<a><![CDATA[hemmelig</a>", "<a>& </a>", "<hemmelig:a/>",
	    "<a hemmelig:b='c'/>", "<a xmlns:x=''/>", "<xml:b:c/>",
	    "<a xmlns:x='u' xmlns:y='u' x:b='1' y:b='2'/>", "<1/>",
	    /* nobody would see these */
	    "<!--hemmelig--><a/>", "<a><!--hemmelig--></a>",
	    "<a/><!--hemmelig-->", "<?hemmelig x?><a/>",
	    "<a><?hemmelig x?></a>", "<a/><?xml-stylesheet href='hemmelig'?>",
	    /* other files, other entities, bombs */
	    "<!DOCTYPE a><a/>", "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
	    "<!DOCTYPE a [<!ENTITY h 'hemmelig'>]><a>&h;</a>",
	    "<!DOCTYPE a [<!ENTITY h SYSTEM 'file:///etc/passwd'>]><a>&h;</a>",
	    "<!DOCTYPE a PUBLIC '-//x' 'http://127.0.0.1/x.dtd'><a/>",
	    "<!DOCTYPE a [<!ENTITY % p SYSTEM 'http://127.0.0.1/x'> %p;]><a/>",
	    "<?xml version='1.0'?>\n<!DOCTYPE a [<!ENTITY a '0123456789'>"
	    "<!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
	    "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>]><a>&c;</a>",
	    "<a><!DOCTYPE a></a>", "<a><!ENTITY h 'hemmelig'></a>",
	    "<!doctype a><a/>", "<![INCLUDE[<a/>]]>",
	    /* other encodings, other versions */
	    "<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
	    "<?xml version='1.0' encoding='UTF-16'?><a/>",
	    "<?xml version='1.0' encoding=\"UTF-7\"?><a/>",
	    "<?xml version='1.0' encoding='UTF-8x'?><a/>",
	    "<?xml version='1.0' encoding='UTF-8\"?><a/>",
	    "<?xml version='1.1'?><a/>", "<?xml version='2.0'?><a/>",
	    "<?xml encoding='UTF-8'?><a/>", "<?XML version='1.0'?><a/>",
	    "<?xml version='1.0'", "\xfe\xff<a/>"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct why why = {0};

		if (read_text(texts[i], &why) != WHY_MALFORMED)
			fail_msg("accepted: %s", texts[i]);
		assert_null(strstr(why.text, "hemmelig"));
		assert_null(strstr(why.text, "passwd"));
		assert_true(why.text[0] != '\0');
	}
}

static void
what_is_plain_xml_is_read(void **state)
{
	static const char *const texts[] = {"<a/>", "\xef\xbb\xbf<a/>",
	    "<?xml version=\"1.0\"?>\r\n<a>\r\n</a>\r\n",
	    "<?xml version='1.0' encoding='utf-8' standalone='yes'?><a/>",
	    "<?xml version = '1.0' encoding = \"UTF-8\" ?><a/>",
	    "<a>&lt;&gt;&amp;&quot;&apos;&#229;&#x1F600;&#13;</a>",
	    "<a b='>' c=\"'=='\">x=y</a>", "<a><![CDATA[<b>&c;<!--]]></a>",
	    "<a xml:lang='se' xml:space='preserve'> </a>",
	    "<x:a xmlns:x='u'><b xmlns='v'/></x:a>",
	    "<\xc3\xa6\xc3\xb8\xc3\xa5/>"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct why why = {0};

		if (read_text(texts[i], &why) != 0)
			fail_msg("refused: %s: %s", texts[i], why.text);
	}
}

static void
a_nul_byte_is_refused_wherever_it_stands(void **state)
{
	static const char text[] = "<a b='c'>d</a> ";
	struct xml_bounds bounds = xml_bounds_of(&limits);
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		char copy[sizeof(text)];

		memcpy(copy, text, sizeof(text));
		copy[i] = '\0';
		assert_int_equal(
		    read_span(span_of(copy, sizeof(text) - 1), &bounds, &why),
		    WHY_MALFORMED);
	}
}

static void
an_error_tells_the_line(void **state)
{
	struct why why = {0};

	(void)state;
	read_text("<a>\n\n<b>\n</c>\n</a>", &why);
	assert_string_equal(
	    why.text, "line 4: an end tag does not fit its start tag");
	read_text("<a>\n<!DOCTYPE b></a>", &why);
	assert_string_equal(
	    why.text, "line 2: a document type declaration is not allowed");
	read_text("\n\n<a b=''\n b=''/>", &why);
	assert_non_null(strstr(why.text, "line 4: an attribute stands twice"));
}

/* ---- bounds ---- */

/* What(n) is one text with n of it. */
static void
expect_edge(void (*what)(struct buf *, size_t), struct xml_bounds bounds,
    size_t max, const char *name)
{
	for (size_t n = max - 1; n <= max + 1; n++) {
		struct why why = {0};
		struct buf text;
		int ret;

		buf_init(&text, 64 << 20);
		what(&text, n);
		assert_true(buf_ok(&text));
		ret = read_span(buf_span(&text), &bounds, &why);
		if (n <= max)
			assert_int_equal(ret, 0);
		else
			assert_int_equal(ret, WHY_TOO_LARGE);
		if (n > max)
			assert_non_null(strstr(why.text, name));
		buf_clear(&text);
	}
}

static void
nested(struct buf *text, size_t count)
{
	for (size_t i = 1; i < count; i++)
		buf_add_text(text, "<a>");
	buf_add_text(text, "<a/>");
	for (size_t i = 1; i < count; i++)
		buf_add_text(text, "</a>");
}

static void
with_elements(struct buf *text, size_t nodes)
{
	buf_add_text(text, "<a>");
	for (size_t i = 1; i < nodes; i++)
		buf_add_text(text, "<b/>");
	buf_add_text(text, "</a>");
}

static void
with_all_nodes(struct buf *text, size_t nodes)
{
	size_t more = nodes % 3 == 0 ? 2 : nodes % 3 - 1;

	buf_add_text(text, "<a>");
	for (size_t i = 1 + more; i < nodes; i += 3)
		buf_add_text(text, "<b c='d'>e</b>");
	for (size_t i = 0; i < more; i++)
		buf_add_text(text, "<b/>");
	buf_add_text(text, "</a>");
}

static void
with_attributes(struct buf *text, size_t count)
{
	buf_add_text(text, "<a xmlns='u' xmlns:x='v'");
	for (size_t i = 2; i < count; i++)
		buf_printf(text, " x:b%zu='='", i);
	buf_add_text(text, "/>");
}

static void
of_bytes(struct buf *text, size_t bytes)
{
	buf_add_text(text, "<a>");
	for (size_t i = 7; i < bytes; i++)
		buf_add_byte(text, 'x');
	buf_add_text(text, "</a>");
}

static void
each_bound_holds_at_under_and_over(void **state)
{
	struct xml_bounds bounds = xml_bounds_of(&limits);

	(void)state;
	expect_edge(nested, bounds, limits.xml_depth, "xml_depth");
	expect_edge(with_elements, bounds, limits.xml_nodes, "xml_nodes");
	expect_edge(with_all_nodes, bounds, limits.xml_nodes, "xml_nodes");
	expect_edge(
	    with_attributes, bounds, limits.xml_attributes, "xml_attributes");
	expect_edge(of_bytes, bounds, limits.payload_bytes, "allowed");
	bounds.depth = limits_at(&limits, "xml_depth") ? 200 : 0;
	expect_edge(nested, bounds, 200, "xml_depth");
	bounds.attributes = 1000;
	expect_edge(with_attributes, bounds, 1000, "xml_attributes");
}

/* Broken texts may not lead the parser past the scanner's bounds: these took
 * minutes if they did. */
static void
a_broken_text_costs_no_more_than_a_good_one(void **state)
{
	static const char *const heads[] = {"<a ", "<a 'x", "<a \"", "<a b='",
	    "<a/", "<a><b '></b><c ", "<a>&x;<b ", "<a b='1'c='2' "};
	struct why why;

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct xml_bounds bounds = xml_bounds_of(&limits);
		struct buf text;

		buf_init(&text, 2 << 20);
		buf_add_text(&text, heads[i]);
		while (text.size < limits.payload_bytes - 20)
			buf_printf(&text, "b%zu='' ", text.size);
		assert_true(read_span(buf_span(&text), &bounds, &why) < 0);
		buf_clear(&text);
	}
}

/* ---- RELAX NG ---- */

static void
check_text(const char *text, struct findings *findings, int expected)
{
	struct xml_bounds bounds = xml_bounds_of(&limits);
	struct xml_document *document;
	struct why why = {0};

	findings_init(findings, 20);
	assert_int_equal(
	    xml_text_read(span_text(text), &bounds, &document, &why), 0);
	assert_int_equal(
	    xml_schema_check(schema, document, "payload", findings, &why),
	    expected);
	xml_document_free(document);
}

static void
the_schema_takes_our_examples(void **state)
{
	static const char *const names[] = {
	    OWN "/gyldig-vedtak.xml", OWN "/gyldig-kort.xml"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct findings findings;
		struct buf text;

		read_file(names[i], &text);
		check_text(buf_text(&text), &findings, 0);
		assert_true(findings_none(&findings));
		findings_clear(&findings);
		buf_clear(&text);
	}
}

static void
a_finding_tells_element_and_line_and_never_the_value(void **state)
{
	static const struct {
		const char *from, *to;
		const char *pointer;
		const char *expected;
	} cases[] = {

	    {"2026-11-19", "2026-13-19",
		"/arkivbrev/journalpost/dokumentetsDato",
		"line 17: a value that the schema allows, of type date"},
	    {"<journalposttype>U", "<journalposttype>hemmelig",
		"/arkivbrev/journalpost/journalposttype",
		"line 16: one of the values that the schema has here"},
	    {">945475056<", ">hemmelig<",
		"/arkivbrev/journalpost/korrespondansepart[2]/"
		"organisasjonsnummer",
		"line 35: a value that the schema allows, of type token"},
	    {"algoritme=\"SHA-256\"", "algoritme=\"hemmelig\"",
		"/arkivbrev/dokument/sjekksum",
		"line 67: the attributes that the schema has here"},
	    {" algoritme=\"SHA-256\"", "", "/arkivbrev/dokument/sjekksum",
		"line 67: the attributes that the schema has here"},
	    {"<mappe>", "<mappe id='hemmelig'>", "/arkivbrev/mappe",
		"line 7: the attributes that the schema has here"},
	    {"<hilsen>", "<ny>hemmelig</ny><hilsen>", "/arkivbrev/brev/ny",
		"line 53: an element that the schema has here"},
	    {"arkivbrev:1", "arkivbrev:2", "/arkivbrev",
		"line 2: an element of the schema's namespace"},
	    {"<brev>", "<brev>hemmelig", "/arkivbrev/brev", NULL},
	    {"<overskrift>Hva vi har funnet</overskrift>", "",
		"/arkivbrev/brev/avsnitt[1]/tekst",
		"line 46: an element that the schema has here"}};
	struct buf good;

	(void)state;
	read_file(OWN "/gyldig-vedtak.xml", &good);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *at = strstr(buf_text(&good), cases[i].from);
		struct findings findings;
		struct buf text;
		size_t before;

		assert_non_null(at);
		before = (size_t)(at - buf_text(&good));
		buf_init(&text, 1 << 20);
		buf_add(&text, good.at, before);
		buf_add_text(&text, cases[i].to);
		buf_add_text(&text, at + strlen(cases[i].from));
		check_text(buf_text(&text), &findings, WHY_INVALID);
		assert_true(findings.count > 0);
		assert_string_equal(findings.at[0].pointer, cases[i].pointer);
		if (cases[i].expected != NULL)
			assert_string_equal(
			    findings.at[0].expected, cases[i].expected);
		for (size_t j = 0; j < findings.count; j++) {
			assert_string_equal(findings.at[j].part, "payload");
			assert_null(
			    strstr(findings.at[j].expected, "hemmelig"));
		}
		findings_clear(&findings);
		buf_clear(&text);
	}
	buf_clear(&good);
}

static void
what_is_no_schema_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {{"", "line 1: there is no element"}, {"<a/>", NULL},
	    {"<grammar xmlns='http://relaxng.org/ns/structure/1.0'>\n<start>\n"
	     "<ref name='none'/></start></grammar>",
		NULL},
	    {"<grammar xmlns='http://relaxng.org/ns/structure/1.0'>\n"
	     "<include href='/etc/passwd'/></grammar>",
		"line 1: a schema of one file, without include, import, "
		"redefine and externalRef"},
	    {"<element name='a' xmlns='http://relaxng.org/ns/structure/1.0'>\n"
	     "<externalRef href='http://127.0.0.1/'/></element>",
		"line 1: a schema of one file, without include, import, "
		"redefine and externalRef"},
	    {"<element name='a' xmlns='http://relaxng.org/ns/structure/1.0'>\n"
	     "<nonsense/></element>",
		"line 2: the element nonsense does not make a RELAX NG "
		"schema"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct findings findings;
		struct xml_schema *none = NULL;
		struct why why = {0};

		findings_init(&findings, 10);
		assert_int_equal(xml_schema_compile(span_text(cases[i].text),
				     "x.rng", &findings, &none, &why),
		    WHY_INVALID);
		assert_null(none);
		assert_true(findings.count > 0);
		assert_string_equal(findings.at[0].part, "x.rng");
		if (cases[i].expected != NULL)
			assert_string_equal(
			    findings.at[0].expected, cases[i].expected);
		findings_clear(&findings);
	}
}

/* ---- values ---- */

static void
value_is(const char *text, const char *const *lists, const char *expected)
{
	struct xml_bounds bounds = xml_bounds_of(&limits);
	struct xml_document *document;
	struct why why = {0};
	json_t *value, *wish;

	assert_int_equal(
	    xml_text_read(span_text(text), &bounds, &document, &why), 0);
	assert_int_equal(xml_value_build(document, lists, &value, &why), 0);
	wish = json_loads(expected, JSON_DECODE_ANY, NULL);
	assert_non_null(wish);
	if (!json_equal(value, wish)) {
		char *got = json_dumps(value, JSON_ENCODE_ANY);
		fail_msg("%s gives %s", text, got);
	}
	json_decref(wish);
	json_decref(value);
	xml_document_free(document);
}

static void
elements_become_values_and_none_is_lost(void **state)
{
	static const char *const lists[] = {"/b", "/c/d", NULL};

	(void)state;
	value_is("<a/>", NULL, "\"\"");
	value_is("<a> x &amp; y\n</a>", NULL, "\" x & y\\n\"");
	value_is("<a><b>1</b>\n<c/></a>", NULL, "{\"b\":\"1\",\"c\":\"\"}");
	value_is(
	    "<a><b>1</b><b>2</b><b/></a>", NULL, "{\"b\":[\"1\",\"2\",\"\"]}");
	value_is("<a><b>1</b><c><d>x</d><e/></c></a>", lists,
	    "{\"b\":[\"1\"],\"c\":{\"d\":[\"x\"],\"e\":\"\"}}");
	value_is("<a><b><d>x</d></b><b>y</b></a>", lists,
	    "{\"b\":[{\"d\":\"x\"},\"y\"]}");
	value_is("<a u='1' v=''>t</a>", NULL,
	    "{\"@u\":\"1\",\"@v\":\"\",\"#text\":\"t\"}");
	value_is("<a u='&lt;&#10;'/>", NULL, "{\"@u\":\"<\\n\"}");
	value_is("<a>x<b/>y<![CDATA[<z>]]></a>", NULL,
	    "{\"b\":\"\",\"#text\":\"xy<z>\"}");
	value_is("<p:a xmlns:p='u' xmlns='v'><p:b/><b/><c xmlns=''/></p:a>",
	    NULL, "{\"b\":\"\",\"{v}b\":\"\",\"{}c\":\"\"}");
	value_is("<a xml:lang='se' xmlns:x='u/v' x:y='z'/>", NULL,
	    "{\"@{http://www.w3.org/XML/1998/namespace}lang\":\"se\","
	    "\"@{u/v}y\":\"z\"}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		what_is_not_plain_xml_is_refused_without_its_content),
	    cmocka_unit_test(what_is_plain_xml_is_read),
	    cmocka_unit_test(a_nul_byte_is_refused_wherever_it_stands),
	    cmocka_unit_test(an_error_tells_the_line),
	    cmocka_unit_test(each_bound_holds_at_under_and_over),
	    cmocka_unit_test(a_broken_text_costs_no_more_than_a_good_one),
	    cmocka_unit_test(the_schema_takes_our_examples),
	    cmocka_unit_test(
		a_finding_tells_element_and_line_and_never_the_value),
	    cmocka_unit_test(what_is_no_schema_is_refused_with_its_line),
	    cmocka_unit_test(elements_become_values_and_none_is_lost),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
