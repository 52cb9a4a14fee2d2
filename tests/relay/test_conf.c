#include "relay/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ORG "organisation = \"974760673\";\n"

static struct conf_source
source_of(const char *text)
{
	struct conf_source source = {0};
	source.directory = strdup("/relay");
	source.name = strdup("relay.conf");
	buf_init(&source.text, CONF_TEXT_MAX);
	buf_add_text(&source.text, text);
	return source;
}

static void
override_add(struct conf_source *source, const char *text)
{
	source->overrides[source->override_count++] = strdup(text);
}

/* The sentence that refuses text with one override ("" for none). */
static void
assert_refused(const char *text, const char *override, const char *sentence)
{
	struct conf_source source = source_of(text);
	struct conf conf;
	struct why why = {0};
	if (*override != '\0')
		override_add(&source, override);
	assert_true(conf_parse(&conf, &source, &why) < 0);
	if (strstr(why.text, sentence) == NULL)
		fail_msg("expected '%s' in '%s'", sentence, why.text);
	conf_source_clear(&source);
}

static void
defaults_stand_where_nothing_is_set(void **state)
{
	(void)state;
	struct conf_source source = source_of(ORG);
	struct conf conf;
	struct why why;
	assert_int_equal(conf_parse(&conf, &source, &why), 0);
	assert_string_equal(conf.tls_minimum, "1.3");
	assert_string_equal(conf.user, "nobody");
	assert_string_equal(conf.spool, "/relay/spool");
	assert_string_equal(conf.callers, "/relay/callers.conf");
	assert_string_equal(conf.client_ca, "");
	assert_true(conf.jail_required);
	assert_false(conf.webhook_allow_private);
	assert_int_equal(conf.webhook.count, 0);
	assert_int_equal(conf.limits.payload_bytes, MIB);
	assert_int_equal(conf.escalate_seconds, 14400);
	assert_int_equal(conf.least_log, LOG_INFO);
	conf_clear(&conf);
	conf_source_clear(&source);
}

static void
settings_and_overrides_of_every_type_are_taken(void **state)
{
	(void)state;
	struct conf_source source = source_of(
	    ORG "name = \"test\";\n"
		"spool = \"/elsewhere\";\n"
		"payload_bytes = 2048;\n"
		"map_bytes = 8589934592;\n"
		"webhook = [\"https://a.example/x\", \"https://b.example/\"];\n"
		"jail_required = false;\n");
	struct conf conf;
	struct why why;
	override_add(&source, "name=other = name");
	override_add(&source, "render_processes=4");
	override_add(&source, "webhook_allow_private=true");
	override_add(&source, "log_level=debug");
	override_add(&source, "clamd=run/clamd.sock");
	int code = conf_parse(&conf, &source, &why);
	if (code < 0)
		fail_msg("%s", why.text);
	assert_string_equal(conf.name, "other = name");
	assert_string_equal(conf.spool, "/elsewhere");
	assert_string_equal(conf.clamd, "/relay/run/clamd.sock");
	assert_int_equal(conf.limits.payload_bytes, 2048);
	assert_int_equal(conf.limits.map_bytes, UINT64_C(8589934592));
	assert_int_equal(conf.limits.render_processes, 4);
	assert_int_equal(conf.webhook.count, 2);
	assert_string_equal(conf.webhook.at[1], "https://b.example/");
	assert_false(conf.jail_required);
	assert_true(conf.webhook_allow_private);
	assert_int_equal(conf.least_log, LOG_DEBUG);
	conf_clear(&conf);
	conf_source_clear(&source);
}

static void
a_list_override_replaces_the_list(void **state)
{
	(void)state;
	struct conf_source source =
	    source_of(ORG "webhook = [\"https://a.example/x\"];\n");
	struct conf conf;
	struct why why;
	override_add(&source, "webhook=https://b.example/,https://c.example/");
	assert_int_equal(conf_parse(&conf, &source, &why), 0);
	assert_int_equal(conf.webhook.count, 2);
	assert_string_equal(conf.webhook.at[0], "https://b.example/");
	conf_clear(&conf);
	conf_source_clear(&source);
}

