#include "base/text.h"
#include "formats/unzip.h"
#include "formats/zip.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#define WALL_MS INT64_C(1795374300000)

static int
to_buf(void *context, struct span bytes, struct why *why)
{
	struct buf *out = context;
	buf_add_span(out, bytes);
	return buf_ok(out) ? 0 : why_set(why, WHY_FULL, "full");
}

/* Gives a span in pieces of step bytes. */
struct source {
	struct span rest;
	size_t step;
	size_t fail_at; /* a failure when so much is left; 0: never */
};

static int
from_span(void *context, struct span *bytes, struct why *why)
{
	struct source *source = context;
	if (source->fail_at > 0 && source->rest.size <= source->fail_at)
		return why_set(why, WHY_GONE, "the peer went away");
	size_t size =
	    source->rest.size < source->step ? source->rest.size : source->step;
	*bytes = span_of(source->rest.at, size);
	source->rest.at += size;
	source->rest.size -= size;
	return 0;
}

static const struct unzip_limits plenty = {
    100, 300, UINT64_C(1) << 40, UINT64_C(1) << 40, 2000};

static void
sample(struct buf *out)
{
	struct zip *zip;
	static uint8_t big[200000];
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (uint8_t)(i * 2654435761u >> 13);
	assert_int_equal(zip_new(to_buf, out, WALL_MS, &zip, NULL), 0);
	assert_int_equal(
	    zip_add_stored(zip, "mimetype", span_text("a/b"), NULL), 0);
	assert_int_equal(
	    zip_add_deflated(zip, "text.json",
		span_text("{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}"),
		NULL),
	    0);
	assert_int_equal(
	    zip_begin(zip, "attachments/blåbær.bin", sizeof big, NULL), 0);
	for (size_t at = 0; at < sizeof big;) {
		size_t size = 1 + at % 70001;
		if (size > sizeof big - at)
			size = sizeof big - at;
		assert_int_equal(
		    zip_data(zip, span_of(big + at, size), NULL), 0);
		at += size;
	}
	assert_int_equal(zip_end(zip, NULL), 0);
	assert_int_equal(zip_begin(zip, "empty", 0, NULL), 0);
	assert_int_equal(zip_end(zip, NULL), 0);
	assert_int_equal(zip_begin(zip, "block", 65535, NULL), 0);
	assert_int_equal(zip_data(zip, span_of(big, 65535), NULL), 0);
	assert_int_equal(zip_end(zip, NULL), 0);
	assert_int_equal(zip_finish(zip, NULL), 0);
	zip_free(zip);
}

/* Read all; the number of entries, or the failure. */
static int
read_all(struct span bytes, size_t step, const struct unzip_limits *limits,
    struct why *why)
{
	struct source source = {bytes, step, 0};
	struct unzip *unzip = NULL;
	const char *name;
	int entries = 0;
	int ret = unzip_new(from_span, &source, limits, &unzip, why);
	while (ret == 0 && (ret = unzip_next(unzip, &name, why)) == 0 &&
	       name != NULL) {
		uint8_t at[1000];
		size_t got = 1;
		while (ret == 0 && got > 0)
			ret = unzip_read(unzip, at, sizeof at, &got, why);
		entries++;
	}
	unzip_free(unzip);
	return ret < 0 ? ret : entries;
}

static void
the_first_entry_is_stored_without_an_extra_field(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 1 << 20);
	sample(&out);
	assert_memory_equal(out.at + 30, "mimetype", 8);
	assert_memory_equal(out.at + 38, "a/b", 3);
	assert_int_equal(out.at[6] | out.at[7] << 8, 0);
	assert_int_equal(out.at[8], 0);
	assert_int_equal(out.at[28] | out.at[29] << 8, 0);
	buf_clear(&out);
}

static void
the_same_input_gives_the_same_bytes(void **state)
{
	(void)state;
	struct buf a;
	struct buf b;
	buf_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	sample(&a);
	sample(&b);
	assert_true(span_equal(buf_span(&a), buf_span(&b)));
	buf_clear(&a);
	buf_clear(&b);
}

