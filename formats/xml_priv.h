/*
 * xml_priv - what xml.c (reading), xml_scan.c (bounds), xml_schema.c (schemas),
 * xml_fields*.c (what they know) and xml_value.c (values) share.
 */
#pragma once

#include "formats/xml.h"

#include <libxml/tree.h>

struct xml_document {
	xmlDocPtr tree; /* elements and texts only, but with bounds.comments */
	xmlNodePtr root;
};

/* One pass over the bytes, before the parser: what bounds says, and nothing
 * that names other texts. WHY_TOO_LARGE or WHY_MALFORMED with the line. */
int xml_scan(
    struct span text, const struct xml_bounds *bounds, struct why *why);

/* Append the path of an element, as /brev/mottaker[2]/navn. */
void xml_path_add(struct buf *out, const xmlNode *element);

/* The text is an XML Schema, by its root element. */
bool xml_is_xsd(const struct xml_document *document);

/* The one element at the top of an XML Schema that no other refers to; NULL
 * when there is none, or several. */
const xmlNode *xsd_root(const xmlNode *top);

/* What a handler of libxml2's errors tells first. */
void xml_error_note(const xmlError *error);

/* libxml2 was out of memory since the last call of this. */
bool xml_memory_failed(void);
