/*
 * Any bytes as XML: read, checked by the shipped letter's schema, and shown
 * whether or not the schema takes them.
 */
#include "formats/pdf.h"
#include "formats/present.h"
#include "formats/profile.h"
#include "formats/render.h"
#include "formats/xhtml.h"
#include "formats/xml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

static struct limits limits;
static struct profile *profile;

static void
start(void)
{
	struct why why;

	limits_init(&limits);
	if (profile_load(
		"formats/profiles/arkivbrev", &limits, &profile, &why) < 0)
		abort();
}

static void
show(const json_t *value)
{
	static const struct render_context context = {
	    .message = "m", .received_ms = INT64_C(1795200330250)};
	struct document *document = NULL;
	struct buf xhtml;
	size_t unknown;
	struct why why;

	buf_init(&xhtml, (size_t)limits.document_bytes);
	if (presentation_document(profile->shown, value, &context, &limits,
		&document, &unknown, &why) == 0) {
		if (xhtml_build(document, &xhtml, &why) < 0)
			abort();
	} else if (why.code != WHY_TOO_LARGE) {
		abort();
	}
	document_free(document);
	buf_clear(&xhtml);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	struct xml_bounds bounds;
	struct xml_document *document;
	struct findings findings;
	struct why why;
	json_t *value;
	int ret;

	if (profile == NULL)
		start();
	bounds = xml_bounds_of(&limits);
	if (xml_text_read(span_of(at, size), &bounds, &document, &why) < 0)
		return 0;
	findings_init(&findings, 20);
	ret = xml_schema_check(
	    profile->relaxng, document, "payload", &findings, &why);
	if (ret != 0 && (ret != WHY_INVALID || findings_none(&findings)))
		abort();
	findings_clear(&findings);
	if (xml_value_build(document, (const char *const *)profile->lists,
		&value, &why) < 0)
		abort();
	xml_document_free(document);
	show(value);
	json_decref(value);
	return 0;
}