static void
what_was_written_is_read_back_in_pieces_of_any_size(void **state)
{
	(void)state;
	struct buf out;
	struct why why = {0};
	buf_init(&out, 1 << 20);
	sample(&out);
	static const size_t steps[] = {1 << 20, 65536, 4096, 100, 7};
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		assert_int_equal(
		    read_all(buf_span(&out), steps[i], &plenty, &why), 5);
	buf_clear(&out);
}

static void
an_archive_cut_off_anywhere_is_refused(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 1 << 20);
	sample(&out);
	for (size_t size = 0; size < out.size;
	     size += size < 300 || size + 700 > out.size ? 1 : 997) {
		struct why why = {0};
		assert_int_equal(
		    read_all(span_of(out.at, size), 4096, &plenty, &why),
		    WHY_MALFORMED);
	}
	buf_clear(&out);
}

static void
bytes_behind_the_end_are_refused(void **state)
{
	(void)state;
	struct buf out;
	struct why why;
	buf_init(&out, 1 << 20);
	sample(&out);
	buf_add_byte(&out, 0);
	assert_int_equal(
	    read_all(buf_span(&out), 4096, &plenty, &why), WHY_MALFORMED);
	buf_clear(&out);
}

/* Change bytes of the sample's nth directory record: what reading says. */
static int
read_changed(size_t nth, size_t offset, const void *bytes, size_t size)
{
	struct buf out;
	struct why why = {0};
	buf_init(&out, 1 << 20);
	sample(&out);
	const uint8_t *end = out.at + out.size - 22;
	size_t at = end[16] | end[17] << 8 | end[18] << 16;
	while (nth-- > 0)
		at += 46u + out.at[at + 28];
	assert_memory_equal(out.at + at, "PK\1\2", 4);
	memcpy(out.at + at + offset, bytes, size);
	int ret = read_all(buf_span(&out), 4096, &plenty, &why);
	buf_clear(&out);
	return ret;
}

static void
links_folders_and_devices_of_the_directory_are_refused(void **state)
{
	(void)state;
	static const uint8_t modes[] = {0xA1, 0x41, 0x21, 0x61, 0x11, 0xC1};
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(read_changed(i, 41, "\x81", 1), 5);
		assert_int_equal(read_changed(i, 41, "\x01", 1), 5);
		for (size_t j = 0; j < sizeof modes; j++)
			assert_int_equal(
			    read_changed(i, 41, &modes[j], 1), WHY_UNSUPPORTED);
		/* the system it says it is from does not excuse it */
		assert_int_equal(read_changed(i, 4, "\x14\0", 2), 5); /* FAT */
		assert_int_equal(
		    read_changed(i, 38, "\x10", 1), WHY_UNSUPPORTED);
		assert_int_equal(
		    read_changed(i, 39, "\x04", 1), WHY_UNSUPPORTED);
		assert_int_equal(
		    read_changed(i, 8, "\x01", 1), WHY_UNSUPPORTED);
	}
}

static void
a_directory_that_differs_from_the_entries_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(read_changed(i, 0, "PK\3", 3), WHY_MALFORMED);
		assert_int_equal(read_changed(i, 24, "\x01\x02\x03", 3),
		    WHY_MALFORMED); /* size */
		assert_int_equal(read_changed(i, 28, "\x01", 1), WHY_MALFORMED);
		assert_int_equal(
		    read_changed(i, 32, "\x01", 1), WHY_UNSUPPORTED);
		assert_int_equal(
		    read_changed(i, 44, "\x7F", 1), WHY_MALFORMED); /* offset */
		assert_int_equal(read_changed(i, 46, "z", 1), WHY_MALFORMED);
	}
	/* of the entry before */
	assert_int_equal(read_changed(1, 42, "\0\0\0\0", 4), WHY_MALFORMED);
}

