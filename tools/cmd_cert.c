/*
 * cert - the certificates that messages are sealed to: registered, proved,
 * listed, suspended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "keys/certificate.h"
#include "keys/challenge.h"
#include "keys/open.h"
#include "keys/private_key.h"
#include "tools/arguments.h"
#include "tools/client.h"
#include "tools/file.h"
#include "tools/say.h"

#define PEM_BYTES (64u << 10)

struct cert_run {
	struct arguments arguments;
	const char *mailbox;
	const char *suite;
	const char *policy;
	const char *key; /* private key for prove */
	const char *recipient;
	struct client *client;
	struct client_answer answer;
};

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

struct octets {
	struct buf bytes;
};

static int
on_octets(void *context, struct span bytes, struct why *why)
{
	struct octets *octets = context;

	buf_add_span(&octets->bytes, bytes);
	return buf_ok(&octets->bytes)
		   ? 0
		   : why_set(why, WHY_TOO_LARGE, "the challenge is too large");
}

/* The sealed octets, opened, and their digest in hex. */
static int
challenge_open(struct span sealed, const struct certificate *certificate,
    const struct private_key *key, char answer[CHALLENGE_ANSWER_SIZE],
    struct why *why)
{
	const struct open_key pair = {certificate, key};
	struct octets octets;
	struct sink sink = {on_octets, &octets};
	struct opening *opening = NULL;
	int code;

	buf_init(&octets.bytes, 4 * KIB);
	code = opening_new(&pair, 1, NULL, &sink, &opening, why);
	if (code == 0)
		code = opening_write(opening, sealed, why);
	if (code == 0)
		code = opening_finish(opening, why);
	if (code == 0)
		code = challenge_answer(buf_span(&octets.bytes), answer, why);
	opening_free(opening);
	buf_wipe(&octets.bytes);
	return code;
}

/* Register (again): the relay answers with a challenge, new each time. */
static int
offer(struct cert_run *run, const char *path, const char *suite,
    const char *policy, struct why *why)
{
	struct buf pem;
	json_t *body;
	int code;

	buf_init(&pem, PEM_BYTES);
	code = file_read(path, &pem, why);
	if (code == 0) {
		body = json_pack(
		    "{s:s#}", "certificate", (char *)pem.at, (int)pem.size);
		if (suite != NULL)
			json_object_set_new(body, "suite", json_string(suite));
		if (policy != NULL)
			json_object_set_new(
			    body, "policy", json_string(policy));
		code = body == NULL
			   ? why_set(why, WHY_INVALID, "%s is not PEM", path)
			   : client_send(run->client, "POST", body,
				 &run->answer, why,
				 "/v1/mailbox/%s/certificates", run->recipient);
		json_decref(body);
	}
	buf_clear(&pem);
	return code;
}

static int
add(struct cert_run *run, struct why *why)
{
	const char *path = run->arguments.operands[1];
	struct certificate *certificate = NULL;
	int code = certificate_read(path, &certificate, why);

	if (code == 0)
		code = offer(run, path, run->suite, run->policy, why);
	if (code == 0)
		say_result("%s is registered; now prove its key: budstikke "
			   "cert -c %s prove %s --key KEY",
		    certificate_facts(certificate)->fingerprint_text,
		    run->arguments.conf, path);
	certificate_free(certificate);
	return code;
}

/* The private key of a certificate: --key, or the client file's that fits. */
static int
key_find(const struct cert_run *run, const struct certificate *certificate,
    struct private_key **out, struct why *why)
{
	const struct client_file *file = client_settings(run->client);
	struct why other;

	if (run->key != NULL) {
		int code = private_key_load(run->key, out, why);

		return code == 0
			   ? private_key_check_pair(*out, certificate, why)
			   : code;
	}
	for (size_t i = 0; i < file->seal_key_count; i++) {
		if (private_key_load(file->seal_keys[i], out, &other) == 0 &&
		    private_key_check_pair(*out, certificate, &other) == 0)
			return 0;
		private_key_free(*out);
		*out = NULL;
	}
	return why_set(why, WHY_INVALID,
	    "no seal-key of the client file belongs to it; say --key FILE");
}

/* How the certificate stands at the relay; suite and state stay "" when it is
 * not registered. */
static int
standing(struct cert_run *run, const char *fingerprint, char suite[32],
    char state[32], struct why *why)
{
	json_t *item;
	size_t i;
	int code = client_get(run->client, &run->answer, why,
	    "/v1/mailbox/%s/certificates", run->recipient);

	suite[0] = state[0] = '\0';
	if (code != 0)
		return code;
	json_array_foreach(
	    json_object_get(run->answer.json, "certificates"), i, item)
	{
		const char *sha256 = "";
		const char *its_suite = "";
		const char *its_state = "";

		json_unpack(item, "{s?s,s?s,s?s}", "certificate", &sha256,
		    "suite", &its_suite, "state", &its_state);
		if (strcmp(sha256, fingerprint) == 0) {
			say_clean(suite, 32, its_suite);
			say_clean(state, 32, its_state);
		}
	}
	client_answer_clear(&run->answer);
	return 0;
}

