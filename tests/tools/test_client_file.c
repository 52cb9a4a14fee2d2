/* tools: client files, good and bad */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/client_file.h"
#include "tools/file.h"

static char folder[] = "/tmp/budstikke-client.XXXXXX";
static char path[64];

static int
begin(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/a.conf", folder);
	return 0;
}

static int
end(void **state)
{
	char port[64];

	(void)state;
	snprintf(port, sizeof(port), "%s/relay.port", folder);
	unlink(port);
	unlink(path);
	return rmdir(folder);
}

static int
read_text(const char *text, struct client_file *file, struct why *why)
{
	assert_int_equal(
	    file_write_at(AT_FDCWD, path, span_text(text), 0600, why), 0);
	return client_file_read(path, file, why);
}

static void
a_client_file_is_read_and_its_paths_are_beside_it(void **state)
{
	struct client_file file;
	struct why why;
	char want[128];

	(void)state;
	assert_int_equal(
	    read_text("# a comment\n\n name=oslo\n"
		      "organisation = \"900000014\";\n"
		      "url = https://relay.example:8443/\n"
		      "ca = /etc/ca.crt\r\n"
		      "certificate = oslo.crt\nkey = oslo.key\n"
		      "seal-certificate = 1.crt\nseal-key = 1.key\n"
		      "seal-certificate = 2.crt\nseal-key = 2.key",
		&file, &why),
	    0);
	assert_string_equal(file.name, "oslo");
	assert_string_equal(file.organisation, "900000014");
	assert_string_equal(file.ca, "/etc/ca.crt");
	snprintf(want, sizeof(want), "%s/oslo.key", folder);
	assert_string_equal(file.key, want);
	assert_int_equal(file.seal_key_count, 2);
	client_file_clear(&file);
}

static void
a_bad_client_file_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text;
		const char *said;
	} rows[] = {
	    {"url = https://a\nnonsense\n", ":2: expected name = value"},
	    {"url = https://a\nca-file = x\n", ":2: no such setting"},
	    {"url = https://a\nurl = https://b\n", ":2: url comes twice"},
	    {"url =\n", ":1: url is empty"},
	    {"name = x\n", "one of url and port-file"},
	    {"url = https://a\nport-file = p\n", "one of url and port-file"},
	    {"url = https://a\nkey = k\n", "certificate and key"},
	    {"url = https://a\ntoken = t\ntoken-file = f\n", "one of token"},
	    {"url = https://a\nseal-key = k\n", "as many seal-key"},
	    {"url = https://a\norganisation = 900000015\n",
		"no organisation number"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct client_file file;
		struct why why;

		assert_int_equal(
		    read_text(rows[i].text, &file, &why), WHY_INVALID);
		if (strstr(why.text, rows[i].said) == NULL)
			fail_msg("row %zu: %s", i, why.text);
		client_file_clear(&file);
	}
}

static void
a_client_file_over_its_size_is_refused(void **state)
{
	char *text = malloc(CLIENT_FILE_BYTES + 2);
	struct client_file file;
	struct why why;

	(void)state;
	assert_non_null(text);
	memset(text, '#', CLIENT_FILE_BYTES + 1);
	text[CLIENT_FILE_BYTES + 1] = '\0';
	assert_int_equal(read_text(text, &file, &why), WHY_TOO_LARGE);
	client_file_clear(&file);
	free(text);
}

static void
a_port_file_gives_the_address_on_this_machine(void **state)
{
	static const struct {
		const char *port;
		const char *url;
	} rows[] = {{"4711\n", "https://127.0.0.1:4711"},
	    {"[::1]:4711\n", "https://[::1]:4711"},
	    {"https://localhost:1\n", "https://localhost:1"}};
	struct client_file file;
	struct why why;
	char port[64];
	char *url = NULL;

	(void)state;
	assert_int_equal(read_text("port-file = relay.port\n", &file, &why), 0);
	assert_int_equal(client_file_url(&file, &url, &why), WHY_GONE);
	snprintf(port, sizeof(port), "%s/relay.port", folder);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(file_write_at(AT_FDCWD, port,
				     span_text(rows[i].port), 0600, &why),
		    0);
		assert_int_equal(client_file_url(&file, &url, &why), 0);
		assert_string_equal(url, rows[i].url);
		free(url);
	}
	assert_int_equal(
	    file_write_at(AT_FDCWD, port, span_text("\n"), 0600, &why), 0);
	assert_int_equal(client_file_url(&file, &url, &why), WHY_INVALID);
	client_file_clear(&file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_client_file_is_read_and_its_paths_are_beside_it),
	    cmocka_unit_test(a_bad_client_file_is_refused_with_its_line),
	    cmocka_unit_test(a_client_file_over_its_size_is_refused),
	    cmocka_unit_test(a_port_file_gives_the_address_on_this_machine),
	};

	return cmocka_run_group_tests_name(
	    "tools: client file", tests, begin, end);
}
