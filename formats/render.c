/*
 * render - payload to documents; see render.h.
 *
 * SECURITY: reads hostile bytes, and holds personal data only while it works.
 */
#include "formats/render.h"

#include "formats/json.h"
#include "formats/json_xml.h"
#include "formats/pdf.h"
#include "formats/present.h"
#include "formats/schema.h"
#include "formats/xhtml.h"
#include "formats/xml.h"

#include <string.h>

#define PART "payload"

void
render_result_init(struct render_result *result, const struct limits *limits)
{
	*result = (struct render_result){0};
	buf_init(&result->pdf, (size_t)limits->document_bytes);
	buf_init(&result->xhtml, (size_t)limits->document_bytes);
	buf_init(&result->xml, (size_t)limits->document_bytes);
}

void
render_result_clear(struct render_result *result)
{
	buf_wipe(&result->pdf);
	buf_wipe(&result->xhtml);
	buf_wipe(&result->xml);
	result->notes = (struct document_notes){0};
	result->unknown_count = 0;
	result->fell_back = false;
}

/* Read and check; what is wrong is a finding. */
static int
xml_read(const struct profile *profile, struct span payload,
    const struct limits *limits, struct findings *findings, json_t **out,
    struct why *why)
{
	struct xml_bounds bounds = xml_bounds_of(limits);
	struct xml_document *document = NULL;
	int ret = xml_text_read(payload, &bounds, &document, why);

	if (ret == WHY_MALFORMED || ret == WHY_TOO_LARGE)
		findings_add(findings, PART, "", "xml", "%s", why->text);
	if (ret == 0)
		ret = xml_schema_check(
		    profile->relaxng, document, PART, findings, why);
	if (ret == 0)
		ret = xml_value_build(
		    document, (const char *const *)profile->lists, out, why);
	xml_document_free(document);
	return ret;
}

static int
json_read(const struct profile *profile, struct span payload,
    const struct limits *limits, struct findings *findings, json_t **out,
    struct why *why)
{
	struct json_bounds bounds = {
	    (size_t)limits->payload_bytes, (size_t)limits->json_depth};
	int ret = json_values_check(payload, limits->json_values, why);

	if (ret == 0)
		ret = json_text_read(payload, &bounds, out, why);
	if (ret == WHY_MALFORMED || ret == WHY_TOO_LARGE)
		findings_add(findings, PART, "", "json", "%s", why->text);
	if (ret < 0)
		return ret;
	ret = schema_check(profile->schema, *out, PART, findings, why);
	if (ret == WHY_TOO_LARGE)
		findings_add(
		    findings, PART, "", "schema_steps", "%s", why->text);
	return ret;
}

static int
documents_build(const struct document *document, struct pdf_fonts *fonts,
    struct render_result *result, struct why *why)
{
	int ret = xhtml_build(document, &result->xhtml, why);

	result->notes = *document_notes(document);
	if (ret == 0)
		ret = pdf_build(
		    fonts, document, &result->pdf, &result->notes, why);
	return ret;
}

int
render_payload(const struct profile *profile, struct span payload,
    const struct render_context *context, const struct limits *limits,
    struct pdf_fonts *fonts, struct findings *findings,
    struct render_result *result, struct why *why)
{
	struct why own = {0};
	struct document *document = NULL;
	json_t *value = NULL;
	int ret;

	why = why ? why : &own;
	if (!profile_structured(profile))
		return why_set(why, WHY_UNSUPPORTED,
		    "payloads of this message type are not rendered");
	if (profile->payload == PROFILE_PAYLOAD_XML)
		ret = xml_read(profile, payload, limits, findings, &value, why);
	else
		ret =
		    json_read(profile, payload, limits, findings, &value, why);
	if (ret == 0 && profile->as_xml)
		ret = json_xml_build(payload, limits, &result->xml, why);
	if (ret == 0)
		(void)presentation_in(
		    profile->shown, context->language, &result->fell_back);
	if (ret == 0)
		ret = presentation_document(profile->shown, value, context,
		    limits, &document, &result->unknown_count, why);
	json_decref(value); /* a tenth of what a large document takes */
	if (ret == 0)
		ret = documents_build(document, fonts, result, why);
	if (ret == WHY_TOO_LARGE && findings_none(findings))
		findings_add(findings, PART, "", "document", "%s", why->text);
	document_free(document);
	pdf_caches_clear(fonts);
	return ret;
}

static void
word_keep(void *context, struct span text)
{
	pdf_words_keep(context, text);
}

void
render_words_keep(const struct profile *profile, struct pdf_fonts *fonts)
{
	if (profile->shown != NULL)
		presentation_words(profile->shown, word_keep, fonts);
}
