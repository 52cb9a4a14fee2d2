#include "tools/bench_limit.h"

#include "base/clock.h"
#include "formats/pdf.h"
#include "formats/profile.h"
#include "formats/render.h"
#include "keys/jws.h"
#include "spool/measure.h"
#include "tools/bench_echo.h"
#include "tools/bench_load.h"
#include "tools/file.h"

#include <ftw.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PART_SECONDS 0.25
#define TLS_SECONDS 0.6
#define COMMIT_SECONDS 0.7
#define EVIDENCE_BYTES 700 /* a payload as relay/evidence.c builds them */

double
bench_own_cpu(void)
{
	return bench_process_cpu(getpid());
}

int
bench_limits_init(struct bench_limits *limits, const struct bench_relay *relay,
    const char *scratch, struct why *why)
{
	limits->relay = relay;
	snprintf(limits->scratch, sizeof(limits->scratch), "%s", scratch);
	snprintf(limits->ca, sizeof(limits->ca), "%s/ca.crt", relay->directory);
	snprintf(limits->tls_certificate, sizeof(limits->tls_certificate),
	    "%s/keys/tls.crt", relay->directory);
	snprintf(limits->tls_key, sizeof(limits->tls_key), "%s/keys/tls.key",
	    relay->directory);
	(void)why;
	return 0;
}

/* ---- TLS ---- */

struct echo_asking {
	char head[128];
	struct buf body;
};

static bool
echo_next(void *arg, size_t connection, struct load_ask *ask)
{
	const struct echo_asking *asking = arg;

	(void)connection;
	ask->head = span_text(asking->head);
	ask->body = buf_span(&asking->body);
	return true;
}

static int
echo_answered(void *arg, size_t connection, const struct load_answer *answer,
    struct why *why)
{
	(void)arg;
	(void)connection;
	return answer->status == 200 ? 1 : why_set(why, WHY_BUG, "echo");
}

static int
echo_measure(struct load *load, const struct bench_echo *echo,
    struct echo_asking *asking, struct limit_tls *out, struct why *why)
{
	static const struct load_hooks hooks = {echo_next, echo_answered};
	struct load_result result;
	int code = load_run(load, &hooks, asking, 0.1, &result, why);
	double server = bench_process_cpu(echo->pid);
	double client = bench_own_cpu();

	if (code == 0)
		code =
		    load_run(load, &hooks, asking, TLS_SECONDS, &result, why);
	if (code != 0)
		return code;
	out->server =
	    (bench_process_cpu(echo->pid) - server) / (double)result.messages;
	out->client = (bench_own_cpu() - client) / (double)result.messages;
	out->wait = result.p50_ms / 1e3;
	return 0;
}

