#include "formats/package.h"

#include "formats/asice.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct package_writer {
	struct zip *zip;
	const struct package_file *files;
	size_t count;
	size_t next; /* the file that is open, or comes next */
	bool open;
	bool signs;           /* form asice; then: */
	struct buf to_sign;   /* META-INF/asicmanifest.xml */
	struct buf signature; /* empty until it is given */
	char signature_name[ASICE_SIGNATURE_NAME_SIZE];
};

static int
start(struct package_writer *writer, const struct package_facts *facts,
    const struct package_sha256 *sha256, struct why *why)
{
	struct buf manifest;
	buf_init(&manifest, PACKAGE_MANIFEST_BYTES);
	int ret = package_manifest_build(
	    &manifest, facts, writer->files, writer->count, why);
	if (ret == 0 && writer->signs)
		ret =
		    package_asice_build(&writer->to_sign, facts, writer->files,
			writer->count, buf_span(&manifest), sha256, why);
	if (ret == 0)
		ret = zip_add_stored(writer->zip, "mimetype",
		    span_text(
			writer->signs ? ASICE_MEDIA_TYPE : PACKAGE_MEDIA_TYPE),
		    why);
	if (ret == 0)
		ret = zip_add_deflated(
		    writer->zip, PACKAGE_MANIFEST, buf_span(&manifest), why);
	buf_clear(&manifest);
	return ret;
}

int
package_writer_new(const struct package_facts *facts,
    const struct package_file *files, size_t count,
    const struct package_sha256 *sha256, zip_write_fn *write, void *context,
    struct package_writer **out, struct why *why)
{
	struct package_writer *writer = calloc(1, sizeof *writer);
	if (writer == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a package");
	writer->files = files;
	writer->count = count;
	writer->signs = facts->form == PACKAGE_ASICE;
	buf_init(&writer->to_sign, PACKAGE_MANIFEST_BYTES);
	buf_init(&writer->signature, ASICE_SIGNATURE_BYTES);
	asice_signature_name(writer->signature_name, &facts->message);
	int ret =
	    zip_new(write, context, facts->prepared_ms, &writer->zip, why);
	if (ret == 0)
		ret = start(writer, facts, sha256, why);
	if (ret < 0) {
		package_writer_free(writer);
		return ret;
	}
	*out = writer;
	return 0;
}

void
package_writer_free(struct package_writer *writer)
{
	if (writer == NULL)
		return;
	zip_free(writer->zip);
	buf_clear(&writer->to_sign);
	buf_clear(&writer->signature);
	free(writer);
}

static bool
is_text(const char *media_type)
{
	return strncmp(media_type, "text/", 5) == 0 ||
	       strstr(media_type, "json") != NULL ||
	       strstr(media_type, "xml") != NULL;
}

int
package_writer_whole(
    struct package_writer *writer, struct span data, struct why *why)
{
	assert(!writer->open && writer->next < writer->count);
	const struct package_file *file = &writer->files[writer->next];
	if (data.size != file->size)
		return why_set(why, WHY_INVALID,
		    "a file of the package has %zu bytes, not the size in the "
		    "manifest",
		    data.size);
	int ret;
	if (is_text(file->media_type)) {
		ret = zip_add_deflated(writer->zip, file->name, data, why);
		writer->next += ret == 0;
		return ret;
	}
	if ((ret = package_writer_begin(writer, why)) < 0 ||
	    (ret = package_writer_data(writer, data, why)) < 0)
		return ret;
	return package_writer_end(writer, why);
}

int
package_writer_begin(struct package_writer *writer, struct why *why)
{
	assert(!writer->open && writer->next < writer->count);
	const struct package_file *file = &writer->files[writer->next];
	int ret = zip_begin(writer->zip, file->name, file->size, why);
	writer->open = ret == 0;
	return ret;
}

int
package_writer_data(
    struct package_writer *writer, struct span data, struct why *why)
{
	assert(writer->open);
	return zip_data(writer->zip, data, why);
}

int
package_writer_end(struct package_writer *writer, struct why *why)
{
	assert(writer->open);
	int ret = zip_end(writer->zip, why);
	if (ret < 0)
		return ret;
	writer->open = false;
	writer->next++;
	return 0;
}

struct span
package_writer_to_sign(const struct package_writer *writer)
{
	return writer->signs ? buf_span(&writer->to_sign) : SPAN_NONE;
}

int
package_writer_sign(
    struct package_writer *writer, struct span signature, struct why *why)
{
	assert(writer->signs);
	buf_reset(&writer->signature);
	buf_add_span(&writer->signature, signature);
	if (signature.size == 0 || !buf_ok(&writer->signature))
		return why_set(why, WHY_INVALID,
		    "a package's signature of %zu bytes, expected 1 to %u",
		    signature.size, ASICE_SIGNATURE_BYTES);
	return 0;
}

static int
signature_add(struct package_writer *writer, struct why *why)
{
	if (writer->signature.size == 0)
		return why_set(
		    why, WHY_STATE, "the package has no signature yet");
	int ret = zip_add_deflated(
	    writer->zip, ASICE_MANIFEST, buf_span(&writer->to_sign), why);
	if (ret == 0)
		ret = zip_add_deflated(writer->zip, writer->signature_name,
		    buf_span(&writer->signature), why);
	return ret;
}

int
package_writer_finish(struct package_writer *writer, struct why *why)
{
	if (writer->open || writer->next < writer->count)
		return why_set(why, WHY_STATE,
		    "the package has %zu files of %zu", writer->next,
		    writer->count);
	int ret = writer->signs ? signature_add(writer, why) : 0;
	return ret < 0 ? ret : zip_finish(writer->zip, why);
}