static void
what_is_wrong_is_named_with_its_line(void **state)
{
	(void)state;
	assert_refused(ORG "\nlisten_adress = \"x\";\n", "",
	    "relay.conf:3: listen_adress: is no setting");
	assert_refused(ORG "payload_bytes = \"many\";\n", "",
	    "relay.conf:2: payload_bytes: expected a number");
	assert_refused(ORG "payload_bytes = 1;\n", "",
	    "relay.conf:2: payload_bytes: expected a number from 1024 to");
	assert_refused(ORG "payload_bytes = -5;\n", "", "expected a number");
	assert_refused(ORG "payload_bytes = 1.5;\n", "", "expected a number");
	assert_refused(
	    ORG "jail_required = 1;\n", "", "expected true or false");
	assert_refused(ORG "name = test;\n", "", "relay.conf:2:");
	assert_refused(
	    ORG "webhook = \"https://x/\";\n", "", "expected a list of texts");
	assert_refused(ORG "token_issuer = \"http://127.0.0.1:1/\";\n", "",
	    "token_issuer: expected https://");
	assert_refused(ORG
	    "token_issuer = \"https://TEST.maskinporten.no/\";\n",
	    "", "only with environment");
	assert_refused(ORG "token_issuer = \"https://a@b/\";\n", "",
	    "token_issuer: expected a URL");
	assert_refused(ORG "webhook = [1, 2];\n", "", "expected a list");
	assert_refused(ORG "name = \"a\";\nname = \"b\";\n", "", ":3:");
	assert_refused(ORG "limits = { payload_bytes = 1; };\n", "",
	    "limits: is no setting");
	assert_refused(ORG "@include \"/etc/passwd\"\n", "", "@include");
}

static void
overrides_are_judged_like_settings(void **state)
{
	(void)state;
	assert_refused(ORG, "nonsense", "-o: expected NAME=VALUE");
	assert_refused(ORG, "no_such=1", "-o no_such: is no setting");
	assert_refused(ORG, "payload_bytes=1k", "-o payload_bytes: expected");
	assert_refused(ORG, "payload_bytes=99999999999999999999", "expected");
	assert_refused(ORG, "jail_required=yes", "expected true or false");
	assert_refused(ORG, "name=\xC3\x28", "expected UTF-8");
}

static void
rules_between_settings_are_kept(void **state)
{
	(void)state;
	assert_refused("", "", "organisation: expected");
	assert_refused(ORG, "organisation=974760674", "organisation: expected");
	assert_refused(ORG, "environment=staging", "environment: expected");
	assert_refused(ORG, "clock_file=clock",
	    "clock_file: only with environment = \"test\"");
	assert_refused(ORG, "tls_minimum=1.1", "tls_minimum: expected");
	assert_refused(ORG, "log_level=loud", "log_level: expected");
	assert_refused(ORG, "listen=localhost", "listen: expected HOST:PORT");
	assert_refused(ORG, "listen=::1:8443", "listen: expected HOST:PORT");
	assert_refused(ORG, "listen=a:65536", "listen: expected HOST:PORT");
	assert_refused(ORG, "listen=off", "listen: is off and listen_unix");
	assert_refused(ORG, "listen_console=127.0.0.1:0", "has no console");
	assert_refused(ORG, "listen_unix_group=www", "without listen_unix");
	assert_refused(ORG, "proxy_certificate_header=X-Client",
	    "believed only on the Unix socket");
	assert_refused(ORG "listen_unix = \"s\";\n",
	    "proxy_certificate_header=X Client", "expected letters");
	assert_refused(ORG, "webhook=http://a.example/", "expected https://");
	assert_refused(ORG, "webhook=ftp://a.example/", "expected https://");
	assert_refused(ORG, "reserve_bytes=17179869185",
	    "reserve_bytes: expected a number");
	assert_refused(ORG "map_bytes = 16777216;\n", "reserve_bytes=16777216",
	    "reserve_bytes: expected less than map_bytes");
}

