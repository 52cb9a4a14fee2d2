#include "spool/measure.h"

#include "spool/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAP_BYTES ((size_t)8 << 30)
#define PIECE_BYTES 65520
#define BACKLOG 200
#define TIMES_MAX 65536

struct measuring {
	MDB_env *env;
	MDB_dbi dbi;
	size_t size;
	uint64_t next;
	uint8_t *bytes;
	double *times;
	size_t times_size;
};

static double
seconds_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Big-endian, so that pieces of a value lie side by side. */
static void
key_build(uint8_t key[12], uint64_t value, uint32_t piece)
{
	for (size_t i = 0; i < 8; i++)
		key[i] = (uint8_t)(value >> (8 * (7 - i)));
	for (size_t i = 0; i < 4; i++)
		key[8 + i] = (uint8_t)(piece >> (8 * (3 - i)));
}

static int
value_write(struct measuring *m, MDB_txn *txn)
{
	uint8_t key[12];
	MDB_val at = {sizeof(key), key};
	uint32_t pieces = 0;
	int rc = 0;

	for (size_t done = 0; rc == 0 && done < m->size; pieces++) {
		size_t piece =
		    m->size - done < PIECE_BYTES ? m->size - done : PIECE_BYTES;
		MDB_val value = {piece, NULL};

		key_build(key, m->next, pieces);
		rc = mdb_put(txn, m->dbi, &at, &value, MDB_RESERVE);
		if (rc == 0)
			memcpy(value.mv_data, m->bytes + done, piece);
		done += piece;
	}
	for (uint32_t i = 0; rc == 0 && m->next >= BACKLOG && i < pieces; i++) {
		key_build(key, m->next - BACKLOG, i);
		rc = mdb_del(txn, m->dbi, &at, NULL);
	}
	m->next++;
	return rc;
}

static int
commit(struct measuring *m, size_t count)
{
	MDB_txn *txn = NULL;
	double began = seconds_of(CLOCK_MONOTONIC);
	int rc = mdb_txn_begin(m->env, NULL, 0, &txn);

	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = value_write(m, txn);
	if (rc != 0) {
		if (txn != NULL)
			mdb_txn_abort(txn);
		return rc;
	}
	rc = mdb_txn_commit(txn);
	if (rc == 0 && m->times_size < TIMES_MAX)
		m->times[m->times_size++] =
		    (seconds_of(CLOCK_MONOTONIC) - began) * 1e3;
	return rc;
}

static int
env_open(struct measuring *m, const char *dir)
{
	MDB_txn *txn = NULL;
	int rc = mdb_env_create(&m->env);

	if (rc == 0)
		rc = mdb_env_set_mapsize(m->env, MAP_BYTES);
	if (rc == 0)
		rc = mdb_env_open(m->env, dir, 0, 0600);
	if (rc == 0)
		rc = mdb_txn_begin(m->env, NULL, 0, &txn);
	if (rc == 0)
		rc = mdb_dbi_open(txn, NULL, MDB_CREATE, &m->dbi);
	if (rc == 0)
		rc = mdb_txn_commit(txn);
	else if (txn != NULL)
		mdb_txn_abort(txn);
	return rc;
}

static int
double_compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int
spool_measure(const char *dir, size_t size, size_t per_commit, double seconds,
    struct spool_measured *out, struct why *why)
{
	struct measuring m = {.size = size};
	double began;
	double cpu;
	int rc;

	m.bytes = malloc(size);
	m.times = malloc(TIMES_MAX * sizeof(*m.times));
	rc = ENOMEM;
	if (m.bytes != NULL && m.times != NULL) {
		memset(m.bytes, 0x5a, size);
		rc = env_open(&m, dir);
	}
	began = seconds_of(CLOCK_MONOTONIC);
	cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
	while (rc == 0 && seconds_of(CLOCK_MONOTONIC) - began < seconds)
		rc = commit(&m, per_commit);
	*out = (struct spool_measured){.values = m.next,
	    .seconds = seconds_of(CLOCK_MONOTONIC) - began,
	    .cpu_seconds = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu};
	if (m.times_size > 0) {
		qsort(m.times, m.times_size, sizeof(*m.times), double_compare);
		out->commit_ms = m.times[m.times_size / 2];
	}
	if (m.env != NULL)
		mdb_env_close(m.env);
	free(m.bytes);
	free(m.times);
	return why_from_mdb(why, rc, "measure commits");
}
