/*
 * bench_message - submissions to measure with: the same bytes at every run.
 */
#pragma once

#include "base/buf.h"
#include "base/why.h"

#include <stddef.h>

#define BENCH_BOUNDARY "budstikke-bench-0123456789abcdef"

struct bench_file {
	const char *name; /* of the part */
	const char *filename;
	const char *media_type;
	struct buf bytes;
};
#define BENCH_FILES_MAX 8

struct bench_message {
	struct bench_file files[BENCH_FILES_MAX];
	size_t count;
	size_t bytes;    /* of all files */
	struct buf body; /* multipart/form-data, the envelope first */
};

/* Type `document`: one PDF of exactly size bytes. */
int bench_document_make(struct bench_message *message, const char *recipient,
    size_t size, struct why *why);
/* Type `digisos-soknad`: the payload file, three PDFs of size bytes and the
 * list of them. */
int bench_application_make(struct bench_message *message, const char *recipient,
    const char *payload, size_t size, struct why *why);
void bench_message_clear(struct bench_message *message);
