/*
 * callers.conf: who is found, and what is refused with its line.
 */
#include "relay/callers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ONE "1111111111111111111111111111111111111111111111111111111111111111"
#define TWO "2222222222222222222222222222222222222222222222222222222222222222"
/* SHA-256 of "a-token-of-some-length" */
#define TOKEN "4f0d205b316ab19696f52d3dc08107a4186c12b117a2a23581353b462001edee"

static struct callers *
good(const char *text)
{
	struct callers *callers = NULL;
	struct why why = {0};

	if (callers_parse(span_text(text), "c", &callers, &why) != 0)
		fail_msg("%s", why.text);
	return callers;
}

static void
refused(const char *text, const char *sentence)
{
	struct callers *callers = NULL;
	struct why why = {0};

	assert_int_equal(
	    callers_parse(span_text(text), "c", &callers, &why), WHY_INVALID);
	assert_null(callers);
	if (!strstr(why.text, sentence))
		fail_msg("wanted \"%s\" in: %s", sentence, why.text);
}

#define NAV                                                                    \
	"{ name = \"nav\"; organisation = \"900000006\"; "                     \
	"roles = [\"sender\"]; certificate_sha256 = \"" ONE "\"; }"

static void
a_caller_is_found_by_its_certificate(void **state)
{
	(void)state;
	struct callers *callers = good("callers = (" NAV ");");
	uint8_t digest[32];

	memset(digest, 0x11, sizeof(digest));
	const struct caller *nav = callers_find_certificate(callers, digest);
	assert_non_null(nav);
	assert_string_equal(nav->name, "nav");
	assert_int_equal(nav->roles, CALLER_SENDER);
	assert_int_equal(nav->expires_ms, 0);
	digest[31] ^= 1;
	assert_null(callers_find_certificate(callers, digest));
	/* who has no certificate is not found by a digest of zeros */
	memset(digest, 0, sizeof(digest));
	assert_null(callers_find_certificate(callers, digest));
	assert_null(callers_find_token(callers, span_text("")));
	callers_free(callers);
}

static void
a_caller_is_found_by_its_token(void **state)
{
	(void)state;
	struct callers *callers =
	    good("callers = (" NAV ", { name = \"x\"; organisation = "
		 "\"900000014\"; roles = [\"recipient\", \"operator\"]; "
		 "expires = \"2030-01-01T00:00:00Z\"; "
		 "token_sha256 = \"" TOKEN "\"; });");
	const struct caller *found =
	    callers_find_token(callers, span_text("a-token-of-some-length"));

	assert_non_null(found);
	assert_int_equal(found->roles, CALLER_RECIPIENT | CALLER_OPERATOR);
	assert_true(found->expires_ms == INT64_C(1893456000000));
	assert_null(
	    callers_find_token(callers, span_text("a-token-of-some-lengtH")));
	assert_null(callers_find_token(callers, span_text("short")));
	uint8_t zeros[32] = {0};
	assert_null(callers_find_certificate(callers, zeros));
	callers_free(callers);
}

static void
callers_are_found_by_organisation_and_scope(void **state)
{
	(void)state;
	struct callers *callers = good(
	    "callers = (" NAV ", { name = \"a\"; organisation = "
	    "\"900000006\"; roles = [\"sender\"]; scope = \"s\"; }, "
	    "{ name = \"b\"; organisation = \"900000014\"; roles = "
	    "[\"sender\"]; scope = \"s\"; }, { name = \"c\"; organisation = "
	    "\"900000006\"; roles = [\"recipient\"]; scope = \"t\"; });");
	size_t at = 0;

	assert_string_equal(
	    callers_with_scope(callers, "900000006", &at)->name, "a");
	assert_string_equal(
	    callers_with_scope(callers, "900000006", &at)->name, "c");
	assert_null(callers_with_scope(callers, "900000006", &at));
	callers_free(callers);
}

/* 22 octets, the least, and SHA-256 of the salt, a colon and them */
#define PASSWORD "abcdefghijklmnopqrstuv"
#define SALTED                                                                 \
	"0123456789abcdef0123456789abcdef:"                                    \
	"ed6a7548ce56c0089ff5b96dde2f72978948b5f81fda20355c450d1cb9e6fe24"
#define LOGIN(name, member)                                                    \
	"{ name = \"" name "\"; organisation = \"900000006\"; "                \
	"roles = [\"sender\"]; login = \"l\"; "                                \
	"password_sha256 = \"" SALTED "\"; " member "}"

static void
a_caller_is_found_by_its_password(void **state)
{
	(void)state;
	struct callers *callers = good("callers = (" LOGIN("a", "") ");");
	const struct caller *a =
	    callers_find_login(callers, span_text("l"), span_text(PASSWORD));

	assert_non_null(a);
	assert_true(
	    callers_login_is(callers, a, span_text("l"), span_text(PASSWORD)));
	assert_false(
	    callers_login_is(callers, a, span_text("m"), span_text(PASSWORD)));
	assert_null(
	    callers_find_login(callers, span_text("m"), span_text(PASSWORD)));
	assert_null(
	    callers_find_login(callers, span_text(""), span_text(PASSWORD)));
	assert_null(callers_find_login(
	    callers, span_text("l"), span_text(PASSWORD "w")));
	assert_null(callers_find_login(
	    callers, span_text("l"), span_text("abcdefghijklmnopqrstu")));
	callers_free(callers);
	/* with a scope the password alone opens nothing */
	callers = good("callers = (" LOGIN("a", "scope = \"s\"; ") ");");
	assert_null(
	    callers_find_login(callers, span_text("l"), span_text(PASSWORD)));
	callers_free(callers);
}

