/*
 * xml_schema - RELAX NG through libxml2: compiled once, checked many times.
 *
 * SECURITY: checks hostile documents. libxml2's sentences quote what they
 * found, so that ours are made from its codes.
 */
#include "formats/xml_priv.h"

#include <libxml/relaxng.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA_BYTES (1 * MIB)

struct xml_schema {
	xmlRelaxNGPtr compiled;
};

struct listener {
	struct findings *findings;
	const char *part;
	const xmlNode *last; /* the element of the last finding */
};

static long
line_of(const xmlNode *node)
{
	return node ? xmlGetLineNo((xmlNodePtr)(uintptr_t)node) : 1;
}

/* ---- compiling ---- */

static void
on_schema_error(void *context, xmlErrorPtr error)
{
	struct listener *listener = context;
	const xmlNode *node = error->node;

	xml_error_note(error);
	if (error->code == XML_ERR_NO_MEMORY || error->level < XML_ERR_ERROR)
		return;
	findings_add(listener->findings, listener->part, "", "relaxng",
	    "line %ld: the element %s does not make a RELAX NG schema",
	    line_of(node),
	    node && node->name ? (const char *)node->name : "grammar");
}

/* Other files would be read behind the back of profile_read.c. */
static bool
names_others(const xmlNode *node)
{
	for (const xmlNode *one = node->children; one; one = one->next) {
		if (one->type != XML_ELEMENT_NODE)
			continue;
		if (strcmp((const char *)one->name, "include") == 0 ||
		    strcmp((const char *)one->name, "externalRef") == 0 ||
		    names_others(one))
			return true;
	}
	return false;
}

static int
schema_build(struct xml_schema *schema, const struct xml_document *document,
    struct listener *listener, struct why *why)
{
	/* it makes a copy of its own */
	xmlRelaxNGParserCtxtPtr parser =
	    xmlRelaxNGNewDocParserCtxt(document->tree);

	if (parser == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a schema");
	xmlRelaxNGSetParserStructuredErrors(parser, on_schema_error, listener);
	schema->compiled = xmlRelaxNGParse(parser);
	xmlRelaxNGFreeParserCtxt(parser);
	if (xml_memory_failed())
		return why_set(why, WHY_NOMEM, "no memory for a schema");
	if (schema->compiled == NULL && findings_none(listener->findings))
		findings_add(listener->findings, listener->part, "", "relaxng",
		    "line 1: not a RELAX NG schema");
	return schema->compiled ? 0 : WHY_INVALID;
}

int
xml_schema_compile(struct span text, const char *file,
    struct findings *findings, struct xml_schema **out, struct why *why)
{
	static const struct xml_bounds bounds = {
	    SCHEMA_BYTES, 100, 100000, 64, true};
	struct listener listener = {.findings = findings, .part = file};
	struct xml_schema *schema = calloc(1, sizeof(*schema));
	struct xml_document *document = NULL;
	size_t before = findings->count;
	int ret;

	*out = NULL;
	if (schema == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a schema");
	ret = xml_text_read(text, &bounds, &document, why);
	if (ret == 0 && names_others((xmlNodePtr)document->tree))
		ret = why_set(why, WHY_INVALID,
		    "line 1: include and externalRef are not allowed");
	if (ret < 0 && ret != WHY_NOMEM) {
		findings_add(findings, file, "", "xml", "%s", why->text);
		ret = WHY_INVALID;
	}
	if (ret == 0)
		ret = schema_build(schema, document, &listener, why);
	xml_document_free(document);
	if (ret == 0 && findings->count > before)
		ret = WHY_INVALID;
	if (ret == WHY_INVALID)
		ret = findings_verdict(findings, why);
	if (ret == 0)
		*out = schema;
	else
		xml_schema_free(schema);
	return ret;
}

void
xml_schema_free(struct xml_schema *schema)
{
	if (schema == NULL)
		return;
	if (schema->compiled != NULL)
		xmlRelaxNGFree(schema->compiled);
	free(schema);
}

/* ---- checking ---- */

/* type: of the schema, where the error names one. */
static void
expected_by(const xmlError *error, const char **what, const char **type)
{
	*type = "";
	switch (error->code) {
	case XML_RELAXNG_ERR_TYPE:
	case XML_RELAXNG_ERR_TYPEVAL:
	case XML_RELAXNG_ERR_DATATYPE:
		*what = "a value that the schema allows, of type ";
		*type = error->str1 ? error->str1 : "text";
		break;
	case XML_RELAXNG_ERR_VALUE:
	case XML_RELAXNG_ERR_VALELEM:
		*what = "one of the values that the schema has here";
		break;
	case XML_RELAXNG_ERR_INVALIDATTR:
	case XML_RELAXNG_ERR_ATTRVALID:
	case XML_RELAXNG_ERR_ATTREXTRANS:
	case XML_RELAXNG_ERR_ATTRNAME:
	case XML_RELAXNG_ERR_ATTRWRONGNS:
		*what = "the attributes that the schema has here";
		break;
	case XML_RELAXNG_ERR_NOELEM:
		*what = "one more element, which the schema needs";
		break;
	case XML_RELAXNG_ERR_ELEMWRONGNS:
		*what = "an element of the schema's namespace";
		break;
	case XML_RELAXNG_ERR_ELEMWRONG:
	case XML_RELAXNG_ERR_ELEMNAME:
	case XML_RELAXNG_ERR_ELEMEXTRANS:
	case XML_RELAXNG_ERR_EXTRACONTENT:
		*what = "an element that the schema has here";
		break;
	default:
		*what = "an element as the schema describes it";
	}
}

/* What follows an error about an element says less about the same. */
static void
on_document_error(void *context, xmlErrorPtr error)
{
	struct listener *listener = context;
	const xmlNode *node = error->node;
	const char *what, *type;
	struct buf path;

	xml_error_note(error);
	if (node != NULL && node->type != XML_ELEMENT_NODE)
		node = node->parent;
	if (error->code == XML_ERR_NO_MEMORY ||
	    (node != NULL && node == listener->last))
		return;
	listener->last = node;
	if (listener->findings->count >= listener->findings->max) {
		/* counted only: a path costs a look at all siblings */
		findings_add(
		    listener->findings, listener->part, "", "relaxng", " ");
		return;
	}
	expected_by(error, &what, &type);
	buf_init(&path, 64 * KIB);
	xml_path_add(&path, node);
	findings_add(listener->findings, listener->part,
	    buf_text(&path) ? buf_text(&path) : "", "relaxng", "line %ld: %s%s",
	    line_of(node), what, type);
	buf_wipe(&path);
}

int
xml_schema_check(const struct xml_schema *schema, struct xml_document *document,
    const char *part, struct findings *findings, struct why *why)
{
	struct listener listener = {.findings = findings, .part = part};
	xmlRelaxNGValidCtxtPtr check = xmlRelaxNGNewValidCtxt(schema->compiled);
	int ret;

	if (check == NULL)
		return why_set(why, WHY_NOMEM, "no memory to check XML");
	xmlRelaxNGSetValidStructuredErrors(check, on_document_error, &listener);
	ret = xmlRelaxNGValidateDoc(check, document->tree);
	xmlRelaxNGFreeValidCtxt(check);
	if (xml_memory_failed())
		return why_set(why, WHY_NOMEM, "no memory to check XML");
	if (ret != 0 && findings_none(findings))
		findings_add(findings, part, "", "relaxng",
		    "line 1: a document that fits the schema");
	return ret == 0 ? 0 : findings_verdict(findings, why);
}
