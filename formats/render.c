/*
 * render - payload to documents; see render.h.
 *
 * SECURITY: reads hostile bytes, and holds personal data only while it works.
 */
#include "formats/render.h"

#include "formats/commonmark.h"
#include "formats/json.h"
#include "formats/json_cut.h"
#include "formats/json_xml.h"
#include "formats/minimise.h"
#include "formats/pdf.h"
#include "formats/present.h"
#include "formats/schema.h"
#include "formats/xhtml.h"
#include "formats/xml.h"

#include <malloc.h>
#include <string.h>

#define PART "payload"
#define MEMORY_KEPT (4 << 20) /* bytes; a document takes one or two */

void
render_result_init(struct render_result *result, const struct limits *limits)
{
	*result = (struct render_result){0};
	buf_init(&result->pdf, (size_t)limits->document_bytes);
	buf_init(&result->xhtml, (size_t)limits->document_bytes);
	buf_init(&result->text, (size_t)limits->document_bytes);
	buf_init(&result->xml, (size_t)limits->document_bytes);
	buf_init(&result->stripped, (size_t)limits->payload_bytes);
	buf_init(&result->minimised, 1 * MIB);
}

void
render_result_clear(struct render_result *result)
{
	buf_wipe(&result->pdf);
	buf_wipe(&result->xhtml);
	buf_wipe(&result->text);
	buf_wipe(&result->xml);
	buf_wipe(&result->stripped);
	buf_wipe(&result->minimised);
	result->minimised_count = 0;
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
		    profile->xml_schema, document, PART, findings, why);
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
payload_read(const struct profile *profile, struct span payload,
    const struct limits *limits, struct findings *findings, json_t **out,
    struct why *why)
{
	return profile->payload == PROFILE_PAYLOAD_XML
		   ? xml_read(profile, payload, limits, findings, out, why)
		   : json_read(profile, payload, limits, findings, out, why);
}

static int
payload_cut(const struct profile *profile, struct span payload,
    const json_t *cuts, const struct limits *limits, struct buf *out,
    struct why *why)
{
	struct xml_bounds bounds = xml_bounds_of(limits);
	size_t count;

	if (profile->payload == PROFILE_PAYLOAD_XML)
		return xml_text_cut(payload, &bounds,
		    (const char *const *)profile->lists, cuts, out, why);
	return json_text_cut(payload, cuts, out, &count, why);
}

/* What may not pass goes, and what is left must still be a payload. */
static int
payload_strip(const struct profile *profile, struct span payload,
    const json_t *cuts, const struct limits *limits, struct findings *findings,
    struct render_result *result, json_t **value, struct why *why)
{
	int ret =
	    payload_cut(profile, payload, cuts, limits, &result->stripped, why);

	json_decref(*value);
	*value = NULL;
	if (ret == 0)
		ret = payload_read(profile, buf_span(&result->stripped), limits,
		    findings, value, why);
	if (ret == WHY_INVALID)
		findings_add(findings, PART, "", "minimisation",
		    "a payload that fits its schema without what the rules "
		    "take out");
	return ret;
}

/* The profile's rules about what should not pass. */
static int
payload_minimise(const struct profile *profile, struct span payload,
    int64_t received_ms, const struct limits *limits, struct findings *findings,
    struct render_result *result, json_t **value, struct why *why)
{
	struct minimise_result found;
	int ret;

	if (profile->minimise == NULL)
		return 0;
	ret = minimise_apply(profile->minimise, *value, received_ms, PART,
	    findings, &found, why);
	if (ret == 0 && found.count > 0)
		json_text_build(&result->minimised, found.report);
	result->minimised_count = found.count;
	if (ret == 0 && json_object_size(found.cuts) > 0)
		ret = payload_strip(profile, payload, found.cuts, limits,
		    findings, result, value, why);
	minimise_result_clear(&found);
	return ret;
}

static int
documents_build(const struct profile *profile, const struct document *document,
    struct pdf_fonts *fonts, struct render_result *result, struct why *why)
{
	int ret = xhtml_build(document, &result->xhtml, why);

	if (ret == 0 && profile->as_text)
		ret = commonmark_build(document, &result->text, why);
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
	struct render_context shown = *context;
	json_t *value = NULL;
	int ret;

	why = why ? why : &own;
	shown.logo = profile->logo;
	if (!profile_structured(profile))
		return why_set(why, WHY_UNSUPPORTED,
		    "payloads of this message type are not rendered");
	ret = payload_read(profile, payload, limits, findings, &value, why);
	if (ret == 0)
		ret = payload_minimise(profile, payload, context->received_ms,
		    limits, findings, result, &value, why);
	if (ret == 0 && profile->as_xml)
		ret = json_xml_build(result->stripped.size > 0
					 ? buf_span(&result->stripped)
					 : payload,
		    limits, &result->xml, why);
	if (ret == 0)
		(void)presentation_in(
		    profile->shown, context->language, &result->fell_back);
	if (ret == 0)
		ret = presentation_document(profile->shown, value, &shown,
		    limits, &document, &result->unknown_count, why);
	json_decref(value); /* a tenth of what a large document takes */
	if (ret == 0)
		ret = documents_build(profile, document, fonts, result, why);
	if (ret == WHY_TOO_LARGE && findings_none(findings))
		findings_add(findings, PART, "", "document", "%s", why->text);
	document_free(document);
	pdf_caches_clear(fonts);
	return ret;
}

void
render_memory_keep(void)
{
	(void)mallopt(M_ARENA_MAX, 1);
	(void)mallopt(M_TRIM_THRESHOLD, MEMORY_KEPT);
	(void)mallopt(M_MMAP_THRESHOLD, MEMORY_KEPT);
	(void)mallopt(M_TOP_PAD, MEMORY_KEPT / 4);
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
