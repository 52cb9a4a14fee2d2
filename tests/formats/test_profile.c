/*
 * Profiles: the shipped ones are good, faults are found with file and line,
 * the attachment list is held against what came.
 */
#include "formats/profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct limits limits;
static char folder[64];

static int
start(void **state)
{
	(void)state;
	limits_init(&limits);
	return 0;
}

static void
write_file(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

#define JSON_PAYLOAD "\"kind\": \"json\", \"name\": \"payload.json\""
#define XML_PAYLOAD "\"kind\": \"xml\", \"name\": \"payload.xml\""

static const char good_profile[] =
    "{\n\"name\": \"test\",\n\"version\": \"1.0.0\",\n\"title\": \"T\",\n"
    "\"language\": \"nb\",\n\"payload\": {" JSON_PAYLOAD
    ", \"mediaType\": \"application/json\",\n \"schema\": "
    "\"s.json\", \"presentation\": \"presentation.json\"},\n"
    "\"attachments\": {\"countMax\": 0, \"bytesMax\": 1, \"mediaTypes\": "
    "[]},\n\"deadlines\": [{\"stage\": \"not-confirmed\", \"severity\": "
    "\"critical\", \"afterSeconds\": 20},\n {\"stage\": \"not-fetched\", "
    "\"severity\": \"notice\", \"afterSeconds\": 10}],\n"
    "\"expirySeconds\": 100,\n\"graceSeconds\": 50,\n\"unproven\": "
    "\"refuse\"\n}\n";

static const char good_presentation[] =
    "{\n\"title\": \"T\",\n\"words\": {\"yes\": \"y\", \"no\": \"n\", "
    "\"empty\": \"e\", \"none\": \"0\",\n\"notAnswered\": \"na\", "
    "\"unknownCode\": \"u\", \"other\": \"o\",\n\"sender\": \"s\", "
    "\"recipient\": \"r\", \"received\": \"c\", \"reference\": \"f\",\n"
    "\"message\": \"m\", \"fileName\": \"fn\", \"fileSize\": \"fs\", "
    "\"noFiles\": \"nf\"},\n\"codes\": {\"c\": {\"x\": \"X\"}},\n"
    "\"content\": [\n{\"row\": \"A\", \"at\": \"/a\", \"codes\": \"c\"}\n]"
    "\n}\n";

static void
make_good(void)
{
	char parent[] = "/tmp/budstikke-profile-XXXXXX";

	assert_non_null(mkdtemp(parent));
	snprintf(folder, sizeof(folder), "%s/test", parent);
	assert_int_equal(mkdir(folder, 0700), 0);
	write_file("profile.json", good_profile);
	write_file("presentation.json", good_presentation);
	write_file("s.json",
	    "{\"type\": \"object\", \"properties\": {\"a\": {\"type\": "
	    "\"string\"}}}\n");
}

static void
remove_all(void)
{
	static const char *const names[] = {
	    "profile.json", "presentation.json", "s.json"};
	char path[256];

	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
	*strrchr(folder, '/') = '\0';
	rmdir(folder);
}

/* One file is replaced; the fault must be found there, on that line. */
static void
expect_place(const char *name, const char *text, const char *part,
    const char *pointer, unsigned line, unsigned column)
{
	struct findings findings;
	struct profile *profile;
	struct why why = {0};

	make_good();
	if (text != NULL) {
		write_file(name, text);
	} else {
		char path[256];

		snprintf(path, sizeof(path), "%s/%s", folder, name);
		assert_int_equal(unlink(path), 0);
	}
	findings_init(&findings, 20);
	assert_int_equal(
	    profile_check(folder, &limits, &findings, &why), WHY_INVALID);
	assert_true(findings.count > 0);
	assert_string_equal(findings.at[0].part, part);
	assert_string_equal(findings.at[0].pointer, pointer);
	assert_int_equal(findings.at[0].line, line);
	if (column > 0)
		assert_int_equal(findings.at[0].column, column);
	assert_int_equal(
	    profile_load(folder, &limits, &profile, &why), WHY_INVALID);
	assert_null(profile);
	assert_non_null(strstr(why.text, part));
	findings_clear(&findings);
	remove_all();
}

static void
expect_fault(const char *name, const char *text, const char *part,
    const char *pointer, unsigned line)
{
	expect_place(name, text, part, pointer, line, 0);
}

/* good with one piece of text put in place of another */
static const char *
changed(const char *good, const char *from, const char *to)
{
	static char text[4096];
	const char *at = strstr(good, from);

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, to,
	    at + strlen(from));
	return text;
}

