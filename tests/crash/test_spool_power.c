/*
 * A power cut, made: the writes of a commit are logged; then the store's file
 * is put together as a disk might have left it, from what was flushed before
 * and any part of what was not. Whatever part that is, the store opens, is
 * clean, and has the whole group or nothing of it.
 */
#include "tests/support/spool_house.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#define EXPORTED __attribute__((visibility("default")))
#define WRITES_MAX 256
#define PARTS 40 /* random parts tried at each cut */

struct logged {
	off_t offset;
	size_t size;
	uint8_t *bytes; /* NULL: a flush of all before it */
};

static struct logged logged[WRITES_MAX];
static size_t logged_count;
static bool logging;

static void
log_write_at(off_t offset, const void *bytes, size_t size)
{
	if (!logging)
		return;
	if (logged_count == WRITES_MAX)
		abort();
	struct logged *at = &logged[logged_count++];
	*at = (struct logged){.offset = offset, .size = size};
	if (bytes == NULL)
		return;
	at->bytes = malloc(size);
	if (at->bytes == NULL)
		abort();
	memcpy(at->bytes, bytes, size);
}

static void
real(const char *name, void *function)
{
	void *at = dlsym(RTLD_NEXT, name);
	memcpy(function, &at, sizeof at);
}

EXPORTED ssize_t
pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	static ssize_t (*next)(int, const void *, size_t, off_t);
	if (next == NULL)
		real("pwrite", &next);
	log_write_at(offset, bytes, size);
	return next(fd, bytes, size, offset);
}

EXPORTED ssize_t
writev(int fd, const struct iovec *parts, int count)
{
	static ssize_t (*next)(int, const struct iovec *, int);
	if (next == NULL)
		real("writev", &next);
	off_t offset = logging ? lseek(fd, 0, SEEK_CUR) : 0;
	for (int i = 0; logging && i < count; i++) {
		log_write_at(offset, parts[i].iov_base, parts[i].iov_len);
		offset += (off_t)parts[i].iov_len;
	}
	return next(fd, parts, count);
}

EXPORTED int
fdatasync(int fd)
{
	static int (*next)(int);
	if (next == NULL)
		real("fdatasync", &next);
	log_write_at(0, NULL, 0);
	return next(fd);
}

struct image {
	uint8_t *bytes;
	size_t size;
};

static struct image
image_read(const char *path)
{
	struct stat stat;
	struct image image = {NULL, 0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &stat), 0);
	image.size = (size_t)stat.st_size;
	image.bytes = malloc(image.size);
	assert_non_null(image.bytes);
	assert_int_equal(read(fd, image.bytes, image.size), image.size);
	close(fd);
	return image;
}

/* Numbers that look random even from neighbouring starts (SplitMix64). */
static unsigned long
stir(unsigned long bits)
{
	bits += 0x9e3779b97f4a7c15ul;
	bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9ul;
	bits = (bits ^ bits >> 27) * 0x94d049bb133111ebul;
	return bits ^ bits >> 31;
}

/* The file as the cut left it: all writes before the last flush before cut,
 * and each later one before cut or not, as the bits say; a write may also have
 * reached the disk up to a sector only. */
static void
image_write(
    const char *path, const struct image *image, size_t cut, unsigned long bits)
{
	size_t flushed = 0;
	for (size_t i = 0; i < cut; i++)
		if (logged[i].bytes == NULL)
			flushed = i;
	logging = false;
	(void)unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, image->bytes, image->size, 0), image->size);
	for (size_t i = 0; i < cut; i++) {
		const struct logged *at = &logged[i];
		size_t size = at->size;
		bits = stir(bits);
		if (i >= flushed && bits >> 62 == 0)
			continue;
		if (i >= flushed && bits >> 62 == 1 && size > 512)
			size = (bits >> 33) % (size / 512) * 512;
		if (at->bytes != NULL && size > 0)
			assert_int_equal(
			    pwrite(fd, at->bytes, size, at->offset), size);
	}
	close(fd);
}

static uint64_t
messages(struct house *house)
{
	struct spool_stats stats;
	assert_int_equal(spool_view_begin(house->view, NULL), 0);
	assert_int_equal(spool_view_stats(house->view, &stats, NULL), 0);
	spool_view_end(house->view);
	return stats.messages;
}

/* Three messages, an outcome and a purge in one group. */
static void
change(struct house *house, const struct house_message *first)
{
	char proof[SPOOL_PROOF_SIZE];
	size_t fired;
	struct spool_verdict_done done;
	struct spool_receipt receipt = {.message = first->id,
	    .recipient = HOUSE_OSLO,
	    .verdict = SPOOL_VERDICT_IMPORTED};
	house_proof(&first->id, proof, receipt.proof_hash);
	receipt.proof = proof;
	house_begin(house);
	assert_int_equal(spool_due(house->group, 10, &fired, NULL), 0);
	assert_int_equal(fired, 1);
	assert_int_equal(spool_receipt(house->group, &receipt, &done, NULL), 0);
	for (size_t i = 0; i < 3; i++) {
		struct house_message message;
		struct spool_accepted out;
		house_message(house, &message);
		message.size = i == 1 ? 300000 : 1000;
		assert_int_equal(house_accept_in(house, &message, HOUSE_OSLO,
				     HOUSE_BERGEN, &out),
		    0);
	}
	logging = true;
	assert_int_equal(house_commit(house), 0);
	logging = false;
}

static void
after_a_power_cut_the_group_is_there_whole_or_not_at_all(void **state)
{
	(void)state;
	struct house house;
	struct house_message first;
	struct house_message gone;
	struct spool_verdict_done done;
	char path[128];
	house_open(&house, 16 * MIB);
	house_message(&house, &first);
	house_accept(&house, &first, HOUSE_OSLO, NULL);
	house_message(&house, &gone);
	gone.grace_ms = 1000;
	gone.size = 200000;
	house_accept(&house, &gone, HOUSE_OSLO, NULL);
	assert_int_equal(
	    house_imported(&house, &gone.id, HOUSE_OSLO, &done), 0);
	house.now_ms += 2000;
	house_close_spool(&house);
	(void)snprintf(path, sizeof path, "%.90s/data.mdb", house.dir);
	struct image image = image_read(path);
	house_reopen(&house);
	change(&house, &first);
	house_close_spool(&house);
	size_t opened = 0;
	size_t whole = 0;
	for (size_t cut = 0; cut <= logged_count; cut++) {
		for (unsigned long part = 0; part < PARTS; part++) {
			image_write(path, &image, cut, part + 1000 * cut);
			house_reopen(&house);
			house_clean(&house);
			uint64_t count = messages(&house);
			assert_true(count == 2 || count == 5);
			bool imported = house_state(&house, &first.id,
					    HOUSE_OSLO) == SPOOL_IMPORTED;
			assert_int_equal(imported, count == 5);
			house_close_spool(&house);
			opened++;
			whole += count == 5 ? 1 : 0;
		}
	}
	print_message("%zu writes and flushes, %zu disks opened, %zu whole\n",
	    logged_count, opened, whole);
	assert_true(whole > 0 && whole < opened);
	for (size_t i = 0; i < logged_count; i++)
		free(logged[i].bytes);
	free(image.bytes);
	house_close(&house);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		after_a_power_cut_the_group_is_there_whole_or_not_at_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
