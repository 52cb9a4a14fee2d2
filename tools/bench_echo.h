/*
 * bench_echo - a server that does nothing but TLS and the least of HTTP: it
 * reads a request away and answers with as many bytes as its path says. What
 * it costs is the limit for what is beside TLS in a relay.
 */
#pragma once

#include "base/why.h"

#include <stdint.h>
#include <sys/types.h>

struct bench_echo {
	pid_t pid;
	uint16_t port;
};

/* Starts a process; certificate and key are PEM files. */
int bench_echo_start(struct bench_echo *echo, const char *certificate,
    const char *key, struct why *why);
void bench_echo_stop(struct bench_echo *echo);