static void
the_shipped_profiles_are_good(void **state)
{
	const struct profile *soknad, *document;
	struct profile_set set;
	struct why why = {0};

	(void)state;
	if (profile_set_load("formats/profiles", &limits, &set, &why) < 0)
		fail_msg("%s", why.text);
	soknad = profile_set_find(&set, "digisos-soknad");
	document = profile_set_find(&set, "document");
	assert_non_null(soknad);
	assert_non_null(document);
	assert_null(profile_set_find(&set, "none"));
	assert_int_equal(soknad->payload, PROFILE_PAYLOAD_JSON);
	assert_non_null(soknad->schema);
	assert_non_null(soknad->shown);
	assert_string_equal(soknad->attachments.list_name, "vedlegg.json");
	assert_int_equal(document->payload, PROFILE_PAYLOAD_PDF);
	assert_null(document->schema);
	assert_string_equal(document->payload_name, "payload.pdf");
	for (size_t i = 0; i < set.count; i++) {
		const struct profile *one = set.at[i];

		assert_true(one->deadlines_count > 0);
		for (size_t j = 1; j < one->deadlines_count; j++)
			assert_true(one->deadlines[j - 1].after_s <=
				    one->deadlines[j].after_s);
		assert_true(one->expiry_s > 0 && one->grace_s > 0);
	}
	assert_true(
	    profile_media_type_allowed(soknad, "Application/PDF; charset=x"));
	assert_false(profile_media_type_allowed(soknad, "application/pdfx"));
	assert_false(profile_media_type_allowed(soknad, "text/html"));
	profile_set_clear(&set);
}

static void
a_good_profile_is_read_as_it_is_written(void **state)
{
	struct profile *profile;
	struct why why = {0};

	(void)state;
	make_good();
	if (profile_load(folder, &limits, &profile, &why) < 0)
		fail_msg("%s", why.text);
	assert_int_equal(profile->expiry_s, 100);
	assert_int_equal(profile->grace_s, 50);
	assert_int_equal(profile->unproven, PROFILE_UNPROVEN_REFUSE);
	assert_false(profile->reference_required);
	assert_int_equal(profile->deadlines_count, 2);
	assert_int_equal(profile->deadlines[0].after_s, 10);
	assert_int_equal(profile->deadlines[0].stage, PROFILE_NOT_FETCHED);
	assert_int_equal(profile->deadlines[0].severity, PROFILE_NOTICE);
	assert_int_equal(profile->deadlines[1].stage, PROFILE_NOT_CONFIRMED);
	assert_int_equal(profile->deadlines[1].severity, PROFILE_CRITICAL);
	profile_free(profile);
	remove_all();
}