static void
bytes_between_entries_and_directory_are_refused(void **state)
{
	(void)state;
	struct buf out;
	struct buf other;
	buf_init(&out, 1 << 20);
	buf_init(&other, 1 << 20);
	sample(&out);
	const uint8_t *end = out.at + out.size - 22;
	size_t at = end[16] | end[17] << 8 | end[18] << 16;
	for (size_t more = 0; more < 200; more += 1 + more / 4) {
		struct why why = {0};
		buf_reset(&other);
		buf_add(&other, out.at, at);
		for (size_t i = 0; i < more; i++)
			buf_add_byte(&other, 'x');
		buf_add(&other, out.at + at, out.size - at);
		for (size_t step = 1; step < 1 << 20; step *= 7)
			assert_int_equal(
			    read_all(buf_span(&other), step, &plenty, &why),
			    more == 0 ? 5 : WHY_MALFORMED);
	}
	buf_clear(&out);
	buf_clear(&other);
}

static void
a_changed_byte_of_a_stream_is_seen(void **state)
{
	(void)state;
	struct buf out;
	struct why why;
	buf_init(&out, 1 << 20);
	sample(&out);
	out.at[100000] ^= 1;
	assert_int_equal(
	    read_all(buf_span(&out), 4096, &plenty, &why), WHY_MALFORMED);
	buf_clear(&out);
}

