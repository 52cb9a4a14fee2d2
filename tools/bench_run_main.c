/*
 * bench_run - `make bench`: one run, one relay, one table, with the limit of
 * this machine beside each row. It fails only when something did not work,
 * never because of speed.
 */
#include "base/log.h"
#include "tools/bench_row.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static int
rows_run(struct bench *bench, struct why *why)
{
	static int (*const rows[])(struct bench *, struct why *) = {bench_idle,
	    bench_deliver, bench_accept_documents, bench_accept_application,
	    bench_accept_big};
	int code = 0;

	for (size_t i = 0; code == 0 && i < sizeof(rows) / sizeof(rows[0]); i++)
		code = rows[i](bench, why);
	return code;
}

/* Rows that a script tells: NAME, value, unit. */
static int
render_run(struct bench *bench, struct why *why)
{
	FILE *rows = popen(bench->peers ? "tests/bench/render.sh " BENCH_FOLDER
					  " --peers"
					: "tests/bench/render.sh " BENCH_FOLDER,
	    "r");
	char line[256];

	if (rows == NULL)
		return why_errno(why, "run tests/bench/render.sh");
	while (fgets(line, sizeof(line), rows) != NULL) {
		static const char *const units[] = {"us", "ms", "MiB"};
		char *save = NULL;
		const char *name = strtok_r(line, "\t\n", &save);
		const char *value = strtok_r(NULL, "\t\n", &save);
		const char *unit = strtok_r(NULL, "\t\n", &save);
		struct bench_row *row = NULL;

		for (size_t i = 0; unit != NULL && i < 3; i++)
			if (strcmp(unit, units[i]) == 0)
				row =
				    bench_row_add(bench, units[i], "%s", name);
		if (row != NULL)
			row->ours = strtod(value, NULL);
	}
	return pclose(rows) == 0
		   ? 0
		   : why_set(why, WHY_STATE, "tests/bench/render.sh failed");
}

/* Rows of other stores, as tests/bench/peers.sh tells them. */
static int
peers_run(struct bench *bench, struct why *why)
{
	FILE *rows = popen("tests/bench/peers.sh " BENCH_FOLDER "/peers", "r");
	char line[256];

	if (rows == NULL)
		return why_errno(why, "run tests/bench/peers.sh");
	while (fgets(line, sizeof(line), rows) != NULL) {
		char *tab = strchr(line, '\t');
		struct bench_row *row;

		if (tab == NULL)
			continue;
		*tab = '\0';
		row = bench_row_add(bench, "msgs/s", "%s", line);
		if (row != NULL)
			(void)sscanf(tab + 1, "%lf %lf %lf", &row->ours,
			    &row->p50_ms, &row->p99_ms);
	}
	return pclose(rows) == 0
		   ? 0
		   : why_set(why, WHY_STATE, "tests/bench/peers.sh failed");
}

static int
run(struct bench *bench, struct why *why)
{
	int code = bench_relay_start(
	    &bench->relay, BENCH_PROGRAMS, BENCH_FOLDER "/relay", why);

	if (code == 0)
		code = bench_limits_init(&bench->limits, &bench->relay,
		    BENCH_FOLDER "/commits", why);
	if (code == 0)
		code = rows_run(bench, why);
	if (code == 0)
		bench_memory(bench);
	if (code == 0 &&
	    (bench->only == NULL || strstr(bench->only, "render:") != NULL))
		code = render_run(bench, why);
	if (code == 0 && bench->peers)
		code = peers_run(bench, why);
	if (code == 0)
		bench_report_print(bench);
	if (code == 0)
		code =
		    bench_report_write(bench, BENCH_FOLDER "/result.json", why);
	if (code == 0)
		code = bench_relay_stop(&bench->relay, why);
	bench_relay_kill(&bench->relay);
	return code;
}

int
main(int argc, char **argv)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct rlimit files;
	struct why why = {0};
	int code;

	log_start("bench", LOG_WARNING);
	if (bench == NULL)
		return 1;
	bench->seconds = 1.2;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
			bench->only = argv[++i];
		else if (strcmp(argv[i], "--peers") == 0)
			bench->peers = true;
		else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
			bench->seconds = atof(argv[++i]);
		else {
			fprintf(stderr,
			    "usage: bench_run [--only PART-OF-A-ROW'S-NAME] "
			    "[--seconds OF-A-ROUND] [--peers]\n");
			free(bench);
			return 2;
		}
	}
	/* as the writer of the store: the commit row is its limit */
	(void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
	(void)mallopt(M_TOP_PAD, 64 << 20);
	(void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	(void)mkdir(BENCH_PROGRAMS, 0755);
	(void)mkdir(BENCH_FOLDER, 0755);
	code = run(bench, &why);
	if (code != 0)
		fprintf(stderr, "bench: %s: %s\n", why_name(code), why.text);
	free(bench);
	return code == 0 ? 0 : 1;
}