/* Take a new challenge for the certificate, open it and answer. */
static int
meet(struct cert_run *run, const struct certificate *certificate,
    const struct private_key *key, const char *suite, struct why *why)
{
	char text[CHALLENGE_ANSWER_SIZE];
	const char *challenge;
	struct buf sealed;
	json_t *body;
	int code = offer(run, run->arguments.operands[1],
	    run->suite != NULL ? run->suite
	    : suite[0] != '\0' ? suite
			       : NULL,
	    run->policy, why);

	if (code != 0)
		return code;
	buf_init(&sealed, PEM_BYTES);
	challenge =
	    json_string_value(json_object_get(run->answer.json, "challenge"));
	if (challenge == NULL || !base64_parse(&sealed, span_text(challenge)))
		code = why_set(
		    why, WHY_MALFORMED, "the relay's challenge is not base64");
	else
		code = challenge_open(
		    buf_span(&sealed), certificate, key, text, why);
	if (code == 0) {
		client_answer_clear(&run->answer);
		body = json_pack("{s:s}", "proof", text);
		code = client_send(run->client, "POST", body, &run->answer, why,
		    "/v1/mailbox/%s/certificates/%s/proof", run->recipient,
		    certificate_facts(certificate)->fingerprint_text);
		json_decref(body);
	}
	buf_clear(&sealed);
	return code;
}

static int
prove(struct cert_run *run, struct why *why)
{
	struct certificate *certificate = NULL;
	struct private_key *key = NULL;
	const char *fingerprint = "";
	char suite[32];
	char state[32];
	int code =
	    certificate_read(run->arguments.operands[1], &certificate, why);

	if (code == 0)
		code = key_find(run, certificate, &key, why);
	if (code == 0) {
		fingerprint = certificate_facts(certificate)->fingerprint_text;
		code = standing(run, fingerprint, suite, state, why);
	}
	if (code == 0 && strcmp(state, "active") != 0)
		code = meet(run, certificate, key, suite, why);
	if (code == 0)
		say_result("%s is active", fingerprint);
	private_key_free(key);
	certificate_free(certificate);
	return code;
}

static int
list(struct cert_run *run, struct why *why)
{
	json_t *item;
	size_t i;
	int code = client_get(run->client, &run->answer, why,
	    "/v1/mailbox/%s/certificates", run->recipient);

	if (code != 0)
		return code;
	json_array_foreach(
	    json_object_get(run->answer.json, "certificates"), i, item)
	{
		const char *sha256 = "";
		const char *state = "";
		const char *suite = "";
		const char *to = "";

		json_unpack(item, "{s?s,s?s,s?s,s?s}", "certificate", &sha256,
		    "state", &state, "suite", &suite, "validTo", &to);
		say_result("%s %-9s %s until %s", sha256, state, suite, to);
	}
	return 0;
}

static int
suspend(struct cert_run *run, struct why *why)
{
	const char *what = run->arguments.operands[1];
	struct certificate *certificate = NULL;
	uint8_t digest[32];
	char text[65];
	int code;

	if (hex_parse(what, digest, sizeof(digest))) {
		hex_build(text, digest, sizeof(digest));
	} else {
		code = certificate_read(what, &certificate, why);
		if (code != 0)
			return code;
		snprintf(text, sizeof(text), "%s",
		    certificate_facts(certificate)->fingerprint_text);
		certificate_free(certificate);
	}
	code = client_send(run->client, "DELETE", NULL, &run->answer, why,
	    "/v1/mailbox/%s/certificates/%s", run->recipient, text);
	if (code == 0)
		say_result("%s is suspended", text);
	return code;
}

static const struct {
	const char *name;
	size_t operands;
	int (*run)(struct cert_run *run, struct why *why);
} actions[] = {
    {"add", 2, add},
    {"prove", 2, prove},
    {"list", 1, list},
    {"suspend", 2, suspend},
};

static int
act(struct cert_run *run)
{
	struct why why;
	int code = WHY_BUG;
	int leave;

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].name, run->arguments.operands[0]) == 0)
			code = actions[i].run(run, &why);
	if (code != 0) {
		leave = client_say_failure(&run->answer, &why);
	} else {
		say_object(run->answer.json == NULL
			       ? json_object()
			       : json_incref(run->answer.json));
		leave = LEAVE_DONE;
	}
	client_answer_clear(&run->answer);
	return leave;
}

static int
cert_check(const struct arguments *arguments)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (arguments->count > 0 &&
		    strcmp(actions[i].name, arguments->operands[0]) == 0 &&
		    arguments->count == actions[i].operands)
			return -1;
	return say_usage(&verb_cert,
	    "expected add FILE, prove FILE, list or suspend FILE|SHA256");
}

static int
cert_run(int argc, char **argv)
{
	struct cert_run run = {0};
	const struct option_row rows[] = {{"--mailbox", &run.mailbox, NULL},
	    {"--suite", &run.suite, NULL}, {"--policy", &run.policy, NULL},
	    {"--key", &run.key, NULL}, {NULL, NULL, NULL}};
	int leave =
	    arguments_read(&run.arguments, &verb_cert, argc, argv, rows);

	if (leave < 0)
		leave = cert_check(&run.arguments);
	if (leave < 0)
		leave = arguments_client(&run.arguments, &run.client);
	if (leave >= 0)
		return leave;
	run.recipient = run.mailbox != NULL
			    ? run.mailbox
			    : client_settings(run.client)->organisation;
	if (run.recipient == NULL || !orgnr_valid(run.recipient))
		leave = say_usage(&verb_cert,
		    "expected --mailbox, or organisation in the client file");
	else
		leave = act(&run);
	client_close(run.client);
	return leave;
}

const struct verb verb_cert = {"cert", cert_run,
    "-c CLIENT.conf add FILE [--suite S] [--policy pinned] |\n"
    "       prove FILE [--key KEY] [--suite S] | list | suspend FILE|SHA256 "
    "[--mailbox "
    "ORG]",
    "Register the certificates that messages are sealed to",
    "A certificate is used only after its owner has opened a challenge with\n"
    "the private key (prove). FILE is PEM.\n\n"
    "  --suite S   cms-cbc-oaep, cms-gcm-oaep, cms-cbc-ecdh or cms-gcm-ecdh\n"
    "  --policy P  pinned (just this certificate)\n"
    "  --key KEY   its private key; default: the client file's that fits\n"};
