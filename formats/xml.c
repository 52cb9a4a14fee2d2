/*
 * xml - strict reading; see xml.h.
 *
 * SECURITY: reads hostile bytes. xml_scan.c bounds them before libxml2 sees
 * them; libxml2 gets no file, no network, no entity and no word on stderr.
 */
#include "formats/xml_priv.h"

#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <libxml/xmlmemory.h>
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* ---- libxml2, made harmless ---- */

static bool memory_failed;

static void
wiping_free(void *at)
{
	if (at == NULL)
		return;
	explicit_bzero(at, malloc_usable_size(at));
	free(at);
}

static void *
wiping_realloc(void *at, size_t size)
{
	size_t old = at ? malloc_usable_size(at) : 0;
	void *new;

	if (at != NULL && size <= old && size > old / 2)
		return at;
	new = malloc(size);
	if (new == NULL)
		return NULL;
	if (at != NULL)
		memcpy(new, at, old < size ? old : size);
	wiping_free(at);
	return new;
}

void
xml_error_note(const xmlError *error)
{
	if (error != NULL && error->code == XML_ERR_NO_MEMORY)
		memory_failed = true;
}

/* Its own sentences quote what they found. */
static void
error_swallow(void *context, xmlErrorPtr error)
{
	(void)context;
	xml_error_note(error);
}

__attribute__((format(printf, 2, 3))) static void
text_swallow(void *context, const char *format, ...)
{
	(void)context;
	(void)format;
}

static xmlParserInputPtr
nothing_load(const char *url, const char *id, xmlParserCtxtPtr context)
{
	(void)url;
	(void)id;
	(void)context;
	return NULL;
}

void
xml_start(void)
{
	static bool started;

	if (started)
		return;
	started = true;
	(void)xmlMemSetup(wiping_free, malloc, wiping_realloc, strdup);
	xmlInitParser();
	xmlSetExternalEntityLoader(nothing_load);
	xmlSetStructuredErrorFunc(NULL, error_swallow);
	xmlSetGenericErrorFunc(NULL, text_swallow);
}

bool
xml_memory_failed(void)
{
	bool failed = memory_failed;

	memory_failed = false;
	return failed;
}

/* ---- reading ---- */

struct xml_bounds
xml_bounds_of(const struct limits *limits)
{
	return (struct xml_bounds){.bytes = (size_t)limits->payload_bytes,
	    .depth = (size_t)limits->xml_depth,
	    .nodes = (size_t)limits->xml_nodes,
	    .attributes = (size_t)limits->xml_attributes};
}

/* The parser's own text quotes the input; ours never does. */
static const char *
reason_of(int code)
{
	switch (code) {
	case XML_ERR_TAG_NAME_MISMATCH:
		return "an end tag does not fit its start tag";
	case XML_ERR_TAG_NOT_FINISHED:
	case XML_ERR_DOCUMENT_END:
	case XML_ERR_GT_REQUIRED:
		return "the text ends too early, or a tag is not complete";
	case XML_ERR_DOCUMENT_EMPTY:
		return "there is no element";
	case XML_ERR_ATTRIBUTE_REDEFINED:
		return "an attribute stands twice in one element";
	case XML_ERR_INVALID_CHAR:
	case XML_ERR_INVALID_CHARREF:
		return "a character that XML does not allow";
	case XML_ERR_UNDECLARED_ENTITY:
	case XML_WAR_UNDECLARED_ENTITY:
		return "an entity other than lt, gt, amp, quot and apos";
	case XML_NS_ERR_UNDEFINED_NAMESPACE:
		return "a prefix without a namespace";
	case XML_ERR_UNKNOWN_VERSION:
		return "XML 1.0 is expected";
	default:
		return "not well-formed XML";
	}
}

struct first_error {
	int code;
	int line;
};

static void
error_first(void *context, xmlErrorPtr error)
{
	struct first_error *first = ((xmlParserCtxtPtr)context)->_private;

	xml_error_note(error);
	if (error == NULL || first->code != 0 || error->level < XML_ERR_ERROR)
		return;
	first->code = error->code;
	first->line = error->line;
}

/* Nothing but what xml_scan() lets through may have come out. */
static bool
tree_plain(const xmlNode *node, bool comments)
{
	for (const xmlNode *one = node->children; one; one = one->next) {
		bool plain = one->type == XML_ELEMENT_NODE ||
			     one->type == XML_TEXT_NODE ||
			     (comments && (one->type == XML_COMMENT_NODE ||
					      one->type == XML_PI_NODE));

		if (!plain || (one->type == XML_ELEMENT_NODE &&
				  !tree_plain(one, comments)))
			return false;
	}
	return true;
}