static int
read_names(const char *const *names, const struct unzip_limits *limits)
{
	struct buf out;
	struct zip *zip;
	struct why why = {0};
	buf_init(&out, 1 << 20);
	assert_int_equal(zip_new(to_buf, &out, WALL_MS, &zip, NULL), 0);
	for (size_t i = 0; names[i] != NULL; i++)
		assert_int_equal(
		    zip_add_deflated(zip, names[i], span_text("x"), NULL), 0);
	assert_int_equal(zip_finish(zip, NULL), 0);
	zip_free(zip);
	int ret = read_all(buf_span(&out), 4096, limits, &why);
	buf_clear(&out);
	return ret;
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void
names_that_leave_the_folder_are_refused(void **state)
{
	(void)state;
	assert_int_equal(read_names(NAMES("a/b/c.txt"), &plenty), 1);
	assert_int_equal(read_names(NAMES("../x"), &plenty), WHY_INVALID);
	assert_int_equal(read_names(NAMES("/x"), &plenty), WHY_INVALID);
	assert_int_equal(read_names(NAMES("a/../x"), &plenty), WHY_INVALID);
	assert_int_equal(read_names(NAMES("a//x"), &plenty), WHY_INVALID);
	assert_int_equal(read_names(NAMES("C:x"), &plenty), WHY_INVALID);
	assert_true(read_names(NAMES("folder/"), &plenty) < 0);
	assert_true(read_names(NAMES("\xFF\xFE.txt"), &plenty) < 0);
}

static void
a_name_that_comes_twice_is_refused(void **state)
{
	(void)state;
	assert_int_equal(read_names(NAMES("a", "b"), &plenty), 2);
	assert_int_equal(read_names(NAMES("a", "b", "a"), &plenty), WHY_EXISTS);
	assert_int_equal(
	    read_names(NAMES("Æ.txt", "æ.TXT"), &plenty), WHY_EXISTS);
}

static void
limits_hold_at_and_over(void **state)
{
	(void)state;
	struct unzip_limits two = plenty;
	two.entries = 2;
	assert_int_equal(read_names(NAMES("a", "b"), &two), 2);
	assert_int_equal(read_names(NAMES("a", "b", "c"), &two), WHY_TOO_LARGE);
	struct unzip_limits name = plenty;
	name.name_bytes = 3;
	assert_int_equal(read_names(NAMES("abc"), &name), 1);
	assert_int_equal(read_names(NAMES("abcd"), &name), WHY_TOO_LARGE);
	struct unzip_limits size = plenty;
	size.total_bytes = 2;
	assert_int_equal(read_names(NAMES("a", "b"), &size), 2);
	assert_int_equal(
	    read_names(NAMES("a", "b", "c"), &size), WHY_TOO_LARGE);
}

static void
a_bomb_is_refused_by_its_ratio(void **state)
{
	(void)state;
	struct buf out;
	struct zip *zip;
	struct why why = {0};
	struct unzip_limits limits = plenty;
	size_t size = 32 << 20;
	uint8_t *zeros = calloc(1, size);
	limits.ratio = 100;
	buf_init(&out, 1 << 20);
	assert_int_equal(zip_new(to_buf, &out, WALL_MS, &zip, NULL), 0);
	assert_int_equal(
	    zip_add_deflated(zip, "zeros", span_of(zeros, size), NULL), 0);
	assert_int_equal(zip_finish(zip, NULL), 0);
	zip_free(zip);
	assert_int_equal(
	    read_all(buf_span(&out), 4096, &limits, &why), WHY_TOO_LARGE);
	limits.ratio = 10000;
	assert_int_equal(read_all(buf_span(&out), 4096, &limits, &why), 1);
	free(zeros);
	buf_clear(&out);
}

static void
a_failing_source_hands_on_its_own_reason(void **state)
{
	(void)state;
	struct buf out;
	struct why why = {0};
	struct unzip *unzip;
	const char *name;
	buf_init(&out, 1 << 20);
	sample(&out);
	struct source source = {buf_span(&out), 4096, 100000};
	int ret = unzip_new(from_span, &source, &plenty, &unzip, &why);
	while (ret == 0)
		ret = unzip_next(unzip, &name, &why);
	assert_int_equal(ret, WHY_GONE);
	assert_string_equal(why.text, "the peer went away");
	unzip_free(unzip);
	buf_clear(&out);
}

static void
a_size_that_is_not_met_is_refused(void **state)
{
	(void)state;
	struct buf out;
	struct zip *zip;
	buf_init(&out, 1 << 20);
	assert_int_equal(zip_new(to_buf, &out, WALL_MS, &zip, NULL), 0);
	assert_int_equal(zip_begin(zip, "a", 3, NULL), 0);
	assert_int_equal(zip_data(zip, span_text("ab"), NULL), 0);
	assert_int_equal(zip_end(zip, NULL), WHY_INVALID);
	assert_int_equal(zip_finish(zip, NULL), WHY_INVALID);
	zip_free(zip);
	assert_int_equal(zip_new(to_buf, &out, WALL_MS, &zip, NULL), 0);
	assert_int_equal(zip_begin(zip, "a", 3, NULL), 0);
	assert_int_equal(zip_data(zip, span_text("abcd"), NULL), WHY_INVALID);
	zip_free(zip);
	buf_clear(&out);
}

/* Counts, and keeps what a check of the structure needs. */
struct counter {
	uint64_t size;
	struct buf head;
	uint8_t tail[300];
};

static int
to_counter(void *context, struct span bytes, struct why *why)
{
	struct counter *counter = context;
	(void)why;
	counter->size += bytes.size;
	if (counter->head.size < 100)
		buf_add(&counter->head, bytes.at,
		    bytes.size < 100 ? bytes.size : 100);
	size_t last = bytes.size < sizeof counter->tail ? bytes.size
							: sizeof counter->tail;
	memmove(
	    counter->tail, counter->tail + last, sizeof counter->tail - last);
	memcpy(counter->tail + sizeof counter->tail - last,
	    bytes.at + bytes.size - last, last);
	return 0;
}

static uint64_t
get64(const uint8_t *at)
{
	uint64_t value = 0;
	for (int i = 7; i >= 0; i--)
		value = value << 8 | at[i];
	return value;
}

static void
an_entry_over_four_gib_gets_zip64_fields(void **state)
{
	(void)state;
	struct counter counter = {0};
	struct zip *zip;
	static uint8_t piece[1 << 20];
	uint64_t size = (UINT64_C(4) << 30) + 12345;
	buf_init(&counter.head, 1000);
	assert_int_equal(zip_new(to_counter, &counter, WALL_MS, &zip, NULL), 0);
	assert_int_equal(zip_begin(zip, "big", size, NULL), 0);
	for (uint64_t left = size; left > 0;) {
		size_t n = left < sizeof piece ? (size_t)left : sizeof piece;
		assert_int_equal(zip_data(zip, span_of(piece, n), NULL), 0);
		left -= n;
	}
	assert_int_equal(zip_end(zip, NULL), 0);
	assert_int_equal(zip_finish(zip, NULL), 0);
	zip_free(zip);
	/* local header: version 45, sizes all ones, a field of 20 bytes */
	const uint8_t *head = counter.head.at;
	assert_int_equal(head[4], 45);
	assert_memory_equal(head + 18, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8);
	assert_int_equal(head[28], 20);
	/* the directory: one entry of 46 + 3 + 20 bytes, then the ends */
	const uint8_t *field = counter.tail + sizeof counter.tail -
			       (46 + 3 + 20 + 56 + 20 + 22) + 46 + 3;
	uint64_t packed = size + 5 * ((size - 1) / 65535 + 1);
	assert_int_equal(get64(field + 4), size);
	assert_int_equal(get64(field + 12), packed);
	assert_memory_equal(field + 20, "PK\6\6", 4);
	uint64_t at = get64(field + 20 + 48);
	assert_int_equal(at, 30 + 3 + 20 + packed + 24);
	assert_int_equal(counter.size, at + 46 + 3 + 20 + 56 + 20 + 22);
	buf_clear(&counter.head);
}

static int
run(const char *tool, const char *script, const char *path)
{
	char command[500];
	(void)snprintf(command, sizeof command,
	    "command -v %s >/dev/null || exit 77", tool);
	if (system(command) != 0)
		return 77;
	(void)snprintf(command, sizeof command, "F=%s; %s", path, script);
	return system(command);
}

static void
python_unzip_and_java_s_stream_reader_can_read_it(void **state)
{
	(void)state;
	struct buf out;
	char path[] = "/tmp/test_zip.XXXXXX";
	buf_init(&out, 1 << 20);
	sample(&out);
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, out.at, out.size), out.size);
	close(fd);
	int unzip = run("unzip", "LC_ALL=C.UTF-8 unzip -tqq $F", path);
	int python = run("python3",
	    "python3 -c 'import sys, zipfile; z = "
	    "zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; "
	    "assert \"attachments/bl\\u00e5b\\u00e6r.bin\" in z.namelist()' "
	    "$F",
	    path);
	int jar = run("jar", "jar t <$F | tail -1 | grep -qx block", path);
	unlink(path);
	buf_clear(&out);
	assert_true(unzip == 0 || unzip == 77);
	assert_true(python == 0 || python == 77);
	assert_true(jar == 0 || jar == 77);
	if (unzip == 77 || python == 77 || jar == 77) {
		print_message("missing:%s%s%s\n", unzip == 77 ? " unzip" : "",
		    python == 77 ? " python3" : "", jar == 77 ? " jar" : "");
		skip();
	}
}