static void
faults_are_found_with_file_and_line(void **state)
{
	(void)state;
	expect_fault("profile.json", "{\n\"name\": \"test\",\n,\n",
	    "profile.json", "", 3);
	expect_fault("profile.json",
	    changed(good_profile, "\"expirySeconds\": 100",
		"\"expirySeconds\": \"x\""),
	    "profile.json", "/expirySeconds", 11);
	expect_fault("profile.json",
	    changed(good_profile, "\"title\"", "\"titel\": \"x\", \"title\""),
	    "profile.json", "/titel", 4);
	expect_fault("profile.json",
	    changed(good_profile, "\"not-fetched\"", "\"lost\""),
	    "profile.json", "/deadlines/1/stage", 10);
	expect_fault("profile.json",
	    changed(
		good_profile, "\"afterSeconds\": 20", "\"afterSeconds\": 200"),
	    "profile.json", "/deadlines/0/afterSeconds", 9);
	expect_fault("profile.json",
	    changed(good_profile, "\"name\": \"test\"", "\"name\": \"other\""),
	    "profile.json", "/name", 2);
	expect_fault("s.json",
	    "{\n\"properties\": {\n\"a\": {\"type\": \"x\"}}}", "s.json",
	    "/properties/a/type", 3);
	expect_fault("s.json",
	    "{\n\"items\":\n{\"$ref\": \"../../etc/x.json\"}}", "s.json",
	    "/items/$ref", 3);
	expect_place("s.json", NULL, "profile.json", "/payload/schema", 7, 2);
	expect_fault("profile.json",
	    changed(good_profile, "payload.json", "letter.json"),
	    "profile.json", "/payload/name", 6);
	expect_fault("presentation.json", NULL, "profile.json",
	    "/payload/presentation", 7);
	expect_fault("presentation.json",
	    changed(
		good_presentation, "\"codes\": \"c\"}", "\"codes\": \"d\"}"),
	    "presentation.json", "/content/0/codes", 9);
	expect_fault("presentation.json",
	    changed(good_presentation, "\"codes\": {\"c\"",
		"\"openCodes\": [\"c\", \"d\"], \"codes\": {\"c\""),
	    "presentation.json", "/openCodes/1", 7);
	expect_fault("presentation.json",
	    changed(good_presentation, "\"at\": \"/a\"", "\"at\": \"a\""),
	    "presentation.json", "/content/0/at", 9);
	expect_fault("profile.json",
	    changed(
		good_profile, "\"schema\"", "\"lists\": [\"/a\"], \"schema\""),
	    "profile.json", "/payload/lists", 7);
	expect_fault("profile.json",
	    changed(good_profile, JSON_PAYLOAD, XML_PAYLOAD), "s.json", "", 1);
}

static void
a_fault_of_relax_ng_is_found_with_its_line(void **state)
{
	static const char *const schemas[] = {
	    "<element name='a'\nxmlns='http://relaxng.org/ns/structure/1.0'>\n"
	    "<nonsense/>\n</element>",
	    "<grammar>\n<a>\n</b>\n</grammar>"};
	struct findings findings;
	struct why why = {0};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		make_good();
		write_file("profile.json",
		    changed(good_profile, JSON_PAYLOAD, XML_PAYLOAD));
		write_file("s.json", schemas[i]);
		findings_init(&findings, 20);
		assert_int_equal(
		    profile_check(folder, &limits, &findings, &why),
		    WHY_INVALID);
		assert_int_equal(findings.count, 1);
		assert_string_equal(findings.at[0].part, "s.json");
		assert_int_equal(findings.at[0].line, 3);
		findings_clear(&findings);
		remove_all();
	}
}

static void
the_place_of_a_fault_is_line_and_column(void **state)
{
	(void)state;
	expect_place("profile.json", "{\n\"name\": \"test\",\n  ,\n",
	    "profile.json", "", 3, 3);
	expect_place("profile.json",
	    changed(good_profile, "\"kind\": \"json\"", "\"kind\": \"jso\""),
	    "profile.json", "/payload/kind", 6, 13);
	expect_place("presentation.json",
	    changed(good_presentation, "\"row\": \"A\", \"at\"",
		"\"row\": \"\u00e6\u00f8\u00e5\", \"form\": \"x\", \"at\""),
	    "presentation.json", "/content/0/form", 9, 16);
}

#define FIELDS(more)                                                           \
	"{\"type\": \"object\",\n\"properties\": {\n \"a\": {\"type\": "       \
	"\"string\"}" more "}}\n"

static void
what_the_schema_knows_must_be_shown(void **state)
{
	(void)state;
	expect_place("s.json", FIELDS(",\n  \"b\": {\"type\": \"integer\"}"),
	    "s.json", "/properties/b", 4, 3);
	expect_place("s.json",
	    FIELDS(",\n\"b\": {\"items\": {\"enum\": [1, null]}}"), "s.json",
	    "/properties/b/items", 4, 7);
	expect_place("s.json",
	    FIELDS(",\n\"b\": {\"$ref\": \"#/definitions/d\"}},\n"
		   "\"definitions\": {\"d\": {\"oneOf\": [{\"type\": "
		   "\"array\"},\n{\"properties\": {\"c\": {}}}]}}, \"not\": {"
		   "\"required\": [\"x\"]"),
	    "s.json", "/definitions/d/oneOf/1/properties/c", 6, 17);
	expect_place("s.json",
	    FIELDS(",\n \"b\": {\"additionalProperties\": {\"type\": "
		   "\"boolean\"}}"),
	    "s.json", "/properties/b/additionalProperties", 4, 8);
	/* what the presentation shows, the schema must know */
	expect_place("presentation.json",
	    changed(good_presentation, "\"at\": \"/a\"", "\"at\": \"/b\""),
	    "presentation.json", "/content/0/at", 9, 14);
	expect_place("presentation.json",
	    changed(good_presentation, "\"codes\": \"c\"}",
		"\"codes\": \"c\"},\n{\"section\": \"S\", \"at\": \"/a\", "
		"\"content\": [{\"row\": \"R\", \"lines\": [[\"/x\"]]}]}"),
	    "presentation.json", "/content/1/content/0/lines/0/0", 10, 66);
	expect_place("presentation.json",
	    changed(good_presentation, "\"content\"",
		"\"technical\": [{\"at\": \"/z\", \"reason\": \"r\"}],\n"
		"\"content\""),
	    "presentation.json", "/technical/0/at", 8, 16);
}

