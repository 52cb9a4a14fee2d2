/*
 * Long documents cost what their pages do: twice the pages, twice the memory
 * and twice the time, not more. Memory is counted by the allocator's own hooks,
 * so that the figure is the same on every machine.
 */
#include "base/limits.h"
#include "formats/pdf.h"
#include "tests/support/pdf_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define ROWS_OF_A_PAGE 32

/* Of the sanitizer's allocator_interface.h, which gcc does not install. */
int __sanitizer_install_malloc_and_free_hooks(
    void (*on_malloc)(const volatile void *, size_t),
    void (*on_free)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *at);

static struct limits limits;
static size_t held, most_held;

static void
on_malloc(const volatile void *at, size_t size)
{
	(void)at;
	held += size;
	if (held > most_held)
		most_held = held;
}

static void
on_free(const volatile void *at)
{
	if (at != NULL)
		held -= __sanitizer_get_allocated_size(at);
}

static int
start(void **state)
{
	(void)state;
	limits_init(&limits);
	if (!__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free))
		return -1;
	return pdf_check_start(&limits);
}

static int
stop(void **state)
{
	(void)state;
	pdf_check_stop();
	return 0;
}

static struct document *
payments(int pages)
{
	struct document *document = pdf_check_document(&limits);
	struct document_node *root = document_root(document);
	document_heading(document, root, 1, span_text("Utbetalinger"));
	for (int page = 0; page < pages; page++) {
		char name[32];
		snprintf(name, sizeof name, "Utbetaling %d", page);
		document_heading(document, root, 2, span_text(name));
		struct document_node *table = document_table(document, root);
		for (int row = 0; row < ROWS_OF_A_PAGE; row++) {
			snprintf(name, sizeof name, "Del %d av %d", row, page);
			document_row(document, table, span_text(name),
			    span_text("1 234 kroner til konto"));
		}
	}
	return document;
}

struct cost {
	size_t bytes;
	double seconds;
};

static struct cost
cost_of(int pages)
{
	struct document *document = payments(pages);
	struct timespec from, to;
	struct why why = {0};
	struct buf pdf;
	size_t before = held;
	buf_init(&pdf, limits.document_bytes);
	most_held = held;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	if (pdf_build(pdf_check_fonts(), document, &pdf, NULL, &why) != 0)
		fail_msg("%s", why.text);
	pdf_caches_clear(pdf_check_fonts());
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	struct cost cost = {.bytes = most_held - before,
	    .seconds = (double)(to.tv_sec - from.tv_sec) +
		       (double)(to.tv_nsec - from.tv_nsec) / 1e9};
	buf_clear(&pdf);
	document_free(document);
	return cost;
}

/* Other work on the machine makes time longer, never shorter. */
static struct cost
least_of_three(int pages)
{
	struct cost least = cost_of(pages);
	for (int i = 0; i < 2; i++) {
		struct cost one = cost_of(pages);
		if (one.seconds < least.seconds)
			least = one;
	}
	return least;
}

static void
twice_the_pages_take_twice_the_memory_and_time(void **state)
{
	(void)state;
	(void)cost_of(20); /* what is made once and kept */
	struct cost half = least_of_three(150);
	struct cost all = least_of_three(300);
	print_message("300 pages: %zu KiB, %.0f ms; 150: %zu KiB, %.0f ms\n",
	    all.bytes >> 10, all.seconds * 1000, half.bytes >> 10,
	    half.seconds * 1000);
	assert_in_range(all.bytes, half.bytes, half.bytes * 22 / 10);
	assert_true(all.seconds < half.seconds * 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(twice_the_pages_take_twice_the_memory_and_time),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
