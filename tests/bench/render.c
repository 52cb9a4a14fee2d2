/*
 * render - what rendering costs, as figures: CPU of one document when all is
 * warm, the first one after a start, memory, and how both grow.
 *
 * usage: bench_render                 a line for each: NAME, value, unit
 *        bench_render --first [ROWS]  one document, in a process of its own
 *        bench_render --many N        N of each, for a profiler
 *        bench_render --write FOLDER  the sample as text and XHTML, for others
 *
 * The sample is three A4 pages in ten languages; the application is a
 * soknad.json of 15 KiB.
 */
#include "formats/render.h"
#include "formats/json.h"
#include "formats/pdf.h"
#include "formats/profile.h"
#include "formats/schema.h"
#include "formats/xhtml.h"
#include "tests/support/sample_document.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define APPLICATION "tests/formats/fixtures/digisos/gyldig-stor.json"
#define TYPE "digisos-soknad"
#define SECONDS 0.6 /* of each measurement */
#define COPIES 100  /* of the sample make the long document */

static struct limits limits;
static struct pdf_fonts *fonts;
static struct profile_set profiles;
static const struct profile *profile;
static struct buf payload;
static json_t *parsed;
static struct document *sample;

static void
need(int code, const struct why *why)
{
	if (code == 0)
		return;
	fprintf(stderr, "bench_render: %s\n", why->text);
	exit(1);
}

