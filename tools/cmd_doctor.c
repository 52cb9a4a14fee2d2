/*
 * doctor - what is wrong between this client and the relay? Each check tells
 * what it found and, when it is bad, what mends it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "keys/certificate.h"
#include "keys/private_key.h"
#include "tools/arguments.h"
#include "tools/client.h"
#include "tools/file.h"
#include "tools/say.h"

#define PEM_BYTES (64u << 10)
#define SKEW_SECONDS 30
#define WARN_DAYS 30

enum finding_kind { FINE, WARNING, BAD };

struct doctor {
	json_t *checks;
	unsigned bad;
	unsigned warnings;
	struct client *client;
};

static void note(struct doctor *doctor, enum finding_kind kind,
    const char *check, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void
note(struct doctor *doctor, enum finding_kind kind, const char *check,
    const char *format, ...)
{
	static const char *const words[] = {"ok", "warning", "BAD"};
	char text[512];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	doctor->bad += kind == BAD;
	doctor->warnings += kind == WARNING;
	say_result("%-8s %-20s %s", words[kind], check, text);
	json_array_append_new(
	    doctor->checks, json_pack("{s:s,s:s,s:s}", "check", check, "result",
				kind == FINE      ? "ok"
				: kind == WARNING ? "warning"
						  : "bad",
				"detail", text));
}

static int
certificate_read(const char *path, struct certificate **out, struct why *why)
{
	struct buf pem;
	int code;

	buf_init(&pem, PEM_BYTES);
	code = file_read(path, &pem, why);
	if (code == 0)
		code = certificate_parse(buf_span(&pem), out, why);
	buf_clear(&pem);
	return code;
}

/* A certificate and its key on this machine. */
static void
pair_check(struct doctor *doctor, const char *what,
    const char *certificate_path, const char *key_path)
{
	struct certificate *certificate = NULL;
	struct private_key *key = NULL;
	int64_t now_ms = clock_wall_ms();
	int64_t left_days;
	struct why why;
	int code = certificate_read(certificate_path, &certificate, &why);

	if (code == 0)
		code = private_key_load(key_path, &key, &why);
	if (code == 0)
		code = private_key_check_pair(key, certificate, &why);
	if (code == 0)
		code = certificate_check_time(certificate, now_ms, &why);
	if (code != 0) {
		note(doctor, BAD, what, "%s", why.text);
	} else {
		left_days =
		    (certificate_facts(certificate)->not_after_ms - now_ms) /
		    CLOCK_DAY_MS;
		note(doctor, left_days < WARN_DAYS ? WARNING : FINE, what,
		    "%s and its key fit, valid for %lld more days",
		    certificate_path, (long long)left_days);
	}
	private_key_free(key);
	certificate_free(certificate);
}

static void
credentials_check(struct doctor *doctor)
{
	const struct client_file *file = client_settings(doctor->client);

	if (file->certificate != NULL)
		pair_check(
		    doctor, "client certificate", file->certificate, file->key);
	else if (file->token != NULL || file->token_file != NULL)
		note(doctor, FINE, "token", "a bearer token is given");
	else
		note(doctor, BAD, "credentials",
		    "the client file has neither certificate nor token");
	for (size_t i = 0; i < file->seal_key_count; i++)
		pair_check(doctor, "seal certificate",
		    file->seal_certificates[i], file->seal_keys[i]);
}

static void
connection_check(struct doctor *doctor, struct client_answer *answer)
{
	struct why why;
	int code = client_get(doctor->client, answer, &why, "/v1/openapi.json");

	if (code != 0 && answer->status == 0)
		note(doctor, BAD, "connection", "%s", why.text);
	else if (code != 0)
		note(doctor, BAD, "connection", "answered, but: %s", why.text);
	else
		note(doctor, FINE, "connection", "the relay answers over TLS");
}

static void
clock_check(struct doctor *doctor, const struct client_answer *answer)
{
	int64_t skew;

	if (answer->date < 0)
		return;
	skew = clock_wall_ms() / 1000 - answer->date;
	note(doctor,
	    skew > SKEW_SECONDS || skew < -SKEW_SECONDS ? WARNING : FINE,
	    "clock", "ours is %lld s from the relay's", (long long)skew);
}

/* The certificate that the relay seals to: of the active ones, that proved
 * last. NULL when there is none; lent by list. */