static void
a_source_crosses_to_a_role_unchanged(void **state)
{
	(void)state;
	struct conf_source source = source_of(ORG "name = \"x\";\n");
	struct conf_source back;
	struct buf bytes;
	struct why why;
	override_add(&source, "render_processes=2");
	buf_init(&bytes, MIB);
	conf_source_build(&bytes, &source);
	assert_int_equal(conf_source_parse(buf_span(&bytes), &back, &why), 0);
	assert_string_equal(back.directory, "/relay");
	assert_true(span_equal(buf_span(&back.text), buf_span(&source.text)));
	assert_int_equal(back.override_count, 1);
	assert_string_equal(back.overrides[0], "render_processes=2");
	conf_source_clear(&back);
	for (size_t cut = 0; cut < bytes.size; cut++)
		assert_true(
		    conf_source_parse(span_of(bytes.at, cut), &back, &why) < 0);
	buf_clear(&bytes);
	conf_source_clear(&source);
}

static void
what_is_printed_is_read_back_the_same(void **state)
{
	(void)state;
	struct conf_source source = source_of(
	    ORG "webhook = [\"https://a.example/\\\"x\"];\nmap_bytes = "
		"8589934592L;\nname = \"a\\\\b\";\n");
	struct conf conf;
	struct conf again;
	struct why why;
	struct buf text;
	struct buf second;
	buf_init(&text, MIB);
	buf_init(&second, MIB);
	assert_int_equal(conf_parse(&conf, &source, &why), 0);
	conf_print(&text, &conf);
	struct conf_source printed = source_of(buf_text(&text));
	int code = conf_parse(&again, &printed, &why);
	if (code < 0)
		fail_msg("%s", why.text);
	conf_print(&second, &again);
	assert_true(span_equal(buf_span(&text), buf_span(&second)));
	for (const struct limit *l = limit_table; l->name != NULL; l++)
		assert_non_null(strstr(buf_text(&text), l->name));
	conf_clear(&conf);
	conf_clear(&again);
	conf_source_clear(&source);
	conf_source_clear(&printed);
	buf_clear(&text);
	buf_clear(&second);
}

static void
a_change_that_needs_a_restart_is_named(void **state)
{
	(void)state;
	struct conf_source source = source_of(ORG);
	struct conf a;
	struct conf b;
	struct why why;
	struct buf names;
	buf_init(&names, 1000);
	assert_int_equal(conf_parse(&a, &source, &why), 0);
	override_add(&source, "listen=127.0.0.1:0");
	override_add(&source, "name=other");
	override_add(&source, "jail_required=false");
	assert_int_equal(conf_parse(&b, &source, &why), 0);
	conf_restart_names(&names, &a, &b);
	assert_string_equal(buf_text(&names), "listen jail_required");
	char *text;
	assert_true(conf_override_build(&text, &a, "jail_required") > 0);
	assert_string_equal(text, "jail_required=true");
	free(text);
	buf_clear(&names);
	conf_clear(&a);
	conf_clear(&b);
	conf_source_clear(&source);
}

static void
a_file_that_is_missing_or_too_large_is_refused(void **state)
{
	(void)state;
	char path[] = "/tmp/test_conf.XXXXXX";
	struct conf_source source;
	struct why why;
	assert_true(
	    conf_source_read(&source, "/nonexistent", NULL, 0, &why) < 0);
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)CONF_TEXT_MAX + 1), 0);
	assert_int_equal(
	    conf_source_read(&source, path, NULL, 0, &why), WHY_TOO_LARGE);
	/* NUL bytes are no text */
	assert_int_equal(ftruncate(fd, 5), 0);
	assert_int_equal(conf_source_read(&source, path, NULL, 0, &why), 0);
	struct conf conf;
	assert_int_equal(conf_parse(&conf, &source, &why), WHY_INVALID);
	conf_source_clear(&source);
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults_stand_where_nothing_is_set),
	    cmocka_unit_test(settings_and_overrides_of_every_type_are_taken),
	    cmocka_unit_test(a_list_override_replaces_the_list),
	    cmocka_unit_test(what_is_wrong_is_named_with_its_line),
	    cmocka_unit_test(overrides_are_judged_like_settings),
	    cmocka_unit_test(rules_between_settings_are_kept),
	    cmocka_unit_test(a_source_crosses_to_a_role_unchanged),
	    cmocka_unit_test(what_is_printed_is_read_back_the_same),
	    cmocka_unit_test(a_change_that_needs_a_restart_is_named),
	    cmocka_unit_test(a_file_that_is_missing_or_too_large_is_refused),
	};
	return cmocka_run_group_tests_name("relay: conf", tests, NULL, NULL);
}