int
bench_limit_tls(const struct bench_limits *limits, size_t connections,
    size_t request, size_t answer, struct limit_tls *out, struct why *why)
{
	struct bench_echo echo = {0};
	struct load *load = NULL;
	struct echo_asking asking;
	int code = bench_echo_start(
	    &echo, limits->tls_certificate, limits->tls_key, why);

	buf_init(&asking.body, request);
	snprintf(asking.head, sizeof(asking.head),
	    "POST /%zu HTTP/1.1\r\nHost: localhost\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    answer, request);
	uint8_t *room = buf_room(&asking.body, request);
	if (room != NULL) {
		memset(room, 'x', request);
		buf_used(&asking.body, request);
	}
	if (code == 0)
		code = load_open(
		    &(struct load_target){.port = echo.port, .ca = limits->ca},
		    connections, &load, why);
	if (code == 0)
		code = echo_measure(load, &echo, &asking, out, why);
	load_close(load);
	bench_echo_stop(&echo);
	buf_clear(&asking.body);
	return code;
}

/* ---- commits ---- */

static int
remove_one(
    const char *path, const struct stat *about, int kind, struct FTW *walk)
{
	(void)about;
	(void)kind;
	(void)walk;
	return remove(path);
}

int
bench_scratch_clear(const struct bench_limits *limits, struct why *why)
{
	nftw(limits->scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	if (mkdir(limits->scratch, 0700) != 0)
		return why_errno(why, "make %s", limits->scratch);
	return 0;
}

int
bench_limit_commit(const struct bench_limits *limits, size_t size, size_t group,
    struct limit_commit *out, struct why *why)
{
	struct spool_measured measured;
	int code = bench_scratch_clear(limits, why);

	if (code == 0)
		code = spool_measure(limits->scratch, size, group,
		    COMMIT_SECONDS, &measured, why);
	if (code != 0)
		return code;
	out->cpu = measured.cpu_seconds / (double)measured.values;
	out->disk = measured.seconds / (double)measured.values;
	out->wait = measured.commit_ms / 1e3;
	return 0;
}

/* ---- CPU ---- */

int
bench_limit_digest(
    const char *algorithm, size_t size, double *out, struct why *why)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	uint8_t *bytes = calloc(1, size);
	EVP_MD *md = EVP_MD_fetch(NULL, algorithm, NULL);
	double began = bench_own_cpu();
	uint64_t count = 0;

	if (bytes == NULL || md == NULL) {
		free(bytes);
		EVP_MD_free(md);
		return why_set(why, WHY_NOMEM, "digest");
	}
	while (bench_own_cpu() - began < PART_SECONDS) {
		if (EVP_Digest(bytes, size, digest, NULL, md, NULL) != 1)
			break;
		count++;
	}
	*out = (bench_own_cpu() - began) / (double)(count > 0 ? count : 1);
	free(bytes);
	EVP_MD_free(md);
	return count > 0 ? 0 : why_set(why, WHY_SYSTEM, "%s", algorithm);
}

static int
drop(void *context, struct span bytes, struct why *why)
{
	(void)context;
	(void)bytes;
	(void)why;
	return 0;
}

static int
seal_once(
    const struct bench_mailbox *mailbox, struct span bytes, struct why *why)
{
	static const struct sink nowhere = {drop, NULL};
	struct seal *seal = NULL;
	int code = seal_new(
	    mailbox->certificate, mailbox->suite, &nowhere, &seal, why);

	while (code == 0 && bytes.size > 0) {
		struct span piece = {bytes.at, bytes.size < SEAL_PIECE_BYTES
						   ? bytes.size
						   : SEAL_PIECE_BYTES};

		code = seal_write(seal, piece, why);
		bytes.at += piece.size;
		bytes.size -= piece.size;
	}
	if (code == 0)
		code = seal_finish(seal, why);
	seal_free(seal);
	return code;
}

int
bench_limit_seal(const struct bench_mailbox *mailbox, size_t size, double *out,
    struct why *why)
{
	uint8_t *bytes = calloc(1, size);
	double began = bench_own_cpu();
	uint64_t count = 0;
	int code = bytes == NULL ? why_set(why, WHY_NOMEM, "seal") : 0;

	while (code == 0 && bench_own_cpu() - began < PART_SECONDS) {
		code = seal_once(mailbox, span_of(bytes, size), why);
		count++;
	}
	if (count > 0)
		*out = (bench_own_cpu() - began) / (double)count;
	free(bytes);
	return code;
}

static int
sign_many(const struct jws_signer *signer, double *out, struct why *why)
{
	uint8_t payload[EVIDENCE_BYTES];
	struct buf jws;
	double began = bench_own_cpu();
	uint64_t count = 0;
	int code = 0;

	memset(payload, 'x', sizeof(payload));
	buf_init(&jws, JWS_BYTES_MAX);
	while (code == 0 && bench_own_cpu() - began < PART_SECONDS) {
		buf_reset(&jws);
		code = jws_sign(
		    signer, span_of(payload, sizeof(payload)), &jws, why);
		count++;
	}
	if (count > 0)
		*out = (bench_own_cpu() - began) / (double)count;
	buf_clear(&jws);
	return code;
}

int
bench_limit_sign(
    const struct bench_limits *limits, double *out, struct why *why)
{
	char path[300];
	struct buf pem;
	struct certificate *certificate = NULL;
	struct private_key *key = NULL;
	struct jws_signer *signer = NULL;
	int code;

	buf_init(&pem, CERTIFICATE_BYTES_MAX);
	snprintf(path, sizeof(path), "%s/keys/evidence.crt",
	    limits->relay->directory);
	code = file_read(path, &pem, why);
	if (code == 0)
		code = certificate_parse(buf_span(&pem), &certificate, why);
	snprintf(path, sizeof(path), "%s/keys/evidence.key",
	    limits->relay->directory);
	if (code == 0)
		code = private_key_load(path, &key, why);
	if (code == 0)
		code = jws_signer_new(key,
		    (const struct certificate *const *)&certificate, 1,
		    JWS_EVIDENCE_TYPE, false, &signer, why);
	if (code == 0)
		code = sign_many(signer, out, why);
	jws_signer_free(signer);
	private_key_free(key);
	certificate_free(certificate);
	buf_clear(&pem);
	return code;
}

/* ---- rendering ---- */

static int
render_many(const struct profile *profile, struct span payload,
    const struct limits *limits, struct pdf_fonts *fonts, double *out,
    struct why *why)
{
	static const struct render_file files[] = {
	    {"en.pdf", 204800}, {"to.pdf", 204800}, {"tre.pdf", 204800}};
	const struct render_context context = {.message = "bench",
	    .sender = "900000006",
	    .recipient = "900000014",
	    .received_ms = clock_wall_ms(),
	    .files = files,
	    .files_count = 3};
	double began = 0;
	uint64_t count = 0;
	int code = 0;

	render_words_keep(profile, fonts);
	/* the first is not counted: caches are cold */
	while (code == 0 &&
	       (count < 2 || bench_own_cpu() - began < PART_SECONDS)) {
		struct findings findings;
		struct render_result result;

		findings_init(&findings, (size_t)limits->findings);
		render_result_init(&result, limits);
		code = render_payload(profile, payload, &context, limits, fonts,
		    &findings, &result, why);
		render_result_clear(&result);
		findings_clear(&findings);
		if (count++ == 0)
			began = bench_own_cpu();
	}
	if (count > 1)
		*out = (bench_own_cpu() - began) / (double)(count - 1);
	return code;
}

int
bench_limit_render(
    const char *name, const char *payload, double *out, struct why *why)
{
	struct limits limits;
	struct profile_set profiles = {0};
	struct pdf_fonts *fonts = NULL;
	struct buf text;
	int code;

	limits_init(&limits);
	buf_init(&text, limits.payload_bytes);
	code = file_read(payload, &text, why);
	if (code == 0)
		code = profile_set_load(
		    "formats/profiles", &limits, &profiles, why);
	if (code == 0)
		code = pdf_fonts_open(NULL, &limits, &fonts, why);
	if (code == 0) {
		const struct profile *profile =
		    profile_set_find(&profiles, name);

		code = profile == NULL
			   ? why_set(why, WHY_NOT_FOUND, "no such type")
			   : render_many(profile, buf_span(&text), &limits,
				 fonts, out, why);
	}
	pdf_fonts_close(fonts);
	profile_set_clear(&profiles);
	buf_clear(&text);
	return code;
}
