/*
 * A profile of XML is held against its RELAX NG schema: what the schema knows
 * is shown, what is shown is known, what may stand more than once is a list.
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

#define SHIPPED "formats/profiles/arkivbrev"

static const char *const files[] = {
    "profile.json", "presentation.json", "arkivbrev.rng"};
static struct limits limits;
static char parent[64];
static char folder[96];

static void
file_copy(const char *name, const char *from, const char *to)
{
	char path[256];
	struct buf text;
	char part[4096];
	const char *at;
	size_t got;
	FILE *file;

	snprintf(path, sizeof(path), SHIPPED "/%s", name);
	file = fopen(path, "r");
	assert_non_null(file);
	buf_init(&text, 1 << 20);
	while ((got = fread(part, 1, sizeof(part), file)) > 0)
		buf_add(&text, part, got);
	fclose(file);
	at = from ? strstr(buf_text(&text), from) : buf_text(&text);
	assert_non_null(at);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "%.*s%s%s", (int)(at - buf_text(&text)), buf_text(&text),
	    to ? to : "", at + (from ? strlen(from) : 0));
	fclose(file);
	buf_clear(&text);
}

/* The shipped profile with one piece of one file put in place of another. */
static int
check_with(const char *name, const char *from, const char *to,
    struct findings *findings)
{
	struct why why = {0};
	char path[256];
	int ret;

	strcpy(parent, "/tmp/budstikke-profile-XXXXXX");
	assert_non_null(mkdtemp(parent));
	snprintf(folder, sizeof(folder), "%s/arkivbrev", parent);
	assert_int_equal(mkdir(folder, 0700), 0);
	for (size_t i = 0; i < 3; i++) {
		bool this = strcmp(files[i], name) == 0;

		file_copy(files[i], this ? from : NULL, this ? to : NULL);
	}
	findings_init(findings, 20);
	ret = profile_check(folder, &limits, findings, &why);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		unlink(path);
	}
	rmdir(folder);
	rmdir(parent);
	return ret;
}

static void
expect_sound(const char *name, const char *from, const char *to)
{
	struct findings findings;

	if (check_with(name, from, to, &findings) != 0)
		fail_msg(
		    "%s: %s", findings.at[0].part, findings.at[0].expected);
	findings_clear(&findings);
}

/* The first finding, and that it has a line. */
static void
expect_fault(const char *name, const char *from, const char *to,
    const char *part, const char *pointer, const char *expected)
{
	struct findings findings;

	assert_int_equal(check_with(name, from, to, &findings), WHY_INVALID);
	assert_true(findings.count > 0);
	assert_string_equal(findings.at[0].part, part);
	assert_string_equal(findings.at[0].pointer, pointer);
	assert_true(findings.at[0].line > 1);
	if (strstr(findings.at[0].expected, expected) == NULL)
		fail_msg("%s", findings.at[0].expected);
	findings_clear(&findings);
}

static void
the_shipped_profile_is_sound(void **state)
{
	(void)state;
	expect_sound("profile.json", NULL, NULL);
}

static void
what_the_schema_knows_must_be_shown(void **state)
{
	(void)state;
	expect_fault("presentation.json", "\"/journalpost/journaldato\"",
	    "\"/journalpost/dokumentetsDato\"", "arkivbrev.rng", "",
	    "for /journalpost/journaldato,");
	expect_fault("presentation.json", "\"/sjekksum/#text\"", "\"/tittel\"",
	    "arkivbrev.rng", "", "for /dokument/*/sjekksum/#text,");
	expect_fault("presentation.json", "\"/dokument/*/sjekksum/@algoritme\"",
	    "\"/dokument/*/sjekksum/#text\"", "arkivbrev.rng", "",
	    "for /dokument/*/sjekksum/@algoritme,");
	expect_fault("arkivbrev.rng", "<ref name=\"brev\"/>",
	    "<ref name=\"brev\"/><optional><element name=\"ny\"><text/>"
	    "</element></optional>",
	    "arkivbrev.rng", "",
	    "line 18: a place in presentation.json for /ny,");
	expect_fault("arkivbrev.rng", "<ref name=\"brev\"/>",
	    "<ref name=\"brev\"/><element name=\"ny\" ns=\"u\"><text/>"
	    "</element>",
	    "arkivbrev.rng", "", "for /{u}ny,");
}

static void
what_is_shown_must_be_known(void **state)
{
	(void)state;
	expect_fault("presentation.json", "\"/mappe/tittel\"",
	    "\"/mappe/titel\"", "presentation.json", "/content/3/lines/0/1",
	    "that the schema knows");
	expect_fault("presentation.json", "\"/journalpost/korrespondansepart\"",
	    "\"/korrespondansepart\"", "presentation.json", "/content/4/at",
	    "that the schema knows");
}

static void
lists_are_what_may_stand_more_than_once(void **state)
{
	(void)state;
	expect_fault("profile.json", "\"/journalpost/korrespondansepart\",", "",
	    "arkivbrev.rng", "", "an entry under \"lists\"");
	expect_fault("profile.json", "\"/brev/tekst\",", "", "arkivbrev.rng",
	    "", "an entry under \"lists\"");
	expect_fault("profile.json", "\"/dokument\"",
	    "\"/dokument\", \"/finnes/ikke\"", "profile.json",
	    "/payload/lists/8", "an element of arkivbrev.rng");
}

static void
a_text_must_not_be_an_object_now_and_then(void **state)
{
	(void)state;
	expect_fault("arkivbrev.rng",
	    "<attribute name=\"algoritme\" ns=\"\">\n\t\t\t\t\t<value "
	    "type=\"token\">SHA-256</value>\n\t\t\t\t</attribute>",
	    "<optional><attribute name=\"algoritme\"/></optional>",
	    "arkivbrev.rng", "", "now \"#text\"");
}

static void
below_a_wildcard_anything_may_stand(void **state)
{
	(void)state;
	expect_sound("arkivbrev.rng", "<ref name=\"brev\"/>",
	    "<ref name=\"brev\"/><element><anyName/><text/></element>");
	expect_sound("arkivbrev.rng",
	    "<element name=\"system\"><ref name=\"linje\"/></element>",
	    "<element name=\"system\"><ref name=\"linje\"/></element>"
	    "<optional><element><nsName ns=\"x\"/><ref name=\"brev\"/>"
	    "</element></optional>");
}

static int
start(void **state)
{
	(void)state;
	limits_init(&limits);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_shipped_profile_is_sound),
	    cmocka_unit_test(what_the_schema_knows_must_be_shown),
	    cmocka_unit_test(what_is_shown_must_be_known),
	    cmocka_unit_test(lists_are_what_may_stand_more_than_once),
	    cmocka_unit_test(a_text_must_not_be_an_object_now_and_then),
	    cmocka_unit_test(below_a_wildcard_anything_may_stand),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
