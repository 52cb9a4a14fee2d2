/*
 * Any JSON through the presentation to XHTML and PDF, whether or not the schema
 * would take it: what is shown may not depend on being asked for nicely.
 */
#include "formats/json.h"
#include "formats/pdf.h"
#include "formats/present.h"
#include "formats/profile.h"
#include "formats/render.h"
#include "formats/xhtml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

static struct limits limits;
static struct profile *profile;
static struct pdf_fonts *fonts;

static void
start(void)
{
	struct why why;

	limits_init(&limits);
	if (profile_load("formats/profiles/digisos-soknad", &limits, &profile,
		&why) < 0 ||
	    pdf_fonts_open(NULL, &limits, &fonts, &why) < 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	static const struct render_context context = {
	    .message = "m", .received_ms = INT64_C(1795200330250)};
	struct json_bounds bounds = {1 << 16, 64};
	struct document *document = NULL;
	struct render_result result;
	size_t unknown;
	struct why why;
	json_t *value;

	if (fonts == NULL)
		start();
	if (json_text_read(span_of(at, size), &bounds, &value, &why) < 0)
		return 0;
	render_result_init(&result, &limits);
	if (presentation_document(profile->shown, value, &context, &limits,
		&document, &unknown, &why) == 0) {
		if (xhtml_build(document, &result.xhtml, &why) < 0 ||
		    pdf_build(
			fonts, document, &result.pdf, &result.notes, &why) < 0)
			abort();
	} else if (why.code != WHY_TOO_LARGE) {
		abort();
	}
	pdf_caches_clear(fonts);
	document_free(document);
	render_result_clear(&result);
	json_decref(value);
	return 0;
}
