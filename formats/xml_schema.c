/*
 * xml_schema - RELAX NG and XML Schema through libxml2: compiled once, checked
 * many times.
 *
 * SECURITY: checks hostile documents. libxml2's sentences quote what they
 * found, so that ours are made from its codes.
 */
#include "formats/xml_priv.h"

#include <libxml/relaxng.h>
#include <libxml/xmlschemas.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA_BYTES (1 * MIB)

/* One of the two. */
struct xml_schema {
	xmlRelaxNGPtr relaxng;
	xmlSchemaPtr xsd;
	struct xml_document *document; /* of xsd, which refers to it */
	const xmlNode *root;           /* what a payload must be, by xsd */
};

struct listener {
	const char *rule; /* of findings */
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
	findings_add(listener->findings, listener->part, "", listener->rule,
	    "line %ld: the element %s does not make %s", line_of(node),
	    node && node->name ? (const char *)node->name : "grammar",
	    strcmp(listener->rule, "xsd") == 0 ? "an XML Schema"
					       : "a RELAX NG schema");
}

bool
xml_is_xsd(const struct xml_document *document)
{
	const xmlNode *root = document->root;

	return strcmp((const char *)root->name, "schema") == 0 &&
	       root->ns != NULL &&
	       strcmp((const char *)root->ns->href,
		   "http://www.w3.org/2001/XMLSchema") == 0;
}

/* Other files would be read behind the back of profile_read.c. */
static bool
names_others(const xmlNode *node)
{
	static const char *const words[] = {
	    "include", "externalRef", "import", "redefine"};

	for (const xmlNode *one = node->children; one; one = one->next) {
		if (one->type != XML_ELEMENT_NODE)
			continue;
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (strcmp((const char *)one->name, words[i]) == 0)
				return true;
		if (names_others(one))
			return true;
	}
	return false;
}

static int
relaxng_build(struct xml_schema *schema, const struct xml_document *document,
    struct listener *listener, struct why *why)
{
	/* it makes a copy of its own */
	xmlRelaxNGParserCtxtPtr parser =
	    xmlRelaxNGNewDocParserCtxt(document->tree);

	if (parser == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a schema");
	xmlRelaxNGSetParserStructuredErrors(parser, on_schema_error, listener);
	schema->relaxng = xmlRelaxNGParse(parser);
	xmlRelaxNGFreeParserCtxt(parser);
	return 0;
}

/* On success the document is the schema's. */
static int
xsd_build(struct xml_schema *schema, struct xml_document *take_document,
    struct listener *listener, struct why *why)
{
	xmlSchemaParserCtxtPtr parser =
	    xmlSchemaNewDocParserCtxt(take_document->tree);

	schema->document = take_document;
	if (parser == NULL)
		return why_set(why, WHY_NOMEM, "no memory for a schema");
	xmlSchemaSetParserStructuredErrors(parser, on_schema_error, listener);
	schema->xsd = xmlSchemaParse(parser);
	xmlSchemaFreeParserCtxt(parser);
	schema->root = xsd_root(take_document->root);
	if (schema->xsd != NULL && schema->root == NULL)
		findings_add(listener->findings, listener->part, "", "xsd",
		    "line %ld: one element that no other refers to, for the "
		    "payload to be",
		    line_of(take_document->root));
	return 0;
}

/* Takes the document. */
static int
schema_build(struct xml_schema *schema, struct xml_document *take_document,
    struct listener *listener, struct why *why)
{
	int ret;

	if (xml_is_xsd(take_document)) {
		listener->rule = "xsd";
		ret = xsd_build(schema, take_document, listener, why);
	} else {
		ret = relaxng_build(schema, take_document, listener, why);
		xml_document_free(take_document);
	}
	if (xml_memory_failed())
		ret = why_set(why, WHY_NOMEM, "no memory for a schema");
	if (ret < 0)
		return ret;
	if (schema->relaxng == NULL && schema->xsd == NULL &&
	    findings_none(listener->findings))
		findings_add(listener->findings, listener->part, "",
		    listener->rule, "line 1: not a schema");
	return schema->relaxng || schema->xsd ? 0 : WHY_INVALID;
}

int
xml_schema_compile(struct span text, const char *file,
    struct findings *findings, struct xml_schema **out, struct why *why)
{
	static const struct xml_bounds bounds = {
	    SCHEMA_BYTES, 100, 100000, 64, true};
	struct listener listener = {
	    .rule = "relaxng", .findings = findings, .part = file};
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
		    "line 1: a schema of one file, without include, import, "
		    "redefine and externalRef");
	if (ret < 0 && ret != WHY_NOMEM) {
		findings_add(findings, file, "", "xml", "%s", why->text);
		ret = WHY_INVALID;
	}
	if (ret == 0)
		ret = schema_build(schema, document, &listener, why);
	else
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
	if (schema->relaxng != NULL)
		xmlRelaxNGFree(schema->relaxng);
	if (schema->xsd != NULL)
		xmlSchemaFree(schema->xsd);
	xml_document_free(schema->document);
	free(schema);
}

