/*
 * Any bytes as XML: read, checked by the shipped letter's schema and by an XML
 * Schema that says the same, shown whether or not the schemas take them, and
 * read again when every second thing in it has been cut out.
 */
#include "formats/json.h"
#include "formats/pdf.h"
#include "formats/present.h"
#include "formats/profile.h"
#include "formats/render.h"
#include "formats/xhtml.h"
#include "formats/xml.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t size);

static struct limits limits;
static struct profile *profile;
static struct xml_schema *xsd;

static void
xsd_read(void)
{
	static char text[65536];
	FILE *file =
	    fopen("tests/formats/fixtures/arkivbrev/arkivbrev.xsd", "r");
	struct findings findings;
	struct why why;
	size_t size;

	if (file == NULL)
		abort();
	size = fread(text, 1, sizeof(text), file);
	fclose(file);
	findings_init(&findings, 20);
	if (xml_schema_compile(
		span_of(text, size), "xsd", &findings, &xsd, &why) < 0)
		abort();
	findings_clear(&findings);
}

static void
start(void)
{
	struct why why;

	limits_init(&limits);
	if (profile_load(
		"formats/profiles/arkivbrev", &limits, &profile, &why) < 0)
		abort();
	xsd_read();
}

static void
check(const struct xml_schema *schema, struct xml_document *document)
{
	struct findings findings;
	struct why why;
	int ret;

	findings_init(&findings, 20);
	ret = xml_schema_check(schema, document, "payload", &findings, &why);
	if (ret != 0 && (ret != WHY_INVALID || findings_none(&findings)))
		abort();
	findings_clear(&findings);
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

static void
cut(struct span text, const struct xml_bounds *bounds, const json_t *value)
{
	struct xml_document *document;
	json_t *cuts = json_object(), *one;
	const char *name;
	struct buf pointer, out;
	struct why why;
	int ret, count = 0;

	buf_init(&pointer, 1 * MIB);
	buf_init(&out, 1 * MIB);
	json_object_foreach((json_t *)(uintptr_t)value, name, one)
	{
		if (count++ % 2 != 0)
			continue;
		buf_reset(&pointer);
		json_pointer_add(&pointer, name);
		if (json_is_array(one))
			json_pointer_add_index(&pointer, 0);
		json_object_set_new(cuts, buf_text(&pointer), json_true());
	}
	ret = xml_text_cut(text, bounds, (const char *const *)profile->lists,
	    cuts, &out, &why);
	if (ret != 0 && ret != WHY_INVALID)
		abort();
	if (ret == 0 &&
	    xml_text_read(buf_span(&out), bounds, &document, &why) < 0)
		abort();
	if (ret == 0)
		xml_document_free(document);
	json_decref(cuts);
	buf_clear(&pointer);
	buf_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t size)
{
	struct xml_bounds bounds;
	struct xml_document *document;
	struct why why;
	json_t *value;

	if (profile == NULL)
		start();
	bounds = xml_bounds_of(&limits);
	if (xml_text_read(span_of(at, size), &bounds, &document, &why) < 0)
		return 0;
	check(profile->xml_schema, document);
	check(xsd, document);
	if (xml_value_build(document, (const char *const *)profile->lists,
		&value, &why) < 0)
		abort();
	xml_document_free(document);
	cut(span_of(at, size), &bounds, value);
	show(value);
	json_decref(value);
	return 0;
}