/* An archive with one entry of size bytes, written by a thread. */
struct stream {
	int fds[2];
	uint64_t size;
	uint8_t at[65536];
};

static int
to_pipe(void *context, struct span bytes, struct why *why)
{
	struct stream *stream = context;
	while (bytes.size > 0) {
		ssize_t n = write(stream->fds[1], bytes.at, bytes.size);
		if (n < 0)
			return why_errno(why, "write");
		bytes.at += n;
		bytes.size -= (size_t)n;
	}
	return 0;
}

static int
from_pipe(void *context, struct span *bytes, struct why *why)
{
	struct stream *stream = context;
	ssize_t n = read(stream->fds[0], stream->at, sizeof stream->at);
	if (n < 0)
		return why_errno(why, "read");
	*bytes = span_of(stream->at, (size_t)n);
	return 0;
}

static void *
stream_write(void *argument)
{
	static const uint8_t piece[256 << 10];
	struct stream *stream = argument;
	struct zip *zip;
	int ret = zip_new(to_pipe, stream, WALL_MS, &zip, NULL);
	if (ret == 0)
		ret = zip_begin(zip, "big", stream->size, NULL);
	for (uint64_t left = stream->size; ret == 0 && left > 0;) {
		size_t n = left < sizeof piece ? (size_t)left : sizeof piece;
		ret = zip_data(zip, span_of(piece, n), NULL);
		left -= n;
	}
	if (ret == 0)
		ret = zip_end(zip, NULL);
	if (ret == 0)
		ret = zip_finish(zip, NULL);
	zip_free(zip);
	close(stream->fds[1]);
	return ret == 0 ? NULL : argument;
}

