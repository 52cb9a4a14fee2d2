/*
 * asice - ASiCManifest of ETSI EN 319 162-1 annex A.4, one signature.
 */
#include "formats/asice.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

const char asice_manifest_head[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
    "<ASiCManifest xmlns=\"http://uri.etsi.org/02918/v1.2.1#\""
    " xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\n";

void
asice_signature_name(
    char name[ASICE_SIGNATURE_NAME_SIZE], const struct id *message)
{
	char text[ID_TEXT_SIZE];
	id_build(text, message);
	(void)snprintf(
	    name, ASICE_SIGNATURE_NAME_SIZE, "META-INF/signature-%s.p7s", text);
}

/* Between quotation marks; false for what XML 1.0 has no way to write. */
static bool
attribute_add(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, " %s=\"", name);
	for (; *value != '\0'; value++) {
		if ((uint8_t)*value < 0x20)
			return false;
		if (*value == '&')
			buf_add_text(out, "&amp;");
		else if (*value == '<')
			buf_add_text(out, "&lt;");
		else if (*value == '"')
			buf_add_text(out, "&quot;");
		else
			buf_add_byte(out, (uint8_t)*value);
	}
	buf_add_byte(out, '"');
	return true;
}

static bool
object_add(struct buf *out, const struct asice_object *object)
{
	buf_add_text(out, "<DataObjectReference");
	if (!attribute_add(out, "URI", object->name) ||
	    !attribute_add(out, "MimeType", object->media_type))
		return false;
	if (object->root)
		buf_add_text(out, " Rootfile=\"true\"");
	buf_add_text(out, "><ds:DigestMethod Algorithm=\""
			  "http://www.w3.org/2001/04/xmlenc#sha256\"/>"
			  "<ds:DigestValue>");
	base64_build(out, span_of(object->sha256, sizeof object->sha256));
	buf_add_text(out, "</ds:DigestValue></DataObjectReference>\n");
	return true;
}

int
asice_manifest_build(struct buf *out, const char *signature_name,
    const struct asice_object *objects, size_t count, struct why *why)
{
	buf_add_text(out, asice_manifest_head);
	buf_add_text(out, "<SigReference");
	(void)attribute_add(out, "URI", signature_name);
	(void)attribute_add(out, "MimeType", "application/x-pkcs7-signature");
	buf_add_text(out, "/>\n");
	for (size_t i = 0; i < count; i++)
		if (!object_add(out, &objects[i]))
			return why_set(why, WHY_INVALID,
			    "object %zu of the container has a name or media "
			    "type with control characters",
			    i);
	buf_add_text(out, "</ASiCManifest>\n");
	if (!buf_ok(out))
		return why_set(why, WHY_TOO_LARGE,
		    "the container's manifest is over %zu bytes", out->max);
	return 0;
}
