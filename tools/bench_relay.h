/*
 * bench_relay - a fresh relay of this build to measure: its directory, its
 * processes, their memory and CPU time.
 */
#pragma once

#include "base/why.h"
#include "keys/certificate.h"
#include "keys/private_key.h"
#include "keys/seal.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BENCH_TOKEN "bench-token-0123456789abcdef"
#define BENCH_PROCESSES_MAX 16

/* A mailbox with a suite of its own. */
struct bench_mailbox {
	const char *name;
	const char *organisation;
	enum seal_suite suite;
	struct certificate *certificate;
	struct private_key *key;
};

enum { BENCH_CBC_OAEP, BENCH_GCM_OAEP, BENCH_GCM_ECDH, BENCH_MAILBOXES };

struct bench_process {
	char name[24]; /* "net", "spool" ...; "parent" */
	pid_t pid;
};

struct bench_relay {
	char directory[256];
	pid_t pid;
	uint16_t port;
	struct bench_mailbox mailboxes[BENCH_MAILBOXES];
	struct bench_process processes[BENCH_PROCESSES_MAX];
	size_t count;
};

/* Make directory anew with `budstikke init --demo`, mailboxes with suites, and
 * start budstikked; programs are the folder of both. */
int bench_relay_start(struct bench_relay *relay, const char *programs,
    const char *directory, struct why *why);
/* End it as an operator would; WHY_STATE when it did not leave with 0. */
int bench_relay_stop(struct bench_relay *relay, struct why *why);
/* End it at once, whatever it does; no relay is fine. */
void bench_relay_kill(struct bench_relay *relay);

/* CPU seconds of each process so far. */
void bench_relay_cpu(
    const struct bench_relay *relay, double seconds[BENCH_PROCESSES_MAX]);
/* RssAnon in KiB of each process; returns the sum. */
uint64_t bench_relay_memory(
    const struct bench_relay *relay, uint64_t kib[BENCH_PROCESSES_MAX]);

/* CPU seconds of any process of ours. */
double bench_process_cpu(pid_t pid);