static void
types_and_mailboxes_are_read(void **state)
{
	(void)state;
	struct callers *callers = good(
	    "callers = ({ name = \"a\"; organisation = \"900000006\"; "
	    "roles = [\"sender\", \"recipient\"]; types = [\"x\", \"y\"]; "
	    "receives = [\"z\"]; "
	    "mailboxes = [\"900000014\"]; certificate_sha256 = \"" ONE "\"; }, "
	    "{ name = \"b\"; organisation = \"900000006\"; "
	    "roles = [\"recipient\"]; certificate_sha256 = \"" TWO "\"; });");
	uint8_t digest[32];

	memset(digest, 0x11, sizeof(digest));
	const struct caller *a = callers_find_certificate(callers, digest);
	assert_string_equal(a->types[1], "y");
	assert_null(a->types[2]);
	assert_string_equal(a->receives[0], "z");
	assert_string_equal(a->mailboxes[0], "900000014");
	memset(digest, 0x22, sizeof(digest));
	const struct caller *b = callers_find_certificate(callers, digest);
	assert_null(b->types);
	assert_null(b->receives);
	assert_null(b->mailboxes);
	/* one organisation has one share */
	assert_int_equal(callers_shares(callers), 1);
	assert_int_equal(a->share, b->share);
	assert_int_equal(callers_count(callers), 2);
	callers_free(callers);
}

#define WITH(member)                                                           \
	"callers = (\n{ name = \"a\"; organisation = \"900000006\"; "          \
	"roles = [\"sender\"]; certificate_sha256 = \"" ONE "\";\n" member     \
	" });"

static void
what_is_wrong_is_refused_with_its_line(void **state)
{
	(void)state;
	refused("", "one list");
	refused("callers = ();\nother = 1;", "one list");
	refused("callers = { };", "one list");
	refused("callers = (", "c:");
	refused("callers = (1);", "c:1: expected a group");
	refused(WITH("colour = \"red\";"), "c:3: no such setting");
	refused(WITH("expires = \"soon\";"), "c:3: expires");
	refused(WITH("expires = 5;"), "c:3: expected a text");
	refused(WITH("types = [];"), "c:3: expected a list");
	refused(WITH("types = \"x\";"), "c:3: expected a list");
	refused(WITH("types = [\"\"];"), "c:3: expected texts");
	refused(WITH("receives = [];"), "c:3: expected a list");
	refused(WITH("token_sha256 = \"12\";"), "c:3: token_sha256");
	refused(WITH("mailboxes = [\"123456789\"];"), "mailboxes");
	refused("callers = ({ name = \"a\"; organisation = \"123456789\"; "
		"roles = [\"sender\"]; });",
	    "organisation number");
	refused("callers = ({ name = \"a\"; organisation = \"900000006\"; "
		"roles = [\"king\"]; });",
	    "roles: expected");
	refused("callers = ({ name = \"a\"; organisation = \"900000006\"; "
		"roles = [\"sender\"]; });",
	    "certificate_sha256, token_sha256, scope or login");
	refused(
	    "callers = ({ name = \"a\"; });", "name, organisation and roles");
	refused("callers = (" NAV "," NAV ");", "the name is taken");
	refused("callers = (" NAV ", { name = \"b\"; organisation = "
		"\"900000014\"; roles = [\"sender\"]; "
		"certificate_sha256 = \"" ONE "\"; });",
	    "same credential");
	refused(WITH("login = \"a:b\";"), "c:3: login: expected");
	refused(WITH("login = \"a\";"), "login and password_sha256");
	refused(WITH("password_sha256 = \"12\";"), "c:3: password_sha256");
	refused(WITH("password_sha256 = \"" ONE "\";"), "password_sha256");
	refused(WITH("password_sha256 = \"" SALTED "\";"),
	    "login and password_sha256");
	refused("callers = (" LOGIN("a", "") ", " LOGIN("b", "") ");",
	    "the login is taken");
	refused(WITH("scope = \"a b\";"), "c:3: scope: expected one word");
	refused(WITH("scope = \"\";"), "c:3: scope: expected one word");
	refused("callers = ({ name = \"a\"; organisation = \"900000006\"; "
		"roles = [\"sender\"]; scope = \"s\"; }, { name = \"b\"; "
		"organisation = \"900000006\"; roles = [\"recipient\"]; "
		"scope = \"s\"; });",
	    "has the scope");
	refused("@include \"/etc/passwd\"\n", "@include");
}

static void
a_file_over_its_size_is_refused(void **state)
{
	(void)state;
	struct buf text;
	struct callers *callers = NULL;

	buf_init(&text, 4 << 20);
	while (text.size <= CALLERS_TEXT_MAX)
		buf_add_text(&text, "# a comment that goes on and on\n");
	assert_int_equal(
	    callers_parse(buf_span(&text), "c", &callers, NULL), WHY_TOO_LARGE);
	buf_clear(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_caller_is_found_by_its_certificate),
	    cmocka_unit_test(a_caller_is_found_by_its_token),
	    cmocka_unit_test(callers_are_found_by_organisation_and_scope),
	    cmocka_unit_test(a_caller_is_found_by_its_password),
	    cmocka_unit_test(types_and_mailboxes_are_read),
	    cmocka_unit_test(what_is_wrong_is_refused_with_its_line),
	    cmocka_unit_test(a_file_over_its_size_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