static void
labels_have_a_text_in_each_language(void **state)
{
	char text[4096];

	(void)state;
	expect_place("presentation.json",
	    changed(good_presentation, "\"title\"",
		"\"languages\": [\"nb\", \"en\"],\n\"title\""),
	    "presentation.json", "/words", 4, 1);
	expect_place("presentation.json",
	    changed(good_presentation, "\"yes\": \"y\"",
		"\"yes\": {\"nb\": \"y\"}"),
	    "presentation.json", "/words/yes", 3, 11);
	snprintf(text, sizeof(text), "%s",
	    changed(good_presentation, "\"title\"",
		"\"languages\": [\"nb\", \"en\"],\n\"title\""));
	snprintf(text, sizeof(text), "%s",
	    changed(text, "\"yes\"", "\"fallback\": \"f\", \"yes\""));
	expect_place("presentation.json",
	    changed(text, "\"row\": \"A\"", "\"row\": {\"nb\": \"A\"}"),
	    "presentation.json", "/content/0/row", 10, 2);
	expect_place("presentation.json",
	    changed(text, "\"row\": \"A\"",
		"\"row\": {\"nb\": \"A\", \"en\": \"A\", \"fr\": \"A\"}"),
	    "presentation.json", "/content/0/row", 10, 2);
	expect_place("presentation.json",
	    changed(text, "\"x\": \"X\"", "\"x\": {\"en\": \"X\"}"),
	    "presentation.json", "/codes/c/x", 8, 17);
	expect_place("presentation.json",
	    changed(text, "[\"nb\", \"en\"]", "[\"nn\", \"en\"]"),
	    "presentation.json", "/languages", 2, 1);
}

static void
a_folder_that_is_not_there_is_a_clear_error(void **state)
{
	struct profile *profile;
	struct profile_set set;
	struct why why = {0};

	(void)state;
	assert_int_equal(
	    profile_load("/none/here", &limits, &profile, &why), WHY_SYSTEM);
	assert_int_equal(
	    profile_set_load("/none/here", &limits, &set, &why), WHY_SYSTEM);
	assert_int_equal(
	    profile_set_load("tests/fuzz", &limits, &set, &why) == 0, 0);
}

/* ---- the attachment list ---- */

#define DIGEST_A                                                               \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"     \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B                                                               \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"     \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void
expect_list(const char *list, const char *rule, const char *pointer)
{
	static const struct profile_file files[] = {
	    {"a.pdf", DIGEST_A}, {"b.pdf", DIGEST_B}};
	struct findings findings;
	struct profile *profile;
	struct why why = {0};
	int ret;

	assert_int_equal(profile_load("formats/profiles/digisos-soknad",
			     &limits, &profile, &why),
	    0);
	findings_init(&findings, 20);
	ret = profile_list_check(profile, span_text(list), &limits, files, 2,
	    "vedlegg.json", &findings, &why);
	assert_int_equal(ret, rule ? WHY_INVALID : 0);
	if (rule != NULL) {
		assert_int_equal(findings.count, 1);
		assert_string_equal(findings.at[0].part, "vedlegg.json");
		assert_string_equal(findings.at[0].pointer, pointer);
		assert_true(
		    strncmp(findings.at[0].rule, rule, strlen(rule)) == 0);
	}
	findings_clear(&findings);
	profile_free(profile);
}

#define LIST(files) "{\"vedlegg\":[{\"type\":\"x\"},{\"filer\":[" files "]}]}"

