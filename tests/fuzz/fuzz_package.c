/* Packages: hostile zips and manifests, the digests not checked so that the
 * fuzzer gets further. */
#include "base/text.h"
#include "formats/package.h"

#include <assert.h>
#include <string.h>

static struct span rest;
static const struct package_file *current;

static int
on_read(void *context, struct span *bytes, struct why *why)
{
	(void)context;
	(void)why;
	*bytes = span_of(rest.at, rest.size < 100 ? rest.size : 100);
	rest = span_of(rest.at + bytes->size, rest.size - bytes->size);
	return 0;
}

static int
on_begin(void *context, struct why *why)
{
	(void)context;
	(void)why;
	return 0;
}

static int
on_add(void *context, struct span data, struct why *why)
{
	(void)context;
	(void)why;
	assert(data.size > 0);
	return 0;
}

static int
on_end(void *context, uint8_t digest[32], struct why *why)
{
	(void)context;
	(void)why;
	assert(hex_parse(current->sha256, digest, 32));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	static const struct package_sha256 sha256 = {
	    on_begin, on_add, on_end, NULL};
	struct package_reader *reader = NULL;
	struct package_manifest manifest;
	struct limits limits;
	limits_init(&limits);
	rest = span_of(at, size);
	int ret =
	    package_reader_new(on_read, NULL, &limits, &sha256, &reader, NULL);
	while (ret == 0 &&
	       (ret = package_reader_next(reader, &current, NULL)) == 0 &&
	       current != NULL) {
		uint8_t piece[50];
		size_t got = 1;
		assert(strstr(current->name, "..") == NULL ||
		       strchr(current->name, '/') == NULL ||
		       strstr(current->name, "/../") == NULL);
		while (ret == 0 && got > 0)
			ret = package_reader_read(
			    reader, piece, sizeof piece, &got, NULL);
	}
	package_reader_free(reader);
	if (package_manifest_parse(
		span_of(at, size), &limits, &manifest, NULL) == 0)
		package_manifest_clear(&manifest);
	return 0;
}
