/*
 * asice - what makes a package an ASiC-E container with a CAdES signature
 * (ETSI EN 319 162-1 section 4.4, in the spellings of Norwegian systems): its
 * media type, and the manifest that the signature covers.
 */
#pragma once

#include "base/buf.h"
#include "base/id.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ASICE_MEDIA_TYPE "application/vnd.etsi.asic-e+zip"
#define ASICE_MANIFEST "META-INF/asicmanifest.xml"
#define ASICE_SIGNATURE_NAME_SIZE 64
#define ASICE_SIGNATURE_BYTES (64u << 10) /* most of one signature */
#define ASICE_DIGEST_SIZE 32

/* One file that the signature covers. */
struct asice_object {
	const char *name; /* in the container, UTF-8 */
	const char *media_type;
	uint8_t sha256[ASICE_DIGEST_SIZE];
	bool root; /* the file that the others belong to */
};

/* "META-INF/signature-ID.p7s": one signature, named after the message. */
void asice_signature_name(
    char name[ASICE_SIGNATURE_NAME_SIZE], const struct id *message);

/* The manifest's first bytes: what is signed as one begins so. */
extern const char asice_manifest_head[];

/*
 * Append the manifest: the same objects give the same bytes, so that a reader
 * who knows them can compare. Names stand as they are in the container, for
 * that is how Norwegian readers look them up. WHY_TOO_LARGE over out->max,
 * WHY_INVALID for a name that XML cannot hold.
 */
int asice_manifest_build(struct buf *out, const char *signature_name,
    const struct asice_object *objects, size_t count, struct why *why);
