/*
 * bench_store - the store alone: what accepted messages cost when nothing else
 * is done, with every record that a message has. Between it and the limit's
 * commit (the same bytes in one place) lies what the records cost.
 */
#include "base/clock.h"
#include "keys/log_hash.h"
#include "spool/spool.h"
#include "tools/bench_limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STORE_SECONDS 0.7
#define WARM_COMMITS 50
#define JWS_BYTES 2000 /* a receipt, with its certificates */
#define METADATA_BYTES 400
#define RECIPIENT "964338531"
#define SENDER "889640782"

static const uint8_t certificate[SPOOL_HASH_SIZE] = {0xce, 0x47};

struct storing {
	struct spool *spool;
	uint8_t *bytes;
	size_t size;
	char jws[JWS_BYTES];
	uint64_t next;
};

static int
group_end(struct storing *storing, struct spool_group *group, int code,
    struct why *why)
{
	for (size_t i = 0; code == 0 && i < spool_group_drafts(group); i++)
		code = spool_group_sign(
		    group, i, span_of(storing->jws, JWS_BYTES), why);
	if (code == 0)
		return spool_group_commit(group, why);
	spool_group_abort(group);
	return code;
}

static int
mailbox_make(struct storing *storing, struct why *why)
{
	const char *const types[] = {"document"};
	const struct spool_mailbox_put put = {
	    .recipient = RECIPIENT,
	    .state = SPOOL_MAILBOX_OPEN,
	    .without_probe = true,
	    .form = SPOOL_FORM_ASICE,
	    .types = types,
	    .type_count = 1,
	};
	struct spool_certificate_add add = {
	    .recipient = RECIPIENT,
	    .der = span_text("none"),
	    .suite = "cms-cbc-oaep",
	    .policy = SPOOL_PINNED,
	    .valid_to_ms = clock_wall_ms() + CLOCK_DAY_MS,
	    .challenge = span_text("none"),
	};
	struct spool_group *group = NULL;
	int code =
	    spool_group_begin(storing->spool, clock_wall_ms(), &group, why);

	if (code != 0)
		return code;
	memcpy(add.fingerprint, certificate, SPOOL_HASH_SIZE);
	code = spool_mailbox_put(group, &put, why);
	if (code == 0)
		code = spool_certificate_add(group, &add, NULL, why);
	if (code == 0)
		code = spool_certificate_prove(
		    group, RECIPIENT, certificate, add.challenge_hash, why);
	return group_end(storing, group, code, why);
}

/* As the profile `document` has its stages, and a key that nobody used. */
static int
accept_one(struct storing *storing, struct spool_group *group, struct why *why)
{
	int64_t now = clock_wall_ms();
	const struct spool_deadline deadlines[] = {
	    {now + CLOCK_DAY_MS, SPOOL_DEADLINE_FETCH, SPOOL_WARNING},
	    {now + 2 * CLOCK_DAY_MS, SPOOL_DEADLINE_CONFIRM, SPOOL_WARNING},
	    {now + 3 * CLOCK_DAY_MS, SPOOL_DEADLINE_FETCH, SPOOL_SERIOUS},
	    {now + 4 * CLOCK_DAY_MS, SPOOL_DEADLINE_CONFIRM, SPOOL_SERIOUS},
	};
	struct spool_delivery_new new = {
	    .recipient = RECIPIENT,
	    .rest = span_of(storing->bytes, storing->size),
	    .size = storing->size,
	    .form = SPOOL_FORM_ASICE,
	    .suite = "cms-cbc-oaep",
	    .seal = 1,
	    .deadlines = deadlines,
	    .deadline_count = sizeof(deadlines) / sizeof(deadlines[0]),
	    .expires_ms = now + 14 * CLOCK_DAY_MS,
	    .grace_ms = 30 * CLOCK_DAY_MS,
	};
	struct spool_accept accept = {
	    .message = id_new(now),
	    .upload = id_new(now),
	    .sender = SENDER,
	    .type = "document",
	    .version = "1",
	    .submitted_ms = now,
	    .metadata = span_of(storing->bytes, METADATA_BYTES),
	    .deliveries = &new,
	    .delivery_count = 1,
	};
	struct spool_accepted accepted;
	uint64_t spread = ++storing->next * 0x9e3779b97f4a7c15u;

	memcpy(new.certificate, certificate, SPOOL_HASH_SIZE);
	memcpy(accept.key, &spread, sizeof(spread)); /* a digest's spread */
	memcpy(accept.fingerprint, &spread, sizeof(spread));
	return spool_accept(group, &accept, &accepted, why);
}

static int
commit(struct storing *storing, size_t count, struct why *why)
{
	struct spool_group *group = NULL;
	int code =
	    spool_group_begin(storing->spool, clock_wall_ms(), &group, why);

	if (code != 0)
		return code;
	for (size_t i = 0; code == 0 && i < count; i++)
		code = accept_one(storing, group, why);
	return group_end(storing, group, code, why);
}

static int
measure(struct storing *storing, size_t group, struct limit_commit *out,
    struct why *why)
{
	int code = 0;
	uint64_t commits = 0;
	double cpu;
	double took;
	int64_t began;

	for (int i = 0; code == 0 && i < WARM_COMMITS; i++)
		code = commit(storing, group, why);
	began = clock_mono_ms();
	cpu = bench_own_cpu();
	for (; code == 0 &&
	       (double)(clock_mono_ms() - began) / 1e3 < STORE_SECONDS;
	     commits++)
		code = commit(storing, group, why);
	if (code != 0)
		return code;
	took = (double)(clock_mono_ms() - began) / 1e3 / (double)commits;
	*out = (struct limit_commit){
	    .cpu = (bench_own_cpu() - cpu) / (double)(commits * group),
	    .disk = took / (double)group,
	    .wait = took,
	};
	return 0;
}

int
bench_limit_store(const struct bench_limits *limits, size_t size, size_t group,
    struct limit_commit *out, struct why *why)
{
	struct spool_options options;
	struct storing *storing = calloc(1, sizeof(*storing));
	int code;

	if (storing == NULL)
		return why_set(why, WHY_NOMEM, "store");
	storing->size = size;
	storing->bytes =
	    calloc(1, size > METADATA_BYTES ? size : METADATA_BYTES);
	memset(storing->jws, 'j', JWS_BYTES);
	spool_options_init(&options);
	options.sha256 = log_sha256;
	options.create = true;
	code = storing->bytes == NULL ? why_set(why, WHY_NOMEM, "store")
				      : bench_scratch_clear(limits, why);
	if (code == 0)
		code =
		    spool_open(limits->scratch, &options, &storing->spool, why);
	if (code == 0)
		code = mailbox_make(storing, why);
	if (code == 0)
		code = measure(storing, group, out, why);
	spool_close(storing->spool);
	free(storing->bytes);
	free(storing);
	return code;
}
