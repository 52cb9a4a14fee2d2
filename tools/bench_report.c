#include "tools/bench_row.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double
percent(const struct bench_row *row)
{
	return row->limit > 0 ? 100 * row->ours / row->limit : 0;
}

/* What the parts cost of all that was used: the same on a busy machine, where
 * rates are not. */
static double
cpu_percent(const struct bench *bench, const struct bench_row *row)
{
	double used = row->client_us;

	for (size_t i = 0; i < bench->relay.count; i++)
		used += row->us[i];
	return used > 0 ? 100 * row->parts_sum / used : 0;
}

static void
cost_print(const struct bench *bench, const struct bench_row *row)
{
	printf("%-42s", row->name);
	for (size_t i = 0; i < bench->relay.count; i++)
		if (row->us[i] >= 0.5)
			printf(" %s %.0f", bench->relay.processes[i].name,
			    row->us[i]);
	printf(" | client %.0f\n", row->client_us);
	if (row->parts[0] != '\0')
		printf("%42s limit: %s (%.0f %%)\n", "", row->parts,
		    cpu_percent(bench, row));
	if (row->store_group != 0)
		printf("%42s the store alone, with all records, %u in a "
		       "commit: %.0f us of time, %.0f of CPU\n",
		    "", row->store_group, row->store_us, row->store_cpu_us);
}

static void
memory_print(const struct bench *bench, const char *when, const uint64_t *kib)
{
	printf("%-12s", when);
	for (size_t i = 0; i < bench->relay.count; i++)
		printf(" %s %.1f", bench->relay.processes[i].name,
		    (double)kib[i] / 1024);
	printf("\n");
}

void
bench_report_print(const struct bench *bench)
{
	printf("\n%-58s %9s %9s %5s  %-8s %8s %8s %6s  %s\n", "row", "ours",
	    "limit", "%", "unit", "p50 ms", "p99 ms", "load", "limit set by");
	for (size_t i = 0; i < bench->count; i++) {
		const struct bench_row *row = &bench->rows[i];

		printf("%-58s %9.1f ", row->name, row->ours);
		if (row->limit > 0)
			printf("%9.1f %5.0f", row->limit, percent(row));
		else
			printf("%9s %5s", "", "");
		printf("  %-8s ", row->unit);
		if (row->p50_ms > 0)
			printf("%8.2f %8.2f ", row->p50_ms, row->p99_ms);
		else
			printf("%8s %8s ", "", "");
		printf("%6.1f  %s\n", row->load_average,
		    row->binds == NULL ? "" : row->binds);
	}
	printf("\nCPU microseconds of one message, by process\n");
	for (size_t i = 0; i < bench->count; i++)
		if (bench->rows[i].has_us)
			cost_print(bench, &bench->rows[i]);
	printf("\nRssAnon in MiB, by process\n");
	memory_print(bench, "idle", bench->memory_idle);
	memory_print(bench, "under load", bench->memory_most);
}

static json_t *
row_json(const struct bench *bench, const struct bench_row *row)
{
	json_t *item = json_pack(
	    "{s:s,s:s,s:f,s:f,s:f,s:s*,s:f,s:f,s:f,s:f,s:f}", "name", row->name,
	    "unit", row->unit, "ours", row->ours, "limit", row->limit,
	    "percent", percent(row), "limitSetBy", row->binds, "p50_ms",
	    row->p50_ms, "p99_ms", row->p99_ms, "least", row->least, "most",
	    row->most, "loadAverage", row->load_average);
	json_t *cost = json_object();

	if (!row->has_us) {
		json_decref(cost);
		return item;
	}
	for (size_t i = 0; i < bench->relay.count; i++)
		json_object_set_new(cost, bench->relay.processes[i].name,
		    json_real(row->us[i]));
	json_object_set_new(cost, "client", json_real(row->client_us));
	json_object_set_new(
	    item, "cpuPercent", json_real(cpu_percent(bench, row)));
	json_object_set_new(item, "limitParts", json_string(row->parts));
	if (row->store_group != 0)
		json_object_set_new(item, "storeAlone",
		    json_pack("{s:i,s:f,s:f}", "group", (int)row->store_group,
			"us", row->store_us, "cpu_us", row->store_cpu_us));
	json_object_set_new(item, "cpu_us", cost);
	return item;
}

int
bench_report_write(const struct bench *bench, const char *path, struct why *why)
{
	json_t *rows = json_array();
	json_t *memory = json_object();
	json_t *all = json_pack("{s:I,s:o,s:o}", "time", (json_int_t)time(NULL),
	    "rows", rows, "rssAnonKiB", memory);
	int code = 0;

	for (size_t i = 0; i < bench->count; i++)
		json_array_append_new(rows, row_json(bench, &bench->rows[i]));
	for (size_t i = 0; i < bench->relay.count; i++)
		json_object_set_new(memory, bench->relay.processes[i].name,
		    json_pack("{s:I,s:I}", "idle",
			(json_int_t)bench->memory_idle[i], "most",
			(json_int_t)bench->memory_most[i]));
	if (json_dump_file(all, path, JSON_INDENT(1)) != 0)
		code = why_errno(why, "write %s", path);
	json_decref(all);
	return code;
}