static double
seconds_of(clockid_t clock)
{
	struct timespec now;
	(void)clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
tell(const char *name, double value, const char *unit)
{
	printf("render: %s\t%.1f\t%s\n", name, value, unit);
}

/* Median CPU time of one call, in us. The first is not counted. */
static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double
cost(void (*work)(void))
{
	static double took[20000];
	size_t count = 0;
	double began = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
	double at = began;
	work();
	while (count < sizeof took / sizeof *took &&
	       (count < 5 || at - began < SECONDS)) {
		at = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
		work();
		took[count++] =
		    (seconds_of(CLOCK_PROCESS_CPUTIME_ID) - at) * 1e6;
	}
	qsort(took, count, sizeof *took, compare);
	return took[count / 2];
}

/* ---- what is measured ---- */

static void
pdf_of(const struct document *document)
{
	struct buf out;
	struct why why;
	buf_init(&out, (size_t)limits.document_bytes);
	need(pdf_build(fonts, document, &out, NULL, &why), &why);
	pdf_caches_clear(fonts);
	buf_clear(&out);
}

static void
render_sample(void)
{
	struct document *document = sample_document(&limits);
	pdf_of(document);
	document_free(document);
}

static void
xhtml_sample(void)
{
	struct buf out;
	struct why why;
	buf_init(&out, (size_t)limits.document_bytes);
	need(xhtml_build(sample, &out, &why), &why);
	buf_clear(&out);
}

static void
check_application(void)
{
	struct findings findings;
	struct why why;
	findings_init(&findings, (size_t)limits.findings);
	need(schema_check(profile->schema, parsed, "payload", &findings, &why),
	    &why);
	findings_clear(&findings);
}

static void
render_application(void)
{
	static const struct render_file files[] = {
	    {"en.pdf", 204800}, {"to.pdf", 204800}, {"tre.pdf", 204800}};
	const struct render_context context = {.message = "bench",
	    .sender = "900000006",
	    .recipient = "900000014",
	    .received_ms = INT64_C(1795374300123),
	    .files = files,
	    .files_count = 3};
	struct findings findings;
	struct render_result result;
	struct why why;
	findings_init(&findings, (size_t)limits.findings);
	render_result_init(&result, &limits);
	need(render_payload(profile, buf_span(&payload), &context, &limits,
		 fonts, &findings, &result, &why),
	    &why);
	render_result_clear(&result);
	findings_clear(&findings);
}

/* ---- the first after a start ---- */

static void
open_all(void)
{
	struct why why;
	uint8_t *room;
	render_memory_keep();
	limits_init(&limits);
	need(pdf_fonts_open(NULL, &limits, &fonts, &why), &why);
	need(profile_set_load("formats/profiles", &limits, &profiles, &why),
	    &why);
	profile = profile_set_find(&profiles, TYPE);
	FILE *file = fopen(APPLICATION, "r");
	buf_init(&payload, (size_t)limits.payload_bytes);
	room = buf_room(&payload, (size_t)limits.payload_bytes);
	if (profile == NULL || file == NULL || room == NULL)
		exit(1);
	buf_used(&payload, fread(room, 1, (size_t)limits.payload_bytes, file));
	(void)fclose(file);
}

static double long_cost(size_t rows, size_t *bytes);

/* From the program's start to its first PDF: fonts, and the sample or a table
 * of so many rows. */
static void
first(const char *rows)
{
	size_t bytes;
	struct why why;
	render_memory_keep();
	limits_init(&limits);
	need(pdf_fonts_open(NULL, &limits, &fonts, &why), &why);
	if (rows == NULL)
		render_sample();
	else
		(void)long_cost(strtoul(rows, NULL, 10), &bytes);
}

static void
forget(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	(void)close(fd);
}

static void
forget_fonts(void)
{
	FILE *list = popen("ls " PDF_FONTS_DIR "/*.ttf", "r");
	char path[512];
	while (list != NULL && fgets(path, sizeof path, list) != NULL) {
		path[strcspn(path, "\n")] = '\0';
		forget(path);
	}
	if (list != NULL)
		(void)pclose(list);
}

/* Wall ms of a process that makes one document, of so many rows or (NULL) the
 * sample; *peak its memory. */
static double
first_in_process(const char *rows, double *peak_mib)
{
	struct rusage usage;
	int status = 1;
	double began = seconds_of(CLOCK_MONOTONIC);
	pid_t pid = fork();
	if (pid == 0) {
		execl("/proc/self/exe", "bench_render", "--first", rows,
		    (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0 || status != 0)
		exit(1);
	*peak_mib = (double)usage.ru_maxrss / 1024;
	return (seconds_of(CLOCK_MONOTONIC) - began) * 1000;
}

static double
first_best(bool cold, double *peak_mib)
{
	double took[9];
	for (size_t i = 0; i < 9; i++) {
		if (cold)
			forget_fonts();
		took[i] = first_in_process(NULL, peak_mib);
	}
	qsort(took, 9, sizeof *took, compare);
	return took[4];
}

/* ---- growth ---- */

static struct document *
long_document(size_t rows)
{
	const struct document_meta meta = {.title = "Lang",
	    .language = "nb",
	    .created_ms = INT64_C(1795374300123)};
	struct document *document = document_new(&meta, &limits);
	struct document_node *root = document_root(document);
	(void)document_heading(document, root, 1, span_text("Lang"));
	struct document_node *table = document_table(document, root);
	for (size_t i = 0; i < rows; i++) {
		char name[32];
		(void)snprintf(name, sizeof name, "Utbetaling %zu", i);
		document_row(document, table, span_text(name),
		    span_text("Bostøtte for november, 1 234,00 kroner til "
			      "konto, utbetalt den 20. i måneden"));
	}
	return document;
}

static double
long_cost(size_t rows, size_t *bytes)
{
	struct buf out;
	struct why why;
	struct document *document = long_document(rows);
	double best = 1e9;
	for (int i = 0; i < 3; i++) {
		double began = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
		buf_init(&out, (size_t)limits.document_bytes);
		need(pdf_build(fonts, document, &out, NULL, &why), &why);
		pdf_caches_clear(fonts);
		*bytes = out.size;
		buf_clear(&out);
		began = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - began;
		best = began < best ? began : best;
	}
	document_free(document);
	return best * 1000;
}

/* Everything open, caches warm. */
static void
prepare(void)
{
	struct json_bounds bounds;
	struct why why = {0};
	open_all();
	bounds = (struct json_bounds){
	    (size_t)limits.payload_bytes, (size_t)limits.json_depth};
	need(json_text_read(buf_span(&payload), &bounds, &parsed, &why), &why);
	render_words_keep(profile, fonts);
	sample = sample_document(&limits);
}

static void
write_file(const char *folder, const char *name, const struct buf *bytes)
{
	char path[512];
	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	if (file == NULL ||
	    fwrite(bytes->at, 1, bytes->size, file) != bytes->size ||
	    fclose(file) != 0)
		exit(1);
}

static int
write_sample(const char *folder)
{
	struct buf out;
	struct why why;
	prepare();
	buf_init(&out, (size_t)limits.document_bytes);
	document_plain_text(sample, &out);
	write_file(folder, "sample.txt", &out);
	buf_reset(&out);
	need(xhtml_build(sample, &out, &why), &why);
	write_file(folder, "sample.xhtml", &out);
	buf_clear(&out);
	return 0;
}

static int
many(int count)
{
	prepare();
	for (int i = 0; i < count; i++) {
		render_sample();
		render_application();
	}
	return 0;
}

int
main(int argc, char **argv)
{
	double peak;
	size_t bytes;
	if (argc > 1 && strcmp(argv[1], "--first") == 0) {
		first(argv[2]);
		return 0;
	}
	if (argc > 2 && strcmp(argv[1], "--many") == 0)
		return many(atoi(argv[2]));
	if (argc > 2 && strcmp(argv[1], "--write") == 0)
		return write_sample(argv[2]);
	double cold = first_best(true, &peak);
	double warm = first_best(false, &peak);
	prepare();
	tell("3 pages in ten languages to PDF", cost(render_sample), "us");
	tell("the same to XHTML", cost(xhtml_sample), "us");
	tell("schema of a parsed soknad.json", cost(check_application), "us");
	tell("soknad.json of 15 KiB, whole step", cost(render_application),
	    "us");
	tell("first after a start, files cached", warm, "ms");
	tell("first after a start, fonts not cached", cold, "ms");
	tell("memory of that process (RSS)", peak, "MiB");
	double short_ms = long_cost(300, &bytes);
	tell("a table of 300 rows to PDF", short_ms, "ms");
	double long_ms = long_cost(9000, &bytes);
	tell("a table of 9,000 rows to PDF", long_ms, "ms");
	(void)first_in_process("4825", &peak);
	tell("memory of a process for 150 pages (RSS)", peak, "MiB");
	(void)first_in_process("9650", &peak);
	tell("memory of a process for 300 pages (RSS)", peak, "MiB");
	return 0;
}