static const char *
sealed_to(const json_t *list)
{
	const char *found = NULL;
	const char *latest = "";
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(list, "certificates"), i, item)
	{
		const char *sha256 = "";
		const char *state = "";
		const char *proved = "";

		json_unpack(item, "{s?s,s?s,s?s}", "certificate", &sha256,
		    "state", &state, "proved", &proved);
		if (strcmp(state, "active") == 0 &&
		    (found == NULL || strcmp(proved, latest) > 0)) {
			found = sha256;
			latest = proved;
		}
	}
	return found;
}

static bool
is_ours(const struct client_file *file, const char *fingerprint)
{
	bool found = false;
	struct why why;

	for (size_t i = 0; !found && i < file->seal_certificate_count; i++) {
		struct certificate *certificate = NULL;

		found = certificate_read(file->seal_certificates[i],
			    &certificate, &why) == 0 &&
			strcmp(certificate_facts(certificate)->fingerprint_text,
			    fingerprint) == 0;
		certificate_free(certificate);
	}
	return found;
}

/* Can we open what is sealed for us? */
static void
sealing_check(struct doctor *doctor, const char *recipient)
{
	const struct client_file *file = client_settings(doctor->client);
	struct client_answer answer;
	const char *sealed = NULL;
	struct why why;
	int code = client_get(doctor->client, &answer, &why,
	    "/v1/mailbox/%s/certificates", recipient);

	if (code == 0)
		sealed = sealed_to(answer.json);
	if (code != 0)
		note(doctor, BAD, "sealing", "%s", why.text);
	else if (sealed == NULL)
		note(doctor, BAD, "sealing",
		    "no certificate of ours is active: budstikke cert add, "
		    "then prove");
	else if (is_ours(file, sealed))
		note(doctor, FINE, "sealing",
		    "the relay seals to a certificate of ours");
	else
		note(doctor, BAD, "sealing",
		    "the relay seals to %.16s..., which the client file does "
		    "not name: add its seal-certificate and seal-key, or prove "
		    "another",
		    sealed);
	client_answer_clear(&answer);
}

static void
mailbox_check(struct doctor *doctor)
{
	const struct client_file *file = client_settings(doctor->client);
	struct client_answer answer;
	const char *state = "unknown";
	struct why why;
	int code;

	if (file->organisation == NULL || file->seal_key_count == 0)
		return;
	code = client_get(doctor->client, &answer, &why, "/v1/mailbox/%s",
	    file->organisation);
	if (code == 0)
		json_unpack(answer.json, "{s?s}", "state", &state);
	if (code != 0)
		note(doctor, BAD, "mailbox", "%s", why.text);
	else
		note(doctor, strcmp(state, "open") == 0 ? FINE : BAD, "mailbox",
		    "state %s", state);
	client_answer_clear(&answer);
	if (code == 0)
		sealing_check(doctor, file->organisation);
}

static int
examine(struct doctor *doctor)
{
	struct client_answer answer = {0};

	client_patience_set(doctor->client, 0);
	credentials_check(doctor);
	connection_check(doctor, &answer);
	clock_check(doctor, &answer);
	if (answer.status != 0)
		mailbox_check(doctor);
	client_answer_clear(&answer);
	say_object(json_pack("{s:b,s:O}", "healthy", doctor->bad == 0, "checks",
	    doctor->checks));
	say("%u bad, %u warnings", doctor->bad, doctor->warnings);
	return doctor->bad == 0 ? LEAVE_DONE : LEAVE_REFUSED;
}

static int
doctor_run(int argc, char **argv)
{
	struct doctor doctor = {.checks = json_array()};
	struct arguments arguments;
	int leave = arguments_read(&arguments, &verb_doctor, argc, argv, NULL);

	if (leave < 0 && arguments.count > 0)
		leave = say_usage(&verb_doctor, "no operand is expected");
	if (leave < 0)
		leave = arguments_client(&arguments, &doctor.client);
	if (leave < 0)
		leave = examine(&doctor);
	json_decref(doctor.checks);
	client_close(doctor.client);
	return leave;
}

const struct verb verb_doctor = {"doctor", doctor_run, "-c CLIENT.conf",
    "Find out what is wrong between this client and the relay",
    "Checks certificates and keys, the connection, the clocks, the mailbox "
    "and\n"
    "whether what is sealed for us can be opened. Status 3 when anything is "
    "bad.\n"};
