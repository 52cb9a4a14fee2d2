/*
 * The render role over its pipe, in a process of its own without a jail: good
 * and bad payloads, lists, nonsense; it goes on serving after each.
 */
#include "relay/pipe.h"
#include "relay/render_wire.h"
#include "relay/role_priv.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define OWN "tests/formats/fixtures/digisos"

static pid_t child;
static int control;
static struct pipe *pipe_end;
static uint64_t last_request;

static void
serve(int fd, int child_control)
{
	static char profiles[] = "formats/profiles", none[] = "";
	struct conf conf = {.profiles = profiles, .fonts = none};
	struct role *role;

	limits_init(&conf.limits);
	role = role_new(ROLE_RENDER, 0, 1, &conf, child_control);
	role_peer_take(role, ROLE_NET, 0, 2, fd);
	role->jailed = false;
	_exit(render_serve(role) == 0 ? 0 : 1);
}

static int
start(void **state)
{
	int ends[2], controls[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, controls), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(ends[0]);
		close(controls[0]);
		serve(ends[1], controls[1]);
	}
	close(ends[1]);
	close(controls[1]);
	control = controls[0];
	pipe_end = pipe_new(ends[0], WIRE_BODY_MAX);
	return pipe_end ? 0 : -1;
}

static int
stop(void **state)
{
	(void)state;
	pipe_free(pipe_end);
	close(control);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}

/* Ask and wait; the answer's body is good until the next call. */
static struct wire_frame
ask(uint16_t type, struct span body)
{
	struct wire_frame frame = {
	    .type = type, .request = ++last_request, .body = body};
	struct why why = {0};
	int ret;

	if (pipe_write(pipe_end, &frame, -1, &why) < 0)
		fail_msg("%s", why.text);
	while ((ret = pipe_next(pipe_end, &frame, &why)) == 0) {
		if (pipe_fill(pipe_end, &why) < 0)
			fail_msg("%s", why.text);
	}
	assert_int_equal(ret, 1);
	assert_int_equal(frame.request, last_request);
	assert_true((frame.flags & WIRE_ANSWER) != 0);
	return frame;
}

static struct wire_frame
ask_payload(const char *profile, struct span payload)
{
	struct render_request request = {.profile = profile,
	    .payload = payload,
	    .context = {.message = "0190b6f0-7c1a-7abc-8def-0123456789ab",
		.received_ms = INT64_C(1795200330250)}};
	struct wire_frame answer;
	struct buf body;

	buf_init(&body, 4 << 20);
	render_request_build(&body, &request);
	answer = ask(RENDER_WIRE_PAYLOAD, buf_span(&body));
	buf_clear(&body);
	return answer;
}

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
}

static void
a_good_payload_is_answered_with_documents(void **state)
{
	struct render_done done;
	struct wire_frame answer;
	struct why why;
	struct buf text;

	(void)state;
	read_file(OWN "/gyldig-ukrainsk.json", &text);
	answer = ask_payload("digisos-soknad", buf_span(&text));
	assert_int_equal(answer.type, RENDER_WIRE_DONE);
	assert_int_equal(render_done_parse(answer.body, &done, &why), 0);
	assert_true(done.pdf.size > 1000 && done.xhtml.size > 1000);
	assert_memory_equal(done.pdf.at, "%PDF-", 5);
	assert_int_equal(done.notes.missing, 0);
	buf_clear(&text);
}

static void
what_no_font_has_is_told_by_its_code_points(void **state)
{
	static const uint32_t expected[] = {0x7533, 0x8ACB, 0x1F600};
	struct render_done done;
	struct wire_frame answer;
	struct why why;
	struct buf text;

	(void)state;
	read_file(OWN "/tegn-uten-skrift.json", &text);
	answer = ask_payload("digisos-soknad", buf_span(&text));
	assert_int_equal(answer.type, RENDER_WIRE_DONE);
	assert_int_equal(render_done_parse(answer.body, &done, &why), 0);
	assert_int_equal(done.notes.missing, 3);
	assert_int_equal(done.notes.count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(done.notes.seen[i].kind, DOCUMENT_MISSING);
		assert_int_equal(done.notes.seen[i].code_point, expected[i]);
		assert_int_equal(done.notes.seen[i].count, 1);
	}
	buf_clear(&text);
}

static void
expect_refused(struct wire_frame answer, int code, const char *pointer)
{
	struct findings findings;
	struct why refusal, why;

	assert_int_equal(answer.type, RENDER_WIRE_REFUSED);
	findings_init(&findings, 100);
	assert_int_equal(
	    render_refused_parse(answer.body, &refusal, &findings, &why), 0);
	assert_int_equal(refusal.code, code);
	if (pointer != NULL) {
		assert_true(findings.count > 0);
		assert_string_equal(findings.at[0].pointer, pointer);
	}
	findings_clear(&findings);
}

static void
a_bad_payload_is_refused_and_the_next_one_served(void **state)
{
	struct buf text;

	(void)state;
	expect_refused(
	    ask_payload("digisos-soknad", span_text("{")), WHY_MALFORMED, "");
	read_file(OWN "/ugyldig-husnummer.json", &text);
	expect_refused(ask_payload("digisos-soknad", buf_span(&text)),
	    WHY_INVALID, "/data/personalia/folkeregistrertAdresse/husnummer");
	buf_clear(&text);
	expect_refused(
	    ask_payload("none", span_text("{}")), WHY_UNSUPPORTED, NULL);
	expect_refused(
	    ask_payload("document", span_text("{}")), WHY_UNSUPPORTED, NULL);
	a_good_payload_is_answered_with_documents(state);
}

static void
a_list_is_held_against_the_files(void **state)
{
	struct profile_file files[] = {{"a.pdf", "00"}};
	struct render_list_request request = {.profile = "digisos-soknad",
	    .list = span_text("{\"vedlegg\":[{\"filer\":[{\"filnavn\":"
			      "\"a.pdf\",\"sha512\":\"00\"}]}]}"),
	    .files = files,
	    .files_count = 1};
	struct buf body;

	(void)state;
	buf_init(&body, 1 << 16);
	render_list_request_build(&body, &request);
	assert_int_equal(
	    ask(RENDER_WIRE_LIST, buf_span(&body)).type, RENDER_WIRE_DONE);
	buf_reset(&body);
	files[0].sha512 = "01";
	render_list_request_build(&body, &request);
	expect_refused(ask(RENDER_WIRE_LIST, buf_span(&body)), WHY_INVALID,
	    "/vedlegg/0/filer/0/sha512");
	buf_clear(&body);
}

static void
nonsense_is_refused_and_the_next_one_served(void **state)
{
	(void)state;
	expect_refused(ask(RENDER_WIRE_PAYLOAD, span_text("nonsense")),
	    WHY_MALFORMED, NULL);
	expect_refused(ask(RENDER_WIRE_LIST, SPAN_NONE), WHY_MALFORMED, NULL);
	assert_true((ask(0x7777, SPAN_NONE).flags & WIRE_FAILED) != 0);
	a_good_payload_is_answered_with_documents(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_good_payload_is_answered_with_documents),
	    cmocka_unit_test(what_no_font_has_is_told_by_its_code_points),
	    cmocka_unit_test(a_bad_payload_is_refused_and_the_next_one_served),
	    cmocka_unit_test(a_list_is_held_against_the_files),
	    cmocka_unit_test(nonsense_is_refused_and_the_next_one_served),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