/* ---- checking ---- */

/* type: of the schema, where the error names one. */
static void
expected_by(const xmlError *error, const char **what, const char **type)
{
	*type = "";
	switch (error->code) {
	case XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_1:
	case XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_2:
	case XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_3:
	case XML_SCHEMAV_CVC_LENGTH_VALID:
	case XML_SCHEMAV_CVC_MINLENGTH_VALID:
	case XML_SCHEMAV_CVC_MAXLENGTH_VALID:
	case XML_SCHEMAV_CVC_MININCLUSIVE_VALID:
	case XML_SCHEMAV_CVC_MAXINCLUSIVE_VALID:
	case XML_SCHEMAV_CVC_MINEXCLUSIVE_VALID:
	case XML_SCHEMAV_CVC_MAXEXCLUSIVE_VALID:
	case XML_SCHEMAV_CVC_TOTALDIGITS_VALID:
	case XML_SCHEMAV_CVC_FRACTIONDIGITS_VALID:
	case XML_SCHEMAV_CVC_PATTERN_VALID:
		*what = "a value that the schema allows";
		break;
	case XML_RELAXNG_ERR_TYPE:
	case XML_RELAXNG_ERR_TYPEVAL:
	case XML_RELAXNG_ERR_DATATYPE:
		*what = "a value that the schema allows, of type ";
		*type = error->str1 ? error->str1 : "text";
		break;
	case XML_SCHEMAV_CVC_ENUMERATION_VALID:
	case XML_RELAXNG_ERR_VALUE:
	case XML_RELAXNG_ERR_VALELEM:
		*what = "one of the values that the schema has here";
		break;
	case XML_SCHEMAV_CVC_COMPLEX_TYPE_3_1:
	case XML_SCHEMAV_CVC_COMPLEX_TYPE_3_2_1:
	case XML_SCHEMAV_CVC_COMPLEX_TYPE_3_2_2:
	case XML_SCHEMAV_CVC_COMPLEX_TYPE_4:
	case XML_SCHEMAV_CVC_AU:
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
	case XML_SCHEMAV_ELEMENT_CONTENT:
		*what = "the elements that the schema has here, in their order";
		break;
	case XML_SCHEMAV_CVC_ELT_1:
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
		findings_add(listener->findings, listener->part, "",
		    listener->rule, " ");
		return;
	}
	expected_by(error, &what, &type);
	buf_init(&path, 64 * KIB);
	xml_path_add(&path, node);
	findings_add(listener->findings, listener->part,
	    buf_text(&path) ? buf_text(&path) : "", listener->rule,
	    "line %ld: %s%s", line_of(node), what, type);
	buf_wipe(&path);
}

/* 0 when it fits, negative without memory, else positive. */
static int
relaxng_check(const struct xml_schema *schema,
    const struct xml_document *document, struct listener *listener)
{
	xmlRelaxNGValidCtxtPtr check = xmlRelaxNGNewValidCtxt(schema->relaxng);
	int ret;

	if (check == NULL)
		return -1;
	xmlRelaxNGSetValidStructuredErrors(check, on_document_error, listener);
	ret = xmlRelaxNGValidateDoc(check, document->tree);
	xmlRelaxNGFreeValidCtxt(check);
	return ret == 0 ? 0 : 1;
}

/* Any element at the top of the schema would do for libxml2. */
static bool
is_root(const struct xml_schema *schema, const xmlNode *node)
{
	xmlChar *name = xmlGetNoNsProp(
	    (xmlNodePtr)(uintptr_t)schema->root, (const xmlChar *)"name");
	bool same = xmlStrEqual(name, node->name);

	xmlFree(name);
	return same;
}

static int
xsd_check(const struct xml_schema *schema, const struct xml_document *document,
    struct listener *listener)
{
	xmlSchemaValidCtxtPtr check = xmlSchemaNewValidCtxt(schema->xsd);
	int ret;

	if (check == NULL)
		return -1;
	xmlSchemaSetValidStructuredErrors(check, on_document_error, listener);
	ret = xmlSchemaValidateDoc(check, document->tree);
	xmlSchemaFreeValidCtxt(check);
	return ret == 0 && is_root(schema, document->root) ? 0 : 1;
}

int
xml_schema_check(const struct xml_schema *schema, struct xml_document *document,
    const char *part, struct findings *findings, struct why *why)
{
	struct listener listener = {.rule = schema->xsd ? "xsd" : "relaxng",
	    .findings = findings,
	    .part = part};
	int ret = schema->xsd ? xsd_check(schema, document, &listener)
			      : relaxng_check(schema, document, &listener);

	if (ret < 0 || xml_memory_failed())
		return why_set(why, WHY_NOMEM, "no memory to check XML");
	if (ret != 0 && findings_none(findings))
		findings_add(findings, part, "", listener.rule,
		    "line 1: a document that fits the schema");
	return ret == 0 ? 0 : findings_verdict(findings, why);
}
