/*
 * json_xml - a fixed, reversible mapping of JSON texts to XML, for systems that
 * read XML only; json_xml(7) and json_xml.rng describe it.
 */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "base/why.h"

#define JSON_XML_NAMESPACE "urn:budstikke:json:1"

/*
 * Append the XML of a JSON text (foreign bytes). Refused is what json.h
 * refuses, with its codes. The text may stand in any white space; of that
 * nothing is kept.
 */
int json_xml_build(struct span json, const struct limits *limits,
    struct buf *out, struct why *why);

/*
 * Append the JSON of such an XML text (foreign bytes): the very bytes that it
 * was made from, but for white space around values. WHY_MALFORMED or
 * WHY_TOO_LARGE with a line, WHY_INVALID when it is not of the mapping, two
 * names are equal, or a text and its JSON form do not agree; WHY_NOMEM.
 */
int json_xml_parse(struct span xml, const struct limits *limits,
    struct buf *out, struct why *why);