static void
the_list_and_the_files_must_agree(void **state)
{
	(void)state;
	expect_list(LIST("{\"filnavn\":\"a.pdf\",\"sha512\":\"" DIGEST_A
			 "\"},{\"filnavn\":\"b.pdf\"}"),
	    NULL, NULL);
	expect_list(LIST("{\"filnavn\":\"a.pdf\"}"), "file-unlisted", "");
	expect_list(LIST("{\"filnavn\":\"a.pdf\"},{\"filnavn\":\"b.pdf\"},{"
			 "\"filnavn\":\"c.pdf\"}"),
	    "list-missing", "/vedlegg/1/filer/2/filnavn");
	expect_list(LIST("{\"filnavn\":\"a.pdf\"},{\"filnavn\":\"b.pdf\"},{"
			 "\"filnavn\":\"a.pdf\"}"),
	    "list-twice", "/vedlegg/1/filer/2/filnavn");
	expect_list(LIST("{\"filnavn\":\"a.pdf\",\"sha512\":\"" DIGEST_B
			 "\"},{\"filnavn\":\"b.pdf\"}"),
	    "list-digest", "/vedlegg/1/filer/0/sha512");
	expect_list(LIST("{},{\"filnavn\":\"a.pdf\"},{\"filnavn\":\"b.pdf\"}"),
	    "list-name", "/vedlegg/1/filer/0/filnavn");
	expect_list(LIST("\"a.pdf\""), "type", "/vedlegg/1/filer/0");
	expect_list("{\"vedlegg\":", "json", "");
	expect_list("[]", "type", "");
}

static void
a_logo_that_is_none_is_found_with_its_place(void **state)
{
	static const struct {
		const char *logo, *pointer;
		unsigned column;
	} cases[] = {
	    {"{\"file\": \"none.png\", \"alternative\": \"a\", "
	     "\"widthMm\": 40}",
		"/logo/file", 10},
	    {"{\"file\": \"s.json\", \"alternative\": \"a\", "
	     "\"widthMm\": 40}",
		"/logo/file", 10},
	    {"{\"file\": \"../a.png\", \"alternative\": \"a\", "
	     "\"widthMm\": 40}",
		"/logo/file", 10},
	    {"{\"file\": \"a.png\", \"alternative\": \"\", \"widthMm\": 40}",
		"/logo/alternative", 27},
	    {"{\"file\": \"a.png\", \"alternative\": \"a\", \"widthMm\": 4}",
		"/logo/widthMm", 47},
	    {"{\"file\": \"a.png\", \"widthMm\": 40}", "/logo/alternative", 0},
	};
	char text[2000];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "%.*s,\n\"logo\": %s\n}\n",
		    (int)(sizeof(good_profile) - 4), good_profile,
		    cases[i].logo);
		expect_place("profile.json", text, "profile.json",
		    cases[i].pointer, 14, cases[i].column);
	}
}

static void
a_type_without_a_list_says_so(void **state)
{
	struct findings findings;
	struct profile *profile;
	struct why why = {0};

	(void)state;
	assert_int_equal(
	    profile_load("formats/profiles/document", &limits, &profile, &why),
	    0);
	findings_init(&findings, 20);
	assert_int_equal(profile_list_check(profile, span_text("{}"), &limits,
			     NULL, 0, "x", &findings, &why),
	    WHY_UNSUPPORTED);
	findings_clear(&findings);
	profile_free(profile);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_shipped_profiles_are_good),
	    cmocka_unit_test(a_good_profile_is_read_as_it_is_written),
	    cmocka_unit_test(faults_are_found_with_file_and_line),
	    cmocka_unit_test(the_place_of_a_fault_is_line_and_column),
	    cmocka_unit_test(what_the_schema_knows_must_be_shown),
	    cmocka_unit_test(labels_have_a_text_in_each_language),
	    cmocka_unit_test(a_fault_of_relax_ng_is_found_with_its_line),
	    cmocka_unit_test(a_folder_that_is_not_there_is_a_clear_error),
	    cmocka_unit_test(the_list_and_the_files_must_agree),
	    cmocka_unit_test(a_logo_that_is_none_is_found_with_its_place),
	    cmocka_unit_test(a_type_without_a_list_says_so),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
