/*
 * What the signature of a package in form asice covers.
 */
#include "formats/package.h"

#include "base/text.h"
#include "formats/asice.h"

#include <stdlib.h>
#include <string.h>

static int
digest_of(const struct package_sha256 *sha256, struct span bytes,
    uint8_t digest[32], struct why *why)
{
	int ret = sha256->begin(sha256->context, why);
	if (ret == 0)
		ret = sha256->add(sha256->context, bytes, why);
	if (ret == 0)
		ret = sha256->end(sha256->context, digest, why);
	return ret;
}

int
package_asice_build(struct buf *out, const struct package_facts *facts,
    const struct package_file *files, size_t count, struct span manifest,
    const struct package_sha256 *sha256, struct why *why)
{
	char name[ASICE_SIGNATURE_NAME_SIZE];
	struct asice_object *objects = calloc(count + 1, sizeof *objects);
	if (objects == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a container");
	asice_signature_name(name, &facts->message);
	objects[0] = (struct asice_object){
	    .name = PACKAGE_MANIFEST, .media_type = "application/json"};
	int ret = digest_of(sha256, manifest, objects[0].sha256, why);
	for (size_t i = 0; ret == 0 && i < count; i++) {
		struct asice_object *object = &objects[i + 1];
		object->name = files[i].name;
		object->media_type = files[i].media_type;
		object->root = i == 0;
		if (!hex_parse(files[i].sha256, object->sha256, 32))
			ret = why_set(why, WHY_INVALID,
			    "a file's digest is not 64 hex digits");
	}
	if (ret == 0)
		ret = asice_manifest_build(out, name, objects, count + 1, why);
	free(objects);
	return ret;
}