static int
tree_check(xmlDocPtr tree, const struct first_error *first, bool comments,
    struct why *why)
{
	if (xml_memory_failed())
		return why_set(why, WHY_NOMEM, "no memory for XML");
	if (first->code != 0)
		return why_set(why, WHY_MALFORMED, "line %d: %s",
		    first->line > 0 ? first->line : 1, reason_of(first->code));
	if (tree == NULL || xmlDocGetRootElement(tree) == NULL)
		return why_set(
		    why, WHY_MALFORMED, "line 1: not well-formed XML");
	if (tree->intSubset != NULL || tree->extSubset != NULL ||
	    !tree_plain((xmlNodePtr)tree, comments))
		return why_set(why, WHY_MALFORMED,
		    "line 1: only elements, attributes and texts are allowed");
	if (tree->version == NULL ||
	    strcmp((const char *)tree->version, "1.0") != 0)
		return why_set(why, WHY_MALFORMED, "line 1: %s",
		    reason_of(XML_ERR_UNKNOWN_VERSION));
	return 0;
}

static int
tree_parse(struct span text, bool comments, xmlDocPtr *out, struct why *why)
{
	/* HUGE: the bounds are ours, not its own smaller ones */
	static const int options = XML_PARSE_NONET | XML_PARSE_NOCDATA |
				   XML_PARSE_IGNORE_ENC | XML_PARSE_BIG_LINES |
				   XML_PARSE_HUGE;
	struct first_error first = {0};
	xmlParserCtxtPtr parser = xmlNewParserCtxt();
	int ret;

	*out = NULL;
	if (parser == NULL)
		return why_set(why, WHY_NOMEM, "no memory for XML");
	parser->_private = &first;
	parser->sax->serror = error_first;
	*out = xmlCtxtReadMemory(
	    parser, (const char *)text.at, (int)text.size, NULL, NULL, options);
	if (*out == NULL && parser->myDoc != NULL)
		xmlFreeDoc(parser->myDoc);
	parser->myDoc = NULL;
	ret = tree_check(*out, &first, comments, why);
	xmlFreeParserCtxt(parser);
	if (ret < 0) {
		xmlFreeDoc(*out);
		*out = NULL;
	}
	return ret;
}

int
xml_text_read(struct span text, const struct xml_bounds *bounds,
    struct xml_document **out, struct why *why)
{
	struct xml_document *document;
	int ret;

	*out = NULL;
	if (text.size > bounds->bytes || text.size > INT_MAX)
		return why_set(why, WHY_TOO_LARGE,
		    "%zu bytes, at most %zu are allowed", text.size,
		    bounds->bytes);
	if (text.size == 0)
		return why_set(why, WHY_MALFORMED, "line 1: %s",
		    reason_of(XML_ERR_DOCUMENT_EMPTY));
	ret = xml_scan(text, bounds, why);
	if (ret < 0)
		return ret;
	xml_start();
	document = calloc(1, sizeof(*document));
	if (document == NULL)
		return why_set(why, WHY_NOMEM, "no memory for XML");
	ret = tree_parse(text, bounds->comments, &document->tree, why);
	if (ret < 0) {
		free(document);
		return ret;
	}
	document->root = xmlDocGetRootElement(document->tree);
	*out = document;
	return 0;
}

void
xml_document_free(struct xml_document *document)
{
	if (document == NULL)
		return;
	xmlFreeDoc(document->tree);
	free(document);
}

/* ---- paths ---- */

/* The how-many-eth of its name among its siblings; 0 when it is alone. */
static unsigned
place_of(const xmlNode *element)
{
	unsigned before = 1;
	bool alone = true;
	const xmlNode *one;

	for (one = element->prev; one != NULL; one = one->prev)
		if (one->type == XML_ELEMENT_NODE &&
		    xmlStrEqual(one->name, element->name))
			before++;
	for (one = element->next; one != NULL && alone; one = one->next)
		alone = one->type != XML_ELEMENT_NODE ||
			!xmlStrEqual(one->name, element->name);
	return alone && before == 1 ? 0 : before;
}

void
xml_path_add(struct buf *out, const xmlNode *element)
{
	unsigned place;

	if (element == NULL || element->type != XML_ELEMENT_NODE)
		return;
	xml_path_add(out, element->parent);
	place = place_of(element);
	buf_add_byte(out, '/');
	buf_add_text(out, (const char *)element->name);
	if (place > 0)
		buf_printf(out, "[%u]", place);
}