static void
a_large_file_passes_in_bounded_memory(void **state)
{
	(void)state;
	static struct stream stream = {.size = (256 << 20) + 77};
	struct rusage before;
	struct rusage after;
	pthread_t thread;
	struct unzip *unzip;
	const char *name;
	static uint8_t at[65536];
	const char *env = getenv("TEST_ZIP_BYTES"); /* for trying zip64 */
	if (env != NULL)
		stream.size = strtoull(env, NULL, 10);
	uint64_t total = 0;
	size_t got = 1;
	assert_int_equal(pipe(stream.fds), 0);
	(void)getrusage(RUSAGE_SELF, &before);
	assert_int_equal(
	    pthread_create(&thread, NULL, stream_write, &stream), 0);
	assert_int_equal(
	    unzip_new(from_pipe, &stream, &plenty, &unzip, NULL), 0);
	assert_int_equal(unzip_next(unzip, &name, NULL), 0);
	assert_string_equal(name, "big");
	while (got > 0) {
		assert_int_equal(
		    unzip_read(unzip, at, sizeof at, &got, NULL), 0);
		total += got;
	}
	assert_int_equal(total, stream.size);
	assert_int_equal(unzip_next(unzip, &name, NULL), 0);
	assert_null(name);
	unzip_free(unzip);
	void *result;
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_null(result);
	close(stream.fds[0]);
	(void)getrusage(RUSAGE_SELF, &after);
	assert_true(after.ru_maxrss - before.ru_maxrss < 32 << 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_first_entry_is_stored_without_an_extra_field),
	    cmocka_unit_test(the_same_input_gives_the_same_bytes),
	    cmocka_unit_test(
		what_was_written_is_read_back_in_pieces_of_any_size),
	    cmocka_unit_test(an_archive_cut_off_anywhere_is_refused),
	    cmocka_unit_test(bytes_behind_the_end_are_refused),
	    cmocka_unit_test(
		links_folders_and_devices_of_the_directory_are_refused),
	    cmocka_unit_test(
		a_directory_that_differs_from_the_entries_is_refused),
	    cmocka_unit_test(bytes_between_entries_and_directory_are_refused),
	    cmocka_unit_test(a_changed_byte_of_a_stream_is_seen),
	    cmocka_unit_test(names_that_leave_the_folder_are_refused),
	    cmocka_unit_test(a_name_that_comes_twice_is_refused),
	    cmocka_unit_test(limits_hold_at_and_over),
	    cmocka_unit_test(a_bomb_is_refused_by_its_ratio),
	    cmocka_unit_test(a_failing_source_hands_on_its_own_reason),
	    cmocka_unit_test(a_size_that_is_not_met_is_refused),
	    cmocka_unit_test(an_entry_over_four_gib_gets_zip64_fields),
	    cmocka_unit_test(a_large_file_passes_in_bounded_memory),
	    cmocka_unit_test(python_unzip_and_java_s_stream_reader_can_read_it),
	};
	return cmocka_run_group_tests_name("formats: zip", tests, NULL, NULL);
}
